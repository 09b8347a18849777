#include <bit>
#include <limits>

#include "codec/appender.h"
#include "codec/msgpack.h"

namespace praetor::codec {
namespace {

constexpr size_t kTimeSize = 15;

// Writes through an Appender; new_spec is WriteExt.
class Writer {
 public:
  Writer(std::string& out, bool new_spec) : out_(out), new_spec_(new_spec) {}

  void nil() { out_.put('\xc0'); }
  void boolean(bool value) { out_.put(value ? '\xc3' : '\xc2'); }
  void unsigned_integer(uint64_t value) {
    if (value < 0x80) return out_.put(static_cast<char>(value));
    if (value <= 0xff) return tagged<uint8_t>(0xcc, value);
    if (value <= 0xffff) return tagged<uint16_t>(0xcd, value);
    if (value <= 0xffffffff) return tagged<uint32_t>(0xce, value);
    tagged<uint64_t>(0xcf, value);
  }
  void integer(int64_t value) {
    auto bits = static_cast<uint64_t>(value);
    if (value >= 0) return unsigned_integer(bits);
    if (value >= -32) return out_.put(static_cast<char>(value));
    if (value >= std::numeric_limits<int8_t>::min()) return tagged<uint8_t>(0xd0, bits);
    if (value >= std::numeric_limits<int16_t>::min()) return tagged<uint16_t>(0xd1, bits);
    if (value >= std::numeric_limits<int32_t>::min()) return tagged<uint32_t>(0xd2, bits);
    tagged<uint64_t>(0xd3, bits);
  }
  void float32(float value) { tagged<uint32_t>(0xca, std::bit_cast<uint32_t>(value)); }
  void float64(double value) { tagged<uint64_t>(0xcb, std::bit_cast<uint64_t>(value)); }
  void text(std::string_view text) {
    size_t size = text.size();
    if (size < 32)
      out_.put(static_cast<char>(0xa0 | size));
    else if (size <= 0xff && new_spec_)
      tagged<uint8_t>(0xd9, size);
    else if (size <= 0xffff)
      tagged<uint16_t>(0xda, size);
    else
      tagged<uint32_t>(0xdb, size);
    out_.put(text);
  }
  void bytes(std::string_view bytes) {
    if (!new_spec_) return text(bytes);
    if (bytes.size() <= 0xff)
      tagged<uint8_t>(0xc4, bytes.size());
    else if (bytes.size() <= 0xffff)
      tagged<uint16_t>(0xc5, bytes.size());
    else
      tagged<uint32_t>(0xc6, bytes.size());
    out_.put(bytes);
  }
  void array(size_t count) { container(0x90, 0xdc, count); }
  void map(size_t count) { container(0x80, 0xde, count); }
  void time(Time time) {
    out_.put(static_cast<char>(0xa0 | kTimeSize));
    out_.put('\x01');
    big_endian(static_cast<uint64_t>(time.seconds - Time::kGoZeroSeconds));
    big_endian(time.nanoseconds);
    out_.put(std::string_view("\xff\xff", 2));  // UTC
  }

  void value(const Type& type, const void* value);

 private:
  template <typename Unsigned>
  void big_endian(Unsigned value) {
    out_.ensure(sizeof(Unsigned));
    char* at = out_.position();
    for (size_t i = sizeof(Unsigned); i-- > 0;) *at++ = static_cast<char>(value >> (8 * i));
    out_.set_position(at);
  }
  template <typename Unsigned>
  void tagged(uint8_t tag, uint64_t value) {
    out_.put(static_cast<char>(tag));
    big_endian(static_cast<Unsigned>(value));
  }
  void container(uint8_t fixed, uint8_t tag16, size_t count) {
    if (count < 16) return out_.put(static_cast<char>(fixed | count));
    if (count <= 0xffff) return tagged<uint16_t>(tag16, count);
    tagged<uint32_t>(static_cast<uint8_t>(tag16 + 1), count);
  }
  void number(const Type& type, const void* value);
  void structure(const Type& type, const void* object);
  void list(const Type& type, const void* list);
  void string_map(const Type& type, const void* map);
  void any(const Value& value);

  Appender out_;
  const bool new_spec_;
};

template <typename T>
const T& as(const void* value) {
  return *static_cast<const T*>(value);
}

void Writer::number(const Type& type, const void* value) {
  bool is_signed = type.kind == Kind::kInt;
  switch (type.size) {
    case 1:
      return is_signed ? integer(as<int8_t>(value)) : unsigned_integer(as<uint8_t>(value));
    case 2:
      return is_signed ? integer(as<int16_t>(value)) : unsigned_integer(as<uint16_t>(value));
    case 4:
      return is_signed ? integer(as<int32_t>(value)) : unsigned_integer(as<uint32_t>(value));
    default:
      return is_signed ? integer(as<int64_t>(value)) : unsigned_integer(as<uint64_t>(value));
  }
}

void Writer::structure(const Type& type, const void* object) {
  auto omitted = [&](const Field& field) {
    return field.has(kWireOmitEmpty) && is_empty(*field.type, field.in(object));
  };
  size_t count = type.wire_order.size();
  if (type.wire_omits)
    for (const Field* field : type.wire_order) count -= omitted(*field) ? 1 : 0;
  map(count);
  for (const Field* field : type.wire_order) {
    if (type.wire_omits && omitted(*field)) continue;
    out_.put(field->wire_key);
    value(*field->type, field->in(object));
  }
}

void Writer::list(const Type& type, const void* list) {
  const ContainerOps& ops = *type.ops;
  size_t size = ops.size(list);
  if (size == 0 && ops.is_nil(list)) return nil();
  array(size);
  const Type& element = type.element();
  auto* at = static_cast<const char*>(ops.base(list));
  for (size_t i = 0; i < size; ++i, at += ops.stride) value(element, at);
}

void Writer::string_map(const Type& type, const void* items) {
  const ContainerOps& ops = *type.ops;
  size_t size = ops.size(items);
  if (size == 0 && ops.is_nil(items)) return nil();
  map(size);
  const Type& element = type.element();
  auto* at = static_cast<const char*>(ops.base(items));
  for (size_t i = 0; i < size; ++i, at += ops.stride) {
    text(as<std::string>(at));
    value(element, at + ops.value_offset);
  }
}

void Writer::value(const Type& type, const void* value_at) {
  switch (type.kind) {
    case Kind::kString:
      return text(as<std::string>(value_at));
    case Kind::kUint:
    case Kind::kInt:
      return number(type, value_at);
    case Kind::kBool:
      return boolean(as<bool>(value_at));
    case Kind::kBytes:
      if (as<Bytes>(value_at).empty()) return nil();
      return bytes(as<Bytes>(value_at));
    case Kind::kDuration:
      return integer(as<Duration>(value_at).count());
    case Kind::kTime:
      return time(as<Time>(value_at));
    case Kind::kFloat:
      return type.size == 4 ? float32(as<float>(value_at)) : float64(as<double>(value_at));
    case Kind::kList:
      return list(type, value_at);
    case Kind::kMap:
      return string_map(type, value_at);
    case Kind::kPointer: {
      const void* target = type.ops->base(value_at);
      return target == nullptr ? nil() : value(type.element(), target);
    }
    case Kind::kStruct:
      return structure(type, value_at);
    case Kind::kAny:
      return any(as<Value>(value_at));
  }
}

void Writer::any(const Value& content) {
  struct Visitor {
    Writer& out;
    void operator()(std::monostate) { out.nil(); }
    void operator()(bool item) { out.boolean(item); }
    void operator()(int64_t item) { out.integer(item); }
    void operator()(uint64_t item) { out.unsigned_integer(item); }
    void operator()(double item) { out.float64(item); }
    void operator()(const std::string& item) { out.text(item); }
    void operator()(const Bytes& item) { out.value(type_of<Bytes>(), &item); }
    void operator()(const Box<ValueList>& item) { out.value(type_of<Box<ValueList>>(), &item); }
    void operator()(const Box<ValueMap>& item) { out.value(type_of<Box<ValueMap>>(), &item); }
  };
  std::visit(Visitor{*this}, content.data);
}

}  // namespace

void write_msgpack(std::string& out, const Type& type, const void* value, MsgpackWriteOptions options) {
  Writer(out, options.new_spec).value(type, value);
}

namespace msgpack {

void put_nil(std::string& out) { out.push_back('\xc0'); }
void put_bool(std::string& out, bool value) { out.push_back(value ? '\xc3' : '\xc2'); }
void put_int(std::string& out, int64_t value) { Writer(out, false).integer(value); }
void put_uint(std::string& out, uint64_t value) { Writer(out, false).unsigned_integer(value); }
void put_float64(std::string& out, double value) { Writer(out, false).float64(value); }
void put_raw(std::string& out, std::string_view text) { Writer(out, false).text(text); }
void put_str8(std::string& out, std::string_view text) { Writer(out, true).text(text); }
void put_bin(std::string& out, std::string_view bytes) { Writer(out, true).bytes(bytes); }
void put_array(std::string& out, size_t count) { Writer(out, false).array(count); }
void put_map(std::string& out, size_t count) { Writer(out, false).map(count); }
void put_time(std::string& out, Time time) { Writer(out, false).time(time); }

}  // namespace msgpack
}  // namespace praetor::codec
