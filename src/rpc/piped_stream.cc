#include "rpc/piped_stream.h"

#include <utility>

namespace praetor::rpc {

namespace {
constexpr Duration kLingerTime = std::chrono::seconds(5);
}

void PipedStream::send(std::string head, std::shared_ptr<BytePipe> rest, bool and_close) {
  if (stream_->closed()) {
    if (rest) rest->break_off({"EOF", ErrorKind::kIo});
    return;
  }
  and_close_ = and_close;
  stream_->write(std::move(head));
  if (!rest) return sent_all();
  outgoing_ = std::move(rest);
  outgoing_->on_readable([&reactor = stream_->reactor(), weak = weak_from_this()] {
    reactor.post([weak] {
      if (auto self = weak.lock()) self->pump();
    });
  });
}

// From the pipe to the socket, never more than a pipe's worth ahead.
void PipedStream::pump() {
  if (!outgoing_ || stream_->closed() || stream_->unsent() >= kMaxPipeBytes) return;
  BytePipe::Taken taken = outgoing_->take();
  if (!taken.bytes.empty()) stream_->write(std::move(taken.bytes));
  if (taken.error) return close(*taken.error);
  if (taken.end) sent_all();
}

void PipedStream::sent_all() {
  if (outgoing_) outgoing_->on_readable(nullptr);
  outgoing_.reset();
  sending_done_ = true;
  stream_->finish();
  if (!and_close_) return;
  if (ended_) return close({"EOF", ErrorKind::kIo});
  // Closing with bytes unread would take the answer away from the other side: they are read, for a moment.
  incoming_->break_off({"EOF", ErrorKind::kIo});
  stream_->resume_reading();
  stream_->reactor().after(kLingerTime, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->close({"EOF", ErrorKind::kIo});
  });
}

void PipedStream::on_data(std::string_view bytes) {
  auto self = shared_from_this();
  if (head_taken_) return take(bytes);
  head_.append(bytes);
  auto length = scanner_.scan(head_);
  if (!length) return close(length.error());
  if (*length == 0 || *length > max_head_bytes_) {
    if (head_.size() > max_head_bytes_) close({"rpc: the first message is too large", ErrorKind::kTooLarge});
    return;
  }
  head_taken_ = true;
  std::string rest = head_.substr(*length);
  head_.resize(*length);
  incoming_ = std::make_shared<BytePipe>();
  watch_incoming();
  if (!rest.empty()) take(rest);
  if (auto on_head = std::exchange(hooks_.on_head, nullptr)) on_head(std::move(head_), incoming_);
}

void PipedStream::watch_incoming() {
  incoming_->on_room([&reactor = stream_->reactor(), weak = weak_from_this()] {
    reactor.post([weak] {
      auto self = weak.lock();
      if (!self || self->stream_->closed()) return;
      // Whoever reads the archive has given up: so has the connection, unless an answer is still to go out.
      if (auto error = self->incoming_->error(); error && self->sending_done_ && !self->and_close_)
        return self->close(*error);
      self->stream_->resume_reading();
    });
  });
}

void PipedStream::take(std::string_view bytes) {
  if (!incoming_->push(bytes)) stream_->pause_reading();
}

void PipedStream::on_end() {
  auto self = shared_from_this();
  ended_ = true;
  if (!head_taken_) return close({"EOF", ErrorKind::kIo});
  incoming_->finish();
  // The other side has said all; so have we, if our part is sent.
  if (sending_done_) close({"EOF", ErrorKind::kIo});
}

void PipedStream::close(const Error& why) {
  auto self = shared_from_this();
  stream_->close(sending_done_);
  if (incoming_ && !ended_) incoming_->break_off(why);
  if (auto outgoing = std::exchange(outgoing_, nullptr)) {
    outgoing->on_readable(nullptr);
    outgoing->break_off(why);
  }
  hooks_.on_head = nullptr;
  if (auto on_gone = std::exchange(hooks_.on_gone, nullptr)) on_gone(why);
}

}  // namespace praetor::rpc
