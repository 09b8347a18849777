// The client of the HTTP API that commands share: address, token and TLS from flags and environment,
// queries, and Consul's wording of failures.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "cli/flags.h"
#include "cli/http_client.h"

namespace praetor::cli {

class Ui;

enum class HttpFlagSet : uint8_t { kNone, kClient, kClientAndServer };

// The values of the HTTP flags of one command. Flags win over the environment.
struct HttpFlags {
  std::optional<std::string> address, token, token_file, ca_file, ca_path, client_cert, client_key,
      tls_server_name, datacenter;
  std::optional<bool> stale;

  void add_to(FlagSet& flags, HttpFlagSet set);
};

// Query parameters, sent sorted by name as Go's url.Values are.
using Params = std::multimap<std::string, std::string>;

// One thread. Copyable settings, one connection.
class Api {
 public:
  // Reads the environment and files named by flags. Errors carry Consul's wording. `cancel` may be null;
  // it outlives the client.
  static Result<std::unique_ptr<Api>> open(const HttpFlags& flags, Ui& ui, const Cancel* cancel = nullptr);
  // Another client (its own connection) with the same settings.
  std::unique_ptr<Api> clone(const Cancel* cancel) const;

  // Any status; the datacenter, and -stale for GETs that allow it, join the parameters.
  Result<HttpResponse> request(std::string_view method, std::string_view path, Params params = {},
                               std::string body = {});
  // Only 200 is a success; else `Unexpected response code: 500 (body)`.
  Result<HttpResponse> get(std::string_view path, Params params = {});
  Result<HttpResponse> put(std::string_view path, Params params = {}, std::string body = {});
  Result<HttpResponse> del(std::string_view path, Params params = {});
  // A 200's body in pieces.
  Result<HttpResponse> stream(std::string_view path, Params params, const HttpClient::BodySink& sink);
  Result<HttpResponse> upload(std::string_view path, Params params,
                              std::function<Result<std::string>()> body_stream);

  // A request of the caller's own making, without the API's parameters and headers.
  Result<HttpResponse> send(const HttpRequest& request) { return http_.send(request); }

  bool stale() const { return stale_; }
  // Of the requests from now on.
  void set_token(std::string token) { token_ = std::move(token); }
  const std::string& datacenter() const { return datacenter_; }

 private:
  Api(HttpEndpoint endpoint, TlsOptions tls, TlsContext context, const Cancel* cancel);
  HttpRequest make_request(std::string_view method, std::string_view path, Params params) const;

  HttpEndpoint endpoint_;
  TlsOptions tls_;
  TlsContext context_;
  std::string token_;
  std::string basic_auth_;  // "user:password", or empty
  std::string namespace_;   // of the environment
  std::string datacenter_;
  bool stale_ = false;
  HttpClient http_;
};

// `Unexpected response code: 500 (body)` unless the status is 200.
Status require_ok(const HttpResponse& response);
// Go's url.PathEscape of a path whose slashes stay, and url.QueryEscape.
std::string escape_path(std::string_view path);
std::string escape_query(std::string_view text);
std::string encode_params(const Params& params);

}  // namespace praetor::cli
