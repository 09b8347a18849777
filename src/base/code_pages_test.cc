#include "base/code_pages.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>

namespace praetor {
namespace {

// A page of constants that nothing else reads, with its neighbours.
constexpr size_t kPage = 4096, kPages = 64;
alignas(kPage) const std::array<unsigned char, kPage * kPages> kConstants = {1, 2, 3};

size_t file_backed_kib() {
  std::FILE* status = std::fopen("/proc/self/status", "r");
  if (status == nullptr) return 0;
  std::array<char, 256> line{};
  unsigned long kib = 0;
  while (std::fgets(line.data(), line.size(), status) != nullptr)
    if (std::sscanf(line.data(), "RssFile: %lu", &kib) == 1) break;
  std::fclose(status);
  return kib;
}

TEST(CodePages, WhatWasReadIsGivenBackAndReadAgain) {
  volatile const unsigned char* constants = kConstants.data();
  unsigned sum = 0;
  for (size_t i = 0; i < kConstants.size(); i += kPage) sum += constants[i];
  size_t before = file_backed_kib();
  EXPECT_GT(release_code_pages(), kConstants.size());
  EXPECT_LT(file_backed_kib() + kPages * kPage / 1024, before);
  EXPECT_EQ(sum, 1u);
  EXPECT_EQ(constants[2], 3u);
}

int variable = 41;

TEST(CodePages, VariablesKeepTheirValues) {
  ++variable;
  release_code_pages();
  EXPECT_EQ(variable, 42);
}

}  // namespace
}  // namespace praetor
