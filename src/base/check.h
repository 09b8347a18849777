// CHECK stays on in release: crashing is better than corrupting. It states what the code around it
// guarantees; input from outside never reaches one (that is an Error).
#pragma once

namespace praetor {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}  // namespace praetor

#define CHECK(condition)                                       \
  do {                                                         \
    if (!(condition)) [[unlikely]]                             \
      ::praetor::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
