#include "agent/remote_exec.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "agent/child_process.h"
#include "base/clock.h"
#include "base/log.h"
#include "codec/json.h"
#include "codec/type.h"

namespace praetor::agent {

struct RemoteExecEvent {
  std::string prefix, session;
};
PRAETOR_DESCRIBED(RemoteExecEvent)
PRAETOR_DESCRIBE(RemoteExecEvent, "remoteExecEvent", field("Prefix", &RemoteExecEvent::prefix),
                 field("Session", &RemoteExecEvent::session))

// What is to be run: a line for the shell, a program with its arguments, or a script of its own.
struct RemoteExecSpec {
  std::string command;
  codec::List<std::string> args;
  codec::Bytes script;
  Duration wait{0};
};
PRAETOR_DESCRIBED(RemoteExecSpec)
PRAETOR_DESCRIBE(RemoteExecSpec, "remoteExecSpec", field("Command", &RemoteExecSpec::command),
                 field("Args", &RemoteExecSpec::args), field("Script", &RemoteExecSpec::script),
                 field("Wait", &RemoteExecSpec::wait))

namespace {

constexpr size_t kOutputPiece = 4096;
constexpr Duration kOutputDelay = std::chrono::milliseconds(500);  // for more to come, before it is written
constexpr Duration kPollPause = std::chrono::milliseconds(100);
constexpr int kFailed = 255;

const Logger& logger() {
  static const Logger log("agent");
  return log;
}

// A script's file, which goes with its owner.
class ScriptFile {
 public:
  static Result<ScriptFile> write(const std::string& script) {
    const char* folder = std::getenv("TMPDIR");
    std::string path = std::string(folder == nullptr ? "/tmp" : folder) + "/rexecXXXXXX";
    int file = ::mkostemp(path.data(), O_CLOEXEC);
    if (file < 0) return fail(io_error("open " + path, errno));
    ScriptFile made(path);
    bool written = ::fchmod(file, 0700) == 0 &&
                   ::write(file, script.data(), script.size()) == static_cast<ssize_t>(script.size());
    int why = errno;
    ::close(file);
    if (!written) return fail(io_error("write " + path, why));
    return made;
  }
  ScriptFile() = default;
  ScriptFile(ScriptFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScriptFile& operator=(ScriptFile&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~ScriptFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  const std::string& path() const { return path_; }

 private:
  explicit ScriptFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

int exit_code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : kFailed; }

}  // namespace

struct RemoteExec::Job {
  RemoteExecEvent event;
  std::thread thread;
  std::atomic<bool> over = false;
};

RemoteExec::RemoteExec(std::string node, RemoteExecStore store)
    : node_(std::move(node)), store_(std::move(store)) {}

RemoteExec::~RemoteExec() {
  stopping_ = true;
  std::lock_guard lock(mutex_);
  for (auto& job : jobs_) job->thread.join();
}

void RemoteExec::handle(const std::string& payload) {
  auto event = codec::from_json<RemoteExecEvent>(payload);
  if (!event) return logger().error("failed to decode remote exec event", {{"error", event.error()}});
  std::lock_guard lock(mutex_);
  std::erase_if(jobs_, [](const auto& job) {
    if (!job->over) return false;
    job->thread.join();
    return true;
  });
  if (jobs_.size() >= kMaxRemoteExecs)
    return logger().warn("too many remote execs at a time: this one is left out");
  Job& job = *jobs_.emplace_back(std::make_unique<Job>());
  job.event = std::move(*event);
  job.thread = std::thread([this, &job] {
    run(job);
    job.over = true;
  });
}

namespace {

struct Output {
  std::function<Status(const std::string& suffix, const std::string& value)> put;
  size_t pieces = 0;

  Status write(const std::string& text) { return put(fmt::format("out/{:05x}", pieces++), text); }
};

// Sends on what the child writes until it has closed its output; an empty piece every `heartbeat` of silence.
Status pump(int pipe, Duration heartbeat, const std::atomic<bool>& stopping, Output& output) {
  std::string pending;
  Instant last = system_clock().now();
  for (;;) {
    if (stopping) return fail("the agent ends", ErrorKind::kCancelled);
    pollfd waiting{pipe, POLLIN, 0};
    ::poll(&waiting, 1,
           static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(kPollPause).count()));
    Instant now = system_clock().now();
    bool ended = false;
    if (waiting.revents != 0) {
      char buffer[kOutputPiece];
      ssize_t got = ::read(pipe, buffer, kOutputPiece - pending.size());
      if (got < 0 && errno != EINTR && errno != EAGAIN) got = 0;
      ended = got == 0;
      if (pending.empty()) last = now;
      if (got > 0) pending.append(buffer, static_cast<size_t>(got));
    }
    bool due = pending.size() == kOutputPiece || ended || now - last >= kOutputDelay;
    if (!pending.empty() && due) {
      TRY(output.write(pending));
      pending.clear();
      last = now;
    } else if (pending.empty() && !ended && heartbeat.count() > 0 && now - last >= heartbeat) {
      TRY(output.write(""));
      last = now;
    }
    if (ended) return {};
  }
}

// The child's end; killed when its output could not be written, or the agent ends.
int reap(pid_t child, bool kill_it, const std::atomic<bool>& stopping) {
  int status = 0;
  for (;;) {
    if (kill_it || stopping) ::kill(-child, SIGKILL);
    if (::waitpid(child, &status, WNOHANG) == child) return exit_code_of(status);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace

int RemoteExec::execute(Job& job) {
  std::string folder = job.event.prefix + "/" + job.event.session + "/";
  auto text = store_.get(folder + "job");
  auto spec = text ? codec::from_json<RemoteExecSpec>(*text) : Result<RemoteExecSpec>(fail(text.error()));
  if (!spec) {
    logger().error("couldn't decode remote exec spec", {{"error", spec.error()}});
    return -1;
  }
  auto put = [&](const std::string& suffix, const std::string& value) -> Status {
    TRY_ASSIGN(bool written, store_.put(folder + node_ + "/" + suffix, value, job.event.session));
    if (!written) return fail("failed to acquire lock");
    return {};
  };
  if (Status told = put("ack", ""); !told) {
    logger().error("failed to ack remote exec job", {{"error", told.error()}});
    return -1;
  }
  ScriptFile script;
  std::vector<std::string> args(spec->args.begin(), spec->args.end());
  if (!spec->script.empty()) {
    auto file = ScriptFile::write(spec->script);
    if (!file) {
      logger().error("failed to make script", {{"error", file.error()}});
      return kFailed;
    }
    script = std::move(*file);
    args = {script.path()};
  } else if (args.empty()) {
    args = {"/bin/sh", "-c", spec->command};
  }
  logger().info("remote exec script", {{"script", args.back()}});
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return kFailed;
  pid_t child = 0;
  int refused = spawn_group(args[0], args, ends[1], child);
  ::close(ends[1]);
  int code = kFailed;
  if (refused == 0) {
    Output output{put};
    Status pumped = pump(ends[0], spec->wait, stopping_, output);
    code = reap(child, !pumped, stopping_);
    if (!pumped) {
      logger().error("failed to write output of remote exec job", {{"error", pumped.error()}});
      code = kFailed;
    }
  } else {
    logger().error("failed to start remote exec", {{"error", io_error("exec " + args[0], refused)}});
  }
  ::close(ends[0]);
  return code;
}

void RemoteExec::run(Job& job) {
  logger().debug("received remote exec event");
  int code = execute(job);
  if (code < 0) return;  // the job was not taken on
  std::string key = job.event.prefix + "/" + job.event.session + "/" + node_ + "/exit";
  auto written = store_.put(key, std::to_string(code), job.event.session);
  if (!written || !*written)
    logger().error("failed to write exit code of remote exec job",
                   {{"error", written ? std::string("failed to acquire lock") : written.error().message}});
}

}  // namespace praetor::agent
