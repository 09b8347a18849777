// What answering needs to know about the cluster, as plain values. The DNS layer defines this view and the
// agent implements it over its store (or over RPC, on a client agent); neither includes the other's types.
//
// Calls come on the reactor that the query arrived on. An answer that is at hand is returned at once:
// nothing is queued, no future is allocated. One that needs I/O (another datacenter, a client agent) takes
// the completion out of the Deferral, returns nothing, and completes later on the same reactor, exactly
// once, never from inside the call. Completions may outlive the DNS server; they do nothing then.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace praetor::dns {

template <typename T>
class Deferral {
 public:
  // Once at most, and only by a call that then returns nothing.
  virtual std::function<void(Result<T>)> defer() = 0;

 protected:
  ~Deferral() = default;
};

// The worst status of an instance's checks (its node's included).
enum class Health : uint8_t {
  kPassing,
  kWarning,
  kCritical,  // maintenance is critical, too
  kOther,     // a status that is none of the three
};

struct TaggedAddress {
  std::string tag;  // lan, wan, lan_ipv4, …
  std::string address;
  int64_t port = 0;
};

struct NodeInfo {
  std::string name;
  std::string address;  // an IP address or a domain name
  std::string datacenter;
  std::vector<TaggedAddress> tagged_addresses;
  std::vector<std::pair<std::string, std::string>> meta;
};

struct ServiceInstance {
  NodeInfo node;
  std::string service_id;
  std::string service_name;
  std::vector<std::string> tags;
  std::string address;  // empty: the node's
  std::vector<TaggedAddress> tagged_addresses;
  int64_t port = 0;
  int64_t weight_passing = 1;
  int64_t weight_warning = 1;
  Health health = Health::kPassing;
};

using Instances = std::vector<ServiceInstance>;

// How stale an answer may be (dns_config).
struct ReadOptions {
  bool allow_stale = true;
  Duration max_stale = std::chrono::hours(87600);
  bool use_cache = false;
  Duration cache_max_age{0};
};

enum class ServiceKind : uint8_t { kPlain, kConnect, kIngress };

struct ServiceLookup {
  std::string datacenter;  // empty: the local one
  std::string service;     // lower case; compare without regard to case
  std::string tag;         // empty: any; compare without regard to case
  ServiceKind kind = ServiceKind::kPlain;
  ReadOptions options;
};

struct NodeLookup {
  std::string datacenter;
  std::string node;  // lower case
  ReadOptions options;
};

struct PreparedLookup {
  std::string datacenter;
  std::string name_or_id;  // lower case
  // Where the client is, for near=_ip: its EDNS client subnet if it sent one, else its address. As text.
  std::string source_ip;
  ReadOptions options;
};

struct PreparedResult {
  std::shared_ptr<const Instances> instances;  // in the order of the answer, health already applied
  std::string datacenter;                      // the one that answered
  std::string service;                         // the service that was asked for
  std::optional<Duration> ttl;                 // the query's own, if it sets one
};

// Errors: kNotFound (`No path to datacenter`, `Query not found`) is answered with NXDOMAIN, the rest with
// SERVFAIL. A denied read is not an error: what may not be seen is left out.
class Backend {
 public:
  virtual ~Backend() = default;

  // Changes with every change of what the local datacenter's lookups below can return (nodes, services,
  // checks, config entries, prepared queries, and what the agent's token may read), so that rendered answers
  // can be kept between changes. Cheap. 0: nothing may be kept.
  virtual uint64_t index() = 0;

  // All instances that match, whatever their health; never a null pointer.
  virtual std::optional<Result<std::shared_ptr<const Instances>>> service(
      const ServiceLookup& lookup, Deferral<std::shared_ptr<const Instances>>& later) = 0;
  // Null when there is no such node.
  virtual std::optional<Result<std::shared_ptr<const NodeInfo>>> node(
      const NodeLookup& lookup, Deferral<std::shared_ptr<const NodeInfo>>& later) = 0;
  virtual std::optional<Result<PreparedResult>> prepared_query(const PreparedLookup& lookup,
                                                               Deferral<PreparedResult>& later) = 0;
  // The name below which an address of the local datacenter is found: "<node>.node.<dc>" for a node whose
  // address it is, else "<service>.service.<dc>"; without the domain. Empty when nobody has it. `address` is
  // canonical text (IPv6 as RFC 5952); node addresses match by value, service addresses by text.
  virtual std::optional<Result<std::string>> owner_of_address(const std::string& address,
                                                              const ReadOptions& options,
                                                              Deferral<std::string>& later) = 0;
};

}  // namespace praetor::dns
