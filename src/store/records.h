// The leaves of the store's trees. All are immutable once inserted; a leaf of an owning kind frees its
// record.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "model/agent.h"
#include "model/catalog.h"
#include "model/kv.h"
#include "store/radix.h"

namespace praetor::store {

enum class LeafKind : uint8_t {
  kKv,        // KvLeaf, everything inline
  kValue,     // ValueLeaf: one number
  kBorrowed,  // RecordLeaf whose record a leaf of another tree owns (secondary indexes), or none
  kNode,      // the rest: RecordLeaf that owns a …
  kService,
  kCheck,
  kSession,
  kIndexEntry,
  kCoordinate,
  kOpaque,
};

// A key and its value in one allocation: head, key, value, and (only when one of them is not empty) flags,
// lock index and session. 100,000 keys of 99 bytes with values of 100 take 24 MB.
struct KvLeaf : Leaf {
  uint32_t value_size;
  uint32_t create_low;  // indexes are kept in 48 bits
  uint32_t modify_low;
  uint16_t create_high;
  uint16_t modify_high;

  uint64_t create_index() const { return uint64_t{create_high} << 32 | create_low; }
  uint64_t modify_index() const { return uint64_t{modify_high} << 32 | modify_low; }
  std::string_view value() const { return {key().data() + key_size, value_size}; }
  uint64_t flags() const { return extra(0); }
  uint64_t lock_index() const { return extra(sizeof(uint64_t)); }
  std::string_view session() const;
  bool has_extras() const { return (bits & kHasExtras) != 0; }

  static constexpr uint16_t kHasExtras = 1;

 private:
  uint64_t extra(size_t offset) const {
    uint64_t number = 0;
    if (has_extras()) memcpy(&number, value().data() + value_size + offset, sizeof(number));
    return number;
  }
};

// What a KvLeaf is made from.
struct KvFields {
  std::string_view key{};
  std::string_view value{};
  uint64_t flags = 0;
  uint64_t lock_index = 0;
  std::string_view session{};
  uint64_t create_index = 0;
  uint64_t modify_index = 0;
};
const KvLeaf* make_kv_leaf(const KvFields& fields);
KvFields kv_fields(const KvLeaf& leaf);  // views into the leaf
model::DirEntry to_dir_entry(const KvLeaf& leaf);

struct ValueLeaf : Leaf {
  uint64_t value;
};
// `bits` is the table's own use (kTombstones: kTreeTombstone).
const ValueLeaf* make_value_leaf(std::string_view key, uint64_t value, uint16_t bits = 0);
inline constexpr uint16_t kTreeTombstone = 1;  // all keys with this prefix were deleted

struct RecordLeaf : Leaf {
  const void* record;
};
const RecordLeaf* make_record_leaf(LeafKind kind, std::string_view key, const void* record);

// The record of a RecordLeaf. REQUIRES: the leaf's tree holds records of that type.
template <typename T>
const T& record_of(const Leaf* leaf) {
  return *static_cast<const T*>(static_cast<const RecordLeaf*>(leaf)->record);
}

// A service instance and the name of its node, as registered.
struct ServiceRecord {
  std::string node;
  model::NodeService service;
};

// A row of Consul's index table that belongs to no fixed table: `service.<name>`, `service_kind.<kind>`,
// `acl-tokens` …
struct IndexRecord {
  std::string key;
  uint64_t value = 0;
};

// A record of a table that the store only keeps, as MessagePack, for snapshots and later interpretation.
struct OpaqueRecord {
  uint8_t type = 0;  // model::MessageType of its snapshot record
  std::string payload;
};

}  // namespace praetor::store
