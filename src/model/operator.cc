#include "model/operator.h"

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

}  // namespace praetor::model
