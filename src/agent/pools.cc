#include "agent/pools.h"

#include <netinet/in.h>

#include <cstddef>
#include <optional>
#include <utility>

#include "agent/check_resolver.h"
#include "agent/pool_options.h"
#include "base/host_port.h"
#include "base/log.h"
#include "base/text.h"
#include "gossip/pool.h"

namespace praetor::agent {
namespace {

constexpr Duration kFloodInterval = std::chrono::seconds(60);

const Logger& logger() {
  static const Logger log("agent");
  return log;
}

// What Go's log prints of a list.
std::string go_list(const std::vector<std::string>& texts) { return "[" + join(texts, ", ") + "]"; }

// Could a name server know it? Go asks none for other names.
bool is_host_name(std::string_view text) {
  bool named = false;
  for (char c : text) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
    if (!letter && !(c >= '0' && c <= '9') && c != '.') return false;
    named = named || letter;
  }
  return named;
}

gossip::Address to_gossip(const ResolvedAddress& from, uint16_t port) {
  const char* raw = reinterpret_cast<const char*>(&from.storage);
  std::string_view bytes = from.family() == AF_INET
                               ? std::string_view(raw + offsetof(sockaddr_in, sin_addr), 4)
                               : std::string_view(raw + offsetof(sockaddr_in6, sin6_addr), 16);
  return {gossip::IpAddress::from_bytes(bytes), port};
}

// memberlist's wrapping of what an address in use gives.
Error listen_error(const Error& error, const gossip::Address& bind, bool lan) {
  if (!error.message.starts_with("listen ")) return error;
  std::string text =
      lan ? "Failed to create memberlist: Could not set up network transport: failed to obtain an address: "
          : "";
  text += error.message.starts_with("listen udp") ? "Failed to start UDP listener on "
                                                  : "Failed to start TCP listener on ";
  return {text + go_quote(bind.ip.text()) + " port " + std::to_string(bind.port) + ": " + error.message,
          error.kind};
}

}  // namespace

// Everything but what is const happens on the reactor.
struct Pools::Impl {
  explicit Impl(const PoolsOptions& o) : options(o), reactor("gossip") {}

  const PoolsOptions& options;
  Reactor reactor;
  std::unique_ptr<CheckResolver> resolver;
  std::unique_ptr<gossip::Pool> lan, wan;
  Reactor::TimerId flood_timer = 0;
  bool stopped = false;  // main thread

  gossip::Pool* pool(PoolName name) { return name == PoolName::kLan ? lan.get() : wan.get(); }

  Status open_pool(PoolName name) {
    bool is_lan = name == PoolName::kLan;
    TRY_ASSIGN(gossip::PoolOptions made, pool_options(*options.config, name));
    made.published = is_lan ? options.lan : options.wan;
    gossip::Address bind = made.bind;
    auto opened =
        gossip::Pool::open(reactor, std::move(made),
                           [this, is_lan](const gossip::SerfEvent& event) { take_event(is_lan, event); });
    if (!opened) return fail(listen_error(opened.error(), bind, is_lan));
    (is_lan ? lan : wan) = std::move(*opened);
    return {};
  }

  Status open() {
    resolver = std::make_unique<CheckResolver>(reactor);
    bool server = options.config->server_mode;
    auto named = [&](Status status, const char* what) -> Status {
      if (status || status.error().message.starts_with("Failed to configure keyring")) return status;
      return fail(std::string("Failed to start Consul ") + role_of(*options.config) + ": Failed to start " +
                  what + ": " + status.error().message);
    };
    if (server && options.config->serf_port_wan > 0) TRY(named(open_pool(PoolName::kWan), "WAN Serf"));
    TRY(named(open_pool(PoolName::kLan), server ? "LAN Serf" : "lan serf"));
    if (wan) flood();
    return {};
  }

  void close() {
    reactor.cancel(flood_timer);
    lan.reset();
    wan.reset();
    resolver.reset();
  }

  void take_event(bool is_lan, const gossip::SerfEvent& event) {
    const auto& feed = is_lan ? options.on_lan : options.on_wan;
    if (feed) feed(event);
    const auto* member = std::get_if<gossip::MemberEvent>(&event);
    if (is_lan && wan && member != nullptr && member->kind == gossip::MemberEvent::Kind::kJoin &&
        member->member.tag("role") == "consul")
      reactor.post([this] { flood(); });  // not from within the pool's own step
  }

  // --- joining ---

  struct Join {
    PoolName name;
    std::vector<std::string> addresses;
    size_t next = 0;
    gossip::JoinReport report;
    std::function<void(Result<size_t>)> done;
  };

  void join(PoolName name, std::vector<std::string> addresses, std::function<void(Result<size_t>)> done) {
    bool is_lan = name == PoolName::kLan;
    std::string list = go_list(addresses);
    if (is_lan)
      logger().info("(LAN) joining", {{"lan_addresses", list}});
    else
      logger().info("(WAN) joining", {{"wan_addresses", list}});
    auto told = [is_lan, done = std::move(done)](const Result<size_t>& reached) {
      std::string pool = is_lan ? "(LAN) " : "(WAN) ";
      if (reached)
        logger().info(pool + "joined", {{"number_of_nodes", *reached}});
      else
        logger().warn(pool + "couldn't join", {{"number_of_nodes", 0}, {"error", reached.error()}});
      done(reached);
    };
    if (pool(name) == nullptr) return told(fail("Must be a server to join WAN cluster"));
    join_next(std::make_shared<Join>(Join{name, std::move(addresses), 0, {}, std::move(told)}));
  }

  void join_next(const std::shared_ptr<Join>& join) {
    if (pool(join->name) == nullptr) return;  // the end of the agent
    if (join->next == join->addresses.size()) return join->done(join->report.result());
    std::string address = join->addresses[join->next++];
    // memberlist's `name/address`
    if (size_t slash = address.find('/'); slash != std::string::npos) address.erase(0, slash + 1);
    HostPort to{address, std::to_string(pool(join->name)->local().port)};
    if (auto split = split_host_port(address); split)
      to = *split;
    else if (address.starts_with('[') && address.ends_with(']'))
      to.host = address.substr(1, address.size() - 2);
    auto port = parse_uint(to.port, 16);
    ResolvedAddress literal;
    if (!parse_ip(to.host, literal) && !is_host_name(to.host))
      return failed(join, "Failed to resolve " + address + ": lookup " + to.host + ": no such host");
    if (!port) return failed(join, "Failed to resolve " + address + ": " + port.error().message);
    resolver->resolve(
        to.host, [this, join, address, number = static_cast<uint16_t>(*port)](const Lookup& found) {
          if (found.addresses.empty())
            return failed(join, "Failed to resolve " + address + ": " + found.error);
          std::vector<gossip::Address> targets;
          for (const ResolvedAddress& each : found.addresses) targets.push_back(to_gossip(each, number));
          // Events from before are not this agent's.
          pool(join->name)->join(std::move(targets), true, [this, join](gossip::JoinReport report) {
            join->report.reached += report.reached;
            for (std::string& error : report.errors) join->report.errors.push_back(std::move(error));
            // From a fresh turn: the pool may go in what follows.
            reactor.post([this, join] { join_next(join); });
          });
        });
  }

  void failed(const std::shared_ptr<Join>& join, std::string why) {
    join->report.errors.push_back(std::move(why));
    join_next(join);
  }

  // --- WAN join flooding: every server brings the servers of its datacenter into the WAN pool ---

  void flood() {
    reactor.cancel(flood_timer);
    flood_timer = reactor.after(kFloodInterval, [this] { flood(); });
    if (!wan || !lan || wan->serf().leaving() || lan->serf().leaving()) return;
    gossip::MemberListPtr known = options.wan->list();
    const std::string& datacenter = options.config->datacenter;
    static const Logger log("agent.server");
    for (const gossip::MemberPtr& member : *options.lan->list()) {
      if (member->status != gossip::MemberStatus::kAlive || member->tag("role") != "consul") continue;
      if (member->name == options.config->node_name) continue;
      gossip::MemberPtr there = gossip::find_member(*known, member->name + "." + datacenter);
      if (there && there->status == gossip::MemberStatus::kAlive) continue;
      auto port = parse_uint(member->tag("wan_join_port"), 16);
      gossip::Address to{member->address.ip,
                         port && *port > 0 ? static_cast<uint16_t>(*port) : wan->local().port};
      wan->join({to}, true, [name = member->name, to](const gossip::JoinReport& report) {
        if (report.reached > 0)
          log.debug("Successfully performed flood-join for server at address",
                    {{"server", name}, {"address", to.text()}});
        else
          log.debug(
              "Failed to flood-join server at address",
              {{"server", name}, {"address", to.text()}, {"error", praetor::join(report.errors, "; ")}});
      });
    }
  }

  // --- the rest ---

  void force_leave(const std::string& name, bool prune, std::function<void(Status)> done) {
    logger().info("Force leaving node", {{"node", name}});
    bool known =
        gossip::find_member(*options.lan->list(), name) || gossip::find_member(*options.wan->list(), name);
    if (!known || !lan) return done(fail("agent: No node found with name '" + name + "'"));
    auto told = [name, done = std::move(done)](const Status& status) {
      if (!status) logger().warn("Failed to remove node", {{"node", name}, {"error", status.error()}});
      done(status);
    };
    remove_failed(name, prune, told);
  }

  // In the LAN pool, then as a server in the WAN pool.
  void remove_failed(const std::string& name, bool prune, const std::function<void(Status)>& done) {
    if (!lan) return;
    lan->remove_failed(name, prune, [this, name, prune, done](Status status) {
      if (!status || !wan) return done(status);
      std::string suffix = "." + options.config->datacenter;
      std::string server = name.ends_with(suffix) ? name : name + suffix;
      wan->remove_failed(server, prune, done);
    });
  }

  std::map<std::string, std::string> stats_of(const std::unique_ptr<gossip::Pool>& from) {
    return from ? from->serf().stats() : std::map<std::string, std::string>();
  }

  PoolsReport report() {
    PoolsReport out;
    out.lan = stats_of(lan);
    out.wan = stats_of(wan);
    if (lan) out.coordinate = lan->serf().coordinate();
    return out;
  }

  server::WanView wan_view() {
    server::WanView out;
    if (!wan) return out;
    out.own = wan->serf().coordinate();
    for (const gossip::MemberPtr& member : *options.wan->list()) {
      // One that failed is expected back; where it stands is still known.
      if (member->status == gossip::MemberStatus::kLeft || member->tag("role") != "consul") continue;
      std::string datacenter(member->tag("dc"));
      std::string node = member->name;
      if (node.ends_with("." + datacenter)) node.resize(node.size() - datacenter.size() - 1);
      std::optional<model::Coord> at;
      if (const model::Coord* known = wan->serf().cached_coordinate(member->name)) at = *known;
      out.servers.push_back({std::move(node), std::move(datacenter), std::move(at)});
    }
    return out;
  }

  void set_tag(const std::string& key, const std::optional<std::string>& value) {
    for (gossip::Pool* one : {lan.get(), wan.get()}) {
      if (one == nullptr) continue;
      gossip::Tags tags = one->serf().tags();
      if (value)
        tags[key] = *value;
      else
        tags.erase(key);
      if (Status set = one->set_tags(std::move(tags)); !set)
        logger().error("failed to update tags", {{"tag", key}, {"error", set.error()}});
    }
  }
};

namespace {

// `done` runs on `reactor`, with what it is called with.
template <typename Answer>
auto answer_on(Reactor& reactor, std::function<void(Answer)> done) {
  return [&reactor, done = std::move(done)](Answer answer) {
    reactor.post([done, answer = std::move(answer)]() mutable { done(std::move(answer)); });
  };
}

}  // namespace

Pools::Pools(PoolsOptions options) : options_(std::move(options)), impl_(std::make_unique<Impl>(options_)) {}

Result<std::unique_ptr<Pools>> Pools::start(PoolsOptions options) {
  std::unique_ptr<Pools> pools(new Pools(std::move(options)));
  pools->impl_->reactor.start();
  Status opened;
  pools->impl_->reactor.run([&] { opened = pools->impl_->open(); });
  if (!opened) return std::unexpected(opened.error());
  return pools;
}

Pools::~Pools() { stop(); }

void Pools::stop() {
  if (std::exchange(impl_->stopped, true)) return;
  impl_->reactor.run([this] { impl_->close(); });
  impl_->reactor.stop();
}

void Pools::join(PoolName pool, std::vector<std::string> addresses, Reactor& reactor, Joined done) {
  impl_->reactor.post([impl = impl_.get(), pool, addresses = std::move(addresses),
                       done = answer_on<Result<size_t>>(reactor, std::move(done))]() mutable {
    impl->join(pool, std::move(addresses), std::move(done));
  });
}

void Pools::leave(PoolName pool, Reactor& reactor, std::function<void()> done) {
  impl_->reactor.post([impl = impl_.get(), pool, &reactor, done = std::move(done)]() mutable {
    gossip::Pool* leaving = impl->pool(pool);
    if (leaving == nullptr) return reactor.post(std::move(done));
    leaving->leave([&reactor, done = std::move(done)]() mutable { reactor.post(std::move(done)); });
  });
}

void Pools::force_leave(const std::string& name, bool prune, Reactor& reactor,
                        std::function<void(Status)> done) {
  impl_->reactor.post(
      [impl = impl_.get(), name, prune, done = answer_on<Status>(reactor, std::move(done))]() mutable {
        impl->force_leave(name, prune, std::move(done));
      });
}

void Pools::remove_failed(const std::string& name) {
  impl_->reactor.post([impl = impl_.get(), name] { impl->remove_failed(name, false, [](const Status&) {}); });
}

void Pools::user_event(std::string name, std::string payload, bool coalesce, Reactor& reactor,
                       std::function<void(Status)> done) {
  impl_->reactor.post([impl = impl_.get(), name = std::move(name), payload = std::move(payload), coalesce,
                       done = answer_on<Status>(reactor, std::move(done))]() mutable {
    if (impl->lan) done(impl->lan->user_event(std::move(name), std::move(payload), coalesce));
  });
}

void Pools::change_keys(PoolName pool, gossip::KeyOperation operation, std::string key, uint8_t relay_factor,
                        Reactor& reactor, std::function<void(Result<gossip::KeysDone>)> done) {
  impl_->reactor.post([impl = impl_.get(), pool, operation, key = std::move(key), relay_factor,
                       done = answer_on<Result<gossip::KeysDone>>(reactor, std::move(done))]() mutable {
    if (gossip::Pool* changed = impl->pool(pool))
      changed->change_keys(operation, key, relay_factor, std::move(done));
  });
}

void Pools::set_tag(const std::string& key, const std::string* value) {
  std::optional<std::string> set;
  if (value != nullptr) set = *value;
  impl_->reactor.post([impl = impl_.get(), key, set = std::move(set)] { impl->set_tag(key, set); });
}

void Pools::report(Reactor& reactor, std::function<void(PoolsReport)> done) {
  impl_->reactor.post([impl = impl_.get(), done = answer_on<PoolsReport>(reactor, std::move(done))] {
    done(impl->report());
  });
}

void Pools::wan_view(Reactor& reactor, std::function<void(server::WanView)> done) {
  impl_->reactor.post([impl = impl_.get(), done = answer_on<server::WanView>(reactor, std::move(done))] {
    done(impl->wan_view());
  });
}

}  // namespace praetor::agent
