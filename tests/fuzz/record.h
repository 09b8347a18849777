// A struct with a field of every kind, for the codec fuzzers.
#pragma once

#include <cstdint>
#include <string>

#include "codec/type.h"

namespace praetor::fuzz {

struct Part {
  int8_t small = 0;
  uint16_t port = 0;
  std::string name;
};
PRAETOR_DESCRIBED(Part)

struct Record {
  std::string id;
  bool flag = false;
  int64_t number = 0;
  uint64_t index = 0;
  int32_t middle = 0;
  double real = 0;
  float single = 0;
  codec::Bytes bytes;
  Duration wait{0};
  Time at;
  codec::List<std::string> tags;
  codec::Map<std::string> meta;
  codec::Map<codec::List<std::string>> header;
  codec::List<Part> parts;
  codec::Map<Part> named;
  codec::Box<Record> next;
  codec::Value any;
  codec::Map<codec::Value> config;
};
PRAETOR_DESCRIBED(Record)

}  // namespace praetor::fuzz
