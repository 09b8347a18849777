// Members and what they intend: joins and leaves, failures, removal, reconnection.
#include <algorithm>

#include "gossip/serf.h"

namespace praetor::gossip {

Member Serf::member_of(const Entry& entry) const {
  return {entry.info->name, entry.info->address, decode_tags(entry.info->meta), entry.status,
          entry.info->versions};
}

std::vector<Member> Serf::members() const {
  std::vector<Member> out;
  out.reserve(members_.size());
  for (const auto& [name, entry] : members_) out.push_back(member_of(entry));
  return out;
}

MemberList Serf::member_list() {
  MemberList list;
  list.reserve(members_.size());
  for (auto& [name, entry] : members_) {
    if (!entry.shown) entry.shown = std::make_shared<const Member>(member_of(entry));
    list.push_back(entry.shown);
  }
  return list;
}

void Serf::set_status(Entry& entry, MemberStatus status) {
  if (entry.status == status) return;
  entry.status = status;
  changed(entry);
}

std::optional<Member> Serf::member(std::string_view name) const {
  auto at = members_.find(name);
  return at == members_.end() ? std::nullopt : std::optional(member_of(at->second));
}

void Serf::emit(MemberEvent::Kind kind, const Entry& entry) {
  switch (kind) {
    case MemberEvent::Kind::kJoin:
      snapshot_.note_alive(entry.info->name, entry.info->address.text());
      break;
    case MemberEvent::Kind::kLeave:
    case MemberEvent::Kind::kFailed:
      snapshot_.note_gone(entry.info->name);
      break;
    default:
      break;
  }
  emit(MemberEvent{kind, member_of(entry)});
}

bool Serf::has_alive_others() const {
  return std::ranges::any_of(members_, [&](const auto& member) {
    return member.second.status == MemberStatus::kAlive && !is_self(member.first);
  });
}

// --- what Swim tells ---

void Serf::node_joined(const Node& node) {
  auto [at, fresh] = members_.try_emplace(node.name());
  Entry& entry = at->second;
  entry.info = node.info;
  entry.status = MemberStatus::kAlive;
  entry.gone_at = {};
  if (auto intent = intents_.find(node.name()); fresh && intent != intents_.end()) {
    entry.status_ltime = intent->second.ltime;
    if (intent->second.leave) entry.status = MemberStatus::kLeaving;
  }
  changed(entry);
  swim_.note(LogLevel::kInfo, "serf: EventMemberJoin: " + node.name() + " " + node.info->address.ip.text());
  emit(MemberEvent::Kind::kJoin, entry);
}

void Serf::node_left(const Node& node) {
  auto at = members_.find(node.name());
  if (at == members_.end()) return;
  Entry& entry = at->second;
  bool leaving = entry.status == MemberStatus::kLeaving;
  if (!leaving && entry.status != MemberStatus::kAlive) return;
  // Who said goodbye to Swim has left, even if the intent was lost on its way.
  leaving = leaving || node.state == NodeState::kLeft;
  set_status(entry, leaving ? MemberStatus::kLeft : MemberStatus::kFailed);
  entry.gone_at = now_;
  swim_.note(LogLevel::kInfo, std::string("serf: ") +
                                  (leaving ? "EventMemberLeave: " : "EventMemberFailed: ") + node.name() +
                                  " " + node.info->address.ip.text());
  emit(leaving ? MemberEvent::Kind::kLeave : MemberEvent::Kind::kFailed, entry);
}

void Serf::node_updated(const Node& node) {
  auto at = members_.find(node.name());
  if (at == members_.end()) return;
  at->second.info = node.info;
  changed(at->second);
  swim_.note(LogLevel::kInfo, "serf: EventMemberUpdate: " + node.name());
  emit(MemberEvent::Kind::kUpdate, at->second);
}

Status Serf::check_alive(const NodeInfo& info) {
  if (!options_.veto) return {};
  return options_.veto(
      {Member{info.name, info.address, decode_tags(info.meta), MemberStatus::kNone, info.versions}});
}

Status Serf::check_merge(const std::vector<Node>& nodes) {
  if (!options_.veto) return {};
  std::vector<Member> members;
  for (const Node& node : nodes)
    members.push_back({node.info->name, node.info->address, decode_tags(node.info->meta),
                       node.state == NodeState::kLeft ? MemberStatus::kLeft : MemberStatus::kNone,
                       node.info->versions});
  return options_.veto(members);
}

void Serf::name_conflict(const Node& known, const NodeInfo& other) {
  if (is_self(known.name()))
    swim_.note(LogLevel::kError, "serf: Node name conflicts with another node at " + other.address.text() +
                                     ". Names must be unique! (Resolution enabled: false)");
  else
    swim_.note(LogLevel::kWarn, "serf: Name conflict for '" + known.name() + "' both " +
                                    known.info->address.text() + " and " + other.address.text() +
                                    " are claiming");
}

// --- intents ---

bool Serf::remember_intent(const std::string& node, bool leave, LamportTime ltime) {
  auto at = intents_.find(node);
  if (at != intents_.end() && ltime <= at->second.ltime) return false;
  if (at == intents_.end() && intents_.size() >= kMaxIntents) return false;
  intents_[node] = {leave, ltime, now_};
  return true;
}

bool Serf::take_join_intent(const JoinIntent& intent) {
  witness(clock_, intent.ltime);
  auto at = members_.find(intent.node);
  if (at == members_.end()) return remember_intent(intent.node, false, intent.ltime);
  Entry& entry = at->second;
  if (intent.ltime <= entry.status_ltime) return false;
  entry.status_ltime = intent.ltime;
  // The leave that we heard of was before.
  if (entry.status == MemberStatus::kLeaving) set_status(entry, MemberStatus::kAlive);
  return true;
}

bool Serf::take_leave_intent(const LeaveIntent& intent) {
  witness(clock_, intent.ltime);
  auto at = members_.find(intent.node);
  if (at == members_.end()) return remember_intent(intent.node, true, intent.ltime);
  Entry& entry = at->second;
  if (intent.ltime <= entry.status_ltime) return false;
  if (is_self(intent.node) && state_ == State::kAlive) {
    swim_.note(LogLevel::kDebug, "serf: Refuting an older leave intent");
    broadcast_join();
    return false;
  }
  // Also when the status stays as it is: else two members pass on each other's leaves for ever.
  entry.status_ltime = intent.ltime;
  if (entry.status == MemberStatus::kAlive) {
    set_status(entry, MemberStatus::kLeaving);
  } else if (entry.status == MemberStatus::kFailed) {
    set_status(entry, MemberStatus::kLeft);
    swim_.note(LogLevel::kInfo,
               "serf: EventMemberLeave (forced): " + intent.node + " " + entry.info->address.ip.text());
    emit(MemberEvent::Kind::kLeave, entry);
  }
  if (intent.prune) prune(intent.node, entry);
  return true;
}

// Says that this member is here, later than whatever was said of its going.
void Serf::broadcast_join() {
  JoinIntent intent{clock_, options_.swim.name};
  take_join_intent(intent);
  intent_queue_.add("", encode(SerfMessageType::kJoin, intent));
}

uint64_t Serf::broadcast_intent(std::string message) {
  // The tickets of Swim's own broadcasts count from 1.
  uint64_t ticket = ++last_ticket_ | 1ull << 63;
  intent_queue_.add("", std::move(message), ticket);
  return ticket;
}

// --- leaving ---

Status Serf::leave(Instant now, SerfEffects& effects) {
  begin(now, effects);
  if (state_ == State::kLeft) return {};
  if (state_ != State::kAlive) return fail("Leave already in progress");
  state_ = State::kLeavingIntent;
  snapshot_.leave();
  LeaveIntent intent{clock_++, options_.swim.name, false};
  take_leave_intent(intent);
  if (has_alive_others()) {
    leave_ticket_ = broadcast_intent(encode(SerfMessageType::kLeave, intent));
    leave_deadline_ = now + options_.broadcast_timeout;
  } else {
    leave_deadline_ = now;
    advance_leave();
  }
  finish();
  return {};
}

// The next step, if the present one is over: intent told, Swim's goodbye told, both spread.
void Serf::advance_leave() {
  while (leave_deadline_ <= now_) {
    leave_ticket_ = 0;
    switch (state_) {
      case State::kLeavingIntent:
        state_ = State::kLeavingSwim;
        leave_deadline_ = now_ + options_.broadcast_timeout;
        leave_ticket_ = swim_.leave(now_, effects_->net);
        if (leave_ticket_ == 0) leave_deadline_ = now_;
        break;
      case State::kLeavingSwim:
        // Long enough to answer the pings of those who have not heard.
        state_ = State::kLeavingWait;
        leave_deadline_ = now_ + (has_alive_others() ? options_.leave_propagate_delay : Duration(0));
        break;
      case State::kLeavingWait:
        state_ = State::kLeft;
        leave_deadline_ = Instant::max();
        emit(LeaveDone{});
        break;
      default:
        leave_deadline_ = Instant::max();
    }
  }
}

uint64_t Serf::remove_failed(Instant now, const std::string& name, bool prune, SerfEffects& effects) {
  begin(now, effects);
  LeaveIntent intent{clock_++, name, prune};
  take_leave_intent(intent);
  uint64_t ticket = ++last_ticket_;
  if (has_alive_others()) {
    uint64_t broadcast = broadcast_intent(encode(SerfMessageType::kLeave, intent));
    removals_[broadcast] = {ticket, now + options_.broadcast_timeout};
  } else {
    emit(RemovalDone{ticket, {}});
  }
  finish();
  return ticket;
}

// --- forgetting and finding again ---

void Serf::prune(const std::string& name, const Entry& entry) {
  // A member that is about to leave does so in peace first.
  if (entry.status == MemberStatus::kLeaving)
    prunes_.emplace(now_ + options_.broadcast_timeout + options_.leave_propagate_delay, name);
  else
    erase(name);
}

void Serf::erase(const std::string& name) {
  auto at = members_.find(name);
  if (at == members_.end()) return;
  Entry entry = std::move(at->second);
  members_.erase(at);
  ++members_version_;
  coordinates_.forget(name);
  coordinate_cache_.erase(name);
  swim_.note(LogLevel::kInfo, "serf: EventMemberReap: " + name);
  emit(MemberEvent::Kind::kReap, entry);
}

void Serf::reap() {
  std::vector<std::string> old;
  for (const auto& [name, entry] : members_) {
    Duration age = now_ - entry.gone_at;
    if ((entry.status == MemberStatus::kFailed && age > options_.reconnect_timeout) ||
        (entry.status == MemberStatus::kLeft && age > options_.tombstone_timeout))
      old.push_back(name);
  }
  for (const std::string& name : old)
    if (!is_self(name)) erase(name);
  std::erase_if(intents_, [&](const auto& intent) {
    return now_ - intent.second.heard > options_.recent_intent_timeout;
  });
  size_t depth = std::max(options_.least_queue_depth, 2 * members_.size());
  for (BroadcastQueue* queue : {&intent_queue_, &event_queue_, &query_queue_}) queue->prune(depth);
}

// Now and then a failed member is asked whether it is back: in the whole pool about once an interval each.
void Serf::reconnect() {
  std::vector<const Entry*> failed;
  size_t alive = 0;
  for (const auto& [name, entry] : members_) {
    if (entry.status == MemberStatus::kFailed) failed.push_back(&entry);
    if (entry.status == MemberStatus::kAlive) ++alive;
  }
  if (failed.empty() || state_ != State::kAlive) return;
  double chance = static_cast<double>(failed.size()) / static_cast<double>(std::max<size_t>(alive, 1));
  if (swim_.random().real() > chance) return;
  const NodeInfo& info = *failed[swim_.random().below(failed.size())]->info;
  swim_.note(LogLevel::kInfo, "serf: attempting reconnect to " + info.name + " " + info.address.text());
  swim_.join(now_, info.address, effects_->net);
}

// Through the members of an earlier life, one after the other.
void Serf::rejoin() {
  if (rejoins_.empty() || state_ != State::kAlive) {
    if (rejoins_tried_) swim_.note(LogLevel::kWarn, "serf: Failed to re-join any previously known node");
    return;
  }
  rejoins_tried_ = true;
  auto [name, address] = rejoins_.back();
  rejoins_.pop_back();
  swim_.note(LogLevel::kInfo,
             "serf: Attempting re-join to previously known node: " + name + ": " + address.text());
  rejoining_ = swim_.join(now_, address, effects_->net);
}

}  // namespace praetor::gossip
