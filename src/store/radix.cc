#include "store/radix.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <utility>

#include "base/check.h"

namespace praetor::store {

using radix::Child;
using radix::Inner;
using radix::kDense;

namespace {

// Few sizes, so that the allocator's classes fit; growth by about half keeps copies cheap.
uint16_t capacity_for(size_t count) {
  for (uint16_t capacity : {2, 4, 8, 12, 16, 24, 32, 48, 64}) {
    if (count <= capacity) return capacity;
  }
  return kDense;
}

Inner* make_inner(uint64_t stamp, std::string_view prefix, size_t count) {
  uint16_t capacity = capacity_for(count);
  size_t bytes =
      sizeof(Inner) + capacity * sizeof(Child) + (capacity == kDense ? 0 : capacity) + prefix.size();
  auto* inner = static_cast<Inner*>(::operator new(bytes));
  inner->stamp = stamp;
  inner->terminal = nullptr;
  inner->prefix_size = static_cast<uint32_t>(prefix.size());
  inner->count = 0;
  inner->capacity = capacity;
  if (inner->dense()) std::fill_n(inner->children(), kDense, Child());
  if (!prefix.empty()) memcpy(inner->prefix_data(), prefix.data(), prefix.size());
  return inner;
}

// REQUIRES: room for one more, and no child at `byte`.
void put_child(Inner* inner, uint8_t byte, Child child) {
  CHECK(inner->count < inner->capacity);
  if (inner->dense()) {
    inner->children()[byte] = child;
  } else {
    uint8_t* bytes = inner->bytes();
    size_t at = std::lower_bound(bytes, bytes + inner->count, byte) - bytes;
    size_t behind = inner->count - at;
    memmove(bytes + at + 1, bytes + at, behind);
    std::copy_backward(inner->children() + at, inner->children() + at + behind,
                       inner->children() + at + behind + 1);
    bytes[at] = byte;
    inner->children()[at] = child;
  }
  inner->count++;
}

Inner* copy_inner(const Inner* from, uint64_t stamp, std::string_view prefix, size_t extra) {
  Inner* inner = make_inner(stamp, prefix, from->count + extra);
  inner->terminal = from->terminal;
  inner->count = from->count;
  if (from->dense() == inner->dense()) {
    std::copy_n(from->children(), from->positions(), inner->children());
    if (!from->dense()) memcpy(inner->bytes(), from->bytes(), from->count);
    return inner;
  }
  inner->count = 0;
  for (size_t i = 0; i < from->positions(); i++) {
    if (from->at(i)) put_child(inner, from->byte_at(i), from->at(i));
  }
  return inner;
}

size_t common_size(std::string_view a, std::string_view b) {
  return std::mismatch(a.begin(), a.begin() + std::min(a.size(), b.size()), b.begin()).first - a.begin();
}

// Hangs a leaf into a fresh node: as terminal if its key ends at `depth`.
void hang_leaf(Inner* inner, const Leaf* leaf, size_t depth) {
  std::string_view key = leaf->key();
  if (key.size() == depth) {
    inner->terminal = leaf;
  } else {
    put_child(inner, static_cast<uint8_t>(key[depth]), leaf);
  }
}

uint64_t next_stamp() {
  static std::atomic<uint64_t> stamps{0};  // unique among all writers: trees move between stores
  return stamps.fetch_add(1, std::memory_order_relaxed) + 1;
}

void free_subtree(Child child) {
  if (!child) return;
  if (child.is_leaf()) return free_leaf(child.leaf());
  Inner* inner = child.inner();
  if (inner->terminal != nullptr) free_leaf(inner->terminal);
  for (size_t i = 0; i < inner->positions(); i++) free_subtree(inner->at(i));
  free_inner(inner);
}

}  // namespace

void free_inner(Inner* inner) { ::operator delete(inner); }

void free_tree(RadixTree& tree) {
  free_subtree(tree.root_);
  tree = RadixTree();
}

const Leaf* RadixTree::find(std::string_view key) const {
  size_t depth = 0;
  Child child = root_;
  while (child) {
    if (child.is_leaf()) return child.leaf()->key() == key ? child.leaf() : nullptr;
    const Inner* inner = child.inner();
    if (!key.substr(depth).starts_with(inner->prefix())) return nullptr;
    depth += inner->prefix_size;
    if (depth == key.size()) return inner->terminal;
    const Child* next = inner->find(static_cast<uint8_t>(key[depth]));
    if (next == nullptr) return nullptr;
    child = *next;
    depth++;
  }
  return nullptr;
}

const Leaf* RadixTree::min() const {
  const Leaf* found = nullptr;
  visit_all([&](const Leaf* leaf) {
    found = leaf;
    return false;
  });
  return found;
}

const Leaf* RadixTree::max() const {
  Child child = root_;
  while (child && !child.is_leaf()) {
    const Inner* inner = child.inner();
    Child last;
    for (size_t i = inner->positions(); i-- > 0 && !last;) last = inner->at(i);
    if (!last) return inner->terminal;
    child = last;
  }
  return child ? child.leaf() : nullptr;
}

const Leaf* RadixTree::longest_prefix(std::string_view key) const {
  const Leaf* found = nullptr;
  visit_path(key, [&](const Leaf* leaf) {
    found = leaf;
    return true;
  });
  return found;
}

Child RadixTree::subtree(std::string_view prefix) const {
  size_t depth = 0;
  Child child = root_;
  while (child) {
    if (child.is_leaf()) return child.leaf()->key().starts_with(prefix) ? child : Child();
    const Inner* inner = child.inner();
    std::string_view rest = prefix.substr(depth);
    size_t match = common_size(rest, inner->prefix());
    if (match == rest.size()) return child;
    if (match < inner->prefix_size) return {};
    depth += match;
    const Child* next = inner->find(static_cast<uint8_t>(prefix[depth]));
    if (next == nullptr) return {};
    child = *next;
    depth++;
  }
  return {};
}

// --- iteration ---

void RadixIterator::push(Child child) {
  if (!child) return;
  if (child.is_leaf()) {
    pending_ = child.leaf();
  } else {
    stack_.push_back({child.inner(), -1});
  }
}

const Leaf* RadixIterator::next() {
  if (pending_ != nullptr) return std::exchange(pending_, nullptr);
  while (!stack_.empty()) {
    Frame& frame = stack_.back();
    if (frame.position < 0) {
      frame.position = 0;
      if (frame.node->terminal != nullptr) return frame.node->terminal;
    }
    if (static_cast<size_t>(frame.position) >= frame.node->positions()) {
      stack_.pop_back();
      continue;
    }
    Child child = frame.node->at(static_cast<size_t>(frame.position++));
    if (!child) continue;
    if (child.is_leaf()) return child.leaf();
    stack_.push_back({child.inner(), -1});
  }
  return nullptr;
}

void RadixIterator::seek(std::string_view key) {
  stack_.clear();
  pending_ = nullptr;
  size_t depth = 0;
  Child child = tree_.root_;
  while (child) {
    if (child.is_leaf()) {
      if (child.leaf()->key() >= key) pending_ = child.leaf();
      return;
    }
    const Inner* inner = child.inner();
    std::string_view rest = key.substr(depth);
    size_t match = common_size(rest, inner->prefix());
    if (match == rest.size()) return push(child);  // everything below is >= key
    if (match < inner->prefix_size) {
      if (static_cast<uint8_t>(inner->prefix()[match]) > static_cast<uint8_t>(rest[match])) push(child);
      return;
    }
    depth += match;
    auto byte = static_cast<uint8_t>(key[depth]);
    size_t position = byte;
    if (!inner->dense()) {
      position = std::lower_bound(inner->bytes(), inner->bytes() + inner->count, byte) - inner->bytes();
    }
    if (position >= inner->positions()) return;
    if (inner->byte_at(position) != byte || !inner->at(position)) {
      stack_.push_back({inner, static_cast<int>(position)});
      return;
    }
    stack_.push_back({inner, static_cast<int>(position) + 1});
    child = inner->at(position);
    depth++;
  }
}

void RadixIterator::seek_past_prefix(std::string_view prefix) {
  std::string bound(prefix);
  while (!bound.empty() && bound.back() == '\xff') bound.pop_back();
  if (bound.empty()) {  // nothing is beyond
    stack_.clear();
    pending_ = nullptr;
    return;
  }
  bound.back() = static_cast<char>(static_cast<uint8_t>(bound.back()) + 1);
  seek(bound);
}

// --- changes ---

void RadixWriter::start_batch() { stamp_ = next_stamp(); }

void RadixWriter::discard(Inner* inner) {
  if (inner->stamp == stamp_) {
    free_inner(inner);  // nobody else has seen it
  } else {
    replaced_.push_back(inner);
  }
}

// Makes the inner node in `slot` one that may be changed, with room for `extra` more children.
Inner* RadixWriter::writable(Child* slot, size_t extra) {
  Inner* inner = slot->inner();
  if (inner->stamp == stamp_ && inner->count + extra <= inner->capacity) return inner;
  Inner* copy = copy_inner(inner, stamp_, inner->prefix(), extra);
  discard(inner);
  *slot = copy;
  return copy;
}

// Puts a node with the first `match` bytes of the prefix above the node in `slot`.
Child* RadixWriter::split_prefix(Child* slot, size_t match) {
  Inner* inner = slot->inner();
  std::string_view prefix = inner->prefix();
  Inner* above = make_inner(stamp_, prefix.substr(0, match), 2);
  Inner* below = copy_inner(inner, stamp_, prefix.substr(match + 1), 0);
  put_child(above, static_cast<uint8_t>(prefix[match]), below);
  discard(inner);
  *slot = above;
  return slot;
}

const Leaf* RadixWriter::insert(RadixTree& tree, const Leaf* leaf) {
  std::string_view key = leaf->key();
  size_t depth = 0;
  Child* slot = &tree.root_;
  while (true) {
    if (!*slot) {  // only an empty tree's root
      *slot = leaf;
      tree.size_++;
      return nullptr;
    }
    if (slot->is_leaf()) {
      const Leaf* old = slot->leaf();
      if (old->key() == key) {
        *slot = leaf;
        return old;
      }
      std::string_view rest = key.substr(depth);
      size_t match = common_size(rest, old->key().substr(depth));
      Inner* inner = make_inner(stamp_, rest.substr(0, match), 2);
      hang_leaf(inner, old, depth + match);
      hang_leaf(inner, leaf, depth + match);
      *slot = inner;
      tree.size_++;
      return nullptr;
    }
    Inner* inner = slot->inner();
    std::string_view rest = key.substr(depth);
    size_t match = common_size(rest, inner->prefix());
    if (match < inner->prefix_size) {
      hang_leaf(split_prefix(slot, match)->inner(), leaf, depth + match);
      tree.size_++;
      return nullptr;
    }
    depth += match;
    if (depth == key.size()) {
      inner = writable(slot, 0);
      const Leaf* old = std::exchange(inner->terminal, leaf);
      tree.size_ += old == nullptr ? 1 : 0;
      return old;
    }
    auto byte = static_cast<uint8_t>(key[depth]);
    if (inner->find(byte) == nullptr) {
      put_child(writable(slot, 1), byte, leaf);
      tree.size_++;
      return nullptr;
    }
    slot = const_cast<Child*>(writable(slot, 0)->find(byte));
    depth++;
  }
}

void RadixWriter::remove_child(Inner* inner, uint8_t byte) {
  auto* child = const_cast<Child*>(inner->find(byte));
  CHECK(child != nullptr);
  if (inner->dense()) {
    *child = Child();
  } else {
    size_t at = child - inner->children();
    std::copy(child + 1, inner->children() + inner->count, child);
    memmove(inner->bytes() + at, inner->bytes() + at + 1, inner->count - at - 1);
  }
  inner->count--;
}

// Removes the node in `slot` if it no longer branches. REQUIRES: it is writable.
void RadixWriter::collapse(Child* slot) {
  Inner* inner = slot->inner();
  if (inner->count + (inner->terminal != nullptr ? 1 : 0) > 1) return;
  if (inner->terminal != nullptr) {
    *slot = inner->terminal;
    return free_inner(inner);
  }
  size_t position = 0;
  while (!inner->at(position)) position++;
  Child child = inner->at(position);
  if (child.is_leaf()) {
    *slot = child;
    return free_inner(inner);
  }
  std::string prefix(inner->prefix());
  prefix.push_back(static_cast<char>(inner->byte_at(position)));
  prefix.append(child.inner()->prefix());
  *slot = copy_inner(child.inner(), stamp_, prefix, 0);
  discard(child.inner());
  free_inner(inner);
}

const Leaf* RadixWriter::erase(RadixTree& tree, std::string_view key) {
  const Leaf* old = tree.find(key);
  if (old == nullptr) return nullptr;
  tree.size_--;
  size_t depth = 0;
  Child* slot = &tree.root_;
  if (slot->is_leaf()) {
    *slot = Child();
    return old;
  }
  while (true) {
    Inner* inner = writable(slot, 0);
    depth += inner->prefix_size;
    if (depth == key.size()) {
      inner->terminal = nullptr;
      collapse(slot);
      return old;
    }
    auto byte = static_cast<uint8_t>(key[depth]);
    auto* next = const_cast<Child*>(inner->find(byte));
    CHECK(next != nullptr);
    if (next->is_leaf()) {
      remove_child(inner, byte);
      collapse(slot);
      return old;
    }
    slot = next;
    depth++;
  }
}

}  // namespace praetor::store
