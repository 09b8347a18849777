#include "agent/watch_plan.h"

#include <gtest/gtest.h>

#include "agent/user_events.h"

namespace praetor::agent {
namespace {

using codec::Value;
using codec::ValueList;
using codec::ValueMap;
using std::chrono::seconds;

ValueMap map_of(std::initializer_list<std::pair<const char*, Value>> items) {
  ValueMap map;
  for (const auto& [key, value] : items) map[key] = value;
  return map;
}

WatchPlan plan_of(std::initializer_list<std::pair<const char*, Value>> items) {
  auto plan = WatchPlan::parse(map_of(items));
  EXPECT_TRUE(plan.has_value()) << (plan ? "" : plan.error().message);
  return std::move(*plan);
}

std::string error_of(std::initializer_list<std::pair<const char*, Value>> items) {
  auto plan = WatchPlan::parse(map_of(items), {"args"});
  return plan ? "" : plan.error().message;
}

std::string pair_json(const char* value) {
  return std::string(R"([{"Key":"a","CreateIndex":1,"ModifyIndex":2,"LockIndex":0,"Flags":0,"Value":")") +
         value + R"("}])";
}

TEST(WatchPlanTest, RefusesBadParameters) {
  EXPECT_EQ(error_of({}), "Watch type must be specified");
  EXPECT_EQ(error_of({{"type", "zz"}}), "Unsupported watch type: zz");
  EXPECT_EQ(error_of({{"type", "key"}}), "Must specify a single key to watch");
  EXPECT_EQ(error_of({{"type", "keyprefix"}}), "Must specify a single prefix to watch");
  EXPECT_EQ(error_of({{"type", "service"}}), "Must specify a single service to watch");
  EXPECT_EQ(error_of({{"type", "checks"}, {"service", "a"}, {"state", "b"}}),
            "Cannot specify service and state");
  EXPECT_EQ(error_of({{"type", "key"}, {"key", 1.0}}), "Expecting key to be a string");
  EXPECT_EQ(error_of({{"type", "key"}, {"key", "a"}, {"stale", "x"}}), "Expecting stale to be a boolean");
  EXPECT_EQ(error_of({{"type", "service"}, {"service", "a"}, {"tag", 1.0}}),
            "Expecting tag to be a string or []string");
  EXPECT_EQ(error_of({{"type", "nodes"}, {"key", "a"}, {"zz", "b"}}), "Invalid parameters: [key zz]");
  EXPECT_EQ(error_of({{"type", "key"}, {"key", "a"}, {"args", "b"}}), "");
  EXPECT_EQ(error_of({{"type", "key"}, {"key", "a"}, {"handler_type", "http"}}),
            "Handler type 'http' requires 'http_handler_config' to be set");
  EXPECT_EQ(
      error_of(
          {{"type", "key"}, {"key", "a"}, {"handler_type", "http"}, {"http_handler_config", ValueMap()}}),
      "Failed to parse 'http_handler_config': Requires 'path' to be set");
}

TEST(WatchPlanTest, ReadsAnHttpHandler) {
  ValueMap config =
      map_of({{"path", "http://x"}, {"method", "PUT"}, {"timeout", "3s"}, {"tls_skip_verify", true}});
  ValueList values;
  values.emplace_back("v");
  config["header"] = Value(map_of({{"h", Value(values)}}));
  WatchPlan plan = plan_of(
      {{"type", "nodes"}, {"handler_type", "http"}, {"http_handler_config", Value(config)}, {"token", "t"}});
  ASSERT_TRUE(plan.http_handler().has_value());
  EXPECT_EQ(plan.http_handler()->path, "http://x");
  EXPECT_EQ(plan.http_handler()->method, "PUT");
  EXPECT_EQ(plan.http_handler()->timeout, seconds(3));
  EXPECT_TRUE(plan.http_handler()->tls_skip_verify);
  EXPECT_EQ(plan.http_handler()->header.at("h"), std::vector<std::string>{"v"});
  EXPECT_EQ(plan.token(), "t");
}

TEST(WatchPlanTest, NamesTheRequest) {
  ValueList tags;
  tags.emplace_back("x");
  tags.emplace_back("y");
  WatchRequest request = plan_of({{"type", "service"},
                                  {"service", "web"},
                                  {"tag", Value(tags)},
                                  {"passingonly", true},
                                  {"stale", true}})
                             .next_request();
  EXPECT_EQ(request.path, "/v1/health/service/web");
  EXPECT_EQ(request.parameters.count("tag"), 2u);
  EXPECT_EQ(request.parameters.count("passing"), 1u);
  EXPECT_EQ(request.parameters.count("stale"), 1u);
  EXPECT_EQ(plan_of({{"type", "checks"}}).next_request().path, "/v1/health/state/any");
  EXPECT_EQ(plan_of({{"type", "checks"}, {"service", "w"}}).next_request().path, "/v1/health/checks/w");
  EXPECT_EQ(plan_of({{"type", "keyprefix"}, {"prefix", "/a"}}).next_request().path, "/v1/kv/a");
  EXPECT_EQ(plan_of({{"type", "event"}, {"name", "e"}}).next_request().parameters.count("name"), 1u);
}

TEST(WatchPlanTest, FiresOnlyForChangedResults) {
  WatchPlan plan = plan_of({{"type", "key"}, {"key", "a"}});
  EXPECT_EQ(plan.next_request().parameters.count("index"), 0u);
  auto firing = plan.on_response(200, 5, "", pair_json("MQ=="));
  ASSERT_TRUE(firing && *firing);
  EXPECT_EQ((*firing)->index, 5u);
  EXPECT_EQ(
      (*firing)->document,
      R"({"Key":"a","CreateIndex":1,"ModifyIndex":2,"LockIndex":0,"Flags":0,"Value":"MQ==","Session":""})");
  EXPECT_EQ(plan.next_request().parameters.find("index")->second, "5");
  EXPECT_FALSE(*plan.on_response(200, 5, "", pair_json("MQ==")));  // timed out
  EXPECT_FALSE(*plan.on_response(200, 6, "", pair_json("MQ==")));  // another key changed
  EXPECT_EQ(plan.next_request().parameters.find("index")->second, "6");
  EXPECT_TRUE(*plan.on_response(200, 7, "", pair_json("Mg==")));
  firing = plan.on_response(404, 8, "", "");
  ASSERT_TRUE(firing && *firing);
  EXPECT_EQ((*firing)->document, "null");
}

TEST(WatchPlanTest, AnIndexThatGoesBackStartsAnew) {
  WatchPlan plan = plan_of({{"type", "nodes"}});
  EXPECT_TRUE(*plan.on_response(200, 50, "", "[]"));
  EXPECT_FALSE(*plan.on_response(200, 3, "", "[]"));
  EXPECT_EQ(plan.next_request().parameters.count("index"), 0u);
  EXPECT_FALSE(*plan.on_response(200, 3, "", "[]"));
  EXPECT_EQ(plan.next_request().parameters.find("index")->second, "3");
}

TEST(WatchPlanTest, BacksOffAndRecovers) {
  WatchPlan plan = plan_of({{"type", "key"}, {"key", "a"}});
  EXPECT_TRUE(*plan.on_response(200, 5, "", pair_json("MQ==")));
  EXPECT_EQ(plan.on_response(500, 0, "", "x").error().message, "Unexpected response code: 500");
  EXPECT_EQ(plan.on_failure(), seconds(5));
  EXPECT_EQ(plan.on_failure(), seconds(20));
  EXPECT_EQ(plan.on_failure(), seconds(45));
  for (int i = 0; i < 5; ++i) plan.on_failure();
  EXPECT_EQ(plan.on_failure(), seconds(180));
  EXPECT_EQ(plan.next_request().parameters.count("index"), 0u);
  EXPECT_FALSE(*plan.on_response(200, 5, "", pair_json("MQ==")));  // nothing changed meanwhile
  EXPECT_EQ(plan.on_failure(), seconds(5));
  EXPECT_EQ(plan_of({{"type", "nodes"}}).on_response(403, 0, "", "no").error().message,
            "Unexpected response code: 403 (no)");
}

TEST(WatchPlanTest, EventsAreHandledOnce) {
  constexpr const char* kFirst = "b36595e2-73e0-a7f8-a08d-0b468436218e";
  std::string first =
      std::string(R"({"ID":")") + kFirst + R"(","Name":"x","Payload":null,"Version":1,"LTime":2})";
  std::string second =
      R"({"ID":"9db26570-06cd-9dc1-f84f-fa8aad6c9058","Name":"x","Payload":"cGF5","Version":1,"LTime":3})";
  WatchPlan plan = plan_of({{"type", "event"}});
  EXPECT_TRUE(*plan.on_response(200, event_index(kFirst), "", "[" + first + "]"));
  auto firing = plan.on_response(200, 77, "", "[" + first + "," + second + "]");
  ASSERT_TRUE(firing && *firing);
  EXPECT_EQ((*firing)->document.find(kFirst), std::string::npos);
}

TEST(WatchPlanTest, AgentServicesGoByHash) {
  WatchPlan plan = plan_of({{"type", "agent_service"}, {"service_id", "web"}});
  auto firing = plan.on_response(200, 0, "h1", R"({"ID":"web","Service":"web","Port":1})");
  ASSERT_TRUE(firing && *firing);
  EXPECT_EQ((*firing)->hash, "h1");
  EXPECT_EQ(plan.next_request().parameters.find("hash")->second, "h1");
  EXPECT_FALSE(*plan.on_response(200, 0, "h1", R"({"ID":"web","Service":"web","Port":1})"));
  EXPECT_TRUE(*plan.on_response(200, 0, "h2", R"({"ID":"web","Service":"web","Port":2})"));
}

}  // namespace
}  // namespace praetor::agent
