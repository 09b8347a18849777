#include "agent/member.h"

namespace praetor::agent {

PRAETOR_DESCRIBE(Member, "AgentMember", field("Name", &Member::name), field("Addr", &Member::addr),
                 field("Port", &Member::port), field("Tags", &Member::tags), field("Status", &Member::status),
                 field("ProtocolMin", &Member::protocol_min), field("ProtocolMax", &Member::protocol_max),
                 field("ProtocolCur", &Member::protocol_cur), field("DelegateMin", &Member::delegate_min),
                 field("DelegateMax", &Member::delegate_max), field("DelegateCur", &Member::delegate_cur))

Member api_member(const gossip::Member& member) {
  Member out;
  out.name = member.name;
  out.addr = member.address.ip.text();
  out.port = member.address.port;
  out.tags = member.tags;
  out.status = static_cast<int64_t>(member.status);
  const gossip::Versions& versions = member.versions;
  out.protocol_min = versions.min;
  out.protocol_max = versions.max;
  out.protocol_cur = versions.current;
  out.delegate_min = versions.delegate_min;
  out.delegate_max = versions.delegate_max;
  out.delegate_cur = versions.delegate_current;
  return out;
}

}  // namespace praetor::agent
