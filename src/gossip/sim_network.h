// For tests: any number of members in one thread on virtual time, over a network that loses, delays and cuts,
// all from one seed. It carries out what swim.h asks of its caller. Made for 10,000 members: a packet costs a
// heap operation and a string, a member at rest nothing.
#pragma once

#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "base/random.h"
#include "gossip/swim.h"

namespace praetor::gossip {

// What a simulated process runs: Swim alone or Serf over it.
class SimMember {
 public:
  virtual ~SimMember() = default;
  virtual void start(Instant now, Effects& effects) = 0;
  virtual void tick(Instant now, Effects& effects) = 0;
  virtual Status packet(Instant now, const Address& from, std::string_view message, Effects& effects) = 0;
  virtual Result<std::string> stream(Instant now, const Address& from, std::string_view message,
                                     Effects& effects) = 0;
  virtual void stream_reply(Instant now, uint64_t id, Result<std::string> message, Effects& effects) = 0;
  virtual Instant next_deadline() const = 0;
};

struct SimNetworkOptions {
  uint64_t seed = 1;
  double loss = 0, duplicate = 0;  // of packets; streams lose nothing
  Duration delay_least = std::chrono::microseconds(200), delay_most = std::chrono::milliseconds(2);
};

class SimNetwork {
 public:
  using Index = uint32_t;

  explicit SimNetwork(SimNetworkOptions options) : options_(options), random_(options.seed) {}

  // The address of a member: 10.x.y.z:8301, or another port for another life of it.
  static Address address_of(Index index);
  // Members are numbered as they come. start() them when they are to begin.
  Index add(std::unique_ptr<SimMember> member);
  void start(Index index);
  // From now on nothing is read or sent (kill -9).
  void kill(Index index) { nodes_[index].up = false; }
  // The process is stopped and comes back with what waited (SIGSTOP, SIGCONT).
  void pause(Index index) { nodes_[index].paused = true; }
  void resume(Index index);
  void replace(Index index, std::unique_ptr<SimMember> member);  // another process at the address
  bool up(Index index) const { return nodes_[index].up; }
  // Members of different groups do not reach each other. All begin in group 0.
  void set_group(Index index, int group) { nodes_[index].group = group; }
  void cut_packets(Index index, bool cut) { nodes_[index].packets_cut = cut; }  // only streams get through
  void set_loss(double loss) { options_.loss = loss; }

  void run_for(Duration duration);
  // False after `patience` of virtual time.
  bool run_until(const std::function<bool()>& condition, Duration patience);
  Instant now() const { return now_; }
  Random& random() { return random_; }
  // An input to a member from outside: carries out its effects.
  void act(Index index, const std::function<void(SimMember&, Effects&)>& action);

  uint64_t packets_sent() const { return packets_; }
  uint64_t bytes_sent() const { return bytes_; }
  uint64_t bad_packets() const { return bad_; }  // refused by a receiver

 private:
  struct Hub {
    std::unique_ptr<SimMember> member;
    bool up = false, paused = false, packets_cut = false;
    int group = 0;
    Instant wake = Instant::max();
  };
  enum class Kind : uint8_t { kTimer, kPacket, kRequest, kReply };
  struct Event {
    Instant at;
    uint64_t order;
    Kind kind;
    Index to, from;
    uint64_t stream = 0;
    std::string message;
    bool failed = false;
    Instant deadline{};
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return std::tie(a.at, a.order) > std::tie(b.at, b.order);
    }
  };

  void push(Event event);
  void deliver(Event& event);
  void carry_out(Index index, Effects& effects);
  void rearm(Index index);
  bool connected(Index a, Index b) const { return nodes_[a].group == nodes_[b].group; }
  Duration delay();
  Index index_of(const Address& address) const;

  SimNetworkOptions options_;
  Random random_;
  Instant now_{std::chrono::hours(1)};
  std::vector<Hub> nodes_;
  std::priority_queue<Event, std::vector<Event>, Later> events_;
  std::vector<Event> waiting_;  // for paused members
  uint64_t order_ = 0, packets_ = 0, bytes_ = 0, bad_ = 0;
};

// Swim alone, with a queue of user messages of its own that spread like Serf's events.
class SimSwim final : public SimMember, public SwimDelegate {
 public:
  explicit SimSwim(SwimOptions options) : swim(std::move(options), *this) {}

  void start(Instant now, Effects& effects) override { swim.start(now, effects); }
  void tick(Instant now, Effects& effects) override { swim.tick(now, effects); }
  Status packet(Instant now, const Address& from, std::string_view message, Effects& effects) override {
    return swim.packet(now, from, message, effects);
  }
  Result<std::string> stream(Instant now, const Address& from, std::string_view message,
                             Effects& effects) override {
    return swim.stream(now, from, message, effects);
  }
  void stream_reply(Instant now, uint64_t id, Result<std::string> message, Effects& effects) override {
    swim.stream_reply(now, id, std::move(message), effects);
  }
  Instant next_deadline() const override { return swim.next_deadline(); }

  // SwimDelegate
  void node_joined(const Node& node) override {
    if (on_change) on_change("join", node);
  }
  void node_left(const Node& node) override {
    if (on_change) on_change(node.state == NodeState::kLeft ? "leave" : "fail", node);
  }
  void node_updated(const Node& node) override {
    if (on_change) on_change("update", node);
  }
  void user_message(std::string_view message) override { hear(std::string(message)); }
  bool has_broadcasts() const override { return !queue.empty(); }
  void take_broadcasts(size_t overhead, size_t limit, size_t most, std::vector<std::string>& out) override;
  void join_done(uint64_t, const Status& status) override { joined = status; }
  void broadcast_done(uint64_t ticket) override { done.push_back(ticket); }
  std::string ack_payload() override { return "payload"; }
  void ping_done(const Node&, Duration rtt, std::string_view) override { last_rtt = rtt; }
  void name_conflict(const Node&, const NodeInfo&) override { ++conflicts; }

  // A message that is new here is passed on.
  void hear(std::string message);

  Swim swim;
  BroadcastQueue queue;
  std::vector<std::string> heard;
  std::function<void(std::string_view, const Node&)> on_change;
  std::function<void()> on_heard;
  Status joined = fail("not joined");
  std::vector<uint64_t> done;
  Duration last_rtt{0};
  size_t conflicts = 0;
};

}  // namespace praetor::gossip
