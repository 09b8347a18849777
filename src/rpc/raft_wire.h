// hashicorp/raft's messages as its network transport writes them, protocol 3 (wire.md 6): a request is a type
// byte and a MessagePack struct (a snapshot's bytes follow it), a response an error text and a struct. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "codec/containers.h"
#include "codec/msgpack_scanner.h"
#include "codec/type.h"
#include "raft/transport.h"

namespace praetor::rpc {

inline constexpr size_t kMaxRaftMessageBytes = 256 << 20;  // one request or answer, entries included

enum class RaftType : uint8_t {
  kAppendEntries = 0,
  kRequestVote = 1,
  kInstallSnapshot = 2,
  kTimeoutNow = 3,
  // Praetor's own, sent only to servers that announce it: a RequestVote that asks whether it would be
  // granted.
  kPreVote = 64,
};

inline constexpr int64_t kRaftProtocol = 3;       // what is sent
inline constexpr int64_t kRaftProtocolLeast = 2;  // what is still taken
inline constexpr std::string_view kErrRaftProtocol = "operation not supported with current protocol version";

// The structs of the wire; raft/transport.h has the ones that the core knows.
namespace wire {
struct Log {
  uint64_t index = 0, term = 0;
  uint8_t type = 0;
  codec::Bytes data, extensions;
};
struct AppendEntriesRequest {
  int64_t protocol_version = kRaftProtocol;
  uint64_t term = 0;
  codec::Bytes leader;
  uint64_t previous_index = 0, previous_term = 0;
  codec::List<Log> entries;
  uint64_t leader_commit = 0;
};
struct AppendEntriesResponse {
  int64_t protocol_version = kRaftProtocol;
  uint64_t term = 0, last_log = 0;
  bool success = false, no_retry_backoff = false;
};
struct RequestVoteRequest {
  int64_t protocol_version = kRaftProtocol;
  uint64_t term = 0;
  codec::Bytes candidate;
  uint64_t last_index = 0, last_term = 0;
  bool leadership_transfer = false;
};
struct RequestVoteResponse {
  int64_t protocol_version = kRaftProtocol;
  uint64_t term = 0;
  codec::Bytes peers;  // nobody reads it
  bool granted = false;
};
struct InstallSnapshotRequest {
  int64_t protocol_version = kRaftProtocol;
  int64_t snapshot_version = 1;
  uint64_t term = 0;
  codec::Bytes leader;
  uint64_t last_index = 0, last_term = 0;
  codec::Bytes peers;          // the voters' addresses, for protocols below 3
  codec::Bytes configuration;  // raft::encode_configuration
  uint64_t configuration_index = 0;
  int64_t size = 0;
  // Praetor's addition, left out when empty (Consul skips keys that it does not know): the sender waits for a
  // response that says where to begin.
  std::string id;
};
struct InstallSnapshotResponse {
  int64_t protocol_version = 0;  // as hashicorp/raft leaves it
  uint64_t term = 0;
  bool success = false;
  // Praetor's additions: before the answer proper, to a request with an id.
  bool proceed = false;
  uint64_t offset = 0;
};
struct TimeoutNowRequest {
  int64_t protocol_version = kRaftProtocol;
  uint64_t term = 0;  // Praetor's addition, left out when 0: Consul skips keys that it does not know
};
struct TimeoutNowResponse {
  int64_t protocol_version = 0;
};
PRAETOR_DESCRIBED(Log)
PRAETOR_DESCRIBED(AppendEntriesRequest)
PRAETOR_DESCRIBED(AppendEntriesResponse)
PRAETOR_DESCRIBED(RequestVoteRequest)
PRAETOR_DESCRIBED(RequestVoteResponse)
PRAETOR_DESCRIBED(InstallSnapshotRequest)
PRAETOR_DESCRIBED(InstallSnapshotResponse)
PRAETOR_DESCRIBED(TimeoutNowRequest)
PRAETOR_DESCRIBED(TimeoutNowResponse)
}  // namespace wire

// Appends the type byte and the struct. A SnapshotRequest is followed by meta.size raw bytes, which the
// caller sends. REQUIRES: `message` is a request.
void put_raft_request(std::string& out, const raft::Message& message);
// Appends the error text (empty) and the struct. REQUIRES: `message` is a response.
void put_raft_response(std::string& out, const raft::Message& message);
// A refusal: the text and nil.
void put_raft_error(std::string& out, std::string_view error);

RaftType raft_type(const raft::Message& request);

// Cuts the bytes of an accepted connection into requests.
class RaftRequestReader {
 public:
  struct Request {
    RaftType type{};
    raft::Message message;
    // Set when the request is to be answered by put_raft_error with this text.
    std::string refusal;
  };
  void append(std::string_view bytes) { buffer_.append(bytes); }
  // The next whole request; nothing while it is incomplete. After a SnapshotRequest take_rest() gives the
  // snapshot's bytes that have come already. After an error the connection is of no more use.
  Result<std::optional<Request>> next();
  // Takes at most `limit` bytes of what follows.
  std::string take_rest(size_t limit);
  size_t buffered() const { return buffer_.size(); }

 private:
  std::string buffer_;
  codec::MsgpackScanner scanner_;
};

// Cuts the bytes that come back into responses, which come in the order of the requests.
class RaftResponseReader {
 public:
  struct Response {
    std::string error;  // what the other side refused with; `message` is empty then
    raft::Message message;
  };
  void append(std::string_view bytes) { buffer_.append(bytes); }
  // `type` is that of the oldest request without a response.
  Result<std::optional<Response>> next(RaftType type);
  size_t buffered() const { return buffer_.size(); }

 private:
  std::string buffer_;
  codec::MsgpackScanner scanner_;
  size_t error_length_ = 0;  // of the text in front, once it has come whole
};

}  // namespace praetor::rpc
