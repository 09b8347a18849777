#include "model/query.h"

namespace praetor::model {

PRAETOR_DESCRIBE(QueryTemplate, "QueryTemplateOptions", field("Type", &QueryTemplate::type),
                 field("Regexp", &QueryTemplate::regexp),
                 field("RemoveEmptyTags", &QueryTemplate::remove_empty_tags))

PRAETOR_DESCRIBE(QueryFailover, "QueryDatacenterOptions", field("NearestN", &QueryFailover::nearest_n),
                 field("Datacenters", &QueryFailover::datacenters))

PRAETOR_DESCRIBE(QueryService, "ServiceQuery", field("Service", &QueryService::service),
                 field("Failover", &QueryService::failover),
                 field("OnlyPassing", &QueryService::only_passing),
                 field("IgnoreCheckIDs", &QueryService::ignore_check_ids), field("Near", &QueryService::near),
                 field("Tags", &QueryService::tags), field("NodeMeta", &QueryService::node_meta),
                 field("ServiceMeta", &QueryService::service_meta), field("Connect", &QueryService::connect))

PRAETOR_DESCRIBE(QueryDNS, "QueryDNSOptions", field("TTL", &QueryDNS::ttl))

PRAETOR_DESCRIBE(PreparedQuery, "PreparedQuery", field("ID", &PreparedQuery::id),
                 field("Name", &PreparedQuery::name), field("Session", &PreparedQuery::session),
                 field("Token", &PreparedQuery::token), field("Template", &PreparedQuery::query_template),
                 field("Service", &PreparedQuery::service), field("DNS", &PreparedQuery::dns),
                 embedded(&PreparedQuery::indexes))

PRAETOR_DESCRIBE(PreparedQueryRequest, "PreparedQueryRequest",
                 field("Datacenter", &PreparedQueryRequest::datacenter),
                 field("Op", &PreparedQueryRequest::op), field("Query", &PreparedQueryRequest::query),
                 embedded(&PreparedQueryRequest::write))

PRAETOR_DESCRIBE(PreparedQuerySpecificRequest, "PreparedQuerySpecificRequest",
                 field("Datacenter", &PreparedQuerySpecificRequest::datacenter),
                 field("QueryID", &PreparedQuerySpecificRequest::query_id),
                 embedded(&PreparedQuerySpecificRequest::options))

PRAETOR_DESCRIBE(IndexedPreparedQueries, "IndexedPreparedQueries",
                 field("Queries", &IndexedPreparedQueries::queries), embedded(&IndexedPreparedQueries::meta))

PRAETOR_DESCRIBE(PreparedQueryExecuteRequest, "PreparedQueryExecuteRequest",
                 field("Datacenter", &PreparedQueryExecuteRequest::datacenter),
                 field("QueryIDOrName", &PreparedQueryExecuteRequest::query_id_or_name),
                 field("Limit", &PreparedQueryExecuteRequest::limit),
                 field("Connect", &PreparedQueryExecuteRequest::connect),
                 field("Source", &PreparedQueryExecuteRequest::source),
                 field("Agent", &PreparedQueryExecuteRequest::agent),
                 embedded(&PreparedQueryExecuteRequest::options))

PRAETOR_DESCRIBE(PreparedQueryExecuteRemoteRequest, "PreparedQueryExecuteRemoteRequest",
                 field("Datacenter", &PreparedQueryExecuteRemoteRequest::datacenter),
                 field("Query", &PreparedQueryExecuteRemoteRequest::query),
                 field("Limit", &PreparedQueryExecuteRemoteRequest::limit),
                 field("Connect", &PreparedQueryExecuteRemoteRequest::connect),
                 embedded(&PreparedQueryExecuteRemoteRequest::options))

PRAETOR_DESCRIBE(PreparedQueryExecuteResponse, "PreparedQueryExecuteResponse",
                 field("Service", &PreparedQueryExecuteResponse::service),
                 field("Nodes", &PreparedQueryExecuteResponse::nodes),
                 field("DNS", &PreparedQueryExecuteResponse::dns),
                 field("Datacenter", &PreparedQueryExecuteResponse::datacenter),
                 field("Failovers", &PreparedQueryExecuteResponse::failovers),
                 embedded(&PreparedQueryExecuteResponse::meta))

PRAETOR_DESCRIBE(PreparedQueryExplainResponse, "PreparedQueryExplainResponse",
                 field("Query", &PreparedQueryExplainResponse::query),
                 embedded(&PreparedQueryExplainResponse::meta))

}  // namespace praetor::model
