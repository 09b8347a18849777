#include "http/request_head.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace praetor::http {
namespace {

size_t head_end(std::string_view input) {
  size_t from = 0;
  return find_head_end(input, from);
}

TEST(RequestHead, EndsAtTheEmptyLine) {
  EXPECT_EQ(head_end("GET / HTTP/1.1\r\nHost: x\r\n\r\nbody"), 27u);
  EXPECT_EQ(head_end("GET / HTTP/1.1\nHost: x\n\nbody"), 24u);
  EXPECT_EQ(head_end("GET / HTTP/1.1\r\nHost: x\r\n"), std::string_view::npos);
}

TEST(RequestHead, IsFoundHoweverItArrives) {
  std::string all = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  size_t from = 0;
  for (size_t length = 0; length < all.size(); ++length)
    EXPECT_EQ(find_head_end(std::string_view(all).substr(0, length), from), std::string_view::npos) << length;
  EXPECT_EQ(find_head_end(all, from), all.size());
}

TEST(RequestHead, IsRefusedWithGosWords) {
  auto said = [](std::string_view head) {
    std::string text = refuse_head(head);
    return text.substr(0, text.find('\r'));
  };
  EXPECT_EQ(said("GET /v1/x?a=%zz HTTP/1.1\r\nHost: a:1\r\n\r\n"), "");
  EXPECT_EQ(said("GET / HTTP/1.0\r\n\r\n"), "");
  EXPECT_EQ(said("GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 Bad Request: missing required Host header");
  EXPECT_EQ(said("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
            "HTTP/1.1 400 Bad Request: too many Host headers");
  EXPECT_EQ(said("GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n"),
            "HTTP/1.1 400 Bad Request: malformed Host header");
  EXPECT_EQ(said("GET / HTTP/1.1\r\nHost: a\r\nBad Name: b\r\n\r\n"),
            "HTTP/1.1 400 Bad Request: invalid header name");
  EXPECT_EQ(said("GET / HTTP/1.1\r\nHost: a\r\nx: \x01\r\n\r\n"),
            "HTTP/1.1 400 Bad Request: invalid header value");
  EXPECT_EQ(said("GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
            "HTTP/1.1 400 Bad Request: unsupported protocol version");
  EXPECT_EQ(said("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(said("GET v1 HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(said("GET /\r\n\r\n"), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(said("GET / HTTP/1.1\r\nHost: a\r\nnocolon\r\n\r\n"), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(said("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"),
            "HTTP/1.1 501 Not Implemented");
}

TEST(RequestHead, IsRefusedByItsFirstLineAlone) {
  EXPECT_EQ(refuse_start("GET / HTT"), "");  // more may come
  EXPECT_EQ(refuse_start("GET / HTTP/1.1\r\nHo"), "");
  for (std::string_view start : {"\x16\x03\x01\n", "garbage\r\nHost: x", "GET\r\n", "GET / FTP/1\n"})
    EXPECT_TRUE(refuse_start(start).starts_with("HTTP/1.1 400 Bad Request\r\n")) << start;
}

TEST(RequestHead, GetsItsStrictForm) {
  EXPECT_FALSE(is_lenient_head("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_TRUE(is_lenient_head("GET / HTTP/1.1\nHost: x\n\n"));
  EXPECT_EQ(normal_head("GET / HTTP/1.1\nHost: x\n: y\n\n"), "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
}

}  // namespace
}  // namespace praetor::http
