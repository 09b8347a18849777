#include "daemon/daemon.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <optional>
#include <thread>

#include "agent/agent.h"
#include "agent/config_reload.h"
#include "agent/telemetry.h"
#include "agent/user_events.h"
#include "base/code_pages.h"
#include "base/log.h"
#include "base/reactor.h"
#include "daemon/dns_service.h"
#include "daemon/exec_store.h"
#include "daemon/http_service.h"
#include "daemon/membership.h"
#include "daemon/pid_file.h"
#include "daemon/server_link.h"
#include "daemon/signals.h"
#include "gossip/member.h"
#include "server/coordinates.h"
#include "server/gateway.h"
#include "server/server.h"

namespace praetor::daemon {
namespace {

const Logger& logger() {
  static const Logger log("agent");
  return log;
}

size_t reactor_count() {
  unsigned cores = std::thread::hardware_concurrency();
  return cores == 0 ? 1 : std::min<size_t>(cores, 16);
}

raft::Timings timings_of(const agent::RuntimeConfig& config) {
  raft::Timings timings;
  timings.heartbeat_timeout = config.consul_raft_heartbeat_timeout;
  timings.election_timeout = config.consul_raft_election_timeout;
  timings.leader_lease_timeout = config.consul_raft_leader_lease_timeout;
  return timings;
}

server::ServerOptions server_options(const agent::RuntimeConfig& config,
                                     const std::vector<Reactor*>& reactors) {
  server::ServerOptions options;
  options.datacenter = config.datacenter;
  options.node_name = config.node_name;
  options.node_id = config.node_id;
  options.advertise_address = config.advertise_addr_lan;
  options.tagged_addresses = config.tagged_addresses;
  options.node_meta = config.node_meta;
  options.node_meta["consul-network-segment"] = config.segment_name;
  options.server_port = static_cast<uint16_t>(config.server_port);
  options.data_dir = config.data_dir;
  options.in_memory = config.dev_mode;
  options.bootstrap = config.bootstrap || config.dev_mode || config.bootstrap_expect == 1;
  options.bootstrap_expect = config.bootstrap_expect;
  options.timings = timings_of(config);
  if (config.consul_server_health_interval.count() > 0)
    options.server_health_interval = config.consul_server_health_interval;
  options.rpc_hold_timeout = config.rpc_hold_timeout;
  if (config.raft_snapshot_interval.count() > 0) options.snapshot_interval = config.raft_snapshot_interval;
  if (config.raft_snapshot_threshold > 0)
    options.snapshot_threshold = static_cast<uint64_t>(config.raft_snapshot_threshold);
  if (config.raft_trailing_logs > 0) options.trailing_logs = static_cast<uint64_t>(config.raft_trailing_logs);
  if (config.session_ttl_min.count() > 0) options.session_ttl_min = config.session_ttl_min;
  if (config.consul_coordinate_update_period.count() > 0)
    options.coordinate_update_period = config.consul_coordinate_update_period;
  model::AutopilotConfig& autopilot = options.autopilot;
  autopilot.cleanup_dead_servers = config.autopilot_cleanup_dead_servers;
  autopilot.last_contact_threshold = config.autopilot_last_contact_threshold;
  autopilot.max_trailing_logs = static_cast<uint64_t>(config.autopilot_max_trailing_logs);
  autopilot.min_quorum = static_cast<uint64_t>(config.autopilot_min_quorum);
  autopilot.server_stabilization_time = config.autopilot_server_stabilization_time;
  autopilot.redundancy_zone_tag = config.autopilot_redundancy_zone_tag;
  autopilot.disable_upgrade_migration = config.autopilot_disable_upgrade_migration;
  autopilot.upgrade_version_tag = config.autopilot_upgrade_version_tag;
  options.reactors = reactors;
  return options;
}

// The protocols this program speaks.
Status check_protocols(const agent::RuntimeConfig& config) {
  constexpr int64_t kLowest = 2, kHighest = 3, kLowestRaft = 1;
  auto refuse = [](int64_t given, const char* side) {
    return fail("Failed to start Consul server: Protocol version '" + std::to_string(given) + "' too " +
                side + ". Must be in range: [2, 3]");
  };
  // 0: the default.
  if (config.rpc_protocol != 0 && config.rpc_protocol < kLowest) return refuse(config.rpc_protocol, "low");
  if (config.rpc_protocol > kHighest) return refuse(config.rpc_protocol, "high");
  if (config.raft_protocol != 0 && (config.raft_protocol < kLowestRaft || config.raft_protocol > kHighest))
    return fail("Failed to start Consul server: Failed to start Raft: Protocol version " +
                std::to_string(config.raft_protocol) + " must be >= 1 and <= 3");
  return {};
}

// A listening address, as the log's lines about listeners name it.
struct Endpoint {
  const char* protocol;
  std::string address;
  const char* network;
};

std::vector<Endpoint> endpoints_of(const agent::RuntimeConfig& config) {
  std::vector<Endpoint> list;
  for (const agent::SocketAddress& address : config.dns_addrs)
    for (const char* network : {"tcp", "udp"}) list.push_back({"DNS", address.text(), network});
  for (const agent::SocketAddress& address : config.http_addrs)
    list.push_back(
        {"HTTP", address.is_unix() ? address.path : address.text(), address.is_unix() ? "unix" : "tcp"});
  return list;
}

}  // namespace

struct Daemon::Impl {
  explicit Impl(Options o) : options(std::move(o)), config(options.config) {}

  Options options;
  std::mutex mutex;
  std::shared_ptr<const agent::RuntimeConfig> config;  // guarded by mutex once open
  std::mutex reload_mutex;                             // held for a whole reload
  std::vector<std::function<void()>> leave_waiters;    // guarded by mutex
  bool open_for_clients = false;
  std::unique_ptr<PidFile> pid_file;
  std::unique_ptr<agent::Telemetry> telemetry;
  // Destroyed in reverse: listeners first, then the server, the reactors last.
  std::vector<std::unique_ptr<Reactor>> reactors;
  std::unique_ptr<Reactor> agent_reactor;
  agent::UserEvents events;
  std::shared_ptr<gossip::PublishedMembers> lan = std::make_shared<gossip::PublishedMembers>();
  std::unique_ptr<ServerLink> link;
  std::unique_ptr<server::Server> server;
  std::unique_ptr<agent::Agent> agent;
  std::unique_ptr<Membership> membership;
  // Leadership may come before there is a membership to tell of it, and go with it.
  std::mutex leading_mutex;
  bool leading = false, may_announce = false;  // guarded by leading_mutex
  std::unique_ptr<HttpService> http;
  std::unique_ptr<DnsService> dns;

  std::vector<Reactor*> reactor_list() const {
    std::vector<Reactor*> list;
    for (const auto& reactor : reactors) list.push_back(reactor.get());
    return list;
  }

  Status open() {
    TRY_ASSIGN(pid_file, PidFile::write(config->pid_file));
    for (size_t i = 0; i < reactor_count(); ++i) {
      reactors.push_back(std::make_unique<Reactor>("reactor-" + std::to_string(i)));
      reactors.back()->start();
    }
    TRY(check_protocols(*config));
    telemetry = std::move(options.telemetry);
    agent_reactor = std::make_unique<Reactor>("agent");
    agent_reactor->start();
    link = std::make_unique<ServerLink>(link_options());
    if (config->server_mode) TRY(open_server());
    TRY(link->open(server.get()));
    telemetry->run(*reactors.front(), [this] {
      if (server) server->observe();
    });
    agent = std::make_unique<agent::Agent>(*agent_reactor, link->gateway(), config);
    TRY(agent->open());
    // The agent tells of its node at once, as Consul's does: before the leader's first look at the members.
    TRY(on_agent([this] { return agent->start(); }));
    TRY_ASSIGN(membership, Membership::start(membership_options(), *agent_reactor));
    announce_leader_from_now_on();
    TRY_ASSIGN(dns, DnsService::start(*config, link->gateway(), reactor_list()));
    TRY_ASSIGN(http, HttpService::start(http_dependencies(), reactor_list()));
    open_for_clients = true;
    for (const Endpoint& one : endpoints_of(*options.config))
      logger().info(std::string("Started ") + one.protocol + " server",
                    {{"address", one.address}, {"network", one.network}});
    return {};
  }

  Status open_server() {
    // The agent reads like any other client, on a reactor of its own.
    std::vector<Reactor*> readers = reactor_list();
    readers.push_back(agent_reactor.get());
    server::ServerOptions for_server = server_options(*config, readers);
    for_server.cluster = link->cluster();
    for_server.on_leadership = [this](bool leader) { lead(leader); };
    TRY_ASSIGN(server, server::Server::start(std::move(for_server)));
    return {};
  }

  MembershipOptions membership_options() {
    MembershipOptions out;
    out.config = config;
    out.agent = agent.get();
    out.events = &events;
    out.signals = options.signals;
    out.lan = lan;
    if (server) {
      out.before_leave = [this](std::function<void()> done) {
        server->begin_leave(*agent_reactor, std::move(done));
      };
      out.after_leave = [this](std::function<void()> done) {
        server->finish_leave(*agent_reactor, std::move(done));
      };
    }
    out.on_lan = [this](const gossip::SerfEvent& event) { follow(event); };
    out.on_wan = [this](const gossip::SerfEvent& event) { link->on_wan(event); };
    out.exec_store = exec_store(link->gateway(), *agent_reactor, config->datacenter, config->acl_agent_token);
    out.send_coordinate = [this](model::Coordinate coordinate) { send_coordinate(std::move(coordinate)); };
    return out;
  }

  // The pools' thread.
  void follow(const gossip::SerfEvent& event) {
    link->on_lan(event);
    const auto* change = std::get_if<gossip::MemberEvent>(&event);
    if (!change || change->kind != gossip::MemberEvent::Kind::kJoin) return;
    if (change->member.tag("role") == "consul") agent->server_up();
  }

  void send_coordinate(model::Coordinate coordinate) {
    model::CoordinateUpdateRequest request;
    request.datacenter = config->datacenter;
    request.node = std::move(coordinate.node);
    request.segment = std::move(coordinate.segment);
    request.coord = std::move(coordinate.coord);
    request.write.token = config->acl_agent_token;
    link->gateway().call<model::CoordinateUpdateRequest, server::Nothing>(
        *agent_reactor, server::kCoordinateUpdate, std::move(request),
        [](const Result<server::Nothing>& done) {
          if (!done) logger().error("Coordinate update error", {{"error", done.error()}});
        });
  }

  // The first reactor.
  void lead(bool leader) {
    std::lock_guard lock(leading_mutex);
    leading = leader;
    if (leading && may_announce) membership->announce_leader();
  }
  void announce_leader_from_now_on() {
    std::lock_guard lock(leading_mutex);
    may_announce = true;
    if (leading) membership->announce_leader();
  }

  // Runs `work` on the agent's reactor and waits for what it says.
  Status on_agent(std::function<Status()> work) {
    Status done;
    agent_reactor->run([&] { done = work(); });
    return done;
  }

  ServerLinkOptions link_options() {
    ServerLinkOptions out;
    out.config = config;
    out.reactors = reactor_list();
    out.lan = lan;
    out.remove_failed = [this](const gossip::Member& member) {
      std::lock_guard lock(leading_mutex);
      if (may_announce) membership->pools().remove_failed(member.name);
    };
    out.fire_event = [this](Reactor& reactor, const std::string& name, std::string payload,
                            std::function<void(Status)> done) {
      std::lock_guard lock(leading_mutex);
      if (may_announce) return membership->fire(name, std::move(payload), reactor, std::move(done));
      reactor.post([done = std::move(done)] { done(fail("the agent starts or stops")); });
    };
    out.change_keys = [this](Reactor& reactor, bool wan, const model::KeyringRequest& request,
                             std::function<void(model::KeyringResponse)> done) {
      std::lock_guard lock(leading_mutex);
      auto pool = wan ? agent::PoolName::kWan : agent::PoolName::kLan;
      if (may_announce) return membership->change_keys(pool, request, reactor, std::move(done));
      reactor.post([done = std::move(done), wan] {
        done({.wan = wan,
              .datacenter = {},
              .segment = {},
              .messages = {},
              .error = "the agent starts or stops"});
      });
    };
    out.wan = [this](Reactor& reactor, std::function<void(server::WanView)> done) {
      std::lock_guard lock(leading_mutex);
      if (may_announce) return membership->pools().wan_view(reactor, std::move(done));
      reactor.post([done = std::move(done)] { done({}); });
    };
    return out;
  }

  HttpDependencies http_dependencies() {
    HttpDependencies out;
    out.config = [this] { return current_config(); };
    out.gateway = &link->gateway();
    out.server = server.get();
    out.agent = agent.get();
    out.events = &events;
    out.pools = &membership->pools();
    out.reload = [this] { return reload(); };
    out.leave = [this](std::function<void()> done) {
      {
        std::lock_guard lock(mutex);
        leave_waiters.push_back(std::move(done));
      }
      options.signals->post(Event::kLeave);
    };
    return out;
  }

  std::shared_ptr<const agent::RuntimeConfig> current_config() {
    std::lock_guard lock(mutex);
    return config;
  }

  void close() {
    if (open_for_clients) logger().info("Requesting shutdown");
    if (open_for_clients)
      for (const Endpoint& one : endpoints_of(*options.config))
        logger().info("Stopping server",
                      {{"protocol", one.protocol}, {"address", one.address}, {"network", one.network}});
    http.reset();
    {
      std::lock_guard lock(leading_mutex);
      may_announce = false;
    }
    if (membership) membership->stop();
    if (link) link->close_port();
    if (agent) agent->stop();
    if (telemetry) telemetry->stop();
    if (server) server->stop();
    if (link) link->close();
    for (auto& reactor : reactors) reactor->stop();
    if (agent_reactor) agent_reactor->stop();
    dns.reset();
    membership.reset();
    agent.reset();
    server.reset();
    link.reset();
    reactors.clear();
    agent_reactor.reset();
    telemetry.reset();  // last: threads observe as long as they run
    pid_file.reset();
    if (open_for_clients) {
      logger().info(config->server_mode ? "consul server down" : "consul client down");
      logger().info("shutdown complete");
      logger().info("Endpoints down");
    }
  }

  bool leaves_on(Event event) const {
    if (event == Event::kInterrupt) return !options.config->skip_leave_on_interrupt;
    return event == Event::kLeave || (event == Event::kTerminate && options.config->leave_on_terminate);
  }

  int run() {
    // What only the start runs (configuration, tables, the first join) would be most of an idle agent's
    // memory.
    constexpr Duration kStarted = std::chrono::seconds(1);
    auto event = options.signals->wait(kStarted);
    if (!event) release_code_pages();
    for (;; event = options.signals->wait(std::nullopt)) {
      if (!event) continue;
      if (*event == Event::kReload) {
        logger().info("Caught", {{"signal", "hangup"}});
        (void)reload();
        continue;
      }
      if (*event == Event::kDumpMetrics) {
        std::fputs(agent::dump_metrics().c_str(), stderr);
        continue;
      }
      if (*event == Event::kJoinFailed) return 1;
      if (*event == Event::kLeft) continue;  // of a leave that was given up
      if (*event == Event::kInterrupt) logger().info("Caught", {{"signal", "interrupt"}});
      if (*event == Event::kTerminate) logger().info("Caught", {{"signal", "terminated"}});
      if (!leaves_on(*event)) {
        logger().info("Graceful shutdown disabled. Exiting");
        return 1;
      }
      return leave(*event);
    }
  }

  // Says goodbye; the process's exit code.
  int leave(Event reason) {
    constexpr Duration kPatience = std::chrono::seconds(15);
    bool from_signal = reason != Event::kLeave;
    if (from_signal) logger().info("Gracefully shutting down agent...");
    membership->leave();
    Instant deadline = from_signal ? system_clock().now() + kPatience : Instant::max();
    for (;;) {
      std::optional<Duration> patience;
      if (from_signal) patience = std::max<Duration>(deadline - system_clock().now(), Duration(0));
      auto event = options.signals->wait(patience);
      if (event == Event::kLeft) break;
      if (event == Event::kInterrupt || event == Event::kTerminate) {
        logger().info("Caught second signal, Exiting",
                      {{"signal", *event == Event::kInterrupt ? "interrupt" : "terminated"}});
        return 1;
      }
      if (from_signal && system_clock().now() >= deadline) {
        logger().info("Timeout on graceful leave. Exiting");
        return 1;
      }
    }
    if (from_signal) logger().info("Graceful exit completed");
    std::vector<std::function<void()>> waiters;
    {
      std::lock_guard lock(mutex);
      waiters.swap(leave_waiters);
    }
    for (auto& waiter : waiters) waiter();
    return 0;
  }

  Status reload() {
    Status done = try_reload();
    if (done) return {};
    logger().error("Reload config failed", {{"error", done.error()}});
    return fail(done.error().message);  // whatever its kind was: the agent's failure
  }

  // What can fail comes first: after an error nothing has changed but, at worst, the definitions.
  Status try_reload() {
    std::lock_guard one_at_a_time(reload_mutex);
    TRY_ASSIGN(agent::RuntimeConfig fresh, options.load());
    auto running = current_config();
    fresh.node_id = running->node_id;
    auto next = std::make_shared<const agent::RuntimeConfig>(agent::reloaded_config(*running, fresh));
    TRY(on_agent([&] { return agent->reload(next); }));
    TRY(options.apply(*next));
    TRY(dns->set_config(*next));
    http->set_config(*next);
    telemetry->reload(next->telemetry);
    if (auto names = agent::needs_restart(*options.config, fresh); !names.empty())
      logger().warn("changed in the configuration, and waiting for a restart", {{"keys", names}});
    std::lock_guard lock(mutex);
    config = next;
    return {};
  }
};

Result<std::unique_ptr<Daemon>> Daemon::start(Options options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  if (Status opened = impl->open(); !opened) {
    impl->close();
    return std::unexpected(opened.error());
  }
  return std::unique_ptr<Daemon>(new Daemon(std::move(impl)));
}

Daemon::Daemon(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Daemon::~Daemon() { impl_->close(); }

Status Daemon::join(const std::function<void(const std::string&)>& say) {
  TRY(impl_->membership->join(say));
  logger().info("started state syncer");
  return {};
}

int Daemon::run() { return impl_->run(); }

}  // namespace praetor::daemon
