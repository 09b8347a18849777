#include "agent/retry_join.h"

#include <utility>

#include "base/log.h"
#include "base/text.h"

namespace praetor::agent {

namespace {
const Logger& logger() {
  static const Logger log("agent");
  return log;
}
}  // namespace

std::string cloud_provider_of(const std::string& address) {
  constexpr std::string_view kKey = "provider=";
  for (std::string_view word : split(address, ' '))
    if (word.starts_with(kKey)) return std::string(word.substr(kKey.size()));
  return "";
}

RetryJoin::RetryJoin(Pools& pools, Reactor& reactor, RetryJoinOptions options, Done done)
    : pools_(pools), reactor_(reactor), options_(std::move(options)), done_(std::move(done)) {}

void RetryJoin::start() {
  logger().info(options_.pool == PoolName::kLan ? "Joining cluster..." : "Joining WAN cluster...",
                {{"cluster", cluster()}});
  attempt();
}

void RetryJoin::stop() {
  reactor_.cancel(timer_);
  done_ = nullptr;
}

void RetryJoin::attempt() {
  timer_ = 0;
  pools_.join(options_.pool, options_.addresses, reactor_,
              [self = shared_from_this()](const Result<size_t>& joined) {
                if (self->done_) self->ended(joined);
              });
}

void RetryJoin::ended(const Result<size_t>& joined) {
  if (joined) {
    logger().info("Join cluster completed. Synced with initial agents",
                  {{"cluster", cluster()}, {"num_agents", *joined}});
    return std::exchange(done_, nullptr)({});
  }
  if (++attempts_ > options_.max_attempts && options_.max_attempts > 0)
    return std::exchange(
        done_, nullptr)(fail(std::string("agent: max join ") + cluster() + " retry exhausted, exiting"));
  // Why has been said already.
  logger().warn("Join cluster failed, will retry",
                {{"cluster", cluster()}, {"retry_interval", options_.interval}});
  timer_ = reactor_.after(options_.interval, [self = shared_from_this()] { self->attempt(); });
}

}  // namespace praetor::agent
