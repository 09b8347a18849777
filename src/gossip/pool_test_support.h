// For tests: pools on a reactor of their own, and foreign agents as child processes.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <future>
#include <string>
#include <vector>

#include "base/test_patience.h"
#include "gossip/pool.h"

namespace praetor::gossip {

// A process that is killed with its owner. Its output goes to a file.
class Child {
 public:
  Child(std::vector<std::string> command, const std::string& output) {
    std::vector<char*> arguments;
    for (std::string& word : command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    if (posix_spawn(&pid_, arguments[0], &files, nullptr, arguments.data(), environ) != 0) pid_ = -1;
    posix_spawn_file_actions_destroy(&files);
  }
  ~Child() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  bool running() const { return pid_ > 0; }

 private:
  pid_t pid_ = -1;
};

// What a command prints.
inline std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return text;
  char buffer[4096];
  while (size_t n = fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, n);
  pclose(pipe);
  return text;
}

// A reactor with pools that are made and destroyed on it.
class Host {
 public:
  Host() : reactor_("gossip-test") { reactor_.start(); }
  ~Host() {
    run([&] { pools_.clear(); });
    reactor_.stop();
  }

  // Runs `task` on the reactor and waits for what it returns.
  template <typename Task>
  std::invoke_result_t<Task> run(Task task) {
    std::promise<std::invoke_result_t<Task>> promise;
    reactor_.post([&] {
      if constexpr (std::is_void_v<std::invoke_result_t<Task>>) {
        task();
        promise.set_value();
      } else {
        promise.set_value(task());
      }
    });
    return promise.get_future().get();
  }
  // Waits until `done`, which `task` is given, has been called.
  template <typename Answer>
  Answer ask(const std::function<void(std::function<void(Answer)>)>& task) {
    auto promise = std::make_shared<std::promise<Answer>>();
    reactor_.post(
        [promise, task] { task([promise](Answer answer) { promise->set_value(std::move(answer)); }); });
    auto future = promise->get_future();
    if (future.wait_for(kPatience) != std::future_status::ready) std::abort();
    return future.get();
  }

  static PoolOptions options(const std::string& name, const std::string& bind) {
    PoolOptions options;
    options.serf.swim.name = name;
    options.bind = *Address::parse(bind);
    options.serf.tags["role"] = "node";
    options.serf_log = options.memberlist_log = name;
    return options;
  }
  Result<Pool*> open(PoolOptions options) {
    return run([&]() -> Result<Pool*> {
      auto events = std::make_shared<std::vector<SerfEvent>>();
      TRY_ASSIGN(auto pool, Pool::open(reactor_, std::move(options),
                                       [events](const SerfEvent& event) { events->push_back(event); }));
      pools_.push_back(std::move(pool));
      events_[pools_.back().get()] = events;
      return pools_.back().get();
    });
  }
  void close(Pool* pool) {
    run([&] { std::erase_if(pools_, [&](const auto& own) { return own.get() == pool; }); });
  }
  Result<size_t> join(Pool* pool, std::vector<Address> addresses) {
    return ask<Result<size_t>>([&](auto done) {
      pool->join(addresses, true, [done](const JoinReport& report) { done(report.result()); });
    });
  }
  bool leave(Pool* pool) {
    return ask<bool>([&](auto done) { pool->leave([done] { done(true); }); });
  }
  std::optional<Member> member(Pool* pool, const std::string& name) {
    return run([&] { return pool->serf().member(name); });
  }
  MemberStatus status(Pool* pool, const std::string& name) {
    auto found = member(pool, name);
    return found ? found->status : MemberStatus::kNone;
  }
  std::vector<UserEvent> user_events(Pool* pool) {
    return run([&] {
      std::vector<UserEvent> found;
      for (const SerfEvent& event : *events_[pool])
        if (auto* it = std::get_if<UserEvent>(&event)) found.push_back(*it);
      return found;
    });
  }

 private:
  Reactor reactor_;
  std::vector<std::unique_ptr<Pool>> pools_;
  std::map<Pool*, std::shared_ptr<std::vector<SerfEvent>>> events_;
};

// A folder that goes with its owner.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "praetor-gossip-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace praetor::gossip
