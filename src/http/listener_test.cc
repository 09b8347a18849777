#include "http/listener.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <future>

#include "base/test_patience.h"
#include "base/text.h"

namespace praetor::http {
namespace {

// A client that speaks raw bytes.
class Client {
 public:
  explicit Client(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    timeval limit{5, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~Client() { ::close(fd_); }
  void send(std::string_view text) {
    EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  // Reads until `end` was seen or the peer closed.
  std::string read_until(std::string_view end) {
    char buffer[4096];
    while (!contains(text_, end)) {
      ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
      if (got <= 0) break;
      text_.append(buffer, static_cast<size_t>(got));
    }
    return text_;
  }
  void close_now() {
    ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
  std::string text_;
};

struct Fixture : testing::Test {
  Fixture() : reactor("test") { reactor.start(); }
  void listen(std::function<void(ExchangePtr)> handler, uint32_t per_client = 200) {
    ListenerOptions options;
    ListenAddress address;
    address.host = "127.0.0.1";
    options.addresses = {address};
    options.reactors = {&reactor};
    options.max_connections_per_client = per_client;
    options.body_limit = [](const Request& request) -> uint64_t {
      return request.target == "/small" ? 4 : 1 << 20;
    };
    options.handler = std::move(handler);
    auto started = Listener::start(std::move(options));
    ASSERT_TRUE(started) << started.error().message;
    listener = std::move(*started);
  }
  Reactor reactor;
  std::unique_ptr<Listener> listener;
};

void echo(ExchangePtr exchange) {
  exchange->respond(Response::text(200, exchange->request().method_text + " " + exchange->request().target +
                                            " " + exchange->request().body));
}

TEST_F(Fixture, AnswersPipelinedRequestsInOrder) {
  listen(echo);
  Client client(listener->port(0));
  client.send(
      "GET /a HTTP/1.1\r\nHost: x\r\n\r\nPUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nxyzGET /c "
      "HTTP/1.1\r\n"
      "Host: x\r\nConnection: close\r\n\r\n");
  std::string text = client.read_until("\nnever");
  size_t a = text.find("GET /a "), b = text.find("PUT /b xyz"), c = text.find("GET /c ");
  EXPECT_TRUE(a < b && b < c && c != text.npos) << text;
  EXPECT_TRUE(contains(text, "Content-Type: text/plain; charset=utf-8"));
}

TEST_F(Fixture, TakesChunkedBodiesAndHonoursTheLimit) {
  listen(echo);
  Client client(listener->port(0));
  client.send(
      "PUT /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_TRUE(contains(client.read_until("PUT /c"), "PUT /c abcde"));
  Client other(listener->port(0));
  other.send("PUT /small HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000000000000000\r\n\r\nabc");
  std::string refused = other.read_until("\nnever");
  EXPECT_TRUE(contains(refused, "PUT /small ")) << refused;
  EXPECT_TRUE(contains(refused, "Connection: close"));
}

// Waits until everything that was sent before on any connection has been read: the reactor takes them in
// turn.
void settle(uint16_t port) {
  for (int i = 0; i < 2; ++i) {
    Client other(port);
    other.send("GET /settle HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(contains(other.read_until("GET /settle"), "200 OK"));
  }
}

TEST_F(Fixture, TakesTheEndOfAChunkedBodyByteByByte) {
  listen(echo);
  for (std::string_view end : {"0\r\n\r\n", "1\r\na\r\n0\r\n\r\n", "00;x=1\r\nT: y\r\n\r\n"}) {
    Client client(listener->port(0));
    client.send("PUT /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (char byte : end) {
      settle(listener->port(0));
      client.send({&byte, 1});
    }
    EXPECT_TRUE(contains(client.read_until("PUT /c"), "PUT /c ")) << end;
  }
}

TEST_F(Fixture, RefusesAChunkHeaderWithoutEnd) {
  listen(echo);
  for (std::string_view start : {"1;x=", "0\r\nT: "}) {
    Client client(listener->port(0));
    client.send("PUT /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(start) +
                std::string(kMaxChunkHeaderBytes + 100, 'a'));
    EXPECT_TRUE(contains(client.read_until("\nnever"), "HTTP/1.1 400 Bad Request")) << start;
  }
}

TEST_F(Fixture, RefusesGarbage) {
  listen(echo);
  Client client(listener->port(0));
  client.send("\x16\x03\x01 garbage\r\n\r\n");
  EXPECT_TRUE(contains(client.read_until("\nnever"), "HTTP/1.1 400 Bad Request"));
}

TEST_F(Fixture, CancelsWhenTheClientLeaves) {
  std::promise<void> cancelled;
  std::promise<void> arrived;
  ExchangePtr held;
  listen([&](ExchangePtr exchange) {
    exchange->on_cancel([&] { cancelled.set_value(); });
    held = std::move(exchange);
    arrived.set_value();
  });
  Client client(listener->port(0));
  client.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  arrived.get_future().wait();
  client.close_now();
  EXPECT_EQ(cancelled.get_future().wait_for(kPatience), std::future_status::ready);
}

TEST_F(Fixture, StreamsInChunks) {
  listen([](ExchangePtr exchange) {
    auto stream = exchange->respond_stream(Response{});
    stream->write("one");
    stream->write("two");
    stream->finish();
  });
  Client client(listener->port(0));
  client.send("GET /s HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(contains(client.read_until("0\r\n\r\n"), "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"));
}

TEST_F(Fixture, ClosesConnectionsAboveTheLimitOfAClient) {
  listen(echo, 1);
  Client first(listener->port(0));
  first.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(contains(first.read_until("GET /1"), "200 OK"));
  Client second(listener->port(0));
  EXPECT_EQ(second.read_until("x"), "");
}

// The read of the closed connection is still queued in the reactor when that goes, after the listener.
TEST(Listener, MayGoBeforeTheReactorHasEndedItsConnections) {
  std::promise<void> stopped;
  auto reactor = std::make_unique<Reactor>("test");
  reactor->start();
  ListenerOptions options;
  options.addresses = {ListenAddress{.host = "127.0.0.1"}};
  options.reactors = {reactor.get()};
  options.handler = [](const ExchangePtr& exchange) { exchange->respond(Response{}); };
  auto started = Listener::start(std::move(options));
  ASSERT_TRUE(started);
  auto listener = std::move(*started);
  Client client(listener->port(0));
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  client.read_until("\r\n\r\n");
  reactor->post([&] {
    listener.reset();
    reactor->context().stop();
    stopped.set_value();
  });
  stopped.get_future().wait();
  reactor.reset();
}

TEST(Target, DecodesPathAndQuery) {
  Request request;
  request.target = "/v1/kv/a%2Fb?x=1&tag=a+b&tag=%26&flag";
  ASSERT_TRUE(parse_target(request));
  EXPECT_EQ(request.path, "/v1/kv/a/b");
  EXPECT_EQ(request.parameters("tag").size(), 2u);
  EXPECT_EQ(request.parameter("tag"), "a b");
  EXPECT_TRUE(request.has("flag"));
  request.target = "/v1/%zz";
  EXPECT_FALSE(parse_target(request));
}

}  // namespace
}  // namespace praetor::http
