// /v1/event (http-api.md 8).
#include "agent/user_events.h"
#include "base/random.h"
#include "base/uuid.h"
#include "http/api.h"
#include "server/pool_methods.h"

namespace praetor::http {
namespace {

void fire(const ApiContext& api, const ExchangePtr& exchange) {
  Request& http = exchange->request();
  model::UserEvent event;
  event.name = http.argument;
  if (event.name.empty()) return respond_text(exchange, 400, "Missing name");
  event.node_filter = std::string(http.parameter("node"));
  event.service_filter = std::string(http.parameter("service"));
  event.tag_filter = std::string(http.parameter("tag"));
  event.payload = std::move(http.body);
  if (Status valid = agent::validate_user_event(event); !valid) return respond_error(exchange, valid.error());
  event.id = make_uuid(thread_random());
  auto payload = agent::encode_user_event(event);
  if (!payload) return respond_error(exchange, payload.error());
  model::EventFireRequest request{
      .datacenter = write_datacenter(api, http), .name = event.name, .payload = std::move(*payload)};
  request.options.token = parse_token(http, api.defaults);
  // The answer shows the event as it is sent, before it has a Lamport time.
  call(api, exchange, server::kInternalEventFire, std::move(request),
       [&api, exchange, event](const model::EventFireResponse&) { respond_object(api, exchange, event); });
}

void answer_list(const ApiContext& api, const ExchangePtr& exchange, const std::string& name) {
  codec::List<model::UserEvent> events(api.events->list(name));
  events.is_nil() ? events.make_empty() : void();
  Response response = Response::text(200, render_document(api, exchange->request(), codec::to_json(events)));
  response.set("Content-Type", "application/json");
  response.set("X-Consul-Index", std::to_string(api.events->index(name)));
  exchange->respond(std::move(response));
}

// Waits while the list's pseudo-index is the client's.
struct Wait : std::enable_shared_from_this<Wait> {
  const ApiContext& api;
  ExchangePtr exchange;
  std::string name;
  uint64_t index;
  Instant deadline;
  uint64_t listener = 0;
  Reactor::TimerId timer = 0;

  Wait(const ApiContext& a, ExchangePtr e, std::string n, uint64_t i, Instant d)
      : api(a), exchange(std::move(e)), name(std::move(n)), index(i), deadline(d) {}

  void go() {
    auto self = shared_from_this();
    Reactor& reactor = exchange->reactor();
    timer = reactor.after(deadline - system_clock().now(), [self] { self->finish(); });
    exchange->on_cancel([weak = weak_from_this()] {
      if (auto waiting = weak.lock()) waiting->stop();
    });
    listen();
  }
  void listen() {
    auto self = shared_from_this();
    Reactor& reactor = exchange->reactor();
    listener = api.events->notify([self, &reactor] { reactor.post([self] { self->woken(); }); });
    if (api.events->index(name) != index) finish();  // it moved before anyone listened
  }
  void woken() {
    if (!exchange) return;
    api.events->index(name) == index ? listen() : finish();
  }
  void stop() {
    api.events->cancel(listener);
    if (exchange) exchange->reactor().cancel(timer);
    exchange.reset();
  }
  void finish() {
    if (!exchange) return;
    ExchangePtr answered = exchange;
    stop();
    answer_list(api, answered, name);
  }
};

void list(const ApiContext& api, const ExchangePtr& exchange) {
  model::DCSpecificRequest request;
  if (!parse_read(api, exchange, request)) return;
  std::string name(exchange->request().parameter("name"));
  uint64_t index = request.options.min_query_index;
  if (index == 0 || api.events->index(name) != index) return answer_list(api, exchange, name);
  Instant deadline = system_clock().now() + api.gateway->blocking_time(request.options);
  std::make_shared<Wait>(api, exchange, name, index, deadline)->go();
}

}  // namespace

void add_event_routes(Router& router, const ApiContext& api) {
  router.add({"/v1/event/fire/", {Method::kPut}, [&api](const ExchangePtr& e) { fire(api, e); }});
  router.add({"/v1/event/list", {Method::kGet}, [&api](const ExchangePtr& e) { list(api, e); }});
}

}  // namespace praetor::http
