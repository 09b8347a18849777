// A server agent's core: consensus, state and the leader's duties, behind one object. Every request, from
// HTTP, RPC, DNS or the agent itself, becomes a read over the store (read.h) or a log entry here: there is no
// second path. Runs without sockets of its own.
//
// Threads: the functions may be called on any of the reactors given at the start; callbacks come back on the
// reactor that is passed in.
#pragma once

#include <any>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/reactor.h"
#include "base/result.h"
#include "model/common.h"
#include "model/operator.h"
#include "raft/node.h"
#include "server/cluster.h"
#include "server/query_runner.h"
#include "server/read.h"

namespace praetor::store {
class Store;
}

namespace praetor::server {

class LeaderDuties;
class MemberDuties;
class CoordinateUpdates;

struct ServerOptions {
  std::string datacenter;
  std::string node_name;
  std::string node_id;
  std::string advertise_address;  // IP that the catalog shows for this node
  codec::Map<std::string> tagged_addresses;
  codec::Map<std::string> node_meta;
  uint16_t server_port = 8300;
  std::string build = "1.8.7";
  int64_t raft_protocol = 3;

  std::string data_dir;    // raft/ is made below it
  bool in_memory = false;  // -dev
  bool bootstrap = false;
  int64_t bootstrap_expect = 0;  // > 1: without state, waits for so many servers and begins with them
  raft::Timings timings;
  Duration snapshot_interval = std::chrono::seconds(30);
  uint64_t snapshot_threshold = 16384;
  uint64_t trailing_logs = 10240;

  Duration rpc_hold_timeout = std::chrono::seconds(7);
  Duration session_ttl_min = std::chrono::seconds(10);
  Duration tombstone_ttl = std::chrono::minutes(15);
  Duration tombstone_granularity = std::chrono::seconds(30);

  Duration reconcile_interval = std::chrono::seconds(60);     // of all members with the catalog
  Duration server_health_interval = std::chrono::seconds(2);  // between autopilot's questions
  Duration autopilot_interval = std::chrono::seconds(10);     // between its promotions and clean-ups
  Duration coordinate_update_period = std::chrono::seconds(5);
  model::AutopilotConfig autopilot;  // what a new cluster starts with

  Cluster cluster;  // empty: this server is alone

  std::vector<Reactor*> reactors;  // not owned; outlive the server
  // Told on the first reactor when this server starts or ceases to lead (after its duties are set up).
  std::function<void(bool leader)> on_leadership;
};

// What the state machine answered to the entry at `index`.
using ApplyResult = raft::ProposalResult;

// Of a server that leaves (semantics.md 19).
inline constexpr Duration kRemovalPatience = std::chrono::seconds(5);

inline constexpr const char* kErrNoLeader = "No cluster leader";

class Server {
 public:
  static Result<std::unique_ptr<Server>> start(ServerOptions options);
  ~Server();  // stop()
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Ends consensus and the leader's duties. The reactors must still run; idempotent.
  void stop();

  const ServerInfo& info() const { return info_; }
  const ServerOptions& options() const { return options_; }
  const store::Store& store() const;
  raft::Node& raft() { return *raft_; }
  LeaderDuties& leader_duties() { return *duties_; }
  CoordinateUpdates& coordinates() { return *coordinates_; }
  MemberDuties& members() { return *members_; }
  const MemberDuties& members() const { return *members_; }
  QueryRunner& queries(Reactor& reactor);

  // Takes this server out of the quorum in good order, in two parts, between which the gossip pools are left.
  // First: a leader hands over to another server, if one could lead. `done` always comes, on the reactor.
  void begin_leave(Reactor& reactor, std::function<void()> done);
  // Then: waits until the leader has taken this server out of raft's configuration, kRemovalPatience at most.
  void finish_leave(Reactor& reactor, std::function<void()> done);

  // What Status.Peers and Status.RaftStats answer.
  std::vector<std::string> raft_peers() const;
  model::RaftStats raft_stats() const;

  // "ip:port" of the leader, empty when none is known.
  std::string leader_address() const;
  bool known_leader() const;
  int64_t last_contact_ms() const;
  // How well this server knows its leader, as a reply says it.
  void set_contact(model::QueryMeta& meta) const;
  // "ip:port" of this server's own RPC.
  const std::string& raft_address() const { return raft_address_; }

  // Sets the gauges that are read at intervals (the log's indexes, the leader's). On the first
  // reactor, about once a second.
  void observe();

  // Runs a read over the state as it is now, whoever leads (a Gateway decides whether it may); the reply says
  // how well this server knows its leader. Any thread.
  template <typename Request, typename Reply>
  Result<Reply> evaluate(ReadFunction<Request, Reply> function, const Request& request) const {
    Reply reply;
    TRY(look([&](ReadContext& context) { return function(context, request, reply); }));
    set_contact(reply.meta);
    return reply;
  }
  // Calls `ready` when this server leads with a lease; it waits for rpc_hold_timeout, then fails with
  // kErrNoLeader.
  void when_leading(Reactor& reactor, std::function<void(Status)> ready);

  // Makes the request a log entry; `applied` gets the state machine's answer (an Error that the state machine
  // returned becomes the Result's error). Where this server does not lead: as when_leading.
  using Applied = std::function<void(Result<ApplyResult>)>;
  void apply(Reactor& reactor, model::MessageType type, const codec::Type& request_type, const void* request,
             Applied applied);
  template <typename Request>
  void apply(Reactor& reactor, model::MessageType type, const Request& request, Applied applied) {
    apply(reactor, type, codec::type_of<Request>(), &request, std::move(applied));
  }
  void apply_encoded(Reactor& reactor, std::string entry, Applied applied);

 private:
  Status look(const std::function<Status(ReadContext&)>& read) const;
  struct State;
  explicit Server(ServerOptions options);
  Status open();
  void propose(Reactor& reactor, std::string entry, Instant deadline, Applied applied);
  void await_leader(Reactor& reactor, Instant deadline, std::function<void(Status)> ready);
  void on_raft_leadership(bool leader);
  void tell_duties(bool leader);
  void hand_over(Reactor& reactor, std::vector<std::string> next, std::function<void()> done);
  void remove_self(Reactor& reactor, std::function<void()> done);
  void await_removal(Reactor& reactor, Instant deadline, std::function<void()> done);

  ServerOptions options_;
  bool stopped_ = false;
  ServerInfo info_;
  std::string raft_address_;
  std::unique_ptr<State> state_;
  std::unique_ptr<LeaderDuties> duties_;
  std::unique_ptr<MemberDuties> members_;
  std::unique_ptr<CoordinateUpdates> coordinates_;
  std::unique_ptr<raft::Node> raft_;
  // A quorum of one may lead before start() has its node: the duties hear of it once they can use it.
  std::mutex opening_;
  bool opened_ = false;                   // guarded by opening_
  std::optional<bool> early_leadership_;  // guarded by opening_
};

}  // namespace praetor::server
