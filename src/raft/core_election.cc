// Elections: timeouts, pre-vote, votes, becoming leader (Raft 5.2, 5.4.1; thesis 9.6).
#include <iterator>

#include "base/check.h"
#include "raft/core.h"
#include "raft/mutation.h"

namespace praetor::raft {

void Core::restart_election_timer(Instant now, Duration base) {
  election_deadline_ = now + base + Duration(random_.below(static_cast<uint64_t>(base.count())));
}

bool Core::is_only_voter() const { return latest_.voter_count() == 1 && latest_.is_voter(options_.id); }

// A server whose removal is not committed may be the only one with a log long enough to be elected and to
// commit it (thesis, 4.2.2). Its own vote does not count then. What was in force before is the configuration
// before the latest: none is appended before the last is committed, though after a restart nobody knows yet.
bool Core::may_campaign() const {
  if (latest_.is_voter(options_.id)) return true;
  if (uncommitted_.empty()) return false;
  const Configuration& before =
      uncommitted_.size() > 1 ? std::next(uncommitted_.rbegin())->second : committed_;
  return before.is_voter(options_.id);
}

bool Core::announces_extensions(const std::string& id) const {
  auto found = announced_.find(id);
  return found != announced_.end() && found->second;
}

Duration Core::election_round() const {
  for (const Server& server : latest_.servers)
    if (server.suffrage == Suffrage::kVoter && server.id != options_.id && !announces_extensions(server.id))
      return options_.timings.election_timeout;
  return std::min(options_.fast_round, options_.timings.election_timeout);
}

void Core::announce_extensions(const std::string& peer_id, bool announced) {
  announced_[peer_id] = announced;
}

bool Core::votes_suffice(const std::set<std::string>& votes) const {
  size_t count = 0;
  for (const std::string& id : votes) count += latest_.is_voter(id);
  return count >= latest_.voter_count() / 2 + 1;
}

bool Core::log_is_current(uint64_t last_index, uint64_t last_term) const {
  return last_term > log_.last_term() || (last_term == log_.last_term() && last_index >= log_.last_index());
}

// A server that hears a leader does not help to replace it: the leader may be reading under its lease. After
// a start nobody remembers whom it heard before, so it keeps the promise for one lease.
bool Core::hears_leader(Instant now) const {
  if (role_ == Role::kLeader) return true;
  if (planted(Mutation::kForgetPromise)) return false;
  Duration promise = std::min(options_.read_lease, options_.timings.leader_lease_timeout);
  if (!is_only_voter() && now < started_ + promise) return true;
  if (!last_contact_) return false;
  if (leader_lost_) return now < *last_contact_ + promise;
  return !leader_id_.empty() && now < *last_contact_ + options_.timings.heartbeat_timeout;
}

// The timer ran out (or a leader handed over): asks first, if there is somebody to ask, whether an election
// could be won.
void Core::campaign(Instant now, bool transfer, Effects& effects) {
  restart_election_timer(now, election_round());
  if (!leader_id_.empty()) {
    note(effects, "heartbeat timeout reached: last-leader=" + leader_address());
    set_leader({}, {}, effects);
  }
  if (full_ || !may_campaign()) return;
  bool anybody_announces = false;
  for (const Server& server : latest_.servers)
    anybody_announces |= server.id != options_.id && announces_extensions(server.id);
  if (transfer || !anybody_announces) return start_election(now, transfer, effects);
  set_role(Role::kFollower, effects);
  pre_voting_ = true;
  pre_votes_ = {options_.id};
  for (const Server& server : latest_.servers) {
    if (server.id == options_.id || server.suffrage != Suffrage::kVoter) continue;
    if (!announces_extensions(server.id)) {
      pre_votes_.insert(server.id);  // it cannot be asked: the real vote will tell
      continue;
    }
    effects.messages.push_back({.peer_id = server.id,
                                .peer_address = server.address,
                                .sequence = ++sequence_,
                                .message = VoteRequest{.term = term() + 1,
                                                       .candidate_id = options_.id,
                                                       .candidate_address = options_.address,
                                                       .last_index = log_.last_index(),
                                                       .last_term = log_.last_term(),
                                                       .pre_vote = true}});
  }
  if (votes_suffice(pre_votes_)) start_election(now, false, effects);
}

void Core::start_election(Instant now, bool transfer, Effects& effects) {
  pre_voting_ = false;
  hard_state_ = {.term = term() + 1, .voted_for = options_.id};
  save_hard_state(effects);
  set_role(Role::kCandidate, effects);
  set_leader({}, {}, effects);
  restart_election_timer(now, election_round());
  votes_ = {options_.id};
  if (votes_suffice(votes_)) return become_leader(now, effects);
  for (const Server& server : latest_.servers) {
    if (server.id == options_.id || server.suffrage != Suffrage::kVoter) continue;
    effects.messages.push_back({.peer_id = server.id,
                                .peer_address = server.address,
                                .sequence = ++sequence_,
                                .message = VoteRequest{.term = term(),
                                                       .candidate_id = options_.id,
                                                       .candidate_address = options_.address,
                                                       .last_index = log_.last_index(),
                                                       .last_term = log_.last_term(),
                                                       .leadership_transfer = transfer}});
  }
}

void Core::become_leader(Instant now, Effects& effects) {
  CHECK(role_ == Role::kCandidate);
  note(effects, "election won: term=" + std::to_string(term()) + " tally=" + std::to_string(votes_.size()));
  set_role(Role::kLeader, effects);
  set_leader(options_.id, options_.address, effects);
  leader_lost_ = leader_departed_ = lease_void_ = false;
  votes_.clear();
  pending_acks_.clear();
  rebuild_peers(now);
  // An entry of the own term commits all before it (5.4.2).
  std::vector<Command> noop(1);
  noop[0].type = EntryType::kNoop;
  Result<uint64_t> index = propose(now, noop, effects);
  CHECK(index.has_value());
  term_start_ = *index;
  for (auto& [id, peer] : peers_) send_heartbeat(now, peer, effects);
}

void Core::on_vote_request(Instant now, const Envelope& envelope, const VoteRequest& request,
                           Effects& effects) {
  auto answer = [&](bool granted) {
    uint64_t shown = request.pre_vote && granted ? request.term : term();
    effects.messages.push_back(
        reply(envelope, VoteResponse{.term = shown, .granted = granted, .pre_vote = request.pre_vote}));
  };
  const std::string& candidate = envelope.peer_id;
  // Whether this server knows the candidate does not matter: its own configuration may be the older one.
  if (hears_leader(now) && candidate != leader_id_ && !request.leadership_transfer) return answer(false);
  if (request.term < term()) return answer(false);
  if (request.pre_vote) return answer(log_is_current(request.last_index, request.last_term));
  if (request.term > term()) become_follower(now, request.term, effects);
  bool free_to_vote =
      hard_state_.voted_for.empty() || hard_state_.voted_for == candidate || planted(Mutation::kVoteTwice);
  if (role_ != Role::kFollower || !free_to_vote || !log_is_current(request.last_index, request.last_term))
    return answer(false);
  if (hard_state_.voted_for.empty()) {
    hard_state_.voted_for = candidate;
    save_hard_state(effects);
  }
  pre_voting_ = false;
  restart_election_timer(now, options_.timings.heartbeat_timeout);
  answer(true);
}

void Core::on_vote_response(Instant now, const Envelope& envelope, const VoteResponse& response,
                            Effects& effects) {
  if (response.pre_vote) {
    if (!response.granted && response.term > term()) return become_follower(now, response.term, effects);
    if (!pre_voting_ || !response.granted || response.term != term() + 1) return;
    pre_votes_.insert(envelope.peer_id);
    if (votes_suffice(pre_votes_)) start_election(now, false, effects);
    return;
  }
  if (response.term > term()) {
    note(effects, "newer term discovered, fallback to follower: term=" + std::to_string(response.term));
    return become_follower(now, response.term, effects);
  }
  if (role_ != Role::kCandidate || !response.granted || response.term != term()) return;
  votes_.insert(envelope.peer_id);
  if (votes_suffice(votes_)) become_leader(now, effects);
}

void Core::on_timeout_now(Instant now, const Envelope& envelope, Effects& effects) {
  effects.messages.push_back(reply(envelope, TimeoutNowResponse{}));
  if (role_ == Role::kLeader || full_ || !may_campaign()) return;
  // Of a leader that has been replaced meanwhile: its successor may be reading under its lease, which only
  // the one who hands over gives up. Consul's request does not say whom it is from.
  if (latest_.find(envelope.peer_id) != nullptr && envelope.peer_id != leader_id_) return;
  uint64_t of_term = std::get<TimeoutNowRequest>(envelope.message).term;
  if (of_term != 0 && of_term < term()) return;  // and the same of one who leads again
  set_leader({}, {}, effects);
  campaign(now, true, effects);
}

// The connection to the leader broke: most often its process has died. Among servers that ask before they
// vote, asking soon costs nothing and saves most of the timeout.
void Core::unreachable(Instant now, const std::string& peer, Effects&) {
  if (failed_) return;
  std::string peer_id = peer;
  for (const Server& server : latest_.servers)
    if (server.address == peer) peer_id = server.id;
  if (role_ == Role::kLeader) {
    if (Peer* known = find_peer(peer_id); known != nullptr && known->state != PeerState::kSnapshot) {
      reset_to_probe(*known);
      known->failures++;
      known->retry_at = now + options_.timings.heartbeat_timeout / 10;
    }
    return;
  }
  if (leader_id_.empty() || !last_contact_) return;
  Duration spread = std::min<Duration>(std::chrono::milliseconds(150), options_.timings.election_timeout);
  if ((peer == leader_id_ || peer == leader_address_) && latest_.find(leader_id_) == nullptr &&
      !announces_extensions(leader_id_)) {
    // Consul's leader that leaves takes itself out, stops leading there and then, and tells nobody: this is
    // all that shows. An election disturbs nobody then, and the other followers need not wait for their
    // timeouts to vote in it.
    leader_departed_ = true;
    Instant soon = now + Duration(random_.below(static_cast<uint64_t>(spread.count())));
    election_deadline_ = std::min(election_deadline_, soon);
    return;
  }
  if (peer_id != leader_id_ || !announces_extensions(peer_id)) return;
  leader_lost_ = true;
  Duration lease = std::min(options_.read_lease, options_.timings.leader_lease_timeout);
  Instant soon =
      std::max(now, *last_contact_ + lease) + Duration(random_.below(static_cast<uint64_t>(spread.count())));
  election_deadline_ = std::min(election_deadline_, soon);
}

}  // namespace praetor::raft
