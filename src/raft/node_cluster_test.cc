// Several whole nodes in one process, joined by a transport that hands messages over directly.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <map>

#include "base/test_patience.h"
#include "raft/node.h"
#include "raft/test_machine.h"
#include "raft/transport.h"

namespace praetor::raft {
namespace {

using namespace std::chrono_literals;

// Who can be reached. A message to a server that is not attached is lost; its peers hear that the connection
// broke.
class Hub {
 public:
  void attach(const std::string& id, Transport::Receiver* receiver) {
    std::lock_guard lock(mutex_);
    receivers_[id] = receiver;
  }
  void detach(const std::string& id) {
    std::lock_guard lock(mutex_);
    receivers_.erase(id);
    for (auto& [other, receiver] : receivers_) receiver->unreachable(id);
  }
  bool send(const std::string& to, Envelope envelope) {
    std::lock_guard lock(mutex_);
    auto found = receivers_.find(to);
    if (found == receivers_.end()) return false;
    found->second->receive(std::move(envelope));
    return true;
  }
  void send_snapshot(const std::string& from, const std::string& to, Envelope envelope,
                     std::unique_ptr<SnapshotReader> reader) {
    std::lock_guard lock(mutex_);
    auto found = receivers_.find(to);
    if (found != receivers_.end())
      found->second->receive_snapshot(
          std::move(envelope),
          std::make_unique<Breaking>(std::move(reader), std::exchange(break_after_, SIZE_MAX), skipped_));
    else if (auto sender = receivers_.find(from); sender != receivers_.end())
      sender->second->snapshot_failed(to, envelope.sequence);
  }

  // The next snapshot's connection breaks behind so many bytes.
  void break_snapshot_after(size_t bytes) {
    std::lock_guard lock(mutex_);
    break_after_ = bytes;
  }
  uint64_t skipped() const { return skipped_; }

 private:
  class Breaking : public SnapshotReader {
   public:
    Breaking(std::unique_ptr<SnapshotReader> whole, size_t left, std::atomic<uint64_t>& skipped)
        : whole_(std::move(whole)), left_(left), skipped_(skipped) {}
    Result<size_t> read(std::span<char> buffer) override {
      if (left_ == 0) return fail("connection reset", ErrorKind::kIo);
      TRY_ASSIGN(size_t got, whole_->read(buffer.first(std::min(buffer.size(), left_))));
      left_ -= got;
      return got;
    }
    Status skip(uint64_t bytes) override {
      skipped_ += bytes;
      return whole_->skip(bytes);
    }

   private:
    std::unique_ptr<SnapshotReader> whole_;
    size_t left_;
    std::atomic<uint64_t>& skipped_;
  };

  std::recursive_mutex mutex_;
  std::map<std::string, Transport::Receiver*> receivers_;
  size_t break_after_ = SIZE_MAX;
  std::atomic<uint64_t> skipped_ = 0;
};

class HubTransport : public Transport {
 public:
  HubTransport(Hub& hub, std::string id) : hub_(hub), id_(std::move(id)) {}
  void attach(Receiver* receiver) override { hub_.attach(id_, receiver); }
  void detach() override { hub_.detach(id_); }
  void send(Envelope envelope) override {
    std::string to = from_me(envelope);
    hub_.send(to, std::move(envelope));
  }
  void send_snapshot(Envelope envelope, std::unique_ptr<SnapshotReader> reader) override {
    std::string to = from_me(envelope);
    hub_.send_snapshot(id_, to, std::move(envelope), std::move(reader));
  }

 private:
  std::string from_me(Envelope& envelope) {
    std::string to = std::exchange(envelope.peer_id, id_);
    envelope.peer_address = id_ + ":8300";
    return to;
  }
  Hub& hub_;
  std::string id_;
};

class Cluster {
 public:
  explicit Cluster(bool in_memory) : in_memory_(in_memory) {}

  void start(const std::string& id, bool bootstrap = true) {
    Member& member = members_[id];
    member.machine = std::make_unique<TestMachine>();
    member.transport = std::make_unique<HubTransport>(hub_, id);
    Options options;
    options.data_dir = directory_.path() + "/" + id;
    options.in_memory = in_memory_;
    options.id = id;
    options.address = id + ":8300";
    options.bootstrap = bootstrap;
    for (const char* server : {"a", "b", "c"})
      options.bootstrap_servers.servers.push_back({Suffrage::kVoter, server, std::string(server) + ":8300"});
    options.timings = {500ms, 500ms, 250ms, {}};
    options.trailing_logs = 5;
    options.segment_bytes = 2048;
    options.transport = member.transport.get();
    options.on_leadership = [this](bool, uint64_t) { changed_.notify_all(); };
    auto node = Node::start(options, *member.machine);
    ASSERT_TRUE(node) << node.error().message;
    member.node = std::move(*node);
    for (const char* server : {"a", "b", "c", "d"}) member.node->announce_extensions(server, true);
  }
  void stop(const std::string& id) { members_[id].node.reset(); }
  Node* node(const std::string& id) { return members_[id].node.get(); }
  Hub& hub() { return hub_; }
  std::vector<std::string> commands(const std::string& id) { return members_[id].machine->commands(); }

  std::string leader() {
    std::unique_lock lock(mutex_);
    auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < deadline) {
      for (auto& [id, member] : members_)
        if (member.node && member.node->is_leader()) return id;
      changed_.wait_for(lock, 5ms);
    }
    return {};
  }
  // Through whoever leads, until it is acknowledged. A command may be applied twice when its fate was not
  // known.
  bool propose(const std::string& command) {
    auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < deadline) {
      std::string id = leader();
      if (id.empty()) return false;
      auto promise = std::make_shared<std::promise<bool>>();
      auto future = promise->get_future();
      node(id)->propose(command,
                        [promise](Result<ProposalResult> result) { promise->set_value(result.has_value()); });
      if (future.wait_for(kPatience) != std::future_status::ready) return false;
      if (future.get()) return true;
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, 5ms);
    }
    return false;
  }
  bool wait_until(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      changed_.wait_for(lock, 5ms);
    }
    return true;
  }

 private:
  struct Member {
    std::unique_ptr<HubTransport> transport;
    std::unique_ptr<TestMachine> machine;
    std::unique_ptr<Node> node;
  };
  bool in_memory_;
  TemporaryDirectory directory_;
  Hub hub_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Member> members_;
};

Result<uint64_t> change(Node& node, ConfigurationChange kind, const std::string& id) {
  std::promise<Result<uint64_t>> promise;
  node.change_configuration(kind, {Suffrage::kVoter, id, id + ":8300"}, 0,
                            [&](Result<uint64_t> result) { promise.set_value(std::move(result)); });
  return promise.get_future().get();
}

bool take_snapshot(Node& node) {
  std::promise<bool> promise;
  node.take_snapshot([&](Result<SnapshotStream> result) { promise.set_value(result.has_value()); });
  return promise.get_future().get();
}

class NodeClusterTest : public testing::TestWithParam<bool> {};

TEST_P(NodeClusterTest, FailsOverAndBringsTheLostOneBack) {
  Cluster cluster(GetParam());
  for (const char* id : {"a", "b", "c"}) cluster.start(id);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(cluster.propose(std::to_string(i)));
  std::string first = cluster.leader();
  cluster.stop(first);
  for (int i = 50; i < 100; ++i) ASSERT_TRUE(cluster.propose(std::to_string(i)));
  std::string second = cluster.leader();
  EXPECT_NE(second, first);
  // Its log is far behind and the others have only a snapshot of what it lacks.
  ASSERT_TRUE(take_snapshot(*cluster.node(second)));
  if (!GetParam())
    cluster.start(first);
  else
    cluster.start(first, false);
  ASSERT_TRUE(cluster.propose("last"));
  auto expected = cluster.commands(second);
  EXPECT_GE(expected.size(), 101u);
  EXPECT_TRUE(cluster.wait_until([&] { return cluster.commands(first) == cluster.commands(second); }));
  EXPECT_EQ(cluster.node(first)->leader().id, second);
  EXPECT_TRUE(cluster.node(first)->last_contact().has_value());
}

TEST_P(NodeClusterTest, ASnapshotGoesOnWhereItsConnectionBroke) {
  Cluster cluster(GetParam());
  for (const char* id : {"a", "b", "c"}) cluster.start(id);
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(cluster.propose(std::string(1000, 'x') + std::to_string(i)));
  std::string leader = cluster.leader();
  ASSERT_TRUE(take_snapshot(*cluster.node(leader)));
  cluster.hub().break_snapshot_after(12345);
  cluster.start("d", false);
  ASSERT_TRUE(change(*cluster.node(leader), ConfigurationChange::kAddNonvoter, "d"));
  EXPECT_TRUE(cluster.wait_until([&] { return cluster.commands("d") == cluster.commands(leader); }));
  EXPECT_EQ(cluster.hub().skipped(), 12345u);
}

TEST_P(NodeClusterTest, ChangesItsMembersAndHandsOver) {
  Cluster cluster(GetParam());
  for (const char* id : {"a", "b", "c"}) cluster.start(id);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(cluster.propose(std::to_string(i)));
  cluster.start("d", false);
  std::string leader = cluster.leader();
  auto added = change(*cluster.node(leader), ConfigurationChange::kAddNonvoter, "d");
  ASSERT_TRUE(added) << added.error().message;
  EXPECT_TRUE(cluster.wait_until([&] { return cluster.commands("d").size() >= 20; }));
  ASSERT_TRUE(change(*cluster.node(leader), ConfigurationChange::kAddVoter, "d"));
  std::promise<Status> transferred;
  cluster.node(leader)->transfer_leadership("d", [&](Status status) { transferred.set_value(status); });
  auto status = transferred.get_future().get();
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_TRUE(cluster.wait_until([&] { return cluster.node("d")->is_leader(); }));
  std::promise<Status> verified;
  cluster.node("d")->verify_leader([&](Status s) { verified.set_value(s); });
  EXPECT_TRUE(verified.get_future().get());
  ASSERT_TRUE(change(*cluster.node("d"), ConfigurationChange::kRemoveServer, leader));
  EXPECT_EQ(cluster.node("d")->configuration().configuration.servers.size(), 3u);
  ASSERT_TRUE(cluster.propose("after"));
}

TEST_P(NodeClusterTest, AUsersRestoreReachesTheFollowers) {
  struct Text : SnapshotReader {
    std::string text = "x\ny\n";
    Result<size_t> read(std::span<char> buffer) override {
      size_t count = std::min(buffer.size(), text.size());
      std::copy_n(text.data(), count, buffer.data());
      text.erase(0, count);
      return count;
    }
  };
  Cluster cluster(GetParam());
  for (const char* id : {"a", "b", "c"}) cluster.start(id);
  ASSERT_TRUE(cluster.propose("old"));
  std::promise<Result<uint64_t>> restored;
  cluster.node(cluster.leader())->restore(std::make_unique<Text>(), {}, [&](Result<uint64_t> result) {
    restored.set_value(std::move(result));
  });
  auto result = restored.get_future().get();
  ASSERT_TRUE(result) << result.error().message;
  std::vector<std::string> expected = {"x", "y"};
  for (const char* id : {"a", "b", "c"})
    EXPECT_TRUE(cluster.wait_until([&] { return cluster.commands(id) == expected; })) << id;
}

INSTANTIATE_TEST_SUITE_P(Storage, NodeClusterTest, testing::Values(false, true),
                         [](const auto& param) { return param.param ? "Memory" : "Disk"; });

}  // namespace
}  // namespace praetor::raft
