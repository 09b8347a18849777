#include "rpc/yamux.h"

#include <algorithm>

#include "base/cursor.h"

namespace praetor::rpc {

namespace {

constexpr uint8_t kVersion = 0;
constexpr uint8_t kData = 0, kWindowUpdate = 1, kPing = 2, kGoAway = 3;
constexpr uint16_t kSyn = 1, kAck = 2, kFin = 4, kRst = 8;

}  // namespace

void YamuxSession::put_header(uint8_t type, uint16_t flags, StreamId stream, uint32_t length) {
  put_u8(output_, kVersion);
  put_u8(output_, type);
  put_u16(output_, flags);
  put_u32(output_, stream);
  put_u32(output_, length);
}

YamuxSession::StreamId YamuxSession::open() {
  if (going_away_ || dead_ || next_id_ > UINT32_MAX - 2) return 0;
  StreamId id = next_id_;
  next_id_ += 2;
  streams_.try_emplace(id);
  put_header(kWindowUpdate, kSyn, id, 0);
  return id;
}

void YamuxSession::send(StreamId id, std::string_view data) {
  auto found = streams_.find(id);
  if (found == streams_.end() || found->second.finishing || data.empty()) return;
  Stream& stream = found->second;
  if (stream.queue.empty() && data.size() <= stream.may_send) {  // the usual case: no copy in between
    put_header(kData, 0, id, static_cast<uint32_t>(data.size()));
    output_.append(data);
    stream.may_send -= static_cast<uint32_t>(data.size());
    return;
  }
  stream.queue.append(data);
  pump(id, stream);
}

void YamuxSession::finish(StreamId id) {
  auto found = streams_.find(id);
  if (found == streams_.end() || found->second.finishing) return;
  found->second.finishing = true;
  pump(id, found->second);
  forget_if_done(id);
}

void YamuxSession::reset(StreamId id) {
  auto found = streams_.find(id);
  if (found == streams_.end()) return;
  put_header(kWindowUpdate, kRst, id, 0);
  peer_streams_ -= found->second.by_peer;
  streams_.erase(found);
}

// As Go's: the window is given back in halves, so that a small read costs no frame.
void YamuxSession::consume(StreamId id, uint32_t count) {
  auto found = streams_.find(id);
  if (found == streams_.end() || found->second.peer_finished) return;
  Stream& stream = found->second;
  stream.consumed += std::min(count, kYamuxWindow - stream.may_receive - stream.consumed);
  if (stream.consumed < kYamuxWindow / 2) return;
  put_header(kWindowUpdate, 0, id, stream.consumed);
  stream.may_receive += std::exchange(stream.consumed, 0);
}

void YamuxSession::ping(uint32_t opaque) { put_header(kPing, kSyn, 0, opaque); }

void YamuxSession::go_away(GoAway code) {
  going_away_ = true;
  if (std::exchange(said_go_away_, true)) return;
  put_header(kGoAway, 0, 0, static_cast<uint32_t>(code));
}

size_t YamuxSession::queued(StreamId id) const {
  auto found = streams_.find(id);
  return found == streams_.end() ? 0 : found->second.unsent();
}

// Sends what the window allows.
void YamuxSession::pump(StreamId id, Stream& stream) {
  uint32_t count = static_cast<uint32_t>(std::min<size_t>(stream.unsent(), stream.may_send));
  if (count > 0) {
    put_header(kData, 0, id, count);
    output_.append(stream.queue, stream.sent, count);
    stream.sent += count;
    stream.may_send -= count;
    if (stream.unsent() == 0) {
      stream.queue = {};
      stream.sent = 0;
    } else if (stream.sent >= stream.queue.size() / 2) {
      stream.queue.erase(0, std::exchange(stream.sent, 0));
    }
  }
  if (stream.finishing && !stream.finished && stream.unsent() == 0) {
    stream.finished = true;
    put_header(kWindowUpdate, kFin, id, 0);
  }
}

void YamuxSession::forget_if_done(StreamId id) {
  auto found = streams_.find(id);
  if (found == streams_.end() || !found->second.finished || !found->second.peer_finished) return;
  peer_streams_ -= found->second.by_peer;
  streams_.erase(found);
}

Status YamuxSession::broken(std::string message) {
  dead_ = true;
  go_away(GoAway::kProtocolError);
  return fail("yamux: " + std::move(message), ErrorKind::kCorrupt);
}

Status YamuxSession::receive(std::string_view bytes) {
  if (dead_) return fail("yamux: the session has ended", ErrorKind::kCorrupt);
  while (!bytes.empty()) {
    if (payload_left_ > 0) {
      size_t count = std::min<size_t>(payload_left_, bytes.size());
      payload_left_ -= static_cast<uint32_t>(count);
      StreamId id = data_frame_.stream;
      // A stream that was reset meanwhile: its data is swallowed.
      if (exists(id)) events_.on_data(id, bytes.substr(0, count));
      bytes.remove_prefix(count);
      if (payload_left_ == 0) end_of_frame_flags(id, data_frame_.flags);
      continue;
    }
    size_t missing = std::min(kYamuxHeaderSize - header_.size(), bytes.size());
    header_.append(bytes.substr(0, missing));
    bytes.remove_prefix(missing);
    if (header_.size() < kYamuxHeaderSize) break;
    Cursor cursor(header_);
    uint8_t version = cursor.u8();
    Header header;
    header.type = cursor.u8();
    header.flags = cursor.u16();
    header.stream = cursor.u32();
    header.length = cursor.u32();
    header_.clear();
    if (version != kVersion) return broken("version " + std::to_string(version) + " is not spoken here");
    TRY(start_frame(header));
  }
  return {};
}

Status YamuxSession::start_frame(const Header& header) {
  switch (header.type) {
    case kData:
    case kWindowUpdate:
      return stream_frame(header);
    case kPing:
    case kGoAway:
      control_frame(header);
      return {};
    default:
      return broken("no frame has type " + std::to_string(header.type));
  }
}

Status YamuxSession::stream_frame(const Header& header) {
  if (header.flags & kSyn) TRY(accept(header));
  auto found = streams_.find(header.stream);
  if (header.type == kWindowUpdate) {
    if (found != streams_.end()) TRY(window_update(header));
    end_of_frame_flags(header.stream, header.flags);
    return {};
  }
  if (found != streams_.end()) {
    Stream& stream = found->second;
    if (header.length > 0 && stream.peer_finished) return broken("data after the end of a stream");
    if (header.length > stream.may_receive) return broken("more data than the window of the stream allows");
    stream.may_receive -= header.length;
  }
  data_frame_ = header;
  payload_left_ = header.length;
  if (payload_left_ == 0) end_of_frame_flags(header.stream, header.flags);
  return {};
}

Status YamuxSession::accept(const Header& header) {
  StreamId id = header.stream;
  if (id == 0 || ours(id))
    return broken("the peer opened stream " + std::to_string(id) + ", which is not its to open");
  if (exists(id)) return broken("the peer opened stream " + std::to_string(id) + " twice");
  if (said_go_away_ || peer_streams_ >= kYamuxMaxPeerStreams) {
    put_header(kWindowUpdate, kRst, id, 0);
    return {};
  }
  streams_[id].by_peer = true;
  ++peer_streams_;
  put_header(kWindowUpdate, kAck, id, 0);
  events_.on_open(id);
  return {};
}

Status YamuxSession::window_update(const Header& header) {
  Stream& stream = streams_.at(header.stream);
  if (header.length > UINT32_MAX - stream.may_send) return broken("a window that is larger than its number");
  stream.may_send += header.length;
  bool waited = !stream.queue.empty();
  pump(header.stream, stream);
  if (waited && stream.queue.empty()) events_.on_drained(header.stream);
  forget_if_done(header.stream);
  return {};
}

void YamuxSession::control_frame(const Header& header) {
  if (header.type == kGoAway) {
    going_away_ = true;
    events_.on_go_away(static_cast<GoAway>(std::min<uint32_t>(header.length, 2)));
  } else if (header.flags & kSyn) {
    put_header(kPing, kAck, 0, header.length);
  } else {
    events_.on_pong(header.length);
  }
}

void YamuxSession::end_of_frame_flags(StreamId id, uint16_t flags) {
  auto found = streams_.find(id);
  if (found == streams_.end()) return;
  if (flags & kRst) {
    peer_streams_ -= found->second.by_peer;
    streams_.erase(found);
    events_.on_reset(id);
  } else if ((flags & kFin) && !std::exchange(found->second.peer_finished, true)) {
    events_.on_end(id);
    forget_if_done(id);
  }
}

}  // namespace praetor::rpc
