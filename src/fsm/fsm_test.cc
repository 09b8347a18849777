#include "fsm/fsm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "base/text.h"
#include "codec/msgpack.h"
#include "codec/value.h"
#include "fsm/records.h"
#include "fsm/snapshot.h"
#include "fsm/snapshot_fixture.h"
#include "model/catalog.h"
#include "model/kv.h"
#include "store/catalog.h"
#include "store/catalog_read.h"
#include "store/kv.h"
#include "store/opaque.h"
#include "store/session.h"

namespace praetor::fsm {
namespace {

using model::MessageType;

class StringSink : public raft::SnapshotSink {
 public:
  Status write(std::string_view bytes) override {
    data += bytes;
    return {};
  }
  std::string data;
};

class StringReader : public raft::SnapshotReader {
 public:
  explicit StringReader(std::string_view data) : data_(data) {}
  Result<size_t> read(std::span<char> buffer) override {
    size_t count = std::min({buffer.size(), data_.size(), size_t{1000}});
    std::copy_n(data_.begin(), count, buffer.begin());
    data_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view data_;
};

std::string snapshot_of(Fsm& fsm) {
  StringSink sink;
  auto writer = fsm.snapshot();
  EXPECT_TRUE(writer->write(sink));
  return sink.data;
}

// Type and decoded content of every record, so that the order of map keys does not matter.
std::vector<std::pair<int, codec::Value>> records_of(std::string_view data) {
  std::vector<std::pair<int, codec::Value>> records;
  Cursor cursor(data);
  codec::Value value;
  EXPECT_TRUE(codec::read_msgpack(cursor, value));
  records.emplace_back(-1, value);
  while (!cursor.at_end()) {
    int type = cursor.u8();
    codec::Value content;
    auto read = codec::read_msgpack(cursor, content);
    EXPECT_TRUE(read);
    if (!read) break;
    records.emplace_back(type, std::move(content));
  }
  return records;
}

class FsmTest : public ::testing::Test {
 protected:
  template <typename Request>
  std::any apply(uint64_t index, MessageType type, const Request& request) {
    raft::Entry entry;
    entry.index = index;
    entry.term = 1;
    entry.data.push_back(static_cast<char>(type));
    codec::write_msgpack(entry.data, request);
    return fsm_.apply(entry);
  }
  std::any kv(uint64_t index, const char* op, std::string key, std::string value = "",
              uint64_t expected = 0) {
    return apply(index, MessageType::kKVS, kv_request(op, std::move(key), std::move(value), expected));
  }
  static model::KVSRequest kv_request(const char* op, std::string key, std::string value,
                                      uint64_t expected = 0) {
    model::KVSRequest request;
    request.op = op;
    request.dir_ent.key = std::move(key);
    request.dir_ent.value = value;
    request.dir_ent.indexes.modify_index = expected;
    return request;
  }
  static std::string error_of(const std::any& result) {
    const auto* error = std::any_cast<Error>(&result);
    return error == nullptr ? "" : error->message;
  }

  store::Store store_;
  Fsm fsm_{store_};
};

TEST_F(FsmTest, AppliesKvCommands) {
  EXPECT_TRUE(std::any_cast<bool>(kv(1, "set", "a", "x")));
  EXPECT_FALSE(std::any_cast<bool>(kv(2, "cas", "a", "y", 7)));
  EXPECT_TRUE(std::any_cast<bool>(kv(3, "cas", "a", "y", 1)));
  EXPECT_EQ(error_of(kv(4, "lock", "a", "y")), "missing session");
  EXPECT_EQ(error_of(kv(5, "nope", "a", "y")), "Invalid KVS operation 'nope'");
  EXPECT_EQ(store_.view()->tree(store::TableIndex::kKvs).size(), 0u) << "nothing is visible before publish";
  fsm_.publish(5);
  store::View view = store_.view();
  EXPECT_EQ(store::kv_get(view, "a")->value(), "y");
  EXPECT_EQ(view.index(), 5u);
}

TEST_F(FsmTest, AppliesCatalogSessionsAndTransactions) {
  model::RegisterRequest request;
  request.node = "n";
  request.address = "1.1.1.1";
  EXPECT_FALSE(apply(1, MessageType::kRegister, request).has_value());
  model::SessionRequest session;
  session.op = "create";
  session.session.id = "762d47ec-5f24-fa21-9bb2-348d63801122";
  session.session.node = "n";
  EXPECT_EQ(std::any_cast<std::string>(apply(2, MessageType::kSession, session)), session.session.id);
  session.session.node = "other";
  EXPECT_EQ(error_of(apply(3, MessageType::kSession, session)), "Missing node registration");
  model::TxnRequest txn;
  model::TxnKVOp set;
  set.verb = "set";
  set.dir_ent.key = "k";
  txn.ops.emplace_back().kv = set;
  set.verb = "cas";
  set.dir_ent.indexes.modify_index = 99;
  txn.ops.emplace_back().kv = set;
  auto response = std::any_cast<model::TxnResponse>(apply(4, MessageType::kTxn, txn));
  EXPECT_EQ(response.errors.size(), 1u);
  EXPECT_EQ(store::kv_get(store_, "k"), nullptr);
  model::DeregisterRequest deregister;
  deregister.node = "n";
  EXPECT_FALSE(apply(5, MessageType::kDeregister, deregister).has_value());
  EXPECT_TRUE(store_.tables().tree(store::TableIndex::kSessions).empty());
}

TEST_F(FsmTest, UnknownTypesAreErrorsUnlessTheyMayBeIgnored) {
  EXPECT_FALSE(fsm_.apply_command(1, "\xc8\x80").has_value());
  std::any result = fsm_.apply_command(2, "\x48\x80");
  EXPECT_EQ(std::any_cast<Error>(result).kind, ErrorKind::kCorrupt);
  EXPECT_EQ(std::any_cast<Error>(fsm_.apply_command(3, "")).kind, ErrorKind::kCorrupt);
  EXPECT_EQ(std::any_cast<Error>(fsm_.apply_command(4, std::string_view("\x02\x81", 2))).kind,
            ErrorKind::kCorrupt);
  EXPECT_EQ(std::any_cast<Error>(fsm_.apply_command(5, std::string_view("\x00\xc1", 2))).kind,
            ErrorKind::kCorrupt);
  model::List<model::Coordinate> batch;
  std::string data("\x86");
  codec::write_msgpack(data, batch);
  EXPECT_FALSE(fsm_.apply_command(6, data).has_value());
  EXPECT_EQ(store_.tables().table_index(store::Table::kCoordinates), 6u);
}

TEST_F(FsmTest, ChunkedCommandsApplyWithTheirLastPiece) {
  std::string whole(1, static_cast<char>(MessageType::kKVS));
  codec::write_msgpack(whole, kv_request("set", "big", std::string(1000, 'x')));
  auto piece = [&](uint64_t index, uint64_t term, uint32_t sequence) {
    raft::Entry entry;
    entry.index = index;
    entry.term = term;
    entry.data = whole.substr(sequence * 500, 500);
    entry.extensions = encode_chunk_info({42, sequence, 3});
    return fsm_.apply(entry);
  };
  ASSERT_GT(whole.size(), 1000u);
  EXPECT_FALSE(piece(1, 1, 0).has_value());
  EXPECT_FALSE(piece(2, 2, 1).has_value());
  EXPECT_FALSE(piece(3, 2, 2).has_value()) << "the first piece went with its term";
  // A snapshot keeps what is incomplete.
  std::string snapshot = snapshot_of(fsm_);
  StringReader reader(snapshot);
  ASSERT_TRUE(fsm_.restore(reader, {}));
  EXPECT_TRUE(std::any_cast<bool>(piece(4, 2, 0)));
  EXPECT_EQ(store::kv_get(store_, "big")->value().size(), 1000u);
}

TEST_F(FsmTest, ASnapshotOfConsulGoesInAndComesOutTheSame) {
  std::string original = *base64_decode(kConsulSnapshot);
  StringReader reader(original);
  auto restored = fsm_.restore(reader, {});
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_GT(store_.tables().named_index("service.web"), 0u);
  size_t instances = 0;
  store::check_service_nodes(store_, store::ServiceLookup::kName, "web", nullptr,
                             [&](const store::InstanceRef&, auto checks) {
                               instances++;
                               EXPECT_EQ(checks.size(), 2u);
                             });
  EXPECT_EQ(instances, 1u);
  EXPECT_EQ(store::kv_get(store_, "foo/bar")->flags(), 7u);
  EXPECT_EQ(store_.tables().tree(store::TableIndex::kKvsBySession).size(), 1u);
  auto before = records_of(original);
  auto after = records_of(snapshot_of(fsm_));
  auto by_text = [](const auto& record) { return std::pair(record.first, codec::to_msgpack(record.second)); };
  // Index rows come in another order; everything else in Consul's own.
  auto order = [&](auto& records) {
    auto is_index = [](const auto& record) { return record.first == 16; };
    auto first = std::find_if(records.begin(), records.end(), is_index);
    auto last = std::find_if_not(first, records.end(), is_index);
    std::sort(first, last, [&](const auto& a, const auto& b) { return by_text(a) < by_text(b); });
  };
  order(before);
  order(after);
  ASSERT_EQ(before.size(), after.size());
  for (size_t i = 0; i < before.size(); i++) {
    EXPECT_EQ(before[i].first, after[i].first) << i;
    EXPECT_TRUE(before[i].second == after[i].second) << i << " type " << before[i].first;
  }
}

TEST_F(FsmTest, DamagedSnapshotsLeaveTheStateAlone) {
  kv(1, "set", "a", "x");
  fsm_.publish(1);
  std::string original = *base64_decode(kConsulSnapshot);
  for (size_t size = 0; size < original.size(); size += size < 200 ? 1 : 97) {
    StringReader reader(std::string_view(original).substr(0, size));
    (void)fsm_.restore(reader, {});  // some cuts lie between records: then it is a smaller snapshot
  }
  std::string broken = original;
  broken[0] = '\xc1';
  StringReader reader(broken);
  kv(200, "set", "still", "here");
  EXPECT_FALSE(fsm_.restore(reader, {}));
  EXPECT_NE(store::kv_get(store_, "still"), nullptr);
}

TEST_F(FsmTest, SnapshotsAreWrittenWhileWritesGoOn) {
  for (uint64_t i = 1; i <= 500; i++) kv(i, "set", "key" + std::to_string(i), "x");
  auto writer = fsm_.snapshot();
  StringSink sink;
  std::thread thread([&] { EXPECT_TRUE(writer->write(sink)); });
  for (uint64_t i = 501; i <= 1000; i++) {
    kv(i, "set", "key" + std::to_string(i % 500), "y");
    fsm_.publish(i);
  }
  thread.join();
  store::Store other;
  Fsm restored(other);
  StringReader reader(sink.data);
  raft::SnapshotMeta meta;
  meta.index = 500;
  ASSERT_TRUE(restored.restore(reader, meta));
  EXPECT_EQ(other.tables().tree(store::TableIndex::kKvs).size(), 500u);
  EXPECT_EQ(store::kv_get(other, "key7")->value(), "x");
  EXPECT_EQ(other.view().index(), 500u);
}

TEST_F(FsmTest, OpaqueAreasSetDeleteAndCompare) {
  using codec::ValueList;
  using codec::ValueMap;
  auto count = [&](MessageType type) {
    size_t records = 0;
    store::opaque_list(store_, type, nullptr, [&](auto, const auto&) { records++; });
    return records;
  };
  ValueMap policy{{"ID", "p1"}, {"Name", "ops"}};
  apply(1, MessageType::kACLPolicySet, ValueMap{{"Policies", ValueList{policy}}});
  EXPECT_EQ(count(MessageType::kACLPolicySet), 1u);
  EXPECT_EQ(store_.tables().named_index("acl-policies"), 1u);
  apply(2, MessageType::kACLPolicyDelete, ValueMap{{"PolicyIDs", ValueList{"p1"}}});
  EXPECT_EQ(count(MessageType::kACLPolicySet), 0u);
  ValueMap config{{"MinQuorum", uint64_t{3}}, {"ModifyIndex", uint64_t{0}}};
  EXPECT_TRUE(
      std::any_cast<bool>(apply(3, MessageType::kAutopilot, ValueMap{{"CAS", false}, {"Config", config}})));
  config["ModifyIndex"] = uint64_t{9};
  EXPECT_FALSE(
      std::any_cast<bool>(apply(4, MessageType::kAutopilot, ValueMap{{"CAS", true}, {"Config", config}})));
  config["ModifyIndex"] = uint64_t{3};
  EXPECT_TRUE(
      std::any_cast<bool>(apply(5, MessageType::kAutopilot, ValueMap{{"CAS", true}, {"Config", config}})));
  EXPECT_EQ(
      std::any_cast<uint64_t>(apply(6, MessageType::kConnectCALeaf, ValueMap{{"Op", "increment-index"}})),
      6u);
  // A query goes with the session it is bound to.
  model::RegisterRequest node;
  node.node = "n";
  apply(7, MessageType::kRegister, node);
  model::SessionRequest session;
  session.op = "create";
  session.session.id = "762d47ec-5f24-fa21-9bb2-348d63801122";
  session.session.node = "n";
  apply(8, MessageType::kSession, session);
  ValueMap query{{"ID", "q"}, {"Session", session.session.id}};
  apply(9, MessageType::kPreparedQuery, ValueMap{{"Op", "create"}, {"Query", query}});
  EXPECT_EQ(count(MessageType::kPreparedQuery), 1u);
  session.op = "destroy";
  apply(10, MessageType::kSession, session);
  EXPECT_EQ(count(MessageType::kPreparedQuery), 0u);
}

TEST_F(FsmTest, IntentionsKeepTheirBirthAndHaveMeta) {
  using codec::ValueMap;
  auto stored = [&] {
    return *codec::from_msgpack<ValueMap>(store::opaque_get(store_, MessageType::kIntention, "i")->payload);
  };
  ValueMap intention{{"ID", "i"}, {"CreatedAt", "then"}, {"UpdatedAt", "then"}, {"Meta", codec::Value()}};
  apply(1, MessageType::kIntention, ValueMap{{"Op", "create"}, {"Intention", intention}});
  ValueMap empty;
  empty.make_empty();
  EXPECT_TRUE(stored()["Meta"] == codec::Value(empty));
  intention["CreatedAt"] = "never";
  intention["UpdatedAt"] = "now";
  apply(2, MessageType::kIntention, ValueMap{{"Op", "update"}, {"Intention", intention}});
  EXPECT_EQ(*stored()["CreatedAt"].string(), "then");
  EXPECT_EQ(*stored()["UpdatedAt"].string(), "now");
  EXPECT_EQ(error_of(apply(3, MessageType::kIntention, ValueMap{{"Op", "nope"}, {"Intention", intention}})),
            "Invalid Intention operation 'nope'");
  apply(4, MessageType::kIntention, ValueMap{{"Op", "delete"}, {"Intention", ValueMap{{"ID", "other"}}}});
  EXPECT_EQ(store_.tables().named_index("connect-intentions"), 2u) << "nothing went";
  apply(5, MessageType::kIntention, ValueMap{{"Op", "delete"}, {"Intention", ValueMap{{"ID", "i"}}}});
  EXPECT_EQ(store_.tables().named_index("connect-intentions"), 5u);
}

TEST_F(FsmTest, TwoIntentionsHaveNotTheSameEnds) {
  using codec::ValueMap;
  auto write = [&](uint64_t index, const char* op, const char* id, const char* to) {
    ValueMap intention{{"ID", id},
                       {"SourceNS", "default"},
                       {"SourceName", "web"},
                       {"Action", "allow"},
                       {"DestinationNS", "default"},
                       {"DestinationName", to},
                       {"Precedence", uint64_t{9}}};
    return error_of(apply(index, MessageType::kIntention, ValueMap{{"Op", op}, {"Intention", intention}}));
  };
  const char* found = "duplicate intention found: ALLOW default/web => default/db (ID: i1, Precedence: 9)";
  EXPECT_EQ(write(1, "create", "i1", "db"), "");
  EXPECT_EQ(write(2, "create", "i2", "db"), found);
  EXPECT_EQ(write(3, "create", "i2", "cache"), "");
  EXPECT_EQ(write(4, "update", "i2", "db"), found);
  EXPECT_EQ(write(5, "update", "i1", "db"), "") << "itself";
  EXPECT_EQ(write(6, "create", "", "x"), "Missing Intention ID");
  EXPECT_EQ(store_.tables().named_index("connect-intentions"), 5u);
}

TEST_F(FsmTest, AFederationStateOfThePrimaryIsItsOwn) {
  using codec::ValueMap;
  auto primary = [&] {
    std::string_view payload = store::opaque_get(store_, MessageType::kFederationState, "dc1")->payload;
    Cursor cursor(map_field(map_field(payload, "State"), "PrimaryModifyIndex"));
    return codec::msgpack::get_uint(cursor);
  };
  ValueMap state{{"Datacenter", "dc1"}, {"PrimaryModifyIndex", uint64_t{0}}};
  apply(7, MessageType::kFederationState, ValueMap{{"Op", "upsert"}, {"State", state}});
  EXPECT_EQ(primary(), 7u);
  state["PrimaryModifyIndex"] = uint64_t{3};
  apply(8, MessageType::kFederationState, ValueMap{{"Op", "upsert"}, {"State", state}});
  EXPECT_EQ(primary(), 3u) << "replicated from the primary";
}

TEST_F(FsmTest, IndexRowsOfConfigEntriesAndLeafs) {
  using codec::ValueMap;
  apply(1, MessageType::kConnectCALeaf, ValueMap{{"Op", "increment-index"}});
  EXPECT_EQ(store_.tables().named_index("connect-ca-leaf-certs"), 0u) << "Consul has no such row";
  auto entry = [&](uint64_t index, const char* kind, const char* op, const char* services) {
    std::string inside;
    codec::msgpack::put_raw(inside, kind);
    ValueMap body{{"Kind", kind}, {"Name", "gw"}, {"Services", services}, {"Listeners", services}};
    codec::write_msgpack(inside, ValueMap{{"Op", op}, {"Entry", body}});
    std::string command(1, static_cast<char>(MessageType::kConfigEntry));
    codec::msgpack::put_raw(command, inside);
    EXPECT_TRUE(std::any_cast<bool>(fsm_.apply_command(index, command)));
    return store_.tables().named_index("gateway-services");
  };
  EXPECT_EQ(entry(2, "service-defaults", "upsert", "a"), 0u);
  EXPECT_EQ(entry(3, "ingress-gateway", "upsert", "a"), 3u);
  EXPECT_EQ(entry(4, "ingress-gateway", "upsert", "a"), 3u) << "the same services";
  EXPECT_EQ(entry(5, "terminating-gateway", "upsert", "a"), 5u);
  EXPECT_EQ(entry(6, "ingress-gateway", "upsert", "b"), 6u);
  EXPECT_EQ(entry(7, "ingress-gateway", "delete", ""), 7u);
  EXPECT_EQ(entry(8, "ingress-gateway", "delete", ""), 7u) << "gone already";
  EXPECT_EQ(store_.tables().named_index("config-entries"), 7u);
}

TEST_F(FsmTest, ConfigEntriesKeepTheirForm) {
  std::string original = *base64_decode(kConsulSnapshot);
  StringReader reader(original);
  ASSERT_TRUE(fsm_.restore(reader, {}));
  auto entry = [&](const char* id) {
    const auto* record = store::opaque_get(store_, MessageType::kConfigEntry, id);
    return record == nullptr ? std::string() : record->payload;
  };
  for (const char* id : {"proxy-defaults/global", "service-defaults/web"}) {
    std::string before = entry(id);
    ASSERT_NE(before, "") << id;
    // The same entry as an upsert, as a leader would write it: only ModifyIndex moves.
    size_t at = before.rfind("\xa2Op\xa0");
    ASSERT_NE(at, std::string::npos);
    std::string inside;
    Cursor outer(before);
    inside = codec::msgpack::get_bytes(outer);
    inside.replace(inside.rfind("\xa2Op\xa0"), 4, "\xa2Op\xa6upsert");
    std::string command(1, static_cast<char>(MessageType::kConfigEntry));
    codec::msgpack::put_raw(command, inside);
    EXPECT_TRUE(std::any_cast<bool>(fsm_.apply_command(5000, command))) << id;
    std::string after = entry(id);
    EXPECT_NE(after, before);
    EXPECT_EQ(after.size(), before.size() + 1) << "ModifyIndex takes one byte more";
    EXPECT_EQ(store_.tables().named_index("config-entries"), 5000u);
  }
}

}  // namespace
}  // namespace praetor::fsm
