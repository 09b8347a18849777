// A member that is told nonsense by packet and by stream stays a member, whatever it has been told before.
#include "gossip/framing.h"
#include "gossip/serf.h"
#include "tests/fuzz/target.h"

namespace praetor::gossip {
namespace {

std::unique_ptr<Serf> member(Instant now) {
  SerfOptions options;
  options.swim.name = "me";
  options.swim.address = *Address::parse("10.0.0.1:8301");
  std::unique_ptr<Serf> serf = *Serf::make(std::move(options));
  SerfEffects effects;
  serf->start(now, effects);
  return serf;
}

}  // namespace
}  // namespace praetor::gossip

PRAETOR_FUZZ_TARGET(gossip_member) {
  using namespace praetor::gossip;
  // Each input to a member of its own: a finding repeats.
  praetor::Instant now(std::chrono::hours(1));
  std::unique_ptr<Serf> serf = member(now);
  const Address from = *Address::parse("10.0.0.2:8301");
  const Framing plain;
  SerfEffects effects;
  (void)unframe_packet(plain, input,
                       [&](std::string_view message) { (void)serf->packet(now, from, message, effects); });
  StreamReader reader(plain);
  if (auto message = reader.feed(input); message && !message->empty())
    (void)serf->stream(now, from, *message, effects);
  for (int i = 0; i < 40; ++i) {
    now = std::max(now, serf->next_deadline());
    serf->tick(now, effects);
  }
  CHECK(serf->local_member().name == "me");
  CHECK(serf->local_member().status == MemberStatus::kAlive);
}
