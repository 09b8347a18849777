#include "base/time.h"

#include <array>
#include <cstdio>
#include <limits>

#include "base/text.h"

namespace praetor {
namespace {

struct Unit {
  std::string_view name;
  uint64_t nanoseconds;
};
constexpr std::array<Unit, 8> kUnits = {{{"ns", 1},
                                         {"us", 1'000},
                                         {"\xc2\xb5s", 1'000},
                                         {"\xce\xbcs", 1'000},
                                         {"ms", 1'000'000},
                                         {"s", 1'000'000'000},
                                         {"m", 60'000'000'000},
                                         {"h", 3'600'000'000'000}}};
constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::unexpected<Error> invalid(std::string_view whole) {
  return fail("time: invalid duration " + go_quote(whole), ErrorKind::kBadRequest);
}

// Fractional digits beyond what a nanosecond can show are dropped, as Go does.
uint64_t fraction_of(std::string_view digits, uint64_t unit) {
  double value = 0, scale = 1;
  for (char c : digits) {
    if (scale > 1e18) break;
    value = value * 10 + (c - '0');
    scale *= 10;
  }
  return static_cast<uint64_t>(value * (static_cast<double>(unit) / scale));
}

}  // namespace

Result<Duration> parse_duration(std::string_view whole) {
  std::string_view text = whole;
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text == "0") return Duration(0);
  if (text.empty()) return invalid(whole);
  uint64_t total = 0;
  while (!text.empty()) {
    size_t digits = 0;
    uint64_t value = 0;
    while (digits < text.size() && is_digit(text[digits])) {
      if (value > kMax / 10) return invalid(whole);
      value = value * 10 + static_cast<uint64_t>(text[digits] - '0');
      ++digits;
    }
    text.remove_prefix(digits);
    std::string_view fraction;
    if (!text.empty() && text[0] == '.') {
      size_t end = 1;
      while (end < text.size() && is_digit(text[end])) ++end;
      fraction = text.substr(1, end - 1);
      text.remove_prefix(end);
    }
    if (digits == 0 && fraction.empty()) return invalid(whole);
    size_t end = 0;
    while (end < text.size() && text[end] != '.' && !is_digit(text[end])) ++end;
    if (end == 0) return fail("time: missing unit in duration " + go_quote(whole), ErrorKind::kBadRequest);
    std::string_view name = text.substr(0, end);
    text.remove_prefix(end);
    uint64_t unit = 0;
    for (const Unit& candidate : kUnits)
      if (candidate.name == name) unit = candidate.nanoseconds;
    if (unit == 0)
      return fail("time: unknown unit " + go_quote(name) + " in duration " + go_quote(whole),
                  ErrorKind::kBadRequest);
    if (value > kMax / unit) return invalid(whole);
    value = value * unit + fraction_of(fraction, unit);
    if (value > kMax || total > kMax - value) return invalid(whole);
    total += value;
  }
  int64_t ns = static_cast<int64_t>(total);
  return Duration(negative ? -ns : ns);
}

std::string format_duration(Duration duration) {
  int64_t signed_ns = duration.count();
  if (signed_ns == 0) return "0s";
  bool negative = signed_ns < 0;
  uint64_t ns = negative ? 0 - static_cast<uint64_t>(signed_ns) : static_cast<uint64_t>(signed_ns);
  auto with_fraction = [](uint64_t value, uint64_t unit) {
    std::string text = std::to_string(value / unit);
    uint64_t rest = value % unit;
    if (rest != 0) {
      std::string digits;
      for (uint64_t scale = unit / 10; scale > 0 && rest > 0; scale /= 10) {
        digits.push_back(static_cast<char>('0' + rest / scale));
        rest %= scale;
      }
      text += "." + digits;
    }
    return text;
  };
  std::string text = negative ? "-" : "";
  if (ns < 1'000) return text + std::to_string(ns) + "ns";
  if (ns < 1'000'000) return text + with_fraction(ns, 1'000) + "\xc2\xb5s";
  if (ns < 1'000'000'000) return text + with_fraction(ns, 1'000'000) + "ms";
  uint64_t minutes = ns / 60'000'000'000;
  if (minutes >= 60) text += std::to_string(minutes / 60) + "h";
  if (minutes > 0) text += std::to_string(minutes % 60) + "m";
  return text + with_fraction(ns % 60'000'000'000, 1'000'000'000) + "s";
}

Time Time::from_unix_nanoseconds(int64_t ns) {
  int64_t seconds = ns / 1'000'000'000, rest = ns % 1'000'000'000;
  if (rest < 0) {
    rest += 1'000'000'000;
    --seconds;
  }
  return Time{seconds, static_cast<uint32_t>(rest)};
}

std::string format_rfc3339(Time time) {
  using namespace std::chrono;
  sys_seconds instant{seconds{time.seconds}};
  auto day = floor<days>(instant);
  year_month_day date{day};
  hh_mm_ss clock{instant - day};
  std::array<char, 64> buffer;
  std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  std::string text = buffer.data();
  if (time.nanoseconds != 0) {
    std::snprintf(buffer.data(), buffer.size(), ".%09u", time.nanoseconds);
    std::string fraction = buffer.data();
    while (fraction.back() == '0') fraction.pop_back();
    text += fraction;
  }
  return text + "Z";
}

Result<Time> parse_rfc3339(std::string_view whole) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, used = 0;
  std::string text(whole);
  auto bad = [&] {
    return fail("parsing time " + go_quote(whole) + ": not RFC 3339", ErrorKind::kBadRequest);
  };
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second,
                  &used) != 6)
    return bad();
  using namespace std::chrono;
  year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                      std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return bad();
  std::string_view rest = std::string_view(text).substr(static_cast<size_t>(used));
  Time time;
  if (!rest.empty() && rest[0] == '.') {
    uint32_t scale = 100'000'000;
    rest.remove_prefix(1);
    while (!rest.empty() && is_digit(rest[0])) {
      time.nanoseconds += static_cast<uint32_t>(rest[0] - '0') * scale;
      scale /= 10;
      rest.remove_prefix(1);
    }
  }
  int64_t offset = 0;
  if (rest != "Z" && rest != "z") {
    int h = 0, m = 0;
    if (rest.size() != 6 || std::sscanf(rest.data() + 1, "%2d:%2d", &h, &m) != 2 ||
        (rest[0] != '+' && rest[0] != '-'))
      return bad();
    offset = (h * 3600 + m * 60) * (rest[0] == '-' ? -1 : 1);
  }
  auto midnight = sys_days(date).time_since_epoch();
  time.seconds = duration_cast<seconds>(midnight).count() + hour * 3600 + minute * 60 + second - offset;
  return time;
}

}  // namespace praetor
