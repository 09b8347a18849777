// This member's network coordinate: Vivaldi (Dabek et al. 2004) with the filters, the gravity and the height
// of "Network Coordinates in the Wild" (Ledlie et al. 2007) and the adjustment of Lee et al. (2010), with
// Serf's constants (wire.md 3.5). Pure, single-threaded.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "model/agent.h"

namespace praetor::gossip {

using model::Coord;

inline constexpr size_t kCoordinateDimensions = 8;

Coord origin_coordinate();
// The estimated round trip. REQUIRES: both have the same number of dimensions.
Duration distance(const Coord& a, const Coord& b);
// All numbers finite, and of our dimensions.
bool is_valid(const Coord& coordinate);

// A ping's answer carries the sender's coordinate: a version byte and MessagePack.
std::string encode_ack_payload(const Coord& coordinate);
Result<Coord> decode_ack_payload(std::string_view payload);

class CoordinateClient {
 public:
  const Coord& coordinate() const { return own_; }
  // A round trip to `node`, which is at `other`, was measured. Refused: times below 0 or above 10 s, and
  // coordinates that are not valid.
  Status update(const std::string& node, const Coord& other, Duration round_trip, Random& random);
  void forget(const std::string& node) { latencies_.erase(node); }
  uint64_t resets() const { return resets_; }

 private:
  double median_latency(const std::string& node, double seconds);
  void pull(double force, const Coord& towards, Random& random);

  Coord own_ = origin_coordinate();
  std::vector<double> adjustments_;  // the window, a ring
  size_t adjustment_at_ = 0;
  std::unordered_map<std::string, std::vector<double>> latencies_;  // the newest of each node
  uint64_t resets_ = 0;
};

}  // namespace praetor::gossip
