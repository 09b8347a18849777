#include "dns/config.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/text.h"
#include "dns/name.h"

namespace praetor::dns {

uint32_t ttl_seconds(Duration duration) {
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  return static_cast<uint32_t>(std::clamp<int64_t>(seconds, 0, INT32_MAX));
}

Result<RecursorAddress> parse_recursor(std::string_view text) {
  RecursorAddress out;
  std::string_view host = text, port;
  if (text.starts_with('[')) {
    size_t end = text.find(']');
    std::string_view rest = end == std::string_view::npos ? "?" : text.substr(end + 1);
    if (!rest.empty() && !rest.starts_with(':'))
      return fail("invalid recursor address: " + std::string(text), ErrorKind::kBadRequest);
    host = text.substr(1, end - 1);
    if (!rest.empty()) port = rest.substr(1);
  } else if (size_t colon = text.find(':');
             colon != std::string_view::npos && text.find(':', colon + 1) == text.npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  out.ip = host;
  char raw[16];
  bool is_ip = inet_pton(AF_INET, out.ip.c_str(), raw) == 1 || inet_pton(AF_INET6, out.ip.c_str(), raw) == 1;
  if (!is_ip) return fail("invalid recursor address: " + std::string(text), ErrorKind::kBadRequest);
  if (!port.empty()) {
    TRY_ASSIGN(uint64_t number, parse_uint(port, 16));
    out.port = static_cast<uint16_t>(number);
  }
  return out;
}

Result<std::shared_ptr<const CompiledConfig>> CompiledConfig::make(Config config) {
  auto out = std::make_shared<CompiledConfig>();
  TRY_ASSIGN(out->domain_, name_from_text(to_lower(config.domain)));
  if (!config.alt_domain.empty()) {
    TRY_ASSIGN(out->alt_domain_, name_from_text(to_lower(config.alt_domain)));
  }
  if (out->alt_domain_.size() == 1) out->alt_domain_.clear();
  out->soa_mname_ = std::string("\2ns") + out->domain_;
  out->soa_rname_ = std::string("\12hostmaster") + out->domain_;
  if (out->soa_rname_.size() > kMaxNameBytes || out->alt_domain_.size() > kMaxDomainBytes)
    return fail("the DNS domain is too long: " + config.domain, ErrorKind::kBadRequest);
  for (const std::string& recursor : config.recursors) TRY(parse_recursor(recursor));
  out->node_ttl_ = ttl_seconds(config.node_ttl);
  for (const auto& [name, ttl] : config.service_ttl)
    if (name.ends_with('*'))
      out->prefix_ttls_.emplace_back(name.substr(0, name.size() - 1), ttl_seconds(ttl));
  std::ranges::sort(out->prefix_ttls_,
                    [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
  out->config_ = std::move(config);
  return out;
}

uint32_t CompiledConfig::service_ttl(std::string_view service) const {
  if (config_.service_ttl.empty()) return 0;
  if (auto exact = config_.service_ttl.find(std::string(service)); exact != config_.service_ttl.end())
    return ttl_seconds(exact->second);
  for (const auto& [prefix, ttl] : prefix_ttls_)
    if (service.starts_with(prefix)) return ttl;
  return 0;
}

}  // namespace praetor::dns
