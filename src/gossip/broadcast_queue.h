// What waits to be gossiped. A message is sent a limited number of times (SWIM, section 4.1), those sent
// least first, of these the longest that still fits, of these the newest. Single-threaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace praetor::gossip {

class BroadcastQueue {
 public:
  // A later message under the same name (a node's, for membership) takes the place of the earlier one; an
  // empty name replaces nothing. `ticket`, if not 0, is told by take_finished() once the message has been
  // sent as often as it may, or was replaced or pruned.
  void add(std::string name, std::string message, uint64_t ticket = 0);

  // Appends messages to `out` while their lengths plus `overhead` each fit into `limit`, at most `most` in
  // all. A message is dropped when it has been sent `transmit_limit` times (at least once).
  void take(size_t overhead, size_t limit, size_t most, uint32_t transmit_limit,
            std::vector<std::string>& out);

  std::vector<uint64_t> take_finished() { return std::exchange(finished_, {}); }
  bool empty() const { return items_.empty(); }
  size_t size() const { return items_.size(); }
  // Keeps at most `count`, dropping those that were sent most.
  void prune(size_t count);

 private:
  // Transmits, length and age, so that the map's order is the order of sending.
  struct Key {
    uint32_t transmits;
    size_t length;
    uint64_t id;
    bool operator<(const Key& other) const {
      return std::tuple(transmits, other.length, other.id) < std::tuple(other.transmits, length, id);
    }
  };
  struct Item {
    std::string name;
    std::string message;
    uint64_t ticket;
  };
  using Items = std::map<Key, Item>;

  void finish(Items::iterator at);

  Items items_;
  std::unordered_map<std::string, Key> by_name_;
  uint64_t last_id_ = 0;
  std::vector<uint64_t> finished_;
};

}  // namespace praetor::gossip
