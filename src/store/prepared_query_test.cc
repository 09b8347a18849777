#include "store/prepared_query.h"

#include <gtest/gtest.h>

#include "codec/msgpack.h"
#include "store/opaque.h"
#include "store/query_template.h"

namespace praetor::store {
namespace {

model::PreparedQuery make_query(std::string id, std::string name, std::string service) {
  model::PreparedQuery query;
  query.id = "00000000-0000-0000-0000-00000000000" + id;
  query.name = std::move(name);
  query.service.service = std::move(service);
  return query;
}

model::PreparedQuery make_template(std::string id, std::string name, std::string service) {
  model::PreparedQuery query = make_query(std::move(id), std::move(name), std::move(service));
  query.query_template.type = model::kNamePrefixMatch;
  return query;
}

struct PreparedQueryTest : testing::Test {
  ~PreparedQueryTest() override { store.publish(); }
  void put(const model::PreparedQuery& query) {
    store.begin(++index);
    opaque_put(store, model::MessageType::kPreparedQuery, query.id, codec::to_msgpack(query));
    store.commit();
  }
  std::string resolved(std::string_view name) {
    auto query = prepared_query_resolve(store, name, "");
    return !query ? query.error().message : *query ? (*query)->service.service : "none";
  }
  Store store;
  uint64_t index = 1;
};

TEST_F(PreparedQueryTest, ResolvesByIdNameAndLongestPrefix) {
  put(make_query("1", "Web", "exact"));
  put(make_template("2", "", "any ${name.full}"));
  put(make_template("3", "geo-", "geo ${name.suffix}"));
  put(make_template("4", "geo-db-", "db ${name.prefix}"));
  EXPECT_EQ(resolved("web"), "exact");
  EXPECT_EQ(resolved("00000000-0000-0000-0000-000000000001"), "exact");
  EXPECT_EQ(resolved("00000000-0000-0000-0000-000000000003"),
            "prepared query templates can only be resolved up by name, not by ID");
  EXPECT_EQ(resolved("geo-x"), "geo x");
  EXPECT_EQ(resolved("geo-db-x"), "db geo-db-");
  EXPECT_EQ(resolved("geo-"), "geo ");
  EXPECT_EQ(resolved("else"), "any else");
  EXPECT_EQ(resolved(""), "none");
}

TEST_F(PreparedQueryTest, RefusesTakenNamesUnknownSessionsAndBadTemplates) {
  put(make_query("1", "web", "x"));
  put(make_template("2", "", "x"));
  auto refusal = [&](const model::PreparedQuery& query) {
    Status checked = prepared_query_check(store, query);
    return checked ? std::string() : checked.error().message;
  };
  EXPECT_EQ(refusal(make_query("1", "WEB", "x")), "");
  EXPECT_EQ(refusal(make_query("3", "WEB", "x")), "name 'WEB' aliases an existing query name");
  EXPECT_EQ(refusal(make_template("3", "", "x")), "a query template with an empty name already exists");
  model::PreparedQuery bound = make_query("3", "", "x");
  bound.session = "zz";
  EXPECT_EQ(refusal(bound), "invalid session: index error: UUID must be 36 characters");
  bound.session = "00000000-0000-0000-0000-000000000009";
  EXPECT_EQ(refusal(bound), "invalid session \"00000000-0000-0000-0000-000000000009\"");
  EXPECT_EQ(refusal(make_template("3", "a", "${name.nope}")),
            "failed compiling template: Bad evaluation for '${name.nope}' in Service.Service: 1:3: unknown "
            "variable "
            "accessed: name.nope");
  EXPECT_EQ(refusal(make_template("3", "a", "${")),
            "failed compiling template: Bad format '${' in Service.Service: parse error: syntax error");
}

TEST(QueryTemplate, FillsInGroupsAndDropsEmptyTags) {
  model::PreparedQuery query = make_template("1", "geo-", "${ match(1) }-$${x}");
  query.query_template.regexp = "^geo-(.*?)-([^\\-]+?)$";
  query.service.tags = {"${match(2)}", "${match(3)}", "${agent.segment}"};
  query.service.node_meta["p"] = "${name.prefix}";
  auto filled = render_query_template(query, "geo-web-a", "seg");
  ASSERT_TRUE(filled) << filled.error().message;
  EXPECT_EQ(filled->service.service, "web-${x}");
  EXPECT_EQ(filled->service.tags, (model::List<std::string>{"a", "", "seg"}));
  EXPECT_EQ(*filled->service.node_meta.get("p"), "geo-");
  query.query_template.remove_empty_tags = true;
  EXPECT_EQ(render_query_template(query, "geo-web-a", "")->service.tags, (model::List<std::string>{"a"}));
}

}  // namespace
}  // namespace praetor::store
