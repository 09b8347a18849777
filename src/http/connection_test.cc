#include "http/connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>

#include "base/clock.h"

namespace praetor::http {
namespace {

// One connection over a socket pair, on a reactor that the test polls.
struct ConnectionTest : testing::Test {
  ConnectionTest() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    options->body_limit = [](const Request&) -> uint64_t { return 1 << 20; };
    options->compress = false;
    options->handler = [this](const ExchangePtr& exchange) {
      bodies.push_back(exchange->request().body);
      exchange->respond(Response::text(200, answer));
    };
    connection = make_connection(ends[0], AF_UNIX, reactor, options, "127.0.0.1");
    connection->start();
  }
  ~ConnectionTest() override {
    connection->close();
    poll();
    ::close(ends[1]);
  }
  void poll() {
    reactor.context().restart();
    reactor.context().poll();
  }
  void send(std::string_view text) {
    EXPECT_EQ(::send(ends[1], text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    poll();
  }
  // What has come by now, at most so much.
  std::string read(size_t most) {
    std::string text(most, 0);
    ssize_t got = ::recv(ends[1], text.data(), most, MSG_DONTWAIT);
    text.resize(got < 0 ? 0 : static_cast<size_t>(got));
    return text;
  }
  // Later than every time the connection has looked at the clock so far.
  static Instant later() {
    Instant now = system_clock().now();
    while (system_clock().now() <= now) {
    }
    return now;
  }

  int ends[2];
  Reactor reactor{"test"};
  std::shared_ptr<ConnectionOptions> options = std::make_shared<ConnectionOptions>();
  std::shared_ptr<Connection> connection;
  std::vector<std::string> bodies;
  std::string answer = "done";
};

TEST_F(ConnectionTest, AHeadHasItsTime) {
  send("PUT /x HT");
  Instant begun = later();
  send("TP/1.1\r\nHost: x\r\n");
  EXPECT_TRUE(connection->expired(begun + kHeaderTimeout));
}

TEST_F(ConnectionTest, ABodyMayComeSlowly) {
  send("PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n");
  for (std::string_view byte : {"a", "b"}) {
    Instant before = later();
    send(byte);
    EXPECT_FALSE(connection->expired(before + kHeaderTimeout)) << byte;
  }
  EXPECT_TRUE(connection->expired(later() + kHeaderTimeout));
  send("c");
  EXPECT_EQ(bodies, std::vector<std::string>{"abc"});
}

TEST_F(ConnectionTest, AnAnswerMayBeReadSlowly) {
  answer.clear();
  for (int i = 0; i < 300'000; ++i) answer += std::to_string(i) + " ";
  std::string got;
  send("GET /x HTTP/1.1\r\nHost: x\r\n\r\nGET /y HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  int times = 0;
  for (std::string piece; !(piece = read(400'000)).empty(); ++times) {
    got += piece;
    Instant before = later();
    poll();
    if (got.size() < answer.size()) {
      EXPECT_FALSE(connection->expired(before + kHeaderTimeout)) << times;
    }
  }
  EXPECT_GT(times, 5);
  size_t first = got.find(answer), second = got.find(answer, first + answer.size());
  EXPECT_NE(second, got.npos);
  EXPECT_TRUE(got.ends_with("\r\n0\r\n\r\n"));
}

TEST_F(ConnectionTest, WhoDoesNotReadIsNotAnsweredOnAndOn) {
  answer = std::string(1 << 20, 'x');
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += "GET /x HTTP/1.1\r\nHost: x\r\n\r\n";
  send(requests);
  EXPECT_LT(bodies.size(), 5u);
  send(requests);
  EXPECT_LT(bodies.size(), 5u);
  size_t got = 0;
  for (size_t now = 1; now > 0; poll()) {
    now = read(1 << 20).size();
    got += now;
  }
  EXPECT_EQ(bodies.size(), 200u);
  EXPECT_GT(got, 200u << 20);
}

TEST_F(ConnectionTest, WhoReadsNothingIsClosed) {
  answer = std::string(8 << 20, 'x');
  send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_FALSE(connection->closed());
  EXPECT_TRUE(connection->expired(later() + kHeaderTimeout));
}

}  // namespace
}  // namespace praetor::http
