// Metrics in Prometheus' text format 0.0.4, as the Go client library writes it.
#pragma once

#include <string>
#include <vector>

#include "base/metrics.h"

namespace praetor::http {

inline constexpr const char* kPrometheusContentType = "text/plain; version=0.0.4; charset=utf-8";

struct PrometheusGauge {
  std::string name, help;
  double value = 0;
  bool counter = false;
};

// Sorted by name; `more` are those without labels that are not in the registry.
std::string prometheus_text(const std::vector<MetricTotal>& totals, const std::vector<PrometheusGauge>& more);

// Go's strconv 'g' form with the shortest digits: 1.4826512e+07, 843892, 0.001, NaN, +Inf.
std::string go_number(double value);

}  // namespace praetor::http
