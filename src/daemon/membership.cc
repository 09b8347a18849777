#include "daemon/membership.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <future>
#include <utility>

#include "agent/agent.h"
#include "agent/pool_options.h"
#include "agent/retry_join.h"
#include "agent/user_events.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "daemon/signals.h"
#include "daemon/systemd.h"

namespace praetor::daemon {

namespace {

const Logger& logger() {
  static const Logger log("agent");
  return log;
}

size_t alive_in(const gossip::MemberList& members) {
  return static_cast<size_t>(std::ranges::count_if(
      members, [](const auto& member) { return member->status == gossip::MemberStatus::kAlive; }));
}

void tell_ready() {
  if (Status told = notify_systemd(kSystemdReady); !told)
    logger().debug("failed to notify systemd", {{"error", told.error()}});
}

Result<gossip::KeyOperation> operation_of(const std::string& name) {
  if (name == "list") return gossip::KeyOperation::kList;
  if (name == "install") return gossip::KeyOperation::kInstall;
  if (name == "use") return gossip::KeyOperation::kUse;
  if (name == "remove") return gossip::KeyOperation::kRemove;
  return fail("unknown keyring operation " + go_quote(name) + ": there are list, install, use and remove");
}

void take_keys(const Result<gossip::KeysDone>& changed, model::KeyringResponse& answer) {
  answer.keys.make_empty();
  answer.primary_keys.make_empty();
  if (!changed) {
    answer.error = changed.error().message;
    return;
  }
  if (!changed->status) answer.error = changed->status.error().message;
  const gossip::KeyReport& report = changed->report;
  answer.num_nodes = report.members;
  for (const auto& [key, count] : report.keys) answer.keys[key] = count;
  for (const auto& [key, count] : report.primary_keys) answer.primary_keys[key] = count;
  for (const auto& [node, text] : report.messages) answer.messages[node] = text;
}

}  // namespace

struct Membership::Impl {
  Impl(MembershipOptions o, Reactor& r)
      : options(std::move(o)), reactor(r), log(std::string("agent.") + agent::role_of(*options.config)) {}

  MembershipOptions options;
  Reactor& reactor;  // the agent's
  const Logger log;
  agent::Pools* pools = nullptr;
  bool stopped = false;
  std::atomic<bool> counting = false;  // the members, soon
  // On the reactor.
  std::vector<std::shared_ptr<agent::RetryJoin>> retries;
  std::unique_ptr<agent::RemoteExec> remote_exec;  // null: not allowed
  // Tasks of the reactor hold it weakly: they may outlive this.
  std::shared_ptr<Impl*> self = std::make_shared<Impl*>(this);

  const agent::RuntimeConfig& config() const { return *options.config; }

  // Later, on the reactor, if this is still there.
  std::function<void()> guarded(std::function<void(Impl&)> work) {
    return [weak = std::weak_ptr(self), work = std::move(work)] {
      if (auto alive = weak.lock()) work(**alive);
    };
  }

  // --- events; the feed's thread ---

  void take_lan(const gossip::SerfEvent& event) {
    if (options.on_lan) options.on_lan(event);
    if (std::holds_alternative<gossip::MemberEvent>(event)) count_members_soon();
    if (const auto* user = std::get_if<gossip::UserEvent>(&event)) take_user_event(*user);
  }

  // Once for all that comes together.
  void count_members_soon() {
    if (counting.exchange(true)) return;
    reactor.post(guarded([](Impl& impl) {
      impl.counting = false;
      impl.options.agent->set_cluster_size(alive_in(*impl.options.lan->list()));
    }));
  }

  void take_user_event(const gossip::UserEvent& event) {
    if (event.name == agent::kNewLeaderEvent) {
      log.info("New leader elected", {{"payload", event.payload}});
      if (event.payload != config().node_name)
        reactor.post(guarded([](Impl& impl) { impl.options.agent->leader_changed(); }));
      return;
    }
    std::string_view name = event.name;
    if (!name.starts_with(agent::kUserEventPrefix))
      return log.warn("Unhandled local event", {{"event", event.name}});
    name.remove_prefix(std::string_view(agent::kUserEventPrefix).size());
    log.debug(config().server_mode ? "User event" : "user event",
              {{config().server_mode ? "event" : "name", name}});
    auto decoded = agent::decode_user_event(event.payload);
    if (!decoded) return logger().error("Failed to decode event", {{"error", decoded.error()}});
    decoded->ltime = event.ltime;
    reactor.post(
        guarded([decoded = std::move(*decoded)](Impl& impl) mutable { impl.deliver(std::move(decoded)); }));
  }

  // On the reactor: if it is for this node.
  void deliver(model::UserEvent event) {
    agent::EventTarget target;
    target.node = config().node_name;
    options.agent->state().for_each_service(
        [&](const agent::LocalService& local) { target.services[local.service.id] = local.service.tags; });
    if (!agent::accepts(target, event)) return;
    if (event.name == agent::kRemoteExecEvent) {
      if (!remote_exec) return logger().info("ignoring remote exec event, disabled.");
      return remote_exec->handle(event.payload);
    }
    logger().debug("new event", {{"event_name", event.name}, {"event_id", event.id}});
    options.events->add(std::move(event));
  }

  // --- the coordinate ---

  // In a large cluster each node sends less often, so that all together stay below a rate.
  Duration coordinate_interval() const {
    Duration least = std::max<Duration>(config().sync_coordinate_interval_min, std::chrono::seconds(1));
    if (config().sync_coordinate_rate_target <= 0) return least;
    double seconds =
        static_cast<double>(alive_in(*pools->lan_members())) / config().sync_coordinate_rate_target;
    return std::max(least, std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)));
  }

  void send_coordinate_later() {
    Duration interval = coordinate_interval();
    auto spread =
        Duration(static_cast<int64_t>(thread_random().below(static_cast<uint64_t>(interval.count()))));
    reactor.after(interval + spread, guarded([](Impl& impl) {
                    impl.pools->report(
                        impl.reactor, [weak = std::weak_ptr(impl.self)](const agent::PoolsReport& now) {
                          auto alive = weak.lock();
                          if (!alive) return;
                          Impl& mine = **alive;
                          mine.options.send_coordinate(
                              {mine.config().node_name, mine.config().segment_name, now.coordinate});
                          mine.send_coordinate_later();
                        });
                  }));
  }

  // --- joining and leaving ---

  Result<size_t> join_now(agent::PoolName pool, const std::vector<std::string>& addresses) {
    auto done = std::make_shared<std::promise<Result<size_t>>>();
    pools->join(pool, addresses, reactor, [done](const Result<size_t>& joined) { done->set_value(joined); });
    return done->get_future().get();
  }

  void retry(agent::PoolName pool, const std::vector<std::string>& addresses, Duration interval,
             int64_t attempts) {
    if (addresses.empty()) return;
    agent::RetryJoinOptions retry_options{pool, addresses, interval, attempts};
    auto ended = [this, pool](const Status& joined) {
      if (joined) {
        if (pool == agent::PoolName::kLan) tell_ready();
        return;
      }
      logger().error("Retry join failed", {{"error", joined.error()}});
      options.signals->post(Event::kJoinFailed);
    };
    retries.push_back(
        std::make_shared<agent::RetryJoin>(*pools, reactor, std::move(retry_options), std::move(ended)));
    retries.back()->start();
  }

  void leave_lan() {
    pools->leave(agent::PoolName::kLan, reactor, guarded([](Impl& impl) {
                   Duration drain = impl.config().leave_drain_time;
                   // Alone there is nobody whose requests could be under way.
                   bool alone = alive_in(*impl.pools->lan_members()) == 0;
                   if (!impl.config().server_mode || alone || drain.count() == 0) return impl.left();
                   impl.log.info("Waiting to drain RPC traffic", {{"drain_time", drain}});
                   impl.reactor.after(drain, impl.guarded([](Impl& mine) { mine.left(); }));
                 }));
  }

  void leave_pools() {
    pools->leave(agent::PoolName::kWan, reactor, guarded([](Impl& mine) { mine.leave_lan(); }));
  }

  void left() {
    auto over = guarded([](Impl& mine) { mine.options.signals->post(Event::kLeft); });
    options.after_leave ? options.after_leave(over) : over();
  }
};

Membership::Membership(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Membership>> Membership::start(MembershipOptions options, Reactor& reactor) {
  auto impl = std::make_unique<Impl>(std::move(options), reactor);
  Impl& raw = *impl;
  std::unique_ptr<Membership> membership(new Membership(std::move(impl)));
  agent::PoolsOptions pools;
  if (!raw.config().disable_remote_exec && raw.options.exec_store.get)
    raw.remote_exec = std::make_unique<agent::RemoteExec>(raw.config().node_name, raw.options.exec_store);
  pools.config = raw.options.config;
  pools.lan = raw.options.lan;
  pools.wan = raw.options.wan;
  pools.on_lan = [&raw](const gossip::SerfEvent& event) { raw.take_lan(event); };
  pools.on_wan = raw.options.on_wan;
  TRY_ASSIGN(membership->pools_, agent::Pools::start(std::move(pools)));
  raw.pools = membership->pools_.get();
  if (!raw.config().disable_coordinates && raw.options.send_coordinate)
    reactor.post(raw.guarded([](Impl& mine) { mine.send_coordinate_later(); }));
  return membership;
}

Membership::~Membership() { stop(); }

void Membership::stop() {
  if (std::exchange(impl_->stopped, true)) return;
  if (pools_) pools_->stop();
  // What runs on the reactor now must be over before this goes.
  std::promise<void> over;
  impl_->reactor.post([&] {
    for (auto& retry : impl_->retries) retry->stop();
    impl_->retries.clear();
    impl_->self.reset();
    over.set_value();
  });
  over.get_future().wait();
  impl_->remote_exec.reset();  // its jobs may wait for the reactor
}

Status Membership::join(const std::function<void(const std::string&)>& say) {
  const agent::RuntimeConfig& config = impl_->config();
  bool nobody = config.start_join_addrs_lan.empty() && config.retry_join_lan.empty();
  if (!config.start_join_addrs_lan.empty()) {
    say("Joining cluster...");
    TRY(impl_->join_now(agent::PoolName::kLan, config.start_join_addrs_lan));
  }
  if (!config.start_join_addrs_wan.empty()) {
    say("Joining -wan cluster...");
    TRY(impl_->join_now(agent::PoolName::kWan, config.start_join_addrs_wan));
  }
  // Consul tells its service manager when it has joined somebody. Whoever has nobody to join is ready now.
  if (nobody || !config.start_join_addrs_lan.empty()) tell_ready();
  impl_->reactor.post(impl_->guarded([](Impl& mine) {
    const agent::RuntimeConfig& c = mine.config();
    mine.retry(agent::PoolName::kLan, c.retry_join_lan, c.retry_join_interval_lan,
               c.retry_join_max_attempts_lan);
    mine.retry(agent::PoolName::kWan, c.retry_join_wan, c.retry_join_interval_wan,
               c.retry_join_max_attempts_wan);
  }));
  return {};
}

void Membership::fire(const std::string& name, std::string payload, Reactor& reactor,
                      std::function<void(Status)> done) {
  pools_->user_event(
      agent::kUserEventPrefix + name, std::move(payload), false, reactor,
      [done = std::move(done)](const Status& fired) {
        if (fired) return done({});
        done(fail(format_multierror({"error broadcasting event to segment \"\": " + fired.error().message})));
      });
}

void Membership::change_keys(agent::PoolName pool, const model::KeyringRequest& request, Reactor& reactor,
                             std::function<void(model::KeyringResponse)> done) {
  model::KeyringResponse answer;
  answer.wan = pool == agent::PoolName::kWan;
  answer.datacenter = impl_->config().datacenter;
  auto operation = operation_of(request.operation);
  if (!operation) {
    answer.error = operation.error().message;
    return reactor.post([done = std::move(done), answer] { done(answer); });
  }
  pools_->change_keys(pool, *operation, request.key, request.relay_factor, reactor,
                      [done = std::move(done), answer](const Result<gossip::KeysDone>& changed) mutable {
                        take_keys(changed, answer);
                        done(std::move(answer));
                      });
}

void Membership::announce_leader() {
  pools_->user_event(agent::kNewLeaderEvent, impl_->config().node_name, false, impl_->reactor,
                     [log = impl_->log](const Status& told) {
                       if (!told) log.warn("failed to broadcast new leader event", {{"error", told.error()}});
                     });
}

void Membership::leave() {
  impl_->log.info(std::string(agent::role_of(impl_->config())) + " starting leave");
  impl_->reactor.post(impl_->guarded([](Impl& mine) {
    auto next = mine.guarded([](Impl& later) { later.leave_pools(); });
    mine.options.before_leave ? mine.options.before_leave(next) : next();
  }));
}

}  // namespace praetor::daemon
