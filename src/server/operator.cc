#include "server/operator.h"

#include <algorithm>

#include "base/text.h"
#include "store/store.h"

namespace praetor::server {

model::RaftConfigurationResponse raft_configuration(Server& server) {
  model::RaftConfigurationResponse response;
  raft::ConfigurationView view = server.raft().configuration();
  raft::Server leader = server.raft().leader();
  store::View state = server.store().view();
  for (const raft::Server& member : view.configuration.servers) {
    model::RaftServer row;
    row.id = member.id;
    row.address = member.address;
    row.node = "(unknown)";
    // Node records know their raft id: it is the node's UUID.
    if (const store::Leaf* leaf = state->find(store::TableIndex::kNodesById, to_lower(member.id)))
      row.node = store::record_of<model::Node>(leaf).node;
    row.leader = member.id == leader.id && !leader.id.empty();
    row.voter = member.suffrage == raft::Suffrage::kVoter;
    row.protocol_version = std::to_string(server.options().raft_protocol);
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
