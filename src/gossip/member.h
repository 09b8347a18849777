// The members of a pool as everybody outside the gossip sees them: one member, what happens to members, and
// the published list that any thread may read.
//
// The contract of a feed (PoolOptions, agent/pools.h): events come in order, on the pool's thread, and the
// published list already shows what an event tells. What receives them must not block: it posts to its own
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "gossip/address.h"
#include "gossip/message.h"
#include "gossip/serf_message.h"

namespace praetor::gossip {

// The tag by which a Praetor agent tells its version, beside Consul's own (wire.md 4.2). Only who has it may
// be sent what Consul 1.8.7 does not understand.
inline constexpr const char* kPraetorTag = "praetor";

// Serf's numbers; they show in the members' API.
enum class MemberStatus : uint8_t { kNone, kAlive, kLeaving, kLeft, kFailed };
std::string_view member_status_name(MemberStatus status);

struct Member {
  std::string name;
  Address address;
  Tags tags;
  MemberStatus status = MemberStatus::kNone;
  Versions versions;

  // Empty when it has no such tag.
  std::string_view tag(std::string_view key) const;
};
using MemberPtr = std::shared_ptr<const Member>;

// By name, the member itself and those that failed or left included. Immutable.
using MemberList = std::vector<MemberPtr>;
using MemberListPtr = std::shared_ptr<const MemberList>;
// Null when there is none of that name.
MemberPtr find_member(const MemberList& members, std::string_view name);

struct MemberEvent {
  enum class Kind : uint8_t { kJoin, kLeave, kFailed, kUpdate, kReap } kind;
  Member member;
};
struct UserEvent {
  LamportTime ltime = 0;
  std::string name, payload;
  bool coalesce = false;
};

// The newest list of a pool's members. Any thread; one writer.
class PublishedMembers {
 public:
  // Never null; empty before the pool is open.
  MemberListPtr list() const {
    std::lock_guard lock(mutex_);
    return list_;
  }
  void publish(MemberListPtr list) {
    std::lock_guard lock(mutex_);
    list_ = std::move(list);
  }

 private:
  mutable std::mutex mutex_;
  MemberListPtr list_ = std::make_shared<const MemberList>();
};

}  // namespace praetor::gossip
