// /v1/agent/join (http-api.md 3). This server is the whole of its pools: joining itself is fine, and whoever
// else answers cannot be joined yet.
#include <unistd.h>

#include "base/host_port.h"
#include "agent/check_dial.h"
#include "agent/runtime_config.h"
#include "base/reactor.h"
#include "base/text.h"
#include "http/agent_api.h"

namespace praetor::http {
namespace {

constexpr Duration kDialTimeout = std::chrono::seconds(10);

// Looks whether somebody is there. Everything on the exchange's reactor; lives until it has answered.
class Join : public std::enable_shared_from_this<Join> {
 public:
  Join(ExchangePtr exchange, std::string address, std::string own, std::string default_port)
      : exchange_(std::move(exchange)),
        address_(std::move(address)),
        own_(std::move(own)),
        default_port_(std::move(default_port)),
        resolver_(exchange_->reactor()) {}

  void run() {
    HostPort to{address_, default_port_};
    if (auto split = split_host_port(address_)) to = *split;
    if (to.host.empty()) return fail_with("Failed to resolve " + address_ + ": lookup : no such host");
    resolver_.resolve(to.host, [self = shared_from_this(), to](const agent::Lookup& found) {
      if (found.addresses.empty())
        return self->fail_with("Failed to resolve " + self->address_ + ": " + found.error);
      agent::ResolvedAddress first = found.addresses.front();
      first.set_port(static_cast<uint16_t>(parse_uint(to.port, 16).value_or(0)));
      self->dial(first.text());
    });
  }

 private:
  void dial(const std::string& host_port) {
    if (host_port == own_) return finish({});
    std::string ip = host_port.substr(0, host_port.rfind(':'));
    dial_ = agent::dial_tcp(
        exchange_->reactor(), resolver_, host_port, kDialTimeout,
        [self = shared_from_this(), ip](const agent::DialResult& result) {
          if (result.fd >= 0) ::close(result.fd);
          self->fail_with("Failed to join " + ip + ": " +
                          (result.fd < 0 ? result.error
                                         : "this version runs as a single server; clusters come "
                                           "with a later one"));
        });
  }
  void fail_with(const std::string& text) { finish(Response::text(500, format_multierror({text}))); }
  void finish(Response response) {
    // From a fresh turn: the attempt that calls may not be destroyed from within.
    Reactor& reactor = exchange_->reactor();
    reactor.post([self = shared_from_this(), response = std::move(response)]() mutable {
      self->dial_.reset();
      self->exchange_->respond(std::move(response));
    });
  }

  ExchangePtr exchange_;
  const std::string address_, own_, default_port_;
  agent::CheckResolver resolver_;
  std::unique_ptr<agent::Dial> dial_;
};

}  // namespace

void add_agent_join_route(Router& router, const ApiContext& api) {
  router.add({"/v1/agent/join/", {Method::kPut}, [&api](const ExchangePtr& exchange) {
                const Request& http = exchange->request();
                auto config = api.config();
                bool wan = !http.parameter("wan").empty();
                const agent::SocketAddress& own =
                    wan ? config->serf_advertise_addr_wan : config->serf_advertise_addr_lan;
                std::make_shared<Join>(exchange, http.argument, own.text(), wan ? "8302" : "8301")->run();
              }});
}

}  // namespace praetor::http
