// Blocking queries on one simulated server: real watch sets in a real registry. After each publication, whose
// thing has changed must have been woken, and nobody else.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "sim/truth.h"
#include "store/records.h"
#include "store/store.h"

namespace praetor::sim {

// A key as the store shows it (null: absent).
KeyState state_of(const store::KvLeaf* leaf);

class Watchers {
 public:
  Watchers(World& world, const Truth& truth, std::string server, store::Store& store);

  enum class Kind : uint8_t { kKey, kPrefix, kSessions };
  // Reads, and waits for a change; then reads again and waits again, for as long as the server lives.
  void watch(Kind kind, const std::string& what);
  // After each publication: nobody still waits for what it changed.
  void verify(uint64_t published_index) const;

 private:
  struct Watch {
    Kind kind;
    std::string what;
    uint64_t evaluated_at = 0;
    store::WaiterRegistry::Id id = 0;
    bool woken = false;
  };
  void wait(Watch& watch);
  void check_result(const Watch& watch, const store::View& view, store::WatchSet& set) const;
  bool changed(const Watch& watch, uint64_t up_to) const;
  void deliver(const store::CommitNotice& notice);
  std::string name_of(const Watch& watch) const;

  World& world_;
  const Truth& truth_;
  const std::string server_;
  store::Store& store_;
  store::WaiterRegistry registry_;
  std::map<uint64_t, Watch> watches_;
  uint64_t next_ = 0;
};

}  // namespace praetor::sim
