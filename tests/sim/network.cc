#include "sim/network.h"

#include <algorithm>
#include <utility>

#include "raft/state_machine.h"

namespace praetor::sim {
namespace {

std::string address_of(const std::string& id) { return id + ":8300"; }

constexpr Duration kSnapshotPatience = std::chrono::seconds(2);

// A snapshot on its way: what the sender's disk gave, or where it failed.
class StringReader final : public raft::SnapshotReader {
 public:
  StringReader(std::shared_ptr<const std::string> content, size_t breaks_at, uint64_t& resumes)
      : content_(std::move(content)), breaks_at_(breaks_at), resumes_(resumes) {}
  Result<size_t> read(std::span<char> buffer) override {
    if (offset_ >= breaks_at_) return fail("connection reset", ErrorKind::kIo);
    size_t count = std::min({buffer.size(), content_->size() - offset_, breaks_at_ - offset_, size_t{1024}});
    std::copy_n(content_->data() + offset_, count, buffer.data());
    offset_ += count;
    return count;
  }
  Status skip(uint64_t bytes) override {
    offset_ = std::min<size_t>(bytes, content_->size());  // a break is behind it, or shows at once
    if (bytes > 0) ++resumes_;
    return {};
  }

 private:
  std::shared_ptr<const std::string> content_;
  size_t breaks_at_, offset_ = 0;
  uint64_t& resumes_;
};

}  // namespace

std::string text_of(const raft::Message& message) {
  struct Visitor {
    std::string operator()(const raft::AppendRequest& m) const {
      if (m.heartbeat) return fmt::format("heartbeat term={}", m.term);
      return fmt::format("append term={} prev={}/{} n={} commit={}", m.term, m.previous_index,
                         m.previous_term, m.entries.size(), m.commit_index);
    }
    std::string operator()(const raft::AppendResponse& m) const {
      return fmt::format("{} term={} last={}", m.success ? "appended" : "append refused", m.term,
                         m.last_index);
    }
    std::string operator()(const raft::VoteRequest& m) const {
      return fmt::format("{} term={} last={}/{}{}", m.pre_vote ? "pre-vote" : "vote", m.term, m.last_index,
                         m.last_term, m.leadership_transfer ? " transfer" : "");
    }
    std::string operator()(const raft::VoteResponse& m) const {
      return fmt::format("{} {} term={}", m.pre_vote ? "pre-vote" : "vote", m.granted ? "granted" : "refused",
                         m.term);
    }
    std::string operator()(const raft::SnapshotRequest& m) const {
      return fmt::format("snapshot term={} index={}/{}", m.term, m.meta.index, m.meta.term);
    }
    std::string operator()(const raft::SnapshotResponse& m) const {
      return fmt::format("snapshot {} term={}", m.success ? "installed" : "refused", m.term);
    }
    std::string operator()(const raft::TimeoutNowRequest&) const { return "timeout-now"; }
    std::string operator()(const raft::TimeoutNowResponse&) const { return "timeout-now seen"; }
  };
  return std::visit(Visitor(), message);
}

void Network::heal() {
  cuts_.clear();
  rations_.clear();
}

void Network::heal(const std::string& id, const std::string& except) {
  auto is_its = [&](const auto& link) {
    return (link.first == id && link.second != except) || (link.second == id && link.first != except);
  };
  std::erase_if(cuts_, is_its);
  std::erase_if(rations_, [&](const auto& ration) { return is_its(ration.first); });
}

bool Network::beyond_ration(const std::string& from, const std::string& to, const raft::Message& message) {
  if (rations_.empty()) return false;
  const auto* append = std::get_if<raft::AppendRequest>(&message);
  if (append == nullptr || append->entries.empty()) return false;
  auto ration = rations_.find({from, to});
  if (ration == rations_.end()) return false;
  if (ration->second.messages > 0) {
    --ration->second.messages;
    return false;
  }
  if (std::exchange(ration->second.after, After::kSmallOnly) == After::kSmallOnly) return true;
  if (world_.tracing()) world_.trace("nothing large goes from {} to {} any more", from, to);
  Duration most = world_.chance(0.5) ? Duration(0) : std::chrono::milliseconds(60);
  world_.after(world_.between(Duration(0), most), [this, from, to] {
    if (rations_.erase({from, to}) == 0) return;
    if (world_.tracing()) world_.trace("nothing goes between {} and {} any more", from, to);
    cut(from, to);
    cut(to, from);
  });
  return true;
}

Duration Network::delay() {
  Duration delay = world_.between(weather_.delay_least, weather_.delay_most);
  if (weather_.slow > 0 && world_.chance(weather_.slow))
    delay += world_.between(Duration(0), weather_.slow_most);
  return delay;
}

int Network::copies() {
  if (weather_.loss > 0 && world_.chance(weather_.loss)) return 0;
  return weather_.duplicate > 0 && world_.chance(weather_.duplicate) ? 2 : 1;
}

void Network::note(const std::string& from, const raft::Envelope& envelope) {
  ++world_.counters.messages;
  if (observer_) observer_(from, envelope);
  if (world_.tracing()) world_.trace("{} > {}: {}", from, envelope.peer_id, text_of(envelope.message));
}

void Network::deliver(const std::string& from, const std::string& to,
                      std::move_only_function<void(raft::Transport::Receiver&)> action) {
  world_.after(delay(), [this, from, to, action = std::move(action)]() mutable {
    auto port = ports_.find(to);
    if (port == ports_.end()) return tell_unreachable(from, to);
    if (is_cut(from, to)) return;
    port->second.when_running([this, to, action = std::move(action)]() mutable {
      if (auto still = ports_.find(to); still != ports_.end()) action(*still->second.receiver);
    });
  });
}

void Network::tell_unreachable(const std::string& from, const std::string& to) {
  if (is_cut(to, from) || is_cut(from, to) || !world_.chance(weather_.tells_unreachable)) return;
  break_connection(from, to);
}

void Network::break_connection(const std::string& from, const std::string& to) {
  auto port = ports_.find(from);
  if (port == ports_.end()) return;
  port->second.when_running([this, from, to] {
    auto still = ports_.find(from);
    if (still == ports_.end()) return;
    if (world_.tracing()) world_.trace("{} finds {} unreachable", from, to);
    still->second.receiver->unreachable(to);
  });
}

void Network::send(const std::string& from, raft::Envelope envelope) {
  note(from, envelope);
  std::string to = envelope.peer_id;
  envelope.peer_id = from;
  envelope.peer_address = address_of(from);
  if (beyond_ration(from, to, envelope.message) || is_cut(from, to)) return;
  for (int n = copies(); n > 0; --n)
    deliver(from, to, [envelope](raft::Transport::Receiver& receiver) { receiver.receive(envelope); });
}

void Network::send_snapshot(const std::string& from, raft::Envelope request,
                            std::unique_ptr<raft::SnapshotReader> reader) {
  note(from, request);
  std::string to = request.peer_id;
  // Whatever becomes of it, the sender hears something.
  world_.after(kSnapshotPatience, [this, from, to, sequence = request.sequence] {
    if (auto port = ports_.find(from); port != ports_.end())
      port->second.when_running([this, from, to, sequence] {
        if (auto still = ports_.find(from); still != ports_.end())
          still->second.receiver->snapshot_failed(to, sequence);
      });
  });
  auto content = std::make_shared<std::string>();
  char buffer[4096];
  for (;;) {
    Result<size_t> got = reader->read(buffer);
    if (!got) return;
    if (*got == 0) break;
    content->append(buffer, *got);
  }
  request.peer_id = from;
  request.peer_address = address_of(from);
  if (is_cut(from, to)) return;
  for (int n = copies(); n > 0; --n) {
    bool breaks = weather_.loss > 0 && world_.chance(0.3);
    size_t at = breaks ? world_.random().below(content->size() + 1) : SIZE_MAX;
    deliver(from, to, [this, request, content, at](raft::Transport::Receiver& receiver) {
      ++world_.counters.installs;
      receiver.receive_snapshot(request,
                                std::make_unique<StringReader>(content, at, world_.counters.resumes));
    });
  }
}

}  // namespace praetor::sim
