// A recursor's answer as this agent passes it on: the same records in the same order, its names compressed by
// the rules of our own answers (and Consul's), or written in full.
#pragma once

#include <string>
#include <string_view>

namespace praetor::dns {

// `packet` as it is when it is not well-formed, or holds what has to be understood to be moved and is not.
std::string repack(std::string_view packet, bool compress);

}  // namespace praetor::dns
