// Commands that only hold others: run on their own they show their help.
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/help.h"

namespace praetor::cli {
namespace {

class ParentCommand : public Command {
 public:
  explicit ParentCommand(std::string_view usage) : usage_(usage) {}
  std::string help(const Ui& ui) const override { return render_help(usage_, nullptr, ui.program()); }
  int run(const std::vector<std::string>&, Ui&) override { return kShowHelp; }

 private:
  std::string_view usage_;
};

CommandPtr parent(std::string_view usage) { return std::make_unique<ParentCommand>(usage); }

}  // namespace

CommandPtr make_kv() {
  return parent(R"(
Usage: praetor kv <subcommand> [options] [args]

  Commands on the key-value store. A few to start with; each subcommand's help
  has more.

  Set the key "app/limit" to 5, creating it if need be:

      $ praetor kv put app/limit 5

  Read it, alone or with its indexes and flags:

      $ praetor kv get app/limit
      $ praetor kv get -detailed app/limit

  Remove it:

      $ praetor kv delete app/limit
)");
}

CommandPtr make_catalog() {
  return parent(R"(
Usage: praetor catalog <subcommand> [options] [args]

  Commands on the catalog: what the servers know of every node and service.
  An agent's own registrations are shown by its HTTP API.

  List the datacenters, the nodes, the services:

      $ praetor catalog datacenters
      $ praetor catalog nodes
      $ praetor catalog services
)");
}

CommandPtr make_operator() {
  return parent(R"(
Usage: praetor operator <subcommand> [options]

  Cluster-level tools for operators, such as those for the Raft subsystem.
  NOTE: used wrongly they can stop the cluster or lose its data.

  With ACLs on, they need a token with operator privileges. Any node of the
  cluster can run them: requests go on to the leader where that is needed.
)");
}

CommandPtr make_operator_raft() {
  return parent(R"(
Usage: praetor operator raft <subcommand> [options]

  Shows the peers of the Raft quorum, and removes a stale one in the rare cases
  where the quorum cannot recover by itself.
)");
}

CommandPtr make_operator_autopilot() {
  return parent(R"(
Usage: praetor operator autopilot <subcommand> [options]

  Shows and changes the configuration of Autopilot, the leader's care for the
  set of servers.
)");
}

CommandPtr make_services() {
  return parent(R"(
Usage: praetor services <subcommand> [options] [args]

  Registers and deregisters services at the local agent. For the services of
  the whole datacenter see "praetor catalog".
)");
}

CommandPtr make_snapshot() {
  return parent(R"(
Usage: praetor snapshot <subcommand> [options] [args]

  Saves, restores and inspects snapshots of the servers' state: keys and values,
  catalog, prepared queries, sessions and ACLs as of one instant. With ACLs on,
  saving and restoring need a management token.

      $ praetor snapshot save backup.snap
      $ praetor snapshot inspect backup.snap
      $ praetor snapshot restore backup.snap
)");
}

}  // namespace praetor::cli
