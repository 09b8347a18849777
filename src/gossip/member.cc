#include "gossip/member.h"

#include <algorithm>
#include <array>

namespace praetor::gossip {

std::string_view member_status_name(MemberStatus status) {
  constexpr std::array<std::string_view, 5> kNames = {"none", "alive", "leaving", "left", "failed"};
  return kNames[static_cast<size_t>(status)];
}

std::string_view Member::tag(std::string_view key) const {
  const std::string* value = tags.get(key);
  return value == nullptr ? std::string_view() : std::string_view(*value);
}

MemberPtr find_member(const MemberList& members, std::string_view name) {
  auto at = std::ranges::lower_bound(members, name, {},
                                     [](const MemberPtr& m) -> std::string_view { return m->name; });
  return at == members.end() || (*at)->name != name ? nullptr : *at;
}

}  // namespace praetor::gossip
