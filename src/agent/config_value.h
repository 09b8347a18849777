// Reads documents of configuration files (JSON or HCL, both as codec::Value) into described structs with the
// rules and error texts that Consul's decoder has (config.md 1), and merges what several sources say. Pure;
// any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "codec/type.h"
#include "codec/value.h"

namespace praetor::agent {

// What is wrong with one document; every list empty when nothing is.
struct DecodeErrors {
  std::vector<std::string> types;  // `'ports.http' expected type 'int', got unconvertible type 'string'`
  std::vector<std::string> unknown_keys;  // dotted paths
  std::vector<std::string> durations;     // `check[x].ttl: invalid duration: "3": time: …`
};

// The keys of `document` are the snake_case names of the fields, in any case. Keys that the document does not
// name stay as they are.
void decode_config(const codec::Value& document, const codec::Type& type, void* target, DecodeErrors& errors);

// What `later` says wins: set pointers replace, lists append, maps and structs merge.
void merge_config(const codec::Type& type, void* target, const void* later);

}  // namespace praetor::agent
