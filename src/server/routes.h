// The servers that are known to this agent, by datacenter, as the members of its pools tell: whom to ask
// next. One object an agent, shared by the gateway, the pools and whoever lists datacenters. Any thread.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "base/random.h"
#include "rpc/server_list.h"

namespace praetor::server {

class Routes {
 public:
  explicit Routes(uint64_t seed) : random_(seed) {}

  // A known name is replaced: so does a server go offline, and come back.
  void add(const rpc::ServerEntry& server);
  void remove(const rpc::ServerEntry& server);
  // Whom to ask in a datacenter; an error's text is the user's ("No path to datacenter", and where all the
  // servers have failed "Remote DC has no server currently reachable").
  Result<rpc::ServerEntry> pick(const std::string& datacenter) const;
  // It did not answer: others go first from now on.
  void failed(const std::string& datacenter, const std::string& address);
  // Spreads the load again; the caller's timer runs it after rebalance_interval.
  void shuffle(const std::string& datacenter);

  std::vector<rpc::ServerEntry> servers(const std::string& datacenter) const;
  std::vector<std::string> datacenters() const;  // sorted

 private:
  mutable std::mutex mutex_;
  rpc::Router router_;  // guarded by mutex_
  Random random_;       // guarded by mutex_
};

}  // namespace praetor::server
