// One yamux session: many streams over one connection, as Consul's agents speak on port 8300 (wire.md 5.2;
// yamux's own spec). Pure: bytes in, bytes and events out; no socket, thread or clock. The adapter reads and
// writes the connection, asks for a ping when it has been quiet, and gives up on a pong that does not come.
//
// Memory: data is handed on as it arrives, not kept. What the peer may send ahead is bounded by the window of
// each stream, what the user sends ahead is kept here until the peer's window opens (queued()).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace praetor::rpc {

inline constexpr uint32_t kYamuxWindow = 256 << 10;    // of a stream, each way, at its start
inline constexpr size_t kYamuxMaxPeerStreams = 32768;  // opened by the peer at one time; more are reset
inline constexpr size_t kYamuxHeaderSize = 12;

enum class GoAway : uint32_t { kNormal = 0, kProtocolError = 1, kInternalError = 2 };

class YamuxSession {
 public:
  using StreamId = uint32_t;  // 0 is none

  // Called from receive() only. A handler may call any function of the session but receive().
  class Events {
   public:
    virtual ~Events() = default;
    virtual void on_open(StreamId stream) = 0;                         // by the peer
    virtual void on_data(StreamId stream, std::string_view data) = 0;  // owes a consume() of its size
    virtual void on_end(StreamId stream) = 0;                          // the peer sends nothing more on it
    virtual void on_reset(StreamId stream) = 0;                        // it is gone; no event follows
    virtual void on_drained(StreamId stream) = 0;                      // what was queued has been sent
    virtual void on_pong(uint32_t opaque) = 0;
    virtual void on_go_away(GoAway code) = 0;  // no new streams; the old ones go on
  };

  enum class Side : uint8_t { kClient, kServer };

  YamuxSession(Side side, Events& events) : events_(events), next_id_(side == Side::kClient ? 1 : 2) {}

  // 0 when either side has said that it goes away, or when the ids are used up.
  StreamId open();
  // Unknown, reset and finished streams take nothing: a peer may reset a stream at any moment.
  void send(StreamId stream, std::string_view data);
  void finish(StreamId stream);  // FIN, after what is queued
  void reset(StreamId stream);   // RST; forgets the stream
  // The user is done with so many bytes of on_data: the peer may send as many more.
  void consume(StreamId stream, uint32_t count);
  void ping(uint32_t opaque);
  void go_away(GoAway code);

  // Takes any piece of the peer's bytes. An error is a broken protocol: the output then ends with a go-away,
  // and the connection is to be closed once that is written.
  Status receive(std::string_view bytes);

  // What has to be written to the connection; the adapter takes it away.
  std::string take_output() { return std::exchange(output_, {}); }
  bool has_output() const { return !output_.empty(); }

  bool exists(StreamId stream) const { return streams_.contains(stream); }
  size_t queued(StreamId stream) const;
  size_t stream_count() const { return streams_.size(); }
  bool going_away() const { return going_away_; }

 private:
  struct Stream {
    uint32_t may_send = kYamuxWindow;     // what the peer's window has left
    uint32_t may_receive = kYamuxWindow;  // what ours has left
    uint32_t consumed = 0;                // not given back yet
    std::string queue;
    size_t sent = 0;  // of the queue: dropped from it now and then, not at each frame
    size_t unsent() const { return queue.size() - sent; }
    bool finishing = false;  // FIN once the queue is empty
    bool finished = false;   // our FIN is sent
    bool peer_finished = false;
    bool by_peer = false;
  };
  struct Header {
    uint8_t type = 0;
    uint16_t flags = 0;
    StreamId stream = 0;
    uint32_t length = 0;
  };

  void put_header(uint8_t type, uint16_t flags, StreamId stream, uint32_t length);
  void pump(StreamId id, Stream& stream);
  void forget_if_done(StreamId id);
  Status start_frame(const Header& header);
  Status stream_frame(const Header& header);
  Status accept(const Header& header);
  Status window_update(const Header& header);
  void control_frame(const Header& header);
  void end_of_frame_flags(StreamId id, uint16_t flags);
  Status broken(std::string message);
  bool ours(StreamId id) const { return (id & 1) == (next_id_ & 1); }

  Events& events_;
  StreamId next_id_;
  std::map<StreamId, Stream> streams_;
  size_t peer_streams_ = 0;
  std::string output_;
  std::string header_;  // of a frame that has not come whole
  Header data_frame_;   // the data frame whose payload is coming
  uint32_t payload_left_ = 0;
  bool said_go_away_ = false;
  bool going_away_ = false;  // either side
  bool dead_ = false;
};

}  // namespace praetor::rpc
