#include "cli/flags.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/text.h"

namespace praetor::cli {
namespace {

Status parse_error() { return fail("parse error", ErrorKind::kBadRequest); }

std::unexpected<Error> number_error(std::string_view function, std::string_view text, std::string_view what) {
  return fail("strconv." + std::string(function) + ": parsing " + go_quote(text) + ": " + std::string(what),
              ErrorKind::kBadRequest);
}

// Digits of a base-0 literal without sign, prefix and separators.
std::optional<std::pair<std::string, int>> digits_and_base(std::string_view text) {
  int base = 10;
  if (text.size() >= 2 && text[0] == '0') {
    char mark = static_cast<char>(text[1] | 0x20);
    base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
    text.remove_prefix(mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
  }
  std::string digits;
  for (char c : text) {
    if (c != '_') digits += c;
  }
  if (digits.empty()) return std::nullopt;
  return std::pair(digits, base);
}

// The plain flags' wording: only "value out of range" is told apart.
Status plain(const Status& status) {
  if (status) return {};
  if (status.error().message.ends_with("value out of range")) return fail("value out of range");
  return parse_error();
}

}  // namespace

Result<uint64_t> parse_uint_any_base(std::string_view text) {
  auto parts = digits_and_base(text);
  if (!parts) return number_error("ParseUint", text, "invalid syntax");
  const std::string& digits = parts->first;
  uint64_t value = 0;
  auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value, parts->second);
  if (end != digits.data() + digits.size() || code == std::errc::invalid_argument)
    return number_error("ParseUint", text, "invalid syntax");
  if (code == std::errc::result_out_of_range) return number_error("ParseUint", text, "value out of range");
  return value;
}

Result<int64_t> parse_int_any_base(std::string_view text) {
  std::string_view rest = text;
  bool negative = !rest.empty() && rest[0] == '-';
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) rest.remove_prefix(1);
  auto magnitude = parse_uint_any_base(rest);
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  if (!magnitude && !magnitude.error().message.ends_with("value out of range"))
    return number_error("ParseInt", text, "invalid syntax");
  if (!magnitude || *magnitude > kMax + (negative ? 1 : 0))
    return number_error("ParseInt", text, "value out of range");
  return static_cast<int64_t>(negative ? ~*magnitude + 1 : *magnitude);
}

Flag& FlagSet::add(std::string_view name, FlagKind kind, std::string_view usage) {
  Flag flag;
  flag.name = name;
  flag.usage = usage;
  flag.kind = kind;
  flag.group = group_;
  flags_.push_back(std::move(flag));
  return flags_.back();
}

void FlagSet::add_bool(std::string_view name, bool* target, std::string_view usage) {
  Flag& flag = add(name, FlagKind::kBool, usage);
  flag.is_bool = true;
  if (*target) flag.default_text = "true";
  flag.set = [target](std::string_view text) -> Status {
    auto value = parse_bool(text);
    if (!value) return parse_error();
    *target = *value;
    return {};
  };
}

void FlagSet::add_int(std::string_view name, int64_t* target, std::string_view usage) {
  Flag& flag = add(name, FlagKind::kInt, usage);
  if (*target != 0) flag.default_text = std::to_string(*target);
  flag.set = [target](std::string_view text) -> Status {
    auto value = parse_int_any_base(text);
    if (!value) return plain(std::unexpected(value.error()));
    *target = *value;
    return {};
  };
}

void FlagSet::add_uint(std::string_view name, uint64_t* target, std::string_view usage) {
  Flag& flag = add(name, FlagKind::kUint, usage);
  if (*target != 0) flag.default_text = std::to_string(*target);
  flag.set = [target](std::string_view text) -> Status {
    auto value = parse_uint_any_base(text);
    if (!value) return plain(std::unexpected(value.error()));
    *target = *value;
    return {};
  };
}

void FlagSet::add_string(std::string_view name, std::string* target, std::string_view usage) {
  Flag& flag = add(name, FlagKind::kString, usage);
  if (!target->empty()) flag.default_text = go_quote(*target);
  flag.set = [target](std::string_view text) -> Status {
    *target = text;
    return {};
  };
}

void FlagSet::add_duration(std::string_view name, Duration* target, std::string_view usage) {
  Flag& flag = add(name, FlagKind::kDuration, usage);
  if (*target != Duration::zero()) flag.default_text = format_duration(*target);
  flag.set = [target](std::string_view text) -> Status {
    auto value = parse_duration(text);
    if (!value) return parse_error();
    *target = *value;
    return {};
  };
}

void FlagSet::add_value(std::string_view name, std::optional<std::string>* target, std::string_view usage) {
  add(name, FlagKind::kValue, usage).set = [target](std::string_view text) -> Status {
    *target = std::string(text);
    return {};
  };
}

void FlagSet::add_value(std::string_view name, std::optional<bool>* target, std::string_view usage) {
  Flag& flag = add(name, FlagKind::kValue, usage);
  flag.is_bool = true;
  flag.set = [target](std::string_view text) -> Status {
    TRY_ASSIGN(*target, parse_bool(text));
    return {};
  };
}

void FlagSet::add_value(std::string_view name, std::optional<uint64_t>* target, std::string_view usage) {
  add(name, FlagKind::kValue, usage).set = [target](std::string_view text) -> Status {
    TRY_ASSIGN(*target, parse_uint_any_base(text));
    return {};
  };
}

void FlagSet::add_value(std::string_view name, std::optional<Duration>* target, std::string_view usage) {
  add(name, FlagKind::kValue, usage).set = [target](std::string_view text) -> Status {
    TRY_ASSIGN(*target, parse_duration(text));
    return {};
  };
}

void FlagSet::add_list(std::string_view name, std::vector<std::string>* target, std::string_view usage) {
  add(name, FlagKind::kValue, usage).set = [target](std::string_view text) -> Status {
    target->emplace_back(text);
    return {};
  };
}

void FlagSet::add_function(std::string_view name, bool is_bool, std::string_view usage,
                           std::function<Status(std::string_view)> set) {
  Flag& flag = add(name, FlagKind::kValue, usage);
  flag.is_bool = is_bool;
  flag.set = std::move(set);
}

void FlagSet::add_map(std::string_view name, std::map<std::string, std::string>* target,
                      std::string_view usage) {
  add(name, FlagKind::kValue, usage).set = [target](std::string_view text) -> Status {
    size_t equals = text.find('=');
    if (equals == std::string_view::npos) {
      return fail("Missing \"=\" value in argument: " + std::string(text), ErrorKind::kBadRequest);
    }
    (*target)[std::string(text.substr(0, equals))] = text.substr(equals + 1);
    return {};
  };
}

const Flag* FlagSet::find(std::string_view name) const {
  for (const Flag& flag : flags_) {
    if (flag.name == name) return &flag;
  }
  return nullptr;
}

bool FlagSet::was_set(std::string_view name) const {
  return std::ranges::find(set_names_, name) != set_names_.end();
}

std::unexpected<Error> FlagSet::usage_error(const std::string& line) const {
  return fail((line.empty() ? "" : line + "\n") + defaults(), ErrorKind::kBadRequest);
}

Result<std::vector<std::string>> FlagSet::parse(const std::vector<std::string>& args) {
  size_t next = 0;
  while (next < args.size()) {
    std::string_view arg = args[next];
    if (arg.size() < 2 || arg[0] != '-') break;
    if (arg == "--") {
      ++next;
      break;
    }
    std::string_view name = arg.substr(arg[1] == '-' ? 2 : 1);
    if (name.empty() || name[0] == '-' || name[0] == '=') {
      return usage_error("bad flag syntax: " + std::string(arg));
    }
    ++next;
    std::optional<std::string_view> value;
    if (size_t equals = name.find('='); equals != std::string_view::npos) {
      value = name.substr(equals + 1);
      name = name.substr(0, equals);
    }
    const Flag* flag = find(name);
    if (flag == nullptr) {
      if (name == "help" || name == "h") return usage_error("");
      return usage_error("flag provided but not defined: -" + std::string(name));
    }
    if (!value && flag->is_bool) value = "true";
    if (!value && next < args.size()) value = args[next++];
    if (!value) return usage_error("flag needs an argument: -" + std::string(name));
    if (Status status = flag->set(*value); !status) {
      std::string_view lead = flag->is_bool ? "invalid boolean value " : "invalid value ";
      return usage_error(std::string(lead) + go_quote(*value) + (flag->is_bool ? " for -" : " for flag -") +
                         std::string(name) + ": " + status.error().message);
    }
    set_names_.push_back(flag->name);
  }
  return std::vector<std::string>(args.begin() + static_cast<std::ptrdiff_t>(next), args.end());
}

std::pair<std::string, std::string> unquote_usage(const Flag& flag) {
  std::string usage(flag.usage);
  size_t open = usage.find('`');
  size_t close = open == std::string::npos ? open : usage.find('`', open + 1);
  if (close != std::string::npos) {
    std::string name = usage.substr(open + 1, close - open - 1);
    return {name, usage.substr(0, open) + name + usage.substr(close + 1)};
  }
  if (flag.is_bool) return {"", usage};
  switch (flag.kind) {
    case FlagKind::kInt:
      return {"int", usage};
    case FlagKind::kUint:
      return {"uint", usage};
    case FlagKind::kString:
      return {"string", usage};
    case FlagKind::kDuration:
      return {"duration", usage};
    case FlagKind::kBool:
    case FlagKind::kValue:
      break;
  }
  return {"value", usage};
}

std::vector<const Flag*> FlagSet::sorted(FlagGroup group) const {
  std::vector<const Flag*> list;
  for (const Flag& flag : flags_) {
    if (flag.group == group) list.push_back(&flag);
  }
  std::ranges::sort(list, {}, &Flag::name);
  return list;
}

std::string FlagSet::defaults() const {
  std::vector<const Flag*> list;
  for (const Flag& flag : flags_) list.push_back(&flag);
  std::ranges::sort(list, {}, &Flag::name);
  std::string text = "Usage:\n";
  for (const Flag* flag : list) {
    auto [name, usage] = unquote_usage(*flag);
    std::string head = "  -" + std::string(flag->name) + (name.empty() ? "" : " " + name);
    text += head + (head.size() <= 4 ? "\t" : "\n    \t");
    for (char c : usage) {
      text += c;
      if (c == '\n') text += "    \t";
    }
    if (!flag->default_text.empty()) text += " (default " + flag->default_text + ")";
    text += "\n";
  }
  return text;
}

}  // namespace praetor::cli
