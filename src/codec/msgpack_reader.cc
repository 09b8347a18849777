#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "codec/msgpack.h"

namespace praetor::codec {
namespace {

// What a first byte announces. `size` is of the payload (or the count of an array or map).
enum class Shape : uint8_t {
  kNil,
  kBool,
  kInt,
  kUint,
  kFloat32,
  kFloat64,
  kText,
  kBin,
  kArray,
  kMap,
  kExt,
  kBad
};

struct Head {
  Shape shape = Shape::kBad;
  uint64_t number = 0;  // the integer, bits of the float, bool, payload length or count
};

class Reader {
 public:
  Reader(std::string_view data, const MsgpackReadOptions& options)
      : begin_(data.data()), at_(begin_), end_(begin_ + data.size()), options_(options) {}

  size_t used() const { return static_cast<size_t>(at_ - begin_); }
  bool ok() const { return problem_ == nullptr; }
  bool short_input() const { return short_; }
  const char* problem() const { return problem_; }
  size_t failed_at() const { return failed_at_; }

  Head head();
  bool at_nil() const { return at_ < end_ && *at_ == '\xc0'; }
  int64_t integer();
  uint64_t unsigned_integer();
  bool boolean();
  double real();
  std::string_view text();
  std::string_view bytes();
  size_t array();
  size_t map();
  void skip();
  void value(const Type& type, void* target);

 private:
  void bad(const char* problem) {
    if (problem_ != nullptr) return;
    problem_ = problem;
    failed_at_ = used();
    at_ = end_;  // every later read is short
  }
  size_t left() const { return static_cast<size_t>(end_ - at_); }
  template <typename Unsigned>
  Unsigned big_endian() {
    if (left() < sizeof(Unsigned)) {
      end_of_input();
      return 0;
    }
    Unsigned number = 0;
    for (size_t i = 0; i < sizeof(Unsigned); ++i)
      number = static_cast<Unsigned>(static_cast<uint64_t>(number) << 8 | static_cast<uint8_t>(*at_++));
    return number;
  }
  void end_of_input() {
    if (ok()) short_ = true;
    bad("EOF");
  }
  std::string_view take(uint64_t size) {
    if (left() < size) {
      end_of_input();
      return {};
    }
    std::string_view piece(at_, size);
    at_ += size;
    return piece;
  }
  size_t count(const Head& head, size_t least_bytes) {
    if (head.number * least_bytes > left()) {
      end_of_input();
      return 0;
    }
    return head.number;
  }
  Head tagged(uint8_t tag);
  void number(const Type& type, void* target);
  void structure(const Type& type, void* target);
  void list(const Type& type, void* target);
  void string_map(const Type& type, void* target);
  void time(void* target);
  void byte_string(void* target);
  Value any();
  void nil(const Type& type, void* target);

  const char* begin_;
  const char* at_;
  const char* end_;
  const MsgpackReadOptions& options_;
  const char* problem_ = nullptr;
  size_t failed_at_ = 0;
  bool short_ = false;
  size_t depth_ = 0;
};

Head Reader::head() {
  if (at_ == end_) {
    end_of_input();
    return {};
  }
  auto byte = static_cast<uint8_t>(*at_++);
  if (byte < 0x80) return {Shape::kUint, byte};
  if (byte < 0x90) return {Shape::kMap, byte & 0x0fu};
  if (byte < 0xa0) return {Shape::kArray, byte & 0x0fu};
  if (byte < 0xc0) return {Shape::kText, byte & 0x1fu};
  if (byte >= 0xe0)
    return {Shape::kInt, static_cast<uint64_t>(static_cast<int64_t>(static_cast<int8_t>(byte)))};
  return tagged(byte);
}

Head Reader::tagged(uint8_t tag) {
  auto extend = [](auto number) { return static_cast<uint64_t>(static_cast<int64_t>(number)); };
  switch (tag) {
    case 0xc0:
      return {Shape::kNil, 0};
    case 0xc2:
    case 0xc3:
      return {Shape::kBool, tag & 1u};
    case 0xc4:
      return {Shape::kBin, big_endian<uint8_t>()};
    case 0xc5:
      return {Shape::kBin, big_endian<uint16_t>()};
    case 0xc6:
      return {Shape::kBin, big_endian<uint32_t>()};
    case 0xc7:  // the extension's type byte counts as payload
      return {Shape::kExt, uint64_t{big_endian<uint8_t>()} + 1};
    case 0xc8:
      return {Shape::kExt, uint64_t{big_endian<uint16_t>()} + 1};
    case 0xc9:
      return {Shape::kExt, uint64_t{big_endian<uint32_t>()} + 1};
    case 0xca:
      return {Shape::kFloat32, big_endian<uint32_t>()};
    case 0xcb:
      return {Shape::kFloat64, big_endian<uint64_t>()};
    case 0xcc:
      return {Shape::kUint, big_endian<uint8_t>()};
    case 0xcd:
      return {Shape::kUint, big_endian<uint16_t>()};
    case 0xce:
      return {Shape::kUint, big_endian<uint32_t>()};
    case 0xcf:
      return {Shape::kUint, big_endian<uint64_t>()};
    case 0xd0:
      return {Shape::kInt, extend(static_cast<int8_t>(big_endian<uint8_t>()))};
    case 0xd1:
      return {Shape::kInt, extend(static_cast<int16_t>(big_endian<uint16_t>()))};
    case 0xd2:
      return {Shape::kInt, extend(static_cast<int32_t>(big_endian<uint32_t>()))};
    case 0xd3:
      return {Shape::kInt, big_endian<uint64_t>()};
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      return {Shape::kExt, (uint64_t{1} << (tag - 0xd4)) + 1};
    case 0xd9:
      return {Shape::kText, big_endian<uint8_t>()};
    case 0xda:
      return {Shape::kText, big_endian<uint16_t>()};
    case 0xdb:
      return {Shape::kText, big_endian<uint32_t>()};
    case 0xdc:
      return {Shape::kArray, big_endian<uint16_t>()};
    case 0xdd:
      return {Shape::kArray, big_endian<uint32_t>()};
    case 0xde:
      return {Shape::kMap, big_endian<uint16_t>()};
    case 0xdf:
      return {Shape::kMap, big_endian<uint32_t>()};
    default:
      bad("unknown type byte");
      return {};
  }
}

int64_t Reader::integer() {
  Head item = head();
  if (item.shape == Shape::kNil) return 0;
  bool fits = item.shape == Shape::kInt || (item.shape == Shape::kUint && item.number <= INT64_MAX);
  if (!fits) bad("not an integer that fits");
  return fits ? static_cast<int64_t>(item.number) : 0;
}

uint64_t Reader::unsigned_integer() {
  Head item = head();
  if (item.shape == Shape::kNil) return 0;
  bool fits = item.shape == Shape::kUint || (item.shape == Shape::kInt && item.number <= INT64_MAX);
  if (!fits) bad("not an unsigned integer that fits");
  return fits ? item.number : 0;
}

bool Reader::boolean() {
  Head item = head();
  if (item.shape == Shape::kNil) return false;
  if (item.shape != Shape::kBool && !(item.shape == Shape::kUint && item.number <= 1)) bad("not a bool");
  return item.number != 0;
}

double Reader::real() {
  Head item = head();
  switch (item.shape) {
    case Shape::kNil:
      return 0;
    case Shape::kFloat32:
      return std::bit_cast<float>(static_cast<uint32_t>(item.number));
    case Shape::kFloat64:
      return std::bit_cast<double>(item.number);
    case Shape::kInt:
      return static_cast<double>(static_cast<int64_t>(item.number));
    case Shape::kUint:
      return static_cast<double>(item.number);
    default:
      bad("not a number");
      return 0;
  }
}

std::string_view Reader::text() {
  Head item = head();
  if (item.shape == Shape::kText) return take(item.number);
  if (item.shape != Shape::kNil) bad("not a text");
  return {};
}

std::string_view Reader::bytes() {
  Head item = head();
  if (item.shape == Shape::kText || item.shape == Shape::kBin) return take(item.number);
  if (item.shape != Shape::kNil) bad("not bytes");
  return {};
}

size_t Reader::array() {
  Head item = head();
  if (item.shape == Shape::kArray) return count(item, 1);
  if (item.shape != Shape::kNil) bad("not an array");
  return 0;
}

size_t Reader::map() {
  Head item = head();
  if (item.shape == Shape::kMap) return count(item, 2);
  if (item.shape != Shape::kNil) bad("not a map");
  return 0;
}

void Reader::skip() {
  for (uint64_t pending = 1; pending > 0 && ok(); --pending) {
    Head item = head();
    if (item.shape == Shape::kText || item.shape == Shape::kBin || item.shape == Shape::kExt)
      take(item.number);
    else if (item.shape == Shape::kArray)
      pending += item.number;
    else if (item.shape == Shape::kMap)
      pending += item.number * 2;
  }
}

void Reader::nil(const Type& type, void* target) {
  ++at_;
  switch (type.kind) {
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kUint:
    case Kind::kFloat:
    case Kind::kDuration:
      std::memset(target, 0, type.size);
      return;
    case Kind::kString:
      return static_cast<std::string*>(target)->clear();
    case Kind::kBytes:
      return static_cast<Bytes*>(target)->clear();
    case Kind::kTime:
      *static_cast<Time*>(target) = Time{};
      return;
    case Kind::kList:
    case Kind::kMap:
    case Kind::kPointer:
      return type.ops->clear(target);
    case Kind::kStruct:
      return type.construct_default(target);
    case Kind::kAny:
      *static_cast<Value*>(target) = Value();
      return;
  }
}

void Reader::value(const Type& type, void* target) {
  if (at_nil()) return nil(type, target);
  switch (type.kind) {
    case Kind::kString:
      static_cast<std::string*>(target)->assign(text());
      return;
    case Kind::kBytes:
      return byte_string(target);
    case Kind::kInt:
    case Kind::kUint:
      return number(type, target);
    case Kind::kBool:
      *static_cast<bool*>(target) = boolean();
      return;
    case Kind::kDuration:
      *static_cast<Duration*>(target) = Duration(integer());
      return;
    case Kind::kTime:
      return time(target);
    case Kind::kFloat:
      if (type.size == 4)
        *static_cast<float*>(target) = static_cast<float>(real());
      else
        *static_cast<double*>(target) = real();
      return;
    default:
      break;
  }
  if (++depth_ > options_.max_depth) return bad("nested too deeply");
  if (type.kind == Kind::kStruct) {
    structure(type, target);
  } else if (type.kind == Kind::kList) {
    list(type, target);
  } else if (type.kind == Kind::kMap) {
    string_map(type, target);
  } else if (type.kind == Kind::kPointer) {
    void* inner = const_cast<void*>(type.ops->base(target));
    if (inner == nullptr) inner = type.ops->add(target, {});
    value(type.element(), inner);
  } else {
    *static_cast<Value*>(target) = any();
  }
  --depth_;
}

void Reader::number(const Type& type, void* target) {
  auto store = [&](auto wide, auto* slot) {
    using Integer = std::remove_pointer_t<decltype(slot)>;
    if (!std::in_range<Integer>(wide)) return bad("integer does not fit");
    *slot = static_cast<Integer>(wide);
  };
  bool is_signed = type.kind == Kind::kInt;
  switch (type.size) {
    case 1:
      return is_signed ? store(integer(), static_cast<int8_t*>(target))
                       : store(unsigned_integer(), static_cast<uint8_t*>(target));
    case 2:
      return is_signed ? store(integer(), static_cast<int16_t*>(target))
                       : store(unsigned_integer(), static_cast<uint16_t*>(target));
    case 4:
      return is_signed ? store(integer(), static_cast<int32_t*>(target))
                       : store(unsigned_integer(), static_cast<uint32_t*>(target));
    default:
      return is_signed ? store(integer(), static_cast<int64_t*>(target))
                       : store(unsigned_integer(), static_cast<uint64_t*>(target));
  }
}

void Reader::structure(const Type& type, void* target) {
  const auto& order = type.wire_order;
  size_t next = 0;  // keys mostly come sorted: try the field after the last one first
  for (size_t pairs = map(); pairs > 0 && ok(); --pairs) {
    const Field* field = nullptr;
    if (next < order.size() && left() >= order[next]->wire_key.size() &&
        std::memcmp(at_, order[next]->wire_key.data(), order[next]->wire_key.size()) == 0) {
      at_ += order[next]->wire_key.size();
      field = order[next++];
    } else if (size_t index = type.wire_index(bytes()); index < order.size()) {
      field = order[index];
      next = index + 1;
    }
    if (field != nullptr)
      value(*field->type, field->in(target));
    else
      skip();
  }
}

void Reader::list(const Type& type, void* target) {
  size_t size = array();
  if (!ok()) return;
  const Type& element = type.element();
  type.ops->make_empty(target);
  for (; size > 0 && ok(); --size) value(element, type.ops->add(target, {}));
}

void Reader::string_map(const Type& type, void* target) {
  size_t size = map();
  if (!ok()) return;
  const Type& element = type.element();
  if (type.ops->is_nil(target)) type.ops->make_empty(target);
  for (; size > 0 && ok(); --size) {
    std::string_view key = bytes();
    if (ok()) value(element, type.ops->add(target, key));
  }
}

void Reader::time(void* target) {
  std::string_view binary = bytes();
  if (!ok()) return;
  if (binary.size() != 15 || binary[0] != 1) return bad("not a time");
  Cursor cursor(binary.substr(1));
  // Any int64 may stand there; only what C++ would overflow on is refused.
  auto seconds = static_cast<int64_t>(cursor.u64());
  if (seconds < std::numeric_limits<int64_t>::min() - Time::kGoZeroSeconds) return bad("time out of range");
  Time time;
  time.seconds = seconds + Time::kGoZeroSeconds;
  time.nanoseconds = cursor.u32();
  if (time.nanoseconds > 999'999'999) return bad("time out of range");
  *static_cast<Time*>(target) = time;
}

void Reader::byte_string(void* target) {
  auto& out = *static_cast<Bytes*>(target);
  bool is_array =
      at_ < end_ && ((static_cast<uint8_t>(*at_) & 0xf0) == 0x90 || *at_ == '\xdc' || *at_ == '\xdd');
  if (!is_array) {
    out.assign(bytes());
    return;
  }
  out.clear();
  for (size_t size = array(); size > 0 && ok(); --size) {
    uint64_t byte = unsigned_integer();
    if (byte > 0xff) return bad("not bytes");
    out.push_back(static_cast<char>(byte));
  }
}

Value Reader::any() {
  Head item = head();
  switch (item.shape) {
    case Shape::kBool:
      return item.number != 0;
    case Shape::kInt:
      return static_cast<int64_t>(item.number);
    case Shape::kUint:
      // As go-msgpack: a fixint is signed, the longer unsigned forms are not.
      return item.number < 0x80 ? Value(static_cast<int64_t>(item.number)) : Value(item.number);
    case Shape::kFloat32:
      return static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(item.number)));
    case Shape::kFloat64:
      return std::bit_cast<double>(item.number);
    case Shape::kText: {
      std::string_view content = take(item.number);
      return options_.raw_as_bytes ? Value(Bytes(std::string(content))) : Value(std::string(content));
    }
    case Shape::kBin:
      return Bytes(std::string(take(item.number)));
    case Shape::kArray: {
      ValueList items;
      items.make_empty();
      for (size_t size = count(item, 1); size > 0 && ok(); --size)
        value(type_of<Value>(), &items.emplace_back());
      return items;
    }
    case Shape::kMap: {
      ValueMap items;
      items.make_empty();
      for (size_t size = count(item, 2); size > 0 && ok(); --size) {
        std::string_view key = bytes();
        if (ok()) value(type_of<Value>(), &items[key]);
      }
      return items;
    }
    case Shape::kNil:
      return Value();
    default:
      bad("extension type");
      return Value();
  }
}

const MsgpackReadOptions kPlainOptions;

// Runs one read of a Reader over the cursor's rest.
template <typename Read>
auto with_reader(Cursor& cursor, Read read) {
  Reader reader(cursor.rest(), kPlainOptions);
  auto result = read(reader);
  if (!reader.ok()) {
    cursor.set_failed();
    return decltype(result){};
  }
  cursor.skip(reader.used());
  return result;
}

}  // namespace

Status read_msgpack(Cursor& cursor, const Type& type, void* object, const MsgpackReadOptions& options) {
  Reader reader(cursor.rest(), options);
  size_t offset = cursor.offset();
  reader.value(type, object);
  if (cursor.ok() && reader.ok()) {
    cursor.skip(reader.used());
    return {};
  }
  cursor.set_failed();
  std::string problem = reader.ok() ? "EOF" : reader.problem();
  return fail("msgpack decode error [pos " + std::to_string(offset + reader.failed_at()) + "]: " + problem,
              ErrorKind::kCorrupt);
}

Result<size_t> msgpack_length(std::string_view data) {
  Reader reader(data, kPlainOptions);
  reader.skip();
  if (reader.ok()) return reader.used();
  if (reader.short_input()) return 0;
  return fail("msgpack decode error: " + std::string(reader.problem()), ErrorKind::kCorrupt);
}

namespace msgpack {

bool next_is_nil(const Cursor& cursor) { return cursor.rest().starts_with('\xc0'); }
int64_t get_int(Cursor& cursor) {
  return with_reader(cursor, [](Reader& reader) { return reader.integer(); });
}
uint64_t get_uint(Cursor& cursor) {
  return with_reader(cursor, [](Reader& reader) { return reader.unsigned_integer(); });
}
bool get_bool(Cursor& cursor) {
  return with_reader(cursor, [](Reader& reader) { return reader.boolean(); });
}
double get_float(Cursor& cursor) {
  return with_reader(cursor, [](Reader& reader) { return reader.real(); });
}
std::string_view get_text(Cursor& cursor) {
  return with_reader(cursor, [](Reader& reader) { return reader.text(); });
}
std::string_view get_bytes(Cursor& cursor) {
  return with_reader(cursor, [](Reader& reader) { return reader.bytes(); });
}
size_t get_array(Cursor& cursor) {
  return with_reader(cursor, [](Reader& reader) { return reader.array(); });
}
size_t get_map(Cursor& cursor) {
  return with_reader(cursor, [](Reader& reader) { return reader.map(); });
}
void skip(Cursor& cursor) {
  with_reader(cursor, [](Reader& reader) {
    reader.skip();
    return 0;
  });
}

}  // namespace msgpack
}  // namespace praetor::codec
