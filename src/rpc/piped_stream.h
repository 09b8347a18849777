// A connection that carries one encoded value each way and then bytes without end: the streamed snapshot RPC
// (wire.md 5.5), for both of its sides. On the stream's reactor unless said otherwise.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "codec/msgpack_scanner.h"
#include "rpc/byte_pipe.h"
#include "rpc/stream.h"

namespace praetor::rpc {

class PipedStream final : public std::enable_shared_from_this<PipedStream>, private Stream::Handler {
 public:
  struct Hooks {
    // The value has come; what follows it comes in by the pipe.
    std::function<void(std::string head, std::shared_ptr<BytePipe> rest)> on_head;
    // The connection is no more (once): without on_head before it, because of this error.
    std::function<void(const Error& error)> on_gone;
  };

  PipedStream(std::shared_ptr<Stream> stream, size_t max_head_bytes, Hooks hooks)
      : stream_(std::move(stream)), max_head_bytes_(max_head_bytes), hooks_(std::move(hooks)) {}

  void set_hooks(Hooks hooks) { hooks_ = std::move(hooks); }
  // `rest` has been read already.
  void start(std::string_view rest = {}) {
    stream_->start(*this);
    if (!rest.empty()) on_data(rest);
  }
  // The bytes, then what the pipe gives, then an end (null: just the end). With `and_close` the connection
  // ends then, too.
  void send(std::string head, std::shared_ptr<BytePipe> rest, bool and_close);
  void close(const Error& why);

 private:
  void on_data(std::string_view bytes) override;
  void on_drained() override { pump(); }
  void on_end() override;
  void on_error(const Error& error) override { close(error); }

  void take(std::string_view bytes);
  void pump();
  void sent_all();
  void watch_incoming();

  std::shared_ptr<Stream> stream_;
  size_t max_head_bytes_;
  Hooks hooks_;
  std::string head_;
  codec::MsgpackScanner scanner_;
  std::shared_ptr<BytePipe> incoming_, outgoing_;
  bool head_taken_ = false, and_close_ = false, sending_done_ = false, ended_ = false;
};

}  // namespace praetor::rpc
