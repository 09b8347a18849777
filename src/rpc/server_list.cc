#include "rpc/server_list.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/text.h"
#include "rpc/pool.h"

namespace praetor::rpc {

namespace {

constexpr uint64_t kNewConnectionsPerServer = 64;  // a second
constexpr Duration kLeastReuse = std::chrono::seconds(120);
constexpr int64_t kPausesPerHold = 16;

Duration up_to(Duration most, Random& random) {
  return Duration(
      static_cast<int64_t>(random.below(static_cast<uint64_t>(std::max<int64_t>(most.count(), 0)))));
}

}  // namespace

void ServerList::add(ServerEntry server, Random& random) {
  for (ServerEntry& known : servers_)
    if (known.name == server.name) {
      known = std::move(server);
      return;
    }
  size_t at = servers_.empty() ? 0 : 1 + random.below(servers_.size());
  servers_.insert(servers_.begin() + static_cast<std::ptrdiff_t>(at), std::move(server));
}

void ServerList::remove(std::string_view name) {
  std::erase_if(servers_, [&](const ServerEntry& server) { return server.name == name; });
}

const ServerEntry* ServerList::current() const {
  auto found = std::ranges::find(servers_, false, &ServerEntry::offline);
  return found == servers_.end() ? nullptr : &*found;
}

void ServerList::failed(std::string_view address) {
  auto asked = std::ranges::find(servers_, false, &ServerEntry::offline);
  if (asked == servers_.end() || asked->address != address) return;
  std::rotate(asked, asked + 1, servers_.end());
}

void ServerList::shuffle(Random& random) {
  for (size_t i = servers_.size(); i > 1; --i) std::swap(servers_[i - 1], servers_[random.below(i)]);
}

Duration rebalance_interval(size_t servers, size_t members, Random& random) {
  Duration least = kLeastReuse + up_to(kLeastReuse / 2, random);
  if (servers == 0) return least;
  auto seconds = static_cast<double>(members) / static_cast<double>(servers * kNewConnectionsPerServer);
  return std::max(least, std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)));
}

void Router::add(const ServerEntry& server, Random& random) { lists_[server.datacenter].add(server, random); }

void Router::remove(const ServerEntry& server) {
  auto found = lists_.find(server.datacenter);
  if (found == lists_.end()) return;
  found->second.remove(server.name);
  if (found->second.empty()) lists_.erase(found);
}

const ServerList* Router::find(std::string_view datacenter) const {
  auto found = lists_.find(datacenter);
  return found == lists_.end() ? nullptr : &found->second;
}

ServerList* Router::find(std::string_view datacenter) {
  return const_cast<ServerList*>(std::as_const(*this).find(datacenter));
}

Result<ServerEntry> Router::pick(std::string_view datacenter) const {
  auto found = lists_.find(datacenter);
  if (found == lists_.end()) return fail(std::string(kErrNoPath));
  if (const ServerEntry* server = found->second.current()) return *server;
  return fail(std::string(kErrDcNotAvailable));
}

std::vector<std::string> Router::datacenters() const {
  std::vector<std::string> names;
  for (const auto& [name, list] : lists_) names.push_back(name);
  return names;
}

bool may_retry(const Error& error, bool is_read) {
  if (never_sent(error) || error.kind == ErrorKind::kNoLeader) return true;
  // Another server may have said so of one that it forwarded to.
  return is_read && (error.kind == ErrorKind::kIo || error.message.ends_with("EOF"));
}

Duration retry_pause(Duration hold_timeout, Random& random) {
  return up_to(hold_timeout / kPausesPerHold, random);
}

}  // namespace praetor::rpc
