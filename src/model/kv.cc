#include "model/kv.h"

namespace praetor::model {

PRAETOR_DESCRIBE(DirEntry, "DirEntry", field("LockIndex", &DirEntry::lock_index),
                 field("Key", &DirEntry::key), field("Flags", &DirEntry::flags),
                 field("Value", &DirEntry::value), field("Session", &DirEntry::session).omit_empty(),
                 embedded(&DirEntry::indexes))

PRAETOR_DESCRIBE(KVSRequest, "KVSRequest", field("Datacenter", &KVSRequest::datacenter),
                 field("Op", &KVSRequest::op), field("DirEnt", &KVSRequest::dir_ent),
                 embedded(&KVSRequest::write))

PRAETOR_DESCRIBE(KeyRequest, "KeyRequest", field("Datacenter", &KeyRequest::datacenter),
                 field("Key", &KeyRequest::key), embedded(&KeyRequest::options))

PRAETOR_DESCRIBE(KeyListRequest, "KeyListRequest", field("Datacenter", &KeyListRequest::datacenter),
                 field("Prefix", &KeyListRequest::prefix), field("Seperator", &KeyListRequest::separator),
                 embedded(&KeyListRequest::options))

PRAETOR_DESCRIBE(IndexedDirEntries, "IndexedDirEntries", field("Entries", &IndexedDirEntries::entries),
                 embedded(&IndexedDirEntries::meta))

PRAETOR_DESCRIBE(IndexedKeyList, "IndexedKeyList", field("Keys", &IndexedKeyList::keys),
                 embedded(&IndexedKeyList::meta))

PRAETOR_DESCRIBE(TombstoneRequest, "TombstoneRequest", field("Datacenter", &TombstoneRequest::datacenter),
                 field("Op", &TombstoneRequest::op), field("ReapIndex", &TombstoneRequest::reap_index),
                 embedded(&TombstoneRequest::write))

PRAETOR_DESCRIBE(ServiceCheck, "ServiceCheck", field("ID", &ServiceCheck::id),
                 field("Namespace", &ServiceCheck::ns))

PRAETOR_DESCRIBE(Session, "Session", own_json_decoder(/*tolerates_unknown=*/true), field("ID", &Session::id),
                 field("Name", &Session::name), field("Node", &Session::node),
                 field("LockDelay", &Session::lock_delay), field("Behavior", &Session::behavior),
                 field("TTL", &Session::ttl), field("NodeChecks", &Session::node_checks),
                 field("ServiceChecks", &Session::service_checks),
                 field("Checks", &Session::checks).omit_empty().go_type("[]types.CheckID"),
                 embedded(&Session::indexes))

PRAETOR_DESCRIBE(SessionRequest, "SessionRequest", field("Datacenter", &SessionRequest::datacenter),
                 field("Op", &SessionRequest::op), field("Session", &SessionRequest::session),
                 embedded(&SessionRequest::write))

PRAETOR_DESCRIBE(SessionSpecificRequest, "SessionSpecificRequest",
                 field("Datacenter", &SessionSpecificRequest::datacenter),
                 field("SessionID", &SessionSpecificRequest::session_id),
                 field("Session", &SessionSpecificRequest::session),
                 embedded(&SessionSpecificRequest::options))

PRAETOR_DESCRIBE(IndexedSessions, "IndexedSessions", field("Sessions", &IndexedSessions::sessions),
                 embedded(&IndexedSessions::meta))

PRAETOR_DESCRIBE(TxnKVOp, "TxnKVOp", field("Verb", &TxnKVOp::verb), field("DirEnt", &TxnKVOp::dir_ent))
PRAETOR_DESCRIBE(TxnNodeOp, "TxnNodeOp", field("Verb", &TxnNodeOp::verb), field("Node", &TxnNodeOp::node))
PRAETOR_DESCRIBE(TxnServiceOp, "TxnServiceOp", field("Verb", &TxnServiceOp::verb),
                 field("Node", &TxnServiceOp::node), field("Service", &TxnServiceOp::service))
PRAETOR_DESCRIBE(TxnCheckOp, "TxnCheckOp", field("Verb", &TxnCheckOp::verb),
                 field("Check", &TxnCheckOp::check))
PRAETOR_DESCRIBE(TxnSessionOp, "TxnSessionOp", field("Verb", &TxnSessionOp::verb),
                 field("Session", &TxnSessionOp::session))

PRAETOR_DESCRIBE(TxnOp, "TxnOp", field("KV", &TxnOp::kv), field("Intention", &TxnOp::intention),
                 field("Node", &TxnOp::node), field("Service", &TxnOp::service),
                 field("Check", &TxnOp::check), field("Session", &TxnOp::session))

PRAETOR_DESCRIBE(TxnRequest, "TxnRequest", field("Datacenter", &TxnRequest::datacenter),
                 field("Ops", &TxnRequest::ops), embedded(&TxnRequest::write))

PRAETOR_DESCRIBE(TxnReadRequest, "TxnReadRequest", field("Datacenter", &TxnReadRequest::datacenter),
                 field("Ops", &TxnReadRequest::ops), embedded(&TxnReadRequest::options))

PRAETOR_DESCRIBE(TxnError, "TxnError", field("OpIndex", &TxnError::op_index), field("What", &TxnError::what))

PRAETOR_DESCRIBE(TxnResult, "TxnResult", field("KV", &TxnResult::kv).omit_empty(),
                 field("Node", &TxnResult::node).omit_empty(),
                 field("Service", &TxnResult::service).omit_empty(),
                 field("Check", &TxnResult::check).omit_empty())

PRAETOR_DESCRIBE(TxnResponse, "TxnResponse", field("Results", &TxnResponse::results),
                 field("Errors", &TxnResponse::errors))

PRAETOR_DESCRIBE(TxnReadResponse, "TxnReadResponse", field("Results", &TxnReadResponse::results),
                 field("Errors", &TxnReadResponse::errors), embedded(&TxnReadResponse::meta))

}  // namespace praetor::model
