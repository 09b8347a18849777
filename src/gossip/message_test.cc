#include "gossip/message.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "base/text.h"
#include "gossip/framing.h"
#include "gossip/lzw.h"
#include "gossip/serf_message.h"

namespace praetor::gossip {
namespace {

std::string bytes(std::string_view hex) { return hex_decode(hex).value(); }

std::string random_text(Random& random, size_t length, uint64_t alphabet) {
  std::string text(length, '\0');
  for (char& c : text) c = static_cast<char>(random.below(alphabet));
  return text;
}

TEST(Message, EncodesAsMemberlistDoes) {
  // Keys sorted, smallest integers, texts and bytes as raw; the Source fields are left out when empty.
  EXPECT_EQ(hex_encode(encode(MessageType::kPing, Ping{.seq_no = 300, .node = "b"})),
            "00"
            "82"
            "a44e6f6465"
            "a162"
            "a55365714e6f"
            "cd012c");
  EXPECT_EQ(hex_encode(encode(MessageType::kSuspect, Suspect{1, "a", "b"})),
            "03"
            "83"
            "a446726f6d"
            "a162"
            "ab496e6361726e6174696f6e"
            "01"
            "a44e6f6465"
            "a161");
  EXPECT_EQ(hex_encode(encode(MessageType::kAckResp, AckResp{7, {}})),
            "02"
            "82"
            "a75061796c6f6164"
            "c0"
            "a55365714e6f"
            "07");
}

TEST(Message, SourceFieldsComeAndGo) {
  Ping ping{9, "n", Bytes(bytes("7f000001")), 8301, "me"};
  auto back = decode<Ping>(std::string_view(encode(MessageType::kPing, ping)).substr(1));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->source_addr, ping.source_addr);
  EXPECT_EQ(back->source_port, 8301);
  EXPECT_EQ(back->source_node, "me");
}

TEST(Message, DecodesOtherIntegerFormsAndUnknownKeys) {
  auto suspect =
      decode<Suspect>(bytes("84"
                            "ab496e6361726e6174696f6e"
                            "cf0000000000000005"
                            "a44e6f6465"
                            "d90161"
                            "a446726f6d"
                            "a162"
                            "a558787878"
                            "78"
                            "90"));
  ASSERT_TRUE(suspect);
  EXPECT_EQ(suspect->incarnation, 5u);
  EXPECT_EQ(suspect->node, "a");
}

TEST(Message, PushPullRoundTrip) {
  std::string one = bytes("7f000001"), two = bytes("7f000002"), vsn = Versions{}.bytes(), user("\x02\x80", 2);
  PushPull message;
  message.join = true;
  message.nodes.push_back({"a", one, "meta", vsn, 8301, 3, 0});
  message.nodes.push_back({"b", two, {}, vsn, 8301, 9, 3});
  message.user_state = user;
  std::string encoded = encode_push_pull(message);
  EXPECT_EQ(*stream_message_length(encoded + "tail"), encoded.size());
  auto back = decode_push_pull(std::string_view(encoded).substr(1));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_TRUE(back->join);
  ASSERT_EQ(back->nodes.size(), 2u);
  EXPECT_EQ(back->nodes[1].name, "b");
  EXPECT_EQ(back->nodes[1].state, 3);
  EXPECT_EQ(back->user_state, message.user_state);
  for (size_t cut = 1; cut < encoded.size(); ++cut) {
    EXPECT_EQ(*stream_message_length(std::string_view(encoded).substr(0, cut)), 0u) << cut;
    EXPECT_FALSE(decode_push_pull(std::string_view(encoded).substr(1, cut - 1)));
  }
}

TEST(Message, PushPullWithAnImpossibleCountIsRefusedAtOnce) {
  PushPull none;
  std::string encoded = encode_push_pull(none);
  size_t at = encoded.find("Nodes") + 5;
  std::string huge = encoded.substr(0, at) + bytes("ce7fffffff") + encoded.substr(at + 1);
  EXPECT_FALSE(decode_push_pull(std::string_view(huge).substr(1)));
  EXPECT_FALSE(stream_message_length(huge));
}

TEST(Message, CompoundKeepsWhatIsWhole) {
  std::string compound = encode_compound({"one", "two", "three"});
  auto whole = decode_compound(std::string_view(compound).substr(1));
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->parts, (std::vector<std::string_view>{"one", "two", "three"}));
  auto cut = decode_compound(std::string_view(compound).substr(1, compound.size() - 2));
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->parts.size(), 2u);
  EXPECT_EQ(cut->lost, 1u);
  EXPECT_FALSE(decode_compound(bytes("02000300")));
}

TEST(Message, VersionsNeedSixBytes) {
  EXPECT_EQ(*Versions::from_bytes(bytes("010502020504")), Versions{});
  EXPECT_EQ(Versions::from_bytes("")->max, 0);
  EXPECT_FALSE(Versions::from_bytes(bytes("0105")));
}

TEST(Lzw, CodesAreTheFormats) {
  // Clear, 'A', 258 ("AA"), 'A', end: nine bits each, least significant first.
  EXPECT_EQ(hex_encode(lzw_compress("AAAA")), "0083080c1210");
  EXPECT_EQ(*lzw_decompress(bytes("0083080c1210"), 100), "AAAA");
}

TEST(Lzw, RoundTripsThroughEveryWidthAndManyClears) {
  Random random(7);
  for (uint64_t alphabet : {1, 2, 4, 256})
    for (size_t length : {0, 1, 2, 254, 255, 256, 257, 3839, 3840, 3841, 5000, 70000}) {
      std::string text = random_text(random, length, alphabet);
      auto back = lzw_decompress(lzw_compress(text), 1 << 20);
      ASSERT_TRUE(back) << alphabet << " " << length << " " << back.error().message;
      EXPECT_EQ(*back, text) << alphabet << " " << length;
    }
}

TEST(Lzw, GarbageIsAnErrorAndBombsAreBounded) {
  EXPECT_FALSE(lzw_decompress("", 100));
  EXPECT_FALSE(lzw_decompress(lzw_compress("abcabc").substr(0, 4), 100));
  EXPECT_EQ(lzw_decompress(lzw_compress(std::string(1 << 20, 'x')), 1000).error().kind, ErrorKind::kTooLarge);
  Random random(3);
  for (int i = 0; i < 3000; ++i) (void)lzw_decompress(random_text(random, random.below(60), 256), 1 << 16);
}

TEST(Keyring, SealsAndOpensBothVersionsWithEveryKeySize) {
  for (size_t size : {16, 24, 32})
    for (uint8_t version : {kPaddedEncryption, kPlainEncryption})
      for (size_t length : {0, 1, 15, 16, 17, 1000}) {
        auto ring = Keyring::make({}, std::string(size, 'k'));
        ASSERT_TRUE(ring);
        std::string message(length, 'm'), sealed = ring->seal(version, message, "context");
        EXPECT_EQ(sealed.size(), sealed_length(version, length));
        EXPECT_EQ(*ring->open(sealed, "context"), message);
        EXPECT_FALSE(ring->open(sealed, "other"));
        sealed.back() = static_cast<char>(sealed.back() ^ 1);
        EXPECT_FALSE(ring->open(sealed, "context"));
      }
}

TEST(Keyring, RotatesWithoutAGap) {
  std::string old_key(16, 'a'), new_key(16, 'b');
  auto one = Keyring::make({}, old_key), other = Keyring::make({}, old_key);
  ASSERT_TRUE(one->add(new_key));
  ASSERT_TRUE(other->add(new_key));
  ASSERT_TRUE(one->use(new_key));
  EXPECT_EQ(*other->open(one->seal(1, "x", ""), ""), "x");
  EXPECT_EQ(*one->open(other->seal(1, "y", ""), ""), "y");
  ASSERT_TRUE(one->remove(old_key));
  EXPECT_EQ(one->open(other->seal(1, "y", ""), "").error().message,
            "No installed keys could decrypt the message");
  EXPECT_EQ(one->remove(new_key).error().message, "Removing the primary key is not allowed");
  EXPECT_EQ(one->use(old_key).error().message, "Requested key is not in the keyring");
  EXPECT_EQ(one->add("short").error().message, "key size must be 16, 24 or 32 bytes");
}

TEST(Keyring, FileFormat) {
  auto ring = Keyring::make({std::string(16, 'a')}, std::string(16, 'b'));
  EXPECT_EQ(ring->to_json(), "[\n  \"YmJiYmJiYmJiYmJiYmJiYg==\",\n  \"YWFhYWFhYWFhYWFhYWFhYQ==\"\n]");
  auto back = Keyring::from_json(ring->to_json());
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->keys(), ring->keys());
  EXPECT_FALSE(Keyring::from_json("[]"));
  EXPECT_FALSE(Keyring::from_json("[\"AAAA\"]"));
  EXPECT_FALSE(Keyring::from_json("{"));
}

std::vector<std::string> unframed(const Framing& framing, std::string_view packet) {
  std::vector<std::string> messages;
  EXPECT_TRUE(unframe_packet(framing, packet, [&](std::string_view m) { messages.emplace_back(m); }));
  return messages;
}

TEST(Framing, PacketsInEveryDress) {
  auto ring = Keyring::make({}, std::string(32, 'k'));
  std::string message = encode(MessageType::kSuspect, Suspect{1, std::string(300, 'n'), "from"});
  std::string compound = encode_compound({message, message});
  for (bool compress : {false, true})
    for (bool checksum : {false, true})
      for (const Keyring* keyring :
           {static_cast<const Keyring*>(nullptr), static_cast<const Keyring*>(&*ring)}) {
        Framing framing{.keyring = keyring, .compress = compress};
        std::string packet = frame_packet(framing, compound, checksum);
        EXPECT_EQ(unframed(framing, packet), (std::vector<std::string>{message, message}));
        packet[packet.size() / 2] = static_cast<char>(packet[packet.size() / 2] ^ 0x10);
        if (checksum || keyring != nullptr) {
          EXPECT_FALSE(unframe_packet(framing, packet, [](std::string_view) {}));
        }
      }
}

TEST(Framing, PlainPacketsAreRefusedUnlessVerificationIsOff) {
  auto ring = Keyring::make({}, std::string(16, 'k'));
  Framing strict{.keyring = &*ring}, lax{.keyring = &*ring, .verify_incoming = false};
  std::string plain = frame_packet({}, encode(MessageType::kNackResp, NackResp{1}), false);
  EXPECT_FALSE(unframe_packet(strict, plain, [](std::string_view) {}));
  EXPECT_EQ(unframed(lax, plain).size(), 1u);
}

TEST(Framing, NestingIsBounded) {
  std::string message = encode(MessageType::kNackResp, NackResp{1});
  for (int i = 0; i < 20; ++i) message = encode_compound({message});
  EXPECT_FALSE(unframe_packet({}, message, [](std::string_view) {}));
}

TEST(Framing, StreamsByteByByte) {
  auto ring = Keyring::make({}, std::string(16, 'k'));
  std::string ip = bytes("7f000001"), vsn = Versions{}.bytes();
  PushPull state;
  state.nodes.push_back({"a", ip, "meta", vsn, 8301, 3, 0});
  state.user_state = "\x02user";
  for (const std::string& kept :
       {encode_push_pull(state), encode_user_stream("hello"), encode(MessageType::kErr, ErrResp{"bad"})}) {
    for (bool compress : {false, true})
      for (const Keyring* keyring :
           {static_cast<const Keyring*>(nullptr), static_cast<const Keyring*>(&*ring)}) {
        Framing framing{.keyring = keyring, .compress = compress};
        StreamReader reader(framing);
        std::string stream = frame_stream(framing, kept), got;
        for (size_t i = 0; i < stream.size(); ++i) {
          auto result = reader.feed(std::string_view(stream).substr(i, 1));
          ASSERT_TRUE(result) << result.error().message;
          EXPECT_EQ(result->empty(), i + 1 < stream.size());
          got = *result;
        }
        EXPECT_EQ(got, kept);
      }
  }
}

TEST(Framing, StreamErrorsAreMemberlists) {
  auto ring = Keyring::make({}, std::string(16, 'k'));
  Framing plain{}, sealed{.keyring = &*ring};
  std::string ping = encode(MessageType::kPing, Ping{1, "n", {}, 0, ""});
  EXPECT_EQ(StreamReader(plain).feed(frame_stream(sealed, ping)).error().message,
            "Remote state is encrypted and encryption is not configured");
  EXPECT_EQ(StreamReader(sealed).feed(frame_stream(plain, ping)).error().message,
            "Encryption is configured but remote state is not encrypted");
  EXPECT_FALSE(StreamReader(sealed).feed(bytes("0affffffff")));
  EXPECT_FALSE(StreamReader(plain).feed("GET / HTTP/1.1"));
}

TEST(SerfMessage, TagsAreMetaData) {
  Tags tags{{"role", "consul"}, {"dc", "dc1"}};
  EXPECT_EQ(hex_encode(encode_tags(tags)),
            "ff"
            "82"
            "a26463"
            "a3646331"
            "a4726f6c65"
            "a6636f6e73756c");
  EXPECT_EQ(decode_tags(encode_tags(tags)), tags);
  EXPECT_EQ(*decode_tags("web").get("role"), "web");
  EXPECT_EQ(decode_tags("\xff\xc1").size(), 0u);
  EXPECT_EQ(hex_encode(encode_tags({})), "ff80");
}

TEST(SerfMessage, StateRoundTripAndCuts) {
  SerfState state;
  state.ltime = 9;
  state.event_ltime = 3;
  state.query_ltime = 4;
  state.status_ltimes = {{"b", 2}, {"a", 1}};
  state.left_members = {"gone"};
  state.events.resize(3);
  state.events[1] = {2, {{"deploy", "payload"}, {"x", ""}}};
  std::string encoded = encode_serf_state(state);
  auto back = decode_serf_state(std::string_view(encoded).substr(1));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->status_ltimes.size(), 2u);
  EXPECT_EQ(back->left_members, state.left_members);
  ASSERT_EQ(back->events.size(), 1u);  // nil slots are dropped
  EXPECT_EQ(back->events[0].events[0].payload, "payload");
  EXPECT_EQ(back->query_ltime, 4u);
  for (size_t cut = 1; cut < encoded.size(); ++cut)
    EXPECT_FALSE(decode_serf_state(std::string_view(encoded).substr(1, cut - 1)));
}

TEST(SerfMessage, RelayAndFilters) {
  Address to = *Address::parse("127.0.0.9:8301");
  std::string relay = encode_relay(to, "node", "\x05payload");
  auto back = decode_relay(std::string_view(relay).substr(1));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->to, to);
  EXPECT_EQ(back->name, "node");
  EXPECT_EQ(back->message, "\x05payload");
  EXPECT_FALSE(decode_relay("\x80"));

  QueryFilter nodes{QueryFilter::Kind::kNodes, {"a", "b"}, "", ""};
  EXPECT_EQ(hex_encode(encode_filter(nodes)), "0092a161a162");
  EXPECT_EQ(decode_filter(encode_filter(nodes))->nodes, nodes.nodes);
  QueryFilter tag{QueryFilter::Kind::kTag, {}, "role", "^web"};
  EXPECT_EQ(decode_filter(encode_filter(tag))->expression, "^web");
  EXPECT_FALSE(decode_filter(""));
  EXPECT_FALSE(decode_filter("\x05\x80"));
}

TEST(Address, MappedIpv4IsIpv4) {
  EXPECT_EQ(IpAddress::from_bytes(bytes("00000000000000000000ffff7f000001")), *IpAddress::parse("127.0.0.1"));
  EXPECT_EQ(Address::parse("[::1]:8301")->text(), "[::1]:8301");
  EXPECT_FALSE(Address::parse("::1:8301"));
  EXPECT_FALSE(Address::parse("host:1"));
  EXPECT_FALSE(Address::parse("127.0.0.1:99999"));
  Cidr net{*IpAddress::parse("10.1.0.0"), 15};
  EXPECT_TRUE(net.contains(*IpAddress::parse("10.0.255.1")));
  EXPECT_FALSE(net.contains(*IpAddress::parse("10.2.0.1")));
  EXPECT_FALSE(net.contains(*IpAddress::parse("::1")));
}

}  // namespace
}  // namespace praetor::gossip
