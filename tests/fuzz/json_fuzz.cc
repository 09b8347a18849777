// What reads as JSON is written and read again as the same text.
#include "codec/json.h"
#include "tests/fuzz/record.h"
#include "tests/fuzz/target.h"

using praetor::codec::from_json;
using praetor::codec::to_json;

namespace {

template <typename T>
void round_trip(std::string_view text) {
  auto first = from_json<T>(text, {.max_depth = 60});
  if (!first) {
    CHECK(!first.error().message.empty());
    return;
  }
  std::string once = to_json(*first);
  auto second = from_json<T>(once, {.reject_unknown = true, .whole_document = true});
  CHECK(second.has_value());
  CHECK(to_json(*second) == once);
  auto pretty = from_json<T>(praetor::codec::pretty_json(once), {.whole_document = true});
  CHECK(pretty.has_value());
  CHECK(to_json(*pretty) == once);
}

}  // namespace

PRAETOR_FUZZ_TARGET(json) {
  round_trip<praetor::fuzz::Record>(input);
  round_trip<praetor::codec::Value>(input);
}
