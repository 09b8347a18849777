// Go's durations, times, numbers, escapes and address templates: what is read is written so that it reads as
// the same again.
#include "agent/check_url.h"
#include "agent/sockaddr.h"
#include "base/text.h"
#include "base/time.h"
#include "codec/regexp.h"
#include "tests/fuzz/target.h"

namespace praetor {
namespace {

void read_times(std::string_view input) {
  if (auto duration = parse_duration(input)) {
    auto again = parse_duration(format_duration(*duration));
    CHECK(again.has_value() && *again == *duration);
  }
  if (auto time = parse_rfc3339(input)) {
    auto again = parse_rfc3339(format_rfc3339(*time));
    CHECK(again.has_value() && *again == *time);
  }
}

void read_encodings(std::string_view input) {
  CHECK(hex_decode(hex_encode(input)).value() == input);
  CHECK(base64_decode(base64_encode(input)).value() == input);
  (void)hex_decode(input);
  (void)base64_decode(input);
  (void)parse_uint(input);
  (void)parse_int(input, 16);
  (void)parse_bool(input);
  (void)go_quote(input);
  CHECK(is_valid_utf8(sanitize_utf8(input)));
}

void read_addresses(std::string_view input) {
  using namespace agent;
  static const std::vector<InterfaceAddress> interfaces = {
      {"lo", IpAddress::parse("127.0.0.1").value(), 8, true, true, false, false, false, false},
      {"eth0", IpAddress::parse("10.1.2.3").value(), 24, true, false, true, true, true, false},
      {"eth1", IpAddress::parse("8.8.4.4").value(), 16, true, false, false, true, true, false},
      {"eth0", IpAddress::parse("2001:db8::5").value(), 64, true, false, true, false, true, false},
  };
  (void)expand_sockaddr(input, interfaces);
  if (auto address = IpAddress::parse(input)) {
    auto again = IpAddress::parse(address->text());
    CHECK(again.has_value() && *again == *address);
  }
  (void)Cidr::parse(input);
  (void)is_any_ip(input);
}

}  // namespace
}  // namespace praetor

PRAETOR_FUZZ_TARGET(text) {
  using namespace praetor;
  read_times(input);
  read_encodings(input);
  read_addresses(input);
  if (auto expression = codec::Regexp::compile(input.substr(0, 100))) (void)expression->matches(input);
}
