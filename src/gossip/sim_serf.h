// For tests: a Serf in a SimNetwork, remembering what it told.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gossip/serf.h"
#include "gossip/sim_network.h"

namespace praetor::gossip {

class SimSerf final : public SimMember {
 public:
  explicit SimSerf(SerfOptions options) : serf(std::move(*Serf::make(std::move(options)))) {}

  void start(Instant now, Effects& effects) override {
    run(effects, [&](SerfEffects& out) { serf->start(now, out); });
  }
  void tick(Instant now, Effects& effects) override {
    run(effects, [&](SerfEffects& out) { serf->tick(now, out); });
  }
  Status packet(Instant now, const Address& from, std::string_view message, Effects& effects) override {
    return run(effects, [&](SerfEffects& out) { return serf->packet(now, from, message, out); });
  }
  Result<std::string> stream(Instant now, const Address& from, std::string_view message,
                             Effects& effects) override {
    return run(effects, [&](SerfEffects& out) { return serf->stream(now, from, message, out); });
  }
  void stream_reply(Instant now, uint64_t id, Result<std::string> message, Effects& effects) override {
    run(effects, [&](SerfEffects& out) { serf->stream_reply(now, id, std::move(message), out); });
  }
  Instant next_deadline() const override { return serf->next_deadline(); }

  template <typename Step>
  std::invoke_result_t<Step, SerfEffects&> run(Effects& effects, Step step) {
    SerfEffects out;
    std::swap(out.net, effects);
    struct Keep {
      SerfEffects& out;
      Effects& effects;
      std::vector<SerfEvent>& events;
      ~Keep() {
        std::swap(out.net, effects);
        for (SerfEvent& event : out.events) events.push_back(std::move(event));
      }
    } keep{out, effects, events};
    return step(out);
  }
  template <typename Event>
  std::vector<Event> all() const {
    std::vector<Event> found;
    for (const SerfEvent& event : events)
      if (auto* it = std::get_if<Event>(&event)) found.push_back(*it);
    return found;
  }

  std::unique_ptr<Serf> serf;
  std::vector<SerfEvent> events;
};

}  // namespace praetor::gossip
