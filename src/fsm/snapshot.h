// state.bin: the state as Consul's records (wire.md 7.4), out and in.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "fsm/chunking.h"
#include "raft/state_machine.h"
#include "store/store.h"

namespace praetor::fsm {

// Writes the pinned picture in Consul's order, `chunks` (an encoded record 29) last. Any thread.
std::unique_ptr<raft::SnapshotWriter> make_snapshot_writer(store::View view, std::string chunks);

// Fills an empty store, which is then published. `index`: the last log entry that the snapshot covers; 0:
// what its header says. Error kCorrupt for records that cannot be read, or have an unknown type.
Status read_snapshot(raft::SnapshotReader& reader, uint64_t index, store::Store& store,
                     ChunkAssembler& chunks);

}  // namespace praetor::fsm
