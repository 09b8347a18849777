// Any bytes on a raft connection: requests, and the responses to some. What can be read is written the same.
#include "rpc/raft_wire.h"
#include "tests/fuzz/target.h"

namespace praetor::rpc {
namespace {

void read_requests(std::string_view input, size_t piece) {
  RaftRequestReader reader;
  uint64_t skip = 0;
  while (!input.empty()) {
    reader.append(input.substr(0, piece));
    input.remove_prefix(std::min(piece, input.size()));
    for (;;) {
      if (skip > 0) skip -= reader.take_rest(skip).size();
      if (skip > 0) break;
      auto request = reader.next();
      if (!request) return;
      if (!*request) break;
      raft::Message& message = (*request)->message;
      if (auto* snapshot = std::get_if<raft::SnapshotRequest>(&message))
        skip = static_cast<uint64_t>(snapshot->meta.size);
      std::string once, twice;
      put_raft_request(once, message);
      RaftRequestReader again;
      again.append(once);
      auto copy = again.next();
      CHECK(copy.has_value() && copy->has_value() && (*copy)->refusal.empty());
      put_raft_request(twice, (*copy)->message);
      CHECK(once == twice);
    }
  }
}

void read_responses(std::string_view input, size_t piece, RaftType type) {
  RaftResponseReader reader;
  while (!input.empty()) {
    reader.append(input.substr(0, piece));
    input.remove_prefix(std::min(piece, input.size()));
    for (;;) {
      auto response = reader.next(type);
      if (!response) return;
      if (!*response) break;
      if (!(*response)->error.empty()) continue;
      std::string once, twice;
      put_raft_response(once, (*response)->message);
      RaftResponseReader again;
      again.append(once);
      auto copy = again.next(type);
      CHECK(copy.has_value() && copy->has_value());
      put_raft_response(twice, (*copy)->message);
      CHECK(once == twice);
    }
  }
}

}  // namespace
}  // namespace praetor::rpc

PRAETOR_FUZZ_TARGET(raft_wire) {
  using namespace praetor::rpc;
  if (input.empty()) return;
  auto cut = static_cast<uint8_t>(input[0]);
  input.remove_prefix(1);
  size_t piece = cut < 128 ? 1 + cut : input.size() + 1;
  read_requests(input, piece);
  for (RaftType type : {RaftType::kAppendEntries, RaftType::kRequestVote, RaftType::kInstallSnapshot,
                        RaftType::kTimeoutNow, RaftType::kPreVote})
    read_responses(input, piece, type);
}
