#include "fsm/chunking.h"

#include "codec/msgpack.h"

namespace praetor::fsm {

namespace msgpack = codec::msgpack;

namespace {

void put_varint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

uint64_t get_varint(Cursor& cursor) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    uint8_t byte = cursor.u8();
    value |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return value;
  }
  cursor.set_failed();
  return 0;
}

}  // namespace

std::string encode_chunk_info(const ChunkInfo& info) {
  std::string out;
  uint64_t values[] = {info.op_number, info.sequence, info.count};
  for (size_t i = 0; i < 3; i++) {
    if (values[i] == 0) continue;  // proto3 leaves zeros out
    put_varint(out, (i + 1) << 3);
    put_varint(out, values[i]);
  }
  return out;
}

Result<ChunkInfo> decode_chunk_info(std::string_view extensions) {
  ChunkInfo info;
  Cursor cursor(extensions);
  while (cursor.ok() && !cursor.at_end()) {
    uint64_t tag = get_varint(cursor);
    switch (tag & 7) {
      case 0: {
        uint64_t value = get_varint(cursor);
        if (tag >> 3 == 1) info.op_number = value;
        if (tag >> 3 == 2) info.sequence = static_cast<uint32_t>(value);
        if (tag >> 3 == 3) info.count = static_cast<uint32_t>(value);
        break;
      }
      case 1:
        cursor.skip(8);
        break;
      case 2:
        cursor.skip(get_varint(cursor));
        break;
      case 5:
        cursor.skip(4);
        break;
      default:
        cursor.set_failed();
    }
  }
  if (!cursor.ok()) return fail("error unmarshaling chunk info", ErrorKind::kCorrupt);
  if (info.count == 0 || info.count > kMaxChunks || info.sequence >= info.count) {
    return fail("chunk info out of range", ErrorKind::kCorrupt);
  }
  return info;
}

Result<std::optional<std::string>> ChunkAssembler::add(const ChunkInfo& info, uint64_t term,
                                                       std::string_view data) {
  if (term != term_) {
    operations_.clear();
    term_ = term;
  }
  Operation& operation = operations_[info.op_number];
  if (operation.count == 0) operation = {info.count, term, {}};
  if (operation.count != info.count) return fail("chunks disagree about their number", ErrorKind::kCorrupt);
  operation.pieces[info.sequence] = data;
  if (operation.pieces.size() < operation.count) return std::nullopt;
  std::string whole;
  for (const auto& [sequence, piece] : operation.pieces) whole += piece;
  operations_.erase(info.op_number);
  return whole;
}

void ChunkAssembler::write(std::string& out) const {
  msgpack::put_map(out, 1);
  msgpack::put_raw(out, "ChunkMap");
  msgpack::put_map(out, operations_.size());
  for (const auto& [number, operation] : operations_) {
    msgpack::put_uint(out, number);
    msgpack::put_array(out, operation.count);
    for (uint32_t i = 0; i < operation.count; i++) {
      auto piece = operation.pieces.find(i);
      if (piece == operation.pieces.end()) {
        msgpack::put_nil(out);
        continue;
      }
      msgpack::put_map(out, 5);
      msgpack::put_raw(out, "Data");
      msgpack::put_raw(out, piece->second);
      msgpack::put_raw(out, "NumChunks");
      msgpack::put_uint(out, operation.count);
      msgpack::put_raw(out, "OpNum");
      msgpack::put_uint(out, number);
      msgpack::put_raw(out, "SequenceNum");
      msgpack::put_uint(out, i);
      msgpack::put_raw(out, "Term");
      msgpack::put_uint(out, operation.term);
    }
  }
}

Result<ChunkAssembler> ChunkAssembler::read(Cursor& cursor) {
  ChunkAssembler result;
  for (size_t fields = msgpack::get_map(cursor); fields > 0 && cursor.ok(); fields--) {
    if (msgpack::get_text(cursor) != "ChunkMap") {
      msgpack::skip(cursor);
      continue;
    }
    for (size_t left = msgpack::get_map(cursor); left > 0 && cursor.ok(); left--) {
      Operation& operation = result.operations_[msgpack::get_uint(cursor)];
      operation.count = static_cast<uint32_t>(msgpack::get_array(cursor));
      for (uint32_t i = 0; i < operation.count && cursor.ok(); i++) {
        if (msgpack::next_is_nil(cursor)) {
          msgpack::skip(cursor);
          continue;
        }
        for (size_t names = msgpack::get_map(cursor); names > 0 && cursor.ok(); names--) {
          std::string_view name = msgpack::get_text(cursor);
          if (name == "Data") {
            operation.pieces[i] = msgpack::get_bytes(cursor);
          } else if (name == "Term") {
            operation.term = result.term_ = msgpack::get_uint(cursor);
          } else {
            msgpack::skip(cursor);
          }
        }
      }
    }
  }
  if (!cursor.ok()) return fail("chunking state is malformed", ErrorKind::kCorrupt);
  return result;
}

}  // namespace praetor::fsm
