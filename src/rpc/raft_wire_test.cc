#include "rpc/raft_wire.h"

#include <gtest/gtest.h>

#include "codec/msgpack.h"

namespace praetor::rpc {
namespace {

using namespace std::string_literals;

// What three servers of the real Consul 1.8.7 said to each other (addresses and ids as they were).
const raft::Configuration kConfiguration{
    {{raft::Suffrage::kVoter, "20961fd1-ef05-ae7f-fe72-bf3aebe22959", "127.50.2.1:8300"},
     {raft::Suffrage::kVoter, "ed641ae1-76df-b596-c952-e936fcab4293", "127.50.2.3:8300"},
     {raft::Suffrage::kVoter, "66346250-ab67-b91d-3584-9c09f8d0c93d", "127.50.2.2:8300"}}};
const std::string kConfigurationBytes =
    "\x81\xa7Servers\x93"
    "\x83\xa7"
    "Address\xaf"
    "127.50.2.1:8300\xa2ID\xda\x00$20961fd1-ef05-ae7f-fe72-bf3aebe22959\xa8Suffrage\x00"
    "\x83\xa7"
    "Address\xaf"
    "127.50.2.3:8300\xa2ID\xda\x00$ed641ae1-76df-b596-c952-e936fcab4293\xa8Suffrage\x00"
    "\x83\xa7"
    "Address\xaf"
    "127.50.2.2:8300\xa2ID\xda\x00$66346250-ab67-b91d-3584-9c09f8d0c93d\xa8Suffrage\x00"s;
const std::string kVote =
    "\x01\x86\xa9"
    "Candidate\xaf"
    "127.50.2.3:8300\xacLastLogIndex\x19\xabLastLogTerm\x02\xb2LeadershipTransfer\xc2\xaf"
    "ProtocolVersion\x03\xa4Term\x03"s;
const std::string kHeartbeat =
    "\x00\x87\xa7"
    "Entries\xc0\xa6Leader\xaf"
    "127.50.2.1:8300\xb1LeaderCommitIndex\x00\xacPrevLogEntry\x00\xabPrevLogTerm\x00\xafProtocolVersion"
    "\x03\xa4Term\x02"s;
const std::string kEmptyAppend =
    "\x00\x87\xa7"
    "Entries\x90\xa6Leader\xaf"
    "127.50.2.1:8300\xb1LeaderCommitIndex\x00\xacPrevLogEntry\x01\xabPrevLogTerm\x01\xafProtocolVersion"
    "\x03\xa4Term\x02"s;
const std::string kAppend =
    "\x00\x87\xa7"
    "Entries\x91\x85\xa4"
    "Data\xda\x00\xf1"s +
    kConfigurationBytes +
    "\xaa"
    "Extensions\xc0\xa5Index\x01\xa4Term\x01\xa4Type\x05\xa6Leader\xaf"
    "127.50.2.1:8300\xb1LeaderCommitIndex\x00\xacPrevLogEntry\x00\xabPrevLogTerm\x00\xafProtocolVersion"
    "\x03\xa4Term\x02"s;
const std::string kSnapshot =
    "\x02\x8a\xad"
    "Configuration\xda\x00\xf1"s +
    kConfigurationBytes +
    "\xb2"
    "ConfigurationIndex\x01\xacLastLogIndex\x16\xabLastLogTerm\x02\xa6Leader\xaf"
    "127.50.2.1:8300\xa5Peers\xda\x00\x31\x93\xaf"
    "127.50.2.1:8300\xaf"
    "127.50.2.3:8300\xaf"
    "127.50.2.2:8300\xafProtocolVersion\x03\xa4Size\xcd\x19Q\xafSnapshotVersion\x01\xa4Term\x02"s;
const std::string kTimeoutNow = "\x03\x81\xafProtocolVersion\x03"s;

std::string encoded(const raft::Message& message) {
  std::string out;
  put_raft_request(out, message);
  return out;
}

raft::Message decoded(const std::string& bytes) {
  RaftRequestReader reader;
  reader.append(bytes);
  auto request = reader.next();
  EXPECT_TRUE(request && *request) << (request ? "incomplete" : request.error().message);
  if (!request || !*request) return raft::TimeoutNowRequest{};
  EXPECT_EQ((*request)->refusal, "");
  EXPECT_EQ(reader.buffered(), 0u);
  return (*request)->message;
}

TEST(RaftWire, RequestsAreConsulsByteForByte) {
  raft::VoteRequest vote{.term = 3,
                         .candidate_id = "ours",
                         .candidate_address = "127.50.2.3:8300",
                         .last_index = 25,
                         .last_term = 2};
  EXPECT_EQ(encoded(vote), kVote);
  raft::AppendRequest heartbeat{.term = 2, .leader_address = "127.50.2.1:8300", .heartbeat = true};
  EXPECT_EQ(encoded(heartbeat), kHeartbeat);
  raft::AppendRequest append{
      .term = 2, .leader_address = "127.50.2.1:8300", .previous_index = 1, .previous_term = 1};
  EXPECT_EQ(encoded(append), kEmptyAppend);
  append.previous_index = append.previous_term = 0;
  append.entries.push_back(std::make_shared<raft::Entry>(
      raft::Entry{1, 1, raft::EntryType::kConfiguration, raft::encode_configuration(kConfiguration), {}}));
  EXPECT_EQ(encoded(append), kAppend);
  raft::SnapshotRequest snapshot{.term = 2, .leader_address = "127.50.2.1:8300"};
  snapshot.meta = {
      .index = 22, .term = 2, .configuration = kConfiguration, .configuration_index = 1, .size = 6481};
  EXPECT_EQ(encoded(snapshot), kSnapshot);
  snapshot.meta.id = "2-22-1";
  EXPECT_EQ(std::get<raft::SnapshotRequest>(decoded(encoded(snapshot))).meta.id, "2-22-1");
  EXPECT_EQ(encoded(raft::TimeoutNowRequest{}), kTimeoutNow);
}

TEST(RaftWire, RequestsAreRead) {
  auto vote = std::get<raft::VoteRequest>(decoded(kVote));
  EXPECT_EQ(vote.candidate_address, "127.50.2.3:8300");
  EXPECT_EQ(vote.term, 3u);
  EXPECT_EQ(vote.last_index, 25u);
  EXPECT_FALSE(vote.pre_vote);
  EXPECT_TRUE(std::get<raft::AppendRequest>(decoded(kHeartbeat)).heartbeat);
  EXPECT_FALSE(std::get<raft::AppendRequest>(decoded(kEmptyAppend)).heartbeat);
  auto append = std::get<raft::AppendRequest>(decoded(kAppend));
  ASSERT_EQ(append.entries.size(), 1u);
  EXPECT_FALSE(append.heartbeat);
  EXPECT_EQ(append.entries[0]->data, kConfigurationBytes);
  EXPECT_EQ(append.entries[0]->type, raft::EntryType::kConfiguration);
  auto snapshot = std::get<raft::SnapshotRequest>(decoded(kSnapshot));
  EXPECT_EQ(snapshot.meta.configuration, kConfiguration);
  EXPECT_EQ(snapshot.meta.size, 6481);
  EXPECT_EQ(snapshot.meta.index, 22u);
  EXPECT_EQ(std::get<raft::TimeoutNowRequest>(decoded(kTimeoutNow)).term, 0u);
  EXPECT_EQ(std::get<raft::TimeoutNowRequest>(decoded(encoded(raft::TimeoutNowRequest{7}))).term, 7u);
}

TEST(RaftWire, ThePreVoteHasANumberOfItsOwn) {
  raft::VoteRequest vote{.term = 3, .candidate_address = "127.50.2.3:8300", .last_index = 25, .last_term = 2};
  vote.pre_vote = true;
  std::string bytes = encoded(vote);
  EXPECT_EQ(bytes, "\x40" + kVote.substr(1));
  EXPECT_TRUE(std::get<raft::VoteRequest>(decoded(bytes)).pre_vote);
}

TEST(RaftWire, ResponsesAreConsulsByteForByte) {
  std::string stream;
  put_raft_response(stream, raft::VoteResponse{.term = 2, .granted = true});
  EXPECT_EQ(stream, "\xa0\x84\xa7Granted\xc3\xa5Peers\xc0\xafProtocolVersion\x03\xa4Term\x02");
  std::string append;
  put_raft_response(append, raft::AppendResponse{4, 28, true, false});
  EXPECT_EQ(
      append,
      "\xa0\x85\xa7LastLog\x1c\xaeNoRetryBackoff\xc2\xafProtocolVersion\x03\xa7Success\xc3\xa4Term\x04");
  std::string snapshot;
  put_raft_response(snapshot, raft::SnapshotResponse{2, true});
  EXPECT_EQ(snapshot, "\xa0\x83\xafProtocolVersion\x00\xa7Success\xc3\xa4Term\x02"s);
  std::string timeout;
  put_raft_response(timeout, raft::TimeoutNowResponse{});
  EXPECT_EQ(timeout, "\xa0\x81\xafProtocolVersion\x00"s);
  std::string refusal;
  put_raft_error(refusal, kErrRaftProtocol);
  EXPECT_EQ(refusal, "\xda\x00\x35operation not supported with current protocol version\xc0"s);

  // And back, in any pieces.
  stream += append + snapshot + timeout + refusal;
  const RaftType order[] = {RaftType::kRequestVote, RaftType::kAppendEntries, RaftType::kInstallSnapshot,
                            RaftType::kTimeoutNow, RaftType::kAppendEntries};
  for (size_t piece : {size_t{1}, size_t{5}, stream.size()}) {
    RaftResponseReader reader;
    std::vector<RaftResponseReader::Response> got;
    for (size_t at = 0; at < stream.size(); at += piece) {
      reader.append(stream.substr(at, piece));
      while (got.size() < std::size(order)) {
        auto response = reader.next(order[got.size()]);
        ASSERT_TRUE(response) << response.error().message;
        if (!*response) break;
        got.push_back(**response);
      }
    }
    ASSERT_EQ(got.size(), std::size(order));
    EXPECT_TRUE(std::get<raft::VoteResponse>(got[0].message).granted);
    EXPECT_EQ(std::get<raft::AppendResponse>(got[1].message).last_index, 28u);
    EXPECT_TRUE(std::get<raft::SnapshotResponse>(got[2].message).success);
    EXPECT_EQ(got[4].error, kErrRaftProtocol);
    EXPECT_EQ(reader.buffered(), 0u);
  }
}

// The fast writer of entries and the described struct say the same.
TEST(RaftWire, EntriesAreWhatTheStructSays) {
  raft::AppendRequest append{.term = 7,
                             .leader_address = "127.0.0.1:8300",
                             .previous_index = 1000,
                             .previous_term = 6,
                             .commit_index = 70000};
  wire::AppendEntriesRequest same{.term = 7,
                                  .leader = "127.0.0.1:8300",
                                  .previous_index = 1000,
                                  .previous_term = 6,
                                  .entries = {},
                                  .leader_commit = 70000};
  for (uint64_t i = 1; i <= 40; ++i) {
    raft::Entry entry{1000 + i, i < 20 ? 6u : 7u,
                      i == 20 ? raft::EntryType::kNoop : raft::EntryType::kCommand,
                      std::string(i * 1000, 'x'), i % 7 == 0 ? "extension" : ""};
    if (i == 20) entry.data.clear();
    same.entries.push_back(
        {entry.index, entry.term, static_cast<uint8_t>(entry.type), entry.data, entry.extensions});
    append.entries.push_back(std::make_shared<raft::Entry>(std::move(entry)));
  }
  std::string bytes = encoded(append);
  EXPECT_EQ(bytes, std::string(1, '\0') + codec::to_msgpack(same));
  auto back = std::get<raft::AppendRequest>(decoded(bytes));
  ASSERT_EQ(back.entries.size(), append.entries.size());
  for (size_t i = 0; i < back.entries.size(); ++i) EXPECT_EQ(*back.entries[i], *append.entries[i]);
}

TEST(RaftWire, RequestsAreCutFromAnyPieces) {
  std::string stream = kVote + kAppend + kSnapshot + "snapshot's bytes" + kHeartbeat;
  for (size_t piece : {size_t{1}, size_t{7}, stream.size()}) {
    RaftRequestReader reader;
    std::vector<RaftType> seen;
    std::string content;
    for (size_t at = 0; at < stream.size(); at += piece) {
      reader.append(stream.substr(at, piece));
      for (;;) {
        if (!seen.empty() && seen.back() == RaftType::kInstallSnapshot) {
          content += reader.take_rest(16 - content.size());
          if (content.size() < 16) break;
        }
        auto request = reader.next();
        ASSERT_TRUE(request) << request.error().message;
        if (!*request) break;
        seen.push_back((*request)->type);
      }
    }
    EXPECT_EQ(seen, (std::vector{RaftType::kRequestVote, RaftType::kAppendEntries, RaftType::kInstallSnapshot,
                                 RaftType::kAppendEntries}));
    EXPECT_EQ(content, "snapshot's bytes");
  }
}

TEST(RaftWire, OtherVersionsAndNonsenseAreRefused) {
  RaftRequestReader reader;
  std::string old = kTimeoutNow;
  old.back() = 1;
  reader.append(old);
  auto request = reader.next();
  ASSERT_TRUE(request && *request);
  EXPECT_EQ((*request)->refusal, kErrRaftProtocol);
  old.back() = 2;
  reader.append(old);
  request = reader.next();
  ASSERT_TRUE(request && *request);
  EXPECT_EQ((*request)->refusal, "");

  for (const std::string& bytes : {"\x09"s, "\x01\xc1"s, "\x01\xa1x"s, "\x02\x81\xa4Size\xff"s,
                                   "\x00\x81\xa7"
                                   "Entries\x91\x81\xa4Type\x06"s}) {
    RaftRequestReader strict;
    strict.append(bytes);
    EXPECT_FALSE(strict.next()) << codec::to_msgpack(bytes);
  }
}

// Protocol 2 may leave the configuration out.
TEST(RaftWire, AnOldServersSnapshotNamesPeersOnly) {
  wire::InstallSnapshotRequest old{.protocol_version = 2,
                                   .leader = "127.0.0.1:8300",
                                   .peers =
                                       "\x92\xae"
                                       "127.0.0.1:8300\xae"
                                       "127.0.0.2:8300",
                                   .configuration = {}};
  auto snapshot = std::get<raft::SnapshotRequest>(decoded("\x02" + codec::to_msgpack(old)));
  ASSERT_EQ(snapshot.meta.configuration.servers.size(), 2u);
  EXPECT_EQ(snapshot.meta.configuration.servers[1].id, "127.0.0.2:8300");
}

}  // namespace
}  // namespace praetor::rpc
