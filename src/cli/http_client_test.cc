#include "cli/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/api.h"
#include "cli/cancel.h"
#include "cli/test_server.h"

namespace praetor::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

std::unique_ptr<Api> open(const std::string& address, CaptureUi& ui, HttpFlags flags = {},
                          const Cancel* cancel = nullptr) {
  flags.address = address;
  auto api = Api::open(flags, ui, cancel);
  EXPECT_TRUE(api.has_value()) << (api ? "" : api.error().message);
  return std::move(*api);
}

TEST(HttpClientTest, KeepsTheConnection) {
  TestServer server([](const std::string&, const std::string&) { return ok_answer("x"); });
  CaptureUi ui;
  auto api = open(server.address(), ui);
  EXPECT_EQ(api->get("/v1/a")->body, "x");
  EXPECT_EQ(api->put("/v1/b", {{"k", "v w"}, {"c", "&"}}, "data")->body, "x");
  EXPECT_EQ(server.connections(), 1u);
  EXPECT_THAT(server.requests(), ElementsAre("GET /v1/a", "PUT /v1/b?c=%26&k=v+w"));
}

TEST(HttpClientTest, TriesOnceMoreWhenTheKeptConnectionIsGone) {
  int count = 0;
  TestServer server([&](const std::string&, const std::string&) -> std::string {
    return ++count == 2 ? "" : ok_answer("x");
  });
  CaptureUi ui;
  auto api = open(server.address(), ui);
  EXPECT_TRUE(api->get("/v1/a").has_value());
  EXPECT_TRUE(api->get("/v1/b").has_value());
  EXPECT_EQ(server.connections(), 2u);
}

TEST(HttpClientTest, DecodesChunks) {
  TestServer server([](const std::string&, const std::string&) {
    return std::string(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n"
        "0\r\nTrailer: z\r\n\r\n");
  });
  CaptureUi ui;
  auto api = open(server.address(), ui);
  EXPECT_EQ(api->get("/")->body, "abc0123456789");
  EXPECT_EQ(api->get("/")->body, "abc0123456789");
  EXPECT_EQ(server.connections(), 1u);
}

TEST(HttpClientTest, ReadsUntilTheEndOfTheStream) {
  TestServer server([](const std::string&, const std::string&) {
    return std::string("HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nrest");
  });
  CaptureUi ui;
  EXPECT_EQ(open(server.address(), ui)->get("/")->body, "rest");
}

TEST(HttpClientTest, NamesBadStatusAndTransportFailures) {
  TestServer server([](const std::string& head, const std::string&) -> std::string {
    if (head.contains("/cut")) return "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nabc";
    if (head.contains("/garbage")) return "SSH-2.0\r\nConnection: close\r\n\r\n";
    return answer_with(500, "no leader");
  });
  CaptureUi ui;
  auto api = open(server.address(), ui);
  EXPECT_EQ(api->get("/v1/x").error().message, "Unexpected response code: 500 (no leader)");
  EXPECT_THAT(api->get("/cut").error().message, HasSubstr("unexpected EOF"));
  EXPECT_THAT(api->get("/garbage").error().message, HasSubstr("malformed HTTP response"));
  EXPECT_EQ(open("127.0.0.1:1", ui)->get("/v1/kv/a b", {{"dc", "x"}}).error().message,
            "Get \"http://127.0.0.1:1/v1/kv/a%20b?dc=x\": dial tcp 127.0.0.1:1: connect: connection refused");
  EXPECT_EQ(open("unix:///nowhere/s", ui)->put("/v1/x").error().message,
            "Put \"http://%2Fnowhere%2Fs/v1/x\": dial unix /nowhere/s: connect: no such file or directory");
}

TEST(HttpClientTest, StreamsBothWays) {
  std::string received;
  TestServer server([&](const std::string&, const std::string& body) {
    received = body;
    return ok_answer("part");
  });
  CaptureUi ui;
  auto api = open(server.address(), ui);
  std::vector<std::string> pieces = {"abc", "", ""};
  size_t next = 0;
  EXPECT_TRUE(api->upload("/v1/snapshot", {}, [&]() -> Result<std::string> { return pieces[next++]; }));
  EXPECT_EQ(received, "3\r\nabc\r\n0\r\n\r\n");
  std::string streamed;
  EXPECT_TRUE(api->stream("/v1/agent/monitor", {}, [&](std::string_view piece) -> Status {
    streamed += piece;
    return {};
  }));
  EXPECT_EQ(streamed, "part");
}

TEST(HttpClientTest, CancelEndsAWait) {
  Cancel cancel;
  TestServer server([&](const std::string&, const std::string&) {
    cancel.trigger();
    return std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");  // the body never comes
  });
  CaptureUi ui;
  auto result = open(server.address(), ui, {}, &cancel)->get("/v1/x");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, ErrorKind::kCancelled);
}

TEST(ApiTest, TakesSettingsFromFlagsThenEnvironment) {
  std::string head;
  TestServer server([&](const std::string& text, const std::string&) {
    head = text;
    return ok_answer("");
  });
  CaptureUi ui;
  ui.environment = {{"CONSUL_HTTP_ADDR", "127.0.0.1:1"},
                    {"CONSUL_HTTP_TOKEN", "from-env"},
                    {"CONSUL_HTTP_AUTH", "user:pass"}};
  HttpFlags flags;
  flags.datacenter = "dc2";
  flags.stale = true;
  EXPECT_TRUE(open("http://" + server.address(), ui, flags)->get("/v1/x"));
  EXPECT_THAT(head, HasSubstr("GET /v1/x?dc=dc2&stale= HTTP/1.1"));
  EXPECT_THAT(head, HasSubstr("X-Consul-Token: from-env\r\n"));
  EXPECT_THAT(head, HasSubstr("Authorization: Basic dXNlcjpwYXNz"));
  flags.token = "from-flag";
  EXPECT_TRUE(open(server.address(), ui, flags)->get("/v1/x"));
  EXPECT_THAT(head, HasSubstr("X-Consul-Token: from-flag\r\n"));
}

TEST(ApiTest, RefusesBadSettings) {
  CaptureUi ui;
  HttpFlags flags;
  flags.address = "foo://x";
  EXPECT_EQ(Api::open(flags, ui).error().message, "Unknown protocol scheme: foo");
  flags = {};
  flags.token_file = "/nonexistent";
  EXPECT_EQ(Api::open(flags, ui).error().message,
            "Error loading token file: open /nonexistent: no such file or directory");
  flags = {};
  flags.client_cert = "/x";
  EXPECT_EQ(Api::open(flags, ui).error().message, "both client cert and client key must be provided");
  flags = {};
  flags.ca_file = "/nonexistent";
  EXPECT_EQ(Api::open(flags, ui).error().message,
            "Error loading CA File: open /nonexistent: no such file or directory");
}

TEST(ApiTest, EscapesAsGo) {
  EXPECT_EQ(escape_path("/v1/kv/a b/c?d&e+%\xC3\xA9"), "/v1/kv/a%20b/c%3Fd&e+%25%C3%A9");
  EXPECT_EQ(escape_query("a b/c:d~"), "a+b%2Fc%3Ad~");
}

TEST(ConnectionTest, SplitsAddresses) {
  EXPECT_EQ(split_host_port("h:1", "80"), std::pair(std::string("h"), std::string("1")));
  EXPECT_EQ(split_host_port("h", "80"), std::pair(std::string("h"), std::string("80")));
  EXPECT_EQ(split_host_port("[::1]:1", "80"), std::pair(std::string("::1"), std::string("1")));
  EXPECT_EQ(split_host_port("[::1]", "80"), std::pair(std::string("::1"), std::string("80")));
}

}  // namespace
}  // namespace praetor::cli
