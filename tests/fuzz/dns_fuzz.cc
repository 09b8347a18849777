// Any bytes as a query, as a recursor's reply, and as a name: nothing may crash, and what is answered must be
// a packet that can be read back.
#include <string>
#include <string_view>

#include "base/clock.h"
#include "dns/answer.h"
#include "dns/fake_backend.h"
#include "tests/fuzz/target.h"

namespace praetor::dns {
namespace {

class NoLater final : public Deferral<std::string> {
 public:
  std::function<void(Result<std::string>)> defer() override {
    return [](const Result<std::string>&) {};
  }
};

struct World {
  World() {
    backend.add_node("n1", "10.0.0.1", {{"key", "value"}, {"rfc1035-raw", std::string(300, 'x')}});
    backend.add_node("n2", "2001:db8::2");
    backend.add_node("alias", "web.service.consul");
    backend.add_service("n1", "consul", 8300);
    for (int port = 1; port < 40; ++port) backend.add_service(port % 2 == 0 ? "n1" : "n2", "web", port);
    backend.add_service("n1", "own", 80, "10.9.9.9").tags = {"a", "b"};
    backend.add_service("alias", "via", 80);
    backend.add_query("q", "web");
  }
  FakeBackend backend;
  Random random{1};
  std::shared_ptr<const CompiledConfig> config = CompiledConfig::make({}).value();
  Answerer answerer{{config, &backend, nullptr, &random, &system_clock()}};
  std::string out = std::string(kMaxMessageBytes, '\0');
};

void answer(World& world, std::string_view packet, Transport transport) {
  NoLater later;
  size_t size = 0;
  if (world.answerer.answer(packet, {transport, "127.0.0.1"}, world.out, size, later) !=
      Answerer::Outcome::kReplied)
    return;
  CHECK(size >= kHeaderBytes && parse_reply(std::string_view(world.out).substr(0, size)).has_value());
}

}  // namespace
}  // namespace praetor::dns

PRAETOR_FUZZ_TARGET(dns) {
  using namespace praetor::dns;
  static World world;
  answer(world, input, Transport::kUdp);
  answer(world, input, Transport::kTcp);
  parse_reply(input);
  if (auto name = name_from_text(input)) {
    auto again = name_from_text(name_to_text(*name));
    CHECK(again && *again == *name);
  }
}
