#include "server/member_duties.h"

#include <algorithm>

#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"
#include "server/autopilot_duties.h"
#include "server/leader_duties.h"
#include "server/server.h"

namespace praetor::server {
namespace {

const Logger& logger() {
  static const Logger log("agent.server");
  return log;
}

const char* reason_of(Presence presence) { return presence == Presence::kReaped ? "reaped" : "left"; }

}  // namespace

MemberDuties::MemberDuties(Server& server, Reactor& reactor)
    : server_(server), reactor_(reactor), started_(system_clock().now()), bootstrap_(server, reactor) {
  const ServerOptions& options = server_.options();
  context_ = {options.datacenter, options.node_name, options.tagged_addresses, options.node_meta};
}

MemberDuties::~MemberDuties() = default;

gossip::Member MemberDuties::own_member() const {
  const ServerOptions& options = server_.options();
  gossip::Member member;
  member.name = options.node_name;
  if (auto ip = gossip::IpAddress::parse(options.advertise_address)) member.address.ip = *ip;
  member.status = gossip::MemberStatus::kAlive;
  member.tags["role"] = "consul";
  member.tags["dc"] = options.datacenter;
  member.tags["segment"] = "";
  member.tags["id"] = options.node_id;
  member.tags["vsn"] = "2";
  member.tags["raft_vsn"] = std::to_string(options.raft_protocol);
  member.tags["build"] = options.build;
  member.tags["port"] = std::to_string(options.server_port);
  if (options.bootstrap) member.tags["bootstrap"] = "1";
  if (options.bootstrap_expect != 0) member.tags["expect"] = std::to_string(options.bootstrap_expect);
  member.tags[kExtensionTag] = "1";
  return member;
}

std::vector<gossip::Member> MemberDuties::members() const {
  std::vector<gossip::Member> members;
  if (server_.options().cluster.members) members = server_.options().cluster.members();
  bool listed = std::any_of(members.begin(), members.end(), [&](const gossip::Member& member) {
    return member.name == server_.options().node_name;
  });
  if (!listed) members.push_back(own_member());
  return members;
}

bool MemberDuties::settled() const { return system_clock().now() - started_ >= kReapPatience; }

void MemberDuties::start() {
  if (!*alive_ || !server_.options().cluster.members) return;
  for (const gossip::Member& member : members()) announce(member);
  bootstrap_.check();
  // Whoever wires the pool may have lost an event while the server was starting.
  look_timer_ = reactor_.after(bootstrap_.waiting() ? kBootstrapLook : server_.options().reconcile_interval,
                               [this] { start(); });
}

void MemberDuties::on_event(gossip::MemberEvent event) {
  reactor_.post([this, alive = alive_, event = std::move(event)]() mutable {
    if (!*alive) return;
    using Kind = gossip::MemberEvent::Kind;
    announce(event.member);
    if (event.kind == Kind::kFailed)
      if (auto server = server_tags(event.member)) server_.raft().suspect(server->raft_id());
    if (event.kind == Kind::kJoin || event.kind == Kind::kUpdate) bootstrap_.check();
    // A server that was elected takes up its duties a moment later; what it hears meanwhile counts.
    if (!leading_ && !server_.raft().is_leader()) return;
    std::string name = event.member.name;
    waiting_.insert_or_assign(std::move(name), std::move(event));
    arm_flush();
  });
}

// Whether it may be asked before a vote: a server that came back as another program may not.
void MemberDuties::announce(const gossip::Member& member) {
  auto server = server_tags(member);
  if (!server || server->datacenter != context_.datacenter || server->raft_id().empty()) return;
  server_.raft().announce_extensions(server->raft_id(), server->extensions);
}

void MemberDuties::lead() {
  leading_ = true;
  for (const gossip::Member& member : members()) announce(member);
  reconcile_all();
  arm_flush();
}

void MemberDuties::stop_leading() {
  leading_ = false;
  reactor_.cancel(flush_timer_);
  reactor_.cancel(interval_timer_);
  flush_timer_ = interval_timer_ = 0;
  waiting_.clear();
}

void MemberDuties::stop() {
  stop_leading();
  reactor_.cancel(look_timer_);
  bootstrap_.stop();
  *alive_ = false;
}

void MemberDuties::arm_flush() {
  if (flush_timer_ != 0 || !leading_ || waiting_.empty()) return;
  flush_timer_ = reactor_.after(kMemberPause, [this] {
    flush_timer_ = 0;
    flush();
  });
}

// What counts is what the pool says now; an event only tells whom to look at.
void MemberDuties::flush() {
  auto waiting = std::exchange(waiting_, {});
  std::vector<gossip::Member> now = members();
  for (const gossip::Member& member : now)
    if (waiting.erase(member.name) > 0) reconcile(now, member, presence_of(member));
  for (const auto& [name, event] : waiting) reconcile(now, event.member, Presence::kReaped);
}

void MemberDuties::reconcile_all() {
  static const Sample time("leader.reconcile");
  ScopedTimer timer(time);
  std::vector<gossip::Member> now = members();
  for (const gossip::Member& member : now) reconcile(now, member, presence_of(member));
  if (settled()) {
    std::vector<gossip::Member> unknown;
    {
      store::View view = server_.store().view();
      unknown = unknown_members(*view, context_.datacenter, now);
    }
    for (const gossip::Member& member : unknown) reconcile(now, member, Presence::kReaped);
  }
  reactor_.cancel(interval_timer_);
  interval_timer_ = reactor_.after(server_.options().reconcile_interval, [this] { reconcile_all(); });
}

void MemberDuties::reconcile(const std::vector<gossip::Member>& members, const gossip::Member& member,
                             Presence presence) {
  static const Sample time("leader.reconcileMember");
  if (!belongs_to_catalog(member, context_.datacenter))
    return logger().warn("skipping reconcile of node", {{"member", member.name}});
  ScopedTimer timer(time);
  if (auto server = server_tags(member)) {
    raft::Configuration configuration = server_.raft().configuration().configuration;
    const std::string& self = server_.options().node_id;
    if (presence == Presence::kAlive)
      change_peers(join_peer(configuration, members, *server, self));
    else if ((presence == Presence::kLeft || presence == Presence::kReaped) &&
             member.name != context_.node_name)
      change_peers(remove_peer(configuration, members, *server, self));
  }
  Reconciliation result;
  {
    store::View view = server_.store().view();
    result = reconcile_member(*view, context_, member, presence);
  }
  if (!result.note.empty()) {
    if (presence == Presence::kLeft || presence == Presence::kReaped)
      logger().info(result.note, {{"member", member.name}, {"reason", reason_of(presence)}});
    else
      logger().info(result.note, {{"member", member.name}});
  }
  for (CatalogWrite& request : result.writes) write(std::move(request));
}

void MemberDuties::write(CatalogWrite request) {
  std::visit(
      [this](const auto& concrete) {
        using Request = std::decay_t<decltype(concrete)>;
        constexpr auto type = std::is_same_v<Request, model::RegisterRequest>
                                  ? model::MessageType::kRegister
                                  : model::MessageType::kDeregister;
        server_.apply(reactor_, type, concrete,
                      [alive = alive_, name = concrete.node](const Result<ApplyResult>& applied) {
                        if (*alive && !applied)
                          logger().error("failed to reconcile member",
                                         {{"member", name}, {"error", applied.error()}});
                      });
      },
      request);
}

void MemberDuties::change_peers(PeerChanges changes) {
  if (!changes.refusal.empty()) logger().error(changes.refusal);
  if (!changes.changes.empty()) change_next(std::make_shared<PeerChanges>(std::move(changes)), 0);
}

void MemberDuties::change_next(std::shared_ptr<PeerChanges> changes, size_t index) {
  if (index >= changes->changes.size()) return server_.leader_duties().autopilot().clean_up_soon();
  const PeerChange& change = changes->changes[index];
  server_.raft().change_configuration(
      change.change, change.server, 0, [this, alive = alive_, changes, index](Result<uint64_t> done) {
        reactor_.post([this, alive, changes, index, done = std::move(done)] {
          if (!*alive) return;
          const PeerChange& made = changes->changes[index];
          if (!done)
            return logger().error(
                "failed to change the Raft configuration",
                {{"server", made.server.id}, {"address", made.server.address}, {"error", done.error()}});
          if (!made.note.empty())
            logger().info(made.note, {{"id", made.server.id}, {"address", made.server.address}});
          change_next(changes, index + 1);
        });
      });
}

}  // namespace praetor::server
