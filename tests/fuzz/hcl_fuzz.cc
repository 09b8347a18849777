// Any text is parsed or refused with a text; any document decodes into a struct or is refused.
#include "codec/hcl.h"
#include "codec/json.h"
#include "tests/fuzz/record.h"
#include "tests/fuzz/target.h"

PRAETOR_FUZZ_TARGET(hcl) {
  auto document = praetor::codec::parse_hcl(input);
  if (!document) {
    CHECK(!document.error().message.empty());
    return;
  }
  praetor::fuzz::Record record;
  std::vector<std::string> unknown;
  auto status = praetor::codec::decode_value(*document, record, &unknown);
  CHECK(status.has_value() || !status.error().message.empty());
  praetor::codec::to_json(*document);
  praetor::codec::to_json(record);
}
