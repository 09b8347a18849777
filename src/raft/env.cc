#include "raft/env.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace praetor::raft {
namespace {

class PosixFile final : public File {
 public:
  PosixFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  ~PosixFile() override { ::close(fd_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  Status write_at(uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      ssize_t wrote = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) return failure("write");
      offset += static_cast<uint64_t>(wrote);
      bytes.remove_prefix(static_cast<size_t>(wrote));
    }
    return {};
  }

  Result<size_t> read_at(uint64_t offset, std::span<char> buffer) override {
    size_t done = 0;
    while (done < buffer.size()) {
      ssize_t got =
          ::pread(fd_, buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return failure("read");
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }

  Status sync() override { return ::fdatasync(fd_) == 0 ? Status() : failure("fdatasync"); }

  Status truncate(uint64_t size) override {
    return ::ftruncate(fd_, static_cast<off_t>(size)) == 0 ? Status() : failure("truncate");
  }

  Status allocate(uint64_t size) override {
    TRY_ASSIGN(uint64_t now, this->size());
    if (size <= now) return {};
    if (::fallocate(fd_, 0, static_cast<off_t>(now), static_cast<off_t>(size - now)) == 0) return {};
    // Not every file system can; a sparse file is slower, not wrong.
    if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL) return truncate(size);
    return failure("allocate");
  }

  Result<uint64_t> size() override {
    struct stat info{};
    if (::fstat(fd_, &info) != 0) return failure("stat");
    return static_cast<uint64_t>(info.st_size);
  }

 private:
  std::unexpected<Error> failure(std::string_view call) const {
    int number = errno;
    return fail(io_error(std::string(call) + " " + path_, number));
  }

  std::string path_;
  int fd_;
};

std::unexpected<Error> path_failure(std::string_view call, const std::string& path) {
  int number = errno;
  return fail(io_error(std::string(call) + " " + path, number));
}

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    int flags = O_CLOEXEC | (mode == OpenMode::kRead ? O_RDONLY : O_RDWR);
    if (mode == OpenMode::kCreate) flags |= O_CREAT | O_TRUNC;
    int fd;
    do fd = ::open(path.c_str(), flags, 0600);
    while (fd < 0 && errno == EINTR);
    if (fd < 0) return path_failure("open", path);
    return std::make_unique<PosixFile>(path, fd);
  }

  Status rename(const std::string& from, const std::string& to) override {
    return ::rename(from.c_str(), to.c_str()) == 0 ? Status() : path_failure("rename", from);
  }

  Status remove(const std::string& path) override {
    if (::unlink(path.c_str()) == 0) return {};
    if ((errno == EISDIR || errno == EPERM) && ::rmdir(path.c_str()) == 0) return {};
    return path_failure("remove", path);
  }

  Status make_directory(const std::string& path) override {
    std::error_code code;
    std::filesystem::create_directories(path, code);
    if (code) return fail(io_error("mkdir " + path, code.value()));
    return {};
  }

  Result<std::vector<std::string>> list(const std::string& path) override {
    DIR* directory = ::opendir(path.c_str());
    if (directory == nullptr) return path_failure("open", path);
    std::vector<std::string> names;
    while (const dirent* item = ::readdir(directory)) {
      std::string_view name = item->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    ::closedir(directory);
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<bool> exists(const std::string& path) override {
    if (::access(path.c_str(), F_OK) == 0) return true;
    if (errno == ENOENT) return false;
    return path_failure("access", path);
  }

  Status sync_directory(const std::string& path) override {
    int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return path_failure("open", path);
    Status status = ::fsync(fd) == 0 ? Status() : path_failure("fsync", path);
    ::close(fd);
    return status;
  }
};

}  // namespace

FileSystem& posix_file_system() {
  static PosixFileSystem file_system;
  return file_system;
}

Result<std::string> read_file(FileSystem& file_system, const std::string& path, size_t limit) {
  TRY_ASSIGN(std::unique_ptr<File> file, file_system.open(path, OpenMode::kRead));
  TRY_ASSIGN(uint64_t size, file->size());
  if (size > limit)
    return fail(
        path + ": " + std::to_string(size) + " bytes, more than the limit of " + std::to_string(limit),
        ErrorKind::kTooLarge);
  std::string bytes(size, '\0');
  TRY_ASSIGN(size_t got, file->read_at(0, bytes));
  bytes.resize(got);
  return bytes;
}

Status write_file_atomically(FileSystem& file_system, const std::string& path, std::string_view bytes) {
  std::string temporary = path + ".tmp";
  {
    TRY_ASSIGN(std::unique_ptr<File> file, file_system.open(temporary, OpenMode::kCreate));
    TRY(file->write_at(0, bytes));
    TRY(file->sync());
  }
  TRY(file_system.rename(temporary, path));
  return file_system.sync_directory(parent_directory(path));
}

Status make_durable_directory(FileSystem& file_system, const std::string& path) {
  std::string parent = parent_directory(path);
  TRY_ASSIGN(bool exists, file_system.exists(path));
  if (!exists) {
    TRY_ASSIGN(bool has_parent, file_system.exists(parent));
    if (!has_parent) TRY(make_durable_directory(file_system, parent));
    TRY(file_system.make_directory(path));
  }
  return file_system.sync_directory(parent);
}

std::string parent_directory(std::string_view path) {
  size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

}  // namespace praetor::raft
