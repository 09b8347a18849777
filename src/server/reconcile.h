// What the leader writes into the catalog for the members of the LAN pool (semantics.md 3). Pure: it reads
// the tables and gives the requests; member_duties.h sends them.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "gossip/serf.h"
#include "model/catalog.h"
#include "store/store.h"

namespace praetor::server {

// What the pool says of a member. kReaped: it is no member any more (forgotten by the pool, or only the
// catalog knows it).
enum class Presence : uint8_t { kAlive, kFailed, kLeft, kReaped, kOther };
Presence presence_of(const gossip::Member& member);

struct ReconcileContext {
  std::string datacenter;
  std::string node_name;  // the leader's own
  // Of the leader's own node, for its first registration; other nodes tell theirs by themselves.
  codec::Map<std::string> tagged_addresses;
  codec::Map<std::string> node_meta;
};

using CatalogWrite = std::variant<model::RegisterRequest, model::DeregisterRequest>;

struct Reconciliation {
  std::vector<CatalogWrite> writes;  // in order; none when the catalog is right already
  // A line for the log, empty when there is nothing to say.
  std::string note;
};

Reconciliation reconcile_member(const store::Tables& tables, const ReconcileContext& context,
                                const gossip::Member& member, Presence presence);

// Nodes of the catalog that have the check of a member but are none: made-up members to be treated as reaped.
// Nodes that somebody registered by hand have no such check and are left alone.
std::vector<gossip::Member> unknown_members(const store::Tables& tables, const std::string& datacenter,
                                            const std::vector<gossip::Member>& members);

}  // namespace praetor::server
