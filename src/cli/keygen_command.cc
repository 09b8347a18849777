#include "base/random.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/commands.h"

namespace praetor::cli {
namespace {

constexpr size_t kKeyBytes = 32;

class Keygen : public FlagCommand {
 public:
  Keygen()
      : FlagCommand(R"(
Usage: praetor keygen

  Prints a new random key of 32 bytes, in the form that the agent's -encrypt
  option takes, for encrypting gossip.
)",
                    HttpFlagSet::kNone) {}

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    ui.print(base64_encode(secure_random_bytes(kKeyBytes)));
    return 0;
  }
};

}  // namespace

CommandPtr make_keygen() { return std::make_unique<Keygen>(); }

}  // namespace praetor::cli
