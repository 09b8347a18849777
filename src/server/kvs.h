// The KVS endpoint: keys and locks.
#pragma once

#include <functional>

#include "model/kv.h"
#include "server/method.h"
#include "server/read.h"
#include "server/server.h"

namespace praetor::server {

// KVS.Get: the entry, or none. KVS.List: everything below a prefix. KVS.ListKeys: names only.
Status kvs_get(ReadContext& context, const model::KeyRequest& request, model::IndexedDirEntries& reply);
Status kvs_list(ReadContext& context, const model::KeyRequest& request, model::IndexedDirEntries& reply);
Status kvs_list_keys(ReadContext& context, const model::KeyListRequest& request,
                     model::IndexedKeyList& reply);

// KVS.Apply. false: the condition of a cas, lock, unlock or delete-cas did not hold, or a lock-delay is
// active.
void kvs_apply(Server& server, Reactor& reactor, model::KVSRequest request,
               std::function<void(Result<bool>)> done);

inline constexpr ReadMethod<model::KeyRequest, model::IndexedDirEntries> kKvsGet{"KVS.Get", kvs_get};
inline constexpr ReadMethod<model::KeyRequest, model::IndexedDirEntries> kKvsList{"KVS.List", kvs_list};
inline constexpr ReadMethod<model::KeyListRequest, model::IndexedKeyList> kKvsListKeys{"KVS.ListKeys",
                                                                                       kvs_list_keys};
inline constexpr CallMethod<model::KVSRequest, bool> kKvsApply{"KVS.Apply", kvs_apply};

}  // namespace praetor::server
