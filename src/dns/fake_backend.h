// A catalog in memory for the DNS tests. Answers at once, or, after hold(), when release() is called.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "dns/backend.h"

namespace praetor::dns {

class FakeBackend final : public Backend {
 public:
  using Meta = std::vector<std::pair<std::string, std::string>>;

  NodeInfo& add_node(const std::string& name, const std::string& address, Meta meta = {}) {
    ++index_;
    return nodes_.emplace_back(NodeInfo{name, address, "dc1", {}, std::move(meta)});
  }

  // The node must have been added.
  ServiceInstance& add_service(const std::string& node, const std::string& service, int64_t port,
                               const std::string& address = "") {
    ++index_;
    ServiceInstance instance;
    for (const NodeInfo& each : nodes_)
      if (each.name == node) instance.node = each;
    instance.service_id = instance.service_name = service;
    instance.address = address;
    instance.port = port;
    return services_.emplace_back(std::move(instance));
  }

  void add_query(const std::string& name, const std::string& service, std::optional<Duration> ttl = {}) {
    queries_[name] = {service, ttl};
  }
  void add_connect(const std::string& service, const ServiceInstance& proxy) {
    connect_.emplace_back(service, proxy);
  }

  void hold() { holding_ = true; }
  // Completes what waits, as if it had come over the network. Returns how many completions ran.
  size_t release() {
    std::deque<std::function<void()>> ready = std::exchange(held_, {});
    for (auto& each : ready) each();
    return ready.size();
  }

  size_t lookups = 0;
  std::string last_source_ip;
  uint64_t fixed_index = UINT64_MAX;  // another value: index() returns it

  uint64_t index() override { return fixed_index == UINT64_MAX ? index_ : fixed_index; }

  std::optional<Result<std::shared_ptr<const Instances>>> service(
      const ServiceLookup& lookup, Deferral<std::shared_ptr<const Instances>>& later) override {
    return give<std::shared_ptr<const Instances>>(lookup.datacenter, later, [&] { return find(lookup); });
  }

  std::optional<Result<std::shared_ptr<const NodeInfo>>> node(
      const NodeLookup& lookup, Deferral<std::shared_ptr<const NodeInfo>>& later) override {
    return give<std::shared_ptr<const NodeInfo>>(lookup.datacenter, later, [&] {
      std::shared_ptr<const NodeInfo> found;
      for (const NodeInfo& each : nodes_)
        if (equals_ignore_case(each.name, lookup.node)) found = std::make_shared<NodeInfo>(each);
      return found;
    });
  }

  std::optional<Result<PreparedResult>> prepared_query(const PreparedLookup& lookup,
                                                       Deferral<PreparedResult>& later) override {
    last_source_ip = lookup.source_ip;
    auto at = queries_.find(lookup.name_or_id);
    if (at == queries_.end()) return Result<PreparedResult>(fail("Query not found", ErrorKind::kNotFound));
    return give<PreparedResult>(lookup.datacenter, later, [&] {
      auto healthy = std::make_shared<Instances>();
      ServiceLookup by_name;
      by_name.service = at->second.first;
      for (const ServiceInstance& each : *find(by_name))
        if (each.health != Health::kCritical) healthy->push_back(each);
      return PreparedResult{healthy, "dc1", at->second.first, at->second.second};
    });
  }

  std::optional<Result<std::string>> owner_of_address(const std::string& address, const ReadOptions&,
                                                      Deferral<std::string>& later) override {
    return give<std::string>("", later, [&]() -> std::string {
      for (const NodeInfo& each : nodes_)
        if (each.address == address) return each.name + ".node." + each.datacenter;
      for (const ServiceInstance& each : services_)
        if (each.address == address) return each.service_name + ".service." + each.node.datacenter;
      return "";
    });
  }

 private:
  std::shared_ptr<const Instances> find(const ServiceLookup& lookup) {
    auto out = std::make_shared<Instances>();
    if (lookup.kind == ServiceKind::kConnect) {
      for (const auto& [service, proxy] : connect_)
        if (equals_ignore_case(service, lookup.service)) out->push_back(proxy);
      return out;
    }
    for (const ServiceInstance& each : services_) {
      if (lookup.kind != ServiceKind::kPlain || !equals_ignore_case(each.service_name, lookup.service))
        continue;
      bool tagged = lookup.tag.empty();
      for (const std::string& tag : each.tags) tagged = tagged || equals_ignore_case(tag, lookup.tag);
      if (tagged) out->push_back(each);
    }
    return out;
  }

  template <typename T, typename Make>
  std::optional<Result<T>> give(const std::string& datacenter, Deferral<T>& later, Make make) {
    ++lookups;
    if (!datacenter.empty() && datacenter != "dc1") {
      if (datacenter == "broken") return Result<T>(fail("rpc error"));
      return Result<T>(fail("No path to datacenter", ErrorKind::kNotFound));
    }
    if (!holding_) return Result<T>(make());
    held_.push_back([done = later.defer(), value = T(make())]() mutable { done(std::move(value)); });
    return std::nullopt;
  }

  std::deque<NodeInfo> nodes_;
  std::deque<ServiceInstance> services_;
  std::vector<std::pair<std::string, ServiceInstance>> connect_;
  std::map<std::string, std::pair<std::string, std::optional<Duration>>> queries_;
  std::deque<std::function<void()>> held_;
  bool holding_ = false;
  uint64_t index_ = 1;
};

}  // namespace praetor::dns
