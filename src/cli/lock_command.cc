#include <poll.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "base/text.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/kv_lock.h"
#include "cli/process.h"

namespace praetor::cli {
namespace {

constexpr Duration kGracePeriod = std::chrono::seconds(5);
constexpr int kChildFailed = 2;

// A running child whose end triggers `done`.
class Child {
 public:
  explicit Child(pid_t pid)
      : pid_(pid), waiter_([this] {
          failure_ = wait_child(pid_);
          done_.trigger();
        }) {}
  ~Child() { waiter_.join(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  const Cancel& done() const { return done_; }
  // After done().
  const std::optional<std::string>& failure() const { return failure_; }

 private:
  pid_t pid_;
  std::optional<std::string> failure_;
  Cancel done_;
  std::thread waiter_;
};

void wait_any(const Cancel& a, const Cancel& b, const Cancel& c) {
  while (!a.triggered() && !b.triggered() && !c.triggered()) {
    pollfd entries[3] = {{a.fd(), POLLIN, 0}, {b.fd(), POLLIN, 0}, {c.fd(), POLLIN, 0}};
    ::poll(entries, 3, -1);
  }
}

class Lock : public FlagCommand {
 public:
  Lock()
      : FlagCommand(R"(
Usage: praetor lock [options] prefix child...

  Runs the child while holding a lock in the key-value store, or with -n greater
  than 1 one of n places of a semaphore. The token needs write access under the
  prefix.

  When the lock is lost, or cannot be watched any more, the child gets SIGTERM,
  and SIGKILL if it does not end within a grace period.
)",
                    HttpFlagSet::kClientAndServer) {
    flags_.add_bool("child-exit-code", &child_exit_code_,
                    "Exit with 2 when the child fails; else a failed child does not count. The default value "
                    "is false.");
    flags_.add_int("monitor-retry", &monitor_retry_,
                   "How often to try again, a second apart, when the agent answers 500 while the lock is "
                   "watched: short outages do not cost the lock then, but its loss is seen later. The "
                   "default value is 3; 0 disables it.");
    flags_.add_int("n", &limit_,
                   "Number of holders. More than 1 makes it a semaphore. The default value is 1.");
    flags_.add_string("name", &name_, "Name of the lock's session; made from the child if not given.");
    flags_.add_bool("pass-stdin", &pass_stdin_, "Give the child this command's standard input.");
    flags_.add_bool("shell", &shell_,
                    "Run the child in a shell: the one the SHELL environment variable names.");
    flags_.add_duration("timeout", &timeout_,
                        "How long to wait for the lock, like \"1s\" or \"3h\". The default value is 0: "
                        "forever.");
    flags_.add_duration("try", &try_, "Old name of -timeout.");
    flags_.add_bool("verbose", &verbose_, "Say what happens.");
  }

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (Status status = check(args); !status) {
      ui.error(status.error().message);
      return 1;
    }
    Cancel interrupted;
    auto api = open_api(ui);
    if (!api || !agent_answers(*api, ui)) return 1;
    InterruptScope interrupts(interrupted);
    std::unique_ptr<KvLock> lock = make_lock(*api, args, ui);
    say("Attempting lock acquisition", ui);
    auto held = lock->acquire(interrupted);
    if (!held) {
      ui.error("Lock acquisition failed: " + held.error().message);
      return 1;
    }
    if (*held) return hold(*lock, args, interrupted, ui);
    if (!interrupted.triggered()) {
      ui.error("Shutdown triggered or timeout during lock acquisition");
      return 1;
    }
    ui.error("Shutdown triggered during lock acquisition");
    return clean_up(*lock, ui) ? 0 : 1;
  }

  Status check(const std::vector<std::string>& args) {
    if (args.size() < 2) return fail("Key prefix and child command must be specified");
    if (limit_ <= 0) return fail("Lock holder limit must be positive");
    if (timeout_ == Duration::zero()) timeout_ = try_;
    if (timeout_ < Duration::zero()) return fail("Timeout must be positive");
    if (monitor_retry_ < 0) return fail("Number for 'monitor-retry' must be >= 0");
    return {};
  }

  std::unique_ptr<KvLock> make_lock(const Api& api, const std::vector<std::string>& args, Ui& ui) const {
    std::string prefix = args[0].starts_with('/') ? args[0].substr(1) : args[0];
    LockOptions options;
    std::vector<std::string> child(args.begin() + 1, args.end());
    options.session_name =
        name_.empty() ? "Consul lock for '" + join(child, " ") + "' at '" + prefix + "'" : name_;
    options.try_for = timeout_;
    options.monitor_retries = monitor_retry_;
    options.limit = limit_;
    if (limit_ == 1) {
      options.key = (std::filesystem::path(prefix) / ".lock").lexically_normal();
      say("Setting up lock at path: " + options.key, ui);
      return make_mutex(api, std::move(options));
    }
    options.key = prefix;
    while (options.key.ends_with('/')) options.key.pop_back();
    say("Setting up semaphore (limit " + std::to_string(limit_) + ") at prefix: " + prefix, ui);
    return make_semaphore(api, std::move(options));
  }

  int hold(KvLock& lock, const std::vector<std::string>& args, const Cancel& interrupted, Ui& ui) const {
    bool child_failed = !run_child(lock, args, interrupted, ui);
    if (Status released = lock.release(); !released && !lock.lost().triggered()) {
      ui.error("Lock release failed: " + released.error().message);
      return 1;
    }
    if (!clean_up(lock, ui)) return 1;
    return child_failed && child_exit_code_ ? kChildFailed : 0;
  }

  // False when the child could not start or failed.
  bool run_child(KvLock& lock, const std::vector<std::string>& args, const Cancel& interrupted,
                 Ui& ui) const {
    say("Starting handler", ui);
    ChildOptions options;
    options.args.assign(args.begin() + 1, args.end());
    options.shell = shell_;
    options.share_input = pass_stdin_;
    options.environment["CONSUL_LOCK_HELD"] = "true";
    auto pid = start_child(options);
    if (!pid) {
      ui.error("Error starting handler: " + pid.error().message);
      return false;
    }
    Child child(*pid);
    wait_any(child.done(), interrupted, lock.lost());
    if (child.done().triggered()) {
      tell_failure(child, ui);
      say("Child terminated, releasing lock", ui);
      return !child.failure();
    }
    say(lock.lost().triggered() ? "Lock lost, killing child" : "Shutdown triggered, killing child", ui);
    kill_child(child, ui);
    return !child.failure();
  }

  void kill_child(Child& child, Ui& ui) const {
    say("Terminating child pid " + std::to_string(child.pid()), ui);
    ::kill(child.pid(), SIGTERM);
    if (child.done().wait(kGracePeriod)) {
      tell_failure(child, ui);
      say("Child terminated", ui);
      return;
    }
    say("Child did not exit after grace period of " + format_duration(kGracePeriod), ui);
    say("Killing child pid " + std::to_string(child.pid()), ui);
    ::kill(child.pid(), SIGKILL);
    while (!child.done().wait(kGracePeriod)) {
    }
    tell_failure(child, ui);
  }

  static void tell_failure(const Child& child, Ui& ui) {
    if (child.failure()) ui.error("Error running handler: " + *child.failure());
  }

  bool clean_up(KvLock& lock, Ui& ui) const {
    Status status = lock.destroy();
    if (status) {
      say("Cleanup succeeded", ui);
    } else if (status.error().message == kLockInUse) {
      say("Cleanup aborted, lock in use", ui);
    } else {
      ui.error("Cleanup failed: " + status.error().message);
      return false;
    }
    return true;
  }

  void say(const std::string& line, Ui& ui) const {
    if (verbose_) ui.print(line);
  }

  bool child_exit_code_ = false;
  bool pass_stdin_ = false;
  bool shell_ = true;
  bool verbose_ = false;
  int64_t limit_ = 1;
  int64_t monitor_retry_ = 3;
  std::string name_;
  Duration timeout_{0};
  Duration try_{0};
};

}  // namespace

CommandPtr make_lock() { return std::make_unique<Lock>(); }

}  // namespace praetor::cli
