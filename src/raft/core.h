// The consensus algorithm, pure: no clock, thread, file, socket or global randomness. Each call is one step:
// it takes an event and the time, and adds what the outside must do to an Effects. The same calls give the
// same effects.
//
// What the caller owes (Node and the simulation both do it):
//  1. hard_state, if set, is durable before any message or log operation of the same or a later step takes
//  effect.
//  2. log operations run in order; persisted() follows each append once it is durable.
//  3. messages may be lost, repeated, delayed and reordered at will.
//  4. entries up to apply_to() are applied in order, then applied() is called.
//  5. tick() is called at next_deadline() at the latest.
//
// Safety rests on Raft (Ongaro and Ousterhout 2014; sections cited below) with pre-vote and check-quorum
// (Ongaro's thesis, 9.6 and 6.2). Peers that do not announce pre-vote are hashicorp/raft's and are never sent
// one.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "raft/log_view.h"
#include "raft/node.h"
#include "raft/transport.h"
#include "raft/types.h"

namespace praetor::raft {

inline constexpr size_t kMaxAppendBytes =
    1 << 20;  // data of the entries in one message (one may exceed it alone)
inline constexpr size_t kMaxInflightAppends = 128;  // unanswered to one peer; hashicorp/raft's pipeline depth
inline constexpr size_t kMaxWaitingChanges = 64;    // configuration changes waiting for the one under way

struct CoreOptions {
  std::string id;
  std::string address;
  Timings timings;
  Duration commit_interval = std::chrono::milliseconds(50);  // commit index sent to an idle follower
  size_t max_append_entries = kMaxAppendEntries;
  // How long an acknowledged heartbeat lets the leader answer reads alone, and a follower refuse votes when
  // it has lost the connection to its leader.
  Duration read_lease = std::chrono::milliseconds(300);
  // One round of an election where every voter announces pre-vote (asking again early disturbs nobody there);
  // else timings.election_timeout.
  Duration fast_round = std::chrono::milliseconds(250);
  uint64_t seed = 1;  // of the timeouts' randomness
};

// What was found on disk.
struct CoreState {
  HardState hard_state;
  LogView log;
  Configuration configuration;  // of the snapshot
  uint64_t configuration_index = 0;
  std::vector<EntryRef> configurations;  // the log's configuration entries after the snapshot, in order
};

struct LogAppend {
  std::vector<EntryRef> entries;
};
struct LogTruncate {
  uint64_t from = 0;
};
struct LogCompact {
  uint64_t to = 0;
};
struct LogReset {
  uint64_t next_index = 0;
};
using LogOperation = std::variant<LogAppend, LogTruncate, LogCompact, LogReset>;

// Entries wanted for a follower that the cache does not hold: answer with fetched().
struct LogFetch {
  std::string peer_id;
  uint64_t from = 0, to = 0;
};
// The newest snapshot wanted by a peer: stream it, the response comes in by receive(); or call
// snapshot_failed().
struct SnapshotSend {
  Envelope envelope;  // a SnapshotRequest; meta is filled in by the outside
};
// The answer to read_index(), change_configuration(), transfer_leadership() under the caller's ticket.
struct Answer {
  uint64_t ticket = 0;
  Result<uint64_t>
      result;  // read: wait until this index is applied; change: index of the configuration entry
};

struct Effects {
  std::optional<HardState> hard_state;
  std::vector<LogOperation> log;
  std::vector<Envelope> messages;
  std::vector<LogFetch> fetches;
  std::vector<SnapshotSend> snapshots;
  std::vector<Answer> answers;
  std::vector<std::string> notes;  // one line each for the operator
  bool role_changed = false;
  bool leader_changed = false;
  bool configuration_changed = false;

  void clear();
};

struct Command {
  EntryType type = EntryType::kCommand;
  std::string data;
  std::string extensions;
};

class Core {
 public:
  Core(CoreOptions options, CoreState state, Instant now);

  // --- events ---
  void tick(Instant now, Effects& effects);
  // Leader: gives the commands the next indexes and returns the first of them. Leaves `commands` moved from.
  Result<uint64_t> propose(Instant now, std::vector<Command>& commands, Effects& effects);
  void persisted(Instant now, uint64_t index, uint64_t term, Effects& effects);
  void applied(uint64_t index);
  void receive(Instant now, Envelope envelope, Effects& effects);
  // All tickets of one call share one round of heartbeats.
  void read_index(Instant now, const std::vector<uint64_t>& tickets, Effects& effects);
  void change_configuration(Instant now, uint64_t ticket, ConfigurationChange change, Server server,
                            uint64_t previous_index, Effects& effects);
  // Begins a new cluster with this configuration. Fails when there is state already.
  Status bootstrap(Instant now, const Configuration& configuration, Effects& effects);
  void transfer_leadership(Instant now, uint64_t ticket, const std::string& id, Effects& effects);
  void fetched(Instant now, const std::string& peer_id, std::vector<EntryRef> entries, Effects& effects);
  void snapshot_failed(Instant now, const std::string& peer_id, uint64_t sequence, Effects& effects);
  // A local snapshot of [.., index] is durable: compacts, leaving `trailing` entries.
  void snapshot_taken(uint64_t index, uint64_t trailing, Effects& effects);
  // The store begins with this entry now (after a LogCompact).
  void compacted(uint64_t first_index);
  // A SnapshotRequest came whole, is durable and the state machine restored from it (accept_snapshot() said
  // yes).
  void snapshot_installed(Instant now, const Envelope& request, Effects& effects);
  // Leader: a user's restore is durable under this meta (see restore_index()).
  void snapshot_restored(Instant now, const SnapshotMeta& meta, Effects& effects);
  // By id or, where the transport knows no more, by address.
  void unreachable(Instant now, const std::string& peer, Effects& effects);
  void announce_extensions(const std::string& peer_id, bool announced);
  // The log has no room for more entries, or has some again. A leader hands over to the follower that has
  // most; without room this server stands for no election. It goes on to vote, and to take what it can.
  void set_full(Instant now, bool full, Effects& effects);
  // The disk failed: steps down and takes no further part.
  void fail(Instant now, Effects& effects);

  // --- questions ---
  // For an arriving SnapshotRequest: whether to receive it. If not, the refusal is in the effects.
  bool accept_snapshot(Instant now, const Envelope& request, Effects& effects);
  bool announces_extensions(const std::string& id) const;
  Instant next_deadline() const;
  Role role() const { return role_; }
  uint64_t term() const { return hard_state_.term; }
  const std::string& leader_id() const { return leader_id_; }
  std::string leader_address() const;
  uint64_t commit_index() const { return commit_; }
  // Committed and durable here.
  uint64_t apply_to() const { return std::min(commit_, log_.stable()); }
  uint64_t applied_index() const { return applied_; }
  const LogView& log() const { return log_; }
  const Configuration& configuration() const { return latest_; }
  uint64_t configuration_index() const { return latest_index_; }
  const Configuration& committed_configuration() const { return committed_; }
  uint64_t committed_configuration_index() const { return committed_index_; }
  // Until when the leader may answer reads alone; a time before `now` when it may not.
  Instant lease_end() const;
  std::optional<Instant> last_contact() const { return last_contact_; }
  // The index that a user's restore of a snapshot with this index takes. REQUIRES: leader.
  Result<uint64_t> restore_index(uint64_t snapshot_index) const;
  bool failed() const { return failed_; }

 private:
  enum class PeerState : uint8_t { kProbe, kPipeline, kSnapshot };
  struct Inflight {
    uint64_t sequence = 0;
    uint64_t last_index = 0;
    uint64_t previous_index = 0;
    Instant sent_at{};
    bool heartbeat = false;
  };
  struct Peer {
    Server server;
    PeerState state = PeerState::kProbe;
    uint64_t match = 0, next = 1;
    std::deque<Inflight> inflight;    // appends
    std::deque<Inflight> heartbeats;  // unanswered ones
    Instant last_contact{};           // when the newest acknowledged request was sent (at first: when added)
    Instant acknowledged_at{};        // the same without that grace: leases stand on it
    uint64_t acknowledged_sequence = 0;
    uint64_t commit_sent = 0;
    Instant commit_due{};
    Instant heartbeat_due{};
    Instant retry_at{};
    uint32_t failures = 0;
    bool fetching = false;
    bool ask = true;  // where the follower's log stands, or that it has the commit index, is not known: send
                      // something
    uint64_t snapshot_sequence = 0, snapshot_index = 0;
  };
  struct WaitingRead {
    uint64_t ticket = 0, index = 0, after_sequence = 0;
  };
  struct WaitingChange {
    uint64_t ticket = 0;
    ConfigurationChange change{};
    Server server;
    uint64_t previous_index = 0;
  };
  struct PendingAck {  // a follower's answer that waits for the disk
    Envelope to;
    uint64_t index = 0;
    uint64_t term = 0;
  };
  struct Transfer {
    uint64_t ticket = 0;
    std::string target;
    Instant deadline{};
    bool sent = false;
  };

  // core.cc
  void set_role(Role role, Effects& effects);
  void set_leader(std::string id, std::string address, Effects& effects);
  void become_follower(Instant now, uint64_t term, Effects& effects);
  void save_hard_state(Effects& effects);
  void append(Instant now, std::vector<EntryRef> entries, Effects& effects);
  void advance_commit(Instant now, Effects& effects);
  void commit_to(Instant now, uint64_t index, Effects& effects);
  void refresh_configuration(Instant now, Effects& effects);
  void truncate_from(Instant now, uint64_t index, Effects& effects);
  Envelope reply(const Envelope& request, Message message) const;
  void note(Effects& effects, std::string text) const;

  // core_election.cc
  void restart_election_timer(Instant now, Duration base);
  void campaign(Instant now, bool transfer, Effects& effects);
  void start_election(Instant now, bool transfer, Effects& effects);
  void become_leader(Instant now, Effects& effects);
  void on_vote_request(Instant now, const Envelope& envelope, const VoteRequest& request, Effects& effects);
  void on_vote_response(Instant now, const Envelope& envelope, const VoteResponse& response,
                        Effects& effects);
  bool log_is_current(uint64_t last_index, uint64_t last_term) const;
  bool hears_leader(Instant now) const;
  bool votes_suffice(const std::set<std::string>& votes) const;
  bool is_only_voter() const;
  bool may_campaign() const;
  Duration election_round() const;
  void on_timeout_now(Instant now, const Envelope& envelope, Effects& effects);

  // core_follower.cc
  void on_append_request(Instant now, const Envelope& envelope, const AppendRequest& request,
                         Effects& effects);
  void take_entries(Instant now, const AppendRequest& request, Effects& effects);
  void release_acks(Effects& effects);

  // core_replication.cc
  void replicate(Instant now, Peer& peer, Effects& effects);
  void replicate_all(Instant now, Effects& effects);
  bool send_append(Instant now, Peer& peer, bool allow_empty, Effects& effects);
  void send_entries(Instant now, Peer& peer, std::vector<EntryRef> entries, Effects& effects);
  void send_heartbeat(Instant now, Peer& peer, Effects& effects);
  void send_snapshot(Instant now, Peer& peer, Effects& effects);
  void on_append_response(Instant now, const Envelope& envelope, const AppendResponse& response,
                          Effects& effects);
  void on_snapshot_response(Instant now, const Envelope& envelope, const SnapshotResponse& response,
                            Effects& effects);
  void acknowledge(Peer& peer, const Inflight& request, Effects& effects);
  void reset_to_probe(Peer& peer);
  void tick_leader(Instant now, Effects& effects);
  // The greatest value that a majority of voters reaches. REQUIRES: there are voters.
  template <typename T, typename OfPeer>
  T majority_value(T own, OfPeer of_peer) const {
    std::vector<T> values;
    for (const Server& server : latest_.servers) {
      if (server.suffrage != Suffrage::kVoter) continue;
      auto peer = peers_.find(server.id);
      values.push_back(server.id == options_.id ? own : peer == peers_.end() ? T{} : of_peer(peer->second));
    }
    std::sort(values.begin(), values.end(), std::greater<>());
    return values.empty() ? T{} : values[values.size() / 2];
  }
  void rebuild_peers(Instant now);
  Peer* find_peer(const std::string& id);

  // core_requests.cc
  void serve_reads(Effects& effects);
  void start_next_change(Instant now, Effects& effects);
  Result<Configuration> changed_configuration(const WaitingChange& change) const;
  void fail_requests(std::string_view text, Effects& effects);
  void continue_transfer(Instant now, Effects& effects);
  Peer* most_current_voter();
  void send_timeout_now(const Peer& peer, Effects& effects);

  CoreOptions options_;
  Random random_;
  HardState hard_state_;
  LogView log_;
  Role role_ = Role::kFollower;
  bool failed_ = false, full_ = false;
  uint64_t commit_ = 0, applied_ = 0;
  Configuration latest_, committed_;
  uint64_t latest_index_ = 0, committed_index_ = 0;
  std::map<uint64_t, Configuration> uncommitted_;  // by entry index; the newest is latest_

  std::string leader_id_, leader_address_;
  std::optional<Instant> last_contact_;  // with the leader
  bool leader_lost_ = false;             // its connection broke
  bool leader_departed_ = false;         // so it did, and it had taken itself out of the cluster
  Instant started_{};
  Instant election_deadline_{};
  std::set<std::string> votes_, pre_votes_;
  bool pre_voting_ = false;
  std::map<std::string, bool> announced_;  // which peers announce extensions
  std::deque<PendingAck> pending_acks_;

  // Leader only.
  std::map<std::string, Peer> peers_;
  uint64_t sequence_ = 0;
  uint64_t term_start_ = 0;  // index of this term's noop
  std::vector<WaitingRead> reads_;
  std::deque<WaitingChange> changes_;
  uint64_t change_ticket_ = 0, change_index_ = 0;  // the one under way
  std::optional<Transfer> transfer_;
  bool lease_void_ = false;  // a TimeoutNow is under way somewhere: no lease in this term any more
};

}  // namespace praetor::raft
