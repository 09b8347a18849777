#include <re2/re2.h>

#include <algorithm>

#include "base/host_port.h"
#include "base/text.h"
#include "cli/api_types.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/regexp.h"
#include "cli/table.h"
#include "codec/json.h"

namespace praetor::cli {
namespace {

constexpr int kNobodyMatched = 2;

class Members : public FlagCommand {
 public:
  Members()
      : FlagCommand(R"(
Usage: praetor members [options]

  Lists the members of the cluster as the agent sees them.
)",
                    HttpFlagSet::kClient) {
    flags_.add_bool("detailed", &detailed_, "Print every tag of the members.");
    segment_ = "_all";
    flags_.add_string("segment", &segment_, "(Enterprise only) Network segment whose members are listed.");
    flags_.add_string("status", &status_,
                      "Regular expression: only members whose status matches are listed.");
    flags_.add_bool("wan", &wan_, "List the servers of all datacenters (the agent must be a server).");
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    auto pattern = compile_regexp(status_);
    if (!pattern) {
      ui.error("Failed to compile status regexp: " + pattern.error().message);
      return 1;
    }
    auto api = open_api(ui);
    if (!api) return 1;
    auto members = query(*api);
    if (!members) {
      ui.error("Error retrieving members: " + members.error().message);
      return 1;
    }
    std::erase_if(*members, [&](const AgentMember& member) {
      return !RE2::PartialMatch(status_text(member), **pattern);
    });
    if (members->empty()) return kNobodyMatched;
    for (AgentMember& member : *members) name_segment(member);
    std::ranges::sort(*members, [](const AgentMember& a, const AgentMember& b) {
      return std::pair(tag(a, "segment"), a.name) < std::pair(tag(b, "segment"), b.name);
    });
    ui.print(detailed_ ? detailed(*members) : standard(*members));
    return 0;
  }

  Result<List<AgentMember>> query(Api& api) const {
    Params params = {{"segment", segment_}};
    if (wan_) params.emplace("wan", "1");
    TRY_ASSIGN(HttpResponse response, api.get("/v1/agent/members", std::move(params)));
    return codec::from_json<List<AgentMember>>(response.body);
  }

  static std::string tag(const AgentMember& member, std::string_view name) {
    const std::string* value = member.tags.get(name);
    return value == nullptr ? "" : *value;
  }

  // Servers belong to every segment; other members without one to the default segment.
  static void name_segment(AgentMember& member) {
    if (!tag(member, "segment").empty()) return;
    member.tags["segment"] = tag(member, "role") == "consul" ? "<all>" : "<default>";
  }

  static std::string status_text(const AgentMember& member) {
    static constexpr const char* kNames[] = {"none", "alive", "leaving", "left", "failed"};
    return member.status >= 0 && member.status < 5 ? kNames[member.status] : "unknown";
  }

  static std::string address(const AgentMember& member) {
    return join_host_port(member.addr, std::to_string(member.port));
  }

  static std::string standard(const List<AgentMember>& members) {
    std::vector<std::vector<std::string>> rows;
    rows.push_back({"Node", "Address", "Status", "Type", "Build", "Protocol", "DC", "Segment"});
    for (const AgentMember& member : members) {
      std::string role = tag(member, "role");
      std::string type = role == "consul" ? "server" : role == "node" ? "client" : "unknown";
      std::string build = tag(member, "build");
      if (build.empty()) {
        build = "< 0.3";
      } else {
        build.erase(std::min(build.find(':'), build.size()));
      }
      std::string protocol = tag(member, "vsn");
      rows.push_back({member.name, address(member), status_text(member), type, build, protocol,
                      tag(member, "dc"), tag(member, "segment")});
    }
    return format_table(rows);
  }

  static std::string detailed(const List<AgentMember>& members) {
    std::vector<std::vector<std::string>> rows;
    rows.push_back({"Node", "Address", "Status", "Tags"});
    for (const AgentMember& member : members) {
      std::vector<std::string> tags;
      for (const auto& [key, value] : member.tags) tags.push_back(key + "=" + value);
      rows.push_back({member.name, address(member), status_text(member), join(tags, ",")});
    }
    return format_table(rows);
  }

  bool detailed_ = false;
  bool wan_ = false;
  std::string status_ = ".*";
  std::string segment_;
};

}  // namespace

CommandPtr make_members() { return std::make_unique<Members>(); }

}  // namespace praetor::cli
