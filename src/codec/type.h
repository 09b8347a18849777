// One description a struct. A described struct lists its fields once; JSON, MessagePack, HCL and filter
// expressions are interpreters of that list (codec/json.h, codec/msgpack.h, codec/hcl.h, codec/filter.h), so
// that no encoder is written or compiled per struct.
//
//   struct Node { std::string id; std::string node; uint64_t create_index = 0; };
//   PRAETOR_DESCRIBED(Node)                       // in the header, in Node's namespace
//
//   PRAETOR_DESCRIBE(Node, "Node",                // in one .cc, in Node's namespace
//     field("ID", &Node::id),
//     field("Node", &Node::node),
//     field("CreateIndex", &Node::create_index).no_filter())
//
// Descriptions are built at first use and never change: any thread may read them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/time.h"
#include "codec/containers.h"
#include "codec/value.h"

namespace praetor::codec {

enum class Kind : uint8_t {
  kBool,
  kInt,       // size 1, 2, 4 or 8 bytes
  kUint,      // size 1, 2, 4 or 8 bytes
  kFloat,     // size 4 or 8 bytes
  kString,    // std::string
  kBytes,     // codec::Bytes
  kDuration,  // praetor::Duration: JSON integer nanoseconds (or Go text, kDurationText)
  kTime,      // praetor::Time
  kList,      // List<element>
  kMap,       // Map<element>
  kPointer,   // Box<element> or std::optional<element>
  kStruct,
  kAny,  // codec::Value
};

struct Type;

// How a field differs from the plain rule (same name everywhere, always present).
enum FieldFlag : uint32_t {
  kOmitEmpty = 1 << 0,           // JSON: left out when empty (Go's omitempty: false, 0, "", nil, length 0)
  kNoJson = 1 << 1,              // absent from JSON, both ways
  kNoWire = 1 << 2,              // absent from MessagePack
  kNoFilter = 1 << 3,            // not a selector of filter expressions
  kDurationText = 1 << 4,        // JSON output as "10s"
  kWireOmitEmpty = 1 << 5,       // MessagePack: left out when empty
  kSnakeInput = 1 << 6,          // JSON input also accepts the snake_case name
  kEmptyAsList = 1 << 7,         // JSON output [] (or {}) even when nil
  kJsonInputOnly = 1 << 8,       // read from JSON, never written
  kStringOnlyDuration = 1 << 9,  // JSON/HCL input of a duration must be text
};

struct Field {
  std::string_view name;       // Go's field name: MessagePack key, selector, JSON key unless overridden
  std::string_view json_name;  // JSON key
  std::string_view wire_name;  // MessagePack key
  const Type* type = nullptr;
  size_t offset = 0;
  uint32_t flags = 0;
  std::string_view alias;    // further names in configuration, lower case, separated by commas
  std::string_view go_type;  // Go's name of the type in JSON error texts, where it is not the plain one
  // Made by make_struct, so that encoders copy ready pieces:
  std::string_view json_key;    // `,"Key":`
  std::string_view wire_key;    // the key as MessagePack
  std::string_view snake_name;  // snake_case of json_name

  bool has(FieldFlag flag) const { return (flags & flag) != 0; }
  const void* in(const void* object) const { return static_cast<const char*>(object) + offset; }
  void* in(void* object) const { return static_cast<char*>(object) + offset; }
};

// Type-erased access to a List, Map, Box or optional. Elements of a list or map lie in one array: element i
// (its value, in a map) is at base + i * stride + value_offset, its key (a std::string) at base + i * stride.
struct ContainerOps {
  size_t (*size)(const void*);                             // list, map; pointer: 0 or 1
  const void* (*at)(const void*, size_t index);            // element (map: value) at an index
  std::string_view (*key)(const void*, size_t index);      // map only
  const void* (*find)(const void*, std::string_view key);  // map only; null when absent
  void* (*add)(void*, std::string_view key);  // new element: list push, map insert, pointer emplace
  bool (*is_nil)(const void*);
  void (*make_empty)(void*);         // list and map: empty, not nil; pointer: null
  void (*clear)(void*);              // nil
  const void* (*base)(const void*);  // list, map: the array; pointer: the element or null
  size_t stride = 0;
  size_t value_offset = 0;
};

struct Type {
  Kind kind = Kind::kAny;
  uint8_t size = 0;                            // bytes, of numbers
  std::string_view name;                       // Go name, of structs
  const Type& (*element_of)() = nullptr;       // list, map, pointer
  const ContainerOps* ops = nullptr;           // list, map, pointer
  std::vector<Field> fields;                   // struct, in Go's order; embedded structs inlined
  std::vector<const Field*> wire_order;        // struct: fields sorted by wire name, without kNoWire
  void (*construct_default)(void*) = nullptr;  // struct: assigns a default value
  bool wire_omits = false;                     // struct: some field has kWireOmitEmpty
  bool own_json_decoder = false;               // struct: Go type with an UnmarshalJSON (error texts)
  bool tolerates_unknown = false;              // struct: its own decoder lets unknown fields pass

  const Type& element() const { return element_of(); }
  // Where in wire_order; its size when absent.
  size_t wire_index(std::string_view wire_name) const;
  const Field* find_wire(std::string_view wire_name) const;
};

// "TLSSkipVerify" -> "tls_skip_verify".
std::string snake_case(std::string_view go_name);

// Is the value what Go's omitempty leaves out?
bool is_empty(const Type& type, const void* value);

template <typename T>
const Type& type_of();

namespace detail {

template <typename T>
struct IsList : std::false_type {};
template <typename T>
struct IsList<List<T>> : std::true_type {
  using Element = T;
};
template <typename T>
struct IsMap : std::false_type {};
template <typename T>
struct IsMap<Map<T>> : std::true_type {
  using Element = T;
};
template <typename T>
struct IsPointer : std::false_type {};
template <typename T>
struct IsPointer<Box<T>> : std::true_type {
  using Element = T;
};
template <typename T>
struct IsPointer<std::optional<T>> : std::true_type {
  using Element = T;
};

const Type& scalar_type(Kind kind, size_t size);
const Type& make_container(Kind kind, const Type& (*element)(), const ContainerOps* ops);

// Where a std::pair keeps `second`, measured on storage that is never read.
template <typename Pair>
size_t pair_value_offset() {
  alignas(Pair) static char storage[sizeof(Pair)];
  auto* pair = reinterpret_cast<Pair*>(storage);
  return static_cast<size_t>(reinterpret_cast<const char*>(&pair->second) - storage);
}

template <typename C>
const ContainerOps* list_ops() {
  static const ContainerOps ops = {
      [](const void* c) { return static_cast<const C*>(c)->size(); },
      [](const void* c, size_t i) -> const void* { return &(*static_cast<const C*>(c))[i]; },
      [](const void*, size_t) { return std::string_view(); },
      [](const void*, std::string_view) -> const void* { return nullptr; },
      [](void* c, std::string_view) -> void* { return &static_cast<C*>(c)->emplace_back(); },
      [](const void* c) { return static_cast<const C*>(c)->is_nil(); },
      [](void* c) { static_cast<C*>(c)->make_empty(); },
      [](void* c) { *static_cast<C*>(c) = C(); },
      [](const void* c) -> const void* { return static_cast<const C*>(c)->data(); },
      sizeof(typename C::value_type)};
  return &ops;
}

template <typename C>
const ContainerOps* map_ops() {
  static const ContainerOps ops = {
      [](const void* c) { return static_cast<const C*>(c)->size(); },
      [](const void* c, size_t i) -> const void* { return &static_cast<const C*>(c)->at_index(i).second; },
      [](const void* c, size_t i) -> std::string_view { return static_cast<const C*>(c)->at_index(i).first; },
      [](const void* c, std::string_view key) -> const void* { return static_cast<const C*>(c)->get(key); },
      [](void* c, std::string_view key) -> void* { return &(*static_cast<C*>(c))[key]; },
      [](const void* c) { return static_cast<const C*>(c)->is_nil(); },
      [](void* c) { static_cast<C*>(c)->make_empty(); },
      [](void* c) { *static_cast<C*>(c) = C(); },
      [](const void* c) -> const void* { return static_cast<const C*>(c)->data(); },
      sizeof(typename C::value_type),
      pair_value_offset<typename C::value_type>()};
  return &ops;
}

template <typename C>
const ContainerOps* pointer_ops() {
  static const ContainerOps ops = {
      [](const void* c) -> size_t { return *static_cast<const C*>(c) ? 1 : 0; },
      [](const void* c, size_t) -> const void* { return &**static_cast<const C*>(c); },
      [](const void*, size_t) { return std::string_view(); },
      [](const void*, std::string_view) -> const void* { return nullptr; },
      [](void* c, std::string_view) -> void* { return &static_cast<C*>(c)->emplace(); },
      [](const void* c) { return !*static_cast<const C*>(c); },
      [](void* c) { static_cast<C*>(c)->reset(); },
      [](void* c) { static_cast<C*>(c)->reset(); },
      [](const void* c) -> const void* {
        auto* pointer = static_cast<const C*>(c);
        return *pointer ? &**pointer : nullptr;
      }};
  return &ops;
}

}  // namespace detail

template <typename T>
const Type& type_of() {
  if constexpr (std::is_same_v<T, bool>) {
    return detail::scalar_type(Kind::kBool, 1);
  } else if constexpr (std::is_same_v<T, std::string>) {
    return detail::scalar_type(Kind::kString, 0);
  } else if constexpr (std::is_same_v<T, Bytes>) {
    return detail::scalar_type(Kind::kBytes, 0);
  } else if constexpr (std::is_same_v<T, Duration>) {
    return detail::scalar_type(Kind::kDuration, 8);
  } else if constexpr (std::is_same_v<T, Time>) {
    return detail::scalar_type(Kind::kTime, 0);
  } else if constexpr (std::is_same_v<T, Value>) {
    return detail::scalar_type(Kind::kAny, 0);
  } else if constexpr (std::is_floating_point_v<T>) {
    return detail::scalar_type(Kind::kFloat, sizeof(T));
  } else if constexpr (std::is_integral_v<T>) {
    return detail::scalar_type(std::is_signed_v<T> ? Kind::kInt : Kind::kUint, sizeof(T));
  } else if constexpr (detail::IsList<T>::value) {
    static const Type& type = detail::make_container(
        Kind::kList, &type_of<typename detail::IsList<T>::Element>, detail::list_ops<T>());
    return type;
  } else if constexpr (detail::IsMap<T>::value) {
    static const Type& type = detail::make_container(Kind::kMap, &type_of<typename detail::IsMap<T>::Element>,
                                                     detail::map_ops<T>());
    return type;
  } else if constexpr (detail::IsPointer<T>::value) {
    static const Type& type = detail::make_container(
        Kind::kPointer, &type_of<typename detail::IsPointer<T>::Element>, detail::pointer_ops<T>());
    return type;
  } else {
    return praetor_describe(static_cast<const T*>(nullptr));  // found by argument-dependent lookup
  }
}

// What PRAETOR_DESCRIBE collects; see the file comment.
struct FieldSpec {
  Field field;
  bool embedded = false;
  bool own_decoder = false;
  bool tolerant = false;

  FieldSpec json(std::string_view name) && {
    field.json_name = name;
    return *this;
  }
  FieldSpec wire(std::string_view name) && {
    field.wire_name = name;
    return *this;
  }
  FieldSpec alias(std::string_view names) && {
    field.alias = names;
    return *this;
  }
  FieldSpec go_type(std::string_view name) && {
    field.go_type = name;
    return *this;
  }
  FieldSpec omit_empty() && { return std::move(*this).flag(kOmitEmpty); }
  FieldSpec no_json() && { return std::move(*this).flag(kNoJson); }
  FieldSpec no_wire() && { return std::move(*this).flag(kNoWire); }
  FieldSpec no_filter() && { return std::move(*this).flag(kNoFilter); }
  FieldSpec flag(FieldFlag flag) && {
    field.flags |= flag;
    return *this;
  }
};

template <typename Struct, typename Member>
FieldSpec field(std::string_view name, Member Struct::* member) {
  // The offset of a member pointer, measured on storage that is never read.
  alignas(Struct) static char storage[sizeof(Struct)];
  auto* object = reinterpret_cast<Struct*>(storage);
  auto offset = static_cast<size_t>(reinterpret_cast<const char*>(&(object->*member)) - storage);
  FieldSpec spec;
  spec.field.name = spec.field.json_name = spec.field.wire_name = name;
  spec.field.type = &type_of<Member>();
  spec.field.offset = offset;
  return spec;
}

// Go's anonymous field: the fields of the member stand in the outer struct.
template <typename Struct, typename Member>
FieldSpec embedded(Member Struct::* member) {
  FieldSpec spec = field("", member);
  spec.embedded = true;
  return spec;
}

// Not a field: says that Go decodes the struct by an UnmarshalJSON of its own, which shows in error texts
// (`Go struct field .Port`), and whether that decoder lets unknown fields pass.
inline FieldSpec own_json_decoder(bool tolerates_unknown = false) {
  FieldSpec spec;
  spec.own_decoder = true;
  spec.tolerant = tolerates_unknown;
  return spec;
}

// Keeps the description alive for the program's life.
const Type& make_struct(std::string_view name, std::vector<FieldSpec> fields,
                        void (*construct_default)(void*));

}  // namespace praetor::codec

#define PRAETOR_DESCRIBED(Struct) const ::praetor::codec::Type& praetor_describe(const Struct*);

#define PRAETOR_DESCRIBE(Struct, go_name, ...)                                                   \
  const ::praetor::codec::Type& praetor_describe(const Struct*) {                                \
    using ::praetor::codec::embedded;                                                            \
    using ::praetor::codec::field;                                                               \
    using ::praetor::codec::own_json_decoder;                                                    \
    static const ::praetor::codec::Type& type = ::praetor::codec::make_struct(                   \
        go_name, {__VA_ARGS__}, [](void* object) { *static_cast<Struct*>(object) = Struct(); }); \
    return type;                                                                                 \
  }
