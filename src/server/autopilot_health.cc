#include "server/autopilot_health.h"

#include <algorithm>

namespace praetor::server {
namespace {

Duration between(Time from, Time to) { return Duration(to.unix_nanoseconds() - from.unix_nanoseconds()); }

bool is_healthy(const model::ServerHealth& row, Duration last_contact, const HealthInput& input) {
  if (row.serf_status != "alive") return false;
  if (last_contact < Duration::zero() || last_contact > input.config.last_contact_threshold) return false;
  if (row.last_term != input.last_term) return false;
  return row.last_index + input.config.max_trailing_logs >= input.last_index;
}

// `contact`: -1 ns as long as the server has not answered, or never heard a leader.
void fill_stats(model::ServerHealth& row, const model::RaftStats& stats, Duration& contact) {
  row.last_term = stats.last_term;
  row.last_index = stats.last_index;
  if (stats.last_contact == "never") return;
  if (auto parsed = parse_duration(stats.last_contact)) contact = *parsed;
}

Time whole_seconds(Time time) {
  if (time.nanoseconds >= 500'000'000) ++time.seconds;
  time.nanoseconds = 0;
  return time;
}

}  // namespace

raft::Timings healthy_timings(raft::Timings timings) {
  if (timings.heartbeat_interval <= Duration::zero())
    timings.heartbeat_interval =
        std::min<Duration>(timings.heartbeat_timeout / 10, kLongestHeartbeatInterval);
  return timings;
}

model::OperatorHealth assess_health(const HealthInput& input, StabilityMap& stability) {
  std::map<std::string, ServerTags> known;
  for (const gossip::Member& member : input.members)
    if (auto server = server_tags(member); server && server->status != gossip::MemberStatus::kLeft)
      known.insert_or_assign(server->raft_id(), std::move(*server));
  model::OperatorHealth health;
  health.healthy = true;
  int64_t voters = 0, healthy_voters = 0;
  StabilityMap fresh;
  for (const raft::Server& server : input.configuration.servers) {
    model::ServerHealth row;
    row.id = server.id;
    row.address = server.address;
    row.leader = !input.leader_id.empty() && server.id == input.leader_id;
    row.voter = server.suffrage == raft::Suffrage::kVoter;
    row.serf_status = "none";
    Duration contact{-1};
    Time since;
    if (auto found = known.find(server.id); found != known.end()) {
      row.name = found->second.name;
      row.serf_status = std::string(gossip::member_status_name(found->second.status));
      row.version = found->second.build;
      auto stats = input.stats.find(server.id);
      if (stats != input.stats.end()) fill_stats(row, stats->second, contact);
      row.healthy = stats != input.stats.end() && is_healthy(row, contact, input);
      auto before = stability.find(server.id);
      bool same = before != stability.end() && before->second.healthy == row.healthy;
      since = same ? before->second.since : input.now;
      fresh[server.id] = {row.healthy, since};
    }
    row.last_contact = format_duration(contact);
    row.stable_since = format_rfc3339(whole_seconds(since));
    voters += row.voter;
    healthy_voters += row.voter && row.healthy;
    health.healthy = health.healthy && row.healthy;
    health.servers.push_back(std::move(row));
  }
  health.failure_tolerance = std::max<int64_t>(healthy_voters - (voters / 2 + 1), 0);
  stability = std::move(fresh);
  return health;
}

std::vector<raft::Server> servers_to_promote(const HealthInput& input, const StabilityMap& stability) {
  std::vector<raft::Server> promoted;
  for (const raft::Server& server : input.configuration.servers) {
    if (server.suffrage != raft::Suffrage::kNonvoter) continue;
    auto found = stability.find(server.id);
    if (found == stability.end() || !found->second.healthy) continue;
    // Those that are to stay without a vote say so.
    bool stays = std::any_of(input.members.begin(), input.members.end(), [&](const gossip::Member& member) {
      auto tags = server_tags(member);
      return tags && tags->non_voter && tags->raft_id() == server.id;
    });
    if (!stays && between(found->second.since, input.now) >= input.config.server_stabilization_time)
      promoted.push_back(server);
  }
  return promoted;
}

Cleanup servers_to_remove(const HealthInput& input) {
  Cleanup cleanup;
  if (!input.config.cleanup_dead_servers) return cleanup;
  std::vector<raft::Server> stale = input.configuration.servers;
  std::vector<gossip::Member> failed_voters;
  for (const gossip::Member& member : input.members) {
    auto server = server_tags(member);
    if (!server) continue;
    auto found = std::find_if(stale.begin(), stale.end(), [&](const raft::Server& peer) {
      return peer.address == server->address || peer.id == server->raft_id();
    });
    bool votes = found == stale.end() || found->suffrage != raft::Suffrage::kNonvoter;
    if (found != stale.end()) stale.erase(found);
    if (member.status != gossip::MemberStatus::kFailed) continue;
    (votes ? failed_voters : cleanup.failed).push_back(member);
  }
  // Only as many may go as a minority; the rest has to be told by an operator that they are gone for good.
  size_t dead = failed_voters.size() + stale.size(), peers = input.configuration.voter_count();
  if (dead == 0) return cleanup;
  auto fraction = std::to_string(dead) + "/" + std::to_string(peers);
  if (peers < dead + input.config.min_quorum) {
    cleanup.refusal = "denied, because removing " + fraction +
                      " servers would leave less then minimal allowed quorum of " +
                      std::to_string(input.config.min_quorum) + " servers";
    return cleanup;
  }
  if (peers == 0 || dead > (peers - 1) / 2) {
    cleanup.refusal = "denied, because removing the majority of servers " + fraction + " is not safe";
    return cleanup;
  }
  for (gossip::Member& member : failed_voters) cleanup.failed.push_back(std::move(member));
  if (input.settled) cleanup.stale = std::move(stale);
  return cleanup;
}

}  // namespace praetor::server
