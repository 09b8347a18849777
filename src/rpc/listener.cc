#include "rpc/listener.h"

#include <atomic>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/metrics.h"
#include "rpc/connections.h"

namespace praetor::rpc {

namespace {
std::string ip_of(const std::string& peer) { return peer.substr(0, peer.rfind(':')); }
}  // namespace

struct Listener::Impl : std::enable_shared_from_this<Listener::Impl> {
  ListenerOptions options;
  std::vector<std::unique_ptr<Connections>> sets;  // one a reactor
  std::unique_ptr<Acceptor> acceptor;              // on the first reactor
  uint16_t port = 0;
  size_t next_set = 0;  // on the first reactor
  std::atomic<uint32_t> per_client_limit{0};
  std::mutex mutex;
  std::unordered_map<std::string, uint32_t> per_client;  // guarded by mutex

  // Counts the connection for as long as the permit lives. Null: there are too many.
  std::shared_ptr<void> admit(const std::string& ip) {
    uint32_t limit = per_client_limit.load(std::memory_order_relaxed);
    {
      std::lock_guard lock(mutex);
      uint32_t& count = per_client[ip];
      if (limit != 0 && count >= limit) return nullptr;
      ++count;
    }
    return {this, [self = shared_from_this(), ip](void*) {
              std::lock_guard lock(self->mutex);
              auto found = self->per_client.find(ip);
              if (--found->second == 0) self->per_client.erase(found);
            }};
  }

  void accepted(RawConnection raw) {
    static const Counter connections("rpc.accept_conn");
    raw.permit = admit(ip_of(raw.peer));
    if (!raw.permit) return;
    connections.add();
    Connections* set = sets[next_set++ % sets.size()].get();
    set->reactor().post(
        [set, self = shared_from_this(), raw = std::make_shared<RawConnection>(std::move(raw))] {
          set->accept(Stream::adopt(set->reactor(), std::move(*raw)));
        });
  }

  void stop() {
    sets[0]->reactor().run([this] { acceptor.reset(); });
    for (auto& set : sets) set->reactor().run([&set] { set->close(); });
  }
};

Result<std::unique_ptr<Listener>> Listener::start(ListenerOptions options) {
  auto impl = std::make_shared<Impl>();
  impl->options = std::move(options);
  impl->per_client_limit = impl->options.max_connections_per_client;
  for (Reactor* reactor : impl->options.reactors)
    impl->sets.push_back(std::make_unique<Connections>(*reactor, impl->options));
  Status status;
  impl->sets[0]->reactor().run([&] {
    auto acceptor = Acceptor::listen(impl->sets[0]->reactor(), impl->options.host, impl->options.port,
                                     [weak = std::weak_ptr(impl)](RawConnection raw) {
                                       if (auto self = weak.lock()) self->accepted(std::move(raw));
                                     });
    if (!acceptor) {
      status = fail(acceptor.error());
      return;
    }
    impl->port = (*acceptor)->port();
    impl->acceptor = std::move(*acceptor);
  });
  TRY(status);
  return std::unique_ptr<Listener>(new Listener(std::move(impl)));
}

Listener::~Listener() { impl_->stop(); }

uint16_t Listener::port() const { return impl_->port; }

void Listener::set_max_connections_per_client(uint32_t limit) { impl_->per_client_limit = limit; }

}  // namespace praetor::rpc
