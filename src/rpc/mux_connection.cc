#include "rpc/mux_connection.h"

#include <utility>

#include "rpc/listener.h"

namespace praetor::rpc {

void MuxConnection::start(std::string preface, std::string_view rest) {
  stream_->start(*this);
  if (!preface.empty()) stream_->write(std::move(preface));
  schedule_ping();
  if (!rest.empty()) on_data(rest);
}

MuxConnection::StreamId MuxConnection::open() {
  if (closed()) return 0;
  StreamId id = yamux_.open();
  flush_soon();
  return id;
}

void MuxConnection::send(StreamId stream, std::string_view data) {
  yamux_.send(stream, data);
  flush_soon();
}

void MuxConnection::finish(StreamId stream) {
  yamux_.finish(stream);
  flush_soon();
}

void MuxConnection::reset(StreamId stream) {
  yamux_.reset(stream);
  flush_soon();
}

void MuxConnection::consume(StreamId stream, size_t count) {
  yamux_.consume(stream, static_cast<uint32_t>(count));
  flush_soon();
}

void MuxConnection::close(std::optional<GoAway> code) {
  if (closed()) return;
  user_ = nullptr;
  if (timer_ != 0) stream_->reactor().cancel(std::exchange(timer_, 0));
  if (code) {
    yamux_.go_away(*code);
    stream_->write(yamux_.take_output());
  }
  stream_->close(/*after_flush=*/true);
}

void MuxConnection::gone(const Error& error) {
  if (closed()) return;
  User* user = user_;
  close(std::nullopt);
  user->on_gone(error);
}

void MuxConnection::on_data(std::string_view bytes) {
  auto self = shared_from_this();  // a handler may let go of the last reference
  heard_ = true;
  receiving_ = true;
  Status status = yamux_.receive(bytes);
  receiving_ = false;
  if (closed()) return;
  flush();
  if (!status) return gone(status.error());
  // Only servers: if both sides stopped reading, nobody would ever read again.
  if (side_ == YamuxSession::Side::kServer && stream_->unsent() > kMaxUnsentBytes) stream_->pause_reading();
}

void MuxConnection::on_drained() { stream_->resume_reading(); }

void MuxConnection::on_end() {
  auto self = shared_from_this();
  gone({"EOF", ErrorKind::kIo});
}

void MuxConnection::on_error(const Error& error) {
  auto self = shared_from_this();
  gone(error);
}

void MuxConnection::on_open(StreamId stream) {
  if (user_ != nullptr) user_->on_open(stream);
}
void MuxConnection::on_data(StreamId stream, std::string_view data) {
  if (user_ != nullptr) user_->on_data(stream, data);
}
void MuxConnection::on_end(StreamId stream) {
  if (user_ != nullptr) user_->on_end(stream);
}
void MuxConnection::on_reset(StreamId stream) {
  if (user_ != nullptr) user_->on_reset(stream);
}
void MuxConnection::on_go_away(GoAway) {
  if (user_ != nullptr) user_->on_go_away();
}

void MuxConnection::flush() {
  if (!closed() && yamux_.has_output()) stream_->write(yamux_.take_output());
}

// What comes within the same turn leaves together.
void MuxConnection::flush_soon() {
  if (receiving_ || flushing_ || closed() || !yamux_.has_output()) return;
  flushing_ = true;
  stream_->reactor().post([self = shared_from_this()] {
    self->flushing_ = false;
    self->flush();
  });
}

void MuxConnection::schedule_ping() {
  timer_ = stream_->reactor().after(keepalive_, [weak = weak_from_this()] {
    if (auto self = weak.lock(); self && !self->closed()) self->await_pong();
  });
}

void MuxConnection::await_pong() {
  heard_ = false;
  yamux_.ping(pings_++);
  flush();
  timer_ = stream_->reactor().after(write_timeout_, [weak = weak_from_this()] {
    auto self = weak.lock();
    if (!self || self->closed()) return;
    self->timer_ = 0;
    if (!self->heard_) return self->gone({"keepalive timeout", ErrorKind::kIo});
    self->schedule_ping();
  });
}

}  // namespace praetor::rpc
