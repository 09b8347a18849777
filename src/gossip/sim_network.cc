#include "gossip/sim_network.h"

#include <algorithm>

#include "base/check.h"
#include "gossip/framing.h"

namespace praetor::gossip {

namespace {
constexpr uint16_t kPort = 8301;
}

Address SimNetwork::address_of(Index index) {
  char raw[4] = {10, static_cast<char>(index >> 16), static_cast<char>(index >> 8), static_cast<char>(index)};
  return {IpAddress::from_bytes({raw, sizeof raw}), kPort};
}

SimNetwork::Index SimNetwork::index_of(const Address& address) const {
  std::string_view raw = address.ip.bytes();
  if (raw.size() != 4 || raw[0] != 10) return UINT32_MAX;
  auto at = [&](size_t i) { return static_cast<Index>(static_cast<uint8_t>(raw[i])); };
  Index index = at(1) << 16 | at(2) << 8 | at(3);
  return index < nodes_.size() ? index : UINT32_MAX;
}

SimNetwork::Index SimNetwork::add(std::unique_ptr<SimMember> member) {
  nodes_.push_back({.member = std::move(member)});
  return static_cast<Index>(nodes_.size() - 1);
}

void SimNetwork::replace(Index index, std::unique_ptr<SimMember> member) {
  nodes_[index].up = nodes_[index].paused = false;
  nodes_[index].member = std::move(member);
  nodes_[index].wake = Instant::max();
}

void SimNetwork::start(Index index) {
  nodes_[index].up = true;
  act(index, [&](SimMember& member, Effects& effects) { member.start(now_, effects); });
}

void SimNetwork::resume(Index index) {
  nodes_[index].paused = false;
  std::vector<Event> waited;
  waited.swap(waiting_);
  for (Event& event : waited) {
    event.at = now_;
    push(std::move(event));
  }
}

void SimNetwork::act(Index index, const std::function<void(SimMember&, Effects&)>& action) {
  Effects effects;
  action(*nodes_[index].member, effects);
  carry_out(index, effects);
}

void SimNetwork::push(Event event) {
  event.order = ++order_;
  events_.push(std::move(event));
}

Duration SimNetwork::delay() {
  return options_.delay_least +
         Duration(static_cast<int64_t>(
             random_.below(static_cast<uint64_t>((options_.delay_most - options_.delay_least).count()) + 1)));
}

void SimNetwork::carry_out(Index index, Effects& effects) {
  for (PacketOut& packet : effects.packets) {
    ++packets_;
    bytes_ += packet.message.size();
    Index to = index_of(packet.to);
    if (to == UINT32_MAX || !connected(index, to) || nodes_[index].packets_cut || nodes_[to].packets_cut)
      continue;
    if (random_.real() < options_.loss) continue;
    if (options_.duplicate > 0 && random_.real() < options_.duplicate)
      push({now_ + delay(), 0, Kind::kPacket, to, index, 0, packet.message});
    push({now_ + delay(), 0, Kind::kPacket, to, index, 0, std::move(packet.message)});
  }
  for (StreamOut& stream : effects.streams) {
    Index to = index_of(stream.to);
    if (to == UINT32_MAX || !connected(index, to) || !nodes_[to].up) {
      Instant at = to != UINT32_MAX && connected(index, to) ? now_ + delay() : stream.deadline;
      push({at, 0, Kind::kReply, index, to, stream.id, "", true});
    } else {
      push({now_ + delay(), 0, Kind::kRequest, to, index, stream.id, std::move(stream.message), false,
            stream.deadline});
    }
  }
  rearm(index);
}

void SimNetwork::rearm(Index index) {
  Hub& node = nodes_[index];
  if (!node.up || node.paused) return;
  Instant next = std::max(node.member->next_deadline(), now_);
  if (next >= node.wake) return;
  node.wake = next;
  push({next, 0, Kind::kTimer, index, index, 0, ""});
}

void SimNetwork::deliver(Event& event) {
  Hub& node = nodes_[event.to];
  if (!node.up) {
    if (event.kind == Kind::kRequest)
      push({event.deadline, 0, Kind::kReply, event.from, event.to, event.stream, "", true});
    return;
  }
  if (node.paused) {
    // The kernel keeps packets and connections; the wake-up comes with the resumption.
    waiting_.push_back(std::move(event));
    return;
  }
  Effects effects;
  switch (event.kind) {
    case Kind::kTimer:
      if (event.at != node.wake && node.wake > now_) return;  // an earlier one did it
      node.wake = Instant::max();
      if (node.member->next_deadline() <= now_) node.member->tick(now_, effects);
      break;
    case Kind::kPacket: {
      Status status = unframe_packet({}, event.message, [&](std::string_view message) {
        if (!node.member->packet(now_, address_of(event.from), message, effects)) ++bad_;
      });
      CHECK(status.has_value());
      break;
    }
    case Kind::kRequest: {
      auto reply = node.member->stream(now_, address_of(event.from), event.message, effects);
      bool lost = !reply || !connected(event.to, event.from);
      push({lost ? event.deadline : now_ + delay(), 0, Kind::kReply, event.from, event.to, event.stream,
            reply.value_or(""), lost});
      break;
    }
    case Kind::kReply: {
      Result<std::string> reply = fail("connection refused", ErrorKind::kIo);
      if (!event.failed) reply = std::move(event.message);
      node.member->stream_reply(now_, event.stream, std::move(reply), effects);
      break;
    }
  }
  carry_out(event.to, effects);
}

void SimNetwork::run_for(Duration duration) {
  run_until([] { return false; }, duration);
}

bool SimNetwork::run_until(const std::function<bool()>& condition, Duration patience) {
  Instant end = now_ + patience;
  while (!condition()) {
    if (events_.empty() || events_.top().at > end) {
      now_ = end;
      return condition();
    }
    Event event = std::move(const_cast<Event&>(events_.top()));
    events_.pop();
    now_ = std::max(now_, event.at);
    deliver(event);
  }
  return true;
}

// --- SimSwim ---

void SimSwim::take_broadcasts(size_t overhead, size_t limit, size_t most, std::vector<std::string>& out) {
  queue.take(overhead, limit, most,
             retransmit_limit(swim.options().timings.retransmit_mult, swim.nodes().size()), out);
}

void SimSwim::hear(std::string message) {
  if (std::ranges::find(heard, message) != heard.end()) return;
  heard.push_back(message);
  queue.add("", std::move(message));
  if (on_heard) on_heard();
}

}  // namespace praetor::gossip
