#include "agent/journal.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "agent/journal_record.h"
#include "base/clock.h"
#include "base/random.h"
#include "raft/env.h"
#include "raft/segment_log.h"
#include "raft/waker.h"
#include "raft/worker.h"

namespace praetor::agent {
namespace {

constexpr size_t kSegmentBytes = 8 << 20;
constexpr size_t kReadBytes = 4 << 20;

struct Key {
  KeptKind kind;
  std::string id;
  auto operator<=>(const Key&) const = default;
};
using Changes = std::map<Key, std::optional<std::string>>;

struct Request {
  std::string record;  // encoded
  std::vector<KeptChange> changes;
  Journal::Done done;
};

size_t bytes_of(const std::string& id, const std::optional<std::string>& content) {
  return id.size() + (content ? content->size() : 0) + 64;
}

std::vector<KeptChange> list_of(const Changes& changes) {
  std::vector<KeptChange> list;
  list.reserve(changes.size());
  for (const auto& [key, content] : changes) list.push_back({key.kind, key.id, content});
  return list;
}

}  // namespace

// What is in the files, on its way there, or only in the journal: `folding` and `unfolded` together hold all
// that the files lack, the second one the newer part.
struct Journal::Impl {
  Impl(DataDirectory& f, Post p, Logger l, Options o)
      : files(f),
        post(std::move(p)),
        log(std::move(l)),
        options(o),
        disk(o.file_system ? *o.file_system : raft::posix_file_system()),
        directory(f.path() + "/registrations") {}

  DataDirectory& files;
  const Post post;
  const Logger log;
  const Options options;
  raft::FileSystem& disk;
  const std::string directory;
  bool enabled() const { return !files.path().empty(); }

  // The owner's reactor.
  std::vector<Request> gathered;
  bool closed = false;

  std::mutex mutex;
  std::vector<Request> requests;  // guarded by mutex, as all up to `stopping`
  Changes later;
  std::optional<Instant> later_at;
  std::optional<Status> fold_result;
  bool stopping = false;

  raft::Waker waker;
  std::thread thread;
  raft::Worker folder{"agent-files"};

  // The journal's thread, and open() and close() while there is none.
  std::unique_ptr<raft::SegmentLog> segments;  // made by the first change
  bool broken = false;                         // the disk failed: nothing is appended until mend() has worked
  Instant mend_at{};
  Changes unfolded;
  size_t unfolded_bytes = 0;
  Instant oldest_at{}, newest_at{};  // of what is unfolded
  std::shared_ptr<const Changes> folding;
  uint64_t folding_up_to = 0;
  Instant fold_at{};  // not before

  // --- segments

  Result<std::unique_ptr<raft::SegmentLog>> open_segments() {
    raft::SegmentLog::OpenOptions open;
    open.directory = directory;
    open.segment_bytes = kSegmentBytes;
    open.make_salt = [] { return static_cast<uint32_t>(thread_random().next()); };
    open.on_log = [this](const std::string& line) {
      log.warn("journal of registrations repaired", {{"what", line}});
    };
    open.advice = "The agent does not start with a damaged journal: move " + directory +
                  " away to start with what the files beside it hold";
    raft::SegmentLog::Contents contents;
    return raft::SegmentLog::open(disk, std::move(open), contents);
  }

  Status ensure_segments() {
    if (segments) return {};
    TRY_ASSIGN(segments, open_segments());
    return disk.sync_directory(files.path());
  }

  // Oldest first: what a crash leaves is a suffix, which does no harm when it is applied again.
  Status remove_segments() {
    segments.reset();
    TRY_ASSIGN(bool exists, disk.exists(directory));
    if (!exists) return {};
    TRY_ASSIGN(std::vector<std::string> names, disk.list(directory));
    for (const std::string& name : names) {
      TRY(disk.remove(directory + "/" + name));
      TRY(disk.sync_directory(directory));
    }
    return {};
  }

  Status append_record(std::string data) {
    uint64_t index = segments->last_index() + 1;
    auto entry = std::make_shared<raft::Entry>();
    entry->index = index;
    entry->term = 1;
    entry->data = std::move(data);
    raft::EntryRef list[] = {std::move(entry)};
    return segments->append(list);
  }

  // --- start and end

  Status replay() {
    TRY_ASSIGN(bool exists, disk.exists(directory));
    if (!exists) return {};
    TRY_ASSIGN(segments, open_segments());
    std::map<Key, std::pair<uint64_t, std::optional<std::string>>> found;
    uint64_t mark = 0, last = segments->last_index();
    for (uint64_t next = segments->first_index(); next <= last;) {
      TRY_ASSIGN(std::vector<raft::EntryRef> entries, segments->read(next, last, kReadBytes));
      for (const raft::EntryRef& entry : entries) {
        TRY_ASSIGN(JournalRecord record, decode_journal_record(entry->data));
        if (record.in_files_up_to) mark = *record.in_files_up_to;
        for (KeptChange& change : record.changes)
          found[{change.kind, std::move(change.id)}] = {entry->index, std::move(change.content)};
        next = entry->index + 1;
      }
    }
    std::vector<KeptChange> changes;
    for (auto& [key, value] : found)
      if (value.first > mark) changes.push_back({key.kind, key.id, std::move(value.second)});
    TRY(files.write(changes));
    if (!changes.empty()) log.info("took registrations over from the journal", {{"changes", changes.size()}});
    return remove_segments();
  }

  void finish() {
    Status folded = fold_now();
    if (folded) folded = remove_segments();
    if (folded) (void)disk.remove(directory);  // an empty folder, or none
    if (!folded)
      log.error("the journal of registrations stays for the next start", {{"error", folded.error()}});
  }

  // --- the thread

  void run() {
    raft::name_this_thread("agent-journal");
    for (bool stop = false; !stop;) {
      waker.wait(pause());
      std::vector<Request> taken;
      std::optional<Status> folded;
      {
        std::lock_guard lock(mutex);
        Instant now = system_clock().now();
        taken.swap(requests);
        folded = std::exchange(fold_result, std::nullopt);
        stop = stopping;
        if (later.empty())
          later_at.reset();
        else if (!taken.empty() || *later_at <= now || stop)
          take_later(taken);
      }
      if (folded) end_fold(*folded);
      for (size_t begin = 0; begin < taken.size();) begin = write(taken, begin);
      if (!folding && !stop && fold_due() <= system_clock().now()) begin_fold();
    }
  }

  void take_later(std::vector<Request>& taken) {
    Request request;
    for (auto& [key, content] : later) {
      KeptChange change{key.kind, key.id, std::move(content)};
      append_change(request.record, change);
      request.changes.push_back(std::move(change));
    }
    later.clear();
    later_at.reset();
    taken.push_back(std::move(request));
  }

  Instant fold_due() const {
    if (unfolded.empty()) return Instant::max();
    Instant due = std::min(newest_at + options.calm, oldest_at + options.max_age);
    if (unfolded_bytes >= options.fold_bytes) due = Instant::min();
    return std::max(due, fold_at);
  }

  Duration pause() {
    Instant due = folding ? Instant::max() : fold_due();
    {
      std::lock_guard lock(mutex);
      if (later_at) due = std::min(due, *later_at);
    }
    return due == Instant::max() ? Duration::max() : std::max(due - system_clock().now(), Duration(0));
  }

  // Writes and answers one batch; returns where the next begins.
  size_t write(std::vector<Request>& taken, size_t begin) {
    size_t end = begin, bytes = 0;
    for (; end < taken.size() && (end == begin || bytes < kMaxJournalBatchBytes); ++end)
      bytes += taken[end].record.size();
    Status written = write_batch(std::span(taken).subspan(begin, end - begin));
    auto dones = std::make_shared<std::vector<Done>>();
    for (size_t i = begin; i < end; ++i)
      if (taken[i].done) dones->push_back(std::move(taken[i].done));
    if (!dones->empty())
      post([dones, written = std::move(written)] {
        for (Done& done : *dones) done(written);
      });
    return end;
  }

  Status write_batch(std::span<Request> batch) {
    if (unfolded_bytes >= kMaxJournalBytes) TRY(fold_now());
    if (broken) TRY(mend());
    Status written = append_batch(batch);
    if (!written) {
      log.error("the journal of registrations cannot be written", {{"error", written.error()}});
      broken = true;
      mend_at = {};
      if (Status mended = mend(); !mended) log.error("nor can the files", {{"error", mended.error()}});
      return written;
    }
    newest_at = system_clock().now();
    if (unfolded.empty()) oldest_at = newest_at;
    for (Request& request : batch)
      for (KeptChange& change : request.changes)
        remember({change.kind, std::move(change.id)}, std::move(change.content));
    return {};
  }

  Status append_batch(std::span<Request> batch) {
    TRY(ensure_segments());
    std::vector<raft::EntryRef> entries;
    entries.reserve(batch.size());
    uint64_t index = segments->last_index();
    for (Request& request : batch) {
      auto entry = std::make_shared<raft::Entry>();
      entry->index = ++index;
      entry->term = 1;
      entry->data = std::move(request.record);
      entries.push_back(std::move(entry));
    }
    return segments->append(entries);
  }

  void remember(Key key, std::optional<std::string> content) {
    unfolded_bytes += bytes_of(key.id, content);
    auto [at, fresh] = unfolded.try_emplace(std::move(key));
    if (!fresh) unfolded_bytes -= bytes_of(at->first.id, at->second);
    at->second = std::move(content);
  }

  // After a failure the disk's state is unknown; what the files lack is still in memory.
  Status mend() {
    Instant now = system_clock().now();
    if (now < mend_at)
      return fail("the journal of registrations failed and is not mended yet", ErrorKind::kIo);
    mend_at = now + options.retry;
    TRY(fold_now());
    TRY(remove_segments());
    broken = false;
    return {};
  }

  // --- files

  void begin_fold() {
    folding = std::make_shared<const Changes>(std::exchange(unfolded, {}));
    unfolded_bytes = 0;
    folding_up_to = segments ? segments->last_index() : 0;
    folder.post([this, changes = folding] {
      Status written = files.write(list_of(*changes));
      {
        std::lock_guard lock(mutex);
        fold_result = std::move(written);
      }
      waker.notify();
    });
  }

  void end_fold(const Status& written) {
    Changes changes = *std::exchange(folding, nullptr);
    if (!written) {
      log.error("services and checks cannot be written to their files; the journal keeps them",
                {{"error", written.error()}});
      take_back(std::move(changes));
      return;
    }
    if (broken || !segments) return;
    Status marked = append_record(journal_mark(folding_up_to));
    if (marked) marked = segments->compact_to(folding_up_to);
    if (marked) return;
    log.error("the journal of registrations cannot be written", {{"error", marked.error()}});
    broken = true;
  }

  void take_back(Changes changes) {
    if (unfolded.empty()) oldest_at = newest_at = system_clock().now();
    for (auto& [key, content] : changes)
      if (!unfolded.contains(key)) remember(key, std::move(content));
    fold_at = system_clock().now() + options.max_age;
  }

  // Waits for a fold under way, then writes the rest here.
  Status fold_now() {
    while (folding) {
      std::optional<Status> result;
      {
        std::lock_guard lock(mutex);
        result = std::exchange(fold_result, std::nullopt);
      }
      if (result)
        end_fold(*result);
      else
        waker.wait(Duration::max());
    }
    waker.notify();  // this may have taken the wake-up for a request
    TRY(files.write(list_of(unfolded)));
    unfolded.clear();
    unfolded_bytes = 0;
    return {};
  }
};

Journal::Journal(DataDirectory& files, Post post, Logger log, Options options)
    : impl_(std::make_unique<Impl>(files, std::move(post), std::move(log), options)) {}

Journal::~Journal() { close(); }

Status Journal::open() {
  if (!impl_->enabled()) return {};
  TRY(impl_->replay());
  impl_->folder.start();
  impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
  return {};
}

void Journal::append(std::vector<KeptChange> changes, Done done) {
  Request request;
  request.done = std::move(done);
  if (impl_->enabled()) {
    for (const KeptChange& change : changes) {
      append_change(request.record, change);
      if (change.kind != KeptKind::kCheckState) continue;
      // What waits for later is older than this.
      std::lock_guard lock(impl_->mutex);
      impl_->later.erase({change.kind, change.id});
    }
    request.changes = std::move(changes);
  }
  impl_->gathered.push_back(std::move(request));
}

void Journal::commit() {
  if (impl_->gathered.empty()) return;
  if (!impl_->thread.joinable()) {
    Status answer = impl_->closed ? Status(fail("the agent stops", ErrorKind::kCancelled)) : Status();
    for (Request& request : std::exchange(impl_->gathered, {}))
      if (request.done) request.done(answer);
    return;
  }
  {
    std::lock_guard lock(impl_->mutex);
    for (Request& request : impl_->gathered) impl_->requests.push_back(std::move(request));
  }
  impl_->gathered.clear();
  impl_->waker.notify();
}

void Journal::append_later(KeptChange change) {
  if (!impl_->thread.joinable()) return;
  bool first = false;
  {
    std::lock_guard lock(impl_->mutex);
    first = impl_->later.empty();
    if (first) impl_->later_at = system_clock().now() + impl_->options.later;
    impl_->later[{change.kind, std::move(change.id)}] = std::move(change.content);
  }
  if (first) impl_->waker.notify();
}

void Journal::close() {
  if (!impl_->thread.joinable()) return;
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->waker.notify();
  impl_->thread.join();
  impl_->closed = true;
  impl_->finish();
  impl_->folder.stop();
}

}  // namespace praetor::agent
