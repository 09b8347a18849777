// The network between simulated servers: loss, delay, duplication, reordering, and cuts that may be one-way.
#pragma once

#include <map>
#include <set>
#include <string>

#include "raft/state_machine.h"
#include "raft/transport.h"
#include "sim/world.h"

namespace praetor::sim {

struct Weather {
  double loss = 0, duplicate = 0;
  Duration delay_least = std::chrono::microseconds(200), delay_most = std::chrono::milliseconds(2);
  double slow = 0;  // share of the messages that take up to slow_most
  Duration slow_most = std::chrono::milliseconds(300);
  double tells_unreachable = 0.5;  // that nobody listens at the other end is noticed
};

// One line of a trace.
std::string text_of(const raft::Message& message);

class Network {
 public:
  // Somebody who can be reached. Null functions are not allowed.
  struct Port {
    raft::Transport::Receiver* receiver = nullptr;
    // Runs the action now, or when the process continues (it may be paused).
    std::function<void(World::Action)> when_running;
  };
  using Observer = std::function<void(const std::string& from, const raft::Envelope& envelope)>;

  Network(World& world, Weather weather) : world_(world), weather_(weather) {}

  void attach(const std::string& id, Port port) { ports_[id] = std::move(port); }
  void detach(const std::string& id) { ports_.erase(id); }
  void send(const std::string& from, raft::Envelope envelope);
  void send_snapshot(const std::string& from, raft::Envelope request,
                     std::unique_ptr<raft::SnapshotReader> reader);
  // Sees every message that is sent.
  void set_observer(Observer observer) { observer_ = std::move(observer); }

  void cut(const std::string& from, const std::string& to) { cuts_.insert({from, to}); }
  // After so many more messages with entries from one to the other no more of them arrive: the path loses
  // what is large, and soon, unless kSmallOnly, everything in both directions.
  enum class After : uint8_t { kCut, kSmallOnly };
  void ration(const std::string& from, const std::string& to, uint64_t messages, After after) {
    rations_[{from, to}] = {messages, after};
  }
  void heal();
  // Whatever keeps this one from the others, from all but `except`.
  void heal(const std::string& id, const std::string& except = {});
  // `from` is told that its connection to `to` broke, whatever the truth is.
  void break_connection(const std::string& from, const std::string& to);
  bool any_cut() const { return !cuts_.empty(); }
  Weather& weather() { return weather_; }

 private:
  bool is_cut(const std::string& from, const std::string& to) const { return cuts_.contains({from, to}); }
  // Whether the message must not go.
  bool beyond_ration(const std::string& from, const std::string& to, const raft::Message& message);
  Duration delay();
  // How many copies arrive.
  int copies();
  void tell_unreachable(const std::string& from, const std::string& to);
  void note(const std::string& from, const raft::Envelope& envelope);
  void deliver(const std::string& from, const std::string& to,
               std::move_only_function<void(raft::Transport::Receiver&)> action);

  World& world_;
  Weather weather_;
  Observer observer_;
  std::map<std::string, Port> ports_;
  std::set<std::pair<std::string, std::string>> cuts_;
  struct Ration {
    uint64_t messages;
    After after;
  };
  std::map<std::pair<std::string, std::string>, Ration> rations_;
};

// One process's end of the network.
class SimTransport final : public raft::Transport {
 public:
  using WhenRunning = std::function<void(World::Action)>;
  // `open` says whether the process may still speak (its machine has power).
  SimTransport(Network& network, std::string id, WhenRunning when_running, std::function<bool()> open)
      : network_(network),
        id_(std::move(id)),
        when_running_(std::move(when_running)),
        open_(std::move(open)) {}

  void attach(Receiver* receiver) override { network_.attach(id_, {receiver, when_running_}); }
  void detach() override { network_.detach(id_); }
  void send(raft::Envelope envelope) override {
    if (open_()) network_.send(id_, std::move(envelope));
  }
  void send_snapshot(raft::Envelope request, std::unique_ptr<raft::SnapshotReader> reader) override {
    if (open_()) network_.send_snapshot(id_, std::move(request), std::move(reader));
  }

 private:
  Network& network_;
  const std::string id_;
  const WhenRunning when_running_;
  const std::function<bool()> open_;
};

}  // namespace praetor::sim
