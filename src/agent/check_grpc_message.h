// The messages and the error texts of grpc.health.v1 over gRPC, as Consul's client (grpc-go) words them.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace praetor::agent {

struct GrpcTarget {
  std::string host_port;
  std::string service;  // empty: the server as a whole
};
// "host:port/service"
GrpcTarget parse_grpc_target(std::string_view text);

// HealthCheckRequest{service} with gRPC's five bytes of length in front.
std::string encode_health_request(std::string_view service);

enum class ServingStatus : uint8_t { kUnknown = 0, kServing = 1, kNotServing = 2, kServiceUnknown = 3 };
// Error: `unexpected EOF` and the like.
Result<uint64_t> decode_health_response(std::string_view message);

// `rpc error: code = Unavailable desc = …`
std::string rpc_error(int code, std::string_view description);
inline constexpr int kGrpcCanceled = 1;
inline constexpr int kGrpcUnknown = 2;
inline constexpr int kGrpcDeadlineExceeded = 4;
inline constexpr int kGrpcPermissionDenied = 7;
inline constexpr int kGrpcResourceExhausted = 8;
inline constexpr int kGrpcUnimplemented = 12;
inline constexpr int kGrpcInternal = 13;
inline constexpr int kGrpcUnavailable = 14;
inline constexpr int kGrpcUnauthenticated = 16;

// The answer of one call, gathered frame by frame, and what it means once the stream has ended.
class GrpcReply {
 public:
  void on_header(std::string_view name, std::string_view value);
  void on_data(std::string_view bytes);
  void on_end_of_headers() { ++header_blocks_; }
  // Nothing when the server reports SERVING; otherwise the text of the failure.
  std::optional<std::string> failure() const;
  // Too much data to go on, or an answer that is no gRPC: the call is over.
  std::optional<std::string> early_failure() const;

 private:
  std::optional<std::string> message_failure() const;

  int http_status_ = 0;
  int header_blocks_ = 0;
  std::string content_type_;
  std::optional<std::string> grpc_status_;
  std::string grpc_message_;
  std::string data_;
  bool data_seen_ = false;
};

// A stream that the peer reset, by HTTP/2 error code.
std::string reset_error(uint32_t http2_error);

}  // namespace praetor::agent
