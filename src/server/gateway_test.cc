#include "server/gateway.h"

#include <gtest/gtest.h>

#include <future>

#include "base/test_patience.h"
#include "rpc/listener.h"
#include "rpc/pool.h"
#include "server/kvs.h"
#include "server/operator.h"
#include "server/routes.h"
#include "server/rpc_endpoint.h"
#include "server/server.h"
#include "server/snapshot_endpoint.h"
#include "server/status.h"

namespace praetor::server {
namespace {

// A server that leads, with its port; and a client agent's gateway on another reactor.
class GatewayTest : public ::testing::Test {
 protected:
  void SetUp() override {
    near_.start();
    far_.start();
    std::promise<void> leads;
    ServerOptions options;
    options.datacenter = "dc1";
    options.node_name = "n1";
    options.node_id = "6d5b3ae7-5e4a-4d4b-9f0e-111111111111";
    options.advertise_address = "127.0.0.1";
    options.in_memory = true;
    options.bootstrap = true;
    options.reactors = {&far_};
    options.on_leadership = [&leads](bool leader) {
      if (leader) leads.set_value();
    };
    auto server = Server::start(std::move(options));
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    ASSERT_EQ(leads.get_future().wait_for(kPatience), std::future_status::ready);
    far_gateway_ = std::make_unique<Gateway>(
        GatewayOptions{.datacenter = "dc1", .node_name = "n1", .server = server_.get()});
    endpoint_ = std::make_unique<RpcEndpoint>(*far_gateway_);
    rpc::ListenerOptions listening;
    listening.host = "127.0.0.1";
    listening.port = 0;
    listening.reactors = {&far_};
    listening.handler = endpoint_.get();
    auto listener = rpc::Listener::start(std::move(listening));
    ASSERT_TRUE(listener) << listener.error().message;
    listener_ = std::move(*listener);
    pool_ = std::make_unique<rpc::Pool>(rpc::PoolOptions{.reactors = {&near_}, .dial = {}});
    gateway_ = std::make_unique<Gateway>(GatewayOptions{.datacenter = "dc1",
                                                        .node_name = "client",
                                                        .pool = pool_.get(),
                                                        .routes = &routes_,
                                                        .rpc_hold_timeout = std::chrono::seconds(2)});
  }

  void TearDown() override {
    pool_.reset();
    listener_.reset();
    if (server_) server_->stop();
    near_.stop();
    far_.stop();
  }

  void know(const std::string& name, uint16_t port) {
    routes_.add(
        {.name = name, .id = name, .address = "127.0.0.1:" + std::to_string(port), .datacenter = "dc1"});
  }
  void know_server() { know("n1", listener_->port()); }

  // Runs `ask(done)` on the client's reactor and waits for what it is told.
  template <typename T, typename Start>
  Result<T> wait_for(Start start) {
    auto promise = std::make_shared<std::promise<Result<T>>>();
    auto future = promise->get_future();
    near_.post(
        [start, promise] { start([promise](Result<T> result) { promise->set_value(std::move(result)); }); });
    if (future.wait_for(kPatience) != std::future_status::ready) return fail("nothing came");
    return future.get();
  }
  Result<bool> put(const std::string& key, const std::string& value) {
    return wait_for<bool>([&](auto done) {
      model::KVSRequest request;
      request.op = model::kv_op::kSet;
      request.dir_ent.key = key;
      request.dir_ent.value = value;
      gateway_->call<model::KVSRequest, bool>(near_, kKvsApply, std::move(request), done);
    });
  }
  Result<model::IndexedDirEntries> get(const std::string& key, const std::string& datacenter = "") {
    return wait_for<model::IndexedDirEntries>([&](auto done) { read(key, 0, datacenter, done); });
  }
  Gateway::TripPtr read(const std::string& key, uint64_t index, const std::string& datacenter,
                        std::function<void(Result<model::IndexedDirEntries>)> done) {
    model::KeyRequest request;
    request.datacenter = datacenter;
    request.key = key;
    request.options.min_query_index = index;
    return gateway_->read<model::KeyRequest, model::IndexedDirEntries>(near_, kKvsGet, std::move(request),
                                                                       std::move(done));
  }
  size_t waiting() {
    std::promise<size_t> count;
    far_.post([&] { count.set_value(server_->queries(far_).stats().waiting); });
    return count.get_future().get();
  }
  bool reaches(size_t count) {
    return eventually([&] { return waiting() == count; });
  }

  Reactor near_{"near"}, far_{"far"};
  Routes routes_{1};
  std::unique_ptr<Server> server_;
  std::unique_ptr<Gateway> far_gateway_, gateway_;
  std::unique_ptr<RpcEndpoint> endpoint_;
  std::unique_ptr<rpc::Listener> listener_;
  std::unique_ptr<rpc::Pool> pool_;
};

TEST_F(GatewayTest, WritesAndReadsThroughAServer) {
  know_server();
  auto written = put("a", "one");
  ASSERT_TRUE(written) << written.error().message;
  auto found = get("a");
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->entries.size(), 1u);
  EXPECT_EQ(found->entries[0].value, "one");
  EXPECT_TRUE(found->meta.known_leader);
  EXPECT_EQ(found->meta.index, found->entries[0].indexes.modify_index);
}

TEST_F(GatewayTest, ABlockingReadWaitsOnTheServerForItsKeyAlone) {
  know_server();
  ASSERT_TRUE(put("a", "one"));
  auto first = get("a");
  ASSERT_TRUE(first);
  auto changed = std::make_shared<std::promise<Result<model::IndexedDirEntries>>>();
  auto future = changed->get_future();
  near_.post([&] {
    read("a", first->meta.index, "",
         [changed](Result<model::IndexedDirEntries> reply) { changed->set_value(std::move(reply)); });
  });
  ASSERT_TRUE(reaches(1));
  ASSERT_TRUE(put("b", "other"));
  EXPECT_EQ(waiting(), 1u);
  ASSERT_TRUE(put("a", "two"));
  ASSERT_EQ(future.wait_for(kPatience), std::future_status::ready);
  auto reply = future.get();
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->entries.at(0).value, "two");
}

TEST_F(GatewayTest, ACancelledReadLeavesTheServer) {
  know_server();
  ASSERT_TRUE(put("a", "one"));
  auto first = get("a");
  ASSERT_TRUE(first);
  std::promise<Gateway::TripPtr> started;
  near_.post([&] {
    started.set_value(
        read("a", first->meta.index, "", [](const auto&) { ADD_FAILURE() << "nobody waits any more"; }));
  });
  auto trip = started.get_future().get();
  ASSERT_TRUE(reaches(1));
  near_.post([trip] { trip->cancel(); });
  EXPECT_TRUE(reaches(0));
}

TEST_F(GatewayTest, SaysWhyNobodyCanBeAsked) {
  auto nobody = get("a");
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().message, "No known Consul servers");
  // Which datacenters there are is known to the server that is asked.
  auto anywhere = get("a", "dc9");
  ASSERT_FALSE(anywhere);
  EXPECT_EQ(anywhere.error().message, "No known Consul servers");
  know_server();
  auto nowhere = get("a", "dc9");
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().message, "rpc error making call: No path to datacenter");
}

TEST_F(GatewayTest, AsksAnotherServerWhenOneIsGone) {
  know("gone", 1);  // nobody listens there
  know_server();
  for (int i = 0; i < 4; ++i) {
    auto written = put("a", std::to_string(i));
    ASSERT_TRUE(written) << written.error().message;
    auto found = get("a");
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->entries.at(0).value, std::to_string(i));
  }
}

TEST_F(GatewayTest, HandsOnWhatTheServerAnswers) {
  know_server();
  model::RaftRemovePeerRequest request;
  request.address = "10.0.0.1:8300";
  auto removed = wait_for<Nothing>([&](auto done) {
    gateway_->call<model::RaftRemovePeerRequest, Nothing>(near_, kOperatorRaftRemovePeerByAddress, request,
                                                          done);
  });
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().message,
            "rpc error making call: address \"10.0.0.1:8300\" was not found in the Raft configuration");
}

TEST_F(GatewayTest, NamesAMethodThatIsNotThere) {
  for (auto [method, text] : {std::pair("KVS.Nope", "rpc: can't find method KVS.Nope"),
                              std::pair("Nope.Get", "rpc: can't find service Nope.Get"),
                              std::pair("nope", "rpc: can't find service nope")}) {
    auto reply = wait_for<std::string>([&, name = std::string(method)](auto done) {
      pool_->call(near_, "127.0.0.1:" + std::to_string(listener_->port()), name, "\x80", kPatience, done);
    });
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().message, "rpc error making call: " + std::string(text));
  }
}

TEST_F(GatewayTest, SavesAndRestoresThroughAServer) {
  know_server();
  ASSERT_TRUE(put("a", "one"));
  auto ask = [&](SnapshotRequest request, std::string archive) {
    return wait_for<SnapshotAnswer>(
        [&, request, archive](auto done) { snapshot(*gateway_, near_, request, archive, done); });
  };
  auto saved = ask({.op = kSnapshotSave}, "");
  ASSERT_TRUE(saved) << saved.error().message;
  EXPECT_GT(saved->meta.index, 1u);
  ASSERT_TRUE(put("a", "two"));
  auto restored = ask({.op = kSnapshotRestore}, saved->archive);
  ASSERT_TRUE(restored) << restored.error().message;
  auto found = get("a");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->entries.at(0).value, "one");
  auto refused = ask({.op = kSnapshotRestore}, "no archive");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "failed to decompress snapshot: gzip: invalid header");
}

}  // namespace
}  // namespace praetor::server
