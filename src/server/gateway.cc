#include "server/gateway.h"

#include <algorithm>

#include "base/check.h"
#include "base/random.h"
#include "base/text.h"
#include "rpc/pool.h"
#include "server/datacenters.h"
#include "server/endpoint_metrics.h"
#include "server/routes.h"

namespace praetor::server {

// One request on its way: asks, waits, asks again. On its reactor; alive as long as something is under way.
class Gateway::TripImpl final : public Trip, public std::enable_shared_from_this<TripImpl> {
 public:
  TripImpl(const Gateway& gateway, Reactor& reactor, Ask ask, std::function<void()> here, Elsewhere elsewhere)
      : gateway_(gateway),
        options_(gateway.options_),
        reactor_(reactor),
        ask_(std::move(ask)),
        here_(std::move(here)),
        elsewhere_(std::move(elsewhere)),
        deadline_(system_clock().now() + options_.rpc_hold_timeout) {
    if (ask_.datacenter.empty()) ask_.datacenter = options_.datacenter;
    timeout_ = kCallTimeout;
    if (ask_.options.min_query_index > 0) {
      Duration longest = gateway.blocking_limit(ask_.options);
      timeout_ += longest + longest / 16;
    }
  }

  void attempt() {
    if (gateway_.stopped_) cancel();
    if (over_) return;
    // A client agent knows the servers of its own datacenter; those know the others.
    bool far = options_.server && ask_.datacenter != options_.datacenter;
    if (far || !options_.server) return ask_server_of(far ? ask_.datacenter : options_.datacenter);
    if (gateway_.answers_here(ask_.datacenter, ask_.place, ask_.options)) return finish_here();
    raft::Node& raft = options_.server->raft();
    bool leads = raft.is_leader();
    if (leads && ask_.place == Place::kReadable && raft.has_lease()) return confirm(raft);
    std::string leader = leads ? "" : raft.leader().address;
    if (!leader.empty() && options_.pool && leader != options_.server->raft_address()) return forward(leader);
    retry(Error{kErrNoLeader, ErrorKind::kNoLeader});
  }

  void cancel() override {
    over_ = true;
    release();
    call_.cancel();
    reactor_.cancel(timer_);
    if (cancel_here_) std::exchange(cancel_here_, nullptr)();
  }

  bool under_way() const override { return !over_; }

  // What cancel() does once the request runs in this process.
  void set_cancel_here(std::function<void()> cancel) { cancel_here_ = std::move(cancel); }

 private:
  // A consistent read: does a quorum still follow this server?
  void confirm(raft::Node& raft) {
    static const Sample confirmation("rpc.consistentRead");
    raft.verify_leader([self = shared_from_this(), start = system_clock().now()](const Status& verified) {
      confirmation.since(start);
      self->reactor_.post([self, verified] {
        if (self->over_) return;
        if (verified) return self->finish_here();
        self->retry(Error{kErrNoLeader, ErrorKind::kNoLeader});
      });
    });
  }

  void ask_server_of(const std::string& datacenter) {
    if (!options_.routes || !options_.pool) return finish(fail(std::string(rpc::kErrNoPath)));
    auto server = options_.routes->pick(datacenter);
    if (server) return forward(server->address);
    bool local = datacenter == options_.datacenter;
    finish(local ? fail(std::string(rpc::kErrNoServers)) : fail(std::move(server.error())));
  }

  void forward(const std::string& address) {
    if (ask_.encode) body_ = std::exchange(ask_.encode, nullptr)();
    if (ask_.send)
      return ask_.send(*options_.pool, address, body_,
                       [self = shared_from_this(), address](Result<std::string> reply) {
                         self->answered(address, std::move(reply));
                       });
    call_ = options_.pool->call(reactor_, address, std::string(ask_.method), body_, timeout_,
                                [self = shared_from_this(), address](Result<std::string> reply) {
                                  self->answered(address, std::move(reply));
                                });
  }

  void answered(const std::string& address, Result<std::string> reply) {
    if (over_) return;
    if (reply) return finish(std::move(reply));
    if (reply.error().kind == ErrorKind::kIo && options_.routes)
      options_.routes->failed(options_.server ? ask_.datacenter : options_.datacenter, address);
    if (!rpc::may_retry(reply.error(), ask_.repeatable)) return finish(std::move(reply));
    retry(std::move(reply.error()));
  }

  // Again after a pause, or the error when the time is over.
  void retry(Error error) {
    if (system_clock().now() >= deadline_) return finish(std::unexpected(std::move(error)));
    Duration pause = rpc::retry_pause(options_.rpc_hold_timeout, thread_random());
    timer_ = reactor_.after(pause, [self = shared_from_this()] { self->attempt(); });
  }

  void finish_here() {
    over_ = true;
    auto here = std::move(here_);
    release();
    here();
  }

  void finish(Result<std::string> reply) {
    over_ = true;
    auto elsewhere = std::move(elsewhere_);
    release();
    elsewhere(std::move(reply));
  }

  // The callbacks hold what waits for this trip; some of it holds the trip.
  void release() {
    ask_.encode = nullptr;
    here_ = nullptr;
    elsewhere_ = nullptr;
  }

  const Gateway& gateway_;
  const GatewayOptions& options_;
  Reactor& reactor_;
  Ask ask_;
  std::function<void()> here_;
  Elsewhere elsewhere_;
  const Instant deadline_;
  Duration timeout_{0};
  std::string body_;
  bool over_ = false;
  rpc::Pool::Ticket call_;
  Reactor::TimerId timer_ = 0;
  std::function<void()> cancel_here_;
};

Gateway::Gateway(GatewayOptions options) : options_(std::move(options)) {}

bool Gateway::answers_here(std::string_view datacenter, Place place,
                           const model::QueryOptions& options) const {
  if (!options_.server || (!datacenter.empty() && datacenter != options_.datacenter)) return false;
  const raft::Node& raft = options_.server->raft();
  if (place == Place::kAnyServer) return true;
  if (place == Place::kLeader) return raft.is_leader();
  if (options.allow_stale && (raft.is_leader() || raft.last_contact())) return true;
  return !options.require_consistent && raft.has_lease();
}

bool Gateway::too_stale(const model::QueryOptions& options) const {
  if (!options_.server || !options.allow_stale || options.max_stale_duration.count() <= 0) return false;
  const raft::Node& raft = options_.server->raft();
  return !raft.is_leader() && raft.last_contact().value_or(Duration::max()) > options.max_stale_duration;
}

Gateway::TripPtr Gateway::route(Reactor& reactor, Ask ask, std::function<void()> here, Elsewhere elsewhere) {
  auto trip =
      std::make_shared<TripImpl>(*this, reactor, std::move(ask), std::move(here), std::move(elsewhere));
  trip->attempt();
  return trip;
}

void Gateway::list_datacenters(Reactor& reactor, std::function<void(Result<codec::List<std::string>>)> done) {
  if (options_.server) {
    const auto& look = options_.server->options().cluster.wan;
    if (!look) return done(datacenters_by_distance(options_.datacenter, {}));
    return look(reactor, [own = options_.datacenter, done = std::move(done)](const WanView& wan) {
      done(datacenters_by_distance(own, wan));
    });
  }
  Ask ask;
  ask.method = "Catalog.ListDatacenters";
  ask.place = Place::kAnyServer;
  ask.repeatable = true;
  ask.encode = [] { return codec::to_msgpack(Nothing{}); };
  route(
      reactor, std::move(ask), [] {},
      [done = std::move(done)](Result<std::string> reply) {
        done(decode<codec::List<std::string>>(std::move(reply)));
      });
}

Duration Gateway::blocking_limit(const model::QueryOptions& options) const {
  Duration wait = std::min(options.max_query_time, options_.max_query_time);
  return wait.count() > 0 ? wait : options_.default_query_time;
}

Duration Gateway::blocking_time(const model::QueryOptions& options) const {
  Duration wait = blocking_limit(options);
  // Spreads the clients that were told the same time.
  return wait +
         Duration(static_cast<int64_t>(thread_random().below(static_cast<uint64_t>(wait.count() / 16) + 1)));
}

Gateway::TripPtr Gateway::read_encoded(Reactor& reactor, Ask ask, QueryRunner::Produce produce,
                                       Elsewhere done) {
  // Equal reads share one evaluation. Not on a follower: how far it lags stands in the reply.
  auto share = std::exchange(ask.share, nullptr);
  std::string method(ask.method);
  auto place = std::make_shared<std::weak_ptr<TripImpl>>();
  model::QueryOptions options = ask.options;
  auto here = [this, &reactor, share, method, place, options, produce = std::move(produce), done] {
    QueryLimits limits{options.min_query_index, Duration(0)};
    if (limits.min_index > 0) limits.wait = blocking_time(options);
    static thread_local uint64_t unshared = 0;
    std::string key =
        options_.server->raft().is_leader() && share ? method + share() : std::to_string(++unshared);
    QueryRunner& queries = options_.server->queries(reactor);
    auto ticket = queries.run(key, limits, produce, [done](Result<RenderingPtr> rendering) {
      if (!rendering) return done(std::unexpected(std::move(rendering.error())));
      done(*(*rendering)->body);
    });
    auto trip = place->lock();
    if (ticket != 0 && trip) trip->set_cancel_here([&queries, ticket] { queries.cancel(ticket); });
  };
  auto trip = std::make_shared<TripImpl>(*this, reactor, std::move(ask), std::move(here), std::move(done));
  *place = trip;
  trip->attempt();
  return trip;
}

Result<Rendering> Gateway::encoded(ReadContext& context, model::QueryMeta& meta, const codec::Type& type,
                                   const void* reply) const {
  CHECK(options_.server != nullptr);
  Rendering out;
  meta.index = std::max<uint64_t>(meta.index, 1);
  options_.server->set_contact(meta);
  out.index = meta.index;
  out.changed = context.changed;
  out.body = std::make_shared<const std::string>([&] {
    std::string body;
    codec::write_msgpack(body, type, reply);
    return body;
  }());
  return out;
}

}  // namespace praetor::server
