#include "agent/check_grpc_message.h"

#include <array>

#include "base/cursor.h"
#include "base/text.h"

namespace praetor::agent {

namespace {

constexpr size_t kMaxMessage = 4 << 20;  // as grpc-go; a health answer has two bytes
constexpr size_t kKeptData = 4096;
constexpr size_t kFrameHead = 5;
constexpr std::string_view kUnhealthy = "gRPC application didn't report service healthy";

constexpr std::array<std::string_view, 17> kCodeNames = {
    "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated"};

struct Http2Error {
  std::string_view name;
  int grpc_code;
};
constexpr std::array<Http2Error, 14> kHttp2Errors = {{{"NO_ERROR", kGrpcInternal},
                                                      {"PROTOCOL_ERROR", kGrpcInternal},
                                                      {"INTERNAL_ERROR", kGrpcInternal},
                                                      {"FLOW_CONTROL_ERROR", kGrpcResourceExhausted},
                                                      {"SETTINGS_TIMEOUT", kGrpcInternal},
                                                      {"STREAM_CLOSED", kGrpcUnknown},
                                                      {"FRAME_SIZE_ERROR", kGrpcInternal},
                                                      {"REFUSED_STREAM", kGrpcUnavailable},
                                                      {"CANCEL", kGrpcCanceled},
                                                      {"COMPRESSION_ERROR", kGrpcInternal},
                                                      {"CONNECT_ERROR", kGrpcInternal},
                                                      {"ENHANCE_YOUR_CALM", kGrpcResourceExhausted},
                                                      {"INADEQUATE_SECURITY", kGrpcPermissionDenied},
                                                      {"HTTP_1_1_REQUIRED", kGrpcInternal}}};

int code_of_http(int status) {
  switch (status) {
    case 400:
      return kGrpcInternal;
    case 401:
      return kGrpcUnauthenticated;
    case 403:
      return kGrpcPermissionDenied;
    case 404:
      return kGrpcUnimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return kGrpcUnavailable;
    default:
      return kGrpcUnknown;
  }
}

std::string_view http_status_name(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 415:
      return "Unsupported Media Type";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "";
  }
}

void put_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) put_u8(out, static_cast<uint8_t>(value | 0x80));
  put_u8(out, static_cast<uint8_t>(value));
}

uint64_t get_varint(Cursor& cursor) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    uint8_t byte = cursor.u8();
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  cursor.set_failed();
  return 0;
}

// grpc-message: %41 is A; what is no such code stays.
std::string percent_decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    auto byte = text[i] == '%' && i + 2 < text.size() ? hex_decode(text.substr(i + 1, 2))
                                                      : Result<std::string>(fail(""));
    if (byte && byte->size() == 1) {
      out += *byte;
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

GrpcTarget parse_grpc_target(std::string_view text) {
  size_t slash = text.find('/');
  GrpcTarget target{std::string(text.substr(0, slash)), ""};
  if (slash != std::string_view::npos) target.service = text.substr(slash + 1);
  return target;
}

std::string encode_health_request(std::string_view service) {
  std::string message;
  if (!service.empty()) {
    put_u8(message, 0x0a);  // field 1, bytes
    put_varint(message, service.size());
    message += service;
  }
  std::string out;
  put_u8(out, 0);  // not compressed
  put_u32(out, static_cast<uint32_t>(message.size()));
  return out + message;
}

Result<uint64_t> decode_health_response(std::string_view message) {
  Cursor cursor(message);
  uint64_t status = 0;
  while (cursor.ok() && !cursor.at_end()) {
    uint64_t tag = get_varint(cursor);
    if (!cursor.ok()) break;
    switch (tag & 7) {
      case 0: {
        uint64_t value = get_varint(cursor);
        if (tag >> 3 == 1) status = value;
        break;
      }
      case 1:
        cursor.skip(8);
        break;
      case 2: {
        uint64_t size = get_varint(cursor);
        if (size > cursor.remaining()) cursor.set_failed();
        cursor.skip(size);
        break;
      }
      case 5:
        cursor.skip(4);
        break;
      default:
        return fail("proto: illegal wireType " + std::to_string(tag & 7), ErrorKind::kCorrupt);
    }
  }
  if (!cursor.ok()) return fail("unexpected EOF", ErrorKind::kCorrupt);
  return status;
}

std::string rpc_error(int code, std::string_view description) {
  std::string name = code >= 0 && static_cast<size_t>(code) < kCodeNames.size()
                         ? std::string(kCodeNames[static_cast<size_t>(code)])
                         : "Code(" + std::to_string(code) + ")";
  return "rpc error: code = " + name + " desc = " + std::string(description);
}

std::string reset_error(uint32_t http2_error) {
  bool known = http2_error < kHttp2Errors.size();
  return rpc_error(known ? kHttp2Errors[http2_error].grpc_code : kGrpcUnknown,
                   "stream terminated by RST_STREAM with error code: " +
                       (known ? std::string(kHttp2Errors[http2_error].name)
                              : "unknown error code " + std::to_string(http2_error)));
}

void GrpcReply::on_header(std::string_view name, std::string_view value) {
  if (name == ":status") {
    auto status = parse_uint(value, 16);
    http_status_ = status ? static_cast<int>(*status) : 0;
  } else if (name == "content-type" && header_blocks_ == 0) {
    content_type_ = value;
  } else if (name == "grpc-status") {
    grpc_status_ = value;
  } else if (name == "grpc-message") {
    grpc_message_ = percent_decode(value);
  }
}

void GrpcReply::on_data(std::string_view bytes) {
  data_seen_ = true;
  data_.append(bytes.substr(0, kKeptData - std::min(kKeptData, data_.size())));
}

std::optional<std::string> GrpcReply::early_failure() const {
  if (header_blocks_ > 0 && !content_type_.starts_with("application/grpc")) {
    return rpc_error(code_of_http(http_status_), std::string(http_status_name(http_status_)) +
                                                     ": HTTP status code " + std::to_string(http_status_) +
                                                     "; transport: received the unexpected content-type " +
                                                     go_quote(content_type_));
  }
  if (data_.size() < kFrameHead) return std::nullopt;
  Cursor cursor(data_);
  cursor.skip(1);
  uint32_t size = cursor.u32();
  if (size <= kMaxMessage) return std::nullopt;
  return rpc_error(kGrpcResourceExhausted, "grpc: received message larger than max (" + std::to_string(size) +
                                               " vs. " + std::to_string(kMaxMessage) + ")");
}

std::optional<std::string> GrpcReply::message_failure() const {
  if (data_.empty()) return "EOF";
  Cursor cursor(data_);
  uint8_t compressed = cursor.u8();
  uint32_t size = cursor.u32();
  std::string_view message = cursor.bytes(size);
  if (!cursor.ok()) return rpc_error(kGrpcInternal, "unexpected EOF");
  if (compressed != 0)
    return rpc_error(kGrpcInternal, "grpc: compressed flag set with identity or empty encoding");
  auto status = decode_health_response(message);
  if (!status)
    return rpc_error(kGrpcInternal,
                     "grpc: failed to unmarshal the received message " + status.error().message);
  if (*status != static_cast<uint64_t>(ServingStatus::kServing)) return std::string(kUnhealthy);
  return std::nullopt;
}

std::optional<std::string> GrpcReply::failure() const {
  if (auto early = early_failure()) return early;
  if (!grpc_status_) {
    if (data_seen_ || header_blocks_ == 0)
      return rpc_error(kGrpcInternal, "server closed the stream without sending trailers");
    return rpc_error(kGrpcUnknown, grpc_message_);
  }
  auto code = parse_int(*grpc_status_, 32);
  if (!code) {
    return rpc_error(kGrpcInternal, "transport: malformed grpc-status: strconv.Atoi: parsing " +
                                        go_quote(*grpc_status_) + ": invalid syntax");
  }
  if (*code != 0) return rpc_error(static_cast<int>(*code), grpc_message_);
  return message_failure();
}

}  // namespace praetor::agent
