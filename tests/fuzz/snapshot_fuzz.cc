// Any bytes as state.bin: refused, or restored to a state whose own snapshot restores to the same. After a
// refusal the old state is still there.
#include "tests/fuzz/fsm_state.h"

PRAETOR_FUZZ_TARGET(snapshot) {
  using namespace praetor;
  store::Store store;
  fsm::Fsm machine(store);
  std::string before = fuzz::snapshot_of(machine);
  Status restored = fuzz::restore(machine, input, 1000);
  if (restored) {
    fuzz::check_snapshot(machine, 1000);
  } else {
    CHECK(!restored.error().message.empty());
    CHECK(fuzz::snapshot_of(machine) == before);
  }
}
