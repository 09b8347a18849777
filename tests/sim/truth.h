// What every server must agree with: the committed log, the model's answers, the states' hashes, the leaders
// of the terms, the entries on the wire. Each server tells what it does; the first that differs ends the run.
//
//   election safety      led()       one leader a term
//   leader completeness  led()       it has whatever was committed in the terms before its own
//   log matching         on_wire()   index and term name one entry, with one before it
//   state machine safety applied()   each index is one command, and does to every copy of the state the same
//   durability           acknowledged(), refused(): what was promised is in the committed log, what was
//   refused not
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "raft/transport.h"
#include "sim/command.h"
#include "sim/world.h"

namespace praetor::sim {

class Truth {
 public:
  explicit Truth(World& world) : world_(world) {}

  // Before the command is proposed.
  void announce(const Command& command, const std::string& data);

  void led(const std::string& server, uint64_t term, uint64_t last_index);
  void on_wire(const std::string& from, const raft::AppendRequest& request);
  // `server` is about to apply this command, after `before` (the last index it applied or passed).
  void applying(const std::string& server, uint64_t before, const raft::Entry& entry);
  void applied(const std::string& server, uint64_t index, const std::string& answer, uint64_t state_hash);
  // `server` holds the state of everything up to `index`, without a command in (before, index].
  void passed(const std::string& server, uint64_t before, uint64_t index);
  void restored(const std::string& server, uint64_t index, uint64_t state_hash);
  // The durable log of a server at the end holds this.
  void on_disk(const std::string& server, const raft::Entry& entry);

  void acknowledged(const std::string& server, uint64_t index, const std::string& data,
                    const std::string& answer);
  void refused(const Command& command, const std::string& data);
  // Where the operation stands in the committed log; 0 when it does not (yet).
  uint64_t index_of(uint64_t operation) const;
  // What the model says to the command there. REQUIRES: there is one.
  const std::string& answer_at(uint64_t index) const { return commands_.at(index).answer; }

  const Model& model() const { return model_; }
  uint64_t last_command() const { return commands_.empty() ? 0 : commands_.rbegin()->first; }

 private:
  struct Committed {
    uint64_t term = 0;
    // At most: the newest leader's term when it was first applied. A leader of an older term, elected before
    // but late to learn of it, need not have the entry, though the entry's own term is older still (5.4.2).
    uint64_t committed_by = 0;
    std::string data;
    std::string answer;
    std::optional<uint64_t> state_hash;
  };
  struct OnWire {
    uint64_t hash = 0, previous_term = 0;
  };

  World& world_;
  std::unordered_map<std::string, Command> announced_;
  std::unordered_set<std::string> refused_;
  Model model_;
  std::map<uint64_t, Committed> commands_;
  std::unordered_map<uint64_t, uint64_t> indexes_;  // by operation
  uint64_t passed_ = 0;                             // up to here it is known which indexes are commands
  std::map<uint64_t, std::string> leaders_;
  std::map<std::pair<uint64_t, uint64_t>, OnWire> entries_;  // by index and term
};

}  // namespace praetor::sim
