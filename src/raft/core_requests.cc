// What users ask of a leader beside commands: reads, configuration changes, leadership transfer, restores
// (thesis 6.4, 4.1, 3.10).
#include <algorithm>

#include "base/check.h"
#include "raft/core.h"
#include "raft/mutation.h"

namespace praetor::raft {
namespace {
std::unexpected<Error> not_leader() {
  return praetor::fail(std::string(kErrNotLeader), ErrorKind::kNoLeader);
}
}  // namespace

void Core::fail_requests(std::string_view text, Effects& effects) {
  auto refuse = [&](uint64_t ticket) {
    effects.answers.push_back({ticket, praetor::fail(std::string(text), ErrorKind::kNoLeader)});
  };
  for (const WaitingRead& read : reads_) refuse(read.ticket);
  reads_.clear();
  if (change_index_ != 0) refuse(change_ticket_);
  change_ticket_ = change_index_ = 0;
  for (const WaitingChange& change : changes_) refuse(change.ticket);
  changes_.clear();
  if (transfer_) {
    // Having lost the leadership is what was asked for.
    if (transfer_->sent)
      effects.answers.push_back({transfer_->ticket, log_.last_index()});
    else
      refuse(transfer_->ticket);
  }
  transfer_.reset();
}

// --- reads ---

void Core::read_index(Instant now, const std::vector<uint64_t>& tickets, Effects& effects) {
  if (role_ != Role::kLeader) {
    for (uint64_t ticket : tickets) effects.answers.push_back({ticket, not_leader()});
    return;
  }
  // Whatever is sent after this moment and acknowledged proves that nobody else led at this moment.
  uint64_t index = planted(Mutation::kReadBeforeOwnTerm) ? commit_ : std::max(commit_, term_start_);
  for (uint64_t ticket : tickets) reads_.push_back({ticket, index, sequence_});
  for (auto& [id, peer] : peers_)
    if (peer.server.suffrage == Suffrage::kVoter) send_heartbeat(now, peer, effects);
  serve_reads(effects);
}

void Core::serve_reads(Effects& effects) {
  if (reads_.empty() || (commit_ < term_start_ && !planted(Mutation::kReadBeforeOwnTerm))) return;
  uint64_t confirmed =
      majority_value(UINT64_MAX, [](const Peer& peer) { return peer.acknowledged_sequence; });
  auto served = std::partition_point(reads_.begin(), reads_.end(), [&](const WaitingRead& read) {
    return read.after_sequence < confirmed || planted(Mutation::kReadWithoutRound);
  });
  for (auto read = reads_.begin(); read != served; ++read)
    effects.answers.push_back({read->ticket, read->index});
  reads_.erase(reads_.begin(), served);
}

// --- configuration ---

void Core::change_configuration(Instant now, uint64_t ticket, ConfigurationChange change, Server server,
                                uint64_t previous_index, Effects& effects) {
  if (role_ != Role::kLeader) {
    effects.answers.push_back({ticket, not_leader()});
  } else if (transfer_) {
    effects.answers.push_back(
        {ticket, praetor::fail(std::string(kErrTransferInProgress), ErrorKind::kNoLeader)});
  } else if (changes_.size() >= kMaxWaitingChanges) {
    effects.answers.push_back({ticket, praetor::fail("raft: " + std::to_string(kMaxWaitingChanges) +
                                                         " configuration changes are waiting already",
                                                     ErrorKind::kRateLimited)});
  } else {
    changes_.push_back({ticket, change, std::move(server), previous_index});
    start_next_change(now, effects);
  }
}

Result<Configuration> Core::changed_configuration(const WaitingChange& change) const {
  if (change.previous_index > 0 && change.previous_index != latest_index_)
    return praetor::fail("configuration changed since " + std::to_string(change.previous_index) +
                             " (latest is " + std::to_string(latest_index_) + ")",
                         ErrorKind::kBadRequest);
  Configuration next = latest_;
  auto found = std::find_if(next.servers.begin(), next.servers.end(),
                            [&](const Server& server) { return server.id == change.server.id; });
  bool known = found != next.servers.end();
  auto put = [&](Suffrage suffrage, bool keep_voter) {
    if (!known) {
      next.servers.push_back({suffrage, change.server.id, change.server.address});
      return;
    }
    if (!(keep_voter && found->suffrage == Suffrage::kVoter)) found->suffrage = suffrage;
    found->address = change.server.address;
  };
  switch (change.change) {
    case ConfigurationChange::kAddVoter:
      put(Suffrage::kVoter, false);
      break;
    case ConfigurationChange::kAddNonvoter:
      put(Suffrage::kNonvoter, true);
      break;
    case ConfigurationChange::kAddStaging:
      put(Suffrage::kStaging, true);
      break;
    case ConfigurationChange::kDemoteVoter:
      if (known) found->suffrage = Suffrage::kNonvoter;
      break;
    case ConfigurationChange::kRemoveServer:
      if (known) next.servers.erase(found);
      break;
  }
  TRY(check_configuration(next));
  return next;
}

// One at a time, and only once an entry of this term is committed: two majorities then always overlap
// (thesis, 4.1, and Ongaro's correction of 2015).
void Core::start_next_change(Instant now, Effects& effects) {
  while (role_ == Role::kLeader && !changes_.empty() && change_index_ == 0 &&
         ((latest_index_ == committed_index_ && commit_ >= term_start_) ||
          planted(Mutation::kTwoChangesAtOnce)) &&
         !transfer_) {
    WaitingChange change = std::move(changes_.front());
    changes_.pop_front();
    Result<Configuration> next = changed_configuration(change);
    if (!next) {
      effects.answers.push_back({change.ticket, std::unexpected(next.error())});
      continue;
    }
    note(effects, "updating configuration: servers=" + format_configuration(*next));
    std::vector<Command> commands(1);
    commands[0].type = EntryType::kConfiguration;
    commands[0].data = encode_configuration(*next);
    change_ticket_ = change.ticket;
    change_index_ = log_.last_index() + 1;
    Result<uint64_t> index = propose(now, commands, effects);
    CHECK(index.has_value() && *index == change_index_);
    return;
  }
}

// The first entry of every log: each server of a new cluster writes the same one by itself.
Status Core::bootstrap(Instant now, const Configuration& configuration, Effects& effects) {
  TRY(check_configuration(configuration));
  bool fresh = log_.last_index() == 0 && hard_state_.term <= 1 && hard_state_.voted_for.empty();
  if (failed_ || !fresh) return praetor::fail(std::string(kErrCantBootstrap), ErrorKind::kBadRequest);
  if (hard_state_.term == 0) {
    hard_state_.term = 1;
    save_hard_state(effects);
  }
  auto entry = std::make_shared<Entry>();
  entry->index = entry->term = 1;
  entry->type = EntryType::kConfiguration;
  entry->data = encode_configuration(configuration);
  append(now, {entry}, effects);
  note(effects, "bootstrapped: servers=" + format_configuration(configuration));
  restart_election_timer(now, options_.timings.heartbeat_timeout);
  return {};
}

// --- leadership transfer ---

void Core::transfer_leadership(Instant now, uint64_t ticket, const std::string& id, Effects& effects) {
  auto refuse = [&](std::string text) {
    effects.answers.push_back({ticket, praetor::fail(std::move(text), ErrorKind::kBadRequest)});
  };
  if (role_ != Role::kLeader) {
    effects.answers.push_back({ticket, not_leader()});
    return;
  }
  if (transfer_) return refuse(std::string(kErrTransferInProgress));
  std::string target = id;
  if (target.empty()) {
    const Peer* best = most_current_voter();
    if (best == nullptr) return refuse("cannot find peer");
    target = best->server.id;
  }
  if (target == options_.id) return refuse("cannot transfer leadership to itself");
  Peer* peer = find_peer(target);
  if (peer == nullptr) return refuse("cannot find replication state for " + target);
  if (peer->server.suffrage != Suffrage::kVoter)
    return refuse("cannot transfer leadership to " + target + ": not a voter");
  transfer_ = Transfer{ticket, target, now + options_.timings.election_timeout, false};
  replicate(now, *peer, effects);
  continue_transfer(now, effects);
}

void Core::continue_transfer(Instant, Effects& effects) {
  if (!transfer_ || transfer_->sent) return;
  Peer* peer = find_peer(transfer_->target);
  if (peer == nullptr || peer->match != log_.last_index()) return;
  transfer_->sent = lease_void_ = true;
  send_timeout_now(*peer, effects);
}

Core::Peer* Core::most_current_voter() {
  Peer* best = nullptr;
  for (auto& [id, peer] : peers_)
    if (peer.server.suffrage == Suffrage::kVoter && (best == nullptr || peer.match > best->match))
      best = &peer;
  return best;
}

void Core::send_timeout_now(const Peer& peer, Effects& effects) {
  effects.messages.push_back({.peer_id = peer.server.id,
                              .peer_address = peer.server.address,
                              .sequence = ++sequence_,
                              .message = TimeoutNowRequest{term()}});
}

void Core::set_full(Instant now, bool full, Effects& effects) {
  if (failed_ || full_ == full) return;
  full_ = full;
  if (!full || role_ == Role::kFollower) return;
  if (const Peer* heir = role_ == Role::kLeader ? most_current_voter() : nullptr)
    send_timeout_now(*heir, effects);
  become_follower(now, term(), effects);
}

// --- a user's restore ---

Result<uint64_t> Core::restore_index(uint64_t snapshot_index) const {
  if (role_ != Role::kLeader) return not_leader();
  if (latest_index_ != committed_index_)
    return praetor::fail("cannot restore snapshot now, wait until the configuration entry at " +
                         std::to_string(latest_index_) + " has been applied (have applied " +
                         std::to_string(committed_index_) + ")");
  return std::max(log_.last_index(), snapshot_index) + 1;
}

void Core::snapshot_restored(Instant now, const SnapshotMeta& meta, Effects& effects) {
  CHECK(meta.index > log_.last_index());
  log_.reset(meta.index, meta.term);
  effects.log.push_back(LogReset{meta.index + 1});
  commit_ = applied_ = meta.index;
  if (role_ != Role::kLeader) return;
  // Followers lack everything up to here: they get the snapshot.
  for (auto& [id, peer] : peers_) reset_to_probe(peer);
  serve_reads(effects);
  std::vector<Command> noop(1);
  noop[0].type = EntryType::kNoop;
  if (!transfer_) (void)propose(now, noop, effects);
}

}  // namespace praetor::raft
