// UUIDs as lower-case text, 8-4-4-4-12.
#pragma once

#include <string>
#include <string_view>

namespace praetor {

class Random;

std::string make_uuid(Random& random);
bool is_uuid(std::string_view text);  // 36 characters, either case

}  // namespace praetor
