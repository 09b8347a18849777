#include "server/kvs.h"

#include "server/endpoint_metrics.h"
#include "server/leader_duties.h"
#include "store/kv.h"

namespace praetor::server {

Status kvs_get(ReadContext& context, const model::KeyRequest& request, model::IndexedDirEntries& reply) {
  store::ReadIndex read;
  if (const store::KvLeaf* leaf = store::kv_get(context.tables, request.key, context.watch, &read))
    reply.entries.push_back(store::to_dir_entry(*leaf));
  set_index(context, reply.meta, read);
  return {};
}

Status kvs_list(ReadContext& context, const model::KeyRequest& request, model::IndexedDirEntries& reply) {
  auto read = store::kv_list(context.tables, request.key, context.watch, [&](const store::KvLeaf& leaf) {
    reply.entries.push_back(store::to_dir_entry(leaf));
  });
  set_index(context, reply.meta, read);
  return {};
}

Status kvs_list_keys(ReadContext& context, const model::KeyListRequest& request,
                     model::IndexedKeyList& reply) {
  std::vector<std::string> keys;
  auto read = store::kv_keys(context.tables, request.prefix, request.separator, context.watch, keys);
  reply.keys = std::move(keys);
  set_index(context, reply.meta, read);
  return {};
}

void kvs_apply(Server& server, Reactor& reactor, model::KVSRequest request,
               std::function<void(Result<bool>)> done) {
  static const Sample time("kvs.apply");
  count_rpc();
  done = timed(time, std::move(done));
  if (request.dir_ent.key.empty() && request.op != model::kv_op::kDeleteTree)
    return done(fail("Must provide key"));
  // Lock-delays are the leader's memory, on purpose: they bound how long a dead holder may still write, and a
  // new leader has been elected for longer than most of them.
  if (request.op == model::kv_op::kLock && server.leader_duties().lock_delayed(request.dir_ent.key))
    return done(false);
  server.apply(reactor, model::MessageType::kKVS, request,
               [done = std::move(done)](Result<ApplyResult> applied) {
                 if (!applied) return done(std::unexpected(std::move(applied.error())));
                 const bool* held = std::any_cast<bool>(&applied->value);
                 done(held ? *held : true);
               });
}

}  // namespace praetor::server
