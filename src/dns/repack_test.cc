#include "dns/repack.h"

#include <gtest/gtest.h>

#include "dns/message.h"

namespace praetor::dns {
namespace {

std::string wire(std::string_view text) { return *name_from_text(text); }

// An answer with everything written in full.
std::string plain_answer(std::initializer_list<std::pair<uint16_t, std::string>> records) {
  std::string out;
  put_u16(out, 7);
  put_u16(out, flag::kResponse | flag::kRecursionDesired);
  put_u16(out, 1);
  put_u16(out, static_cast<uint16_t>(records.size()));
  put_u32(out, 0);
  out += wire("www.example.com");
  put_u16(out, type::kA);
  put_u16(out, kClassIN);
  for (const auto& [rrtype, data] : records) {
    out += wire("www.example.com");
    put_u16(out, rrtype);
    put_u16(out, kClassIN);
    put_u32(out, 300);
    put_u16(out, static_cast<uint16_t>(data.size()));
    out += data;
  }
  return out;
}

TEST(Repack, CompressesOwnersAndOldTypes) {
  std::string mx;
  put_u16(mx, 10);
  std::string in = plain_answer({{type::kA, "\x01\x02\x03\x04"}, {type::kMX, mx + wire("mx.example.com")}});
  std::string out = repack(in, true);
  // Two owners of 17 bytes are pointers now, and mx.example.com is mx and a pointer.
  EXPECT_EQ(out.size(), in.size() - 2 * 15 - (16 - 5));
  auto reply = parse_reply(out);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->answer.at(0).owner(), wire("www.example.com"));
  EXPECT_EQ(repack(out, true), out);
  EXPECT_EQ(repack(out, false), in);
}

TEST(Repack, WritesTheNamesOfYoungTypesInFull) {
  std::string srv(6, '\1');
  std::string out = repack(plain_answer({{type::kSRV, srv + wire("www.example.com")}}), true);
  EXPECT_NE(out.find(srv + wire("www.example.com")), out.npos);
}

TEST(Repack, LeavesAloneWhatItCannotRead) {
  std::string in = plain_answer({{type::kA, "\x01\x02\x03\x04"}});
  for (size_t size = 0; size < in.size(); ++size)
    EXPECT_EQ(repack(in.substr(0, size), true), in.substr(0, size));
  std::string naptr = plain_answer({{35, "whatever"}});
  EXPECT_EQ(repack(naptr, true), naptr);
}

}  // namespace
}  // namespace praetor::dns
