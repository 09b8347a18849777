#include "server/server.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "base/test_patience.h"
#include "server/leader_duties.h"
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
    ASSERT_EQ(leads.get_future().wait_for(kPatience), std::future_status::ready);
    (*started)->stop();
    reactor.stop();
  }
}

// The effects of a commit reach the duties before its state can be read: the session is not in the store yet.
TEST(Server, EndsASessionThatItHeardOfBeforeItCouldReadIt) {
  Reactor reactor("test");
  reactor.start();
  std::promise<void> leads;
  ServerOptions options = alone(reactor);
  options.on_leadership = [&leads](bool leader) {
    if (leader) leads.set_value();
  };
  auto server = Server::start(std::move(options));
  ASSERT_TRUE(server) << server.error().message;
  ASSERT_EQ(leads.get_future().wait_for(kPatience), std::future_status::ready);
  store::Effects effects;
  effects.sessions_created.push_back({"adf4238a-882b-9ddc-4a9d-5b6758e4159e", "1ms"});
  uint64_t before = 0;
  for (uint64_t now = 1; now != before; now = (*server)->raft().applied_index()) before = now;
  (*server)->leader_duties().on_effects(before, std::move(effects));
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  bool destroyed = false;
  while (!destroyed && std::chrono::steady_clock::now() < deadline) {
    destroyed = (*server)->raft().applied_index() > before;
    std::this_thread::yield();
  }
  EXPECT_TRUE(destroyed);
  (*server)->stop();
  reactor.stop();
}

}  // namespace
}  // namespace praetor::server
