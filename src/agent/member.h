// A cluster member as the API shows it, and what this agent tells of itself.
#pragma once

#include <cstdint>
#include <string>

#include "agent/runtime_config.h"
#include "codec/type.h"

namespace praetor::agent {

enum class MemberStatus : int64_t { kNone, kAlive, kLeaving, kLeft, kFailed };

struct Member {
  std::string name;
  std::string addr;
  int64_t port = 0;
  Map<std::string> tags;
  int64_t status = static_cast<int64_t>(MemberStatus::kAlive);
  int64_t protocol_min = 1, protocol_max = 5, protocol_cur = 2;
  int64_t delegate_min = 2, delegate_max = 5, delegate_cur = 4;
};
PRAETOR_DESCRIBED(Member)

// With the tags of wire.md 4.2.
Member lan_member(const RuntimeConfig& config);
Member wan_member(const RuntimeConfig& config);

}  // namespace praetor::agent
