// The grammar of names: what a question below the domain, or below arpa, asks for. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dns/backend.h"
#include "dns/config.h"

namespace praetor::dns {

enum class Zone : uint8_t { kDomain, kReverse, kForeign };
// Which zone answers: the most specific of domain, alt_domain and arpa.
Zone zone_of(std::string_view name, const CompiledConfig& config);

struct Target {
  enum class Kind : uint8_t { kInvalid, kService, kNode, kPreparedQuery, kAddress };
  Kind kind = Kind::kInvalid;
  ServiceKind service_kind = ServiceKind::kPlain;
  std::string name;         // lower case; labels joined with dots
  std::string tag;          // kService
  std::string datacenter;   // empty: the local one
  size_t prefix_bytes = 0;  // of the question's name, before the domain
};
// `name` must lie in Zone::kDomain.
Target parse_target(std::string_view name, uint16_t qtype, const CompiledConfig& config);

// "4.3.2.1.in-addr.arpa" -> "1.2.3.4", ip6.arpa likewise; empty when it is not a whole address.
std::string reverse_address(std::string_view name);

}  // namespace praetor::dns
