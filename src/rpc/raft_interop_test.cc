// A quorum with the real one: CONSUL_BIN names a Consul 1.8.7; without it the test is skipped. A raft::Node
// with a machine that takes everything stands in for a whole server; gossip and Status.RaftStats make
// Consul's autopilot take it for one.
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
using codec::to_msgpack;
using codec::Value;
using codec::ValueMap;
using testing::HasSubstr;

constexpr const char* kOurId = "6dc4ffb5-8b1f-4b9c-8f0f-c9f1d24b5a11";

// Knows commands by their number, and snapshots by their size.
class CountingMachine : public raft::StateMachine {
 public:
  std::any apply(const raft::Entry& entry) override {
    last = entry.index;
    ++applied;
    return {};
  }
  void publish(uint64_t) override {}
  std::unique_ptr<raft::SnapshotWriter> snapshot() override {
    struct Writer : raft::SnapshotWriter {
      Status write(raft::SnapshotSink&) override { return {}; }
    };
    return std::make_unique<Writer>();
  }
  Status restore(raft::SnapshotReader& reader, const raft::SnapshotMeta& meta) override {
    char buffer[4096];
    for (;;) {
      TRY_ASSIGN(size_t got, reader.read(buffer));
      if (got == 0) break;
      restored_bytes += got;
    }
    last = meta.index;
    return {};
  }
  std::atomic<uint64_t> last{0}, applied{0}, restored_bytes{0};
};

// What Consul's leader asks a server for.
class StatusHandler : public Handler {
 public:
  void call(CallPtr call) override {
    raft::Node* asked = node;
    if (call->method() != "Status.RaftStats" || asked == nullptr)
      return call->respond(fail("rpc: can't find method " + call->method()));
    call->respond(to_msgpack(Value(ValueMap{{"LastContact", Value("1ms")},
                                            {"LastIndex", Value(asked->last_index())},
                                            {"LastTerm", Value(asked->term())}})));
  }
  void snapshot(Reactor&, SnapshotCall) override {}
  std::atomic<raft::Node*> node{nullptr};
};

class RealServer {
 public:
  explicit RealServer(std::string ip)
      : ip_(std::move(ip)), binary_(getenv("CONSUL_BIN") ? getenv("CONSUL_BIN") : "") {}
  bool present() const { return !binary_.empty(); }
  void start() {
    child_.emplace(
        std::vector<std::string>{binary_, "agent", "-server", "-bootstrap-expect=1", "-bind", ip_, "-client",
                                 ip_, "-node", "real", "-data-dir", directory_.path() + "/data", "-hcl",
                                 "ports { grpc = -1 } performance { raft_multiplier = 1 }"},
        directory_.path() + "/log");
  }
  void kill() { child_.reset(); }
  std::string run(const std::string& command) {
    return gossip::output_of("CONSUL_HTTP_ADDR=" + ip_ + ":8500 timeout 20 " + binary_ + " " + command);
  }
  bool put(const std::string& key) { return run("kv put " + key + " value").starts_with("Success"); }
  std::string log() const {
    std::ifstream file(directory_.path() + "/log");
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string ip_, binary_;
  raft::TemporaryDirectory directory_;
  std::optional<gossip::Child> child_;
};

TEST(ConsulRaft, AQuorumOfBoth) {
  RealServer real("127.0.61.1");
  if (!real.present()) GTEST_SKIP() << "CONSUL_BIN is not set";
  real.start();
  ASSERT_TRUE(eventually([&] { return real.put("first"); })) << real.log();

  Reactor reactor("server");
  reactor.start();
  StatusHandler handler;
  RaftTransportOptions transport_options;
  transport_options.address = "127.0.61.2:8300";
  transport_options.dial.source_ip = "127.0.61.2";
  RaftTransport transport(std::move(transport_options));
  ListenerOptions listening;
  listening.host = "127.0.61.2";
  listening.reactors = {&reactor};
  listening.handler = &handler;
  listening.on_raft = [&](RawConnection raw) { transport.accept(std::move(raw)); };
  auto listener = Listener::start(std::move(listening));
  ASSERT_TRUE(listener) << listener.error().message;
  CountingMachine machine;
  raft::TemporaryDirectory directory;
  raft::Options options;
  options.data_dir = directory.path();
  options.id = kOurId;
  options.address = "127.0.61.2:8300";
  options.transport = &transport;
  auto node = raft::Node::start(options, machine);
  ASSERT_TRUE(node) << node.error().message;
  handler.node = node->get();

  gossip::Host host;
  gossip::PoolOptions pool_options = gossip::Host::options("praetor", "127.0.61.2:8301");
  pool_options.serf.tags = {{"role", "consul"}, {"dc", "dc1"},       {"segment", ""},
                            {"id", kOurId},     {"vsn", "2"},        {"vsn_min", "2"},
                            {"vsn_max", "3"},   {"build", "1.8.7:"}, {"port", "8300"},
                            {"raft_vsn", "3"},  {"acls", "0"},       {"wan_join_port", "8302"},
                            {"ft_fs", "1"}};
  auto pool = host.open(std::move(pool_options));
  ASSERT_TRUE(pool) << pool.error().message;
  ASSERT_TRUE(host.join(*pool, {*gossip::Address::parse("127.0.61.1:8301")}));

  // The real leader sends its log, then (autopilot is content after ten seconds) makes this a voter.
  ASSERT_TRUE(eventually([&] { return machine.last >= 10; })) << real.log();
  EXPECT_EQ((*node)->leader().address, "127.0.61.1:8300");
  ASSERT_TRUE(eventually([&] { return (*node)->configuration().configuration.is_voter(kOurId); }))
      << real.log();
  uint64_t before = machine.last;
  EXPECT_TRUE(real.put("second")) << real.log();  // needs both now
  EXPECT_TRUE(eventually([&] { return machine.last > before; }));

  // A user's restore reaches this as a snapshot.
  EXPECT_THAT(real.run("snapshot save " + directory.path() + "/archive"), HasSubstr("Saved"));
  EXPECT_THAT(real.run("snapshot restore " + directory.path() + "/archive"), HasSubstr("Restored"))
      << real.log();
  EXPECT_TRUE(eventually([&] { return machine.restored_bytes > 1000; })) << real.log();
  EXPECT_TRUE(real.put("third")) << real.log();

  // Dead, there is no quorum; back, one of the two leads, with the other's vote.
  real.kill();
  uint64_t term = (*node)->term();
  EXPECT_TRUE(
      eventually([&] { return (*node)->role() == raft::Role::kCandidate && (*node)->term() > term; }));
  real.start();
  EXPECT_TRUE(eventually([&] {
    std::string leader = (*node)->leader().address;
    return !leader.empty() && (*node)->term() > term;
  })) << real.log();
  // Whoever it is: something new is committed on both.
  if ((*node)->is_leader()) {
    std::promise<bool> noop;
    (*node)->barrier([&](Result<uint64_t> index) { noop.set_value(index.has_value()); });
    EXPECT_TRUE(noop.get_future().get());
    EXPECT_TRUE(eventually([&] {
      return real.run("info").find("leader_addr = 127.0.61.2:8300") != std::string::npos;
    })) << real.log();
  } else {
    EXPECT_TRUE(eventually([&] { return real.put("fourth"); })) << real.log();
  }
  handler.node = nullptr;
  listener->reset();
  node->reset();
  reactor.stop();
}

}  // namespace
}  // namespace praetor::rpc
