// What clients of the simulation write, and what a write must do: a model of keys and sessions that knows
// nothing of the code under test (Consul's rules, kv-and-sessions.md).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace praetor::sim {

enum class Verb : uint8_t {
  kPut,
  kDelete,
  kDeleteCas,
  kCas,
  kLock,
  kUnlock,
  kSessionCreate,
  kSessionDestroy,
  kNode,   // registers the node with its check
  kCheck,  // sets the check of a node: value "passing" or "critical"
};
std::string_view verb_name(Verb verb);

struct Command {
  uint64_t id = 0;  // of the operation; makes every command unlike all others
  Verb verb{};
  std::string key;      // or the node's name
  std::string value{};  // or the check's status
  std::string session{};
  uint64_t expected = 0;        // ModifyIndex of a condition …
  uint64_t expected_value = 0;  // … and the version that it is, as clients see it (KeyOperation)
  bool expected_released = false;
  bool delete_behavior = false;
  bool with_check = false;  // the session depends on its node's check
};

// The log entry that a server makes of it.
std::string encode(const Command& command);

struct KeyState {
  bool exists = false;
  std::string value, session;
  uint64_t create_index = 0, modify_index = 0, lock_index = 0;
  bool operator==(const KeyState&) const = default;
};
std::string text_of(const KeyState& state);

class Model {
 public:
  // Applies the command; the answer as text: "true", "false", "error", a session's id, or "".
  std::string apply(uint64_t index, const Command& command);
  // As of that index. REQUIRES: everything up to it was applied.
  const KeyState& at(const std::string& key, uint64_t index) const;
  // The sessions as of that index, in order of their ids.
  std::vector<std::string> sessions_at(uint64_t index) const;
  // Whether any key with the prefix (or that key) got another state in (after, up_to].
  bool changed(const std::string& key, bool prefix, uint64_t after, uint64_t up_to) const;
  bool sessions_changed(uint64_t after, uint64_t up_to) const;

 private:
  struct Session {
    std::string node;
    bool delete_behavior, with_check;
  };
  KeyState current(const std::string& key) const;
  void set(const std::string& key, uint64_t index, KeyState state);
  void end_session(const std::string& id, uint64_t index);
  void list_sessions(uint64_t index);
  std::string lock(uint64_t index, const Command& command);

  std::map<std::string, std::map<uint64_t, KeyState>> keys_;  // every state each ever had, by index
  std::map<std::string, Session> sessions_;
  std::map<uint64_t, std::vector<std::string>> session_lists_;
  std::map<std::string, std::string> nodes_;  // name -> status of its check
};

}  // namespace praetor::sim
