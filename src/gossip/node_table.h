// The nodes that a member knows, in its random order of probing. Made for tables of ten thousand nodes in ten
// thousand simulated members: what is the same everywhere (NodeInfo) may be shared, an entry is 40 bytes, and
// the index by name holds numbers only. Single-threaded.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "gossip/address.h"
#include "gossip/message.h"

namespace praetor::gossip {

// What a node tells of itself. Immutable.
struct NodeInfo {
  std::string name;
  Address address;
  std::string meta;
  Versions versions;
  bool operator==(const NodeInfo&) const = default;
};
using NodeInfoPtr = std::shared_ptr<const NodeInfo>;

struct Node {
  NodeInfoPtr info;  // null: a free slot
  Instant changed{};
  uint32_t incarnation = 0;
  NodeState state = NodeState::kDead;

  const std::string& name() const { return info->name; }
  bool gone() const { return state == NodeState::kDead || state == NodeState::kLeft; }
};

// Number -> name is the owner's affair: an index holds numbers below 2^31 and asks for their names. Open
// addressing, linear probing.
class NameIndex {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  template <typename NameOf>
  uint32_t find(std::string_view name, NameOf name_of) const {
    if (slots_.empty()) return kNone;
    for (size_t at = home(name);; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at] == kNone) return kNone;
      if (name_of(slots_[at]) == name) return slots_[at];
    }
  }
  // REQUIRES: the name is not in it.
  template <typename NameOf>
  void insert(std::string_view name, uint32_t number, NameOf name_of) {
    if ((used_ + 1) * 4 > slots_.size() * 3) grow(name_of);
    place(name, number);
    ++used_;
  }
  // REQUIRES: the name is in it, and still has its number.
  template <typename NameOf>
  void erase(std::string_view name, NameOf name_of) {
    size_t at = home(name);
    while (name_of(slots_[at]) != name) at = (at + 1) & (slots_.size() - 1);
    // What follows moves up over the hole unless its home lies behind the hole.
    for (size_t next = (at + 1) & (slots_.size() - 1); slots_[next] != kNone;
         next = (next + 1) & (slots_.size() - 1)) {
      size_t wanted = home(name_of(slots_[next]));
      if (((next - wanted) & (slots_.size() - 1)) < ((next - at) & (slots_.size() - 1))) continue;
      slots_[at] = slots_[next];
      at = next;
    }
    slots_[at] = kNone;
    --used_;
  }

 private:
  size_t home(std::string_view name) const {
    return std::hash<std::string_view>()(name) & (slots_.size() - 1);
  }
  void place(std::string_view name, uint32_t number) {
    size_t at = home(name);
    while (slots_[at] != kNone) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = number;
  }
  template <typename NameOf>
  void grow(NameOf name_of) {
    std::vector<uint32_t> old(slots_.empty() ? 8 : slots_.size() * 2, kNone);
    old.swap(slots_);
    for (uint32_t number : old)
      if (number != kNone) place(name_of(number), number);
  }

  std::vector<uint32_t> slots_;
  size_t used_ = 0;
};

class NodeTable {
 public:
  using Slot = uint32_t;

  // Null when unknown. Pointers hold until the next add().
  Node* find(std::string_view name);
  const Node* find(std::string_view name) const { return const_cast<NodeTable*>(this)->find(name); }
  // Takes a random place in the order. REQUIRES: the name is unknown.
  Node& add(Node node, Random& random);

  // All nodes, in the order of probing.
  size_t size() const { return order_.size(); }
  Node& at(size_t position) { return nodes_[order_[position]]; }
  const Node& at(size_t position) const { return nodes_[order_[position]]; }

  // Forgets the nodes for which `stale` holds and shuffles the rest.
  template <typename Predicate>
  void sweep(Random& random, Predicate stale) {
    std::erase_if(order_, [&](Slot slot) {
      if (!stale(nodes_[slot])) return false;
      index_.erase(nodes_[slot].name(), names());
      nodes_[slot] = Node{};
      free_.push_back(slot);
      return true;
    });
    shuffle(random);
  }

  // Up to `count` different nodes for which `fits` holds, by random picks: three times the table's size of
  // them, so that small tables are searched well.
  template <typename Predicate>
  std::vector<const Node*> pick(size_t count, Random& random, Predicate fits) const {
    std::vector<const Node*> picked;
    for (size_t tries = 3 * size(); tries > 0 && picked.size() < count; --tries) {
      const Node* node = &at(random.below(size()));
      if (std::find(picked.begin(), picked.end(), node) == picked.end() && fits(*node))
        picked.push_back(node);
    }
    return picked;
  }

 private:
  void shuffle(Random& random);
  struct Names {
    const NodeTable* table;
    std::string_view operator()(Slot slot) const { return table->nodes_[slot].name(); }
  };
  Names names() const { return {this}; }

  std::vector<Node> nodes_;
  std::vector<Slot> order_;
  std::vector<Slot> free_;
  NameIndex index_;
};

}  // namespace praetor::gossip
