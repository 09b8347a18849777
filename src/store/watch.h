// Who waits for what. A read fills a WatchSet with the exact keys and prefixes it depended on; a commit tells
// which keys it touched; a WaiterRegistry brings the two together and wakes nobody else.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/tables.h"

namespace praetor::store {

// What a read depended on. A value; may be made on any thread.
class WatchSet {
 public:
  struct Item {
    TableIndex table;
    bool prefix;
    std::string key;
  };

  void add_key(TableIndex table, std::string_view key) { items_.push_back({table, false, std::string(key)}); }
  void add_prefix(TableIndex table, std::string_view prefix) {
    items_.push_back({table, true, std::string(prefix)});
  }
  const std::vector<Item>& items() const { return items_; }
  bool empty() const { return items_.empty(); }

 private:
  std::vector<Item> items_;
};

// Read functions take a WatchSet that may be null (nobody will wait).
inline void watch_key(WatchSet* watch, TableIndex table, std::string_view key) {
  if (watch != nullptr) watch->add_key(table, key);
}
inline void watch_prefix(WatchSet* watch, TableIndex table, std::string_view prefix) {
  if (watch != nullptr) watch->add_prefix(table, prefix);
}

// What one publication changed: the keys of all the write transactions in it. Immutable once sent; shared by
// the reactors.
class CommitNotice {
 public:
  uint64_t index = 0;     // of the last transaction in it
  bool replaced = false;  // a snapshot was restored: everything may have changed

  void touch(TableIndex table, std::string_view key, uint64_t at_index) {
    touched_.push_back({table, static_cast<uint32_t>(key.size()), keys_.size(), at_index});
    keys_.append(key);
  }
  bool empty() const { return touched_.empty() && !replaced; }
  // visit(TableIndex, std::string_view key, uint64_t index)
  template <typename Visit>
  void for_each(Visit visit) const {
    for (const Touched& t : touched_)
      visit(t.table, std::string_view(keys_).substr(t.offset, t.size), t.index);
  }
  size_t size() const { return touched_.size(); }

 private:
  struct Touched {
    TableIndex table;
    uint32_t size;
    size_t offset;
    uint64_t index;
  };
  std::vector<Touched> touched_;
  std::string keys_;
};

// The waiters of one reactor; one thread. Notices come in commit order, each after its root was published.
// A touched key costs one pass over its bytes, plus the waiters it wakes; nothing depends on how many wait.
class WaiterRegistry {
 public:
  using Id = uint64_t;
  // Runs at most once, from deliver(), after the waiter was removed; may add and cancel waiters.
  using Callback = std::function<void()>;

  WaiterRegistry();
  ~WaiterRegistry();
  WaiterRegistry(const WaiterRegistry&) = delete;
  WaiterRegistry& operator=(const WaiterRegistry&) = delete;

  // `evaluated_at` is View::index() of the read that filled the set. Returns 0 without keeping the callback
  // when a notice beyond that index was delivered already: the caller reads again.
  Id add(const WatchSet& watch, uint64_t evaluated_at, Callback callback);
  void cancel(Id id);  // unknown and woken ids are ignored
  // Returns how many waiters were woken.
  size_t deliver(const CommitNotice& notice);
  size_t size() const { return waiters_.size(); }

 private:
  struct Entry;
  struct Link;
  struct Waiter;

  Entry* find(uint64_t hash, TableIndex table, bool prefix, std::string_view key) const;
  Entry* find_or_add(const WatchSet::Item& item);
  void remove(Waiter* waiter);
  void remove_entry(Entry* entry);
  void collect(Entry* entry, uint64_t index, std::vector<Id>& woken) const;
  void match(TableIndex table, std::string_view key, uint64_t index, std::vector<Id>& woken) const;

  Id next_id_ = 1;
  uint64_t delivered_ = 0;  // highest index of a notice
  std::unordered_map<Id, std::unique_ptr<Waiter>> waiters_;
  std::unordered_multimap<uint64_t, std::unique_ptr<Entry>> entries_;  // by hash of table and key
  // How many watched prefixes have a length, by table: lengths that nobody watches need no look-up.
  std::array<std::vector<uint32_t>, kTableIndexCount> prefix_lengths_;
};

}  // namespace praetor::store
