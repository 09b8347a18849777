// Failure detection: one node after the other is pinged; who does not answer is asked for through others and
// by TCP, and then suspected.
#include <algorithm>

#include "gossip/swim.h"

namespace praetor::gossip {

namespace {
// Protocol versions from which on a node answers TCP pings and tells of silent targets.
constexpr uint8_t kTcpPingVersion = 3, kNackVersion = 4, kChecksumVersion = 5;

Bytes raw(const Address& address) { return Bytes(std::string(address.ip.bytes())); }
}  // namespace

void Swim::start_probe() {
  // Round robin over a shuffled list, so that the time to a node's next ping is bounded (SWIM, section 4.3).
  for (size_t seen = 0; seen < nodes_.size(); ++seen) {
    if (probe_position_ >= nodes_.size()) {
      forget_stale_nodes();
      probe_position_ = 0;
    }
    if (nodes_.size() == 0) return;
    const Node& node = nodes_.at(probe_position_++);
    if (!is_self(node.name()) && !node.gone()) return send_probe(node);
  }
}

void Swim::send_probe(const Node& node) {
  const SwimTimings& timings = options_.timings;
  probe_.emplace();
  Probe& probe = *probe_;
  probe.node = node.name();
  probe.address = node.info->address;
  probe.versions = node.info->versions;
  probe.incarnation = node.incarnation;
  probe.seq_no = ++last_seq_no_;
  probe.sent = now_;
  probe.direct_until = now_ + timings.probe_timeout;
  // A node that is unwell gives the others more time (Lifeguard's LHA-Probe).
  probe.deadline = now_ + timings.probe_interval * (awareness_ + 1);
  probe.direct_until = std::min(probe.direct_until, probe.deadline);

  std::string ping = encode(MessageType::kPing, Ping{probe.seq_no, probe.node, raw(options_.address),
                                                     options_.address.port, options_.name});
  bool checksum = probe.versions.max >= kChecksumVersion;
  if (node.state == NodeState::kAlive) return send_with_gossip(probe.address, std::move(ping), checksum);
  // A suspect hears at once what it has to refute (Lifeguard's buddy system).
  std::string suspicion = encode(MessageType::kSuspect, Suspect{node.incarnation, probe.node, options_.name});
  send_packet(probe.address, encode_compound({ping, suspicion}), checksum);
}

// No answer in time: others and TCP are asked.
void Swim::widen_probe() {
  Probe& probe = *probe_;
  probe.stage = ProbeStage::kIndirect;
  note(LogLevel::kDebug, "memberlist: Failed ping: " + probe.node + " (timeout reached)");
  auto helpers = nodes_.pick(options_.timings.indirect_checks, random_, [&](const Node& node) {
    return !is_self(node.name()) && node.name() != probe.node && node.state == NodeState::kAlive;
  });
  IndirectPing ping{probe.seq_no, raw(probe.address),    probe.address.port,    probe.node,
                    false,        raw(options_.address), options_.address.port, options_.name};
  for (const Node* helper : helpers) {
    ping.nack = helper->info->versions.max >= kNackVersion;
    if (ping.nack) ++probe.nacks_wanted;
    send_with_gossip(helper->info->address, encode(MessageType::kIndirectPing, ping),
                     helper->info->versions.max >= kChecksumVersion);
  }
  if (options_.tcp_pings && probe.versions.max >= kTcpPingVersion && now_ < probe.deadline)
    probe.stream = open_stream(
        {Stream::Kind::kPing, probe.node}, probe.address,
        encode(MessageType::kPing,
               Ping{probe.seq_no, probe.node, raw(options_.address), options_.address.port, options_.name}),
        probe.deadline);
}

void Swim::probe_answered() {
  change_awareness(-1);
  probe_.reset();
}

void Swim::end_probe() {
  Probe probe = std::move(*probe_);
  probe_.reset();
  if (probe.reached_by_tcp) {
    note(LogLevel::kWarn, "memberlist: Was able to connect to " + probe.node +
                              " but other probes failed, network may be misconfigured");
    change_awareness(-1);
    return;
  }
  // Helpers that do not even say that the target is silent mean that the trouble is here.
  change_awareness(probe.nacks_wanted > 0
                       ? static_cast<int32_t>(probe.nacks_wanted - std::min(probe.nacks_wanted, probe.nacks))
                       : 1);
  note(LogLevel::kInfo, "memberlist: Suspect " + probe.node + " has failed, no acks received");
  take_suspect({probe.incarnation, probe.node, options_.name});
}

void Swim::change_awareness(int32_t delta) {
  int32_t most = static_cast<int32_t>(options_.timings.awareness_max) - 1;
  awareness_ = static_cast<uint32_t>(std::clamp(static_cast<int32_t>(awareness_) + delta, 0, most));
}

// This process stood still: what was not heard meanwhile is its own fault, and nobody is to die of it.
void Swim::forgive(Duration lost) {
  change_awareness(+1);
  probe_.reset();
  std::multimap<Instant, std::string> later;
  for (auto& [deadline, name] : suspicion_deadlines_) later.emplace(deadline + lost, name);
  suspicion_deadlines_ = std::move(later);
  for (auto& [name, suspicion] : suspicions_) {
    suspicion.start += lost;
    suspicion.deadline += lost;
  }
}

Status Swim::take_ping(const Address& from, std::string_view body) {
  TRY_ASSIGN(auto ping, decode<Ping>(body));
  if (!ping.node.empty() && !is_self(ping.node))
    return fail("Got ping for unexpected node '" + ping.node + "'");
  Address to{IpAddress::from_bytes(ping.source_addr), ping.source_port};
  if (to.ip.is_none() || to.port == 0) to = from;
  AckResp ack{ping.seq_no, Bytes(delegate_.ack_payload())};
  send_with_gossip(to, encode(MessageType::kAckResp, ack), false);
  return {};
}

Status Swim::take_indirect_ping(const Address& from, std::string_view body) {
  TRY_ASSIGN(auto request, decode<IndirectPing>(body));
  Address target{IpAddress::from_bytes(request.target), request.port};
  if (target.ip.is_none()) return fail("indirect ping: bad target", ErrorKind::kCorrupt);
  if (target.port == 0) target.port = options_.address.port;
  if (relays_.size() >= kMaxRelayedPings) return fail("too many indirect pings", ErrorKind::kRateLimited);
  Address origin{IpAddress::from_bytes(request.source_addr), request.source_port};
  if (origin.ip.is_none() || origin.port == 0) origin = from;
  uint32_t seq_no = ++last_seq_no_;
  relays_.push_back({seq_no, origin, request.seq_no, request.nack, now_ + options_.timings.probe_timeout});
  send_with_gossip(target,
                   encode(MessageType::kPing, Ping{seq_no, request.node, raw(options_.address),
                                                   options_.address.port, options_.name}),
                   false);
  return {};
}

Status Swim::take_ack(std::string_view body) {
  TRY_ASSIGN(auto ack, decode<AckResp>(body));
  if (probe_ && probe_->seq_no == ack.seq_no) {
    if (probe_->stage == ProbeStage::kDirect) {
      if (const Node* node = nodes_.find(probe_->node))
        delegate_.ping_done(*node, now_ - probe_->sent, ack.payload);
    }
    probe_answered();
    return {};
  }
  auto relay = std::ranges::find(relays_, ack.seq_no, &RelayedPing::seq_no);
  if (relay == relays_.end()) return {};  // late
  send_with_gossip(relay->origin, encode(MessageType::kAckResp, AckResp{relay->origin_seq_no, {}}), false);
  relays_.erase(relay);
  return {};
}

Status Swim::take_nack(std::string_view body) {
  TRY_ASSIGN(auto nack, decode<NackResp>(body));
  if (probe_ && probe_->seq_no == nack.seq_no) ++probe_->nacks;
  return {};
}

void Swim::expire_relays() {
  while (!relays_.empty() && relays_.front().deadline <= now_) {
    RelayedPing relay = relays_.front();
    relays_.pop_front();
    if (relay.nack)
      send_with_gossip(relay.origin, encode(MessageType::kNackResp, NackResp{relay.origin_seq_no}), false);
  }
}

}  // namespace praetor::gossip
