#include "agent/local_state.h"

#include <gtest/gtest.h>

#include "agent/anti_entropy.h"

namespace praetor::agent {
namespace {

using namespace std::chrono_literals;

// A catalog of one node that applies requests as the servers do.
class FakeCatalog {
 public:
  Status apply(const LocalChange& change) {
    ++requests;
    if (!failure.message.empty()) return fail(failure);
    if (auto* gone = std::get_if<model::DeregisterRequest>(&change.request)) {
      if (!gone->service_id.empty()) {
        services.erase(gone->service_id);
        std::erase_if(checks, [&](const auto& c) { return c.second.service_id == gone->service_id; });
      } else {
        checks.erase(gone->check_id);
      }
      return {};
    }
    const auto& request = std::get<model::RegisterRequest>(change.request);
    tokens.push_back(request.write.token);
    if (!request.skip_node_update) {
      node.emplace();
      node->id = request.id;
      node->node = request.node;
      node->tagged_addresses = request.tagged_addresses;
      node->meta = request.node_meta;
      ++node_updates;
    }
    if (request.service) services[request.service->id] = *request.service;
    if (request.check) checks[request.check->check_id] = *request.check;
    for (const model::HealthCheck& check : request.checks) checks[check.check_id] = check;
    return {};
  }
  CatalogView view() const {
    CatalogView view;
    view.node = node;
    for (const auto& [id, service] : services) view.services.push_back(service);
    for (const auto& [id, check] : checks) view.checks.push_back(check);
    return view;
  }

  std::optional<model::Node> node;
  std::map<std::string, model::NodeService> services;
  std::map<std::string, model::HealthCheck> checks;
  std::vector<std::string> tokens;
  Error failure;
  int requests = 0;
  int node_updates = 0;
};

class LocalStateTest : public testing::Test {
 protected:
  LocalStateTest() {
    LocalState::Options options;
    options.node = "n1";
    options.node_id = "40e4a748-2192-161a-0510-9bf59fe950b5";
    options.datacenter = "dc1";
    options.address = "127.0.0.1";
    options.meta["consul-network-segment"] = "";
    state.emplace(options, tokens, random, log);
    sync.emplace(*state, tokens, random, AntiEntropyOptions{}, now, log);
  }

  static model::NodeService make_service(const std::string& id) {
    model::NodeService service;
    service.id = id;
    service.service = id;
    service.weights = model::Weights{1, 1};
    return service;
  }
  static model::HealthCheck make_check(const std::string& id, const std::string& service_id) {
    model::HealthCheck check;
    check.check_id = id;
    check.name = id;
    check.status = "critical";
    check.service_id = service_id;
    return check;
  }
  // Performs everything there is to do now. Counts fetches.
  void run() {
    while (auto action = sync->next(now)) {
      if (std::holds_alternative<FetchCatalog>(action->what)) {
        ++fetches;
        sync->finish_fetch(
            action->id, fetch_fails ? Result<CatalogView>(fail("No cluster leader")) : catalog.view(), now);
      } else {
        sync->finish_change(action->id, catalog.apply(std::get<LocalChange>(action->what)), now);
      }
    }
  }

  AgentTokens tokens;
  Random random{1};
  LogHub hub;
  Logger log{"agent", hub};
  Instant now{};
  std::optional<LocalState> state;
  std::optional<AntiEntropy> sync;
  FakeCatalog catalog;
  int fetches = 0;
  bool fetch_fails = false;
};

TEST_F(LocalStateTest, SyncsServicesWithTheirChecksAndTheNode) {
  ASSERT_TRUE(state->add_service(make_service("web"), ""));
  ASSERT_TRUE(state->add_check(make_check("c1", "web"), ""));
  ASSERT_TRUE(state->add_check(make_check("c2", "web"), ""));
  run();
  EXPECT_EQ(catalog.requests, 1);  // one registration carries all of it
  EXPECT_EQ(catalog.node_updates, 1);
  EXPECT_EQ(catalog.checks.at("c1").service_name, "web");
  EXPECT_EQ(catalog.checks.at("c1").node, "n1");
  EXPECT_TRUE(sync->idle());
  run();
  EXPECT_EQ(catalog.requests, 1);
}

TEST_F(LocalStateTest, SendsAThousandRegistrationsOnceEachWithoutComparing) {
  run();
  int before = catalog.requests;
  int fetched = fetches;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(state->add_service(make_service("s" + std::to_string(i)), ""));
    if (i % 10 == 0) run();
  }
  run();
  EXPECT_EQ(catalog.requests - before, 1000);
  EXPECT_EQ(fetches, fetched);
  EXPECT_EQ(catalog.services.size(), 1000u);
}

TEST_F(LocalStateTest, KeepsManyRequestsUnderWayAndNoItemTwice) {
  run();
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(state->add_service(make_service("s" + std::to_string(i)), ""));
  std::vector<SyncAction> under_way;
  while (auto action = sync->next(now)) under_way.push_back(std::move(*action));
  EXPECT_EQ(under_way.size(), 128u);
  // Changed while it is under way: goes out again afterwards.
  const std::string id = std::get<LocalChange>(under_way[0].what).id;
  model::NodeService changed = make_service(id);
  changed.port = 99;
  ASSERT_TRUE(state->add_service(changed, ""));
  for (SyncAction& action : under_way)
    sync->finish_change(action.id, catalog.apply(std::get<LocalChange>(action.what)), now);
  run();
  EXPECT_EQ(catalog.services.at(id).port, 99);
  EXPECT_EQ(catalog.services.size(), 200u);
  EXPECT_TRUE(sync->idle());
}

TEST_F(LocalStateTest, RemovesAServiceWithItsChecks) {
  ASSERT_TRUE(state->add_service(make_service("web"), ""));
  ASSERT_TRUE(state->add_check(make_check("c1", "web"), ""));
  run();
  int before = catalog.requests;
  ASSERT_TRUE(state->remove_service("web"));
  EXPECT_EQ(state->service("web"), nullptr);
  EXPECT_EQ(state->check("c1"), nullptr);
  EXPECT_EQ(state->service_count(), 0u);
  run();
  EXPECT_EQ(catalog.requests - before, 1);
  EXPECT_TRUE(catalog.services.empty());
  EXPECT_TRUE(catalog.checks.empty());
  EXPECT_EQ(state->remove_service("web").error().kind, ErrorKind::kNotFound);
  EXPECT_TRUE(sync->idle());
}

TEST_F(LocalStateTest, RegistersAgainWhatWasRemovedWhileUnderWay) {
  ASSERT_TRUE(state->add_service(make_service("web"), ""));
  run();
  ASSERT_TRUE(state->remove_service("web"));
  auto action = sync->next(now);
  ASSERT_TRUE(action);
  ASSERT_TRUE(state->add_service(make_service("web"), ""));
  sync->finish_change(action->id, catalog.apply(std::get<LocalChange>(action->what)), now);
  EXPECT_TRUE(catalog.services.empty());
  run();
  EXPECT_EQ(catalog.services.count("web"), 1u);
}

TEST_F(LocalStateTest, MakesTheCatalogEqualToItself) {
  ASSERT_TRUE(state->add_service(make_service("web"), ""));
  run();
  catalog.services["web"].port = 1;
  catalog.services["stray"] = make_service("stray");
  catalog.services["consul"] = make_service("consul");
  catalog.checks["strayCheck"] = make_check("strayCheck", "");
  catalog.checks["serfHealth"] = make_check("serfHealth", "");
  catalog.node->meta["odd"] = "1";
  now += 3min;
  run();
  EXPECT_EQ(catalog.services.at("web").port, 0);
  EXPECT_EQ(catalog.services.count("stray"), 0u);
  EXPECT_EQ(catalog.services.count("consul"), 1u);
  EXPECT_EQ(catalog.checks.count("strayCheck"), 0u);
  EXPECT_EQ(catalog.checks.count("serfHealth"), 1u);
  EXPECT_FALSE(catalog.node->meta.contains("odd"));
  int before = catalog.requests;
  now += 3min;
  run();
  EXPECT_EQ(catalog.requests, before);
}

TEST_F(LocalStateTest, LetsOthersOwnTagsOnRequest) {
  model::NodeService service = make_service("web");
  service.tags = {"mine"};
  service.enable_tag_override = true;
  ASSERT_TRUE(state->add_service(service, ""));
  run();
  catalog.services["web"].tags = {"theirs"};
  int before = catalog.requests;
  now += 3min;
  run();
  EXPECT_EQ(catalog.requests, before);
  EXPECT_EQ(state->service("web")->service.tags.at(0), "theirs");
}

TEST_F(LocalStateTest, SendsStatusesAtOnceAndOutputsLater) {
  ASSERT_TRUE(state->add_check(make_check("c", ""), ""));
  run();
  state->update_check("c", "passing", "ok", now);
  run();
  EXPECT_EQ(catalog.checks.at("c").status, "passing");
  state->update_check("c", "passing", "ok 2", now);
  run();
  EXPECT_EQ(catalog.checks.at("c").output, "ok");
  auto due = sync->wake_at();
  ASSERT_TRUE(due);
  // Comparisons meanwhile do not send it either.
  now += 2min + 20s;
  run();
  EXPECT_EQ(catalog.checks.at("c").output, "ok");
  now += 5min + 10s;
  run();
  EXPECT_EQ(catalog.checks.at("c").output, "ok 2");
}

TEST_F(LocalStateTest, KeepsTheStatusOfACheckRegisteredAgain) {
  ASSERT_TRUE(state->add_check(make_check("c", ""), ""));
  state->update_check("c", "passing", "fine", now);
  ASSERT_TRUE(state->add_check(make_check("c", ""), ""));
  EXPECT_EQ(state->check("c")->check.status, "passing");
  EXPECT_EQ(state->check("c")->check.output, "fine");
}

TEST_F(LocalStateTest, RefusesAChecksUnknownService) {
  EXPECT_EQ(state->add_check(make_check("c", "nope"), "").error().message,
            R"(ServiceID "nope" does not exist)");
}

TEST_F(LocalStateTest, WaitsAfterFailuresAndRetries) {
  fetch_fails = true;
  run();
  EXPECT_EQ(fetches, 1);
  EXPECT_FALSE(sync->healthy());
  auto retry = *sync->wake_at();
  EXPECT_GE(retry, now + 15s);
  EXPECT_LT(retry, now + 30s);
  fetch_fails = false;
  now = retry;
  catalog.failure = {"No cluster leader"};
  ASSERT_TRUE(state->add_service(make_service("web"), ""));
  run();
  EXPECT_TRUE(catalog.services.empty());
  catalog.failure = {};
  run();
  EXPECT_TRUE(catalog.services.empty());  // not before the next comparison
  now += 30s;
  run();
  EXPECT_EQ(catalog.services.count("web"), 1u);
}

// A client agent that knows no server is told so at once, as often as it asks.
TEST_F(LocalStateTest, SendsTheNodeOnceUntilTheNextComparisonWhenItFails) {
  catalog.failure = {"No known Consul servers"};
  fetch_fails = true;
  int asked = 0;
  for (auto action = sync->next(now); action && asked < 10; action = sync->next(now), ++asked) {
    if (std::holds_alternative<FetchCatalog>(action->what))
      sync->finish_fetch(action->id, fail(catalog.failure), now);
    else
      sync->finish_change(action->id, catalog.apply(std::get<LocalChange>(action->what)), now);
  }
  EXPECT_EQ(asked, 2);
  catalog.failure = {};
  fetch_fails = false;
  now += 30s;
  run();
  EXPECT_EQ(catalog.node_updates, 1);
}

TEST_F(LocalStateTest, LeavesItemsThatAclsBlockUntilTheNextComparison) {
  run();
  catalog.failure = {"Permission denied", ErrorKind::kPermissionDenied};
  ASSERT_TRUE(state->add_service(make_service("web"), "secret"));
  int before = catalog.requests;
  run();
  run();
  EXPECT_EQ(catalog.requests - before, 1);
  EXPECT_TRUE(state->service("web")->in_sync);
  catalog.failure = {};
  now += 3min;
  run();
  EXPECT_EQ(catalog.services.count("web"), 1u);
  EXPECT_EQ(catalog.tokens.back(), "secret");
}

TEST_F(LocalStateTest, GroupsChecksByToken) {
  tokens.set(TokenKind::kDefault, "user", false);
  ASSERT_TRUE(state->add_service(make_service("web"), ""));
  ASSERT_TRUE(state->add_check(make_check("c1", "web"), ""));
  ASSERT_TRUE(state->add_check(make_check("c2", "web"), "own"));
  run();
  EXPECT_EQ(catalog.tokens, (std::vector<std::string>{"user", "own"}));
}

TEST_F(LocalStateTest, DoesNothingWhilePaused) {
  sync->pause();
  ASSERT_TRUE(state->add_service(make_service("web"), ""));
  run();
  EXPECT_EQ(catalog.requests, 0);
  EXPECT_FALSE(sync->wake_at());
  sync->resume();
  run();
  EXPECT_EQ(catalog.services.size(), 1u);
}

TEST_F(LocalStateTest, ComparesSoonWhenAServerComes) {
  run();
  sync->server_up(now);
  EXPECT_LT(*sync->wake_at(), now + 3s);
}

TEST(AntiEntropy, ScalesWithTheCluster) {
  EXPECT_EQ(sync_scale(1), 1);
  EXPECT_EQ(sync_scale(128), 1);
  EXPECT_EQ(sync_scale(129), 2);
  EXPECT_EQ(sync_scale(256), 2);
  EXPECT_EQ(sync_scale(257), 3);
}

TEST(Maintenance, AggregatesTheWorst) {
  AggregatedStatus status;
  EXPECT_EQ(status.text(), "passing");
  status.add("a", "warning");
  EXPECT_EQ(status.text(), "warning");
  status.add("b", "critical");
  status.add("c", "passing");
  EXPECT_EQ(status.text(), "critical");
  status.add("_service_maintenance:x", "critical");
  EXPECT_EQ(status.text(), "maintenance");
}

}  // namespace
}  // namespace praetor::agent
