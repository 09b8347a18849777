// MessagePack as go-msgpack 0.5.5 writes and reads it (wire.md 1): the encoding of the Raft log, snapshots,
// RPC, Serf and memberlist. Every function may be called from any thread.
//
// Written: structs as maps with sorted keys, the smallest integer forms, texts and Bytes both as raw, nil
// containers and empty Bytes as nil, Time as 15 raw bytes, Duration as nanoseconds.
// Read: any integer form that fits, texts from raw and str8 (never bin), Bytes from these and bin, keys in
// any order; unknown keys are skipped, absent ones leave their field alone, nil resets it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/cursor.h"
#include "base/result.h"
#include "codec/type.h"
#include "codec/value.h"

namespace praetor::codec {

struct MsgpackWriteOptions {
  // go-msgpack's WriteExt: str8 for texts, bin for Bytes. Only Consul's user events use it (wire.md 4.6).
  bool new_spec = false;
};

struct MsgpackReadOptions {
  // What a raw becomes in a Value: text (Consul's handle) or Bytes (memberlist's, serf's and raft's).
  bool raw_as_bytes = false;
  size_t max_depth = 200;
};

// Appends.
void write_msgpack(std::string& out, const Type& type, const void* value, MsgpackWriteOptions options = {});

template <typename T>
void write_msgpack(std::string& out, const T& value, MsgpackWriteOptions options = {}) {
  write_msgpack(out, type_of<T>(), &value, options);
}
template <typename T>
std::string to_msgpack(const T& value, MsgpackWriteOptions options = {}) {
  std::string out;
  write_msgpack(out, type_of<T>(), &value, options);
  return out;
}

// Reads one value into *object and moves the cursor past it. On an error (kCorrupt; the text names the
// offset) the cursor has failed too and *object is partly filled. A cursor that ends inside the value is an
// error: a stream reader asks msgpack_length first.
Status read_msgpack(Cursor& cursor, const Type& type, void* object, const MsgpackReadOptions& options = {});

template <typename T>
Status read_msgpack(Cursor& cursor, T& object, const MsgpackReadOptions& options = {}) {
  return read_msgpack(cursor, type_of<T>(), &object, options);
}
// Reads exactly one value; bytes after it are ignored, as Go's decoder does.
template <typename T>
Result<T> from_msgpack(std::string_view data, const MsgpackReadOptions& options = {}) {
  T object{};
  Cursor cursor(data);
  TRY(read_msgpack(cursor, type_of<T>(), &object, options));
  return object;
}

// The length of the value at the front of `data`: 0 when it is not complete yet. kCorrupt for a byte that
// starts no value. For streams: costs no allocation.
Result<size_t> msgpack_length(std::string_view data);

// The pieces, for formats that no struct describes. Writers append; readers follow the Cursor's rule: on a
// mismatch or a short input the cursor fails and the result is zero or empty.
namespace msgpack {

void put_nil(std::string& out);
void put_bool(std::string& out, bool value);
void put_int(std::string& out, int64_t value);
void put_uint(std::string& out, uint64_t value);
void put_float64(std::string& out, double value);
void put_raw(std::string& out, std::string_view text);   // fixraw, raw16, raw32
void put_str8(std::string& out, std::string_view text);  // new spec: fixstr, str8, str16, str32
void put_bin(std::string& out, std::string_view bytes);  // new spec: bin8, bin16, bin32
void put_array(std::string& out, size_t count);          // header; `count` values follow
void put_map(std::string& out, size_t count);            // header; `count` keys and values follow
void put_time(std::string& out, Time time);

bool next_is_nil(const Cursor& cursor);
int64_t get_int(Cursor& cursor);
uint64_t get_uint(Cursor& cursor);
bool get_bool(Cursor& cursor);
double get_float(Cursor& cursor);
std::string_view get_text(Cursor& cursor);   // raw or str8; nil is empty. Lies in the cursor's data
std::string_view get_bytes(Cursor& cursor);  // raw, str8 or bin; nil is empty
size_t get_array(Cursor& cursor);            // nil counts as 0; at most as many as bytes remain
size_t get_map(Cursor& cursor);
void skip(Cursor& cursor);

}  // namespace msgpack
}  // namespace praetor::codec
