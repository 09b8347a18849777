// A server's graceful leave (semantics.md 19). Consul's leader takes itself out of the configuration, and the
// rest waits for a timeout before it elects another. Here it hands over first: writers hardly notice.
#include "base/log.h"
#include "server/member_duties.h"
#include "server/raft_peers.h"
#include "server/server.h"

namespace praetor::server {
namespace {

constexpr Duration kLeavePoll = std::chrono::milliseconds(50);

const Logger& logger() {
  static const Logger log("agent.server");
  return log;
}

// Voters that could lead in this server's place: those that are alive.
std::vector<std::string> successors(const Server& server, const raft::Configuration& configuration,
                                    const std::vector<gossip::Member>& members) {
  std::vector<std::string> ids;
  for (const gossip::Member& member : members) {
    auto tags = server_tags(member);
    if (!tags || member.status != gossip::MemberStatus::kAlive) continue;
    std::string id = tags->raft_id();
    if (id != server.options().node_id && configuration.is_voter(id)) ids.push_back(std::move(id));
  }
  return ids;
}

}  // namespace

void Server::begin_leave(Reactor& reactor, std::function<void()> done) {
  auto members = members_->members();
  raft::Configuration configuration = raft_->configuration().configuration;
  std::vector<std::string> next = successors(*this, configuration, members);
  // A quorum of one stays what it is: there is nobody to hand over to.
  if (!raft_->is_leader() || configuration.voter_count() <= 1) return done();
  if (next.empty()) {
    logger().warn("no other server is alive: the Raft configuration stays as it is");
    return done();
  }
  hand_over(reactor, std::move(next), std::move(done));
}

void Server::hand_over(Reactor& reactor, std::vector<std::string> next, std::function<void()> done) {
  if (next.empty() || !raft_->is_leader()) return remove_self(reactor, std::move(done));
  std::string target = std::move(next.back());
  next.pop_back();
  raft_->transfer_leadership(target, [this, &reactor, target, next = std::move(next),
                                      done = std::move(done)](Status handed) mutable {
    reactor.post([this, &reactor, target, next = std::move(next), done = std::move(done),
                  handed = std::move(handed)]() mutable {
      if (handed) return done();
      logger().warn("failed to transfer leadership", {{"server", target}, {"error", handed.error()}});
      hand_over(reactor, std::move(next), std::move(done));
    });
  });
}

// Nobody took over: as Consul does it.
void Server::remove_self(Reactor& reactor, std::function<void()> done) {
  raft::Configuration configuration = raft_->configuration().configuration;
  const raft::Server* self = configuration.find(options_.node_id);
  if (!raft_->is_leader() || self == nullptr ||
      !keeps_quorum(configuration, members_->members(), *self, options_.node_id))
    return done();
  raft_->change_configuration(raft::ConfigurationChange::kRemoveServer, *self, 0,
                              [&reactor, done = std::move(done)](Result<uint64_t> removed) mutable {
                                if (!removed)
                                  logger().error("failed to remove ourself as raft peer",
                                                 {{"error", removed.error()}});
                                reactor.post(std::move(done));
                              });
}

void Server::finish_leave(Reactor& reactor, std::function<void()> done) {
  await_removal(reactor, system_clock().now() + kRemovalPatience, std::move(done));
}

void Server::await_removal(Reactor& reactor, Instant deadline, std::function<void()> done) {
  raft::Configuration configuration = raft_->configuration().configuration;
  // Who leads now, or is all there is, is removed by nobody.
  if (raft_->is_leader() || configuration.find(options_.node_id) == nullptr ||
      configuration.servers.size() == 1)
    return done();
  if (system_clock().now() >= deadline) {
    logger().warn("failed to leave raft configuration gracefully, timeout");
    return done();
  }
  reactor.after(kLeavePoll, [this, &reactor, deadline, done = std::move(done)]() mutable {
    await_removal(reactor, deadline, std::move(done));
  });
}

}  // namespace praetor::server
