#include "http/gzip.h"

#include <zlib.h>

#include "base/check.h"
#include "base/text.h"

namespace praetor::http {

bool accepts_gzip(std::string_view accept_encoding) {
  for (std::string_view piece : split(accept_encoding, ',')) {
    auto parameters = split(piece, ';');
    if (!equals_ignore_case(trim(parameters[0]), "gzip")) continue;
    for (size_t i = 1; i < parameters.size(); ++i) {
      std::string_view weight = trim(parameters[i]);
      if (weight.starts_with("q=") && weight.find_first_of("123456789") == weight.npos) return false;
    }
    return true;
  }
  return false;
}

std::string gzip(std::string_view data) {
  z_stream stream{};
  CHECK(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, data.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace praetor::http
