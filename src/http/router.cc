#include "http/router.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "base/metrics.h"
#include "base/text.h"

namespace praetor::http {
namespace {

// An IP address as 16 bytes, IPv4 mapped into IPv6. Empty when it is not one.
std::string address_bytes(std::string_view text) {
  std::string name(text), bytes(16, '\0');
  if (::inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1) return bytes;
  char v4[4];
  if (::inet_pton(AF_INET, name.c_str(), v4) != 1) return {};
  bytes[10] = bytes[11] = '\xff';
  std::memcpy(bytes.data() + 12, v4, 4);
  return bytes;
}

bool inside(const std::string& address, const std::string& network, int bits) {
  for (int i = 0; i < bits; ++i) {
    size_t byte = static_cast<size_t>(i / 8);
    int mask = 0x80 >> (i % 8);
    if ((address[byte] & mask) != (network[byte] & mask)) return false;
  }
  return true;
}

// As Go's unicode.IsPrint: no controls, no space but the common one, nothing invisible. What is no UTF-8
// passes.
bool is_printable(uint32_t c) {
  struct Range {
    uint32_t first, last;
  };
  static constexpr Range kNot[] = {
      {0x00, 0x1f},       {0x7f, 0xa0},       {0xad, 0xad},       {0x600, 0x605},     {0x61c, 0x61c},
      {0x6dd, 0x6dd},     {0x70f, 0x70f},     {0x8e2, 0x8e2},     {0x1680, 0x1680},   {0x180e, 0x180e},
      {0x2000, 0x200f},   {0x2028, 0x202f},   {0x205f, 0x206f},   {0x3000, 0x3000},   {0xe000, 0xf8ff},
      {0xfeff, 0xfeff},   {0xfff9, 0xfffb},   {0xfffe, 0xffff},   {0x110bd, 0x110bd}, {0x1bca0, 0x1bca3},
      {0x1d173, 0x1d17a}, {0xe0001, 0xe007f}, {0xf0000, 0x10ffff}};
  return std::none_of(std::begin(kNot), std::end(kNot), [c](Range r) { return c >= r.first && c <= r.last; });
}

bool printable(std::string_view path) {
  while (!path.empty()) {
    auto lead = static_cast<uint8_t>(path[0]);
    if (lead >= 0x20 && lead < 0x7f) {
      path.remove_prefix(1);
      continue;
    }
    size_t length = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (!is_valid_utf8(path.substr(0, length))) {
      path.remove_prefix(1);
      continue;
    }
    uint32_t c = length == 1 ? lead : lead & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; ++i) c = c << 6 | (static_cast<uint8_t>(path[i]) & 0x3f);
    if (!is_printable(c)) return false;
    path.remove_prefix(length);
  }
  return true;
}

// As Go's textproto.CanonicalMIMEHeaderKey: "x-FOO" is X-Foo.
std::string canonical_header(std::string_view name) {
  std::string out = to_lower(name);
  if (contains(out, " ")) return std::string(name);
  bool start = true;
  for (char& c : out) {
    if (start && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    start = c == '-';
  }
  return out;
}

std::string allow_header(const Route& route) {
  std::string text = "OPTIONS";
  for (Method method : route.methods) text.append(",").append(method_name(method));
  return text;
}

// No part of it is empty, "." or ".." (or begins like them).
bool is_clean(std::string_view path) {
  for (size_t at = 0; at != path.npos; at = path.find('/', at + 1))
    if (at + 1 < path.size() && (path[at + 1] == '/' || path[at + 1] == '.')) return false;
  return path.starts_with('/');
}

// As Go's path.Clean for a rooted path, keeping a trailing slash.
std::string clean_path(std::string_view path) {
  if (path.empty()) return "/";
  std::vector<std::string_view> parts;
  for (std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else {
      parts.push_back(part);
    }
  }
  std::string out;
  for (std::string_view part : parts) out.append("/").append(part);
  if (out.empty()) return "/";
  return path.ends_with('/') ? out + "/" : out;
}

std::string escape_path(std::string_view path) {
  constexpr std::string_view kHex = "0123456789ABCDEF", kPlain = "-_.~$&+,/:;=@";
  std::string out;
  for (char c : path) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 contains(kPlain, {&c, 1});
    if (plain)
      out += c;
    else
      out += {'%', kHex[static_cast<uint8_t>(c) >> 4], kHex[static_cast<uint8_t>(c) & 15]};
  }
  return out;
}

// Go's mux sends clients to the clean form of a path.
Response moved(const Request& request, const std::string& path) {
  std::string location = escape_path(path);
  if (size_t mark = request.target.find('?'); mark != std::string::npos)
    location += request.target.substr(mark);
  Response response{.status = 301};
  response.set("Location", location);
  if (request.method == Method::kGet || request.method == Method::kHead)
    response.set("Content-Type", "text/html; charset=utf-8");
  if (request.method == Method::kGet)
    response.body = "<a href=\"" + location + "\">Moved Permanently</a>.\n\n";
  return response;
}

}  // namespace

RouteTimers::RouteTimers(std::string_view pattern) {
  for (std::string_view part : split(pattern.substr(1), '/'))
    name_.append(".").append(part.empty() ? "_" : part);
}

RouteTimers::~RouteTimers() {
  for (auto& sample : samples_) delete sample.load();
}

const Sample& RouteTimers::of(Method method) {
  auto& place = samples_[static_cast<size_t>(method)];
  const Sample* sample = place.load(std::memory_order_acquire);
  if (sample) return *sample;
  // A client's own methods are one: it could name many.
  std::string_view name = method == Method::kOther ? "OTHER" : method_name(method);
  auto made = std::make_unique<Sample>("http." + std::string(name) + name_);
  if (place.compare_exchange_strong(sample, made.get())) return *made.release();
  return *sample;
}

Router::Router(RouterOptions options) : options_(std::move(options)) {
  for (auto& [name, value] : options_.response_headers) name = canonical_header(name);
  routed_headers_ = options_.response_headers;
  routed_headers_.emplace_back("Vary", "Accept-Encoding");
  if (options_.translates_addresses) routed_headers_.emplace_back("X-Consul-Translate-Addresses", "true");
  for (const std::string& cidr : options_.allow_write_from) {
    size_t slash = cidr.find('/');
    std::string bytes = address_bytes(cidr.substr(0, slash));
    if (bytes.empty()) continue;  // the configuration has refused it
    bool v4 = !contains(cidr, ":");
    int bits = slash == cidr.npos ? (v4 ? 32 : 128)
                                  : static_cast<int>(parse_uint(cidr.substr(slash + 1)).value_or(128));
    write_networks_.push_back({bytes, v4 ? bits + 96 : bits});
  }
}

void Router::add(Route route) {
  auto& routes = route.pattern.ends_with('/') ? prefixes_ : exact_;
  std::string pattern = route.pattern;
  if (!route.page) route.timers = std::make_shared<RouteTimers>(pattern);
  routes.insert_or_assign(std::move(pattern), std::move(route));
}

void Router::add_page(std::string pattern, Handler handler) {
  Route route{std::move(pattern), {}, std::move(handler), 0, true};
  add(std::move(route));
}

const Route* Router::find(std::string_view path) const {
  if (auto at = exact_.find(path); at != exact_.end()) return &at->second;
  // Longest prefix: every pattern ends in '/', so that only cuts behind a slash can match.
  for (size_t cut = path.rfind('/'); cut != path.npos; cut = cut == 0 ? path.npos : path.rfind('/', cut - 1))
    if (auto at = prefixes_.find(path.substr(0, cut + 1)); at != prefixes_.end()) return &at->second;
  return nullptr;
}

bool Router::may_write(std::string_view remote_ip) const {
  if (write_networks_.empty() || remote_ip.empty()) return true;
  std::string address = address_bytes(remote_ip);
  return std::any_of(write_networks_.begin(), write_networks_.end(),
                     [&](const Network& network) { return inside(address, network.address, network.bits); });
}

uint64_t Router::body_limit(const Request& request) const {
  Request probe;
  probe.target = request.target;
  if (!parse_target(probe)) return options_.default_body_limit;
  const Route* route = find(probe.path);
  return route && route->body_limit > 0 ? route->body_limit : options_.default_body_limit;
}

void Router::handle(const ExchangePtr& exchange) const {
  Request& request = exchange->request();
  auto answer = [&](Response response) { exchange->respond(std::move(response)); };
  if (request.target == "*") {
    if (request.method == Method::kOptions) return answer(Response{});
    Response refusal{.status = 400, .close = true};
    refusal.set("Connection", "close");
    return answer(std::move(refusal));
  }
  if (!parse_target(request)) return answer(Response{.status = 400});
  if (options_.filter_unprintable && !printable(request.path)) return answer(Response{.status = 400});
  if (!is_clean(request.path))
    if (std::string clean = clean_path(request.path); clean != request.path)
      return answer(moved(request, clean));
  const Route* route = find(request.path);
  if (route) return answer_route(exchange, *route);
  if (prefixes_.contains(request.path + "/")) return answer(moved(request, request.path + "/"));
  if (fallback_) return fallback_(exchange);
  answer(Response{.status = 404});
}

void Router::answer_route(const ExchangePtr& exchange, const Route& route) const {
  Request& request = exchange->request();
  auto answer = [&](Response response) { exchange->respond(std::move(response)); };
  if (route.pattern.ends_with('/')) request.argument = request.path.substr(route.pattern.size());
  if (route.page) {
    request.common_headers = &options_.response_headers;
    return route.handler(exchange);
  }
  request.common_headers = &routed_headers_;
  request.timer = &route.timers->of(request.method);
  request.started = system_clock().now();
  request.logged = true;
  if (request.bad_query) return answer(Response{.status = 500});
  Response head;
  for (const std::string& prefix : options_.block_endpoints) {
    if (!request.path.starts_with(prefix)) continue;
    head.status = 403;
    head.body = "Endpoint is blocked by agent configuration";
    return answer(std::move(head));
  }
  bool decides = !route.own_methods;
  if (decides && request.method == Method::kOptions) {
    head.set("Allow", allow_header(route));
    return answer(std::move(head));
  }
  if (decides &&
      std::find(route.methods.begin(), route.methods.end(), request.method) == route.methods.end()) {
    head.status = 405;
    head.set("Allow", allow_header(route));
    head.body = "method " + request.method_text + " not allowed";
    head.failure = head.body;
    return answer(std::move(head));
  }
  bool reads =
      request.method == Method::kGet || request.method == Method::kHead || request.method == Method::kOptions;
  if (!reads && !may_write(request.remote_ip)) {
    head.status = 403;
    head.body = "Access is restricted";
    return answer(std::move(head));
  }
  route.handler(exchange);
}

Response error_response(const Error& error) {
  const std::string& text = error.message;
  int status = 500;
  if (contains(text, "Permission denied") || contains(text, "ACL not found")) {
    status = 403;
  } else if (contains(text, "RPC rate limit exceeded")) {
    return Response{.status = 429, .failure = text};
  } else if (contains(text, "Query not found")) {
    status = 404;
  } else if (text == "Rate limit reached, try again later") {
    status = 429;
  } else {
    switch (error.kind) {
      case ErrorKind::kBadRequest:
        status = 400;
        break;
      case ErrorKind::kNotFound:
        status = 404;
        break;
      case ErrorKind::kPermissionDenied:
        status = 403;
        break;
      case ErrorKind::kUnauthorized:
        status = 401;
        break;
      case ErrorKind::kTooLarge:
        status = 413;
        break;
      case ErrorKind::kRateLimited:
        status = 429;
        break;
      default:
        break;
    }
  }
  Response response = Response::text(status, text);
  // A bad request is the client's affair, and it has been told.
  if (status != 400) response.failure = text;
  return response;
}

}  // namespace praetor::http
