#include "sim/machine.h"

#include "codec/msgpack.h"

namespace praetor::sim {
namespace {

using store::LeafKind;
using store::TableIndex;

class Hash {
 public:
  void add(std::string_view bytes) {
    for (char c : bytes) value_ = (value_ ^ static_cast<uint8_t>(c)) * 0x100000001b3;
    add(bytes.size());
  }
  void add(uint64_t number) {
    value_ ^= number;
    value_ *= 0x9e3779b97f4a7c15;
    value_ ^= value_ >> 29;
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xcbf29ce484222325;
};

void add_leaf(Hash& hash, const store::Leaf* leaf, std::string& scratch) {
  hash.add(leaf->key());
  auto record = [&](const auto& value) {
    scratch.clear();
    codec::write_msgpack(scratch, value);
    hash.add(scratch);
  };
  switch (leaf->kind) {
    case LeafKind::kKv: {
      const auto& kv = *static_cast<const store::KvLeaf*>(leaf);
      hash.add(kv.value());
      hash.add(kv.flags());
      hash.add(kv.session());
      hash.add(kv.lock_index());
      hash.add(kv.create_index());
      return hash.add(kv.modify_index());
    }
    case LeafKind::kValue:
      return hash.add(static_cast<const store::ValueLeaf*>(leaf)->value);
    case LeafKind::kNode:
      return record(store::record_of<model::Node>(leaf));
    case LeafKind::kCheck:
      return record(store::record_of<model::HealthCheck>(leaf));
    case LeafKind::kSession:
      return record(store::record_of<model::Session>(leaf));
    case LeafKind::kIndexEntry:
      return hash.add(store::record_of<store::IndexRecord>(leaf).value);
    default:
      return;  // not written here, or the key says all
  }
}

}  // namespace

uint64_t state_hash(const store::Tables& tables) {
  Hash hash;
  std::string scratch;
  for (size_t i = 0; i < store::kTableIndexCount; ++i) {
    auto table = static_cast<TableIndex>(i);
    if (table == TableIndex::kActivity) continue;
    hash.add(i);
    tables.tree(table).visit_all([&](const store::Leaf* leaf) {
      add_leaf(hash, leaf, scratch);
      return true;
    });
  }
  for (uint64_t index : tables.table_indexes) hash.add(index);
  return hash.value();
}

std::string text_of(const std::any& answer) {
  if (const bool* held = std::any_cast<bool>(&answer)) return *held ? "true" : "false";
  if (const auto* id = std::any_cast<std::string>(&answer)) return *id;
  if (std::any_cast<Error>(&answer) != nullptr) return "error";
  return "";
}

std::any CheckedMachine::apply(const raft::Entry& entry) {
  truth_.applying(server_, last_, entry);
  last_ = entry.index;
  std::any answer = fsm_.apply(entry);
  std::string text = text_of(answer);
  if (world_.tracing())
    world_.trace("{} applies {} of term {}: '{}'", server_, entry.index, entry.term, text);
  truth_.applied(server_, entry.index, text, state_hash(store_.tables()));
  return answer;
}

void CheckedMachine::publish(uint64_t applied_index) {
  if (applied_index > last_) truth_.passed(server_, last_, applied_index);
  last_ = std::max(last_, applied_index);
  fsm_.publish(applied_index);
  if (on_published_) on_published_(store_.view().index());
}

std::unique_ptr<raft::SnapshotWriter> CheckedMachine::snapshot() {
  ++world_.counters.snapshots;
  return fsm_.snapshot();
}

Status CheckedMachine::restore(raft::SnapshotReader& reader, const raft::SnapshotMeta& meta) {
  TRY(fsm_.restore(reader, meta));
  // A reader may still refuse at its end: what is known to be whole is compared, the rest is not kept.
  last_ = meta.index;
  if (world_.tracing()) world_.trace("{} restores the snapshot at {}", server_, meta.index);
  truth_.restored(server_, meta.index, state_hash(store_.tables()));
  return {};
}

}  // namespace praetor::sim
