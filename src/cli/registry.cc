#include "cli/command.h"
#include "cli/commands.h"

namespace praetor::cli {
namespace {

constexpr CommandEntry kCommands[] = {
    {"agent", "Runs an agent", make_agent},
    {"catalog", "Interact with the catalog", make_catalog},
    {"catalog datacenters", "Lists the known datacenters", make_catalog_datacenters},
    {"catalog nodes", "Lists the nodes of a datacenter", make_catalog_nodes},
    {"catalog services", "Lists the services of a datacenter", make_catalog_services},
    {"debug", "Records a debugging archive of an agent", make_debug},
    {"event", "Fires a user event", make_event},
    {"exec", "Runs a command on nodes of the cluster", make_exec},
    {"force-leave", "Forces a member of the cluster into the \"left\" state", make_force_leave},
    {"info", "Shows an agent's internals for operators", make_info},
    {"join", "Tells an agent to join a cluster", make_join},
    {"keygen", "Generates a gossip encryption key", make_keygen},
    {"keyring", "Manages gossip encryption keys", make_keyring},
    {"kv", "Interact with the key-value store", make_kv},
    {"kv delete", "Removes data from the KV store", make_kv_delete},
    {"kv export", "Writes a tree of the KV store as JSON", make_kv_export},
    {"kv get", "Reads or lists data from the KV store", make_kv_get},
    {"kv import", "Loads a tree from JSON into the KV store", make_kv_import},
    {"kv put", "Sets data in the KV store", make_kv_put},
    {"leave", "Makes an agent leave its cluster and shut down", make_leave},
    {"lock", "Runs a command while holding a lock", make_lock},
    {"maint", "Controls maintenance mode of the node or a service", make_maint},
    {"members", "Lists the members of the cluster", make_members},
    {"monitor", "Streams the log of an agent", make_monitor},
    {"operator", "Cluster-level tools for operators", make_operator},
    {"operator autopilot", "Shows and changes the Autopilot configuration", make_operator_autopilot},
    {"operator autopilot get-config", "Prints the Autopilot configuration",
     make_operator_autopilot_get_config},
    {"operator autopilot set-config", "Changes the Autopilot configuration",
     make_operator_autopilot_set_config},
    {"operator raft", "Tools for the Raft quorum", make_operator_raft},
    {"operator raft list-peers", "Lists the servers of the Raft quorum", make_operator_raft_list_peers},
    {"operator raft remove-peer", "Removes a server from the Raft quorum", make_operator_raft_remove_peer},
    {"reload", "Makes an agent read its configuration again", make_reload},
    {"rtt", "Estimates the round trip time between nodes", make_rtt},
    {"services", "Registers and deregisters services", make_services},
    {"services deregister", "Deregisters services at the local agent", make_services_deregister},
    {"services register", "Registers services at the local agent", make_services_register},
    {"snapshot", "Saves, restores and inspects snapshots of the servers' state", make_snapshot},
    {"snapshot inspect", "Describes a snapshot file", make_snapshot_inspect},
    {"snapshot restore", "Restores a snapshot of the servers' state", make_snapshot_restore},
    {"snapshot save", "Saves a snapshot of the servers' state", make_snapshot_save},
    {"validate", "Checks configuration files and folders", make_validate},
    {"version", "Prints the version", make_version},
    {"watch", "Follows a view of the cluster", make_watch},
};

}  // namespace

std::span<const CommandEntry> command_entries() { return kCommands; }

}  // namespace praetor::cli
