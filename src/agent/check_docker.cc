// Docker checks: a program in a running container, by the Docker Engine's API: create an exec, start it, read
// its output until it ends, ask for its exit code. Each step is a request on a connection of its own.
#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <optional>

#include "agent/check_http_message.h"
#include "agent/check_probe.h"
#include "agent/check_stream.h"
#include "base/text.h"

namespace praetor::agent {

namespace json = boost::json;

namespace {

constexpr std::string_view kDefaultDockerHost = "unix:///var/run/docker.sock";
constexpr size_t kAnswerBytes = 64 << 10;

std::string escape_query(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~') {
      out += c;
    } else {
      out.append(1, '%').append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
    }
  }
  return out;
}

// It goes into a path as it is.
bool plain_id(std::string_view id) {
  return !id.empty() && std::all_of(id.begin(), id.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.' || c == '%';
  });
}

class DockerProbe final : public Probe {
 public:
  DockerProbe(const CheckSpec& spec, ProbeEnv& env) : env_(env), spec_(spec) {
    timeout_ = spec.timeout > Duration::zero() ? spec.timeout : kDefaultScriptTimeout;
    std::string host = env.docker_host.empty() ? std::string(kDefaultDockerHost) : env.docker_host;
    size_t mark = host.find("://");
    std::string scheme = mark == std::string::npos ? "tcp" : host.substr(0, mark);
    std::string address = mark == std::string::npos ? host : host.substr(mark + 3);
    if (scheme == "unix") {
      unix_path_ = address;
      base_url_ = "http://" + escape_query(address);
    } else {
      while (address.ends_with('/')) address.pop_back();
      host_port_ = address;
      base_url_ = "http://" + address;
    }
  }
  ~DockerProbe() override { reset(); }

  void run(Done done) override {
    done_ = std::move(done);
    timer_ = env_.reactor.after(timeout_, [this] {
      timer_ = 0;
      timed_out();
    });
    create();
  }

 private:
  using Answered = void (DockerProbe::*)(const std::string& transport_error);

  void reset() {
    env_.reactor.cancel(timer_);
    timer_ = 0;
    stream_.reset();
  }

  void finish(CheckStatus status, std::string output, CheckResult::Run run = CheckResult::Run::kDone) {
    reset();
    reader_.reset();
    Done done = std::move(done_);
    done({status, std::move(output), run});
  }

  void fail_with(std::string output) {
    finish(CheckStatus::kCritical, std::move(output), CheckResult::Run::kFailed);
  }

  void timed_out() {
    std::string text = "Timed out (" + format_duration(timeout_) + ") running check";
    std::string written = running_ && reader_ ? reader_->body().described() : "";
    fail_with(written.empty() ? text : text + "\n\n" + written);
  }

  std::string container() const { return spec_.docker_container_id; }
  std::string body_text() const { return std::string(trim(reader_->body().tail())); }

  void create() {
    json::array command;
    for (const std::string& arg : spec_.args) command.emplace_back(arg);
    json::object body{{"AttachStdin", false}, {"AttachStdout", true}, {"AttachStderr", true}, {"Tty", false}};
    body["Cmd"] = std::move(command);
    running_ = false;
    call("POST", "/containers/" + escape_query(container()) + "/exec", json::serialize(body), kAnswerBytes,
         &DockerProbe::created);
  }

  void created(const std::string& error) {
    std::string prefix = "create exec failed for container " + container();
    if (!error.empty()) return fail_with(prefix + ": " + error);
    int status = reader_->status();
    if (status == 404) return fail_with("create exec failed for unknown container " + container());
    if (status == 409)
      return fail_with("create exec failed since container " + container() + " is paused or stopped");
    if (status != 201)
      return fail_with(prefix + " with status " + std::to_string(status) + ": " + body_text());
    boost::system::error_code wrong;
    json::value answer = json::parse(body_text(), wrong);
    const json::value* id = !wrong && answer.is_object() ? answer.as_object().if_contains("Id") : nullptr;
    if (id == nullptr || !id->is_string()) {
      return fail_with("create exec response for container " + container() +
                       " cannot be parsed: " + (wrong ? wrong.message() : "no Id"));
    }
    exec_id_ = std::string(id->as_string());
    if (!plain_id(exec_id_))
      return fail_with("create exec response for container " + container() + " cannot be parsed: bad Id");
    running_ = true;
    call("POST", "/exec/" + exec_id_ + "/start", R"({"Detach":false,"Tty":true})", spec_.output_max_size,
         &DockerProbe::ran);
  }

  void ran(const std::string& error) {
    std::string prefix = "start exec failed for container " + container();
    if (!error.empty()) return fail_with(prefix + ": " + error);
    if (reader_->status() != 200) {
      return fail_with(prefix + " with status " + std::to_string(reader_->status()) +
                       ": body: " + body_text() + " err: <nil>");
    }
    output_ = reader_->body().described();
    running_ = false;
    call("GET", "/exec/" + exec_id_ + "/json", "", kAnswerBytes, &DockerProbe::inspected);
  }

  void inspected(const std::string& error) {
    std::string prefix = "inspect exec failed for container " + container();
    if (!error.empty()) return fail_with(prefix + ": " + error);
    if (reader_->status() != 200)
      return fail_with(prefix + " with status " + std::to_string(reader_->status()) + ": " + body_text());
    boost::system::error_code wrong;
    json::value answer = json::parse(body_text(), wrong);
    const json::value* code =
        !wrong && answer.is_object() ? answer.as_object().if_contains("ExitCode") : nullptr;
    if (wrong || !answer.is_object()) {
      return fail_with("inspect exec response for container " + container() +
                       " cannot be parsed: " + (wrong ? wrong.message() : "no object"));
    }
    int64_t exit_code = code != nullptr && code->is_int64() ? code->as_int64() : 0;
    CheckStatus status = CheckStatus::kCritical;
    if (exit_code == 0) status = CheckStatus::kPassing;
    if (exit_code == 1) status = CheckStatus::kWarning;
    finish(status, std::move(output_));
  }

  void call(const std::string& method, const std::string& path, std::string body, size_t limit,
            Answered answered) {
    ClientRequest request;
    request.method = method;
    request.target = path;
    request.host = unix_path_.empty() ? host_port_ : "docker";
    request.header["User-Agent"] = {"Consul Health Check"};
    if (!body.empty()) request.header["Content-Type"] = {"application/json"};
    request.body = std::move(body);
    std::string operation = method == "GET" ? "Get" : "Post";
    where_ = operation + " " + go_quote(base_url_ + path) + ": ";
    answered_ = answered;

    StreamTarget target;
    target.unix_path = unix_path_;
    target.host_port = host_port_;
    target.timeout = timeout_;
    reader_.emplace(false, true, limit);
    stream_ = make_stream(env_.reactor, env_.resolver, std::move(target));
    stream_->open([this, bytes = serialize_request(request)](OpenStage stage, const std::string& error) {
      if (stage != OpenStage::kOpen) return (this->*answered_)(where_ + error);
      stream_->write(bytes, [](const std::string&) {});
      read();
    });
  }

  void read() {
    stream_->read([this](const StreamRead& got) {
      if (!got.error.empty() && !reader_->head_complete()) return (this->*answered_)(where_ + got.error);
      bool ended = got.end || !got.error.empty();
      ResponseReader::State state = ended ? reader_->feed_end() : reader_->feed(got.bytes);
      if (state == ResponseReader::State::kFailed) return (this->*answered_)(where_ + reader_->error());
      if (state == ResponseReader::State::kDone) return (this->*answered_)("");
      read();
    });
  }

  ProbeEnv& env_;
  const CheckSpec spec_;
  Duration timeout_;
  std::string unix_path_;
  std::string host_port_;
  std::string base_url_;

  Done done_;
  Reactor::TimerId timer_ = 0;
  std::unique_ptr<Stream> stream_;
  std::optional<ResponseReader> reader_;
  Answered answered_ = nullptr;
  std::string where_;  // what transport errors begin with
  std::string exec_id_;
  std::string output_;
  bool running_ = false;
};

}  // namespace

std::unique_ptr<Probe> make_docker_probe(const CheckSpec& spec, ProbeEnv& env) {
  return std::make_unique<DockerProbe>(spec, env);
}

}  // namespace praetor::agent
