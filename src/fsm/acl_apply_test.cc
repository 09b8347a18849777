#include "fsm/acl_apply.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "codec/msgpack.h"
#include "fsm/fsm.h"
#include "fsm/opaque_fields.h"
#include "fsm/records.h"
#include "store/opaque.h"

namespace praetor::fsm {
namespace {

using codec::Value;
using codec::ValueList;
using codec::ValueMap;
using model::MessageType;

class Strings : public raft::SnapshotSink, public raft::SnapshotReader {
 public:
  Status write(std::string_view bytes) override {
    data += bytes;
    return {};
  }
  Result<size_t> read(std::span<char> buffer) override {
    size_t count = std::min(buffer.size(), data.size());
    std::copy_n(data.begin(), count, buffer.begin());
    data.erase(0, count);
    return count;
  }
  std::string data;
};

class AclApplyTest : public ::testing::Test {
 protected:
  std::any apply(MessageType type, const ValueMap& request) {
    std::string command(1, static_cast<char>(type));
    codec::write_msgpack(command, request);
    return fsm_.apply_command(++index_, command);
  }
  // The error's text; empty when there is none.
  std::string set(MessageType type, const char* list, ValueMap record, ValueMap request = {}) {
    request[list] = ValueList{std::move(record)};
    return error_of(apply(type, request));
  }
  std::string remove(MessageType type, const char* list, const char* id) {
    return error_of(apply(type, ValueMap{{list, ValueList{id}}}));
  }
  std::any legacy(const char* op, ValueMap acl) {
    return apply(MessageType::kACL, ValueMap{{"Op", op}, {"ACL", std::move(acl)}});
  }
  static std::string error_of(const std::any& result) {
    const auto* error = std::any_cast<Error>(&result);
    return error == nullptr ? "" : error->message;
  }
  size_t count(MessageType type) {
    size_t records = 0;
    store::opaque_list(store_, type, nullptr, [&](auto, const auto&) { records++; });
    return records;
  }
  ValueMap record(MessageType type, std::string_view id) {
    const store::OpaqueRecord* found = store::opaque_get(store_, type, id);
    return found == nullptr ? ValueMap() : *codec::from_msgpack<ValueMap>(found->payload);
  }
  ValueMap token(std::string_view id) { return record(MessageType::kACLTokenSet, id); }
  uint64_t row(const char* name) { return store_.tables().named_index(name); }

  store::Store store_;
  Fsm fsm_{store_};
  uint64_t index_ = 0;
};

TEST_F(AclApplyTest, LegacyAclsAreTokensWithoutAnAccessor) {
  ValueMap acl{{"ID", "s1"}, {"Name", "my2"}, {"Type", "management"}, {"Rules", ""}};
  EXPECT_EQ(std::any_cast<std::string>(legacy("set", acl)), "s1");
  EXPECT_EQ(count(MessageType::kACL), 0u);
  ValueMap stored = token("s1");
  EXPECT_EQ(text(field(stored, "SecretID")), "s1");
  EXPECT_EQ(text(field(stored, "AccessorID")), "");
  EXPECT_EQ(text(field(stored, "Description")), "my2");
  EXPECT_EQ(hex_encode(text(field(stored, "Hash"))),
            "e581974f567b226875b0ccddda9aa501b4250d917165d0c371cc46e7f5e82f12");
  EXPECT_EQ(row("acl-tokens"), 1u);
  acl["Type"] = "client";
  legacy("force-set", acl);
  EXPECT_EQ(number(field(token("s1"), "CreateIndex")), 1u);
  EXPECT_EQ(number(field(token("s1"), "ModifyIndex")), 2u);
  legacy("delete", ValueMap{{"ID", "other"}});
  EXPECT_EQ(row("acl-tokens"), 2u) << "nothing went";
  legacy("delete", ValueMap{{"ID", "s1"}});
  EXPECT_EQ(count(MessageType::kACLTokenSet), 0u);
  EXPECT_EQ(row("acl-tokens"), 4u);
  EXPECT_EQ(error_of(legacy("nope", acl)), "Invalid ACL operation 'nope'");
}

TEST_F(AclApplyTest, LegacyBootstrapAsksThenHappensOnce) {
  ValueMap none{{"ID", ""}, {"Name", ""}, {"Type", ""}, {"Rules", ""}};
  EXPECT_TRUE(std::any_cast<bool>(legacy("bootstrap-init", none)));
  EXPECT_EQ(count(MessageType::kACLTokenSet) + count(MessageType::kACL), 0u);
  EXPECT_EQ(row("acl-tokens"), 0u);
  EXPECT_NE(error_of(legacy("set", none)), "") << "a token without a secret";
  legacy("bootstrap-now", ValueMap{{"ID", "s1"}, {"Type", "management"}});
  EXPECT_EQ(row("acl-token-bootstrap"), 3u);
  EXPECT_FALSE(std::any_cast<bool>(legacy("bootstrap-init", none)));
  EXPECT_EQ(error_of(legacy("bootstrap-now", ValueMap{{"ID", "s2"}})), "ACL bootstrap no longer allowed");
  EXPECT_EQ(count(MessageType::kACLTokenSet), 1u);
}

TEST_F(AclApplyTest, ALegacyTokenMovesToItsAccessor) {
  legacy("set", ValueMap{{"ID", "s1"}, {"Type", "client"}});
  ValueMap upgraded = token("s1");
  upgraded["AccessorID"] = "a1";
  ValueMap compare{{"CAS", true}};
  upgraded["ModifyIndex"] = uint64_t{9};
  EXPECT_EQ(set(MessageType::kACLTokenSet, "Tokens", upgraded, compare), "");
  EXPECT_TRUE(token("a1").empty()) << "another one by then";
  upgraded["ModifyIndex"] = uint64_t{1};
  EXPECT_EQ(set(MessageType::kACLTokenSet, "Tokens", upgraded, compare), "");
  EXPECT_EQ(count(MessageType::kACLTokenSet), 1u);
  EXPECT_EQ(number(field(token("a1"), "CreateIndex")), 1u);
  EXPECT_EQ(error_of(legacy("set", ValueMap{{"ID", "s1"}, {"Name", "n"}, {"Type", "client"}})), "");
  EXPECT_EQ(text(field(token("a1"), "Description")), "n");
  EXPECT_EQ(text(field(token("a1"), "AccessorID")), "a1");
  upgraded["SecretID"] = "s2";
  upgraded["AccessorID"] = "a2";
  upgraded["Type"] = "";
  set(MessageType::kACLTokenSet, "Tokens", upgraded);
  EXPECT_EQ(error_of(legacy("set", ValueMap{{"ID", "s2"}, {"Type", "client"}})),
            "failed inserting acl token: cannot use legacy endpoint to modify a non-legacy token");
  legacy("delete", ValueMap{{"ID", "s1"}});
  EXPECT_TRUE(token("a1").empty());
}

TEST_F(AclApplyTest, LinksTakeTheNameOfTheirMoment) {
  ValueMap policy{{"ID", "p"}, {"Name", "ops"}};
  EXPECT_EQ(set(MessageType::kACLPolicySet, "Policies", policy), "");
  ValueMap link{{"ID", "p"}, {"Name", ""}};
  EXPECT_EQ(set(MessageType::kACLRoleSet, "Roles",
                ValueMap{{"ID", "r"}, {"Name", "role"}, {"Policies", ValueList{link}}}),
            "");
  ValueMap token{{"AccessorID", "a"},
                 {"SecretID", "s"},
                 {"Policies", ValueList{link}},
                 {"Roles", ValueList{ValueMap{{"ID", "r"}, {"Name", ""}}}}};
  EXPECT_EQ(set(MessageType::kACLTokenSet, "Tokens", token), "");
  auto name = [&](const ValueMap& record, const char* list) {
    return text(field(*field(record, list).list()->at(0).map(), "Name"));
  };
  EXPECT_EQ(name(this->token("a"), "Policies"), "ops");
  EXPECT_EQ(name(this->token("a"), "Roles"), "role");
  EXPECT_EQ(name(record(MessageType::kACLRoleSet, "r"), "Policies"), "ops");
  policy["Name"] = "dev";
  set(MessageType::kACLPolicySet, "Policies", policy);
  remove(MessageType::kACLRoleDelete, "RoleIDs", "r");
  EXPECT_EQ(name(this->token("a"), "Policies"), "ops");
  EXPECT_EQ(name(this->token("a"), "Roles"), "role");
  EXPECT_EQ(row("acl-tokens"), 3u);
  EXPECT_EQ(set(MessageType::kACLTokenSet, "Tokens", token), "No such role with ID: r");
  EXPECT_EQ(set(MessageType::kACLTokenSet, "Tokens", token, ValueMap{{"AllowMissingLinks", true}}), "");
  EXPECT_EQ(name(this->token("a"), "Policies"), "dev");
  EXPECT_EQ(name(this->token("a"), "Roles"), "");
  token["Policies"] = Value();
  EXPECT_NE(set(MessageType::kACLTokenSet, "Tokens", token,
                ValueMap{{"AllowMissingLinks", true}, {"ProhibitUnprivileged", true}}),
            "");
}

TEST_F(AclApplyTest, AnAuthMethodTakesItsRulesAndTokensAlong) {
  auto rule = [&](const char* id, const char* method) {
    return set(MessageType::kACLBindingRuleSet, "BindingRules", ValueMap{{"ID", id}, {"AuthMethod", method}});
  };
  auto login = [&](const char* id, const char* method) {
    ValueMap token{{"AccessorID", id}, {"SecretID", std::string("s") + id}, {"AuthMethod", method}};
    return set(MessageType::kACLTokenSet, "Tokens", token);
  };
  EXPECT_EQ(rule("r0", "m1"), "failed inserting acl binding rule: auth method not found");
  EXPECT_EQ(login("t0", "m1"), "No such auth method with Name: m1");
  for (const char* name : {"m1", "m2", "m3"})
    set(MessageType::kACLAuthMethodSet, "AuthMethods", ValueMap{{"Name", name}});
  for (const char* method : {"m1", "m2"}) {
    EXPECT_EQ(rule((std::string("r") + method).c_str(), method), "");
    EXPECT_EQ(login((std::string("t") + method).c_str(), method), "");
  }
  uint64_t before = index_;
  remove(MessageType::kACLAuthMethodDelete, "AuthMethodNames", "m3");
  EXPECT_LE(row("acl-binding-rules"), before) << "it had none";
  EXPECT_LE(row("acl-tokens"), before);
  remove(MessageType::kACLAuthMethodDelete, "AuthMethodNames", "m1");
  EXPECT_EQ(count(MessageType::kACLAuthMethodSet), 1u);
  EXPECT_EQ(count(MessageType::kACLBindingRuleSet), 1u);
  EXPECT_EQ(count(MessageType::kACLTokenSet), 1u);
  EXPECT_FALSE(token("tm2").empty());
  EXPECT_EQ(row("acl-binding-rules"), index_);
  EXPECT_EQ(row("acl-tokens"), index_);
}

// Praetor's first versions wrote bootstrap-init as an ACL without an id: a server of Consul that restored it
// ended.
TEST_F(AclApplyTest, SnapshotsHoldLegacyAclsAsTokensAndNoneWithoutASecret) {
  Strings written;
  codec::write_msgpack(written.data, ValueMap{{"LastIndex", uint64_t{7}}});
  auto add = [&](MessageType type, const ValueMap& record) {
    written.data.push_back(static_cast<char>(type));
    codec::write_msgpack(written.data, record);
  };
  add(MessageType::kACL, ValueMap{{"ID", ""}, {"CreateIndex", uint64_t{6}}, {"ModifyIndex", uint64_t{6}}});
  add(MessageType::kACL, ValueMap{{"ID", "s"}, {"CreateIndex", uint64_t{4}}, {"ModifyIndex", uint64_t{5}}});
  add(MessageType::kACLTokenSet, ValueMap{{"AccessorID", "a"}, {"SecretID", ""}});
  ASSERT_TRUE(fsm_.restore(written, {}));
  EXPECT_EQ(count(MessageType::kACL), 0u);
  EXPECT_EQ(count(MessageType::kACLTokenSet), 1u);
  EXPECT_EQ(number(field(token("s"), "CreateIndex")), 4u);
  EXPECT_EQ(number(field(token("s"), "ModifyIndex")), 5u);
  Strings again;
  ASSERT_TRUE(fsm_.snapshot()->write(again));
  ASSERT_TRUE(fsm_.restore(again, {}));
  EXPECT_EQ(count(MessageType::kACLTokenSet), 1u);
}

}  // namespace
}  // namespace praetor::fsm
