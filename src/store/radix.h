// The store's ordered map: a persistent adaptive radix tree from byte strings to immutable leaves.
//
// A tree is a value (one pointer and a count). Changing it through a RadixWriter copies the path from the
// root to the changed place and leaves every older copy of the tree intact, except that nodes made under the
// writer's current stamp, which nobody else has seen, are changed in place. Replaced nodes are collected in
// the writer; whoever publishes the new tree frees them when no reader can see them.
//
// A leaf carries its whole key, so that a lone leaf hangs where its key departs from the others. An inner
// node has the bytes that all keys below share (its prefix), a leaf whose key ends here (terminal), and
// children by the next byte: sorted arrays up to 64 children, a direct table of 256 beyond.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace praetor::store {

// What a leaf is, and so how it is freed (records.h).
enum class LeafKind : uint8_t;

// The head of every leaf. The key stands inside the same allocation, `key_offset` bytes from the start.
// Immutable once it is in a tree.
struct Leaf {
  uint32_t key_size = 0;
  LeafKind kind;
  uint8_t key_offset = 0;
  uint16_t bits = 0;  // the kind's own use

  std::string_view key() const { return {reinterpret_cast<const char*>(this) + key_offset, key_size}; }
};

// Frees a leaf and the record it owns, if its kind owns one. Defined with the kinds in records.cc.
void free_leaf(const Leaf* leaf);

namespace radix {

struct Inner;

// A leaf, an inner node or nothing; the lowest bit tells the first two apart.
class Child {
 public:
  Child() = default;
  Child(const Leaf* leaf) : bits_(reinterpret_cast<uintptr_t>(leaf) | 1) {}  // NOLINT: converts
  Child(Inner* inner) : bits_(reinterpret_cast<uintptr_t>(inner)) {}         // NOLINT: converts

  explicit operator bool() const { return bits_ != 0; }
  bool is_leaf() const { return (bits_ & 1) != 0; }
  const Leaf* leaf() const { return reinterpret_cast<const Leaf*>(bits_ & ~uintptr_t{1}); }
  Inner* inner() const { return reinterpret_cast<Inner*>(bits_); }

 private:
  uintptr_t bits_ = 0;
};

inline constexpr uint16_t kDense = 256;

// Followed in its allocation by: Child children[capacity]; uint8_t bytes[capacity] unless dense; char
// prefix[].
struct Inner {
  uint64_t stamp;
  const Leaf* terminal;
  uint32_t prefix_size;
  uint16_t count;
  uint16_t capacity;

  bool dense() const { return capacity == kDense; }
  Child* children() { return reinterpret_cast<Child*>(this + 1); }
  const Child* children() const { return reinterpret_cast<const Child*>(this + 1); }
  uint8_t* bytes() { return reinterpret_cast<uint8_t*>(children() + capacity); }
  const uint8_t* bytes() const { return reinterpret_cast<const uint8_t*>(children() + capacity); }
  char* prefix_data() { return reinterpret_cast<char*>(bytes()) + (dense() ? 0 : capacity); }
  std::string_view prefix() const {
    return {reinterpret_cast<const char*>(bytes()) + (dense() ? 0 : capacity), prefix_size};
  }
  // The slot of a byte's child, or null.
  const Child* find(uint8_t byte) const {
    if (dense()) return children()[byte] ? &children()[byte] : nullptr;
    const void* at = count == 0 ? nullptr : memchr(bytes(), byte, count);
    return at == nullptr ? nullptr : &children()[static_cast<const uint8_t*>(at) - bytes()];
  }
  // How many positions at() has, empty ones of a dense node included.
  size_t positions() const { return dense() ? kDense : count; }
  Child at(size_t position) const { return children()[position]; }
  uint8_t byte_at(size_t position) const {
    return dense() ? static_cast<uint8_t>(position) : bytes()[position];
  }
};

// Calls visit(const Leaf*) in key order until it returns false; returns false if it did.
template <typename Visit>
bool walk(Child child, Visit& visit) {
  if (!child) return true;
  if (child.is_leaf()) return visit(child.leaf());
  const Inner* inner = child.inner();
  if (inner->terminal != nullptr && !visit(inner->terminal)) return false;
  for (size_t i = 0, n = inner->positions(); i < n; i++) {
    if (!walk(inner->at(i), visit)) return false;
  }
  return true;
}

}  // namespace radix

class RadixTree {
 public:
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Leaf* find(std::string_view key) const;
  const Leaf* min() const;
  const Leaf* max() const;
  // The leaf with the longest key that is a prefix of `key`, or null.
  const Leaf* longest_prefix(std::string_view key) const;
  bool has_prefix(std::string_view prefix) const { return bool(subtree(prefix)); }

  // visit(const Leaf*) -> bool (false stops), in key order.
  template <typename Visit>
  void visit_prefix(std::string_view prefix, Visit visit) const {
    radix::walk(subtree(prefix), visit);
  }
  template <typename Visit>
  void visit_all(Visit visit) const {
    radix::walk(root_, visit);
  }
  // visit(const Leaf*) -> bool for every leaf whose key is a prefix of `key`, shortest first.
  template <typename Visit>
  void visit_path(std::string_view key, Visit visit) const;

 private:
  friend class RadixWriter;
  friend class RadixIterator;
  friend void free_tree(RadixTree& tree);

  // What holds exactly the keys that start with `prefix`.
  radix::Child subtree(std::string_view prefix) const;

  radix::Child root_;
  size_t size_ = 0;
};

// Frees every node and leaf. REQUIRES: no other copy of the tree shares them.
void free_tree(RadixTree& tree);

// In key order, from a lower bound. Valid as long as the tree's nodes are (a pinned reader's are; a write
// transaction's are not after its next change: collect first, change then).
class RadixIterator {
 public:
  explicit RadixIterator(const RadixTree& tree) : tree_(tree) { stack_.reserve(16); }
  // The next leaf is the first whose key is >= `key`.
  void seek(std::string_view key);
  // The next leaf is the first whose key is beyond every key that starts with `prefix`.
  void seek_past_prefix(std::string_view prefix);
  const Leaf* next();  // null at the end

 private:
  struct Frame {
    const radix::Inner* node;
    int position;  // -1: the terminal comes next
  };
  void push(radix::Child child);

  RadixTree tree_;
  std::vector<Frame> stack_;
  const Leaf* pending_ = nullptr;  // comes before the stack
};

// Changes trees; see the file comment. One thread.
class RadixWriter {
 public:
  RadixWriter() { start_batch(); }
  // From here on, nodes made so far are shared with readers.
  void start_batch();

  // Both return the leaf that the change removed (still owned by whoever owned it), or null.
  const Leaf* insert(RadixTree& tree, const Leaf* leaf);
  const Leaf* erase(RadixTree& tree, std::string_view key);

  // Replaced nodes that readers of older trees may still see.
  std::vector<radix::Inner*> take_replaced() { return std::exchange(replaced_, {}); }

 private:
  void discard(radix::Inner* inner);
  radix::Inner* writable(radix::Child* slot, size_t extra);
  radix::Child* split_prefix(radix::Child* slot, size_t match);
  void remove_child(radix::Inner* inner, uint8_t byte);
  void collapse(radix::Child* slot);

  uint64_t stamp_ = 0;
  std::vector<radix::Inner*> replaced_;
};

void free_inner(radix::Inner* inner);

template <typename Visit>
void RadixTree::visit_path(std::string_view key, Visit visit) const {
  size_t depth = 0;
  radix::Child child = root_;
  while (child) {
    if (child.is_leaf()) {
      if (key.starts_with(child.leaf()->key())) visit(child.leaf());
      return;
    }
    const radix::Inner* inner = child.inner();
    if (!key.substr(depth).starts_with(inner->prefix())) return;
    depth += inner->prefix_size;
    if (inner->terminal != nullptr && !visit(inner->terminal)) return;
    if (depth == key.size()) return;
    const radix::Child* next = inner->find(static_cast<uint8_t>(key[depth]));
    if (next == nullptr) return;
    child = *next;
    depth++;
  }
}

}  // namespace praetor::store
