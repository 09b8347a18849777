#include "fsm/fsm.h"

#include <string>

#include "base/metrics.h"
#include "base/text.h"
#include "codec/msgpack.h"
#include "fsm/opaque_apply.h"
#include "fsm/records.h"
#include "fsm/snapshot.h"
#include "model/catalog.h"
#include "model/kv.h"
#include "store/catalog.h"
#include "store/kv.h"
#include "store/session.h"
#include "store/txn.h"

namespace praetor::fsm {
namespace {

using model::MessageType;
using store::WriteTxn;
namespace op = model::kv_op;

// The measure of one kind of entry, by its operation.
class OperationSamples {
 public:
  OperationSamples(const char* name, std::initializer_list<const char*> operations) {
    for (const char* operation : operations)
      samples_.emplace_back(operation, Sample(name, {{"op", operation}}));
  }
  const Sample* find(std::string_view operation) const {
    for (const auto& [name, sample] : samples_)
      if (name == operation) return &sample;
    return nullptr;
  }

 private:
  std::vector<std::pair<std::string_view, Sample>> samples_;
};

std::any to_any(Status status) { return status ? std::any() : std::any(std::move(status).error()); }
std::any to_any(Result<const store::KvLeaf*> leaf) {
  return leaf ? std::any(*leaf != nullptr) : std::any(std::move(leaf).error());
}

std::any apply_kv(WriteTxn& txn, std::string_view payload, const Sample*& sample) {
  static const OperationSamples samples(
      "fsm.kvs", {op::kSet, op::kDelete, op::kDeleteCAS, op::kDeleteTree, op::kCAS, op::kLock, op::kUnlock});
  Cursor cursor(payload);
  auto command = read_kv_command(cursor);
  if (!command) return std::move(command).error();
  const store::KvFields& fields = command->fields;
  std::string_view verb = command->op;
  sample = samples.find(verb);
  if (verb == op::kSet) return store::kv_set(txn, fields), std::any(true);
  if (verb == op::kDelete) return store::kv_delete(txn, fields.key), std::any(true);
  if (verb == op::kDeleteTree) return store::kv_delete_tree(txn, fields.key), std::any(true);
  if (verb == op::kDeleteCAS) return store::kv_delete_cas(txn, fields.key, fields.modify_index);
  if (verb == op::kCAS) return store::kv_cas(txn, fields, fields.modify_index) != nullptr;
  if (verb == op::kLock) return to_any(store::kv_lock(txn, fields));
  if (verb == op::kUnlock) return to_any(store::kv_unlock(txn, fields));
  return Error{"Invalid KVS operation '" + std::string(verb) + "'"};
}

std::any apply_session(WriteTxn& txn, model::SessionRequest request, const Sample*& sample) {
  static const OperationSamples samples("fsm.session", {"create", "destroy"});
  sample = samples.find(request.op);
  if (request.op == "destroy") return to_any(store::session_destroy(txn, request.session.id));
  if (request.op != "create") return Error{"Invalid Session operation '" + request.op + "'"};
  std::string id = request.session.id;
  auto created = store::session_create(txn, std::move(request.session));
  return created ? std::any(std::move(id)) : std::any(std::move(created).error());
}

std::any apply_tombstone(WriteTxn& txn, const model::TombstoneRequest& request, const Sample*& sample) {
  static const OperationSamples samples("fsm.tombstone", {"reap"});
  sample = samples.find(request.op);
  if (request.op != "reap") return Error{"Invalid Tombstone operation '" + request.op + "'"};
  store::kv_reap_tombstones(txn, request.reap_index);
  return {};
}

// Decodes the request and hands it to `apply`.
template <typename Request, typename Apply>
std::any with_request(std::string_view payload, Apply apply) {
  auto request = codec::from_msgpack<Request>(payload);
  if (!request) return Error{"failed to decode request: " + request.error().message, ErrorKind::kCorrupt};
  return apply(std::move(*request));
}

// `sample`: what measures this entry, when something does.
std::any dispatch(WriteTxn& txn, uint8_t type_byte, std::string_view payload, const Sample*& sample) {
  static const Sample registers("fsm.register"), deregisters("fsm.deregister"), txns("fsm.txn"),
      coordinates("fsm.coordinate.batch-update"), autopilot("fsm.autopilot");
  bool may_ignore = (type_byte & model::kIgnoreUnknownTypeFlag) != 0;
  auto type = static_cast<MessageType>(type_byte & ~model::kIgnoreUnknownTypeFlag);
  switch (type) {
    case MessageType::kRegister:
      sample = &registers;
      return with_request<model::RegisterRequest>(
          payload, [&](const auto& request) { return to_any(store::catalog_register(txn, request)); });
    case MessageType::kDeregister:
      sample = &deregisters;
      return with_request<model::DeregisterRequest>(
          payload, [&](const auto& request) { return to_any(store::catalog_deregister(txn, request)); });
    case MessageType::kKVS:
      return apply_kv(txn, payload, sample);
    case MessageType::kSession:
      return with_request<model::SessionRequest>(
          payload, [&](auto request) { return apply_session(txn, std::move(request), sample); });
    case MessageType::kTombstone:
      return with_request<model::TombstoneRequest>(
          payload, [&](const auto& request) { return apply_tombstone(txn, request, sample); });
    case MessageType::kCoordinateBatchUpdate:
      sample = &coordinates;
      return with_request<model::List<model::Coordinate>>(payload, [&](const auto& batch) {
        store::coordinates_put(txn, batch);
        return std::any();
      });
    case MessageType::kTxn:
      sample = &txns;
      return with_request<model::TxnRequest>(
          payload, [&](const auto& request) { return std::any(store::txn_apply(txn, request.ops)); });
    case MessageType::kACL:
    case MessageType::kPreparedQuery:
    case MessageType::kAutopilot:
    case MessageType::kACLBootstrap:
    case MessageType::kIntention:
    case MessageType::kConnectCA:
    case MessageType::kACLTokenSet:
    case MessageType::kACLTokenDelete:
    case MessageType::kACLPolicySet:
    case MessageType::kACLPolicyDelete:
    case MessageType::kConnectCALeaf:
    case MessageType::kConfigEntry:
    case MessageType::kACLRoleSet:
    case MessageType::kACLRoleDelete:
    case MessageType::kACLBindingRuleSet:
    case MessageType::kACLBindingRuleDelete:
    case MessageType::kACLAuthMethodSet:
    case MessageType::kACLAuthMethodDelete:
    case MessageType::kFederationState:
      if (type == MessageType::kAutopilot) sample = &autopilot;
      return apply_opaque(txn, type, payload);
    default:
      break;
  }
  if (may_ignore) return {};
  // Consul stops here. So must whoever drives this machine: the servers that know the type go on without it.
  return Error{"failed to apply request: unknown type " + std::to_string(type_byte), ErrorKind::kCorrupt};
}

bool failed(const std::any& result) {
  if (std::any_cast<Error>(&result) != nullptr) return true;
  const auto* response = std::any_cast<model::TxnResponse>(&result);
  return response != nullptr && !response->errors.empty();
}

}  // namespace

std::any Fsm::apply(const raft::Entry& entry) {
  if (entry.extensions.empty()) return apply_command(entry.index, entry.data);
  auto info = decode_chunk_info(entry.extensions);
  if (!info) return std::move(info).error();
  auto whole = chunks_.add(*info, entry.term, entry.data);
  if (!whole) return std::move(whole).error();
  if (!*whole) return {};
  return apply_command(entry.index, **whole);
}

std::any Fsm::apply_command(uint64_t index, std::string_view data) {
  if (data.empty()) return Error{"empty log entry", ErrorKind::kCorrupt};
  store_.begin(index);
  Instant start = system_clock().now();
  const Sample* sample = nullptr;
  std::any result = dispatch(store_, static_cast<uint8_t>(data[0]), data.substr(1), sample);
  if (failed(result)) {
    store_.rollback();
  } else {
    store_.commit();
  }
  if (sample) sample->since(start);
  return result;
}

std::unique_ptr<raft::SnapshotWriter> Fsm::snapshot() {
  store_.publish();  // what was applied belongs to it
  std::string chunks;
  chunks_.write(chunks);
  return make_snapshot_writer(store_.view(), std::move(chunks));
}

Status Fsm::restore(raft::SnapshotReader& reader, const raft::SnapshotMeta& meta) {
  store::Store fresh;
  ChunkAssembler chunks;
  TRY(read_snapshot(reader, meta.index, fresh, chunks));
  store_.adopt(fresh);
  chunks_ = std::move(chunks);
  return {};
}

}  // namespace praetor::fsm
