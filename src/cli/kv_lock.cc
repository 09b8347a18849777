#include "cli/kv_lock.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "cli/api_types.h"
#include "codec/json.h"

namespace praetor::cli {
namespace {

constexpr Duration kSessionTtl = std::chrono::seconds(15);
constexpr Duration kDefaultWait = std::chrono::seconds(15);
constexpr Duration kLockDelayRetry = std::chrono::seconds(5);
constexpr Duration kMonitorRetryTime = std::chrono::seconds(1);
constexpr int kNotFound = 404;

std::string milliseconds_text(Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()) + "ms";
}

// Pairs of a KV read; none for 404. `index` becomes the answer's.
Result<List<KvPair>> read_pairs(Api& api, const std::string& key, Params params, uint64_t& index) {
  TRY_ASSIGN(HttpResponse response, api.request("GET", "/v1/kv/" + key, std::move(params)));
  index = parse_uint(response.header("X-Consul-Index")).value_or(0);
  if (response.status == kNotFound) return List<KvPair>();
  if (response.status != 200) return fail(fmt::format("Unexpected response code: {}", response.status));
  return codec::from_json<List<KvPair>>(response.body);
}

Result<bool> write_pair(Api& api, const std::string& key, Params params, std::string value = {}) {
  TRY_ASSIGN(HttpResponse response, api.put("/v1/kv/" + key, std::move(params), std::move(value)));
  return contains(response.body, "true");
}

bool is_retryable(const Error& error) {
  return contains(error.message, "Unexpected response code: 500") ||
         contains(error.message, "connection refused") || contains(error.message, "EOF");
}

}  // namespace

KvLock::~KvLock() { end_session(); }

Status KvLock::create_session(Api& api) {
  SessionRequest request;
  request.name = options_.session_name;
  request.ttl = format_duration(kSessionTtl);
  request.behavior = session_behavior();
  auto response = api.put("/v1/session/create", {}, codec::to_json(request) + "\n");
  auto answer = response ? codec::from_json<IdAnswer>(response->body)
                         : Result<IdAnswer>(std::unexpected(response.error()));
  if (!answer) return fail("failed to create session: " + answer.error().message);
  session_ = answer->id;
  renewer_ = std::thread([this] { renew_session(); });
  return {};
}

void KvLock::renew_session() {
  auto api = api_.clone(&stop_);
  Instant renewed = system_clock().now();
  Duration pause = kSessionTtl / 2;
  while (!stop_.wait(pause)) {
    auto response = api->request("PUT", "/v1/session/renew/" + session_);
    if (response && response->status == kNotFound) return lost_.trigger();
    if (response && response->status == 200) {
      renewed = system_clock().now();
      pause = kSessionTtl / 2;
    } else {
      pause = std::chrono::seconds(1);
      if (system_clock().now() - renewed > kSessionTtl) return lost_.trigger();
    }
  }
}

void KvLock::end_session() {
  stop_.trigger();
  if (watcher_.joinable()) watcher_.join();
  if (renewer_.joinable()) renewer_.join();
  if (session_.empty()) return;
  // Best effort: the session ends by itself when its time is over.
  auto ignored = api_.clone(nullptr)->put("/v1/session/destroy/" + session_);
  session_.clear();
}

Result<bool> KvLock::acquire(const Cancel& cancel) {
  auto api = api_.clone(&cancel);
  Status created = create_session(*api);
  if (!created) return std::unexpected(created.error());
  Result<bool> held = contend(*api, cancel);
  if (held && *held) {
    watcher_ = std::thread([this] { watch_lock(); });
  } else {
    end_session();
  }
  return held;
}

Result<bool> KvLock::contend(Api& api, const Cancel& cancel) {
  TRY(prepare(api));
  bool limited = options_.try_for > Duration::zero();
  Instant start = system_clock().now();
  Duration wait = limited ? options_.try_for : kDefaultWait;
  uint64_t index = 0;
  for (bool first = true; !cancel.triggered(); first = false) {
    if (limited && !first) {
      wait = options_.try_for - (system_clock().now() - start);
      if (wait <= Duration::zero()) return false;
    }
    Params params = {{"wait", milliseconds_text(wait)}};
    if (index != 0) params.emplace("index", std::to_string(index));
    auto result = attempt(api, std::move(params), index);
    if (cancel.triggered()) break;
    if (!result) return std::unexpected(result.error());
    if (*result == Attempt::kHeld) return true;
    if (*result == Attempt::kRetry) index = 0;
    if (*result == Attempt::kDelay) {
      index = 0;
      cancel.wait(limited ? std::min(kLockDelayRetry, wait) : kLockDelayRetry);
    }
  }
  return false;
}

void KvLock::watch_lock() {
  auto api = api_.clone(&stop_);
  uint64_t index = 0;
  int64_t retries = options_.monitor_retries;
  while (!stop_.triggered()) {
    auto held = still_held(*api, index);
    if (stop_.triggered()) return;
    if (held) {
      if (!*held) return lost_.trigger();
      retries = options_.monitor_retries;
      continue;
    }
    if (!is_retryable(held.error()) || retries-- <= 0) return lost_.trigger();
    index = 0;
    stop_.wait(kMonitorRetryTime);
  }
}

Status KvLock::release() {
  auto api = api_.clone(nullptr);
  Status status = give_up(*api);
  end_session();
  return status;
}

namespace {

class Mutex : public KvLock {
 public:
  using KvLock::KvLock;

  Status destroy() override {
    auto api = api_.clone(nullptr);
    uint64_t index = 0;
    auto pairs = read_pairs(*api, options_.key, {}, index);
    if (!pairs) return fail("failed to read lock: " + pairs.error().message);
    if (pairs->empty()) return {};
    const KvPair& pair = (*pairs)[0];
    if (pair.flags != kLockFlags) return fail("Existing key does not match lock use");
    if (!pair.session.empty()) return fail(std::string(kLockInUse));
    auto removed = api->del("/v1/kv/" + options_.key, {{"cas", std::to_string(pair.modify_index)}});
    if (!removed) return fail("failed to remove lock: " + removed.error().message);
    if (!contains(removed->body, "true")) return fail(std::string(kLockInUse));
    return {};
  }

 protected:
  Result<Attempt> attempt(Api& api, Params read_params, uint64_t& index) override {
    auto pairs = read_pairs(api, options_.key, std::move(read_params), index);
    if (!pairs) return fail("failed to read lock: " + pairs.error().message);
    if (!pairs->empty()) {
      if ((*pairs)[0].flags != kLockFlags) return fail("Existing key does not match lock use");
      if ((*pairs)[0].session == session_) return Attempt::kHeld;
      if (!(*pairs)[0].session.empty()) return Attempt::kBusy;
    }
    auto taken =
        write_pair(api, options_.key, {{"acquire", session_}, {"flags", std::to_string(kLockFlags)}});
    if (!taken) return fail("failed to acquire lock: " + taken.error().message);
    if (*taken) return Attempt::kHeld;
    // Either somebody was faster, or the key is in its lock-delay.
    pairs = read_pairs(api, options_.key, {}, index);
    bool faster = pairs && !pairs->empty() && !(*pairs)[0].session.empty();
    return faster ? Attempt::kBusy : Attempt::kDelay;
  }

  Result<bool> still_held(Api& api, uint64_t& index) override {
    Params params = {{"consistent", ""}};
    if (index != 0) params.emplace("index", std::to_string(index));
    TRY_ASSIGN(auto pairs, read_pairs(api, options_.key, std::move(params), index));
    return !pairs.empty() && pairs[0].session == session_;
  }

  Status give_up(Api& api) override {
    auto released =
        write_pair(api, options_.key, {{"flags", std::to_string(kLockFlags)}, {"release", session_}});
    if (!released) return fail("failed to release lock: " + released.error().message);
    return {};
  }
};

}  // namespace

// The value of a semaphore's lock key.
struct SemaphoreLock {
  int64_t limit = 0;
  Map<bool> holders;
};
PRAETOR_DESCRIBED(SemaphoreLock)
PRAETOR_DESCRIBE(SemaphoreLock, "semaphoreLock", field("Limit", &SemaphoreLock::limit),
                 field("Holders", &SemaphoreLock::holders))

namespace {

class Semaphore : public KvLock {
 public:
  using KvLock::KvLock;

  Status destroy() override {
    auto api = api_.clone(nullptr);
    uint64_t index = 0;
    auto pairs = read_pairs(*api, options_.key, {{"recurse", ""}}, index);
    if (!pairs) return fail("failed to read prefix: " + pairs.error().message);
    const KvPair* pair = find_lock(*pairs);
    if (pair == nullptr) return {};
    if (pair->flags != kSemaphoreFlags) return fail("Existing key does not match semaphore use");
    TRY_ASSIGN(SemaphoreLock lock, decode(pair));
    prune(lock, *pairs);
    if (!lock.holders.empty()) return fail(std::string(kLockInUse));
    auto removed = api->del("/v1/kv/" + lock_key(), {{"cas", std::to_string(pair->modify_index)}});
    if (!removed) return fail("failed to remove semaphore: " + removed.error().message);
    if (!contains(removed->body, "true")) return fail(std::string(kLockInUse));
    return {};
  }

 protected:
  std::string session_behavior() const override { return "delete"; }

  // Every contender owns an entry: the lock's holders without one are dead.
  Status prepare(Api& api) override {
    auto made = write_pair(api, options_.key + "/" + session_,
                           {{"acquire", session_}, {"flags", std::to_string(kSemaphoreFlags)}});
    if (!made) return fail("failed to make contender entry: " + made.error().message);
    if (!*made) return fail("failed to make contender entry: session not held");
    return {};
  }

  Result<Attempt> attempt(Api& api, Params read_params, uint64_t& index) override {
    read_params.emplace("recurse", "");
    auto pairs = read_pairs(api, options_.key, std::move(read_params), index);
    if (!pairs) return fail("failed to read prefix: " + pairs.error().message);
    const KvPair* pair = find_lock(*pairs);
    if (pair != nullptr && pair->flags != kSemaphoreFlags) {
      return fail("Existing key does not match semaphore use");
    }
    TRY_ASSIGN(SemaphoreLock lock, decode(pair));
    if (lock.limit != options_.limit) {
      return fail(fmt::format("semaphore limit conflict (lock: {}, local: {})", lock.limit, options_.limit));
    }
    prune(lock, *pairs);
    if (lock.holders.size() >= static_cast<size_t>(lock.limit)) return Attempt::kBusy;
    lock.holders[session_] = true;
    TRY_ASSIGN(bool written, write_lock(api, lock, pair == nullptr ? 0 : pair->modify_index));
    return written ? Attempt::kHeld : Attempt::kRetry;
  }

  Result<bool> still_held(Api& api, uint64_t& index) override {
    Params params = {{"consistent", ""}, {"recurse", ""}};
    if (index != 0) params.emplace("index", std::to_string(index));
    TRY_ASSIGN(auto pairs, read_pairs(api, options_.key, std::move(params), index));
    TRY_ASSIGN(SemaphoreLock lock, decode(find_lock(pairs)));
    prune(lock, pairs);
    return lock.holders.contains(session_);
  }

  Status give_up(Api& api) override {
    for (;;) {
      uint64_t index = 0;
      auto pairs = read_pairs(api, lock_key(), {}, index);
      if (!pairs) return std::unexpected(pairs.error());
      TRY_ASSIGN(SemaphoreLock lock, decode(pairs->empty() ? nullptr : &(*pairs)[0]));
      if (!lock.holders.erase(session_)) break;
      TRY_ASSIGN(bool written, write_lock(api, lock, (*pairs)[0].modify_index));
      if (written) break;
    }
    TRY(api.del("/v1/kv/" + options_.key + "/" + session_));
    return {};
  }

 private:
  std::string lock_key() const { return options_.key + "/.lock"; }

  const KvPair* find_lock(const List<KvPair>& pairs) const {
    for (const KvPair& pair : pairs) {
      if (pair.key == lock_key()) return &pair;
    }
    return nullptr;
  }

  Result<SemaphoreLock> decode(const KvPair* pair) const {
    if (pair == nullptr || pair->value.empty()) return SemaphoreLock{options_.limit, {}};
    auto lock = codec::from_json<SemaphoreLock>(std::string_view(pair->value.data(), pair->value.size()));
    if (!lock) return fail("failed to decode lock: " + lock.error().message);
    return std::move(*lock);
  }

  // Drops the holders whose sessions are gone.
  void prune(SemaphoreLock& lock, const List<KvPair>& pairs) const {
    Map<bool> alive;
    for (const KvPair& pair : pairs) {
      bool known = pair.key != lock_key() && !pair.session.empty() && lock.holders.contains(pair.session);
      if (known) alive[pair.session] = true;
    }
    lock.holders = std::move(alive);
    if (lock.holders.empty()) lock.holders.make_empty();
  }

  Result<bool> write_lock(Api& api, SemaphoreLock& lock, uint64_t index) {
    if (lock.holders.empty()) lock.holders.make_empty();
    auto written = write_pair(api, lock_key(),
                              {{"cas", std::to_string(index)}, {"flags", std::to_string(kSemaphoreFlags)}},
                              codec::to_json(lock));
    if (!written) return fail("failed to update lock: " + written.error().message);
    return *written;
  }
};

}  // namespace

std::unique_ptr<KvLock> make_mutex(const Api& api, LockOptions options) {
  return std::make_unique<Mutex>(api, std::move(options));
}
std::unique_ptr<KvLock> make_semaphore(const Api& api, LockOptions options) {
  return std::make_unique<Semaphore>(api, std::move(options));
}

}  // namespace praetor::cli
