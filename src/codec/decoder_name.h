// How Go's own decoder of a struct (own_json_decoder() in codec/type.h) names what it decodes into: an
// anonymous struct, which stands in texts that clients see. Any thread.
#pragma once

#include <string_view>

#include "codec/type.h"

namespace praetor::codec {

// What the description says with `own_json_decoder().go_type(…)`; empty when it says nothing.
std::string_view decoder_name(const Type& type);

}  // namespace praetor::codec
