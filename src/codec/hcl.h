// HCL version 1, as configuration files, ACL rules and config entries of Consul 1.8 use it, read into a Value
// the way HashiCorp's decoder fills a map[string]interface{}; and what mapstructure does next: a Value into a
// described struct, with Consul's error texts (config.md 1). Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/type.h"
#include "codec/value.h"

namespace praetor::codec {

inline constexpr size_t kMaxHclSize = 16 * 1024 * 1024;
inline constexpr size_t kMaxHclDepth = 200;

// A document is a map. A block is a list of one map (`ports {}` -> ports: [{}]), labels nest
// (`service "web" {}` -> service: [{web: [{}]}]), repeated blocks and lists under one name are appended to
// one list,
// `${…}` in strings stays as written, integers are int64, numbers with a fraction or exponent double.
// A text that starts with '{' is JSON with the same result. Errors (kBadRequest): `At 1:9: Unknown token: …`.
Result<ValueMap> parse_hcl(std::string_view text);

// Reads a document into a struct as Consul does with configuration. Names are the fields' snake_case names
// (Field:: snake_name) or aliases in any case; a list of one element is taken for the element where no list
// is wanted; types are not converted otherwise (numbers among each other apart). null leaves its field alone.
// What the document does not name keeps its value. A Duration is text. Fields without JSON are unknown here
// too.
//
// Unknown keys are added to *unknown as dotted names (`ports.http`, `services[0].check`), for the caller to
// refuse as `invalid config key X`; without it they are ignored. The error (kBadRequest) lists every mistyped
// value: "1 error(s) decoding:\n\n* 'bootstrap_expect' expected type 'int', got unconvertible type 'string'".
Status decode_value(const Value& value, const Type& type, void* object,
                    std::vector<std::string>* unknown = nullptr);
Status decode_value(const ValueMap& document, const Type& type, void* object,
                    std::vector<std::string>* unknown = nullptr);

// What Consul makes of a value whose place has no type: a list of one element is opened, and then so are the
// members below it, once each.
Value without_shape(const Value& value);

template <typename T>
Status decode_value(const ValueMap& document, T& object, std::vector<std::string>* unknown = nullptr) {
  return decode_value(document, type_of<T>(), &object, unknown);
}

}  // namespace praetor::codec
