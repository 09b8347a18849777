// The words of consensus that cross layers: log entries, the configuration, snapshot descriptions.
// Numbers are hashicorp/raft's (protocol 3), so that entries and snapshots can be exchanged with Consul.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace praetor::raft {

enum class EntryType : uint8_t {
  kCommand = 0,
  kNoop = 1,  // a new leader's first entry: commits what earlier terms left
  // 2 and 3 (add-peer, remove-peer) belong to protocols below 2 and are never written.
  kBarrier = 4,
  kConfiguration = 5,
};

struct Entry {
  uint64_t index = 0;
  uint64_t term = 0;
  EntryType type = EntryType::kCommand;
  std::string data;
  std::string extensions;  // go-raftchunking's protobuf, or empty

  bool operator==(const Entry&) const = default;
};

// Entries are immutable once they have an index; the core, the log thread and the transport share them.
using EntryRef = std::shared_ptr<const Entry>;

enum class Suffrage : uint8_t { kVoter = 0, kNonvoter = 1, kStaging = 2 };
std::string_view suffrage_name(Suffrage suffrage);  // "Voter", "Nonvoter", "Staging"

struct Server {
  Suffrage suffrage = Suffrage::kVoter;
  std::string id;       // node UUID (protocol 3)
  std::string address;  // "ip:port" of the RPC port

  bool operator==(const Server&) const = default;
};

struct Configuration {
  std::vector<Server> servers;

  const Server* find(std::string_view id) const;  // null when absent
  bool is_voter(std::string_view id) const;
  size_t voter_count() const;
  bool operator==(const Configuration&) const = default;
};

// MessagePack {"Servers": [{"Suffrage", "ID", "Address"}]}, the data of a configuration entry. Decoding
// takes the map keys in any order and skips unknown ones.
std::string encode_configuration(const Configuration& configuration);
Result<Configuration> decode_configuration(std::string_view data);
// Why a configuration cannot be used ("empty ID in configuration: …"), in hashicorp/raft's words.
Status check_configuration(const Configuration& configuration);
// Go's %+v of the server list, as `consul info` prints latest_configuration:
// "[{Suffrage:Voter ID:… Address:…}]".
std::string format_configuration(const Configuration& configuration);

struct SnapshotMeta {
  int version = 1;
  std::string id;      // "<term>-<index>-<unix ms>"
  uint64_t index = 0;  // the last entry that the snapshot covers
  uint64_t term = 0;   // and its term
  Configuration configuration;
  uint64_t configuration_index = 0;
  int64_t size = 0;  // bytes of state.bin

  bool operator==(const SnapshotMeta&) const = default;
};

// What must survive a crash before any message of the same step leaves.
struct HardState {
  uint64_t term = 0;
  std::string voted_for;  // server id, or empty

  bool operator==(const HardState&) const = default;
};

enum class Role : uint8_t { kFollower, kCandidate, kLeader, kShutdown };
std::string_view role_name(Role role);  // "Follower", "Candidate", "Leader", "Shutdown"

// Error texts that Consul's layers compare or show; they are hashicorp/raft's.
inline constexpr std::string_view kErrNotLeader = "node is not the leader";
inline constexpr std::string_view kErrLeadershipLost = "leadership lost while committing log";
inline constexpr std::string_view kErrAbortedByRestore = "snapshot restored while committing log";
inline constexpr std::string_view kErrShutdown = "raft is already shutdown";
inline constexpr std::string_view kErrTransferInProgress = "leadership transfer in progress";
inline constexpr std::string_view kErrCantBootstrap = "bootstrap only works on new clusters";
inline constexpr std::string_view kErrNothingNew = "nothing new to snapshot";

}  // namespace praetor::raft
