#include "rpc/pool.h"

#include <gtest/gtest.h>

#include "rpc/test_support.h"

namespace praetor::rpc {
namespace {

using namespace std::chrono_literals;
using codec::to_msgpack;

TEST(RpcPool, AnswersComeBack) {
  RpcFixture rpc;
  auto answer = rpc.call("Echo", to_msgpack(std::string("hello")));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(*answer, to_msgpack(std::string("hello")));
  EXPECT_EQ(rpc.pool->session_count(), 1u);
}

TEST(RpcPool, ErrorsHaveConsulsTexts) {
  RpcFixture rpc;
  auto answer = rpc.call("Fail", to_msgpack(std::string("Permission denied")));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "rpc error making call: Permission denied");
  EXPECT_EQ(answer.error().kind, ErrorKind::kInternal);
  EXPECT_FALSE(never_sent(answer.error()));
  answer = rpc.call("Fail", to_msgpack(std::string("No cluster leader")));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "rpc error making call: No cluster leader");
  EXPECT_EQ(answer.error().kind, ErrorKind::kNoLeader);
  answer = rpc.call("Drop");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "rpc error making call: rpc: the request was dropped");
}

TEST(RpcPool, NobodyListens) {
  RpcFixture rpc;
  std::string address = rpc.address();
  rpc.listener.reset();
  auto answer = rpc.start("Echo", "\x80", {}, address).get();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "rpc error getting client: failed to get conn: dial tcp <nil>->" +
                                        address + ": connect: connection refused");
  EXPECT_EQ(answer.error().kind, ErrorKind::kIo);
  EXPECT_TRUE(never_sent(answer.error()));
  rpc.connect([](PoolOptions& options) { options.dial.source_ip = "127.0.0.7"; });
  answer = rpc.start("Echo", "\x80", {}, address).get();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "rpc error getting client: failed to get conn: dial tcp 127.0.0.7:0->" +
                                        address + ": connect: connection refused");
  EXPECT_FALSE(rpc.start("Echo", "\x80", {}, "no address").get());
}

TEST(RpcPool, ManyCallsAtOnceShareAConnection) {
  RpcFixture rpc;
  std::vector<RpcFixture::Answer> answers;
  for (int i = 0; i < 2000; ++i) answers.push_back(rpc.start("Echo", to_msgpack(i)));
  for (int i = 0; i < 2000; ++i) {
    auto answer = answers[static_cast<size_t>(i)].get();
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(*answer, to_msgpack(i));
  }
  EXPECT_EQ(rpc.pool->session_count(), 1u);
  // And again, on streams that are kept.
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(rpc.call("Echo"));
}

TEST(RpcPool, LargeOnesPassTheWindows) {
  RpcFixture rpc;
  std::string body = to_msgpack(std::string(20 << 20, 'x'));
  std::vector<RpcFixture::Answer> answers;
  for (int i = 0; i < 4; ++i) answers.push_back(rpc.start("Echo", body));
  for (auto& answer : answers) {
    auto result = answer.get();
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->size(), body.size());
  }
}

// More than both sides' sockets and kMaxUnsentBytes hold, both ways at once: nobody waits for the other for
// ever.
TEST(RpcPool, MuchTrafficBothWaysDoesNotStop) {
  RpcFixture rpc;
  std::string body = to_msgpack(std::string(250 << 10, 'x'));
  std::vector<RpcFixture::Answer> answers;
  for (size_t sent = 0; sent < 5 * kMaxUnsentBytes; sent += body.size())
    answers.push_back(rpc.start("Echo", body));
  for (auto& answer : answers) {
    auto result = answer.get();
    ASSERT_TRUE(result) << result.error().message;
    ASSERT_EQ(result->size(), body.size());
  }
}

TEST(RpcPool, ALateAnswerDelaysNobody) {
  RpcFixture rpc;
  auto late = rpc.start("Wait", "\x80");
  ASSERT_TRUE(eventually([&] { return rpc.handler.waiting() == 1; }));
  EXPECT_TRUE(rpc.call("Echo"));
  for (auto& call : rpc.handler.take_waiting()) call->respond(std::string("\x2a"));  // from this thread
  EXPECT_EQ(*late.get(), "\x2a");
}

TEST(RpcPool, ACancelledCallIsCancelledOnTheOtherSide) {
  RpcFixture rpc;
  auto call = rpc.start("Wait", "\x80");
  ASSERT_TRUE(eventually([&] { return rpc.handler.waiting() == 1; }));
  call.ticket.cancel();
  call.ticket.cancel();
  auto answer = call.get();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::kCancelled);
  EXPECT_TRUE(eventually([&] { return rpc.handler.cancelled == 1; }));
  EXPECT_TRUE(rpc.call("Echo"));
  EXPECT_EQ(rpc.pool->session_count(), 1u);
  call.ticket.cancel();  // long done
}

TEST(RpcPool, ACallThatTakesTooLong) {
  RpcFixture rpc;
  auto call = rpc.start("Wait", "\x80", 20ms);
  auto answer = call.get();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "rpc error making call: i/o deadline reached");
  EXPECT_EQ(answer.error().kind, ErrorKind::kTimeout);
  EXPECT_TRUE(eventually([&] { return rpc.handler.cancelled == 1; }));
}

TEST(RpcPool, ALostConnectionIsAnErrorAndThenMadeAgain) {
  RpcFixture rpc;
  uint16_t port = rpc.listener->port();
  auto call = rpc.start("Wait", "\x80");
  ASSERT_TRUE(eventually([&] { return rpc.handler.waiting() == 1; }));
  rpc.listener.reset();
  auto answer = call.get();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "rpc error making call: EOF");
  EXPECT_EQ(answer.error().kind, ErrorKind::kIo);
  EXPECT_FALSE(never_sent(answer.error()));
  EXPECT_EQ(rpc.handler.cancelled, 1);
  EXPECT_TRUE(eventually([&] { return rpc.pool->session_count() == 0; }));
  rpc.listen([&](ListenerOptions& options) { options.port = port; });
  EXPECT_TRUE(rpc.call("Echo"));
}

TEST(RpcPool, IdleSessionsAreClosed) {
  RpcFixture rpc;
  rpc.connect([](PoolOptions& options) { options.idle_timeout = 10ms; });
  EXPECT_TRUE(rpc.call("Echo"));
  EXPECT_TRUE(eventually([&] { return rpc.pool->session_count() == 0; }));
  EXPECT_TRUE(rpc.call("Echo"));
}

TEST(RpcPool, PingsKeepASessionOrEndIt) {
  RpcFixture rpc;
  rpc.connect([](PoolOptions& options) {
    options.keepalive = 5ms;
    options.write_timeout = 5s;
  });
  auto waits = rpc.start("Wait", "\x80");
  ASSERT_TRUE(eventually([&] { return rpc.handler.waiting() == 1; }));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(rpc.call("Echo"));
  for (auto& call : rpc.handler.take_waiting()) call->respond(std::string("\x80"));
  EXPECT_TRUE(waits.get());

  // Somebody who accepts and never answers.
  Reactor mute("mute");
  mute.start();
  std::vector<RawConnection> kept;
  std::unique_ptr<Acceptor> acceptor;
  mute.run([&] {
    acceptor = std::move(
        *Acceptor::listen(mute, "127.0.0.1", 0, [&](RawConnection raw) { kept.push_back(std::move(raw)); }));
  });
  rpc.connect([](PoolOptions& options) { options.keepalive = options.write_timeout = 10ms; });
  auto lost = rpc.start("Echo", "\x80", {}, "127.0.0.1:" + std::to_string(acceptor->port())).get();
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().message, "rpc error making call: EOF");
  mute.run([&] { acceptor.reset(); });
}

TEST(RpcPool, EndingThePoolEndsItsCalls) {
  RpcFixture rpc;
  auto open = rpc.start("Wait", "\x80");
  ASSERT_TRUE(eventually([&] { return rpc.handler.waiting() == 1; }));
  rpc.pool.reset();
  auto answer = open.get();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::kCancelled);
}

TEST(RpcPool, OnlySoManyCallsToOneAddress) {
  RpcFixture rpc;
  std::vector<RpcFixture::Answer> answers;
  for (size_t i = 0; i <= kMaxPoolCalls; ++i) answers.push_back(rpc.start("Wait", "\x80"));
  auto refused = answers.back().get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kRateLimited);
}

TEST(RpcPool, ForgettingAServerEndsItsCalls) {
  RpcFixture rpc;
  auto open = rpc.start("Wait", "\x80");
  ASSERT_TRUE(eventually([&] { return rpc.handler.waiting() == 1; }));
  rpc.pool->forget(rpc.address());
  auto answer = open.get();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "rpc error making call: EOF");
}

}  // namespace
}  // namespace praetor::rpc
