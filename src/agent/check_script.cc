#include "agent/check_script.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstdlib>
#include <span>
#include <unordered_map>

#include "agent/check_probe.h"
#include "agent/child_process.h"
#include "base/text.h"
#include "base/thread_buffer.h"

namespace praetor::agent {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// A program that writes more than this is read at most this much every pause; its pipe fills and it waits.
constexpr uint64_t kFreeBytes = 16 << 20;
constexpr Duration kFloodPause = std::chrono::milliseconds(5);
constexpr int kReapTries = 500;  // milliseconds for a killed process to go, when the agent ends
constexpr Duration kPollExit = std::chrono::milliseconds(20);  // where pidfd_open is not allowed

// The program that `name` means, as Go's LookPath finds it.
Result<std::string> find_program(const std::string& name) {
  if (contains(name, "/")) return name;
  const char* path = std::getenv("PATH");
  for (std::string_view folder : split(path == nullptr ? "" : path, ':')) {
    std::string candidate = (folder.empty() ? "." : std::string(folder)) + "/" + name;
    struct stat info{};
    if (::stat(candidate.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
        ::access(candidate.c_str(), X_OK) == 0)
      return candidate;
  }
  return fail("exec: " + go_quote(name) + ": executable file not found in $PATH", ErrorKind::kNotFound);
}

// Starts `args` with `output` as both outputs, in its own process group, and with default signals.
Result<pid_t> spawn(const std::vector<std::string>& args, int output) {
  TRY_ASSIGN(std::string program, find_program(args.at(0)));
  pid_t pid = 0;
  int code = spawn_group(program, args, output, pid);
  if (code != 0) return fail(io_error("fork/exec " + program, code));
  return pid;
}

// One program. It is over when its process has ended and its output is closed (or its time is up).
class Run : public std::enable_shared_from_this<Run> {
 public:
  Run(Reactor& reactor, const ScriptHost::Job& job, std::function<void(CheckResult)> result,
      std::function<void()> exited)
      : reactor_(reactor),
        timeout_(job.timeout),
        output_(job.output_limit),
        pipe_(reactor.context()),
        process_(reactor.context()),
        result_(std::move(result)),
        exited_(std::move(exited)) {}

  Status start(const std::vector<std::string>& args) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail(io_error("pipe", errno));
    auto pid = spawn(args, ends[1]);
    ::close(ends[1]);
    if (!pid) {
      ::close(ends[0]);
      return fail(pid.error());
    }
    pid_ = *pid;
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    error_code error;
    pipe_.assign(ends[0], error);
    if (error) {
      ::close(ends[0]);
      output_ended_ = true;
    } else {
      read();
    }
    watch_exit();
    timer_ = reactor_.after(timeout_, [self = shared_from_this()] {
      self->timer_ = 0;
      self->timed_out();
    });
    return {};
  }

  void mute() { result_ = nullptr; }

  // The host goes away: nothing of the program may stay behind.
  void destroy() {
    result_ = nullptr;
    exited_ = nullptr;
    reactor_.cancel(timer_);
    reactor_.cancel(pause_);
    reactor_.cancel(poll_);
    close_all();
    if (pid_ == 0) return;
    ::kill(-pid_, SIGKILL);
    int status = 0;
    for (int i = 0; i < kReapTries && ::waitpid(pid_, &status, WNOHANG) == 0; ++i) ::usleep(1000);
    pid_ = 0;
  }

 private:
  void close_all() {
    error_code ignored;
    if (pipe_.is_open()) pipe_.close(ignored);
    if (process_.is_open()) process_.close(ignored);
  }

  void read() {
    pipe_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](const error_code& error) {
                       if (!error) self->take_output();
                     });
  }

  // One piece a turn, so that a flood leaves the reactor to others.
  void take_output() {
    if (!pipe_.is_open()) return;
    std::span<char> buffer = thread_buffer();
    ssize_t got = ::read(pipe_.native_handle(), buffer.data(), buffer.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return read();
    if (got <= 0) {
      output_ended_ = true;
      return finish_if_over();
    }
    output_.write(std::string_view(buffer.data(), static_cast<size_t>(got)));
    if (output_.total() < kFreeBytes) return read();
    pause_ = reactor_.after(kFloodPause, [self = shared_from_this()] {
      self->pause_ = 0;
      if (self->pipe_.is_open()) self->read();
    });
  }

  void watch_exit() {
    int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    error_code error;
    if (fd >= 0) process_.assign(fd, error);
    if (fd < 0 || error) {
      if (fd >= 0) ::close(fd);
      return poll_exit();
    }
    process_.async_wait(asio::posix::stream_descriptor::wait_read,
                        [self = shared_from_this()](const error_code& failure) {
                          if (!failure) self->on_exit();
                        });
  }

  void poll_exit() {
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid == pid_)
      return on_exit();
    poll_ = reactor_.after(kPollExit, [self = shared_from_this()] {
      self->poll_ = 0;
      self->poll_exit();
    });
  }

  // The process stays unreaped until the run is over: its id, which names the group to kill, cannot be given
  // to another one meanwhile.
  void on_exit() {
    siginfo_t info{};
    if (pid_ == 0 || ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
      exit_code_ = -1;  // somebody else reaped it
    } else {
      exit_code_ = info.si_code == CLD_EXITED ? info.si_status : -1;
    }
    process_ended_ = true;
    finish_if_over();
  }

  void timed_out() {
    ::kill(-pid_, SIGKILL);
    std::string text = "Timed out (" + format_duration(timeout_) + ") running check";
    std::string written = output_.described();
    if (!written.empty()) text += "\n\n" + written;
    report({CheckStatus::kCritical, std::move(text), CheckResult::Run::kTimedOut});
    // Whoever escaped from the group may keep the pipe for good.
    error_code ignored;
    if (pipe_.is_open()) pipe_.close(ignored);
    output_ended_ = true;
    finish_if_over();
  }

  void report(CheckResult result) {
    auto callback = std::move(result_);
    result_ = nullptr;
    if (callback) callback(std::move(result));
  }

  void finish_if_over() {
    if (!process_ended_ || !output_ended_ || pid_ == 0) return;
    auto self = shared_from_this();
    reactor_.cancel(timer_);
    timer_ = 0;
    reactor_.cancel(pause_);
    pause_ = 0;
    close_all();
    int status = 0;
    ::waitpid(pid_, &status, WNOHANG);
    pid_ = 0;
    CheckStatus outcome = CheckStatus::kCritical;
    if (exit_code_ == 0) outcome = CheckStatus::kPassing;
    if (exit_code_ == 1) outcome = CheckStatus::kWarning;
    report({outcome, output_.described()});
    auto callback = std::move(exited_);
    exited_ = nullptr;
    if (callback) callback();
  }

  Reactor& reactor_;
  Duration timeout_;
  TailBuffer output_;
  asio::posix::stream_descriptor pipe_;
  asio::posix::stream_descriptor process_;
  std::function<void(CheckResult)> result_;
  std::function<void()> exited_;
  pid_t pid_ = 0;
  Reactor::TimerId timer_ = 0;
  Reactor::TimerId pause_ = 0;
  Reactor::TimerId poll_ = 0;
  bool output_ended_ = false;
  bool process_ended_ = false;
  int exit_code_ = -1;
};

}  // namespace

struct ScriptHost::Impl {
  explicit Impl(Reactor& r) : reactor(r) {}
  Reactor& reactor;
  Ticket last = 0;
  std::unordered_map<Ticket, std::shared_ptr<Run>> runs;
  std::shared_ptr<Impl*> alive = std::make_shared<Impl*>(this);  // for what is posted
};

ScriptHost::ScriptHost(Reactor& reactor) : impl_(std::make_unique<Impl>(reactor)) {}

ScriptHost::~ScriptHost() {
  *impl_->alive = nullptr;
  for (auto& [ticket, run] : impl_->runs) run->destroy();
}

size_t ScriptHost::running() const { return impl_->runs.size(); }

ScriptHost::Ticket ScriptHost::run(const Job& job, const Callbacks& callbacks) {
  Ticket ticket = ++impl_->last;
  auto gone = [impl = impl_.get(), ticket, exited = callbacks.exited] {
    auto keep = impl->runs.extract(ticket);
    if (exited) exited();
  };
  auto run = std::make_shared<Run>(impl_->reactor, job, callbacks.result, gone);
  Status started = job.args.empty() ? Status(fail("exec: no command")) : run->start(job.args);
  if (started) {
    impl_->runs.emplace(ticket, std::move(run));
    return ticket;
  }
  impl_->reactor.post([alive = impl_->alive, callbacks, text = started.error().message] {
    if (*alive == nullptr) return;
    callbacks.result({CheckStatus::kCritical, text, CheckResult::Run::kNotInvoked});
    if (callbacks.exited) callbacks.exited();
  });
  return 0;
}

void ScriptHost::abandon(Ticket ticket) {
  auto at = impl_->runs.find(ticket);
  if (at != impl_->runs.end()) at->second->mute();
}

namespace {

class ScriptProbe final : public Probe {
 public:
  ScriptProbe(const CheckSpec& spec, ProbeEnv& env) : env_(env) {
    job_.args = spec.args;
    job_.timeout = spec.timeout > Duration::zero() ? spec.timeout : kDefaultScriptTimeout;
    job_.output_limit = spec.output_max_size;
  }
  ~ScriptProbe() override { env_.scripts.abandon(ticket_); }

  void run(Done done) override {
    auto shared = state_;
    if (shared->busy) {  // killed, yet not gone: never two at a time
      return done({CheckStatus::kCritical, "Timed out (" + format_duration(job_.timeout) + ") running check",
                   CheckResult::Run::kTimedOut});
    }
    shared->busy = true;
    shared->done = std::move(done);
    std::weak_ptr<State> weak = shared;
    ticket_ = env_.scripts.run(job_, {[weak](CheckResult result) {
                                        auto state = weak.lock();
                                        if (!state) return;
                                        Done finished = std::move(state->done);
                                        finished(std::move(result));
                                      },
                                      [weak] {
                                        if (auto state = weak.lock()) state->busy = false;
                                      }});
  }

 private:
  struct State {
    bool busy = false;
    Done done;
  };
  ProbeEnv& env_;
  ScriptHost::Job job_;
  ScriptHost::Ticket ticket_ = 0;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace

std::unique_ptr<Probe> make_script_probe(const CheckSpec& spec, ProbeEnv& env) {
  return std::make_unique<ScriptProbe>(spec, env);
}

}  // namespace praetor::agent
