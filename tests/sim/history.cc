#include "sim/history.h"

#include <charconv>

namespace praetor::sim {

uint64_t number_of_value(const std::string& value) {
  uint64_t number = 0;
  std::from_chars(value.data(), value.data() + value.size(), number);
  return number;
}

Operation& History::begin(int client) {
  Operation& operation = operations_.emplace_back();
  operation.id = operations_.size();
  operation.client = client;
  operation.floor = floor_;
  operation.invoked = ++stamp_;
  operation.began = world_.now();
  ++world_.counters.operations;
  return operation;
}

Operation& History::begin_read(int client, ReadMode mode, const std::string& key) {
  Operation& operation = begin(client);
  operation.is_read = true;
  operation.mode = mode;
  operation.command.key = key;
  static constexpr const char* kModes[] = {"consistent", "default", "stale"};
  if (world_.tracing())
    world_.trace("client {} op {}: read {} {}", client, operation.id, key, kModes[static_cast<size_t>(mode)]);
  return operation;
}

Operation& History::begin_write(int client, Command command) {
  Operation& operation = begin(client);
  command.id = operation.id;
  if (command.verb != Verb::kCheck) command.value = fmt::format("{}", operation.id);
  if (command.verb == Verb::kSessionCreate) sessions_[command.session] = {operation.id, command};
  operation.command = command;
  operation.data = encode(command);
  truth_.announce(command, operation.data);
  if (world_.tracing())
    world_.trace("client {} op {}: {} {} session='{}' expected={}", client, operation.id,
                 verb_name(command.verb), command.key, command.session, command.expected);
  return operation;
}

void History::end(Operation& operation) {
  operation.ended = true;
  operation.took = world_.now() - operation.began;
}

void History::wrote(Operation& operation, const std::string& server, uint64_t index,
                    const std::string& answer) {
  end(operation);
  operation.returned = ++stamp_;
  operation.answered = true;
  operation.index = index;
  operation.answer = answer;
  ++world_.counters.acknowledged;
  if (world_.tracing())
    world_.trace("client {} op {}: '{}' at {}", operation.client, operation.id, answer, index);
  truth_.acknowledged(server, index, operation.data, answer);
  if (index <= operation.floor)
    world_.violate(
        fmt::format("linearizability: operation {} took place at {}, before {} which was seen earlier",
                    operation.id, index, operation.floor));
  floor_ = std::max(floor_, index);
}

void History::read(Operation& operation, const std::string& server, uint64_t index, const KeyState& seen) {
  end(operation);
  operation.returned = ++stamp_;
  operation.answered = true;
  operation.index = index;
  operation.seen = seen;
  ++world_.counters.reads;
  const std::string& key = operation.command.key;
  if (world_.tracing())
    world_.trace("client {} op {}: {} = {} at {} of {}", operation.client, operation.id, key, text_of(seen),
                 index, server);
  if (const KeyState& right = truth_.model().at(key, index); !(right == seen))
    world_.violate(fmt::format("reads: {} shows {} = {} at {}, where it is {}", server, key, text_of(seen),
                               index, text_of(right)));
  if (operation.mode == ReadMode::kStale) return;
  if (index < operation.floor)
    world_.violate(fmt::format("linearizability: {} lets operation {} read {} at {}, but {} was seen earlier",
                               server, operation.id, key, index, operation.floor));
  floor_ = std::max(floor_, index);
}

void History::refused(Operation& operation, const std::string& why) {
  end(operation);
  operation.refused = true;
  if (world_.tracing()) world_.trace("client {} op {}: refused: {}", operation.client, operation.id, why);
  if (!operation.is_read) truth_.refused(operation.command, operation.data);
}

void History::gave_up(Operation& operation) {
  end(operation);
  if (world_.tracing()) world_.trace("client {} op {}: no answer", operation.client, operation.id);
}

// --- the end ---

uint64_t History::number_of_session(const std::string& id) const {
  auto found = sessions_.find(id);
  return found == sessions_.end() ? 0 : found->second.number;
}

std::pair<uint64_t, bool> History::version_of(const KeyState& state) const {
  if (!state.exists) return {0, false};
  uint64_t written = number_of_value(state.value);
  return {written, truth_.index_of(written) != state.modify_index};
}

// Everything is applied everywhere by the end: what is not committed then never took place, and what failed
// did nothing. Were it left to the search to find that out, hours would not do for a run in which many
// leaders are cut off.
bool History::took_place(const Operation& operation) const {
  if (operation.answered || operation.is_read) return true;
  uint64_t index = truth_.index_of(operation.id);
  return index != 0 && truth_.answer_at(index) != "error";
}

uint64_t History::hint_of(const Operation& operation) const {
  return operation.is_read ? operation.index * 2 + 1 : truth_.index_of(operation.id) * 2;
}

void History::add_releases(const Operation& operation,
                           std::map<std::string, std::vector<KeyOperation>>& keys) const {
  const Command& command = operation.command;
  std::vector<uint64_t> released, deleted;
  for (const auto& [id, session] : sessions_) {
    bool ends = command.verb == Verb::kSessionDestroy
                    ? id == command.session
                    : session.created.with_check && session.created.key == command.key;
    if (ends) (session.created.delete_behavior ? deleted : released).push_back(session.number);
  }
  KeyOperation end;
  end.invoked = operation.invoked;
  end.returned = operation.returned;
  end.hint = hint_of(operation);
  for (auto& [key, list] : keys) {
    if (end.sessions = released; !released.empty()) {
      end.kind = KeyOperation::Kind::kRelease;
      list.push_back(end);
    }
    if (end.sessions = deleted; !deleted.empty()) {
      end.kind = KeyOperation::Kind::kReleaseAndDelete;
      list.push_back(end);
    }
  }
}

void History::add_to_keys(const Operation& operation,
                          std::map<std::string, std::vector<KeyOperation>>& keys) const {
  using Kind = KeyOperation::Kind;
  const Command& command = operation.command;
  if (operation.refused || operation.answer == "error") return;
  KeyOperation out;
  out.invoked = operation.invoked;
  out.returned = operation.returned;
  out.value = operation.id;
  out.hint = hint_of(operation);
  if (operation.answered) out.answer = operation.answer == "true";
  if (operation.is_read) {
    if (!operation.answered || operation.mode == ReadMode::kStale) return;
    out.kind = Kind::kRead;
    out.value = operation.seen.exists ? number_of_value(operation.seen.value) : 0;
    out.session = number_of_session(operation.seen.session);
    keys[command.key].push_back(out);
    return;
  }
  switch (command.verb) {
    case Verb::kPut:
      out.kind = Kind::kWrite;
      break;
    case Verb::kDelete:
      out.kind = Kind::kDelete;
      break;
    case Verb::kDeleteCas:
    case Verb::kCas:
      out.kind = command.verb == Verb::kCas ? Kind::kCas : Kind::kDeleteCas;
      out.expected = command.expected_value;
      out.expected_released = command.expected_released;
      break;
    case Verb::kLock:
    case Verb::kUnlock:
      out.kind = command.verb == Verb::kLock ? Kind::kLock : Kind::kUnlock;
      out.session = number_of_session(command.session);
      break;
    default:
      return;
  }
  keys[command.key].push_back(out);
}

void History::check() {
  std::map<std::string, std::vector<KeyOperation>> keys;
  for (const Operation& operation : operations_)
    if (took_place(operation)) add_to_keys(operation, keys);
  for (const Operation& operation : operations_) {
    bool ends_sessions = took_place(operation) && !operation.refused && !operation.is_read &&
                         (operation.command.verb == Verb::kSessionDestroy ||
                          (operation.command.verb == Verb::kCheck && operation.command.value == "critical"));
    if (ends_sessions) add_releases(operation, keys);
  }
  for (const auto& [key, list] : keys)
    if (!linearizable(list))
      return world_.violate(fmt::format(
          "linearizability: no order of the {} operations on {} explains their answers", list.size(), key));
}

}  // namespace praetor::sim
