#include "daemon/dns_service.h"

#include "dns/gateway_backend.h"
#include "dns/server.h"

namespace praetor::daemon {
namespace {

dns::Config dns_config(const agent::RuntimeConfig& config) {
  dns::Config out;
  out.domain = config.dns_domain;
  out.alt_domain = config.dns_alt_domain;
  out.datacenter = config.datacenter;
  out.translate_wan_addrs = config.translate_wan_addrs;
  out.recursors = config.dns_recursors;
  out.read.allow_stale = config.dns_allow_stale;
  out.read.max_stale = config.dns_max_stale;
  out.read.use_cache = config.dns_use_cache;
  out.read.cache_max_age = config.dns_cache_max_age;
  out.node_ttl = config.dns_node_ttl;
  for (const auto& [name, ttl] : config.dns_service_ttl) out.service_ttl[name] = ttl;
  out.only_passing = config.dns_only_passing;
  out.enable_truncate = config.dns_enable_truncate;
  out.disable_compression = config.dns_disable_compression;
  out.udp_answer_limit = static_cast<int>(config.dns_udp_answer_limit);
  out.a_record_limit = static_cast<int>(config.dns_a_record_limit);
  out.recursor_timeout = config.dns_recursor_timeout;
  out.node_meta_txt = config.dns_node_meta_txt;
  out.soa.refresh = static_cast<uint32_t>(config.dns_soa.refresh);
  out.soa.retry = static_cast<uint32_t>(config.dns_soa.retry);
  out.soa.expire = static_cast<uint32_t>(config.dns_soa.expire);
  out.soa.min_ttl = static_cast<uint32_t>(config.dns_soa.minttl);
  return out;
}

}  // namespace

struct DnsService::Impl {
  std::vector<std::unique_ptr<dns::Backend>> backends;
  std::unique_ptr<dns::Server> server;  // null when DNS is off
};

DnsService::DnsService(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

DnsService::~DnsService() = default;

Status DnsService::set_config(const agent::RuntimeConfig& config) {
  if (!impl_->server) return {};
  TRY_ASSIGN(std::shared_ptr<const dns::CompiledConfig> compiled,
             dns::CompiledConfig::make(dns_config(config)));
  impl_->server->set_config(compiled);
  return {};
}

Result<std::unique_ptr<DnsService>> DnsService::start(const agent::RuntimeConfig& config,
                                                      server::Gateway& gateway,
                                                      const std::vector<Reactor*>& reactors) {
  auto impl = std::make_unique<Impl>();
  if (config.dns_port > 0) {
    dns::Server::Options options;
    for (const agent::SocketAddress& address : config.dns_addrs)
      options.addresses.push_back({address.host, static_cast<uint16_t>(address.port)});
    for (Reactor* reactor : reactors) {
      impl->backends.push_back(dns::make_gateway_backend(gateway, *reactor));
      options.workers.push_back({&reactor->context(), impl->backends.back().get()});
    }
    TRY_ASSIGN(options.config, dns::CompiledConfig::make(dns_config(config)));
    TRY_ASSIGN(impl->server, dns::Server::start(std::move(options)));
  }
  return std::unique_ptr<DnsService>(new DnsService(std::move(impl)));
}

}  // namespace praetor::daemon
