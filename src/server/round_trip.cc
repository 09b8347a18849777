#include "server/round_trip.h"

#include <cmath>
#include <limits>

#include "base/text.h"
#include "model/agent.h"
#include "store/catalog_read.h"

namespace praetor::server {
namespace {

// Vivaldi: the straight distance and both heights, plus the adjustments while the sum stays positive.
double distance(const model::Coord& a, const model::Coord& b) {
  if (a.vec.size() != b.vec.size()) return std::numeric_limits<double>::infinity();
  double sum = 0;
  for (size_t i = 0; i < a.vec.size(); ++i) sum += (a.vec[i] - b.vec[i]) * (a.vec[i] - b.vec[i]);
  double raw = std::sqrt(sum) + a.height + b.height;
  double adjusted = raw + a.adjustment + b.adjustment;
  return adjusted > 0 ? adjusted : raw;
}

const model::Coord* coordinate_of(ReadContext& context, const std::string& node) {
  std::vector<const model::Coordinate*> found;
  store::node_coordinates(context.tables, node, context.watch, found);
  return found.empty() || !found.front()->coord ? nullptr : found.front()->coord.get();
}

}  // namespace

std::vector<double> distances(ReadContext& context, const model::QuerySource& source,
                              const std::vector<std::string>& nodes) {
  const model::Coord* from = coordinate_of(context, source.node);
  if (from == nullptr) return {};
  std::vector<double> result;
  for (const std::string& node : nodes) {
    const model::Coord* to = coordinate_of(context, node);
    result.push_back(to ? distance(*from, *to) : std::numeric_limits<double>::infinity());
  }
  return result;
}

}  // namespace praetor::server
