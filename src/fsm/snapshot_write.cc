#include <array>
#include <cstdint>

#include "base/metrics.h"
#include "base/text.h"
#include "codec/msgpack.h"
#include "fsm/records.h"
#include "fsm/snapshot.h"
#include "model/catalog.h"
#include "store/kv.h"
#include "store/opaque.h"

namespace praetor::fsm {
namespace {

using model::MessageType;
using store::Leaf;
using store::TableIndex;
namespace msgpack = codec::msgpack;

constexpr size_t kFlushSize = 64 * 1024;

class Writer final : public raft::SnapshotWriter {
 public:
  Writer(store::View view, std::string chunks) : view_(std::move(view)), chunks_(std::move(chunks)) {}

  Status write(raft::SnapshotSink& sink) override {
    static const Sample time("fsm.persist");
    ScopedTimer timer(time);
    sink_ = &sink;
    msgpack::put_map(buffer_, 1);
    msgpack::put_raw(buffer_, "LastIndex");
    msgpack::put_uint(buffer_, view_.index());
    TRY(nodes());
    TRY(coordinates());
    TRY(each(TableIndex::kSessions, [&](const Leaf* leaf) {
      record(MessageType::kSession, store::record_of<model::Session>(leaf));
    }));
    TRY(opaque({MessageType::kACLBootstrap, MessageType::kACLTokenSet, MessageType::kACLPolicySet,
                MessageType::kACLRoleSet, MessageType::kACLBindingRuleSet, MessageType::kACLAuthMethodSet}));
    TRY(keys());
    TRY(opaque({MessageType::kPreparedQuery, MessageType::kAutopilot, MessageType::kIntention,
                MessageType::kConnectCA, MessageType::kConnectCAProviderState, MessageType::kConnectCAConfig,
                MessageType::kConfigEntry, MessageType::kFederationState}));
    indexes();
    type(MessageType::kChunkingState);
    buffer_ += chunks_;
    TRY(flush());
    view_ = store::View();  // lets go of the memory early
    return {};
  }

 private:
  void type(MessageType type) { buffer_.push_back(static_cast<char>(type)); }

  template <typename Record>
  void record(MessageType message, const Record& record) {
    type(message);
    codec::write_msgpack(buffer_, record);
  }

  Status flush() {
    auto written = sink_->write(buffer_);
    buffer_.clear();
    return written;
  }

  // visit(leaf) for every leaf below a prefix; flushes full buffers.
  template <typename Visit>
  Status each(TableIndex table, Visit visit, std::string_view prefix = "") {
    Status status;
    view_->visit_prefix(table, prefix, [&](const Leaf* leaf) {
      visit(leaf);
      if (buffer_.size() >= kFlushSize) status = flush();
      return status.has_value();
    });
    return status;
  }

  Status nodes() {
    return each(TableIndex::kNodes, [&](const Leaf* leaf) { node(store::record_of<model::Node>(leaf)); });
  }

  // The node alone, then once more with each service and each check.
  void node(const model::Node& node) {
    model::RegisterRequest request;
    request.id = node.id;
    request.node = node.node;
    request.datacenter = node.datacenter;
    request.address = node.address;
    request.tagged_addresses = node.tagged_addresses;
    request.node_meta = node.meta;
    request.indexes = node.indexes;
    record(MessageType::kRegister, request);
    std::string prefix = store::index_prefix(to_lower(node.node));
    view_->visit_prefix(TableIndex::kServices, prefix, [&](const Leaf* leaf) {
      request.service = store::record_of<store::ServiceRecord>(leaf).service;
      record(MessageType::kRegister, request);
      return true;
    });
    request.service.reset();
    view_->visit_prefix(TableIndex::kChecks, prefix, [&](const Leaf* leaf) {
      request.check = store::record_of<model::HealthCheck>(leaf);
      record(MessageType::kRegister, request);
      return true;
    });
  }

  Status coordinates() {
    return each(TableIndex::kCoordinates, [&](const Leaf* leaf) {
      model::List<model::Coordinate> batch;
      batch.push_back(store::record_of<model::Coordinate>(leaf));
      record(MessageType::kCoordinateBatchUpdate, batch);
    });
  }

  Status keys() {
    TRY(each(TableIndex::kKvs, [&](const Leaf* leaf) {
      type(MessageType::kKVS);
      write_dir_entry(buffer_, store::kv_fields(*static_cast<const store::KvLeaf*>(leaf)));
    }));
    return each(TableIndex::kTombstones, [&](const Leaf* leaf) {
      type(MessageType::kTombstone);
      uint64_t index = static_cast<const store::ValueLeaf*>(leaf)->value;
      write_dir_entry(buffer_, {.key = leaf->key(), .modify_index = index});
    });
  }

  Status opaque(std::initializer_list<MessageType> types) {
    for (MessageType message : types) {
      TRY(each(
          TableIndex::kOpaque,
          [&](const Leaf* leaf) {
            type(message);
            buffer_ += store::record_of<store::OpaqueRecord>(leaf).payload;
          },
          store::opaque_key(message, "")));
    }
    return {};
  }

  void index(std::string_view name, uint64_t value) {
    if (value == 0) return;
    type(MessageType::kIndex);
    msgpack::put_map(buffer_, 2);
    msgpack::put_raw(buffer_, "Key");
    msgpack::put_raw(buffer_, name);
    msgpack::put_raw(buffer_, "Value");
    msgpack::put_uint(buffer_, value);
  }

  void indexes() {
    for (size_t i = 0; i < store::kTableCount; i++) {
      auto table = static_cast<store::Table>(i);
      index(store::table_name(table), view_->table_index(table));
    }
    view_->tree(TableIndex::kIndexes).visit_all([&](const Leaf* leaf) {
      const auto& row = store::record_of<store::IndexRecord>(leaf);
      index(row.key, row.value);
      return true;
    });
  }

  store::View view_;
  std::string chunks_;
  raft::SnapshotSink* sink_ = nullptr;
  std::string buffer_;
};

}  // namespace

std::unique_ptr<raft::SnapshotWriter> make_snapshot_writer(store::View view, std::string chunks) {
  return std::make_unique<Writer>(std::move(view), std::move(chunks));
}

}  // namespace praetor::fsm
