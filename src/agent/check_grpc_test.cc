#include <gtest/gtest.h>

#include "agent/check_grpc_message.h"
#include "agent/check_test_server.h"
#include "base/cursor.h"

namespace praetor::agent {
namespace {

// Frames of HTTP/2 by hand: the server must not be made of the library that the client uses.
std::string frame(uint8_t type, uint8_t flags, uint32_t stream, const std::string& payload) {
  std::string out;
  put_u8(out, static_cast<uint8_t>(payload.size() >> 16));
  put_u16(out, static_cast<uint16_t>(payload.size()));
  put_u8(out, type);
  put_u8(out, flags);
  put_u32(out, stream);
  return out + payload;
}
// A header field without compression.
std::string field(const std::string& name, const std::string& value) {
  return std::string(1, '\0') + static_cast<char>(name.size()) + name + static_cast<char>(value.size()) +
         value;
}
std::string message(const std::string& bytes, uint8_t compressed = 0) {
  std::string out;
  put_u8(out, compressed);
  put_u32(out, static_cast<uint32_t>(bytes.size()));
  return out + bytes;
}
constexpr uint8_t kData = 0;
constexpr uint8_t kHeaders = 1;
constexpr uint8_t kReset = 3;
constexpr uint8_t kSettings = 4;
constexpr uint8_t kGoAway = 7;
constexpr uint8_t kEndStream = 1;
constexpr uint8_t kEndHeaders = 4;

std::string head() { return field(":status", "200") + field("content-type", "application/grpc"); }
std::string answer(const std::string& bytes, const std::string& status = "0") {
  return frame(kHeaders, kEndHeaders, 1, head()) + frame(kData, 0, 1, bytes) +
         frame(kHeaders, kEndHeaders | kEndStream, 1, field("grpc-status", status));
}
std::string refusal(const std::string& status, const std::string& text) {
  return frame(kHeaders, kEndHeaders | kEndStream, 1,
               head() + field("grpc-status", status) + field("grpc-message", text));
}
std::string code(uint32_t value) {
  std::string out;
  put_u32(out, value);
  return out;
}

// What the server does for each service name.
std::string reply_for(const std::string& service) {
  if (service == "ns") return answer(message("\x08\x02"));
  if (service == "unk") return answer(message(""));
  if (service == "extra") return answer(message("\x12\x02hi\x08\x01"));
  if (service == "nf") return refusal("5", "unknown service");
  if (service == "pd") return refusal("7", "no%20way%21%zz");
  if (service == "weird") return refusal("99", "x");
  if (service == "badst") return refusal("abc", "x");
  if (service == "rst") return frame(kReset, 0, 1, code(2));
  if (service == "rst8") return frame(kReset, 0, 1, code(8));
  if (service == "goaway") return frame(kGoAway, 0, 0, code(0) + code(0));
  if (service == "404")
    return frame(kHeaders, kEndHeaders | kEndStream, 1,
                 field(":status", "404") + field("content-type", "text/plain"));
  if (service == "nostatus")
    return frame(kHeaders, kEndHeaders, 1, head()) + frame(kData, kEndStream, 1, message("\x08\x01"));
  if (service == "nobody") return answer("");
  if (service == "badpb") return answer(message("\xff\xff"));
  if (service == "failafter") return answer(message("\x08\x01"), "14");
  if (service == "compressed") return answer(message("\x08\x01", 1));
  if (service == "big")
    return frame(kHeaders, kEndHeaders, 1, head()) +
           frame(kData, 0, 1, std::string(1, '\0') + code(5 << 20) + "x");
  return answer(message("\x08\x01"));
}

bool receive(int fd, size_t size, std::string& out) {
  out.assign(size, '\0');
  return size == 0 || ::recv(fd, out.data(), size, MSG_WAITALL) == static_cast<ssize_t>(size);
}

void serve_grpc(int fd) {
  std::string bytes;
  if (!receive(fd, 24, bytes)) return;
  send_all(fd, frame(kSettings, 0, 0, ""));
  while (receive(fd, 9, bytes)) {
    Cursor cursor(bytes);
    size_t size = static_cast<size_t>(cursor.u8()) << 16;
    size |= cursor.u16();
    uint8_t type = cursor.u8();
    uint8_t flags = cursor.u8();
    if (!receive(fd, size, bytes)) return;
    if (type == kSettings && (flags & 1) == 0) send_all(fd, frame(kSettings, 1, 0, ""));
    if (type != kData) continue;
    std::string service = bytes.size() > 7 ? bytes.substr(7) : "";
    if (service == "close") return;
    if (service == "hang") return wait_for_close(fd);
    send_all(fd, reply_for(service));
  }
}

struct GrpcCheck : ProbeFixture {
  CheckResult call(const std::string& service, Duration timeout = std::chrono::seconds(10)) {
    CheckSpec spec;
    spec.grpc = server.address() + service;
    spec.timeout = timeout;
    return probe(make_grpc_probe, spec);
  }
  TestServer server{serve_grpc};
};

// The texts below are those that Consul 1.8.7 gave for the same answers.
TEST_F(GrpcCheck, Healthy) {
  EXPECT_EQ(call(""), (CheckResult{CheckStatus::kPassing, "gRPC check " + server.address() + ": success"}));
  EXPECT_EQ(call("/a/b"),
            (CheckResult{CheckStatus::kPassing, "gRPC check " + server.address() + "/a/b: success"}));
  EXPECT_EQ(call("/extra").status, CheckStatus::kPassing);
}

TEST_F(GrpcCheck, Unhealthy) {
  EXPECT_EQ(call("/ns"),
            (CheckResult{CheckStatus::kCritical, "gRPC application didn't report service healthy"}));
  EXPECT_EQ(call("/unk").output, "gRPC application didn't report service healthy");
  EXPECT_EQ(call("/nf").output, "rpc error: code = NotFound desc = unknown service");
  EXPECT_EQ(call("/pd").output, "rpc error: code = PermissionDenied desc = no way!%zz");
  EXPECT_EQ(call("/weird").output, "rpc error: code = Code(99) desc = x");
  EXPECT_EQ(call("/failafter").output, "rpc error: code = Unavailable desc = ");
}

TEST_F(GrpcCheck, Broken) {
  EXPECT_EQ(
      call("/badst").output,
      "rpc error: code = Internal desc = transport: malformed grpc-status: strconv.Atoi: parsing \"abc\": "
      "invalid syntax");
  EXPECT_EQ(
      call("/rst").output,
      "rpc error: code = Internal desc = stream terminated by RST_STREAM with error code: INTERNAL_ERROR");
  EXPECT_EQ(call("/rst8").output,
            "rpc error: code = Canceled desc = stream terminated by RST_STREAM with error code: CANCEL");
  EXPECT_EQ(call("/goaway").output, "rpc error: code = Unavailable desc = the connection is draining");
  EXPECT_EQ(call("/close").output, "rpc error: code = Unavailable desc = transport is closing");
  EXPECT_EQ(call("/404").output,
            "rpc error: code = Unimplemented desc = Not Found: HTTP status code 404; transport: received the "
            "unexpected content-type \"text/plain\"");
  EXPECT_EQ(call("/nostatus").output,
            "rpc error: code = Internal desc = server closed the stream without sending trailers");
  EXPECT_EQ(call("/nobody").output, "EOF");
  EXPECT_EQ(
      call("/badpb").output,
      "rpc error: code = Internal desc = grpc: failed to unmarshal the received message unexpected EOF");
  EXPECT_EQ(call("/compressed").output,
            "rpc error: code = Internal desc = grpc: compressed flag set with identity or empty encoding");
  EXPECT_EQ(call("/big").output,
            "rpc error: code = ResourceExhausted desc = grpc: received message larger than max (5242880 vs. "
            "4194304)");
}

TEST_F(GrpcCheck, NoAnswer) {
  EXPECT_EQ(call("/hang", std::chrono::milliseconds(200)).output,
            "rpc error: code = DeadlineExceeded desc = context deadline exceeded");
  CheckSpec spec;
  spec.grpc = "127.0.0.1:1/svc";
  EXPECT_EQ(probe(make_grpc_probe, spec).output,
            "rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing "
            "dial tcp "
            "127.0.0.1:1: connect: connection refused\"");
  TestServer closing([](int) {});
  spec.grpc = closing.address();
  EXPECT_EQ(probe(make_grpc_probe, spec).output, "rpc error: code = Unavailable desc = connection closed");
  spec.grpc = server.address();
  spec.grpc_use_tls = true;
  EXPECT_EQ(probe(make_grpc_probe, spec).status, CheckStatus::kCritical);
}

TEST(GrpcMessage, Protobuf) {
  EXPECT_EQ(encode_health_request(""), std::string(5, '\0'));
  EXPECT_EQ(encode_health_request("web"), std::string("\0\0\0\0\5\x0a\3web", 10));
  EXPECT_EQ(*decode_health_response(std::string("\x08\x01", 2)), 1u);
  EXPECT_EQ(*decode_health_response(""), 0u);
  EXPECT_FALSE(decode_health_response("\x08"));
  EXPECT_FALSE(decode_health_response("\x12\x7f"));
}

}  // namespace
}  // namespace praetor::agent
