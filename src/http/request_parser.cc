#include "http/request_parser.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <optional>

#include "base/text.h"
#include "http/listener.h"

namespace praetor::http {

namespace beast = boost::beast;
using boost::system::error_code;

namespace {

// Fills a Request. The body is dropped once it passes the limit.
class BeastParser final : public beast::http::basic_parser<true> {
 public:
  BeastParser(Request& request, const std::function<uint64_t(const Request&)>& body_limit)
      : request_(request), limit_of_(body_limit) {
    eager(true);
    header_limit(static_cast<uint32_t>(kMaxHeaderBytes));
    basic_parser::body_limit(boost::none);
  }
  bool http_1_0() const { return http_1_0_; }
  bool body_refused() const { return refused_; }
  bool expects_continue() const { return expects_continue_; }
  void continue_sent() { expects_continue_ = false; }
  bool expects_the_unknown() const { return expects_the_unknown_; }

 private:
  using string_view = beast::string_view;
  void on_request_impl(beast::http::verb, string_view method, string_view target, int version,
                       error_code& error) override {
    error = {};
    http_1_0_ = version < 11;
    request_.method_text.assign(method.data(), method.size());
    request_.method = method_of(request_.method_text);
    request_.target.assign(target.data(), target.size());
  }
  void on_response_impl(int, string_view, int, error_code& error) override { error = {}; }
  void on_field_impl(beast::http::field, string_view name, string_view value, error_code& error) override {
    error = {};
    request_.headers.emplace_back(std::string(name.data(), name.size()),
                                  std::string(value.data(), value.size()));
  }
  void on_header_impl(error_code& error) override {
    error = {};
    request_.declared_length = content_length() ? *content_length() : 0;
    bool has_body = request_.declared_length > 0 || !request_.header("Transfer-Encoding").empty();
    limit_ = has_body && limit_of_ ? limit_of_(request_) : kMaxBodyBytes;
    refused_ = request_.declared_length > limit_;
    std::string_view expected = request_.header("Expect");
    expects_the_unknown_ = !expected.empty() && !equals_ignore_case(expected, "100-continue");
    expects_continue_ = !refused_ && has_body && !expected.empty() && !expects_the_unknown_;
  }
  void on_body_init_impl(const boost::optional<uint64_t>& length, error_code& error) override {
    error = {};
    if (length && !refused_) request_.body.reserve(std::min<uint64_t>(*length, 1 << 20));
  }
  size_t on_body_impl(string_view body, error_code& error) override {
    error = {};
    take(body);
    return body.size();
  }
  void on_chunk_header_impl(uint64_t, string_view, error_code& error) override { error = {}; }
  size_t on_chunk_body_impl(uint64_t, string_view body, error_code& error) override {
    error = {};
    take(body);
    return body.size();
  }
  void on_finish_impl(error_code& error) override { error = {}; }

  void take(string_view body) {
    if (refused_) return;
    if (request_.body.size() + body.size() > limit_) {
      refused_ = true;
      request_.declared_length = request_.body.size() + body.size();
      request_.body.clear();
      return;
    }
    request_.body.append(body.data(), body.size());
  }

  Request& request_;
  const std::function<uint64_t(const Request&)>& limit_of_;
  uint64_t limit_ = 0;
  bool refused_ = false, http_1_0_ = false;
  bool expects_continue_ = false, expects_the_unknown_ = false;
};

}  // namespace

struct RequestParser::Impl {
  std::optional<BeastParser> beast;
};

RequestParser::RequestParser() : impl_(std::make_unique<Impl>()) {}
RequestParser::~RequestParser() = default;

void RequestParser::start(Request& request, const std::function<uint64_t(const Request&)>& body_limit) {
  impl_->beast.emplace(request, body_limit);
}

RequestParser::Progress RequestParser::put(std::span<const char> input) {
  error_code error;
  size_t used = impl_->beast->put(boost::asio::buffer(input.data(), input.size()), error);
  if (error == beast::http::error::need_more) return {used, Outcome::kNeedMore};
  if (error == beast::http::error::header_limit) return {used, Outcome::kHeaderTooLarge};
  return {used, error ? Outcome::kMalformed : Outcome::kTaken};
}

bool RequestParser::is_header_done() const { return impl_->beast->is_header_done(); }
bool RequestParser::is_done() const { return impl_->beast->is_done(); }
bool RequestParser::chunked() const { return impl_->beast->chunked(); }
bool RequestParser::keep_alive() const { return impl_->beast->keep_alive(); }
bool RequestParser::http_1_0() const { return impl_->beast->http_1_0(); }
bool RequestParser::body_refused() const { return impl_->beast->body_refused(); }
bool RequestParser::expects_continue() const { return impl_->beast->expects_continue(); }
void RequestParser::continue_sent() { impl_->beast->continue_sent(); }
bool RequestParser::expects_the_unknown() const { return impl_->beast->expects_the_unknown(); }

}  // namespace praetor::http
