// For tests: clusters of real servers in one process. Consensus goes over a transport in memory, the pool is
// a list that the test keeps (what gossip would tell is told at once). Time is the machine's.
#pragma once

#include <gtest/gtest.h>

#include <any>
#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/reactor.h"
#include "base/test_patience.h"
#include "raft/state_machine.h"
#include "raft/transport.h"
#include "server/leader_duties.h"
#include "server/member_duties.h"
#include "server/server.h"
#include "store/store.h"

namespace praetor::server::testing {

// Who can be reached, by address. A message to nobody is lost and the sender hears it, as when a connection
// is refused; the end of a server is heard by all, as when its connections break.
class MemoryNetwork {
 public:
  class Link final : public raft::Transport {
   public:
    Link(MemoryNetwork& network, std::string id, std::string address)
        : network_(network), id_(std::move(id)), address_(std::move(address)) {}
    void attach(Receiver* receiver) override { network_.attach(*this, receiver); }
    void detach() override { network_.detach(*this); }
    void send(raft::Envelope envelope) override { network_.send(*this, std::move(envelope)); }
    void send_snapshot(raft::Envelope envelope, std::unique_ptr<raft::SnapshotReader> reader) override {
      network_.send_snapshot(*this, std::move(envelope), std::move(reader));
    }

   private:
    friend class MemoryNetwork;
    MemoryNetwork& network_;
    const std::string id_, address_;
    Receiver* receiver_ = nullptr;  // guarded by the network's mutex
  };

 private:
  void attach(Link& link, raft::Transport::Receiver* receiver) {
    std::lock_guard lock(mutex_);
    link.receiver_ = receiver;
    links_[link.address_] = &link;
  }
  void detach(Link& link) {
    std::lock_guard lock(mutex_);
    if (links_[link.address_] == &link) links_.erase(link.address_);
    for (auto& [address, other] : links_) other->receiver_->unreachable(link.id_);
  }
  Link* route(Link& from, raft::Envelope& envelope) {
    auto found = links_.find(envelope.peer_address);
    if (found == links_.end() || found->second->id_ != envelope.peer_id) return nullptr;
    envelope.peer_id = from.id_;
    envelope.peer_address = from.address_;
    return found->second;
  }
  void send(Link& from, raft::Envelope envelope) {
    std::lock_guard lock(mutex_);
    std::string peer = envelope.peer_id;
    if (Link* to = route(from, envelope))
      to->receiver_->receive(std::move(envelope));
    else if (from.receiver_ != nullptr)
      from.receiver_->unreachable(peer);
  }
  void send_snapshot(Link& from, raft::Envelope envelope, std::unique_ptr<raft::SnapshotReader> reader) {
    std::lock_guard lock(mutex_);
    std::string peer = envelope.peer_id;
    uint64_t sequence = envelope.sequence;
    if (Link* to = route(from, envelope))
      to->receiver_->receive_snapshot(std::move(envelope), std::move(reader));
    else if (from.receiver_ != nullptr)
      from.receiver_->snapshot_failed(peer, sequence);
  }

  std::recursive_mutex mutex_;
  std::map<std::string, Link*> links_;
};

// Servers have the names that the test gives them; "s1" has the address 127.1.1.1.
class TestCluster {
 public:
  using Adjust = std::function<void(ServerOptions&)>;

  ~TestCluster() {
    for (auto& [name, server] : servers_) stop(name);
  }

  static std::string id_of(const std::string& name) {
    return "00000000-0000-4000-8000-" + std::string(12 - name.size() + 1, '0') + name.substr(1);
  }
  static std::string ip_of(const std::string& name) { return "127.1.1." + name.substr(1); }

  // `adjust` changes what is set here. The pool hears of the server after it has started.
  void start(const std::string& name, const Adjust& adjust = {}) {
    ServerOptions options;
    options.datacenter = "dc1";
    options.node_name = name;
    options.node_id = id_of(name);
    options.advertise_address = ip_of(name);
    options.in_memory = true;
    options.timings = {std::chrono::milliseconds(400) * kSlowness,
                       std::chrono::milliseconds(400) * kSlowness,
                       std::chrono::milliseconds(200) * kSlowness,
                       {}};
    options.rpc_hold_timeout = kPatience;
    options.autopilot = {.cleanup_dead_servers = true,
                         .last_contact_threshold = std::chrono::seconds(20),
                         .max_trailing_logs = 250,
                         .server_stabilization_time = std::chrono::milliseconds(1)};
    options.server_health_interval = std::chrono::milliseconds(50);
    options.autopilot_interval = std::chrono::milliseconds(100);
    if (adjust) adjust(options);
    Node& node = node_of(name);
    node.reactor = std::make_unique<Reactor>(name);
    node.reactor->start();
    node.link = std::make_unique<MemoryNetwork::Link>(
        network_, options.node_id, options.advertise_address + ":" + std::to_string(options.server_port));
    options.reactors = {node.reactor.get()};
    options.cluster.transport = node.link.get();
    options.cluster.members = [this] { return members(); };
    options.cluster.remove_failed = [this](const gossip::Member& member) {
      change(member.name, gossip::MemberStatus::kLeft, gossip::MemberEvent::Kind::kLeave);
    };
    options.cluster.ask_peers = [this](Reactor& reactor, const ServerTags& server,
                                       Cluster::PeersAnswer done) {
      ask<std::vector<std::string>>(reactor, server, [](const Server& s) { return s.raft_peers(); }, done);
    };
    options.cluster.ask_raft_stats = [this](Reactor& reactor, const ServerTags& server,
                                            Cluster::StatsAnswer done) {
      ask<model::RaftStats>(reactor, server, [](const Server& s) { return s.raft_stats(); }, done);
    };
    auto started = Server::start(std::move(options));
    ASSERT_TRUE(started) << started.error().message;
    gossip::Member self = (*started)->members().own_member();
    {
      std::lock_guard lock(mutex_);
      node.server = std::move(*started);
      node.running = true;
      members_[name] = self;
    }
    tell({gossip::MemberEvent::Kind::kJoin, self});
  }

  // As kill -9: nothing is said, but the connections break. Gossip does not know yet.
  void kill(const std::string& name) { stop(name); }
  // Gossip finds out.
  void fail(const std::string& name) {
    change(name, gossip::MemberStatus::kFailed, gossip::MemberEvent::Kind::kFailed);
  }
  void left(const std::string& name) {
    change(name, gossip::MemberStatus::kLeft, gossip::MemberEvent::Kind::kLeave);
  }
  // A member without a server here: a client agent, or another program's server.
  void join(gossip::Member member) {
    {
      std::lock_guard lock(mutex_);
      members_[member.name] = member;
    }
    tell({gossip::MemberEvent::Kind::kJoin, std::move(member)});
  }
  void reap(const std::string& name) {
    gossip::Member member;
    {
      std::lock_guard lock(mutex_);
      member = members_[name];
      members_.erase(name);
    }
    tell({gossip::MemberEvent::Kind::kReap, std::move(member)});
  }
  std::vector<gossip::Member> members() {
    std::lock_guard lock(mutex_);
    std::vector<gossip::Member> list;
    for (const auto& [name, member] : members_) list.push_back(member);
    return list;
  }

  Server& server(const std::string& name) { return *servers_.at(name).server; }
  Reactor& reactor(const std::string& name) { return *servers_.at(name).reactor; }
  bool running(const std::string& name) { return servers_.at(name).running; }

  // Who leads and has taken up the leader's duties; waits for it. Empty: nobody in time.
  std::string leader() {
    std::string found;
    eventually([&] {
      found.clear();
      for (auto& [name, node] : servers_)
        if (node.running && node.server->raft().has_lease()) found = name;
      return !found.empty();
    });
    return found;
  }
  std::string follower() {
    std::string first = leader();
    for (auto& [name, node] : servers_)
      if (node.running && name != first) return name;
    return {};
  }

  // Through the server that leads, until it is known what became of it.
  template <typename Request>
  Result<ApplyResult> apply(model::MessageType type, const Request& request) {
    return apply_at(leader(), type, request);
  }
  template <typename Request>
  Result<ApplyResult> apply_at(const std::string& name, model::MessageType type, const Request& request) {
    if (name.empty()) return praetor::fail("nobody leads");
    auto promise = std::make_shared<std::promise<Result<ApplyResult>>>();
    auto future = promise->get_future();
    reactor(name).post([this, name, type, request, promise] {
      server(name).apply(reactor(name), type, request,
                         [promise](Result<ApplyResult> result) { promise->set_value(std::move(result)); });
    });
    if (future.wait_for(kPatience) != std::future_status::ready) return praetor::fail("no answer");
    return future.get();
  }
  // Runs `work` on the server's reactor until it calls what it is given.
  bool run(const std::string& name, const std::function<void(std::function<void()> done)>& work) {
    auto promise = std::make_shared<std::promise<void>>();
    auto future = promise->get_future();
    reactor(name).post([work, promise] { work([promise] { promise->set_value(); }); });
    return future.wait_for(kPatience) == std::future_status::ready;
  }
  // How consensus stands, a paragraph a server: for messages of failed expectations.
  std::string describe() {
    std::string text;
    for (auto& [name, node] : servers_) {
      text += "\n" + name + (node.running ? ":" : " is not running");
      if (!node.running) continue;
      for (const auto& [key, value] : node.server->raft().stats()) text += " " + key + "=" + value;
      text += " leader=" + node.server->leader_address();
    }
    return text;
  }
  // Until a condition holds for the tables of every running server.
  bool all_show(const std::function<bool(const store::Tables&)>& condition) {
    return eventually([&] {
      for (auto& [name, node] : servers_)
        if (node.running && !condition(*node.server->store().view())) return false;
      return true;
    });
  }

 private:
  struct Node {
    std::unique_ptr<Reactor> reactor;
    std::unique_ptr<MemoryNetwork::Link> link;
    std::unique_ptr<Server> server;  // its end, and its end only, is guarded by mutex_
    bool running = false;
  };

  Node& node_of(const std::string& name) {
    std::lock_guard lock(mutex_);
    return servers_[name];
  }
  void stop(const std::string& name) {
    Node& node = node_of(name);
    if (!node.server) return;
    std::unique_ptr<Server> ended;
    {
      std::lock_guard lock(mutex_);
      ended = std::move(node.server);
      node.running = false;
    }
    ended->stop();
    node.reactor->stop();
    ended.reset();
    node.reactor.reset();
    node.link.reset();
  }
  void change(const std::string& name, gossip::MemberStatus status, gossip::MemberEvent::Kind kind) {
    gossip::Member member;
    {
      std::lock_guard lock(mutex_);
      if (!members_.contains(name)) return;
      members_[name].status = status;
      member = members_[name];
    }
    tell({kind, std::move(member)});
  }
  void tell(const gossip::MemberEvent& event) {
    std::lock_guard lock(mutex_);
    for (auto& [name, node] : servers_)
      if (node.running) node.server->members().on_event(event);
  }
  template <typename Answer>
  void ask(Reactor& reactor, const ServerTags& server, const std::function<Answer(const Server&)>& question,
           const std::function<void(Result<Answer>)>& done) {
    Result<Answer> answer = praetor::fail("connection refused", ErrorKind::kIo);
    {
      std::lock_guard lock(mutex_);
      for (auto& [name, node] : servers_)
        if (node.running && node.server->options().node_id == server.id) answer = question(*node.server);
    }
    reactor.post([done, answer = std::move(answer)] { done(answer); });
  }

  std::mutex mutex_;
  MemoryNetwork network_;
  std::map<std::string, Node> servers_;            // changed by the test's thread only, guarded by mutex_
  std::map<std::string, gossip::Member> members_;  // guarded by mutex_
};

}  // namespace praetor::server::testing
