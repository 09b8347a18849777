// One buffer serves whatever the thread reads: bytes are handed on, or copied, before the next read.
#pragma once

#include <cstddef>
#include <span>

namespace praetor {

inline constexpr size_t kThreadBufferBytes = 64 << 10;

// The calling thread's; its content is anything. Valid while the thread runs.
std::span<char> thread_buffer();

}  // namespace praetor
