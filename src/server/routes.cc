#include "server/routes.h"

namespace praetor::server {

void Routes::add(const rpc::ServerEntry& server) {
  std::lock_guard lock(mutex_);
  router_.add(server, random_);
}

void Routes::remove(const rpc::ServerEntry& server) {
  std::lock_guard lock(mutex_);
  router_.remove(server);
}

Result<rpc::ServerEntry> Routes::pick(const std::string& datacenter) const {
  std::lock_guard lock(mutex_);
  return router_.pick(datacenter);
}

void Routes::failed(const std::string& datacenter, const std::string& address) {
  std::lock_guard lock(mutex_);
  if (rpc::ServerList* list = router_.find(datacenter)) list->failed(address);
}

void Routes::shuffle(const std::string& datacenter) {
  std::lock_guard lock(mutex_);
  if (rpc::ServerList* list = router_.find(datacenter)) list->shuffle(random_);
}

std::vector<rpc::ServerEntry> Routes::servers(const std::string& datacenter) const {
  std::lock_guard lock(mutex_);
  const rpc::ServerList* list = router_.find(datacenter);
  return list ? list->all() : std::vector<rpc::ServerEntry>{};
}

std::vector<std::string> Routes::datacenters() const {
  std::lock_guard lock(mutex_);
  return router_.datacenters();
}

}  // namespace praetor::server
