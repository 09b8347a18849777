#include "store/prepared_query.h"

#include "base/text.h"
#include "base/uuid.h"
#include "codec/msgpack.h"
#include "store/opaque.h"
#include "store/query_template.h"
#include "store/session.h"

namespace praetor::store {
namespace {

constexpr auto kType = model::MessageType::kPreparedQuery;
constexpr const char* kIndex = "prepared-queries";

// What cannot be decoded (it came with a foreign snapshot) is as if it were not there.
std::optional<model::PreparedQuery> decode(const OpaqueRecord* record) {
  if (record == nullptr) return std::nullopt;
  auto query = codec::from_msgpack<model::PreparedQuery>(record->payload);
  if (!query) return std::nullopt;
  return std::move(*query);
}

Status check_id(std::string_view id) {
  // The rule and its texts are those of session ids.
  auto valid = session_get(Tables(), id);
  if (valid) return {};
  constexpr std::string_view kPrefix = "failed session lookup: ";
  return fail(valid.error().message.substr(kPrefix.size()));
}

std::optional<model::PreparedQuery> find_by_name(const Tables& tables, std::string_view name) {
  std::optional<model::PreparedQuery> found;
  opaque_list(tables, kType, nullptr, [&](std::string_view, const OpaqueRecord& record) {
    if (found) return;
    auto query = decode(&record);
    if (query && equals_ignore_case(query->name, name)) found = std::move(query);
  });
  return found;
}

Status check_name(const Tables& tables, const model::PreparedQuery& query) {
  if (query.name.empty() && !query.is_template()) return {};
  bool taken = false;
  opaque_list(tables, kType, nullptr, [&](std::string_view, const OpaqueRecord& record) {
    auto other = decode(&record);
    bool same =
        other && equals_ignore_case(other->name, query.name) && (!query.name.empty() || other->is_template());
    taken = taken || (same && !equals_ignore_case(other->id, query.id));
  });
  if (taken && query.name.empty()) return fail("a query template with an empty name already exists");
  if (taken) return fail("name '" + query.name + "' aliases an existing query name");
  if (is_uuid(query.name) && opaque_get(tables, kType, to_lower(query.name)) != nullptr)
    return fail("name '" + query.name + "' aliases an existing query ID");
  return {};
}

}  // namespace

Status prepared_query_check(const Tables& tables, const model::PreparedQuery& query) {
  TRY(check_name(tables, query));
  if (!query.session.empty()) {
    if (Status valid = check_id(query.session); !valid)
      return fail("invalid session: " + valid.error().message);
    auto session = session_get(tables, query.session);
    if (!session || *session == nullptr) return fail("invalid session " + go_quote(query.session));
  }
  if (!query.is_template()) return {};
  Status compiled = check_query_template(query);
  return compiled ? Status() : Status(fail("failed compiling template: " + compiled.error().message));
}

Result<std::optional<model::PreparedQuery>> prepared_query_get(const Tables& tables, std::string_view id,
                                                               WatchSet* watch, ReadIndex* read) {
  if (Status valid = check_id(id); !valid)
    return fail("failed prepared query lookup: " + valid.error().message);
  auto query = decode(opaque_get(tables, kType, to_lower(id), watch));
  if (read != nullptr) {
    uint64_t reported = tables.named_index(kIndex);
    *read = ReadIndex::of(reported, query ? query->indexes.modify_index : reported);
  }
  return query;
}

ReadIndex prepared_query_list(const Tables& tables, WatchSet* watch,
                              std::vector<model::PreparedQuery>& queries) {
  opaque_list(tables, kType, watch, [&](std::string_view, const OpaqueRecord& record) {
    if (auto query = decode(&record)) queries.push_back(std::move(*query));
  });
  return ReadIndex::exact(tables.named_index(kIndex));
}

Result<std::optional<model::PreparedQuery>> prepared_query_resolve(const Tables& tables,
                                                                   std::string_view id_or_name,
                                                                   std::string_view segment) {
  if (id_or_name.empty()) return std::optional<model::PreparedQuery>();
  if (is_uuid(id_or_name)) {
    auto query = decode(opaque_get(tables, kType, to_lower(id_or_name)));
    if (query && query->is_template())
      return fail("prepared query templates can only be resolved up by name, not by ID");
    if (query) return query;
  }
  std::optional<model::PreparedQuery> found = find_by_name(tables, id_or_name);
  if (!found) {
    opaque_list(tables, kType, nullptr, [&](std::string_view, const OpaqueRecord& record) {
      auto query = decode(&record);
      if (!query || !query->is_template() || query->name.size() > id_or_name.size()) return;
      if (!equals_ignore_case(query->name, id_or_name.substr(0, query->name.size()))) return;
      if (!found || query->name.size() > found->name.size()) found = std::move(query);
    });
  }
  if (!found || !found->is_template()) return found;
  TRY_ASSIGN(model::PreparedQuery filled, render_query_template(*found, id_or_name, segment));
  return std::optional(std::move(filled));
}

}  // namespace praetor::store
