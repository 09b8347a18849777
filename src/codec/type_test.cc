#include "codec/type.h"

#include <gtest/gtest.h>

namespace praetor::codec {
namespace {

struct Indexes {
  uint64_t create_index = 0;
};
PRAETOR_DESCRIBED(Indexes)
PRAETOR_DESCRIBE(Indexes, "RaftIndex", field("CreateIndex", &Indexes::create_index).no_filter())

struct Tree {
  std::string name;
  List<std::string> tags;
  Map<std::string> meta;
  Box<Tree> child;
  Indexes indexes;
};
PRAETOR_DESCRIBED(Tree)
PRAETOR_DESCRIBE(Tree, "Tree", field("Name", &Tree::name), field("Tags", &Tree::tags).omit_empty(),
                 field("Meta", &Tree::meta), field("Child", &Tree::child), embedded(&Tree::indexes))

TEST(Type, ReachesEveryFieldOfARecursiveStruct) {
  const Type& type = type_of<Tree>();
  ASSERT_EQ(type.fields.size(), 5u);
  Tree tree;
  tree.child.emplace().name = "leaf";
  tree.indexes.create_index = 7;
  const Field* child = type.find_wire("Child");
  ASSERT_NE(child, nullptr);
  const void* leaf = child->type->ops->at(child->in(static_cast<const void*>(&tree)), 0);
  EXPECT_EQ(&child->type->element(), &type);
  EXPECT_EQ(static_cast<const Tree*>(leaf)->name, "leaf");
  const Field* index = type.find_wire("CreateIndex");
  EXPECT_EQ(*static_cast<const uint64_t*>(index->in(static_cast<const void*>(&tree))), 7u);
  EXPECT_TRUE(index->has(kNoFilter));
}

TEST(Type, TellsNilFromEmpty) {
  Tree tree;
  EXPECT_TRUE(tree.tags.is_nil());
  tree.tags.make_empty();
  EXPECT_FALSE(tree.tags.is_nil());
  EXPECT_TRUE(is_empty(type_of<List<std::string>>(), &tree.tags));
  tree.meta["b"] = "2";
  tree.meta["a"] = "1";
  EXPECT_EQ(tree.meta.begin()->first, "a");
  Tree copy = tree;
  EXPECT_EQ(*copy.meta.get("b"), "2");
}

}  // namespace
}  // namespace praetor::codec
