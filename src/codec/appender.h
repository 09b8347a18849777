// Appends to a std::string without a capacity check and a terminator a byte: the encoders' inner loop.
// Internal to codec.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace praetor::codec {

// Owns the tail of `out` from construction to destruction; nobody else touches `out` meanwhile.
class Appender {
 public:
  explicit Appender(std::string& out) : out_(out) { extend(out.size(), out.capacity()); }
  ~Appender() { out_.resize(used()); }
  Appender(const Appender&) = delete;
  Appender& operator=(const Appender&) = delete;

  // Room for `count` bytes; after it the next `count` bytes may be written unchecked.
  void ensure(size_t count) {
    if (static_cast<size_t>(end_ - at_) < count) [[unlikely]]
      extend(used(), std::max(out_.size() * 2, used() + count + kSlack));
  }
  void put(char c) {
    ensure(1);
    *at_++ = c;
  }
  void put(std::string_view piece) {
    if (piece.empty()) return;  // its data() may be null
    ensure(piece.size());
    if (!piece.empty()) std::memcpy(at_, piece.data(), piece.size());
    at_ += piece.size();
  }
  template <typename Integer>
  void put_decimal(Integer value) {
    ensure(24);
    at_ = std::to_chars(at_, at_ + 24, value).ptr;
  }
  // The write position; ensure() first, then advance it with set_position().
  char* position() { return at_; }
  void set_position(char* at) { at_ = at; }

 private:
  static constexpr size_t kSlack = 256;

  size_t used() const { return static_cast<size_t>(at_ - out_.data()); }
  void extend(size_t used, size_t size) {
    out_.resize_and_overwrite(size, [](char*, size_t n) { return n; });  // bytes past `used` stay as they are
    at_ = out_.data() + used;
    end_ = out_.data() + size;
  }

  std::string& out_;
  char* at_ = nullptr;
  char* end_ = nullptr;
};

}  // namespace praetor::codec
