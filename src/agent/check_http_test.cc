#include <gtest/gtest.h>

#include "agent/check_test_server.h"

namespace praetor::agent {
namespace {

std::string reply(const std::string& status, const std::string& body, const std::string& extra = "") {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + extra +
         "\r\n" + body;
}

std::string answer(const std::string& path) {
  std::string head = "HTTP/1.1 200 OK\r\n";
  if (path == "/404") return reply("404 Not Found", "nf");
  if (path == "/429") return reply("429 Too Many Requests", "slow");
  if (path == "/204") return "HTTP/1.1 204 No Content\r\n\r\n";
  if (path == "/bare") return reply("200", "x");
  if (path == "/bare-space") return reply("200 ", "x");
  if (path == "/big") return reply("200 OK", std::string(20000, 'x') + "0123456789");
  if (path == "/close") return "";
  if (path == "/garbage") return "SSH-2.0-foo\r\n\r\n";
  if (path == "/half") return "HTTP/1.1 200 O";
  if (path == "/half-header") return "HTTP/1.1 200 OK\r\nA: b\r\nFo";
  if (path == "/bad-header") return "HTTP/1.1 200 OK\r\nfoo bar\r\n\r\n";
  if (path == "/bad-length") return "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n";
  if (path == "/bad-status") return "HTTP/1.1 20 OK\r\n\r\n";
  if (path == "/bad-version") return "HTTP/3.x 200 OK\r\n\r\n";
  if (path == "/short") return head + "Content-Length: 100\r\n\r\nshort";
  if (path == "/chunked")
    return head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nT: v\r\n\r\n";
  if (path == "/bad-chunk") return head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n";
  if (path == "/until-close") return "HTTP/1.0 200 OK\r\n\r\nbody to close";
  if (path == "/early") return "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" + reply("200 OK", "after");
  if (path == "/hang") return "hang";
  if (path == "/hang-body") return head + "Content-Length: 100\r\n\r\npart<hang>";
  if (path == "/301") return reply("301 Moved Permanently", "", "Location: /ok\r\n");
  if (path == "/303") return reply("303 See Other", "", "Location: ok?a=b#frag\r\n");
  if (path == "/307") return reply("307 Temporary Redirect", "", "Location: /ok\r\n");
  if (path == "/loop") return reply("302 Found", "", "Location: /loop\r\n");
  if (path == "/nowhere") return reply("302 Found", "");
  if (path == "/bad-location") return reply("302 Found", "", "Location: http://[::1:x/%zz\r\n");
  if (path == "/ftp") return reply("302 Found", "", "Location: ftp://a/b\r\n");
  return reply("200 OK", "hello");
}

struct HttpCheck : ProbeFixture {
  CheckSpec spec_of(const std::string& url) {
    CheckSpec spec;
    spec.id = "c";
    spec.http = url;
    spec.timeout = std::chrono::seconds(10);
    return spec;
  }
  CheckResult get(const std::string& path) { return probe(make_http_probe, spec_of(server.url(path))); }
  std::string failure(const std::string& url) {
    CheckResult result = probe(make_http_probe, spec_of(url));
    EXPECT_EQ(result.status, CheckStatus::kCritical);
    return result.output;
  }
  std::string broken(const std::string& path, const std::string& why) {
    return "Get \"" + server.url(path) + "\": net/http: HTTP/1.x transport connection broken: " + why;
  }
  TestHttpServer server{answer};
};

// The texts below are those that Consul 1.8.7 gave for the same servers.
TEST_F(HttpCheck, StatusDecides) {
  EXPECT_EQ(get("/ok"),
            (CheckResult{CheckStatus::kPassing, "HTTP GET " + server.url("/ok") + ": 200 OK Output: hello"}));
  EXPECT_EQ(get("/404"), (CheckResult{CheckStatus::kCritical,
                                      "HTTP GET " + server.url("/404") + ": 404 Not Found Output: nf"}));
  EXPECT_EQ(get("/429"), (CheckResult{CheckStatus::kWarning, "HTTP GET " + server.url("/429") +
                                                                 ": 429 Too Many Requests Output: slow"}));
  EXPECT_EQ(get("/204").output, "HTTP GET " + server.url("/204") + ": 204 No Content Output: ");
  EXPECT_EQ(get("/bare").output, "HTTP GET " + server.url("/bare") + ": 200 Output: x");
  EXPECT_EQ(get("/bare-space").output, "HTTP GET " + server.url("/bare-space") + ": 200  Output: x");
}

TEST_F(HttpCheck, BodiesOfEveryFraming) {
  std::string prefix = "HTTP GET " + server.url("/chunked") + ": 200 OK Output: ";
  EXPECT_EQ(get("/chunked").output, prefix + "hello world");
  EXPECT_TRUE(get("/until-close").output.ends_with(": 200 OK Output: body to close"));
  EXPECT_TRUE(get("/early").output.ends_with(": 200 OK Output: after"));
  EXPECT_TRUE(get("/short").output.ends_with(": 200 OK Output: short"));
  EXPECT_EQ(get("/bad-chunk").status, CheckStatus::kPassing);
  CheckSpec spec = spec_of(server.url("/big"));
  spec.output_max_size = 12;
  EXPECT_TRUE(probe(make_http_probe, spec).output.ends_with(" Output: xx0123456789"));
}

TEST_F(HttpCheck, BrokenAnswers) {
  EXPECT_EQ(failure(server.url("/close")), "Get \"" + server.url("/close") + "\": EOF");
  EXPECT_EQ(failure(server.url("/garbage")), broken("/garbage", "malformed HTTP response \"SSH-2.0-foo\""));
  EXPECT_EQ(failure(server.url("/half")), broken("/half", "unexpected EOF"));
  EXPECT_EQ(failure(server.url("/half-header")),
            broken("/half-header", "malformed MIME header: missing colon: \"Fo\""));
  EXPECT_EQ(failure(server.url("/bad-header")),
            broken("/bad-header", "malformed MIME header: missing colon: \"foo bar\""));
  EXPECT_EQ(failure(server.url("/bad-length")), broken("/bad-length", "bad Content-Length \"x\""));
  EXPECT_EQ(failure(server.url("/bad-status")), broken("/bad-status", "malformed HTTP status code \"20\""));
  EXPECT_EQ(failure(server.url("/bad-version")),
            broken("/bad-version", "malformed HTTP version \"HTTP/3.x\""));
}

TEST_F(HttpCheck, Timeouts) {
  CheckSpec spec = spec_of(server.url("/hang"));
  spec.timeout = std::chrono::milliseconds(100);
  EXPECT_EQ(probe(make_http_probe, spec).output,
            "Get \"" + spec.http +
                "\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
  spec.http = server.url("/hang-body");
  EXPECT_EQ(probe(make_http_probe, spec),
            (CheckResult{CheckStatus::kPassing, "HTTP GET " + spec.http + ": 200 OK Output: part"}));
}

TEST_F(HttpCheck, RequestAsConsulSendsIt) {
  get("/ok");
  EXPECT_EQ(server.requests().back(),
            "GET /ok HTTP/1.1\r\nHost: " + server.address() +
                "\r\nUser-Agent: Consul Health Check\r\nAccept: text/plain, text/*, "
                "*/*\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n");
  CheckSpec spec = spec_of(server.url("/ok"));
  spec.method = "POST";
  spec.body = "the body";
  spec.header = {{"Host", {"my.host"}}, {"X-Foo", {"a", "b"}}, {"Content-Type", {"text/x"}}};
  EXPECT_EQ(probe(make_http_probe, spec).output, "HTTP POST " + spec.http + ": 200 OK Output: hello");
  EXPECT_EQ(server.requests().back(),
            "POST /ok HTTP/1.1\r\nHost: my.host\r\nUser-Agent: Consul Health Check\r\nContent-Length: "
            "8\r\nAccept: text/plain, text/*, */*\r\nContent-Type: text/x\r\nX-Foo: a\r\nX-Foo: "
            "b\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\nthe body");
}

TEST_F(HttpCheck, Redirects) {
  EXPECT_EQ(get("/301").output, "HTTP GET " + server.url("/301") + ": 200 OK Output: hello");
  EXPECT_TRUE(contains(server.requests().back(), "Referer: " + server.url("/301") + "\r\n"));
  get("/303");
  EXPECT_TRUE(server.requests().back().starts_with("GET /ok?a=b HTTP/1.1\r\n"));
  EXPECT_EQ(failure(server.url("/loop")), "Get \"/loop\": stopped after 10 redirects");
  EXPECT_EQ(failure(server.url("/nowhere")),
            "Get \"" + server.url("/nowhere") + "\": 302 response missing Location header");
  EXPECT_EQ(
      failure(server.url("/bad-location")),
      "Get \"" + server.url("/bad-location") +
          "\": failed to parse Location header \"http://[::1:x/%zz\": parse \"http://[::1:x/%zz\": missing "
          "']' in host");
  EXPECT_EQ(failure(server.url("/ftp")), "Get \"ftp://a/b\": unsupported protocol scheme \"ftp\"");
  CheckSpec spec = spec_of(server.url("/301"));
  spec.follow_redirects = false;
  EXPECT_EQ(probe(make_http_probe, spec).status, CheckStatus::kCritical);
}

TEST_F(HttpCheck, RedirectedPost) {
  CheckSpec spec = spec_of(server.url("/301"));
  spec.method = "POST";
  spec.body = "the body";
  spec.header = {{"Host", {"my.host"}}, {"Authorization", {"secret"}}};
  EXPECT_EQ(probe(make_http_probe, spec).output, "HTTP POST " + spec.http + ": 200 OK Output: hello");
  EXPECT_TRUE(server.requests().back().starts_with("GET /ok HTTP/1.1\r\nHost: my.host\r\n"));
  EXPECT_TRUE(contains(server.requests().back(), "Authorization: secret\r\n"));
  EXPECT_FALSE(contains(server.requests().back(), "the body"));
  spec.http = server.url("/307");
  probe(make_http_probe, spec);
  EXPECT_TRUE(server.requests().back().starts_with("POST /ok HTTP/1.1\r\n"));
  EXPECT_TRUE(server.requests().back().ends_with("the body"));
}

TEST_F(HttpCheck, SecretsStayWithTheirHost) {
  TestHttpServer other([&](const std::string&) {
    return reply("302 Found", "", "Location: http://localhost:" + std::to_string(server.port()) + "/ok\r\n");
  });
  CheckSpec spec = spec_of(other.url("/"));
  spec.header = {{"Authorization", {"secret"}}, {"Cookie", {"c=d"}}, {"X-Foo", {"a"}}};
  EXPECT_EQ(probe(make_http_probe, spec).status, CheckStatus::kPassing);
  EXPECT_FALSE(contains(server.requests().back(), "secret"));
  EXPECT_FALSE(contains(server.requests().back(), "c=d"));
  EXPECT_TRUE(contains(server.requests().back(), "X-Foo: a"));
}

TEST_F(HttpCheck, WhatNeverLeaves) {
  EXPECT_EQ(failure("http://127.0.0.1:1/"),
            "Get \"http://127.0.0.1:1/\": dial tcp 127.0.0.1:1: connect: connection refused");
  EXPECT_EQ(failure("http://u:p@127.0.0.1:1/ok"),
            "Get \"http://u:***@127.0.0.1:1/ok\": dial tcp 127.0.0.1:1: connect: connection refused");
  EXPECT_EQ(failure("127.0.0.1:19601/ok"),
            "parse \"127.0.0.1:19601/ok\": first path segment in URL cannot contain colon");
  EXPECT_EQ(failure("localhost:19601/ok"),
            "Get \"localhost:19601/ok\": unsupported protocol scheme \"localhost\"");
  EXPECT_EQ(failure("/x"), "Get \"/x\": unsupported protocol scheme \"\"");
  EXPECT_EQ(failure("http:///x"), "Get \"http:///x\": http: no Host in request URL");
  EXPECT_EQ(failure("http://"), "Get \"http:\": http: no Host in request URL");
  EXPECT_EQ(failure("http://127.0.0.1:99999/"),
            "Get \"http://127.0.0.1:99999/\": dial tcp: address 99999: invalid port");
  EXPECT_EQ(failure("http://127.0.0.1:abc/"),
            "parse \"http://127.0.0.1:abc/\": invalid port \":abc\" after host");
  EXPECT_EQ(failure("http://127.0.0.1/a b%zz"),
            "parse \"http://127.0.0.1/a b%zz\": invalid URL escape \"%zz\"");
  CheckSpec spec = spec_of(server.url("/ok"));
  spec.method = "BAD METHOD";
  EXPECT_EQ(probe(make_http_probe, spec).output, "net/http: invalid method \"BAD METHOD\"");
  spec = spec_of(server.url("/ok"));
  spec.header = {{"X", {"a\nb"}}};
  EXPECT_EQ(probe(make_http_probe, spec).output,
            "Get \"" + spec.http + "\": net/http: invalid header field value \"a\\nb\" for key X");
  EXPECT_TRUE(server.requests().empty());
}

struct TcpCheck : ProbeFixture {
  CheckResult connect(const std::string& target, Duration timeout = std::chrono::seconds(5)) {
    CheckSpec spec;
    spec.tcp = target;
    spec.timeout = timeout;
    return probe(make_tcp_probe, spec);
  }
};

TEST_F(TcpCheck, TextsAsConsul) {
  TestServer server([](int) {});
  EXPECT_EQ(connect(server.address()),
            (CheckResult{CheckStatus::kPassing, "TCP connect " + server.address() + ": Success"}));
  EXPECT_EQ(connect("localhost:" + std::to_string(server.port())).status, CheckStatus::kPassing);
  EXPECT_EQ(connect("127.0.0.1:1").output, "dial tcp 127.0.0.1:1: connect: connection refused");
  EXPECT_EQ(connect("[::1]:1").output, "dial tcp [::1]:1: connect: connection refused");
  EXPECT_EQ(connect("127.0.0.1").output, "dial tcp: address 127.0.0.1: missing port in address");
  EXPECT_EQ(connect("::1:80").output, "dial tcp: address ::1:80: too many colons in address");
  EXPECT_EQ(connect("[::1]").output, "dial tcp: address [::1]: missing port in address");
  EXPECT_EQ(connect("127.0.0.1:zork").output, "dial tcp: address tcp/zork: unknown port");
}

TEST_F(TcpCheck, FullBacklogTimesOut) {
  // Nobody accepts: once the backlog is full, further connections hang.
  int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 0), 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::vector<int> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ::connect(clients.back(), reinterpret_cast<sockaddr*>(&address), size);
  }
  std::string target = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  EXPECT_EQ(connect(target, std::chrono::milliseconds(100)).output, "dial tcp " + target + ": i/o timeout");
  for (int fd : clients) ::close(fd);
  ::close(listener);
}

}  // namespace
}  // namespace praetor::agent
