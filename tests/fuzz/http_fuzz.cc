// Any bytes on an HTTP connection: the real connection and router over a socket pair, and handlers that
// decode what the API's do. The first byte says how the bytes are cut into pieces. What comes back must be
// HTTP.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>

#include "agent/definition.h"
#include "codec/json.h"
#include "http/connection.h"
#include "http/query.h"
#include "http/router.h"
#include "model/catalog.h"
#include "model/kv.h"
#include "tests/fuzz/target.h"

namespace praetor::http {
namespace {

constexpr size_t kMaxInput = 32 << 10;  // fits the socket's buffer

template <typename Body>
void decode_body(const ExchangePtr& exchange) {
  Body body;
  Status status = codec::read_json(exchange->request().body, body, {.reject_unknown = true});
  if (!status) return exchange->respond(error_response(status.error()));
  exchange->respond(Response::text(200, codec::to_json(body)));
}

void decode_query(const ExchangePtr& exchange) {
  static const QueryDefaults defaults;
  const Request& request = exchange->request();
  std::string datacenter;
  model::QueryOptions options;
  if (Status status = parse_query_options(request, defaults, datacenter, options); !status)
    return exchange->respond(error_response(status.error()));
  model::QuerySource source = parse_source(request, defaults);
  auto meta = parse_node_meta(request);
  Response response = Response::text(200, parse_token(request, defaults) + source.node + request.argument);
  set_meta_headers(response, {.index = meta.size() + 1, .consistency = consistency_name(options)});
  exchange->respond(std::move(response));
}

void stream(const ExchangePtr& exchange) {
  auto body = exchange->respond_stream(Response{});
  if (!body) return;
  body->write(exchange->request().body);
  body->write("end");
  body->finish();
}

// One for the process: a reactor that this thread polls.
struct World {
  World()
      : reactor("fuzz"),
        router({.block_endpoints = {"/v1/blocked"},
                .allow_write_from = {"127.0.0.0/8"},
                .response_headers = {{"X-Fuzz", "1"}},
                .default_body_limit = 4096}) {
    const std::vector<Method> all = {Method::kGet, Method::kPut, Method::kPost, Method::kDelete};
    router.add({"/v1/query/", all, decode_query});
    router.add({"/v1/stream", all, stream});
    router.add({"/v1/register", {Method::kPut}, decode_body<model::RegisterRequest>});
    router.add({"/v1/deregister", {Method::kPut}, decode_body<model::DeregisterRequest>});
    router.add({"/v1/service", {Method::kPut}, decode_body<agent::ServiceDefinition>});
    router.add({"/v1/check", {Method::kPut}, decode_body<agent::CheckDefinition>, 100});
    router.add({"/v1/txn", {Method::kPut}, decode_body<codec::List<model::TxnOp>>});
    options->body_limit = [this](const Request& request) { return router.body_limit(request); };
    options->handler = [this](const ExchangePtr& exchange) { router.handle(exchange); };
  }
  void poll() {
    reactor.context().restart();
    reactor.context().poll();
  }
  Reactor reactor;
  Router router;
  std::shared_ptr<ConnectionOptions> options = std::make_shared<ConnectionOptions>();
};

std::string drain(int fd) {
  std::string out;
  char buffer[16 << 10];
  for (ssize_t got; (got = ::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0;)
    out.append(buffer, static_cast<size_t>(got));
  return out;
}

std::string exchange_bytes(World& world, std::string_view input, size_t piece) {
  int ends[2];
  CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  auto connection = make_connection(ends[0], AF_UNIX, world.reactor, world.options, "127.0.0.1");
  connection->start();
  std::string out;
  while (!input.empty() && !connection->closed()) {
    std::string_view now = input.substr(0, piece);
    input.remove_prefix(now.size());
    if (::send(ends[1], now.data(), now.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) break;
    world.poll();
    out += drain(ends[1]);
  }
  ::shutdown(ends[1], SHUT_WR);
  for (int i = 0; i < 4; ++i) {
    world.poll();
    out += drain(ends[1]);
  }
  connection->close();
  world.poll();
  CHECK(connection.use_count() == 1);  // nothing keeps a closed connection
  ::close(ends[1]);
  return out;
}

}  // namespace
}  // namespace praetor::http

PRAETOR_FUZZ_TARGET(http) {
  using namespace praetor::http;
  static World world;
  if (input.empty()) return;
  size_t piece = static_cast<uint8_t>(input[0]) % 8 == 0 ? 1 + static_cast<uint8_t>(input[0]) : kMaxInput;
  input = input.substr(1, kMaxInput);
  std::string out = exchange_bytes(world, input, piece);
  CHECK(out.empty() || out.starts_with("HTTP/1."));
}

// The target of a request and its parameters, without the rest of HTTP.
PRAETOR_FUZZ_TARGET(url) {
  using namespace praetor;
  using namespace praetor::http;
  Request request;
  request.target = input;
  if (!parse_target(request)) return;
  CHECK(request.path.size() <= input.size());
  for (const auto& [name, value] : request.query) CHECK(request.has(name));
  QueryDefaults defaults;
  std::string datacenter;
  model::QueryOptions options;
  if (Status status = parse_query_options(request, defaults, datacenter, options); !status)
    CHECK(!status.error().message.empty());
  (void)parse_source(request, defaults);
  (void)parse_node_meta(request);
  (void)refuse_namespaces(request);
  (void)consistency_name(options);
}
