// Any bytes on port 8300: a yamux session whose streams carry requests and responses. The first byte says how
// the bytes are cut into pieces.
#include <map>

#include "rpc/message.h"
#include "rpc/yamux.h"
#include "tests/fuzz/target.h"

namespace praetor::rpc {
namespace {

template <typename Header>
void read_all(MessageReader<Header>& reader) {
  for (;;) {
    auto message = reader.next();
    if (!message || !*message) return;
    std::string out;
    if constexpr (std::is_same_v<Header, RequestHeader>) {
      put_request(out, (*message)->header, (*message)->body);
    } else {
      put_response(out, (*message)->header, (*message)->body);
    }
    MessageReader<Header> again;
    again.append(out);
    auto copy = again.next();
    CHECK(copy.has_value() && copy->has_value());
    CHECK((**copy).header.seq == (*message)->header.seq);
  }
}

class Peer final : public YamuxSession::Events {
 public:
  YamuxSession* session = nullptr;
  // A number may come again, once both sides have ended the stream that had it.
  void on_open(YamuxSession::StreamId stream) override {
    readers_.insert_or_assign(stream, MessageReader<RequestHeader>());
  }
  void on_data(YamuxSession::StreamId stream, std::string_view data) override {
    auto& reader = readers_[stream];
    reader.append(data);
    read_all(reader);
    session->consume(stream, static_cast<uint32_t>(data.size()));
    session->send(stream, data);
  }
  void on_end(YamuxSession::StreamId stream) override { session->finish(stream); }
  void on_reset(YamuxSession::StreamId stream) override { readers_.erase(stream); }
  void on_drained(YamuxSession::StreamId) override {}
  void on_pong(uint32_t) override {}
  void on_go_away(GoAway) override {}

 private:
  std::map<YamuxSession::StreamId, MessageReader<RequestHeader>> readers_;
};

}  // namespace
}  // namespace praetor::rpc

PRAETOR_FUZZ_TARGET(rpc) {
  using namespace praetor::rpc;
  if (input.empty()) return;
  auto flags = static_cast<uint8_t>(input[0]);
  input.remove_prefix(1);
  MessageReader<RequestHeader> requests;
  requests.append(input);
  read_all(requests);
  MessageReader<ResponseHeader> responses;
  responses.append(input);
  read_all(responses);

  Peer peer;
  YamuxSession session((flags & 1) != 0 ? YamuxSession::Side::kClient : YamuxSession::Side::kServer, peer);
  peer.session = &session;
  auto own = session.open();
  session.send(own, "hello");
  size_t piece = (flags & 2) != 0 ? 1 + flags / 4 : input.size() + 1;
  while (!input.empty()) {
    if (!session.receive(input.substr(0, piece))) break;
    input.remove_prefix(std::min(piece, input.size()));
    (void)session.take_output();
  }
  CHECK(session.stream_count() <= kYamuxMaxPeerStreams + 1);
}
