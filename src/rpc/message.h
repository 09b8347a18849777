// Go's net/rpc over MessagePack, as it runs in each yamux stream of port 8300 (wire.md 5.3): a request is a
// header and its arguments, a response a header and its body, each a MessagePack value. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/msgpack_scanner.h"
#include "codec/type.h"

namespace praetor::rpc {

// A message beyond it ends the stream. Consul has no such limit; its largest is a listing of everything.
inline constexpr size_t kMaxMessageBytes = 256 << 20;

struct RequestHeader {
  uint64_t seq = 0;
  std::string service_method;  // "Catalog.Register"
};
PRAETOR_DESCRIBED(RequestHeader)

struct ResponseHeader {
  std::string error;  // empty: it worked
  uint64_t seq = 0;
  std::string service_method;
};
PRAETOR_DESCRIBED(ResponseHeader)

// Appends a whole message. `body` is one encoded value; a response with an error carries an empty map
// instead.
void put_request(std::string& out, const RequestHeader& header, std::string_view body);
void put_response(std::string& out, const ResponseHeader& header, std::string_view body);

// Cuts a stream into messages; Header is RequestHeader or ResponseHeader. One thread.
template <typename Header>
class MessageReader {
 public:
  struct Message {
    Header header;
    std::string body;  // one encoded value
  };

  explicit MessageReader(size_t limit = kMaxMessageBytes) : limit_(limit) {}

  void append(std::string_view bytes) { buffer_.append(bytes); }
  // The next whole message; nothing while it is incomplete. After an error the stream is of no more use.
  Result<std::optional<Message>> next();
  size_t buffered() const { return buffer_.size(); }

 private:
  size_t limit_;
  std::string buffer_;
  codec::MsgpackScanner scanner_;
  size_t header_length_ = 0;  // 0: the header has not come whole
};

}  // namespace praetor::rpc
