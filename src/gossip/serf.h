// The layer over Swim that tells leaving from failing and spreads events and queries in the whole pool:
// Serf's protocol 4 (wire.md 3). Joins, leaves, events and queries carry Lamport times (Lamport 1978), so
// that what arrives late or twice is known as such. Pure, as swim.h: each call takes the time and adds what
// the outside must do to a SerfEffects. Single-threaded.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gossip/coordinate.h"
#include "gossip/keyring.h"
#include "gossip/member.h"
#include "gossip/serf_message.h"
#include "gossip/snapshot.h"
#include "gossip/swim.h"

namespace praetor::gossip {

inline constexpr size_t kMaxEventsPerTime = 1024;  // different events (or queries) of one Lamport time
inline constexpr size_t kMaxIntents = 1 << 16;     // of members that are not known yet
inline constexpr size_t kMaxRunningQueries = 256;  // of this member's own

// Somebody's question (never an internal one): answer with respond() before the deadline.
struct QueryEvent {
  LamportTime ltime = 0;
  uint32_t id = 0;
  std::string name, payload;
  Address from;
  std::string source_node;
  uint8_t relay_factor = 0;
  Instant deadline{};
};
// An answer to this member's own query, and its end.
struct QueryReply {
  uint64_t ticket = 0;
  bool ack = false;
  std::string from, payload;
};
struct QueryDone {
  uint64_t ticket = 0;
};
struct JoinDone {
  uint64_t ticket = 0;
  Status status;
};
// What the members said to a change of the keys.
struct KeyReport {
  std::map<std::string, std::string> messages;        // by member
  std::map<std::string, int64_t> keys, primary_keys;  // base64 -> members that have it
  int64_t members = 0, answers = 0, errors = 0;
};
struct KeysDone {
  uint64_t ticket = 0;
  KeyReport report;
  Status status;  // `2/3 nodes reported success`
};
// remove_failed() has been told to the others, or that took too long.
struct RemovalDone {
  uint64_t ticket = 0;
  Status status;
};
struct LeaveDone {};

using SerfEvent = std::variant<MemberEvent, UserEvent, QueryEvent, QueryReply, QueryDone, JoinDone, KeysDone,
                               RemovalDone, LeaveDone>;

struct SerfEffects {
  Effects net;
  std::vector<SerfEvent> events;  // in order
};

struct SerfOptions {
  SwimOptions swim;  // name, address, timings; the meta data is made of the tags
  Tags tags;
  Keyring* keyring = nullptr;  // null: encryption is off. The framing's; outlives the Serf
  // Called when the keyring has changed; what it says goes to whoever asked for the change.
  std::function<Status(const Keyring&)> save_keyring;
  // A veto against members that want to take part.
  std::function<Status(const std::vector<Member>&)> veto;
  Snapshot snapshot;  // what was read at the start
  bool coordinates = true;
  Duration broadcast_timeout = std::chrono::seconds(5);
  Duration leave_propagate_delay = std::chrono::seconds(3);
  Duration reap_interval = std::chrono::seconds(15);
  Duration reconnect_interval = std::chrono::seconds(30);
  Duration reconnect_timeout = std::chrono::hours(72);
  Duration tombstone_timeout = std::chrono::hours(24);
  Duration recent_intent_timeout = std::chrono::minutes(5);
  size_t user_event_limit = kMaxUserEventBytes;
  size_t least_queue_depth = 4096;  // a queue keeps this many broadcasts, or twice the members
};

struct QueryParams {
  std::vector<QueryFilter> filters;
  bool want_ack = false;
  uint8_t relay_factor = 0;
  Duration timeout{0};  // 0: by the size of the cluster
};

enum class KeyOperation : uint8_t { kList, kInstall, kUse, kRemove };

class Serf final : private SwimDelegate {
 public:
  // Tags beyond kMaxMetaBytes encoded are refused.
  static Result<std::unique_ptr<Serf>> make(SerfOptions options);

  // --- inputs, as Swim's ---
  void start(Instant now, SerfEffects& effects);
  void tick(Instant now, SerfEffects& effects);
  Status packet(Instant now, const Address& from, std::string_view message, SerfEffects& effects);
  Result<std::string> stream(Instant now, const Address& from, std::string_view message,
                             SerfEffects& effects);
  void stream_reply(Instant now, uint64_t id, Result<std::string> message, SerfEffects& effects);
  Instant next_deadline() const;

  // --- the operator's wishes; those with a ticket end in an event ---
  // `ignore_old`: events from before the join are not delivered.
  Result<uint64_t> join(Instant now, const Address& address, bool ignore_old, SerfEffects& effects);
  // Goes in good order: tells the others, waits until they know, then LeaveDone.
  Status leave(Instant now, SerfEffects& effects);
  // A failed member counts as left; with `prune` it is forgotten at once.
  uint64_t remove_failed(Instant now, const std::string& name, bool prune, SerfEffects& effects);
  Status user_event(Instant now, std::string name, std::string payload, bool coalesce, SerfEffects& effects);
  Result<uint64_t> query(Instant now, std::string name, std::string payload, const QueryParams& params,
                         SerfEffects& effects);
  Status respond(Instant now, const QueryEvent& query, std::string payload, SerfEffects& effects);
  Status set_tags(Instant now, Tags tags, SerfEffects& effects);
  // `key` is base64; empty for kList.
  Result<uint64_t> change_keys(Instant now, KeyOperation operation, std::string_view key,
                               uint8_t relay_factor, SerfEffects& effects);

  // --- questions ---
  std::vector<Member> members() const;
  // The same, by name, each one made once; `members_version` changes whenever the list does.
  MemberList member_list();
  uint64_t members_version() const { return members_version_; }
  std::optional<Member> member(std::string_view name) const;
  Member local_member() const { return *member(options_.swim.name); }
  size_t member_count() const { return members_.size(); }
  size_t alive_count() const { return swim_.alive_count(); }
  const Tags& tags() const { return options_.tags; }
  bool leaving() const { return state_ != State::kAlive; }
  Duration default_query_timeout() const;
  const Coord& coordinate() const { return coordinates_.coordinate(); }
  const Coord* cached_coordinate(const std::string& name) const;
  // `consul info`: encrypted, event_queue, event_time, failed, health_score, …
  std::map<std::string, std::string> stats() const;
  Snapshot& snapshot() { return snapshot_; }
  const Swim& swim() const { return swim_; }
  // For simulations.
  void assume(Instant now, NodeInfoPtr info, uint32_t incarnation, SerfEffects& effects);

 private:
  enum class State : uint8_t { kAlive, kLeavingIntent, kLeavingSwim, kLeavingWait, kLeft };
  struct Entry {
    NodeInfoPtr info;
    MemberStatus status = MemberStatus::kNone;
    LamportTime status_ltime = 0;
    Instant gone_at{};
    MemberPtr shown;  // as of the last list; null: it has changed since
  };
  struct Intent {
    bool leave = false;
    LamportTime ltime = 0;
    Instant heard{};
  };
  struct RunningQuery {
    uint32_t id = 0;
    uint64_t ticket = 0;
    Instant deadline{};
    std::set<std::string> acks, answers;
    std::optional<KeyReport> keys;  // of change_keys()
  };
  struct Removal {
    uint64_t ticket = 0;
    Instant deadline{};
  };

  explicit Serf(SerfOptions options);
  void begin(Instant now, SerfEffects& effects) {
    now_ = now;
    effects_ = &effects;
    swim_.begin(now, effects.net);
  }
  void finish();
  void emit(SerfEvent event) { effects_->events.push_back(std::move(event)); }
  void emit(MemberEvent::Kind kind, const Entry& entry);
  Member member_of(const Entry& entry) const;
  void set_status(Entry& entry, MemberStatus status);
  void changed(Entry& entry) {
    entry.shown.reset();
    ++members_version_;
  }
  static void witness(LamportTime& clock, LamportTime seen) { clock = std::max(clock, seen + 1); }
  bool is_self(std::string_view name) const { return name == options_.swim.name; }
  bool has_alive_others() const;
  uint64_t broadcast_intent(std::string message);

  // serf_members.cc: SwimDelegate and what follows from it
  void node_joined(const Node& node) override;
  void node_left(const Node& node) override;
  void node_updated(const Node& node) override;
  Status check_alive(const NodeInfo& info) override;
  Status check_merge(const std::vector<Node>& nodes) override;
  void name_conflict(const Node& known, const NodeInfo& other) override;
  bool take_join_intent(const JoinIntent& intent);
  bool take_leave_intent(const LeaveIntent& intent);
  bool remember_intent(const std::string& node, bool leave, LamportTime ltime);
  void broadcast_join();
  void prune(const std::string& name, const Entry& entry);
  void erase(const std::string& name);
  void reap();
  void reconnect();
  void rejoin();
  void advance_leave();

  // serf.cc: messages
  void user_message(std::string_view message) override;
  Result<bool> take_message(std::string_view message);
  bool has_broadcasts() const override;
  void take_broadcasts(size_t overhead, size_t limit, size_t most, std::vector<std::string>& out) override;
  std::string local_state(bool join) override;
  void merge_state(std::string_view state, bool join) override;
  std::string ack_payload() override;
  void ping_done(const Node& node, Duration rtt, std::string_view payload) override;
  void join_done(uint64_t ticket, const Status& status) override;
  void broadcast_done(uint64_t ticket) override;
  bool take_user_event(UserEventMessage event);

  // serf_query.cc
  bool take_query(QueryMessage query);
  bool concerns_me(const List<Bytes>& filters) const;
  void take_query_response(QueryResponseMessage response);
  void answer_internal(const QueryEvent& query);
  KeyResponse change_own_keys(std::string_view operation, std::string_view payload);
  KeyResponse list_own_keys() const;
  Status send_response(const QueryEvent& query, const QueryResponseMessage& response);
  std::string fit_key_response(const QueryEvent& query, KeyResponse response) const;
  QueryResponseMessage response_to(const QueryEvent& query, std::string payload) const;
  void deliver(const Address& to, std::string_view name, const std::string& message);
  void count_key_answer(RunningQuery& running, const QueryResponseMessage& response);
  void end_query(LamportTime ltime);
  void expire_queries();

  SerfOptions options_;
  State state_ = State::kAlive;
  std::map<std::string, Entry, std::less<>> members_;
  uint64_t members_version_ = 0;
  std::map<std::string, Intent, std::less<>> intents_;
  LamportTime clock_ = 1, event_clock_ = 1, query_clock_ = 1;
  LamportTime event_least_ = 0, query_least_ = 0;  // what is older is not delivered
  std::map<LamportTime, std::vector<std::pair<std::string, std::string>>> events_;  // seen: name, payload
  std::map<LamportTime, std::vector<uint32_t>> queries_;                            // seen: ids
  std::map<LamportTime, RunningQuery> running_;
  std::optional<KeyReport> pending_keys_;  // for the query that change_keys() is about to ask
  BroadcastQueue intent_queue_, event_queue_, query_queue_;

  uint64_t last_ticket_ = 0;
  std::map<uint64_t, bool> joins_;           // by Swim's ticket: ignore old events
  std::optional<bool> joining_ignores_old_;  // while the reply of a join is merged
  std::map<uint64_t, Removal> removals_;     // by the intent's ticket
  std::multimap<Instant, std::string> prunes_;
  std::vector<std::pair<std::string, Address>> rejoins_;  // previous members to try, the next one last
  std::optional<uint64_t> rejoining_;
  bool rejoins_tried_ = false;

  uint64_t leave_ticket_ = 0;
  Instant leave_deadline_ = Instant::max();
  Instant reap_due_{}, reconnect_due_{};
  Instant clock_noted_{};

  CoordinateClient coordinates_;
  std::map<std::string, Coord> coordinate_cache_;
  Snapshot snapshot_;
  Swim swim_;

  // Of the step under way.
  Instant now_{};
  SerfEffects* effects_ = nullptr;
};

}  // namespace praetor::gossip
