// The program around the targets. Built with libFuzzer (PRAETOR_FUZZ) it is a fuzzer of one target. Else:
//
//   fuzz_corpus TARGET PATH...   feeds every file (of a folder: every file in it) to the target, in order
//   fuzz_corpus --list           names the targets
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/fuzz/target.h"

namespace praetor::fuzz {
namespace {

const Target*& first_target() {
  static const Target* first = nullptr;
  return first;
}

const Target* find_target(const char* name) {
  const Target* target = targets();
  while (target != nullptr && std::strcmp(target->name, name) != 0) target = target->next;
  return target;
}

}  // namespace

Target::Target(const char* target_name, void (*target_run)(std::string_view))
    : name(target_name), run(target_run), next(first_target()) {
  first_target() = this;
}

const Target* targets() { return first_target(); }

namespace {

#ifdef PRAETOR_LIBFUZZER

const Target* chosen = nullptr;

#else

// Says which input is being run, so that a crash in the log of CI names it.
void run_file(const Target& target, const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  std::printf("%s\n", path.filename().c_str());
  std::fflush(stdout);
  target.run(bytes.str());
}

int run_corpus(int count, char** arguments) {
  namespace fs = std::filesystem;
  if (count == 2 && std::strcmp(arguments[1], "--list") == 0) {
    for (const Target* target = targets(); target != nullptr; target = target->next) std::puts(target->name);
    return 0;
  }
  const Target* target = count >= 3 ? find_target(arguments[1]) : nullptr;
  if (target == nullptr) {
    std::fprintf(stderr, "usage: fuzz_corpus TARGET PATH... | --list\n");
    return 2;
  }
  target->run("");
  size_t files = 0;
  for (int i = 2; i < count; ++i) {
    std::vector<fs::path> paths{arguments[i]};
    if (fs::is_directory(paths[0])) {
      fs::path folder = std::exchange(paths, {})[0];
      for (const fs::directory_entry& entry : fs::directory_iterator(folder)) paths.push_back(entry.path());
      std::sort(paths.begin(), paths.end());
    }
    for (const fs::path& path : paths) run_file(*target, path);
    files += paths.size();
  }
  std::printf("%s: %zu inputs\n", target->name, files);
  return files == 0 ? 1 : 0;
}

#endif

}  // namespace
}  // namespace praetor::fuzz

#ifdef PRAETOR_LIBFUZZER

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* name = std::getenv("PRAETOR_FUZZ_TARGET");
  praetor::fuzz::chosen = praetor::fuzz::find_target(name == nullptr ? "" : name);
  if (praetor::fuzz::chosen == nullptr) {
    std::fprintf(stderr, "PRAETOR_FUZZ_TARGET names no target; they are:\n");
    for (const auto* target = praetor::fuzz::targets(); target != nullptr; target = target->next)
      std::fprintf(stderr, "  %s\n", target->name);
    std::exit(2);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  praetor::fuzz::chosen->run({reinterpret_cast<const char*>(data), size});
  return 0;
}

#else

int main(int count, char** arguments) { return praetor::fuzz::run_corpus(count, arguments); }

#endif
