#include "store/radix.h"

#include <gtest/gtest.h>

#include <map>

#include "base/random.h"
#include "store/records.h"

namespace praetor::store {
namespace {

using Model = std::map<std::string, uint64_t>;

// A tree with its writer, which frees what the writer replaces at once (nobody reads older trees here).
class OwnTree {
 public:
  ~OwnTree() {
    free_replaced();
    free_tree(tree);
  }
  void put(std::string_view key, uint64_t value) { drop(writer.insert(tree, make_value_leaf(key, value))); }
  void erase(std::string_view key) { drop(writer.erase(tree, key)); }
  void free_replaced() {
    for (radix::Inner* inner : writer.take_replaced()) free_inner(inner);
    for (const Leaf* leaf : dropped) free_leaf(leaf);
    dropped.clear();
  }

  RadixTree tree;
  RadixWriter writer;

 private:
  void drop(const Leaf* leaf) {
    if (leaf != nullptr) dropped.push_back(leaf);
  }
  std::vector<const Leaf*> dropped;
};

uint64_t value_of(const Leaf* leaf) { return static_cast<const ValueLeaf*>(leaf)->value; }

// Short alphabets make shared prefixes and keys that are prefixes of others; the full one makes dense nodes.
std::string random_key(Random& random, bool dense) {
  std::string key;
  for (size_t left = random.below(dense ? 4 : 9); left > 0; left--) {
    key.push_back(static_cast<char>(dense ? random.below(256) : "ab/\xff"[random.below(4)]));
  }
  return key;
}

void expect_equal(const RadixTree& tree, const Model& model) {
  ASSERT_EQ(tree.size(), model.size());
  auto at = model.begin();
  tree.visit_all([&](const Leaf* leaf) {
    EXPECT_NE(at, model.end());
    EXPECT_EQ(leaf->key(), at->first);
    EXPECT_EQ(value_of(leaf), at->second);
    ++at;
    return true;
  });
  ASSERT_EQ(at, model.end());
  EXPECT_EQ(tree.min() == nullptr, model.empty());
  if (model.empty()) return;
  EXPECT_EQ(tree.min()->key(), model.begin()->first);
  EXPECT_EQ(tree.max()->key(), model.rbegin()->first);
}

void expect_equal_reads(const RadixTree& tree, const Model& model, const std::string& key) {
  const Leaf* found = tree.find(key);
  ASSERT_EQ(found != nullptr, model.contains(key));
  RadixIterator iterator(tree);
  iterator.seek(key);
  for (auto at = model.lower_bound(key); at != model.end(); ++at) {
    const Leaf* leaf = iterator.next();
    ASSERT_NE(leaf, nullptr);
    ASSERT_EQ(leaf->key(), at->first);
  }
  ASSERT_EQ(iterator.next(), nullptr);
  std::vector<std::string> expected, got;
  for (auto at = model.lower_bound(key); at != model.end() && at->first.starts_with(key); ++at) {
    expected.push_back(at->first);
  }
  tree.visit_prefix(key, [&](const Leaf* leaf) {
    got.emplace_back(leaf->key());
    return true;
  });
  ASSERT_EQ(got, expected);
  ASSERT_EQ(tree.has_prefix(key), !expected.empty());
  std::string longest;
  for (size_t size = 0; size <= key.size(); size++) {
    if (model.contains(key.substr(0, size))) longest = key.substr(0, size);
  }
  const Leaf* prefix = tree.longest_prefix(key);
  ASSERT_EQ(prefix == nullptr ? "" : prefix->key(), longest);
  iterator.seek_past_prefix(key);
  auto past = model.lower_bound(key);
  while (past != model.end() && past->first.starts_with(key)) ++past;
  const Leaf* next = iterator.next();
  if (key.find_first_not_of('\xff') == std::string::npos) {
    ASSERT_EQ(next, nullptr);
  } else {
    ASSERT_EQ(next == nullptr, past == model.end());
    if (next != nullptr) ASSERT_EQ(next->key(), past->first);
  }
}

TEST(Radix, BehavesAsAnOrderedMap) {
  for (uint64_t seed = 1; seed <= 40; seed++) {
    Random random(seed);
    OwnTree own;
    Model model;
    bool dense = seed % 2 == 0;
    for (int step = 0; step < 400; step++) {
      std::string key = random_key(random, dense);
      if (random.below(3) == 0) {
        own.erase(key);
        model.erase(key);
      } else {
        own.put(key, static_cast<uint64_t>(step));
        model[key] = static_cast<uint64_t>(step);
      }
      if (random.below(10) == 0) own.writer.start_batch();
      if (random.below(20) == 0) {
        expect_equal(own.tree, model);
        expect_equal_reads(own.tree, model, random_key(random, dense));
      }
    }
    expect_equal(own.tree, model);
    while (!model.empty()) {
      own.erase(model.begin()->first);
      model.erase(model.begin());
    }
    expect_equal(own.tree, model);
  }
}

TEST(Radix, OlderCopiesStayAsTheyWere) {
  Random random(7);
  OwnTree own;
  Model model;
  std::vector<std::pair<RadixTree, Model>> history;
  for (int step = 0; step < 2000; step++) {
    std::string key = random_key(random, step % 2 == 0);
    if (random.below(3) == 0) {
      own.erase(key);
      model.erase(key);
    } else {
      own.put(key, static_cast<uint64_t>(step));
      model[key] = static_cast<uint64_t>(step);
    }
    if (step % 50 == 0) {
      history.emplace_back(own.tree, model);
      own.writer.start_batch();
    }
  }
  for (const auto& [tree, then] : history) expect_equal(tree, then);
}

TEST(Radix, DenseNodesGrowAndShrink) {
  OwnTree own;
  for (int i = 0; i < 256; i++) own.put(std::string(1, static_cast<char>(i)) + "x", static_cast<uint64_t>(i));
  EXPECT_EQ(own.tree.size(), 256u);
  for (int i = 0; i < 250; i++) {
    if (i % 16 == 0) own.writer.start_batch();
    own.erase(std::string(1, static_cast<char>(i)) + "x");
  }
  EXPECT_EQ(own.tree.size(), 6u);
  EXPECT_EQ(value_of(own.tree.find("\xfax")), 250u);
}

TEST(Records, KvLeafKeepsEveryField) {
  KvFields fields{
      .key = "a/b", .value = std::string_view("v\0w", 3), .create_index = 7, .modify_index = 1ull << 40};
  const KvLeaf* plain = make_kv_leaf(fields);
  EXPECT_FALSE(plain->has_extras());
  EXPECT_EQ(plain->session(), "");
  EXPECT_EQ(plain->modify_index(), 1ull << 40);
  free_leaf(plain);
  fields.flags = ~0ull;
  fields.lock_index = 3;
  fields.session = "c0ffee";
  const KvLeaf* full = make_kv_leaf(fields);
  model::DirEntry entry = to_dir_entry(*full);
  EXPECT_EQ(entry.key, "a/b");
  EXPECT_EQ(entry.value, std::string("v\0w", 3));
  EXPECT_EQ(entry.flags, ~0ull);
  EXPECT_EQ(entry.lock_index, 3u);
  EXPECT_EQ(entry.session, "c0ffee");
  EXPECT_EQ(entry.indexes.create_index, 7u);
  free_leaf(full);
}

}  // namespace
}  // namespace praetor::store
