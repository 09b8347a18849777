// Messages between servers, and the abstract transport that carries them. The messages hold what
// hashicorp/raft's RPCs hold, so that its MessagePack transport (rpc/) is one implementation; the simulation
// and the tests use another.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "raft/types.h"

namespace praetor::raft {

// A heartbeat is an AppendRequest without previous entry and entries (`heartbeat` set): hashicorp/raft
// answers it on a fast path.
struct AppendRequest {
  uint64_t term = 0;
  std::string leader_id;  // empty on hashicorp/raft's wire: the receiver knows the address only
  std::string leader_address;
  bool heartbeat = false;
  uint64_t previous_index = 0;
  uint64_t previous_term = 0;
  uint64_t commit_index = 0;
  std::vector<EntryRef> entries;
};

struct AppendResponse {
  uint64_t term = 0;
  uint64_t last_index = 0;
  bool success = false;
  bool no_retry_backoff = false;
};

struct VoteRequest {
  uint64_t term = 0;
  std::string candidate_id;  // empty on hashicorp/raft's wire
  std::string candidate_address;
  uint64_t last_index = 0;
  uint64_t last_term = 0;
  bool leadership_transfer = false;
  bool pre_vote = false;  // only ever sent to servers that announce it; `term` is then the term to come
};

struct VoteResponse {
  uint64_t term = 0;
  bool granted = false;
  bool pre_vote = false;
};

// The description only; the bytes are streamed beside it by the transport (see Node). meta.id is only ever
// set for servers that announce extensions: what they got of the same snapshot of this leader before a
// connection broke they skip() (SnapshotReader), and it is not sent again.
struct SnapshotRequest {
  uint64_t term = 0;
  std::string leader_id;
  std::string leader_address;
  SnapshotMeta meta;
};

struct SnapshotResponse {
  uint64_t term = 0;
  bool success = false;
  // Among transports only: not the answer yet, the bytes may come, from here on.
  std::optional<uint64_t> begin_at = std::nullopt;
};

// Consul's names no term (0). Ours does, as it may arrive when its sender leads again.
struct TimeoutNowRequest {
  uint64_t term = 0;
};
struct TimeoutNowResponse {};

using Message = std::variant<AppendRequest, AppendResponse, VoteRequest, VoteResponse, SnapshotRequest,
                             SnapshotResponse, TimeoutNowRequest, TimeoutNowResponse>;

// A message with its addressing. `sequence` is chosen by the sender of a request and comes back in the
// response: on a wire without sequence numbers the transport remembers it per outstanding call.
struct Envelope {
  std::string peer_id;  // to whom, or (received) from whom; may be empty in a received request
  std::string peer_address;
  uint64_t sequence = 0;
  Message message;
};

class SnapshotReader;

// Owned by the user of a Node, outlives it. send and send_snapshot are called on the consensus thread and
// must not block; what cannot be sent is dropped (the core repeats what matters) or reported by
// Receiver::unreachable.
class Transport {
 public:
  // What the transport calls, from any thread. Valid from attach() to detach().
  class Receiver {
   public:
    virtual ~Receiver() = default;
    virtual void receive(Envelope envelope) = 0;
    // A snapshot is arriving: the reader streams its bytes (called on the node's snapshot thread, may block).
    virtual void receive_snapshot(Envelope request, std::unique_ptr<SnapshotReader> reader) = 0;
    // The connection to (or from) this server broke: a fast hint; no promise that each loss is reported. Its
    // address will do where the id is not known.
    virtual void unreachable(std::string peer_id) = 0;
    // The snapshot sent under this sequence number did not get there, or got no answer.
    virtual void snapshot_failed(std::string peer_id, uint64_t sequence) = 0;
  };

  virtual ~Transport() = default;
  virtual void attach(Receiver* receiver) = 0;
  virtual void detach() = 0;  // after it returns the receiver is not called any more
  virtual void send(Envelope envelope) = 0;
  // Must end in a received SnapshotResponse or in Receiver::snapshot_failed.
  virtual void send_snapshot(Envelope request, std::unique_ptr<SnapshotReader> reader) = 0;
};

}  // namespace praetor::raft
