// A byte stream to what a health check talks to: TCP or a unix socket, with or without TLS. Everything on the
// reactor; one read and one write at a time. Destroying a stream closes it, and none of its callbacks runs
// after that (a callback may destroy its own stream).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/check_dial.h"
#include "agent/check_resolver.h"
#include "agent/check_spec.h"
#include "agent/check_tls.h"
#include "base/reactor.h"

namespace praetor::agent {

struct StreamTarget {
  std::string host_port;  // TCP
  std::string unix_path;  // instead, when not empty
  bool use_tls = false;
  TlsContextPtr tls;     // when use_tls
  std::string tls_name;  // host to verify and to send as SNI
  Duration timeout{0};   // of the connection, without the TLS handshake
};

struct StreamRead {
  std::string_view bytes;  // valid during the call; empty at the end or on failure
  bool end = false;        // the peer closed in order
  std::string error;       // `read tcp a->b: read: connection reset by peer`
};

enum class OpenStage : uint8_t { kOpen, kDial, kTls };  // how far an attempt came

class Stream {
 public:
  using Opened =
      std::function<void(OpenStage failed_at, std::string error)>;  // kOpen and no error: it is open
  using ReadDone = std::function<void(const StreamRead&)>;
  using WriteDone = std::function<void(std::string error)>;

  virtual ~Stream() = default;
  virtual void open(Opened opened) = 0;
  virtual void read(ReadDone done) = 0;
  virtual void write(std::string bytes, WriteDone done) = 0;
  // The protocol that ALPN chose; empty without.
  virtual std::string alpn() const = 0;
};

std::unique_ptr<Stream> make_stream(Reactor& reactor, CheckResolver& resolver, StreamTarget target);

}  // namespace praetor::agent
