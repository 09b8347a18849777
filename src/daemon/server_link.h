// What ties this agent to the servers: whom it knows (routes), how it calls them (RPC pool), and which of
// them answers (gateway). On a server also the other direction: port 8300, and the transport of consensus.
//
// Made and destroyed by the main thread; the parts may be used from any.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "agent/runtime_config.h"
#include "base/reactor.h"
#include "base/result.h"
#include "gossip/serf.h"
#include "server/cluster.h"
#include "server/gateway.h"

namespace praetor::gossip {
class PublishedMembers;
}

namespace praetor::daemon {

struct ServerLinkOptions {
  std::shared_ptr<const agent::RuntimeConfig> config;
  std::vector<Reactor*> reactors;  // for connections; outlive the link
  std::shared_ptr<gossip::PublishedMembers> lan;
  // Lets a failed member count as left.
  std::function<void(const gossip::Member&)> remove_failed;
  // As of server::Cluster.
  decltype(server::Cluster::fire_event) fire_event;
  decltype(server::Cluster::change_keys) change_keys;
  decltype(server::Cluster::wan) wan;
};

class ServerLink {
 public:
  explicit ServerLink(ServerLinkOptions options);
  ~ServerLink();

  // What the server is made with.
  server::Cluster cluster();
  // Once: `server` is null on a client agent, and else outlives close(). Opens port 8300 of a server.
  Status open(server::Server* server);
  server::Gateway& gateway();
  server::Routes& routes();

  // The pools' feeds; their thread.
  void on_lan(const gossip::SerfEvent& event);
  void on_wan(const gossip::SerfEvent& event);

  // Main thread, the reactors run; idempotent. First: takes no more requests from others. Then, when nobody
  // needs other servers any more: asks nobody.
  void close_port();
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace praetor::daemon
