#include "sim/client.h"

#include "base/uuid.h"
#include "store/kv.h"

namespace praetor::sim {

using namespace std::chrono_literals;

Client::Client(World& world, History& history, Servers servers, ClientOptions options, int number)
    : world_(world),
      history_(history),
      servers_(std::move(servers)),
      options_(std::move(options)),
      number_(number) {}

void Client::start() {
  going_ = true;
  think();
}

void Client::think() {
  if (!going_ || stopped_) return;
  world_.after(world_.between(1ms, options_.think_most), [this] {
    if (!stopped_ && idle()) act();
  });
}

void Client::act() {
  Random& random = world_.random();
  if (random.below(100) < options_.reads_percent) {
    auto mode = static_cast<ReadMode>(random.below(3));
    return read(mode, world_.pick(options_.keys));
  }
  write(random.below(100) < 25 ? choose_session_write() : choose_write());
}

Command Client::choose_session_write() {
  Random& random = world_.random();
  Command command;
  command.key = world_.pick(options_.nodes);
  if (sessions_.size() < 2 || random.below(3) == 0) {
    if (random.below(6) == 0) {
      command.verb = Verb::kCheck;
      command.value = random.below(2) == 0 ? "critical" : "passing";
      return command;
    }
    command.verb = Verb::kSessionCreate;
    command.session = make_uuid(random);
    command.delete_behavior = random.below(3) == 0;
    command.with_check = random.below(2) == 0;
    sessions_.push_back(command.session);
    return command;
  }
  command.verb = Verb::kSessionDestroy;
  command.session = sessions_.front();
  sessions_.erase(sessions_.begin());
  return command;
}

Command Client::choose_write() {
  Random& random = world_.random();
  Command command;
  command.key = world_.pick(options_.keys);
  auto seen = seen_.find(command.key);
  uint64_t dice = random.below(100);
  if (dice < 30 || (dice < 60 && seen == seen_.end()) || (dice >= 70 && sessions_.empty())) {
    command.verb = Verb::kPut;
  } else if (dice < 60) {
    command.verb = dice < 50 || !seen->second.exists ? Verb::kCas : Verb::kDeleteCas;
    command.expected = seen->second.modify_index;
    std::tie(command.expected_value, command.expected_released) = history_.version_of(seen->second);
  } else if (dice < 70) {
    command.verb = Verb::kDelete;
  } else {
    command.verb = dice < 88 ? Verb::kLock : Verb::kUnlock;
    command.session = world_.pick(sessions_);
  }
  return command;
}

// Most clients know the leader; some ask whoever answers.
SimServer* Client::choose_server() {
  std::vector<SimServer*> servers = servers_();
  if (servers.empty()) return nullptr;
  SimServer* any = world_.pick(servers);
  if (world_.chance(0.15)) return any;
  // Whom a server takes for the leader, or an old leader that has not heard of its end.
  std::vector<SimServer*> leaders;
  for (SimServer* server : servers)
    if (server->running() && server->node().is_leader()) leaders.push_back(server);
  return leaders.empty() ? any : world_.pick(leaders);
}

void Client::read(ReadMode mode, const std::string& key) {
  Operation& operation = history_.begin_read(number_, mode, key);
  send(operation, [this, &operation](SimServer& server) { serve_read(operation, server); });
}

void Client::write(Command command) {
  Operation& operation = history_.begin_write(number_, std::move(command));
  send(operation, [this, &operation](SimServer& server) { serve_write(operation, server); });
}

void Client::send(Operation& operation, std::function<void(SimServer&)> serve) {
  current_ = &operation;
  SimServer* server = choose_server();
  world_.after(options_.patience, [this, &operation] {
    if (operation.ended) return;
    history_.gave_up(operation);
    finish(operation);
  });
  if (server == nullptr) return;
  world_.after(world_.between(50us, 2ms), [this, &operation, server, serve = std::move(serve)] {
    // A write that its client has given up is still on its way.
    if (operation.ended && operation.is_read) return;
    if (!server->running()) {
      if (operation.ended) return;
      history_.refused(operation, "connection refused");
      return finish(operation);
    }
    server->when_running([server, serve] {
      if (server->running()) serve(*server);
    });
  });
}

void Client::answer(Operation& operation, std::function<void()> deliver) {
  if (operation.ended || world_.chance(options_.answer_lost)) return;
  world_.after(world_.between(50us, 2ms), [this, &operation, deliver = std::move(deliver)] {
    if (operation.ended) return;
    deliver();
    finish(operation);
  });
}

void Client::serve_read(Operation& operation, SimServer& server) {
  auto look = [this, &operation, &server] {
    store::View view = server.store().view();
    KeyState seen = state_of(store::kv_get(view, operation.command.key));
    uint64_t index = view.index();
    answer(operation, [this, &operation, id = server.id(), index, seen = std::move(seen)] {
      history_.read(operation, id, index, seen);
      seen_[operation.command.key] = seen;
    });
  };
  auto refuse = [this, &operation](std::string why) {
    answer(operation, [this, &operation, why = std::move(why)] { history_.refused(operation, why); });
  };
  switch (operation.mode) {
    case ReadMode::kStale:
      return look();
    case ReadMode::kDefault:
      return server.node().has_lease() ? look() : refuse("no lease");
    case ReadMode::kConsistent:
      server.node().verify_leader([look, refuse](Status verified) {
        if (verified)
          look();
        else
          refuse(verified.error().message);
      });
  }
}

void Client::serve_write(Operation& operation, SimServer& server) {
  server.node().propose(
      operation.data, [this, &operation, id = server.id()](Result<raft::ProposalResult> result) {
        if (result) {
          answer(operation, [this, &operation, id, index = result->index, text = text_of(result->value)] {
            history_.wrote(operation, id, index, text);
          });
        } else if (result.error().message == raft::kErrNotLeader ||
                   result.error().message == raft::kErrTransferInProgress) {
          answer(operation,
                 [this, &operation, why = result.error().message] { history_.refused(operation, why); });
        }
        // Else nobody knows whether it took place; the client waits until its patience ends.
      });
}

void Client::finish(Operation& operation) {
  if (current_ != &operation) return;
  current_ = nullptr;
  think();
}

}  // namespace praetor::sim
