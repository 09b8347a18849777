#include "dns/message.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace praetor::dns {
namespace {

std::string name(std::string_view text) { return name_from_text(text).value(); }
std::string bytes(std::string_view hex) { return hex_decode(hex).value(); }

std::string query_packet(std::string_view text, uint16_t qtype, std::string_view opt = {}) {
  std::string packet = write_query(0x1234, name(text), qtype);
  if (!opt.empty()) packet[11] = 1;
  return packet.append(opt);
}

std::string opt_record(uint16_t udp_bytes, std::string_view options = {}) {
  std::string out(1, '\0');
  put_u16(out, type::kOPT);
  put_u16(out, udp_bytes);
  put_u32(out, 0);
  put_u16(out, static_cast<uint16_t>(options.size()));
  return out.append(options);
}

TEST(Name, TextToWireAndBack) {
  EXPECT_EQ(name("web.Service.consul"), std::string("\3web\7Service\6consul\0", 20));
  EXPECT_EQ(name("web.service.consul."), name("web.service.consul"));
  EXPECT_EQ(name("."), std::string(1, '\0'));
  EXPECT_EQ(name_to_text(name("a\\.b.c\\032d.\\007x")), "a\\.b.c\\ d.\\007x.");
  for (const char* bad : {"a..b", ".a", "\\", "a.\\999"}) EXPECT_FALSE(name_from_text(bad)) << bad;
}

TEST(Name, LimitsHold) {
  std::string label(63, 'x');
  EXPECT_TRUE(name_from_text(label));
  EXPECT_FALSE(name_from_text(label + "x"));
  std::string longest = label + "." + label + "." + label + "." + std::string(61, 'y');
  EXPECT_EQ(name(longest).size(), kMaxNameBytes);
  EXPECT_FALSE(name_from_text(longest + "y"));
}

TEST(Name, SuffixesBeginAtLabels) {
  size_t at = 0;
  EXPECT_TRUE(name_ends_with(name("a.CONSUL"), name("consul"), &at));
  EXPECT_EQ(at, 2u);
  EXPECT_TRUE(name_ends_with(name("consul"), name("consul"), &at));
  EXPECT_EQ(at, 0u);
  EXPECT_FALSE(name_ends_with(name("xconsul"), name("consul")));
  // The bytes of a label may look like the suffix.
  EXPECT_FALSE(name_ends_with(name("x\\006consul"), name("consul")));
}

TEST(Name, PointersLeadBackwardsOnly) {
  NameBuffer out;
  std::string packet("\3web\0\1a\xc0\0", 9);
  Cursor good(packet);
  good.seek(5);
  ASSERT_TRUE(read_name(good, out));
  EXPECT_EQ(out.wire(), name("a.web"));
  EXPECT_TRUE(good.at_end());
  for (std::string_view bad :
       {std::string_view("\xc0\0", 2), std::string_view("\xc0\2\1a\0", 5), std::string_view("\1a\xc0\0", 4),
        std::string_view("\x40\0", 2), std::string_view("\3we", 3), std::string_view("", 0)}) {
    Cursor cursor(bad);
    EXPECT_FALSE(read_name(cursor, out)) << hex_encode(bad);
    EXPECT_FALSE(cursor.ok());
  }
}

TEST(Query, KeepsTheSpelling) {
  Query query;
  ASSERT_EQ(parse_query(query_packet("WeB.service.consul", type::kSRV), query), Verdict::kAccept);
  EXPECT_EQ(query.name.wire(), name("WeB.service.consul"));
  EXPECT_EQ(query.id, 0x1234);
  EXPECT_EQ(query.qtype, type::kSRV);
  EXPECT_FALSE(query.has_edns);
}

TEST(Query, ReadsEdnsAndClientSubnet) {
  Query query;
  std::string packet = query_packet("x", type::kA,
                                    opt_record(1232, bytes("0008000700011400"
                                                           "0102ff")));
  ASSERT_EQ(parse_query(packet, query), Verdict::kAccept);
  EXPECT_EQ(query.edns_udp_bytes, 1232);
  ASSERT_TRUE(query.has_subnet);
  EXPECT_EQ(query.subnet.source_bits, 20);
  EXPECT_EQ(query.subnet.address[2], 0xf0);  // host bits are cleared
  // 33 bits of an IPv4 address; an unknown family; an option that ends too early.
  for (const char* bad :
       {"00080009000121000102030405", "0008000700031800010203", "0008000400", "00080003000118"}) {
    EXPECT_EQ(parse_query(query_packet("x", type::kA, opt_record(1232, bytes(bad))), query),
              Verdict::kFormatError)
        << bad;
  }
}

TEST(Query, RefusesAsConsulDoes) {
  Query query;
  EXPECT_EQ(parse_query("", query), Verdict::kIgnore);
  EXPECT_EQ(parse_query(std::string(11, '\0'), query), Verdict::kIgnore);
  std::string packet = query_packet("x", type::kA);
  std::string response = packet;
  response[2] |= '\x80';
  EXPECT_EQ(parse_query(response, query), Verdict::kIgnore);
  std::string status = packet;
  status[2] = '\x15';  // opcode STATUS, aa, rd
  ASSERT_EQ(parse_query(status, query), Verdict::kNotImplemented);
  EXPECT_EQ(hex_encode(write_rejection(query, Verdict::kNotImplemented)), "123491040000000000000000");
  std::string two = packet;
  two[5] = 2;
  ASSERT_EQ(parse_query(two, query), Verdict::kFormatError);
  EXPECT_EQ(hex_encode(write_rejection(query, Verdict::kFormatError)), "123481010000000000000000");
  // A question that was read comes back.
  std::string cut = query_packet("x", type::kA, "\1");
  ASSERT_EQ(parse_query(cut, query), Verdict::kFormatError);
  EXPECT_EQ(hex_encode(write_rejection(query, Verdict::kFormatError)),
            "12348101000100000000000001780000010001");
  // The header alone is a query without a question.
  ASSERT_EQ(parse_query(packet.substr(0, 12), query), Verdict::kAccept);
  EXPECT_FALSE(query.has_question);
}

class Writer : public testing::Test {
 protected:
  std::string write(const std::vector<const Record*>& answer,
                    const std::vector<const Record*>& additional = {}, bool compress = true) {
    Response response;
    response.answer = answer;
    response.additional = additional;
    std::string out(kMaxMessageBytes, '\0');
    size_t size = writer.write(query, response, compress, out);
    EXPECT_EQ(writer.measure(query, response, compress, kMaxMessageBytes), size);
    out.resize(size);
    return out;
  }
  void ask(std::string_view text, uint16_t qtype) {
    ASSERT_EQ(parse_query(query_packet(text, qtype), query), Verdict::kAccept);
  }
  Query query;
  MessageWriter writer;
};

// Recorded from Consul 1.8.7.
TEST_F(Writer, SrvTargetsAreWhollyWrittenAndPointedTo) {
  ask("upsvc.service.consul", type::kSRV);
  std::string target = name("UP.Dot.node.dc1.consul");
  Record srv = Record::srv({}, 13, 1, 1, 1, target);
  Record a = Record::address(target, 13, bytes("0a1a0002"));
  std::string packet = write({&srv}, {&a});
  EXPECT_EQ(packet.size(), 96u);
  EXPECT_EQ(hex_encode(packet),
            "123485000001000100000001057570737663077365727669636506636f6e73756c0000210001c00c"
            "002100010000000d001e00010001000102555003446f74046e6f64650364633106636f6e73756c00"
            "c038000100010000000d00040a1a0002");
}

TEST_F(Writer, NamesOfOlderTypesArePointers) {
  ask("loop1.node.consul", type::kA);
  std::string one = name("loop1.node.consul"), two = name("loop2.node.consul");
  Record first = Record::cname({}, 7, two), second = Record::cname(two, 7, one);
  EXPECT_EQ(write({&first, &second, &first, &second}).size(), 97u);  // as Consul's
  EXPECT_EQ(write({&first, &second}, {}, false).size(), 35u + 2 * (19 + 10 + 19));
}

TEST_F(Writer, CaseKeepsNamesApart) {
  ask("A.Consul", type::kA);
  std::string lower = name("a.consul");
  Record record = Record::address(lower, 0, "\1\2\3\4");
  EXPECT_EQ(write({&record}).size(), 12u + 10 + 4 + 10 + 10 + 4);
}

TEST_F(Writer, NothingPointsBeyondFourteenBits) {
  ask("x", type::kTXT);
  std::string late = name("late.example");
  std::vector<Record> filler(70, Record::txt({}, 0, std::string(255, 'a')));
  std::vector<const Record*> answer;
  for (const Record& each : filler) answer.push_back(&each);
  Record address = Record::address(late, 0, "\1\2\3\4");
  size_t before = write(answer).size();
  ASSERT_GT(before, 0x4000u);
  EXPECT_EQ(write(answer, {&address, &address}).size(), before + 2 * (late.size() + 14));
}

TEST_F(Writer, DoesNotWritePastTheEnd) {
  ask("x", type::kTXT);
  Record record = Record::txt({}, 0, std::string(200, 'a'));
  Response response;
  response.answer.assign(5, &record);
  std::string whole = write(response.answer);
  for (size_t room = 0; room < whole.size(); ++room) {
    std::vector<char> out(room);
    EXPECT_EQ(writer.write(query, response, true, out), 0u);
  }
  std::vector<char> out(whole.size());
  EXPECT_EQ(writer.write(query, response, true, out), whole.size());
}

TEST_F(Writer, LongTextIsCutIntoStrings) {
  Record record = Record::txt({}, 0, std::string(300, 'a'));
  EXPECT_EQ(record.head().size(), 302u);
  EXPECT_EQ(record.head()[0], '\xff');
  EXPECT_EQ(record.head()[256], 45);
  EXPECT_EQ(Record::txt({}, 0, "").head(), std::string_view("\0", 1));
}

TEST_F(Writer, ManyMessagesShareOneTable) {
  ask("web.service.consul", type::kSRV);
  std::string target = name("n1.node.dc1.consul");
  Record srv = Record::srv({}, 0, 1, 1, 80, target);
  Record a = Record::address(target, 0, "\1\2\3\4");
  std::string first = write({&srv}, {&a});
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(write({&srv}, {&a}), first);
}

TEST(Replies, AreReadBack) {
  Query query;
  ASSERT_EQ(parse_query(query_packet("cn.example", type::kA), query), Verdict::kAccept);
  Record cname = Record::cname({}, 60, name("target.example"));
  Record a = Record::address(name("target.example"), 61, "\1\2\3\4");
  Response response;
  response.answer = {&cname, &a};
  std::string packet(512, '\0');
  packet.resize(MessageWriter().write(query, response, true, packet));
  std::optional<Reply> reply = parse_reply(packet);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->id, 0x1234);
  ASSERT_EQ(reply->answer.size(), 2u);
  EXPECT_EQ(reply->answer[0], Record::cname(name("cn.example"), 60, name("target.example")));
  EXPECT_EQ(reply->answer[1], a);
  for (size_t size = 0; size < packet.size(); ++size)
    if (auto cut = parse_reply(std::string_view(packet).substr(0, size))) {
      EXPECT_LT(cut->answer.size(), 2u);
    }
}

}  // namespace
}  // namespace praetor::dns
