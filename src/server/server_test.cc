#include "server/server.h"

#include <gtest/gtest.h>

#include <future>

#include "store/store.h"

namespace praetor::server {
namespace {

ServerOptions alone(Reactor& reactor) {
  ServerOptions options;
  options.datacenter = "dc1";
  options.node_name = "n1";
  options.node_id = "6d5b3ae7-5e4a-4d4b-9f0e-111111111111";
  options.advertise_address = "127.0.0.1";
  options.in_memory = true;
  options.bootstrap = true;
  options.reactors = {&reactor};
  return options;
}

// The consensus thread of a quorum of one leads at once, often before start() has returned.
TEST(Server, LeadsAndRegistersItselfHoweverEarlyItIsElected) {
  for (int round = 0; round < 100; ++round) {
    Reactor reactor("test");
    reactor.start();
    std::promise<void> leads;
    ServerOptions options = alone(reactor);
    options.on_leadership = [&leads](bool leader) {
      if (leader) leads.set_value();
    };
    auto started = Server::start(std::move(options));
    ASSERT_TRUE(started) << started.error().message;
    ASSERT_EQ(leads.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
    (*started)->stop();
    reactor.stop();
  }
}

}  // namespace
}  // namespace praetor::server
