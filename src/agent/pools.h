// The agent's gossip pools: the LAN pool of its datacenter and, on a server, the WAN pool of all servers.
// Both run on one thread of their own, so that no load elsewhere delays a probe. Consul's tags, merge rules,
// timings, files (serf/local.snapshot, serf/local.keyring …) and log lines.
//
// Any thread may call anything here. What takes time ends in a callback, on the reactor that is passed in; it
// is dropped when the pools are gone before.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/runtime_config.h"
#include "base/reactor.h"
#include "base/result.h"
#include "gossip/member.h"
#include "gossip/serf.h"
#include "server/datacenters.h"

namespace praetor::agent {

enum class PoolName : uint8_t { kLan, kWan };

// What the leader tells everybody once it leads; the payload is its node's name.
inline constexpr const char* kNewLeaderEvent = "consul:new-leader";

struct PoolsOptions {
  std::shared_ptr<const RuntimeConfig> config;
  // Written by the pools; whoever needs the members may have them before the pools are there.
  std::shared_ptr<gossip::PublishedMembers> lan = std::make_shared<gossip::PublishedMembers>();
  std::shared_ptr<gossip::PublishedMembers> wan = std::make_shared<gossip::PublishedMembers>();
  // The ordered feeds (gossip/member.h): MemberEvent and UserEvent (kNewLeaderEvent and `consul:event:…`).
  using Feed = std::function<void(const gossip::SerfEvent&)>;
  Feed on_lan, on_wan;
};

// A moment of the pools.
struct PoolsReport {
  std::map<std::string, std::string> lan, wan;  // the groups serf_lan and serf_wan of `consul info`
  model::Coord coordinate;                      // of this node in the LAN pool
};

class Pools {
 public:
  // Binds the pools' ports and reads their files; joins nobody yet. Fails with Consul's text.
  static Result<std::unique_ptr<Pools>> start(PoolsOptions options);
  ~Pools();  // stop()

  gossip::MemberListPtr lan_members() const { return options_.lan->list(); }
  gossip::MemberListPtr wan_members() const { return options_.wan->list(); }
  gossip::MemberListPtr members(PoolName pool) const {
    return pool == PoolName::kLan ? lan_members() : wan_members();
  }
  bool is_server() const { return options_.config->server_mode; }

  // Addresses are `host`, `host:port` or `[v6]:port`; names are resolved to all their addresses. The number
  // of members reached or, if there is none, why.
  using Joined = std::function<void(Result<size_t>)>;
  void join(PoolName pool, std::vector<std::string> addresses, Reactor& reactor, Joined done);
  // Says goodbye in one pool; the others know when it ends.
  void leave(PoolName pool, Reactor& reactor, std::function<void()> done);
  // In both pools. Fails when neither has a member of that name.
  void force_leave(const std::string& name, bool prune, Reactor& reactor, std::function<void(Status)> done);
  // The same for a member that the leader gives up: nobody asked, so nobody is told.
  void remove_failed(const std::string& name);
  // Fires a serf event in the LAN pool; this agent's own feed hears of it, too.
  void user_event(std::string name, std::string payload, bool coalesce, Reactor& reactor,
                  std::function<void(Status)> done);
  void change_keys(PoolName pool, gossip::KeyOperation operation, std::string key, uint8_t relay_factor,
                   Reactor& reactor, std::function<void(Result<gossip::KeysDone>)> done);
  // Sets a tag of this member (or removes it, when the value is null), in both pools.
  void set_tag(const std::string& key, const std::string* value);
  void report(Reactor& reactor, std::function<void(PoolsReport)> done);
  // Empty on clients.
  void wan_view(Reactor& reactor, std::function<void(server::WanView)> done);

  // Ends both pools without a goodbye. Idempotent; not on the pools' thread.
  void stop();

 private:
  struct Impl;
  explicit Pools(PoolsOptions options);

  PoolsOptions options_;
  std::unique_ptr<Impl> impl_;
};

// The tags of a member with this configuration (wire.md 4.2).
gossip::Tags lan_tags(const RuntimeConfig& config);
gossip::Tags wan_tags(const RuntimeConfig& config);

}  // namespace praetor::agent
