// operator raft, operator autopilot, keyring.
#include <fmt/format.h>

#include "base/text.h"
#include "cli/api_types.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "codec/json.h"

namespace praetor::cli {
namespace {

constexpr int64_t kMaxRelayFactor = 5;

class RaftListPeers : public FlagCommand {
 public:
  RaftListPeers()
      : FlagCommand(R"(
Usage: praetor operator raft list-peers [options]

  Lists the servers of the Raft quorum.
)",
                    HttpFlagSet::kClientAndServer) {
    tell_flag_failure(kFailedToParseArgs);
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    auto api = open_api(ui);
    if (!api) return 1;
    auto response = api->get("/v1/operator/raft/configuration");
    auto peers = response ? codec::from_json<RaftPeers>(response->body)
                          : Result<RaftPeers>(std::unexpected(response.error()));
    if (!peers) {
      ui.error("Error getting peers: Failed to retrieve raft configuration: " + peers.error().message);
      return 1;
    }
    std::vector<std::vector<std::string>> rows;
    rows.push_back({"Node", "ID", "Address", "State", "Voter", "RaftProtocol"});
    for (const RaftPeer& peer : peers->servers) {
      rows.push_back({peer.node, peer.id, peer.address, peer.leader ? "leader" : "follower",
                      peer.voter ? "true" : "false",
                      peer.protocol_version.empty() ? "<=1" : peer.protocol_version});
    }
    ui.print(format_table(rows));
    return 0;
  }
};

class RaftRemovePeer : public FlagCommand {
 public:
  RaftRemovePeer()
      : FlagCommand(R"(
Usage: praetor operator raft remove-peer [options]

  Removes the server with the given address or ID from the Raft configuration.

  It is meant for the rare case that a server which is gone stays in the quorum.
  As long as "praetor members" still shows it, "praetor force-leave" is the
  better way.
)",
                    HttpFlagSet::kClientAndServer) {
    tell_flag_failure(kFailedToParseArgs);
    flags_.add_string("address", &address_, "Address of the server to remove.");
    flags_.add_string("id", &id_, "ID of the server to remove.");
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    auto api = open_api(ui);
    if (!api) return 1;
    if (Status status = remove(*api); !status) {
      ui.error("Error removing peer: " + status.error().message);
      return 1;
    }
    ui.print(address_.empty() ? fmt::format("Removed peer with id \"{}\"", id_)
                              : fmt::format("Removed peer with address \"{}\"", address_));
    return 0;
  }

  Status remove(Api& api) const {
    if (address_.empty() && id_.empty()) return fail("an address or id is required for the peer to remove");
    if (!address_.empty() && !id_.empty()) return fail("cannot give both an address and id");
    Params params;
    if (address_.empty()) {
      params.emplace("id", id_);
    } else {
      params.emplace("address", address_);
    }
    TRY(api.del("/v1/operator/raft/peer", std::move(params)));
    return {};
  }

  std::string address_, id_;
};

Result<AutopilotSettings> autopilot_settings(Api& api) {
  TRY_ASSIGN(HttpResponse response, api.get("/v1/operator/autopilot/configuration"));
  return codec::from_json<AutopilotSettings>(response.body);
}

class AutopilotGet : public FlagCommand {
 public:
  AutopilotGet()
      : FlagCommand(R"(
Usage: praetor operator autopilot get-config [options]

  Prints the Autopilot configuration.
)",
                    HttpFlagSet::kClientAndServer) {
    tell_flag_failure(kFailedToParseArgs);
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    auto api = open_api(ui);
    if (!api) return 1;
    auto settings = autopilot_settings(*api);
    if (!settings) {
      ui.error("Error querying Autopilot configuration: " + settings.error().message);
      return 1;
    }
    auto yes_no = [](bool value) { return value ? "true" : "false"; };
    ui.print(fmt::format(
        "CleanupDeadServers = {}\nLastContactThreshold = {}\nMaxTrailingLogs = {}\nMinQuorum = {}\n"
        "ServerStabilizationTime = {}\nRedundancyZoneTag = {}\nDisableUpgradeMigration = {}\n"
        "UpgradeVersionTag = {}",
        yes_no(settings->cleanup_dead_servers), format_duration(settings->last_contact_threshold),
        settings->max_trailing_logs, settings->min_quorum,
        format_duration(settings->server_stabilization_time), go_quote(settings->redundancy_zone_tag),
        yes_no(settings->disable_upgrade_migration), go_quote(settings->upgrade_version_tag)));
    return 0;
  }
};

class AutopilotSet : public FlagCommand {
 public:
  AutopilotSet()
      : FlagCommand(R"(
Usage: praetor operator autopilot set-config [options]

  Changes the Autopilot configuration. What is not given stays.
)",
                    HttpFlagSet::kClientAndServer) {
    tell_flag_failure(kFailedToParseArgs);
    flags_.add_value("cleanup-dead-servers", &cleanup_,
                     "Whether dead servers are removed once new ones have joined: `true|false`.");
    flags_.add_value("disable-upgrade-migration", &no_migration_,
                     "(Enterprise only) Whether new servers are promoted at once instead of as one upgrade: "
                     "`true|false`.");
    flags_.add_value("last-contact-threshold", &last_contact_,
                     "How long a server may be out of contact with the leader and count as healthy, such as "
                     "`200ms`.");
    flags_.add_value("max-trailing-logs", &trailing_logs_,
                     "How many log entries a server may trail the leader and count as healthy.");
    flags_.add_value("min-quorum", &min_quorum_, "Number of servers below which dead ones are not removed.");
    flags_.add_value("redundancy-zone-tag", &zone_tag_,
                     "(Enterprise only) node_meta key that tells the redundancy zone of a server.");
    flags_.add_value("server-stabilization-time", &stabilization_,
                     "How long a new server must be healthy before it votes, such as `10s`. All servers must "
                     "speak Raft protocol 3.");
    flags_.add_value("upgrade-version-tag", &version_tag_,
                     "(Enterprise only) node_meta key that tells the version of a server in upgrades.");
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    auto api = open_api(ui);
    if (!api) return 1;
    auto settings = autopilot_settings(*api);
    if (!settings) {
      ui.error("Error querying Autopilot configuration: " + settings.error().message);
      return 1;
    }
    apply(*settings);
    auto response =
        api->put("/v1/operator/autopilot/configuration", {{"cas", std::to_string(settings->modify_index)}},
                 codec::to_json(*settings) + "\n");
    if (!response) {
      ui.error("Error updating Autopilot configuration: " + response.error().message);
      return 1;
    }
    if (!contains(response->body, "true")) {
      ui.error("Configuration could not be atomically updated, please try again");
      return 1;
    }
    ui.print("Configuration updated!");
    return 0;
  }

  void apply(AutopilotSettings& settings) const {
    if (cleanup_) settings.cleanup_dead_servers = *cleanup_;
    if (no_migration_) settings.disable_upgrade_migration = *no_migration_;
    if (last_contact_) settings.last_contact_threshold = *last_contact_;
    if (trailing_logs_) settings.max_trailing_logs = *trailing_logs_;
    if (min_quorum_) settings.min_quorum = *min_quorum_;
    if (zone_tag_) settings.redundancy_zone_tag = *zone_tag_;
    if (stabilization_) settings.server_stabilization_time = *stabilization_;
    if (version_tag_) settings.upgrade_version_tag = *version_tag_;
  }

  std::optional<bool> cleanup_, no_migration_;
  std::optional<Duration> last_contact_, stabilization_;
  std::optional<uint64_t> trailing_logs_, min_quorum_;
  std::optional<std::string> zone_tag_, version_tag_;
};

class Keyring : public FlagCommand {
 public:
  Keyring()
      : FlagCommand(R"(
Usage: praetor keyring [options]

  Manages the keys that encrypt gossip: lists them, adds one, makes one primary,
  removes one. Together that rotates the key of a running cluster.

  It works on servers only, and on the LAN and WAN keyrings at once. The exit
  code is 1 if any node fails or does not answer.
)",
                    HttpFlagSet::kClient) {
    flags_.add_string("install", &install_, "Key to add on every member of the cluster.");
    flags_.add_bool("list", &list_, "List the keys in use in the cluster.");
    flags_.add_bool("list-primary", &list_primary_, "List the primary keys in use in the cluster.");
    flags_.add_bool("local-only", &local_only_,
                    "Ask only the servers of this datacenter. For list queries only.");
    flags_.add_int("relay-factor", &relay_factor_,
                   "Number of other nodes, at most 5, over which each node also sends its answer.");
    flags_.add_string("remove", &remove_, "Key to remove from the cluster; not the primary one.");
    flags_.add_string("use", &use_,
                      "Key to make primary: messages are encrypted with it from then on. It must be "
                      "installed.");
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    int actions = list_ + list_primary_ + !install_.empty() + !use_.empty() + !remove_.empty();
    if (actions == 0) {
      ui.error(help(ui));
      return 1;
    }
    if (actions > 1) {
      ui.error("Only a single action is allowed");
      return 1;
    }
    if (relay_factor_ < 0 || relay_factor_ > kMaxRelayFactor) {
      ui.error("Error parsing relay factor: Relay factor must be in range: [0, 5]");
      return 1;
    }
    if (local_only_ && !list_ && !list_primary_) {
      ui.error("Error validating local-only: local-only can only be set for list requests");
      return 1;
    }
    auto api = open_api(ui);
    if (!api) return 1;
    if (list_ || list_primary_) return list(*api, ui);
    if (!install_.empty())
      return change(*api, "Installing new gossip encryption key...", "POST", install_, ui);
    if (!use_.empty()) return change(*api, "Changing primary gossip encryption key...", "PUT", use_, ui);
    return change(*api, "Removing gossip encryption key...", "DELETE", remove_, ui);
  }

  Params params() const {
    Params list;
    if (relay_factor_ != 0) list.emplace("relay-factor", std::to_string(relay_factor_));
    if (local_only_) list.emplace("local-only", "true");
    return list;
  }

  int change(Api& api, std::string_view title, std::string_view method, const std::string& key, Ui& ui) {
    ui.print("==> " + std::string(title));
    std::string body = "{\"Key\":";
    codec::write_json_string(body, key);
    auto response = api.request(method, "/v1/operator/keyring", params(), body + "}\n");
    Status status = response ? require_ok(*response) : Status(std::unexpected(response.error()));
    if (!status) ui.error("error: " + status.error().message);
    return status ? 0 : 1;
  }

  int list(Api& api, Ui& ui) {
    ui.print(list_ ? "==> Gathering installed encryption keys..."
                   : "==> Gathering installed primary encryption keys...");
    auto response = api.get("/v1/operator/keyring", params());
    auto rings = response ? codec::from_json<List<KeyringAnswer>>(response->body)
                          : Result<List<KeyringAnswer>>(std::unexpected(response.error()));
    if (!rings) {
      ui.error("error: " + rings.error().message);
      return 1;
    }
    for (const KeyringAnswer& ring : *rings) {
      std::string pool = ring.wan ? "WAN" : ring.datacenter + " (LAN)";
      if (!ring.segment.empty()) pool += " [" + ring.segment + "]";
      std::string text = "\n" + pool + ":\n";
      for (const auto& [node, message] : ring.messages) text += "  ===> " + node + ": " + message + "\n";
      for (const auto& [key, count] : list_ ? ring.keys : ring.primary_keys) {
        text += fmt::format("  {} [{}/{}]\n", key, count, ring.num_nodes);
      }
      ui.write_out(text);
    }
    return 0;
  }

  std::string install_, use_, remove_;
  bool list_ = false;
  bool list_primary_ = false;
  bool local_only_ = false;
  int64_t relay_factor_ = 0;
};

}  // namespace

CommandPtr make_operator_raft_list_peers() { return std::make_unique<RaftListPeers>(); }
CommandPtr make_operator_raft_remove_peer() { return std::make_unique<RaftRemovePeer>(); }
CommandPtr make_operator_autopilot_get_config() { return std::make_unique<AutopilotGet>(); }
CommandPtr make_operator_autopilot_set_config() { return std::make_unique<AutopilotSet>(); }
CommandPtr make_keyring() { return std::make_unique<Keyring>(); }

}  // namespace praetor::cli
