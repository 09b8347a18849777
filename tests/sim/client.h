// A client of the simulated cluster: one operation after the other, at servers of its choice, with a
// patience.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/history.h"
#include "sim/server.h"

namespace praetor::sim {

struct ClientOptions {
  std::vector<std::string> keys;
  std::vector<std::string> nodes;
  Duration think_most = std::chrono::milliseconds(200);
  uint64_t reads_percent = 40;
  Duration patience = std::chrono::seconds(3);
  double answer_lost = 0;  // between server and client
};

class Client {
 public:
  // The servers there are now; whom a client can ask.
  using Servers = std::function<std::vector<SimServer*>()>;
  Client(World& world, History& history, Servers servers, ClientOptions options, int number);

  // Goes on until stop().
  void start();
  void stop() { stopped_ = true; }
  bool idle() const { return current_ == nullptr; }
  void set_patience(Duration patience) { options_.patience = patience; }

  // One operation now, at the leader if there is one.
  void read(ReadMode mode, const std::string& key);
  void write(Command command);

 private:
  void think();
  void act();
  Command choose_write();
  Command choose_session_write();
  SimServer* choose_server();
  void send(Operation& operation, std::function<void(SimServer&)> serve);
  void serve_read(Operation& operation, SimServer& server);
  void serve_write(Operation& operation, SimServer& server);
  // The answer travels back; `deliver` runs if the client still waits.
  void answer(Operation& operation, std::function<void()> deliver);
  void finish(Operation& operation);

  World& world_;
  History& history_;
  const Servers servers_;
  ClientOptions options_;
  const int number_;
  bool stopped_ = false, going_ = false;
  Operation* current_ = nullptr;
  std::map<std::string, KeyState> seen_;
  std::vector<std::string> sessions_;  // that it has made, and not ended
};

}  // namespace praetor::sim
