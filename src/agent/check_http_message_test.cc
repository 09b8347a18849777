#include "agent/check_http_message.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "agent/check_url.h"

namespace praetor::agent {
namespace {

using State = ResponseReader::State;

std::string gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(text.size() + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

TEST(ResponseReader, ByteByByte) {
  std::string bytes =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
  ResponseReader reader(false, true, 4096);
  for (size_t i = 0; i + 1 < bytes.size(); ++i) ASSERT_NE(reader.feed(bytes.substr(i, 1)), State::kFailed);
  EXPECT_EQ(reader.feed(bytes.substr(bytes.size() - 1)), State::kDone);
  EXPECT_EQ(reader.body().tail(), "hello world");
  EXPECT_EQ(reader.header("a"), "b");
}

TEST(ResponseReader, Gzip) {
  std::string packed = gzip("unpacked");
  std::string head =
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " + std::to_string(packed.size()) +
      "\r\n\r\n";
  ResponseReader reader(false, true, 4096);
  EXPECT_EQ(reader.feed(head + packed), State::kDone);
  EXPECT_EQ(reader.body().tail(), "unpacked");
  ResponseReader untouched(false, false, 4096);
  untouched.feed(head + packed);
  EXPECT_EQ(untouched.body().tail(), packed);
  ResponseReader broken(false, true, 4096);
  EXPECT_EQ(broken.feed("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot gzip at all"), State::kDone);
  EXPECT_EQ(broken.body().tail(), "");
}

TEST(ResponseReader, Limits) {
  ResponseReader head(false, true, 4096);
  std::string piece(1 << 20, 'x');
  head.feed("HTTP/1.1 200 OK\r\nA: ");
  State state = State::kHead;
  for (int i = 0; i < 11 && state == State::kHead; ++i) state = head.feed(piece);
  EXPECT_EQ(state, State::kFailed);
  EXPECT_EQ(head.error(),
            "net/http: HTTP/1.x transport connection broken: net/http: server response headers exceeded "
            "10485760 bytes; "
            "aborted");
  ResponseReader body(false, true, 4);
  state = body.feed("HTTP/1.1 200 OK\r\n\r\n");
  for (int i = 0; i < 20 && state == State::kBody; ++i) state = body.feed(piece);
  EXPECT_EQ(state, State::kDone);
  EXPECT_EQ(body.body().tail(), "xxxx");
}

TEST(Url, ReadsAndPrintsAsGo) {
  auto text = [](const char* url) {
    auto parsed = parse_url(url);
    return parsed ? parsed->text() : parsed.error().message;
  };
  EXPECT_EQ(text("http://u:p@h:80/a b?c d=e#f"), "http://u:***@h:80/a%20b?c d=e#f");
  EXPECT_EQ(text("HTTP://H/x%2Fy"), "http://H/x%2Fy");
  EXPECT_EQ(text("http://"), "http:");
  EXPECT_EQ(text(":x"), "parse \":x\": missing protocol scheme");
  EXPECT_EQ(text("http://a b/"), "parse \"http://a b/\": invalid character \" \" in host name");
  EXPECT_EQ(text("http://[::1/"), "parse \"http://[::1/\": missing ']' in host");
  EXPECT_EQ(text("http://a/\x01"), "parse \"http://a/\\x01\": net/url: invalid control character in URL");
  EXPECT_EQ(parse_url("http://[::1]:80/")->hostname(), "::1");
  EXPECT_EQ(parse_url("http://[::1]:80/")->port(), "80");
  EXPECT_EQ(parse_url("http://a?x=y")->request_target(), "/?x=y");
}

TEST(Url, Resolves) {
  auto base = parse_url("http://a/b/c/d?q");
  auto at = [&](const char* reference) { return resolve_url(*base, *parse_url(reference)).text(); };
  EXPECT_EQ(at("g"), "http://a/b/c/g");
  EXPECT_EQ(at("./g/."), "http://a/b/c/g/");
  EXPECT_EQ(at("../../../g"), "http://a/g");
  EXPECT_EQ(at("/g?y"), "http://a/g?y");
  EXPECT_EQ(at("//g/x"), "http://g/x");
  EXPECT_EQ(at("?y"), "http://a/b/c/d?y");
  EXPECT_EQ(at("https://z"), "https://z");
}

}  // namespace
}  // namespace praetor::agent
