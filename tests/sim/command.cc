#include "sim/command.h"

#include <fmt/format.h>

#include "codec/msgpack.h"
#include "model/catalog.h"
#include "model/kv.h"

namespace praetor::sim {
namespace {

constexpr const char* kCheckId = "serfHealth";

template <typename Request>
std::string entry(model::MessageType type, const Request& request) {
  std::string out(1, static_cast<char>(type));
  codec::write_msgpack(out, request);
  return out;
}

std::string encode_kv(const Command& command, const char* op) {
  model::KVSRequest request;
  request.datacenter = "dc1";
  request.op = op;
  request.dir_ent.key = command.key;
  request.dir_ent.flags = command.id;
  request.dir_ent.value = command.value;
  request.dir_ent.session = command.session;
  request.dir_ent.indexes.modify_index = command.expected;
  return entry(model::MessageType::kKVS, request);
}

std::string encode_session(const Command& command, const char* op) {
  model::SessionRequest request;
  request.datacenter = "dc1";
  request.op = op;
  request.session.id = command.session;
  request.session.name = fmt::format("{}", command.id);
  request.session.node = command.key;
  request.session.behavior = command.delete_behavior ? model::kSessionDelete : model::kSessionRelease;
  if (command.with_check) request.session.node_checks.push_back(kCheckId);
  return entry(model::MessageType::kSession, request);
}

std::string encode_register(const Command& command) {
  model::RegisterRequest request;
  request.datacenter = "dc1";
  request.node = command.key;
  request.address = "127.0.0.1";
  model::HealthCheck check;
  check.node = command.key;
  check.check_id = kCheckId;
  check.name = "Serf Health Status";
  check.status = command.verb == Verb::kNode ? model::kHealthPassing : command.value;
  check.output = fmt::format("{}", command.id);
  request.check = std::move(check);
  return entry(model::MessageType::kRegister, request);
}

}  // namespace

std::string_view verb_name(Verb verb) {
  static constexpr std::string_view kNames[] = {"put",  "delete", "delete-cas",     "cas",
                                                "lock", "unlock", "session-create", "session-destroy",
                                                "node", "check"};
  return kNames[static_cast<size_t>(verb)];
}

std::string encode(const Command& command) {
  switch (command.verb) {
    case Verb::kPut:
      return encode_kv(command, model::kv_op::kSet);
    case Verb::kDelete:
      return encode_kv(command, model::kv_op::kDelete);
    case Verb::kDeleteCas:
      return encode_kv(command, model::kv_op::kDeleteCAS);
    case Verb::kCas:
      return encode_kv(command, model::kv_op::kCAS);
    case Verb::kLock:
      return encode_kv(command, model::kv_op::kLock);
    case Verb::kUnlock:
      return encode_kv(command, model::kv_op::kUnlock);
    case Verb::kSessionCreate:
      return encode_session(command, "create");
    case Verb::kSessionDestroy:
      return encode_session(command, "destroy");
    case Verb::kNode:
    case Verb::kCheck:
      return encode_register(command);
  }
  return {};
}

std::string text_of(const KeyState& state) {
  if (!state.exists) return "absent";
  return fmt::format("'{}' session='{}' create={} modify={} lock={}", state.value, state.session,
                     state.create_index, state.modify_index, state.lock_index);
}

const KeyState& Model::at(const std::string& key, uint64_t index) const {
  static const KeyState absent;
  auto found = keys_.find(key);
  if (found == keys_.end()) return absent;
  auto after = found->second.upper_bound(index);
  return after == found->second.begin() ? absent : std::prev(after)->second;
}

std::vector<std::string> Model::sessions_at(uint64_t index) const {
  auto after = session_lists_.upper_bound(index);
  return after == session_lists_.begin() ? std::vector<std::string>() : std::prev(after)->second;
}

KeyState Model::current(const std::string& key) const { return at(key, UINT64_MAX); }

void Model::set(const std::string& key, uint64_t index, KeyState state) {
  if (state.exists) {
    state.modify_index = index;
    if (state.create_index == 0) state.create_index = index;
  } else {
    state = {};
  }
  keys_[key][index] = std::move(state);
}

bool Model::changed(const std::string& key, bool prefix, uint64_t after, uint64_t up_to) const {
  for (auto found = keys_.lower_bound(key); found != keys_.end() && found->first.starts_with(key); ++found) {
    if (!prefix && found->first != key) break;
    auto version = found->second.upper_bound(after);
    if (version != found->second.end() && version->first <= up_to) return true;
  }
  return false;
}

bool Model::sessions_changed(uint64_t after, uint64_t up_to) const {
  auto version = session_lists_.upper_bound(after);
  return version != session_lists_.end() && version->first <= up_to;
}

void Model::list_sessions(uint64_t index) {
  auto& list = session_lists_[index];
  list.clear();
  for (const auto& [id, session] : sessions_) list.push_back(id);
}

void Model::end_session(const std::string& id, uint64_t index) {
  auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  bool deletes = found->second.delete_behavior;
  sessions_.erase(found);
  for (auto& [key, states] : keys_) {
    KeyState state = current(key);
    if (!state.exists || state.session != id) continue;
    state.exists = !deletes;
    state.session.clear();
    set(key, index, std::move(state));
  }
  list_sessions(index);
}

std::string Model::lock(uint64_t index, const Command& command) {
  if (!sessions_.contains(command.session)) return "error";
  KeyState state = current(command.key);
  bool mine = state.session == command.session;
  if (state.exists && !mine && !state.session.empty()) return "false";
  if (!state.exists || !mine) ++state.lock_index;
  state.exists = true;
  state.value = command.value;
  state.session = command.session;
  set(command.key, index, std::move(state));
  return "true";
}

std::string Model::apply(uint64_t index, const Command& command) {
  KeyState state = current(command.key);
  auto write = [&] {
    state.exists = true;
    state.value = command.value;
    // A plain write takes the request's LockIndex, as Consul's does.
    if (command.verb != Verb::kUnlock) state.lock_index = 0;
    set(command.key, index, state);
    return "true";
  };
  auto erase = [&] {
    if (state.exists) set(command.key, index, {});
    return "true";
  };
  switch (command.verb) {
    case Verb::kPut:
      return write();
    case Verb::kDelete:
      return erase();
    case Verb::kDeleteCas:
      return !state.exists || state.modify_index == command.expected ? erase() : "false";
    case Verb::kCas:
      return (state.exists ? state.modify_index : 0) == command.expected ? write() : "false";
    case Verb::kLock:
      return lock(index, command);
    case Verb::kUnlock:
      if (command.session.empty()) return "error";
      if (!state.exists || state.session != command.session) return "false";
      state.session.clear();
      return write();
    case Verb::kSessionCreate: {
      auto node = nodes_.find(command.key);
      if (node == nodes_.end() || (command.with_check && node->second == "critical")) return "error";
      sessions_[command.session] = {command.key, command.delete_behavior, command.with_check};
      list_sessions(index);
      return command.session;
    }
    case Verb::kSessionDestroy:
      end_session(command.session, index);
      return "";
    case Verb::kNode:
      nodes_[command.key] = "passing";
      return "";
    case Verb::kCheck: {
      nodes_[command.key] = command.value;
      if (command.value != "critical") return "";
      std::vector<std::string> ended;
      for (const auto& [id, session] : sessions_)
        if (session.with_check && session.node == command.key) ended.push_back(id);
      for (const std::string& id : ended) end_session(id, index);
      return "";
    }
  }
  return "";
}

}  // namespace praetor::sim
