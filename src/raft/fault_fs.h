// For tests and simulation: a file system in memory that knows what a disk would have kept, fails the n-th
// call on demand, and can lose its power.
//
// What survives a power cut: everything synced; of the rest, each 512-byte sector of a written range or not,
// size changes in order up to some point, and of each directory its changes in order up to some point, all
// chosen by the seed. A directory whose own name was not synced takes along what is in it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/random.h"
#include "raft/env.h"

namespace praetor::raft {

enum class Fault : uint8_t {
  kError,       // the call does nothing and fails (EIO)
  kShortWrite,  // a write stops half way and fails (ENOSPC); other calls: as kError
  kAfter,       // the call does its work and fails all the same
  kPowerOff,    // this call and all later ones fail until power_cut()
};

// Thread-safe. Files that are open when the power is cut fail from then on.
class FaultFileSystem final : public FileSystem {
 public:
  // The `call`-th changing call from now (1 is the next) suffers `fault`; 0: none.
  void inject(uint64_t call, Fault fault);
  // The `call`-th call from now that only reads (open of what exists, read, size, list, exists) fails with
  // EIO.
  void inject_read(uint64_t call);
  bool injected() const;   // whether that has happened
  uint64_t calls() const;  // changing calls so far
  void power_off();        // every call fails from now on
  bool powered_off() const;
  void power_cut(uint64_t seed);  // and back on
  // The process died, the machine did not: all that was written is there, synced or not; no fault is due.
  void reopen();
  // Direct access to content, for damage.
  std::string content(const std::string& path) const;
  void set_content(const std::string& path, std::string bytes);  // durable at once
  std::vector<std::string> paths() const;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status make_directory(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<bool> exists(const std::string& path) override;
  Status sync_directory(const std::string& path) override;

 private:
  struct Write {
    uint64_t offset;
    std::string bytes;
  };
  struct Resize {
    uint64_t size;
  };
  using FileChange = std::variant<Write, Resize>;
  struct Inode {
    std::string current, durable;
    std::vector<FileChange> pending;
  };
  struct Tree {
    std::map<std::string, std::shared_ptr<Inode>> files;
    std::set<std::string> directories;  // "/" need not be named
    void drop_orphans();
  };
  struct NameChange {
    std::string directory;  // sync_directory of this one makes it durable
    std::function<void(Tree&)> apply;
  };
  class OpenFile;

  // Runs `work` unless a fault says otherwise; `half` is what a short write does.
  Status change(const std::string& what, const std::function<void()>& work,
                const std::function<void()>& half = nullptr);
  // Whether a call that reads fails now. With mutex_ held.
  bool read_fails();
  void change_names(NameChange change);
  bool is_directory(const std::string& path) const { return path == "/" || tree_.directories.contains(path); }
  static void resize(Inode& inode, uint64_t size);
  static void apply(const FileChange& change, std::string& content);
  static void cut_power(Inode& inode, Random& random);

  mutable std::mutex mutex_;
  Tree tree_, durable_;
  std::vector<NameChange> pending_names_;
  uint64_t calls_ = 0, fault_call_ = 0, generation_ = 0;
  uint64_t reads_ = 0, read_fault_ = 0;
  Fault fault_ = Fault::kError;
  bool injected_ = false, powered_off_ = false;
};

}  // namespace praetor::raft
