#include "rpc/raft_wire.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "codec/msgpack.h"

namespace praetor::rpc {

namespace msgpack = codec::msgpack;

namespace wire {

PRAETOR_DESCRIBE(Log, "Log", field("Index", &Log::index), field("Term", &Log::term),
                 field("Type", &Log::type), field("Data", &Log::data), field("Extensions", &Log::extensions))
PRAETOR_DESCRIBE(AppendEntriesRequest, "AppendEntriesRequest",
                 field("ProtocolVersion", &AppendEntriesRequest::protocol_version),
                 field("Term", &AppendEntriesRequest::term), field("Leader", &AppendEntriesRequest::leader),
                 field("PrevLogEntry", &AppendEntriesRequest::previous_index),
                 field("PrevLogTerm", &AppendEntriesRequest::previous_term),
                 field("Entries", &AppendEntriesRequest::entries),
                 field("LeaderCommitIndex", &AppendEntriesRequest::leader_commit))
PRAETOR_DESCRIBE(AppendEntriesResponse, "AppendEntriesResponse",
                 field("ProtocolVersion", &AppendEntriesResponse::protocol_version),
                 field("Term", &AppendEntriesResponse::term),
                 field("LastLog", &AppendEntriesResponse::last_log),
                 field("Success", &AppendEntriesResponse::success),
                 field("NoRetryBackoff", &AppendEntriesResponse::no_retry_backoff))
PRAETOR_DESCRIBE(RequestVoteRequest, "RequestVoteRequest",
                 field("ProtocolVersion", &RequestVoteRequest::protocol_version),
                 field("Term", &RequestVoteRequest::term), field("Candidate", &RequestVoteRequest::candidate),
                 field("LastLogIndex", &RequestVoteRequest::last_index),
                 field("LastLogTerm", &RequestVoteRequest::last_term),
                 field("LeadershipTransfer", &RequestVoteRequest::leadership_transfer))
PRAETOR_DESCRIBE(RequestVoteResponse, "RequestVoteResponse",
                 field("ProtocolVersion", &RequestVoteResponse::protocol_version),
                 field("Term", &RequestVoteResponse::term), field("Peers", &RequestVoteResponse::peers),
                 field("Granted", &RequestVoteResponse::granted))
PRAETOR_DESCRIBE(InstallSnapshotRequest, "InstallSnapshotRequest",
                 field("ProtocolVersion", &InstallSnapshotRequest::protocol_version),
                 field("SnapshotVersion", &InstallSnapshotRequest::snapshot_version),
                 field("Term", &InstallSnapshotRequest::term),
                 field("Leader", &InstallSnapshotRequest::leader),
                 field("LastLogIndex", &InstallSnapshotRequest::last_index),
                 field("LastLogTerm", &InstallSnapshotRequest::last_term),
                 field("Peers", &InstallSnapshotRequest::peers),
                 field("Configuration", &InstallSnapshotRequest::configuration),
                 field("ConfigurationIndex", &InstallSnapshotRequest::configuration_index),
                 field("Size", &InstallSnapshotRequest::size),
                 field("ID", &InstallSnapshotRequest::id).flag(codec::kWireOmitEmpty))
PRAETOR_DESCRIBE(InstallSnapshotResponse, "InstallSnapshotResponse",
                 field("ProtocolVersion", &InstallSnapshotResponse::protocol_version),
                 field("Term", &InstallSnapshotResponse::term),
                 field("Success", &InstallSnapshotResponse::success),
                 field("Proceed", &InstallSnapshotResponse::proceed).flag(codec::kWireOmitEmpty),
                 field("Offset", &InstallSnapshotResponse::offset).flag(codec::kWireOmitEmpty))
PRAETOR_DESCRIBE(TimeoutNowRequest, "TimeoutNowRequest",
                 field("ProtocolVersion", &TimeoutNowRequest::protocol_version),
                 field("Term", &TimeoutNowRequest::term).flag(codec::kWireOmitEmpty))
PRAETOR_DESCRIBE(TimeoutNowResponse, "TimeoutNowResponse",
                 field("ProtocolVersion", &TimeoutNowResponse::protocol_version))

}  // namespace wire

namespace {

constexpr uint8_t kLastEntryType = 5;
constexpr codec::MsgpackReadOptions kRead{.raw_as_bytes = true};

codec::Bytes bytes_of(std::string text) { return codec::Bytes(std::move(text)); }

// The bulk of what a leader sends: written without a copy of the entries in between.
void put_append(std::string& out, const raft::AppendRequest& request) {
  msgpack::put_map(out, 7);
  msgpack::put_raw(out, "Entries");
  if (request.heartbeat) {
    msgpack::put_nil(out);
  } else {
    msgpack::put_array(out, request.entries.size());
  }
  auto put_bytes = [&](std::string_view bytes) {
    bytes.empty() ? msgpack::put_nil(out) : msgpack::put_raw(out, bytes);
  };
  for (const raft::EntryRef& entry : request.entries) {
    msgpack::put_map(out, 5);
    msgpack::put_raw(out, "Data");
    put_bytes(entry->data);
    msgpack::put_raw(out, "Extensions");
    put_bytes(entry->extensions);
    msgpack::put_raw(out, "Index");
    msgpack::put_uint(out, entry->index);
    msgpack::put_raw(out, "Term");
    msgpack::put_uint(out, entry->term);
    msgpack::put_raw(out, "Type");
    msgpack::put_uint(out, static_cast<uint64_t>(entry->type));
  }
  msgpack::put_raw(out, "Leader");
  put_bytes(request.leader_address);
  auto put_number = [&](std::string_view name, uint64_t value) {
    msgpack::put_raw(out, name);
    msgpack::put_uint(out, value);
  };
  put_number("LeaderCommitIndex", request.commit_index);
  put_number("PrevLogEntry", request.previous_index);
  put_number("PrevLogTerm", request.previous_term);
  put_number("ProtocolVersion", kRaftProtocol);
  put_number("Term", request.term);
}

std::string encode_peers(const raft::Configuration& configuration) {
  std::string out;
  std::vector<std::string_view> voters;
  for (const raft::Server& server : configuration.servers)
    if (server.suffrage == raft::Suffrage::kVoter) voters.push_back(server.address);
  msgpack::put_array(out, voters.size());
  for (std::string_view voter : voters) msgpack::put_raw(out, voter);
  return out;
}

wire::InstallSnapshotRequest to_wire(const raft::SnapshotRequest& request) {
  wire::InstallSnapshotRequest out;
  out.snapshot_version = request.meta.version;
  out.term = request.term;
  out.leader = bytes_of(request.leader_address);
  out.last_index = request.meta.index;
  out.last_term = request.meta.term;
  out.peers = bytes_of(encode_peers(request.meta.configuration));
  out.configuration = bytes_of(raft::encode_configuration(request.meta.configuration));
  out.configuration_index = request.meta.configuration_index;
  out.size = request.meta.size;
  out.id = request.meta.id;
  return out;
}

// --- what comes ---

template <typename Struct>
Result<Struct> read(std::string_view bytes) {
  return codec::from_msgpack<Struct>(bytes, kRead);
}

Error corrupt(std::string what) { return {"raft: " + std::move(what), ErrorKind::kCorrupt}; }

Result<raft::Message> from_wire(wire::AppendEntriesRequest&& request) {
  raft::AppendRequest out;
  out.term = request.term;
  out.leader_address = std::move(request.leader);
  out.previous_index = request.previous_index;
  out.previous_term = request.previous_term;
  out.commit_index = request.leader_commit;
  out.heartbeat = request.entries.empty() && request.previous_index == 0 && request.previous_term == 0 &&
                  request.leader_commit == 0;
  out.entries.reserve(request.entries.size());
  for (wire::Log& log : request.entries) {
    if (log.type > kLastEntryType) return fail(corrupt("no log entry has type " + std::to_string(log.type)));
    auto entry = std::make_shared<raft::Entry>();
    entry->index = log.index;
    entry->term = log.term;
    entry->type = static_cast<raft::EntryType>(log.type);
    entry->data = std::move(log.data);
    entry->extensions = std::move(log.extensions);
    out.entries.push_back(std::move(entry));
  }
  return out;
}

raft::Message from_wire(wire::RequestVoteRequest&& request, bool pre_vote) {
  return raft::VoteRequest{.term = request.term,
                           .candidate_id = {},
                           .candidate_address = std::move(request.candidate),
                           .last_index = request.last_index,
                           .last_term = request.last_term,
                           .leadership_transfer = request.leadership_transfer,
                           .pre_vote = pre_vote};
}

// Servers of protocols below 3 may leave the configuration out; the voters' addresses tell it then.
Result<raft::Configuration> configuration_of(const wire::InstallSnapshotRequest& request) {
  if (!request.configuration.empty()) return raft::decode_configuration(request.configuration);
  raft::Configuration configuration;
  Cursor cursor(request.peers);
  for (size_t left = msgpack::get_array(cursor); left > 0 && cursor.ok(); --left) {
    std::string address(msgpack::get_bytes(cursor));
    configuration.servers.push_back({raft::Suffrage::kVoter, address, address});
  }
  if (!cursor.ok()) return fail(corrupt("the peers of a snapshot cannot be read"));
  return configuration;
}

Result<raft::Message> from_wire(wire::InstallSnapshotRequest&& request) {
  if (request.size < 0) return fail(corrupt("a snapshot of negative size"));
  if (request.snapshot_version < 0 || request.snapshot_version > 1)
    return fail(corrupt("snapshot version " + std::to_string(request.snapshot_version) + " is not known"));
  raft::SnapshotRequest out;
  TRY_ASSIGN(out.meta.configuration, configuration_of(request));
  out.term = request.term;
  out.leader_address = std::move(request.leader);
  out.meta.version = static_cast<int>(request.snapshot_version);
  out.meta.index = request.last_index;
  out.meta.term = request.last_term;
  out.meta.configuration_index = request.configuration_index;
  out.meta.size = request.size;
  out.meta.id = std::move(request.id);
  return out;
}

bool is_spoken(int64_t version) { return version >= kRaftProtocolLeast && version <= kRaftProtocol; }

Result<RaftRequestReader::Request> decode_request(RaftType type, std::string_view bytes) {
  RaftRequestReader::Request out{.type = type, .message = {}, .refusal = {}};
  int64_t version = 0;
  switch (type) {
    case RaftType::kAppendEntries: {
      TRY_ASSIGN(auto request, read<wire::AppendEntriesRequest>(bytes));
      version = request.protocol_version;
      TRY_ASSIGN(out.message, from_wire(std::move(request)));
      break;
    }
    case RaftType::kRequestVote:
    case RaftType::kPreVote: {
      TRY_ASSIGN(auto request, read<wire::RequestVoteRequest>(bytes));
      version = request.protocol_version;
      out.message = from_wire(std::move(request), type == RaftType::kPreVote);
      break;
    }
    case RaftType::kInstallSnapshot: {
      TRY_ASSIGN(auto request, read<wire::InstallSnapshotRequest>(bytes));
      version = request.protocol_version;
      TRY_ASSIGN(out.message, from_wire(std::move(request)));
      break;
    }
    case RaftType::kTimeoutNow: {
      TRY_ASSIGN(auto request, read<wire::TimeoutNowRequest>(bytes));
      version = request.protocol_version;
      out.message = raft::TimeoutNowRequest{request.term};
      break;
    }
  }
  if (!is_spoken(version)) out.refusal = kErrRaftProtocol;
  return out;
}

bool is_known(uint8_t type) {
  return type <= static_cast<uint8_t>(RaftType::kTimeoutNow) ||
         type == static_cast<uint8_t>(RaftType::kPreVote);
}

Result<raft::Message> decode_response(RaftType type, std::string_view bytes) {
  switch (type) {
    case RaftType::kAppendEntries: {
      TRY_ASSIGN(auto response, read<wire::AppendEntriesResponse>(bytes));
      return raft::AppendResponse{response.term, response.last_log, response.success,
                                  response.no_retry_backoff};
    }
    case RaftType::kRequestVote:
    case RaftType::kPreVote: {
      TRY_ASSIGN(auto response, read<wire::RequestVoteResponse>(bytes));
      return raft::VoteResponse{response.term, response.granted, type == RaftType::kPreVote};
    }
    case RaftType::kInstallSnapshot: {
      TRY_ASSIGN(auto response, read<wire::InstallSnapshotResponse>(bytes));
      raft::SnapshotResponse out{.term = response.term, .success = response.success};
      if (response.proceed) out.begin_at = response.offset;
      return out;
    }
    case RaftType::kTimeoutNow:
      TRY(read<wire::TimeoutNowResponse>(bytes));
      return raft::TimeoutNowResponse{};
  }
  return fail(corrupt("a response to nothing"));
}

Status check_size(size_t bytes) {
  if (bytes <= kMaxRaftMessageBytes) return {};
  return fail("raft: a message is larger than " + std::to_string(kMaxRaftMessageBytes >> 20) + " MiB",
              ErrorKind::kTooLarge);
}

}  // namespace

RaftType raft_type(const raft::Message& request) {
  if (std::holds_alternative<raft::AppendRequest>(request)) return RaftType::kAppendEntries;
  if (std::holds_alternative<raft::SnapshotRequest>(request)) return RaftType::kInstallSnapshot;
  if (std::holds_alternative<raft::TimeoutNowRequest>(request)) return RaftType::kTimeoutNow;
  const auto* vote = std::get_if<raft::VoteRequest>(&request);
  CHECK(vote != nullptr);
  return vote->pre_vote ? RaftType::kPreVote : RaftType::kRequestVote;
}

void put_raft_request(std::string& out, const raft::Message& message) {
  put_u8(out, static_cast<uint8_t>(raft_type(message)));
  if (auto* append = std::get_if<raft::AppendRequest>(&message)) return put_append(out, *append);
  if (auto* snapshot = std::get_if<raft::SnapshotRequest>(&message))
    return codec::write_msgpack(out, to_wire(*snapshot));
  if (auto* vote = std::get_if<raft::VoteRequest>(&message))
    return codec::write_msgpack(out,
                                wire::RequestVoteRequest{.term = vote->term,
                                                         .candidate = bytes_of(vote->candidate_address),
                                                         .last_index = vote->last_index,
                                                         .last_term = vote->last_term,
                                                         .leadership_transfer = vote->leadership_transfer});
  codec::write_msgpack(out, wire::TimeoutNowRequest{.term = std::get<raft::TimeoutNowRequest>(message).term});
}

void put_raft_response(std::string& out, const raft::Message& message) {
  msgpack::put_raw(out, "");
  if (auto* append = std::get_if<raft::AppendResponse>(&message)) {
    codec::write_msgpack(out, wire::AppendEntriesResponse{.term = append->term,
                                                          .last_log = append->last_index,
                                                          .success = append->success,
                                                          .no_retry_backoff = append->no_retry_backoff});
  } else if (auto* vote = std::get_if<raft::VoteResponse>(&message)) {
    codec::write_msgpack(
        out, wire::RequestVoteResponse{.term = vote->term, .peers = {}, .granted = vote->granted});
  } else if (auto* snapshot = std::get_if<raft::SnapshotResponse>(&message)) {
    codec::write_msgpack(out, wire::InstallSnapshotResponse{.term = snapshot->term,
                                                            .success = snapshot->success,
                                                            .proceed = snapshot->begin_at.has_value(),
                                                            .offset = snapshot->begin_at.value_or(0)});
  } else {
    CHECK(std::holds_alternative<raft::TimeoutNowResponse>(message));
    codec::write_msgpack(out, wire::TimeoutNowResponse{});
  }
}

void put_raft_error(std::string& out, std::string_view error) {
  msgpack::put_raw(out, error);
  msgpack::put_nil(out);
}

Result<std::optional<RaftRequestReader::Request>> RaftRequestReader::next() {
  if (buffer_.empty()) return std::nullopt;
  auto type = static_cast<uint8_t>(buffer_[0]);
  if (!is_known(type)) return fail(corrupt("unknown rpc type " + std::to_string(type)));
  std::string_view rest = std::string_view(buffer_).substr(1);
  TRY_ASSIGN(size_t length, scanner_.scan(rest));
  if (length == 0) {
    TRY(check_size(rest.size()));
    return std::nullopt;
  }
  TRY(check_size(length));
  TRY_ASSIGN(Request request, decode_request(static_cast<RaftType>(type), rest.substr(0, length)));
  buffer_.erase(0, 1 + length);
  return request;
}

std::string RaftRequestReader::take_rest(size_t limit) {
  std::string taken = buffer_.substr(0, limit);
  buffer_.erase(0, taken.size());
  return taken;
}

Result<std::optional<RaftResponseReader::Response>> RaftResponseReader::next(RaftType type) {
  if (error_length_ == 0) {
    TRY_ASSIGN(error_length_, scanner_.scan(buffer_));
  }
  if (error_length_ == 0) {
    TRY(check_size(buffer_.size()));
    return std::nullopt;
  }
  std::string_view rest = std::string_view(buffer_).substr(error_length_);
  TRY_ASSIGN(size_t length, scanner_.scan(rest));
  if (length == 0) {
    TRY(check_size(buffer_.size()));
    return std::nullopt;
  }
  Response response;
  Cursor cursor(buffer_);
  response.error = msgpack::get_text(cursor);
  if (!cursor.ok()) return fail(corrupt("a response without an error text"));
  if (response.error.empty()) {
    TRY_ASSIGN(response.message, decode_response(type, rest.substr(0, length)));
  }
  buffer_.erase(0, std::exchange(error_length_, 0) + length);
  return response;
}

}  // namespace praetor::rpc
