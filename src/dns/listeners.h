// The two kinds of listener. Internal to the server (server.cc, udp.cc, tcp.cc).
#pragma once

#include <sys/socket.h>

#include <array>
#include <functional>
#include <memory>

#include "base/result.h"
#include "dns/answer.h"
#include "dns/server.h"

namespace boost::asio {
class io_context;
}

namespace praetor::dns {

// One reactor's share of the server.
struct Shard {
  boost::asio::io_context* reactor;
  Answerer* answerer;
  std::function<void(uint64_t queries, Duration elapsed)> on_batch;
};

class Listening {
 public:
  virtual ~Listening() = default;  // closes
  virtual uint16_t port() const = 0;
};

Result<std::unique_ptr<Listening>> listen_udp(const Shard& shard, const ListenAddress& address);
Result<std::unique_ptr<Listening>> listen_tcp(const Shard& shard, const ListenAddress& address);

// A socket address and its text.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};
Result<SocketAddress> socket_address(const ListenAddress& address);
// Writes the IP address of `from`, without port or zone, into `out`.
std::string_view ip_text(const sockaddr_storage& from, std::array<char, 64>& out);
// A bound, non-blocking socket; `shared` lets other reactors bind the same address (SO_REUSEPORT).
Result<int> bound_socket(const ListenAddress& address, int socket_type, bool shared = true);
// Whether nobody has the address: sharing would hide another agent that does.
Status check_free(const ListenAddress& address, int socket_type);
uint16_t bound_port(int fd);

}  // namespace praetor::dns
