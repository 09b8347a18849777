#include "raft/core.h"

#include <algorithm>

#include "base/check.h"
#include "raft/mutation.h"

namespace praetor::raft {

void Effects::clear() {
  hard_state.reset();
  log.clear();
  messages.clear();
  fetches.clear();
  snapshots.clear();
  answers.clear();
  notes.clear();
  role_changed = leader_changed = configuration_changed = false;
}

Timings Timings::scaled(int multiplier) const {
  Timings scaled = *this;
  scaled.heartbeat_timeout *= multiplier;
  scaled.election_timeout *= multiplier;
  scaled.leader_lease_timeout *= multiplier;
  return scaled;
}

Core::Core(CoreOptions options, CoreState state, Instant now)
    : options_(std::move(options)),
      random_(options_.seed),
      hard_state_(std::move(state.hard_state)),
      log_(std::move(state.log)),
      committed_(std::move(state.configuration)),
      committed_index_(state.configuration_index),
      started_(now) {
  commit_ = applied_ = log_.snapshot_index();
  for (const EntryRef& entry : state.configurations)
    if (auto configuration = decode_configuration(entry->data);
        configuration && entry->index > committed_index_)
      uncommitted_[entry->index] = std::move(*configuration);
  latest_ = uncommitted_.empty() ? committed_ : uncommitted_.rbegin()->second;
  latest_index_ = uncommitted_.empty() ? committed_index_ : uncommitted_.rbegin()->first;
  restart_election_timer(now, options_.timings.heartbeat_timeout);
  if (is_only_voter()) election_deadline_ = now;  // nobody else could lead
}

void Core::note(Effects& effects, std::string text) const {
  effects.notes.push_back("raft: " + std::move(text));
}

std::string Core::leader_address() const {
  const Server* server = latest_.find(leader_id_);
  return server != nullptr ? server->address : leader_address_;
}

// --- state changes ---

void Core::save_hard_state(Effects& effects) { effects.hard_state = hard_state_; }

void Core::set_role(Role role, Effects& effects) {
  if (role_ == role) return;
  role_ = role;
  effects.role_changed = true;
  note(effects, "entering " + std::string(role_name(role)) + " state: term=" + std::to_string(term()));
}

void Core::set_leader(std::string id, std::string address, Effects& effects) {
  if (leader_id_ == id && leader_address_ == address) return;
  leader_id_ = std::move(id);
  leader_address_ = std::move(address);
  effects.leader_changed = true;
}

void Core::become_follower(Instant now, uint64_t new_term, Effects& effects) {
  CHECK(new_term >= term());
  if (new_term > term()) {
    hard_state_ = {.term = new_term, .voted_for = {}};
    save_hard_state(effects);
    set_leader({}, {}, effects);
  }
  bool led = role_ == Role::kLeader;
  set_role(Role::kFollower, effects);
  votes_.clear();
  pre_votes_.clear();
  pre_voting_ = false;
  if (led) {
    if (leader_id_ == options_.id) set_leader({}, {}, effects);
    fail_requests(kErrLeadershipLost, effects);
    peers_.clear();
    term_start_ = 0;
    last_contact_ = now;  // until now it was with the leader
    restart_election_timer(now, options_.timings.heartbeat_timeout);
  }
}

void Core::fail(Instant now, Effects& effects) {
  if (failed_) return;
  failed_ = true;
  pending_acks_.clear();
  become_follower(now, term(), effects);
  note(effects, "the disk failed: this server takes no further part");
}

// --- the log ---

void Core::append(Instant now, std::vector<EntryRef> entries, Effects& effects) {
  bool configured = false;
  for (const EntryRef& entry : entries) {
    log_.append(entry);
    if (entry->type != EntryType::kConfiguration) continue;
    // A configuration counts as soon as it is in the log (Ongaro's thesis, 4.1).
    if (auto configuration = decode_configuration(entry->data)) {
      uncommitted_[entry->index] = std::move(*configuration);
      configured = true;
    } else {
      note(effects, "ignoring configuration entry " + std::to_string(entry->index) + ": " +
                        configuration.error().message);
    }
  }
  effects.log.push_back(LogAppend{std::move(entries)});
  if (configured) refresh_configuration(now, effects);
}

void Core::truncate_from(Instant now, uint64_t index, Effects& effects) {
  CHECK(index > commit_);  // what is committed never changes (5.3)
  log_.truncate_from(index);
  effects.log.push_back(LogTruncate{index});
  if (uncommitted_.erase(uncommitted_.lower_bound(index), uncommitted_.end()); latest_index_ >= index)
    refresh_configuration(now, effects);
}

void Core::refresh_configuration(Instant now, Effects& effects) {
  latest_ = uncommitted_.empty() ? committed_ : uncommitted_.rbegin()->second;
  latest_index_ = uncommitted_.empty() ? committed_index_ : uncommitted_.rbegin()->first;
  effects.configuration_changed = true;
  if (role_ != Role::kLeader) return;
  // Who is taken out hears it once, as far as the connection carries it: it may be waiting to leave.
  for (auto& [id, peer] : peers_)
    if (latest_.find(id) == nullptr && peer.state != PeerState::kSnapshot && log_.cached(peer.next))
      send_append(now, peer, false, effects);
  rebuild_peers(now);
}

Result<uint64_t> Core::propose(Instant now, std::vector<Command>& commands, Effects& effects) {
  if (role_ != Role::kLeader) return praetor::fail(std::string(kErrNotLeader), ErrorKind::kNoLeader);
  if (transfer_) return praetor::fail(std::string(kErrTransferInProgress), ErrorKind::kNoLeader);
  CHECK(!commands.empty());
  uint64_t first = log_.last_index() + 1;
  std::vector<EntryRef> entries;
  entries.reserve(commands.size());
  for (Command& command : commands) {
    auto entry = std::make_shared<Entry>();
    entry->index = first + entries.size();
    entry->term = term();
    entry->type = command.type;
    entry->data = std::move(command.data);
    entry->extensions = std::move(command.extensions);
    entries.push_back(std::move(entry));
  }
  append(now, std::move(entries), effects);
  replicate_all(now, effects);
  return first;
}

void Core::persisted(Instant now, uint64_t index, uint64_t entry_term, Effects& effects) {
  if (failed_) return;
  log_.set_stable(index, entry_term);
  if (role_ == Role::kLeader)
    advance_commit(now, effects);
  else
    release_acks(effects);
}

// The highest index that a majority of voters has on disk; committed only if it is of this term (5.4.2):
// earlier terms' entries are committed by the ones after them, never by counting.
void Core::advance_commit(Instant now, Effects& effects) {
  uint64_t candidate = majority_value(log_.stable(), [](const Peer& peer) { return peer.match; });
  if (candidate > commit_ && (log_.term(candidate) == term() || planted(Mutation::kCountOldTerms)))
    commit_to(now, candidate, effects);
}

void Core::commit_to(Instant now, uint64_t index, Effects& effects) {
  CHECK(index <= log_.last_index());
  if (index <= commit_) return;
  commit_ = index;
  bool configured = false;
  while (!uncommitted_.empty() && uncommitted_.begin()->first <= commit_) {
    committed_index_ = uncommitted_.begin()->first;
    committed_ = std::move(uncommitted_.begin()->second);
    uncommitted_.erase(uncommitted_.begin());
    configured = true;
  }
  if (configured) refresh_configuration(now, effects);
  if (role_ != Role::kLeader) return;
  if (change_index_ != 0 && change_index_ <= commit_) {
    effects.answers.push_back({change_ticket_, change_index_});
    change_ticket_ = change_index_ = 0;
  }
  // A leader that the committed configuration leaves out has done its last duty (thesis, 4.2.2).
  if (configured && !committed_.is_voter(options_.id)) {
    for (auto& [id, peer] : peers_) send_append(now, peer, true, effects);
    return become_follower(now, term(), effects);
  }
  for (auto& [id, peer] : peers_)
    if (peer.commit_due == Instant{}) peer.commit_due = now + options_.commit_interval;
  serve_reads(effects);
  start_next_change(now, effects);
}

void Core::applied(uint64_t index) {
  CHECK(index <= apply_to() && index >= applied_);
  applied_ = index;
  log_.trim_cache(applied_, latest_.servers.size() > 1 ? kCachedEntries : 0);
}

void Core::snapshot_taken(uint64_t index, uint64_t trailing, Effects& effects) {
  if (index <= log_.snapshot_index() || index > applied_) return;
  log_.snapshot_taken(index, *log_.term(index));
  uint64_t last = log_.last_index();
  uint64_t to = std::min(index, last > trailing ? last - trailing : 0);
  if (to >= log_.first_index()) effects.log.push_back(LogCompact{to});
}

void Core::compacted(uint64_t first_index) {
  if (first_index > log_.first_index() && first_index <= log_.snapshot_index() + 1)
    log_.compact_to(first_index - 1);
}

// --- messages ---

Envelope Core::reply(const Envelope& request, Message message) const {
  return {.peer_id = request.peer_id,
          .peer_address = request.peer_address,
          .sequence = request.sequence,
          .message = std::move(message)};
}

namespace {
// hashicorp/raft's requests name the sender by address only.
void identify(Envelope& envelope, const Configuration& configuration) {
  std::visit(
      [&](const auto& message) {
        if constexpr (requires { message.leader_id; }) {
          if (envelope.peer_id.empty()) envelope.peer_id = message.leader_id;
          if (envelope.peer_address.empty()) envelope.peer_address = message.leader_address;
        } else if constexpr (requires { message.candidate_id; }) {
          if (envelope.peer_id.empty()) envelope.peer_id = message.candidate_id;
          if (envelope.peer_address.empty()) envelope.peer_address = message.candidate_address;
        }
      },
      envelope.message);
  if (!envelope.peer_id.empty()) return;
  for (const Server& server : configuration.servers)
    if (server.address == envelope.peer_address) envelope.peer_id = server.id;
  if (envelope.peer_id.empty()) envelope.peer_id = envelope.peer_address;
}
}  // namespace

void Core::receive(Instant now, Envelope envelope, Effects& effects) {
  if (failed_) return;
  identify(envelope, latest_);
  if (auto* append_request = std::get_if<AppendRequest>(&envelope.message))
    on_append_request(now, envelope, *append_request, effects);
  else if (auto* append_response = std::get_if<AppendResponse>(&envelope.message))
    on_append_response(now, envelope, *append_response, effects);
  else if (auto* vote_request = std::get_if<VoteRequest>(&envelope.message))
    on_vote_request(now, envelope, *vote_request, effects);
  else if (auto* vote_response = std::get_if<VoteResponse>(&envelope.message))
    on_vote_response(now, envelope, *vote_response, effects);
  else if (auto* snapshot_response = std::get_if<SnapshotResponse>(&envelope.message))
    on_snapshot_response(now, envelope, *snapshot_response, effects);
  else if (std::holds_alternative<TimeoutNowRequest>(envelope.message))
    on_timeout_now(now, envelope, effects);
}

Instant Core::next_deadline() const {
  if (failed_) return Instant::max();
  if (role_ != Role::kLeader) return election_deadline_;
  Instant next = Instant::max();
  for (const auto& [id, peer] : peers_) {
    next = std::min(next, peer.heartbeat_due);
    if (peer.commit_due != Instant{}) next = std::min(next, peer.commit_due);
    if (peer.retry_at != Instant{}) next = std::min(next, peer.retry_at);
  }
  if (transfer_) next = std::min(next, transfer_->deadline);
  return next;
}

void Core::tick(Instant now, Effects& effects) {
  if (failed_) return;
  if (role_ == Role::kLeader) return tick_leader(now, effects);
  if (now < election_deadline_) return;
  campaign(now, leader_departed_, effects);
}

}  // namespace praetor::raft
