#include "agent/agent_views.h"

#include <gtest/gtest.h>

#include "agent/registration.h"
#include "codec/json.h"

namespace praetor::agent {
namespace {

ServiceRegistration prepare(std::string_view body) {
  auto definition = codec::from_json<ServiceDefinition>(body);
  EXPECT_TRUE(definition);
  return *prepare_service(*definition, {21000, 21255}, [](const ServiceVisitor&) {});
}

// Hashes as a Consul 1.8.7 agent gave them for the same registrations.
TEST(AgentViews, HashesAsConsul) {
  EXPECT_EQ(agent_service_with_hash(prepare(R"({"Name":"b","Port":84})").service).content_hash,
            "defc46c5cf80527");
  EXPECT_EQ(agent_service_with_hash(prepare(R"({"Name":"n","Tags":null,"Meta":{}})").service).content_hash,
            "43c2e70f77e48a0");
  EXPECT_EQ(agent_service_with_hash(prepare(R"({"Name":"nat","Port":82,"Connect":{"Native":true}})").service)
                .content_hash,
            "6e3c4cc2219d002d");
  EXPECT_EQ(agent_service_with_hash(prepare(R"({"Name":"mg","Kind":"mesh-gateway","Port":84})").service)
                .content_hash,
            "a3f13266cc53078a");
  auto web = prepare(
      R"({"Name":"web","ID":"web1","Port":80,"Tags":["x","y"],"Address":"127.0.0.2","Meta":{"k":"v"},)"
      R"("Connect":{"SidecarService":{}}})");
  EXPECT_EQ(agent_service_with_hash(web.service).content_hash, "807b5dd5c6e07db3");
  EXPECT_EQ(agent_service_with_hash(web.sidecar->service).content_hash, "72c3dda5323015be");
  auto api = prepare(
      R"({"Name":"api","Port":81,"Connect":{"SidecarService":{"Proxy":{"Upstreams":[{"DestinationName":"web",)"
      R"("LocalBindPort":90,"Config":{"a":1}}],"Config":{"x":{"y":[1,"a"]}}}}}})");
  api.sidecar->service.port = 21001;
  EXPECT_EQ(agent_service_with_hash(api.sidecar->service).content_hash, "8a7ea716ed8a0aaf");
}

TEST(AgentViews, ShowsServices) {
  EXPECT_EQ(
      codec::to_json(agent_service(prepare(R"({"Name":"b","Port":84})").service)),
      R"({"ID":"b","Service":"b","Tags":[],"Meta":{},"Port":84,"Address":"","Weights":{"Passing":1,"Warning":1},)"
      R"("EnableTagOverride":false})");
  auto web = prepare(R"({"Name":"web","Port":80,"Connect":{"SidecarService":{}}})");
  EXPECT_EQ(
      codec::to_json(agent_service(web.sidecar->service)),
      R"({"Kind":"connect-proxy","ID":"web-sidecar-proxy","Service":"web-sidecar-proxy","Tags":[],"Meta":{},)"
      R"("Port":21000,"Address":"","Weights":{"Passing":1,"Warning":1},"EnableTagOverride":false,"Proxy":)"
      R"({"DestinationServiceName":"web","DestinationServiceID":"web","LocalServiceAddress":"127.0.0.1",)"
      R"("LocalServicePort":80,"MeshGateway":{},"Expose":{}}})");
}

}  // namespace
}  // namespace praetor::agent
