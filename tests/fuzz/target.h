// What a fuzz target is: any bytes in, nothing out; it aborts (CHECK) when a rule does not hold. All targets
// are in one program: with libFuzzer it runs the one that PRAETOR_FUZZ_TARGET names (scripts/fuzz), without
// it it feeds corpora to them (driver.cc).
#pragma once

#include <string_view>

#include "base/check.h"  // IWYU pragma: export

namespace praetor::fuzz {

struct Target {
  Target(const char* target_name, void (*target_run)(std::string_view));
  const char* name;
  void (*run)(std::string_view input);
  const Target* next;
};

// All of them, in no order.
const Target* targets();

}  // namespace praetor::fuzz

#define PRAETOR_FUZZ_TARGET(name)                                            \
  static void fuzz_##name(std::string_view input);                           \
  static const praetor::fuzz::Target fuzz_target_##name(#name, fuzz_##name); \
  static void fuzz_##name(std::string_view input)
