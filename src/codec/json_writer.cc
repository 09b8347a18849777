#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/text.h"
#include "codec/appender.h"
#include "codec/json.h"

namespace praetor::codec {
namespace {

// Bytes that a string literal cannot hold as they are (or that may start a sequence to look at).
constexpr auto kSpecial = [] {
  std::array<bool, 256> table{};
  for (size_t c = 0; c < 256; ++c) table[c] = c < 0x20 || c >= 0x80;
  for (char c : {'"', '\\', '<', '>', '&'}) table[static_cast<uint8_t>(c)] = true;
  return table;
}();

constexpr uint64_t repeat(uint8_t byte) { return 0x0101010101010101u * byte; }
constexpr uint64_t has_zero(uint64_t word) { return (word - repeat(1)) & ~word & repeat(0x80); }

// Does any of eight bytes stand in kSpecial? ('"' and '&', '<' and '>' differ in one bit each.)
bool any_special(uint64_t word) {
  uint64_t control = (word - repeat(0x20)) & ~word;
  uint64_t quotes = has_zero((word | repeat('"' ^ '&')) ^ repeat('"' | '&'));
  uint64_t angles = has_zero((word | repeat('<' ^ '>')) ^ repeat('<' | '>'));
  uint64_t slash = has_zero(word ^ repeat('\\'));
  return ((control | quotes | angles | slash | word) & repeat(0x80)) != 0;
}

char* put_unicode_escape(char* at, unsigned code) {
  constexpr const char* kDigits = "0123456789abcdef";
  *at++ = '\\';
  *at++ = 'u';
  for (int shift : {12, 8, 4, 0}) *at++ = kDigits[code >> shift & 15];
  return at;
}

// Writes the escape of the special sequence at `from` and returns its length in the source.
size_t put_escape(char*& at, std::string_view from) {
  auto c = static_cast<uint8_t>(from[0]);
  if (c < 0x80) {
    const char* shorts = "\"\"\\\\\nn\rr\tt";
    for (; *shorts != 0; shorts += 2) {
      if (static_cast<uint8_t>(shorts[0]) == c) {
        *at++ = '\\';
        *at++ = shorts[1];
        return 1;
      }
    }
    at = put_unicode_escape(at, c);
    return 1;
  }
  size_t length = utf8_length(from);
  if (length == 0) {
    at = put_unicode_escape(at, 0xfffd);
    return 1;
  }
  if (from.starts_with("\xe2\x80\xa8") || from.starts_with("\xe2\x80\xa9")) {
    at = put_unicode_escape(at, from[2] == '\xa8' ? 0x2028 : 0x2029);
    return 3;
  }
  std::memcpy(at, from.data(), length);
  at += length;
  return length;
}

void put_string(Appender& out, std::string_view text) {
  out.ensure(text.size() + 16);
  char* at = out.position();
  const char* from = text.data();
  const char* end = from + text.size();
  *at++ = '"';
  while (from < end) {
    while (end - from >= 8) {
      uint64_t word;
      std::memcpy(&word, from, 8);
      if (any_special(word)) break;
      std::memcpy(at, &word, 8);
      at += 8;
      from += 8;
    }
    for (const char* stop = end - from > 8 ? from + 8 : end; from < stop;) {
      if (!kSpecial[static_cast<uint8_t>(*from)]) {
        *at++ = *from++;
        continue;
      }
      out.set_position(at);
      out.ensure(static_cast<size_t>(end - from) + 16);
      at = out.position();
      from += put_escape(at, std::string_view(from, static_cast<size_t>(end - from)));
    }
  }
  *at++ = '"';
  out.set_position(at);
}

void put_base64(Appender& out, std::string_view bytes) {
  constexpr const char* kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  out.ensure((bytes.size() + 2) / 3 * 4 + 2);
  char* at = out.position();
  *at++ = '"';
  auto* from = reinterpret_cast<const uint8_t*>(bytes.data());
  size_t left = bytes.size();
  for (; left >= 3; left -= 3, from += 3) {
    uint32_t group = static_cast<uint32_t>(from[0]) << 16 | static_cast<uint32_t>(from[1]) << 8 | from[2];
    for (int shift : {18, 12, 6, 0}) *at++ = kDigits[group >> shift & 63];
  }
  if (left > 0) {
    uint32_t group =
        static_cast<uint32_t>(from[0]) << 16 | (left == 2 ? static_cast<uint32_t>(from[1]) << 8 : 0);
    *at++ = kDigits[group >> 18];
    *at++ = kDigits[group >> 12 & 63];
    *at++ = left == 2 ? kDigits[group >> 6 & 63] : '=';
    *at++ = '=';
  }
  *at++ = '"';
  out.set_position(at);
}

// Go's form: plain digits for 1e-6 <= |x| < 1e21, else an exponent without a leading zero. The shortest
// digits that read back as the same number, in both.
template <typename Float>
void put_float(Appender& out, Float value) {
  if (!std::isfinite(value)) return out.put("null");
  Float magnitude = std::fabs(value);
  std::array<char, 40> buffer;
  auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific).ptr;
  std::string_view text(buffer.data(), static_cast<size_t>(end - buffer.data()));
  size_t exponent_at = text.find('e');
  if (magnitude != 0 && (magnitude < static_cast<Float>(1e-6) || magnitude >= static_cast<Float>(1e21))) {
    bool padded =
        text.size() == exponent_at + 4 && text[exponent_at + 1] == '-' && text[exponent_at + 2] == '0';
    if (!padded) return out.put(text);
    out.put(text.substr(0, exponent_at + 2));
    return out.put(text.back());
  }
  int exponent = 0;
  std::string_view exponent_text = text.substr(exponent_at + (text[exponent_at + 1] == '+' ? 2 : 1));
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
  if (text[0] == '-') out.put('-');
  std::string_view mantissa = text.substr(text[0] == '-' ? 1 : 0, exponent_at - (text[0] == '-' ? 1 : 0));
  if (exponent < 0) {
    out.put("0.");
    for (int i = -1; i > exponent; --i) out.put('0');
    out.put(mantissa[0]);
    if (mantissa.size() > 2) out.put(mantissa.substr(2));
    return;
  }
  out.put(mantissa[0]);
  std::string_view fraction = mantissa.size() > 2 ? mantissa.substr(2) : std::string_view();
  auto whole = static_cast<size_t>(exponent);
  out.put(fraction.substr(0, whole));
  for (size_t i = fraction.size(); i < whole; ++i) out.put('0');
  if (fraction.size() > whole) {
    out.put('.');
    out.put(fraction.substr(whole));
  }
}

template <typename T>
const T& as(const void* value) {
  return *static_cast<const T*>(value);
}

void put_value(Appender& out, const Type& type, const void* value, uint32_t flags);
void put_any(Appender& out, const Value& value);

void put_struct(Appender& out, const Type& type, const void* object) {
  bool first = true;
  for (const Field& field : type.fields) {
    const void* value = field.in(object);
    if (field.flags & (kNoJson | kJsonInputOnly | kOmitEmpty)) [[unlikely]] {
      if (field.flags & (kNoJson | kJsonInputOnly)) continue;
      if (is_empty(*field.type, value)) continue;
    }
    out.put(field.json_key);
    // json_key starts with the comma; the first key has a brace there instead.
    if (first) out.position()[-static_cast<ptrdiff_t>(field.json_key.size())] = '{';
    first = false;
    put_value(out, *field.type, value, field.flags);
  }
  if (first) out.put('{');
  out.put('}');
}

void put_list(Appender& out, const Type& type, const void* list, uint32_t flags) {
  const ContainerOps& ops = *type.ops;
  size_t size = ops.size(list);
  if (size == 0) return out.put(ops.is_nil(list) && !(flags & kEmptyAsList) ? "null" : "[]");
  const Type& element = type.element();
  auto* at = static_cast<const char*>(ops.base(list));
  char separator = '[';
  for (size_t i = 0; i < size; ++i, at += ops.stride, separator = ',') {
    out.put(separator);
    put_value(out, element, at, flags & kDurationText);
  }
  out.put(']');
}

void put_map(Appender& out, const Type& type, const void* map, uint32_t flags) {
  const ContainerOps& ops = *type.ops;
  size_t size = ops.size(map);
  if (size == 0) return out.put(ops.is_nil(map) && !(flags & kEmptyAsList) ? "null" : "{}");
  const Type& element = type.element();
  auto* at = static_cast<const char*>(ops.base(map));
  char separator = '{';
  for (size_t i = 0; i < size; ++i, at += ops.stride, separator = ',') {
    out.put(separator);
    put_string(out, as<std::string>(at));
    out.put(':');
    put_value(out, element, at + ops.value_offset, flags & kDurationText);
  }
  out.put('}');
}

void put_int(Appender& out, const Type& type, const void* value) {
  switch (type.size) {
    case 1:
      return out.put_decimal(static_cast<int>(as<int8_t>(value)));
    case 2:
      return out.put_decimal(as<int16_t>(value));
    case 4:
      return out.put_decimal(as<int32_t>(value));
    default:
      return out.put_decimal(as<int64_t>(value));
  }
}

void put_uint(Appender& out, const Type& type, const void* value) {
  switch (type.size) {
    case 1:
      return out.put_decimal(static_cast<unsigned>(as<uint8_t>(value)));
    case 2:
      return out.put_decimal(as<uint16_t>(value));
    case 4:
      return out.put_decimal(as<uint32_t>(value));
    default:
      return out.put_decimal(as<uint64_t>(value));
  }
}

void put_bytes(Appender& out, std::string_view bytes) {
  if (bytes.empty()) return out.put("null");
  put_base64(out, bytes);
}

void put_value(Appender& out, const Type& type, const void* value, uint32_t flags) {
  switch (type.kind) {
    case Kind::kString:
      return put_string(out, as<std::string>(value));
    case Kind::kInt:
      return put_int(out, type, value);
    case Kind::kUint:
      return put_uint(out, type, value);
    case Kind::kBool:
      return out.put(as<bool>(value) ? "true" : "false");
    case Kind::kFloat:
      return type.size == 4 ? put_float(out, as<float>(value)) : put_float(out, as<double>(value));
    case Kind::kBytes:
      return put_bytes(out, as<Bytes>(value));
    case Kind::kDuration:
      if (flags & kDurationText) return put_string(out, format_duration(as<Duration>(value)));
      return out.put_decimal(as<Duration>(value).count());
    case Kind::kTime:
      return put_string(out, format_rfc3339(as<Time>(value)));
    case Kind::kList:
      return put_list(out, type, value, flags);
    case Kind::kMap:
      return put_map(out, type, value, flags);
    case Kind::kPointer: {
      const void* target = type.ops->base(value);
      if (target == nullptr) return out.put("null");
      return put_value(out, type.element(), target, flags);
    }
    case Kind::kStruct:
      return put_struct(out, type, value);
    case Kind::kAny:
      return put_any(out, as<Value>(value));
  }
}

struct AnyWriter {
  Appender& out;

  void operator()(std::monostate) { out.put("null"); }
  void operator()(bool value) { out.put(value ? "true" : "false"); }
  void operator()(int64_t value) { out.put_decimal(value); }
  void operator()(uint64_t value) { out.put_decimal(value); }
  void operator()(double value) { put_float(out, value); }
  void operator()(const std::string& value) { put_string(out, value); }
  void operator()(const Bytes& value) { put_bytes(out, value); }
  void operator()(const Box<ValueList>& value) { put_value(out, type_of<Box<ValueList>>(), &value, 0); }
  void operator()(const Box<ValueMap>& value) { put_value(out, type_of<Box<ValueMap>>(), &value, 0); }
};

void put_any(Appender& out, const Value& value) { std::visit(AnyWriter{out}, value.data); }

}  // namespace

void write_json(std::string& out, const Type& type, const void* value) {
  Appender appender(out);
  put_value(appender, type, value, 0);
}

void write_json_string(std::string& out, std::string_view text) {
  Appender appender(out);
  put_string(appender, text);
}

std::string indent_json(std::string_view document, std::string_view prefix, std::string_view indent) {
  std::string out;
  size_t depth = 0;
  auto new_line = [&] {
    out += '\n';
    out += prefix;
    for (size_t i = 0; i < depth; ++i) out += indent;
  };
  bool opened = false;  // after '{' or '[': the new line waits for a first element
  for (size_t i = 0; i < document.size(); ++i) {
    char c = document[i];
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
    if (c == '}' || c == ']') {
      if (!opened) {
        if (depth > 0) --depth;
        new_line();
      }
      opened = false;
      out += c;
      continue;
    }
    if (opened) {
      opened = false;
      ++depth;
      new_line();
    }
    if (c == '"') {
      size_t end = i + 1;
      while (end < document.size() && document[end] != '"') end += document[end] == '\\' ? 2 : 1;
      out += document.substr(i, end + 1 - i);
      i = end;
    } else if (c == '{' || c == '[') {
      opened = true;
      out += c;
    } else if (c == ',') {
      out += c;
      new_line();
    } else if (c == ':') {
      out += ": ";
    } else {
      out += c;
    }
  }
  return out;
}

std::string pretty_json(std::string_view document) { return indent_json(document, "", "    ") + "\n"; }

}  // namespace praetor::codec
