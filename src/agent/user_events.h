// User events as one agent keeps them: a ring of the newest 256 (semantics.md 11). Gossip brings and spreads
// them; the filters decide what this node keeps. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/agent.h"

namespace praetor::agent {

inline constexpr size_t kUserEventRing = 256;
inline constexpr size_t kUserEventSizeLimit = 512;  // name and payload, before encoding
inline constexpr const char* kUserEventPrefix = "consul:event:";

// Filters are RE2 expressions; a tag filter needs a service filter.
Status validate_user_event(const model::UserEvent& event);
// The gossip payload (wire.md 4.6). Fails when name and payload exceed the limit.
Result<std::string> encode_user_event(const model::UserEvent& event);
// The other way; without a Lamport time.
Result<model::UserEvent> decode_user_event(std::string_view payload);

// What the filters are matched against.
struct EventTarget {
  std::string node;
  // service ID -> tags
  std::map<std::string, std::vector<std::string>> services;
};
bool accepts(const EventTarget& target, const model::UserEvent& event);

// XOR of the two halves of a UUID: the pseudo-index of /v1/event/list.
uint64_t event_index(std::string_view uuid);

class UserEvents {
 public:
  using Listener = std::function<void()>;

  // Appends an event that this node accepts.
  void add(model::UserEvent event);
  // Oldest first; only events of that name, if one is given.
  std::vector<model::UserEvent> list(std::string_view name) const;
  // Of the newest event in such a list; 1 when there is none.
  uint64_t index(std::string_view name) const;
  // Told once, at the next add(); the callback must not block. cancel() may come too late.
  uint64_t notify(Listener listener);
  void cancel(uint64_t id);

 private:
  mutable std::mutex mutex_;
  std::vector<model::UserEvent> ring_;  // oldest first
  uint64_t last_listener_ = 0;
  std::map<uint64_t, Listener> listeners_;
};

}  // namespace praetor::agent
