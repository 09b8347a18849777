#include "server/operator.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "gossip/member.h"
#include "server/member_duties.h"
#include "server/server_tags.h"

namespace praetor::server {

model::RaftConfigurationResponse raft_configuration(Server& server) {
  model::RaftConfigurationResponse response;
  raft::ConfigurationView view = server.raft().configuration();
  raft::Server leader = server.raft().leader();
  std::map<std::string, ServerTags> by_address;
  for (const gossip::Member& member : server.members().members())
    if (auto tags = server_tags(member)) by_address.insert_or_assign(tags->address, *tags);
  for (const raft::Server& member : view.configuration.servers) {
    model::RaftServer row;
    row.id = member.id;
    row.address = member.address;
    auto known = by_address.find(member.address);
    row.node = known != by_address.end() ? known->second.name : "(unknown)";
    row.protocol_version =
        known != by_address.end() ? std::to_string(known->second.raft_protocol) : "unknown";
    row.leader = member.id == leader.id && !leader.id.empty();
    row.voter = member.suffrage == raft::Suffrage::kVoter;
    response.servers.push_back(std::move(row));
  }
  return response;
}

void raft_remove_peer(Server& server, Reactor& reactor, const std::string& id, const std::string& address,
                      std::function<void(Status)> done) {
  auto configuration = server.raft().configuration().configuration;
  auto found =
      std::find_if(configuration.servers.begin(), configuration.servers.end(),
                   [&](const raft::Server& s) { return id.empty() ? s.address == address : s.id == id; });
  if (found == configuration.servers.end())
    return done(fail((id.empty() ? "address " + go_quote(address) : "id " + go_quote(id)) +
                     " was not found in the Raft configuration"));
  server.raft().change_configuration(raft::ConfigurationChange::kRemoveServer, *found, 0,
                                     [&reactor, done = std::move(done)](Result<uint64_t> result) mutable {
                                       reactor.post([done = std::move(done), result = std::move(result)] {
                                         done(result ? Status() : Status(fail(result.error().message)));
                                       });
                                     });
}

}  // namespace praetor::server
