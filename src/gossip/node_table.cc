#include "gossip/node_table.h"

#include "base/check.h"

namespace praetor::gossip {

Node* NodeTable::find(std::string_view name) {
  uint32_t slot = index_.find(name, names());
  return slot == NameIndex::kNone ? nullptr : &nodes_[slot];
}

Node& NodeTable::add(Node node, Random& random) {
  CHECK(node.info != nullptr);
  auto slot = static_cast<Slot>(nodes_.size());
  if (free_.empty()) {
    nodes_.push_back(std::move(node));
  } else {
    slot = free_.back();
    free_.pop_back();
    nodes_[slot] = std::move(node);
  }
  index_.insert(nodes_[slot].name(), slot, names());
  // Anywhere: were it always last, news of its death could take two whole rounds.
  order_.push_back(slot);
  std::swap(order_.back(), order_[random.below(order_.size())]);
  return nodes_[slot];
}

void NodeTable::shuffle(Random& random) {
  for (size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random.below(i)]);
}

}  // namespace praetor::gossip
