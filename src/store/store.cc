#include "store/store.h"

#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace praetor::store {
namespace {

// Only these can be waited for; changes of the other indexes show in one of them.
bool watchable(TableIndex table) {
  switch (table) {
    case TableIndex::kServicesByName:
    case TableIndex::kServicesByKind:
    case TableIndex::kChecksByService:
    case TableIndex::kChecksByStatus:
    case TableIndex::kChecksByInstance:
    case TableIndex::kKvsBySession:
    case TableIndex::kTombstones:
    case TableIndex::kSessionsByNode:
    case TableIndex::kSessionChecks:
      return false;
    default:
      return true;
  }
}

void free_tables(Tables& tables) {
  for (RadixTree& tree : tables.trees) free_tree(tree);
}

}  // namespace

// --- WriteTxn ---

void WriteTxn::put(TableIndex table, const Leaf* leaf) {
  const Leaf* before = writer_.insert(tables_.tree(table), leaf);
  changes_.push_back({table, before, leaf});
}

bool WriteTxn::erase(TableIndex table, std::string_view key) {
  const Leaf* before = writer_.erase(tables_.tree(table), key);
  if (before == nullptr) return false;
  changes_.push_back({table, before, nullptr});
  return true;
}

void WriteTxn::set_named_index(std::string_view name, uint64_t value) {
  for (size_t i = 0; i < kTableCount; i++) {
    if (table_name(static_cast<Table>(i)) == name) {
      tables_.table_indexes[i] = value;
      return;
    }
  }
  auto* record = new IndexRecord{std::string(name), value};
  put(TableIndex::kIndexes, make_record_leaf(LeafKind::kIndexEntry, to_lower(name), record));
}

void WriteTxn::bump_activity(Activity kind, std::string_view name) {
  put(TableIndex::kActivity, make_value_leaf(activity_key(kind, name), index_));
}

// --- Store ---

Store::Store() : published_(new Tables), notice_(std::make_shared<CommitNotice>()) {}

Store::~Store() {
  CHECK(!open_);
  notice_sink_ = nullptr;
  publish();
  epochs_.collect();
  free_tables(tables_);
  delete published_.load();
}

View Store::view() const {
  EpochDomain::Guard guard = epochs_.pin();
  return View(std::move(guard), published_.load());
}

void Store::begin(uint64_t index) {
  CHECK(!open_);
  open_ = true;
  index_ = index;
  saved_indexes_ = tables_.table_indexes;
  saved_reaped_ = tables_.reaped_index;
  saved_removal_ = tables_.node_removal_index;
  CHECK(changes_.empty());
}

void Store::commit() {
  CHECK(open_);
  open_ = false;
  dirty_ = true;
  tables_.last_index = index_;
  for (const Change& change : changes_) {
    if (change.before != nullptr) dropped_.push_back(change.before);
    if (notice_sink_ && watchable(change.table)) {
      notice_->touch(change.table, (change.after != nullptr ? change.after : change.before)->key(), index_);
    }
  }
  changes_.clear();
  notice_->index = index_;
  if (effects_.empty()) return;
  Effects effects = std::exchange(effects_, {});
  if (effect_sink_) effect_sink_(index_, std::move(effects));
}

void Store::rollback() {
  CHECK(open_);
  open_ = false;
  dirty_ = true;
  for (size_t i = changes_.size(); i-- > 0;) {
    const Change& change = changes_[i];
    RadixTree& tree = tables_.tree(change.table);
    const Leaf* removed = change.before != nullptr ? writer_.insert(tree, change.before)
                                                   : writer_.erase(tree, change.after->key());
    CHECK(removed == change.after);
  }
  for (const Change& change : changes_) {
    if (change.after != nullptr) free_leaf(change.after);  // never published
  }
  changes_.clear();
  effects_ = {};
  tables_.table_indexes = saved_indexes_;
  tables_.reaped_index = saved_reaped_;
  tables_.node_removal_index = saved_removal_;
  tables_.last_index = index_;
}

void Store::retire_replaced(const Tables* old) {
  struct Garbage {
    std::vector<radix::Inner*> inners;
    std::vector<const Leaf*> leaves;
    const Tables* tables;
  };
  auto* garbage = new Garbage{writer_.take_replaced(), std::exchange(dropped_, {}), old};
  epochs_.retire([garbage] {
    for (radix::Inner* inner : garbage->inners) free_inner(inner);
    for (const Leaf* leaf : garbage->leaves) free_leaf(leaf);
    delete garbage->tables;
    delete garbage;
  });
  retired_ = epochs_.collect();
}

void Store::publish(uint64_t applied_index) {
  CHECK(!open_);
  if (applied_index > tables_.last_index) {
    tables_.last_index = applied_index;
    dirty_ = true;
  }
  if (!dirty_) return;
  dirty_ = false;
  const Tables* old = published_.exchange(new Tables(tables_));
  writer_.start_batch();
  retire_replaced(old);
  if (notice_->empty()) return;
  auto notice = std::exchange(notice_, std::make_shared<CommitNotice>());
  if (notice_sink_) notice_sink_(std::move(notice));
}

void Store::adopt(Store& fresh) {
  CHECK(!open_ && !fresh.open_);
  publish();
  fresh.publish();
  auto* old_trees = new Tables(std::exchange(tables_, std::exchange(fresh.tables_, Tables())));
  delete fresh.published_.exchange(new Tables);
  const Tables* old = published_.exchange(new Tables(tables_));
  writer_.start_batch();
  fresh.writer_.start_batch();
  epochs_.retire([old, old_trees] {
    free_tables(*old_trees);
    delete old_trees;
    delete old;
  });
  retired_ = epochs_.collect();
  auto notice = std::make_shared<CommitNotice>();
  notice->replaced = true;
  notice->index = tables_.last_index;
  if (notice_sink_) notice_sink_(std::move(notice));
}

}  // namespace praetor::store
