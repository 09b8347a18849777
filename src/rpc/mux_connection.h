// A yamux session over a stream: what the pool's and the listener's connections have in common. Gathers what
// is written within one turn of the reactor into one write, pings, and gives up on a peer that does not
// answer. All on the stream's reactor.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "rpc/stream.h"
#include "rpc/yamux.h"

namespace praetor::rpc {

class MuxConnection final : public std::enable_shared_from_this<MuxConnection>,
                            private Stream::Handler,
                            private YamuxSession::Events {
 public:
  using StreamId = YamuxSession::StreamId;

  // No call follows close(), nor on_gone().
  class User {
   public:
    virtual ~User() = default;
    virtual void on_open(StreamId stream) = 0;
    virtual void on_data(StreamId stream, std::string_view data) = 0;
    virtual void on_end(StreamId stream) = 0;
    virtual void on_reset(StreamId stream) = 0;
    virtual void on_go_away() = 0;
    virtual void on_gone(const Error& error) = 0;
  };

  MuxConnection(std::shared_ptr<Stream> stream, YamuxSession::Side side, User& user, Duration keepalive,
                Duration write_timeout)
      : stream_(std::move(stream)),
        side_(side),
        yamux_(side, *this),
        user_(&user),
        keepalive_(keepalive),
        write_timeout_(write_timeout) {}

  // `preface` goes out in front of everything; `rest` has been read already.
  void start(std::string preface, std::string_view rest = {});
  StreamId open();
  void send(StreamId stream, std::string_view data);
  void finish(StreamId stream);
  void reset(StreamId stream);
  void consume(StreamId stream, size_t count);
  bool exists(StreamId stream) const { return yamux_.exists(stream); }
  // Says good-bye when `code` is given.
  void close(std::optional<GoAway> code = GoAway::kNormal);
  bool closed() const { return user_ == nullptr; }
  Stream& stream() { return *stream_; }

 private:
  void on_data(std::string_view bytes) override;  // Stream::Handler
  void on_drained() override;
  void on_end() override;
  void on_error(const Error& error) override;

  void on_open(StreamId stream) override;  // YamuxSession::Events
  void on_data(StreamId stream, std::string_view data) override;
  void on_end(StreamId stream) override;
  void on_reset(StreamId stream) override;
  void on_drained(StreamId) override {}
  void on_pong(uint32_t) override {}
  void on_go_away(GoAway code) override;

  void gone(const Error& error);
  void flush();
  void flush_soon();
  void schedule_ping();
  void await_pong();

  std::shared_ptr<Stream> stream_;
  const YamuxSession::Side side_;
  YamuxSession yamux_;
  User* user_;
  Duration keepalive_, write_timeout_;
  Reactor::TimerId timer_ = 0;
  bool heard_ = false;     // since the last ping
  bool flushing_ = false;  // a flush is posted
  bool receiving_ = false;
  uint32_t pings_ = 0;
};

}  // namespace praetor::rpc
