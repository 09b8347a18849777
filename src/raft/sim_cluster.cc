#include "raft/sim_cluster.h"

#include <algorithm>

#include "base/check.h"

namespace praetor::raft {
namespace {

std::string text_of(const Message& message) {
  struct Visitor {
    std::string operator()(const AppendRequest& m) const {
      if (m.heartbeat) return "heartbeat term=" + std::to_string(m.term);
      return "append term=" + std::to_string(m.term) + " prev=" + std::to_string(m.previous_index) + "/" +
             std::to_string(m.previous_term) + " n=" + std::to_string(m.entries.size()) +
             " commit=" + std::to_string(m.commit_index);
    }
    std::string operator()(const AppendResponse& m) const {
      return std::string(m.success ? "appended" : "append refused") + " term=" + std::to_string(m.term) +
             " last=" + std::to_string(m.last_index);
    }
    std::string operator()(const VoteRequest& m) const {
      return std::string(m.pre_vote ? "pre-vote" : "vote") + " term=" + std::to_string(m.term) +
             " last=" + std::to_string(m.last_index) + "/" + std::to_string(m.last_term) +
             (m.leadership_transfer ? " transfer" : "");
    }
    std::string operator()(const VoteResponse& m) const {
      return std::string(m.pre_vote ? "pre-vote " : "vote ") + (m.granted ? "granted" : "refused") +
             " term=" + std::to_string(m.term);
    }
    std::string operator()(const SnapshotRequest& m) const {
      return "snapshot index=" + std::to_string(m.meta.index);
    }
    std::string operator()(const SnapshotResponse& m) const {
      return std::string("snapshot ") + (m.success ? "installed" : "refused");
    }
    std::string operator()(const TimeoutNowRequest&) const { return "timeout-now"; }
    std::string operator()(const TimeoutNowResponse&) const { return "timeout-now seen"; }
  };
  return std::visit(Visitor(), message);
}

std::string address_of(const std::string& id) { return id + ":8300"; }

}  // namespace

SimCluster::SimCluster(SimOptions options) : options_(options), random_(options.seed) {
  for (size_t i = 0; i < options_.servers; ++i) {
    std::string id = std::string(1, static_cast<char>('a' + i));
    initial_.servers.push_back({Suffrage::kVoter, id, address_of(id)});
  }
  for (const Server& member : initial_.servers) {
    SimServer& server = servers_[member.id];
    server.id = member.id;
    auto entry = std::make_shared<Entry>();
    entry->index = entry->term = 1;
    entry->type = EntryType::kConfiguration;
    entry->data = encode_configuration(initial_);
    server.log = {entry};
    server.hard_state.term = 1;
  }
  for (auto& [id, server] : servers_) start(server);
}

void SimCluster::start(SimServer& server) {
  std::vector<TermRun> terms;
  std::vector<EntryRef> configurations;
  for (const EntryRef& entry : server.log) {
    if (terms.empty() || terms.back().term != entry->term) terms.push_back({entry->index, entry->term});
    if (entry->type == EntryType::kConfiguration) configurations.push_back(entry);
  }
  server.applied = server.snapshot_state;
  server.disk.clear();
  server.role = Role::kFollower;
  CoreOptions core{.id = server.id, .address = address_of(server.id), .timings = options_.timings};
  core.seed = random_.next();
  CoreState state{.hard_state = server.hard_state,
                  .log = LogView(server.first, server.first + server.log.size() - 1, std::move(terms),
                                 server.snapshot.index, server.snapshot.term),
                  .configuration = server.snapshot.configuration,
                  .configuration_index = server.snapshot.configuration_index,
                  .configurations = std::move(configurations)};
  server.core = std::make_unique<Core>(std::move(core), std::move(state), now_);
  for (const auto& [id, other] : servers_) {
    server.core->announce_extensions(id, options_.pre_vote);
    if (other.core) other.core->announce_extensions(server.id, options_.pre_vote);
  }
}

std::vector<std::string> SimCluster::ids() const {
  std::vector<std::string> out;
  for (const auto& [id, server] : servers_) out.push_back(id);
  return out;
}

void SimCluster::trace(const std::string& line) { trace_ += line + "\n"; }
std::string SimCluster::take_trace() { return std::exchange(trace_, {}); }
void SimCluster::violate(const std::string& what) {
  if (violation_.empty()) violation_ = "seed " + std::to_string(options_.seed) + ": " + what;
}

// --- the caller's duties ---

void SimCluster::settle(SimServer& server, Effects& effects) {
  if (effects.hard_state) {
    if (effects.hard_state->term < server.hard_state.term) violate(server.id + ": the term went back");
    if (effects.hard_state->term == server.hard_state.term && !server.hard_state.voted_for.empty() &&
        effects.hard_state->voted_for != server.hard_state.voted_for)
      violate(server.id + " voted twice in term " + std::to_string(server.hard_state.term));
    server.hard_state = *effects.hard_state;
  }
  Instant busy = server.disk.empty() ? now_ : server.disk.back().done_at;
  for (LogOperation& operation : effects.log) {
    busy += Duration(random_.below(static_cast<uint64_t>(options_.disk_most.count()) + 1));
    server.disk.push_back({std::move(operation), busy});
  }
  for (Envelope& envelope : effects.messages) send(server.id, std::move(envelope));
  for (LogFetch& fetch : effects.fetches) {
    std::vector<EntryRef> entries;
    for (const EntryRef& entry : server.log)
      if (entry->index >= fetch.from && entry->index <= fetch.to) entries.push_back(entry);
    if (!entries.empty() && entries.front()->index != fetch.from) entries.clear();
    Effects more;
    server.core->fetched(now_, fetch.peer_id, std::move(entries), more);
    settle(server, more);
  }
  for (SnapshotSend& snapshot : effects.snapshots) {
    std::get<SnapshotRequest>(snapshot.envelope.message).meta = server.snapshot;
    // The transport notices within this time that nobody answers.
    Event timeout{now_ + std::chrono::seconds(2), ++order_, server.id, snapshot.envelope, {}, true};
    network_.push(std::move(timeout));
    send(server.id, std::move(snapshot.envelope), server.snapshot_state);
  }
  for (Answer& answer : effects.answers) answers_.insert_or_assign(answer.ticket, std::move(answer.result));
  if (server.core->role() != server.role) {
    server.role = server.core->role();
    trace(server.id + " is " + std::string(role_name(server.role)) + " in term " +
          std::to_string(server.core->term()));
  }
  effects.clear();
  apply(server);
  check(server);
}

void SimCluster::write(SimServer& server, const LogOperation& operation) {
  if (const auto* append = std::get_if<LogAppend>(&operation)) {
    for (const EntryRef& entry : append->entries) {
      if (entry->index != server.first + server.log.size())
        return violate(server.id + ": append leaves a gap");
      server.log.push_back(entry);
    }
  } else if (const auto* truncate = std::get_if<LogTruncate>(&operation)) {
    server.log.resize(truncate->from - server.first);
  } else if (const auto* compact = std::get_if<LogCompact>(&operation)) {
    while (!server.log.empty() && server.first <= compact->to) {
      server.log.erase(server.log.begin());
      ++server.first;
    }
  } else {
    server.first = std::get<LogReset>(operation).next_index;
    server.log.clear();
  }
}

void SimCluster::finish_disk(SimServer& server) {
  while (server.core && !server.disk.empty() && server.disk.front().done_at <= now_) {
    LogOperation operation = std::move(server.disk.front().operation);
    server.disk.erase(server.disk.begin());
    write(server, operation);
    Effects effects;
    if (auto* append = std::get_if<LogAppend>(&operation))
      server.core->persisted(now_, append->entries.back()->index, append->entries.back()->term, effects);
    else if (std::holds_alternative<LogCompact>(operation))
      server.core->compacted(server.first);
    settle(server, effects);
  }
}

void SimCluster::apply(SimServer& server) {
  Core& core = *server.core;
  for (uint64_t index = core.applied_index() + 1; index <= core.apply_to(); ++index) {
    EntryRef entry = core.log().cached(index);
    if (!entry) {
      if (index < server.first || index >= server.first + server.log.size())
        return violate(server.id + ": committed entry " + std::to_string(index) + " is nowhere");
      entry = server.log[index - server.first];
    }
    auto [known, fresh] = committed_.try_emplace(index, entry->term, entry->data);
    if (!fresh && (known->second.first != entry->term || known->second.second != entry->data))
      violate(server.id + " applied another entry at " + std::to_string(index));
    if (entry->type == EntryType::kCommand) server.applied.push_back(entry->data);
    core.applied(index);
  }
}

void SimCluster::check(SimServer& server) {
  Core& core = *server.core;
  if (core.role() == Role::kLeader) {
    auto [known, fresh] = leaders_.try_emplace(core.term(), server.id);
    if (known->second != server.id)
      violate("two leaders in term " + std::to_string(core.term()) + ": " + known->second + " and " +
              server.id);
    // Leader completeness: whatever was committed in an earlier term is in its log.
    if (fresh && !committed_.empty()) {
      auto newest = committed_.rbegin();
      if (newest->second.first < core.term() && newest->first > core.log().snapshot_index() &&
          core.log().term(newest->first) != newest->second.first)
        violate(server.id + " leads term " + std::to_string(core.term()) + " without committed entry " +
                std::to_string(newest->first));
    }
    // While one leads, nobody of an earlier term holds a lease.
    for (const auto& [id, other] : servers_)
      if (other.core && other.core->role() == Role::kLeader && other.core->term() < core.term() &&
          other.core->lease_end() > now_)
        violate(id + " holds a lease while " + server.id + " leads a later term");
  }
}

// --- network ---

void SimCluster::send(const std::string& from, Envelope envelope, std::vector<std::string> state) {
  std::string to = envelope.peer_id;
  trace(from + ">" + to + " " + text_of(envelope.message));
  envelope.peer_id = from;
  envelope.peer_address = address_of(from);
  if (cuts_.contains({from, to})) return;
  auto spread = static_cast<uint64_t>((options_.delay_most - options_.delay_least).count());
  network_.push({now_ + options_.delay_least + Duration(random_.below(spread + 1)), ++order_, to,
                 std::move(envelope), std::move(state), false});
}

void SimCluster::deliver(Event event) {
  auto found = servers_.find(event.to);
  if (found == servers_.end() || !found->second.core) return;
  if (!event.snapshot_timeout && cuts_.contains({event.envelope.peer_id, event.to})) return;
  SimServer& server = found->second;
  Effects effects;
  if (event.snapshot_timeout) {
    server.core->snapshot_failed(now_, event.envelope.peer_id, event.envelope.sequence, effects);
    return settle(server, effects);
  }
  const auto* request = std::get_if<SnapshotRequest>(&event.envelope.message);
  if (request == nullptr) {
    server.core->receive(now_, std::move(event.envelope), effects);
  } else if (server.core->accept_snapshot(now_, event.envelope, effects) &&
             request->meta.index > server.core->commit_index()) {
    server.snapshot = request->meta;
    server.snapshot_state = event.state;
    server.applied = event.state;
    server.core->snapshot_installed(now_, event.envelope, effects);
  }
  settle(server, effects);
}

void SimCluster::isolate(const std::string& id) {
  for (const auto& [other, server] : servers_) {
    cuts_.insert({id, other});
    cuts_.insert({other, id});
  }
}
void SimCluster::heal() { cuts_.clear(); }

// --- time ---

bool SimCluster::step(Instant limit) {
  Instant next = limit;
  if (!network_.empty()) next = std::min(next, network_.top().at);
  for (auto& [id, server] : servers_) {
    if (!server.core) continue;
    next = std::min(next, server.core->next_deadline());
    if (!server.disk.empty()) next = std::min(next, server.disk.front().done_at);
  }
  now_ = std::max(now_, next);
  while (!network_.empty() && network_.top().at <= now_) {
    Event event = network_.top();
    network_.pop();
    deliver(std::move(event));
  }
  for (auto& [id, server] : servers_) {
    if (!server.core) continue;
    finish_disk(server);
    if (!server.core || server.core->next_deadline() > now_) continue;
    Effects effects;
    server.core->tick(now_, effects);
    settle(server, effects);
  }
  return now_ < limit && violation_.empty();
}

void SimCluster::run_for(Duration duration) {
  Instant limit = now_ + duration;
  while (step(limit)) {
  }
}

bool SimCluster::run_until(const std::function<bool()>& condition, Duration patience) {
  Instant limit = now_ + patience;
  while (!condition())
    if (!step(limit)) return condition();
  return true;
}

// --- faults and uses ---

void SimCluster::crash(const std::string& id) {
  SimServer& server = servers_.at(id);
  server.core.reset();
  // Of what was on its way to the disk, a prefix may have arrived, and of the next append a part.
  for (DiskOperation& next : server.disk) {
    if (random_.below(2) == 0) break;
    if (auto* append = std::get_if<LogAppend>(&next.operation); append != nullptr && random_.below(2) == 0) {
      append->entries.resize(random_.below(append->entries.size() + 1));
      write(server, next.operation);
      break;
    }
    write(server, next.operation);
  }
  server.disk.clear();
}

void SimCluster::restart(const std::string& id) {
  SimServer& server = servers_.at(id);
  CHECK(server.core == nullptr);
  // As Node::open: a snapshot that is newer than the log, or that contradicts it, replaces it.
  uint64_t last = server.first + server.log.size() - 1, at = server.snapshot.index;
  bool contradicts =
      at >= server.first && at <= last && server.log[at - server.first]->term != server.snapshot.term;
  if (last < at || contradicts) {
    server.log.clear();
    server.first = at + 1;
  }
  start(server);
}

std::string SimCluster::leader() const {
  std::string best;
  uint64_t term = 0;
  for (const auto& [id, server] : servers_)
    if (server.core && server.core->role() == Role::kLeader && server.core->term() > term) {
      best = id;
      term = server.core->term();
    }
  return best;
}

bool SimCluster::propose(const std::string& id, const std::string& command) {
  SimServer& server = servers_.at(id);
  if (!server.core) return false;
  std::vector<Command> commands(1);
  commands[0].data = command;
  Effects effects;
  Result<uint64_t> index = server.core->propose(now_, commands, effects);
  settle(server, effects);
  return index.has_value();
}

std::optional<Result<uint64_t>> SimCluster::answer(uint64_t ticket) const {
  auto found = answers_.find(ticket);
  if (found == answers_.end()) return std::nullopt;
  return found->second;
}

uint64_t SimCluster::change(const std::string& id, ConfigurationChange change, const std::string& target) {
  SimServer& server = servers_.at(id);
  uint64_t ticket = ++ticket_;
  Effects effects;
  server.core->change_configuration(now_, ticket, change, {Suffrage::kVoter, target, address_of(target)}, 0,
                                    effects);
  settle(server, effects);
  return ticket;
}

uint64_t SimCluster::transfer(const std::string& id, const std::string& target) {
  SimServer& server = servers_.at(id);
  uint64_t ticket = ++ticket_;
  Effects effects;
  server.core->transfer_leadership(now_, ticket, target, effects);
  settle(server, effects);
  return ticket;
}

void SimCluster::take_snapshot(const std::string& id) {
  SimServer& server = servers_.at(id);
  if (!server.core || server.core->applied_index() <= server.snapshot.index) return;
  Core& core = *server.core;
  if (core.committed_configuration_index() > core.applied_index()) return;
  server.snapshot.index = core.applied_index();
  server.snapshot.term = core.log().term(server.snapshot.index).value();
  server.snapshot.configuration = core.committed_configuration();
  server.snapshot.configuration_index = core.committed_configuration_index();
  server.snapshot_state = server.applied;
  Effects effects;
  core.snapshot_taken(server.snapshot.index, options_.trailing_logs, effects);
  settle(server, effects);
}

}  // namespace praetor::raft
