// /v1/acl while ACLs are off: every endpoint says so (http-api.md 2).
#include "http/api.h"

namespace praetor::http {

void add_acl_routes(Router& router, const ApiContext&) {
  constexpr Method kGet = Method::kGet, kPut = Method::kPut, kPost = Method::kPost, kDelete = Method::kDelete;
  auto add = [&](std::string pattern, std::vector<Method> methods) {
    router.add({std::move(pattern), std::move(methods),
                [](const ExchangePtr& exchange) { respond_text(exchange, 401, "ACL support disabled"); }});
  };
  for (const char* pattern :
       {"/v1/acl/bootstrap", "/v1/acl/create", "/v1/acl/update", "/v1/acl/destroy/", "/v1/acl/clone/",
        "/v1/acl/policy", "/v1/acl/role", "/v1/acl/binding-rule", "/v1/acl/auth-method", "/v1/acl/token"})
    add(pattern, {kPut});
  for (const char* pattern :
       {"/v1/acl/info/", "/v1/acl/list", "/v1/acl/replication", "/v1/acl/policies", "/v1/acl/roles",
        "/v1/acl/binding-rules", "/v1/acl/auth-methods", "/v1/acl/tokens", "/v1/acl/token/self",
        "/v1/acl/policy/name/", "/v1/acl/role/name/", "/v1/acl/rules/translate/"})
    add(pattern, {kGet});
  for (const char* pattern :
       {"/v1/acl/login", "/v1/acl/logout", "/v1/acl/rules/translate", "/v1/internal/acl/authorize"})
    add(pattern, {kPost});
  for (const char* pattern : {"/v1/acl/policy/", "/v1/acl/role/", "/v1/acl/binding-rule/",
                              "/v1/acl/auth-method/", "/v1/acl/token/"})
    add(pattern, {kGet, kPut, kDelete});
}

}  // namespace praetor::http
