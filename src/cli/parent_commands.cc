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

CommandPtr make_acl() {
  return parent(R"(
Usage: praetor acl <subcommand> [options] [args]

  Works with what controls access: tokens, the policies and roles they refer to,
  and ways to log in.

      $ praetor acl bootstrap
      $ praetor acl policy create -name readers -rules @readers.hcl
      $ praetor acl token create -policy-name readers
)");
}

CommandPtr make_acl_auth_method() {
  return parent(R"(
Usage: praetor acl auth-method <subcommand> [options] [args]

  Works with auth methods: ways to get a token by proving an identity elsewhere.
)");
}

CommandPtr make_acl_binding_rule() {
  return parent(R"(
Usage: praetor acl binding-rule <subcommand> [options] [args]

  Works with binding rules: what logging in with an auth method grants.
)");
}

CommandPtr make_acl_policy() {
  return parent(R"(
Usage: praetor acl policy <subcommand> [options] [args]

  Works with policies: named sets of rules.
)");
}

CommandPtr make_acl_role() {
  return parent(R"(
Usage: praetor acl role <subcommand> [options] [args]

  Works with roles: named sets of policies and identities.
)");
}

CommandPtr make_acl_token() {
  return parent(R"(
Usage: praetor acl token <subcommand> [options] [args]

  Works with tokens, which requests bring to prove what they may do.
)");
}

CommandPtr make_intention() {
  return parent(R"(
Usage: praetor intention <subcommand> [options] [args]

  Works with intentions: which services may connect to which.

      $ praetor intention create -deny web db
      $ praetor intention check web db
)");
}

CommandPtr make_connect_ca() {
  return parent(R"(
Usage: praetor connect ca <subcommand> [options] [args]

  Works with the certificate authority of Connect.
)");
}

CommandPtr make_connect() {
  return parent(R"(
Usage: praetor connect <subcommand> [options] [args]

  Works with Connect, which secures the connections between services.
)");
}

CommandPtr make_config() {
  return parent(R"(
Usage: praetor config <subcommand> [options] [args]

  Works with config entries: settings of services, proxies and gateways that
  hold for a whole datacenter.

      $ praetor config write web.service.hcl
      $ praetor config list -kind service-defaults
)");
}

CommandPtr make_tls_cert() {
  return parent(R"(
Usage: praetor tls cert <subcommand> [options] [filename-prefix]

  Makes certificates of the cluster's authority.

      $ praetor tls cert create -server
)");
}

CommandPtr make_tls_ca() {
  return parent(R"(
Usage: praetor tls ca <subcommand> [options] filename-prefix

  Makes the certificate authority of a cluster.

      $ praetor tls ca create
)");
}

CommandPtr make_tls() {
  return parent(R"(
Usage: praetor tls <subcommand> <subcommand> [options]

  Makes the certificates with which agents secure their own connections.

      $ praetor tls ca create
      $ praetor tls cert create -server
      $ praetor tls cert create -client
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
