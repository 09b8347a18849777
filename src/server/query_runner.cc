#include "server/query_runner.h"

#include <array>
#include <atomic>
#include <list>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/metrics.h"
#include "store/store.h"

namespace praetor::server {
namespace {

struct Waiting {
  QueryRunner::Ticket ticket = 0;
  uint64_t min_index = 0;
  QueryRunner::Done done;
  Reactor::TimerId timer = 0;
};

// One distinct query: its last rendering and who waits for the next.
struct Entry {
  std::string key;
  QueryRunner::Produce produce;
  RenderingPtr rendering;
  uint64_t evaluated_at = 0;
  bool valid = false;  // nothing it read has been touched since
  store::WaiterRegistry::Id watch = 0;
  std::list<Waiting> waiting;
  std::list<Entry*>::iterator in_cache;  // when `waiting` is empty
};

// What those who have waited for one query, or one who need not wait, are told.
struct Answer {
  Result<RenderingPtr> result;
  std::list<Waiting> waited{};
  QueryRunner::Done done{};
};

constexpr size_t kRecentKeys = 4096;

// Of all reactors.
void count_blocking(int change) {
  static const Gauge blocking("rpc.queries_blocking");
  static std::atomic<int> now{0};
  blocking.set(static_cast<float>(now.fetch_add(change) + change));
}

}  // namespace

struct QueryRunner::Impl {
  Impl(Reactor& r, const store::Store& s, const ServerInfo& i) : reactor(r), store(s), info(i) {}

  Reactor& reactor;
  const store::Store& store;
  const ServerInfo& info;

  std::unordered_map<std::string, std::unique_ptr<Entry>> entries;
  std::list<Entry*> cache;  // entries that nobody waits for, least recently used first
  size_t cache_bytes = 0;
  store::WaiterRegistry registry;
  uint64_t delivered = 0;  // index of the last notice
  std::vector<Entry*> dirty;
  struct Place {
    Entry* entry;
    std::list<Waiting>::iterator waiting;
  };
  std::unordered_map<Ticket, Place> tickets;
  Ticket last_ticket = 0;
  // Keys asked for lately (by hash): only what is asked for twice is worth keeping.
  std::array<size_t, kRecentKeys> recent{};
  Stats stats;

  // Shared with the consensus thread.
  std::atomic<bool> interested{false};  // there are entries
  std::atomic<bool> waking{false};      // and somebody waits: notices are worth a wake-up
  std::mutex mutex;
  bool posted = false;                                              // guarded by mutex
  std::vector<std::shared_ptr<const store::CommitNotice>> notices;  // guarded by mutex
  uint64_t overflow_index = 0;                                      // guarded by mutex; 0: none

  // Evaluates. With `watch`, also registers the entry for changes; false when a commit got in between.
  Result<RenderingPtr> evaluate_once(const Produce& produce) {
    store::View view = store.view();
    ReadContext context{.tables = *view, .info = info};
    ++stats.evaluations;
    auto rendering = produce(context);
    if (!rendering) return std::unexpected(std::move(rendering.error()));
    return std::make_shared<const Rendering>(std::move(*rendering));
  }

  Status evaluate(Entry& entry, bool will_wait) {
    for (;;) {
      // Before the view is taken: see deliver().
      interested.store(true);
      if (will_wait) waking.store(true);
      store::View view = store.view();
      store::WatchSet watch;
      ReadContext context{.tables = *view, .info = info, .watch = &watch};
      ++stats.evaluations;
      auto rendering = entry.produce(context);
      if (!rendering) return std::unexpected(std::move(rendering.error()));
      registry.cancel(std::exchange(entry.watch, 0));
      entry.evaluated_at = view.index();
      entry.watch = registry.add(watch, entry.evaluated_at, [this, raw = &entry] { touched(*raw); });
      entry.rendering = std::make_shared<const Rendering>(std::move(*rendering));
      entry.valid = true;
      if (entry.watch != 0) return {};
    }
  }

  void touched(Entry& entry) {
    entry.watch = 0;
    entry.valid = false;
    dirty.push_back(&entry);
  }

  bool fresh(const Entry& entry) const {
    if (!entry.valid) return false;
    uint64_t published = store.view().index();
    return published <= std::max(delivered, entry.evaluated_at);
  }

  // Takes what the consensus thread has sent; returns the answers that are due.
  void catch_up(std::vector<Answer>& answers) {
    std::vector<std::shared_ptr<const store::CommitNotice>> batch;
    uint64_t overflow = 0;
    {
      std::lock_guard lock(mutex);
      batch.swap(notices);
      posted = false;
      overflow = std::exchange(overflow_index, 0);
    }
    if (batch.empty() && overflow == 0) return;
    bool replaced = false;
    if (overflow != 0) {
      store::CommitNotice everything;
      everything.index = overflow;
      everything.replaced = true;
      registry.deliver(everything);
      delivered = std::max(delivered, overflow);
    }
    for (const auto& notice : batch) {
      registry.deliver(*notice);
      replaced = replaced || notice->replaced;
      delivered = std::max(delivered, notice->index);
    }
    refresh(replaced, answers);
  }

  // Evaluates each touched query once, for all who wait for it.
  void refresh(bool replaced, std::vector<Answer>& answers) {
    auto touched_entries = std::exchange(dirty, {});
    for (Entry* entry : touched_entries) {
      if (entry->waiting.empty()) {
        erase(entry);
        continue;
      }
      ++stats.wakeups;
      uint64_t before = entry->rendering ? entry->rendering->changed : 0;
      if (Status status = evaluate(*entry, true); !status) {
        take_all(*entry, fail(status.error()), answers);
        erase(entry, false);
        continue;
      }
      if (!replaced && entry->rendering->changed <= before) ++stats.spurious_wakeups;
      Answer& answer = answers.emplace_back(entry->rendering);
      for (auto at = entry->waiting.begin(); at != entry->waiting.end();) {
        auto next = std::next(at);
        if (replaced || entry->rendering->changed > at->min_index) take(*entry, at, answer);
        at = next;
      }
      if (entry->waiting.empty()) keep(entry);
    }
    shrink();
  }

  void take(Entry& entry, std::list<Waiting>::iterator at, Answer& answer) {
    reactor.cancel(at->timer);
    tickets.erase(at->ticket);
    count_blocking(-1);
    answer.waited.splice(answer.waited.end(), entry.waiting, at);
  }
  void take_all(Entry& entry, Result<RenderingPtr> result, std::vector<Answer>& answers) {
    Answer& answer = answers.emplace_back(std::move(result));
    while (!entry.waiting.empty()) take(entry, entry.waiting.begin(), answer);
  }

  // An entry that nobody waits for any more stays as a cached rendering.
  void keep(Entry* entry) {
    entry->in_cache = cache.insert(cache.end(), entry);
    cache_bytes += entry->rendering ? entry->rendering->body->size() : 0;
  }
  void unkeep(Entry* entry) {
    cache.erase(entry->in_cache);
    cache_bytes -= entry->rendering ? entry->rendering->body->size() : 0;
  }
  void erase(Entry* entry, bool cached = true) {
    if (cached) unkeep(entry);
    registry.cancel(entry->watch);
    entries.erase(entries.find(entry->key));
  }
  void shrink() {
    while (!cache.empty() && (cache.size() > kMaxCachedRenderings || cache_bytes > kMaxCachedRenderingBytes))
      erase(cache.front());
    if (entries.empty()) interested.store(false);
    if (tickets.empty()) waking.store(false);
  }

  bool asked_lately(const std::string& key) {
    size_t hash = std::hash<std::string>()(key);
    return std::exchange(recent[hash % kRecentKeys], hash) == hash;
  }

  Ticket run(const std::string& key, QueryLimits limits, Produce produce, Done done) {
    std::vector<Answer> answers;
    catch_up(answers);
    auto found = entries.find(key);
    if (found == entries.end() && limits.min_index == 0 && !asked_lately(key)) {
      answers.push_back({.result = evaluate_once(produce), .done = std::move(done)});
      send(answers);
      return 0;
    }
    Ticket ticket = run_shared(found == entries.end() ? nullptr : found->second.get(), key, limits,
                               std::move(produce), std::move(done), answers);
    send(answers);
    return ticket;
  }

  Ticket run_shared(Entry* entry, const std::string& key, QueryLimits limits, Produce produce, Done done,
                    std::vector<Answer>& answers) {
    bool cached = entry != nullptr && entry->waiting.empty();
    if (entry == nullptr) {
      auto made = std::make_unique<Entry>();
      entry = made.get();
      entry->key = key;
      entry->produce = std::move(produce);
      entries.emplace(key, std::move(made));
    } else if (cached) {
      unkeep(entry);
    }
    bool will_wait = limits.min_index > 0;
    if (fresh(*entry) && (!will_wait || waking.load())) {
      ++stats.shared;
    } else if (Status status = evaluate(*entry, will_wait); !status) {
      answers.push_back({.result = fail(status.error()), .done = std::move(done)});
      take_all(*entry, fail(status.error()), answers);
      erase(entry, false);
      return 0;
    }
    if (limits.min_index == 0 || entry->rendering->changed > limits.min_index) {
      answers.push_back({.result = entry->rendering, .done = std::move(done)});
      if (entry->waiting.empty()) keep(entry);
      shrink();
      return 0;
    }
    Ticket ticket = ++last_ticket;
    entry->waiting.push_back({ticket, limits.min_index, std::move(done), 0});
    entry->waiting.back().timer = reactor.after(limits.wait, [this, ticket] { timed_out(ticket); });
    tickets.emplace(ticket, Place{entry, std::prev(entry->waiting.end())});
    count_blocking(1);
    return ticket;
  }

  void timed_out(Ticket ticket) {
    std::vector<Answer> answers;
    catch_up(answers);
    if (auto found = tickets.find(ticket); found != tickets.end()) {
      Entry& entry = *found->second.entry;
      auto at = found->second.waiting;
      // The reported index may have moved with unrelated writes: the client shall see where it stands now.
      Result<RenderingPtr> now = entry.rendering;
      if (!fresh(entry) || entry.rendering->index != entry.rendering->changed)
        now = evaluate_once(entry.produce);
      take(entry, at, answers.emplace_back(std::move(now)));
      if (entry.waiting.empty()) keep(&entry);
      shrink();
    }
    send(answers);
  }

  void cancel(Ticket ticket) {
    auto found = tickets.find(ticket);
    if (found == tickets.end()) return;
    Entry* entry = found->second.entry;
    auto at = found->second.waiting;
    reactor.cancel(at->timer);
    tickets.erase(found);
    count_blocking(-1);
    entry->waiting.erase(at);
    if (entry->waiting.empty()) keep(entry);
    shrink();
  }

  // Last of all: an answer may start the next query.
  static void send(std::vector<Answer>& answers) {
    for (Answer& answer : answers) {
      for (; !answer.waited.empty(); answer.waited.pop_front()) answer.waited.front().done(answer.result);
      if (answer.done) answer.done(std::move(answer.result));
    }
  }
};

QueryRunner::QueryRunner(Reactor& reactor, const store::Store& store, const ServerInfo& info)
    : impl_(std::make_unique<Impl>(reactor, store, info)) {}

QueryRunner::~QueryRunner() = default;

QueryRunner::Ticket QueryRunner::run(const std::string& key, QueryLimits limits, Produce produce, Done done) {
  return impl_->run(key, limits, std::move(produce), std::move(done));
}

void QueryRunner::cancel(Ticket ticket) { impl_->cancel(ticket); }

void QueryRunner::deliver(std::shared_ptr<const store::CommitNotice> notice) {
  // A reactor declares its interest before it takes the view that it will wait on. Whoever is seen without
  // interest here takes a view that has this commit in it already.
  if (!impl_->interested.load()) return;
  {
    std::lock_guard lock(impl_->mutex);
    if (impl_->notices.size() >= kMaxUndeliveredNotices) {
      impl_->notices.clear();
      impl_->overflow_index = notice->index;
    } else {
      impl_->notices.push_back(std::move(notice));
    }
    if (impl_->posted || !impl_->waking.load()) return;
    impl_->posted = true;
  }
  impl_->reactor.post([impl = impl_.get()] {
    std::vector<Answer> answers;
    impl->catch_up(answers);
    Impl::send(answers);
  });
}

QueryRunner::Stats QueryRunner::stats() const {
  Stats stats = impl_->stats;
  stats.waiting = impl_->tickets.size();
  stats.cached = impl_->cache.size();
  return stats;
}

}  // namespace praetor::server
