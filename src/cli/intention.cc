#include "cli/intention.h"

#include "base/text.h"
#include "codec/json.h"

namespace praetor::cli {

PRAETOR_DESCRIBE(Intention, "Intention",       //
                 field("ID", &Intention::id),  //
                 field("Description", &Intention::description).omit_empty(),
                 field("SourceNS", &Intention::source_ns),            //
                 field("SourceName", &Intention::source_name),        //
                 field("DestinationNS", &Intention::destination_ns),  //
                 field("DestinationName", &Intention::destination_name),
                 field("SourceType", &Intention::source_type),    //
                 field("Action", &Intention::action),             //
                 field("Meta", &Intention::meta),                 //
                 field("Precedence", &Intention::precedence),     //
                 field("CreatedAt", &Intention::created_at),      //
                 field("UpdatedAt", &Intention::updated_at),      //
                 field("CreateIndex", &Intention::create_index),  //
                 field("ModifyIndex", &Intention::modify_index))

Result<std::pair<std::string, std::string>> parse_service_target(const std::string& text) {
  std::vector<std::string_view> parts = split(text, '/');
  if (parts.size() > 2) return fail("target can contain at most one '/'");
  if (parts.size() == 1) return std::pair(std::string(), text);
  return std::pair(std::string(parts[0]), std::string(parts[1]));
}

Result<std::optional<Intention>> find_intention(Api& api, const std::string& source,
                                                const std::string& destination) {
  TRY_ASSIGN(auto from, parse_service_target(source));
  TRY_ASSIGN(auto to, parse_service_target(destination));
  TRY_ASSIGN(HttpResponse response, api.get("/v1/connect/intentions"));
  TRY_ASSIGN(auto list, codec::from_json<codec::List<Intention>>(response.body));
  auto same = [](const std::string& ns, const std::string& wanted) {
    return ns == (wanted.empty() ? "default" : wanted);
  };
  for (Intention& one : list) {
    if (same(one.source_ns, from.first) && one.source_name == from.second &&
        same(one.destination_ns, to.first) && one.destination_name == to.second)
      return std::optional<Intention>(std::move(one));
  }
  return std::nullopt;
}

Status create_intention(Api& api, const Intention& intention) {
  TRY_ASSIGN(HttpResponse response,
             api.request("POST", "/v1/connect/intentions", {}, codec::to_json(intention)));
  return require_ok(response);
}

}  // namespace praetor::cli
