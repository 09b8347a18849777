#include "agent/definition.h"

#include <gtest/gtest.h>

#include "agent/registration.h"
#include "codec/json.h"

namespace praetor::agent {
namespace {

const ForEachService kNoServices = [](const ServiceVisitor&) {};

// What PUT /v1/agent/service/register answers (the texts were observed on Consul 1.8.7).
std::string register_error(std::string_view body) {
  auto definition = codec::from_json<ServiceDefinition>(body, {.reject_unknown = true});
  if (!definition) return "Request decode failed: " + definition.error().message;
  auto prepared = prepare_service(*definition, {21000, 21255}, kNoServices);
  return prepared ? "" : prepared.error().message;
}

ServiceRegistration prepare(std::string_view body, const ForEachService& present = kNoServices) {
  auto definition = codec::from_json<ServiceDefinition>(body, {.reject_unknown = true});
  EXPECT_TRUE(definition) << definition.error().message;
  auto prepared = prepare_service(*definition, {21000, 21255}, present);
  EXPECT_TRUE(prepared) << prepared.error().message;
  return *prepared;
}

struct Case {
  const char* body;
  const char* error;
};

TEST(Definition, RefusesServicesInConsulsWords) {
  const Case cases[] = {
      {"{}", "Missing service name"},
      {R"({"Name":"a","Address":"0.0.0.0"})", "Invalid service address"},
      {R"({"Name":"a","Foo":1})", R"(Request decode failed: json: unknown field "Foo")"},
      {R"({"Name":"a","Port":"x"})",
       "Request decode failed: json: cannot unmarshal string into Go struct field .Port of type int"},
      {R"({"Name":"a","Check":{"ID":"x","TTL":"10s"}})",
       R"(Request decode failed: json: unknown field "ID")"},
      {R"({"Name":"a","Check":{"Foo":1}})", R"(Request decode failed: json: unknown field "Foo")"},
      {R"({"Name":"a","Check":{"CheckID":"x","TTL":"10s","Interval":"5s"}})",
       "Invalid check: Interval and TTL cannot both be specified"},
      {R"({"Name":"a","Check":{"Name":"x"}})", "Invalid check: TTL must be > 0 for TTL checks"},
      {R"({"Name":"a","Check":{}})", ""},
      {R"({"Name":"a","Checks":[{}]})", "Invalid check: TTL must be > 0 for TTL checks"},
      {R"({"Name":"a","Check":{"HTTP":"x"}})",
       "Invalid check: Interval must be > 0 for Script, HTTP, or TCP checks"},
      {R"({"Name":"a","Check":{"TTL":"x"}})", R"(Request decode failed: time: invalid duration "x")"},
      {R"({"Name":"a","Check":{"TTL":"1"}})", R"(Request decode failed: time: missing unit in duration "1")"},
      {R"({"Name":"a","Check":{"AliasService":"x","Interval":"5s"}})", ""},
      {R"({"Name":"a","Check":{"AliasService":"x","TTL":"5s"}})",
       "Invalid check: TTL must be not be set for Alias checks"},
      {R"({"Name":"a","Check":{"TTL":"5s","OutputMaxSize":-1}})",
       "Invalid check: MaxOutputMaxSize must be positive"},
      {R"({"Name":"a","Check":{"TTL":"5s","Status":"foo"}})",
       "Status for checks must 'passing', 'warning', 'critical'"},
      {R"({"Name":"a","Weights":{"Passing":0,"Warning":1}})",
       "Invalid Weights: Passing must be greater than 0"},
      {R"({"Name":"a","Weights":{"Passing":70000,"Warning":1}})",
       "Invalid Weights: DNS Weight must be between 0 and 65535"},
      {R"({"Name":"a","Weights":{"Passing":7,"Warning":-1}})",
       "Invalid Weights: Warning must be greater or equal than 0"},
      {R"({"Name":"a","Meta":{"consul-x":"1"}})",
       "Invalid Service Meta: Couldn't load metadata pair ('consul-x', '1'): Key prefix 'consul-' is "
       "reserved for "
       "internal use"},
      {R"({"Name":"a","Meta":{"":"1"}})",
       "Invalid Service Meta: Couldn't load metadata pair ('', '1'): Key cannot be blank"},
      {R"({"Name":"a","Kind":"connect-proxy"})",
       "2 errors occurred:\n\t* Proxy.DestinationServiceName must be non-empty for Connect proxy "
       "services\n\t* Port "
       "must be set for a Connect proxy\n\n"},
      {R"({"Name":"a","Kind":"foo"})", ""},
      {R"({"Name":"a","Kind":"terminating-gateway","Proxy":{"DestinationServiceName":"a"}})",
       "2 errors occurred:\n\t* Port must be non-zero for a terminating-gateway\n\t* The "
       "Proxy.DestinationServiceName configuration is invalid for a terminating-gateway\n\n"},
      {R"({"Name":"a","Connect":{"SidecarService":{"ID":"x"}}})",
       "1 error occurred:\n\t* A SidecarService cannot specify an ID as this is managed by the agent\n\n"},
      {R"({"Name":"z","Connect":{"SidecarService":{"Check":{"TTL":"5s","Interval":"2s"}}}})",
       "Bad request: Invalid check in sidecar_service: Interval and TTL cannot both be specified"},
      {R"({"Name":"a","Namespace":"x"})", R"(Request decode failed: json: unknown field "Namespace")"},
      {"", "Request decode failed: EOF"},
  };
  for (const Case& c : cases) EXPECT_EQ(register_error(c.body), c.error) << c.body;
}

TEST(Definition, ListsEveryErrorOfAProxy) {
  EXPECT_EQ(
      register_error(
          R"({"Name":"a","Kind":"connect-proxy","Port":1,"Connect":{"Native":true},"Proxy":{"DestinationServiceName":"a",)"
          R"("Upstreams":[{},{"DestinationName":"x","LocalBindPort":1},{"DestinationName":"x","LocalBindPort":1},)"
          R"({"DestinationName":"y","DestinationType":"zz","LocalBindPort":2},{"DestinationName":"*","LocalBindPort":2}],)"
          R"("Expose":{"Paths":[{"Path":"x","LocalPathPort":0,"ListenerPort":70000,"Protocol":"foo"},)"
          R"({"Path":"/x","LocalPathPort":1,"ListenerPort":70,"Protocol":"http"},)"
          R"({"Path":"/x","LocalPathPort":1,"ListenerPort":70,"Protocol":"http"}]}}})"),
      "8 errors occurred:\n\t* A Proxy cannot also be Connect Native, only typical services\n\t* upstream "
      "destination "
      "name cannot be empty\n\t* upstreams cannot contain duplicates of [type=\"service\", name=\"x\", "
      "namespace=\"\", datacenter=\"\"]\n\t* unknown upstream destination type: \"zz\"\n\t* expose.paths: "
      "invalid "
      "listener port: 70000\n\t* protocol 'foo' not supported for path: x, must be in: [http http2]\n\t* "
      "expose.paths: duplicate paths exposed\n\t* expose.paths: duplicate listener ports exposed\n\n");
}

TEST(Definition, AcceptsSnakeCase) {
  auto prepared = prepare(
      R"({"name":"a","enable_tag_override":true,"tagged_addresses":{"lan":{"address":"1.1.1.1","port":1}},)"
      R"("check":{"deregister_critical_service_after":"90s","interval":"5s","script_args":["x"],"args":["y"]}})");
  EXPECT_TRUE(prepared.service.enable_tag_override);
  EXPECT_EQ(prepared.service.tagged_addresses.get("lan")->address, "1.1.1.1");
  EXPECT_EQ(prepared.checks.at(0).settings.script_args.at(0), "y");
  EXPECT_EQ(prepared.checks.at(0).settings.deregister_critical_service_after, std::chrono::seconds(90));
}

TEST(Definition, NamesChecksAfterTheirService) {
  auto prepared =
      prepare(R"({"Name":"web","ID":"w1","Check":{"TTL":"1s"},"Checks":[{"TTL":"2s","Name":"n"}]})");
  auto first = service_check(prepared.checks[0], prepared.service, "n1", 1, 2);
  EXPECT_EQ(first.check_id, "service:w1:1");
  EXPECT_EQ(first.name, "Service 'web' check");
  EXPECT_EQ(first.status, "critical");
  EXPECT_EQ(first.type, "ttl");
  auto second = service_check(prepared.checks[1], prepared.service, "n1", 2, 2);
  EXPECT_EQ(second.check_id, "service:w1:2");
  EXPECT_EQ(second.name, "n");
  EXPECT_EQ(service_check(prepared.checks[0], prepared.service, "n1", 1, 1).check_id, "service:w1");
}

TEST(Definition, ExpandsASidecar) {
  auto prepared =
      prepare(R"({"Name":"web","ID":"web1","Port":80,"Tags":["x"],"Address":"127.0.0.2","Meta":{"k":"v"},)"
              R"("Connect":{"SidecarService":{}}})");
  ASSERT_TRUE(prepared.sidecar);
  const model::NodeService& sidecar = prepared.sidecar->service;
  EXPECT_EQ(sidecar.id, "web1-sidecar-proxy");
  EXPECT_EQ(sidecar.service, "web-sidecar-proxy");
  EXPECT_EQ(sidecar.kind, "connect-proxy");
  EXPECT_EQ(sidecar.port, 21000);
  EXPECT_EQ(sidecar.proxy.local_service_port, 80);
  EXPECT_EQ(sidecar.tagged_addresses.get("lan_ipv4")->port, 21000);
  ASSERT_EQ(prepared.sidecar->checks.size(), 2u);
  EXPECT_EQ(prepared.sidecar->checks[0].settings.tcp, "127.0.0.1:21000");
  EXPECT_EQ(prepared.sidecar->checks[1].settings.alias_service, "web1");

  model::NodeService other;
  other.id = "other";
  other.port = 21000;
  auto taken = [&](const ServiceVisitor& visit) { visit(other); };
  EXPECT_EQ(prepare(R"({"Name":"b","Connect":{"SidecarService":{}}})", taken).sidecar->service.port, 21001);
  other.id = "b-sidecar-proxy";
  other.port = 21077;
  EXPECT_EQ(prepare(R"({"Name":"b","Connect":{"SidecarService":{}}})", taken).sidecar->service.port, 21077);
}

TEST(Definition, KnowsTheKindOfACheck) {
  CheckSettings settings;
  settings.script_args = {"x"};
  settings.docker_container_id = "c";
  EXPECT_EQ(settings.kind_name(), "docker");
  settings.ttl = std::chrono::seconds(1);
  EXPECT_EQ(settings.kind_name(), "ttl");
  settings.grpc = "a:1";
  EXPECT_EQ(settings.kind_name(), "grpc");
}

TEST(Definition, PreparesChecks) {
  CheckDefinition definition;
  EXPECT_EQ(prepare_check(definition, "n").error().message, "Missing check name");
  definition.settings.name = "c";
  definition.settings.status = "x";
  EXPECT_EQ(prepare_check(definition, "n").error().message, "Bad check status");
  definition.settings.status = "";
  EXPECT_EQ(prepare_check(definition, "n").error().message, "Invalid check: TTL must be > 0 for TTL checks");
  definition.settings.ttl = std::chrono::seconds(3);
  EXPECT_EQ(prepare_check(definition, "n")->check.check_id, "c");
}

TEST(Definition, KnowsDnsLabels) {
  EXPECT_EQ(dns_label_problem("web-1"), "");
  EXPECT_EQ(dns_label_problem("-web"), "");
  EXPECT_NE(dns_label_problem("web_1"), "");
  EXPECT_EQ(dns_label_problem(std::string(63, 'a')), "");
  EXPECT_EQ(dns_label_problem(std::string(64, 'a')).substr(0, 22), "due to it being too lo");
}

}  // namespace
}  // namespace praetor::agent
