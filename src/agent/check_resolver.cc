#include "agent/check_resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <deque>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "base/host_port.h"
#include "base/text.h"

namespace praetor::agent {

namespace {

constexpr size_t kMaxThreads = 16;  // names of dead DNS servers block a thread for seconds each
constexpr size_t kMaxRemembered = 4096;
constexpr Duration kRemember = std::chrono::seconds(1);

// The name server that errors mention, as Go's resolver does.
std::string first_name_server() {
  std::ifstream file("/etc/resolv.conf");
  std::string word;
  std::string address;
  while (file >> word) {
    if (word == "nameserver" && file >> address) return join_host_port(address, 53);
    std::getline(file, word);
  }
  return "127.0.0.1:53";
}

Lookup look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  Lookup lookup;
  for (addrinfo* at = code == 0 ? found : nullptr; at != nullptr; at = at->ai_next) {
    if (at->ai_addrlen > sizeof(sockaddr_storage)) continue;
    ResolvedAddress address;
    std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
    address.size = at->ai_addrlen;
    lookup.addresses.push_back(address);
  }
  if (found != nullptr) ::freeaddrinfo(found);
  if (lookup.addresses.empty()) {
    bool unknown = code == 0 || code == EAI_NONAME || code == EAI_NODATA;
    lookup.error = "lookup " + host + " on " + first_name_server() +
                   (unknown ? ": no such host" : ": server misbehaving");
  }
  return lookup;
}

// What the worker threads share with the resolver; it outlives both.
struct Pool {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::string> names;
  size_t threads = 0;
  size_t idle = 0;
  bool closed = false;
  std::function<void(std::string, Lookup)> deliver;  // not called once closed
};

void work(const std::shared_ptr<Pool>& pool) {
  std::unique_lock lock(pool->mutex);
  while (true) {
    ++pool->idle;
    pool->wake.wait(lock, [&] { return pool->closed || !pool->names.empty(); });
    --pool->idle;
    if (pool->closed) return;
    std::string name = std::move(pool->names.front());
    pool->names.pop_front();
    lock.unlock();
    Lookup lookup = look_up(name);
    lock.lock();
    if (!pool->closed) pool->deliver(std::move(name), std::move(lookup));
  }
}

}  // namespace

void ResolvedAddress::set_port(uint16_t port) {
  if (family() == AF_INET) reinterpret_cast<sockaddr_in*>(&storage)->sin_port = htons(port);
  if (family() == AF_INET6) reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port = htons(port);
}

std::string ResolvedAddress::text() const {
  if (family() == AF_UNIX) return reinterpret_cast<const sockaddr_un*>(&storage)->sun_path;
  char host[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
    ::inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
    return join_host_port(host, ntohs(v4->sin_port));
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
  ::inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
  return join_host_port(host, ntohs(v6->sin6_port));
}

bool parse_ip(const std::string& text, ResolvedAddress& out) {
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  if (::inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    out.size = sizeof(sockaddr_in);
    return true;
  }
  if (!contains(text, ":")) return false;
  addrinfo hints{};
  hints.ai_family = AF_INET6;
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* found = nullptr;
  if (::getaddrinfo(text.c_str(), nullptr, &hints, &found) != 0) return false;
  std::memcpy(v6, found->ai_addr, sizeof(sockaddr_in6));
  out.size = sizeof(sockaddr_in6);
  ::freeaddrinfo(found);
  return true;
}

struct CheckResolver::Impl : std::enable_shared_from_this<Impl> {
  explicit Impl(Reactor& r) : reactor(r), pool(std::make_shared<Pool>()) {}

  struct Remembered {
    Lookup lookup;
    Instant until;
  };

  Reactor& reactor;
  std::shared_ptr<Pool> pool;
  Ticket last_ticket = 0;
  std::unordered_map<Ticket, Done> waiting;
  std::map<std::string, std::vector<Ticket>> asked;  // names being looked up
  std::map<std::string, Remembered> remembered;

  void answer(Ticket ticket, const Lookup& lookup) {
    auto at = waiting.find(ticket);
    if (at == waiting.end()) return;  // cancelled
    Done done = std::move(at->second);
    waiting.erase(at);
    done(lookup);
  }

  void answer_later(Ticket ticket, Lookup lookup) {
    reactor.post([weak = weak_from_this(), ticket, lookup = std::move(lookup)] {
      if (auto self = weak.lock()) self->answer(ticket, lookup);
    });
  }

  void ask(const std::string& host) {
    std::lock_guard lock(pool->mutex);
    pool->names.push_back(host);
    if (pool->idle < pool->names.size() && pool->threads < kMaxThreads) {
      ++pool->threads;
      std::thread(work, pool).detach();
    }
    pool->wake.notify_one();
  }

  void answered(const std::string& host, const Lookup& lookup) {
    std::vector<Ticket> tickets = std::move(asked[host]);
    asked.erase(host);
    Instant now = system_clock().now();
    if (remembered.size() >= kMaxRemembered)
      std::erase_if(remembered, [&](const auto& entry) { return entry.second.until <= now; });
    if (remembered.size() < kMaxRemembered) remembered[host] = {lookup, now + kRemember};
    for (Ticket ticket : tickets) answer(ticket, lookup);
  }
};

CheckResolver::CheckResolver(Reactor& reactor) : impl_(std::make_shared<Impl>(reactor)) {
  impl_->pool->deliver = [weak = std::weak_ptr(impl_), &reactor](std::string host, Lookup lookup) {
    reactor.post([weak, host = std::move(host), lookup = std::move(lookup)] {
      if (auto self = weak.lock()) self->answered(host, lookup);
    });
  };
}

CheckResolver::~CheckResolver() {
  std::lock_guard lock(impl_->pool->mutex);
  impl_->pool->closed = true;
  impl_->pool->wake.notify_all();
}

CheckResolver::Ticket CheckResolver::resolve(const std::string& host, Done done) {
  Ticket ticket = ++impl_->last_ticket;
  impl_->waiting.emplace(ticket, std::move(done));
  auto known = impl_->remembered.find(host);
  if (known != impl_->remembered.end() && known->second.until > system_clock().now()) {
    impl_->answer_later(ticket, known->second.lookup);
    return ticket;
  }
  ResolvedAddress literal;
  if (parse_ip(host, literal)) {
    impl_->answer_later(ticket, Lookup{{literal}, ""});
    return ticket;
  }
  std::vector<Ticket>& tickets = impl_->asked[host];
  tickets.push_back(ticket);
  if (tickets.size() == 1) impl_->ask(host);
  return ticket;
}

void CheckResolver::cancel(Ticket ticket) { impl_->waiting.erase(ticket); }

}  // namespace praetor::agent
