// A small blocking HTTP/1.1 client for one agent: keep-alive, chunked bodies, streams both ways.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cli/connection.h"

namespace praetor::cli {

struct HttpEndpoint {
  enum class Scheme : uint8_t { kHttp, kHttps, kUnix };
  Scheme scheme = Scheme::kHttp;
  std::string address;  // host:port, or the socket's path
};

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;
  std::string target;  // path and query, escaped
  HttpHeaders headers;
  std::string body;
  // A body of unknown length, sent in chunks: called until it returns an empty piece.
  std::function<Result<std::string>()> body_stream;
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;
  std::string body;
  std::string_view header(std::string_view name) const;  // empty when absent
};

// One thread a client; `cancel` may be triggered from anywhere.
class HttpClient {
 public:
  HttpClient(HttpEndpoint endpoint, TlsOptions tls, TlsContext context, const Cancel* cancel)
      : endpoint_(std::move(endpoint)), tls_(std::move(tls)), context_(std::move(context)), cancel_(cancel) {}

  // Any status is a success; an error is a failure of transport: `Get "http://…": dial tcp …`.
  Result<HttpResponse> send(const HttpRequest& request);
  // A 200's body goes to `on_body` piece by piece (which may end the transfer by returning an error);
  // other statuses keep their body in the response.
  using BodySink = std::function<Status(std::string_view)>;
  Result<HttpResponse> send(const HttpRequest& request, const BodySink& on_body);

  const HttpEndpoint& endpoint() const { return endpoint_; }

 private:
  Status connect();
  Status write_request(const HttpRequest& request);
  Result<HttpResponse> read_response(const HttpRequest& request, const BodySink* on_body);
  Result<HttpResponse> read_head();
  Status read_body(const HttpResponse& response, const BodySink& sink, bool& reusable);
  Status read_chunks(const BodySink& sink);
  Result<std::string> read_line();
  Status fill();  // more input, or `EOF`
  Error describe(const HttpRequest& request, const Error& error) const;

  HttpEndpoint endpoint_;
  TlsOptions tls_;
  TlsContext context_;
  const Cancel* cancel_;
  std::unique_ptr<Connection> connection_;
  std::string input_;  // received, not yet consumed
};

}  // namespace praetor::cli
