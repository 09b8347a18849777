// Counts the queries for a service's instances, by service (docs/telemetry.md).
#pragma once

#include <string>
#include <string_view>

#include "base/metrics.h"

namespace praetor::server {

class ServiceQueryCounters {
 public:
  // "catalog.service", "health.connect" …
  explicit ServiceQueryCounters(const std::string& name)
      : queries_(name + ".query", {"service"}),
        tag_queries_(name + ".query-tags", {"service", "tag"}),
        not_found_(name + ".not-found", {"service"}) {}

  void count(std::string_view service) const { queries_.add({service}); }
  void count_tag(std::string_view service, std::string_view tag) const { tag_queries_.add({service, tag}); }
  void count_not_found(std::string_view service) const { not_found_.add({service}); }

  static const ServiceQueryCounters& health() {
    static const ServiceQueryCounters counters("health.service");
    return counters;
  }

 private:
  LabelledCounter queries_, tag_queries_, not_found_;
};

}  // namespace praetor::server
