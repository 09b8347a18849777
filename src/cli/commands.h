// The makers of all commands, for the registry.
#pragma once

#include <memory>

namespace praetor::cli {

class Command;
using CommandPtr = std::unique_ptr<Command>;

CommandPtr make_agent();
CommandPtr make_validate();
CommandPtr make_catalog_datacenters();
CommandPtr make_catalog_nodes();
CommandPtr make_catalog_services();
CommandPtr make_debug();
CommandPtr make_event();
CommandPtr make_exec();
CommandPtr make_force_leave();
CommandPtr make_info();
CommandPtr make_join();
CommandPtr make_keygen();
CommandPtr make_kv_delete();
CommandPtr make_kv_export();
CommandPtr make_kv_get();
CommandPtr make_kv_import();
CommandPtr make_kv_put();
CommandPtr make_leave();
CommandPtr make_lock();
CommandPtr make_maint();
CommandPtr make_members();
CommandPtr make_reload();
CommandPtr make_keyring();
CommandPtr make_monitor();
CommandPtr make_operator_autopilot_get_config();
CommandPtr make_operator_autopilot_set_config();
CommandPtr make_operator_raft_list_peers();
CommandPtr make_operator_raft_remove_peer();
CommandPtr make_rtt();
CommandPtr make_snapshot_inspect();
CommandPtr make_snapshot_restore();
CommandPtr make_snapshot_save();
CommandPtr make_services_deregister();
CommandPtr make_services_register();
CommandPtr make_version();
CommandPtr make_watch();
// Commands that only hold others.
CommandPtr make_catalog();
CommandPtr make_kv();
CommandPtr make_operator();
CommandPtr make_operator_autopilot();
CommandPtr make_operator_raft();
CommandPtr make_services();
CommandPtr make_snapshot();

}  // namespace praetor::cli
