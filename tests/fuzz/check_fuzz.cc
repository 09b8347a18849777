// What health checks read from the network: HTTP responses, gRPC replies; and the URLs they are told.
#include "agent/check_grpc_message.h"
#include "agent/check_http_message.h"
#include "agent/check_url.h"
#include "tests/fuzz/target.h"

namespace praetor::agent {
namespace {

void read_response(std::string_view input, bool head, bool unpack, size_t piece) {
  constexpr size_t kLimit = 4096;
  ResponseReader reader(head, unpack, kLimit);
  while (!input.empty() && reader.state() < ResponseReader::State::kDone) {
    reader.feed(input.substr(0, piece));
    input.remove_prefix(std::min(piece, input.size()));
  }
  if (reader.state() < ResponseReader::State::kDone) reader.feed_end();
  CHECK(reader.state() >= ResponseReader::State::kDone);
  CHECK(reader.body().tail().size() <= kLimit);
  (void)reader.header("Content-Type");
  (void)reader.body().described();
}

void read_reply(std::string_view input) {
  GrpcReply reply;
  reply.on_header(":status", "200");
  reply.on_header("content-type", "application/grpc");
  reply.on_end_of_headers();
  size_t half = input.size() / 2;
  reply.on_data(input.substr(0, half));
  (void)reply.early_failure();
  reply.on_data(input.substr(half));
  reply.on_header("grpc-status", input.substr(0, 3));
  reply.on_header("grpc-message", input);
  (void)reply.failure();
  (void)decode_health_response(input);
  (void)parse_grpc_target(input);
}

}  // namespace
}  // namespace praetor::agent

PRAETOR_FUZZ_TARGET(check) {
  using namespace praetor::agent;
  read_reply(input);
  if (auto url = parse_url(input)) {
    (void)url->text();
    (void)url->request_target();
    (void)url->hostname();
    (void)url->port();
    static const Url base = parse_url("http://user:pw@host:80/a/b?q#f").value();
    (void)resolve_url(base, *url).text();
  }
  if (input.empty()) return;
  auto flags = static_cast<uint8_t>(input[0]);
  input.remove_prefix(1);
  read_response(input, (flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0 ? 1 + flags / 8 : 1 << 20);
}
