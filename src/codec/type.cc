#include "codec/type.h"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <mutex>

#include "base/check.h"
#include "codec/decoder_name.h"

namespace praetor::codec {
namespace {

// Descriptions live as long as the program; their addresses stay valid.
Type& new_type() {
  static std::mutex mutex;
  static std::deque<Type>* types = new std::deque<Type>;
  std::lock_guard lock(mutex);
  return types->emplace_back();
}

// Texts made for descriptions live as long as they do.
std::string_view keep(std::string text) {
  static std::mutex mutex;
  static std::deque<std::string>* texts = new std::deque<std::string>;
  std::lock_guard lock(mutex);
  return texts->emplace_back(std::move(text));
}

// MessagePack raw header and name (wire.md 1).
std::string wire_piece(std::string_view name) {
  std::string piece;
  if (name.size() < 32) {
    piece.push_back(static_cast<char>(0xa0 | name.size()));
  } else {
    CHECK(name.size() <= 0xffff);
    piece += {static_cast<char>(0xda), static_cast<char>(name.size() >> 8), static_cast<char>(name.size())};
  }
  piece += name;
  return piece;
}

void make_pieces(Field& field) {
  field.json_key = keep(",\"" + std::string(field.json_name) + "\":");
  field.wire_key = keep(wire_piece(field.wire_name));
  field.snake_name = keep(snake_case(field.json_name));
}

Type scalar(Kind kind, size_t size) {
  Type type;
  type.kind = kind;
  type.size = static_cast<uint8_t>(size);
  return type;
}

}  // namespace

static const Type* scalar_slot(Kind kind, size_t size) {
  static const Type kinds[] = {
      scalar(Kind::kBool, 1),  scalar(Kind::kInt, 1),      scalar(Kind::kInt, 2),   scalar(Kind::kInt, 4),
      scalar(Kind::kInt, 8),   scalar(Kind::kUint, 1),     scalar(Kind::kUint, 2),  scalar(Kind::kUint, 4),
      scalar(Kind::kUint, 8),  scalar(Kind::kFloat, 4),    scalar(Kind::kFloat, 8), scalar(Kind::kString, 0),
      scalar(Kind::kBytes, 0), scalar(Kind::kDuration, 8), scalar(Kind::kTime, 0),  scalar(Kind::kAny, 0)};
  for (const Type& type : kinds)
    if (type.kind == kind && type.size == size) return &type;
  return nullptr;
}

const Type& detail::scalar_type(Kind kind, size_t size) {
  const Type* type = scalar_slot(kind, size);
  CHECK(type != nullptr);
  return *type;
}

const Type& detail::make_container(Kind kind, const Type& (*element)(), const ContainerOps* ops) {
  Type& type = new_type();
  type.kind = kind;
  type.element_of = element;
  type.ops = ops;
  return type;
}

namespace {

// Off the Type itself: only error texts ask for it.
struct DecoderNames {
  std::mutex mutex;
  std::map<const Type*, std::string_view> names;  // guarded by mutex
  static DecoderNames& all() {
    static DecoderNames& names = *new DecoderNames;
    return names;
  }
};

}  // namespace

std::string_view decoder_name(const Type& type) {
  DecoderNames& all = DecoderNames::all();
  std::lock_guard lock(all.mutex);
  auto at = all.names.find(&type);
  return at == all.names.end() ? std::string_view() : at->second;
}

const Type& make_struct(std::string_view name, std::vector<FieldSpec> specs,
                        void (*construct_default)(void*)) {
  Type& type = new_type();
  type.kind = Kind::kStruct;
  type.name = name;
  type.construct_default = construct_default;
  for (const FieldSpec& spec : specs) {
    if (spec.own_decoder) {
      type.own_json_decoder = true;
      type.tolerates_unknown = spec.tolerant;
      if (spec.field.go_type.empty()) continue;
      DecoderNames& all = DecoderNames::all();
      std::lock_guard lock(all.mutex);
      all.names[&type] = spec.field.go_type;
      continue;
    }
    if (!spec.embedded) {
      type.fields.push_back(spec.field);
      continue;
    }
    for (Field inner : spec.field.type->fields) {
      inner.offset += spec.field.offset;
      inner.flags |= spec.field.flags;
      type.fields.push_back(inner);
    }
  }
  for (Field& field : type.fields) make_pieces(field);
  for (const Field& field : type.fields)
    if (!field.has(kNoWire)) {
      type.wire_order.push_back(&field);
      type.wire_omits = type.wire_omits || field.has(kWireOmitEmpty);
    }
  std::sort(type.wire_order.begin(), type.wire_order.end(),
            [](const Field* a, const Field* b) { return a->wire_name < b->wire_name; });
  return type;
}

std::string snake_case(std::string_view name) {
  auto upper = [&](size_t i) { return i < name.size() && name[i] >= 'A' && name[i] <= 'Z'; };
  auto word = [&](size_t i) { return i < name.size() && name[i] != '_'; };
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    if (!upper(i)) {
      out += name[i];
      continue;
    }
    // A new word: after a lower-case letter or digit, or where a run of capitals turns into a word (but
    // "IDs" is one).
    bool plural = i + 1 < name.size() && name[i + 1] == 's' && (i + 2 == name.size() || upper(i + 2));
    if (i > 0 && word(i - 1) && (!upper(i - 1) || (word(i + 1) && !upper(i + 1) && !plural))) out += '_';
    out += static_cast<char>(name[i] + ('a' - 'A'));
  }
  return out;
}

size_t Type::wire_index(std::string_view key) const {
  auto at = std::lower_bound(wire_order.begin(), wire_order.end(), key,
                             [](const Field* f, std::string_view k) { return f->wire_name < k; });
  bool found = at != wire_order.end() && (*at)->wire_name == key;
  return found ? static_cast<size_t>(at - wire_order.begin()) : wire_order.size();
}

const Field* Type::find_wire(std::string_view key) const {
  size_t index = wire_index(key);
  return index < wire_order.size() ? wire_order[index] : nullptr;
}

namespace {
bool all_zero(const void* value, size_t size) {
  auto* bytes = static_cast<const char*>(value);
  return std::all_of(bytes, bytes + size, [](char c) { return c == 0; });
}
}  // namespace

bool is_empty(const Type& type, const void* value) {
  switch (type.kind) {
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kUint:
    case Kind::kFloat:
    case Kind::kDuration:
      return all_zero(value, type.size);
    case Kind::kString:
      return static_cast<const std::string*>(value)->empty();
    case Kind::kBytes:
      return static_cast<const Bytes*>(value)->empty();
    case Kind::kList:
    case Kind::kMap:
    case Kind::kPointer:
      return type.ops->size(value) == 0;
    case Kind::kAny:
      return static_cast<const Value*>(value)->is_null();
    case Kind::kTime:
    case Kind::kStruct:
      return false;  // as Go: a struct is never empty
  }
  return false;
}

}  // namespace praetor::codec
