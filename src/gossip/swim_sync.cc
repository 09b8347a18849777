// Streams: exchanges of whole states (push/pull, SWIM's anti-entropy in memberlist), pings by TCP, and user
// messages that came by stream.
#include <algorithm>

#include "gossip/swim.h"

namespace praetor::gossip {

uint64_t Swim::open_stream(Stream stream, const Address& to, std::string message, Instant deadline) {
  uint64_t id = ++last_stream_;
  streams_.emplace(id, std::move(stream));
  effects_->streams.push_back({id, to, std::move(message), deadline});
  return id;
}

uint64_t Swim::join(Instant now, const Address& address, Effects& effects) {
  begin(now, effects);
  return open_stream({Stream::Kind::kJoin, address.text()}, address, encode_state(true),
                     now + options_.timings.tcp_timeout);
}

void Swim::periodic_push_pull() {
  auto peers = nodes_.pick(
      1, random_, [&](const Node& node) { return !is_self(node.name()) && node.state == NodeState::kAlive; });
  if (peers.empty()) return;
  note(LogLevel::kDebug, "memberlist: Initiating push/pull sync with: " + peers.front()->name() + " " +
                             peers.front()->info->address.text());
  open_stream({Stream::Kind::kPushPull, peers.front()->name()}, peers.front()->info->address,
              encode_state(false), now_ + options_.timings.tcp_timeout);
}

std::string Swim::encode_state(bool join) {
  PushPull state;
  state.join = join;
  state.nodes.reserve(nodes_.size());
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_.at(i);
    const NodeInfo& info = *node.info;
    state.nodes.push_back({info.name, info.address.ip.bytes(), info.meta, info.versions.view(),
                           info.address.port, node.incarnation, static_cast<int64_t>(node.state)});
  }
  std::string user_state = delegate_.local_state(join);
  state.user_state = user_state;
  return encode_push_pull(state);
}

Result<std::string> Swim::stream(Instant now, const Address& from, std::string_view message,
                                 Effects& effects) {
  begin(now, effects);
  if (message.empty()) return fail("empty message", ErrorKind::kCorrupt);
  std::string_view body = message.substr(1);
  switch (static_cast<MessageType>(message.front())) {
    case MessageType::kPing: {
      TRY_ASSIGN(auto ping, decode<Ping>(body));
      if (!ping.node.empty() && !is_self(ping.node)) return fail("Got ping for unexpected node " + ping.node);
      return encode(MessageType::kAckResp, AckResp{ping.seq_no, {}});
    }
    case MessageType::kPushPull: {
      if (!is_allowed(from.ip)) return fail(from.ip.text() + " is not allowed", ErrorKind::kPermissionDenied);
      TRY_ASSIGN(PushPull remote, decode_push_pull(body));
      // The other side learns what was known before it came.
      std::string reply = encode_state(remote.join);
      if (Status status = merge(remote); !status)
        note(LogLevel::kError,
             "memberlist: Failed push/pull merge: " + status.error().message + " from=" + from.text());
      finish();
      return reply;
    }
    case MessageType::kUser: {
      TRY_ASSIGN(std::string_view user, decode_user_stream(body));
      if (!user.empty()) delegate_.user_message(user);
      finish();
      return std::string();
    }
    default:
      return fail("Received invalid msgType (" + std::to_string(static_cast<uint8_t>(message.front())) + ")",
                  ErrorKind::kCorrupt);
  }
}

void Swim::stream_reply(Instant now, uint64_t id, Result<std::string> message, Effects& effects) {
  begin(now, effects);
  auto at = streams_.find(id);
  if (at == streams_.end()) return;
  Stream stream = std::move(at->second);
  streams_.erase(at);
  switch (stream.kind) {
    case Stream::Kind::kPing:
      if (!probe_ || probe_->stream != id) break;
      probe_->reached_by_tcp = take_tcp_ack(message).has_value();
      break;
    case Stream::Kind::kPushPull:
      if (Status status = take_push_pull_reply(message); !status)
        note(LogLevel::kError,
             "memberlist: Push/Pull with " + stream.node + " failed: " + status.error().message);
      break;
    case Stream::Kind::kJoin: {
      Status status = take_push_pull_reply(message);
      if (!status)
        note(LogLevel::kDebug, "memberlist: Failed to join " + stream.node + ": " + status.error().message);
      delegate_.join_done(id, status);
      break;
    }
  }
  finish();
}

Status Swim::take_push_pull_reply(const Result<std::string>& message) {
  if (!message) return fail(message.error());
  if (message->empty()) return fail("EOF", ErrorKind::kIo);
  std::string_view body = std::string_view(*message).substr(1);
  auto type = static_cast<MessageType>(message->front());
  if (type == MessageType::kErr) {
    TRY_ASSIGN(auto error, decode<ErrResp>(body));
    return fail("remote error: " + error.error);
  }
  if (type != MessageType::kPushPull)
    return fail("received invalid msgType (" + std::to_string(static_cast<uint8_t>(type)) +
                    "), expected pushPullMsg (6)",
                ErrorKind::kCorrupt);
  TRY_ASSIGN(PushPull remote, decode_push_pull(body));
  return merge(remote);
}

Status Swim::take_tcp_ack(const Result<std::string>& message) {
  if (!message) return fail(message.error());
  if (message->empty() || static_cast<MessageType>(message->front()) != MessageType::kAckResp)
    return fail("unexpected answer to a ping", ErrorKind::kCorrupt);
  TRY_ASSIGN(auto ack, decode<AckResp>(std::string_view(*message).substr(1)));
  if (ack.seq_no != probe_->seq_no) return fail("sequence number does not match", ErrorKind::kCorrupt);
  return {};
}

NodeInfo Swim::info_of(const PushNode& node) const {
  uint16_t port = node.port == 0 ? options_.address.port : node.port;
  // check_states has seen that the versions are whole.
  return {std::string(node.name),
          {IpAddress::from_bytes(node.addr), port},
          std::string(node.meta),
          Versions::from_bytes(node.vsn).value_or(Versions{0, 0, 0, 0, 0, 0})};
}

Status Swim::merge(const PushPull& remote) {
  TRY(check_states(remote));
  if (remote.join) TRY(check_join(remote));
  for (const PushNode& node : remote.nodes) {
    switch (static_cast<NodeState>(node.state)) {
      case NodeState::kAlive: {
        Address address{IpAddress::from_bytes(node.addr), node.port};
        if (!is_old_news(node.name, address, node.incarnation))
          take_alive({.info = info_of(node), .incarnation = node.incarnation});
        break;
      }
      case NodeState::kLeft:
        take_dead({node.incarnation, std::string(node.name), std::string(node.name)});
        break;
      case NodeState::kDead:  // hearsay: the node may refute it first
      case NodeState::kSuspect:
        take_suspect({node.incarnation, std::string(node.name), options_.name});
        break;
    }
  }
  if (!remote.user_state.empty()) delegate_.merge_state(remote.user_state, remote.join);
  return {};
}

Status Swim::check_join(const PushPull& remote) {
  std::vector<Node> nodes;
  nodes.reserve(remote.nodes.size());
  for (const PushNode& node : remote.nodes)
    nodes.push_back({std::make_shared<const NodeInfo>(info_of(node)), now_, node.incarnation,
                     static_cast<NodeState>(node.state)});
  return delegate_.check_merge(nodes);
}

namespace {

// The versions that every living node understands.
struct CommonVersions {
  uint8_t least = 0, most = UINT8_MAX, delegate_least = 0, delegate_most = UINT8_MAX;

  void narrow(NodeState state, const Versions& v) {
    if (state != NodeState::kAlive || v == Versions{0, 0, 0, 0, 0, 0}) return;  // zeros: not told
    least = std::max(least, v.min);
    most = std::min(most, v.max);
    delegate_least = std::max(delegate_least, v.delegate_min);
    delegate_most = std::min(delegate_most, v.delegate_max);
  }
  Status check(std::string_view name, const Versions& v) const {
    auto refuse = [&](const char* which, uint8_t speaks, uint8_t from, uint8_t to) {
      return fail("Node '" + std::string(name) + "' " + which + "protocol version (" +
                  std::to_string(speaks) + ") is incompatible: [" + std::to_string(from) + ", " +
                  std::to_string(to) + "]");
    };
    if (v.current < least || v.current > most) return refuse("", v.current, least, most);
    if (v.delegate_current < delegate_least || v.delegate_current > delegate_most)
      return refuse("delegate ", v.delegate_current, delegate_least, delegate_most);
    return {};
  }
};

}  // namespace

// Are the states readable, and do all nodes of both sides understand each other?
Status Swim::check_states(const PushPull& remote) const {
  CommonVersions common;
  for (const PushNode& node : remote.nodes) {
    TRY_ASSIGN(Versions versions, Versions::from_bytes(node.vsn));
    if (node.state < 0 || node.state > static_cast<int64_t>(NodeState::kLeft))
      return fail("unknown state of node '" + std::string(node.name) + "'", ErrorKind::kCorrupt);
    common.narrow(static_cast<NodeState>(node.state), versions);
  }
  for (size_t i = 0; i < nodes_.size(); ++i) common.narrow(nodes_.at(i).state, nodes_.at(i).info->versions);
  for (const PushNode& node : remote.nodes) {
    TRY_ASSIGN(Versions versions, Versions::from_bytes(node.vsn));
    TRY(common.check(node.name, versions));
  }
  for (size_t i = 0; i < nodes_.size(); ++i)
    TRY(common.check(nodes_.at(i).name(), nodes_.at(i).info->versions));
  return {};
}

}  // namespace praetor::gossip
