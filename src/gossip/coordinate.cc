#include "gossip/coordinate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "codec/msgpack.h"

namespace praetor::gossip {

namespace {

constexpr double kErrorMost = 1.5, kErrorTuning = 0.25, kForceTuning = 0.25, kHeightLeast = 1e-5,
                 kGravity = 150;
constexpr double kZero = 1e-6;
constexpr size_t kAdjustmentWindow = 20, kLatencySamples = 3;
constexpr char kPayloadVersion = 1;

double magnitude(const std::vector<double>& vec) {
  return std::sqrt(std::inner_product(vec.begin(), vec.end(), vec.begin(), 0.0));
}

std::vector<double> difference(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> out(a.size());
  std::ranges::transform(a, b, out.begin(), std::minus());
  return out;
}

// Without the adjustments, in seconds.
double raw_distance(const Coord& a, const Coord& b) {
  return magnitude(difference(a.vec, b.vec)) + a.height + b.height;
}

double distance_seconds(const Coord& a, const Coord& b) {
  double raw = raw_distance(a, b), adjusted = raw + a.adjustment + b.adjustment;
  return adjusted > 0 ? adjusted : raw;
}

double to_seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
// What no Duration holds, and what is no number, is as far away as can be said.
Duration from_seconds(double seconds) {
  constexpr double kMost = 9e18;
  double nanoseconds = seconds * 1e9;
  return Duration(static_cast<int64_t>(nanoseconds < kMost ? std::max(nanoseconds, -kMost) : kMost));
}

}  // namespace

Coord origin_coordinate() {
  Coord origin;
  origin.vec.resize(kCoordinateDimensions);
  origin.error = kErrorMost;
  origin.height = kHeightLeast;
  return origin;
}

Duration distance(const Coord& a, const Coord& b) {
  CHECK(a.vec.size() == b.vec.size());
  return from_seconds(distance_seconds(a, b));
}

bool is_valid(const Coord& coordinate) {
  auto finite = [](double d) { return std::isfinite(d); };
  return coordinate.vec.size() == kCoordinateDimensions && std::ranges::all_of(coordinate.vec, finite) &&
         finite(coordinate.error) && finite(coordinate.adjustment) && finite(coordinate.height);
}

std::string encode_ack_payload(const Coord& coordinate) {
  std::string out(1, kPayloadVersion);
  codec::write_msgpack(out, coordinate);
  return out;
}

Result<Coord> decode_ack_payload(std::string_view payload) {
  if (payload.empty() || payload.front() != kPayloadVersion)
    return fail("Unsupported ping version", ErrorKind::kCorrupt);
  return codec::from_msgpack<Coord>(payload.substr(1));
}

// The middle of the newest samples: one slow answer says little.
double CoordinateClient::median_latency(const std::string& node, double seconds) {
  std::vector<double>& samples = latencies_[node];
  samples.push_back(seconds);
  if (samples.size() > kLatencySamples) samples.erase(samples.begin());
  std::vector<double> sorted = samples;
  std::ranges::sort(sorted);
  return sorted[sorted.size() / 2];
}

// Moves along the line from `towards` by `force`, and the height in proportion.
void CoordinateClient::pull(double force, const Coord& towards, Random& random) {
  std::vector<double> unit = difference(own_.vec, towards.vec);
  double length = magnitude(unit), scale = length;
  if (length <= kZero) {
    // On top of each other: any direction will do.
    for (double& x : unit) x = random.real() - 0.5;
    scale = magnitude(unit);
    if (scale <= kZero) {
      std::ranges::fill(unit, 0);
      unit[0] = scale = 1;
    }
  }
  for (size_t i = 0; i < unit.size(); ++i) own_.vec[i] += unit[i] / scale * force;
  if (length > kZero)
    own_.height = std::max((own_.height + towards.height) * force / length + own_.height, kHeightLeast);
}

Status CoordinateClient::update(const std::string& node, const Coord& other, Duration round_trip,
                                Random& random) {
  if (other.vec.size() != own_.vec.size()) return fail("dimensions aren't compatible", ErrorKind::kCorrupt);
  if (!is_valid(other)) return fail("coordinate is invalid", ErrorKind::kCorrupt);
  if (round_trip < Duration(0) || round_trip > std::chrono::seconds(10))
    return fail("round trip time not in valid range", ErrorKind::kCorrupt);
  double seconds = median_latency(node, to_seconds(round_trip));

  double away = distance_seconds(own_, other), measured = std::max(seconds, kZero);
  double wrongness = std::abs(away - measured) / measured;
  double weight = own_.error / std::max(own_.error + other.error, kZero);
  own_.error =
      std::min(kErrorTuning * weight * wrongness + own_.error * (1 - kErrorTuning * weight), kErrorMost);
  pull(kForceTuning * weight * (measured - away), other, random);

  adjustments_.resize(kAdjustmentWindow);
  adjustments_[adjustment_at_] = seconds - raw_distance(own_, other);
  adjustment_at_ = (adjustment_at_ + 1) % kAdjustmentWindow;
  own_.adjustment = std::accumulate(adjustments_.begin(), adjustments_.end(), 0.0) /
                    (2.0 * static_cast<double>(kAdjustmentWindow));

  static const Coord origin = origin_coordinate();
  pull(-std::pow(to_seconds(distance(origin, own_)) / kGravity, 2), origin, random);
  if (!is_valid(own_)) {
    ++resets_;
    own_ = origin_coordinate();
  }
  return {};
}

}  // namespace praetor::gossip
