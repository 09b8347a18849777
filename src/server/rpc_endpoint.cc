#include "server/rpc_endpoint.h"

#include <algorithm>
#include <utility>

#include "server/endpoint_metrics.h"
#include "server/snapshot_endpoint.h"

namespace praetor::server {

void RpcEndpoint::call(rpc::CallPtr call) {
  static const Counter requests("rpc.request"), errors("rpc.request_error");
  requests.add();
  const MethodEntry* entry = find_method(call->method());
  if (!entry) {
    errors.add();
    // As Go's net/rpc: is there such a service at all?
    const std::string& name = call->method();
    std::string service = name.substr(0, name.find('.') + 1);
    auto names = method_names();
    bool known = !service.empty() && std::any_of(names.begin(), names.end(), [&](std::string_view each) {
      return each.starts_with(service);
    });
    return call->respond(fail((known ? "rpc: can't find method " : "rpc: can't find service ") + name));
  }
  entry->serve(gateway_, entry->method, call);
}

void RpcEndpoint::snapshot(Reactor& reactor, rpc::SnapshotCall call) {
  serve_snapshot(gateway_, reactor, std::move(call));
}

}  // namespace praetor::server
