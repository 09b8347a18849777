#include "rpc/message.h"

#include <utility>

#include "codec/msgpack.h"

namespace praetor::rpc {

PRAETOR_DESCRIBE(RequestHeader, "Request", field("Seq", &RequestHeader::seq),
                 field("ServiceMethod", &RequestHeader::service_method))

PRAETOR_DESCRIBE(ResponseHeader, "Response", field("Error", &ResponseHeader::error),
                 field("Seq", &ResponseHeader::seq), field("ServiceMethod", &ResponseHeader::service_method))

void put_request(std::string& out, const RequestHeader& header, std::string_view body) {
  codec::write_msgpack(out, header);
  out.append(body);
}

void put_response(std::string& out, const ResponseHeader& header, std::string_view body) {
  codec::write_msgpack(out, header);
  if (header.error.empty()) {
    out.append(body);
  } else {
    codec::msgpack::put_map(out, 0);
  }
}

template <typename Header>
Result<std::optional<typename MessageReader<Header>::Message>> MessageReader<Header>::next() {
  if (header_length_ == 0) {
    TRY_ASSIGN(header_length_, scanner_.scan(buffer_));
    if (header_length_ == 0 && buffer_.size() <= limit_) return std::nullopt;
  }
  if (buffer_.size() > limit_)
    return fail("rpc: a message is larger than " + std::to_string(limit_ >> 20) + " MiB",
                ErrorKind::kTooLarge);
  std::string_view rest = std::string_view(buffer_).substr(header_length_);
  TRY_ASSIGN(size_t body_length, scanner_.scan(rest));
  if (body_length == 0) return std::nullopt;
  Message message;
  TRY_ASSIGN(message.header, codec::from_msgpack<Header>(buffer_));
  message.body.assign(rest.substr(0, body_length));
  buffer_.erase(0, std::exchange(header_length_, 0) + body_length);
  return message;
}

template class MessageReader<RequestHeader>;
template class MessageReader<ResponseHeader>;

}  // namespace praetor::rpc
