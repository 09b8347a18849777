// How an agent reaches the endpoints: in this process when it is a server that may answer, else over RPC: on
// the leader, on a server of another datacenter, or (from a client agent) on any server. Retries are here and
// nowhere else (semantics.md, forwarding): while there is no leader, for rpc_hold_timeout, and where a
// request certainly did not arrive or changes nothing.
//
// Threads: every function on any of the agent's reactors; callbacks come on the reactor that was passed in.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/reactor.h"
#include "base/result.h"
#include "codec/msgpack.h"
#include "model/common.h"
#include "server/method.h"
#include "server/query_runner.h"
#include "server/server.h"

namespace praetor::rpc {
class Pool;
}

namespace praetor::server {

class Routes;

inline constexpr Duration kDefaultQueryTime = std::chrono::minutes(5);
inline constexpr Duration kMaxQueryTime = std::chrono::minutes(10);
// Beside the time that a query may block: for the way there and back.
inline constexpr Duration kCallTimeout = std::chrono::seconds(30);

struct GatewayOptions {
  std::string datacenter;
  std::string node_name;      // of this agent
  Server* server = nullptr;   // null on a client agent
  rpc::Pool* pool = nullptr;  // null: nobody else can be reached
  Routes* routes = nullptr;   // null: no other server is known but the leader
  Duration rpc_hold_timeout = std::chrono::seconds(7);
  Duration default_query_time = kDefaultQueryTime;
  Duration max_query_time = kMaxQueryTime;
};

// What is asked of the servers, before it is decided who answers.
struct Ask {
  std::string_view method;
  std::string datacenter;  // empty: the agent's own
  Place place = Place::kLeader;
  model::QueryOptions options;            // of reads
  std::function<std::string()> encode{};  // the request as one MessagePack value; called at most once
  // Of reads: the same for all that may share an answer, however long they wait for it.
  std::function<std::string()> share{};
  // How it is sent to another server, where that is no plain call (snapshots).
  std::function<void(rpc::Pool&, const std::string& address, const std::string& request,
                     std::function<void(Result<std::string>)> answered)>
      send{};
  bool repeatable = false;  // may be asked again when it is unknown whether it was carried out
};

class Gateway {
 public:
  explicit Gateway(GatewayOptions options);

  // A request under way. Dropping it changes nothing; cancel() when nobody waits for the answer any more.
  class Trip {
   public:
    virtual ~Trip() = default;
    virtual void cancel() = 0;
    virtual bool under_way() const = 0;  // neither callback has been called
  };
  using TripPtr = std::shared_ptr<Trip>;
  // The reply, one MessagePack value.
  using Elsewhere = std::function<void(Result<std::string>)>;

  // Any thread: requests under way are forgotten, and nobody else is asked any more. The pool may go then.
  void stop() { stopped_ = true; }

  Server* server() const { return options_.server; }
  const GatewayOptions& options() const { return options_; }

  // May this server answer itself, now, whom or what a request asks for? No allocation: most requests need no
  // more.
  bool answers_here(std::string_view datacenter, Place place, const model::QueryOptions& options) const;
  bool answers_here(std::string_view datacenter, const model::QueryOptions& options) const {
    return answers_here(datacenter, Place::kReadable, options);
  }

  // Has this server not heard of its leader for longer than a stale read may be behind (max_stale)?
  bool too_stale(const model::QueryOptions& options) const;

  // Exactly one of the two is called, perhaps at once: `here` when this server is to answer (then server() is
  // not null), else `elsewhere` with another's answer or why there is none.
  TripPtr route(Reactor& reactor, Ask ask, std::function<void()> here, Elsewhere elsewhere);

  // Catalog.ListDatacenters: the own one first, then the others by distance (server/datacenters.h). A server
  // knows them itself.
  void list_datacenters(Reactor& reactor, std::function<void(Result<codec::List<std::string>>)> done);

  // How long a blocking query may wait: what it asks for within the limits; and with up to a sixteenth more.
  Duration blocking_limit(const model::QueryOptions& options) const;
  Duration blocking_time(const model::QueryOptions& options) const;

  // Null when nothing is under way: this server has taken the call.
  template <typename Request, typename Reply>
  TripPtr call(Reactor& reactor, const CallMethod<Request, Reply>& method, Request request,
               std::function<void(Result<Reply>)> done) {
    Ask asked = unsent_ask(method.name, method.place, request);
    if (answers_here(asked.datacenter, asked.place, asked.options)) {
      method.function(*options_.server, reactor, std::move(request), std::move(done));
      return nullptr;
    }
    auto shared = std::make_shared<Request>(std::move(request));
    return route(
        reactor, ask(method, shared),
        [this, &reactor, &method, shared, done] {
          method.function(*options_.server, reactor, std::move(*shared), done);
        },
        [done](Result<std::string> reply) { done(decode<Reply>(std::move(reply))); });
  }

  // A read for the agent itself; blocking when its options say so. Null when it is answered.
  template <typename Request, typename Reply>
  TripPtr read(Reactor& reactor, const ReadMethod<Request, Reply>& method, Request request,
               std::function<void(Result<Reply>)> done) {
    if (request.options.min_query_index == 0 && answers_here(request.datacenter, request.options)) {
      Result<Reply> reply = options_.server->evaluate(method.function, request);
      if (reply) reply->meta.index = std::max<uint64_t>(reply->meta.index, 1);
      done(std::move(reply));
      return nullptr;
    }
    auto shared = std::make_shared<Request>(std::move(request));
    return read_encoded(
        reactor, ask(method, shared), producer(method, shared),
        [done = std::move(done)](Result<std::string> reply) { done(decode<Reply>(std::move(reply))); });
  }

  // The same where the reply stays encoded: port 8300. `produce` makes it, when this server is to.
  TripPtr read_encoded(Reactor& reactor, Ask ask, QueryRunner::Produce produce, Elsewhere done);

  template <typename Request, typename Reply>
  static Ask ask(const ReadMethod<Request, Reply>& method, const std::shared_ptr<Request>& request) {
    Ask ask = unsent_ask(method.name, Place::kReadable, *request);
    ask.encode = [request] { return codec::to_msgpack(*request); };
    ask.share = [request] {
      Request shared = *request;
      shared.options.min_query_index = 0;
      shared.options.max_query_time = {};
      return codec::to_msgpack(shared);
    };
    return ask;
  }
  template <typename Request, typename Reply>
  static Ask ask(const CallMethod<Request, Reply>& method, const std::shared_ptr<Request>& request) {
    Ask ask = unsent_ask(method.name, method.place, *request);
    ask.encode = [request] { return codec::to_msgpack(*request); };
    return ask;
  }
  // Evaluates the read and encodes the reply.
  template <typename Request, typename Reply>
  QueryRunner::Produce producer(const ReadMethod<Request, Reply>& method,
                                std::shared_ptr<Request> request) const {
    return [this, function = method.function,
            request = std::move(request)](ReadContext& context) -> Result<Rendering> {
      Reply reply;
      TRY(function(context, *request, reply));
      return encoded(context, reply.meta, codec::type_of<Reply>(), &reply);
    };
  }

  template <typename Reply>
  static Result<Reply> decode(Result<std::string> reply) {
    if (!reply) return std::unexpected(std::move(reply.error()));
    return codec::from_msgpack<Reply>(*reply);
  }

 private:
  class TripImpl;
  // What decides who answers; without what another server would be sent.
  template <typename Request>
  static Ask unsent_ask(std::string_view method, Place place, const Request& request) {
    Ask ask;
    ask.method = method;
    ask.place = place;
    if constexpr (requires { request.datacenter; }) ask.datacenter = request.datacenter;
    if constexpr (requires { request.options; }) ask.options = request.options;
    ask.repeatable = place != Place::kLeader;
    return ask;
  }
  Result<Rendering> encoded(ReadContext& context, model::QueryMeta& meta, const codec::Type& type,
                            const void* reply) const;

  GatewayOptions options_;
  std::atomic<bool> stopped_{false};
};

}  // namespace praetor::server
