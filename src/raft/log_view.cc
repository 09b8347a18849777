#include "raft/log_view.h"

#include <algorithm>

#include "base/check.h"

namespace praetor::raft {

LogView::LogView(uint64_t first, uint64_t last, std::vector<TermRun> terms, uint64_t snapshot_index,
                 uint64_t snapshot_term)
    : first_(first),
      last_(last),
      stable_(last),
      snapshot_index_(snapshot_index),
      snapshot_term_(snapshot_term),
      terms_(std::move(terms)) {
  CHECK(snapshot_index_ + 1 >= first_ && last_ + 1 >= first_);
}

std::optional<uint64_t> LogView::term(uint64_t index) const {
  if (index == 0) return 0;
  if (index == snapshot_index_) return snapshot_term_;
  if (index < first_ || index > last_) return std::nullopt;
  auto run = std::upper_bound(terms_.begin(), terms_.end(), index,
                              [](uint64_t i, const TermRun& r) { return i < r.first_index; });
  CHECK(run != terms_.begin());
  return std::prev(run)->term;
}

uint64_t LogView::first_of_term(uint64_t index) const {
  auto run = std::upper_bound(terms_.begin(), terms_.end(), index,
                              [](uint64_t i, const TermRun& r) { return i < r.first_index; });
  CHECK(run != terms_.begin());
  return std::max(std::prev(run)->first_index, first_);
}

void LogView::append(EntryRef entry) {
  CHECK(entry->index == last_ + 1);
  if (terms_.empty() || terms_.back().term != entry->term) {
    CHECK(terms_.empty() || terms_.back().term < entry->term);
    terms_.push_back({entry->index, entry->term});
  }
  last_ = entry->index;
  cache_bytes_ += entry->data.size();
  cache_.push_back(std::move(entry));
}

void LogView::truncate_from(uint64_t index) {
  CHECK(index >= first_);
  while (last_ >= index) {
    if (!cache_.empty()) {
      cache_bytes_ -= cache_.back()->data.size();
      cache_.pop_back();
    }
    --last_;
  }
  while (!terms_.empty() && terms_.back().first_index >= index) terms_.pop_back();
  stable_ = std::min(stable_, last_);
}

void LogView::set_stable(uint64_t index, uint64_t entry_term) {
  if (index > stable_ && index <= last_ && term(index) == entry_term) stable_ = index;
}

void LogView::snapshot_taken(uint64_t index, uint64_t entry_term) {
  if (index <= snapshot_index_) return;
  CHECK(index <= last_);
  snapshot_index_ = index;
  snapshot_term_ = entry_term;
}

void LogView::compact_to(uint64_t index) {
  CHECK(index <= snapshot_index_);
  if (index < first_) return;
  first_ = index + 1;
  while (terms_.size() > 1 && terms_[1].first_index <= first_) terms_.erase(terms_.begin());
  if (first_ > last_) terms_.clear();
}

void LogView::reset(uint64_t index, uint64_t entry_term) {
  *this = LogView(index + 1, index, {}, index, entry_term);
}

EntryRef LogView::cached(uint64_t index) const {
  uint64_t cache_first = last_ + 1 - cache_.size();
  if (index < cache_first || index > last_) return nullptr;
  return cache_[index - cache_first];
}

void LogView::trim_cache(uint64_t applied, size_t entries) {
  uint64_t may_go = std::min(applied, stable_);
  while (!cache_.empty() && cache_.front()->index <= may_go &&
         (cache_.size() > entries || cache_bytes_ > kCachedBytes)) {
    cache_bytes_ -= cache_.front()->data.size();
    cache_.pop_front();
  }
}

}  // namespace praetor::raft
