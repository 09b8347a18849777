#include "gossip/broadcast_queue.h"

namespace praetor::gossip {

void BroadcastQueue::finish(Items::iterator at) {
  if (at->second.ticket != 0) finished_.push_back(at->second.ticket);
  if (!at->second.name.empty()) by_name_.erase(at->second.name);
  items_.erase(at);
}

void BroadcastQueue::add(std::string name, std::string message, uint64_t ticket) {
  Key key{0, message.size(), ++last_id_};
  if (!name.empty()) {
    if (auto old = by_name_.find(name); old != by_name_.end()) finish(items_.find(old->second));
    by_name_.emplace(name, key);
  }
  items_.emplace(key, Item{std::move(name), std::move(message), ticket});
}

void BroadcastQueue::take(size_t overhead, size_t limit, size_t most, uint32_t transmit_limit,
                          std::vector<std::string>& out) {
  if (items_.empty()) return;
  std::vector<Items::node_type> again;  // back in after the walk, so that no message is taken twice
  uint32_t transmits = items_.begin()->first.transmits;
  while (out.size() < most && limit > overhead) {
    size_t free = limit - overhead;
    // The longest of this number of transmits that fits, else the next number.
    auto at = items_.lower_bound(Key{transmits, free, UINT64_MAX});
    if (at == items_.end()) break;
    if (at->first.transmits != transmits) {
      transmits = at->first.transmits;
      continue;
    }
    limit -= overhead + at->second.message.size();
    out.push_back(at->second.message);
    if (transmits + 1 >= transmit_limit)
      finish(at);
    else
      again.push_back(items_.extract(at));
  }
  for (Items::node_type& node : again) {
    ++node.key().transmits;
    if (!node.mapped().name.empty()) by_name_[node.mapped().name] = node.key();
    items_.insert(std::move(node));
  }
}

void BroadcastQueue::prune(size_t count) {
  while (items_.size() > count) finish(std::prev(items_.end()));
}

}  // namespace praetor::gossip
