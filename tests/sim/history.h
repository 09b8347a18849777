// All operations of all clients, as they saw them, and what must hold of them.
//
// While the run goes on, each answer is checked against the log that it claims: what the model says at the
// index that it names, and that index not before any that was seen before the operation began. That is
// linearizability with the log as its witness, over all keys and sessions at once. At the end each key is
// checked again by a search that believes no index (linearizability.h).
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "sim/linearizability.h"
#include "sim/truth.h"

namespace praetor::sim {

enum class ReadMode : uint8_t { kConsistent, kDefault, kStale };

struct Operation {
  uint64_t id = 0;
  int client = 0;
  bool is_read = false;
  ReadMode mode{};
  Command command;  // of a read: the key
  std::string data;
  uint64_t floor = 0;  // every index that some client had seen when this began
  int64_t invoked = 0, returned = INT64_MAX;
  bool ended = false;    // the client waits no more
  bool refused = false;  // surely without effect
  bool answered = false;
  uint64_t index = 0;
  std::string answer;
  KeyState seen;
  Duration took{};
  Instant began{};
};

class History {
 public:
  History(World& world, Truth& truth) : world_(world), truth_(truth) {}

  Operation& begin_read(int client, ReadMode mode, const std::string& key);
  Operation& begin_write(int client, Command command);
  // The answer reached the client.
  void wrote(Operation& operation, const std::string& server, uint64_t index, const std::string& answer);
  void read(Operation& operation, const std::string& server, uint64_t index, const KeyState& seen);
  void refused(Operation& operation, const std::string& why);
  void gave_up(Operation& operation);

  // At the end: the search on each key.
  void check();
  const std::deque<Operation>& operations() const { return operations_; }
  // The version of the key that this state is, for a condition (KeyOperation::expected, expected_released).
  std::pair<uint64_t, bool> version_of(const KeyState& state) const;

 private:
  Operation& begin(int client);
  void end(Operation& operation);
  uint64_t number_of_session(const std::string& id) const;
  bool took_place(const Operation& operation) const;
  // Where the log has it, and a read after the write that it saw.
  uint64_t hint_of(const Operation& operation) const;
  void add_to_keys(const Operation& operation, std::map<std::string, std::vector<KeyOperation>>& keys) const;
  void add_releases(const Operation& operation, std::map<std::string, std::vector<KeyOperation>>& keys) const;

  World& world_;
  Truth& truth_;
  std::deque<Operation> operations_;
  int64_t stamp_ = 0;
  uint64_t floor_ = 0;
  struct Session {
    uint64_t number;
    Command created;
  };
  std::map<std::string, Session> sessions_;
};

// What a write says.
uint64_t number_of_value(const std::string& value);

}  // namespace praetor::sim
