// A Go interface{}: what a document holds where no struct says its shape (proxy Config, HCL, CA config).
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "codec/containers.h"

namespace praetor::codec {

struct Value;
using ValueList = List<Value>;
using ValueMap = Map<Value>;

struct Value {
  // monostate is null. JSON numbers are double (as Go's interface{}); HCL and MessagePack keep integers.
  using Storage = std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, Bytes,
                               Box<ValueList>, Box<ValueMap>>;
  Storage data;

  Value() = default;
  Value(bool v) : data(v) {}                                  // NOLINT: converts
  Value(int64_t v) : data(v) {}                               // NOLINT: converts
  Value(uint64_t v) : data(v) {}                              // NOLINT: converts
  Value(double v) : data(v) {}                                // NOLINT: converts
  Value(std::string v) : data(std::move(v)) {}                // NOLINT: converts
  Value(const char* v) : data(std::string(v)) {}              // NOLINT: converts
  Value(Bytes v) : data(std::move(v)) {}                      // NOLINT: converts
  Value(ValueList v) : data(Box<ValueList>(std::move(v))) {}  // NOLINT: converts
  Value(ValueMap v) : data(Box<ValueMap>(std::move(v))) {}    // NOLINT: converts

  bool is_null() const { return data.index() == 0; }
  const std::string* string() const { return std::get_if<std::string>(&data); }
  const bool* boolean() const { return std::get_if<bool>(&data); }
  const ValueList* list() const {
    auto* box = std::get_if<Box<ValueList>>(&data);
    return box ? box->get() : nullptr;
  }
  ValueList* list() {
    auto* box = std::get_if<Box<ValueList>>(&data);
    return box ? box->get() : nullptr;
  }
  const ValueMap* map() const {
    auto* box = std::get_if<Box<ValueMap>>(&data);
    return box ? box->get() : nullptr;
  }
  ValueMap* map() {
    auto* box = std::get_if<Box<ValueMap>>(&data);
    return box ? box->get() : nullptr;
  }
  bool operator==(const Value& other) const { return data == other.data; }
};

}  // namespace praetor::codec
