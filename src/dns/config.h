// The DNS part of the agent's configuration, and its compiled form.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "dns/backend.h"

namespace praetor::dns {

// Consul's limits, which no option raises.
inline constexpr int kMaxUdpAnswers = 8;     // without EDNS
inline constexpr int kMaxChasedRecords = 5;  // behind a CNAME, without EDNS
inline constexpr int kMaxChaseDepth = 3;     // CNAMEs inside the domain
inline constexpr int kMaxNameServers = 3;
inline constexpr size_t kMaxUdpReplyBytes = 65472;  // of an IPv4 datagram, less the OPT record
inline constexpr size_t kMaxTcpAnswerBytes = 65523;
inline constexpr size_t kMaxTcpAnswers = 4096, kMaxTcpSrvAnswers = 1024;

inline constexpr size_t kMaxDomainBytes = 244;  // on the wire; leaves room for "hostmaster."

struct RecursorAddress {
  std::string ip;
  uint16_t port = 53;
};
// "10.0.0.1", "10.0.0.1:5353", "::1", "[::1]:5353".
Result<RecursorAddress> parse_recursor(std::string_view text);

struct Config {
  std::string domain = "consul.";
  std::string alt_domain;
  std::string datacenter = "dc1";
  bool translate_wan_addrs = false;
  std::vector<std::string> recursors;  // "ip", "ip:port" or "[ip]:port"

  // dns_config
  ReadOptions read;  // allow_stale, max_stale, use_cache, cache_max_age
  Duration node_ttl{0};
  std::map<std::string, Duration> service_ttl;  // exact name, "prefix*" or "*"
  bool only_passing = false;
  bool enable_truncate = false;
  bool disable_compression = false;
  int udp_answer_limit = 3;
  int a_record_limit = 0;
  Duration recursor_timeout = std::chrono::seconds(2);
  bool node_meta_txt = true;  // enable_additional_node_meta_txt
  struct {
    uint32_t refresh = 3600, retry = 600, expire = 86400, min_ttl = 0;
  } soa;
};

// A configuration with everything computed that answers need again and again. Immutable, shared by all
// reactors.
class CompiledConfig {
 public:
  // Fails when a domain is not a domain name or a recursor is not an address.
  static Result<std::shared_ptr<const CompiledConfig>> make(Config config);

  const Config& operator*() const { return config_; }
  const Config* operator->() const { return &config_; }
  // Wire form, lower case.
  std::string_view domain() const { return domain_; }
  std::string_view alt_domain() const { return alt_domain_; }  // empty: none
  std::string_view soa_mname() const { return soa_mname_; }
  std::string_view soa_rname() const { return soa_rname_; }
  bool recurses() const { return !config_.recursors.empty(); }
  uint32_t node_ttl() const { return node_ttl_; }
  uint32_t service_ttl(std::string_view service) const;

 private:
  Config config_;
  std::string domain_, alt_domain_, soa_mname_, soa_rname_;
  uint32_t node_ttl_ = 0;
  std::vector<std::pair<std::string, uint32_t>> prefix_ttls_;  // longest first
};

// Whole seconds, as TTLs are.
uint32_t ttl_seconds(Duration duration);

}  // namespace praetor::dns
