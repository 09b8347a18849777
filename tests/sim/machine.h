// The state machine of a simulated server: the real one (fsm over store), which tells the truth of each step.
#pragma once

#include <functional>
#include <string>

#include "fsm/fsm.h"
#include "sim/truth.h"

namespace praetor::sim {

// Of everything that servers must agree on at an index. Left out is what only this server uses to be finer
// than Consul's indexes (Activity), which a restored snapshot does not bring along.
uint64_t state_hash(const store::Tables& tables);

class CheckedMachine final : public raft::StateMachine {
 public:
  CheckedMachine(World& world, Truth& truth, std::string server)
      : world_(world), truth_(truth), server_(std::move(server)) {}

  std::any apply(const raft::Entry& entry) override;
  void publish(uint64_t applied_index) override;
  std::unique_ptr<raft::SnapshotWriter> snapshot() override;
  Status restore(raft::SnapshotReader& reader, const raft::SnapshotMeta& meta) override;

  store::Store& store() { return store_; }
  void set_on_published(std::function<void(uint64_t index)> told) { on_published_ = std::move(told); }

 private:
  World& world_;
  Truth& truth_;
  const std::string server_;
  store::Store store_;
  fsm::Fsm fsm_{store_};
  std::function<void(uint64_t index)> on_published_;
  uint64_t last_ = 0;  // applied, or passed without a command
};

// What a proposer is told, as the model says it.
std::string text_of(const std::any& answer);

}  // namespace praetor::sim
