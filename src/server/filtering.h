// ?filter= on lists of described structs.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "codec/filter.h"
#include "codec/type.h"

namespace praetor::server {

// The error of an expression where there is nothing to filter.
template <typename T>
Status valid_filter(const std::string& expression) {
  if (expression.empty()) return {};
  TRY(codec::Filter::compile(expression, codec::type_of<T>()));
  return {};
}

// Keeps the items that the expression accepts. An empty expression keeps all.
template <typename T>
Status apply_filter(const std::string& expression, codec::List<T>& items) {
  if (expression.empty()) return {};
  TRY_ASSIGN(codec::Filter filter, codec::Filter::compile(expression, codec::type_of<T>()));
  codec::List<T> kept;
  kept.make_empty();
  for (T& item : items) {
    if (filter.matches(&item)) kept.push_back(std::move(item));
  }
  items = std::move(kept);
  return {};
}

template <typename T>
Status apply_filter(const std::string& expression, codec::Map<T>& items) {
  if (expression.empty()) return {};
  TRY_ASSIGN(codec::Filter filter, codec::Filter::compile(expression, codec::type_of<T>()));
  codec::Map<T> kept;
  kept.make_empty();
  for (auto& [key, item] : items) {
    if (filter.matches(&item)) kept[key] = std::move(item);
  }
  items = std::move(kept);
  return {};
}

}  // namespace praetor::server
