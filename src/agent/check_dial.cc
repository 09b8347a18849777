#include "agent/check_dial.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/host_port.h"
#include "base/text.h"

namespace praetor::agent {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr Duration kFallbackDelay = std::chrono::milliseconds(300);
constexpr Duration kLeastPerAddress = std::chrono::seconds(2);

std::string lower_case_error(std::string_view what, int error_number) {
  return io_error(what, error_number).message;
}

// One address after the other, until one answers. Two of them race: IPv4 and IPv6.
class Attempts : public std::enable_shared_from_this<Attempts> {
 public:
  using Finished = std::function<void(Attempts&)>;

  Attempts(Reactor& reactor, std::string network, std::vector<ResolvedAddress> addresses, Instant deadline)
      : reactor_(reactor),
        network_(std::move(network)),
        addresses_(std::move(addresses)),
        deadline_(deadline),
        socket_(reactor.context()) {}

  void start(Finished finished) {
    finished_ = std::move(finished);
    try_next();
  }
  void stop() {
    finished_ = nullptr;
    reactor_.cancel(timer_);
    timer_ = 0;
    error_code ignored;
    socket_.close(ignored);
  }
  bool connected() const { return connected_; }
  int release() { return socket_.release(); }
  const ResolvedAddress& peer() const { return addresses_[next_ - 1]; }
  const std::string& error() const { return error_; }

 private:
  void fail(const std::string& what) {
    if (error_.empty()) error_ = "dial " + network_ + " " + peer().text() + ": " + what;
    try_next();
  }

  void end() {
    Finished finished = std::move(finished_);
    finished_ = nullptr;
    if (finished) finished(*this);
  }

  void try_next() {
    reactor_.cancel(timer_);
    timer_ = 0;
    error_code ignored;
    if (socket_.is_open()) socket_.close(ignored);
    Instant now = system_clock().now();
    if (next_ == addresses_.size() || (next_ > 0 && now >= deadline_)) return end();
    Duration left = deadline_ - now;
    Duration share =
        std::min(left, std::max(left / static_cast<int>(addresses_.size() - next_), kLeastPerAddress));
    const ResolvedAddress& address = addresses_[next_++];
    int fd = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return fail(lower_case_error("socket", errno));
    error_code error;
    socket_.assign(fd, error);
    if (error) {
      ::close(fd);
      return fail(lower_case_error("socket", error.value()));
    }
    if (address.family() != AF_UNIX) {
      int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    int code = ::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size);
    if (code != 0 && errno != EINPROGRESS) return fail(lower_case_error("connect", errno));
    timer_ = reactor_.after(share, [self = shared_from_this()] {
      self->timer_ = 0;
      self->fail("i/o timeout");
    });
    socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                       [self = shared_from_this(), at = next_](const error_code& failure) {
                         if (!failure && self->finished_ && self->next_ == at) self->on_writable();
                       });
  }

  void on_writable() {
    if (!socket_.is_open()) return;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return fail(lower_case_error("connect", error));
    reactor_.cancel(timer_);
    timer_ = 0;
    connected_ = true;
    end();
  }

  Reactor& reactor_;
  std::string network_;
  std::vector<ResolvedAddress> addresses_;
  Instant deadline_;
  asio::posix::stream_descriptor socket_;
  Finished finished_;
  size_t next_ = 0;
  Reactor::TimerId timer_ = 0;
  bool connected_ = false;
  std::string error_;
};

Result<uint16_t> port_number(const std::string& port) {
  if (port.empty()) return 0;
  bool digits = port.find_first_not_of("0123456789") == std::string::npos;
  if (digits) {
    auto number = parse_uint(port, 16);
    if (!number) return fail("address " + port + ": invalid port");
    return static_cast<uint16_t>(*number);
  }
  servent entry{};
  servent* found = nullptr;
  char buffer[1024];
  if (::getservbyname_r(port.c_str(), "tcp", &entry, buffer, sizeof buffer, &found) != 0 || found == nullptr)
    return fail("address tcp/" + port + ": unknown port");
  return ntohs(static_cast<uint16_t>(entry.s_port));
}

class DialImpl final : public Dial, public std::enable_shared_from_this<DialImpl> {
 public:
  DialImpl(Reactor& reactor, CheckResolver* resolver, Duration timeout, DialDone done)
      : reactor_(reactor),
        resolver_(resolver),
        deadline_(system_clock().now() + timeout),
        done_(std::move(done)) {}

  void stop() {
    done_ = nullptr;
    if (ticket_ != 0) resolver_->cancel(ticket_);
    reactor_.cancel(timer_);
    for (auto& race : races_)
      if (race) race->stop();
  }

  void start_tcp(const std::string& host_port) {
    auto parts = split_host_port(host_port);
    if (!parts) return fail_later("dial tcp: " + parts.error().message);
    auto port = port_number(parts->port);
    if (!port) return fail_later("dial tcp: " + port.error().message);
    port_ = *port;
    std::string host = parts->host.empty() ? "localhost" : parts->host;
    if (ResolvedAddress literal; parse_ip(host, literal)) {
      reactor_.post([self = shared_from_this(), literal] {
        if (self->done_) self->resolved(Lookup{{literal}, ""});
      });
      return;
    }
    timer_ = reactor_.after(deadline_ - system_clock().now(), [self = shared_from_this(), host] {
      self->timer_ = 0;
      self->fail("dial tcp: lookup " + host + ": i/o timeout");
    });
    ticket_ = resolver_->resolve(
        host, [self = shared_from_this()](const Lookup& lookup) { self->resolved(lookup); });
  }

  void start_unix(const std::string& path) {
    ResolvedAddress address;
    auto* name = reinterpret_cast<sockaddr_un*>(&address.storage);
    if (path.size() >= sizeof name->sun_path) return fail_later("dial unix " + path + ": invalid argument");
    name->sun_family = AF_UNIX;
    std::memcpy(name->sun_path, path.data(), path.size());
    address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
    reactor_.post([self = shared_from_this(), address] {
      if (self->done_) self->race("unix", {address}, {});
    });
  }

 private:
  void fail_later(std::string error) {
    reactor_.post([self = shared_from_this(), error = std::move(error)] { self->fail(error); });
  }

  void fail(std::string error) {
    DialDone done = std::move(done_);
    stop();
    if (done) done({-1, std::move(error), {}});
  }

  void resolved(const Lookup& lookup) {
    ticket_ = 0;
    reactor_.cancel(timer_);
    timer_ = 0;
    if (lookup.addresses.empty()) return fail("dial tcp: " + lookup.error);
    std::vector<ResolvedAddress> first;
    std::vector<ResolvedAddress> second;
    for (ResolvedAddress address : lookup.addresses) {
      address.set_port(port_);
      (address.family() == lookup.addresses.front().family() ? first : second).push_back(address);
    }
    race("tcp", std::move(first), std::move(second));
  }

  void race(const std::string& network, std::vector<ResolvedAddress> first,
            std::vector<ResolvedAddress> second) {
    bool two = !second.empty();
    if (two) {
      races_[1] = std::make_shared<Attempts>(reactor_, network, std::move(second), deadline_);
      timer_ = reactor_.after(kFallbackDelay, [self = shared_from_this()] {
        self->timer_ = 0;
        self->start_second();
      });
    }
    races_[0] = std::make_shared<Attempts>(reactor_, network, std::move(first), deadline_);
    running_ = 1;
    races_[0]->start([self = shared_from_this()](Attempts& race) { self->finished(race); });
  }

  void start_second() {
    if (!done_ || second_started_ || !races_[1]) return;
    second_started_ = true;
    reactor_.cancel(timer_);
    timer_ = 0;
    ++running_;
    races_[1]->start([self = shared_from_this()](Attempts& race) { self->finished(race); });
  }

  void finished(Attempts& race) {
    if (!done_) return;
    --running_;
    if (race.connected()) {
      DialDone done = std::move(done_);
      DialResult result{race.release(), "", race.peer()};
      stop();
      return done(result);
    }
    start_second();
    if (running_ == 0 && done_) fail(races_[0]->error());
  }

  Reactor& reactor_;
  CheckResolver* resolver_;
  Instant deadline_;
  DialDone done_;
  uint16_t port_ = 0;
  CheckResolver::Ticket ticket_ = 0;
  Reactor::TimerId timer_ = 0;
  std::shared_ptr<Attempts> races_[2];
  int running_ = 0;
  bool second_started_ = false;
};

// The caller's end: lets go of the attempt when it is destroyed.
class DialHandle final : public Dial {
 public:
  explicit DialHandle(std::shared_ptr<DialImpl> impl) : impl_(std::move(impl)) {}
  ~DialHandle() override { impl_->stop(); }

 private:
  std::shared_ptr<DialImpl> impl_;
};

}  // namespace

std::unique_ptr<Dial> dial_tcp(Reactor& reactor, CheckResolver& resolver, const std::string& host_port,
                               Duration timeout, DialDone done) {
  auto impl = std::make_shared<DialImpl>(reactor, &resolver, timeout, std::move(done));
  impl->start_tcp(host_port);
  return std::make_unique<DialHandle>(std::move(impl));
}

std::unique_ptr<Dial> dial_unix(Reactor& reactor, const std::string& path, Duration timeout, DialDone done) {
  auto impl = std::make_shared<DialImpl>(reactor, nullptr, timeout, std::move(done));
  impl->start_unix(path);
  return std::make_unique<DialHandle>(std::move(impl));
}

}  // namespace praetor::agent
