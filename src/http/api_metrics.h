// What the catalog and health endpoints measure beside the time of each request (docs/telemetry.md).
#pragma once

#include <string>
#include <string_view>

#include "base/metrics.h"

namespace praetor::http {

// Of a catalog endpoint: client.api.NAME and how it went.
struct EndpointCounters {
  explicit EndpointCounters(const std::string& name) : EndpointCounters(name, name) {}
  EndpointCounters(const std::string& name, const std::string& outcome_name)
      : requests("client.api." + name, node()),
        successes("client.api.success." + outcome_name, node()),
        errors("client.rpc.error." + outcome_name, node()) {}
  void count_outcome(bool success) const { (success ? successes : errors).add(); }

  Counter requests, successes, errors;

 private:
  static std::vector<MetricLabel> node() { return {{"node", std::string(kNodeLabel)}}; }
};

// Of one kind of ?cached query.
struct CacheCounters {
  explicit CacheCounters(const std::string& type)
      : hits("consul.cache." + type + ".hit"),
        misses("consul.cache." + type + ".miss_new"),
        fetches("consul.cache." + type + ".fetch_success") {}
  void count(bool hit) const {
    static const Counter all("consul.cache.fetch_success");
    if (hit) return hits.add();
    misses.add();
    fetches.add();
    all.add();
  }

  Counter hits, misses, fetches;
};

}  // namespace praetor::http
