// From a Value to a described struct, as mapstructure does it for Consul.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "codec/hcl.h"

namespace praetor::codec {
namespace {

// Go's name of the type, and of its kind, that a document's value has.
std::string go_type(const Value& value) {
  struct Visitor {
    std::string operator()(std::monostate) { return "<nil>"; }
    std::string operator()(bool) { return "bool"; }
    std::string operator()(int64_t) { return "int"; }
    std::string operator()(uint64_t) { return "uint64"; }
    std::string operator()(double) { return "float64"; }
    std::string operator()(const std::string&) { return "string"; }
    std::string operator()(const Bytes&) { return "[]uint8"; }
    std::string operator()(const Box<ValueList>&) { return "[]interface {}"; }
    std::string operator()(const Box<ValueMap>&) { return "map[string]interface {}"; }
  };
  return std::visit(Visitor{}, value.data);
}

std::string go_kind(const Value& value) {
  if (value.map() != nullptr) return "map";
  return value.list() != nullptr ? "slice" : go_type(value);
}

// What Consul's hook does to the inside of a value that has no type to fit: below the first list of one
// element that it opens, every member that is such a list is opened once.
void open_members(Value& value) {
  if (ValueMap* map = value.map()) {
    for (auto& [key, member] : *map) {
      if (ValueList* list = member.list(); list != nullptr && list->size() == 1) {
        Value only = std::move(list->front());
        member = std::move(only);
      }
      open_members(member);
    }
  } else if (ValueList* list = value.list()) {
    for (Value& element : *list) open_members(element);
  }
}

class Decoder {
 public:
  explicit Decoder(std::vector<std::string>* unknown) : unknown_(unknown) {}

  void decode(const std::string& name, const Value& value, const Type& type, void* target,
              const Field* field);
  void structure(const std::string& name, const ValueMap& map, const Type& type, void* target);

  Status finish() {
    if (errors_.empty()) return {};
    std::sort(errors_.begin(), errors_.end());
    std::string text = std::to_string(errors_.size()) + " error(s) decoding:\n\n";
    for (size_t i = 0; i < errors_.size(); ++i) text += (i == 0 ? "* " : "\n* ") + errors_[i];
    return fail(std::move(text), ErrorKind::kBadRequest);
  }

 private:
  void unconvertible(const std::string& name, const std::string& wanted, const Value& value) {
    errors_.push_back("'" + name + "' expected type '" + wanted + "', got unconvertible type '" +
                      go_type(value) + "'");
  }
  void integer(const std::string& name, const Value& value, const Type& type, void* target);
  void real(const std::string& name, const Value& value, const Type& type, void* target);
  void text(const std::string& name, const Value& value, const Type& type, void* target);
  void list(const std::string& name, const Value& value, const Type& type, void* target);
  void string_map(const std::string& name, const Value& value, const Type& type, void* target);

  std::vector<std::string>* unknown_;
  std::vector<std::string> errors_;
};

void Decoder::integer(const std::string& name, const Value& value, const Type& type, void* target) {
  bool is_signed = type.kind == Kind::kInt;
  std::string wanted =
      (is_signed ? "int" : "uint") + (type.size == 8 && is_signed ? "" : std::to_string(type.size * 8));
  int64_t number = 0;
  if (auto* whole = std::get_if<int64_t>(&value.data)) {
    number = *whole;
  } else if (auto* fraction = std::get_if<double>(&value.data)) {
    if (!(std::fabs(*fraction) < 9.2e18)) return unconvertible(name, wanted, value);
    number = static_cast<int64_t>(*fraction);
  } else {
    return unconvertible(name, wanted, value);
  }
  auto store = [&](auto* slot) {
    using Integer = std::remove_pointer_t<decltype(slot)>;
    if (std::in_range<Integer>(number)) {
      *slot = static_cast<Integer>(number);
      return;
    }
    errors_.push_back("cannot parse '" + name + "', " + std::to_string(number) + " overflows " +
                      (is_signed ? "int" : "uint"));
  };
  switch (type.size) {
    case 1:
      return is_signed ? store(static_cast<int8_t*>(target)) : store(static_cast<uint8_t*>(target));
    case 2:
      return is_signed ? store(static_cast<int16_t*>(target)) : store(static_cast<uint16_t*>(target));
    case 4:
      return is_signed ? store(static_cast<int32_t*>(target)) : store(static_cast<uint32_t*>(target));
    default:
      return is_signed ? store(static_cast<int64_t*>(target)) : store(static_cast<uint64_t*>(target));
  }
}

void Decoder::real(const std::string& name, const Value& value, const Type& type, void* target) {
  double number = 0;
  if (auto* whole = std::get_if<int64_t>(&value.data))
    number = static_cast<double>(*whole);
  else if (auto* fraction = std::get_if<double>(&value.data))
    number = *fraction;
  else
    return unconvertible(name, type.size == 4 ? "float32" : "float64", value);
  if (type.size == 4)
    *static_cast<float*>(target) = static_cast<float>(number);
  else
    *static_cast<double*>(target) = number;
}

void Decoder::text(const std::string& name, const Value& value, const Type& type, void* target) {
  const std::string* content = value.string();
  if (content == nullptr) return unconvertible(name, "string", value);
  if (type.kind == Kind::kString) {
    *static_cast<std::string*>(target) = *content;
  } else if (type.kind == Kind::kBytes) {
    *static_cast<Bytes*>(target) = Bytes(*content);
  } else if (type.kind == Kind::kTime) {
    auto time = parse_rfc3339(*content);
    if (!time) return errors_.push_back("'" + name + "': " + time.error().message);
    *static_cast<Time*>(target) = *time;
  } else {
    auto duration = parse_duration(*content);
    if (!duration) return errors_.push_back("'" + name + "': " + duration.error().message);
    *static_cast<Duration*>(target) = *duration;
  }
}

void Decoder::list(const std::string& name, const Value& value, const Type& type, void* target) {
  const ValueList* elements = value.list();
  if (elements == nullptr)
    return errors_.push_back("'" + name + "': source data must be an array or slice, got " + go_kind(value));
  type.ops->make_empty(target);
  for (size_t i = 0; i < elements->size(); ++i)
    decode(name + "[" + std::to_string(i) + "]", (*elements)[i], type.element(), type.ops->add(target, {}),
           nullptr);
}

void Decoder::string_map(const std::string& name, const Value& value, const Type& type, void* target) {
  const ValueMap* members = value.map();
  if (members == nullptr)
    return errors_.push_back("'" + name + "' expected a map, got '" + go_kind(value) + "'");
  if (type.ops->is_nil(target)) type.ops->make_empty(target);
  for (const auto& [key, member] : *members)
    decode(name + "[" + key + "]", member, type.element(), type.ops->add(target, key), nullptr);
}

bool answers_to(const Field& field, std::string_view alias) {
  for (std::string_view name : split(field.alias, ','))
    if (!name.empty() && equals_ignore_case(name, alias)) return true;
  return false;
}

void Decoder::structure(const std::string& name, const ValueMap& map, const Type& type, void* target) {
  std::vector<bool> used(map.size());
  std::string prefix = name.empty() ? "" : name + ".";
  for (const Field& field : type.fields) {
    if (field.has(kNoJson)) continue;
    // Three rounds: the exact name, the name in another case, an alias.
    size_t found = map.size();
    for (int round = 0; round < 3 && found == map.size(); ++round) {
      for (size_t i = 0; i < map.size() && found == map.size(); ++i) {
        const std::string& key = map.at_index(i).first;
        if (round == 0   ? key == field.snake_name
            : round == 1 ? equals_ignore_case(key, field.snake_name)
                         : answers_to(field, key))
          found = i;
      }
    }
    for (size_t i = 0; i < map.size(); ++i)
      if (answers_to(field, map.at_index(i).first)) used[i] = true;  // beside the name itself it is ignored
    if (found == map.size()) continue;
    used[found] = true;
    decode(prefix + std::string(field.snake_name), map.at_index(found).second, *field.type, field.in(target),
           &field);
  }
  if (unknown_ == nullptr) return;
  for (size_t i = 0; i < map.size(); ++i)
    if (!used[i]) unknown_->push_back(prefix + map.at_index(i).first);
}

void Decoder::decode(const std::string& name, const Value& value, const Type& type, void* target,
                     const Field* field) {
  if (value.is_null()) return;
  if (type.kind == Kind::kPointer) {
    void* inner = const_cast<void*>(type.ops->base(target));
    if (inner == nullptr) inner = type.ops->add(target, {});
    return decode(name, value, type.element(), inner, field);
  }
  const ValueList* elements = value.list();
  if (type.kind == Kind::kAny) {
    *static_cast<Value*>(target) = without_shape(value);
    return;
  }
  if (elements != nullptr && elements->size() == 1 && type.kind != Kind::kList)
    return decode(name, elements->front(), type, target, field);
  switch (type.kind) {
    case Kind::kBool:
      if (value.boolean() == nullptr) return unconvertible(name, "bool", value);
      *static_cast<bool*>(target) = *value.boolean();
      return;
    case Kind::kInt:
    case Kind::kUint:
      return integer(name, value, type, target);
    case Kind::kFloat:
      return real(name, value, type, target);
    case Kind::kString:
    case Kind::kBytes:
    case Kind::kDuration:
    case Kind::kTime:
      return text(name, value, type, target);
    case Kind::kList:
      return list(name, value, type, target);
    case Kind::kMap:
      return string_map(name, value, type, target);
    case Kind::kStruct:
      if (value.map() == nullptr)
        return errors_.push_back("'" + name + "' expected a map, got '" + go_kind(value) + "'");
      return structure(name, *value.map(), type, target);
    default:
      return;
  }
}

}  // namespace

Value without_shape(const Value& value) {
  const ValueList* list = value.list();
  if (list == nullptr || list->size() != 1) return value;
  Value only = list->front();
  open_members(only);
  return only;
}

Status decode_value(const Value& value, const Type& type, void* object, std::vector<std::string>* unknown) {
  Decoder decoder(unknown);
  decoder.decode("", value, type, object, nullptr);
  return decoder.finish();
}

Status decode_value(const ValueMap& document, const Type& type, void* object,
                    std::vector<std::string>* unknown) {
  Decoder decoder(unknown);
  decoder.structure("", document, type, object);
  return decoder.finish();
}

}  // namespace praetor::codec
