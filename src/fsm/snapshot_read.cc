#include <algorithm>
#include <string>

#include "codec/msgpack.h"
#include "codec/value.h"
#include "fsm/acl_apply.h"
#include "fsm/records.h"
#include "fsm/snapshot.h"
#include "model/catalog.h"
#include "model/kv.h"
#include "store/catalog.h"
#include "store/kv.h"
#include "store/opaque.h"
#include "store/session.h"

namespace praetor::fsm {
namespace {

using model::MessageType;
using store::Table;
namespace msgpack = codec::msgpack;

// Records a transaction: bounds what a transaction must remember.
constexpr size_t kBatch = 4096;

class Restorer {
 public:
  Restorer(store::Store& store, ChunkAssembler& chunks) : store_(store), chunks_(chunks) {}

  Status run(std::string_view data, uint64_t index) {
    Cursor cursor(data);
    TRY_ASSIGN(uint64_t last_index, header(cursor));
    if (index == 0) index = last_index;
    store_.begin(index);
    Status status = records(cursor);
    // What the snapshot does not tell counts as changed by its last entry.
    store_.set_activity_floor(index);
    store_.set_reaped_index(index);
    store_.set_node_removal_index(index);
    store_.commit();
    store_.publish();
    return status;
  }

 private:
  Result<uint64_t> header(Cursor& cursor) {
    uint64_t index = 0;
    for (size_t left = msgpack::get_map(cursor); left > 0 && cursor.ok(); left--) {
      if (msgpack::get_text(cursor) == "LastIndex") {
        index = msgpack::get_uint(cursor);
      } else {
        msgpack::skip(cursor);
      }
    }
    if (!cursor.ok()) return fail("snapshot header is malformed", ErrorKind::kCorrupt);
    return index;
  }

  Status records(Cursor& cursor) {
    for (size_t count = 1; !cursor.at_end(); count++) {
      size_t start = cursor.offset();
      auto type = static_cast<MessageType>(cursor.u8() & ~model::kIgnoreUnknownTypeFlag);
      if (auto done = record(type, cursor); !done) {
        return fail("snapshot record at " + std::to_string(start) + ": " + done.error().message,
                    ErrorKind::kCorrupt);
      }
      if (count % kBatch == 0) {
        uint64_t index = store_.index();
        store_.commit();
        store_.begin(index);
      }
    }
    return cursor.ok() ? Status() : fail("snapshot ends inside a record", ErrorKind::kCorrupt);
  }

  // Snapshots of old servers have no index table: the records' own indexes stand in until it comes.
  void raise(Table table, uint64_t index) {
    store_.set_table_index(table, std::max(index, store_.tables().table_index(table)));
  }

  Status record(MessageType type, Cursor& cursor) {
    switch (type) {
      case MessageType::kRegister:
        return registration(cursor);
      case MessageType::kKVS: {
        store::KvFields fields;
        TRY(read_dir_entry(cursor, fields));
        store::kv_restore(store_, fields);
        raise(Table::kKvs, fields.modify_index);
        return {};
      }
      case MessageType::kTombstone: {
        store::KvFields fields;
        TRY(read_dir_entry(cursor, fields));
        store::kv_restore_tombstone(store_, fields.key, fields.modify_index);
        raise(Table::kTombstones, fields.modify_index);
        return {};
      }
      case MessageType::kSession: {
        model::Session session;
        TRY(codec::read_msgpack(cursor, session));
        raise(Table::kSessions, session.indexes.modify_index);
        store::session_restore(store_, std::move(session));
        return {};
      }
      case MessageType::kCoordinateBatchUpdate: {
        model::List<model::Coordinate> batch;
        TRY(codec::read_msgpack(cursor, batch));
        store::coordinates_put(store_, batch);
        return {};
      }
      case MessageType::kIndex:
        return index_row(cursor);
      case MessageType::kChunkingState: {
        TRY_ASSIGN(chunks_, ChunkAssembler::read(cursor));
        return {};
      }
      case MessageType::kACL:
        return legacy_acl(cursor);
      case MessageType::kPreparedQuery:
      case MessageType::kAutopilot:
      case MessageType::kACLBootstrap:
      case MessageType::kIntention:
      case MessageType::kConnectCA:
      case MessageType::kConnectCAProviderState:
      case MessageType::kConnectCAConfig:
      case MessageType::kACLTokenSet:
      case MessageType::kACLPolicySet:
      case MessageType::kConfigEntry:
      case MessageType::kACLRoleSet:
      case MessageType::kACLBindingRuleSet:
      case MessageType::kACLAuthMethodSet:
      case MessageType::kFederationState:
        return opaque(type, cursor);
      default:
        return fail("unrecognized msg type " + std::to_string(static_cast<int>(type)));
    }
  }

  Status registration(Cursor& cursor) {
    model::RegisterRequest request;
    TRY(codec::read_msgpack(cursor, request));
    bool alone = !request.service && !request.check && request.checks.empty();
    if (alone || store::node_find(store_, "", request.node) == nullptr) restore_node(request);
    if (request.service) {
      raise(Table::kServices, request.service->indexes.modify_index);
      store::service_restore(store_, request.node, std::move(*request.service));
    }
    if (request.check) request.checks.push_back(std::move(*request.check));
    for (model::HealthCheck& check : request.checks) {
      raise(Table::kChecks, check.indexes.modify_index);
      store::check_restore(store_, std::move(check));
    }
    return {};
  }

  void restore_node(const model::RegisterRequest& request) {
    model::Node node;
    node.id = request.id;
    node.node = request.node;
    node.address = request.address;
    node.datacenter = request.datacenter;
    node.tagged_addresses = request.tagged_addresses;
    node.meta = request.node_meta;
    node.indexes = request.indexes;
    raise(Table::kNodes, node.indexes.modify_index);
    store::node_restore(store_, std::move(node));
  }

  Status index_row(Cursor& cursor) {
    std::string_view name;
    uint64_t value = 0;
    for (size_t left = msgpack::get_map(cursor); left > 0 && cursor.ok(); left--) {
      std::string_view field = msgpack::get_text(cursor);
      if (field == "Key") {
        name = msgpack::get_text(cursor);
      } else if (field == "Value") {
        value = msgpack::get_uint(cursor);
      } else {
        msgpack::skip(cursor);
      }
    }
    if (!cursor.ok()) return fail("malformed index record");
    store_.set_named_index(name, value);
    return {};
  }

  Status opaque(MessageType type, Cursor& cursor) {
    size_t start = cursor.offset();
    msgpack::skip(cursor);
    if (!cursor.ok()) return fail("malformed record");
    std::string_view payload = cursor.whole().substr(start, cursor.offset() - start);
    // A token without a secret ends the server of Consul that reads it.
    if (type == MessageType::kACLTokenSet && text_field(payload, "SecretID").empty()) return {};
    store::opaque_put(store_, type, opaque_id(type, payload), std::string(payload));
    return {};
  }

  // Of servers before 1.4, and of Praetor's first versions, which also wrote some that name nothing.
  Status legacy_acl(Cursor& cursor) {
    codec::ValueMap acl;
    TRY(codec::read_msgpack(cursor, acl));
    std::string token = codec::to_msgpack(token_of_legacy(acl));
    if (text_field(token, "SecretID").empty()) return {};
    store::opaque_put(store_, MessageType::kACLTokenSet, opaque_id(MessageType::kACLTokenSet, token), token);
    return {};
  }

  store::Store& store_;
  ChunkAssembler& chunks_;
};

Result<std::string> read_all(raft::SnapshotReader& reader) {
  std::string data;
  while (true) {
    size_t size = data.size();
    data.resize(size + std::max<size_t>(size / 2, 256 * 1024));
    TRY_ASSIGN(size_t got, reader.read(std::span<char>(data).subspan(size)));
    data.resize(size + got);
    if (got == 0) return data;
  }
}

}  // namespace

Status read_snapshot(raft::SnapshotReader& reader, uint64_t index, store::Store& store,
                     ChunkAssembler& chunks) {
  // The checksum is known only at the end: nothing is believed before.
  TRY_ASSIGN(std::string data, read_all(reader));
  return Restorer(store, chunks).run(data, index);
}

}  // namespace praetor::fsm
