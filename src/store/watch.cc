#include "store/watch.h"

#include <algorithm>

#include "base/check.h"

namespace praetor::store {
namespace {

// FNV-1a, because it grows byte by byte: one pass yields the hash of every prefix of a key.
uint64_t hash_start(TableIndex table) {
  return (14695981039346656037ull ^ static_cast<uint64_t>(table)) * 1099511628211ull;
}
uint64_t hash_byte(uint64_t hash, char byte) {
  return (hash ^ static_cast<uint8_t>(byte)) * 1099511628211ull;
}
uint64_t hash_key(TableIndex table, std::string_view key) {
  uint64_t hash = hash_start(table);
  for (char byte : key) hash = hash_byte(hash, byte);
  return hash;
}

}  // namespace

struct WaiterRegistry::Link {
  Entry* entry;
  size_t position;  // in entry->links
  Waiter* waiter;
};

// One watched key or prefix; lives while somebody waits for it.
struct WaiterRegistry::Entry {
  uint64_t hash;
  TableIndex table;
  bool prefix;
  std::string key;
  std::vector<Link*> links;
};

struct WaiterRegistry::Waiter {
  Id id;
  uint64_t evaluated_at;
  Callback callback;
  std::vector<Link> links;  // never grows after add(): entries point into it
};

WaiterRegistry::WaiterRegistry() = default;
WaiterRegistry::~WaiterRegistry() = default;

WaiterRegistry::Entry* WaiterRegistry::find(uint64_t hash, TableIndex table, bool prefix,
                                            std::string_view key) const {
  auto [at, end] = entries_.equal_range(hash);
  for (; at != end; ++at) {
    Entry* entry = at->second.get();
    if (entry->table == table && entry->prefix == prefix && entry->key == key) return entry;
  }
  return nullptr;
}

WaiterRegistry::Entry* WaiterRegistry::find_or_add(const WatchSet::Item& item) {
  uint64_t hash = hash_key(item.table, item.key);
  Entry* entry = find(hash, item.table, item.prefix, item.key);
  if (entry != nullptr) return entry;
  if (item.prefix) {
    auto& lengths = prefix_lengths_[static_cast<size_t>(item.table)];
    if (lengths.size() <= item.key.size()) lengths.resize(item.key.size() + 1);
    lengths[item.key.size()]++;
  }
  return entries_
      .emplace(hash, std::unique_ptr<Entry>(new Entry{hash, item.table, item.prefix, item.key, {}}))
      ->second.get();
}

WaiterRegistry::Id WaiterRegistry::add(const WatchSet& watch, uint64_t evaluated_at, Callback callback) {
  if (delivered_ > evaluated_at) return 0;
  auto waiter = std::make_unique<Waiter>(Waiter{next_id_++, evaluated_at, std::move(callback), {}});
  waiter->links.reserve(watch.items().size());
  for (const WatchSet::Item& item : watch.items()) {
    Entry* entry = find_or_add(item);
    Link& link = waiter->links.emplace_back(Link{entry, entry->links.size(), waiter.get()});
    entry->links.push_back(&link);
  }
  Id id = waiter->id;
  waiters_.emplace(id, std::move(waiter));
  return id;
}

void WaiterRegistry::remove_entry(Entry* entry) {
  if (entry->prefix) prefix_lengths_[static_cast<size_t>(entry->table)][entry->key.size()]--;
  auto [at, end] = entries_.equal_range(entry->hash);
  while (at != end && at->second.get() != entry) ++at;
  CHECK(at != end);
  entries_.erase(at);
}

void WaiterRegistry::remove(Waiter* waiter) {
  for (Link& link : waiter->links) {
    auto& links = link.entry->links;
    links[link.position] = links.back();
    links[link.position]->position = link.position;
    links.pop_back();
    if (links.empty()) remove_entry(link.entry);
  }
  waiters_.erase(waiter->id);
}

void WaiterRegistry::cancel(Id id) {
  auto at = waiters_.find(id);
  if (at != waiters_.end()) remove(at->second.get());
}

void WaiterRegistry::collect(Entry* entry, uint64_t index, std::vector<Id>& woken) const {
  if (entry == nullptr) return;
  for (const Link* link : entry->links) {
    if (index > link->waiter->evaluated_at) woken.push_back(link->waiter->id);
  }
}

void WaiterRegistry::match(TableIndex table, std::string_view key, uint64_t index,
                           std::vector<Id>& woken) const {
  const auto& lengths = prefix_lengths_[static_cast<size_t>(table)];
  uint64_t hash = hash_start(table);
  for (size_t size = 0;; size++) {
    if (size < lengths.size() && lengths[size] > 0) {
      collect(find(hash, table, true, key.substr(0, size)), index, woken);
    }
    if (size == key.size()) break;
    hash = hash_byte(hash, key[size]);
  }
  collect(find(hash, table, false, key), index, woken);
}

size_t WaiterRegistry::deliver(const CommitNotice& notice) {
  // A restored state may be an older one.
  delivered_ = notice.replaced ? notice.index : std::max(delivered_, notice.index);
  if (waiters_.empty()) return 0;
  std::vector<Id> woken;
  if (notice.replaced) {
    for (const auto& [id, waiter] : waiters_) woken.push_back(id);
  } else {
    notice.for_each(
        [&](TableIndex table, std::string_view key, uint64_t index) { match(table, key, index, woken); });
  }
  // In the order of their arrival, and once each. All are removed before the first callback runs.
  std::sort(woken.begin(), woken.end());
  woken.erase(std::unique(woken.begin(), woken.end()), woken.end());
  std::vector<Callback> callbacks;
  callbacks.reserve(woken.size());
  for (Id id : woken) {
    Waiter* waiter = waiters_.at(id).get();
    callbacks.push_back(std::move(waiter->callback));
    remove(waiter);
  }
  for (Callback& callback : callbacks) callback();
  return callbacks.size();
}

}  // namespace praetor::store
