// Every file operation of consensus goes through here, so that tests can fail the n-th call, cut the power,
// or run without a disk (fault_fs.h).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace praetor::raft {

// A file for reading and writing at positions. Closed by the destructor. Callers synchronise writes; read_at
// may run beside them. Errors are kIo or
// kNoRoom and name the path.
class File {
 public:
  virtual ~File() = default;
  // All bytes or an error (after which any part of them may have been written).
  virtual Status write_at(uint64_t offset, std::string_view bytes) = 0;
  // At most buffer.size() bytes; fewer only at the end of the file.
  virtual Result<size_t> read_at(uint64_t offset, std::span<char> buffer) = 0;
  // Content (and what is needed to reach it, its size) is on the disk. After an error the state of the pages
  // is unknown: it must not be retried.
  virtual Status sync() = 0;
  virtual Status truncate(uint64_t size) = 0;
  // Reserves blocks; the file grows to at least `size`, new bytes read as zeros.
  virtual Status allocate(uint64_t size) = 0;
  virtual Result<uint64_t> size() = 0;
};

enum class OpenMode : uint8_t {
  kRead,       // must exist
  kReadWrite,  // must exist
  kCreate,     // created, or emptied when it exists
};

// Names become durable only by sync_directory of their directory.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status remove(const std::string& path) = 0;                          // a file or an empty directory
  virtual Status make_directory(const std::string& path) = 0;                  // parents too; it may exist
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;  // names, sorted
  virtual Result<bool> exists(const std::string& path) = 0;
  virtual Status sync_directory(const std::string& path) = 0;
};

FileSystem& posix_file_system();

// The whole file; kTooLarge past `limit`.
Result<std::string> read_file(FileSystem& file_system, const std::string& path, size_t limit);
// Writes beside `path` (".tmp"), syncs, renames, syncs the directory: after a crash either the old or the
// new.
Status write_file_atomically(FileSystem& file_system, const std::string& path, std::string_view bytes);
// Makes the directory and what is missing above it, and their names durable; also the name of one that
// exists, as nobody knows what became of its sync.
Status make_durable_directory(FileSystem& file_system, const std::string& path);
std::string parent_directory(std::string_view path);

}  // namespace praetor::raft
