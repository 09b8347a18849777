#include "agent/persistence.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>

#include "base/text.h"
#include "base/uuid.h"
#include "codec/json.h"

namespace praetor::agent {

namespace fs = std::filesystem;

PRAETOR_DESCRIBE(
    PersistedService, "persistedService", field("Token", &PersistedService::token),
    field("Service", &PersistedService::service), field("Source", &PersistedService::source),
    field("LocallyRegisteredAsSidecar", &PersistedService::locally_registered_as_sidecar).omit_empty())

PRAETOR_DESCRIBE(PersistedCheck, "persistedCheck", field("Check", &PersistedCheck::check),
                 field("ChkType", &PersistedCheck::chk_type), field("Token", &PersistedCheck::token),
                 field("Source", &PersistedCheck::source))

PRAETOR_DESCRIBE(PersistedCheckState, "persistedCheckState", field("CheckID", &PersistedCheckState::check_id),
                 field("Output", &PersistedCheckState::output), field("Status", &PersistedCheckState::status),
                 field("Expires", &PersistedCheckState::expires))

namespace {

struct PersistedTokens {
  std::string replication;
  std::string agent_master;
  std::string default_token;
  std::string agent;
};
PRAETOR_DESCRIBED(PersistedTokens)
PRAETOR_DESCRIBE(PersistedTokens, "persistedTokens",
                 field("replication", &PersistedTokens::replication).omit_empty(),
                 field("agent_master", &PersistedTokens::agent_master).omit_empty(),
                 field("default", &PersistedTokens::default_token).omit_empty(),
                 field("agent", &PersistedTokens::agent).omit_empty())

constexpr size_t kSyncEach = 32;  // so many files are synced one by one, more by one call for all
constexpr size_t kMaxFile = 64 * 1024 * 1024;

const char* folder_of(KeptKind kind) {
  switch (kind) {
    case KeptKind::kService:
      return "services";
    case KeptKind::kCheck:
      return "checks";
    case KeptKind::kCheckState:
      return "checks/state";
  }
  return "";
}

std::string md5_hex(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_md5(), nullptr);
  return hex_encode(std::string_view(reinterpret_cast<const char*>(digest), size));
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(io_error("open " + path, errno));
  std::ostringstream text;
  text << in.rdbuf();
  if (text.view().size() > kMaxFile) return fail("file is too large: " + path, ErrorKind::kTooLarge);
  return std::move(text).str();
}

Status write_whole(int fd, std::string_view text, const std::string& path, bool sync) {
  while (!text.empty()) {
    ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(io_error("write " + path, errno));
    text.remove_prefix(static_cast<size_t>(written));
  }
  if (sync && ::fsync(fd) != 0) return fail(io_error("sync " + path, errno));
  return {};
}

// Neither whole nor synced after a crash: for what can be written again.
Status write_plain(const std::string& path, std::string_view text) {
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return fail(io_error("open " + path, errno));
  Status written = write_whole(fd, text, path, false);
  ::close(fd);
  return written;
}

Status write_atomic(const std::string& path, std::string_view text) {
  std::string temporary = path + ".tmp";
  int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return fail(io_error("open " + temporary, errno));
  Status written = write_whole(fd, text, temporary, true);
  ::close(fd);
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0)
    written = fail(io_error(fmt::format("rename {} {}", temporary, path), errno));
  if (!written) ::unlink(temporary.c_str());
  return written;
}

// A folder, or with `whole_file_system` everything that its file system has not written yet.
Status sync_folder(const std::string& path, bool whole_file_system) {
  int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? Status() : Status(fail(io_error("open " + path, errno)));
  Status synced;
  if ((whole_file_system ? ::syncfs(fd) : ::fsync(fd)) != 0) synced = fail(io_error("sync " + path, errno));
  ::close(fd);
  return synced;
}

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code code;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, code)) {
    std::error_code ignored;
    std::string path = entry.path().string();
    // A leftover of a write that a crash cut short.
    if (entry.is_regular_file(ignored) && !path.ends_with(".tmp")) files.push_back(std::move(path));
  }
  std::sort(files.begin(), files.end());
  return files;
}

// What is wrong with a UUID, in the words of Consul's parser.
Status check_uuid(std::string_view text) {
  if (text.size() != 36) return fail("uuid string is wrong length");
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash && text[i] != '-') return fail("uuid is improperly formatted");
    if (!dash) digits += text[i];
  }
  for (char c : digits) {
    bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (!hex)
      return fail(fmt::format("encoding/hex: invalid byte: U+{:04X} '{}'", static_cast<unsigned char>(c), c));
  }
  return {};
}

}  // namespace

KeptChange kept(const PersistedService& service) {
  return {KeptKind::kService, service.service.id, codec::to_json(service)};
}
KeptChange kept(const PersistedCheck& check) {
  return {KeptKind::kCheck, check.check.check_id, codec::to_json(check)};
}
KeptChange kept(const PersistedCheckState& state) {
  return {KeptKind::kCheckState, state.check_id, codec::to_json(state)};
}

std::string DataDirectory::file(KeptKind kind, std::string_view id) const {
  return fmt::format("{}/{}/{}", path_, folder_of(kind), md5_hex(id));
}

Status DataDirectory::make_folder(const std::string& folder) const {
  std::error_code code;
  std::string full = folder.empty() ? path_ : path_ + "/" + folder;
  bool made = fs::create_directories(full, code);
  if (code) return fail(io_error("mkdir " + full, code.value()));
  if (made && !folder.empty()) fs::permissions(full, fs::perms::owner_all, code);
  return {};
}

Status DataDirectory::write_one(const KeptChange& change, bool whole) const {
  std::string path = file(change.kind, change.id);
  if (!change.content) return remove(path);
  return whole ? write_atomic(path, *change.content) : write_plain(path, *change.content);
}

Status DataDirectory::write(std::span<const KeptChange> changes) const {
  if (path_.empty() || changes.empty()) return {};
  bool each = changes.size() <= kSyncEach;
  std::set<KeptKind> kinds;
  for (const KeptChange& change : changes) {
    if (kinds.insert(change.kind).second) TRY(make_folder(folder_of(change.kind)));
    TRY(write_one(change, each));
  }
  if (!each) return sync_folder(path_, true);
  for (KeptKind kind : kinds) TRY(sync_folder(path_ + "/" + folder_of(kind), false));
  return {};
}

Status DataDirectory::save(const std::string& name, std::string_view text) const {
  if (path_.empty()) return {};
  TRY(make_folder(""));
  return write_atomic(path_ + "/" + name, text);
}

Status DataDirectory::remove(const std::string& path) const {
  if (path_.empty()) return {};
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail(io_error("remove " + path, errno));
  return {};
}

Status DataDirectory::prepare() {
  if (path_.empty()) return {};
  std::error_code code;
  fs::create_directories(path_, code);
  if (code) return fail("Failed to create data_dir: " + io_error("mkdir " + path_, code.value()).message);
  return {};
}

std::vector<PersistedService> DataDirectory::load_services(const IsConfigured& is_configured) {
  std::vector<PersistedService> found;
  if (path_.empty()) return found;
  for (const std::string& path : files_in(path_ + "/" + folder_of(KeptKind::kService))) {
    auto text = read_file(path);
    Result<PersistedService> one =
        text ? codec::from_json<PersistedService>(*text, {.whole_document = true}) : fail(text.error());
    if (!one || one->service.id.empty()) {
      log_.error("Failed decoding service file",
                 {{"file", path}, {"error", one ? "no service ID" : one.error().message}});
      continue;
    }
    one->service.locally_registered_as_sidecar = one->locally_registered_as_sidecar;
    if (is_configured(one->service.id)) {
      log_.debug("service exists, not restoring from file", {{"service", one->service.id}, {"file", path}});
      if (auto removed = remove(path); !removed)
        log_.error("Failed to purge service", {{"error", removed.error()}});
      continue;
    }
    found.push_back(std::move(*one));
  }
  return found;
}

std::vector<PersistedCheck> DataDirectory::load_checks(const IsConfigured& is_configured, Time now) {
  std::vector<PersistedCheck> found;
  if (path_.empty()) return found;
  for (const std::string& path : files_in(path_ + "/" + folder_of(KeptKind::kCheck))) {
    auto text = read_file(path);
    Result<PersistedCheck> one =
        text ? codec::from_json<PersistedCheck>(*text, {.whole_document = true}) : fail(text.error());
    if (!one || one->check.check_id.empty()) {
      log_.error("Failed decoding check file",
                 {{"file", path}, {"error", one ? "no check ID" : one.error().message}});
      continue;
    }
    if (is_configured(one->check.check_id)) {
      log_.debug("check exists, not restoring from file", {{"check", one->check.check_id}, {"file", path}});
      if (auto removed = remove(path); !removed)
        log_.error("Failed to purge check", {{"error", removed.error()}});
      continue;
    }
    one->check.status = model::kHealthCritical;
    if (auto state = load_check_state(one->check.check_id, now)) {
      one->check.status = state->status;
      one->check.output = state->output;
    }
    found.push_back(std::move(*one));
  }
  return found;
}

std::optional<PersistedCheckState> DataDirectory::load_check_state(std::string_view check_id, Time now) {
  if (path_.empty()) return std::nullopt;
  std::string path = file(KeptKind::kCheckState, check_id);
  auto text = read_file(path);
  if (!text) return std::nullopt;
  auto state = codec::from_json<PersistedCheckState>(*text, {.whole_document = true});
  if (!state) log_.error("failed decoding check state", {{"file", path}, {"error", state.error()}});
  if (state && state->expires >= now.seconds) return std::move(*state);
  if (state) log_.debug("check state expired, not restoring", {{"check", check_id}});
  (void)remove(path);
  return std::nullopt;
}

Result<std::string> DataDirectory::node_id(const std::string& configured, const std::string& of_host,
                                           Random& random) {
  if (!configured.empty()) {
    std::string id = to_lower(configured);
    if (Status valid = check_uuid(id); !valid)
      return fail("specified NodeID is invalid: " + valid.error().message, ErrorKind::kBadRequest);
    return id;
  }
  auto fresh = [&] { return of_host.empty() ? make_uuid(random) : of_host; };
  if (path_.empty()) return fresh();
  std::string path = path_ + "/node-id";
  if (auto text = read_file(path)) {
    std::string id = to_lower(trim(*text));
    if (Status valid = check_uuid(id); !valid)
      return fail(fmt::format("NodeID in {} is invalid: {}", path, valid.error().message),
                  ErrorKind::kBadRequest);
    return id;
  }
  std::string id = fresh();
  TRY(save("node-id", id));
  return id;
}

void DataDirectory::load_tokens(AgentTokens& tokens) {
  if (path_.empty()) return;
  auto text = read_file(path_ + "/acl-tokens.json");
  if (!text) return;
  auto kept = codec::from_json<PersistedTokens>(*text, {.whole_document = true});
  if (!kept) {
    log_.warn("unable to load persisted tokens", {{"error", kept.error()}});
    return;
  }
  auto use = [&](TokenKind kind, const char* name, const std::string& token) {
    if (token.empty()) return;
    if (!tokens.get(kind).empty())
      log_.warn(
          fmt::format("\"{}\" token present in both the configuration and persisted token store, using the "
                      "persisted token",
                      name));
    tokens.set(kind, token, true);
  };
  use(TokenKind::kDefault, "default", kept->default_token);
  use(TokenKind::kAgent, "agent", kept->agent);
  use(TokenKind::kAgentMaster, "agent_master", kept->agent_master);
  use(TokenKind::kReplication, "replication", kept->replication);
}

Status DataDirectory::save_tokens(const AgentTokens& tokens) {
  auto by_api = [&](TokenKind kind) { return tokens.from_api(kind) ? tokens.get(kind) : std::string(); };
  PersistedTokens kept{by_api(TokenKind::kReplication), by_api(TokenKind::kAgentMaster),
                       by_api(TokenKind::kDefault), by_api(TokenKind::kAgent)};
  return save("acl-tokens.json", codec::to_json(kept));
}

}  // namespace praetor::agent
