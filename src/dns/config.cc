#include "dns/config.h"

#include <algorithm>

#include "base/text.h"
#include "dns/name.h"
#include "dns/recursor.h"

namespace praetor::dns {

uint32_t ttl_seconds(Duration duration) {
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  return static_cast<uint32_t>(std::clamp<int64_t>(seconds, 0, INT32_MAX));
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
