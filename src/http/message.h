// One HTTP request and its answer, as handlers see them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace praetor {
class Reactor;
class Sample;
}  // namespace praetor

namespace praetor::http {

enum class Method : uint8_t { kGet, kPut, kPost, kDelete, kHead, kOptions, kPatch, kOther };
std::string_view method_name(Method method);
Method method_of(std::string_view text);  // kOther when it is none of them

struct Request {
  Method method = Method::kGet;
  std::string method_text;
  std::string target;    // as sent: path and query
  std::string path;      // decoded
  std::string argument;  // what follows the route's prefix, decoded (set by the router)
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  uint64_t declared_length = 0;  // Content-Length, 0 when chunked
  std::string remote_ip;         // empty for unix sockets
  bool bad_query = false;        // a bad escape in the query; `query` has what came before it
  // Set by the router: headers that every answer of the route carries. Lives as long as the router.
  const std::vector<std::pair<std::string, std::string>>* common_headers = nullptr;
  // Set by the router: what measures the time from `started` to the answer; null when nothing does.
  const Sample* timer = nullptr;
  Instant started{};
  bool logged = false;  // its end stands in the log
  void measure();       // once, when the answer begins

  bool has(std::string_view parameter) const;
  // First value of a query parameter; empty when absent.
  std::string_view parameter(std::string_view name) const;
  std::vector<std::string_view> parameters(std::string_view name) const;
  // First value of a header, name in any case; empty when absent.
  std::string_view header(std::string_view name) const;
};

// Splits and decodes the target into path and query. False for bad escapes in the path.
bool parse_target(Request& request);
// Decodes %XX (and + as a space, in queries). False for bad escapes.
bool percent_decode(std::string_view text, bool plus_is_space, std::string& out);

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // Shared by many answers ("render once, send many"); used instead of `body` when set.
  std::shared_ptr<const std::string> shared_body;
  bool close = false;     // end the connection after this answer
  bool chunked = false;   // in chunks however short
  bool plain = false;     // never compressed
  std::string failure{};  // what went wrong, for the log only

  static Response text(int status, std::string body) {
    return Response{status, {}, std::move(body), nullptr, false};
  }
  void set(std::string name, std::string value) { headers.emplace_back(std::move(name), std::move(value)); }
  bool has(std::string_view name) const {
    for (const auto& [key, value] : headers)
      if (key == name) return true;
    return false;
  }
  const std::string& content() const { return shared_body ? *shared_body : body; }
};

// Sends a body piece by piece (log streams, snapshots). All calls on the connection's reactor.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  // Queues a piece. False when the client is gone or does not read (kMaxQueuedBytes are waiting): stop then.
  virtual bool write(std::string piece) = 0;
  virtual void finish() = 0;
};

// A request in flight. Lives until it is answered; all calls on its reactor.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const Request& request() const = 0;
  virtual Request& request() = 0;
  virtual Reactor& reactor() = 0;
  // Exactly one of respond and respond_stream, once.
  virtual void respond(Response response) = 0;
  // Sends the head; the body follows through the stream.
  virtual std::shared_ptr<BodyStream> respond_stream(Response head) = 0;
  // Runs when the client goes away before the answer. One callback; replaces the former.
  virtual void on_cancel(std::function<void()> callback) = 0;
};
using ExchangePtr = std::shared_ptr<Exchange>;

}  // namespace praetor::http
