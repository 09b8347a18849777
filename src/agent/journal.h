// Makes what the API registered durable before it is acknowledged, without a file and a sync for each: one
// append-only journal with group commit. Consul's files (persistence.h) follow when it is calm
// (docs/durability.md, docs/formats/agent-journal.md).
//
// Threads: open() and close() by whoever owns the journal, before and after everything else; append(),
// append_later() and commit() on the owner's reactor. The journal's own thread does all of the disk's work
// but the writing of files, which has a second one; answers go to the owner's reactor in one task a batch.
//
// Invariants: an answer without an error means that the changes are synced. Changes reach the journal and the
// files in the order of append(). Each answer is given once, with an error when the journal closes first.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/persistence.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"

namespace praetor::raft {
class FileSystem;
}

namespace praetor::agent {

// docs/limits.md.
inline constexpr size_t kMaxJournalBatchBytes = 4
                                                << 20;  // one write, one sync; one change may exceed it alone
inline constexpr size_t kMaxJournalBytes = 128 << 20;   // not in the files yet; more waits for them

class Journal {
 public:
  struct Options {
    Duration calm = std::chrono::seconds(5);     // without a change: the files are written
    Duration max_age = std::chrono::minutes(1);  // of a change that is in no file
    Duration later = std::chrono::seconds(1);    // append_later() reaches the disk in this time
    Duration retry = std::chrono::seconds(1);    // after a failure of the disk
    size_t fold_bytes = 32 << 20;                // the files are written though it is not calm
    raft::FileSystem* file_system = nullptr;     // for tests; null: the machine's
  };
  using Done = std::function<void(const Status&)>;
  using Post = std::function<void(std::function<void()>)>;  // runs a task on the owner's reactor; any thread

  // `files` outlives the journal; with an empty path nothing is kept and every answer is good.
  Journal(DataDirectory& files, Post post, Logger log, Options options);
  ~Journal();  // close()
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Brings the files up to date after a crash and starts the threads. kCorrupt names file and offset.
  Status open();

  // All of the changes or none. Nothing happens before commit(), which sends off what was appended since.
  void append(std::vector<KeptChange> changes, Done done);
  void commit();
  // Within Options::later; a newer one of the same item takes its place. Not worth an answer.
  void append_later(KeptChange change);

  // Finishes what was committed, writes the files, removes the journal. Idempotent.
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace praetor::agent
