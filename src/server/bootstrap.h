// bootstrap_expect: a server without state waits until it sees as many servers as it was told to expect,
// makes sure that none of them belongs to a cluster already, and begins a new one with all of them
// (semantics.md 3).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/reactor.h"
#include "gossip/serf.h"
#include "raft/types.h"
#include "server/server_tags.h"

namespace praetor::server {

inline constexpr int kMaxPeerQuestions = 6;  // to one server, before it counts as having no cluster
inline constexpr Duration kPeerQuestionBase = std::chrono::seconds(1);  // doubled after each

struct BootstrapView {
  enum class Verdict : uint8_t { kWait, kReady, kDisabled } verdict = Verdict::kWait;
  std::vector<ServerTags> servers;  // of this datacenter, by address: the configuration to be
  std::string problem;              // an error to be logged, or empty
  std::string culprit;              // the member it is about
};
// Pure. kDisabled cannot come from members alone; a conflict only means to wait until it is gone.
BootstrapView look_for_servers(const std::vector<gossip::Member>& members, const std::string& datacenter,
                               int64_t expect);

raft::Configuration bootstrap_configuration(const std::vector<ServerTags>& servers);

class Server;

// Runs on one reactor, from start() until it has begun a cluster or has seen that there is one.
class BootstrapExpect {
 public:
  BootstrapExpect(Server& server, Reactor& reactor);
  // On the reactor: looks at the members again.
  void check();
  bool waiting() const { return expect_ > 0; }
  void stop() { *alive_ = false; }

 private:
  void ask(size_t index, int attempt);
  void bootstrap();
  void give_up() { expect_ = 0; }

  Server& server_;
  Reactor& reactor_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  int64_t expect_ = 0;  // 0: nothing to wait for (any more)
  bool asking_ = false;
  std::vector<ServerTags> servers_;  // that are being asked
  std::string told_;                 // the problem that was logged last
};

}  // namespace praetor::server
