// Faults planted by hand, so that the simulation can show that it finds them (docs/simulation.md). In the
// product planted() is false when it is compiled, and nothing of this is left; only tests/sim builds a second
// copy of a few sources with PRAETOR_MUTATIONS, where one fault can be chosen.
#pragma once

#include <cstdint>

namespace praetor::raft {

enum class Mutation : uint8_t {
  kNone,
  kCountOldTerms,      // commits entries of earlier terms by counting replicas (Raft, 5.4.2)
  kVoteTwice,          // forgets in a term for whom it voted
  kAckBeforeSync,      // a follower says that it has what its disk does not have yet
  kForgetLease,        // a leader reads alone for as long as it believes to lead
  kForgetPromise,      // a follower that hears a leader helps to elect another
  kVoteNotSynced,      // the vote is written, but not synced, before it is said
  kLogNotSynced,       // so are entries
  kReadWithoutRound,   // a consistent read does not ask the others
  kReadBeforeOwnTerm,  // nor waits for the first commit of its term
  kCommitPastMatch,    // a follower commits entries that the leader has not confirmed to be its own
  kTwoChangesAtOnce,   // a configuration change does not wait for the one before
  kCount,
};

inline constexpr const char* kMutationNames[] = {
    "none",
    "count-old-terms",
    "vote-twice",
    "ack-before-sync",
    "forget-lease",
    "forget-promise",
    "vote-not-synced",
    "log-not-synced",
    "read-without-round",
    "read-before-own-term",
    "commit-past-match",
    "two-changes-at-once",
};

#ifdef PRAETOR_MUTATIONS
inline Mutation chosen_mutation = Mutation::kNone;
inline bool planted(Mutation mutation) { return chosen_mutation == mutation; }
#else
constexpr bool planted(Mutation) { return false; }
#endif

}  // namespace praetor::raft
