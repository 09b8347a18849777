#include "agent/user_events.h"

#include <algorithm>

#include "base/cursor.h"
#include "base/text.h"
#include "codec/msgpack.h"
#include "codec/regexp.h"

namespace praetor::agent {

// As it travels; encode_user_event leaves out what is empty.
struct WireUserEvent {
  std::string id, name, node_filter, service_filter, tag_filter;
  codec::Bytes payload;
  int64_t version = 0;
};
PRAETOR_DESCRIBED(WireUserEvent)
PRAETOR_DESCRIBE(WireUserEvent, "UserEvent", field("ID", &WireUserEvent::id),
                 field("n", &WireUserEvent::name), field("p", &WireUserEvent::payload),
                 field("nf", &WireUserEvent::node_filter), field("sf", &WireUserEvent::service_filter),
                 field("tf", &WireUserEvent::tag_filter), field("v", &WireUserEvent::version))

namespace {

Status check_expression(std::string_view what, const std::string& expression) {
  if (expression.empty()) return {};
  auto compiled = codec::Regexp::compile(expression);
  if (compiled) return {};
  return fail("Invalid " + std::string(what) + " filter: " + compiled.error().message);
}

bool matches(const std::string& expression, const std::string& text) {
  auto compiled = codec::Regexp::compile(expression);
  return compiled && compiled->matches(text);
}

}  // namespace

Status validate_user_event(const model::UserEvent& event) {
  if (event.name.empty()) return fail("User event missing name");
  if (!event.tag_filter.empty() && event.service_filter.empty())
    return fail("Cannot provide tag filter without service filter");
  TRY(check_expression("node", event.node_filter));
  TRY(check_expression("service", event.service_filter));
  TRY(check_expression("tag", event.tag_filter));
  return {};
}

Result<std::string> encode_user_event(const model::UserEvent& event) {
  std::string out;
  size_t pairs = 3;
  for (const std::string* text : {static_cast<const std::string*>(&event.payload), &event.node_filter,
                                  &event.service_filter, &event.tag_filter})
    if (!text->empty()) ++pairs;
  // Consul's event handle encodes with the newer str8 and bin forms.
  auto add = [&out](std::string_view key, const std::string& text) {
    if (text.empty()) return;
    codec::msgpack::put_str8(out, key);
    codec::msgpack::put_str8(out, text);
  };
  codec::msgpack::put_map(out, pairs);
  add("ID", event.id);
  add("n", event.name);
  add("nf", event.node_filter);
  if (!event.payload.empty()) {
    codec::msgpack::put_str8(out, "p");
    codec::msgpack::put_bin(out, event.payload);
  }
  add("sf", event.service_filter);
  add("tf", event.tag_filter);
  codec::msgpack::put_str8(out, "v");
  codec::msgpack::put_int(out, event.version);
  size_t size = std::string_view(kUserEventPrefix).size() + event.name.size() + out.size();
  if (size > kUserEventSizeLimit)
    return fail(format_multierror(
        {"error broadcasting event to segment \"\": user event exceeds configured limit of " +
         std::to_string(kUserEventSizeLimit) + " bytes before encoding"}));
  return out;
}

Result<model::UserEvent> decode_user_event(std::string_view payload) {
  TRY_ASSIGN(auto wire, codec::from_msgpack<WireUserEvent>(payload, {.max_depth = 8}));
  model::UserEvent event;
  event.id = std::move(wire.id);
  event.name = std::move(wire.name);
  event.payload = std::move(wire.payload);
  event.node_filter = std::move(wire.node_filter);
  event.service_filter = std::move(wire.service_filter);
  event.tag_filter = std::move(wire.tag_filter);
  event.version = wire.version;
  return event;
}

bool accepts(const EventTarget& target, const model::UserEvent& event) {
  if (!event.node_filter.empty() && !matches(event.node_filter, target.node)) return false;
  if (event.service_filter.empty()) return true;
  return std::any_of(target.services.begin(), target.services.end(), [&](const auto& service) {
    if (!matches(event.service_filter, service.first)) return false;
    if (event.tag_filter.empty()) return true;
    return std::any_of(service.second.begin(), service.second.end(),
                       [&](const std::string& tag) { return matches(event.tag_filter, tag); });
  });
}

uint64_t event_index(std::string_view uuid) {
  std::string hex;
  for (char c : uuid)
    if (c != '-') hex += c;
  auto bytes = hex_decode(hex);
  if (!bytes || bytes->size() != 16) return 1;
  Cursor cursor(*bytes);
  uint64_t high = cursor.u64();
  return high ^ cursor.u64();
}

void UserEvents::add(model::UserEvent event) {
  std::map<uint64_t, Listener> due;
  {
    std::lock_guard lock(mutex_);
    if (ring_.size() == kUserEventRing) ring_.erase(ring_.begin());
    ring_.push_back(std::move(event));
    due.swap(listeners_);
  }
  for (auto& [id, listener] : due) listener();
}

std::vector<model::UserEvent> UserEvents::list(std::string_view name) const {
  std::lock_guard lock(mutex_);
  std::vector<model::UserEvent> events;
  for (const model::UserEvent& event : ring_)
    if (name.empty() || event.name == name) events.push_back(event);
  return events;
}

uint64_t UserEvents::index(std::string_view name) const {
  std::lock_guard lock(mutex_);
  for (auto event = ring_.rbegin(); event != ring_.rend(); ++event)
    if (name.empty() || event->name == name) return event_index(event->id);
  return 1;
}

uint64_t UserEvents::notify(Listener listener) {
  std::lock_guard lock(mutex_);
  listeners_.emplace(++last_listener_, std::move(listener));
  return last_listener_;
}

void UserEvents::cancel(uint64_t id) {
  std::lock_guard lock(mutex_);
  listeners_.erase(id);
}

}  // namespace praetor::agent
