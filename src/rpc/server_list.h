// Which server an agent asks, as Consul's router does it: a shuffled list a datacenter, whose first is asked
// until it fails, and which is shuffled anew from time to time so that load spreads over the servers. A
// server that its pool has given up stays known, as offline, until it leaves or is reaped. Pure; one thread
// at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"

namespace praetor::rpc {

struct ServerEntry {
  std::string name;     // "node" (LAN) or "node.dc" (WAN)
  std::string id;       // node UUID, may be empty
  std::string address;  // "ip:port" of its RPC
  std::string datacenter;
  bool offline = false;  // its pool says that it failed: not asked until it is added again
  bool operator==(const ServerEntry&) const = default;
};

// The servers of one datacenter.
class ServerList {
 public:
  // A new one goes to a random place (behind the first, unless it is alone); a known name is replaced.
  void add(ServerEntry server, Random& random);
  void remove(std::string_view name);
  // The first that is not offline; null when there is none.
  const ServerEntry* current() const;
  // The current one failed: it becomes the last. Others stay where they are.
  void failed(std::string_view address);
  void shuffle(Random& random);
  const std::vector<ServerEntry>& all() const { return servers_; }
  bool empty() const { return servers_.empty(); }

 private:
  std::vector<ServerEntry> servers_;
};

// Until the next shuffle: each server sees at most 64 new connections a second from all of the cluster.
Duration rebalance_interval(size_t servers, size_t members, Random& random);

// The servers of all datacenters.
class Router {
 public:
  void add(const ServerEntry& server, Random& random);
  void remove(const ServerEntry& server);
  ServerList* find(std::string_view datacenter);
  const ServerList* find(std::string_view datacenter) const;
  // Unknown datacenter: kErrNoPath. Known, but all its servers are offline: kErrDcNotAvailable.
  Result<ServerEntry> pick(std::string_view datacenter) const;
  std::vector<std::string> datacenters() const;  // sorted

 private:
  std::map<std::string, ServerList, std::less<>> lists_;
};

// Error texts that Consul's layers compare or show.
inline constexpr std::string_view kErrNoServers = "No known Consul servers";
inline constexpr std::string_view kErrNoPath = "No path to datacenter";
inline constexpr std::string_view kErrDcNotAvailable = "Remote DC has no server currently reachable";

// Whether a failed call may be made again, at another server or later: it never left, there was no leader, or
// the connection broke and it only reads.
bool may_retry(const Error& error, bool is_read);
// The pause before the next try: random, up to a sixteenth of the time to hold.
Duration retry_pause(Duration hold_timeout, Random& random);

}  // namespace praetor::rpc
