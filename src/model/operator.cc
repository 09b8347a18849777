#include "model/operator.h"

#include <algorithm>
#include <array>

#include "base/time.h"

namespace praetor::model {

PRAETOR_DESCRIBE(
    AutopilotConfig, "AutopilotConfiguration",
    field("CleanupDeadServers", &AutopilotConfig::cleanup_dead_servers),
    field("LastContactThreshold", &AutopilotConfig::last_contact_threshold).flag(codec::kDurationText),
    field("MaxTrailingLogs", &AutopilotConfig::max_trailing_logs),
    field("MinQuorum", &AutopilotConfig::min_quorum),
    field("ServerStabilizationTime", &AutopilotConfig::server_stabilization_time).flag(codec::kDurationText),
    field("RedundancyZoneTag", &AutopilotConfig::redundancy_zone_tag),
    field("DisableUpgradeMigration", &AutopilotConfig::disable_upgrade_migration),
    field("UpgradeVersionTag", &AutopilotConfig::upgrade_version_tag), embedded(&AutopilotConfig::indexes))

PRAETOR_DESCRIBE(AutopilotSetConfigRequest, "AutopilotSetConfigRequest",
                 field("Datacenter", &AutopilotSetConfigRequest::datacenter),
                 field("Config", &AutopilotSetConfigRequest::config),
                 field("CAS", &AutopilotSetConfigRequest::cas), embedded(&AutopilotSetConfigRequest::write))

PRAETOR_DESCRIBE(KeyringRequest, "KeyringRequest", field("Operation", &KeyringRequest::operation),
                 field("Key", &KeyringRequest::key), field("Datacenter", &KeyringRequest::datacenter),
                 field("Forwarded", &KeyringRequest::forwarded),
                 field("RelayFactor", &KeyringRequest::relay_factor),
                 field("LocalOnly", &KeyringRequest::local_only), embedded(&KeyringRequest::options))

PRAETOR_DESCRIBE(KeyringResponse, "KeyringResponse", field("WAN", &KeyringResponse::wan),
                 field("Datacenter", &KeyringResponse::datacenter),
                 field("Segment", &KeyringResponse::segment),
                 field("Messages", &KeyringResponse::messages).omit_empty(),
                 field("Keys", &KeyringResponse::keys), field("PrimaryKeys", &KeyringResponse::primary_keys),
                 field("NumNodes", &KeyringResponse::num_nodes),
                 field("Error", &KeyringResponse::error).omit_empty())

PRAETOR_DESCRIBE(KeyringResponses, "KeyringResponses", field("Responses", &KeyringResponses::responses),
                 embedded(&KeyringResponses::meta))

PRAETOR_DESCRIBE(RaftStats, "ServerStats", field("LastContact", &RaftStats::last_contact),
                 field("LastTerm", &RaftStats::last_term), field("LastIndex", &RaftStats::last_index))

PRAETOR_DESCRIBE(ServerHealth, "ServerHealth", field("ID", &ServerHealth::id),
                 field("Name", &ServerHealth::name), field("Address", &ServerHealth::address),
                 field("SerfStatus", &ServerHealth::serf_status), field("Version", &ServerHealth::version),
                 field("Leader", &ServerHealth::leader), field("LastContact", &ServerHealth::last_contact),
                 field("LastTerm", &ServerHealth::last_term), field("LastIndex", &ServerHealth::last_index),
                 field("Healthy", &ServerHealth::healthy), field("Voter", &ServerHealth::voter),
                 field("StableSince", &ServerHealth::stable_since))

PRAETOR_DESCRIBE(OperatorHealth, "OperatorHealthReply", field("Healthy", &OperatorHealth::healthy),
                 field("FailureTolerance", &OperatorHealth::failure_tolerance),
                 field("Servers", &OperatorHealth::servers))

PRAETOR_DESCRIBE(WireServerHealth, "ServerHealth", field("ID", &WireServerHealth::id),
                 field("Name", &WireServerHealth::name), field("Address", &WireServerHealth::address),
                 field("SerfStatus", &WireServerHealth::serf_status),
                 field("Version", &WireServerHealth::version), field("Leader", &WireServerHealth::leader),
                 field("LastContact", &WireServerHealth::last_contact),
                 field("LastTerm", &WireServerHealth::last_term),
                 field("LastIndex", &WireServerHealth::last_index),
                 field("Healthy", &WireServerHealth::healthy), field("Voter", &WireServerHealth::voter),
                 field("StableSince", &WireServerHealth::stable_since))

PRAETOR_DESCRIBE(WireOperatorHealth, "OperatorHealthReply", field("Healthy", &WireOperatorHealth::healthy),
                 field("FailureTolerance", &WireOperatorHealth::failure_tolerance),
                 field("Servers", &WireOperatorHealth::servers))

namespace {
constexpr std::array<std::string_view, 5> kSerfStatuses = {"none", "alive", "leaving", "left", "failed"};
}

WireOperatorHealth to_wire(const OperatorHealth& health) {
  WireOperatorHealth out{health.healthy, health.failure_tolerance, {}};
  for (const ServerHealth& server : health.servers) {
    auto status = std::find(kSerfStatuses.begin(), kSerfStatuses.end(), server.serf_status);
    out.servers.push_back({.id = server.id,
                           .name = server.name,
                           .address = server.address,
                           .serf_status = status == kSerfStatuses.end() ? 0 : status - kSerfStatuses.begin(),
                           .version = server.version,
                           .leader = server.leader,
                           .last_contact = parse_duration(server.last_contact).value_or(Duration(0)),
                           .last_term = server.last_term,
                           .last_index = server.last_index,
                           .healthy = server.healthy,
                           .voter = server.voter,
                           .stable_since = parse_rfc3339(server.stable_since).value_or(Time())});
  }
  return out;
}

OperatorHealth from_wire(const WireOperatorHealth& health) {
  OperatorHealth out{health.healthy, health.failure_tolerance, {}};
  for (const WireServerHealth& server : health.servers) {
    bool known = server.serf_status >= 0 && static_cast<size_t>(server.serf_status) < kSerfStatuses.size();
    out.servers.push_back(
        {.id = server.id,
         .name = server.name,
         .address = server.address,
         .serf_status = std::string(kSerfStatuses[known ? static_cast<size_t>(server.serf_status) : 0]),
         .version = server.version,
         .leader = server.leader,
         .last_contact = format_duration(server.last_contact),
         .last_term = server.last_term,
         .last_index = server.last_index,
         .healthy = server.healthy,
         .voter = server.voter,
         .stable_since = format_rfc3339(server.stable_since)});
  }
  return out;
}

}  // namespace praetor::model
