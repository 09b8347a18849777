// Reads: functions over a pinned view of the store, run on the caller's reactor without any hand-over.
//
// An endpoint's read is `Status f(ReadContext&, const Request&, Reply&)`. It fills the reply (its QueryMeta's
// index is what X-Consul-Index says), notes in the context what it depended on, and does nothing else: the
// same function serves HTTP, RPC, DNS and the agent's own caches, blocking or not.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "model/common.h"

namespace praetor::store {
struct ReadIndex;
struct Tables;
class WatchSet;
}  // namespace praetor::store

namespace praetor::server {

// What a server is, as reads see it.
struct ServerInfo {
  std::string datacenter;
  std::string node_name;
  std::string node_id;
};

struct ReadContext {
  const store::Tables& tables;
  const ServerInfo& info;
  store::WatchSet* watch = nullptr;  // out: the keys that the result depends on; null when nobody will wait
  // Out: nothing about the result changed after this index. At most the reply's index; smaller where Consul's
  // index is coarser than the result (semantics.md 1), which is what makes false wake-ups.
  uint64_t changed = 0;
};

// Hands on the index of what was read from the store.
void set_index(ReadContext& context, model::QueryMeta& meta, const store::ReadIndex& read);

template <typename Request, typename Reply>
using ReadFunction = Status (*)(ReadContext&, const Request&, Reply&);

}  // namespace praetor::server
