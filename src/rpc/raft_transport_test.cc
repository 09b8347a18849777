// Whole raft nodes in one process, joined by real sockets.
#include "rpc/raft_transport.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>

#include "raft/node.h"
#include "raft/test_machine.h"
#include "rpc/raft_wire.h"
#include "rpc/test_support.h"

namespace praetor::rpc {
namespace {

using namespace std::chrono_literals;
using raft::Node;
using raft::TestMachine;

class Cluster {
 public:
  explicit Cluster(std::vector<std::string> voters) : voters_(std::move(voters)) {
    reactor_.start();
    for (const char* id : {"a", "b", "c", "d"}) listen(id, 0);
  }
  ~Cluster() {
    for (auto& [id, member] : members_) stop(id);
    members_.clear();
    reactor_.stop();
  }

  void start(const std::string& id, bool bootstrap = true) {
    Member& member = members_[id];
    if (!member.listener) listen(id, member.port);
    member.machine = std::make_unique<TestMachine>();
    raft::Options options;
    options.data_dir = directory_.path() + "/" + id;
    options.id = "id-" + id;
    options.address = address(id);
    options.bootstrap = bootstrap;
    for (const std::string& voter : voters_)
      options.bootstrap_servers.servers.push_back({raft::Suffrage::kVoter, "id-" + voter, address(voter)});
    options.timings = {1000ms, 1000ms, 500ms, {}};
    options.trailing_logs = 5;
    options.transport = member.transport.get();
    auto node = Node::start(options, *member.machine);
    ASSERT_TRUE(node) << node.error().message;
    member.node = std::move(*node);
    if (pre_vote)
      for (const char* other : {"a", "b", "c", "d"})
        member.node->announce_extensions("id-" + std::string(other), true);
  }
  // As a killed process: connections break.
  void stop(const std::string& id) {
    Member& member = members_[id];
    member.listener.reset();
    member.node.reset();
    member.transport.reset();
  }
  Node& node(const std::string& id) { return *members_[id].node; }
  std::vector<std::string> commands(const std::string& id) { return members_[id].machine->commands(); }
  std::string address(const std::string& id) { return "127.0.0.1:" + std::to_string(members_[id].port); }

  std::string leader() {
    std::string found;
    eventually([&] {
      for (auto& [id, member] : members_)
        if (member.node && member.node->is_leader()) found = id;
      return !found.empty();
    });
    return found;
  }
  // Through whoever leads, until it is acknowledged.
  bool propose(const std::string& command) {
    return eventually([&] {
      std::promise<bool> promise;
      auto id = leader();
      if (id.empty()) return false;
      node(id).propose(command,
                       [&](Result<raft::ProposalResult> result) { promise.set_value(result.has_value()); });
      return promise.get_future().get();
    });
  }
  void take_snapshot(const std::string& id) {
    std::promise<void> done;
    node(id).take_snapshot([&](Result<raft::SnapshotStream>) { done.set_value(); });
    done.get_future().get();
  }
  Result<uint64_t> add(const std::string& id) {
    std::promise<Result<uint64_t>> promise;
    node(leader()).change_configuration(raft::ConfigurationChange::kAddVoter,
                                        {raft::Suffrage::kVoter, "id-" + id, address(id)}, 0,
                                        [&](Result<uint64_t> index) { promise.set_value(std::move(index)); });
    return promise.get_future().get();
  }

  bool pre_vote = true;

 private:
  struct Member {
    uint16_t port = 0;
    std::unique_ptr<RaftTransport> transport;
    std::unique_ptr<Listener> listener;
    std::unique_ptr<TestMachine> machine;
    std::unique_ptr<Node> node;
  };

  void listen(const std::string& id, uint16_t port) {
    Member& member = members_[id];
    ListenerOptions options;
    options.host = "127.0.0.1";
    options.port = port;
    options.reactors = {&reactor_};
    options.handler = &handler_;
    // The transport is made once the port is known.
    options.on_raft = [&member](RawConnection raw) {
      if (member.transport) member.transport->accept(std::move(raw));
    };
    auto listener = Listener::start(std::move(options));
    if (!listener) std::abort();
    reactor_.run([&] {
      member.port = (*listener)->port();
      member.listener = std::move(*listener);
      RaftTransportOptions transport;
      transport.address = address(id);
      member.transport = std::make_unique<RaftTransport>(std::move(transport));
    });
  }

  std::vector<std::string> voters_;
  raft::TemporaryDirectory directory_;
  Reactor reactor_{"listeners"};
  TestHandler handler_;
  std::map<std::string, Member> members_;
};

class RaftTransportTest : public testing::TestWithParam<bool> {};

TEST_P(RaftTransportTest, ElectsReplicatesAndFailsOver) {
  Cluster cluster({"a", "b", "c"});
  cluster.pre_vote = GetParam();
  for (const char* id : {"a", "b", "c"}) cluster.start(id);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(cluster.propose(std::to_string(i)));
  std::string first = cluster.leader();
  for (const char* id : {"a", "b", "c"}) {
    EXPECT_TRUE(eventually([&] { return cluster.commands(id) == cluster.commands(first); })) << id;
    EXPECT_TRUE(eventually([&] { return cluster.node(id).leader().id == "id-" + first; })) << id;
  }
  std::promise<Status> verified;
  cluster.node(first).verify_leader([&](Status status) { verified.set_value(status); });
  EXPECT_TRUE(verified.get_future().get());

  cluster.stop(first);
  for (int i = 50; i < 100; ++i) ASSERT_TRUE(cluster.propose(std::to_string(i)));
  std::string second = cluster.leader();
  EXPECT_NE(second, first);
  // What it lacks is only in a snapshot any more.
  cluster.take_snapshot(second);
  for (int i = 100; i < 110; ++i) ASSERT_TRUE(cluster.propose(std::to_string(i)));
  cluster.start(first);
  EXPECT_TRUE(eventually([&] { return cluster.commands(first) == cluster.commands(second); }));
  EXPECT_EQ(cluster.node(first).leader().id, "id-" + second);
}

INSTANTIATE_TEST_SUITE_P(Extensions, RaftTransportTest, testing::Values(false, true),
                         [](const auto& param) { return param.param ? "PreVote" : "ConsulsOnly"; });

TEST(RaftTransport, ASnapshotReachesALateFollower) {
  Cluster cluster({"a", "b", "c"});
  for (const char* id : {"a", "b", "c"}) cluster.start(id);
  // Some megabytes: more than a pipe and the sockets hold.
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(cluster.propose(std::to_string(i) + std::string(200000, 'x')));
  for (const char* id : {"a", "b", "c"}) cluster.take_snapshot(id);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(cluster.propose("small"));
  cluster.start("d", false);
  auto added = cluster.add("d");
  ASSERT_TRUE(added) << added.error().message;
  ASSERT_TRUE(cluster.propose("last"));
  EXPECT_TRUE(eventually([&] { return cluster.commands("d") == cluster.commands(cluster.leader()); }));
  std::promise<Status> moved;
  cluster.node(cluster.leader()).transfer_leadership("id-d", [&](Status status) { moved.set_value(status); });
  auto status = moved.get_future().get();
  EXPECT_TRUE(status) << status.error().message;
  EXPECT_TRUE(eventually([&] { return cluster.node("d").is_leader(); }));
}

TEST(RaftTransport, MuchIsPipelined) {
  Cluster cluster({"a", "b", "c"});
  for (const char* id : {"a", "b", "c"}) cluster.start(id);
  ASSERT_TRUE(cluster.propose("first"));
  std::string leader = cluster.leader();
  std::atomic<int> acknowledged{0};
  for (int i = 0; i < 5000; ++i)
    cluster.node(leader).propose(
        std::to_string(i), [&](Result<raft::ProposalResult> result) { acknowledged += result.has_value(); });
  EXPECT_TRUE(eventually([&] { return acknowledged == 5000; })) << acknowledged;
  for (const char* id : {"a", "b", "c"})
    EXPECT_TRUE(eventually([&] { return cluster.commands(id).size() == 5001; })) << id;
}

// A receiver that answers by hand, and one end of a connection that says what it likes.
class HandReceiver : public raft::Transport::Receiver {
 public:
  void receive(raft::Envelope envelope) override {
    std::lock_guard lock(mutex_);
    envelopes_.push_back(std::move(envelope));
  }
  void receive_snapshot(raft::Envelope request, std::unique_ptr<raft::SnapshotReader> reader) override {
    std::lock_guard lock(mutex_);
    envelopes_.push_back(std::move(request));
    readers_.push_back(std::move(reader));
  }
  void unreachable(std::string peer) override {
    std::lock_guard lock(mutex_);
    unreachable_.push_back(std::move(peer));
  }
  void snapshot_failed(std::string peer, uint64_t) override { unreachable("snapshot to " + peer); }

  std::vector<raft::Envelope> envelopes() {
    std::lock_guard lock(mutex_);
    return envelopes_;
  }
  std::vector<std::string> lost() {
    std::lock_guard lock(mutex_);
    return unreachable_;
  }
  std::unique_ptr<raft::SnapshotReader> take_reader() {
    std::lock_guard lock(mutex_);
    auto reader = std::move(readers_.back());
    readers_.pop_back();
    return reader;
  }

 private:
  std::mutex mutex_;
  std::vector<raft::Envelope> envelopes_;
  std::vector<std::unique_ptr<raft::SnapshotReader>> readers_;
  std::vector<std::string> unreachable_;
};

class OneEnd : public testing::Test {
 protected:
  OneEnd() {
    RaftTransportOptions options;
    options.address = "127.0.0.1:1";
    options.timeout = 1s;
    transport.emplace(std::move(options));
    transport->attach(&receiver);
    rpc.listen([&](ListenerOptions& listening) {
      listening.on_raft = [this](RawConnection raw) { transport->accept(std::move(raw)); };
    });
  }
  ~OneEnd() override {
    rpc.listener.reset();
    transport.reset();
  }
  std::string vote(uint64_t term) {
    std::string out;
    put_raft_request(out, raft::VoteRequest{.term = term, .candidate_address = "127.0.0.1:2"});
    return out;
  }
  std::string heartbeat() {
    std::string out;
    put_raft_request(out, raft::AppendRequest{.term = 1, .leader_address = "127.0.0.1:2", .heartbeat = true});
    return out;
  }
  std::string granted(uint64_t term) {
    std::string out;
    put_raft_response(out, raft::VoteResponse{.term = term, .granted = true});
    return out;
  }

  RpcFixture rpc;
  HandReceiver receiver;
  std::optional<RaftTransport> transport;
};

TEST_F(OneEnd, AnswersGoBackInTheOrderOfTheRequests) {
  BareSocket peer(rpc.listener->port());
  ASSERT_TRUE(peer.send("\x01" + vote(1) + vote(2) + vote(3)));
  ASSERT_TRUE(eventually([&] { return receiver.envelopes().size() == 3; }));
  auto envelopes = receiver.envelopes();
  EXPECT_EQ(envelopes[0].peer_address, "127.0.0.1:2");
  EXPECT_EQ(envelopes[0].peer_id, "");
  for (size_t i : {2u, 0u, 1u})
    transport->send({.peer_address = envelopes[i].peer_address,
                     .sequence = envelopes[i].sequence,
                     .message = raft::VoteResponse{.term = i + 1, .granted = true}});
  std::string expected = granted(1) + granted(2) + granted(3);
  EXPECT_EQ(peer.receive(expected.size()), expected);
}

TEST_F(OneEnd, ALostLeaderIsReported) {
  {
    BareSocket peer(rpc.listener->port());
    ASSERT_TRUE(peer.send("\x01" + heartbeat()));
    ASSERT_TRUE(eventually([&] { return receiver.envelopes().size() == 1; }));
  }
  EXPECT_TRUE(eventually([&] { return receiver.lost() == std::vector<std::string>{"127.0.0.1:2"}; }));
  // Whoever only asked for a vote is no leader.
  {
    BareSocket peer(rpc.listener->port());
    ASSERT_TRUE(peer.send("\x01" + vote(1)));
    ASSERT_TRUE(eventually([&] { return receiver.envelopes().size() == 2; }));
  }
  EXPECT_EQ(receiver.lost().size(), 1u);
}

// The request itself does not name its sender.
TEST_F(OneEnd, WhoHandsOverIsWhoSendsHeartbeats) {
  std::string take_over;
  put_raft_request(take_over, raft::TimeoutNowRequest{});
  BareSocket leader(rpc.listener->port()), stranger(rpc.listener->port());
  ASSERT_TRUE(leader.send("\x01" + heartbeat() + take_over));
  ASSERT_TRUE(eventually([&] { return receiver.envelopes().size() == 2; }));
  EXPECT_EQ(receiver.envelopes()[1].peer_address, "127.0.0.1:2");
  ASSERT_TRUE(stranger.send("\x01" + take_over));
  ASSERT_TRUE(eventually([&] { return receiver.envelopes().size() == 3; }));
  EXPECT_EQ(receiver.envelopes()[2].peer_address, "");
}

TEST_F(OneEnd, NonsenseEndsTheConnection) {
  BareSocket peer(rpc.listener->port());
  ASSERT_TRUE(peer.send("\x01\x09"));
  EXPECT_EQ(peer.receive_all(), "");
}

TEST_F(OneEnd, ARequestThatNobodyAnswersEndsTheConnection) {
  BareSocket peer(rpc.listener->port());
  ASSERT_TRUE(peer.send("\x01" + vote(1)));
  EXPECT_EQ(peer.receive_all(), "");
}

TEST_F(OneEnd, ASnapshotThatIsCutShort) {
  std::string head;
  raft::SnapshotRequest request{.term = 1, .leader_address = "127.0.0.1:2"};
  request.meta.size = 100;
  request.meta.configuration.servers.push_back({raft::Suffrage::kVoter, "x", "127.0.0.1:2"});
  put_raft_request(head, request);
  {
    BareSocket peer(rpc.listener->port());
    ASSERT_TRUE(peer.send("\x01" + head + "only this"));
    ASSERT_TRUE(eventually([&] { return receiver.envelopes().size() == 1; }));
  }
  auto reader = receiver.take_reader();
  char buffer[200];
  auto got = reader->read(buffer);
  ASSERT_TRUE(got);
  std::string all(buffer, *got);
  while ((got = reader->read(buffer)) && *got > 0) all.append(buffer, *got);
  EXPECT_EQ(all, "only this");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().message, "short read");
}

std::string read_rest(raft::SnapshotReader& reader) {
  std::string all;
  char buffer[32];
  auto got = reader.read(buffer);
  for (; got && *got > 0; got = reader.read(buffer)) all.append(buffer, *got);
  return got ? all : got.error().message;
}

std::string snapshot_head(int64_t size) {
  raft::SnapshotRequest request{.term = 1, .leader_address = "127.0.0.1:2"};
  request.meta.id = "1-7-100";
  request.meta.size = size;
  request.meta.configuration.servers.push_back({raft::Suffrage::kVoter, "x", "127.0.0.1:2"});
  std::string head;
  put_raft_request(head, request);
  return head;
}

// A sender that gives its snapshot a name waits to be told where to begin.
TEST_F(OneEnd, ASnapshotBeginsWhereItIsAskedTo) {
  BareSocket peer(rpc.listener->port());
  ASSERT_TRUE(peer.send("\x01" + snapshot_head(100)));
  ASSERT_TRUE(eventually([&] { return receiver.envelopes().size() == 1; }));
  EXPECT_EQ(std::get<raft::SnapshotRequest>(receiver.envelopes()[0].message).meta.id, "1-7-100");
  auto reader = receiver.take_reader();
  ASSERT_TRUE(reader->skip(93));
  std::string expected;
  put_raft_response(expected, raft::SnapshotResponse{.begin_at = 93});
  EXPECT_EQ(peer.receive(expected.size()), expected);
  ASSERT_TRUE(peer.send("the end" + vote(1)));
  EXPECT_EQ(read_rest(*reader), "the end");
  EXPECT_TRUE(eventually([&] { return receiver.envelopes().size() == 2; }));
}

TEST_F(OneEnd, OfASnapshotThatIsAllThereNothingComes) {
  BareSocket peer(rpc.listener->port());
  ASSERT_TRUE(peer.send("\x01" + snapshot_head(100)));
  ASSERT_TRUE(eventually([&] { return receiver.envelopes().size() == 1; }));
  auto reader = receiver.take_reader();
  ASSERT_TRUE(reader->skip(100));
  EXPECT_EQ(read_rest(*reader), "");
}

TEST_F(OneEnd, BytesThatNobodyAskedForEndTheConnection) {
  BareSocket peer(rpc.listener->port());
  ASSERT_TRUE(peer.send("\x01" + snapshot_head(100) + "early"));
  EXPECT_EQ(peer.receive_all(), "");
}

TEST_F(OneEnd, OnlyTheRestOfASnapshotIsSent) {
  struct Text : raft::SnapshotReader {
    std::string text = std::string(2 << 20, 'x') + "the end";
    Result<size_t> read(std::span<char> buffer) override {
      size_t count = text.copy(buffer.data(), buffer.size());
      text.erase(0, count);
      return count;
    }
  };
  raft::SnapshotRequest request{.term = 1, .leader_address = "127.0.0.1:1"};
  request.meta.id = "1-7-100";
  request.meta.size = (2 << 20) + 7;
  request.meta.configuration.servers.push_back({raft::Suffrage::kVoter, "x", "127.0.0.1:2"});
  transport->send_snapshot({.peer_id = "itself",
                            .peer_address = "127.0.0.1:" + std::to_string(rpc.listener->port()),
                            .sequence = 9,
                            .message = request},
                           std::make_unique<Text>());
  ASSERT_TRUE(eventually([&] { return receiver.envelopes().size() == 1; }));
  auto reader = receiver.take_reader();
  ASSERT_TRUE(reader->skip(2 << 20));
  EXPECT_EQ(read_rest(*reader), "the end");
  transport->send({.sequence = receiver.envelopes()[0].sequence, .message = raft::SnapshotResponse{1, true}});
  ASSERT_TRUE(eventually([&] { return receiver.envelopes().size() == 2; }));
  EXPECT_TRUE(std::get<raft::SnapshotResponse>(receiver.envelopes()[1].message).success);
  EXPECT_EQ(receiver.envelopes()[1].sequence, 9u);
}

TEST_F(OneEnd, ARefusedSnapshotIsSwallowed) {
  std::string head;
  raft::SnapshotRequest request{.term = 1, .leader_address = "127.0.0.1:2"};
  request.meta.size = 5 << 20;
  request.meta.configuration.servers.push_back({raft::Suffrage::kVoter, "x", "127.0.0.1:2"});
  put_raft_request(head, request);
  BareSocket peer(rpc.listener->port());
  ASSERT_TRUE(peer.send("\x01" + head + "a few"));
  ASSERT_TRUE(eventually([&] { return receiver.envelopes().size() == 1; }));
  receiver.take_reader().reset();
  ASSERT_TRUE(peer.send(std::string((5 << 20) - 5, 'x') + vote(1)));
  ASSERT_TRUE(eventually([&] { return receiver.envelopes().size() == 2; }));
  auto envelopes = receiver.envelopes();
  transport->send({.sequence = envelopes[0].sequence, .message = raft::SnapshotResponse{1, false}});
  transport->send(
      {.sequence = envelopes[1].sequence, .message = raft::VoteResponse{.term = 1, .granted = true}});
  std::string expected;
  put_raft_response(expected, raft::SnapshotResponse{1, false});
  expected += granted(1);
  EXPECT_EQ(peer.receive(expected.size()), expected);
}

TEST_F(OneEnd, OnlySoManyConnections) {
  rpc.listener->set_max_connections_per_client(0);
  std::vector<std::unique_ptr<BareSocket>> peers;
  for (size_t i = 0; i < kMaxRaftConnections; ++i) {
    peers.push_back(std::make_unique<BareSocket>(rpc.listener->port()));
    ASSERT_TRUE(peers.back()->send("\x01" + heartbeat()));
  }
  ASSERT_TRUE(eventually([&] { return receiver.envelopes().size() >= kMaxRaftConnections; }));
  BareSocket one_more(rpc.listener->port());
  ASSERT_TRUE(one_more.send("\x01"));
  EXPECT_EQ(one_more.receive_all(), "");
}

TEST_F(OneEnd, APeerThatIsNotThereIsReported) {
  uint16_t port;
  {
    Reactor probe("probe");
    probe.start();
    std::unique_ptr<Acceptor> acceptor;
    probe.run([&] { acceptor = std::move(*Acceptor::listen(probe, "127.0.0.1", 0, [](RawConnection) {})); });
    port = acceptor->port();
    probe.run([&] { acceptor.reset(); });
  }
  std::string address = "127.0.0.1:" + std::to_string(port);
  transport->send({.peer_id = "gone",
                   .peer_address = address,
                   .sequence = 1,
                   .message = raft::VoteRequest{.term = 1, .candidate_address = "127.0.0.1:1"}});
  EXPECT_TRUE(eventually([&] { return receiver.lost() == std::vector<std::string>{"gone"}; }));
  struct Nothing : raft::SnapshotReader {
    Result<size_t> read(std::span<char>) override { return 0; }
  };
  transport->send_snapshot(
      {.peer_id = "gone", .peer_address = address, .sequence = 2, .message = raft::SnapshotRequest{}},
      std::make_unique<Nothing>());
  EXPECT_TRUE(eventually([&] { return receiver.lost().back() == "snapshot to gone"; }));
}

}  // namespace
}  // namespace praetor::rpc
