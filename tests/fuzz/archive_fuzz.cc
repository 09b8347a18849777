// Any bytes as a snapshot archive. The first byte says how they are taken: as the archive itself, or as the
// tar inside of one that is packed here, so that what lies behind gzip's checksum is reached.
#include <zlib.h>

#include "server/snapshot_archive.h"
#include "tests/fuzz/target.h"

namespace {

std::string pack(std::string_view tar) {
  z_stream stream{};
  CHECK(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, tar.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(tar.data()));
  stream.avail_in = static_cast<uInt>(tar.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace

PRAETOR_FUZZ_TARGET(archive) {
  if (input.empty()) return;
  bool inside = (input[0] & 1) != 0;
  input.remove_prefix(1);
  auto archive = praetor::server::read_archive(inside ? pack(input) : std::string(input));
  if (archive) {
    CHECK(archive->state != nullptr);
  } else {
    CHECK(!archive.error().message.empty());
  }
}
