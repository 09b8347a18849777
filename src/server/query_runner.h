// Runs the reads of one reactor: immediate, blocking and shared.
//
// Equal queries (same key) share one evaluation and one rendering: as long as nothing that a rendering read
// has changed, it is sent again as it is; when something has, it is made once for all who wait for it. A
// query blocks on exactly the keys that it read (store/watch.h).
//
// Everything happens on the reactor, except deliver(), which the consensus thread calls.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/reactor.h"
#include "base/result.h"
#include "server/read.h"

namespace praetor::store {
class Store;
class CommitNotice;
}  // namespace praetor::store

namespace praetor::server {

// Limits, listed in docs/limits.md.
inline constexpr size_t kMaxCachedRenderings = 4096;  // a reactor, without waiters
inline constexpr size_t kMaxCachedRenderingBytes = 64 << 20;
inline constexpr size_t kMaxUndeliveredNotices = 4096;  // of an idle reactor; then its cache is dropped

// One evaluation of a read, rendered. Immutable; shared by everyone who asked for the same.
struct Rendering {
  uint64_t index = 1;    // for X-Consul-Index
  uint64_t changed = 0;  // a blocking query waits while this is not above its index
  int status = 200;
  std::string content_type;  // empty: sniffed, or none
  std::shared_ptr<const std::string> body;
};
using RenderingPtr = std::shared_ptr<const Rendering>;

struct QueryLimits {
  uint64_t min_index = 0;  // 0: answer at once
  Duration wait{0};        // with min_index > 0: answer after this at the latest
};

class QueryRunner {
 public:
  using Produce = std::function<Result<Rendering>(ReadContext&)>;
  using Done = std::function<void(Result<RenderingPtr>)>;
  using Ticket = uint64_t;  // 0: answered already

  QueryRunner(Reactor& reactor, const store::Store& store, const ServerInfo& info);
  ~QueryRunner();

  // `done` is called once, perhaps before run returns, unless the ticket is cancelled.
  Ticket run(const std::string& key, QueryLimits limits, Produce produce, Done done);
  void cancel(Ticket ticket);

  // Any thread (the consensus thread, after it has published the root): what a commit touched.
  void deliver(std::shared_ptr<const store::CommitNotice> notice);

  struct Stats {
    uint64_t evaluations = 0;
    uint64_t shared = 0;            // answers that needed no evaluation
    uint64_t wakeups = 0;           // notices that touched a waiting query
    uint64_t spurious_wakeups = 0;  // of those, the ones whose result had not changed
    size_t waiting = 0;
    size_t cached = 0;
  };
  Stats stats() const;  // on the reactor

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace praetor::server
