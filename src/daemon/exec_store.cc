#include "daemon/exec_store.h"

#include <future>
#include <memory>

#include "server/gateway.h"
#include "server/kvs.h"

namespace praetor::daemon {
namespace {

constexpr Duration kPatience = std::chrono::seconds(30);

// Waits for what `ask` is to give to the function that it gets, on the reactor.
template <typename Answer>
Result<Answer> wait_for(Reactor& reactor, std::function<void(std::function<void(Result<Answer>)>)> ask) {
  auto promise = std::make_shared<std::promise<Result<Answer>>>();
  auto answer = promise->get_future();
  reactor.post([promise, ask = std::move(ask)] {
    ask([promise](Result<Answer> given) { promise->set_value(std::move(given)); });
  });
  if (answer.wait_for(kPatience) != std::future_status::ready) return fail("no answer", ErrorKind::kTimeout);
  return answer.get();
}

}  // namespace

agent::RemoteExecStore exec_store(server::Gateway& gateway, Reactor& reactor, std::string datacenter,
                                  std::string token) {
  agent::RemoteExecStore store;
  store.get = [&gateway, &reactor, datacenter, token](const std::string& key) {
    model::KeyRequest request;
    request.datacenter = datacenter;
    request.key = key;
    request.options.token = token;
    // What was written a moment ago has to be there.
    request.options.require_consistent = true;
    return wait_for<std::string>(reactor, [&gateway, &reactor, request](auto done) {
      gateway.read<model::KeyRequest, model::IndexedDirEntries>(
          reactor, server::kKvsGet, request,
          [done, key = request.key](Result<model::IndexedDirEntries> reply) {
            if (!reply) return done(fail(std::move(reply.error())));
            if (reply->entries.empty()) return done(fail("no such key: " + key, ErrorKind::kNotFound));
            done(std::string(reply->entries.front().value));
          });
    });
  };
  store.put = [&gateway, &reactor, datacenter = std::move(datacenter), token = std::move(token)](
                  const std::string& key, const std::string& value, const std::string& session) {
    model::KVSRequest request;
    request.datacenter = datacenter;
    request.op = model::kv_op::kLock;
    request.dir_ent.key = key;
    request.dir_ent.value = value;
    request.dir_ent.session = session;
    request.write.token = token;
    return wait_for<bool>(reactor, [&gateway, &reactor, request](auto done) {
      gateway.call<model::KVSRequest, bool>(reactor, server::kKvsApply, request, std::move(done));
    });
  };
  return store;
}

}  // namespace praetor::daemon
