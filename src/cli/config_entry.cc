#include "cli/config_entry.h"

#include <algorithm>

#include "base/text.h"
#include "codec/hcl.h"
#include "codec/json.h"

namespace praetor::cli {

using codec::Box;
using codec::List;
using codec::Map;

namespace entry {

struct MeshGateway {
  std::string mode;
};
struct ExposePath {
  int64_t listener_port = 0;
  std::string path;
  int64_t local_path_port = 0;
  std::string protocol;
  bool parsed_from_check = false;
};
struct Expose {
  bool checks = false;
  List<ExposePath> paths;
};
struct Service {
  std::string kind, name, ns, protocol;
  MeshGateway mesh_gateway;
  Expose expose;
  std::string external_sni;
  uint64_t create_index = 0, modify_index = 0;
};
struct Proxy {
  std::string kind, name, ns;
  Map<codec::Value> config;
  MeshGateway mesh_gateway;
  Expose expose;
  uint64_t create_index = 0, modify_index = 0;
};
struct MatchHeader {
  std::string name;
  bool present = false;
  std::string exact, prefix, suffix, regex;
  bool invert = false;
};
struct MatchQuery {
  std::string name;
  bool present = false;
  std::string exact, regex;
};
struct HttpMatch {
  std::string path_exact, path_prefix, path_regex;
  List<MatchHeader> header;
  List<MatchQuery> query_param;
  List<std::string> methods;
};
struct RouteMatch {
  Box<HttpMatch> http;
};
struct RouteDestination {
  Duration request_timeout{};
  std::string service, service_subset, ns, prefix_rewrite;
  uint32_t num_retries = 0;
  bool retry_on_connect_failure = false;
  List<uint32_t> retry_on_status_codes;
};
struct Route {
  Box<RouteMatch> match;
  Box<RouteDestination> destination;
};
struct Router {
  std::string kind, name, ns;
  List<Route> routes;
  uint64_t create_index = 0, modify_index = 0;
};
struct Split {
  double weight = 0;
  std::string service, service_subset, ns;
};
struct Splitter {
  std::string kind, name, ns;
  List<Split> splits;
  uint64_t create_index = 0, modify_index = 0;
};
struct Subset {
  std::string filter;
  bool only_passing = false;
};
struct Redirect {
  std::string service, service_subset, ns, datacenter;
};
struct Failover {
  std::string service, service_subset, ns;
  List<std::string> datacenters;
};
struct Resolver {
  Duration connect_timeout{};
  std::string kind, name, ns, default_subset;
  Map<Subset> subsets;
  Box<Redirect> redirect;
  Map<Failover> failover;
  uint64_t create_index = 0, modify_index = 0;
};
struct LinkedService {
  std::string ns, name, ca_file, cert_file, key_file, sni;
};
struct Terminating {
  std::string kind, name, ns;
  List<LinkedService> services;
  uint64_t create_index = 0, modify_index = 0;
};

PRAETOR_DESCRIBED(MeshGateway)
PRAETOR_DESCRIBED(ExposePath)
PRAETOR_DESCRIBED(Expose)
PRAETOR_DESCRIBED(Service)
PRAETOR_DESCRIBED(Proxy)
PRAETOR_DESCRIBED(MatchHeader)
PRAETOR_DESCRIBED(MatchQuery)
PRAETOR_DESCRIBED(HttpMatch)
PRAETOR_DESCRIBED(RouteMatch)
PRAETOR_DESCRIBED(RouteDestination)
PRAETOR_DESCRIBED(Route)
PRAETOR_DESCRIBED(Router)
PRAETOR_DESCRIBED(Split)
PRAETOR_DESCRIBED(Splitter)
PRAETOR_DESCRIBED(Subset)
PRAETOR_DESCRIBED(Redirect)
PRAETOR_DESCRIBED(Failover)
PRAETOR_DESCRIBED(Resolver)
PRAETOR_DESCRIBED(LinkedService)
PRAETOR_DESCRIBED(Terminating)

// Every kind has these around its own.
#define PRAETOR_ENTRY_HEAD(T) \
  field("Kind", &T::kind), field("Name", &T::name), field("Namespace", &T::ns).omit_empty()
#define PRAETOR_ENTRY_TAIL(T)                                  \
  field("CreateIndex", &T::create_index).alias("createindex"), \
      field("ModifyIndex", &T::modify_index).alias("modifyindex")

PRAETOR_DESCRIBE(MeshGateway, "MeshGatewayConfig", field("Mode", &MeshGateway::mode).omit_empty())
PRAETOR_DESCRIBE(ExposePath, "ExposePath",
                 field("ListenerPort", &ExposePath::listener_port).alias("listenerport").omit_empty(),
                 field("Path", &ExposePath::path).omit_empty(),
                 field("LocalPathPort", &ExposePath::local_path_port).alias("localpathport").omit_empty(),
                 field("Protocol", &ExposePath::protocol).omit_empty(),
                 field("ParsedFromCheck", &ExposePath::parsed_from_check).alias("parsedfromcheck"))
PRAETOR_DESCRIBE(Expose, "ExposeConfig",                         //
                 field("Checks", &Expose::checks).omit_empty(),  //
                 field("Paths", &Expose::paths).omit_empty())
PRAETOR_DESCRIBE(Service, "ServiceConfigEntry", PRAETOR_ENTRY_HEAD(Service),
                 field("Protocol", &Service::protocol).omit_empty(),
                 field("MeshGateway", &Service::mesh_gateway).alias("meshgateway"),
                 field("Expose", &Service::expose),
                 field("ExternalSNI", &Service::external_sni).alias("externalsni").omit_empty(),
                 PRAETOR_ENTRY_TAIL(Service))
PRAETOR_DESCRIBE(Proxy, "ProxyConfigEntry", PRAETOR_ENTRY_HEAD(Proxy),
                 field("Config", &Proxy::config).omit_empty(),
                 field("MeshGateway", &Proxy::mesh_gateway).alias("meshgateway"),
                 field("Expose", &Proxy::expose), PRAETOR_ENTRY_TAIL(Proxy))
PRAETOR_DESCRIBE(MatchHeader, "ServiceRouteHTTPMatchHeader",            //
                 field("Name", &MatchHeader::name),                     //
                 field("Present", &MatchHeader::present).omit_empty(),  //
                 field("Exact", &MatchHeader::exact).omit_empty(),      //
                 field("Prefix", &MatchHeader::prefix).omit_empty(),    //
                 field("Suffix", &MatchHeader::suffix).omit_empty(),    //
                 field("Regex", &MatchHeader::regex).omit_empty(),      //
                 field("Invert", &MatchHeader::invert).omit_empty())
PRAETOR_DESCRIBE(MatchQuery, "ServiceRouteHTTPMatchQueryParam",        //
                 field("Name", &MatchQuery::name),                     //
                 field("Present", &MatchQuery::present).omit_empty(),  //
                 field("Exact", &MatchQuery::exact).omit_empty(),      //
                 field("Regex", &MatchQuery::regex).omit_empty())
PRAETOR_DESCRIBE(HttpMatch, "ServiceRouteHTTPMatch",
                 field("PathExact", &HttpMatch::path_exact).alias("pathexact").omit_empty(),
                 field("PathPrefix", &HttpMatch::path_prefix).alias("pathprefix").omit_empty(),
                 field("PathRegex", &HttpMatch::path_regex).alias("pathregex").omit_empty(),
                 field("Header", &HttpMatch::header).omit_empty(),
                 field("QueryParam", &HttpMatch::query_param).alias("queryparam").omit_empty(),
                 field("Methods", &HttpMatch::methods).omit_empty())
PRAETOR_DESCRIBE(RouteMatch, "ServiceRouteMatch", field("HTTP", &RouteMatch::http).omit_empty())
PRAETOR_DESCRIBE(
    RouteDestination, "ServiceRouteDestination",
    field("RequestTimeout", &RouteDestination::request_timeout)
        .alias("requesttimeout")
        .omit_empty()
        .flag(codec::kDurationText),
    field("Service", &RouteDestination::service).omit_empty(),
    field("ServiceSubset", &RouteDestination::service_subset).alias("servicesubset").omit_empty(),
    field("Namespace", &RouteDestination::ns).omit_empty(),
    field("PrefixRewrite", &RouteDestination::prefix_rewrite).alias("prefixrewrite").omit_empty(),
    field("NumRetries", &RouteDestination::num_retries).alias("numretries").omit_empty(),
    field("RetryOnConnectFailure", &RouteDestination::retry_on_connect_failure)
        .alias("retryonconnectfailure")
        .omit_empty(),
    field("RetryOnStatusCodes", &RouteDestination::retry_on_status_codes)
        .alias("retryonstatuscodes")
        .omit_empty())
PRAETOR_DESCRIBE(Route, "ServiceRoute",                       //
                 field("Match", &Route::match).omit_empty(),  //
                 field("Destination", &Route::destination).omit_empty())
PRAETOR_DESCRIBE(Router, "ServiceRouterConfigEntry", PRAETOR_ENTRY_HEAD(Router),
                 field("Routes", &Router::routes).omit_empty(), PRAETOR_ENTRY_TAIL(Router))
PRAETOR_DESCRIBE(Split, "ServiceSplit",                                                               //
                 field("Weight", &Split::weight),                                                     //
                 field("Service", &Split::service).omit_empty(),                                      //
                 field("ServiceSubset", &Split::service_subset).alias("servicesubset").omit_empty(),  //
                 field("Namespace", &Split::ns).omit_empty())
PRAETOR_DESCRIBE(Splitter, "ServiceSplitterConfigEntry", PRAETOR_ENTRY_HEAD(Splitter),
                 field("Splits", &Splitter::splits).omit_empty(), PRAETOR_ENTRY_TAIL(Splitter))
PRAETOR_DESCRIBE(Subset, "ServiceResolverSubset",                //
                 field("Filter", &Subset::filter).omit_empty(),  //
                 field("OnlyPassing", &Subset::only_passing).alias("onlypassing").omit_empty())
PRAETOR_DESCRIBE(Redirect, "ServiceResolverRedirect",                                                    //
                 field("Service", &Redirect::service).omit_empty(),                                      //
                 field("ServiceSubset", &Redirect::service_subset).alias("servicesubset").omit_empty(),  //
                 field("Namespace", &Redirect::ns).omit_empty(),                                         //
                 field("Datacenter", &Redirect::datacenter).omit_empty())
PRAETOR_DESCRIBE(Failover, "ServiceResolverFailover",                                                    //
                 field("Service", &Failover::service).omit_empty(),                                      //
                 field("ServiceSubset", &Failover::service_subset).alias("servicesubset").omit_empty(),  //
                 field("Namespace", &Failover::ns).omit_empty(),                                         //
                 field("Datacenters", &Failover::datacenters).omit_empty())
PRAETOR_DESCRIBE(Resolver, "ServiceResolverConfigEntry",
                 field("ConnectTimeout", &Resolver::connect_timeout)
                     .alias("connecttimeout")
                     .omit_empty()
                     .flag(codec::kDurationText),
                 PRAETOR_ENTRY_HEAD(Resolver),
                 field("DefaultSubset", &Resolver::default_subset).alias("defaultsubset").omit_empty(),
                 field("Subsets", &Resolver::subsets).omit_empty(),
                 field("Redirect", &Resolver::redirect).omit_empty(),
                 field("Failover", &Resolver::failover).omit_empty(), PRAETOR_ENTRY_TAIL(Resolver))
PRAETOR_DESCRIBE(LinkedService, "LinkedService",                                               //
                 field("Namespace", &LinkedService::ns).omit_empty(),                          //
                 field("Name", &LinkedService::name).omit_empty(),                             //
                 field("CAFile", &LinkedService::ca_file).alias("cafile").omit_empty(),        //
                 field("CertFile", &LinkedService::cert_file).alias("certfile").omit_empty(),  //
                 field("KeyFile", &LinkedService::key_file).alias("keyfile").omit_empty(),     //
                 field("SNI", &LinkedService::sni).omit_empty())
PRAETOR_DESCRIBE(Terminating, "TerminatingGatewayConfigEntry",            //
                 field("Kind", &Terminating::kind),                       //
                 field("Name", &Terminating::name),                       //
                 field("Services", &Terminating::services).omit_empty(),  //
                 PRAETOR_ENTRY_TAIL(Terminating),                         //
                 field("Namespace", &Terminating::ns).omit_empty())

}  // namespace entry

PRAETOR_DESCRIBE(IngressService, "IngressService",        //
                 field("Name", &IngressService::name),    //
                 field("Hosts", &IngressService::hosts),  //
                 field("Namespace", &IngressService::ns).omit_empty())
PRAETOR_DESCRIBE(IngressListener, "IngressListener",             //
                 field("Port", &IngressListener::port),          //
                 field("Protocol", &IngressListener::protocol),  //
                 field("Services", &IngressListener::services))
PRAETOR_DESCRIBE(IngressTls, "GatewayTLSConfig", field("Enabled", &IngressTls::enabled))
PRAETOR_DESCRIBE(IngressGateway, "IngressGatewayConfigEntry", PRAETOR_ENTRY_HEAD(IngressGateway),
                 field("TLS", &IngressGateway::tls), field("Listeners", &IngressGateway::listeners),
                 PRAETOR_ENTRY_TAIL(IngressGateway))

#undef PRAETOR_ENTRY_HEAD
#undef PRAETOR_ENTRY_TAIL

namespace {

template <typename T>
Result<std::string> from_document(const codec::ValueMap& document) {
  T record;
  std::vector<std::string> unknown;
  TRY(codec::decode_value(document, record, &unknown));
  if (!unknown.empty()) {
    std::vector<std::string> errors;
    for (const std::string& key : unknown) errors.push_back("invalid config key " + go_quote(key));
    return fail(format_multierror(errors));
  }
  return codec::to_json(record);
}

template <typename T>
Result<std::string> from_answer(const std::string& json) {
  TRY_ASSIGN(T record, codec::from_json<T>(json));
  return codec::to_json(record);
}

struct EntryKind {
  std::string_view name;
  Result<std::string> (*from_document)(const codec::ValueMap&);
  Result<std::string> (*from_answer)(const std::string&);
};

template <typename T>
constexpr EntryKind kind(std::string_view name) {
  return {name, from_document<T>, from_answer<T>};
}

constexpr EntryKind kKinds[] = {
    kind<entry::Service>("service-defaults"),        kind<entry::Proxy>("proxy-defaults"),
    kind<entry::Router>("service-router"),           kind<entry::Splitter>("service-splitter"),
    kind<entry::Resolver>("service-resolver"),       kind<IngressGateway>("ingress-gateway"),
    kind<entry::Terminating>("terminating-gateway"),
};

Result<const EntryKind*> find_kind(const std::string& name) {
  const auto* found = std::ranges::find(kKinds, name, &EntryKind::name);
  if (found == std::end(kKinds)) return fail("invalid config entry kind: " + name);
  return found;
}

std::string text_of(const codec::ValueMap& document, std::string_view key) {
  for (const auto& [name, value] : document) {
    if (equals_ignore_case(name, key) && value.string()) return *value.string();
  }
  return "";
}

}  // namespace

Status check_config_kind(const std::string& kind) {
  TRY(find_kind(kind));
  return {};
}

Result<ConfigEntryText> parse_config_entry(const std::string& text) {
  TRY_ASSIGN(codec::ValueMap document, codec::parse_hcl(text));
  const codec::Value* kind = document.get("Kind");
  if (!kind) kind = document.get("kind");
  if (!kind) return fail("Payload does not contain a kind/Kind key at the top level");
  if (!kind->string()) return fail("Kind value in payload is not a string");
  TRY_ASSIGN(const EntryKind* entry, find_kind(*kind->string()));
  ConfigEntryText result{*kind->string(), text_of(document, "name"), ""};
  TRY_ASSIGN(result.json, entry->from_document(document));
  return result;
}

Result<std::string> render_config_entry(const std::string& kind, const std::string& json) {
  TRY_ASSIGN(const EntryKind* entry, find_kind(kind));
  return entry->from_answer(json);
}

}  // namespace praetor::cli
