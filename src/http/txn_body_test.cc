#include "http/txn_body.h"

#include <gtest/gtest.h>

namespace praetor::http {
namespace {

Result<codec::List<model::TxnOp>> parse(std::string_view body) { return parse_txn_ops(body, "dc1", 4); }

std::string error_of(std::string_view body) {
  auto parsed = parse(body);
  return parsed ? "" : parsed.error().message;
}

TEST(TxnBody, TakesOverWhatTheClientKnows) {
  auto ops = parse(R"([{"KV": {"Verb": "cas", "Key": "k", "Value": "YWI=", "Index": 7}},
      {"Node": {"Verb": "set", "Node": {"Node": "n"}}},
      {"Service": {"Verb": "set", "Node": "n", "Service": {"Service": "s", "Kind": "connect-proxy", "Port": 5}}},
      {"Check": {"Verb": "set", "Check": {"Node": "n", "Name": "c", "Type": "x",
        "Definition": {"Interval": "3s", "IntervalDuration": "4s", "Timeout": 5, "GRPC": "g"}}}}, {}])");
  ASSERT_TRUE(ops) << ops.error().message;
  ASSERT_EQ(ops->size(), 4u);
  EXPECT_EQ((*ops)[0].kv->dir_ent.value, "ab");
  EXPECT_EQ((*ops)[0].kv->dir_ent.indexes.modify_index, 7u);
  EXPECT_EQ((*ops)[1].node->node.datacenter, "dc1");
  EXPECT_EQ((*ops)[2].service->service.kind, "");
  EXPECT_EQ((*ops)[2].service->service.port, 5);
  const model::HealthCheck& check = (*ops)[3].check->check;
  EXPECT_EQ(check.type, "");
  EXPECT_EQ(check.definition.interval, std::chrono::seconds(4));
  EXPECT_EQ(check.definition.timeout, Duration(5));
  EXPECT_EQ(check.definition.grpc, "");
}

TEST(TxnBody, NamesGoTypesInErrors) {
  EXPECT_EQ(error_of("{}"),
            "Failed to parse body: json: cannot unmarshal object into Go value of type api.TxnOps");
  EXPECT_EQ(error_of("[1]"),
            "Failed to parse body: json: cannot unmarshal number into Go value of type api.TxnOp");
  EXPECT_EQ(error_of(R"([{"KV": {"Verb": 1}}])"),
            "Failed to parse body: json: cannot unmarshal number into Go struct field KVTxnOp.KV.Verb of "
            "type api.KVOp");
  EXPECT_EQ(error_of(R"([{"Check": {"Check": {"Definition": {"Interval": true}}}}])"),
            "Failed to parse body: strconv.ParseFloat: parsing \"true\": invalid syntax");
}

TEST(TxnBody, HasLimits) {
  EXPECT_TRUE(parse(R"([{"KV": {"Key": "k", "Value": "YWJjZA=="}}])"));
  auto large = parse(R"([{"KV": {"Key": "k", "Value": "YWJjZGU="}}])");
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().message, "Value for key \"k\" is too large (5 > 4 bytes)");
  EXPECT_EQ(large.error().kind, ErrorKind::kTooLarge);
  auto many = [](size_t count) {
    std::string body = "[";
    for (size_t i = 0; i < count; ++i) body += i == 0 ? "{}" : ",{}";
    return error_of(body + "]");
  };
  EXPECT_EQ(many(64), "");
  EXPECT_EQ(many(65), "Transaction contains too many operations (65 > 64)");
}

}  // namespace
}  // namespace praetor::http
