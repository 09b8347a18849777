// The connections of port 8300 that one reactor serves, from their first byte on: what the listener hands its
// connections to. On that reactor only.
#pragma once

#include <memory>
#include <unordered_map>

#include "rpc/listener.h"

namespace praetor::rpc {

// One of them, of any kind.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual void close() = 0;
};

class Connections {
 public:
  // `options` outlives it; its limits on the number of connections are the listener's affair.
  Connections(Reactor& reactor, const ListenerOptions& options) : reactor_(reactor), options_(options) {}

  // Serves a connection whose first byte has not come.
  void accept(std::shared_ptr<Stream> stream);
  void close();  // all, and those that are still accepted
  size_t size() const { return connections_.size(); }

  // For the connections.
  Reactor& reactor() { return reactor_; }
  const ListenerOptions& options() const { return options_; }
  void add(std::shared_ptr<Connection> connection);
  // After what runs now: the connection is still in it.
  void remove(Connection* connection);

 private:
  Reactor& reactor_;
  const ListenerOptions& options_;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;
  bool closed_ = false;
};

}  // namespace praetor::rpc
