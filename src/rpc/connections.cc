#include "rpc/connections.h"

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

// Byte 0: requests one after the other.
class PlainConnection final : public Connection,
                              public std::enable_shared_from_this<PlainConnection>,
                              private Stream::Handler {
 public:
  PlainConnection(Connections& set, std::shared_ptr<Stream> stream)
      : set_(set),
        stream_(std::move(stream)),
        requests_(std::make_shared<RequestStream>(
            set.reactor(), *set.options().handler, stream_->peer(), buffered_,
            RequestStream::Outlet{.send = [this](std::string bytes) { stream_->write(std::move(bytes)); },
                                  .consumed = [this](size_t) { update_reading(); },
                                  .ended = [this](const Error* error) { ended(error); }})) {}

  void start(std::string_view rest) {
    stream_->start(*this);
    if (!rest.empty()) on_data(rest);
  }
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
    set_.remove(this);
  }

  Connections& set_;
  std::shared_ptr<Stream> stream_;
  size_t buffered_ = 0;
  std::shared_ptr<RequestStream> requests_;
};

// Byte 4: a yamux session.
class MuxedConnection final : public Connection, private MuxConnection::User {
 public:
  using StreamId = YamuxSession::StreamId;

  MuxedConnection(Connections& set, std::shared_ptr<Stream> stream)
      : set_(set),
        mux_(std::make_shared<MuxConnection>(std::move(stream), YamuxSession::Side::kServer,
                                             static_cast<MuxConnection::User&>(*this),
                                             set.options().keepalive, set.options().write_timeout)) {}

  void start(std::string_view rest) { mux_->start({}, rest); }
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
        id, std::make_shared<RequestStream>(set_.reactor(), *set_.options().handler, mux_->stream().peer(),
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
    set_.remove(this);
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
    set_.remove(this);
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

  Connections& set_;
  size_t buffered_ = 0;
  std::shared_ptr<MuxConnection> mux_;
  std::unordered_map<StreamId, std::shared_ptr<RequestStream>> streams_;
};

// Byte 5: one snapshot, one way or the other.
class SnapshotConnection final : public Connection {
 public:
  SnapshotConnection(Connections& set, std::shared_ptr<Stream> stream)
      : set_(set),
        peer_(stream->peer()),
        piped_(std::make_shared<PipedStream>(
            std::move(stream), kMaxSnapshotRequestBytes,
            PipedStream::Hooks{.on_head =
                                   [this](std::string request, std::shared_ptr<BytePipe> upload) {
                                     serve(std::move(request), std::move(upload));
                                   },
                               .on_gone = [this](const Error&) { set_.remove(this); }})) {}

  void start(std::string_view rest) { piped_->start(rest); }
  void close() override { piped_->close({"the listener is closed", ErrorKind::kIo}); }

 private:
  void serve(std::string request, std::shared_ptr<BytePipe> upload) {
    auto respond = [&reactor = set_.reactor(), weak = std::weak_ptr(piped_)](
                       std::string response, std::shared_ptr<BytePipe> archive) {
      reactor.post([weak, response = std::move(response), archive = std::move(archive)]() mutable {
        if (auto piped = weak.lock()) return piped->send(std::move(response), std::move(archive), true);
        if (archive) archive->break_off({"EOF", ErrorKind::kIo});
      });
    };
    set_.options().handler->snapshot(set_.reactor(),
                                     {std::move(request), peer_, std::move(upload), std::move(respond)});
  }

  Connections& set_;
  std::string peer_;
  std::shared_ptr<PipedStream> piped_;
};

// A connection whose first byte has not come.
class NewConnection final : public Connection,
                            public std::enable_shared_from_this<NewConnection>,
                            private Stream::Handler {
 public:
  NewConnection(Connections& set, std::shared_ptr<Stream> stream) : set_(set), stream_(std::move(stream)) {}

  void start() {
    timer_ = set_.reactor().after(set_.options().handshake_timeout, [weak = weak_from_this()] {
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
    disarm();
    stream_->close();
  }

 private:
  void on_data(std::string_view bytes) override {
    auto self = shared_from_this();
    disarm();
    set_.remove(this);
    dispatch(static_cast<uint8_t>(bytes[0]), bytes.substr(1));
  }
  void on_end() override { leave(); }
  void on_error(const Error& error) override {
    logger().error("failed to read byte", {{"conn", from(stream_->peer())}, {"error", error}});
    leave();
  }

  void leave() {
    close();
    set_.remove(this);
  }

  void disarm() {
    if (timer_ != 0) set_.reactor().cancel(std::exchange(timer_, 0));
  }

  template <typename Kind>
  void go_on(std::string_view rest) {
    auto connection = std::make_shared<Kind>(set_, stream_);
    set_.add(connection);
    connection->start(rest);
  }

  // TLS will come back here, with a Wire of its own, for the byte inside it.
  void dispatch(uint8_t first, std::string_view rest) {
    switch (static_cast<FirstByte>(first)) {
      case FirstByte::kConsul:
        return go_on<PlainConnection>(rest);
      case FirstByte::kMultiplexV2:
        return go_on<MuxedConnection>(rest);
      case FirstByte::kSnapshot:
        return go_on<SnapshotConnection>(rest);
      case FirstByte::kRaft:
        return hand_to_raft(rest);
      case FirstByte::kTls:
      case FirstByte::kTlsInsecure:
        logger().error("TLS connection attempted, server not configured for TLS",
                       {{"conn", from(stream_->peer())}});
        break;
      default:
        logger().error("unrecognized RPC byte", {{"byte", first}, {"conn", from(stream_->peer())}});
    }
    stream_->close();
  }

  void hand_to_raft(std::string_view rest) {
    static const Counter handed("rpc.raft_handoff");
    handed.add();
    if (!set_.options().on_raft) return stream_->close();
    RawConnection raw = stream_->release();
    raw.read_already = rest;
    set_.options().on_raft(std::move(raw));
  }

  Connections& set_;
  std::shared_ptr<Stream> stream_;
  Reactor::TimerId timer_ = 0;
};

}  // namespace

void Connections::accept(std::shared_ptr<Stream> stream) {
  if (closed_) return stream->close();
  auto connection = std::make_shared<NewConnection>(*this, std::move(stream));
  add(connection);
  connection->start();
}

void Connections::close() {
  closed_ = true;
  for (auto& [raw, connection] : std::exchange(connections_, {})) connection->close();
}

void Connections::add(std::shared_ptr<Connection> connection) {
  if (closed_) return connection->close();
  connections_.emplace(connection.get(), connection);
}

void Connections::remove(Connection* connection) {
  auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  reactor_.post([gone = std::move(found->second)] {});
  connections_.erase(found);
}

}  // namespace praetor::rpc
