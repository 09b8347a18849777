// Port 8300's requests: finds the method that a request names, and lets the gateway decide who answers it, as
// for a request of this agent's own. The list of the methods is here (methods.cc).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rpc/listener.h"
#include "server/gateway.h"

namespace praetor::server {

// One method without its types.
struct MethodEntry {
  std::string_view name;
  void (*serve)(Gateway& gateway, const void* method, const rpc::CallPtr& call) = nullptr;
  const void* method = nullptr;
};

// Null when there is none of that name.
const MethodEntry* find_method(std::string_view name);
std::vector<std::string_view> method_names();  // sorted

class RpcEndpoint final : public rpc::Handler {
 public:
  // The gateway outlives it and the listener that calls it.
  explicit RpcEndpoint(Gateway& gateway) : gateway_(gateway) {}
  void call(rpc::CallPtr call) override;
  void snapshot(Reactor& reactor, rpc::SnapshotCall call) override;

 private:
  Gateway& gateway_;
};

}  // namespace praetor::server
