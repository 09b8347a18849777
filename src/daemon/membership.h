// The agent in its pools: joins whom it was told to, fires and receives user events, sends its coordinate,
// says goodbye.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/pools.h"
#include "agent/remote_exec.h"
#include "base/reactor.h"
#include "base/result.h"
#include "model/operator.h"

namespace praetor::agent {
class Agent;
class UserEvents;
}  // namespace praetor::agent

namespace praetor::daemon {

class Signals;

struct MembershipOptions {
  std::shared_ptr<const agent::RuntimeConfig> config;
  agent::Agent* agent = nullptr;        // its services decide which events are for this node
  agent::UserEvents* events = nullptr;  // gets those that are
  Signals* signals = nullptr;           // told when -retry-join has given up
  // What else hears of the members: in order, on the pools' thread, not to block. Lists: see PoolsOptions.
  agent::PoolsOptions::Feed on_lan, on_wan;
  std::shared_ptr<gossip::PublishedMembers> lan = std::make_shared<gossip::PublishedMembers>();
  std::shared_ptr<gossip::PublishedMembers> wan = std::make_shared<gossip::PublishedMembers>();
  // What a server does about its quorum around the goodbye, first and last; each calls back, on the agent's
  // reactor. May be empty.
  using Step = std::function<void(std::function<void()> done)>;
  Step before_leave, after_leave;
  // Where `consul exec` finds its jobs, if the configuration allows them.
  agent::RemoteExecStore exec_store;
  // Takes this node's coordinate to the servers; called on the agent's reactor now and then.
  std::function<void(model::Coordinate)> send_coordinate;
};

// Made and destroyed by the main thread; everything in `options` outlives it.
class Membership {
 public:
  // Opens the pools; joins nobody yet. `reactor` is the agent's.
  static Result<std::unique_ptr<Membership>> start(MembershipOptions options, Reactor& reactor);
  ~Membership();  // stop()

  agent::Pools& pools() { return *pools_; }

  // Main thread. -join and -join-wan, which must work (`say` gets a line for the operator before each), then
  // -retry-join and -retry-join-wan in the background.
  Status join(const std::function<void(const std::string&)>& say);
  // Any thread; `done` runs on `reactor`. Every node that the filters in the payload (agent/user_events.h)
  // accept gets the event, this one included.
  void fire(const std::string& name, std::string payload, Reactor& reactor, std::function<void(Status)> done);
  // Any thread; `done` runs on `reactor`. Lists or changes the keys of one pool.
  void change_keys(agent::PoolName pool, const model::KeyringRequest& request, Reactor& reactor,
                   std::function<void(model::KeyringResponse)> done);
  // Any thread. This server leads now, which the others are told.
  void announce_leader();
  // Any thread. Goodbye in the WAN pool, then in the LAN pool, then time for requests under way to end;
  // Event::kLeft follows.
  void leave();
  // Main thread. Idempotent.
  void stop();

 private:
  struct Impl;
  explicit Membership(std::unique_ptr<Impl> impl);

  std::unique_ptr<agent::Pools> pools_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace praetor::daemon
