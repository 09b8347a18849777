// The state of a server: published snapshots for many readers, one write transaction at a time.
//
// Threads: view() from anywhere, without locks. Everything else from the one writer (the consensus thread).
//
//   store.begin(log_index);                    // one transaction a log entry
//   if (kv_set(store, …)) store.commit(); else store.rollback();
//   …more entries…
//   store.publish();                           // readers see all of them at once; waiters are told
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "store/epoch.h"
#include "store/tables.h"
#include "store/watch.h"

namespace praetor::store {

// A pinned, unchanging picture of the state. Whatever it points to lives as long as the View. Cheap to make;
// hold it for one evaluation, not across a wait (memory of replaced records is kept meanwhile).
class View {
 public:
  View() = default;
  View(EpochDomain::Guard guard, const Tables* tables) : guard_(std::move(guard)), tables_(tables) {}

  const Tables& operator*() const { return *tables_; }
  const Tables* operator->() const { return tables_; }
  operator const Tables&() const { return *tables_; }  // NOLINT: read functions take Tables
  // The log index this picture was published at; WaiterRegistry::add wants it.
  uint64_t index() const { return tables_->last_index; }

 private:
  EpochDomain::Guard guard_;
  const Tables* tables_ = nullptr;
};

// What a transaction asks of the leader, which has a clock and timers. Followers drop them.
struct Effects {
  struct LockDelay {
    std::string key;
    Duration delay;
  };
  std::vector<LockDelay> lock_delays;  // of keys whose session was invalidated
  std::vector<uint64_t> tombstones;    // indexes that want to be reaped after the tombstone TTL
  // Told before the transaction's root is published: whoever acts on them finds here what it needs.
  struct CreatedSession {
    std::string id;
    std::string ttl;  // as the session has it, perhaps empty
  };
  std::vector<CreatedSession> sessions_created;  // TTL timers to start …
  std::vector<std::string> sessions_destroyed;   // … and to stop

  bool empty() const {
    return lock_delays.empty() && tombstones.empty() && sessions_created.empty() &&
           sessions_destroyed.empty();
  }
};

// The writer's half of a Store, which write functions take: the working tables, and the only ways to change
// them.
class WriteTxn {
 public:
  const Tables& tables() const { return tables_; }
  operator const Tables&() const { return tables_; }  // NOLINT: read functions take Tables
  uint64_t index() const { return index_; }

  // Takes the leaf over, in place of an older one with its key. What is replaced or erased stays readable
  // until publish().
  void put(TableIndex table, const Leaf* leaf);
  bool erase(TableIndex table, std::string_view key);
  void put_borrowed(TableIndex table, std::string_view key, const void* record) {
    put(table, make_record_leaf(LeafKind::kBorrowed, key, record));
  }
  // Sets a fixed table's index to this transaction's.
  void bump(Table table) { tables_.table_indexes[static_cast<size_t>(table)] = index_; }
  void set_table_index(Table table, uint64_t value) {
    tables_.table_indexes[static_cast<size_t>(table)] = value;
  }
  // A row of the index table by name, fixed or not.
  void set_named_index(std::string_view name, uint64_t value);
  void bump_named(std::string_view name) { set_named_index(name, index_); }
  void bump_activity(Activity kind, std::string_view name);
  void set_activity_floor(uint64_t index) { tables_.activity_floor = index; }
  void set_reaped_index(uint64_t index) { tables_.reaped_index = index; }
  void set_node_removal_index(uint64_t index) { tables_.node_removal_index = index; }
  Effects& effects() { return effects_; }

 protected:
  WriteTxn() = default;
  ~WriteTxn() = default;

  struct Change {
    TableIndex table;
    const Leaf* before;
    const Leaf* after;
  };

  Tables tables_;
  uint64_t index_ = 0;
  RadixWriter writer_;
  std::vector<Change> changes_;  // of the open transaction
  Effects effects_;
};

class Store : public WriteTxn {
 public:
  using NoticeSink = std::function<void(std::shared_ptr<const CommitNotice>)>;
  using EffectSink = std::function<void(uint64_t index, Effects)>;

  Store();
  // REQUIRES: no View is left.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  View view() const;

  // Set them before the first transaction. Called on the writer's thread: notices by publish() and adopt()
  // after readers can see the change, effects by commit().
  void set_notice_sink(NoticeSink sink) { notice_sink_ = std::move(sink); }
  void set_effect_sink(EffectSink sink) { effect_sink_ = std::move(sink); }

  void begin(uint64_t index);
  void commit();
  // As if begin() had never been called; but the index counts as applied.
  void rollback();
  bool in_transaction() const { return open_; }
  // Lets readers see what was committed. `applied_index`: log entries without a transaction (no-ops) count
  // too.
  void publish(uint64_t applied_index = 0);

  // Takes over the whole state of another store, as published there (a restored snapshot). All waiters are
  // told. REQUIRES: no open transaction on either; the other store has no readers.
  void adopt(Store& fresh);

  // Publications whose memory still waits for readers.
  size_t retired() const { return retired_; }

 private:
  void retire_replaced(const Tables* old);

  mutable EpochDomain epochs_;
  std::atomic<const Tables*> published_;
  NoticeSink notice_sink_;
  EffectSink effect_sink_;
  bool open_ = false;
  bool dirty_ = false;  // something was committed since the last publication
  std::array<uint64_t, kTableCount> saved_indexes_{};
  uint64_t saved_reaped_ = 0;
  uint64_t saved_removal_ = 0;
  std::vector<const Leaf*> dropped_;  // leaves that this batch replaced
  std::shared_ptr<CommitNotice> notice_;
  size_t retired_ = 0;
};

}  // namespace praetor::store
