#include "server/catalog.h"

#include <gtest/gtest.h>

namespace praetor::server {
namespace {

model::RegisterRequest registration() {
  model::RegisterRequest request;
  request.node = "n";
  request.address = "10.0.0.1";
  return request;
}

std::string error_of(model::RegisterRequest request) {
  Status prepared = prepare_registration(request);
  return prepared ? "" : prepared.error().message;
}

std::string type_of_check(const model::HealthCheckDefinition& definition) {
  model::RegisterRequest request = registration();
  request.check.emplace().definition = definition;
  EXPECT_TRUE(prepare_registration(request));
  return request.checks.at(0).type;
}

TEST(PrepareRegistration, FillsInNames) {
  model::RegisterRequest request = registration();
  request.service.emplace().service = "web";
  request.check.emplace().name = "alive";
  ASSERT_TRUE(prepare_registration(request));
  EXPECT_EQ(request.service->id, "web");
  ASSERT_EQ(request.checks.size(), 1u);
  EXPECT_EQ(request.checks[0].check_id, "alive");
  EXPECT_EQ(request.checks[0].node, "n");
}

TEST(PrepareRegistration, RefusesWhatTheAgentWouldRefuse) {
  model::RegisterRequest request = registration();
  request.service.emplace().service = "p";
  request.service->kind = "connect-proxy";
  request.service->port = 1;
  EXPECT_EQ(
      error_of(request),
      "1 error occurred:\n\t* Proxy.DestinationServiceName must be non-empty for Connect proxy services\n\n");
  request = registration();
  request.service.emplace().id = "only";
  EXPECT_EQ(error_of(request), "Must provide service name with ID");
  request = registration();
  request.id = "zz";
  EXPECT_EQ(error_of(request), "Bad node ID: uuid string is wrong length");
}

TEST(PrepareRegistration, AChecksTypeIsKnownOnceItsDefinitionIsWhole) {
  EXPECT_EQ(type_of_check({.http = "http://x"}), "");
  EXPECT_EQ(type_of_check({.http = "http://x", .interval = std::chrono::seconds(1)}), "http");
  EXPECT_EQ(type_of_check({.tcp = "x:1"}), "");
  EXPECT_EQ(type_of_check({.script_args = {"true"}}), "script");
  EXPECT_EQ(type_of_check({.interval = std::chrono::seconds(1), .docker_container_id = "x"}), "");
  EXPECT_EQ(type_of_check({.ttl = std::chrono::seconds(1)}), "ttl");
  EXPECT_EQ(type_of_check({.alias_service = "x"}), "alias");
}

}  // namespace
}  // namespace praetor::server
