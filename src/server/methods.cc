// Every method of a server that other agents may call (wire.md 5.9).
#include <algorithm>
#include <array>
#include <memory>

#include "server/autopilot.h"
#include "server/catalog.h"
#include "server/coordinates.h"
#include "server/datacenters.h"
#include "server/internal_ui.h"
#include "server/kvs.h"
#include "server/operator.h"
#include "server/pool_methods.h"
#include "server/prepared_query.h"
#include "server/rpc_endpoint.h"
#include "server/session.h"
#include "server/status.h"
#include "server/txn.h"

namespace praetor::server {
namespace {

// The request, decoded; answers and returns null when it is malformed.
template <typename Request>
std::shared_ptr<Request> decode(const rpc::CallPtr& call) {
  auto request = std::make_shared<Request>();
  Cursor cursor(call->body());
  if (Status read = codec::read_msgpack(cursor, *request); !read) {
    call->respond(fail("msgpack decode error: " + read.error().message));
    return nullptr;
  }
  return request;
}

void follow(const rpc::CallPtr& call, Gateway::TripPtr trip) {
  call->on_cancel([trip = std::move(trip)] { trip->cancel(); });
}

template <typename Request, typename Reply>
void serve(Gateway& gateway, const ReadMethod<Request, Reply>& method, const rpc::CallPtr& call) {
  auto request = decode<Request>(call);
  if (!request) return;
  Ask ask = Gateway::ask(method, request);
  // Handed on as it came.
  ask.encode = [call] { return std::move(call->body()); };
  follow(call, gateway.read_encoded(call->reactor(), std::move(ask), gateway.producer(method, request),
                                    [call](Result<std::string> reply) { call->respond(std::move(reply)); }));
}

template <typename Request, typename Reply>
void serve(Gateway& gateway, const CallMethod<Request, Reply>& method, const rpc::CallPtr& call) {
  auto request = decode<Request>(call);
  if (!request) return;
  Ask ask = Gateway::ask(method, request);
  ask.encode = [call] { return std::move(call->body()); };
  auto here = [&gateway, &method, request, call] {
    method.function(*gateway.server(), call->reactor(), std::move(*request), [call](Result<Reply> reply) {
      if (!reply) return call->respond(std::unexpected(std::move(reply.error())));
      call->respond(codec::to_msgpack(*reply));
    });
  };
  gateway.route(call->reactor(), std::move(ask), std::move(here),
                [call](Result<std::string> reply) { call->respond(std::move(reply)); });
}

// Known to every server's routes; no method of the state.
void serve_datacenters(Gateway& gateway, const void*, const rpc::CallPtr& call) {
  gateway.list_datacenters(call->reactor(), [call](Result<codec::List<std::string>> names) {
    if (!names) return call->respond(std::unexpected(std::move(names.error())));
    call->respond(codec::to_msgpack(*names));
  });
}

template <typename Method>
MethodEntry entry(const Method& method) {
  return {method.name,
          [](Gateway& gateway, const void* erased, const rpc::CallPtr& call) {
            serve(gateway, *static_cast<const Method*>(erased), call);
          },
          &method};
}

auto make_table() {
  std::array table = {
      entry(kCatalogRegister),
      entry(kCatalogDeregister),
      MethodEntry{"Catalog.ListDatacenters", serve_datacenters, nullptr},
      entry(kCatalogListNodes),
      entry(kCatalogListServices),
      entry(kCatalogServiceNodes),
      entry(kCatalogNodeServices),
      entry(kCatalogNodeServiceList),
      entry(kCoordinateListDatacenters),
      entry(kCoordinateListNodes),
      entry(kCoordinateNode),
      entry(kCoordinateUpdate),
      entry(kHealthChecksInState),
      entry(kHealthNodeChecks),
      entry(kHealthServiceChecks),
      entry(kHealthServiceNodes),
      entry(kInternalEventFire),
      entry(kInternalKeyringOperation),
      entry(kInternalNodeInfo),
      entry(kInternalNodeDump),
      entry(kInternalServiceDump),
      entry(kKvsApply),
      entry(kKvsGet),
      entry(kKvsList),
      entry(kKvsListKeys),
      entry(kOperatorAutopilotGetConfiguration),
      entry(kOperatorAutopilotSetConfiguration),
      entry(kOperatorRaftGetConfiguration),
      entry(kOperatorRaftRemovePeerByAddress),
      entry(kOperatorRaftRemovePeerById),
      entry(kOperatorServerHealth),
      entry(kPreparedQueryApply),
      entry(kPreparedQueryExecute),
      entry(kPreparedQueryExecuteRemote),
      entry(kPreparedQueryExplain),
      entry(kPreparedQueryGet),
      entry(kPreparedQueryList),
      entry(kSessionApply),
      entry(kSessionGet),
      entry(kSessionList),
      entry(kSessionNodeSessions),
      entry(kSessionRenew),
      entry(kStatusLeader),
      entry(kStatusPeers),
      entry(kStatusPing),
      entry(kStatusRaftStats),
      entry(kTxnApply),
      entry(kTxnRead),
  };
  std::sort(table.begin(), table.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return table;
}

const auto& table() {
  static const auto methods = make_table();
  return methods;
}

}  // namespace

const MethodEntry* find_method(std::string_view name) {
  auto at =
      std::lower_bound(table().begin(), table().end(), name,
                       [](const MethodEntry& each, std::string_view wanted) { return each.name < wanted; });
  return at != table().end() && at->name == name ? &*at : nullptr;
}

std::vector<std::string_view> method_names() {
  std::vector<std::string_view> names;
  for (const MethodEntry& each : table()) names.push_back(each.name);
  return names;
}

}  // namespace praetor::server
