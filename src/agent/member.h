// A cluster member as the API shows it.
#pragma once

#include <cstdint>
#include <string>

#include "codec/type.h"
#include "gossip/member.h"

namespace praetor::agent {

struct Member {
  std::string name;
  std::string addr;
  int64_t port = 0;
  codec::Map<std::string> tags;
  int64_t status = 0;  // gossip::MemberStatus
  int64_t protocol_min = 0, protocol_max = 0, protocol_cur = 0;
  int64_t delegate_min = 0, delegate_max = 0, delegate_cur = 0;
};
PRAETOR_DESCRIBED(Member)

Member api_member(const gossip::Member& member);

}  // namespace praetor::agent
