// ?near: sorting by estimated round-trip time (semantics.md 16).
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "codec/containers.h"
#include "model/common.h"
#include "server/read.h"

namespace praetor::server {

// Seconds from the source node to each of the names; infinity where a coordinate is unknown. Empty when the
// source names no node or has no coordinate itself: nothing is sorted then.
std::vector<double> distances(ReadContext& context, const model::QuerySource& source,
                              const std::vector<std::string>& nodes);

// Nearest first; equal and unknown distances keep their order.
template <typename T, typename NameOf>
void sort_by_distance(ReadContext& context, const model::QuerySource& source, codec::List<T>& items,
                      NameOf name_of) {
  if (source.node.empty() || items.empty()) return;
  std::vector<std::string> names;
  for (const T& item : items) names.push_back(name_of(item));
  std::vector<double> away = distances(context, source, names);
  if (away.empty()) return;
  std::vector<size_t> order(items.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return std::pair(away[a], a) < std::pair(away[b], b); });
  codec::List<T> sorted;
  for (size_t i : order) sorted.push_back(std::move(items[i]));
  items = std::move(sorted);
}

}  // namespace praetor::server
