#include "gossip/swim.h"

#include <algorithm>

#include "base/check.h"

namespace praetor::gossip {

namespace {
constexpr size_t kCompoundHeader = 2, kCompoundPart = 2;
}

Swim::Swim(SwimOptions options, SwimDelegate& delegate)
    : options_(std::move(options)), delegate_(delegate), random_(options_.seed) {
  if (!options_.intern)
    options_.intern = [](NodeInfo info) { return std::make_shared<const NodeInfo>(std::move(info)); };
}

// Staggered, so that nodes that start together do not beat in time.
Instant Swim::some_time_within(Duration interval) {
  return now_ + Duration(static_cast<int64_t>(random_.below(static_cast<uint64_t>(interval.count()))));
}

void Swim::start(Instant now, Effects& effects) {
  begin(now, effects);
  CHECK(nodes_.size() == 0);
  probe_due_ = some_time_within(options_.timings.probe_interval);
  gossip_due_ = some_time_within(options_.timings.gossip_interval);
  push_pull_due_ =
      some_time_within(options_.timings.push_pull_interval) + options_.timings.push_pull_interval;
  CHECK(options_.meta.size() <= kMaxMetaBytes);
  announce(options_.meta);
  finish();
}

// This node's word about itself, with the next incarnation.
uint64_t Swim::announce(std::string meta) {
  uint64_t ticket = alive_ > 1 ? ++last_ticket_ : 0;
  take_alive({.info = {options_.name, options_.address, std::move(meta), options_.versions},
              .incarnation = ++incarnation_,
              .own = true,
              .ticket = ticket});
  return ticket;
}

void Swim::tick(Instant now, Effects& effects) {
  begin(now, effects);
  const SwimTimings& timings = options_.timings;
  if (nodes_.size() > 1 && now - probe_due_ > timings.probe_interval) forgive(now - probe_due_);
  expire_suspicions();
  expire_relays();
  if (probe_ && probe_->stage == ProbeStage::kDirect && now >= probe_->direct_until) widen_probe();
  if (probe_ && now >= probe_->deadline) end_probe();
  if (now >= probe_due_) {
    // A probe that takes longer (bad health) lets beats pass.
    probe_due_ += timings.probe_interval * ((now - probe_due_) / timings.probe_interval + 1);
    if (!probe_) start_probe();
  }
  if (now >= gossip_due_ && has_broadcasts()) {
    gossip_due_ = now + timings.gossip_interval;
    gossip();
  }
  if (now >= push_pull_due_) {
    push_pull_due_ = now + push_pull_scale(timings.push_pull_interval, cluster_size());
    periodic_push_pull();
  }
  finish();
}

Instant Swim::next_deadline() const {
  Instant next = push_pull_due_;
  // Alone there is nobody to ask or to tell.
  bool alone = nodes_.size() < 2;
  if (!alone) next = std::min(next, probe_due_);
  // An idle node's gossip waits for news, and then need not wait for a beat.
  if (!alone && has_broadcasts()) next = std::min(next, gossip_due_);
  if (probe_)
    next = std::min(next, probe_->stage == ProbeStage::kDirect ? probe_->direct_until : probe_->deadline);
  if (!relays_.empty()) next = std::min(next, relays_.front().deadline);
  if (!suspicion_deadlines_.empty()) next = std::min(next, suspicion_deadlines_.begin()->first);
  return next;
}

Status Swim::packet(Instant now, const Address& from, std::string_view message, Effects& effects) {
  begin(now, effects);
  if (message.empty()) return fail("empty message", ErrorKind::kCorrupt);
  std::string_view body = message.substr(1);
  Status status;
  switch (static_cast<MessageType>(message.front())) {
    case MessageType::kPing:
      status = take_ping(from, body);
      break;
    case MessageType::kIndirectPing:
      status = take_indirect_ping(from, body);
      break;
    case MessageType::kAckResp:
      status = take_ack(body);
      break;
    case MessageType::kNackResp:
      status = take_nack(body);
      break;
    case MessageType::kSuspect: {
      TRY_ASSIGN(auto news, decode<Suspect>(body));
      take_suspect(news);
      break;
    }
    case MessageType::kDead: {
      TRY_ASSIGN(auto news, decode<Dead>(body));
      take_dead(news);
      break;
    }
    case MessageType::kAlive: {
      TRY_ASSIGN(auto news, decode<Alive>(body));
      if (!is_allowed(from.ip)) return fail(from.ip.text() + " is not allowed", ErrorKind::kPermissionDenied);
      take_alive_message(std::move(news));
      break;
    }
    case MessageType::kUser:
      delegate_.user_message(body);
      break;
    default:
      return fail("msg type (" + std::to_string(static_cast<uint8_t>(message.front())) + ") not supported",
                  ErrorKind::kCorrupt);
  }
  finish();
  return status;
}

void Swim::finish() {
  for (uint64_t ticket : queue_.take_finished()) delegate_.broadcast_done(ticket);
}

// --- sending ---

void Swim::send_packet(const Address& to, std::string message, bool checksum) {
  effects_->packets.push_back({to, std::move(message), checksum});
}

std::vector<std::string> Swim::take_broadcasts(size_t used) {
  std::vector<std::string> messages;
  size_t budget = options_.packet_bytes, overhead = used + kCompoundHeader + options_.packet_overhead;
  if (budget <= overhead) return messages;
  size_t limit = budget - overhead, most = kMaxCompoundParts - 1;
  queue_.take(kCompoundPart, limit, most, retransmit_limit(options_.timings.retransmit_mult, cluster_size()),
              messages);
  for (const std::string& message : messages) limit -= std::min(limit, message.size() + kCompoundPart);
  size_t own = messages.size();
  delegate_.take_broadcasts(kCompoundPart + 1, limit, most, messages);
  for (size_t i = own; i < messages.size(); ++i)
    messages[i].insert(messages[i].begin(), static_cast<char>(MessageType::kUser));
  return messages;
}

void Swim::send_with_gossip(const Address& to, std::string message, bool checksum) {
  std::vector<std::string> extra;
  if (has_broadcasts()) extra = take_broadcasts(message.size() + kCompoundPart);
  if (extra.empty()) return send_packet(to, std::move(message), checksum);
  std::vector<std::string_view> parts{message};
  parts.insert(parts.end(), extra.begin(), extra.end());
  send_packet(to, encode_compound(parts), checksum);
}

void Swim::send(const Address& to, std::string_view message) {
  std::string out(1, static_cast<char>(MessageType::kUser));
  send_packet(to, out.append(message), false);
}

void Swim::broadcast(const std::string& node, std::string message, uint64_t ticket) {
  queue_.add(node, std::move(message), ticket);
}

void Swim::gossip() {
  auto targets = nodes_.pick(options_.timings.gossip_nodes, random_, [&](const Node& node) {
    if (is_self(node.name()) || node.state == NodeState::kLeft) return false;
    // A node that is thought dead may live: for a while it still hears what is said about it.
    return node.state != NodeState::kDead || now_ - node.changed <= options_.timings.gossip_to_the_dead;
  });
  for (const Node* node : targets) {
    std::vector<std::string> messages = take_broadcasts(0);
    if (messages.empty()) return;
    std::string packet = messages.size() == 1 ? std::move(messages.front())
                                              : encode_compound({messages.begin(), messages.end()});
    send_packet(node->info->address, std::move(packet), node->info->versions.max >= 5);
  }
}

void Swim::note(LogLevel level, std::string text) {
  if (options_.notes) effects_->notes.push_back({level, std::move(text)});
}

// --- the operator's wishes ---

uint64_t Swim::leave(Instant now, Effects& effects) {
  begin(now, effects);
  if (leaving_) return 0;
  leaving_ = true;
  const Node& me = self();
  uint64_t ticket = alive_ > 1 ? ++last_ticket_ : 0;
  take_dead({me.incarnation, options_.name, options_.name}, ticket);
  finish();
  return ticket;
}

uint64_t Swim::update_meta(Instant now, std::string meta, Effects& effects) {
  begin(now, effects);
  CHECK(meta.size() <= kMaxMetaBytes);
  uint64_t ticket = announce(std::move(meta));
  finish();
  return ticket;
}

}  // namespace praetor::gossip
