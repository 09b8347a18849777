// Services, checks, user events and watches, as the HTTP API takes them.
#include "agent/definition.h"
#include "agent/user_events.h"
#include "agent/watch_plan.h"
#include "codec/json.h"
#include "model/validate.h"
#include "tests/fuzz/target.h"

namespace praetor::agent {
namespace {

void use(const ServiceDefinition& definition) {
  model::NodeService service = definition.node_service();
  auto checks = definition.check_types();
  (void)validate_node_service(service, &definition);
  if (service.weights) (void)model::validate_weights(*service.weights);
  (void)model::validate_service_metadata(definition.kind, service.meta, false);
  add_tagged_addresses(service);
  if (!checks) return;
  for (size_t i = 0; i < checks->size(); ++i)
    (void)codec::to_json(service_check((*checks)[i], service, "node", i + 1, checks->size()));
}

void use(CheckDefinition definition) {
  definition.settings.normalize();
  (void)definition.settings.validate();
  (void)definition.settings.kind_name();
  (void)codec::to_json(definition.health_check("node"));
  (void)definition.check_type().settings.is_exec();
}

// What is written of a definition reads as the same.
template <typename T>
void round_trip(std::string_view input) {
  auto definition = codec::from_json<T>(input, {.reject_unknown = true});
  if (!definition) return;
  use(*definition);
  std::string once = codec::to_json(*definition);
  auto again = codec::from_json<T>(once, {.reject_unknown = true});
  CHECK(again.has_value());
  CHECK(codec::to_json(*again) == once);
}

}  // namespace
}  // namespace praetor::agent

PRAETOR_FUZZ_TARGET(definition) {
  using namespace praetor::agent;
  round_trip<ServiceDefinition>(input);
  round_trip<CheckDefinition>(input);
}

PRAETOR_FUZZ_TARGET(event) {
  using namespace praetor;
  auto event = codec::from_json<model::UserEvent>(input);
  if (!event) return;
  if (agent::validate_user_event(*event)) {
    agent::EventTarget target{"node", {{"web", {"a", "b"}}, {"db", {}}}};
    (void)agent::accepts(target, *event);
  }
  if (auto encoded = agent::encode_user_event(*event)) CHECK(!encoded->empty());
  (void)agent::event_index(event->id);
}

// {"type": …} on the first line, an answer of the server on the rest.
PRAETOR_FUZZ_TARGET(watch) {
  using namespace praetor;
  size_t line = std::min(input.find('\n'), input.size());
  auto parameters = codec::parse_json_value(input.substr(0, line));
  if (!parameters || parameters->map() == nullptr) return;
  auto plan = agent::WatchPlan::parse(*parameters->map(), {"args", "handler"});
  if (!plan) {
    CHECK(!plan.error().message.empty());
    return;
  }
  std::string_view body = input.substr(std::min(line + 1, input.size()));
  for (uint64_t index : {5, 6, 4}) {
    (void)plan->next_request();
    if (!plan->on_response(200, index, "hash", body)) CHECK(plan->on_failure() > Duration{0});
  }
  (void)plan->on_response(404, 7, "", body);
}
