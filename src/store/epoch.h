// Epoch-based reclamation: readers pin, the one writer retires, nothing is freed under a pinned reader.
//
// Threads: pin() from any thread, at any time, without locks (a compare-exchange on an idle slot, each slot
// on its own cache line). retire() and collect() from the one writer only. Why it is safe: a reader announces
// its epoch before it loads the root; the writer stores the new root before it advances the epoch and scans
// the slots. Whoever the scan misses has therefore loaded the new root. All of these are sequentially
// consistent.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <utility>

namespace praetor::store {

class EpochDomain {
 public:
  struct alignas(64) Slot {
    std::atomic<uint64_t> epoch{0};  // 0: idle
  };

  // Keeps everything alive that was reachable when it was made. Movable; may move between threads.
  class Guard {
   public:
    Guard() = default;
    explicit Guard(Slot* slot) : slot_(slot) {}
    Guard(Guard&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
    Guard& operator=(Guard&& other) noexcept {
      if (this != &other) {
        release();
        slot_ = std::exchange(other.slot_, nullptr);
      }
      return *this;
    }
    ~Guard() { release(); }

    void release() {
      if (slot_ != nullptr) slot_->epoch.store(0, std::memory_order_release);
      slot_ = nullptr;
    }
    bool pinned() const { return slot_ != nullptr; }

   private:
    Slot* slot_ = nullptr;
  };

  EpochDomain() = default;
  EpochDomain(const EpochDomain&) = delete;
  EpochDomain& operator=(const EpochDomain&) = delete;
  // REQUIRES: no reader is pinned. Frees everything that is retired.
  ~EpochDomain();

  Guard pin();

  // `free` runs on the writer's thread, once no reader that was pinned before this call remains. To be called
  // after the new root was published.
  void retire(std::function<void()> free);
  // Frees what can be freed; returns the number of retirements that still wait.
  size_t collect();

 private:
  static constexpr size_t kSlotsPerBlock = 64;
  struct Block {
    std::array<Slot, kSlotsPerBlock> slots;
    std::atomic<Block*> next{nullptr};
  };
  struct Retired {
    uint64_t epoch;
    std::function<void()> free;
  };

  // The oldest epoch that a reader may still see; the current one when nobody is pinned.
  uint64_t oldest_pinned() const;

  std::atomic<uint64_t> epoch_{1};
  Block first_;  // blocks are only added
  std::deque<Retired> retired_;
};

}  // namespace praetor::store
