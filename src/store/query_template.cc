#include "store/query_template.h"

#include <functional>
#include <optional>
#include <vector>

#include "base/text.h"
#include "codec/regexp.h"

namespace praetor::store {
namespace {

// What the expressions see.
struct Scope {
  std::string_view full, prefix, segment;
  std::vector<std::string> matches;  // of the template's expression; empty when it does not match

  std::optional<std::string> variable(std::string_view name) const {
    if (name == "name.full") return std::string(full);
    if (name == "name.prefix") return std::string(prefix);
    if (name == "name.suffix") return std::string(full.substr(std::min(prefix.size(), full.size())));
    if (name == "agent.segment") return std::string(segment);
    return std::nullopt;
  }
};

// Says where in the text something is wrong: the column, as Consul counts it.
std::string at_column(size_t offset) { return "1:" + std::to_string(offset + 1) + ": "; }

struct Failure {
  bool format = false;  // no expression at all, rather than one that cannot be evaluated
  std::string text;
};

// One ${…}: its inside, and where that starts in the whole text.
std::expected<std::string, Failure> evaluate(std::string_view inside, size_t offset, const Scope& scope) {
  size_t lead = inside.find_first_not_of(" \t\n");
  std::string_view expression = trim(inside);
  if (expression.empty()) return std::unexpected(Failure{true, "parse error: syntax error"});
  offset += lead;
  if (expression.size() >= 2 && expression.front() == '"' && expression.back() == '"')
    return std::string(expression.substr(1, expression.size() - 2));
  if (expression.starts_with("match(") && expression.ends_with(")")) {
    std::string_view argument = trim(expression.substr(6, expression.size() - 7));
    auto index = parse_int(argument, 32);
    if (!index)
      return std::unexpected(Failure{false, at_column(offset) + "match: argument 1 should be type int"});
    bool known = *index >= 0 && static_cast<size_t>(*index) < scope.matches.size();
    return known ? scope.matches[static_cast<size_t>(*index)] : std::string();
  }
  if (expression.find_first_of("()\"{} ") != expression.npos) {
    size_t open = expression.find('(');
    if (open != expression.npos && open > 0)
      return std::unexpected(Failure{
          false, at_column(offset) + "unknown function called: " + std::string(expression.substr(0, open))});
    return std::unexpected(Failure{true, "parse error: syntax error"});
  }
  if (auto value = scope.variable(expression)) return *value;
  return std::unexpected(
      Failure{false, at_column(offset) + "unknown variable accessed: " + std::string(expression)});
}

std::expected<std::string, Failure> interpolate(std::string_view text, const Scope& scope) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (text.substr(at).starts_with("$${")) {
      out += "${";
      at += 3;
    } else if (text.substr(at).starts_with("${")) {
      size_t end = text.find('}', at);
      if (end == text.npos) return std::unexpected(Failure{true, "parse error: syntax error"});
      auto value = evaluate(text.substr(at + 2, end - at - 2), at + 2, scope);
      if (!value) return std::unexpected(value.error());
      out += *value;
      at = end + 1;
    } else {
      out += text[at++];
    }
  }
  return out;
}

using EachText = std::function<Status(std::string& text, const std::string& path)>;

Status visit_list(model::List<std::string>& list, const std::string& path, const EachText& each) {
  for (size_t i = 0; i < list.size(); ++i) TRY(each(list[i], path + "[" + std::to_string(i) + "]"));
  return {};
}

Status visit_map(model::Map<std::string>& map, const std::string& path, const EachText& each) {
  for (auto& [key, value] : map) TRY(each(value, path + "[" + std::string(key) + "]"));
  return {};
}

Status visit_texts(model::QueryService& service, const EachText& each) {
  TRY(each(service.service, "Service.Service"));
  TRY(visit_list(service.failover.datacenters, "Service.Failover.Datacenters", each));
  TRY(visit_list(service.ignore_check_ids, "Service.IgnoreCheckIDs", each));
  TRY(each(service.near, "Service.Near"));
  TRY(visit_list(service.tags, "Service.Tags", each));
  TRY(visit_map(service.node_meta, "Service.NodeMeta", each));
  return visit_map(service.service_meta, "Service.ServiceMeta", each);
}

}  // namespace

Result<model::PreparedQuery> render_query_template(const model::PreparedQuery& query, std::string_view name,
                                                   std::string_view segment) {
  Scope scope{name, query.name, segment, {}};
  if (const std::string& expression = query.query_template.regexp; !expression.empty()) {
    auto compiled = codec::Regexp::compile(expression);
    if (!compiled) return fail("Bad Regexp: " + compiled.error().message);
    scope.matches = compiled->submatches(name);
  }
  model::PreparedQuery out = query;
  TRY(visit_texts(out.service, [&](std::string& text, const std::string& path) -> Status {
    auto filled = interpolate(text, scope);
    if (!filled) {
      const Failure& failure = filled.error();
      return fail((failure.format ? "Bad format '" : "Bad evaluation for '") + text + "' in " + path + ": " +
                  failure.text);
    }
    text = std::move(*filled);
    return {};
  }));
  if (query.query_template.remove_empty_tags) {
    model::List<std::string> kept;
    for (std::string& tag : out.service.tags)
      if (!tag.empty()) kept.push_back(std::move(tag));
    out.service.tags = std::move(kept);
  }
  return out;
}

Status check_query_template(const model::PreparedQuery& query) {
  if (query.query_template.type != model::kNamePrefixMatch)
    return fail("Bad Template.Type '" + query.query_template.type + "'");
  auto tried = render_query_template(query, "", "");
  return tried ? Status() : Status(fail(tried.error().message));
}

}  // namespace praetor::store
