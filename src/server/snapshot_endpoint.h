// The Snapshot endpoint: the whole state as an archive, out of a server and into one. On the wire it is no
// method but a connection of its own (wire.md 5.5), because it is a stream.
#pragma once

#include <functional>
#include <string>

#include "model/common.h"
#include "rpc/listener.h"
#include "server/gateway.h"

namespace praetor::server {

struct SnapshotRequest {
  std::string datacenter;
  std::string token;
  bool allow_stale = false;
  int64_t op = 0;  // kSnapshotSave, kSnapshotRestore
};
PRAETOR_DESCRIBED(SnapshotRequest)
inline constexpr int64_t kSnapshotSave = 0, kSnapshotRestore = 1;

struct SnapshotResponse {
  std::string error;
  model::QueryMeta meta;
};
PRAETOR_DESCRIBED(SnapshotResponse)

// What came of it: the archive of a save, and the index that it stands at.
struct SnapshotAnswer {
  model::QueryMeta meta;
  std::string archive;
};
using SnapshotDone = std::function<void(Result<SnapshotAnswer>)>;

// Saves or restores (`archive`) where the request says; `done` on the reactor.
void snapshot(Gateway& gateway, Reactor& reactor, const SnapshotRequest& request, std::string archive,
              SnapshotDone done);

// A request that came to port 8300.
void serve_snapshot(Gateway& gateway, Reactor& reactor, rpc::SnapshotCall call);

}  // namespace praetor::server
