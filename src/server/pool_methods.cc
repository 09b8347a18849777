#include "server/pool_methods.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/endpoint_metrics.h"
#include "server/server.h"

namespace praetor::server {
namespace {

constexpr const char* kNoPool = "this server has no gossip pool yet, or none any more";

// The answers of all datacenters, in the order in which they were asked. On one reactor.
class GlobalKeyring : public std::enable_shared_from_this<GlobalKeyring> {
 public:
  using Done = std::function<void(Result<model::KeyringResponses>)>;

  GlobalKeyring(model::KeyringResponse wan, size_t datacenters, Done done)
      : answers_(datacenters), missing_(datacenters), done_(std::move(done)) {
    reply_.responses.push_back(std::move(wan));
  }

  void ask(const Cluster& cluster, Reactor& reactor, size_t place, const model::KeyringRequest& request) {
    cluster.ask_keyring(reactor, request,
                        [self = shared_from_this(), place](Result<model::KeyringResponses> answer) {
                          self->answers_[place] = std::move(answer);
                          if (--self->missing_ == 0) self->finish();
                        });
  }

 private:
  void finish() {
    for (Result<model::KeyringResponses>& answer : answers_) {
      if (!answer) return done_(std::unexpected(std::move(answer.error())));
      for (model::KeyringResponse& response : answer->responses)
        reply_.responses.push_back(std::move(response));
    }
    done_(std::move(reply_));
  }

  model::KeyringResponses reply_;
  std::vector<Result<model::KeyringResponses>> answers_;
  size_t missing_;
  Done done_;
};

}  // namespace

void fire_event(Server& server, Reactor& reactor, model::EventFireRequest request,
                std::function<void(Result<model::EventFireResponse>)> done) {
  count_rpc();
  const Cluster& cluster = server.options().cluster;
  if (!cluster.fire_event) return done(fail(kNoPool));
  cluster.fire_event(reactor, std::move(request.name), std::move(request.payload),
                     [&server, done = std::move(done)](const Status& fired) {
                       if (!fired) return done(fail(fired.error()));
                       model::EventFireResponse reply;
                       server.set_contact(reply.meta);
                       done(std::move(reply));
                     });
}

void operate_keyring(Server& server, Reactor& reactor, model::KeyringRequest request,
                     std::function<void(Result<model::KeyringResponses>)> done) {
  count_rpc();
  if (request.local_only && request.operation != "list")
    return done(fail("argument error: LocalOnly can only be used for List operations"));
  const Cluster& cluster = server.options().cluster;
  if (!cluster.change_keys) return done(fail(kNoPool));
  std::vector<std::string> datacenters = cluster.datacenters();
  bool here_only = request.local_only || request.forwarded || datacenters.empty();
  if (here_only)
    return cluster.change_keys(reactor, false, request, [done = std::move(done)](model::KeyringResponse lan) {
      model::KeyringResponses reply;
      reply.responses.push_back(std::move(lan));
      done(std::move(reply));
    });
  auto ask_all = [&cluster, &reactor, request, datacenters,
                  done = std::move(done)](model::KeyringResponse wan) {
    auto global = std::make_shared<GlobalKeyring>(std::move(wan), datacenters.size(), done);
    model::KeyringRequest each = request;
    each.forwarded = true;
    for (size_t place = 0; place < datacenters.size(); ++place) {
      each.datacenter = datacenters[place];
      global->ask(cluster, reactor, place, each);
    }
  };
  cluster.change_keys(reactor, true, request, std::move(ask_all));
}

}  // namespace praetor::server
