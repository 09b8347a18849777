// Beside the real one: CONSUL_BIN names a Consul 1.8.7 (Debian packages it); without it these tests are
// skipped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "codec/value.h"
#include "gossip/pool_test_support.h"
#include "raft/node.h"
#include "raft/test_machine.h"
#include "rpc/raft_transport.h"
#include "rpc/test_support.h"

namespace praetor::rpc {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using codec::to_msgpack;
using codec::Value;
using codec::ValueMap;
using testing::HasSubstr;
using testing::MatchesRegex;

// A development server on an address of its own; its port 8300 is asked.
class RealConsul {
 public:
  explicit RealConsul(const std::string& ip) : ip_(ip) {
    const char* binary = getenv("CONSUL_BIN");
    if (binary == nullptr) return;
    binary_ = binary;
    start();
    EXPECT_TRUE(
        eventually([&] { return run("operator raft list-peers").find("leader") != std::string::npos; }));
  }
  bool present() const { return !binary_.empty(); }
  void start() {
    child_.emplace(std::vector<std::string>{binary_, "agent", "-dev", "-bind", ip_, "-client", ip_, "-node",
                                            "real", "-hcl", "ports { grpc = -1 }"},
                   directory_.path() + "/log");
  }
  void stop() { child_.reset(); }
  std::string run(const std::string& command) {
    return gossip::output_of("CONSUL_HTTP_ADDR=" + ip_ + ":8500 timeout 20 " + binary_ + " " + command);
  }
  std::string address() const { return ip_ + ":8300"; }

 private:
  std::string ip_, binary_;
  raft::TemporaryDirectory directory_;
  std::optional<gossip::Child> child_;
};

class ConsulRpc : public testing::Test {
 protected:
  Result<std::string> ask(RealConsul& consul, const std::string& method, ValueMap arguments) {
    return rpc.start(method, to_msgpack(Value(std::move(arguments))), kPatience, consul.address()).get();
  }
  Value decoded(const Result<std::string>& answer) {
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? *codec::from_msgpack<Value>(*answer) : Value();
  }
  RpcFixture rpc;
};

TEST_F(ConsulRpc, CallsTheRealOne) {
  RealConsul consul("127.0.60.1");
  if (!consul.present()) GTEST_SKIP() << "CONSUL_BIN is not set";
  EXPECT_EQ(ask(consul, "Status.Ping", {}), "\x80"s);
  EXPECT_EQ(ask(consul, "Status.Leader", {}), to_msgpack(consul.address()));
  // The largest body is far past the window, both ways.
  std::string large(500 << 10, 'v');
  EXPECT_EQ(ask(consul, "KVS.Apply",
                {{"Datacenter", Value("dc1")},
                 {"DirEnt", Value(ValueMap{{"Key", Value("k")}, {"Value", Value(large)}})},
                 {"Op", Value("set")}}),
            "\xc2"s);
  std::vector<RpcFixture::Answer> reads;
  for (int i = 0; i < 200; ++i)
    reads.push_back(rpc.start("KVS.Get",
                              to_msgpack(Value(ValueMap{{"Datacenter", Value("dc1")}, {"Key", Value("k")}})),
                              kPatience, consul.address()));
  for (auto& read : reads) {
    auto answer = read.get();
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_THAT(*answer, HasSubstr(large));
  }
  EXPECT_EQ(rpc.pool->session_count(), 1u);

  auto failed = ask(consul, "Catalog.Register", {{"Datacenter", Value("dc1")}});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "rpc error making call: Must provide node");
  failed = ask(consul, "Foo.Bar", {});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "rpc error making call: rpc: can't find service Foo.Bar");
  failed = ask(consul, "KVS.Get", {{"Datacenter", Value("elsewhere")}, {"Key", Value("k")}});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "rpc error making call: No path to datacenter");
}

TEST_F(ConsulRpc, BlocksUntilSomethingChanges) {
  RealConsul consul("127.0.60.2");
  if (!consul.present()) GTEST_SKIP() << "CONSUL_BIN is not set";
  auto set = [&](const char* value) {  // a key, which a server that has just started does not touch itself
    return ask(consul, "KVS.Apply",
               {{"Datacenter", Value("dc1")},
                {"DirEnt", Value(ValueMap{{"Key", Value("k")}, {"Value", Value(value)}})},
                {"Op", Value("set")}});
  };
  ASSERT_TRUE(set("before"));
  ValueMap query{{"Datacenter", Value("dc1")}, {"Key", Value("k")}};
  Value now = decoded(ask(consul, "KVS.Get", query));
  const Value* index = now.map() != nullptr ? now.map()->get("Index") : nullptr;
  ASSERT_NE(index, nullptr);
  query["MinQueryIndex"] = *index;
  auto blocking = rpc.start("KVS.Get", to_msgpack(Value(query)), {}, consul.address());
  auto abandoned = rpc.start("KVS.Get", to_msgpack(Value(query)), {}, consul.address());
  EXPECT_TRUE(ask(consul, "Status.Ping", {}));  // others pass
  EXPECT_EQ(blocking.future.wait_for(0s), std::future_status::timeout);
  abandoned.ticket.cancel();
  EXPECT_FALSE(abandoned.get());
  ASSERT_TRUE(set("after"));
  EXPECT_THAT(*blocking.get(), HasSubstr("after"));
}

TEST_F(ConsulRpc, SeesTheRealOneDie) {
  RealConsul consul("127.0.60.3");
  if (!consul.present()) GTEST_SKIP() << "CONSUL_BIN is not set";
  Value now = decoded(ask(consul, "Catalog.ListNodes", {{"Datacenter", Value("dc1")}}));
  auto blocking = rpc.start(
      "Catalog.ListNodes",
      to_msgpack(Value(ValueMap{{"Datacenter", Value("dc1")}, {"MinQueryIndex", Value(uint64_t{1000000})}})),
      {}, consul.address());
  EXPECT_TRUE(ask(consul, "Status.Ping", {}));
  consul.stop();
  auto broken = blocking.get();
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().message, "rpc error making call: EOF");
  auto refused = ask(consul, "Status.Ping", {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "rpc error getting client: failed to get conn: dial tcp <nil>->127.0.60.3:8300: connect: "
            "connection refused");
}

TEST_F(ConsulRpc, StreamsItsSnapshots) {
  RealConsul consul("127.0.60.4");
  if (!consul.present()) GTEST_SKIP() << "CONSUL_BIN is not set";
  consul.run("kv put kept value");
  auto snapshot = [&](uint64_t operation, std::shared_ptr<BytePipe> upload) {
    std::promise<Result<SnapshotReply>> promise;
    rpc.pool->snapshot(rpc.client, consul.address(),
                       to_msgpack(Value(ValueMap{{"AllowStale", Value(false)},
                                                 {"Datacenter", Value("dc1")},
                                                 {"Op", Value(operation)},
                                                 {"Token", Value("")}})),
                       std::move(upload), kPatience,
                       [&](Result<SnapshotReply> reply) { promise.set_value(std::move(reply)); });
    return promise.get_future().get();
  };
  auto archive_of = [](SnapshotReply& reply) {
    std::string all;
    char buffer[4096];
    for (;;) {
      auto got = reply.archive->read(buffer);
      if (!got || *got == 0) return all;
      all.append(buffer, *got);
    }
  };
  auto saved = snapshot(0, nullptr);
  ASSERT_TRUE(saved) << saved.error().message;
  EXPECT_THAT(saved->response, HasSubstr("\xa5"
                                         "Error\xa0"));
  std::string archive = archive_of(*saved);
  EXPECT_EQ(archive.substr(0, 2), "\x1f\x8b");
  consul.run("kv delete kept");
  auto upload = std::make_shared<BytePipe>();
  ASSERT_TRUE(upload->write(archive));
  upload->finish();
  auto restored = snapshot(1, upload);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_THAT(restored->response, HasSubstr("\xa5"
                                            "Error\xa0"));
  EXPECT_EQ(consul.run("kv get kept"), "value\n");
  upload = std::make_shared<BytePipe>();
  ASSERT_TRUE(upload->write("garbage"));
  upload->finish();
  restored = snapshot(1, upload);
  ASSERT_TRUE(restored);
  EXPECT_THAT(restored->response, HasSubstr("failed to decompress snapshot"));
}

}  // namespace
}  // namespace praetor::rpc
