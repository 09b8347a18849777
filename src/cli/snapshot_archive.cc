#include "cli/snapshot_archive.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "server/snapshot_archive.h"

namespace praetor::cli {
namespace {

constexpr size_t kPieceSize = 65536;

}  // namespace

Result<raft::SnapshotMeta> verify_snapshot(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail("failed to decompress snapshot: " + io_error("open " + path, errno).message);
  std::string buffer(kPieceSize, '\0');
  auto meta = server::unpack_archive(
      [&]() -> Result<std::string_view> {
        ssize_t count = ::read(fd, buffer.data(), buffer.size());
        if (count < 0) return std::unexpected(io_error("read " + path, errno));
        return std::string_view(buffer).substr(0, static_cast<size_t>(count));
      },
      {});
  ::close(fd);
  return meta;
}

}  // namespace praetor::cli
