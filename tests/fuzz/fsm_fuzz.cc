// Any log: pieces of the input as entries, applied in order. Each is a byte of flags (bit 0: an extension
// follows), two of length and the data, whose first byte is Consul's message type.
#include "base/cursor.h"
#include "tests/fuzz/fsm_state.h"

PRAETOR_FUZZ_TARGET(fsm) {
  using namespace praetor;
  store::Store store;
  fsm::Fsm machine(store);
  Cursor cursor(input);
  uint64_t index = 0;
  while (!cursor.at_end() && cursor.ok()) {
    raft::Entry entry;
    uint8_t flags = cursor.u8();
    entry.index = ++index;
    entry.term = 1 + (flags >> 6);
    if ((flags & 1) != 0) entry.extensions = cursor.bytes(std::min<size_t>(cursor.u8(), cursor.remaining()));
    size_t size = cursor.u16();
    entry.data = cursor.bytes(std::min(size, cursor.remaining()));
    (void)machine.apply(entry);
    if ((flags & 2) != 0) machine.publish(index);
  }
  machine.publish(index);
  fuzz::check_snapshot(machine, index);
}
