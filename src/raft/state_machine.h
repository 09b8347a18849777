// What consensus drives: the replicated state. Implemented by fsm/.
#pragma once

#include <any>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "raft/types.h"

namespace praetor::raft {

// Where a snapshot's bytes go. Errors are sticky: after one every write fails.
class SnapshotSink {
 public:
  virtual ~SnapshotSink() = default;
  virtual Status write(std::string_view bytes) = 0;
};

// Where a snapshot's bytes come from.
class SnapshotReader {
 public:
  virtual ~SnapshotReader() = default;
  // Fills at most buffer.size() bytes; 0 at the end. kCorrupt when the checksum is wrong (known at the end:
  // a state machine must read until 0 before it believes what it has read).
  virtual Result<size_t> read(std::span<char> buffer) = 0;
  // Leaves out the next bytes; like read() when there are fewer. Readers that can do better than to read them
  // override it.
  virtual Status skip(uint64_t bytes);
};

// A captured state on its way to a sink. It holds what it needs (a root of the store), so that writes go on.
class SnapshotWriter {
 public:
  virtual ~SnapshotWriter() = default;
  // Called once, on the snapshot thread, while the consensus thread keeps applying.
  virtual Status write(SnapshotSink& sink) = 0;
};

// All calls come from the consensus thread (Node::start's caller before that thread exists).
class StateMachine {
 public:
  virtual ~StateMachine() = default;

  // A committed command, in log order, each exactly once since the last restore. The result goes to the
  // proposer's callback; on a follower it is dropped. Only kCommand entries come here.
  virtual std::any apply(const Entry& entry) = 0;
  // After a batch of applies (also after noops and barriers alone): makes the new state visible to readers
  // and wakes watchers. Proposers' callbacks run after it, so that they read their own writes.
  virtual void publish(uint64_t applied_index) = 0;
  // A cheap capture of the state after the last apply.
  virtual std::unique_ptr<SnapshotWriter> snapshot() = 0;
  // Replaces the whole state. An error leaves the old state in place (the node then refuses the snapshot);
  // publish(meta.index) follows a success.
  virtual Status restore(SnapshotReader& reader, const SnapshotMeta& meta) = 0;
};

}  // namespace praetor::raft
