// The state as a value: one radix tree a table index, and the indexes of the fixed tables. A Tables is what a
// View pins and what a write transaction works on; read functions take either.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "store/radix.h"
#include "store/records.h"

namespace praetor::store {

// Keys are lower case where Consul compares without case (nodes, service names, ids); parts are separated by
// NUL. `record` says which leaves own the records; all others borrow.
enum class TableIndex : uint8_t {
  kNodes,             // node                           Node
  kNodesById,         // uuid                           borrowed
  kServices,          // node \0 service id \0          ServiceRecord
  kServicesByName,    // name \0 node \0 id \0          borrowed
  kServicesByKind,    // kind \0 node \0 id \0          borrowed
  kConnectServices,   // name \0 node \0 id \0          borrowed: connect-native by name, proxies by
                      // destination
  kChecks,            // node \0 check id \0            HealthCheck
  kChecksByService,   // service name \0 node \0 id \0  borrowed; empty name: node checks
  kChecksByStatus,    // status \0 node \0 id \0        borrowed
  kChecksByInstance,  // node \0 service id \0 id \0    borrowed; empty service id: node checks
  kKvs,               // key                            KvLeaf
  kKvsBySession,      // session \0 key                 borrowed, no record
  kTombstones,        // key                            ValueLeaf: index of the deletion
  kSessions,          // uuid                           Session
  kSessionsByNode,    // node \0 uuid                   borrowed
  kSessionChecks,     // node \0 check id \0 uuid       borrowed: the session
  kCoordinates,       // node \0 segment \0             Coordinate
  kIndexes,           // name                           IndexRecord
  kOpaque,            // type byte, id                  OpaqueRecord
  kActivity,          // see Activity                   ValueLeaf: index of the last change
  kCount,
};
inline constexpr size_t kTableIndexCount = static_cast<size_t>(TableIndex::kCount);

// The index table's fixed rows (their names in a snapshot: table_name()).
enum class Table : uint8_t {
  kNodes,
  kServices,
  kChecks,
  kKvs,
  kTombstones,
  kSessions,
  kCoordinates,
  kServiceLastExtinction,
  kCount,
};
inline constexpr size_t kTableCount = static_cast<size_t>(Table::kCount);
std::string_view table_name(Table table);

// Prefixes of kActivity keys. Each row holds the index of the last change of one narrow thing: a finer change
// index than Consul's (ReadIndex::changed), and one key to wait for instead of one an instance.
enum class Activity : char {
  kNodeServices = 's',    // + node: its services, or the node itself
  kNodeChecks = 'c',      // + node: its checks
  kNodeSessions = 'n',    // + node: its sessions
  kServiceMembers = 'm',  // + service: its instances and their nodes, checks not counted
  kServiceChecks = 'k',   // + service: checks of its instances
  kStatus = 't',          // + status: checks in it
};
std::string activity_key(Activity kind, std::string_view name);

// The index a read answers with and the index its result last changed at.
//
// `reported` is Consul's (semantics.md 1), which is often coarser than the result: it moves with unrelated
// writes. `changed` <= reported is the index below which nothing that this result shows has changed. A
// blocking query with a client's index N answers at once if changed > N, and otherwise waits for its
// WatchSet; so a client that sends back `reported` is not woken by writes it would not see.
struct ReadIndex {
  uint64_t reported = 0;
  uint64_t changed = 0;

  // What is reported bounds what changed: a client that sends back `reported` must be able to block.
  static ReadIndex of(uint64_t reported, uint64_t changed) {
    return {reported, changed < reported ? changed : reported};
  }
  static ReadIndex exact(uint64_t index) { return {index, index}; }
  // For results put together from several reads.
  void merge(ReadIndex other) {
    reported = reported > other.reported ? reported : other.reported;
    changed = changed > other.changed ? changed : other.changed;
  }
};

struct Tables {
  std::array<RadixTree, kTableIndexCount> trees;
  std::array<uint64_t, kTableCount> table_indexes{};
  // The log index of the last entry applied.
  uint64_t last_index = 0;
  // Tombstones up to here were reaped: what happened to absent keys before is no longer known.
  uint64_t reaped_index = 0;
  // What a restored snapshot does not tell about finer changes counts as changed here.
  uint64_t activity_floor = 0;
  // Nodes were last removed, or renamed away, here.
  uint64_t node_removal_index = 0;

  const RadixTree& tree(TableIndex index) const { return trees[static_cast<size_t>(index)]; }
  RadixTree& tree(TableIndex index) { return trees[static_cast<size_t>(index)]; }
  const Leaf* find(TableIndex index, std::string_view key) const { return tree(index).find(key); }
  template <typename Visit>
  void visit_prefix(TableIndex index, std::string_view prefix, Visit visit) const {
    tree(index).visit_prefix(prefix, visit);
  }
  uint64_t table_index(Table table) const { return table_indexes[static_cast<size_t>(table)]; }
  uint64_t max_index(Table a, Table b) const {
    return table_index(a) > table_index(b) ? table_index(a) : table_index(b);
  }
  // A row of the index table by its Consul name, fixed or not; 0 when absent.
  uint64_t named_index(std::string_view name) const;
  // Without a row: when a row of that kind may last have gone.
  uint64_t activity(Activity kind, std::string_view name) const;
};

// "a\0b\0": the key parts of the indexes above; lower() forms are lower-cased.
std::string index_key(std::string_view a, std::string_view b);
std::string index_key(std::string_view a, std::string_view b, std::string_view c);
std::string index_prefix(std::string_view a);
std::string index_prefix(std::string_view a, std::string_view b);

}  // namespace praetor::store
