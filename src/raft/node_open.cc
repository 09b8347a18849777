// Node's start: what the disk holds becomes the core's state.
#include <algorithm>

#include "base/random.h"
#include "raft/memory_log.h"
#include "raft/node_impl.h"

namespace praetor::raft {

Status Node::Impl::open() {
  if (options_.id.empty() || options_.id.size() > kMaxServerIdBytes)
    return fail("raft: the server id must have 1 to " + std::to_string(kMaxServerIdBytes) + " bytes",
                ErrorKind::kBadRequest);
  SegmentLog::Contents contents;
  SnapshotMeta snapshot;
  if (options_.in_memory) {
    votes_ = std::make_unique<MemoryVoteStore>();
    log_store_ = std::make_unique<MemoryLog>();
    snapshots_ = std::make_unique<MemorySnapshotStore>(*clock_);
  } else {
    TRY(make_durable_directory(*file_system_, options_.data_dir));
    TRY_ASSIGN(votes_, FileVoteStore::open(*file_system_, options_.data_dir + "/vote"));
    TRY_ASSIGN(snapshots_, FileSnapshotStore::open(*file_system_, *clock_, options_.data_dir + "/snapshots",
                                                   [this](const std::string& line) { log(line); }));
    TRY_ASSIGN(snapshot, restore_newest_snapshot());
    TRY(open_log(contents, snapshot));
  }
  TRY(bootstrap(contents));
  if (options_.recover_configuration) TRY(recover(*options_.recover_configuration, snapshot, contents));

  CoreState state{.hard_state = votes_->state(),
                  .log = LogView(log_store_->first_index(), log_store_->last_index(),
                                 std::move(contents.terms), snapshot.index, snapshot.term),
                  .configuration = snapshot.configuration,
                  .configuration_index = snapshot.configuration_index,
                  .configurations = std::move(contents.configurations)};
  if (state.log.last_term() > state.hard_state.term)
    return fail("raft: " + options_.data_dir + "/vote holds term " + std::to_string(state.hard_state.term) +
                    ", but the log holds entries of term " + std::to_string(state.log.last_term()) +
                    ": the files do not belong together",
                ErrorKind::kCorrupt);
  CoreOptions core{.id = options_.id, .address = options_.address, .timings = options_.timings};
  core.max_append_entries = options_.max_append_entries;
  core.seed = thread_random().next();
  core_ = std::make_unique<Core>(std::move(core), std::move(state), clock_->now());
  shown_.configuration = {core_->configuration(), core_->configuration_index()};
  published.applied_index.store(core_->applied_index());
  if (snapshot.index > 0) machine_.publish(snapshot.index);
  return {};
}

// An older snapshot serves when the newest is damaged, as long as the log still reaches back to it (open_log
// checks).
Result<SnapshotMeta> Node::Impl::restore_newest_snapshot() {
  TRY_ASSIGN(std::vector<SnapshotMeta> all, snapshots_->list());
  if (all.empty()) return SnapshotMeta();
  Error last;
  for (const SnapshotMeta& meta : all) {
    auto reader = snapshots_->open(meta);
    Status restored = reader ? machine_.restore(**reader, meta) : Status(std::unexpected(reader.error()));
    // The state machine may stop reading early; the checksum speaks at the end.
    char rest[4096];
    while (restored && reader) {
      auto got = (*reader)->read(rest);
      if (!got) restored = std::unexpected(got.error());
      if (!got || *got == 0) break;
    }
    if (restored) {
      log("raft: restored from snapshot: id=" + meta.id);
      return meta;
    }
    last = restored.error();
    log("raft: failed to restore snapshot: id=" + meta.id + " error=" + last.message);
  }
  return fail(std::move(last));
}

Status Node::Impl::open_log(SegmentLog::Contents& contents, const SnapshotMeta& snapshot) {
  SegmentLog::OpenOptions options;
  options.directory = options_.data_dir + "/log";
  options.segment_bytes = options_.segment_bytes;
  options.snapshot_index = snapshot.index;
  options.make_salt = [] { return static_cast<uint32_t>(thread_random().next()); };
  options.on_log = [this](const std::string& line) { log(line); };
  TRY_ASSIGN(std::unique_ptr<SegmentLog> opened,
             SegmentLog::open(*file_system_, std::move(options), contents));
  uint64_t first = opened->first_index(), last = opened->last_index();
  if (first > snapshot.index + 1)
    return fail(
        "raft: " + options_.data_dir + "/log begins with entry " + std::to_string(first) +
            ", but the newest snapshot that can be read " +
            (snapshot.index == 0 ? "does not exist" : "ends with entry " + std::to_string(snapshot.index)),
        ErrorKind::kCorrupt);
  // A snapshot that was installed just before a crash: the log that it replaces is still there.
  bool replaced = last < snapshot.index ||
                  (snapshot.index >= first &&
                   LogView(first, last, contents.terms, first - 1, 0).term(snapshot.index) != snapshot.term);
  if (replaced) {
    TRY(opened->reset(snapshot.index + 1));
    contents = {};
  }
  log_store_ = std::move(opened);
  return {};
}

// A new cluster begins with its configuration as entry 1 of term 1, as hashicorp/raft's.
Status Node::Impl::bootstrap(SegmentLog::Contents& contents) {
  HardState state = votes_->state();
  bool fresh = log_store_->last_index() == 0 && state.term <= 1 && state.voted_for.empty();
  if (!options_.bootstrap || !fresh) return {};
  Configuration configuration = options_.bootstrap_servers;
  if (configuration.servers.empty())
    configuration.servers.push_back({Suffrage::kVoter, options_.id, options_.address});
  TRY(check_configuration(configuration));
  TRY(votes_->save({.term = 1, .voted_for = {}}));
  auto entry = std::make_shared<Entry>();
  entry->index = 1;
  entry->term = 1;
  entry->type = EntryType::kConfiguration;
  entry->data = encode_configuration(configuration);
  EntryRef entries[] = {entry};
  TRY(log_store_->append(entries));
  contents.terms = {{1, 1}};
  contents.configurations = {entry};
  log("raft: bootstrapped: servers=" + format_configuration(configuration));
  return {};
}

// peers.json: everything in the log is taken as committed, and a snapshot with the new configuration replaces
// it.
Status Node::Impl::recover(const Configuration& configuration, SnapshotMeta& snapshot,
                           SegmentLog::Contents& contents) {
  constexpr size_t kReadBytes = 4 << 20;
  TRY(check_configuration(configuration));
  uint64_t last = log_store_->last_index();
  if (last == 0 || votes_->state().term == 0)
    return fail("refused to recover cluster with no initial state, this is probably an operator error",
                ErrorKind::kBadRequest);
  uint64_t term = snapshot.term;
  for (uint64_t index = snapshot.index + 1; index <= last;) {
    TRY_ASSIGN(std::vector<EntryRef> entries, log_store_->read(index, last, kReadBytes));
    for (const EntryRef& entry : entries) {
      if (entry->type == EntryType::kCommand) (void)machine_.apply(*entry);
      term = entry->term;
    }
    index += entries.size();
  }
  TRY_ASSIGN(std::unique_ptr<PendingSnapshot> pending, snapshots_->create());
  TRY(machine_.snapshot()->write(*pending));
  SnapshotMeta meta{.version = 1,
                    .id = {},
                    .index = last,
                    .term = term,
                    .configuration = configuration,
                    .configuration_index = 1,
                    .size = 0};
  TRY_ASSIGN(snapshot, pending->finish(std::move(meta)));
  TRY(log_store_->reset(last + 1));
  contents = {};
  log("raft: recovered with a new configuration: servers=" + format_configuration(configuration));
  return {};
}

}  // namespace praetor::raft
