// The containers of described structs. Go tells a nil slice or map from an empty one, and so do Consul's
// JSON (null or []) and MessagePack: these containers keep that difference.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace praetor::codec {

// A Go slice. Nil until it has held an element or make_empty() was called.
template <typename T>
class List : public std::vector<T> {
 public:
  using std::vector<T>::vector;
  List(std::vector<T> items) : std::vector<T>(std::move(items)), made_(true) {}  // NOLINT: converts

  bool is_nil() const { return this->empty() && !made_; }
  void make_empty() {
    this->clear();
    made_ = true;
  }

 private:
  bool made_ = false;
};

// A Go map with string keys, sorted by key (Go's JSON order), in one allocation. For small maps: inserting
// out of order is linear.
template <typename V>
class Map {
 public:
  using value_type = std::pair<std::string, V>;
  using iterator = typename std::vector<value_type>::iterator;
  using const_iterator = typename std::vector<value_type>::const_iterator;

  Map() = default;
  Map(std::initializer_list<value_type> items) : made_(true) {
    for (const value_type& item : items) (*this)[item.first] = item.second;
  }

  bool is_nil() const { return items_.empty() && !made_; }
  void make_empty() {
    items_.clear();
    made_ = true;
  }
  bool empty() const { return items_.empty(); }
  size_t size() const { return items_.size(); }
  iterator begin() { return items_.begin(); }
  iterator end() { return items_.end(); }
  const_iterator begin() const { return items_.begin(); }
  const_iterator end() const { return items_.end(); }

  const_iterator find(std::string_view key) const {
    auto at = lower_bound(items_, key);
    return at != items_.end() && at->first == key ? at : items_.end();
  }
  iterator find(std::string_view key) {
    auto at = lower_bound(items_, key);
    return at != items_.end() && at->first == key ? at : items_.end();
  }
  bool contains(std::string_view key) const { return find(key) != end(); }
  // The value of `key`, or null.
  const V* get(std::string_view key) const {
    auto at = find(key);
    return at == end() ? nullptr : &at->second;
  }
  V& operator[](std::string_view key) {
    auto at = lower_bound(items_, key);
    if (at == items_.end() || at->first != key) at = items_.emplace(at, std::string(key), V());
    return at->second;
  }
  bool erase(std::string_view key) {
    auto at = find(key);
    if (at == end()) return false;
    made_ = true;
    items_.erase(at);
    return true;
  }
  void clear() { items_.clear(); }
  const value_type* data() const { return items_.data(); }
  const value_type& at_index(size_t i) const { return items_[i]; }
  value_type& at_index(size_t i) { return items_[i]; }
  bool operator==(const Map& other) const { return items_ == other.items_; }

 private:
  template <typename Items>
  static auto lower_bound(Items& items, std::string_view key) {
    return std::lower_bound(items.begin(), items.end(), key,
                            [](const value_type& item, std::string_view k) { return item.first < k; });
  }
  std::vector<value_type> items_;
  bool made_ = false;
};

// A Go pointer: null or an owned value, copied deeply. Allows recursive structs.
template <typename T>
class Box {
 public:
  Box() = default;
  Box(T value) : value_(std::make_unique<T>(std::move(value))) {}  // NOLINT: converts
  Box(const Box& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
  Box(Box&&) noexcept = default;
  Box& operator=(const Box& other) {
    if (this != &other) value_ = other.value_ ? std::make_unique<T>(*other.value_) : nullptr;
    return *this;
  }
  Box& operator=(Box&&) noexcept = default;

  explicit operator bool() const { return value_ != nullptr; }
  T* get() { return value_.get(); }
  const T* get() const { return value_.get(); }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }
  T& emplace() {
    value_ = std::make_unique<T>();
    return *value_;
  }
  void reset() { value_.reset(); }
  bool operator==(const Box& other) const {
    return value_ && other.value_ ? *value_ == *other.value_ : !value_ == !other.value_;
  }

 private:
  std::unique_ptr<T> value_;
};

// A Go []byte: base64 in JSON, raw in MessagePack. Empty counts as nil.
struct Bytes : std::string {
  using std::string::string;
  Bytes(std::string text) : std::string(std::move(text)) {}  // NOLINT: converts
};

}  // namespace praetor::codec
