// HTTP checks: one request a run, on a connection of its own, behaving as Go's http.Client does (Consul's
// checks are defined by it). Redirects: at most 10; 301, 302 and 303 turn every method but GET and HEAD into
// a GET without body, 307 and 308 repeat method and body; the headers go along, Authorization and Cookie only
// to the same host or a subdomain of it; a Host header survives relative redirects only; Referer names the
// page before, unless that was https and the next is http.
#include <optional>

#include "agent/check_dial.h"
#include "agent/check_http_message.h"
#include "agent/check_probe.h"
#include "agent/check_stream.h"
#include "agent/check_url.h"
#include "base/host_port.h"
#include "base/text.h"

namespace praetor::agent {

namespace {

constexpr size_t kMaxRedirects = 10;
constexpr Duration kDialTimeout = std::chrono::seconds(30);

// "GET" -> "Get", as Go names the operation in errors.
std::string operation_name(const std::string& method) {
  return method.empty() ? "Get" : method.substr(0, 1) + to_lower(method.substr(1));
}

std::string port_of(const Url& url) {
  std::string port = url.port();
  return port.empty() ? (url.scheme == "https" ? "443" : "80") : port;
}

std::string address_of(const Url& url) { return join_host_port(to_lower(url.hostname()), port_of(url)); }

bool sensitive_header(const std::string& name) {
  return equals_ignore_case(name, "Authorization") || equals_ignore_case(name, "Www-Authenticate") ||
         equals_ignore_case(name, "Cookie") || equals_ignore_case(name, "Cookie2");
}

bool same_or_subdomain(const std::string& sub, const std::string& parent) {
  return sub == parent || sub.ends_with("." + parent);
}

// The page before, as the Referer header names it.
std::string referer_of(const Url& from, const Url& to) {
  if (from.scheme == "https" && to.scheme == "http") return "";
  Url shown = from;
  shown.has_user = false;
  return shown.text();
}

class HttpProbe final : public Probe {
 public:
  HttpProbe(const CheckSpec& spec, ProbeEnv& env) : env_(env), spec_(spec), method_(spec.method) {
    if (method_.empty()) method_ = "GET";
    header_ = spec.header;
    if (header_value(header_, "User-Agent").empty()) header_["User-Agent"] = {"Consul Health Check"};
    if (header_value(header_, "Accept").empty()) header_["Accept"] = {"text/plain, text/*, */*"};
  }
  ~HttpProbe() override { reset(); }

  void run(Done done) override {
    done_ = std::move(done);
    if (!valid_method(method_))
      return finish(CheckStatus::kCritical, "net/http: invalid method " + go_quote(method_));
    auto url = parse_url(spec_.http);
    if (!url) return finish(CheckStatus::kCritical, url.error().message);
    Duration timeout = spec_.timeout > Duration::zero() ? spec_.timeout : kDefaultCheckTimeout;
    timer_ = env_.reactor.after(timeout, [this] {
      timer_ = 0;
      timed_out();
    });
    url_ = first_url_ = std::move(*url);
    hop_method_ = method_;
    hop_header_ = header_;
    hop_host_ = header_value(header_, "Host");
    hop_body_ = spec_.body;
    redirects_ = 0;
    send();
  }

 private:
  void reset() {
    env_.reactor.cancel(timer_);
    timer_ = 0;
    stream_.reset();
  }

  void finish(CheckStatus status, std::string output) {
    reset();
    reader_.reset();
    Done done = std::move(done_);
    done({status, std::move(output)});
  }

  void fail_request(const std::string& url, const std::string& why) {
    finish(CheckStatus::kCritical, operation_name(method_) + " " + go_quote(url) + ": " + why);
  }

  void timed_out() {
    if (reader_ && reader_->head_complete()) return conclude();  // what came of the body counts
    fail_request(url_.text(), "context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
  }

  Status check_request() const {
    bool http = url_.scheme == "http" || url_.scheme == "https";
    if (http) TRY(validate_header(hop_header_));
    if (!http) return fail("unsupported protocol scheme " + go_quote(url_.scheme));
    if (url_.host.empty()) return fail("http: no Host in request URL");
    return {};
  }

  void send() {
    if (auto good = check_request(); !good) return fail_request(url_.text(), good.error().message);
    StreamTarget target;
    target.host_port = join_host_port(url_.hostname(), port_of(url_));
    target.timeout = kDialTimeout;
    if (url_.scheme == "https") {
      auto context = env_.tls.get(spec_.tls, {"http/1.1"});
      if (!context) return fail_request(url_.text(), context.error().message);
      target.use_tls = true;
      target.tls = *context;
      target.tls_name = url_.hostname();
    }
    bool asks_gzip = hop_method_ != "HEAD" && header_value(hop_header_, "Accept-Encoding").empty() &&
                     header_value(hop_header_, "Range").empty();
    reader_.emplace(hop_method_ == "HEAD", asks_gzip, spec_.output_max_size);
    stream_ = make_stream(env_.reactor, env_.resolver, std::move(target));
    stream_->open([this](OpenStage stage, const std::string& error) {
      if (stage != OpenStage::kOpen) return fail_request(url_.text(), error);
      // A server may answer before it has read everything; so a failed write is told by the read.
      stream_->write(request_bytes(), [](const std::string&) {});
      read();
    });
  }

  std::string request_bytes() const {
    ClientRequest request;
    request.method = hop_method_;
    request.target = url_.request_target();
    request.host = hop_host_.empty() ? url_.host : hop_host_;
    request.header = hop_header_;
    request.body = hop_body_;
    if (url_.has_user && header_value(hop_header_, "Authorization").empty())
      request.header["Authorization"] = {"Basic " + base64_encode(url_.user + ":" + url_.password)};
    return serialize_request(request);
  }

  void read() {
    stream_->read([this](const StreamRead& got) {
      if (!got.error.empty() && !reader_->head_complete()) return fail_request(url_.text(), got.error);
      bool ended = got.end || !got.error.empty();
      ResponseReader::State state = ended ? reader_->feed_end() : reader_->feed(got.bytes);
      if (state == ResponseReader::State::kFailed) return fail_request(url_.text(), reader_->error());
      if (reader_->head_complete() && is_redirect()) return follow();
      if (state == ResponseReader::State::kDone) return conclude();
      read();
    });
  }

  void conclude() {
    int code = reader_->status();
    CheckStatus status = CheckStatus::kCritical;
    if (code >= 200 && code <= 299) status = CheckStatus::kPassing;
    if (code == 429) status = CheckStatus::kWarning;
    finish(status, "HTTP " + method_ + " " + spec_.http + ": " + reader_->status_text() +
                       " Output: " + reader_->body().tail());
  }

  bool is_redirect() const {
    if (!spec_.follow_redirects) return false;
    int code = reader_->status();
    if (code == 301 || code == 302 || code == 303) return true;
    return (code == 307 || code == 308) && !reader_->header("Location").empty();
  }

  void follow() {
    std::string location = reader_->header("Location");
    if (location.empty())
      return fail_request(url_.text(),
                          std::to_string(reader_->status()) + " response missing Location header");
    auto reference = parse_url(location);
    if (!reference)
      return fail_request(url_.text(), "failed to parse Location header " + go_quote(location) + ": " +
                                           reference.error().message);
    if (++redirects_ >= kMaxRedirects) return fail_request(location, "stopped after 10 redirects");
    Url next = resolve_url(url_, *reference);
    if (reader_->status() < 307) {
      if (hop_method_ != "GET" && hop_method_ != "HEAD") hop_method_ = "GET";
      hop_body_.clear();
    }
    if (reference->absolute() || hop_host_ == url_.host) hop_host_.clear();
    hop_header_ = header_;
    bool trusted = same_or_subdomain(address_of(next), address_of(first_url_));
    std::erase_if(hop_header_, [&](const auto& entry) { return !trusted && sensitive_header(entry.first); });
    std::string referer = referer_of(url_, next);
    if (!referer.empty()) hop_header_["Referer"] = {referer};
    url_ = std::move(next);
    send();
  }

  ProbeEnv& env_;
  const CheckSpec spec_;
  std::string method_;
  HeaderMap header_;

  Done done_;
  Reactor::TimerId timer_ = 0;
  Url first_url_;
  Url url_;  // of the request under way
  std::string hop_method_;
  std::string hop_host_;
  std::string hop_body_;
  HeaderMap hop_header_;
  size_t redirects_ = 0;
  std::optional<ResponseReader> reader_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace

std::unique_ptr<Probe> make_http_probe(const CheckSpec& spec, ProbeEnv& env) {
  return std::make_unique<HttpProbe>(spec, env);
}

}  // namespace praetor::agent
