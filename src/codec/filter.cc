#include "codec/filter.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/text.h"
#include "codec/filter_parser.h"
#include "codec/go_literal.h"
#include "codec/regexp.h"

namespace praetor::codec {
namespace filter_detail {

// A syntax tree whose selectors have become fields and keys and whose values have the selected type.
struct Node {
  struct Step {
    const Field* field = nullptr;  // of a struct, or
    std::string key;               // of a map
  };
  using Operand = std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, Regexp>;

  Syntax::Kind kind = Syntax::Kind::kMatch;
  std::vector<Node> children;
  std::vector<Step> path;
  const Type* root = nullptr;
  Operator op = Operator::kEqual;
  Operand operand;
};

}  // namespace filter_detail

namespace {

using filter_detail::Node;
using filter_detail::Operator;
using filter_detail::Syntax;
using Operand = Node::Operand;

const Type& target_of(const Type& type) {
  return type.kind == Kind::kPointer ? target_of(type.element()) : type;
}

const char* operator_name(Operator op) {
  switch (op) {
    case Operator::kEqual:
      return "Equal";
    case Operator::kNotEqual:
      return "Not Equal";
    case Operator::kIn:
      return "In";
    case Operator::kNotIn:
      return "Not In";
    case Operator::kIsEmpty:
      return "Is Empty";
    case Operator::kIsNotEmpty:
      return "Is Not Empty";
    case Operator::kMatches:
      return "Matches";
    case Operator::kNotMatches:
      return "Not Matches";
  }
  return "";
}

bool is_scalar(const Type& type) {
  switch (type.kind) {
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kUint:
    case Kind::kFloat:
    case Kind::kDuration:
    case Kind::kString:
      return true;
    default:
      return false;
  }
}

bool is_supported(const Type& type, Operator op) {
  bool equality = op == Operator::kEqual || op == Operator::kNotEqual;
  bool membership = op == Operator::kIn || op == Operator::kNotIn;
  bool emptiness = op == Operator::kIsEmpty || op == Operator::kIsNotEmpty;
  switch (type.kind) {
    case Kind::kString:
      return !emptiness;
    case Kind::kMap:
      return membership || emptiness;
    case Kind::kList:
      return emptiness || (membership && is_scalar(target_of(type.element())));
    case Kind::kBytes:
      return emptiness;
    default:
      return is_scalar(type) && equality;
  }
}

// --- values

Result<Operand> parse_operand(const Type& type, const std::string& text) {
  switch (type.kind) {
    case Kind::kBool: {
      TRY_ASSIGN(bool value, parse_bool(text));
      return Operand(value);
    }
    case Kind::kInt:
    case Kind::kDuration: {
      TRY_ASSIGN(int64_t value, parse_int_literal(text, type.size * 8u));
      return Operand(value);
    }
    case Kind::kUint: {
      TRY_ASSIGN(uint64_t value, parse_uint_literal(text, type.size * 8u));
      return Operand(value);
    }
    case Kind::kFloat: {
      TRY_ASSIGN(double value, parse_float_literal(text));
      return Operand(type.size == 4 ? static_cast<double>(static_cast<float>(value)) : value);
    }
    default:
      return Operand(text);
  }
}

// --- compiling

std::string joined(const std::vector<std::string>& selector, size_t count) {
  return join(std::vector<std::string>(selector.begin(), selector.begin() + static_cast<ptrdiff_t>(count)),
              ".");
}

const Field* find_selectable(const Type& type, std::string_view name) {
  for (const Field& field : type.fields)
    if (field.name == name && !field.has(kNoFilter) && target_of(*field.type).kind != Kind::kAny)
      return &field;
  return nullptr;
}

// The type that lists are looked through to reach: `Checks.Status` means any check's status.
const Type& through_lists(const Type& type) {
  const Type& target = target_of(type);
  return target.kind == Kind::kList ? through_lists(target.element()) : target;
}

Status compile_match(const Syntax& syntax, const Type& type, Node& node) {
  const Type* at = &type;
  for (size_t i = 0; i < syntax.selector.size(); ++i) {
    const Type& holder = through_lists(*at);
    const Field* field = holder.kind == Kind::kStruct ? find_selectable(holder, syntax.selector[i]) : nullptr;
    bool in_map = holder.kind == Kind::kMap && target_of(holder.element()).kind != Kind::kAny;
    if (field == nullptr && !in_map)
      return fail("Selector " + go_quote(joined(syntax.selector, i + 1)) + " is not valid");
    node.path.push_back(Node::Step{field, syntax.selector[i]});
    at = &target_of(in_map ? holder.element() : *field->type);
  }
  std::string selector = go_quote(join(syntax.selector, "."));
  if (!is_supported(*at, syntax.op))
    return fail("Invalid match operator " + go_quote(operator_name(syntax.op)) + " for selector " + selector);
  node.op = syntax.op;
  if (syntax.op == Operator::kIsEmpty || syntax.op == Operator::kIsNotEmpty) return {};
  if (syntax.op == Operator::kMatches || syntax.op == Operator::kNotMatches) {
    auto regexp = Regexp::compile(syntax.value);
    if (!regexp)
      return fail("Failed to compile regular expression " + go_quote(syntax.value) + ": " +
                  regexp.error().message);
    node.operand = std::move(*regexp);
    return {};
  }
  auto operand = parse_operand(at->kind == Kind::kList ? target_of(at->element()) : *at, syntax.value);
  if (!operand)
    return fail("Failed to coerce value " + go_quote(syntax.value) + " for selector " + selector + ": " +
                operand.error().message);
  node.operand = std::move(*operand);
  return {};
}

Status compile_node(const Syntax& syntax, const Type& type, Node& node) {
  node.kind = syntax.kind;
  node.root = &type;
  if (syntax.kind == Syntax::Kind::kMatch) return compile_match(syntax, type, node);
  node.children.resize(syntax.children.size());
  for (size_t i = 0; i < node.children.size(); ++i)
    TRY(compile_node(*syntax.children[i], type, node.children[i]));
  return {};
}

// --- evaluating

template <typename T>
const T& as(const void* value) {
  return *static_cast<const T*>(value);
}

bool equals(const Type& type, const void* value, const Operand& operand) {
  switch (type.kind) {
    case Kind::kBool:
      return as<bool>(value) == std::get<bool>(operand);
    case Kind::kInt: {
      int64_t wanted = std::get<int64_t>(operand);
      return wanted == (type.size == 1   ? as<int8_t>(value)
                        : type.size == 2 ? as<int16_t>(value)
                        : type.size == 4 ? as<int32_t>(value)
                                         : as<int64_t>(value));
    }
    case Kind::kUint: {
      uint64_t wanted = std::get<uint64_t>(operand);
      return wanted == (type.size == 1   ? as<uint8_t>(value)
                        : type.size == 2 ? as<uint16_t>(value)
                        : type.size == 4 ? as<uint32_t>(value)
                                         : as<uint64_t>(value));
    }
    case Kind::kFloat:
      return std::get<double>(operand) ==
             (type.size == 4 ? static_cast<double>(as<float>(value)) : as<double>(value));
    case Kind::kDuration:
      return as<Duration>(value).count() == std::get<int64_t>(operand);
    case Kind::kString:
      return as<std::string>(value) == std::get<std::string>(operand);
    default:
      return false;
  }
}

const void* dereference(const Type*& type, const void* value) {
  while (type->kind == Kind::kPointer && value != nullptr) {
    value = type->ops->base(value);
    type = &type->element();
  }
  return value;
}

bool is_member(const Type& type, const void* value, const Operand& operand) {
  if (type.kind == Kind::kString) return contains(as<std::string>(value), std::get<std::string>(operand));
  if (type.kind == Kind::kMap) return type.ops->find(value, std::get<std::string>(operand)) != nullptr;
  auto* at = static_cast<const char*>(type.ops->base(value));
  for (size_t left = type.ops->size(value); left > 0; --left, at += type.ops->stride) {
    const Type* element = &type.element();
    const void* item = dereference(element, at);
    if (item != nullptr && equals(*element, item, operand)) return true;
  }
  return false;
}

bool is_negative(Operator op) {
  return op == Operator::kNotEqual || op == Operator::kNotIn || op == Operator::kIsNotEmpty ||
         op == Operator::kNotMatches;
}

bool apply(const Node& node, const Type& type, const void* value) {
  bool positive = false;
  switch (node.op) {
    case Operator::kEqual:
    case Operator::kNotEqual:
      positive = equals(type, value, node.operand);
      break;
    case Operator::kIn:
    case Operator::kNotIn:
      positive = is_member(type, value, node.operand);
      break;
    case Operator::kIsEmpty:
    case Operator::kIsNotEmpty:
      positive = is_empty(type, value);
      break;
    case Operator::kMatches:
    case Operator::kNotMatches:
      positive = std::get<Regexp>(node.operand).matches(as<std::string>(value));
      break;
  }
  return positive != is_negative(node.op);
}

bool evaluate_path(const Node& node, size_t depth, const Type* type, const void* value) {
  for (; depth < node.path.size(); ++depth) {
    value = dereference(type, value);
    if (value == nullptr) return false;
    const Node::Step& step = node.path[depth];
    if (type->kind == Kind::kList) {
      auto* at = static_cast<const char*>(type->ops->base(value));
      for (size_t left = type->ops->size(value); left > 0; --left, at += type->ops->stride)
        if (evaluate_path(node, depth, &type->element(), at)) return true;
      return false;
    }
    if (step.field != nullptr) {
      value = step.field->in(value);
      type = step.field->type;
      continue;
    }
    value = type->ops->find(value, step.key);
    // go-bexpr's rule for an absent key (`matches` holds too).
    if (value == nullptr)
      return node.op != Operator::kEqual && node.op != Operator::kIn && node.op != Operator::kIsNotEmpty;
    type = &type->element();
  }
  value = dereference(type, value);
  return value != nullptr && apply(node, *type, value);
}

bool evaluate(const Node& node, const void* object) {
  switch (node.kind) {
    case Syntax::Kind::kAnd:
      for (const Node& child : node.children)
        if (!evaluate(child, object)) return false;
      return true;
    case Syntax::Kind::kOr:
      for (const Node& child : node.children)
        if (evaluate(child, object)) return true;
      return false;
    case Syntax::Kind::kNot:
      return !evaluate(node.children[0], object);
    case Syntax::Kind::kMatch:
      return evaluate_path(node, 0, node.root, object);
  }
  return false;
}

}  // namespace

Result<Filter> Filter::compile(std::string_view expression, const Type& type) {
  Filter filter;
  if (expression.empty()) return filter;
  auto failed = [](std::string_view why) {
    return fail("Failed to create boolean expression evaluator: " + std::string(why));
  };
  if (expression.size() > kMaxFilterLength) return failed("expression is too long");
  auto syntax = filter_detail::parse_filter(expression);
  if (!syntax) return failed(syntax.error().message);
  auto root = std::make_shared<Node>();
  if (auto status = compile_node(**syntax, type, *root); !status) return failed(status.error().message);
  filter.root_ = std::move(root);
  return filter;
}

bool Filter::matches(const void* object) const { return root_ == nullptr || evaluate(*root_, object); }

}  // namespace praetor::codec
