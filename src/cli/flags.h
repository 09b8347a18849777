// Command-line flags as Go's flag package reads them: -x, --x, -x=y, -x y; a boolean takes its value only
// after `=`; the first argument that is no flag ends them. Texts of errors and defaults are Go's.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace praetor::cli {

// The wording of a value's errors: plain flags say `parse error`, "strict" ones what strconv says.
enum class FlagKind : uint8_t { kBool, kInt, kUint, kString, kDuration, kValue };

// Which section of a help text lists the flag.
enum class FlagGroup : uint8_t { kCommand, kHttp };

struct Flag {
  std::string_view name;
  std::string_view usage;  // a `word` in back quotes names the value
  FlagKind kind = FlagKind::kValue;
  FlagGroup group = FlagGroup::kCommand;
  bool is_bool = false;      // needs no value
  std::string default_text;  // shown by defaults(); empty for a zero value
  std::function<Status(std::string_view)> set;
};

// Targets outlive the set; a target's value at registration is the default. Names and usages are literals.
class FlagSet {
 public:
  void add_bool(std::string_view name, bool* target, std::string_view usage);
  void add_int(std::string_view name, int64_t* target, std::string_view usage);
  void add_uint(std::string_view name, uint64_t* target, std::string_view usage);
  void add_string(std::string_view name, std::string* target, std::string_view usage);
  void add_duration(std::string_view name, Duration* target, std::string_view usage);
  // "Value" flags: no default is shown, unset is told from empty.
  void add_value(std::string_view name, std::optional<std::string>* target, std::string_view usage);
  void add_value(std::string_view name, std::optional<bool>* target, std::string_view usage);
  void add_value(std::string_view name, std::optional<uint64_t>* target, std::string_view usage);
  void add_value(std::string_view name, std::optional<Duration>* target, std::string_view usage);
  // Repeated flags: every value; key=value pairs (a later key wins).
  void add_list(std::string_view name, std::vector<std::string>* target, std::string_view usage);
  void add_map(std::string_view name, std::map<std::string, std::string>* target, std::string_view usage);

  // A flag whose value goes to a function, which checks it.
  void add_function(std::string_view name, bool is_bool, std::string_view usage,
                    std::function<Status(std::string_view)> set);

  // Flags added from here on are listed in `group`.
  void set_group(FlagGroup group) { group_ = group; }

  // What follows the flags; or an error whose message is what Go prints (the cause's line, when there is
  // one, and the defaults).
  Result<std::vector<std::string>> parse(const std::vector<std::string>& args);
  // True once the flag was given.
  bool was_set(std::string_view name) const;

  // "Usage:\n" and one paragraph a flag, sorted by name.
  std::string defaults() const;
  std::vector<const Flag*> sorted(FlagGroup group) const;
  bool empty() const { return flags_.empty(); }

 private:
  Flag& add(std::string_view name, FlagKind kind, std::string_view usage);
  const Flag* find(std::string_view name) const;
  std::unexpected<Error> usage_error(const std::string& line) const;

  std::deque<Flag> flags_;
  std::vector<std::string_view> set_names_;
  FlagGroup group_ = FlagGroup::kCommand;
};

// The name of a flag's value (empty for a boolean) and its usage without the back quotes.
std::pair<std::string, std::string> unquote_usage(const Flag& flag);

// strconv.ParseInt/ParseUint with base 0: 0x, 0o, 0b prefixes and `_` between digits.
Result<int64_t> parse_int_any_base(std::string_view text);
Result<uint64_t> parse_uint_any_base(std::string_view text);

}  // namespace praetor::cli
