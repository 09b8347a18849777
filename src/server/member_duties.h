// What follows from the LAN pool's members (semantics.md 3): every server tells raft who speaks its
// extensions and who died, and waits for its bootstrap; the leader keeps the catalog and raft's configuration
// in step with the members, within kMemberPause of an event, and everything
// each reconcile_interval.
//
// Runs on one reactor; on_event may be called from any thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/reactor.h"
#include "gossip/serf.h"
#include "server/bootstrap.h"
#include "server/raft_peers.h"
#include "server/reconcile.h"

namespace praetor::server {

class Server;

// Events that come together are worked on together.
inline constexpr Duration kMemberPause = std::chrono::milliseconds(100);
// While a server waits for its bootstrap.
inline constexpr Duration kBootstrapLook = std::chrono::seconds(5);
// A server that has just started does not know all members yet. Nobody counts as forgotten before.
inline constexpr Duration kReapPatience = std::chrono::seconds(60);

class MemberDuties {
 public:
  MemberDuties(Server& server, Reactor& reactor);
  ~MemberDuties();

  // Any thread.
  void on_event(gossip::MemberEvent event);
  // The members, this server itself at least. Any thread.
  std::vector<gossip::Member> members() const;
  // The members have been known for a while: who is not among them is gone. Any thread.
  bool settled() const;
  // This server as a member, made of its options.
  gossip::Member own_member() const;

  // On the reactor.
  void start();  // looks at the members that are there already, and now and then again
  void lead();
  void stop_leading();
  void stop();

 private:
  void announce(const gossip::Member& member);
  void arm_flush();
  void flush();
  void reconcile_all();
  void reconcile(const std::vector<gossip::Member>& members, const gossip::Member& member, Presence presence);
  void write(CatalogWrite request);
  void change_peers(PeerChanges changes);
  void change_next(std::shared_ptr<PeerChanges> changes, size_t index);

  Server& server_;
  Reactor& reactor_;
  std::shared_ptr<bool> alive_ =
      std::make_shared<bool>(true);  // false once stopped; checked by late callbacks
  const Instant started_;
  ReconcileContext context_;
  BootstrapExpect bootstrap_;
  bool leading_ = false;
  std::map<std::string, gossip::MemberEvent> waiting_;  // by member, the newest event
  Reactor::TimerId flush_timer_ = 0, interval_timer_ = 0, look_timer_ = 0;
};

}  // namespace praetor::server
