#include "rpc/listener.h"

#include <gtest/gtest.h>

#include <thread>

#include "rpc/message.h"
#include "rpc/test_support.h"
#include "rpc/yamux.h"

namespace praetor::rpc {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using codec::to_msgpack;

std::string request(uint64_t seq, const std::string& method, std::string_view body = "\x80") {
  std::string out;
  put_request(out, {seq, method}, body);
  return out;
}

std::string response(uint64_t seq, const std::string& method, std::string_view body = "\x80",
                     const std::string& error = {}) {
  std::string out;
  put_response(out, {error, seq, method}, body);
  return out;
}

// A yamux frame.
std::string frame(char type, char flags, uint32_t stream, uint32_t length, std::string_view payload = {}) {
  std::string out{'\0', type, '\0', flags};
  put_u32(out, stream);
  put_u32(out, length);
  return out + std::string(payload);
}

TEST(RpcListener, WithoutMultiplexRequestsAreAnsweredInTheirOrder) {
  RpcFixture rpc;
  BareSocket peer(rpc.listener->port());
  // All at once, as the real Consul takes them.
  ASSERT_TRUE(peer.send("\0"s + request(0, "Echo") + request(1, "Fail", to_msgpack("no"s)) +
                        request(2, "Echo", "\x07")));
  std::string expected = response(0, "Echo") + response(1, "Fail", "", "no") + response(2, "Echo", "\x07");
  EXPECT_EQ(peer.receive(expected.size()), expected);
  // A late one holds back those behind it.
  ASSERT_TRUE(peer.send(request(3, "Wait") + request(4, "Echo")));
  ASSERT_TRUE(eventually([&] { return rpc.handler.waiting() == 1; }));
  for (auto& call : rpc.handler.take_waiting()) {
    EXPECT_EQ(call->from().substr(0, 10), "127.0.0.1:");
    call->respond("\x01"s);
  }
  expected = response(3, "Wait", "\x01") + response(4, "Echo");
  EXPECT_EQ(peer.receive(expected.size()), expected);
  // Whoever has said all still gets the answer.
  ASSERT_TRUE(peer.send(request(5, "Wait")));
  peer.finish();
  ASSERT_TRUE(eventually([&] { return rpc.handler.waiting() == 1; }));
  for (auto& call : rpc.handler.take_waiting()) call->respond("\x02"s);
  EXPECT_EQ(peer.receive_all(), response(5, "Wait", "\x02"));
}

// The frames that the real Consul 1.8.7 answers with.
TEST(RpcListener, MultiplexedFramesAreConsuls) {
  RpcFixture rpc;
  BareSocket peer(rpc.listener->port());
  std::string echo = request(7, "Echo");
  ASSERT_TRUE(
      peer.send("\x04" + frame(1, 1, 1, 0) + frame(0, 0, 1, static_cast<uint32_t>(echo.size()), echo)));
  std::string answer = response(7, "Echo");
  std::string expected = frame(1, 2, 1, 0) + frame(0, 0, 1, static_cast<uint32_t>(answer.size()), answer);
  EXPECT_EQ(peer.receive(expected.size()), expected);
  // The end of a stream is answered by its end; a ping by the same number.
  ASSERT_TRUE(peer.send(frame(1, 4, 1, 0) + frame(2, 1, 0, 77)));
  expected = frame(1, 4, 1, 0) + frame(2, 2, 0, 77);
  EXPECT_EQ(peer.receive(expected.size()), expected);
  // Nonsense ends the stream, not the session.
  ASSERT_TRUE(peer.send(frame(0, 1, 3, 1, "\xc1")));
  expected = frame(1, 2, 3, 0) + frame(1, 4, 3, 0);
  EXPECT_EQ(peer.receive(expected.size()), expected);
  ASSERT_TRUE(peer.send(frame(0, 1, 5, static_cast<uint32_t>(echo.size()), echo)));
  expected = frame(1, 2, 5, 0) + frame(0, 0, 5, static_cast<uint32_t>(answer.size()), answer);
  EXPECT_EQ(peer.receive(expected.size()), expected);
  // A protocol that is not yamux's ends the session.
  ASSERT_TRUE(peer.send("\x01" + std::string(11, '\0')));
  EXPECT_EQ(peer.receive_all(), frame(3, 0, 0, 1));
}

TEST(RpcListener, ACallerThatGoesAwayCancels) {
  RpcFixture rpc;
  {
    BareSocket plain(rpc.listener->port()), muxed(rpc.listener->port());
    std::string wait = request(1, "Wait");
    ASSERT_TRUE(plain.send("\0"s + wait));
    ASSERT_TRUE(muxed.send("\x04" + frame(0, 1, 1, static_cast<uint32_t>(wait.size()), wait)));
    ASSERT_TRUE(muxed.send(frame(0, 1, 3, static_cast<uint32_t>(wait.size()), wait)));
    ASSERT_TRUE(eventually([&] { return rpc.handler.waiting() == 3; }));
    ASSERT_TRUE(muxed.send(frame(1, 8, 1, 0)));  // one stream only
    ASSERT_TRUE(eventually([&] { return rpc.handler.cancelled == 1; }));
    muxed.close();
    ASSERT_TRUE(eventually([&] { return rpc.handler.cancelled == 2; }));
  }
  // Without multiplexing an end may be half of one: the answer is tried.
  for (auto& call : rpc.handler.take_waiting()) call->respond("\x80"s);
}

TEST(RpcListener, UnknownFirstBytesAreRefused) {
  RpcFixture rpc;
  for (char first : {'\x02', '\x03', '\x06', '\x07', '\x08', '\x16', '\xff'}) {
    BareSocket peer(rpc.listener->port());
    ASSERT_TRUE(peer.send(std::string(1, first)));
    EXPECT_EQ(peer.receive_all(), "") << int{first};
  }
  BareSocket raft(rpc.listener->port());  // nobody takes it here
  ASSERT_TRUE(raft.send("\x01"));
  EXPECT_EQ(raft.receive_all(), "");
}

TEST(RpcListener, TheFirstByteMustComeInTime) {
  RpcFixture rpc;
  rpc.listen([](ListenerOptions& options) { options.handshake_timeout = 20ms; });
  BareSocket peer(rpc.listener->port());
  EXPECT_EQ(peer.receive_all(), "");
  BareSocket good(rpc.listener->port());
  ASSERT_TRUE(good.send("\0"s + request(1, "Echo")));
  EXPECT_EQ(good.receive(response(1, "Echo").size()), response(1, "Echo"));
}

TEST(RpcListener, OnlySoManyConnectionsOfOneClient) {
  RpcFixture rpc;
  rpc.listen([](ListenerOptions& options) { options.max_connections_per_client = 2; });
  auto works = [&](BareSocket& peer) {
    return peer.send("\0"s + request(1, "Echo")) &&
           peer.receive(response(1, "Echo").size()) == response(1, "Echo");
  };
  auto one = std::make_unique<BareSocket>(rpc.listener->port());
  BareSocket two(rpc.listener->port());
  EXPECT_TRUE(works(*one));
  EXPECT_TRUE(works(two));
  BareSocket three(rpc.listener->port());
  EXPECT_FALSE(works(three));
  one.reset();
  EXPECT_TRUE(eventually([&] {
    BareSocket again(rpc.listener->port());
    return works(again);
  }));
  rpc.listener->set_max_connections_per_client(0);
  BareSocket four(rpc.listener->port()), five(rpc.listener->port());
  EXPECT_TRUE(works(four));
  EXPECT_TRUE(works(five));
}

TEST(RpcListener, ATakenPortIsAnError) {
  RpcFixture rpc;
  ListenerOptions options;
  options.host = "127.0.0.1";
  options.port = rpc.listener->port();
  options.reactors = {&rpc.server_a};
  options.handler = &rpc.handler;
  auto second = Listener::start(std::move(options));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "listen tcp " + rpc.address() + ": bind: address already in use");
}

TEST(RpcListener, TooLargeARequestEndsItsStream) {
  RpcFixture rpc;
  BareSocket peer(rpc.listener->port());
  std::string start = "\0"s + request(1, "Echo", "");
  start += "\xdb";
  put_u32(start, kMaxRequestBytes + 1);
  ASSERT_TRUE(peer.send(start));
  std::string piece(1 << 20, 'x');
  bool open = true;
  for (size_t sent = 0; open && sent <= kMaxRequestBytes; sent += piece.size()) open = peer.send(piece);
  EXPECT_EQ(peer.receive_all(), "");
  // At the limit it is fine.
  BareSocket fits(rpc.listener->port());
  std::string head = request(1, "Echo", "");
  std::string body = to_msgpack(std::string(kMaxRequestBytes - head.size() - 5, 'x'));
  ASSERT_TRUE(fits.send("\0"s + head + body));
  std::string expected = response(1, "Echo", body);
  EXPECT_TRUE(fits.receive(expected.size()) == expected);
}

TEST(RpcListener, TooManyUnfinishedRequestsEndTheConnection) {
  RpcFixture rpc;
  BareSocket peer(rpc.listener->port());
  ASSERT_TRUE(peer.send("\x04"));
  // Each stream's request is just not complete.
  std::string start = request(1, "Echo", "");
  start += "\xdb";
  put_u32(start, kMaxRequestBytes - 100);
  start.resize(kYamuxWindow, 'x');
  bool open = true;
  uint32_t stream = 1;
  for (size_t sent = 0; open && sent <= kMaxSessionRequestBytes + (4 << 20);
       sent += start.size(), stream += 2)
    open = peer.send(frame(0, 1, stream, static_cast<uint32_t>(start.size()), start));
  std::string rest = peer.receive_all();  // it ends
  BareSocket again(rpc.listener->port());
  ASSERT_TRUE(again.send("\0"s + request(1, "Echo")));
  EXPECT_EQ(again.receive(response(1, "Echo").size()), response(1, "Echo"));
}

TEST(RpcListener, WhoeverDoesNotReadIsNotRead) {
  RpcFixture rpc;
  BareSocket peer(rpc.listener->port());
  std::string big = request(1, "Echo", to_msgpack(std::string(1 << 20, 'x')));
  ASSERT_TRUE(peer.send("\0"s + big));
  std::atomic<size_t> sent{1};
  std::thread sender([&] {
    for (int i = 0; i < 60; ++i)
      if (peer.send(big)) ++sent;
  });
  std::string expected = response(1, "Echo", to_msgpack(std::string(1 << 20, 'x')));
  for (int i = 0; i < 61; ++i) ASSERT_TRUE(peer.receive(expected.size()) == expected) << i;
  sender.join();
  EXPECT_EQ(sent, 61u);
}

std::string read_all(BytePipe& pipe) {
  std::string all;
  char buffer[10000];
  for (;;) {
    auto got = pipe.read(buffer);
    if (!got || *got == 0) return all;
    all.append(buffer, *got);
  }
}

class RpcSnapshot : public testing::Test {
 protected:
  Result<SnapshotReply> ask(const std::string& asked, std::shared_ptr<BytePipe> upload = nullptr) {
    std::promise<Result<SnapshotReply>> promise;
    rpc.pool->snapshot(rpc.client, rpc.address(), to_msgpack(asked), std::move(upload), kPatience,
                       [&](Result<SnapshotReply> reply) { promise.set_value(std::move(reply)); });
    return promise.get_future().get();
  }
  RpcFixture rpc;
};

TEST_F(RpcSnapshot, IsStreamedToTheCaller) {
  std::thread writer;
  rpc.handler.on_snapshot = [&](SnapshotCall call) {
    EXPECT_EQ(call.request, to_msgpack("save"s));
    auto archive = std::make_shared<BytePipe>();
    writer = std::thread([archive] {
      for (int i = 0; i < 300; ++i)
        if (!archive->write(std::string(100000, static_cast<char>('a' + i % 26)))) return;
      archive->finish();
    });
    call.respond(to_msgpack("here"s), archive);
  };
  auto reply = ask("save");
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->response, to_msgpack("here"s));
  std::string all = read_all(*reply->archive);
  EXPECT_EQ(all.size(), 30000000u);
  EXPECT_FALSE(reply->archive->error());
  writer.join();
}

TEST_F(RpcSnapshot, IsStreamedFromTheCaller) {
  std::thread reader;
  rpc.handler.on_snapshot = [&](SnapshotCall call) {
    reader = std::thread([call = std::move(call)] {
      std::string all = read_all(*call.upload);
      call.respond(to_msgpack(static_cast<uint64_t>(all.size())), nullptr);
    });
  };
  auto upload = std::make_shared<BytePipe>();
  std::thread writer([&] {
    for (int i = 0; i < 300; ++i)
      if (!upload->write(std::string(100000, 'x'))) return;
    upload->finish();
  });
  auto reply = ask("restore", upload);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->response, to_msgpack(uint64_t{30000000}));
  EXPECT_EQ(read_all(*reply->archive), "");
  writer.join();
  reader.join();
}

TEST_F(RpcSnapshot, ARefusalComesThroughThoughTheUploadGoesOn) {
  rpc.handler.on_snapshot = [&](SnapshotCall call) { call.respond(to_msgpack("no"s), nullptr); };
  auto upload = std::make_shared<BytePipe>();
  std::thread writer([&] {
    for (int i = 0; i < 300; ++i)
      if (!upload->write(std::string(100000, 'x'))) return;
    upload->finish();
  });
  auto reply = ask("restore", upload);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->response, to_msgpack("no"s));
  writer.join();
}

TEST_F(RpcSnapshot, ACallerThatHasEnoughEndsTheWriter) {
  std::promise<bool> ended;
  std::thread writer;
  rpc.handler.on_snapshot = [&](SnapshotCall call) {
    auto archive = std::make_shared<BytePipe>();
    writer = std::thread([&ended, archive] {
      while (archive->write(std::string(100000, 'x'))) {
      }
      ended.set_value(true);
    });
    call.respond(to_msgpack("here"s), archive);
  };
  auto reply = ask("save");
  ASSERT_TRUE(reply);
  reply->archive->break_off({"enough"});
  EXPECT_TRUE(ended.get_future().get());
  writer.join();
}

TEST_F(RpcSnapshot, NobodyListens) {
  std::string address = rpc.address();
  rpc.listener.reset();
  std::promise<Result<SnapshotReply>> promise;
  rpc.pool->snapshot(rpc.client, address, "\x80", nullptr, kPatience,
                     [&](Result<SnapshotReply> reply) { promise.set_value(std::move(reply)); });
  auto reply = promise.get_future().get();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().message, "dial tcp <nil>->" + address + ": connect: connection refused");
}

TEST_F(RpcSnapshot, TooLongARequestIsRefused) {
  BareSocket peer(rpc.listener->port());
  ASSERT_TRUE(peer.send("\x05" + to_msgpack(std::string(kMaxSnapshotRequestBytes, 'x'))));
  EXPECT_EQ(peer.receive_all(), "");
}

// Answers at once, and only then says what a cancel would do.
class HastyHandler : public Handler {
 public:
  void call(CallPtr call) override {
    call->respond(std::string("\x80"));
    call->on_cancel([call] {});
    answered.set_value(call);
  }
  void snapshot(Reactor&, SnapshotCall) override {}
  std::promise<std::weak_ptr<Call>> answered;
};

TEST(RpcListener, WhatIsAnsweredIsForgotten) {
  HastyHandler handler;
  RpcFixture rpc;
  rpc.listen([&](ListenerOptions& options) { options.handler = &handler; });
  ASSERT_TRUE(rpc.call("Any"));
  std::weak_ptr<Call> call = handler.answered.get_future().get();
  EXPECT_TRUE(eventually([&] { return call.expired(); }));
}

}  // namespace
}  // namespace praetor::rpc
