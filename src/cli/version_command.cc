#include "base/version.h"
#include "cli/command.h"
#include "cli/commands.h"

namespace praetor::cli {
namespace {

// Tools read the first two lines as Consul's; Praetor's own version stands after them.
constexpr std::string_view kPretty =
    "Consul v1.8.7\n"
    "Protocol 2 spoken by default, understands 2 to 3 (agent will automatically use protocol >2 when "
    "speaking "
    "to compatible agents)\n"
    "Praetor v";

constexpr std::string_view kJson = R"({
   "Version": "1.8.7",
   "Revision": "",
   "Prerelease": "",
   "RPC": {
      "Default": 2,
      "Min": 2,
      "Max": 3
   }
})";

class Version : public FlagCommand {
 public:
  Version() : FlagCommand("Usage: praetor version [options]", HttpFlagSet::kNone) {
    flags_.add_string("format", &format_, "Output format {pretty|json}");
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (format_ == "pretty") {
      ui.print(std::string(kPretty) + kPraetorVersion + "\n");
    } else if (format_ == "json") {
      ui.print(kJson);
    } else {
      ui.error("Unknown format: " + format_);
      return 1;
    }
    return 0;
  }

  std::string format_ = "pretty";
};

}  // namespace

CommandPtr make_version() { return std::make_unique<Version>(); }

}  // namespace praetor::cli
