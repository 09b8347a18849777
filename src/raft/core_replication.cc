// The leader's side of replication: pipelined appends, heartbeats, leases, snapshots (Raft 5.3, 7;
// thesis 6.2, 10.2).
#include <algorithm>

#include "base/check.h"
#include "raft/core.h"
#include "raft/mutation.h"

namespace praetor::raft {
namespace {
constexpr uint32_t kMaxBackoffDoublings = 6;
}

Core::Peer* Core::find_peer(const std::string& id) {
  auto found = peers_.find(id);
  return found == peers_.end() ? nullptr : &found->second;
}

void Core::rebuild_peers(Instant now) {
  std::map<std::string, Peer> peers;
  for (const Server& server : latest_.servers) {
    if (server.id == options_.id) continue;
    auto known = peers_.find(server.id);
    Peer peer;
    if (known != peers_.end()) {
      peer = std::move(known->second);
    } else {
      peer.next = log_.last_index() + 1;
      peer.last_contact = now;
      peer.heartbeat_due = now;
    }
    peer.server = server;
    peers.emplace(server.id, std::move(peer));
  }
  peers_ = std::move(peers);
}

void Core::reset_to_probe(Peer& peer) {
  peer.state = PeerState::kProbe;
  peer.inflight.clear();
  peer.next = peer.match + 1;
  peer.fetching = false;
  peer.ask = true;
}

void Core::replicate_all(Instant now, Effects& effects) {
  for (auto& [id, peer] : peers_) replicate(now, peer, effects);
}

void Core::replicate(Instant now, Peer& peer, Effects& effects) {
  if (peer.retry_at != Instant{} && now < peer.retry_at) return;
  peer.retry_at = {};
  while (send_append(now, peer, peer.ask && peer.inflight.empty(), effects)) {
  }
}

// One message, if there is something to say and room for it. Returns whether another may follow.
bool Core::send_append(Instant now, Peer& peer, bool allow_empty, Effects& effects) {
  if (peer.state == PeerState::kSnapshot || peer.fetching) return false;
  if (peer.inflight.size() >= (peer.state == PeerState::kProbe ? 1 : kMaxInflightAppends)) return false;
  uint64_t last = log_.last_index();
  if (peer.next > last) {
    if (!allow_empty) return false;
    send_entries(now, peer, {}, effects);
    return false;
  }
  if (peer.next < log_.first_index() || !log_.term(peer.next - 1)) {
    send_snapshot(now, peer, effects);
    return false;
  }
  std::vector<EntryRef> entries;
  size_t bytes = 0;
  for (uint64_t index = peer.next; index <= last && entries.size() < options_.max_append_entries; ++index) {
    EntryRef entry = log_.cached(index);
    if (!entry) break;
    if (!entries.empty() && bytes + entry->data.size() > kMaxAppendBytes) break;
    bytes += entry->data.size();
    entries.push_back(std::move(entry));
  }
  if (entries.empty()) {
    peer.fetching = true;
    effects.fetches.push_back(
        {peer.server.id, peer.next, std::min(last, peer.next + options_.max_append_entries - 1)});
    return false;
  }
  send_entries(now, peer, std::move(entries), effects);
  return true;
}

void Core::fetched(Instant now, const std::string& peer_id, std::vector<EntryRef> entries, Effects& effects) {
  Peer* peer = find_peer(peer_id);
  if (role_ != Role::kLeader || peer == nullptr || !peer->fetching) return;
  peer->fetching = false;
  // Answers to a question asked before a reset do not fit any more; an empty answer means compacted
  // meanwhile.
  bool fits = !entries.empty() && entries.front()->index == peer->next && peer->next >= log_.first_index() &&
              log_.term(peer->next - 1) && log_.term(entries.back()->index) == entries.back()->term;
  if (fits) send_entries(now, *peer, std::move(entries), effects);
  replicate(now, *peer, effects);
}

void Core::send_entries(Instant now, Peer& peer, std::vector<EntryRef> entries, Effects& effects) {
  uint64_t previous = peer.next - 1, last = previous + entries.size();
  Inflight inflight{.sequence = ++sequence_, .last_index = last, .previous_index = previous, .sent_at = now};
  uint64_t commit = commit_;
  effects.messages.push_back({.peer_id = peer.server.id,
                              .peer_address = peer.server.address,
                              .sequence = inflight.sequence,
                              .message = AppendRequest{.term = term(),
                                                       .leader_id = options_.id,
                                                       .leader_address = options_.address,
                                                       .previous_index = previous,
                                                       .previous_term = log_.term(previous).value_or(0),
                                                       .commit_index = commit,
                                                       .entries = std::move(entries)}});
  peer.inflight.push_back(inflight);
  peer.next = last + 1;
  peer.commit_sent = commit;
  peer.ask = false;
  peer.commit_due = {};
}

void Core::send_heartbeat(Instant now, Peer& peer, Effects& effects) {
  Duration interval = options_.timings.heartbeat_interval;
  if (interval <= Duration::zero()) interval = options_.timings.heartbeat_timeout / 10;
  peer.heartbeat_due = now + interval;
  if (peer.heartbeats.size() >= kMaxInflightAppends) peer.heartbeats.pop_front();
  peer.heartbeats.push_back({.sequence = ++sequence_, .sent_at = now, .heartbeat = true});
  effects.messages.push_back({.peer_id = peer.server.id,
                              .peer_address = peer.server.address,
                              .sequence = sequence_,
                              .message = AppendRequest{.term = term(),
                                                       .leader_id = options_.id,
                                                       .leader_address = options_.address,
                                                       .heartbeat = true,
                                                       .entries = {}}});
}

void Core::send_snapshot(Instant now, Peer& peer, Effects& effects) {
  if (log_.snapshot_index() == 0) return;
  peer.state = PeerState::kSnapshot;
  peer.inflight.clear();
  peer.snapshot_sequence = ++sequence_;
  peer.snapshot_index = log_.snapshot_index();
  peer.inflight.push_back(
      {.sequence = peer.snapshot_sequence, .last_index = peer.snapshot_index, .sent_at = now});
  effects.snapshots.push_back(
      {.envelope = {
           .peer_id = peer.server.id,
           .peer_address = peer.server.address,
           .sequence = peer.snapshot_sequence,
           .message = SnapshotRequest{
               .term = term(), .leader_id = options_.id, .leader_address = options_.address, .meta = {}}}});
}

void Core::acknowledge(Peer& peer, const Inflight& request, Effects& effects) {
  peer.failures = 0;
  peer.last_contact = std::max(peer.last_contact, request.sent_at);
  peer.acknowledged_at = std::max(peer.acknowledged_at, request.sent_at);
  peer.acknowledged_sequence = std::max(peer.acknowledged_sequence, request.sequence);
  serve_reads(effects);
}

void Core::on_append_response(Instant now, const Envelope& envelope, const AppendResponse& response,
                              Effects& effects) {
  if (response.term > term()) {
    note(effects, "peer has newer term, stopping replication: peer=" + envelope.peer_id);
    return become_follower(now, response.term, effects);
  }
  Peer* peer = find_peer(envelope.peer_id);
  if (role_ != Role::kLeader || response.term != term() || peer == nullptr) return;
  auto same = [&](const Inflight& i) { return i.sequence == envelope.sequence; };
  if (auto beat = std::find_if(peer->heartbeats.begin(), peer->heartbeats.end(), same);
      beat != peer->heartbeats.end()) {
    Inflight request = *beat;
    peer->heartbeats.erase(peer->heartbeats.begin(), beat + 1);
    return acknowledge(*peer, request, effects);
  }
  auto found = std::find_if(peer->inflight.begin(), peer->inflight.end(), same);
  if (found == peer->inflight.end() || peer->state == PeerState::kSnapshot) return;
  Inflight request = *found;
  peer->inflight.erase(found);
  if (response.success) {
    peer->state = PeerState::kPipeline;
    if (request.last_index > peer->match) {
      peer->match = request.last_index;
      peer->next = std::max(peer->next, peer->match + 1);
      advance_commit(now, effects);
      if (role_ != Role::kLeader) return;
      peer = find_peer(envelope.peer_id);
      if (peer == nullptr) return;
    }
    // What was committed while this answer was on its way has not been told to this peer.
    if (peer->commit_sent < commit_ && peer->commit_due == Instant{})
      peer->commit_due = now + options_.commit_interval;
  } else {
    peer->state = PeerState::kProbe;
    peer->inflight.clear();
    peer->next = std::max(peer->match + 1, std::min(request.previous_index, response.last_index + 1));
    peer->ask = true;
  }
  acknowledge(*peer, request, effects);
  continue_transfer(now, effects);
  replicate(now, *peer, effects);
  // It was due while nothing could be sent, a probe being under way: without this the follower would hear of
  // the commit only with the next entry.
  if (peer->commit_sent < commit_ && peer->commit_due == Instant{})
    peer->commit_due = now + options_.commit_interval;
}

void Core::on_snapshot_response(Instant now, const Envelope& envelope, const SnapshotResponse& response,
                                Effects& effects) {
  if (response.term > term()) return become_follower(now, response.term, effects);
  Peer* peer = find_peer(envelope.peer_id);
  if (role_ != Role::kLeader || response.term != term() || peer == nullptr ||
      peer->state != PeerState::kSnapshot || peer->snapshot_sequence != envelope.sequence)
    return;
  if (!response.success) return snapshot_failed(now, envelope.peer_id, envelope.sequence, effects);
  Inflight request = peer->inflight.front();
  peer->match = std::max(peer->match, peer->snapshot_index);
  reset_to_probe(*peer);
  acknowledge(*peer, request, effects);
  advance_commit(now, effects);
  if (role_ == Role::kLeader && (peer = find_peer(envelope.peer_id)) != nullptr)
    replicate(now, *peer, effects);
}

void Core::snapshot_failed(Instant now, const std::string& peer_id, uint64_t sequence, Effects&) {
  Peer* peer = find_peer(peer_id);
  if (role_ != Role::kLeader || peer == nullptr || peer->state != PeerState::kSnapshot ||
      peer->snapshot_sequence != sequence)
    return;
  reset_to_probe(*peer);
  uint32_t doublings = std::min(peer->failures++, kMaxBackoffDoublings);
  peer->retry_at = now + options_.timings.heartbeat_timeout / 10 * (1 << doublings);
}

// Until then no server of some majority votes for another (see hears_leader).
Instant Core::lease_end() const {
  if (role_ != Role::kLeader || failed_ || lease_void_ || commit_ < term_start_) return Instant{};
  if (is_only_voter() || planted(Mutation::kForgetLease)) return Instant::max();
  Instant since = majority_value(Instant::max(), [](const Peer& peer) { return peer.acknowledged_at; });
  if (since == Instant{} || since == Instant::max()) return Instant{};
  return since + std::min(options_.read_lease, options_.timings.leader_lease_timeout);
}

void Core::tick_leader(Instant now, Effects& effects) {
  Instant heard = majority_value(now, [](const Peer& peer) { return peer.last_contact; });
  if (heard + options_.timings.leader_lease_timeout < now) {
    note(effects, "failed to contact quorum of nodes, stepping down");
    return become_follower(now, term(), effects);
  }
  if (transfer_ && now >= transfer_->deadline) {
    effects.answers.push_back(
        {transfer_->ticket, praetor::fail("leadership transfer timeout", ErrorKind::kTimeout)});
    transfer_.reset();
  }
  for (auto& [id, peer] : peers_) {
    if (now >= peer.heartbeat_due) send_heartbeat(now, peer, effects);
    // A lost message: start again from what is known to have arrived.
    if (peer.state != PeerState::kSnapshot && !peer.inflight.empty() &&
        peer.inflight.front().sent_at + options_.timings.heartbeat_timeout < now)
      reset_to_probe(peer);
    replicate(now, peer, effects);
    if (peer.commit_due != Instant{} && now >= peer.commit_due) {
      peer.commit_due = {};
      if (peer.commit_sent < commit_ && peer.state == PeerState::kPipeline)
        send_append(now, peer, true, effects);
    }
  }
}

}  // namespace praetor::raft
