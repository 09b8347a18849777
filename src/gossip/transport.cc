#include "gossip/transport.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/write.hpp>
#include <cstring>
#include <unordered_set>

#include "base/text.h"
#include "base/thread_buffer.h"

namespace praetor::gossip {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using boost::system::error_code;

namespace {

constexpr int kPacketsPerWakeup = 64;        // then the reactor's other work gets its turn
constexpr int kPacketBufferBytes = 2 << 20;  // of the kernel: bursts of a large pool
constexpr int kPortTries = 10;

asio::ip::address to_asio(const IpAddress& ip) {
  std::string_view raw = ip.bytes();
  if (ip.is_v6()) {
    asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), raw.data(), bytes.size());
    return asio::ip::address_v6(bytes);
  }
  asio::ip::address_v4::bytes_type bytes{};
  if (!raw.empty()) std::memcpy(bytes.data(), raw.data(), bytes.size());
  return asio::ip::address_v4(bytes);
}

template <typename Endpoint>
Address from_asio(const Endpoint& endpoint) {
  auto raw = [](const auto& bytes) {
    return IpAddress::from_bytes({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  };
  const asio::ip::address& ip = endpoint.address();
  return {ip.is_v6() ? raw(ip.to_v6().to_bytes()) : raw(ip.to_v4().to_bytes()), endpoint.port()};
}

Error go_error(std::string_view what, const error_code& error) {
  if (error == asio::error::eof) return {"EOF", ErrorKind::kIo};
  return io_error(what, error.value());
}

class Link;

// What links share with their transport; outlives both.
struct Hall {
  Reactor* reactor;
  const Framing* framing;
  Duration timeout;
  TransportHandler handler;
  std::unordered_set<std::shared_ptr<Link>> inbound, outbound;
};

// One connection: somebody else's request or our own.
class Link final : public std::enable_shared_from_this<Link> {
 public:
  using Done = std::function<void(Result<std::string>)>;

  Link(std::shared_ptr<Hall> hall, tcp::socket socket)
      : hall_(std::move(hall)), socket_(std::move(socket)), reader_(*hall_->framing) {}

  // Takes a request, answers it.
  void serve(const Address& peer) {
    peer_ = peer;
    done_ = [this](Result<std::string> message) { answer(std::move(message)); };
    expire(system_clock().now() + hall_->timeout, "i/o timeout");
    read();
  }

  void exchange(const Address& to, std::string message, Instant deadline, Done done) {
    peer_ = to;
    outgoing_ = std::move(message);
    done_ = std::move(done);
    expire(deadline, "dial tcp " + to.text() + ": i/o timeout");
    socket_.async_connect({to_asio(to.ip), to.port}, [self = shared_from_this()](const error_code& error) {
      if (self->closed_) return;
      if (error) return self->finish(fail(go_error("dial tcp " + self->peer_.text() + ": connect", error)));
      error_code ignored;
      self->socket_.non_blocking(true, ignored);
      self->timeout_text_ = "read tcp " + self->peer_.text() + ": i/o timeout";
      self->write([self_link = self.get()] { self_link->read(); });
    });
  }

  void close() {
    if (closed_) return;
    closed_ = true;
    hall_->reactor->cancel(timer_);
    error_code ignored;
    socket_.close(ignored);
    auto self = shared_from_this();
    hall_->inbound.erase(self);
    hall_->outbound.erase(self);
  }

 private:
  void expire(Instant deadline, std::string text) {
    timeout_text_ = std::move(text);
    timer_ = hall_->reactor->after(deadline - system_clock().now(), [self = shared_from_this()] {
      if (!self->closed_) self->finish(fail(self->timeout_text_, ErrorKind::kTimeout));
    });
  }

  void read() {
    socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const error_code& error) {
      if (!self->closed_) self->take(error);
    });
  }

  void take(error_code error) {
    size_t size = 0;
    if (!error) size = socket_.read_some(asio::buffer(thread_buffer().data(), kThreadBufferBytes), error);
    if (error == asio::error::would_block) return read();
    if (error == asio::error::eof && reader_.started()) return finish(fail("unexpected EOF", ErrorKind::kIo));
    if (error) return finish(fail(go_error("read tcp " + peer_.text() + ": read", error)));
    auto message = reader_.feed({thread_buffer().data(), size});
    if (message && message->empty()) return read();
    finish(std::move(message));
  }

  template <typename Then>
  void write(Then then) {
    asio::async_write(socket_, asio::buffer(outgoing_),
                      [self = shared_from_this(), then](const error_code& error, size_t) {
                        if (self->closed_) return;
                        if (error)
                          return self->finish(fail(go_error("write tcp " + self->peer_.text(), error)));
                        then();
                      });
  }

  // The message is read, or never will be.
  void finish(Result<std::string> message) {
    Done done = std::exchange(done_, nullptr);
    if (!done) return close();
    auto self = shared_from_this();
    if (!serving()) close();
    done(std::move(message));
  }

  bool serving() const { return hall_->inbound.contains(std::const_pointer_cast<Link>(shared_from_this())); }

  void answer(Result<std::string> message) {
    if (!message && (message.error().kind == ErrorKind::kIo || message.error().kind == ErrorKind::kTimeout))
      return close();
    std::string reply;
    if (!message) {
      reply = encode(MessageType::kErr, ErrResp{message.error().message});
    } else {
      reply = hall_->handler.stream(peer_, *message).value_or("");
    }
    if (closed_ || reply.empty()) return close();
    outgoing_ = frame_stream(*hall_->framing, reply);
    write([this] {
      error_code ignored;
      socket_.shutdown(tcp::socket::shutdown_send, ignored);
      close();
    });
  }

  std::shared_ptr<Hall> hall_;
  tcp::socket socket_;
  StreamReader reader_;
  Address peer_;
  std::string outgoing_, timeout_text_;
  Done done_;
  Reactor::TimerId timer_ = 0;
  bool closed_ = false;
};

class SocketTransport final : public Transport {
 public:
  SocketTransport(Reactor& reactor, const Framing& framing, Duration timeout, TransportHandler handler)
      : context_(reactor.context()),
        hall_(std::make_shared<Hall>(&reactor, &framing, timeout, std::move(handler))),
        packets_(std::make_shared<udp::socket>(context_)),
        acceptor_(std::make_shared<tcp::acceptor>(context_)) {}

  ~SocketTransport() override {
    error_code ignored;
    packets_->close(ignored);
    acceptor_->close(ignored);
    for (auto* links : {&hall_->inbound, &hall_->outbound})
      while (!links->empty()) {
        auto link = *links->begin();
        link->close();
      }
  }

  Status bind(const Address& address) {
    for (int tries = 0;; ++tries) {
      Status status = bind_both(address);
      if (status || address.port != 0 || tries == kPortTries) {
        if (status) {
          wait_for_packets();
          accept();
        }
        return status;
      }
    }
  }

  Address local() const override { return local_; }

  void send(const Address& to, std::string_view message, bool checksum) override {
    std::string packet = frame_packet(*hall_->framing, message, checksum);
    error_code ignored;
    packets_->send_to(asio::buffer(packet), {to_asio(to.ip), to.port}, 0, ignored);
  }

  void exchange(const Address& to, std::string_view message, Instant deadline, Link::Done done) override {
    if (hall_->outbound.size() >= kMaxOutboundStreams) {
      hall_->reactor->post([done = std::move(done), alive = std::weak_ptr(packets_)] {
        if (!alive.expired()) done(fail("too many streams", ErrorKind::kRateLimited));
      });
      return;
    }
    auto link = std::make_shared<Link>(hall_, tcp::socket(context_));
    hall_->outbound.insert(link);
    link->exchange(to, frame_stream(*hall_->framing, message), deadline, std::move(done));
  }

 private:
  Status bind_both(const Address& address) {
    error_code error;
    auto failed = [&](const char* net, uint16_t port) {
      return fail(io_error("listen " + std::string(net) + " " + Address{address.ip, port}.text() + ": bind",
                           error.value()));
    };
    packets_->close(error);
    acceptor_->close(error);
    udp::endpoint packets_at(to_asio(address.ip), address.port);
    packets_->open(packets_at.protocol(), error);
    if (!error) packets_->bind(packets_at, error);
    if (error) return failed("udp", address.port);
    tcp::endpoint streams_at(to_asio(address.ip), packets_->local_endpoint().port());
    acceptor_->open(streams_at.protocol(), error);
    if (!error) acceptor_->set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_->bind(streams_at, error);
    if (!error) acceptor_->listen(asio::socket_base::max_listen_connections, error);
    if (error) return failed("tcp", streams_at.port());
    packets_->set_option(asio::socket_base::receive_buffer_size(kPacketBufferBytes), error);
    packets_->non_blocking(true, error);
    local_ = {address.ip, streams_at.port()};
    return {};
  }

  void wait_for_packets() {
    packets_->async_wait(udp::socket::wait_read,
                         [this, alive = std::weak_ptr(packets_)](const error_code& error) {
                           if (error || alive.expired()) return;
                           take_packets(alive);
                           if (!alive.expired()) wait_for_packets();
                         });
  }

  void take_packets(const std::weak_ptr<udp::socket>& alive) {
    for (int i = 0; i < kPacketsPerWakeup && !alive.expired(); ++i) {
      udp::endpoint from;
      error_code error;
      size_t size =
          packets_->receive_from(asio::buffer(thread_buffer().data(), kThreadBufferBytes), from, 0, error);
      if (error == asio::error::would_block) return;
      if (error) continue;  // an ICMP message about an earlier packet
      // Handlers read the packet before anything else uses the buffer; a copy keeps that no one's worry.
      std::string packet(thread_buffer().data(), size);
      auto hall = hall_;
      Address peer = from_asio(from);
      Status status = unframe_packet(*hall->framing, packet, [&](std::string_view message) {
        if (!alive.expired()) hall->handler.packet(peer, message);
      });
      if (!status && !alive.expired()) hall->handler.bad_packet(peer, status.error());
    }
  }

  void accept() {
    acceptor_->async_accept(
        [this, alive = std::weak_ptr(acceptor_)](const error_code& error, tcp::socket socket) {
          if (alive.expired() || !acceptor_->is_open()) return;
          if (!error) {
            take_stream(std::move(socket));
            return accept();
          }
          // Out of descriptors, perhaps: later.
          hall_->reactor->after(std::chrono::milliseconds(100), [this, alive] {
            if (!alive.expired()) accept();
          });
        });
  }

  void take_stream(tcp::socket socket) {
    error_code error;
    tcp::endpoint peer = socket.remote_endpoint(error);
    if (error || hall_->inbound.size() >= kMaxInboundStreams) return;
    socket.non_blocking(true, error);
    auto link = std::make_shared<Link>(hall_, std::move(socket));
    hall_->inbound.insert(link);
    link->serve(from_asio(peer));
  }

  asio::io_context& context_;
  std::shared_ptr<Hall> hall_;
  std::shared_ptr<udp::socket> packets_;
  std::shared_ptr<tcp::acceptor> acceptor_;
  Address local_;
};

}  // namespace

Result<std::unique_ptr<Transport>> Transport::open(Reactor& reactor, const Address& bind,
                                                   const Framing& framing, Duration stream_timeout,
                                                   TransportHandler handler) {
  auto transport = std::make_unique<SocketTransport>(reactor, framing, stream_timeout, std::move(handler));
  TRY(transport->bind(bind));
  return transport;
}

}  // namespace praetor::gossip
