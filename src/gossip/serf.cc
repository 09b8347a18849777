#include "gossip/serf.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"

namespace praetor::gossip {

namespace {
// How often a clock that moves is written down.
constexpr Duration kClockNoteInterval = std::chrono::milliseconds(500);

SwimOptions with_meta(SwimOptions options, const Tags& tags) {
  options.meta = encode_tags(tags);
  return options;
}
}  // namespace

Result<std::unique_ptr<Serf>> Serf::make(SerfOptions options) {
  if (encode_tags(options.tags).size() > kMaxMetaBytes)
    return fail("Encoded length of tags exceeds limit of " + std::to_string(kMaxMetaBytes) + " bytes",
                ErrorKind::kBadRequest);
  return std::unique_ptr<Serf>(new Serf(std::move(options)));
}

Serf::Serf(SerfOptions options)
    : options_(std::move(options)),
      snapshot_(std::move(options_.snapshot)),
      swim_(with_meta(options_.swim, options_.tags), *this) {
  // What this member has seen in an earlier life is not news.
  witness(clock_, snapshot_.clock());
  witness(event_clock_, snapshot_.event_clock());
  witness(query_clock_, snapshot_.query_clock());
  event_least_ = snapshot_.event_clock() + 1;
  query_least_ = snapshot_.query_clock() + 1;
  coordinate_cache_[options_.swim.name] = coordinates_.coordinate();
}

// --- inputs ---

void Serf::start(Instant now, SerfEffects& effects) {
  begin(now, effects);
  reap_due_ = now + options_.reap_interval;
  reconnect_due_ = now + options_.reconnect_interval;
  for (const auto& [name, address] : snapshot_.alive())
    if (auto parsed = Address::parse(address); parsed && !is_self(name)) rejoins_.emplace_back(name, *parsed);
  swim_.start(now, effects.net);
  for (size_t i = rejoins_.size(); i > 1; --i) std::swap(rejoins_[i - 1], rejoins_[swim_.random().below(i)]);
  rejoin();
  finish();
}

void Serf::tick(Instant now, SerfEffects& effects) {
  begin(now, effects);
  swim_.tick(now, effects.net);
  expire_queries();
  advance_leave();
  while (!prunes_.empty() && prunes_.begin()->first <= now) {
    std::string name = prunes_.begin()->second;
    prunes_.erase(prunes_.begin());
    auto at = members_.find(name);
    if (at != members_.end() &&
        (at->second.status == MemberStatus::kLeaving || at->second.status == MemberStatus::kLeft))
      erase(name);
  }
  std::erase_if(removals_, [&](const auto& removal) {
    if (removal.second.deadline > now) return false;
    emit(
        RemovalDone{removal.second.ticket, fail("timed out broadcasting node removal", ErrorKind::kTimeout)});
    return true;
  });
  if (now >= reap_due_) {
    reap_due_ = now + options_.reap_interval;
    reap();
  }
  if (now >= reconnect_due_) {
    reconnect_due_ = now + options_.reconnect_interval;
    reconnect();
  }
  finish();
}

Instant Serf::next_deadline() const {
  Instant next = std::min({swim_.next_deadline(), reap_due_, reconnect_due_, leave_deadline_});
  for (const auto& [ltime, query] : running_) next = std::min(next, query.deadline);
  for (const auto& [ticket, removal] : removals_) next = std::min(next, removal.deadline);
  if (!prunes_.empty()) next = std::min(next, prunes_.begin()->first);
  return next;
}

Status Serf::packet(Instant now, const Address& from, std::string_view message, SerfEffects& effects) {
  begin(now, effects);
  Status status = swim_.packet(now, from, message, effects.net);
  finish();
  return status;
}

Result<std::string> Serf::stream(Instant now, const Address& from, std::string_view message,
                                 SerfEffects& effects) {
  begin(now, effects);
  auto reply = swim_.stream(now, from, message, effects.net);
  finish();
  return reply;
}

void Serf::stream_reply(Instant now, uint64_t id, Result<std::string> message, SerfEffects& effects) {
  begin(now, effects);
  if (auto join = joins_.find(id); join != joins_.end()) joining_ignores_old_ = join->second;
  swim_.stream_reply(now, id, std::move(message), effects.net);
  joining_ignores_old_.reset();
  finish();
}

// What every step ends with.
void Serf::finish() {
  for (uint64_t ticket : intent_queue_.take_finished()) broadcast_done(ticket);
  if (clock_ > 1 && clock_ - 1 > snapshot_.clock() && now_ - clock_noted_ >= kClockNoteInterval) {
    clock_noted_ = now_;
    snapshot_.note_clock(clock_ - 1);
  }
}

// --- the operator's wishes ---

Result<uint64_t> Serf::join(Instant now, const Address& address, bool ignore_old, SerfEffects& effects) {
  begin(now, effects);
  if (state_ != State::kAlive) return fail("Serf can't Join after Leave or Shutdown");
  uint64_t ticket = swim_.join(now, address, effects.net);
  joins_.emplace(ticket, ignore_old);
  return ticket;
}

void Serf::join_done(uint64_t ticket, const Status& status) {
  if (rejoining_ == ticket) {
    rejoining_.reset();
    if (!status) return rejoin();
    rejoins_.clear();
    // Whoever still has a goodbye of an earlier life in mind (a force-leave, a prune) learns that it is over.
    broadcast_join();
    return;
  }
  if (joins_.erase(ticket) == 0) return;  // a reconnect
  if (status) broadcast_join();
  emit(JoinDone{ticket, status});
}

Status Serf::user_event(Instant now, std::string name, std::string payload, bool coalesce,
                        SerfEffects& effects) {
  begin(now, effects);
  auto limited = [](const char* what, size_t limit, const char* when) {
    return fail(std::string(what) + std::to_string(limit) + " bytes " + when, ErrorKind::kBadRequest);
  };
  size_t raw = name.size() + payload.size();
  if (raw > options_.user_event_limit)
    return limited("user event exceeds configured limit of ", options_.user_event_limit, "before encoding");
  if (raw > kMaxEventBytes)
    return limited("user event exceeds sane limit of ", kMaxEventBytes, "before encoding");
  UserEventMessage event{event_clock_, std::move(name), Bytes(std::move(payload)), coalesce};
  std::string message = encode(SerfMessageType::kUserEvent, event);
  if (message.size() > options_.user_event_limit)
    return limited("encoded user event exceeds configured limit of ", options_.user_event_limit,
                   "after encoding");
  if (message.size() > kMaxEventBytes)
    return limited("encoded user event exceeds sane limit of ", kMaxEventBytes, "before encoding");
  ++event_clock_;
  take_user_event(std::move(event));
  event_queue_.add("", std::move(message));
  finish();
  return {};
}

Status Serf::set_tags(Instant now, Tags tags, SerfEffects& effects) {
  begin(now, effects);
  std::string meta = encode_tags(tags);
  if (meta.size() > kMaxMetaBytes)
    return fail("Encoded length of tags exceeds limit of " + std::to_string(kMaxMetaBytes) + " bytes",
                ErrorKind::kBadRequest);
  options_.tags = std::move(tags);
  swim_.update_meta(now, std::move(meta), effects.net);
  finish();
  return {};
}

void Serf::assume(Instant now, NodeInfoPtr info, uint32_t incarnation, SerfEffects& effects) {
  begin(now, effects);
  swim_.assume(now, std::move(info), incarnation);
}

// --- messages ---

void Serf::user_message(std::string_view message) {
  auto fresh = take_message(message);
  if (!fresh) return swim_.note(LogLevel::kError, "serf: " + fresh.error().message);
  if (!*fresh) return;
  switch (static_cast<SerfMessageType>(message.front())) {
    case SerfMessageType::kUserEvent:
      return event_queue_.add("", std::string(message));
    case SerfMessageType::kQuery:
      return query_queue_.add("", std::string(message));
    default:
      return intent_queue_.add("", std::string(message));
  }
}

// Is it new, so that others are to hear it?
Result<bool> Serf::take_message(std::string_view message) {
  if (message.empty()) return false;
  std::string_view body = message.substr(1);
  switch (static_cast<SerfMessageType>(message.front())) {
    case SerfMessageType::kLeave: {
      TRY_ASSIGN(auto intent, decode_serf<LeaveIntent>(body));
      return take_leave_intent(intent);
    }
    case SerfMessageType::kJoin: {
      TRY_ASSIGN(auto intent, decode_serf<JoinIntent>(body));
      return take_join_intent(intent);
    }
    case SerfMessageType::kUserEvent: {
      TRY_ASSIGN(auto event, decode_serf<UserEventMessage>(body));
      return take_user_event(std::move(event));
    }
    case SerfMessageType::kQuery: {
      TRY_ASSIGN(auto query, decode_serf<QueryMessage>(body));
      return take_query(std::move(query));
    }
    case SerfMessageType::kQueryResponse: {
      TRY_ASSIGN(auto response, decode_serf<QueryResponseMessage>(body));
      take_query_response(std::move(response));
      return false;
    }
    case SerfMessageType::kRelay: {
      TRY_ASSIGN(Relay relay, decode_relay(body));
      swim_.send(relay.to, relay.message);
      return false;
    }
    default:
      return fail(
          "Received message of unknown type: " + std::to_string(static_cast<uint8_t>(message.front())),
          ErrorKind::kCorrupt);
  }
}

bool Serf::take_user_event(UserEventMessage event) {
  witness(event_clock_, event.ltime);
  if (event.ltime < event_least_) return false;
  if (event_clock_ > kEventBuffer && event.ltime < event_clock_ - kEventBuffer) {
    swim_.note(LogLevel::kWarn, "serf: received old event " + event.name + " from time " +
                                    std::to_string(event.ltime) +
                                    " (current: " + std::to_string(event_clock_) + ")");
    return false;
  }
  while (!events_.empty() && event_clock_ > kEventBuffer &&
         events_.begin()->first < event_clock_ - kEventBuffer)
    events_.erase(events_.begin());
  auto& seen = events_[event.ltime];
  std::pair<std::string, std::string> key(event.name, event.payload);
  if (seen.size() >= kMaxEventsPerTime || std::ranges::find(seen, key) != seen.end()) return false;
  seen.push_back(std::move(key));
  snapshot_.note_event_clock(event.ltime);
  emit(UserEvent{event.ltime, std::move(event.name), std::move(event.payload), event.coalesce});
  return true;
}

bool Serf::has_broadcasts() const {
  return !intent_queue_.empty() || !query_queue_.empty() || !event_queue_.empty();
}

void Serf::take_broadcasts(size_t overhead, size_t limit, size_t most, std::vector<std::string>& out) {
  uint32_t transmits = retransmit_limit(options_.swim.timings.retransmit_mult, members_.size());
  for (BroadcastQueue* queue : {&intent_queue_, &query_queue_, &event_queue_}) {
    size_t before = out.size();
    queue->take(overhead, limit, most, transmits, out);
    for (size_t i = before; i < out.size(); ++i) limit -= std::min(limit, out[i].size() + overhead);
  }
}

void Serf::broadcast_done(uint64_t ticket) {
  if (ticket == 0) return;
  if (ticket == leave_ticket_) {
    leave_deadline_ = now_;
    advance_leave();
    return;
  }
  auto removal = removals_.find(ticket);
  if (removal == removals_.end()) return;
  emit(RemovalDone{removal->second.ticket, {}});
  removals_.erase(removal);
}

// --- whole states ---

std::string Serf::local_state(bool) {
  SerfState state;
  state.ltime = clock_;
  state.event_ltime = event_clock_;
  state.query_ltime = query_clock_;
  for (const auto& [name, entry] : members_) {
    state.status_ltimes.push_back({name, entry.status_ltime});
    if (entry.status == MemberStatus::kLeft) state.left_members.push_back(name);
  }
  for (const auto& [ltime, events] : events_) {
    SerfState::Events& slot = state.events.emplace_back();
    slot.ltime = ltime;
    for (const auto& [name, payload] : events) slot.events.push_back({name, payload});
  }
  return encode_serf_state(state);
}

void Serf::merge_state(std::string_view message, bool join) {
  if (static_cast<SerfMessageType>(message.front()) != SerfMessageType::kPushPull)
    return swim_.note(LogLevel::kError, "serf: Remote state has bad type prefix: " +
                                            std::to_string(static_cast<uint8_t>(message.front())));
  auto state = decode_serf_state(message.substr(1));
  if (!state)
    return swim_.note(LogLevel::kError, "serf: Failed to decode remote state: " + state.error().message);
  // Nothing has been sent with the very time of a clock yet.
  if (state->ltime > 0) witness(clock_, state->ltime - 1);
  if (state->event_ltime > 0) witness(event_clock_, state->event_ltime - 1);
  if (state->query_ltime > 0) witness(query_clock_, state->query_ltime - 1);

  // First who left: the time of a leave is not told, but it came after the join's.
  std::set<std::string_view> left(state->left_members.begin(), state->left_members.end());
  for (const SerfState::Status& status : state->status_ltimes)
    if (left.contains(status.name)) take_leave_intent({status.ltime + 1, status.name, false});
  for (const SerfState::Status& status : state->status_ltimes)
    if (!left.contains(status.name)) take_join_intent({status.ltime, status.name});

  if (join && joining_ignores_old_.value_or(false)) event_least_ = std::max(event_least_, state->event_ltime);
  for (SerfState::Events& slot : state->events)
    for (SerfState::Event& event : slot.events)
      take_user_event({slot.ltime, std::move(event.name), Bytes(std::move(event.payload)), false});
}

// --- coordinates ---

std::string Serf::ack_payload() {
  return options_.coordinates ? encode_ack_payload(coordinates_.coordinate()) : std::string();
}

void Serf::ping_done(const Node& node, Duration rtt, std::string_view payload) {
  if (!options_.coordinates || payload.empty()) return;
  auto other = decode_ack_payload(payload);
  Status status;
  if (!other)
    status = fail(other.error());
  else
    status = coordinates_.update(node.name(), *other, rtt, swim_.random());
  if (!status)
    return swim_.note(LogLevel::kTrace,
                      "serf: Rejected coordinate from " + node.name() + ": " + status.error().message);
  coordinate_cache_[node.name()] = std::move(*other);
  coordinate_cache_[options_.swim.name] = coordinates_.coordinate();
}

const Coord* Serf::cached_coordinate(const std::string& name) const {
  auto at = coordinate_cache_.find(name);
  return at == coordinate_cache_.end() ? nullptr : &at->second;
}

std::map<std::string, std::string> Serf::stats() const {
  auto count = [&](MemberStatus status) {
    return std::to_string(
        std::ranges::count_if(members_, [&](const auto& member) { return member.second.status == status; }));
  };
  std::map<std::string, std::string> stats = {
      {"members", std::to_string(members_.size())},
      {"failed", count(MemberStatus::kFailed)},
      {"left", count(MemberStatus::kLeft)},
      {"health_score", std::to_string(swim_.health_score())},
      {"member_time", std::to_string(clock_)},
      {"event_time", std::to_string(event_clock_)},
      {"query_time", std::to_string(query_clock_)},
      {"intent_queue", std::to_string(intent_queue_.size())},
      {"event_queue", std::to_string(event_queue_.size())},
      {"query_queue", std::to_string(query_queue_.size())},
      {"encrypted", options_.keyring != nullptr ? "true" : "false"},
  };
  if (options_.coordinates) stats["coordinate_resets"] = std::to_string(coordinates_.resets());
  return stats;
}

}  // namespace praetor::gossip
