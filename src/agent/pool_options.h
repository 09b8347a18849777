// What the agent's configuration means for its two gossip pools: tags, timings, files, keys, and whom they
// accept.
#pragma once

#include <string>
#include <vector>

#include "agent/pools.h"
#include "gossip/pool.h"

namespace praetor::agent {

// Reads the keyring's file, or makes it with the configured key (disable_keyring_file: nothing is read or
// written). `published` is the caller's to set. The pool keeps a reference to the configuration.
Result<gossip::PoolOptions> pool_options(const RuntimeConfig& config, PoolName name);

// Consul's rules for who may take part; the error is its text.
Status lan_veto(const RuntimeConfig& config, const std::vector<gossip::Member>& members);
Status wan_veto(const std::vector<gossip::Member>& members);

// `server` or `client`: how Consul's log names the part of the agent that gossips.
const char* role_of(const RuntimeConfig& config);

}  // namespace praetor::agent
