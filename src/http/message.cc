#include "http/message.h"

#include <algorithm>

#include "base/metrics.h"
#include "base/text.h"

namespace praetor::http {

std::string_view method_name(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kPut:
      return "PUT";
    case Method::kPost:
      return "POST";
    case Method::kDelete:
      return "DELETE";
    case Method::kHead:
      return "HEAD";
    case Method::kOptions:
      return "OPTIONS";
    case Method::kPatch:
      return "PATCH";
    case Method::kOther:
      return "";
  }
  return "";
}

Method method_of(std::string_view text) {
  for (Method method : {Method::kGet, Method::kPut, Method::kPost, Method::kDelete, Method::kHead,
                        Method::kOptions, Method::kPatch})
    if (method_name(method) == text) return method;
  return Method::kOther;
}

void Request::measure() {
  if (const Sample* measured = std::exchange(timer, nullptr)) measured->since(started);
}

bool Request::has(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return true;
  return false;
}

std::string_view Request::parameter(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return value;
  return {};
}

std::vector<std::string_view> Request::parameters(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : query)
    if (key == name) values.push_back(value);
  return values;
}

std::string_view Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (equals_ignore_case(key, name)) return value;
  return {};
}

bool percent_decode(std::string_view text, bool plus_is_space, std::string& out) {
  auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  out.clear();
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      int high = i + 2 < text.size() ? digit(text[i + 1]) : -1;
      int low = i + 2 < text.size() ? digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return false;
      out.push_back(static_cast<char>(high << 4 | low));
      i += 2;
    } else {
      out.push_back(plus_is_space && text[i] == '+' ? ' ' : text[i]);
    }
  }
  return true;
}

bool parse_target(Request& request) {
  std::string_view target = request.target;
  if (target.starts_with("http://") || target.starts_with("https://")) {  // absolute form, as proxies send
    size_t slash = target.find('/', target.find("//") + 2);
    target = slash == target.npos ? std::string_view("/") : target.substr(slash);
  }
  std::string_view query;
  if (size_t mark = target.find('?'); mark != target.npos) {
    query = target.substr(mark + 1);
    target = target.substr(0, mark);
  }
  request.query.clear();
  request.bad_query = false;
  if (!percent_decode(target, false, request.path)) return false;
  while (!query.empty()) {
    std::string_view piece = query.substr(0, query.find_first_of("&;"));
    query.remove_prefix(std::min(query.size(), piece.size() + 1));
    if (piece.empty()) continue;
    size_t equals = piece.find('=');
    std::string key, value;
    if (!percent_decode(piece.substr(0, equals), true, key) ||
        (equals != piece.npos && !percent_decode(piece.substr(equals + 1), true, value))) {
      request.bad_query = true;
      break;
    }
    request.query.emplace_back(std::move(key), std::move(value));
  }
  return true;
}

}  // namespace praetor::http
