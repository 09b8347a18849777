// What is believed of the nodes: alive, suspect, dead and left, ordered by incarnation (SWIM, section 4.2),
// and the suspicion's timer, which confirmations shorten (Lifeguard's LHA-Suspicion).
#include <algorithm>

#include "gossip/swim.h"

namespace praetor::gossip {

namespace {
Alive message_of(const Node& node) {
  return {node.incarnation,
          node.name(),
          Bytes(std::string(node.info->address.ip.bytes())),
          node.info->address.port,
          Bytes(node.info->meta),
          Bytes(node.info->versions.bytes())};
}
}  // namespace

bool Swim::is_allowed(const IpAddress& ip) const {
  if (!options_.allowed) return true;
  return std::ranges::any_of(*options_.allowed, [&](const Cidr& network) { return network.contains(ip); });
}

void Swim::set_state(Node& node, NodeState state) {
  auto count = [&](int64_t by) {
    if (!node.gone()) alive_ += static_cast<size_t>(by);
    if (node.state == NodeState::kLeft) left_ += static_cast<size_t>(by);
  };
  if (node.state == state) return;
  count(-1);
  node.state = state;
  node.changed = now_;
  count(+1);
}

// --- alive ---

Status Swim::check_info(const NodeInfo& info) {
  const Versions& v = info.versions;
  if (v.min == 0 || v.max == 0 || v.min > v.max) return fail("protocol version(s) are wrong");
  if (info.address.ip.is_none()) return fail("no address");
  if (info.name.empty() || info.name.size() > kMaxNodeNameBytes) return fail("name is empty or too long");
  if (info.meta.size() > kMaxMetaBytes) return fail("meta data is too long");
  return {};
}

void Swim::take_alive_message(Alive message) {
  auto versions = Versions::from_bytes(message.vsn);
  if (!versions)
    return note(LogLevel::kWarn,
                "memberlist: ignoring alive message for '" + message.node + "': " + versions.error().message);
  Address address{IpAddress::from_bytes(message.addr), message.port};
  if (address.port == 0) address.port = options_.address.port;
  take_alive({.info = {std::move(message.node), address, std::move(message.meta), *versions},
              .incarnation = message.incarnation});
}

bool Swim::is_old_news(std::string_view name, const Address& address, uint32_t incarnation) const {
  const Node* node = nodes_.find(name);
  return node != nullptr && !is_self(name) && incarnation <= node->incarnation &&
         node->info->address == address;
}

// Where the news goes: the node, made if it is new; null if the news is to be ignored.
Node* Swim::place_for(const AliveNews& news, bool& replaces) {
  const NodeInfo& info = news.info;
  Node* node = nodes_.find(info.name);
  if (node == nullptr) {
    if (!is_allowed(info.address.ip) && !news.own) {
      note(LogLevel::kWarn, "memberlist: Rejected node " + info.name + " (" + info.address.ip.text() + ")");
      return nullptr;
    }
    if (nodes_.size() >= kMaxNodes) return nullptr;
    // The first other one: the beat begins, which nobody has missed until now.
    if (nodes_.size() == 1) probe_due_ = some_time_within(options_.timings.probe_interval);
    return &nodes_.add({options_.intern(info), now_, 0, NodeState::kDead}, random_);
  }
  if (node->info->address == info.address) return node;
  if (!is_allowed(info.address.ip) && !news.own) return nullptr;
  // Another address under a known name: its successor, if the name is free by now; else a conflict.
  bool free = node->state == NodeState::kLeft ||
              (node->state == NodeState::kDead && now_ - node->changed > options_.timings.dead_node_reclaim);
  if (free) {
    note(LogLevel::kInfo, "memberlist: Updating address for left or failed node " + info.name + " from " +
                              node->info->address.text() + " to " + info.address.text());
    replaces = true;
    return node;
  }
  note(LogLevel::kError, "memberlist: Conflicting address for " + info.name +
                             ". Mine: " + node->info->address.text() + " Theirs: " + info.address.text());
  delegate_.name_conflict(*node, info);
  return nullptr;
}

void Swim::take_alive(AliveNews news) {
  if (is_old_news(news.info.name, news.info.address, news.incarnation)) return;
  bool own_name = is_self(news.info.name);
  if (leaving_ && own_name) return;  // late news must not bring it back
  if (!news.own) {
    Status status = check_info(news.info);
    if (status) status = delegate_.check_alive(news.info);
    if (!status)
      return note(LogLevel::kWarn, "memberlist: ignoring alive message for '" + news.info.name +
                                       "': " + status.error().message);
  }
  bool replaces = false, known = nodes_.find(news.info.name) != nullptr;
  Node* node = place_for(news, replaces);
  if (node == nullptr) return;
  if (known && !own_name && !replaces && news.incarnation <= node->incarnation) return;
  if (own_name && !news.own) {
    // Somebody repeats an earlier life of this node, or impersonates it. What is true needs no answer.
    if (news.incarnation < node->incarnation) return;
    if (news.incarnation == node->incarnation && news.info.meta == node->info->meta &&
        news.info.versions == node->info->versions)
      return;
    note(LogLevel::kWarn, "memberlist: Refuting an alive message for '" + news.info.name + "' (" +
                              news.info.address.text() + ")");
    return refute(*node, news.incarnation);
  }
  drop_suspicion(news.info.name);
  bool back = node->gone(), changed = node->info->meta != news.info.meta;
  if (!(*node->info == news.info)) node->info = options_.intern(std::move(news.info));
  node->incarnation = news.incarnation;
  set_state(*node, NodeState::kAlive);
  broadcast(node->name(), encode(MessageType::kAlive, message_of(*node)), news.ticket);
  if (back)
    delegate_.node_joined(*node);
  else if (changed)
    delegate_.node_updated(*node);
}

void Swim::refute(Node& self, uint32_t accused) {
  incarnation_ = std::max(incarnation_, accused) + 1;
  self.incarnation = incarnation_;
  // Others had reason to doubt: perhaps this node is slow.
  change_awareness(+1);
  broadcast(self.name(), encode(MessageType::kAlive, message_of(self)));
}

void Swim::assume(Instant now, NodeInfoPtr info, uint32_t incarnation) {
  now_ = now;
  Node& node = nodes_.add({std::move(info), now, incarnation, NodeState::kDead}, random_);
  set_state(node, NodeState::kAlive);
  delegate_.node_joined(node);
}

// --- suspect ---

void Swim::take_suspect(const Suspect& message) {
  Node* node = nodes_.find(message.node);
  if (node == nullptr || message.incarnation < node->incarnation) return;
  auto at = suspicions_.find(message.node);
  if (at != suspicions_.end()) {
    // A new accuser confirms, and what is new goes on.
    Suspicion& suspicion = at->second;
    if (suspicion.confirmations >= suspicion.wanted ||
        std::ranges::find(suspicion.from, message.from) != suspicion.from.end())
      return;
    suspicion.from.push_back(message.from);
    ++suspicion.confirmations;
    schedule(message.node, suspicion);
    broadcast(message.node, encode(MessageType::kSuspect, message));
    return;
  }
  if (node->state != NodeState::kAlive) return;
  if (is_self(message.node)) {
    note(LogLevel::kWarn, "memberlist: Refuting a suspect message (from: " + message.from + ")");
    return refute(*node, message.incarnation);
  }
  suspect(*node, message);
}

void Swim::suspect(Node& node, const Suspect& message) {
  const SwimTimings& timings = options_.timings;
  broadcast(message.node, encode(MessageType::kSuspect, message));
  node.incarnation = message.incarnation;
  set_state(node, NodeState::kSuspect);
  // Two probe intervals are left for what is on its way; a small cluster cannot give so many confirmations.
  uint32_t wanted = timings.suspicion_mult - std::min(timings.suspicion_mult, 2u);
  if (cluster_size() < wanted + 2) wanted = 0;
  Suspicion& suspicion = suspicions_[message.node];
  suspicion.wanted = wanted;
  suspicion.min = suspicion_timeout(timings.suspicion_mult, cluster_size(), timings.probe_interval);
  suspicion.max = suspicion.min * timings.suspicion_max_timeout_mult;
  suspicion.start = now_;
  suspicion.from = {message.from};
  schedule(message.node, suspicion);
}

void Swim::schedule(const std::string& node, Suspicion& suspicion) {
  auto [first, last] = suspicion_deadlines_.equal_range(suspicion.deadline);
  for (; first != last; ++first) {
    if (first->second != node) continue;
    suspicion_deadlines_.erase(first);
    break;
  }
  suspicion.deadline = suspicion.start + suspicion_after(suspicion.confirmations, suspicion.wanted,
                                                         suspicion.min, suspicion.max);
  suspicion_deadlines_.emplace(suspicion.deadline, node);
}

void Swim::drop_suspicion(const std::string& node) {
  auto at = suspicions_.find(node);
  if (at == suspicions_.end()) return;
  auto [first, last] = suspicion_deadlines_.equal_range(at->second.deadline);
  suspicion_deadlines_.erase(
      std::find_if(first, last, [&](const auto& entry) { return entry.second == node; }));
  suspicions_.erase(at);
}

void Swim::expire_suspicions() {
  while (!suspicion_deadlines_.empty() && suspicion_deadlines_.begin()->first <= now_) {
    std::string name = suspicion_deadlines_.begin()->second;
    uint32_t confirmations = suspicions_.at(name).confirmations;
    drop_suspicion(name);
    const Node* node = nodes_.find(name);
    if (node == nullptr || node->state != NodeState::kSuspect) continue;
    note(LogLevel::kInfo, "memberlist: Marking " + name + " as failed, suspect timeout reached (" +
                              std::to_string(confirmations) + " peer confirmations)");
    take_dead({node->incarnation, name, options_.name});
  }
}

// --- dead and left ---

void Swim::take_dead(const Dead& message, uint64_t ticket) {
  Node* node = nodes_.find(message.node);
  if (node == nullptr || message.incarnation < node->incarnation) return;
  drop_suspicion(message.node);
  if (node->gone()) return;
  if (is_self(message.node) && !leaving_) {
    note(LogLevel::kWarn, "memberlist: Refuting a dead message (from: " + message.from + ")");
    return refute(*node, message.incarnation);
  }
  broadcast(message.node, encode(MessageType::kDead, message), ticket);
  node->incarnation = message.incarnation;
  set_state(*node, message.node == message.from ? NodeState::kLeft : NodeState::kDead);
  delegate_.node_left(*node);
}

void Swim::forget_stale_nodes() {
  nodes_.sweep(random_, [&](const Node& node) {
    Duration age = now_ - node.changed;
    bool stale = (node.state == NodeState::kDead && age > options_.timings.gossip_to_the_dead) ||
                 (node.state == NodeState::kLeft && age > options_.timings.left_retention);
    stale = stale && !is_self(node.name());
    if (stale && node.state == NodeState::kLeft) --left_;
    return stale;
  });
}

}  // namespace praetor::gossip
