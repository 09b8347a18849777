#include "server/bootstrap.h"

#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "server/member_duties.h"
#include "server/server.h"

namespace praetor::server {
namespace {

const Logger& logger() {
  static const Logger log("agent.server");
  return log;
}

}  // namespace

BootstrapView look_for_servers(const std::vector<gossip::Member>& members, const std::string& datacenter,
                               int64_t expect) {
  BootstrapView view;
  int64_t voters = 0;
  for (const gossip::Member& member : members) {
    auto server = server_tags(member);
    if (!server) continue;
    auto conflict = [&](const char* what) {
      view.problem = what;
      view.culprit = member.name;
    };
    if (server->datacenter != datacenter) {
      conflict("Member has a conflicting datacenter, ignoring");
      continue;
    }
    if (server->expect != 0 && server->expect != expect) {
      conflict("Member has a conflicting expect value. All nodes should expect the same number.");
      return view;
    }
    if (server->bootstrap) {
      conflict("Member has bootstrap mode. Expect disabled.");
      return view;
    }
    if (!server->non_voter) ++voters;
    view.servers.push_back(std::move(*server));
  }
  std::sort(view.servers.begin(), view.servers.end(),
            [](const ServerTags& a, const ServerTags& b) { return a.address < b.address; });
  if (voters >= expect) view.verdict = BootstrapView::Verdict::kReady;
  return view;
}

raft::Configuration bootstrap_configuration(const std::vector<ServerTags>& servers) {
  int64_t least = 3;
  for (const ServerTags& server : servers) least = std::min(least, server.raft_protocol);
  raft::Configuration configuration;
  for (const ServerTags& server : servers)
    configuration.servers.push_back({server.non_voter ? raft::Suffrage::kNonvoter : raft::Suffrage::kVoter,
                                     least >= 3 ? server.id : server.address, server.address});
  return configuration;
}

BootstrapExpect::BootstrapExpect(Server& server, Reactor& reactor)
    : server_(server), reactor_(reactor), expect_(server.options().bootstrap_expect) {
  if (expect_ <= 1 || server.options().bootstrap) expect_ = 0;
}

void BootstrapExpect::check() {
  if (!*alive_ || !waiting() || asking_) return;
  if (server_.raft().last_index() != 0) {
    logger().info("Raft data found, disabling bootstrap mode");
    return give_up();
  }
  BootstrapView view = look_for_servers(server_.members().members(), server_.options().datacenter, expect_);
  if (!view.problem.empty() && view.problem + view.culprit != told_)
    logger().error(view.problem, {{"member", view.culprit}});
  told_ = view.problem + view.culprit;
  if (view.verdict != BootstrapView::Verdict::kReady) return;
  asking_ = true;
  servers_ = std::move(view.servers);
  ask(0, 0);
}

// Evidence of an existing cluster ends it: this server will be taken in by that one.
void BootstrapExpect::ask(size_t index, int attempt) {
  const std::string& self = server_.options().node_id;
  while (index < servers_.size() && servers_[index].id == self) ++index;
  if (index >= servers_.size() || !server_.options().cluster.ask_peers) return bootstrap();
  server_.options().cluster.ask_peers(
      reactor_, servers_[index],
      [this, alive = alive_, index, attempt](Result<std::vector<std::string>> peers) {
        if (!*alive || !waiting()) return;
        const std::string& name = servers_[index].name;
        if (peers && !peers->empty()) {
          logger().info("Existing Raft peers reported by server, disabling bootstrap mode",
                        {{"server", name}});
          return give_up();
        }
        if (peers) return ask(index + 1, 0);
        Duration pause = kPeerQuestionBase * (1 << attempt);
        logger().error(
            "Failed to confirm peer status for server (will retry).",
            {{"server", name}, {"retry_interval", format_duration(pause)}, {"error", peers.error()}});
        reactor_.after(pause, [this, alive, index, attempt] {
          if (!*alive || !waiting()) return;
          if (attempt + 1 < kMaxPeerQuestions) return ask(index, attempt + 1);
          ask(index + 1, 0);
        });
      });
}

void BootstrapExpect::bootstrap() {
  std::vector<std::string> addresses;
  for (const ServerTags& server : servers_) addresses.push_back(server.address);
  logger().info("Found expected number of peers, attempting bootstrap", {{"peers", join(addresses, ",")}});
  server_.raft().bootstrap(bootstrap_configuration(servers_), [](const Status& begun) {
    if (!begun) logger().error("Failed to bootstrap cluster", {{"error", begun.error()}});
  });
  give_up();
}

}  // namespace praetor::server
