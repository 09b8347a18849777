#include "gossip/pool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "base/random.h"
#include "base/text.h"

namespace praetor::gossip {

namespace {

Status write_all(int file, std::string_view text) {
  while (!text.empty()) {
    ssize_t written = write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(io_error("write", errno));
    text.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

// The whole file at once: whoever reads it sees the old or the new one.
Status replace_file(const std::string& path, std::string_view suffix, std::string_view text, mode_t mode) {
  std::string fresh = path + std::string(suffix);
  int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (file < 0) return fail(io_error("open " + fresh, errno));
  Status status = write_all(file, text);
  if (status && fsync(file) != 0) status = fail(io_error("fsync " + fresh, errno));
  close(file);
  if (status && rename(fresh.c_str(), path.c_str()) != 0) status = fail(io_error("rename " + fresh, errno));
  return status;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

}  // namespace

struct Pool::Join {
  std::vector<Address> addresses;
  bool ignore_old = false;
  size_t next = 0;
  JoinReport report;
  std::function<void(JoinReport)> done;
};

Result<size_t> JoinReport::result() const {
  if (reached == 0 && !errors.empty()) return fail(format_multierror(errors));
  return reached;
}

// Every call into the core ends with its effects carried out.
template <typename Step>
auto Pool::run(Step step) {
  SerfEffects effects;
  if constexpr (std::is_void_v<std::invoke_result_t<Step, SerfEffects&>>) {
    step(effects);
    carry_out(std::move(effects));
  } else {
    auto result = step(effects);
    carry_out(std::move(effects));
    return result;
  }
}

Pool::Pool(Reactor& reactor, PoolOptions options, OnEvent on_event)
    : reactor_(reactor),
      options_(std::move(options)),
      on_event_(std::move(on_event)),
      serf_log_(options_.serf_log),
      memberlist_log_(options_.memberlist_log),
      self_(std::make_shared<Pool*>(this)) {
  framing_.compress = options_.compress;
  framing_.verify_incoming = options_.verify_incoming;
  framing_.verify_outgoing = options_.verify_outgoing;
  framing_.encryption_version =
      options_.serf.swim.versions.current == 1 ? kPaddedEncryption : kPlainEncryption;
  if (options_.keyring) framing_.keyring = &*options_.keyring;
}

Pool::~Pool() {
  if (serf_ && !left_) serf_log_.warn("serf: Shutdown without a Leave");
  reactor_.cancel(timer_);
  transport_.reset();
  if (snapshot_file_ >= 0) close(snapshot_file_);
}

Result<std::unique_ptr<Pool>> Pool::open(Reactor& reactor, PoolOptions options, OnEvent on_event) {
  std::unique_ptr<Pool> pool(new Pool(reactor, std::move(options), std::move(on_event)));
  TRY(pool->open_sockets());
  TRY(pool->open_serf());
  return pool;
}

Status Pool::open_sockets() {
  TransportHandler handler;
  handler.packet = [this](const Address& from, std::string_view message) {
    Status status =
        run([&](SerfEffects& out) { return serf_->packet(system_clock().now(), from, message, out); });
    if (!status) memberlist_log_.error("memberlist: " + status.error().message + " from=" + from.text());
  };
  handler.bad_packet = [this](const Address& from, const Error& error) {
    memberlist_log_.error("memberlist: " + error.message + " from=" + from.text());
  };
  handler.stream = [this](const Address& from, std::string_view message) {
    auto reply =
        run([&](SerfEffects& out) { return serf_->stream(system_clock().now(), from, message, out); });
    if (!reply) memberlist_log_.error("memberlist: " + reply.error().message + " from=" + from.text());
    return reply;
  };
  TRY_ASSIGN(transport_, Transport::open(reactor_, options_.bind, framing_,
                                         options_.serf.swim.timings.tcp_timeout, std::move(handler)));
  Address& advertised = options_.serf.swim.address;
  if (advertised.ip.is_none()) advertised.ip = transport_->local().ip;
  if (advertised.port == 0) advertised.port = transport_->local().port;
  return {};
}

Status Pool::open_serf() {
  SerfOptions options = options_.serf;
  options.swim.seed = thread_random().next();
  if (options_.keyring) {
    options.keyring = &*options_.keyring;
    options.save_keyring = [this](const Keyring& ring) { return save_keyring(ring); };
    options.swim.packet_overhead = encryption_overhead(framing_.encryption_version);
  }
  const std::string& path = options_.snapshot_path;
  if (!path.empty()) {
    snapshot_file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (snapshot_file_ < 0) return fail(io_error("failed to open snapshot: open " + path, errno));
    options.snapshot = Snapshot::read(read_file(path), options_.rejoin_after_leave);
  }
  TRY_ASSIGN(serf_, Serf::make(std::move(options)));
  run([&](SerfEffects& out) { serf_->start(system_clock().now(), out); });
  return {};
}

// --- effects ---

void Pool::carry_out(SerfEffects effects) {
  for (const PacketOut& packet : effects.net.packets)
    transport_->send(packet.to, packet.message, packet.checksum);
  for (const StreamOut& stream : effects.net.streams) {
    transport_->exchange(stream.to, stream.message, stream.deadline,
                         [this, id = stream.id](Result<std::string> reply) {
                           run([&](SerfEffects& out) {
                             serf_->stream_reply(system_clock().now(), id, std::move(reply), out);
                           });
                         });
  }
  for (const Note& note : effects.net.notes)
    (note.text.starts_with("serf:") ? serf_log_ : memberlist_log_).log(note.level, note.text);
  write_snapshot();
  rearm();
  publish();
  std::weak_ptr<Pool*> alive = self_;
  for (SerfEvent& event : effects.events) {
    if (alive.expired()) return;
    take(std::move(event));
  }
}

void Pool::publish() {
  if (!options_.published || published_version_ == serf_->members_version()) return;
  published_version_ = serf_->members_version();
  options_.published->publish(std::make_shared<const MemberList>(serf_->member_list()));
}

void Pool::rearm() {
  Instant next = serf_->next_deadline();
  if (next == timer_at_) return;
  reactor_.cancel(timer_);
  timer_at_ = next;
  Instant now = system_clock().now();
  timer_ = reactor_.after(next > now ? next - now : Duration(0), [this] {
    timer_ = 0;
    timer_at_ = Instant::max();
    run([&](SerfEffects& out) { serf_->tick(system_clock().now(), out); });
  });
}

namespace {
// Takes the callback of a ticket out of its map.
template <typename Callbacks>
auto claim(Callbacks& callbacks, uint64_t ticket) {
  typename Callbacks::mapped_type callback;
  if (auto at = callbacks.find(ticket); at != callbacks.end()) {
    callback = std::move(at->second);
    callbacks.erase(at);
  }
  return callback;
}
}  // namespace

void Pool::take(SerfEvent event) {
  if (auto* joined = std::get_if<JoinDone>(&event)) {
    if (auto done = claim(joins_, joined->ticket)) done(joined->status);
  } else if (auto* removed = std::get_if<RemovalDone>(&event)) {
    if (auto done = claim(removals_, removed->ticket)) done(removed->status);
  } else if (auto* changed = std::get_if<KeysDone>(&event)) {
    if (auto done = claim(key_changes_, changed->ticket)) done(std::move(*changed));
  } else if (std::holds_alternative<LeaveDone>(event)) {
    left_ = true;
    for (auto& done : std::exchange(leaves_, {})) done();
  } else if (on_event_) {
    on_event_(event);
  }
}

void Pool::write_snapshot() {
  auto write = serf_->snapshot().take();
  if (!write || snapshot_file_ < 0) return;
  Status status;
  if (write->replace) {
    status = replace_file(options_.snapshot_path, ".compact", write->text, 0644);
    if (status) {
      close(snapshot_file_);
      snapshot_file_ =
          ::open(options_.snapshot_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    }
  } else {
    status = write_all(snapshot_file_, write->text);
    if (status && write->sync) fsync(snapshot_file_);
  }
  if (!status) serf_log_.error("serf: Failed to update snapshot: " + status.error().message);
}

Status Pool::save_keyring(const Keyring& ring) {
  if (options_.keyring_path.empty()) return {};
  if (Status status = replace_file(options_.keyring_path, ".new", ring.to_json(), 0600); !status)
    return fail("Failed to write keyring file: " + status.error().message, ErrorKind::kIo);
  return {};
}

// --- wishes: callbacks are filed before the effects are carried out, as some end at once ---

void Pool::join(std::vector<Address> addresses, bool ignore_old, std::function<void(JoinReport)> done) {
  auto join = std::make_shared<Join>();
  join->addresses = std::move(addresses);
  join->ignore_old = ignore_old;
  join->done = std::move(done);
  join_next(join);
}

void Pool::join_next(const std::shared_ptr<Join>& join) {
  if (join->next == join->addresses.size()) return join->done(std::move(join->report));
  const Address& address = join->addresses[join->next++];
  auto result = run([&](SerfEffects& out) -> Status {
    TRY_ASSIGN(uint64_t ticket, serf_->join(system_clock().now(), address, join->ignore_old, out));
    joins_[ticket] = [this, join, ip = address.ip](const Status& status) {
      if (status)
        ++join->report.reached;
      else
        join->report.errors.push_back("Failed to join " + ip.text() + ": " + status.error().message);
      join_next(join);
    };
    return {};
  });
  if (result) return;
  join->report.errors.push_back(result.error().message);
  join->done(std::move(join->report));
}

void Pool::leave(std::function<void()> done) {
  if (left_) return done();
  leaves_.push_back(std::move(done));
  // A second call waits for the first.
  (void)run([&](SerfEffects& out) { return serf_->leave(system_clock().now(), out); });
}

void Pool::remove_failed(const std::string& name, bool prune, std::function<void(Status)> done) {
  run([&](SerfEffects& out) {
    removals_[serf_->remove_failed(system_clock().now(), name, prune, out)] = std::move(done);
  });
}

Status Pool::user_event(std::string name, std::string payload, bool coalesce) {
  return run([&](SerfEffects& out) {
    return serf_->user_event(system_clock().now(), std::move(name), std::move(payload), coalesce, out);
  });
}

void Pool::change_keys(KeyOperation operation, std::string_view key, uint8_t relay_factor,
                       std::function<void(Result<KeysDone>)> done) {
  Status asked = run([&](SerfEffects& out) -> Status {
    TRY_ASSIGN(uint64_t ticket, serf_->change_keys(system_clock().now(), operation, key, relay_factor, out));
    key_changes_[ticket] = done;
    return {};
  });
  if (!asked) done(fail(asked.error()));
}

Status Pool::respond(const QueryEvent& query, std::string payload) {
  return run(
      [&](SerfEffects& out) { return serf_->respond(system_clock().now(), query, std::move(payload), out); });
}

Status Pool::set_tags(Tags tags) {
  return run([&](SerfEffects& out) { return serf_->set_tags(system_clock().now(), std::move(tags), out); });
}

}  // namespace praetor::gossip
