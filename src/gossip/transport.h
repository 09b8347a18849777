// A pool's sockets: one UDP socket for packets, one TCP listener at the same port for streams, and
// connections out. Everything runs on one reactor's thread, where it also must be made, used and destroyed.
// Messages are framed and unframed here.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/reactor.h"
#include "base/result.h"
#include "gossip/address.h"
#include "gossip/framing.h"

namespace praetor::gossip {

inline constexpr size_t kMaxInboundStreams = 128;   // at a time; more are closed at once (as memberlist's)
inline constexpr size_t kMaxOutboundStreams = 256;  // at a time; more fail at once

struct TransportHandler {
  // One message of a packet.
  std::function<void(const Address& from, std::string_view message)> packet;
  // A packet that cannot be read (or was not sealed).
  std::function<void(const Address& from, const Error& error)> bad_packet;
  // A stream's message; what is returned goes back (nothing, if it is empty).
  std::function<Result<std::string>(const Address& from, std::string_view message)> stream;
};

class Transport {
 public:
  virtual ~Transport() = default;

  // Port 0 takes any port that both UDP and TCP have free. `framing` and the reactor outlive the transport.
  // After `stream_timeout` a silent peer is given up.
  static Result<std::unique_ptr<Transport>> open(Reactor& reactor, const Address& bind,
                                                 const Framing& framing, Duration stream_timeout,
                                                 TransportHandler handler);

  virtual Address local() const = 0;
  // Lost if the socket's buffer is full, as packets may be.
  virtual void send(const Address& to, std::string_view message, bool checksum) = 0;
  // Sends a message and reads one, before the deadline. Error texts are Go's (`dial tcp …: connect:
  // connection refused`). `done` is not called from inside exchange(), nor after the transport is gone.
  virtual void exchange(const Address& to, std::string_view message, Instant deadline,
                        std::function<void(Result<std::string>)> done) = 0;
};

}  // namespace praetor::gossip
