// Routes requests to handlers, with the rules that hold for every endpoint (http-api.md 1.1): blocked
// endpoints, OPTIONS, wrong methods, unprintable paths, write restrictions, extra headers, unknown paths.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "http/message.h"

namespace praetor::http {

using Handler = std::function<void(const ExchangePtr&)>;

// What measures a route's requests, by method. Any thread.
class RouteTimers {
 public:
  // "/v1/kv/" is measured as http.GET.v1.kv._
  explicit RouteTimers(std::string_view pattern);
  ~RouteTimers();
  const Sample& of(Method method);

 private:
  static constexpr size_t kMethods = static_cast<size_t>(Method::kOther) + 1;
  std::string name_;
  std::array<std::atomic<const Sample*>, kMethods> samples_{};  // owned; made when first asked for
};

struct Route {
  // "/v1/agent/self" matches exactly; a pattern that ends in '/' matches everything below it, the longest
  // pattern first, and the rest of the decoded path becomes Request::argument.
  std::string pattern;
  std::vector<Method> methods;  // in the order of the Allow header; OPTIONS is implied
  Handler handler;
  uint64_t body_limit = 0;                        // 0: the router's default
  bool page = false;                              // see Router::add_page
  bool own_methods = false;                       // the handler takes every method, OPTIONS as well
  std::shared_ptr<RouteTimers> timers = nullptr;  // set by the router; not of pages
};

struct RouterOptions {
  std::vector<std::string> block_endpoints;                           // path prefixes
  std::vector<std::string> allow_write_from;                          // CIDRs; empty: everyone
  std::vector<std::pair<std::string, std::string>> response_headers;  // on every answer of a route; any case
  bool filter_unprintable = true;
  bool translates_addresses = false;  // translate_wan_addrs: endpoints say so
  uint64_t default_body_limit = 32 << 20;
};

// Filled before the listener starts; then read by every reactor.
class Router {
 public:
  explicit Router(RouterOptions options);
  void add(Route route);
  // For paths that no route matches ("/"); answers 404 when unset. Its answers carry no configured headers.
  void set_fallback(Handler handler) { fallback_ = std::move(handler); }
  // Pages: every method, none of the rules for endpoints; the answers carry the configured headers.
  // `pattern` as in Route.
  void add_page(std::string pattern, Handler handler);
  void handle(const ExchangePtr& exchange) const;
  uint64_t body_limit(const Request& request) const;

 private:
  void answer_route(const ExchangePtr& exchange, const Route& route) const;
  const Route* find(std::string_view path) const;
  bool may_write(std::string_view remote_ip) const;

  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Routes = std::unordered_map<std::string, Route, Hash, std::equal_to<>>;

  RouterOptions options_;
  Routes exact_, prefixes_;
  Handler fallback_;
  struct Network {
    std::string address;  // 16 bytes, IPv4 mapped
    int bits;
  };
  std::vector<Network> write_networks_;
  std::vector<std::pair<std::string, std::string>> routed_headers_;  // response_headers and Vary
};

// The answer for an error, by its kind and text (http-api.md 1.3).
Response error_response(const Error& error);

}  // namespace praetor::http
