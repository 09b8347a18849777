#include "raft/fault_fs.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "raft/log_record.h"

namespace praetor::raft {

class FaultFileSystem::OpenFile final : public File {
 public:
  OpenFile(FaultFileSystem& owner, std::string path, std::shared_ptr<Inode> inode)
      : owner_(owner), path_(std::move(path)), inode_(std::move(inode)), generation_(owner.generation_) {}

  Status write_at(uint64_t offset, std::string_view bytes) override {
    auto write = [&](std::string_view part) {
      if (offset + part.size() > inode_->current.size()) resize(*inode_, offset + part.size());
      std::copy(part.begin(), part.end(), inode_->current.begin() + static_cast<std::ptrdiff_t>(offset));
      inode_->pending.push_back(Write{offset, std::string(part)});
    };
    return guarded("write", [&] { write(bytes); }, [&] { write(bytes.substr(0, bytes.size() / 2)); });
  }
  Result<size_t> read_at(uint64_t offset, std::span<char> buffer) override {
    std::lock_guard lock(owner_.mutex_);
    if (owner_.read_fails()) return fail(io_error("read " + path_, EIO));
    const std::string& from = inode_->current;
    if (offset >= from.size()) return size_t{0};
    size_t count = std::min<size_t>(buffer.size(), from.size() - offset);
    std::memcpy(buffer.data(), from.data() + offset, count);
    return count;
  }
  Status sync() override {
    bool kept = false;
    Status status = guarded("fdatasync", [&] {
      for (const FileChange& change : inode_->pending) apply(change, inode_->durable);
      inode_->pending.clear();
      kept = true;
    });
    if (!status && !kept) {
      std::lock_guard lock(owner_.mutex_);
      // As Linux does: the pages count as clean now, no later sync writes them; but they can be read.
      if (!owner_.powered_off_ && generation_ == owner_.generation_)
        std::erase_if(inode_->pending,
                      [](const FileChange& change) { return std::holds_alternative<Write>(change); });
    }
    return status;
  }
  Status truncate(uint64_t size) override {
    return guarded("truncate", [&] { resize(*inode_, size); });
  }
  Status allocate(uint64_t size) override {
    return guarded("allocate", [&] {
      if (size > inode_->current.size()) resize(*inode_, size);
    });
  }
  Result<uint64_t> size() override {
    std::lock_guard lock(owner_.mutex_);
    if (owner_.read_fails()) return fail(io_error("stat " + path_, EIO));
    return inode_->current.size();
  }

 private:
  Status guarded(const char* call, const std::function<void()>& work,
                 const std::function<void()>& half = nullptr) {
    {
      std::lock_guard lock(owner_.mutex_);
      if (generation_ != owner_.generation_) return fail(io_error(path_, EIO));
    }
    return owner_.change(std::string(call) + " " + path_, work, half);
  }

  FaultFileSystem& owner_;
  std::string path_;
  std::shared_ptr<Inode> inode_;
  uint64_t generation_;
};

void FaultFileSystem::inject(uint64_t call, Fault fault) {
  std::lock_guard lock(mutex_);
  fault_call_ = call == 0 ? 0 : calls_ + call;
  fault_ = fault;
  injected_ = false;
}

void FaultFileSystem::inject_read(uint64_t call) {
  std::lock_guard lock(mutex_);
  read_fault_ = reads_ + call;
  injected_ = false;
}

bool FaultFileSystem::read_fails() {
  if (powered_off_) return true;
  if (++reads_ != read_fault_) return false;
  injected_ = true;
  return true;
}

bool FaultFileSystem::injected() const {
  std::lock_guard lock(mutex_);
  return injected_;
}

uint64_t FaultFileSystem::calls() const {
  std::lock_guard lock(mutex_);
  return calls_;
}

Status FaultFileSystem::change(const std::string& what, const std::function<void()>& work,
                               const std::function<void()>& half) {
  std::lock_guard lock(mutex_);
  if (powered_off_) return fail(io_error(what, EIO));
  if (++calls_ != fault_call_) {
    work();
    return {};
  }
  injected_ = true;
  switch (fault_) {
    case Fault::kError:
      return fail(io_error(what, EIO));
    case Fault::kAfter:
      work();
      return fail(io_error(what, EIO));
    case Fault::kShortWrite:
      if (half) half();
      return fail(io_error(what, ENOSPC));
    case Fault::kPowerOff:
      powered_off_ = true;
      if (half) half();
      return fail(io_error(what, EIO));
  }
  return {};
}

void FaultFileSystem::resize(Inode& inode, uint64_t size) {
  inode.current.resize(size, '\0');
  inode.pending.push_back(Resize{size});
}

void FaultFileSystem::apply(const FileChange& change, std::string& content) {
  if (const auto* size = std::get_if<Resize>(&change)) return content.resize(size->size, '\0');
  const auto& write = std::get<Write>(change);
  if (content.size() < write.offset + write.bytes.size())
    content.resize(write.offset + write.bytes.size(), '\0');
  std::copy(write.bytes.begin(), write.bytes.end(),
            content.begin() + static_cast<std::ptrdiff_t>(write.offset));
}

void FaultFileSystem::cut_power(Inode& inode, Random& random) {
  std::string state = inode.durable;
  size_t resizes = 0;
  for (const FileChange& change : inode.pending) resizes += std::holds_alternative<Resize>(change);
  size_t kept = random.below(resizes + 1);
  for (const FileChange& change : inode.pending) {
    if (const auto* size = std::get_if<Resize>(&change)) {
      if (kept == 0) continue;
      --kept;
      state.resize(size->size, '\0');
      continue;
    }
    const auto& write = std::get<Write>(change);
    for (uint64_t at = write.offset; at < write.offset + write.bytes.size();) {
      uint64_t end =
          std::min<uint64_t>((at / kSectorBytes + 1) * kSectorBytes, write.offset + write.bytes.size());
      if (end <= state.size() && random.below(2) == 0)
        std::copy_n(write.bytes.begin() + static_cast<std::ptrdiff_t>(at - write.offset), end - at,
                    state.begin() + static_cast<std::ptrdiff_t>(at));
      at = end;
    }
  }
  inode.current = inode.durable = std::move(state);
  inode.pending.clear();
}

void FaultFileSystem::Tree::drop_orphans() {
  auto is_orphan = [this](const std::string& path) {
    for (std::string at = parent_directory(path); at != "/" && at != "."; at = parent_directory(at))
      if (!directories.contains(at)) return true;
    return false;
  };
  std::erase_if(files, [&](const auto& file) { return is_orphan(file.first); });
  std::erase_if(directories, is_orphan);
}

void FaultFileSystem::power_off() {
  std::lock_guard lock(mutex_);
  powered_off_ = true;
}

bool FaultFileSystem::powered_off() const {
  std::lock_guard lock(mutex_);
  return powered_off_;
}

void FaultFileSystem::reopen() {
  std::lock_guard lock(mutex_);
  ++generation_;
  powered_off_ = false;
  fault_call_ = read_fault_ = 0;
}

void FaultFileSystem::power_cut(uint64_t seed) {
  std::lock_guard lock(mutex_);
  Random random(seed);
  std::map<std::string, size_t> kept;  // by directory: how many of its changes
  for (const NameChange& change : pending_names_) ++kept[change.directory];
  for (auto& [directory, count] : kept) count = random.below(count + 1);
  for (const NameChange& change : pending_names_)
    if (size_t& count = kept[change.directory]; count > 0) {
      --count;
      change.apply(durable_);
    }
  pending_names_.clear();
  durable_.drop_orphans();
  tree_ = durable_;
  for (auto& [path, inode] : tree_.files) cut_power(*inode, random);
  ++generation_;
  powered_off_ = false;
  fault_call_ = 0;
  read_fault_ = 0;
}

std::string FaultFileSystem::content(const std::string& path) const {
  std::lock_guard lock(mutex_);
  auto found = tree_.files.find(path);
  return found == tree_.files.end() ? std::string() : found->second->current;
}

void FaultFileSystem::set_content(const std::string& path, std::string bytes) {
  std::lock_guard lock(mutex_);
  auto& inode = tree_.files[path];
  if (!inode) inode = std::make_shared<Inode>();
  inode->current = inode->durable = std::move(bytes);
  inode->pending.clear();
  durable_.files[path] = inode;
  for (std::string at = parent_directory(path); at != "/" && at != "."; at = parent_directory(at)) {
    tree_.directories.insert(at);
    durable_.directories.insert(at);
  }
}

std::vector<std::string> FaultFileSystem::paths() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [path, inode] : tree_.files) out.push_back(path);
  return out;
}

void FaultFileSystem::change_names(NameChange change) {
  change.apply(tree_);
  pending_names_.push_back(std::move(change));
}

Result<std::unique_ptr<File>> FaultFileSystem::open(const std::string& path, OpenMode mode) {
  if (mode == OpenMode::kCreate) {
    bool no_parent = false;
    TRY(change("open " + path, [&] {
      if (auto found = tree_.files.find(path); found != tree_.files.end()) return resize(*found->second, 0);
      if ((no_parent = !is_directory(parent_directory(path)))) return;
      auto inode = std::make_shared<Inode>();
      change_names({parent_directory(path), [path, inode](Tree& tree) { tree.files[path] = inode; }});
    }));
    if (no_parent) return fail(io_error("open " + path, ENOENT));
  }
  std::lock_guard lock(mutex_);
  if (mode != OpenMode::kCreate && read_fails()) return fail(io_error("open " + path, EIO));
  auto found = tree_.files.find(path);
  if (found == tree_.files.end()) return fail(io_error("open " + path, ENOENT));
  return std::make_unique<OpenFile>(*this, path, found->second);
}

Status FaultFileSystem::rename(const std::string& from, const std::string& to) {
  return change("rename " + from, [&] {
    change_names({parent_directory(to), [from, to](Tree& tree) {
                    if (tree.directories.erase(from) != 0) tree.directories.insert(to);
                    std::map<std::string, std::shared_ptr<Inode>> moved;
                    std::string prefix = from + "/";
                    for (auto it = tree.files.begin(); it != tree.files.end();) {
                      bool inside = it->first.starts_with(prefix);
                      if (it->first == from || inside) {
                        moved[inside ? to + "/" + it->first.substr(prefix.size()) : to] = it->second;
                        it = tree.files.erase(it);
                      } else {
                        ++it;
                      }
                    }
                    for (auto& [path, inode] : moved) tree.files[path] = inode;
                  }});
  });
}

Status FaultFileSystem::remove(const std::string& path) {
  return change("remove " + path, [&] {
    change_names({parent_directory(path), [path](Tree& tree) {
                    if (tree.directories.erase(path) == 0) tree.files.erase(path);
                  }});
  });
}

Status FaultFileSystem::make_directory(const std::string& path) {
  return change("mkdir " + path, [&] {
    std::vector<std::string> missing;
    for (std::string at = path; !is_directory(at); at = parent_directory(at)) missing.push_back(at);
    for (; !missing.empty(); missing.pop_back()) {
      std::string at = missing.back();
      change_names({parent_directory(at), [at](Tree& tree) { tree.directories.insert(at); }});
    }
  });
}

Result<std::vector<std::string>> FaultFileSystem::list(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (read_fails()) return fail(io_error("open " + path, EIO));
  std::set<std::string> found;
  std::string prefix = path + "/";
  auto add = [&](const std::string& name) {
    if (name.starts_with(prefix))
      found.insert(name.substr(prefix.size(), name.find('/', prefix.size()) - prefix.size()));
  };
  for (const auto& [name, inode] : tree_.files) add(name);
  for (const std::string& name : tree_.directories) add(name);
  return std::vector<std::string>(found.begin(), found.end());
}

Result<bool> FaultFileSystem::exists(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (read_fails()) return fail(io_error("access " + path, EIO));
  return tree_.files.contains(path) || is_directory(path);
}

Status FaultFileSystem::sync_directory(const std::string& path) {
  return change("fsync " + path, [&] {
    std::vector<NameChange> rest;
    for (NameChange& change : pending_names_) {
      if (change.directory == path)
        change.apply(durable_);
      else
        rest.push_back(std::move(change));
    }
    pending_names_ = std::move(rest);
  });
}

}  // namespace praetor::raft
