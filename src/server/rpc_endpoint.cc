#include "server/rpc_endpoint.h"

#include <utility>

#include "server/endpoint_metrics.h"
#include "server/server.h"

namespace praetor::server {

void RpcEndpoint::call(rpc::CallPtr call) {
  static const Counter requests("rpc.request"), errors("rpc.request_error");
  requests.add();
  const MethodEntry* entry = find_method(call->method());
  if (!entry) {
    errors.add();
    // As Go's net/rpc: a name without a service, or a method that the service has not.
    const std::string& name = call->method();
    bool formed = name.find('.') != name.npos;
    return call->respond(
        fail((formed ? "rpc: can't find method " : "rpc: service/method request ill-formed: ") + name));
  }
  entry->serve(gateway_, entry->method, call);
}

void RpcEndpoint::snapshot(Reactor&, rpc::SnapshotCall call) { call.respond("", nullptr); }

}  // namespace praetor::server
