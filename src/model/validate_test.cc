#include "model/validate.h"

#include <gtest/gtest.h>

namespace praetor::model {
namespace {

NodeService proxy() {
  NodeService service;
  service.kind = "connect-proxy";
  service.port = 20000;
  service.proxy.destination_service_name = "web";
  return service;
}

Upstream upstream(const std::string& name, int64_t port) {
  Upstream made;
  made.destination_name = name;
  made.local_bind_port = port;
  return made;
}

TEST(ValidateService, PlainServicesHaveNoRules) { EXPECT_TRUE(validate_node_service(NodeService{})); }

TEST(ValidateService, AProxyNamesItsDestination) {
  EXPECT_TRUE(validate_node_service(proxy()));
  NodeService service = proxy();
  service.proxy.destination_service_name = " ";
  EXPECT_EQ(
      validate_node_service(service).error().message,
      "1 error occurred:\n\t* Proxy.DestinationServiceName must be non-empty for Connect proxy services\n\n");
}

TEST(ValidateService, UpstreamsAreNamedAsTheyWereGiven) {
  NodeService service = proxy();
  service.proxy.upstreams = {upstream("b", 5), upstream("b", 6), upstream("c", 5)};
  auto faults = node_service_faults(service);
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_EQ(faults[0],
            R"(upstreams cannot contain duplicates of [type="", name="b", namespace="", datacenter=""])");
  EXPECT_EQ(
      faults[1],
      R"(upstreams cannot contain duplicates by local bind address and port; "127.0.0.1:5" is specified twice)");
}

TEST(ValidateService, GatewaysHaveNoDestination) {
  NodeService service = proxy();
  service.kind = "mesh-gateway";
  service.port = 0;
  auto faults = node_service_faults(service);
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_EQ(faults[0], "Port must be non-zero for a mesh-gateway");
  EXPECT_EQ(faults[1], "The Proxy.DestinationServiceName configuration is invalid for a mesh-gateway");
}

TEST(ValidateWeights, FitIntoDns) {
  EXPECT_TRUE(validate_weights({1, 0}));
  EXPECT_TRUE(validate_weights({65535, 65535}));
  EXPECT_EQ(validate_weights({0, 1}).error().message, "Passing must be greater than 0");
  EXPECT_EQ(validate_weights({1, -1}).error().message, "Warning must be greater or equal than 0");
  EXPECT_EQ(validate_weights({65536, 1}).error().message, "DNS Weight must be between 0 and 65535");
}

}  // namespace
}  // namespace praetor::model
