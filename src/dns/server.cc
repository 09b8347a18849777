#include "dns/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/clock.h"
#include "base/host_port.h"
#include "base/metrics.h"
#include "base/random.h"
#include "dns/listeners.h"
#include "dns/recursor.h"

namespace praetor::dns {

namespace asio = boost::asio;

Result<SocketAddress> socket_address(const ListenAddress& address) {
  SocketAddress out;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  if (inet_pton(AF_INET, address.ip.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(address.port);
    out.size = sizeof *v4;
  } else if (inet_pton(AF_INET6, address.ip.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address.port);
    out.size = sizeof *v6;
  } else {
    return fail("not an IP address: " + address.ip, ErrorKind::kBadRequest);
  }
  return out;
}

std::string_view ip_text(const sockaddr_storage& from, std::array<char, 64>& out) {
  const void* bytes = &reinterpret_cast<const sockaddr_in*>(&from)->sin_addr;
  int family = from.ss_family;
  if (family == AF_INET6) {
    const in6_addr& address = reinterpret_cast<const sockaddr_in6*>(&from)->sin6_addr;
    bytes = &address;
    if (IN6_IS_ADDR_V4MAPPED(&address)) {  // an IPv4 client of a dual-stack socket
      family = AF_INET;
      bytes = &address.s6_addr[12];
    }
  }
  return inet_ntop(family, bytes, out.data(), out.size()) == nullptr ? std::string_view() : out.data();
}

Result<int> bound_socket(const ListenAddress& address, int socket_type, bool shared) {
  TRY_ASSIGN(SocketAddress to, socket_address(address));
  int fd = socket(to.storage.ss_family, socket_type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const char* network = socket_type == SOCK_DGRAM ? "udp" : "tcp";
  std::string what =
      std::string("listen ") + network + " " + join_host_port(address.ip, address.port) + ": bind";
  if (fd < 0) return fail(io_error(what, errno));
  int on = 1, off = 0;
  if (shared) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (socket_type == SOCK_STREAM) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (to.storage.ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  bool bound = bind(fd, reinterpret_cast<const sockaddr*>(&to.storage), to.size) == 0;
  if (!bound || (socket_type == SOCK_STREAM && listen(fd, SOMAXCONN) != 0)) {
    Error error = io_error(what, errno);
    close(fd);
    return fail(std::move(error));
  }
  return fd;
}

Status check_free(const ListenAddress& address, int socket_type) {
  TRY_ASSIGN(int fd, bound_socket(address, socket_type, false));
  close(fd);
  return {};
}

uint16_t bound_port(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return 0;
  return ntohs(storage.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port
                                             : reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
}

namespace {

constexpr int kPortAttempts = 50;

// A batch's queries share its time: looking at the clock for each would cost more than some answers do.
void measure(const AnswerCounters& before, const AnswerCounters& after, uint64_t queries, Duration elapsed) {
  static const praetor::Sample domain("dns.domain_query", {{"node", std::string(kNodeLabel)}});
  static const praetor::Sample reverse("dns.ptr_query", {{"node", std::string(kNodeLabel)}});
  float each = static_cast<float>(elapsed.count()) / 1e6f / static_cast<float>(queries);
  if (after.domain > before.domain) domain.observe(each, static_cast<uint32_t>(after.domain - before.domain));
  if (after.reverse > before.reverse)
    reverse.observe(each, static_cast<uint32_t>(after.reverse - before.reverse));
}

// Everything of one reactor.
struct Station {
  Station(const Server::Worker& worker, const std::shared_ptr<const CompiledConfig>& config)
      : reactor(worker.reactor),
        random(thread_random().next()),
        recursors(*worker.reactor, random),
        answerer({config, worker.backend, &recursors, &random, &system_clock()}) {
    configure(config);
  }

  void configure(const std::shared_ptr<const CompiledConfig>& config) {
    recursors.configure((*config)->recursors, (*config)->recursor_timeout);
    answerer.set_config(config);
  }

  asio::io_context* reactor;
  Random random;
  Recursors recursors;
  Answerer answerer;
  std::vector<std::unique_ptr<Listening>> listening;  // a UDP and a TCP one for each address
};

// A UDP and a TCP listener on one port. When the port is free to choose, the one that UDP got may be taken
// for TCP: then another is tried.
Status open_both(const Shard& shard, const ListenAddress& address, bool exclusive,
                 std::vector<std::unique_ptr<Listening>>& out) {
  bool any_port = address.port == 0;
  if (exclusive && !any_port) {
    TRY(check_free(address, SOCK_DGRAM));
    TRY(check_free(address, SOCK_STREAM));
  }
  for (int attempt = 1;; ++attempt) {
    TRY_ASSIGN(auto udp, listen_udp(shard, address));
    auto tcp = listen_tcp(shard, {address.ip, udp->port()});
    if (!tcp && any_port && attempt < kPortAttempts) continue;
    if (!tcp) return std::unexpected(tcp.error());
    out.push_back(std::move(udp));
    out.push_back(*std::move(tcp));
    return {};
  }
}

}  // namespace

struct Server::Impl {
  std::vector<std::shared_ptr<Station>> stations;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(Options options) {
  CHECK(!options.workers.empty() && options.config);
  auto impl = std::make_unique<Impl>();
  for (const Worker& worker : options.workers) {
    CHECK(worker.reactor != nullptr && worker.backend != nullptr);
    auto station = std::make_shared<Station>(worker, options.config);
    Shard shard{worker.reactor, &station->answerer, {}};
    shard.on_batch = [answerer = &station->answerer, on_sample = options.on_sample,
                      before = AnswerCounters()](uint64_t queries, Duration elapsed) mutable {
      measure(before, answerer->counters(), queries, elapsed);
      before = answerer->counters();
      if (on_sample) on_sample({queries, elapsed, before});
    };
    for (size_t i = 0; i < options.addresses.size(); ++i) {
      ListenAddress address = options.addresses[i];
      // The first reactor's sockets choose port 0; the others follow.
      bool first = impl->stations.empty();
      if (!first) address.port = impl->stations[0]->listening[2 * i]->port();
      TRY(open_both(shard, address, first, station->listening));
    }
    impl->stations.push_back(std::move(station));
  }
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

void Server::set_config(const std::shared_ptr<const CompiledConfig>& config) {
  for (const auto& station : impl_->stations)
    asio::post(*station->reactor, [weak = std::weak_ptr<Station>(station), config] {
      if (std::shared_ptr<Station> alive = weak.lock()) alive->configure(config);
    });
}

uint16_t Server::port(size_t address) const { return impl_->stations[0]->listening[2 * address]->port(); }

}  // namespace praetor::dns
