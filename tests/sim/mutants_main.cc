// praetor_sim_mutants: plants one fault after the other (raft/mutation.h) and counts the seeds until the
// simulation finds it. It fails when one is not found within the bound.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <new>
#include <string_view>

#include "raft/mutation.h"
#include "sim/run.h"

namespace praetor::sim {
namespace {

using raft::Mutation;

struct Found {
  std::atomic<uint64_t> seed{0};
  std::atomic<bool> found{false};
  char what[300] = "";
};

void search(Mutation mutation, uint64_t bound, Found& found) {
  raft::chosen_mutation = mutation;
  for (uint64_t seed = 1; seed <= bound; ++seed) {
    found.seed = seed;
    Run run(seed, false);
    if (run.go()) continue;
    std::snprintf(found.what, sizeof found.what, "%s", run.world().violation().c_str());
    found.found = true;
    return;
  }
}

// In a process of its own: an assertion of the code may be what finds it.
bool is_caught(Mutation mutation, uint64_t bound, Found& found) {
  std::fflush(stdout);
  pid_t child = ::fork();
  if (child == 0) {
    (void)std::freopen("/dev/null", "w", stderr);
    search(mutation, bound, found);
    ::_exit(0);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return false;
  if (WIFSIGNALED(status)) {
    std::snprintf(found.what, sizeof found.what, "an assertion ended the process (signal %d)",
                  WTERMSIG(status));
    found.found = true;
  }
  return found.found;
}

int main(int argc, char** argv) {
  uint64_t bound = 2000;
  std::string_view only = argc > 2 ? argv[2] : "";
  if (argc > 1) (void)std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), bound);
  void* memory = ::mmap(nullptr, sizeof(Found), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 2;
  bool all = true;
  for (size_t i = 1; i < static_cast<size_t>(Mutation::kCount); ++i) {
    const char* name = raft::kMutationNames[i];
    if (!only.empty() && only != name) continue;
    auto& found = *new (memory) Found;
    bool caught = is_caught(static_cast<Mutation>(i), bound, found);
    all &= caught;
    if (caught)
      std::printf("%-22s caught by seed %llu: %s\n", name, static_cast<unsigned long long>(found.seed.load()),
                  found.what);
    else
      std::printf("%-22s NOT CAUGHT by seeds 1 to %llu\n", name, static_cast<unsigned long long>(bound));
  }
  return all ? 0 : 1;
}

}  // namespace
}  // namespace praetor::sim

int main(int argc, char** argv) { return praetor::sim::main(argc, argv); }
