// TCP: queries of a connection are answered as they come, answers leave together; one that has to wait is
// overtaken by later ones, as RFC 7766 allows.
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/cursor.h"
#include "dns/listeners.h"

namespace praetor::dns {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr size_t kReadBytes = 16 << 10;

class Connection;

// What connections share with their listener; outlives both.
struct Hall {
  explicit Hall(const Shard& served) : shard(served), answer(kMaxMessageBytes) {}
  Shard shard;
  std::vector<char> answer;  // scratch
  std::unordered_set<std::shared_ptr<Connection>> connections;
};

class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Hall> hall, tcp::socket socket, std::string ip)
      : hall_(std::move(hall)),
        socket_(std::move(socket)),
        timer_(socket_.get_executor()),
        ip_(std::move(ip)) {}

  void start() {
    expect(kTcpIdleTimeout);
    watch();
    read();
  }

  void close() {
    if (closed_) return;
    closed_ = true;
    error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
    hall_->connections.erase(shared_from_this());
  }

 private:
  class Later final : public Deferral<std::string> {
   public:
    explicit Later(Connection& connection) : connection_(connection) {}
    std::function<void(Result<std::string>)> defer() override {
      ++connection_.waiting_;
      return [weak = connection_.weak_from_this()](const Result<std::string>& reply) {
        std::shared_ptr<Connection> alive = weak.lock();
        if (!alive || alive->closed_) return;
        --alive->waiting_;
        if (reply && !reply->empty()) alive->append(*reply);
        alive->write();
        alive->read();
      };
    }

   private:
    Connection& connection_;
  };

  void expect(Duration within) { deadline_ = system_clock().now() + within; }

  // One timer a connection; it looks at the deadline, which moves with every message.
  void watch() {
    timer_.expires_at(std::chrono::time_point_cast<std::chrono::steady_clock::duration>(deadline_));
    timer_.async_wait([self = shared_from_this()](error_code error) {
      if (error || self->closed_) return;
      bool idle = self->waiting_ == 0;
      if (self->deadline_ <= system_clock().now() && idle) return self->close();
      if (!idle) self->expect(kTcpIdleTimeout);
      self->watch();
    });
  }

  void read() {
    if (closed_ || reading_ || waiting_ >= kMaxTcpInFlight ||
        out_.size() + writing_.size() > kMaxTcpUnsentBytes)
      return;
    reading_ = true;
    size_t kept = in_.size();
    in_.resize(kept + kReadBytes);
    socket_.async_read_some(asio::buffer(in_.data() + kept, kReadBytes),
                            [self = shared_from_this(), kept](error_code error, size_t size) {
                              self->reading_ = false;
                              self->in_.resize(kept + size);
                              if (self->closed_) return;
                              if (error) return self->close();
                              self->serve();
                              self->write();
                              self->read();
                            });
  }

  void serve() {
    size_t at = 0;
    uint64_t count = 0;
    Instant start = system_clock().now();
    while (waiting_ < kMaxTcpInFlight) {
      Cursor cursor(std::string_view(in_).substr(at));
      std::string_view packet = cursor.bytes(cursor.u16());
      if (!cursor.ok()) break;
      at += 2 + packet.size();
      ++count;
      answer(packet);
    }
    in_.erase(0, at);
    expect(in_.empty() ? kTcpIdleTimeout : kTcpMessageTimeout);
    if (count != 0 && hall_->shard.on_batch) hall_->shard.on_batch(count, system_clock().now() - start);
  }

  void answer(std::string_view packet) {
    size_t size = 0;
    Later later(*this);
    auto outcome = hall_->shard.answerer->answer(packet, {Transport::kTcp, ip_}, hall_->answer, size, later);
    if (outcome == Answerer::Outcome::kReplied) append({hall_->answer.data(), size});
  }

  void append(std::string_view reply) {
    put_u16(out_, static_cast<uint16_t>(reply.size()));
    out_ += reply;
  }

  void write() {
    if (closed_ || out_.empty() || !writing_.empty()) return;
    writing_.swap(out_);
    asio::async_write(socket_, asio::buffer(writing_), [self = shared_from_this()](error_code error, size_t) {
      self->writing_.clear();
      if (self->closed_) return;
      if (error) return self->close();
      self->write();
      // Queries that were left in the buffer while too many waited, too.
      if (!self->in_.empty() && !self->reading_) self->serve();
      self->write();
      self->read();
    });
  }

  std::shared_ptr<Hall> hall_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  std::string ip_;
  std::string in_, out_, writing_;
  Instant deadline_;
  size_t waiting_ = 0;
  bool reading_ = false, closed_ = false;
};

class TcpListener final : public Listening {
 public:
  TcpListener(const Shard& shard, int fd, const tcp& protocol)
      : hall_(std::make_shared<Hall>(shard)), port_(bound_port(fd)), acceptor_(*shard.reactor, protocol, fd) {
    accept();
  }

  ~TcpListener() override {
    error_code ignored;
    acceptor_.close(ignored);
    auto connections = hall_->connections;
    for (const auto& connection : connections) connection->close();
  }

  uint16_t port() const override { return port_; }

 private:
  void accept() {
    acceptor_.async_accept([this, alive = std::weak_ptr<Hall>(hall_)](error_code error, tcp::socket socket) {
      if (alive.expired() || error == asio::error::operation_aborted) return;
      if (!error && hall_->connections.size() < kMaxTcpConnections) {
        error_code failed;
        tcp::endpoint peer = socket.remote_endpoint(failed);
        socket.set_option(tcp::no_delay(true), failed);
        auto connection = std::make_shared<Connection>(hall_, std::move(socket), peer.address().to_string());
        hall_->connections.insert(connection);
        connection->start();
      }
      accept();
    });
  }

  std::shared_ptr<Hall> hall_;
  uint16_t port_;
  tcp::acceptor acceptor_;
};

}  // namespace

Result<std::unique_ptr<Listening>> listen_tcp(const Shard& shard, const ListenAddress& address) {
  TRY_ASSIGN(int fd, bound_socket(address, SOCK_STREAM));
  bool v6 = address.ip.find(':') != std::string::npos;
  return std::make_unique<TcpListener>(shard, fd, v6 ? tcp::v6() : tcp::v4());
}

}  // namespace praetor::dns
