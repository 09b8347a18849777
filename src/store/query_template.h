// Templates of prepared queries: the texts of the query's Service hold ${…}, filled in from the name that was
// asked for. Pure. Of Consul's interpolation language: variables (name.full, name.prefix, name.suffix,
// agent.segment), match(N), texts in quotes, and $${ for a literal ${.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/query.h"

namespace praetor::store {

// Errors: `Bad Template.Type 'x'`, `Bad Regexp: …`, `Bad format '${' in Service.Service: …`,
// `Bad evaluation for '${x}' in Service.Tags[0]: …`.
Status check_query_template(const model::PreparedQuery& query);

// The query with its texts filled in for `name`. REQUIRES: it is a template.
Result<model::PreparedQuery> render_query_template(const model::PreparedQuery& query, std::string_view name,
                                                   std::string_view segment);

}  // namespace praetor::store
