#include "model/common.h"

namespace praetor::model {

PRAETOR_DESCRIBE(RaftIndex, "RaftIndex", field("CreateIndex", &RaftIndex::create_index).no_filter(),
                 field("ModifyIndex", &RaftIndex::modify_index).no_filter())

PRAETOR_DESCRIBE(QueryOptions, "QueryOptions", field("Token", &QueryOptions::token),
                 field("MinQueryIndex", &QueryOptions::min_query_index),
                 field("MaxQueryTime", &QueryOptions::max_query_time),
                 field("AllowStale", &QueryOptions::allow_stale),
                 field("RequireConsistent", &QueryOptions::require_consistent),
                 field("UseCache", &QueryOptions::use_cache),
                 field("MaxStaleDuration", &QueryOptions::max_stale_duration),
                 field("MaxAge", &QueryOptions::max_age),
                 field("MustRevalidate", &QueryOptions::must_revalidate),
                 field("StaleIfError", &QueryOptions::stale_if_error), field("Filter", &QueryOptions::filter))

PRAETOR_DESCRIBE(WriteRequest, "WriteRequest", field("Token", &WriteRequest::token))

PRAETOR_DESCRIBE(QueryMeta, "QueryMeta", field("Index", &QueryMeta::index),
                 field("LastContact", &QueryMeta::last_contact),
                 field("KnownLeader", &QueryMeta::known_leader),
                 field("ConsistencyLevel", &QueryMeta::consistency_level))

PRAETOR_DESCRIBE(QuerySource, "QuerySource", field("Datacenter", &QuerySource::datacenter),
                 field("Segment", &QuerySource::segment), field("Node", &QuerySource::node),
                 field("Ip", &QuerySource::ip))

PRAETOR_DESCRIBE(DCSpecificRequest, "DCSpecificRequest", field("Datacenter", &DCSpecificRequest::datacenter),
                 field("NodeMetaFilters", &DCSpecificRequest::node_meta_filters),
                 field("Source", &DCSpecificRequest::source), embedded(&DCSpecificRequest::options))

PRAETOR_DESCRIBE(Nothing, "struct {}")

}  // namespace praetor::model
