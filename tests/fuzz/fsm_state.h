// What the targets that fill a store share.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "fsm/fsm.h"
#include "tests/fuzz/target.h"

namespace praetor::fuzz {

class StringSink final : public raft::SnapshotSink {
 public:
  Status write(std::string_view bytes) override {
    data += bytes;
    return {};
  }
  std::string data;
};

class StringReader final : public raft::SnapshotReader {
 public:
  explicit StringReader(std::string_view data) : data_(data) {}
  Result<size_t> read(std::span<char> buffer) override {
    size_t count = std::min(buffer.size(), data_.size());
    std::memcpy(buffer.data(), data_.data(), count);
    data_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view data_;
};

inline std::string snapshot_of(fsm::Fsm& machine) {
  StringSink sink;
  CHECK(machine.snapshot()->write(sink).has_value());
  return std::move(sink.data);
}

inline Status restore(fsm::Fsm& machine, std::string_view snapshot, uint64_t index) {
  StringReader reader(snapshot);
  raft::SnapshotMeta meta;
  meta.index = index;
  TRY(machine.restore(reader, meta));
  machine.publish(index);
  return {};
}

// Whatever was applied or restored: the snapshot of it restores to the same.
inline void check_snapshot(fsm::Fsm& machine, uint64_t index) {
  std::string once = snapshot_of(machine);
  store::Store store;
  fsm::Fsm again(store);
  Status restored = restore(again, once, index);
  CHECK(restored.has_value());
  CHECK(snapshot_of(again) == once);
}

}  // namespace praetor::fuzz
