// The follower's side of replication and of snapshots (Raft 5.3, 7).
#include <algorithm>

#include "raft/core.h"
#include "raft/mutation.h"

namespace praetor::raft {

void Core::on_append_request(Instant now, const Envelope& envelope, const AppendRequest& request,
                             Effects& effects) {
  auto refuse = [&](uint64_t hint, bool no_backoff) {
    effects.messages.push_back(
        reply(envelope, AppendResponse{term(), hint, /*success=*/false, /*no_retry_backoff=*/no_backoff}));
  };
  if (request.term < term()) return refuse(log_.last_index(), false);
  if (request.term == term() && role_ == Role::kLeader) {
    note(effects, "ignoring an append of another leader in term " + std::to_string(term()) +
                      ": peer=" + envelope.peer_id);
    return refuse(log_.last_index(), false);
  }
  if (request.term > term() || role_ != Role::kFollower || pre_voting_)
    become_follower(now, request.term, effects);
  set_leader(envelope.peer_id, envelope.peer_address, effects);
  last_contact_ = now;
  leader_lost_ = leader_departed_ = false;
  restart_election_timer(now, options_.timings.heartbeat_timeout);
  if (request.heartbeat) {
    effects.messages.push_back(reply(envelope, AppendResponse{term(), log_.last_index(), true, false}));
    return;
  }
  // Entries up to the commit index are the leader's too (leader completeness), also when they are compacted
  // here.
  if (request.previous_index > commit_) {
    auto previous_term = log_.term(request.previous_index);
    if (!previous_term) return refuse(log_.last_index(), true);
    // The whole run of this term may differ: the leader goes back before it in one step.
    if (*previous_term != request.previous_term)
      return refuse(std::max(commit_, log_.first_of_term(request.previous_index) - 1), true);
  }
  take_entries(now, request, effects);
  uint64_t matched = request.previous_index + request.entries.size();
  if (matched <= log_.last_index()) {
    uint64_t known = planted(Mutation::kCommitPastMatch) ? log_.last_index() : matched;
    commit_to(now, std::min(request.commit_index, known), effects);
    pending_acks_.push_back({reply(envelope, AppendResponse{term(), 0, true, false}), matched, term()});
  } else {
    refuse(log_.last_index(), true);  // a gap inside the message
  }
  release_acks(effects);
}

void Core::take_entries(Instant now, const AppendRequest& request, Effects& effects) {
  std::vector<EntryRef> fresh;
  uint64_t expected = request.previous_index;
  for (const EntryRef& entry : request.entries) {
    if (entry->index != ++expected) return;
    if (entry->index <= commit_) continue;
    if (fresh.empty() && entry->index <= log_.last_index()) {
      if (log_.term(entry->index) == entry->term) continue;
      note(effects, "clearing log suffix: from=" + std::to_string(entry->index) +
                        " to=" + std::to_string(log_.last_index()));
      truncate_from(now, entry->index, effects);
    }
    if (entry->term < (fresh.empty() ? log_.last_term() : fresh.back()->term)) return;
    fresh.push_back(entry);
  }
  if (!fresh.empty()) append(now, std::move(fresh), effects);
}

// Success is said only for what the disk has.
void Core::release_acks(Effects& effects) {
  while (!pending_acks_.empty()) {
    PendingAck& ack = pending_acks_.front();
    auto& response = std::get<AppendResponse>(ack.to.message);
    if (ack.term == term() && ack.index > log_.stable() && !planted(Mutation::kAckBeforeSync)) return;
    response.success = ack.term == term();
    response.term = term();
    response.last_index = log_.last_index();
    effects.messages.push_back(std::move(ack.to));
    pending_acks_.pop_front();
  }
}

bool Core::accept_snapshot(Instant now, const Envelope& envelope, Effects& effects) {
  const auto& request = std::get<SnapshotRequest>(envelope.message);
  if (failed_) return false;
  Envelope known = envelope;
  if (request.term < term() || request.meta.index <= commit_) {
    // Already has it: the leader may go on from there.
    effects.messages.push_back(reply(known, SnapshotResponse{term(), request.term >= term()}));
    return false;
  }
  if (request.term > term() || role_ != Role::kFollower) become_follower(now, request.term, effects);
  std::string id = !envelope.peer_id.empty() ? envelope.peer_id : request.leader_id;
  std::string address = !envelope.peer_address.empty() ? envelope.peer_address : request.leader_address;
  for (const Server& server : latest_.servers)
    if (id.empty() && server.address == address) id = server.id;
  set_leader(id, address, effects);
  last_contact_ = now;
  restart_election_timer(now, options_.timings.heartbeat_timeout);
  return true;
}

void Core::snapshot_installed(Instant now, const Envelope& envelope, Effects& effects) {
  const auto& request = std::get<SnapshotRequest>(envelope.message);
  const SnapshotMeta& meta = request.meta;
  if (meta.index > commit_) {
    if (log_.stable() >= meta.index && log_.term(meta.index) == meta.term) {
      log_.snapshot_taken(meta.index, meta.term);  // what follows it in the log stays
      commit_ = applied_ = meta.index;
    } else {
      pending_acks_.clear();
      log_.reset(meta.index, meta.term);
      effects.log.push_back(LogReset{meta.index + 1});
      commit_ = applied_ = meta.index;
    }
    uncommitted_.erase(uncommitted_.begin(), uncommitted_.upper_bound(meta.index));
    if (log_.last_index() == meta.index) uncommitted_.clear();
    committed_ = meta.configuration;
    committed_index_ = meta.configuration_index;
    refresh_configuration(now, effects);
    note(effects, "installed remote snapshot: index=" + std::to_string(meta.index));
  }
  last_contact_ = now;
  restart_election_timer(now, options_.timings.heartbeat_timeout);
  effects.messages.push_back(reply(envelope, SnapshotResponse{term(), term() == request.term}));
}

}  // namespace praetor::raft
