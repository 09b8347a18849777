// praetor_sim: one seed with its trace, or many seeds on several processes (scripts/sim).
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <new>

#include "sim/run.h"

namespace praetor::sim {
namespace {

constexpr size_t kMaxJobs = 256;
constexpr size_t kMaxFailuresShown = 20;

// What the processes tell each other: one slot a process.
struct Shared {
  struct Slot {
    std::atomic<uint64_t> seed{0};  // under way
    World::Counters counters;
  };
  std::atomic<uint64_t> next{0}, done{0}, failures{0};
  Slot slots[kMaxJobs];
};

int run_one(uint64_t seed, bool tracing) {
  Run run(seed, tracing);
  bool well = run.go();
  std::fwrite(run.world().trace_text().data(), 1, run.world().trace_text().size(), stdout);
  std::printf("seed %llu: %s\n%s\n%s\n", static_cast<unsigned long long>(seed),
              well ? "all well" : run.world().violation().c_str(), run.climate().text().c_str(),
              run.world().counters.text().c_str());
  return well ? 0 : 1;
}

void work(Shared& shared, Shared::Slot& slot, uint64_t last) {
  for (;;) {
    uint64_t seed = shared.next.fetch_add(1);
    if (seed > last) return;
    slot.seed = seed;
    Run run(seed, false);
    if (!run.go()) {
      if (shared.failures.fetch_add(1) < kMaxFailuresShown) {
        std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed),
                    run.world().violation().c_str());
        std::fflush(stdout);
      }
    }
    slot.counters.add(run.world().counters);
    slot.seed = 0;
    shared.done.fetch_add(1);
  }
}

pid_t spawn(Shared& shared, size_t slot, uint64_t last) {
  std::fflush(stdout);
  pid_t child = ::fork();
  if (child != 0) return child;
  work(shared, shared.slots[slot], last);
  std::fflush(stdout);
  ::_exit(0);
}

int run_many(uint64_t first, uint64_t last, size_t jobs) {
  void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 2;
  auto& shared = *new (memory) Shared;
  shared.next = first;
  auto start = std::chrono::steady_clock::now();
  std::map<pid_t, size_t> running;
  for (size_t slot = 0; slot < jobs; ++slot) running[spawn(shared, slot, last)] = slot;
  while (!running.empty()) {
    int status = 0;
    pid_t ended = ::wait(&status);
    if (ended < 0) break;
    size_t slot = running[ended];
    running.erase(ended);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
    // An assertion of the code under test, most likely: its text stands above.
    std::printf("seed %llu: the process ended (%s %d)\n",
                static_cast<unsigned long long>(shared.slots[slot].seed.load()),
                WIFSIGNALED(status) ? "signal" : "exit",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    shared.failures.fetch_add(1);
    shared.done.fetch_add(1);
    running[spawn(shared, slot, last)] = slot;
  }
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  World::Counters sum;
  for (const Shared::Slot& slot : shared.slots) sum.add(slot.counters);
  std::printf("%llu seeds (%llu to %llu) in %.1f s, %.1f a second, failures: %llu\n%s\n",
              static_cast<unsigned long long>(shared.done.load()), static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(last), seconds,
              static_cast<double>(shared.done.load()) / seconds,
              static_cast<unsigned long long>(shared.failures.load()), sum.text().c_str());
  return shared.failures == 0 ? 0 : 1;
}

bool parse(std::string_view text, uint64_t& number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

int usage() {
  std::fputs(
      "usage: praetor_sim SEED [--quiet]\n"
      "       praetor_sim --seeds FIRST-LAST [--jobs N]\n",
      stderr);
  return 2;
}

int main(int argc, char** argv) {
  uint64_t seed = 0, first = 0, last = 0, jobs = static_cast<uint64_t>(::sysconf(_SC_NPROCESSORS_ONLN));
  bool many = false, one = false, quiet = false;
  for (int i = 1; i < argc; ++i) {
    std::string_view argument = argv[i], next = i + 1 < argc ? argv[i + 1] : "";
    size_t dash = next.find('-');
    if (argument == "--quiet") {
      quiet = true;
    } else if (argument == "--jobs" && parse(next, jobs) && jobs > 0 && jobs <= kMaxJobs) {
      ++i;
    } else if (argument == "--seeds" && dash != next.npos && parse(next.substr(0, dash), first) &&
               parse(next.substr(dash + 1), last) && first <= last) {
      many = true;
      ++i;
    } else if (!one && parse(argument, seed)) {
      one = true;
    } else {
      return usage();
    }
  }
  if (one == many) return usage();
  return one ? run_one(seed, !quiet) : run_many(first, last, jobs);
}

}  // namespace
}  // namespace praetor::sim

int main(int argc, char** argv) { return praetor::sim::main(argc, argv); }
