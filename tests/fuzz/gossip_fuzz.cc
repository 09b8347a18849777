// Packets and streams of the gossip pools: taken apart, decoded, and written again. The first byte chooses
// how.
#include "gossip/framing.h"
#include "gossip/lzw.h"
#include "gossip/serf_message.h"
#include "tests/fuzz/target.h"

namespace praetor::gossip {
namespace {

template <typename T>
void round_trip(std::string_view body) {
  auto message = decode<T>(body);
  if (!message) return;
  std::string once = codec::to_msgpack(*message);
  auto again = decode<T>(once);
  CHECK(again.has_value());
  CHECK(codec::to_msgpack(*again) == once);
}

void read_serf(std::string_view message) {
  if (message.empty()) return;
  std::string_view body = message.substr(1);
  round_trip<JoinIntent>(body);
  round_trip<LeaveIntent>(body);
  round_trip<UserEventMessage>(body);
  round_trip<QueryMessage>(body);
  round_trip<QueryResponseMessage>(body);
  round_trip<KeyRequest>(body);
  round_trip<KeyResponse>(body);
  round_trip<MemberMessage>(body);
  (void)decode_relay(body);
  (void)decode_filter(message);
  if (auto state = decode_serf_state(body)) {
    auto again = decode_serf_state(std::string_view(encode_serf_state(*state)).substr(1));
    CHECK(again.has_value() && again->ltime == state->ltime);
  }
  Tags tags = decode_tags(message);
  if (message[0] == '\xff') (void)encode_tags(tags);
}

void read_message(std::string_view message) {
  CHECK(!message.empty());
  std::string_view body = message.substr(1);
  round_trip<Ping>(body);
  round_trip<IndirectPing>(body);
  round_trip<AckResp>(body);
  round_trip<NackResp>(body);
  round_trip<Suspect>(body);
  round_trip<Dead>(body);
  round_trip<Alive>(body);
  round_trip<ErrResp>(body);
  if (auto state = decode_push_pull(body)) {
    auto again = decode_push_pull(std::string_view(encode_push_pull(*state)).substr(1));
    CHECK(again.has_value() && again->nodes.size() == state->nodes.size());
    read_serf(state->user_state);
  }
  if (auto user = decode_user_stream(body)) read_serf(*user);
  read_serf(body);
}

void read_stream(const Framing& framing, std::string_view input, size_t piece) {
  StreamReader reader(framing);
  while (!input.empty()) {
    auto message = reader.feed(input.substr(0, piece));
    input.remove_prefix(std::min(piece, input.size()));
    if (!message) return;
    if (message->empty()) continue;
    read_message(*message);
    return;
  }
}

}  // namespace
}  // namespace praetor::gossip

PRAETOR_FUZZ_TARGET(gossip) {
  using namespace praetor::gossip;
  if (input.empty()) return;
  auto flags = static_cast<uint8_t>(input[0]);
  input.remove_prefix(1);
  static const Keyring ring =
      Keyring::make({std::string(16, 'k'), std::string(32, 'l')}, std::string(16, 'k')).value();
  Framing plain;
  Framing sealed{.keyring = &ring};
  const Framing& framing = (flags & 1) != 0 ? sealed : plain;
  // Sealed here, so that what lies behind the encryption is reached.
  if ((flags & 2) != 0) {
    std::string packet = ring.seal(kPlainEncryption, input, "");
    CHECK(ring.open(packet, "").value() == input);
    (void)unframe_packet(sealed, packet, read_message);
  }
  (void)unframe_packet(framing, input, read_message);
  read_stream(framing, input, (flags & 4) != 0 ? 1 + flags / 8 : input.size() + 1);
  if (auto unpacked = lzw_decompress(input, 1 << 16)) CHECK(unpacked->size() <= 1 << 16);
  CHECK(lzw_decompress(lzw_compress(input), 1 << 20).value() == input);
  (void)Keyring::from_json(input);
}
