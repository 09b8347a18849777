#include "gossip/framing.h"

#include <zlib.h>

#include "base/cursor.h"
#include "gossip/lzw.h"

namespace praetor::gossip {

namespace {

MessageType type_of_message(std::string_view message) { return static_cast<MessageType>(message.front()); }

std::string compressed(std::string_view message) {
  return encode(MessageType::kCompress, Compress{0, lzw_compress(message)});
}

Result<std::string> decompressed(std::string_view body, size_t limit) {
  TRY_ASSIGN(Compress message, decode<Compress>(body));
  if (message.algorithm != 0)
    return fail("Cannot decompress unknown algorithm " + std::to_string(message.algorithm),
                ErrorKind::kCorrupt);
  TRY_ASSIGN(std::string plain, lzw_decompress(message.data, limit));
  if (plain.empty()) return fail("compressed message is empty", ErrorKind::kCorrupt);
  return plain;
}

uint32_t checksum_of(std::string_view data) {
  return static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(data.data()), static_cast<uInt>(data.size())));
}

Status take_apart(std::string_view message, const std::function<void(std::string_view)>& take, size_t depth) {
  if (message.empty()) return fail("empty message", ErrorKind::kCorrupt);
  if (depth > kMaxNesting) return fail("messages are nested too deeply", ErrorKind::kCorrupt);
  switch (type_of_message(message)) {
    case MessageType::kCompound: {
      TRY_ASSIGN(Compound compound, decode_compound(message.substr(1)));
      for (std::string_view part : compound.parts) TRY(take_apart(part, take, depth + 1));
      return {};
    }
    case MessageType::kCompress: {
      TRY_ASSIGN(std::string plain, decompressed(message.substr(1), kMaxInflatedPacketBytes));
      return take_apart(plain, take, depth + 1);
    }
    default:
      take(message);
      return {};
  }
}

}  // namespace

std::string frame_packet(const Framing& framing, std::string_view message, bool checksum) {
  std::string smaller;
  // LZW needs a while to learn: below this nothing is won.
  if (framing.compress && message.size() > 64) {
    smaller = compressed(message);
    if (smaller.size() < message.size()) message = smaller;
  }
  std::string out;
  if (checksum) {
    out.push_back(static_cast<char>(MessageType::kHasCrc));
    put_u32(out, checksum_of(message));
  }
  out += message;
  return framing.seals() ? framing.keyring->seal(framing.encryption_version, out, {}) : out;
}

Status unframe_packet(const Framing& framing, std::string_view packet,
                      const std::function<void(std::string_view)>& take) {
  std::string plain;
  if (framing.encrypted()) {
    auto opened = framing.keyring->open(packet, {});
    if (opened) {
      plain = std::move(*opened);
      packet = plain;
    } else if (framing.verify_incoming) {
      return fail("Decrypt packet failed: " + opened.error().message, ErrorKind::kCorrupt);
    }
  }
  if (packet.size() >= 5 && type_of_message(packet) == MessageType::kHasCrc) {
    Cursor head(packet.substr(1, 4));
    packet.remove_prefix(5);
    if (head.u32() != checksum_of(packet)) return fail("invalid checksum", ErrorKind::kCorrupt);
  }
  return take_apart(packet, take, 0);
}

std::string frame_stream(const Framing& framing, std::string_view message) {
  std::string smaller;
  if (framing.compress) {
    smaller = compressed(message);
    message = smaller;
  }
  if (!framing.seals()) return std::string(message);
  std::string out(1, static_cast<char>(MessageType::kEncrypt));
  put_u32(out, static_cast<uint32_t>(sealed_length(framing.encryption_version, message.size())));
  return out += framing.keyring->seal(framing.encryption_version, message, out);
}

Result<std::string> StreamReader::feed(std::string_view bytes) {
  if (buffer_.size() + bytes.size() > kMaxStreamBytes)
    return fail(
        "Remote node state is larger than limit (" + std::to_string(buffer_.size() + bytes.size()) + ")",
        ErrorKind::kTooLarge);
  buffer_ += bytes;
  if (buffer_.empty()) return std::string();
  if (type_of_message(buffer_) == MessageType::kEncrypt) {
    if (!framing_.encrypted())
      return fail("Remote state is encrypted and encryption is not configured", ErrorKind::kCorrupt);
    return unseal();
  }
  if (framing_.encrypted() && framing_.verify_incoming)
    return fail("Encryption is configured but remote state is not encrypted", ErrorKind::kCorrupt);
  return inflate(buffer_, false);
}

Result<std::string> StreamReader::unseal() {
  Cursor cursor(std::string_view(buffer_).substr(1));
  if (cursor.remaining() < 4) return std::string();
  size_t length = cursor.u32();
  if (length > kMaxStreamBytes)
    return fail("Remote node state is larger than limit (" + std::to_string(length) + ")",
                ErrorKind::kTooLarge);
  if (cursor.remaining() < length) return std::string();
  TRY_ASSIGN(std::string plain,
             framing_.keyring->open(cursor.bytes(length), std::string_view(buffer_).substr(0, 5)));
  return inflate(plain, true);
}

// The message inside, or an empty text while it is not all there; `whole` if no more will come.
Result<std::string> StreamReader::inflate(std::string_view message, bool whole) {
  TRY_ASSIGN(size_t length, stream_message_length(message));
  if (length == 0) {
    if (whole) return fail("message is cut short", ErrorKind::kCorrupt);
    return std::string();
  }
  message = message.substr(0, length);
  if (type_of_message(message) != MessageType::kCompress) return std::string(message);
  TRY_ASSIGN(std::string plain, decompressed(message.substr(1), kMaxStreamBytes));
  TRY_ASSIGN(size_t inner, stream_message_length(plain));
  if (inner == 0 || type_of_message(plain) == MessageType::kCompress)
    return fail("compressed message is cut short", ErrorKind::kCorrupt);
  plain.resize(inner);
  return plain;
}

}  // namespace praetor::gossip
