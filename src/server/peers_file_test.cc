#include "server/peers_file.h"

#include <gtest/gtest.h>

#include "raft/test_machine.h"

namespace praetor::server {
namespace {

using raft::Suffrage;

TEST(PeersFile, ReadsBothFormats) {
  auto peers = parse_peers_json(R"([{"id": "a", "address": "10.1.0.1:8300", "non_voter": false},
                                    {"id": "b", "address": "10.1.0.2:8300", "non_voter": true}])",
                                3);
  ASSERT_TRUE(peers) << peers.error().message;
  ASSERT_EQ(peers->servers.size(), 2u);
  EXPECT_EQ(peers->servers[0], (raft::Server{Suffrage::kVoter, "a", "10.1.0.1:8300"}));
  EXPECT_EQ(peers->servers[1], (raft::Server{Suffrage::kNonvoter, "b", "10.1.0.2:8300"}));
  peers = parse_peers_json(R"(["10.1.0.1:8300"])", 2);
  ASSERT_TRUE(peers) << peers.error().message;
  EXPECT_EQ(peers->servers[0], (raft::Server{Suffrage::kVoter, "10.1.0.1:8300", "10.1.0.1:8300"}));
}

TEST(PeersFile, RefusesWhatIsNoConfiguration) {
  EXPECT_FALSE(parse_peers_json(R"(["10.1.0.1:8300"])", 3));
  EXPECT_FALSE(parse_peers_json("[]", 3));
  EXPECT_FALSE(parse_peers_json("{}", 3));
  EXPECT_FALSE(parse_peers_json("", 3));
  EXPECT_FALSE(parse_peers_json(R"([{"id": "a", "address": ""}])", 3));
  EXPECT_FALSE(parse_peers_json(R"([{"id": "a", "address": "x:1"}, {"id": "a", "address": "y:1"}])", 3));
}

TEST(PeersFile, CountsOnlyInADirectoryThatWasUsedBefore) {
  raft::TemporaryDirectory directory;
  raft::FileSystem& files = raft::posix_file_system();
  std::string raft = directory.path() + "/raft";
  ASSERT_TRUE(files.make_directory(raft));
  auto give = [&](std::string_view text) {
    ASSERT_TRUE(raft::write_file_atomically(files, raft + "/peers.json", text));
  };
  give(R"([{"id": "a", "address": "10.1.0.1:8300"}])");
  auto found = find_recovery(files, raft, 3);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_FALSE(*found) << "left by a version that used the file for something else";
  EXPECT_FALSE(*files.exists(raft + "/peers.json"));
  EXPECT_TRUE(*files.exists(raft + "/peers.info"));
  found = find_recovery(files, raft, 3);
  ASSERT_TRUE(found);
  EXPECT_FALSE(*found);
  give(R"([{"id": "a", "address": "10.1.0.1:8300"}])");
  found = find_recovery(files, raft, 3);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->servers[0].id, "a");
  EXPECT_TRUE(*files.exists(raft + "/peers.json")) << "until the recovery is done";
  ASSERT_TRUE(remove_peers_json(files, raft));
  EXPECT_FALSE(*files.exists(raft + "/peers.json"));
  give("nonsense");
  found = find_recovery(files, raft, 3);
  ASSERT_FALSE(found);
  EXPECT_TRUE(found.error().message.starts_with("recovery failed to parse peers.json: "));
}

}  // namespace
}  // namespace praetor::server
