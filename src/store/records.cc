#include "store/records.h"

#include <new>

#include "base/check.h"

namespace praetor::store {
namespace {

constexpr size_t kMaxSession = 255;

// Like memcpy, for views that may be empty.
void copy_to(char* at, std::string_view bytes) {
  if (!bytes.empty()) memcpy(at, bytes.data(), bytes.size());
}

template <typename LeafType>
LeafType* allocate_leaf(LeafKind kind, std::string_view key, size_t head, size_t behind_key) {
  CHECK(key.size() <= UINT32_MAX && head >= sizeof(Leaf));
  auto* leaf = static_cast<LeafType*>(::operator new(head + key.size() + behind_key));
  leaf->key_size = static_cast<uint32_t>(key.size());
  leaf->kind = kind;
  leaf->key_offset = static_cast<uint8_t>(head);
  leaf->bits = 0;
  copy_to(reinterpret_cast<char*>(leaf) + head, key);
  return leaf;
}

template <typename T>
void delete_record(const Leaf* leaf) {
  delete static_cast<const T*>(static_cast<const RecordLeaf*>(leaf)->record);
}

}  // namespace

void free_leaf(const Leaf* leaf) {
  switch (leaf->kind) {
    case LeafKind::kKv:
    case LeafKind::kValue:
    case LeafKind::kBorrowed:
      break;
    case LeafKind::kNode:
      delete_record<model::Node>(leaf);
      break;
    case LeafKind::kService:
      delete_record<ServiceRecord>(leaf);
      break;
    case LeafKind::kCheck:
      delete_record<model::HealthCheck>(leaf);
      break;
    case LeafKind::kSession:
      delete_record<model::Session>(leaf);
      break;
    case LeafKind::kIndexEntry:
      delete_record<IndexRecord>(leaf);
      break;
    case LeafKind::kCoordinate:
      delete_record<model::Coordinate>(leaf);
      break;
    case LeafKind::kOpaque:
      delete_record<OpaqueRecord>(leaf);
      break;
  }
  ::operator delete(const_cast<Leaf*>(leaf));
}

std::string_view KvLeaf::session() const {
  if (!has_extras()) return {};
  const char* at = value().data() + value_size + 2 * sizeof(uint64_t);
  return {at + 1, static_cast<uint8_t>(*at)};
}

const KvLeaf* make_kv_leaf(const KvFields& f) {
  CHECK(f.value.size() <= UINT32_MAX && f.session.size() <= kMaxSession);
  CHECK(f.create_index >> 48 == 0 && f.modify_index >> 48 == 0);
  bool extras = f.flags != 0 || f.lock_index != 0 || !f.session.empty();
  size_t behind = f.value.size() + (extras ? 2 * sizeof(uint64_t) + 1 + f.session.size() : 0);
  auto* leaf = allocate_leaf<KvLeaf>(LeafKind::kKv, f.key, sizeof(KvLeaf), behind);
  leaf->value_size = static_cast<uint32_t>(f.value.size());
  leaf->create_low = static_cast<uint32_t>(f.create_index);
  leaf->create_high = static_cast<uint16_t>(f.create_index >> 32);
  leaf->modify_low = static_cast<uint32_t>(f.modify_index);
  leaf->modify_high = static_cast<uint16_t>(f.modify_index >> 32);
  char* at = const_cast<char*>(leaf->value().data());
  copy_to(at, f.value);
  if (!extras) return leaf;
  leaf->bits = KvLeaf::kHasExtras;
  at += f.value.size();
  memcpy(at, &f.flags, sizeof(uint64_t));
  memcpy(at + sizeof(uint64_t), &f.lock_index, sizeof(uint64_t));
  at += 2 * sizeof(uint64_t);
  *at = static_cast<char>(f.session.size());
  copy_to(at + 1, f.session);
  return leaf;
}

KvFields kv_fields(const KvLeaf& leaf) {
  return {.key = leaf.key(),
          .value = leaf.value(),
          .flags = leaf.flags(),
          .lock_index = leaf.lock_index(),
          .session = leaf.session(),
          .create_index = leaf.create_index(),
          .modify_index = leaf.modify_index()};
}

model::DirEntry to_dir_entry(const KvLeaf& leaf) {
  model::DirEntry entry;
  entry.lock_index = leaf.lock_index();
  entry.key = leaf.key();
  entry.flags = leaf.flags();
  entry.value.assign(leaf.value());
  entry.session = leaf.session();
  entry.indexes = {leaf.create_index(), leaf.modify_index()};
  return entry;
}

const ValueLeaf* make_value_leaf(std::string_view key, uint64_t value, uint16_t bits) {
  auto* leaf = allocate_leaf<ValueLeaf>(LeafKind::kValue, key, sizeof(ValueLeaf), 0);
  leaf->value = value;
  leaf->bits = bits;
  return leaf;
}

const RecordLeaf* make_record_leaf(LeafKind kind, std::string_view key, const void* record) {
  auto* leaf = allocate_leaf<RecordLeaf>(kind, key, sizeof(RecordLeaf), 0);
  leaf->record = record;
  return leaf;
}

}  // namespace praetor::store
