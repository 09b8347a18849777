#include "daemon/http_service.h"

#include "http/agent_api.h"
#include "http/api.h"
#include "http/listener.h"
#include "http/router.h"

namespace praetor::daemon {
namespace {

http::RouterOptions router_options(const agent::RuntimeConfig& config) {
  http::RouterOptions options;
  options.block_endpoints = config.http_block_endpoints;
  options.allow_write_from = config.allow_write_http_from;
  for (const auto& [name, value] : config.http_response_headers)
    options.response_headers.emplace_back(name, value);
  options.filter_unprintable = !config.disable_http_unprintable_char_filter;
  options.translates_addresses = config.translate_wan_addrs;
  return options;
}

http::ApiContext api_context(HttpDependencies dependencies) {
  auto shared = dependencies.config();
  const agent::RuntimeConfig& config = *shared;
  http::ApiContext api;
  api.defaults.datacenter = config.datacenter;
  api.defaults.node_name = config.node_name;
  api.defaults.default_token = config.acl_token;
  api.defaults.default_query_time = config.default_query_time;
  api.defaults.max_query_time = config.max_query_time;
  api.defaults.discovery_max_stale = config.discovery_max_stale;
  api.gateway = dependencies.gateway;
  api.server = dependencies.server;
  api.agent = dependencies.agent;
  api.events = dependencies.events;
  api.pools = dependencies.pools;
  api.config = std::move(dependencies.config);
  api.reload = std::move(dependencies.reload);
  api.leave = std::move(dependencies.leave);
  api.pretty_always = config.dev_mode;
  api.acls_enabled = config.acls_enabled;
  api.use_cache = config.http_use_cache;
  api.kv_max_value_size = static_cast<uint64_t>(config.kv_max_value_size);
  api.txn_max_request_size = static_cast<uint64_t>(config.txn_max_req_len);
  return api;
}

}  // namespace

struct HttpService::Impl {
  Impl(const agent::RuntimeConfig& config, HttpDependencies dependencies)
      : api(api_context(std::move(dependencies))), router(router_options(config)) {}

  http::ApiContext api;
  http::Router router;
  std::unique_ptr<http::Listener> listener;

  void add_routes() {
    http::add_acl_routes(router, api);
    http::add_kv_routes(router, api);
    http::add_catalog_routes(router, api);
    http::add_health_routes(router, api);
    http::add_session_routes(router, api);
    http::add_txn_routes(router, api);
    http::add_status_routes(router, api);
    http::add_operator_routes(router, api);
    http::add_snapshot_routes(router, api);
    http::add_event_routes(router, api);
    http::add_coordinate_routes(router, api);
    http::add_internal_routes(router, api);
    http::add_query_routes(router, api);
    http::add_agent_info_routes(router, api);
    http::add_agent_control_routes(router, api);
    http::add_agent_service_routes(router, api);
    http::add_agent_check_routes(router, api);
    http::add_agent_health_routes(router, api);
    http::add_metrics_routes(router, api);
    http::add_monitor_routes(router, api);
    http::add_ui_routes(router, api);
  }
};

HttpService::HttpService(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpService::~HttpService() = default;

void HttpService::set_config(const agent::RuntimeConfig& config) {
  impl_->listener->set_max_connections_per_client(static_cast<uint32_t>(config.http_max_conns_per_client));
}

Result<std::unique_ptr<HttpService>> HttpService::start(HttpDependencies dependencies,
                                                        const std::vector<Reactor*>& reactors) {
  auto shared = dependencies.config();
  const agent::RuntimeConfig& config = *shared;
  auto impl = std::make_unique<Impl>(config, std::move(dependencies));
  impl->add_routes();
  http::ListenerOptions options;
  for (const agent::SocketAddress& address : config.http_addrs) {
    http::ListenAddress listen;
    listen.is_unix = address.is_unix();
    listen.host = listen.is_unix ? address.path : address.host;
    listen.port = static_cast<uint16_t>(address.port);
    listen.unix_mode = config.unix_socket_mode;
    listen.unix_user = config.unix_socket_user;
    listen.unix_group = config.unix_socket_group;
    options.addresses.push_back(std::move(listen));
  }
  options.reactors = reactors;
  options.max_connections_per_client = static_cast<uint32_t>(config.http_max_conns_per_client);
  options.body_limit = [raw = impl.get()](const http::Request& request) {
    return raw->router.body_limit(request);
  };
  options.handler = [raw = impl.get()](const http::ExchangePtr& exchange) { raw->router.handle(exchange); };
  TRY_ASSIGN(impl->listener, http::Listener::start(std::move(options)));
  return std::unique_ptr<HttpService>(new HttpService(std::move(impl)));
}

}  // namespace praetor::daemon
