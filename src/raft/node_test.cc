// One server, whole: threads, disk, snapshots, restarts.
#include "raft/node.h"

#include <gtest/gtest.h>

#include <future>

#include "base/test_patience.h"
#include "raft/fault_fs.h"
#include "raft/gathering.h"
#include "raft/test_machine.h"

namespace praetor::raft {
namespace {

using namespace std::chrono_literals;

template <typename T>
T await(std::future<T> future) {
  if (future.wait_for(kPatience) != std::future_status::ready) throw std::runtime_error("no answer in time");
  return future.get();
}

class NodeTest : public testing::Test {
 protected:
  Options options() {
    Options options;
    options.data_dir = directory_.path() + "/raft";
    options.id = "11111111-1111-1111-1111-111111111111";
    options.address = "127.0.0.1:8300";
    options.bootstrap = true;
    options.on_log = [this](const std::string& line) {
      std::lock_guard lock(mutex_);
      lines_.push_back(line);
    };
    return options;
  }
  // Starts a node and waits until it leads.
  std::unique_ptr<Node> start(Options options, StateMachine& machine) {
    auto leads = std::make_shared<std::promise<void>>();
    options.on_leadership = [leads](bool leader, uint64_t) {
      if (leader) leads->set_value();
    };
    auto node = Node::start(std::move(options), machine);
    if (!node) {
      ADD_FAILURE() << node.error().message;
      return nullptr;
    }
    await(leads->get_future());
    return std::move(*node);
  }
  static Result<ProposalResult> propose(Node& node, std::string data) {
    auto promise = std::make_shared<std::promise<Result<ProposalResult>>>();
    node.propose(std::move(data),
                 [promise](Result<ProposalResult> result) { promise->set_value(std::move(result)); });
    return await(promise->get_future());
  }
  static Result<SnapshotStream> take_snapshot(Node& node) {
    auto promise = std::make_shared<std::promise<Result<SnapshotStream>>>();
    node.take_snapshot([promise](Result<SnapshotStream> result) { promise->set_value(std::move(result)); });
    return await(promise->get_future());
  }
  static std::string read_all(SnapshotReader& reader) {
    std::string all;
    char buffer[512];
    while (true) {
      auto got = reader.read(buffer);
      if (!got || *got == 0) return got ? all : "error: " + got.error().message;
      all.append(buffer, *got);
    }
  }

  TemporaryDirectory directory_;
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

TEST_F(NodeTest, AcknowledgesAppliedCommandsAndKeepsThemOverARestart) {
  {
    TestMachine machine;
    auto node = start(options(), machine);
    for (int i = 0; i < 10; ++i) {
      auto result = propose(*node, "command " + std::to_string(i));
      ASSERT_TRUE(result) << result.error().message;
      EXPECT_EQ(std::any_cast<size_t>(result->value), 9u);
      EXPECT_GE(machine.published(), result->index);
    }
    EXPECT_TRUE(node->is_leader());
    EXPECT_TRUE(node->has_lease());
    EXPECT_EQ(node->leader().address, "127.0.0.1:8300");
  }
  TestMachine machine;
  auto node = start(options(), machine);
  ASSERT_TRUE(propose(*node, "after"));
  auto commands = machine.commands();
  ASSERT_EQ(commands.size(), 11u);
  EXPECT_EQ(commands[9], "command 9");
  EXPECT_EQ(commands[10], "after");
}

TEST_F(NodeTest, CountsIndexesAsConsulDoes) {
  TestMachine machine;
  auto node = start(options(), machine);
  auto first = propose(*node, "x");  // 1 configuration, 2 noop of term 2
  ASSERT_TRUE(first);
  EXPECT_EQ(first->index, 3u);
  auto stats = node->stats();
  EXPECT_EQ(stats["state"], "Leader");
  EXPECT_EQ(stats["term"], "2");
  EXPECT_EQ(stats["last_log_index"], "3");
  EXPECT_EQ(stats["applied_index"], "3");
  EXPECT_EQ(stats["commit_index"], "3");
  EXPECT_EQ(stats["num_peers"], "0");
  EXPECT_EQ(stats["last_contact"], "0");
  EXPECT_EQ(stats["latest_configuration"],
            "[{Suffrage:Voter ID:11111111-1111-1111-1111-111111111111 Address:127.0.0.1:8300}]");
  EXPECT_EQ(stats["latest_configuration_index"], "1");
  EXPECT_EQ(stats.size(), 18u);
}

TEST_F(NodeTest, WorksInMemory) {
  Options dev = options();
  dev.in_memory = true;
  TestMachine machine;
  auto node = start(dev, machine);
  ASSERT_TRUE(propose(*node, "x"));
  auto snapshot = take_snapshot(*node);
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  EXPECT_EQ(read_all(*snapshot->reader), "x\n");
  EXPECT_FALSE(std::filesystem::exists(dev.data_dir));
}

TEST_F(NodeTest, BarrierAndVerifyLeaderAnswer) {
  TestMachine machine;
  auto node = start(options(), machine);
  std::promise<Result<uint64_t>> barrier;
  node->barrier([&](Result<uint64_t> result) { barrier.set_value(result); });
  EXPECT_TRUE(await(barrier.get_future()));
  std::promise<Status> verified;
  node->verify_leader([&](Status status) { verified.set_value(status); });
  EXPECT_TRUE(await(verified.get_future()));
}

TEST_F(NodeTest, ManyProposersGetOrderedDistinctIndexes) {
  TestMachine machine;
  auto node = start(options(), machine);
  constexpr int kThreads = 8, kEach = 200;
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::set<uint64_t> indexes;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      uint64_t last = 0;
      for (int i = 0; i < kEach; ++i) {
        auto result = propose(*node, std::to_string(t) + "/" + std::to_string(i));
        ASSERT_TRUE(result);
        EXPECT_GT(result->index, last);
        last = result->index;
        std::lock_guard lock(mutex);
        EXPECT_TRUE(indexes.insert(last).second);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(indexes.size(), size_t{kThreads * kEach});
  EXPECT_EQ(machine.commands().size(), size_t{kThreads * kEach});
}

TEST_F(NodeTest, RestartsFromSnapshotAndLog) {
  Options small = options();
  small.segment_bytes = 4096;
  small.trailing_logs = 5;
  {
    TestMachine machine;
    auto node = start(small, machine);
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(propose(*node, "before " + std::to_string(i)));
    auto snapshot = take_snapshot(*node);
    ASSERT_TRUE(snapshot) << snapshot.error().message;
    EXPECT_EQ(snapshot->meta.index, 102u);
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(propose(*node, "after " + std::to_string(i)));
    EXPECT_EQ(node->stats()["last_snapshot_index"], "102");
  }
  TestMachine machine;
  auto node = start(small, machine);
  ASSERT_TRUE(propose(*node, "x"));
  auto commands = machine.commands();
  ASSERT_EQ(commands.size(), 201u);
  EXPECT_EQ(commands[99], "before 99");
  EXPECT_EQ(commands[199], "after 99");
}

TEST_F(NodeTest, SnapshotOfNothingNewIsTheLastOne) {
  TestMachine machine;
  auto node = start(options(), machine);
  ASSERT_TRUE(propose(*node, "x"));
  auto first = take_snapshot(*node), second = take_snapshot(*node);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->meta.id, second->meta.id);
}

class StringReader : public SnapshotReader {
 public:
  explicit StringReader(std::string text) : text_(std::move(text)) {}
  Result<size_t> read(std::span<char> buffer) override {
    size_t count = std::min(buffer.size(), text_.size());
    std::copy_n(text_.data(), count, buffer.data());
    text_.erase(0, count);
    return count;
  }

 private:
  std::string text_;
};

TEST_F(NodeTest, RestoreReplacesTheStateAndMovesTheIndexOn) {
  auto restore = [](Node& node, std::string content, uint64_t index) {
    std::promise<Result<uint64_t>> promise;
    SnapshotMeta meta;
    meta.index = index;
    node.restore(std::make_unique<StringReader>(std::move(content)), meta,
                 [&](Result<uint64_t> result) { promise.set_value(std::move(result)); });
    return await(promise.get_future());
  };
  {
    TestMachine machine;
    auto node = start(options(), machine);
    ASSERT_TRUE(propose(*node, "old"));
    auto restored = restore(*node, "a\nb\n", 1000);
    ASSERT_TRUE(restored) << restored.error().message;
    EXPECT_EQ(*restored, 1001u);
    auto next = propose(*node, "c");
    ASSERT_TRUE(next);
    EXPECT_EQ(next->index, 1003u);  // after the noop
    EXPECT_EQ(machine.commands(), (std::vector<std::string>{"a", "b", "c"}));
    auto refused = restore(*node, "refuse me", 1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "failed to restore snapshot: refused");
    ASSERT_TRUE(propose(*node, "d"));
  }
  TestMachine machine;
  auto node = start(options(), machine);
  ASSERT_TRUE(propose(*node, "e"));
  EXPECT_EQ(machine.commands(), (std::vector<std::string>{"a", "b", "c", "d", "e"}));
}

TEST_F(NodeTest, RefusesWhatIsTooLargeOrTooLate) {
  TestMachine machine;
  auto node = start(options(), machine);
  auto large = propose(*node, std::string(kMaxEntryBytes + 1, 'x'));
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().kind, ErrorKind::kTooLarge);
  EXPECT_TRUE(propose(*node, std::string(kMaxEntryBytes, 'x')));
  node->shutdown();
  auto late = propose(*node, "x");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().message, kErrShutdown);
}

TEST_F(NodeTest, WithoutBootstrapThereIsNoLeader) {
  Options quiet = options();
  quiet.bootstrap = false;
  TestMachine machine;
  auto node = Node::start(quiet, machine);
  ASSERT_TRUE(node);
  auto result = propose(**node, "x");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, kErrNotLeader);
  EXPECT_EQ(result.error().kind, ErrorKind::kNoLeader);
}

TEST_F(NodeTest, PeersFileRecoveryReplacesTheConfiguration) {
  Options three = options();
  three.bootstrap_servers.servers = {{Suffrage::kVoter, three.id, three.address},
                                     {Suffrage::kVoter, "b", "127.0.0.2:8300"},
                                     {Suffrage::kVoter, "c", "127.0.0.3:8300"}};
  {
    TestMachine machine;
    auto node = Node::start(three, machine);  // two of three are missing: no leader
    ASSERT_TRUE(node);
    EXPECT_FALSE((*node)->is_leader());
  }
  three.recover_configuration = Configuration{{{Suffrage::kVoter, three.id, three.address}}};
  TestMachine machine;
  auto node = start(three, machine);
  ASSERT_TRUE(propose(*node, "x"));
  EXPECT_EQ(node->configuration().configuration.servers.size(), 1u);
}

TEST_F(NodeTest, ShutdownAnswersEverybody) {
  TestMachine machine;
  auto node = start(options(), machine);
  std::atomic<int> answers{0};
  constexpr int kCount = 1000;
  for (int i = 0; i < kCount; ++i) {
    node->propose("x", [&](Result<ProposalResult>) { ++answers; });
    node->verify_leader([&](Status) { ++answers; });
  }
  node->take_snapshot([&](Result<SnapshotStream>) { ++answers; });
  node->shutdown();
  EXPECT_EQ(answers.load(), 2 * kCount + 1);
}

TEST_F(NodeTest, ProposalsGatheredGoAsOneAppend) {
  FaultFileSystem disk;
  TestMachine machine;
  Options with_disk = options();
  with_disk.file_system = &disk;
  auto node = start(std::move(with_disk), machine);
  ASSERT_TRUE(node);
  ASSERT_TRUE(propose(*node, "first"));
  uint64_t before = disk.calls();
  std::vector<std::shared_ptr<std::promise<Result<ProposalResult>>>> promises;
  {
    Gathering together;
    for (int i = 0; i < 50; ++i) {
      auto promise = promises.emplace_back(std::make_shared<std::promise<Result<ProposalResult>>>());
      node->propose("x", [promise](Result<ProposalResult> result) { promise->set_value(std::move(result)); });
    }
  }
  uint64_t last = 0;
  for (auto& promise : promises) {
    auto result = await(promise->get_future());
    ASSERT_TRUE(result);
    EXPECT_TRUE(last == 0 || result->index == last + 1);
    last = result->index;
  }
  EXPECT_LE(disk.calls() - before, 2u);  // a write and a sync
}

}  // namespace
}  // namespace praetor::raft
