#include "sim/truth.h"

#include <functional>

namespace praetor::sim {
namespace {

uint64_t hash_of(const raft::Entry& entry) {
  std::hash<std::string_view> hash;
  return hash(entry.data) * 31 + hash(entry.extensions) * 7 + static_cast<uint64_t>(entry.type);
}

}  // namespace

void Truth::announce(const Command& command, const std::string& data) { announced_[data] = command; }

void Truth::led(const std::string& server, uint64_t term, uint64_t last_index) {
  auto [known, fresh] = leaders_.try_emplace(term, server);
  if (!fresh && known->second != server)
    world_.violate(fmt::format("election safety: {} and {} lead term {}", known->second, server, term));
  for (auto committed = commands_.rbegin(); fresh && committed != commands_.rend(); ++committed) {
    if (committed->second.committed_by >= term) continue;
    if (committed->first > last_index)
      world_.violate(
          fmt::format("leader completeness: {} leads term {} with a log up to {}, without the committed {}",
                      server, term, last_index, committed->first));
    break;
  }
}

void Truth::on_wire(const std::string& from, const raft::AppendRequest& request) {
  uint64_t previous_term = request.previous_term;
  for (const raft::EntryRef& entry : request.entries) {
    OnWire seen{hash_of(*entry), previous_term};
    auto [known, fresh] = entries_.try_emplace({entry->index, entry->term}, seen);
    if (!fresh && (known->second.hash != seen.hash || known->second.previous_term != seen.previous_term))
      world_.violate(
          fmt::format("log matching: {} sends another entry {} of term {}", from, entry->index, entry->term));
    previous_term = entry->term;
  }
}

void Truth::passed(const std::string& server, uint64_t before, uint64_t index) {
  auto skipped = commands_.upper_bound(before);
  if (skipped != commands_.end() && skipped->first <= index)
    world_.violate(fmt::format("state machine safety: {} went from {} to {} without the command at {}",
                               server, before, index, skipped->first));
  passed_ = std::max(passed_, index);
}

void Truth::applying(const std::string& server, uint64_t before, const raft::Entry& entry) {
  passed(server, before, entry.index - 1);
  auto known = commands_.find(entry.index);
  if (known == commands_.end()) {
    if (entry.index <= passed_)
      return world_.violate(fmt::format(
          "state machine safety: {} applies a command at {}, where others had none", server, entry.index));
    auto command = announced_.find(entry.data);
    if (command == announced_.end())
      return world_.violate(fmt::format("{} applies at {} what nobody wrote", server, entry.index));
    if (refused_.contains(entry.data))
      return world_.violate(fmt::format("{} applies at {} operation {}, which was refused", server,
                                        entry.index, command->second.id));
    uint64_t newest = leaders_.empty() ? entry.term : leaders_.rbegin()->first;
    commands_[entry.index] = {.term = entry.term,
                              .committed_by = newest,
                              .data = entry.data,
                              .answer = model_.apply(entry.index, command->second),
                              .state_hash = {}};
    indexes_.try_emplace(command->second.id, entry.index);
    passed_ = entry.index;
  } else if (known->second.term != entry.term || known->second.data != entry.data) {
    world_.violate(
        fmt::format("state machine safety: {} applies another command at {}", server, entry.index));
  }
}

void Truth::applied(const std::string& server, uint64_t index, const std::string& answer,
                    uint64_t state_hash) {
  if (!world_.well()) return;
  Committed& committed = commands_.at(index);
  if (committed.answer != answer)
    world_.violate(
        fmt::format("model: {} answers '{}' at {}, the model '{}'", server, answer, index, committed.answer));
  if (!committed.state_hash) committed.state_hash = state_hash;
  if (*committed.state_hash != state_hash)
    world_.violate(fmt::format("state machine safety: {} has another state after {}", server, index));
}

void Truth::restored(const std::string& server, uint64_t index, uint64_t state_hash) {
  auto last = commands_.upper_bound(index);
  if (last == commands_.begin()) return;
  --last;
  if (last->second.state_hash && *last->second.state_hash != state_hash)
    world_.violate(fmt::format("state machine safety: {} has another state restored from the snapshot at {}",
                               server, index));
}

void Truth::on_disk(const std::string& server, const raft::Entry& entry) {
  auto command = commands_.find(entry.index);
  bool is_command = entry.type == raft::EntryType::kCommand;
  if (command == commands_.end() ? is_command && entry.index <= passed_ : command->second.data != entry.data)
    world_.violate(fmt::format("log matching: the log of {} holds another entry at {}", server, entry.index));
}

void Truth::refused(const Command& command, const std::string& data) {
  refused_.insert(data);
  if (uint64_t index = index_of(command.id); index != 0)
    world_.violate(fmt::format("operation {} was refused, but is committed at {}", command.id, index));
}

uint64_t Truth::index_of(uint64_t operation) const {
  auto found = indexes_.find(operation);
  return found == indexes_.end() ? 0 : found->second;
}

void Truth::acknowledged(const std::string& server, uint64_t index, const std::string& data,
                         const std::string& answer) {
  auto committed = commands_.find(index);
  if (committed == commands_.end() || committed->second.data != data)
    return world_.violate(
        fmt::format("durability: {} acknowledged at {} what is not committed there", server, index));
  if (committed->second.answer != answer)
    world_.violate(fmt::format("durability: {} answered '{}' for {}, where '{}' was right", server, answer,
                               index, committed->second.answer));
}

}  // namespace praetor::sim
