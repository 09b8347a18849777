#include "daemon/server_link.h"

#include <algorithm>
#include <iterator>

#include "agent/sockaddr.h"
#include "base/host_port.h"
#include "base/log.h"
#include "base/random.h"
#include "codec/msgpack.h"
#include "gossip/member.h"
#include "model/common.h"
#include "rpc/listener.h"
#include "rpc/pool.h"
#include "rpc/raft_transport.h"
#include "server/member_duties.h"
#include "server/pool_methods.h"
#include "server/prepared_query.h"
#include "server/routes.h"
#include "server/rpc_endpoint.h"
#include "server/server.h"
#include "server/server_tags.h"
#include "server/status.h"

namespace praetor::daemon {
namespace {

constexpr Duration kQuestionTimeout = std::chrono::seconds(5);

rpc::ServerEntry entry_of(const server::ServerTags& tags) {
  return {.name = tags.name, .id = tags.id, .address = tags.address, .datacenter = tags.datacenter};
}

// Calls come from the address that this agent is bound to, if it is one, as others know it by that: a server
// counts connections by the address they come from.
rpc::DialOptions dial_options(const agent::RuntimeConfig& config) {
  rpc::DialOptions dial;
  if (!agent::is_any_ip(config.rpc_bind_addr.host)) dial.source_ip = config.rpc_bind_addr.host;
  return dial;
}

}  // namespace

struct ServerLink::Impl {
  explicit Impl(ServerLinkOptions o)
      : options(std::move(o)),
        routes(thread_random().next()),
        pool(std::make_unique<rpc::Pool>(
            rpc::PoolOptions{.reactors = options.reactors, .dial = dial_options(*options.config)})) {}

  ServerLinkOptions options;
  server::Routes routes;
  std::unique_ptr<rpc::Pool> pool;
  std::unique_ptr<rpc::RaftTransport> transport;
  std::unique_ptr<server::Gateway> gateway;
  std::unique_ptr<server::RpcEndpoint> endpoint;
  std::unique_ptr<rpc::Listener> listener;
  std::atomic<server::Server*> server{nullptr};
  Reactor::TimerId shuffle_timer = 0;

  // Asks one server, whoever leads.
  template <typename Request, typename Reply>
  void ask(Reactor& reactor, const server::ServerTags& whom, const server::CallMethod<Request, Reply>& method,
           const Request& request, std::function<void(Result<Reply>)> done) {
    pool->call(reactor, whom.address, std::string(method.name), codec::to_msgpack(request), kQuestionTimeout,
               [done = std::move(done)](Result<std::string> reply) {
                 done(server::Gateway::decode<Reply>(std::move(reply)));
               });
  }

  // A client agent spreads itself over the servers anew from time to time.
  void shuffle_later() {
    const std::string& datacenter = options.config->datacenter;
    Duration pause = rpc::rebalance_interval(routes.servers(datacenter).size(), options.lan->list()->size(),
                                             thread_random());
    shuffle_timer = options.reactors.front()->after(pause, [this, datacenter] {
      routes.shuffle(datacenter);
      shuffle_later();
    });
  }

  void follow(const gossip::MemberEvent& event) {
    auto tags = server::server_tags(event.member);
    if (!tags) return;
    using Kind = gossip::MemberEvent::Kind;
    rpc::ServerEntry entry = entry_of(*tags);
    if (event.kind == Kind::kJoin || event.kind == Kind::kUpdate) return routes.add(entry);
    // One that failed is expected back; until then its datacenter is known, though nobody answers there.
    entry.offline = event.kind == Kind::kFailed;
    if (entry.offline)
      routes.add(entry);
    else
      routes.remove(entry);
    if (pool) pool->forget(tags->address);
  }
};

ServerLink::ServerLink(ServerLinkOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {
  const agent::RuntimeConfig& config = *impl_->options.config;
  if (!config.server_mode) return;
  impl_->transport = std::make_unique<rpc::RaftTransport>(
      rpc::RaftTransportOptions{.address = config.rpc_advertise_addr.text(),
                                .dial = dial_options(config),
                                .on_log = [](const std::string& line) {
                                  static const Logger log("agent.server.raft");
                                  log.debug(line);
                                }});
}

ServerLink::~ServerLink() { close(); }

server::Cluster ServerLink::cluster() {
  server::Cluster cluster;
  cluster.transport = impl_->transport.get();
  cluster.members = [lan = impl_->options.lan] {
    std::vector<gossip::Member> members;
    for (const gossip::MemberPtr& member : *lan->list()) members.push_back(*member);
    return members;
  };
  cluster.remove_failed = impl_->options.remove_failed;
  cluster.fire_event = impl_->options.fire_event;
  cluster.change_keys = impl_->options.change_keys;
  cluster.wan = impl_->options.wan;
  cluster.datacenters = [this] {
    bool federates = impl_->options.config->serf_port_wan > 0;
    return federates ? impl_->routes.datacenters() : std::vector<std::string>();
  };
  cluster.ask_keyring = [this](Reactor& reactor, const model::KeyringRequest& request,
                               server::Cluster::KeyringAnswer done) {
    impl_->gateway->call<model::KeyringRequest, model::KeyringResponses>(
        reactor, server::kInternalKeyringOperation, request, std::move(done));
  };
  cluster.other_datacenters = [this](Reactor& reactor, std::function<void(std::vector<std::string>)> done) {
    auto without_own = [own = impl_->options.config->datacenter,
                        done = std::move(done)](const Result<codec::List<std::string>>& all) {
      std::vector<std::string> others;
      if (all)
        std::copy_if(all->begin(), all->end(), std::back_inserter(others),
                     [&](auto& dc) { return dc != own; });
      done(std::move(others));
    };
    impl_->gateway->list_datacenters(reactor, without_own);
  };
  cluster.ask_query = [this](Reactor& reactor, const model::PreparedQueryExecuteRemoteRequest& request,
                             server::Cluster::QueryAnswer done) {
    impl_->gateway->call<model::PreparedQueryExecuteRemoteRequest, model::PreparedQueryExecuteResponse>(
        reactor, server::kPreparedQueryExecuteRemote, request, std::move(done));
  };
  cluster.ask_peers = [this](Reactor& reactor, const server::ServerTags& whom,
                             server::Cluster::PeersAnswer done) {
    model::DCSpecificRequest request;
    request.datacenter = impl_->options.config->datacenter;
    impl_->ask<model::DCSpecificRequest, server::Addresses>(
        reactor, whom, server::kStatusPeers, request,
        [done = std::move(done)](Result<server::Addresses> peers) {
          if (!peers) return done(fail(std::move(peers.error())));
          done(std::vector<std::string>(peers->begin(), peers->end()));
        });
  };
  cluster.ask_raft_stats = [this](Reactor& reactor, const server::ServerTags& whom,
                                  server::Cluster::StatsAnswer done) {
    impl_->ask<server::Nothing, model::RaftStats>(reactor, whom, server::kStatusRaftStats, {},
                                                  std::move(done));
  };
  return cluster;
}

Status ServerLink::open(server::Server* server) {
  const agent::RuntimeConfig& config = *impl_->options.config;
  server::GatewayOptions gateway;
  gateway.datacenter = config.datacenter;
  gateway.node_name = config.node_name;
  gateway.server = server;
  gateway.pool = impl_->pool.get();
  gateway.routes = &impl_->routes;
  gateway.rpc_hold_timeout = config.rpc_hold_timeout;
  if (config.default_query_time.count() > 0) gateway.default_query_time = config.default_query_time;
  if (config.max_query_time.count() > 0) gateway.max_query_time = config.max_query_time;
  impl_->gateway = std::make_unique<server::Gateway>(gateway);
  impl_->server = server;
  if (!server) {
    impl_->options.reactors.front()->post([impl = impl_.get()] { impl->shuffle_later(); });
    return {};
  }
  impl_->endpoint = std::make_unique<server::RpcEndpoint>(*impl_->gateway);
  rpc::ListenerOptions listener;
  listener.host = config.rpc_bind_addr.host;
  listener.port = static_cast<uint16_t>(config.rpc_bind_addr.port);
  listener.reactors = impl_->options.reactors;
  listener.max_connections_per_client = static_cast<uint32_t>(config.rpc_max_conns_per_client);
  listener.handshake_timeout = config.rpc_handshake_timeout;
  listener.handler = impl_->endpoint.get();
  listener.on_raft = [transport = impl_->transport.get()](rpc::RawConnection connection) {
    transport->accept(std::move(connection));
  };
  auto started = rpc::Listener::start(std::move(listener));
  if (!started)
    return fail("Failed to start Consul server: Failed to start RPC layer: " + started.error().message);
  impl_->listener = std::move(*started);
  return {};
}

server::Gateway& ServerLink::gateway() { return *impl_->gateway; }
server::Routes& ServerLink::routes() { return impl_->routes; }

void ServerLink::on_lan(const gossip::SerfEvent& event) {
  const auto* change = std::get_if<gossip::MemberEvent>(&event);
  if (!change) return;
  if (change->member.tag("dc") == impl_->options.config->datacenter) impl_->follow(*change);
  if (server::Server* server = impl_->server) server->members().on_event(*change);
}

void ServerLink::on_wan(const gossip::SerfEvent& event) {
  const auto* change = std::get_if<gossip::MemberEvent>(&event);
  // The LAN pool knows the own datacenter better.
  if (change && change->member.tag("dc") != impl_->options.config->datacenter) impl_->follow(*change);
}

void ServerLink::close_port() { impl_->listener.reset(); }

void ServerLink::close() {
  close_port();
  if (impl_->gateway) impl_->gateway->stop();
  impl_->pool.reset();
}

}  // namespace praetor::daemon
