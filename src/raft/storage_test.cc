// Term and vote, snapshots, checksums, the configuration's encoding.
#include <gtest/gtest.h>

#include "base/text.h"
#include "raft/checksum.h"
#include "raft/fault_fs.h"
#include "raft/snapshot_meta.h"
#include "raft/snapshot_store.h"
#include "raft/vote_store.h"

namespace praetor::raft {
namespace {

TEST(ChecksumTest, KnownValues) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c_portable("123456789"), 0xe3069283u);
  EXPECT_EQ(crc64_ecma("123456789"), 0x995dc9bbdf1939faull);  // CRC-64/XZ, which is Go's ECMA
  std::string text(1000, 'q');
  for (size_t cut : {0, 1, 7, 8, 9, 500, 1000}) {
    EXPECT_EQ(crc32c(text.substr(cut), crc32c(text.substr(0, cut))), crc32c_portable(text));
    EXPECT_EQ(crc64_ecma(text.substr(cut), crc64_ecma(text.substr(0, cut))), crc64_ecma(text));
  }
}

TEST(ConfigurationTest, EncodesAsHashicorpRaft) {
  Configuration one{{{Suffrage::kVoter, "id-1", "127.0.0.1:8300"}}};
  EXPECT_EQ(hex_encode(encode_configuration(one)),
            "81a7536572766572739183a741646472657373ae3132372e302e302e313a38333030a24944a469642d31a85375666672"
            "61676500");
  Configuration many;
  for (int i = 0; i < 20; ++i)
    many.servers.push_back({static_cast<Suffrage>(i % 3), std::string(36, static_cast<char>('a' + i)),
                            "10.0.0." + std::to_string(i) + ":8300"});
  auto decoded = decode_configuration(encode_configuration(many));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, many);
}

TEST(ConfigurationTest, DecodingNeverReadsPastTheEnd) {
  Configuration one{{{Suffrage::kNonvoter, std::string(36, 'i'), "127.0.0.1:8300"}}};
  std::string good = encode_configuration(one);
  for (size_t cut = 0; cut < good.size(); ++cut)
    EXPECT_FALSE(decode_configuration(good.substr(0, cut))) << cut;
  EXPECT_FALSE(decode_configuration("\xdf\xff\xff\xff\xff"));
  // Unknown keys of every kind are skipped.
  std::string more = "\x82\xa1x\x93\x01\xca....\x81\xa1k\xc0" + good.substr(1);
  auto decoded = decode_configuration(more);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, one);
}

TEST(ConfigurationTest, Checks) {
  Configuration configuration;
  EXPECT_EQ(check_configuration(configuration).error().message,
            "Need at least one voter in configuration: {[]}");
  configuration.servers = {{Suffrage::kVoter, "a", "x"}, {Suffrage::kVoter, "a", "y"}};
  EXPECT_EQ(check_configuration(configuration).error().message, "found duplicate ID in configuration: a");
  configuration.servers[1] = {Suffrage::kVoter, "b", "x"};
  EXPECT_EQ(check_configuration(configuration).error().message,
            "found duplicate address in configuration: x");
}

TEST(VoteStoreTest, SurvivesDamageToEitherCopy) {
  for (size_t bit = 0; bit < 2 * 4096 * 8; bit += 7) {
    FaultFileSystem fs;
    {
      auto store = FileVoteStore::open(fs, "/vote");
      ASSERT_TRUE(store);
      ASSERT_TRUE((*store)->save({41, "me"}));
      ASSERT_TRUE((*store)->save({42, "another"}));
    }
    std::string content = fs.content("/vote");
    content[bit / 8] = static_cast<char>(content[bit / 8] ^ 1 << bit % 8);
    fs.set_content("/vote", content);
    auto store = FileVoteStore::open(fs, "/vote");
    ASSERT_TRUE(store);
    EXPECT_EQ((*store)->state(), (HardState{42, "another"}));
  }
  FaultFileSystem fs;
  fs.set_content("/vote", std::string(8192, 'x'));
  auto store = FileVoteStore::open(fs, "/vote");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind, ErrorKind::kCorrupt);
}

TEST(VoteStoreTest, APowerCutLeavesTheOldOrTheNewState) {
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    Random random(seed);
    FaultFileSystem fs;
    HardState before;
    {
      auto store = FileVoteStore::open(fs, "/vote");
      ASSERT_TRUE(store);
      before = {seed, "first"};
      ASSERT_TRUE((*store)->save(before));
      fs.inject(1 + random.below(4), Fault::kPowerOff);
      EXPECT_FALSE((*store)->save({seed + 1, "second"}));
    }
    fs.power_cut(random.next());
    auto store = FileVoteStore::open(fs, "/vote");
    ASSERT_TRUE(store) << seed << store.error().message;
    HardState state = (*store)->state();
    EXPECT_TRUE(state == before || state == (HardState{seed + 1, "second"})) << seed;
  }
}

class FixedClock : public Clock {
 public:
  Instant now() const override { return Instant{}; }
  Time wall() const override {
    return Time::from_unix_nanoseconds(1'600'000'000'123'000'000 + 1'000'000 * count_++);
  }

 private:
  mutable int64_t count_ = 0;
};

class SnapshotStoreTest : public testing::Test {
 protected:
  std::unique_ptr<FileSnapshotStore> open() {
    auto store = FileSnapshotStore::open(fs_, clock_, "/snapshots", [](const std::string&) {});
    EXPECT_TRUE(store);
    return store ? std::move(*store) : nullptr;
  }
  static Result<SnapshotMeta> write(SnapshotStore& store, uint64_t index, std::string_view content) {
    TRY_ASSIGN(auto pending, store.create());
    TRY(pending->write(content.substr(0, content.size() / 2)));
    TRY(pending->write(content.substr(content.size() / 2)));
    SnapshotMeta meta;
    meta.index = index;
    meta.term = 3;
    meta.configuration.servers = {{Suffrage::kVoter, "a", "127.0.0.1:8300"}};
    meta.configuration_index = 1;
    return pending->finish(meta);
  }
  static Result<std::string> read(SnapshotStore& store, const SnapshotMeta& meta) {
    TRY_ASSIGN(auto reader, store.open(meta));
    std::string all;
    char buffer[100];
    for (;;) {
      TRY_ASSIGN(size_t got, reader->read(buffer));
      if (got == 0) return all;
      all.append(buffer, got);
    }
  }

  FaultFileSystem fs_;
  FixedClock clock_;
};

TEST_F(SnapshotStoreTest, KeepsTheNewestAndReadsThemBack) {
  auto store = open();
  for (uint64_t index : {10, 20, 30}) ASSERT_TRUE(write(*store, index, "content " + std::to_string(index)));
  ASSERT_TRUE(store->retain(2));
  auto listed = open()->list();
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 2u);
  EXPECT_EQ((*listed)[0].index, 30u);
  EXPECT_TRUE((*listed)[0].id.starts_with("3-30-16000000001"));
  EXPECT_EQ((*listed)[0].configuration.servers[0].address, "127.0.0.1:8300");
  EXPECT_EQ(read(*store, (*listed)[1]).value(), "content 20");
}

TEST_F(SnapshotStoreTest, MetaIsConsulsWithAChecksumOfItsOwn) {
  auto store = open();
  auto meta = write(*store, 10, "123456789");
  ASSERT_TRUE(meta);
  std::string text = fs_.content("/snapshots/" + meta->id + "/meta.json");
  EXPECT_TRUE(
      text.starts_with("{\"Version\":1,\"ID\":\"" + meta->id +
                       "\",\"Index\":10,\"Term\":3,\"Peers\":\"3AAB2gAOMTI3LjAuMC4xOjgzMDA=\","
                       "\"Configuration\":{\"Servers\":[{\"Suffrage\":0,\"ID\":\"a\",\"Address\":"
                       "\"127.0.0.1:8300\"}]},\"ConfigurationIndex\":1,\"Size\":9,\"CRC\":\"mV3Ju98ZOfo=\","
                       "\"MetaCRC\":\""))
      << text;
  // As Consul writes it, without ours.
  size_t own = text.find(",\"MetaCRC\"");
  auto consul = decode_stored_meta(text.substr(0, own) + "}\n");
  ASSERT_TRUE(consul);
  EXPECT_EQ(consul->meta, *meta);
}

TEST_F(SnapshotStoreTest, EveryFlippedBitIsFound) {
  auto store = open();
  auto meta = write(*store, 10, "some state of a machine");
  ASSERT_TRUE(meta);
  for (const char* name : {"/meta.json", "/state.bin"}) {
    std::string path = "/snapshots/" + meta->id + name, good = fs_.content(path);
    for (size_t bit = 0; bit < good.size() * 8; ++bit) {
      std::string bad = good;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
      fs_.set_content(path, bad);
      auto listed = store->list();
      bool found = !listed || listed->empty() || !read(*store, (*listed)[0]);
      EXPECT_TRUE(found) << name << " bit " << bit;
    }
    fs_.set_content(path, good.substr(0, good.size() - 1));
    auto listed = store->list();
    EXPECT_TRUE(listed->empty() || !read(*store, (*listed)[0]));
    fs_.set_content(path, good);
  }
  EXPECT_TRUE(read(*store, *meta));
}

TEST_F(SnapshotStoreTest, FailingAnyCallOrThePowerLeavesTheOldOneWhole) {
  for (Fault fault : {Fault::kError, Fault::kShortWrite, Fault::kAfter, Fault::kPowerOff}) {
    for (uint64_t call = 1;; ++call) {
      FaultFileSystem fs;
      auto make = [&] { return FileSnapshotStore::open(fs, clock_, "/snapshots", nullptr); };
      ASSERT_TRUE(write(**make(), 10, "old"));
      fs.inject(call, fault);
      bool acknowledged = false;
      if (auto store = make()) {
        acknowledged = write(**store, 20, std::string(600000, 'n')).has_value();
        if (acknowledged) (void)(*store)->retain(1);
      }
      bool hit = fs.injected();
      fs.power_cut(call);
      auto store = make();
      ASSERT_TRUE(store);
      auto listed = (*store)->list();
      ASSERT_TRUE(listed);
      ASSERT_FALSE(listed->empty()) << call;
      EXPECT_TRUE(read(**store, listed->front())) << call;
      if (acknowledged) EXPECT_EQ(listed->front().index, 20u) << call;
      if (!hit) break;
    }
  }
}

}  // namespace
}  // namespace praetor::raft
