#include "cli/api_types.h"

namespace praetor::cli {

PRAETOR_DESCRIBE(KvPair, "KVPair",                             //
                 field("Key", &KvPair::key),                   //
                 field("CreateIndex", &KvPair::create_index),  //
                 field("ModifyIndex", &KvPair::modify_index),  //
                 field("LockIndex", &KvPair::lock_index),      //
                 field("Flags", &KvPair::flags),               //
                 field("Value", &KvPair::value),               //
                 field("Session", &KvPair::session))

PRAETOR_DESCRIBE(KvEntry, "Entry",                 //
                 field("key", &KvEntry::key),      //
                 field("flags", &KvEntry::flags),  //
                 field("value", &KvEntry::value),  //
                 field("namespace", &KvEntry::ns).omit_empty())

PRAETOR_DESCRIBE(AgentMember, "AgentMember",                        //
                 field("Name", &AgentMember::name),                 //
                 field("Addr", &AgentMember::addr),                 //
                 field("Port", &AgentMember::port),                 //
                 field("Tags", &AgentMember::tags),                 //
                 field("Status", &AgentMember::status),             //
                 field("ProtocolMin", &AgentMember::protocol_min),  //
                 field("ProtocolMax", &AgentMember::protocol_max),  //
                 field("ProtocolCur", &AgentMember::protocol_cur),  //
                 field("DelegateMin", &AgentMember::delegate_min),  //
                 field("DelegateMax", &AgentMember::delegate_max),  //
                 field("DelegateCur", &AgentMember::delegate_cur))

PRAETOR_DESCRIBE(CatalogNode, "Node",                                       //
                 field("ID", &CatalogNode::id),                             //
                 field("Node", &CatalogNode::node),                         //
                 field("Address", &CatalogNode::address),                   //
                 field("Datacenter", &CatalogNode::datacenter),             //
                 field("TaggedAddresses", &CatalogNode::tagged_addresses),  //
                 field("Meta", &CatalogNode::meta),                         //
                 field("NodeMeta", &CatalogNode::node_meta))

PRAETOR_DESCRIBE(AgentServiceName, "AgentService",              //
                 field("ID", &AgentServiceName::id),            //
                 field("Service", &AgentServiceName::service),  //
                 field("Tags", &AgentServiceName::tags))

PRAETOR_DESCRIBE(NodeServicesAnswer, "CatalogNode",         //
                 field("Node", &NodeServicesAnswer::node),  //
                 field("Services", &NodeServicesAnswer::services))

PRAETOR_DESCRIBE(AgentCheck, "AgentCheck",                     //
                 field("Node", &AgentCheck::node),             //
                 field("CheckID", &AgentCheck::check_id),      //
                 field("Name", &AgentCheck::name),             //
                 field("Status", &AgentCheck::status),         //
                 field("Notes", &AgentCheck::notes),           //
                 field("Output", &AgentCheck::output),         //
                 field("ServiceID", &AgentCheck::service_id),  //
                 field("ServiceName", &AgentCheck::service_name))

PRAETOR_DESCRIBE(CoordVector, "Coordinate",                      //
                 field("Vec", &CoordVector::vec),                //
                 field("Error", &CoordVector::error),            //
                 field("Adjustment", &CoordVector::adjustment),  //
                 field("Height", &CoordVector::height))

PRAETOR_DESCRIBE(CoordinateEntry, "CoordinateEntry",           //
                 field("Node", &CoordinateEntry::node),        //
                 field("Segment", &CoordinateEntry::segment),  //
                 field("Coord", &CoordinateEntry::coord))

PRAETOR_DESCRIBE(CoordinateDatacenter, "CoordinateDatacenterMap",         //
                 field("Datacenter", &CoordinateDatacenter::datacenter),  //
                 field("AreaID", &CoordinateDatacenter::area_id),         //
                 field("Coordinates", &CoordinateDatacenter::coordinates))

PRAETOR_DESCRIBE(RaftPeer, "RaftServer",                                 //
                 field("ID", &RaftPeer::id),                             //
                 field("Node", &RaftPeer::node),                         //
                 field("Address", &RaftPeer::address),                   //
                 field("Leader", &RaftPeer::leader),                     //
                 field("ProtocolVersion", &RaftPeer::protocol_version),  //
                 field("Voter", &RaftPeer::voter))

PRAETOR_DESCRIBE(RaftPeers, "RaftConfiguration",         //
                 field("Servers", &RaftPeers::servers),  //
                 field("Index", &RaftPeers::index))

PRAETOR_DESCRIBE(
    AutopilotSettings, "AutopilotConfiguration",                                                           //
    field("CleanupDeadServers", &AutopilotSettings::cleanup_dead_servers),                                 //
    field("LastContactThreshold", &AutopilotSettings::last_contact_threshold).flag(codec::kDurationText),  //
    field("MaxTrailingLogs", &AutopilotSettings::max_trailing_logs),                                       //
    field("MinQuorum", &AutopilotSettings::min_quorum),                                                    //
    field("ServerStabilizationTime", &AutopilotSettings::server_stabilization_time)
        .flag(codec::kDurationText),                                                  //
    field("RedundancyZoneTag", &AutopilotSettings::redundancy_zone_tag),              //
    field("DisableUpgradeMigration", &AutopilotSettings::disable_upgrade_migration),  //
    field("UpgradeVersionTag", &AutopilotSettings::upgrade_version_tag),              //
    field("CreateIndex", &AutopilotSettings::create_index),                           //
    field("ModifyIndex", &AutopilotSettings::modify_index))

PRAETOR_DESCRIBE(KeyringAnswer, "KeyringResponse",                    //
                 field("WAN", &KeyringAnswer::wan),                   //
                 field("Datacenter", &KeyringAnswer::datacenter),     //
                 field("Segment", &KeyringAnswer::segment),           //
                 field("Messages", &KeyringAnswer::messages),         //
                 field("Keys", &KeyringAnswer::keys),                 //
                 field("PrimaryKeys", &KeyringAnswer::primary_keys),  //
                 field("NumNodes", &KeyringAnswer::num_nodes))

PRAETOR_DESCRIBE(IdAnswer, "", field("ID", &IdAnswer::id))

PRAETOR_DESCRIBE(SelfConfig, "", field("Datacenter", &SelfConfig::datacenter),
                 field("NodeName", &SelfConfig::node_name))
PRAETOR_DESCRIBE(SelfAnswer, "", field("Config", &SelfAnswer::config))

PRAETOR_DESCRIBE(SessionRequest, "SessionEntry",                                //
                 field("Name", &SessionRequest::name).omit_empty(),             //
                 field("Node", &SessionRequest::node).omit_empty(),             //
                 field("TTL", &SessionRequest::ttl).omit_empty(),               //
                 field("Behavior", &SessionRequest::behavior).omit_empty(),     //
                 field("LockDelay", &SessionRequest::lock_delay).omit_empty(),  //
                 field("Checks", &SessionRequest::checks).omit_empty())

}  // namespace praetor::cli
