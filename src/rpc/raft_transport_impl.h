// The inside of RaftTransport: links to peers, connections from them, snapshots on their way. Everything here
// runs on the transport's reactor.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "raft/state_machine.h"
#include "rpc/byte_pipe.h"
#include "rpc/raft_transport.h"
#include "rpc/raft_wire.h"

namespace praetor::rpc {

// A stream whose writes of one turn of the reactor leave together.
class GatheringWriter {
 public:
  void reset(std::shared_ptr<Stream> stream);
  std::string& buffer();  // flushed soon
  size_t unsent() const;

 private:
  struct Shared {
    std::shared_ptr<Stream> stream;
    std::string bytes;
    bool posted = false;
  };
  std::shared_ptr<Shared> shared_;
};

// One connection to a peer, made when something is to be sent, made again after a pause when it broke.
class RaftLink final : public std::enable_shared_from_this<RaftLink>, private Stream::Handler {
 public:
  RaftLink(RaftTransport::State& transport, std::string address)
      : transport_(transport), address_(std::move(address)) {}

  void send(raft::Envelope envelope);
  void close();
  // Breaks a connection whose oldest request has waited too long.
  void check(Instant now);
  bool used_since(Instant time) const { return last_used_ >= time; }

 private:
  struct Outstanding {
    RaftType type{};
    std::string peer_id;
    uint64_t sequence = 0;
    Instant sent_at{};
  };

  void dial_peer();
  void connected(Result<std::shared_ptr<Stream>> stream);
  void put(const raft::Envelope& envelope);
  void on_data(std::string_view bytes) override;
  void on_end() override { broke({"EOF", ErrorKind::kIo}); }
  void on_error(const Error& error) override { broke(error); }
  void broke(const Error& error);

  RaftTransport::State& transport_;
  const std::string address_;
  std::string peer_id_;  // of the newest message
  std::shared_ptr<Stream> stream_;
  std::function<void()> cancel_dial_;
  GatheringWriter out_;
  RaftResponseReader reader_;
  std::deque<raft::Envelope> waiting_;  // for the connection
  std::deque<Outstanding> outstanding_;
  Instant retry_at_{};
  Instant last_used_{};
  bool useful_ = false;    // something came back on this connection
  uint32_t failures_ = 0;  // connections in a row that were not
};

// A connection from a peer: its requests go to the receiver, the answers go back in their order.
class RaftInbound final : public std::enable_shared_from_this<RaftInbound>, private Stream::Handler {
 public:
  RaftInbound(RaftTransport::State& transport, std::shared_ptr<Stream> stream)
      : transport_(transport), stream_(std::move(stream)) {
    out_.reset(stream_);
  }

  void start() { stream_->start(*this); }
  void answer(uint64_t sequence, const raft::Message& message);
  void close();
  void check(Instant now);

 private:
  struct Slot {
    uint64_t sequence = 0;
    RaftType type{};
    bool answered = false;
    std::string answer;
    Instant came_at{};
  };

  void on_data(std::string_view bytes) override;
  void on_end() override { broke({"EOF", ErrorKind::kIo}); }
  void on_error(const Error& error) override { broke(error); }
  void broke(const Error& error);
  void read_requests();
  void take(RaftRequestReader::Request request);
  void begin_snapshot(raft::Envelope envelope);
  void ask_for_snapshot(uint64_t sequence, uint64_t offset);
  void feed_snapshot();
  void send_answered();

  RaftTransport::State& transport_;
  std::shared_ptr<Stream> stream_;
  GatheringWriter out_;
  RaftRequestReader reader_;
  std::deque<Slot> slots_;
  std::string leader_;  // the address of who sends heartbeats on it
  std::shared_ptr<BytePipe> snapshot_;
  uint64_t snapshot_left_ = 0;
  bool snapshot_asked_for_ = false;  // its bytes may come
};

// A snapshot that goes to a peer, on a connection of its own; a thread reads it.
class RaftSnapshotSend final : public std::enable_shared_from_this<RaftSnapshotSend>,
                               private Stream::Handler {
 public:
  RaftSnapshotSend(RaftTransport::State& transport, raft::Envelope request)
      : transport_(transport), request_(std::move(request)) {}

  void start(std::shared_ptr<BytePipe> content);
  void fail_with(const Error& error);
  void check(Instant now);

 private:
  void connected(Result<std::shared_ptr<Stream>> stream);
  void begin(uint64_t offset);
  void pump();
  void on_data(std::string_view bytes) override;
  void on_drained() override { pump(); }
  void on_end() override { fail_with({"EOF", ErrorKind::kIo}); }
  void on_error(const Error& error) override { fail_with(error); }
  void expect_answer(Instant now);
  void finished();

  RaftTransport::State& transport_;
  raft::Envelope request_;
  std::shared_ptr<Stream> stream_;
  std::shared_ptr<BytePipe> content_;
  std::function<void()> cancel_dial_;
  RaftResponseReader reader_;
  uint64_t skip_ = 0;   // bytes that the other side has
  uint64_t left_ = 0;   // bytes, with those, that have not been given to the stream
  bool begun_ = false;  // the other side has said from where, or is not asked
  Instant deadline_{};
  bool done_ = false;
};

struct RaftTransport::State {
  explicit State(RaftTransportOptions given) : options(std::move(given)) {}

  RaftTransportOptions options;
  Reactor reactor{"raft-net"};
  Receiver* receiver = nullptr;
  bool checking = false;
  uint64_t last_sequence = 0;

  struct Peer {
    std::shared_ptr<RaftLink> control, entries;
  };
  std::map<std::string, Peer> peers;  // by address
  std::map<RaftInbound*, std::shared_ptr<RaftInbound>> inbound;
  std::unordered_map<uint64_t, std::weak_ptr<RaftInbound>> requests;  // by the sequence they were given
  std::map<RaftSnapshotSend*, std::shared_ptr<RaftSnapshotSend>> snapshots;

  // Threads that read snapshots.
  std::mutex threads_mutex;
  std::condition_variable threads_changed;
  size_t threads = 0;

  void log(const std::string& line) const {
    if (options.on_log) options.on_log(line);
  }
  DialOptions dial_options() const {
    DialOptions dial = options.dial;
    dial.timeout = options.timeout;
    return dial;
  }
  void send(raft::Envelope envelope);
  void answer(const raft::Envelope& envelope);
  void accept(RawConnection raw);
  void send_snapshot(raft::Envelope request, std::unique_ptr<raft::SnapshotReader> reader);
  void read_in_thread(std::unique_ptr<raft::SnapshotReader> reader, std::shared_ptr<BytePipe> pipe);
  void check_soon();
  void forget_peer(const std::string& address);
  void close_all();
};

}  // namespace praetor::rpc
