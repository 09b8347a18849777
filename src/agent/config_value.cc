#include "agent/config_value.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "base/time.h"
#include "codec/hcl.h"

namespace praetor::agent {
namespace {

using codec::Field;
using codec::Kind;
using codec::Type;
using codec::Value;
using codec::ValueList;
using codec::ValueMap;

// Where a field's key in files differs from its name in snake_case.
struct KeyRule {
  std::string_view field;
  std::string_view key;    // empty: no key of files
  std::string_view alias;  // a second spelling
};
constexpr KeyRule kKeyRules[] = {
    {"CheckID", "id", ""},
    {"ScriptArgs", "args", "scriptargs"},
    {"Args", "", ""},
    {"ServiceID", "service_id", "serviceid"},
    {"DockerContainerID", "docker_container_id", "dockercontainerid"},
    {"TLSSkipVerify", "tls_skip_verify", "tlsskipverify"},
    {"DeregisterCriticalServiceAfter", "deregister_critical_service_after", "deregistercriticalserviceafter"},
    {"GRPCUseTLS", "grpc_use_tls", ""},
    {"ProxyHTTP", "", ""},
    {"ProxyGRPC", "", ""},
    {"ParsedFromCheck", "", ""},
    {"IngressHosts", "", ""},
};

bool matches(const Field& field, std::string_view key) {
  for (const KeyRule& rule : kKeyRules)
    if (rule.field == field.name)
      return (!rule.key.empty() && equals_ignore_case(rule.key, key)) ||
             (!rule.alias.empty() && equals_ignore_case(rule.alias, key));
  return equals_ignore_case(field.snake_name, key);
}

std::string_view file_key(const Field& field) {
  for (const KeyRule& rule : kKeyRules)
    if (rule.field == field.name) return rule.key;
  return field.snake_name;
}

// Go's reflect.Kind and type names of what a document holds.
struct GoNames {
  const char* kind;
  const char* type;
};
GoNames go_names(const Value& value) {
  switch (value.data.index()) {
    case 1:
      return {"bool", "bool"};
    case 2:
    case 3:
      return {"int", "int"};
    case 4:
      return {"float64", "float64"};
    case 5:
    case 6:
      return {"string", "string"};
    case 7:
      return {"slice", "[]interface {}"};
    case 8:
      return {"map", "map[string]interface {}"};
    default:
      return {"invalid", "<nil>"};
  }
}

std::string go_type(const Type& type) {
  switch (type.kind) {
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kUint:
      return type.size == 8 ? "uint64" : "uint32";
    case Kind::kFloat:
      return "float64";
    default:
      return "string";
  }
}

class Decoder {
 public:
  explicit Decoder(DecodeErrors& errors) : errors_(errors) {}

  void decode(const Value& given, const Type& type, void* target, const std::string& path) {
    const Value& value = *opened(given, type);
    if (value.is_null()) return;
    switch (type.kind) {
      case Kind::kPointer:
        return pointer(value, type, target, path);
      case Kind::kStruct:
        return struct_(value, type, target, path);
      case Kind::kMap:
        return map(value, type, target, path);
      case Kind::kList:
        return list(value, type, target, path);
      case Kind::kAny:
        *static_cast<Value*>(target) = codec::without_shape(value);
        return;
      case Kind::kDuration:
        return duration(value, target, path);
      default:
        if (is_negative_unsigned(value, type))
          errors_.types.push_back(
              fmt::format("cannot parse '{}', {:f} overflows uint", path, *number(value)));
        else if (!scalar(value, type, target))
          errors_.types.push_back(fmt::format("'{}' expected type '{}', got unconvertible type '{}'", path,
                                              go_type(type), go_names(value).type));
    }
  }

 private:
  static std::optional<double> number(const Value& value) {
    if (auto* i = std::get_if<int64_t>(&value.data)) return static_cast<double>(*i);
    if (auto* u = std::get_if<uint64_t>(&value.data)) return static_cast<double>(*u);
    if (auto* d = std::get_if<double>(&value.data)) return *d;
    return std::nullopt;
  }

  static bool is_negative_unsigned(const Value& value, const Type& type) {
    auto n = number(value);
    return type.kind == Kind::kUint && n && *n < 0;
  }

  static bool scalar(const Value& value, const Type& type, void* target) {
    switch (type.kind) {
      case Kind::kBool:
        if (const bool* b = value.boolean()) return *static_cast<bool*>(target) = *b, true;
        return false;
      case Kind::kString:
        if (const std::string* s = value.string()) return *static_cast<std::string*>(target) = *s, true;
        return false;
      case Kind::kFloat:
        if (auto n = number(value)) return *static_cast<double*>(target) = *n, true;
        return false;
      case Kind::kInt:
      case Kind::kUint:
        return integer(value, type, target);
      default:
        return false;
    }
  }

  static bool integer(const Value& value, const Type& type, void* target) {
    auto n = number(value);
    if (!n) return false;
    double bounded = std::clamp(*n, -9.2e18, 9.2e18);
    auto whole = static_cast<int64_t>(bounded);
    if (type.size == 4)
      *static_cast<uint32_t*>(target) = static_cast<uint32_t>(whole);
    else if (type.kind == Kind::kUint)
      *static_cast<uint64_t*>(target) = static_cast<uint64_t>(whole);
    else
      *static_cast<int64_t*>(target) = whole;
    return true;
  }

  // A pointer to something that could not be read stays null.
  void pointer(const Value& value, const Type& type, void* target, const std::string& path) {
    const Type& element = type.element();
    bool fresh = type.ops->size(target) == 0;
    void* slot = fresh ? type.ops->add(target, {}) : const_cast<void*>(type.ops->at(target, 0));
    size_t before = errors_.types.size();
    decode(value, element, slot, path);
    if (fresh && errors_.types.size() != before) type.ops->clear(target);
  }

  // HCL writes a block as a list of one map: where no list is wanted, a list of one element counts as the
  // element.
  static const Value* opened(const Value& given, const Type& type) {
    const Value* value = &given;
    bool closed = type.kind == Kind::kList || type.kind == Kind::kAny || type.kind == Kind::kPointer;
    while (!closed && value->list() != nullptr && value->list()->size() == 1) value = &value->list()->front();
    return value;
  }

  void struct_(const Value& value, const Type& type, void* target, const std::string& path) {
    const ValueMap* map = value.map();
    if (map == nullptr) {
      errors_.types.push_back(fmt::format("'{}' expected a map, got '{}'", path, go_names(value).kind));
      return;
    }
    if (type.name == "Weights") set_weights(type, target);
    std::string outer = owner_;
    name_owner(type, *map);
    std::vector<bool> used(map->size());
    for (const Field& field : type.fields) {
      for (size_t i = 0; i < map->size(); ++i) {
        const auto& [key, item] = map->at_index(i);
        if (used[i] || !matches(field, key)) continue;
        used[i] = true;
        decode(item, *field.type, field.in(target), join_path(path, file_key(field)));
      }
    }
    for (size_t i = 0; i < map->size(); ++i)
      if (!used[i]) errors_.unknown_keys.push_back(join_path(path, map->at_index(i).first));
    owner_ = outer;
  }

  static void set_weights(const Type& type, void* target) {
    for (const Field& field : type.fields) *static_cast<int64_t*>(field.in(target)) = 1;
  }

  // Durations of checks are named by the check's ID.
  void name_owner(const Type& type, const ValueMap& map) {
    if (type.name != "structs.CheckType" && type.name != "structs.CheckDefinition") return;
    owner_ = "check[";
    for (const auto& [key, item] : map)
      if (equals_ignore_case(key, "id") && item.string() != nullptr) owner_ += *item.string();
    owner_ += "]";
  }

  void map(const Value& value, const Type& type, void* target, const std::string& path) {
    const ValueMap* map = value.map();
    if (map == nullptr) {
      errors_.types.push_back(fmt::format("'{}' expected a map, got '{}'", path, go_names(value).kind));
      return;
    }
    if (type.ops->is_nil(target)) type.ops->make_empty(target);
    for (const auto& [key, item] : *map)
      decode(item, type.element(), type.ops->add(target, key), fmt::format("{}[{}]", path, key));
  }

  void list(const Value& value, const Type& type, void* target, const std::string& path) {
    const ValueList* list = value.list();
    if (list == nullptr) {
      errors_.types.push_back(
          fmt::format("'{}': source data must be an array or slice, got {}", path, go_names(value).kind));
      return;
    }
    if (type.ops->is_nil(target)) type.ops->make_empty(target);
    for (size_t i = 0; i < list->size(); ++i)
      decode((*list)[i], type.element(), type.ops->add(target, {}), fmt::format("{}[{}]", path, i));
  }

  void duration(const Value& value, void* target, const std::string& path) {
    const std::string* text = value.string();
    if (text == nullptr) {
      errors_.types.push_back(fmt::format("'{}' expected type 'string', got unconvertible type '{}'", path,
                                          go_names(value).type));
      return;
    }
    if (text->empty()) return;
    auto parsed = parse_duration(*text);
    if (parsed) {
      *static_cast<Duration*>(target) = *parsed;
      return;
    }
    std::string name = owner_ + path.substr(path.rfind('.'));
    errors_.durations.push_back(
        fmt::format("{}: invalid duration: {}: {}", name, go_quote(*text), parsed.error().message));
  }

  static std::string join_path(const std::string& path, std::string_view key) {
    return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
  }

  DecodeErrors& errors_;
  std::string owner_;
};

void copy_scalar(const Type& type, void* target, const void* source) {
  switch (type.kind) {
    case Kind::kBool:
      *static_cast<bool*>(target) = *static_cast<const bool*>(source);
      return;
    case Kind::kString:
      *static_cast<std::string*>(target) = *static_cast<const std::string*>(source);
      return;
    case Kind::kAny:
      *static_cast<Value*>(target) = *static_cast<const Value*>(source);
      return;
    case Kind::kUint:
    case Kind::kInt:
    case Kind::kDuration:
    case Kind::kFloat:
      std::copy_n(static_cast<const char*>(source), type.size, static_cast<char*>(target));
      return;
    default:
      CHECK(false);  // no other kind stands in configuration structs
  }
}

// Elements of lists and maps and what pointers point at are copied whole: onto fresh ones this is a merge.
void copy_fresh(const Type& type, void* target, const void* source) { merge_config(type, target, source); }

}  // namespace

void decode_config(const codec::Value& document, const codec::Type& type, void* target,
                   DecodeErrors& errors) {
  Decoder(errors).decode(document, type, target, "");
  std::sort(errors.types.begin(), errors.types.end());
}

void merge_config(const codec::Type& type, void* target, const void* later) {
  switch (type.kind) {
    case Kind::kStruct:
      for (const Field& field : type.fields) merge_config(*field.type, field.in(target), field.in(later));
      return;
    case Kind::kPointer:
      if (type.ops->size(later) == 0) return;
      type.ops->clear(target);
      return copy_fresh(type.element(), type.ops->add(target, {}), type.ops->at(later, 0));
    case Kind::kList:
      if (!type.ops->is_nil(later) && type.ops->is_nil(target)) type.ops->make_empty(target);
      for (size_t i = 0; i < type.ops->size(later); ++i)
        copy_fresh(type.element(), type.ops->add(target, {}), type.ops->at(later, i));
      return;
    case Kind::kMap:
      if (!type.ops->is_nil(later) && type.ops->is_nil(target)) type.ops->make_empty(target);
      for (size_t i = 0; i < type.ops->size(later); ++i)
        copy_fresh(type.element(), type.ops->add(target, type.ops->key(later, i)), type.ops->at(later, i));
      return;
    default:
      return copy_scalar(type, target, later);
  }
}

}  // namespace praetor::agent
