#include "rpc/listener.h"

#include <atomic>
#include <mutex>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/log.h"
#include "base/metrics.h"
#include "rpc/mux_connection.h"
#include "rpc/piped_stream.h"
#include "rpc/request_stream.h"

namespace praetor::rpc {

namespace {

const Logger& logger() {
  static const Logger log("agent.server.rpc");
  return log;
}

std::string from(const std::string& peer) { return "from=" + peer; }

std::string ip_of(const std::string& peer) { return peer.substr(0, peer.rfind(':')); }

// What a connection has to be able to do for its listener.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual void close() = 0;
};

// The connections of one reactor; touched on that reactor only.
struct Shard {
  Reactor* reactor = nullptr;
  const ListenerOptions* options = nullptr;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections;
  bool closed = false;

  void add(std::shared_ptr<Connection> connection) { connections.emplace(connection.get(), connection); }
  // After what runs now: the connection is still in it.
  void remove(Connection* connection) {
    auto found = connections.find(connection);
    if (found == connections.end()) return;
    reactor->post([gone = std::move(found->second)] {});
    connections.erase(found);
  }
};

// Byte 0: requests one after the other.
class PlainConnection final : public Connection,
                              public std::enable_shared_from_this<PlainConnection>,
                              private Stream::Handler {
 public:
  PlainConnection(Shard& shard, std::shared_ptr<Stream> stream)
      : shard_(shard),
        stream_(std::move(stream)),
        requests_(std::make_shared<RequestStream>(
            *shard.reactor, *shard.options->handler, stream_->peer(), buffered_,
            RequestStream::Outlet{.send = [this](std::string bytes) { stream_->write(std::move(bytes)); },
                                  .consumed = [this](size_t) { update_reading(); },
                                  .ended = [this](const Error* error) { ended(error); }})) {}

  void start() { stream_->start(*this); }
  void close() override {
    stream_->close(/*after_flush=*/true);
    requests_->end();
  }

 private:
  void on_data(std::string_view bytes) override {
    requests_->on_data(bytes);
    update_reading();
  }
  void on_drained() override { update_reading(); }
  void on_end() override { requests_->on_end(); }
  void on_error(const Error&) override { leave(); }

  // Not ahead of what is answered and read.
  void update_reading() {
    if (stream_->closed()) return;
    if (stream_->unsent() > kMaxUnsentBytes || requests_->withheld() > kYamuxWindow) {
      stream_->pause_reading();
    } else {
      stream_->resume_reading();
    }
  }

  void ended(const Error* error) {
    if (error != nullptr) logger().error("RPC error", {{"conn", from(stream_->peer())}, {"error", *error}});
    leave();
  }

  void leave() {
    close();
    shard_.remove(this);
  }

  Shard& shard_;
  std::shared_ptr<Stream> stream_;
  size_t buffered_ = 0;
  std::shared_ptr<RequestStream> requests_;
};

// Byte 4: a yamux session.
class MuxedConnection final : public Connection, private MuxConnection::User {
 public:
  using StreamId = YamuxSession::StreamId;

  MuxedConnection(Shard& shard, std::shared_ptr<Stream> stream)
      : shard_(shard),
        mux_(std::make_shared<MuxConnection>(std::move(stream), YamuxSession::Side::kServer,
                                             static_cast<MuxConnection::User&>(*this),
                                             shard.options->keepalive, shard.options->write_timeout)) {}

  void start() { mux_->start(); }
  void close() override {
    mux_->close();
    end();
  }

 private:
  void on_open(StreamId id) override {
    RequestStream::Outlet outlet{.send = [this, id](std::string bytes) { mux_->send(id, bytes); },
                                 .consumed = [this, id](size_t bytes) { mux_->consume(id, bytes); },
                                 .ended = [this, id](const Error* error) { ended(id, error); }};
    streams_.emplace(
        id, std::make_shared<RequestStream>(*shard_.reactor, *shard_.options->handler, mux_->stream().peer(),
                                            buffered_, std::move(outlet)));
  }

  void on_data(StreamId id, std::string_view data) override {
    auto found = streams_.find(id);
    if (found == streams_.end()) return;
    auto stream = found->second;
    stream->on_data(data);
    if (buffered_ <= kMaxSessionRequestBytes || mux_->closed()) return;
    logger().error("the unfinished requests of a connection are too large together",
                   {{"conn", from(mux_->stream().peer())}, {"bytes", buffered_}});
    close();
    shard_.remove(this);
  }

  void on_end(StreamId id) override {
    auto found = streams_.find(id);
    if (found == streams_.end()) return mux_->finish(id);
    auto stream = found->second;
    stream->on_end();
  }
  void on_reset(StreamId id) override { drop(id); }
  void on_go_away() override {}
  void on_gone(const Error& error) override {
    if (error.kind == ErrorKind::kCorrupt)
      logger().error("multiplex conn accept failed",
                     {{"conn", from(mux_->stream().peer())}, {"error", error}});
    end();
    shard_.remove(this);
  }

  void ended(StreamId id, const Error* error) {
    if (error != nullptr)
      logger().error("RPC error", {{"conn", from(mux_->stream().peer())}, {"error", *error}});
    mux_->finish(id);
    drop(id);
  }

  void drop(StreamId id) {
    auto found = streams_.find(id);
    if (found == streams_.end()) return;
    auto stream = found->second;
    streams_.erase(found);
    stream->end();
  }

  void end() {
    for (auto& [id, stream] : std::exchange(streams_, {})) stream->end();
  }

  Shard& shard_;
  size_t buffered_ = 0;
  std::shared_ptr<MuxConnection> mux_;
  std::unordered_map<StreamId, std::shared_ptr<RequestStream>> streams_;
};

// Byte 5: one snapshot, one way or the other.
class SnapshotConnection final : public Connection {
 public:
  SnapshotConnection(Shard& shard, std::shared_ptr<Stream> stream)
      : shard_(shard),
        peer_(stream->peer()),
        piped_(std::make_shared<PipedStream>(
            std::move(stream), kMaxSnapshotRequestBytes,
            PipedStream::Hooks{.on_head =
                                   [this](std::string request, std::shared_ptr<BytePipe> upload) {
                                     serve(std::move(request), std::move(upload));
                                   },
                               .on_gone = [this](const Error&) { shard_.remove(this); }})) {}

  void start() { piped_->start(); }
  void close() override { piped_->close({"the listener is closed", ErrorKind::kIo}); }

 private:
  void serve(std::string request, std::shared_ptr<BytePipe> upload) {
    auto respond = [reactor = shard_.reactor, weak = std::weak_ptr(piped_)](
                       std::string response, std::shared_ptr<BytePipe> archive) {
      reactor->post([weak, response = std::move(response), archive = std::move(archive)]() mutable {
        if (auto piped = weak.lock()) return piped->send(std::move(response), std::move(archive), true);
        if (archive) archive->break_off({"EOF", ErrorKind::kIo});
      });
    };
    shard_.options->handler->snapshot(*shard_.reactor,
                                      {std::move(request), peer_, std::move(upload), std::move(respond)});
  }

  Shard& shard_;
  std::string peer_;
  std::shared_ptr<PipedStream> piped_;
};

// A connection whose first byte has not come.
class NewConnection final : public Connection,
                            public std::enable_shared_from_this<NewConnection>,
                            private Stream::Handler {
 public:
  NewConnection(Shard& shard, std::shared_ptr<Stream> stream) : shard_(shard), stream_(std::move(stream)) {}

  void start() {
    timer_ = shard_.reactor->after(shard_.options->handshake_timeout, [weak = weak_from_this()] {
      auto self = weak.lock();
      if (!self) return;
      self->timer_ = 0;
      const std::string& peer = self->stream_->peer();
      logger().error("failed to read byte",
                     {{"conn", from(peer)},
                      {"error", "read tcp " + self->stream_->local() + "->" + peer + ": i/o timeout"}});
      self->leave();
    });
    stream_->start(*this);
  }
  void close() override {
    if (timer_ != 0) shard_.reactor->cancel(std::exchange(timer_, 0));
    stream_->close();
  }

 private:
  void on_data(std::string_view bytes) override {
    auto self = shared_from_this();
    auto first = static_cast<uint8_t>(bytes[0]);
    RawConnection raw = stream_->release();
    raw.read_already = bytes.substr(1);
    leave();
    dispatch(first, std::move(raw));
  }
  void on_end() override { leave(); }
  void on_error(const Error& error) override {
    logger().error("failed to read byte", {{"conn", from(stream_->peer())}, {"error", error}});
    leave();
  }

  void leave() {
    close();
    shard_.remove(this);
  }

  template <typename Kind>
  void go_on(RawConnection raw) {
    auto connection = std::make_shared<Kind>(shard_, Stream::adopt(*shard_.reactor, std::move(raw)));
    shard_.add(connection);
    connection->start();
  }

  void dispatch(uint8_t first, RawConnection raw) {
    static const Counter handed_to_raft("rpc.raft_handoff");
    switch (static_cast<FirstByte>(first)) {
      case FirstByte::kConsul:
        return go_on<PlainConnection>(std::move(raw));
      case FirstByte::kMultiplexV2:
        return go_on<MuxedConnection>(std::move(raw));
      case FirstByte::kSnapshot:
        return go_on<SnapshotConnection>(std::move(raw));
      case FirstByte::kRaft:
        handed_to_raft.add();
        if (shard_.options->on_raft) shard_.options->on_raft(std::move(raw));
        return;
      case FirstByte::kTls:
      case FirstByte::kTlsInsecure:
        logger().error("TLS connection attempted, server not configured for TLS", {{"conn", from(raw.peer)}});
        return;
      default:
        logger().error("unrecognized RPC byte", {{"byte", first}, {"conn", from(raw.peer)}});
    }
  }

  Shard& shard_;
  std::shared_ptr<Stream> stream_;
  Reactor::TimerId timer_ = 0;
};

}  // namespace

struct Listener::Impl : std::enable_shared_from_this<Listener::Impl> {
  ListenerOptions options;
  std::vector<std::unique_ptr<Shard>> shards;
  std::unique_ptr<Acceptor> acceptor;  // on the first reactor
  uint16_t port = 0;
  size_t next_shard = 0;  // on the first reactor
  std::atomic<uint32_t> per_client_limit{0};
  std::mutex mutex;
  std::unordered_map<std::string, uint32_t> per_client;  // guarded by mutex

  // Counts the connection for as long as the permit lives. Null: there are too many.
  std::shared_ptr<void> admit(const std::string& ip) {
    uint32_t limit = per_client_limit.load(std::memory_order_relaxed);
    {
      std::lock_guard lock(mutex);
      uint32_t& count = per_client[ip];
      if (limit != 0 && count >= limit) return nullptr;
      ++count;
    }
    return {this, [self = shared_from_this(), ip](void*) {
              std::lock_guard lock(self->mutex);
              auto found = self->per_client.find(ip);
              if (--found->second == 0) self->per_client.erase(found);
            }};
  }

  void accepted(RawConnection raw) {
    static const Counter connections("rpc.accept_conn");
    raw.permit = admit(ip_of(raw.peer));
    if (!raw.permit) return;
    connections.add();
    Shard* shard = shards[next_shard++ % shards.size()].get();
    shard->reactor->post(
        [shard, self = shared_from_this(), raw = std::make_shared<RawConnection>(std::move(raw))] {
          if (shard->closed) return;
          auto connection =
              std::make_shared<NewConnection>(*shard, Stream::adopt(*shard->reactor, std::move(*raw)));
          shard->add(connection);
          connection->start();
        });
  }

  void stop() {
    run_on(*shards[0]->reactor, [this] { acceptor.reset(); });
    for (auto& shard : shards)
      run_on(*shard->reactor, [&shard] {
        shard->closed = true;
        for (auto& [raw, connection] : std::exchange(shard->connections, {})) connection->close();
      });
  }
};

Result<std::unique_ptr<Listener>> Listener::start(ListenerOptions options) {
  auto impl = std::make_shared<Impl>();
  impl->options = std::move(options);
  impl->per_client_limit = impl->options.max_connections_per_client;
  for (Reactor* reactor : impl->options.reactors) {
    impl->shards.push_back(std::make_unique<Shard>());
    impl->shards.back()->reactor = reactor;
    impl->shards.back()->options = &impl->options;
  }
  Status status;
  run_on(*impl->shards[0]->reactor, [&] {
    auto acceptor = Acceptor::listen(*impl->shards[0]->reactor, impl->options.host, impl->options.port,
                                     [weak = std::weak_ptr(impl)](RawConnection raw) {
                                       if (auto self = weak.lock()) self->accepted(std::move(raw));
                                     });
    if (!acceptor) {
      status = fail(acceptor.error());
      return;
    }
    impl->port = (*acceptor)->port();
    impl->acceptor = std::move(*acceptor);
  });
  TRY(status);
  return std::unique_ptr<Listener>(new Listener(std::move(impl)));
}

Listener::~Listener() { impl_->stop(); }

uint16_t Listener::port() const { return impl_->port; }

void Listener::set_max_connections_per_client(uint32_t limit) { impl_->per_client_limit = limit; }

}  // namespace praetor::rpc
