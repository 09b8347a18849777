// Compression of answers.
#pragma once

#include <string>
#include <string_view>

namespace praetor::http {

// Does an Accept-Encoding header accept gzip (with a weight above 0)?
bool accepts_gzip(std::string_view accept_encoding);
std::string gzip(std::string_view data);

}  // namespace praetor::http
