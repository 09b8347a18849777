#include "store/epoch.h"

#include <algorithm>

#include "base/check.h"

namespace praetor::store {
namespace {

// Threads start their search at different slots, so that they rarely meet on one.
size_t first_slot_of_thread() {
  static std::atomic<size_t> next{0};
  thread_local const size_t mine = next.fetch_add(7, std::memory_order_relaxed);
  return mine;
}

}  // namespace

EpochDomain::~EpochDomain() {
  CHECK(oldest_pinned() == epoch_.load());
  for (Retired& retired : retired_) retired.free();
  for (Block* block = first_.next.load(); block != nullptr;) delete std::exchange(block, block->next.load());
}

EpochDomain::Guard EpochDomain::pin() {
  size_t start = first_slot_of_thread();
  uint64_t epoch = epoch_.load();
  for (Block* block = &first_;;) {
    for (size_t i = 0; i < kSlotsPerBlock; i++) {
      Slot& slot = block->slots[(start + i) % kSlotsPerBlock];
      uint64_t idle = 0;
      if (slot.epoch.load(std::memory_order_relaxed) == 0 &&
          slot.epoch.compare_exchange_strong(idle, epoch)) {
        return Guard(&slot);
      }
    }
    Block* next = block->next.load();
    if (next == nullptr) {
      auto* fresh = new Block;
      if (block->next.compare_exchange_strong(next, fresh)) {
        next = fresh;
      } else {
        delete fresh;  // another thread was first; `next` is its block
      }
    }
    block = next;
  }
}

void EpochDomain::retire(std::function<void()> free) {
  retired_.push_back({epoch_.load(), std::move(free)});
  epoch_.fetch_add(1);
}

uint64_t EpochDomain::oldest_pinned() const {
  uint64_t oldest = epoch_.load();
  for (const Block* block = &first_; block != nullptr; block = block->next.load()) {
    for (const Slot& slot : block->slots) {
      uint64_t epoch = slot.epoch.load();
      if (epoch != 0) oldest = std::min(oldest, epoch);
    }
  }
  return oldest;
}

size_t EpochDomain::collect() {
  if (retired_.empty()) return 0;
  uint64_t oldest = oldest_pinned();
  while (!retired_.empty() && retired_.front().epoch < oldest) {
    retired_.front().free();
    retired_.pop_front();
  }
  return retired_.size();
}

}  // namespace praetor::store
