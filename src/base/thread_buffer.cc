#include "base/thread_buffer.h"

#include <memory>

namespace praetor {

std::span<char> thread_buffer() {
  // On the heap, and not filled: an array would cost each thread its pages, also those that never read.
  static thread_local const std::unique_ptr<char[]> buffer =
      std::make_unique_for_overwrite<char[]>(kThreadBufferBytes);
  return {buffer.get(), kThreadBufferBytes};
}

}  // namespace praetor
