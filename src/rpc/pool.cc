#include "rpc/pool.h"

#include <atomic>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "rpc/message.h"
#include "rpc/mux_connection.h"
#include "rpc/piped_stream.h"

namespace praetor::rpc {

namespace {

constexpr std::string_view kCallFailed = "rpc error making call: ";
constexpr std::string_view kNoConnection = "rpc error getting client: ";
constexpr std::string_view kNoLeaderText = "No cluster leader";
constexpr char kMultiplexByte = 4, kSnapshotByte = 5;
constexpr size_t kMaxSnapshotResponseBytes = 1 << 20;

Error call_failed(std::string_view text, ErrorKind kind) {
  return {std::string(kCallFailed) + std::string(text), kind};
}

Error no_connection(const std::string& why) { return {std::string(kNoConnection) + why, ErrorKind::kIo}; }

class Session;

// From call() to done; touched on the session's reactor, but for `cancelled`.
struct PendingCall {
  Reactor* reactor = nullptr;  // the caller's
  std::string address, method, body;
  Duration timeout{};
  Pool::Done done;
  std::atomic<bool> cancelled{false};

  std::weak_ptr<Session> session;  // that has it
  YamuxSession::StreamId stream = 0;
  Reactor::TimerId timer = 0;

  void finish(Result<std::string> result) {
    Pool::Done callback = std::exchange(done, nullptr);
    if (!callback) return;
    reactor->post([callback = std::move(callback), result = std::move(result)]() mutable {
      callback(std::move(result));
    });
  }
};
using PendingCallPtr = std::shared_ptr<PendingCall>;

// One connection to one address, on one reactor.
class Session final : public std::enable_shared_from_this<Session>, private MuxConnection::User {
 public:
  using StreamId = YamuxSession::StreamId;

  Session(Reactor& reactor, const PoolOptions& options, std::string address,
          std::function<void(const std::shared_ptr<Session>&)> on_retired)
      : reactor_(reactor),
        options_(options),
        address_(std::move(address)),
        on_retired_(std::move(on_retired)) {}

  void start() {
    cancel_dial_ = dial(reactor_, address_, options_.dial,
                        [self = shared_from_this()](Result<std::shared_ptr<Stream>> stream) {
                          self->dialled(std::move(stream));
                        });
  }

  // False when this session takes no new calls.
  bool take(const PendingCallPtr& call) {
    if (retired_) return false;
    if (waiting_.size() + active_ >= kMaxPoolCalls) {
      call->finish(fail(call_failed("too many calls under way", ErrorKind::kRateLimited)));
      return true;
    }
    if (mux_) return send(call);
    call->session = weak_from_this();
    waiting_.push_back(call);
    arm_timeout(call);
    return true;
  }

  // Ends a call early and frees its stream.
  void abandon(const PendingCallPtr& call, Error error) {
    std::erase(waiting_, call);
    if (auto found = streams_.find(call->stream); found != streams_.end() && found->second.call == call) {
      mux_->reset(call->stream);
      forget_stream(found);
    }
    finish(call, fail(std::move(error)));
  }

  void close(const Error& error) {
    retire();
    if (cancel_dial_) std::exchange(cancel_dial_, nullptr)();
    fail_all(error);
    if (mux_) mux_->close();
  }

 private:
  struct StreamState {
    MessageReader<ResponseHeader> reader;
    PendingCallPtr call;  // null: idle
    uint64_t seq = 0;     // of the last request
  };
  using Streams = std::unordered_map<StreamId, StreamState>;

  void dialled(Result<std::shared_ptr<Stream>> stream) {
    cancel_dial_ = nullptr;
    if (!stream) {
      retire();
      return fail_all(no_connection("failed to get conn: " + stream.error().message));
    }
    mux_ = std::make_shared<MuxConnection>(std::move(*stream), YamuxSession::Side::kClient,
                                           static_cast<MuxConnection::User&>(*this), options_.keepalive,
                                           options_.write_timeout);
    mux_->start(std::string(1, kMultiplexByte));
    keep_ = shared_from_this();  // until on_gone or close
    for (PendingCallPtr& call : std::exchange(waiting_, {}))
      if (!send(call)) finish(call, fail(no_connection("failed to start stream: session shutdown")));
    if (active_ == 0) became_idle();
  }

  bool send(const PendingCallPtr& call) {
    StreamId id = 0;
    while (id == 0 && !idle_.empty()) {
      id = idle_.back();
      idle_.pop_back();
      if (!mux_->exists(id)) streams_.erase(std::exchange(id, 0));
    }
    if (id == 0) id = mux_->open();
    if (id == 0) {
      retire();
      return false;
    }
    StreamState& stream = streams_[id];
    stream.call = call;
    call->session = weak_from_this();
    call->stream = id;
    ++active_;
    if (call->timer == 0) arm_timeout(call);
    std::string request;
    put_request(request, {++stream.seq, std::move(call->method)}, call->body);
    call->body = {};
    mux_->send(id, request);
    return true;
  }

  void arm_timeout(const PendingCallPtr& call) {
    if (call->timeout <= Duration::zero()) return;
    call->timer = reactor_.after(call->timeout, [weak = std::weak_ptr(call)] {
      auto late = weak.lock();
      if (!late) return;
      late->timer = 0;
      if (auto session = late->session.lock())
        session->abandon(late, call_failed("i/o deadline reached", ErrorKind::kTimeout));
    });
  }

  void finish(const PendingCallPtr& call, Result<std::string> result) {
    if (call->timer != 0) reactor_.cancel(std::exchange(call->timer, 0));
    call->session.reset();
    call->finish(std::move(result));
  }

  // Its call, if there is one, is not under way any more.
  void forget_stream(Streams::iterator at) {
    bool busy = at->second.call != nullptr;
    streams_.erase(at);
    if (busy && --active_ == 0) became_idle();
  }

  void became_idle() {
    idle_since_ = system_clock().now();
    if (retired_) return close_if_done();
    if (idle_timer_ == 0) arm_idle(options_.idle_timeout);
  }

  void arm_idle(Duration delay) {
    idle_timer_ = reactor_.after(delay, [weak = weak_from_this()] {
      auto self = weak.lock();
      if (!self) return;
      self->idle_timer_ = 0;
      if (self->retired_ || self->active_ > 0 || !self->mux_) return;
      Duration left = self->idle_since_ + self->options_.idle_timeout - system_clock().now();
      if (left > Duration::zero()) return self->arm_idle(left);
      self->close({});
    });
  }

  // --- MuxConnection::User ---
  void on_open(StreamId stream) override { mux_->reset(stream); }  // servers open none

  void on_data(StreamId id, std::string_view data) override {
    auto found = streams_.find(id);
    if (found == streams_.end()) return;
    StreamState& stream = found->second;
    mux_->consume(id, data.size());
    stream.reader.append(data);
    auto message = stream.reader.next();
    if (message && !*message) return;
    PendingCallPtr call = stream.call;
    bool broken = !message || !call || (*message)->header.seq != stream.seq;
    bool reusable = !broken && (*message)->header.error.empty() && stream.reader.buffered() == 0 &&
                    idle_.size() < kMaxIdleStreams && !retired_;
    if (reusable) {
      stream.call = nullptr;
      idle_.push_back(id);
      if (--active_ == 0) became_idle();
    } else {
      // After an error the other side may have closed the stream, and Consul's client does.
      broken ? mux_->reset(id) : mux_->finish(id);
      forget_stream(found);
    }
    if (!call) return;
    if (!message) return finish(call, fail(call_failed(message.error().message, ErrorKind::kIo)));
    if (broken) return finish(call, fail(call_failed("the answer is to another request", ErrorKind::kIo)));
    if (!(*message)->header.error.empty())
      return finish(call, fail(answered_error((*message)->header.error)));
    finish(call, std::move((*message)->body));
  }

  void on_end(StreamId id) override {
    mux_->finish(id);
    lost(id, "EOF");
  }
  void on_reset(StreamId id) override { lost(id, "connection reset"); }

  void lost(StreamId id, std::string_view why) {
    auto found = streams_.find(id);
    if (found == streams_.end()) return;
    PendingCallPtr call = found->second.call;
    std::erase(idle_, id);
    forget_stream(found);
    if (call) finish(call, fail(call_failed(why, ErrorKind::kIo)));
  }

  void on_go_away() override {
    retire();
    if (active_ == 0) close_if_done();
  }

  void on_gone(const Error& error) override {
    auto self = shared_from_this();
    retire();
    // Go's streams end with EOF, whatever became of the connection.
    fail_all(call_failed(error.kind == ErrorKind::kCorrupt ? error.message : "EOF", ErrorKind::kIo));
    keep_.reset();
  }

  void close_if_done() {
    reactor_.post([self = shared_from_this()] {
      if (self->active_ == 0) self->close({});
    });
  }

  // Takes no new calls.
  void retire() {
    if (std::exchange(retired_, true)) return;
    on_retired_(shared_from_this());
  }

  void fail_all(const Error& error) {
    auto self = shared_from_this();
    keep_.reset();
    if (idle_timer_ != 0) reactor_.cancel(std::exchange(idle_timer_, 0));
    for (PendingCallPtr& call : std::exchange(waiting_, {})) finish(call, fail(error));
    for (auto& [id, stream] : std::exchange(streams_, {}))
      if (stream.call) finish(stream.call, fail(error));
    idle_.clear();
    active_ = 0;
  }

  Reactor& reactor_;
  const PoolOptions& options_;
  const std::string address_;
  std::function<void(const std::shared_ptr<Session>&)> on_retired_;
  std::function<void()> cancel_dial_;
  std::shared_ptr<MuxConnection> mux_;
  std::shared_ptr<Session> keep_;
  std::vector<PendingCallPtr> waiting_;  // for the connection
  Streams streams_;
  std::vector<StreamId> idle_;
  size_t active_ = 0;
  bool retired_ = false;
  Instant idle_since_{};
  Reactor::TimerId idle_timer_ = 0;
};

}  // namespace

// What lives on one reactor.
struct Pool::Shard {
  Reactor* reactor = nullptr;
  std::unordered_map<std::string, std::shared_ptr<Session>> sessions;  // that take new calls
  std::unordered_map<Session*, std::weak_ptr<Session>> retired;        // that finish theirs
  std::unordered_map<PipedStream*, std::weak_ptr<PipedStream>> snapshots;
  bool closed = false;
};

struct Pool::State : std::enable_shared_from_this<Pool::State> {
  PoolOptions options;
  std::vector<std::unique_ptr<Shard>> shards;
  std::atomic<size_t> sessions{0};

  Shard& shard_of(const std::string& address) {
    return *shards[std::hash<std::string>()(address) % shards.size()];
  }

  // On the shard's reactor.
  void start(Shard& shard, const PendingCallPtr& call) {
    if (shard.closed || call->cancelled)
      return call->finish(fail(call_failed("the call was cancelled", ErrorKind::kCancelled)));
    auto known = shard.sessions.find(call->address);
    if (known != shard.sessions.end()) {
      auto session = known->second;
      if (session->take(call)) return;
    }
    auto session = std::make_shared<Session>(
        *shard.reactor, options, call->address,
        [this, &shard, address = call->address](const auto& retired) { retire(shard, address, retired); });
    shard.sessions[call->address] = session;
    ++sessions;
    session->start();
    session->take(call);
  }

  void retire(Shard& shard, const std::string& address, const std::shared_ptr<Session>& session) {
    auto known = shard.sessions.find(address);
    if (known != shard.sessions.end() && known->second == session) shard.sessions.erase(known);
    --sessions;
    std::erase_if(shard.retired, [](const auto& entry) { return entry.second.expired(); });
    shard.retired.emplace(session.get(), session);
  }

  void close(Shard& shard) {
    shard.closed = true;
    Error error = call_failed("the call was cancelled", ErrorKind::kCancelled);
    for (auto& [address, session] : std::exchange(shard.sessions, {})) session->close(error);
    for (auto& [raw, weak] : std::exchange(shard.retired, {}))
      if (auto session = weak.lock()) session->close(error);
    for (auto& [raw, weak] : std::exchange(shard.snapshots, {}))
      if (auto stream = weak.lock()) stream->close(error);
  }
};

Pool::Pool(PoolOptions options) : state_(std::make_shared<State>()) {
  state_->options = std::move(options);
  for (Reactor* reactor : state_->options.reactors) {
    state_->shards.push_back(std::make_unique<Shard>());
    state_->shards.back()->reactor = reactor;
  }
}

Pool::~Pool() {
  for (auto& shard : state_->shards) shard->reactor->run([&] { state_->close(*shard); });
}

Pool::Ticket Pool::call(Reactor& reactor, const std::string& address, std::string method, std::string body,
                        Duration timeout, Done done) {
  auto call = std::make_shared<PendingCall>();
  call->reactor = &reactor;
  call->address = address;
  call->method = std::move(method);
  call->body = std::move(body);
  call->timeout = timeout;
  call->done = std::move(done);
  Shard& shard = state_->shard_of(address);
  if (shard.reactor->on_reactor()) {
    state_->start(shard, call);
  } else {
    shard.reactor->post([state = state_, &shard, call] { state->start(shard, call); });
  }
  Ticket ticket;
  ticket.cancel_ = [weak = std::weak_ptr(call), home = shard.reactor] {
    auto running = weak.lock();
    if (!running || running->cancelled.exchange(true)) return;
    home->post([running] {
      if (auto session = running->session.lock())
        session->abandon(running, call_failed("the call was cancelled", ErrorKind::kCancelled));
    });
  };
  return ticket;
}

void Pool::Ticket::cancel() const {
  if (cancel_) cancel_();
}

void Pool::snapshot(Reactor& reactor, const std::string& address, std::string request,
                    std::shared_ptr<BytePipe> upload, Duration timeout,
                    std::function<void(Result<SnapshotReply>)> done) {
  Shard& shard = state_->shard_of(address);
  // Called by whatever comes first.
  auto answer = [&reactor,
                 done = std::make_shared<decltype(done)>(std::move(done))](Result<SnapshotReply> reply) {
    auto callback = std::exchange(*done, nullptr);
    if (callback)
      reactor.post([callback, reply = std::move(reply)]() mutable { callback(std::move(reply)); });
  };
  auto connected = [state = state_, &shard, answer, request = std::move(request), upload,
                    timeout](Result<std::shared_ptr<Stream>> stream) mutable {
    if (!stream || shard.closed) {
      Error error = stream ? Error{"the call was cancelled", ErrorKind::kCancelled} : stream.error();
      if (upload) upload->break_off(error);
      return answer(fail(error));
    }
    auto piped =
        std::make_shared<PipedStream>(std::move(*stream), kMaxSnapshotResponseBytes, PipedStream::Hooks{});
    shard.snapshots.emplace(piped.get(), piped);
    auto timer = std::make_shared<Reactor::TimerId>(0);
    auto disarm = [&shard, timer] {
      if (*timer != 0) shard.reactor->cancel(std::exchange(*timer, 0));
    };
    piped->set_hooks({[answer, disarm](std::string head, std::shared_ptr<BytePipe> rest) {
                        disarm();
                        answer(SnapshotReply{std::move(head), std::move(rest)});
                      },
                      // The connection lives as long as its hooks.
                      [state, &shard, answer, disarm, piped](const Error& error) mutable {
                        disarm();
                        shard.snapshots.erase(piped.get());
                        answer(fail(error));
                        piped.reset();
                      }});
    if (timeout > Duration::zero())
      *timer = shard.reactor->after(timeout, [timer, weak = std::weak_ptr(piped)] {
        *timer = 0;
        if (auto late = weak.lock()) late->close({"i/o timeout", ErrorKind::kTimeout});
      });
    piped->start();
    piped->send(kSnapshotByte + request, std::move(upload), /*and_close=*/false);
  };
  shard.reactor->post([state = state_, &shard, address, connected = std::move(connected)]() mutable {
    dial(*shard.reactor, address, state->options.dial, std::move(connected));
  });
}

void Pool::forget(const std::string& address) {
  Shard& shard = state_->shard_of(address);
  shard.reactor->post([state = state_, &shard, address] {
    auto known = shard.sessions.find(address);
    if (known == shard.sessions.end()) return;
    auto session = known->second;
    session->close(call_failed("EOF", ErrorKind::kIo));
  });
}

size_t Pool::session_count() const { return state_->sessions; }

bool never_sent(const Error& error) { return error.message.starts_with(kNoConnection); }

Error answered_error(std::string_view text) {
  return call_failed(text, contains(text, kNoLeaderText) ? ErrorKind::kNoLeader : ErrorKind::kInternal);
}

}  // namespace praetor::rpc
