// The replicated state machine: log entries and snapshots of Consul 1.8.7 onto the store (wire.md 7).
//
// Threads: the consensus thread. A snapshot's writer runs on any other thread, from a pinned picture.
//
// What apply() returns, by type of entry:
//   error                              Error (nothing of the entry was kept)
//   KVS                                bool: false when a condition did not hold; plain writes are true
//   Session create                     std::string, the id
//   Txn                                model::TxnResponse (with errors: nothing was kept)
//   Autopilot, ConfigEntry, ConnectCA, FederationState   bool
//   a piece of a chunked command       nothing, but for the last one: the command's result. Nothing for the
//   last
//                                      one means that the term changed in between: propose the command again
//   the others                         nothing
#pragma once

#include <any>
#include <memory>
#include <string_view>

#include "fsm/chunking.h"
#include "raft/state_machine.h"
#include "store/store.h"

namespace praetor::fsm {

class Fsm final : public raft::StateMachine {
 public:
  // The store outlives the machine and every snapshot writer.
  explicit Fsm(store::Store& store) : store_(store) {}

  std::any apply(const raft::Entry& entry) override;
  void publish(uint64_t applied_index) override { store_.publish(applied_index); }
  std::unique_ptr<raft::SnapshotWriter> snapshot() override;
  Status restore(raft::SnapshotReader& reader, const raft::SnapshotMeta& meta) override;

  // apply() without chunking: type byte and MessagePack.
  std::any apply_command(uint64_t index, std::string_view data);

 private:
  store::Store& store_;
  ChunkAssembler chunks_;
};

}  // namespace praetor::fsm
