#include "http/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstring>
#include <mutex>
#include <unordered_map>

#include "base/host_port.h"
#include "base/text.h"
#include "http/connection.h"

namespace praetor::http {

namespace asio = boost::asio;

namespace {

constexpr int kBacklog = 4096;
constexpr Duration kSweepInterval = std::chrono::seconds(5);

struct Bound {
  int fd = -1;
  int family = 0;
  uint16_t port = 0;
  std::string unix_path;
};

Error listen_error(const std::string& name, int number) {
  return io_error("Failed to listen on " + name + ": listen " + name + ": bind", number);
}

Result<Bound> bind_unix(const ListenAddress& address) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (address.host.size() >= sizeof name.sun_path)
    return fail("unix socket path is too long (at most " + std::to_string(sizeof name.sun_path - 1) +
                " bytes): " + address.host);
  std::memcpy(name.sun_path, address.host.data(), address.host.size());
  struct stat info{};
  if (::stat(address.host.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) ::unlink(address.host.c_str());
  int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(io_error("socket", errno));
  if (::bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0 || ::listen(fd, kBacklog) != 0) {
    int number = errno;
    ::close(fd);
    return fail(listen_error(address.host, number));
  }
  auto id = [](const std::string& text) {
    return text.empty() ? -1 : static_cast<int>(parse_uint(text, 31).value_or(0));
  };
  int user = id(address.unix_user), group = id(address.unix_group);
  if ((user >= 0 || group >= 0) &&
      ::chown(address.host.c_str(), static_cast<uid_t>(user), static_cast<gid_t>(group)) != 0)
    return fail(io_error("Failed setting up socket: chown " + address.host, errno));
  if (!address.unix_mode.empty()) {
    mode_t mode = 0;
    for (char c : address.unix_mode) mode = mode * 8 + static_cast<mode_t>(c - '0');
    if (::chmod(address.host.c_str(), mode) != 0)
      return fail(io_error("Failed setting up socket: chmod " + address.host, errno));
  }
  return Bound{fd, AF_UNIX, 0, address.host};
}

Result<Bound> bind_tcp(const ListenAddress& address) {
  bool v6 = contains(address.host, ":");
  std::string name = join_host_port(address.host, address.port);
  sockaddr_storage storage{};
  socklen_t length = 0;
  if (v6) {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&storage);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(address.port);
    length = sizeof *in6;
    if (::inet_pton(AF_INET6, address.host.c_str(), &in6->sin6_addr) != 1)
      return fail("invalid listen address: " + name);
  } else {
    auto* in4 = reinterpret_cast<sockaddr_in*>(&storage);
    in4->sin_family = AF_INET;
    in4->sin_port = htons(address.port);
    length = sizeof *in4;
    if (::inet_pton(AF_INET, address.host.c_str(), &in4->sin_addr) != 1)
      return fail("invalid listen address: " + name);
  }
  int fd = ::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(io_error("socket", errno));
  int one = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&storage), length) != 0 || ::listen(fd, kBacklog) != 0) {
    int number = errno;
    ::close(fd);
    return fail(listen_error(name, number));
  }
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length);
  uint16_t port = ntohs(v6 ? reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port
                           : reinterpret_cast<sockaddr_in*>(&storage)->sin_port);
  return Bound{fd, storage.ss_family, port, ""};
}

std::string ip_of(const sockaddr_storage& peer) {
  char text[INET6_ADDRSTRLEN] = "";
  if (peer.ss_family == AF_INET)
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(peer).sin_addr, text, sizeof text);
  if (peer.ss_family == AF_INET6)
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr, text, sizeof text);
  return text;
}

}  // namespace

struct Listener::Impl : std::enable_shared_from_this<Listener::Impl> {
  // The connections of one reactor; touched on that reactor only.
  struct Shard {
    Reactor* reactor = nullptr;
    std::vector<std::weak_ptr<Connection>> connections;
    Reactor::TimerId sweep = 0;
  };
  struct Acceptor {
    Bound bound;
    std::unique_ptr<asio::posix::stream_descriptor> descriptor;
  };

  ListenerOptions options;
  std::shared_ptr<ConnectionOptions> connection_options = std::make_shared<ConnectionOptions>();
  std::vector<Acceptor> acceptors;
  std::vector<std::unique_ptr<Shard>> shards;
  std::atomic<uint32_t> per_client_limit{0};
  std::mutex mutex;
  std::unordered_map<std::string, uint32_t> per_client;  // guarded by mutex
  size_t next_shard = 0;                                 // on the accepting reactor (the first)
  bool stopped = false;                                  // on the accepting reactor

  bool admit(const std::string& ip) {
    uint32_t limit = per_client_limit.load(std::memory_order_relaxed);
    if (ip.empty()) return true;
    std::lock_guard lock(mutex);
    uint32_t& count = per_client[ip];
    if (limit != 0 && count >= limit) return false;
    ++count;
    return true;
  }
  void release(const std::string& ip) {
    if (ip.empty()) return;
    std::lock_guard lock(mutex);
    auto at = per_client.find(ip);
    if (at != per_client.end() && --at->second == 0) per_client.erase(at);
  }

  void wait_accept(size_t index) {
    acceptors[index].descriptor->async_wait(
        asio::posix::stream_descriptor::wait_read,
        [self = shared_from_this(), index](const boost::system::error_code& error) {
          if (error || self->stopped) return;
          self->accept_all(index);
        });
  }

  void accept_all(size_t index) {
    for (int taken = 0; taken < 256; ++taken) {
      sockaddr_storage peer{};
      socklen_t length = sizeof peer;
      int fd = ::accept4(acceptors[index].bound.fd, reinterpret_cast<sockaddr*>(&peer), &length,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE) {  // out of descriptors: try again soon, do not spin
          shards[0]->reactor->after(std::chrono::milliseconds(100), [self = shared_from_this(), index] {
            if (!self->stopped) self->wait_accept(index);
          });
          return;
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        break;
      }
      hand_over(fd, acceptors[index].bound.family, ip_of(peer));
    }
    wait_accept(index);
  }

  void hand_over(int fd, int family, std::string ip) {
    if (!admit(ip)) {
      ::close(fd);
      return;
    }
    if (family != AF_UNIX) {
      int one = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    Shard* shard = shards[next_shard++ % shards.size()].get();
    shard->reactor->post([self = shared_from_this(), shard, fd, family, ip = std::move(ip)] {
      auto connection = make_connection(fd, family, *shard->reactor, self->connection_options, ip);
      shard->connections.push_back(connection);
      connection->start();
    });
  }

  void schedule_sweep(Shard* shard) {
    shard->sweep = shard->reactor->after(kSweepInterval, [self = shared_from_this(), shard] {
      Instant now = system_clock().now();
      std::erase_if(shard->connections, [&](const std::weak_ptr<Connection>& weak) {
        auto connection = weak.lock();
        if (connection && !connection->closed() && connection->expired(now)) connection->close();
        return !connection || connection->closed();
      });
      self->schedule_sweep(shard);
    });
  }

  void stop() {
    shards[0]->reactor->run([this] {
      stopped = true;
      for (Acceptor& acceptor : acceptors) acceptor.descriptor.reset();
    });
    for (auto& shard : shards)
      shard->reactor->run([&shard] {
        shard->reactor->cancel(shard->sweep);
        for (auto& weak : shard->connections)
          if (auto connection = weak.lock()) connection->close();
        shard->connections.clear();
      });
    for (Acceptor& acceptor : acceptors)
      if (!acceptor.bound.unix_path.empty()) ::unlink(acceptor.bound.unix_path.c_str());
  }
};

Result<std::unique_ptr<Listener>> Listener::start(ListenerOptions options) {
  auto impl = std::make_shared<Impl>();
  std::vector<Bound> bound;
  for (const ListenAddress& address : options.addresses) {
    auto one = address.is_unix ? bind_unix(address) : bind_tcp(address);
    if (!one) {
      for (const Bound& earlier : bound) ::close(earlier.fd);
      return fail(one.error());
    }
    bound.push_back(*one);
  }
  impl->per_client_limit = options.max_connections_per_client;
  impl->options = std::move(options);
  impl->connection_options->body_limit = impl->options.body_limit;
  impl->connection_options->handler = impl->options.handler;
  impl->connection_options->on_closed = [raw = std::weak_ptr(impl)](const std::string& ip) {
    if (auto self = raw.lock()) self->release(ip);
  };
  for (Reactor* reactor : impl->options.reactors) {
    auto shard = std::make_unique<Impl::Shard>();
    shard->reactor = reactor;
    impl->shards.push_back(std::move(shard));
  }
  for (const Bound& one : bound) {
    auto descriptor =
        std::make_unique<asio::posix::stream_descriptor>(impl->shards[0]->reactor->context(), one.fd);
    impl->acceptors.push_back({one, std::move(descriptor)});
  }
  for (auto& shard : impl->shards)
    shard->reactor->post([impl, raw = shard.get()] { impl->schedule_sweep(raw); });
  impl->shards[0]->reactor->post([impl] {
    for (size_t i = 0; i < impl->acceptors.size(); ++i) impl->wait_accept(i);
  });
  return std::unique_ptr<Listener>(new Listener(std::move(impl)));
}

Listener::~Listener() { impl_->stop(); }

uint16_t Listener::port(size_t index) const { return impl_->acceptors.at(index).bound.port; }

void Listener::set_max_connections_per_client(uint32_t limit) { impl_->per_client_limit = limit; }

}  // namespace praetor::http
