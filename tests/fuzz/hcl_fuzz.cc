// Any text is parsed or refused with a text; any document decodes into a struct or is refused.
#include "codec/hcl.h"
#include "codec/json.h"
#include "tests/fuzz/record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto document = praetor::codec::parse_hcl(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!document) {
    CHECK(!document.error().message.empty());
    return 0;
  }
  praetor::fuzz::Record record;
  std::vector<std::string> unknown;
  auto status = praetor::codec::decode_value(*document, record, &unknown);
  CHECK(status.has_value() || !status.error().message.empty());
  praetor::codec::to_json(*document);
  praetor::codec::to_json(record);
  return 0;
}
