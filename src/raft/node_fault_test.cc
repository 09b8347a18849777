// One server against failing disks, power cuts and kill -9: what was acknowledged is there afterwards.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <future>
#include <set>

#include "base/random.h"
#include "base/test_patience.h"
#include "raft/fault_fs.h"
#include "raft/node.h"
#include "raft/test_machine.h"

namespace praetor::raft {
namespace {

using namespace std::chrono_literals;

Options options_for(FileSystem* fs, std::string directory) {
  Options options;
  options.data_dir = std::move(directory);
  options.id = "a";
  options.address = "127.0.0.1:8300";
  options.bootstrap = true;
  options.segment_bytes = 2048;
  options.trailing_logs = 5;
  options.full_disk_retry = 1ms;
  options.timings = {.heartbeat_timeout = 20ms, .election_timeout = 20ms, .leader_lease_timeout = 10ms};
  options.file_system = fs;
  return options;
}

// A node, and a wait for its leadership or its disk's failure.
struct Running {
  std::mutex mutex;
  std::condition_variable changed;
  bool leads = false, led = false, failed = false;
  TestMachine machine;
  std::unique_ptr<Node> node;

  Status start(Options options) {
    options.on_leadership = [this](bool leader, uint64_t) {
      std::lock_guard lock(mutex);
      leads = leader;
      led = led || leader;
      changed.notify_all();
    };
    options.on_disk_failure = [this](const Error&) {
      std::lock_guard lock(mutex);
      failed = true;
      changed.notify_all();
    };
    TRY_ASSIGN(node, Node::start(std::move(options), machine));
    std::unique_lock lock(mutex);
    // Or it led until the disk was full: to lead again takes an election.
    if (!changed.wait_for(lock, kPatience, [this] { return led || failed; }))
      return fail("no leader in time");
    return {};
  }
  Result<ProposalResult> propose(std::string data) {
    auto promise = std::make_shared<std::promise<Result<ProposalResult>>>();
    node->propose(std::move(data),
                  [promise](Result<ProposalResult> result) { promise->set_value(std::move(result)); });
    return promise->get_future().get();
  }
  bool take_snapshot() {
    std::promise<bool> promise;
    node->take_snapshot([&](Result<SnapshotStream> result) { promise.set_value(result.has_value()); });
    return promise.get_future().get();
  }
};

// Commands "0", "1", … with a snapshot in the middle; returns how many were acknowledged, all of them in
// order.
size_t run_workload(FileSystem& fs, size_t count) {
  Running running;
  if (!running.start(options_for(&fs, "/raft"))) return 0;
  size_t acknowledged = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!running.propose(std::to_string(i))) break;
    acknowledged = i + 1;
    if (i == count / 2) running.take_snapshot();
  }
  return acknowledged;
}

void expect_kept(FileSystem& fs, size_t acknowledged, const std::string& what) {
  Running running;
  Status started = running.start(options_for(&fs, "/raft"));
  ASSERT_TRUE(started) << what << ": " << started.error().message;
  auto ready = running.propose("ready");
  ASSERT_TRUE(ready) << what << ": " << ready.error().message;
  auto commands = running.machine.commands();
  ASSERT_GE(commands.size(), acknowledged + 1) << what;
  for (size_t i = 0; i + 1 < commands.size(); ++i) ASSERT_EQ(commands[i], std::to_string(i)) << what;
}

TEST(NodeFaultTest, FailingAnyCallLosesNothingAcknowledged) {
  constexpr size_t kCommands = 30;
  for (Fault fault : {Fault::kError, Fault::kShortWrite, Fault::kAfter, Fault::kPowerOff}) {
    for (uint64_t call = 1;; ++call) {
      FaultFileSystem fs;
      fs.inject(call, fault);
      size_t acknowledged = run_workload(fs, kCommands);
      bool hit = fs.injected();
      if (!hit) EXPECT_EQ(acknowledged, kCommands);
      fs.power_cut(call);
      expect_kept(fs, acknowledged,
                  "fault " + std::to_string(static_cast<int>(fault)) + " at call " + std::to_string(call));
      if (HasFatalFailure()) return;
      if (!hit) break;
    }
  }
}

TEST(NodeFaultTest, AFullDiskIsWaitedForWithoutARestart) {
  FaultFileSystem fs;
  Running running;
  ASSERT_TRUE(running.start(options_for(&fs, "/raft")));
  ASSERT_TRUE(running.propose("0"));
  fs.inject(1, Fault::kShortWrite);
  auto refused = running.propose("lost");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kNoLeader);
  {
    std::unique_lock lock(running.mutex);
    ASSERT_TRUE(running.changed.wait_for(lock, kPatience, [&] { return running.leads; }));
    EXPECT_FALSE(running.failed);
  }
  ASSERT_TRUE(running.propose("1"));
  running.node.reset();
  fs.power_cut(1);
  Running again;
  ASSERT_TRUE(again.start(options_for(&fs, "/raft")));
  ASSERT_TRUE(again.propose("ready"));
  // What was refused may have been written meanwhile: nobody was told that it was not.
  EXPECT_EQ(again.machine.commands(), (std::vector<std::string>{"0", "lost", "1", "ready"}));
}

// The fault ends the process, not the machine: a new process goes on, acknowledges more, and then the power
// fails.
TEST(NodeFaultTest, ARestartAfterAnyFaultLosesNothingAcknowledgedLater) {
  constexpr size_t kCommands = 12;
  for (Fault fault : {Fault::kError, Fault::kShortWrite, Fault::kAfter}) {
    for (uint64_t call = 1;; ++call) {
      std::string what =
          "fault " + std::to_string(static_cast<int>(fault)) + " at call " + std::to_string(call);
      FaultFileSystem fs;
      fs.inject(call, fault);
      size_t acknowledged = run_workload(fs, kCommands);
      bool hit = fs.injected();
      fs.inject(0, fault);
      std::vector<std::string> commands;
      {
        Running running;
        Status started = running.start(options_for(&fs, "/raft"));
        ASSERT_TRUE(started) << what << ": " << started.error().message;
        for (size_t i = 0; i < 4; ++i) ASSERT_TRUE(running.propose("later " + std::to_string(i))) << what;
        commands = running.machine.commands();
      }
      ASSERT_GE(commands.size(), acknowledged + 4) << what;
      fs.power_cut(call);
      Running running;
      Status started = running.start(options_for(&fs, "/raft"));
      ASSERT_TRUE(started) << what << ": " << started.error().message;
      ASSERT_TRUE(running.propose("ready"));
      commands.push_back("ready");
      ASSERT_EQ(running.machine.commands(), commands) << what;
      if (!hit) break;
    }
  }
}

// Reading may fail as well: the start says so, and harms nothing.
TEST(NodeFaultTest, AFailingReadAtTheStartIsRefusedAndHarmless) {
  constexpr size_t kCommands = 30;
  FaultFileSystem fs;
  ASSERT_EQ(run_workload(fs, kCommands), kCommands);
  for (uint64_t call = 1;; ++call) {
    fs.inject_read(call);
    bool hit;
    {
      Running running;
      auto started = Node::start(options_for(&fs, "/raft"), running.machine);
      hit = fs.injected();
      // An older snapshot and the log may serve instead of what could not be read.
      if (!started)
        EXPECT_NE(started.error().message.find("/raft"), std::string::npos) << started.error().message;
      if (!started) EXPECT_TRUE(hit);
    }
    fs.power_cut(call);
    Running running;
    Status started = running.start(options_for(&fs, "/raft"));
    ASSERT_TRUE(started) << "read " << call << ": " << started.error().message;
    ASSERT_TRUE(running.propose("ready"));
    auto commands = running.machine.commands();
    ASSERT_EQ(commands.size(), kCommands + call) << "read " << call;
    for (size_t i = 0; i < kCommands; ++i) ASSERT_EQ(commands[i], std::to_string(i)) << "read " << call;
    if (!hit) return;
  }
}

// Bits of every file of a directory with several segments and snapshots. A flip is refused by a text that
// names the file, or mended (the vote has two copies, an older snapshot and the log stand in for the newest),
// or lies where nothing is; the state is never another one.
TEST(NodeFaultTest, AFlippedBitNeverChangesTheState) {
  constexpr size_t kCommands = 40;
  FaultFileSystem pristine;
  {
    Running running;
    ASSERT_TRUE(running.start(options_for(&pristine, "/raft")));
    for (size_t i = 0; i < kCommands; ++i) {
      ASSERT_TRUE(running.propose(std::to_string(i)));
      if (i == 15 || i == 30) ASSERT_TRUE(running.take_snapshot());
    }
  }
  Random random(7);
  size_t refused = 0;
  for (const std::string& path : pristine.paths()) {
    std::string good = pristine.content(path);
    for (int i = 0; i < 40; ++i) {
      FaultFileSystem fs;
      for (const std::string& each : pristine.paths()) fs.set_content(each, pristine.content(each));
      size_t bit = random.below(good.size() * 8);
      std::string bad = good;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
      fs.set_content(path, bad);
      Running running;
      Status started = running.start(options_for(&fs, "/raft"));
      if (!started) {
        ++refused;
        EXPECT_NE(started.error().message.find("/raft"), std::string::npos) << started.error().message;
        continue;
      }
      ASSERT_TRUE(running.propose("ready"));
      auto commands = running.machine.commands();
      ASSERT_EQ(commands.size(), kCommands + 1) << path << " bit " << bit;
      for (size_t k = 0; k < kCommands; ++k)
        ASSERT_EQ(commands[k], std::to_string(k)) << path << " bit " << bit;
    }
  }
  EXPECT_GT(refused, 20u);
}

TEST(NodeFaultTest, AFailedSyncStopsAcknowledgements) {
  FaultFileSystem fs;
  Running running;
  ASSERT_TRUE(running.start(options_for(&fs, "/raft")));
  ASSERT_TRUE(running.propose("0"));
  fs.inject(2, Fault::kError);  // write, then the sync
  auto failed = running.propose("1");
  ASSERT_FALSE(failed);
  {
    std::unique_lock lock(running.mutex);
    ASSERT_TRUE(running.changed.wait_for(lock, kPatience, [&] { return running.failed; }));
  }
  EXPECT_FALSE(running.node->is_leader());
  EXPECT_FALSE(running.propose("2"));
  EXPECT_EQ(running.machine.commands().size(), 1u);
}

TEST(NodeFaultTest, PowerCutsUnderConcurrentLoadLoseNothingAcknowledged) {
  for (uint64_t seed = 1; seed <= 1000 / kSlowness; ++seed) {
    Random random(seed);
    FaultFileSystem fs;
    std::set<std::string> acknowledged;
    for (int life = 0; life < 3; ++life) {
      Running running;
      Status started = running.start(options_for(&fs, "/raft"));
      ASSERT_TRUE(started) << "seed " << seed << ": " << started.error().message;
      (void)running.propose("life");
      auto commands = running.machine.commands();
      std::set<std::string> found(commands.begin(), commands.end());
      for (const std::string& command : acknowledged) ASSERT_TRUE(found.contains(command)) << "seed " << seed;
      fs.inject(1 + random.below(60), Fault::kPowerOff);
      std::mutex mutex;
      std::vector<std::thread> threads;
      for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
          for (int i = 0; i < 20; ++i) {
            std::string command = std::to_string(life) + "/" + std::to_string(t) + "/" + std::to_string(i);
            if (!running.propose(command)) return;
            std::lock_guard lock(mutex);
            acknowledged.insert(command);
          }
        });
      for (std::thread& thread : threads) thread.join();
      if (random.below(2) == 0) running.take_snapshot();
      running.node->shutdown();
      fs.power_cut(random.next());
    }
  }
}

// The child acknowledges by writing the command's number to a pipe; the parent kills it in the middle.
[[noreturn]] void write_until_killed(const std::string& directory, int pipe) {
  Running running;
  if (!running.start(options_for(nullptr, directory))) ::_exit(1);
  for (uint32_t number = 0;; ++number) {
    std::string command = std::to_string(::getpid()) + "/" + std::to_string(number);
    if (!running.propose(command)) ::_exit(2);
    command.resize(32, '\0');
    if (::write(pipe, command.data(), command.size()) != 32) ::_exit(3);
    if (number % 40 == 39) running.take_snapshot();
  }
}

TEST(NodeFaultTest, KillingTheWriterFiftyTimesLosesNothingAcknowledged) {
  TemporaryDirectory directory;
  std::vector<std::string> acknowledged;
  for (uint64_t round = 1; round <= 50; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      write_until_killed(directory.path() + "/raft", ends[1]);
    }
    ::close(ends[1]);
    size_t kill_after = Random(round).below(60);
    char record[32];
    while (kill_after > 0 && ::read(ends[0], record, sizeof record) == sizeof record) {
      acknowledged.emplace_back(record, ::strnlen(record, sizeof record));
      --kill_after;
    }
    ::kill(child, SIGKILL);
    while (::read(ends[0], record, sizeof record) == sizeof record)
      acknowledged.emplace_back(record, ::strnlen(record, sizeof record));
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself: " << status;
  }
  Running running;
  Status started = running.start(options_for(nullptr, directory.path() + "/raft"));
  ASSERT_TRUE(started) << started.error().message;
  ASSERT_TRUE(running.propose("ready"));
  auto commands = running.machine.commands();
  std::set<std::string> found(commands.begin(), commands.end());
  EXPECT_EQ(found.size(), commands.size()) << "a command was applied twice";
  for (const std::string& command : acknowledged) EXPECT_TRUE(found.contains(command)) << command;
  EXPECT_GT(acknowledged.size(), 500u);
}

}  // namespace
}  // namespace praetor::raft
