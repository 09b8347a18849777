#include "store/tables.h"

#include "base/text.h"

namespace praetor::store {

std::string_view table_name(Table table) {
  switch (table) {
    case Table::kNodes:
      return "nodes";
    case Table::kServices:
      return "services";
    case Table::kChecks:
      return "checks";
    case Table::kKvs:
      return "kvs";
    case Table::kTombstones:
      return "tombstones";
    case Table::kSessions:
      return "sessions";
    case Table::kCoordinates:
      return "coordinates";
    case Table::kServiceLastExtinction:
      return "service_last_extinction";
    case Table::kCount:
      break;
  }
  return "";
}

std::string activity_key(Activity kind, std::string_view name) {
  return static_cast<char>(kind) + to_lower(name);
}

uint64_t Tables::named_index(std::string_view name) const {
  for (size_t i = 0; i < kTableCount; i++) {
    if (table_name(static_cast<Table>(i)) == name) return table_indexes[i];
  }
  const Leaf* leaf = find(TableIndex::kIndexes, to_lower(name));
  return leaf == nullptr ? 0 : record_of<IndexRecord>(leaf).value;
}

uint64_t Tables::activity(Activity kind, std::string_view name) const {
  const Leaf* leaf = find(TableIndex::kActivity, activity_key(kind, name));
  if (leaf != nullptr) return static_cast<const ValueLeaf*>(leaf)->value;
  uint64_t gone = 0;  // the row may have gone with what it belonged to
  switch (kind) {
    case Activity::kNodeServices:
    case Activity::kNodeChecks:
    case Activity::kNodeSessions:
      gone = node_removal_index;
      break;
    case Activity::kServiceMembers:
    case Activity::kServiceChecks:
      gone = table_index(Table::kServiceLastExtinction);
      break;
    case Activity::kStatus:
      break;
  }
  return gone > activity_floor ? gone : activity_floor;
}

std::string index_prefix(std::string_view a) {
  std::string key;
  key.reserve(a.size() + 1);
  key.append(a).push_back('\0');
  return key;
}

std::string index_prefix(std::string_view a, std::string_view b) {
  std::string key;
  key.reserve(a.size() + b.size() + 2);
  key.append(a).push_back('\0');
  key.append(b).push_back('\0');
  return key;
}

std::string index_key(std::string_view a, std::string_view b) { return index_prefix(a, b); }

std::string index_key(std::string_view a, std::string_view b, std::string_view c) {
  std::string key;
  key.reserve(a.size() + b.size() + c.size() + 3);
  key.append(a).push_back('\0');
  key.append(b).push_back('\0');
  key.append(c).push_back('\0');
  return key;
}

}  // namespace praetor::store
