// The listeners and the recursors, over real sockets on loopback.
#include "dns/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <thread>

#include "base/reactor.h"
#include "dns/fake_backend.h"
#include "dns/message.h"

namespace praetor::dns {
namespace {

std::string question(std::string_view name, uint16_t id = 7) {
  return write_query(id, name_from_text(name).value(), type::kA);
}

sockaddr_in loopback(uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return out;
}

// A client's or a fake recursor's socket; every wait is bounded.
class TestSocket {
 public:
  explicit TestSocket(int kind) : fd_(socket(AF_INET, kind, 0)) {
    timeval limit{10, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  ~TestSocket() { close(fd_); }
  TestSocket(const TestSocket&) = delete;
  TestSocket& operator=(const TestSocket&) = delete;

  void connect_to(uint16_t port) {
    sockaddr_in to = loopback(port);
    ASSERT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  uint16_t bind_any() {
    sockaddr_in at = loopback(0);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    socklen_t size = sizeof at;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size);
    return ntohs(at.sin_port);
  }
  void send_all(std::string_view data) {
    ASSERT_EQ(send(fd_, data.data(), data.size(), MSG_NOSIGNAL), ssize(data));
  }
  std::string receive() {
    std::string out(kMaxMessageBytes, '\0');
    ssize_t got = recv(fd_, out.data(), out.size(), 0);
    out.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return out;
  }
  std::string receive_exactly(size_t size) {
    std::string out(size, '\0');
    out.resize(recv(fd_, out.data(), size, MSG_WAITALL) == static_cast<ssize_t>(size) ? size : 0);
    return out;
  }
  std::string receive_framed() { return receive_exactly(Cursor(receive_exactly(2)).u16()); }
  int fd() const { return fd_; }

 private:
  static ssize_t ssize(std::string_view data) { return static_cast<ssize_t>(data.size()); }
  int fd_;
};

std::string framed(std::string_view packet) {
  std::string out;
  put_u16(out, static_cast<uint16_t>(packet.size()));
  return out.append(packet);
}

class ServerTest : public testing::Test {
 protected:
  void start(size_t reactors = 1, const std::string& ip = "127.0.0.1") {
    backend_.add_node("web1", "10.0.0.1");
    backend_.add_service("web1", "web", 80);
    Server::Options options;
    options.addresses = {{ip, 0}};
    options.config = CompiledConfig::make(config_).value();
    options.on_sample = [this](const Sample& sample) { queries_ += sample.queries; };
    for (size_t i = 0; i < reactors; ++i) {
      reactors_.push_back(std::make_unique<Reactor>("dns-test"));
      options.workers.push_back({&reactors_.back()->context(), &backend_});
    }
    auto server = Server::start(std::move(options));
    ASSERT_TRUE(server) << server.error().message;
    server_ = *std::move(server);
    for (auto& reactor : reactors_) reactor->start();
  }

  ~ServerTest() override {
    for (auto& reactor : reactors_) reactor->stop();
  }

  std::string ask_udp(std::string_view packet) {
    TestSocket client(SOCK_DGRAM);
    client.connect_to(server_->port(0));
    client.send_all(packet);
    return client.receive();
  }

  Config config_;
  FakeBackend backend_;
  std::vector<std::unique_ptr<Reactor>> reactors_;
  std::unique_ptr<Server> server_;
  std::atomic<uint64_t> queries_ = 0;
};

TEST_F(ServerTest, AnswersOverUdpAndTcp) {
  start();
  std::optional<Reply> reply = parse_reply(ask_udp(question("web.service.consul")));
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->answer.size(), 1u);
  TestSocket client(SOCK_STREAM);
  client.connect_to(server_->port(0));
  client.send_all(framed(question("web.service.consul")));
  EXPECT_EQ(client.receive_framed(), ask_udp(question("web.service.consul")));
  EXPECT_GE(queries_, 2u);
}

TEST_F(ServerTest, AnswersFromTheAddressThatWasAskedOnAWildcard) {
  start(1, "0.0.0.0");
  TestSocket client(SOCK_DGRAM);
  sockaddr_in to = loopback(server_->port(0));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);  // 127.0.0.2
  ASSERT_EQ(connect(client.fd(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  client.send_all(question("web.service.consul"));
  EXPECT_FALSE(client.receive().empty());  // a connected socket takes nothing from elsewhere
}

TEST_F(ServerTest, PipelinedTcpQueriesAreAllAnswered) {
  start();
  TestSocket client(SOCK_STREAM);
  client.connect_to(server_->port(0));
  std::string all;
  constexpr uint16_t kCount = 500;
  for (uint16_t id = 0; id < kCount; ++id) all += framed(question("web.service.consul", id));
  // In two pieces that cut a message.
  client.send_all(std::string_view(all).substr(0, 1001));
  client.send_all(std::string_view(all).substr(1001));
  for (uint16_t id = 0; id < kCount; ++id) {
    std::optional<Reply> reply = parse_reply(client.receive_framed());
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->id, id);
  }
}

TEST_F(ServerTest, SurvivesGarbage) {
  start();
  TestSocket client(SOCK_DGRAM);
  client.connect_to(server_->port(0));
  Random random(3);
  for (int i = 0; i < 200; ++i) {
    std::string packet = question("web.service.consul");
    for (int changes = 0; changes < 5; ++changes)
      packet[random.below(packet.size())] = static_cast<char>(random.next());
    client.send_all(packet.substr(0, random.below(packet.size()) + 1));
  }
  client.send_all(std::string(kMaxUdpQueryBytes + 1, 'x'));
  EXPECT_TRUE(parse_reply(ask_udp(question("web.service.consul"))));
}

TEST_F(ServerTest, ASecondServerMayNotShareTheAddress) {
  start(2);
  Reactor other("other");
  Server::Options options;
  options.addresses = {{"127.0.0.1", server_->port(0)}};
  options.config = CompiledConfig::make({}).value();
  options.workers = {{&other.context(), &backend_}};
  auto second = Server::start(std::move(options));
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("address already in use"), std::string::npos)
      << second.error().message;
}

TEST_F(ServerTest, TheRecursorsPacketIsPassedOn) {
  TestSocket silent(SOCK_DGRAM), refusing(SOCK_DGRAM), good(SOCK_DGRAM);
  config_.recursor_timeout = std::chrono::milliseconds(50);
  for (TestSocket* each : {&silent, &refusing, &good})
    config_.recursors.push_back("127.0.0.1:" + std::to_string(each->bind_any()));
  // Refuses, or answers 1.2.3.4; before that, something that nobody asked for.
  auto serve = [](TestSocket& recursor, bool answers) {
    std::string query(4096, '\0');
    sockaddr_in from{};
    socklen_t size = sizeof from;
    ssize_t got =
        recvfrom(recursor.fd(), query.data(), query.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 0) return;
    query.resize(static_cast<size_t>(got));
    Query parsed;
    parse_query(query, parsed);
    Record address = Record::address({}, 60, "\1\2\3\4");
    Response response;
    response.rcode = answers ? rcode::kNoError : rcode::kRefused;
    if (answers) response.answer = {&address};
    std::string packet(512, '\0');
    packet.resize(MessageWriter().write(parsed, response, true, packet));
    std::string forged = packet;
    forged[0] = static_cast<char>(forged[0] + 1);
    for (const std::string& each : {forged, packet})
      sendto(recursor.fd(), each.data(), each.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
  };
  start();
  std::thread refuses([&] { serve(refusing, false); }), replies([&] { serve(good, true); });
  std::optional<Reply> reply = parse_reply(ask_udp(question("www.Example.com", 4321)));
  refuses.join();
  replies.join();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->id, 4321);
  EXPECT_EQ(reply->question.wire(), name_from_text("www.Example.com").value());
  ASSERT_EQ(reply->answer.size(), 1u);
  EXPECT_EQ(reply->answer[0].head(), "\1\2\3\4");
}

TEST_F(ServerTest, NoRecursorThereMeansServfail) {
  {
    TestSocket gone(SOCK_DGRAM);
    config_.recursors = {"127.0.0.1:" + std::to_string(gone.bind_any())};
  }
  start();
  std::optional<Reply> reply = parse_reply(ask_udp(question("www.example.com")));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->flags, 0x8182);
}

TEST_F(ServerTest, TakesANewConfiguration) {
  start(2);
  config_.domain = "praetor.";
  server_->set_config(CompiledConfig::make(config_).value());
  for (auto& reactor : reactors_) {
    std::promise<void> applied;
    reactor->post([&] { applied.set_value(); });
    applied.get_future().wait();
  }
  std::optional<Reply> reply = parse_reply(ask_udp(question("web.service.praetor")));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->answer.size(), 1u);
}

}  // namespace
}  // namespace praetor::dns
