// A struct with a field of every kind, for the codec fuzzers. Defines functions: include it once a program.
#pragma once

#include <cstdint>
#include <string>

#include "base/check.h"
#include "codec/type.h"

namespace praetor::fuzz {

struct Part {
  int8_t small = 0;
  uint16_t port = 0;
  std::string name;
};
PRAETOR_DESCRIBED(Part)
PRAETOR_DESCRIBE(Part, "Part", own_json_decoder(), field("Small", &Part::small).flag(codec::kSnakeInput),
                 field("Port", &Part::port).omit_empty(),
                 field("Name", &Part::name).flag(codec::kWireOmitEmpty))

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
PRAETOR_DESCRIBE(Record, "Record", field("ID", &Record::id), field("Flag", &Record::flag).omit_empty(),
                 field("Number", &Record::number), field("Index", &Record::index).no_filter(),
                 field("Middle", &Record::middle), field("Real", &Record::real),
                 field("Single", &Record::single), field("Bytes", &Record::bytes),
                 field("Wait", &Record::wait), field("At", &Record::at),
                 field("Tags", &Record::tags).flag(codec::kEmptyAsList), field("Meta", &Record::meta),
                 field("Header", &Record::header), field("Parts", &Record::parts),
                 field("Named", &Record::named), field("Next", &Record::next).omit_empty(),
                 field("Any", &Record::any), field("Config", &Record::config))

}  // namespace praetor::fuzz
