#include "cli/api.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/ui.h"

namespace praetor::cli {
namespace {

constexpr std::string_view kDefaultAddress = "127.0.0.1:8500";

// The flag, else the variable, else nothing. An empty variable counts as unset, an empty flag does not.
std::string setting(const std::optional<std::string>& flag, const Ui& ui, const char* variable) {
  std::string value = ui.env(variable).value_or("");
  if (flag && !flag->empty()) value = *flag;
  return value;
}

// A boolean variable; a bad one is reported the way the API client library logs, and ignored.
std::optional<bool> env_bool(Ui& ui, const char* variable) {
  auto text = ui.env(variable);
  if (!text || text->empty()) return std::nullopt;
  auto value = parse_bool(*text);
  if (value) return *value;
  std::string stamp = format_rfc3339(system_clock().wall()).substr(0, 19) + ".000Z";
  ui.error(fmt::format("{} [WARN]  consul-api: could not parse {}: error=\"{}\"", stamp, variable,
                       value.error().message));
  return std::nullopt;
}

Result<HttpEndpoint> parse_address(std::string address, bool ssl) {
  HttpEndpoint endpoint;
  endpoint.scheme = ssl ? HttpEndpoint::Scheme::kHttps : HttpEndpoint::Scheme::kHttp;
  endpoint.address = std::move(address);
  size_t mark = endpoint.address.find("://");
  if (mark == std::string::npos) return endpoint;
  std::string scheme = endpoint.address.substr(0, mark);
  endpoint.address.erase(0, mark + 3);
  if (scheme == "http") {
    // CONSUL_HTTP_SSL wins over an http:// address
  } else if (scheme == "https") {
    endpoint.scheme = HttpEndpoint::Scheme::kHttps;
  } else if (scheme == "unix") {
    endpoint.scheme = HttpEndpoint::Scheme::kUnix;
  } else {
    return fail("Unknown protocol scheme: " + scheme);
  }
  return endpoint;
}

std::string percent_encode(std::string_view text, std::string_view kept) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string result;
  for (unsigned char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 std::string_view("-_.~").contains(static_cast<char>(c)) ||
                 kept.contains(static_cast<char>(c));
    if (plain) {
      result += static_cast<char>(c);
    } else {
      result += '%';
      result += kDigits[c >> 4];
      result += kDigits[c & 15];
    }
  }
  return result;
}

}  // namespace

void HttpFlags::add_to(FlagSet& flags, HttpFlagSet set) {
  if (set == HttpFlagSet::kNone) return;
  flags.set_group(FlagGroup::kHttp);
  flags.add_value("ca-file", &ca_file,
                  "File with the CA certificates that TLS connections to the agent are checked against. The "
                  "CONSUL_CACERT environment variable sets it too.");
  flags.add_value("ca-path", &ca_path,
                  "Directory of CA certificates that TLS connections to the agent are checked against. The "
                  "CONSUL_CAPATH environment variable sets it too.");
  flags.add_value("client-cert", &client_cert,
                  "File with the client certificate to present over TLS, needed when the agent sets "
                  "'verify_incoming'. The CONSUL_CLIENT_CERT environment variable sets it too.");
  flags.add_value("client-key", &client_key,
                  "File with the private key of the client certificate, needed when the agent sets "
                  "'verify_incoming'. The CONSUL_CLIENT_KEY environment variable sets it too.");
  flags.add_value("http-addr", &address,
                  "The `address` of the agent's HTTP API with its port: host:port, http://..., https://... "
                  "or unix:///path. The CONSUL_HTTP_ADDR environment variable sets it too; the default is "
                  "http://127.0.0.1:8500. CONSUL_HTTP_SSL=true selects HTTPS.");
  flags.add_value("tls-server-name", &tls_server_name,
                  "Server name to ask for (SNI) and to check in the certificate over TLS. The "
                  "CONSUL_TLS_SERVER_NAME environment variable sets it too.");
  flags.add_value("token", &token,
                  "ACL token of the request. The CONSUL_HTTP_TOKEN environment variable sets it too. Without "
                  "one the agent's own token decides.");
  flags.add_value("token-file", &token_file,
                  "File that holds the ACL token, used in place of -token or CONSUL_HTTP_TOKEN. The "
                  "CONSUL_HTTP_TOKEN_FILE environment variable sets it too.");
  if (set == HttpFlagSet::kClientAndServer) {
    flags.add_value("datacenter", &datacenter,
                    "Name of the datacenter to ask. The default is the datacenter of the agent.");
    flags.add_value("stale", &stale,
                    "Let any server answer, not only the leader: faster and available without a leader, but "
                    "possibly behind. Writes ignore it. The default is false.");
  }
  flags.set_group(FlagGroup::kCommand);
}

Api::Api(HttpEndpoint endpoint, TlsOptions tls, TlsContext context, const Cancel* cancel)
    : endpoint_(endpoint), tls_(tls), context_(context), http_(endpoint, tls, context, cancel) {}

Result<std::unique_ptr<Api>> Api::open(const HttpFlags& flags, Ui& ui, const Cancel* cancel) {
  TlsOptions tls;
  tls.ca_file = setting(flags.ca_file, ui, "CONSUL_CACERT");
  tls.ca_path = setting(flags.ca_path, ui, "CONSUL_CAPATH");
  tls.client_cert = setting(flags.client_cert, ui, "CONSUL_CLIENT_CERT");
  tls.client_key = setting(flags.client_key, ui, "CONSUL_CLIENT_KEY");
  tls.server_name = setting(flags.tls_server_name, ui, "CONSUL_TLS_SERVER_NAME");
  bool ssl = false;
  // Consul reads the environment twice, and so warns twice of what it cannot read.
  for (int pass = 0; pass < 2; ++pass) {
    ssl = env_bool(ui, "CONSUL_HTTP_SSL").value_or(false);
    if (env_bool(ui, "CONSUL_HTTP_SSL_VERIFY") == false) tls.verify = false;
  }

  std::string address = setting(flags.address, ui, "CONSUL_HTTP_ADDR");
  TRY_ASSIGN(HttpEndpoint endpoint,
             parse_address(address.empty() ? std::string(kDefaultAddress) : address, ssl));
  TlsContext context;
  // OpenSSL costs milliseconds to start: plain connections never touch it.
  if (endpoint.scheme == HttpEndpoint::Scheme::kHttps || tls.any_set()) {
    TRY_ASSIGN(context, make_tls_context(tls));
  }
  std::string token = setting(flags.token, ui, "CONSUL_HTTP_TOKEN");
  if (std::string file = setting(flags.token_file, ui, "CONSUL_HTTP_TOKEN_FILE"); !file.empty()) {
    auto text = read_file(file);
    if (!text) return fail("Error loading token file: " + text.error().message);
    if (std::string_view trimmed = trim(*text); !trimmed.empty()) token = trimmed;
  }
  std::unique_ptr<Api> api(new Api(std::move(endpoint), std::move(tls), std::move(context), cancel));
  api->token_ = std::move(token);
  api->basic_auth_ = ui.env("CONSUL_HTTP_AUTH").value_or("");
  if (!api->basic_auth_.empty() && !contains(api->basic_auth_, ":")) api->basic_auth_ += ":";
  api->namespace_ = ui.env("CONSUL_NAMESPACE").value_or("");
  api->datacenter_ = flags.datacenter.value_or("");
  api->stale_ = flags.stale.value_or(false);
  return api;
}

std::unique_ptr<Api> Api::clone(const Cancel* cancel) const {
  std::unique_ptr<Api> api(new Api(endpoint_, tls_, context_, cancel));
  api->token_ = token_;
  api->basic_auth_ = basic_auth_;
  api->namespace_ = namespace_;
  api->datacenter_ = datacenter_;
  api->stale_ = stale_;
  return api;
}

HttpRequest Api::make_request(std::string_view method, std::string_view path, Params params) const {
  if (!datacenter_.empty() && !params.contains("dc")) params.emplace("dc", datacenter_);
  if (!namespace_.empty() && !params.contains("ns")) params.emplace("ns", namespace_);
  HttpRequest request;
  request.method = method;
  request.target = escape_path(path);
  if (!params.empty()) request.target += "?" + encode_params(params);
  if (!token_.empty()) request.headers.emplace_back("X-Consul-Token", token_);
  if (!basic_auth_.empty()) {
    request.headers.emplace_back("Authorization", "Basic " + base64_encode(basic_auth_));
  }
  return request;
}

Result<HttpResponse> Api::request(std::string_view method, std::string_view path, Params params,
                                  std::string body) {
  HttpRequest request = make_request(method, path, std::move(params));
  request.body = std::move(body);
  return http_.send(request);
}

Status require_ok(const HttpResponse& response) {
  if (response.status == 200) return {};
  return fail(fmt::format("Unexpected response code: {} ({})", response.status, response.body));
}

Result<HttpResponse> Api::get(std::string_view path, Params params) {
  if (stale_) params.emplace("stale", "");
  TRY_ASSIGN(HttpResponse response, request("GET", path, std::move(params)));
  TRY(require_ok(response));
  return response;
}

Result<HttpResponse> Api::put(std::string_view path, Params params, std::string body) {
  TRY_ASSIGN(HttpResponse response, request("PUT", path, std::move(params), std::move(body)));
  TRY(require_ok(response));
  return response;
}

Result<HttpResponse> Api::del(std::string_view path, Params params) {
  TRY_ASSIGN(HttpResponse response, request("DELETE", path, std::move(params)));
  TRY(require_ok(response));
  return response;
}

Result<HttpResponse> Api::stream(std::string_view path, Params params, const HttpClient::BodySink& sink) {
  TRY_ASSIGN(HttpResponse response, http_.send(make_request("GET", path, std::move(params)), sink));
  TRY(require_ok(response));
  return response;
}

Result<HttpResponse> Api::upload(std::string_view path, Params params,
                                 std::function<Result<std::string>()> body_stream) {
  HttpRequest request = make_request("PUT", path, std::move(params));
  request.body_stream = std::move(body_stream);
  TRY_ASSIGN(HttpResponse response, http_.send(request));
  TRY(require_ok(response));
  return response;
}

std::string escape_path(std::string_view path) { return percent_encode(path, "$&+,/:;=@"); }

std::string escape_query(std::string_view text) {
  std::string result = percent_encode(text, " ");
  for (char& c : result) {
    if (c == ' ') c = '+';
  }
  return result;
}

std::string encode_params(const Params& params) {
  std::string text;
  for (const auto& [name, value] : params) {
    text += (text.empty() ? "" : "&") + escape_query(name) + "=" + escape_query(value);
  }
  return text;
}

}  // namespace praetor::cli
