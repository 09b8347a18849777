// raft/peers.json: an operator's way to give a cluster that has lost its quorum a new configuration
// (semantics.md 19). Beside it lies peers.info, which explains it and marks a data directory that was used
// before: without it a peers.json is an old version's and is only removed.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "raft/env.h"
#include "raft/types.h"

namespace praetor::server {

// Of raft protocol 3: [{"id", "address", "non_voter"}]; of older ones: ["ip:port"].
Result<raft::Configuration> parse_peers_json(std::string_view text, int64_t raft_protocol);

// Looks into the raft directory (which may not exist yet), writes peers.info. A configuration: it is to be
// recovered, then call remove_peers_json.
Result<std::optional<raft::Configuration>> find_recovery(raft::FileSystem& file_system,
                                                         const std::string& directory, int64_t raft_protocol);
Status remove_peers_json(raft::FileSystem& file_system, const std::string& directory);

}  // namespace praetor::server
