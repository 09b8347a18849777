#include "sim/linearizability.h"

#include <algorithm>
#include <unordered_set>

namespace praetor::sim {
namespace {

struct State {
  uint64_t value = 0;  // 0: the key is absent
  uint64_t holder = 0;
  bool released = false;  // since the value was written, a session's end took the holder away
  bool operator==(const State&) const = default;
};

// The state after the operation, if it can have taken place here with the answer that it got.
std::optional<State> step(const State& state, const KeyOperation& operation) {
  using Kind = KeyOperation::Kind;
  auto conditional = [&](bool holds, State after) -> std::optional<State> {
    if (operation.answer && *operation.answer != holds) return std::nullopt;
    return holds ? after : state;
  };
  bool same = state.value == operation.expected &&
              (state.value == 0 || state.released == operation.expected_released);
  switch (operation.kind) {
    case Kind::kRead:
      if (state.value != operation.value || state.holder != operation.session) return std::nullopt;
      return state;
    case Kind::kWrite:
      return State{operation.value, state.holder, false};
    case Kind::kDelete:
      return State{};
    case Kind::kCas:
      return conditional(same, {operation.value, state.holder, false});
    case Kind::kDeleteCas:
      return conditional(same || state.value == 0, {});
    case Kind::kLock:
      return conditional(state.holder == 0 || state.holder == operation.session,
                         {operation.value, operation.session, false});
    case Kind::kUnlock:
      return conditional(state.holder == operation.session, {operation.value, 0, false});
    case Kind::kRelease:
    case Kind::kReleaseAndDelete:
      if (state.holder == 0 ||
          std::ranges::find(operation.sessions, state.holder) == operation.sessions.end())
        return state;
      if (operation.kind == Kind::kReleaseAndDelete) return State{};
      return State{state.value, 0, true};
  }
  return std::nullopt;
}

uint64_t mix(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccd;
  x ^= x >> 33;
  return x * 0xc4ceb9fe1a85ec53;
}

class Search {
 public:
  Search(std::vector<KeyOperation> operations, uint64_t budget)
      : operations_(std::move(operations)), placed_(operations_.size()), budget_(budget) {
    std::ranges::sort(operations_, {}, &KeyOperation::invoked);
    for (const KeyOperation& operation : operations_) must_ += operation.returned != INT64_MAX;
  }

  bool run(bool* exhausted) {
    bool found = place(State{}, 0, 0);
    if (exhausted != nullptr) *exhausted = budget_ == 0;
    return found || budget_ == 0;
  }

 private:
  // Every operation that ended is placed: those whose end nobody saw need not have happened.
  bool place(const State& state, size_t first, uint64_t must_placed) {
    if (must_placed == must_) return true;
    if (budget_ == 0) return false;
    --budget_;
    // The set is told by two independent hashes: a collision of both would hide a path, once in 2^64 sets.
    if (!tried_.insert({hash_, mix(state.value * 3 + state.holder * 0x9e3779b97f4a7c15 + state.released)})
             .second)
      return false;
    while (first < operations_.size() && placed_[first]) ++first;
    // Whatever begins after the first end of an unplaced operation comes after that operation.
    int64_t horizon = INT64_MAX;
    for (size_t i = first; i < operations_.size() && operations_[i].invoked < horizon; ++i)
      if (!placed_[i]) horizon = std::min(horizon, operations_[i].returned);
    std::vector<std::pair<uint64_t, size_t>> next;
    for (size_t i = first; i < operations_.size() && operations_[i].invoked < horizon; ++i)
      if (!placed_[i]) next.emplace_back(operations_[i].hint, i);
    std::ranges::sort(next);
    for (auto [hint, i] : next) {
      std::optional<State> after = step(state, operations_[i]);
      if (!after) continue;
      bool ended = operations_[i].returned != INT64_MAX;
      if (!ended && *after == state) continue;  // without effect it need not have happened
      placed_[i] = true;
      hash_ ^= mix(i + 1);
      if (place(*after, first, must_placed + ended)) return true;
      placed_[i] = false;
      hash_ ^= mix(i + 1);
    }
    return false;
  }

  struct Tried {
    uint64_t set, state;
    bool operator==(const Tried&) const = default;
  };
  struct TriedHash {
    size_t operator()(const Tried& tried) const { return mix(tried.set) ^ tried.state; }
  };

  std::vector<KeyOperation> operations_;
  std::vector<bool> placed_;
  std::unordered_set<Tried, TriedHash> tried_;
  uint64_t hash_ = 0, must_ = 0, budget_;
};

}  // namespace

bool linearizable(const std::vector<KeyOperation>& operations, uint64_t budget, bool* exhausted) {
  return Search(operations, budget).run(exhausted);
}

}  // namespace praetor::sim
