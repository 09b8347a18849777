#include "server/peers_file.h"

#include "base/log.h"
#include "codec/json.h"
#include "codec/type.h"
#include "gossip/address.h"

namespace praetor::server {
namespace {

constexpr size_t kMaxPeersFileBytes = 1 << 20;

constexpr const char* kPeersInfo =
    "This directory belongs to a server's consensus state.\n"
    "\n"
    "When a cluster has lost so many servers for good that the rest is no majority any more, it can be "
    "brought\n"
    "back with a file peers.json in this directory:\n"
    "\n"
    "1. Stop all the servers that are left.\n"
    "2. On each of them write the same peers.json, which names exactly the servers that are left. With raft\n"
    "   protocol 3 (the default), where the ids are in the files node-id of the data directories:\n"
    "\n"
    "   [\n"
    "     {\"id\": \"adf4238a-882b-9ddc-4a9d-5b6758e4159e\", \"address\": \"10.1.0.1:8300\", \"non_voter\": "
    "false},\n"
    "     {\"id\": \"8b6dda82-3103-11e7-93ae-92361f002671\", \"address\": \"10.1.0.2:8300\", \"non_voter\": "
    "false}\n"
    "   ]\n"
    "\n"
    "   With raft protocol 2 or less:\n"
    "\n"
    "   [\"10.1.0.1:8300\", \"10.1.0.2:8300\"]\n"
    "\n"
    "3. Start the servers. Each takes the file's configuration and removes the file.\n"
    "\n"
    "Entries of the log that were not committed count as committed after that. Nothing else reads "
    "peers.json.\n";

struct PeerEntry {
  std::string id;
  std::string address;
  bool non_voter = false;
};
PRAETOR_DESCRIBED(PeerEntry)
PRAETOR_DESCRIBE(PeerEntry, "configEntry", field("id", &PeerEntry::id), field("address", &PeerEntry::address),
                 field("non_voter", &PeerEntry::non_voter))

const Logger& logger() {
  static const Logger log("agent.server");
  return log;
}

}  // namespace

Result<raft::Configuration> parse_peers_json(std::string_view text, int64_t raft_protocol) {
  raft::Configuration configuration;
  if (raft_protocol < 3) {
    TRY_ASSIGN(auto addresses, codec::from_json<codec::List<std::string>>(text));
    for (const std::string& address : addresses)
      configuration.servers.push_back({raft::Suffrage::kVoter, address, address});
  } else {
    TRY_ASSIGN(auto peers, codec::from_json<codec::List<PeerEntry>>(text));
    for (const PeerEntry& peer : peers)
      configuration.servers.push_back(
          {peer.non_voter ? raft::Suffrage::kNonvoter : raft::Suffrage::kVoter, peer.id, peer.address});
  }
  TRY(raft::check_configuration(configuration));
  return configuration;
}

Result<std::optional<raft::Configuration>> find_recovery(raft::FileSystem& file_system,
                                                         const std::string& directory,
                                                         int64_t raft_protocol) {
  const std::string info = directory + "/peers.info", peers = directory + "/peers.json";
  TRY_ASSIGN(bool known, file_system.exists(info));
  TRY_ASSIGN(bool given, file_system.exists(peers));
  if (!known) {
    TRY(raft::make_durable_directory(file_system, directory));
    if (Status written = raft::write_file_atomically(file_system, info, kPeersInfo); !written)
      return fail("failed to write peers.info file: " + written.error().message, written.error().kind);
    if (!given) return std::nullopt;
    if (Status removed = remove_peers_json(file_system, directory); !removed)
      return fail("failed to delete peers.json, please delete manually (see peers.info for details): " +
                  removed.error().message);
    logger().info("deleted peers.json file (see peers.info for details)");
    return std::nullopt;
  }
  if (!given) return std::nullopt;
  logger().info("found peers.json file, recovering Raft configuration...");
  TRY_ASSIGN(std::string text, raft::read_file(file_system, peers, kMaxPeersFileBytes));
  auto configuration = parse_peers_json(text, raft_protocol);
  if (!configuration) return fail("recovery failed to parse peers.json: " + configuration.error().message);
  return std::optional(std::move(*configuration));
}

Status remove_peers_json(raft::FileSystem& file_system, const std::string& directory) {
  TRY(file_system.remove(directory + "/peers.json"));
  return file_system.sync_directory(directory);
}

}  // namespace praetor::server
