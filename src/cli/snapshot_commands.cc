// snapshot save, restore, inspect.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "base/random.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/snapshot_archive.h"
#include "cli/table.h"

namespace praetor::cli {
namespace {

constexpr size_t kUploadPiece = 65536;
constexpr size_t kInspectGap = 6;

// Sets `file` from the only argument, or says what is wrong.
bool one_file(const std::vector<std::string>& args, std::string& file, Ui& ui) {
  if (args.empty()) {
    ui.error("Missing FILE argument");
    return false;
  }
  if (args.size() > 1) {
    ui.error(too_many(1, args.size()));
    return false;
  }
  file = args[0];
  return true;
}

// An open descriptor, closed at the end.
class File {
 public:
  File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  bool ok() const { return fd_ >= 0; }
  int fd() const { return fd_; }

  Status write(std::string_view data) {
    while (!data.empty()) {
      ssize_t count = ::write(fd_, data.data(), data.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return std::unexpected(io_error("write", errno));
      data.remove_prefix(static_cast<size_t>(count));
    }
    return {};
  }

  Result<std::string> read_piece() {
    std::string piece(kUploadPiece, '\0');
    ssize_t count = ::read(fd_, piece.data(), piece.size());
    if (count < 0) return std::unexpected(io_error("read", errno));
    piece.resize(static_cast<size_t>(count));
    return piece;
  }

 private:
  int fd_;
};

class Save : public FlagCommand {
 public:
  Save()
      : FlagCommand(R"(
Usage: praetor snapshot save [options] FILE

  Saves the state of the servers as of one instant: keys and values, catalog,
  prepared queries, sessions and ACLs. With ACLs on, it needs a management token.

      $ praetor snapshot save backup.snap

  Any server may answer, for example when there is no leader:

      $ praetor snapshot save -stale backup.snap
)",
                    HttpFlagSet::kClientAndServer) {}

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    std::string file;
    if (!one_file(args, file, ui)) return 1;
    auto api = open_api(ui);
    if (!api) return 1;
    // What is not yet verified never stands under the final name.
    std::string temporary = file + ".unverified.tmp" + std::to_string(thread_random().below(1'000'000'000));
    auto meta = download(*api, temporary);
    if (meta && ::rename(temporary.c_str(), file.c_str()) != 0) {
      meta = fail("Error renaming " + temporary + " to " + file + ": " +
                  io_error("rename " + temporary + " " + file, errno).message);
    }
    if (!meta) {
      ::unlink(temporary.c_str());
      ui.error(meta.error().message);
      return 1;
    }
    ui.print("Saved and verified snapshot to index " + std::to_string(meta->index));
    return 0;
  }

  static Result<raft::SnapshotMeta> download(Api& api, const std::string& path) {
    std::unique_ptr<File> file;
    Status written;
    Params params;
    if (api.stale()) params.emplace("stale", "");
    auto response = api.stream("/v1/snapshot", std::move(params), [&](std::string_view piece) {
      if (!file) file = std::make_unique<File>(path, O_CREAT | O_EXCL | O_WRONLY);
      written = file->ok() ? file->write(piece) : Status(std::unexpected(io_error("open " + path, errno)));
      return written;
    });
    if (!written) return fail("Error writing unverified snapshot file: " + written.error().message);
    if (!response) return fail("Error saving snapshot: " + response.error().message);
    if (!file || ::fsync(file->fd()) != 0) return fail("Error writing unverified snapshot file: no data");
    file.reset();
    auto meta = verify_snapshot(path);
    if (!meta) return fail("Error verifying snapshot file: " + meta.error().message);
    return meta;
  }
};

class Restore : public FlagCommand {
 public:
  Restore()
      : FlagCommand(R"(
Usage: praetor snapshot restore [options] FILE

  Puts the state of a snapshot in place of the servers' own. It is meant for
  disasters, into a fresh cluster: servers must not fail while it runs. With
  ACLs on, it needs a management token.

      $ praetor snapshot restore backup.snap
)",
                    HttpFlagSet::kClientAndServer) {}

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    std::string path;
    if (!one_file(args, path, ui)) return 1;
    auto api = open_api(ui);
    if (!api) return 1;
    File file(path, O_RDONLY);
    if (!file.ok()) {
      ui.error("Error opening snapshot file: " + io_error("open " + path, errno).message);
      return 1;
    }
    auto response = api->upload("/v1/snapshot", {}, [&] { return file.read_piece(); });
    if (!response) {
      ui.error("Error restoring snapshot: " + response.error().message);
      return 1;
    }
    ui.print("Restored snapshot");
    return 0;
  }
};

class Inspect : public FlagCommand {
 public:
  Inspect()
      : FlagCommand(R"(
Usage: praetor snapshot inspect [options] FILE

  Checks a snapshot file and says what it holds.

      $ praetor snapshot inspect backup.snap
)",
                    HttpFlagSet::kNone) {}

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    std::string path;
    if (!one_file(args, path, ui)) return 1;
    if (!File(path, O_RDONLY).ok()) {
      ui.error("Error opening snapshot file: " + io_error("open " + path, errno).message);
      return 1;
    }
    auto meta = verify_snapshot(path);
    if (!meta) {
      ui.error("Error verifying snapshot: " + meta.error().message);
      return 1;
    }
    ui.print(format_pairs({{"ID", meta->id},
                           {"Size", std::to_string(meta->size)},
                           {"Index", std::to_string(meta->index)},
                           {"Term", std::to_string(meta->term)},
                           {"Version", std::to_string(meta->version)}},
                          kInspectGap) +
             "\n");
    return 0;
  }
};

}  // namespace

CommandPtr make_snapshot_save() { return std::make_unique<Save>(); }
CommandPtr make_snapshot_restore() { return std::make_unique<Restore>(); }
CommandPtr make_snapshot_inspect() { return std::make_unique<Inspect>(); }

}  // namespace praetor::cli
