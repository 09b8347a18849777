// acl role create, update, read, list, delete.
#include "base/text.h"
#include "cli/acl_command.h"
#include "cli/commands.h"

namespace praetor::cli {
namespace {

class RoleCommand : public AclCommand {
 protected:
  using AclCommand::AclCommand;

  void add_name_flag() { flags_.add_string("name", &name_, "Name of the role."); }
  void add_id_flag() { flags_.add_string("id", &id_, "Id of the role, or its start."); }
  Result<std::string> key(Api& api) const {
    auto id = id_.empty() ? role_id_of_name(api, name_) : role_id(api, id_);
    if (!id) return fail("Error determining role ID: " + id.error().message);
    return id;
  }
  Status apply_grants(Api& api, AclGrants& grants, bool merge) const {
    auto policy = [&](const std::string& start) { return policy_id(api, start); };
    return grants_.apply(grants, {merge, merge, merge, merge}, policy, policy);
  }

  std::string id_, name_, description_;
  GrantFlags grants_;
};

class RoleCreate final : public RoleCommand {
 public:
  RoleCreate()
      : RoleCommand(R"(
Usage: praetor acl role create -name NAME [options]

  Makes a role: a named set of policies and identities for tokens to refer to.

      $ praetor acl role create -name backups -policy-name readers
)") {
    add_name_flag();
    flags_.add_string("description", &description_, "What the role is for.");
    grants_.add_to(flags_, false);
    add_output_flags();
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (name_.empty()) return refuse_with_help("Missing require '-name' flag", ui);
    if (grants_.empty()) {
      return refuse(
          "Cannot create a role without specifying -policy-name, -policy-id, -service-identity, or "
          "-node-identity at "
          "least once",
          ui);
    }
    auto api = open_api(ui);
    if (!api) return 1;
    AclRole role;
    role.name = name_;
    role.description = description_;
    if (Status status = apply_grants(*api, role, false); !status) return refuse(status.error().message, ui);
    auto made = ask<AclRole>(*api, "PUT", "/v1/acl/role", codec::to_json(role));
    if (!made) return refuse("Failed to create new role: " + made.error().message, ui);
    return show(*made, format_acl_role, ui);
  }
};

class RoleUpdate final : public RoleCommand {
 public:
  RoleUpdate()
      : RoleCommand(R"(
Usage: praetor acl role update [options]

  Changes a role. What is given is added to what it has, unless -no-merge is
  given.

      $ praetor acl role update -id 1fa3 -policy-name readers
)") {
    add_id_flag();
    add_name_flag();
    flags_.add_string("description", &description_, "What the role is for.");
    flags_.add_bool("no-merge", &no_merge_, "Replaces the whole role by what is given.");
    grants_.add_to(flags_, false);
    add_output_flags();
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (id_.empty()) return refuse("Cannot update a role without specifying the -id parameter", ui);
    auto api = open_api(ui);
    if (!api) return 1;
    auto id = key(*api);
    if (!id) return refuse(id.error().message, ui);
    auto current = find<AclRole>(*api, "/v1/acl/role/" + *id);
    if (!current) return refuse("Error when retrieving current role: " + current.error().message, ui);
    if (!*current) return refuse("Role not found with ID " + go_quote(*id), ui);
    AclRole role = no_merge_ ? AclRole{} : std::move(**current);
    role.id = *id;
    if (no_merge_ || !name_.empty()) role.name = name_;
    if (no_merge_ || !description_.empty()) role.description = description_;
    if (Status status = apply_grants(*api, role, !no_merge_); !status)
      return refuse(status.error().message, ui);
    auto changed = ask<AclRole>(*api, "PUT", "/v1/acl/role/" + *id, codec::to_json(role));
    if (!changed) return refuse("Error updating role " + go_quote(*id) + ": " + changed.error().message, ui);
    return show(*changed, format_acl_role, ui);
  }

  bool no_merge_ = false;
};

class RoleRead final : public RoleCommand {
 public:
  RoleRead()
      : RoleCommand(R"(
Usage: praetor acl role read [options] ROLE

  Shows a role.

      $ praetor acl role read -name backups
)") {
    add_id_flag();
    add_name_flag();
    add_output_flags();
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (id_.empty() && name_.empty()) return refuse("Must specify either the -id or -name parameters", ui);
    auto api = open_api(ui);
    if (!api) return 1;
    std::string path = "/v1/acl/role/name/" + name_;
    std::string shown = go_quote(name_);
    if (!id_.empty()) {
      auto id = key(*api);
      if (!id) return refuse(id.error().message, ui);
      path = "/v1/acl/role/" + *id;
      shown = go_quote(*id);
    }
    auto role = find<AclRole>(*api, path);
    if (!role) return refuse("Error reading role " + shown + ": " + role.error().message, ui);
    if (!*role)
      return refuse((id_.empty() ? "Role not found with name " : "Role not found with ID ") + shown, ui);
    return show(**role, format_acl_role, ui);
  }
};

class RoleList final : public RoleCommand {
 public:
  RoleList()
      : RoleCommand(R"(
Usage: praetor acl role list [options]

  Lists the roles.
)") {
    add_output_flags();
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    auto api = open_api(ui);
    if (!api) return 1;
    auto list = ask<codec::List<AclRole>>(*api, "GET", "/v1/acl/roles");
    if (!list) return refuse("Failed to retrieve the role list: " + list.error().message, ui);
    return show(*list, format_acl_roles, ui);
  }
};

class RoleDelete final : public RoleCommand {
 public:
  RoleDelete()
      : RoleCommand(R"(
Usage: praetor acl role delete [options] -id ROLE

  Removes a role.

      $ praetor acl role delete -name backups
)") {
    add_id_flag();
    add_name_flag();
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (id_.empty() && name_.empty()) return refuse("Must specify the -id or -name parameters", ui);
    auto api = open_api(ui);
    if (!api) return 1;
    auto id = key(*api);
    if (!id) return refuse(id.error().message, ui);
    if (auto done = api->del("/v1/acl/role/" + *id, params()); !done)
      return refuse("Error deleting role " + go_quote(*id) + ": " + done.error().message, ui);
    ui.print("Role " + go_quote(*id) + " deleted successfully");
    return 0;
  }
};

}  // namespace

CommandPtr make_acl_role_create() { return std::make_unique<RoleCreate>(); }
CommandPtr make_acl_role_update() { return std::make_unique<RoleUpdate>(); }
CommandPtr make_acl_role_read() { return std::make_unique<RoleRead>(); }
CommandPtr make_acl_role_list() { return std::make_unique<RoleList>(); }
CommandPtr make_acl_role_delete() { return std::make_unique<RoleDelete>(); }

}  // namespace praetor::cli
