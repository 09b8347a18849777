// Questions to all members and their answers, and the keyring's management, which is built of them.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "codec/regexp.h"
#include "gossip/serf.h"

namespace praetor::gossip {

namespace {
constexpr std::string_view kInternalPrefix = "_serf_";
constexpr size_t kLeastKeyBytes = 25;  // of a key in a list of keys: bounds how many can fit
constexpr uint8_t kRelayVersion = 5;   // memberlist protocol from which on members relay

std::string_view operation_name(KeyOperation operation) {
  switch (operation) {
    case KeyOperation::kList:
      return "list-keys";
    case KeyOperation::kInstall:
      return "install-key";
    case KeyOperation::kUse:
      return "use-key";
    case KeyOperation::kRemove:
      return "remove-key";
  }
  return "";
}
}  // namespace

// --- asking ---

Duration Serf::default_query_timeout() const {
  double scale = std::ceil(std::log10(static_cast<double>(swim_.alive_count() + 1)));
  return options_.swim.timings.gossip_interval * 16 * static_cast<int64_t>(scale);
}

Result<uint64_t> Serf::query(Instant now, std::string name, std::string payload, const QueryParams& params,
                             SerfEffects& effects) {
  begin(now, effects);
  if (running_.size() >= kMaxRunningQueries) return fail("too many running queries", ErrorKind::kRateLimited);
  QueryMessage query;
  query.ltime = query_clock_;
  query.id = static_cast<uint32_t>(swim_.random().next() >> 33);
  query.addr = Bytes(std::string(options_.swim.address.ip.bytes()));
  query.port = options_.swim.address.port;
  query.source_node = options_.swim.name;
  for (const QueryFilter& filter : params.filters) query.filters.push_back(encode_filter(filter));
  if (params.want_ack) query.flags |= kQueryWantsAck;
  query.relay_factor = params.relay_factor;
  query.timeout = params.timeout > Duration(0) ? params.timeout : default_query_timeout();
  query.name = std::move(name);
  query.payload = Bytes(std::move(payload));
  std::string message = encode(SerfMessageType::kQuery, query);
  if (message.size() > kMaxQueryBytes)
    return fail("query exceeds limit of " + std::to_string(kMaxQueryBytes) + " bytes",
                ErrorKind::kBadRequest);

  uint64_t ticket = ++last_ticket_;
  RunningQuery& running = running_[query.ltime];
  running.id = query.id;
  running.ticket = ticket;
  running.deadline = now + query.timeout;
  running.keys = pending_keys_;
  take_query(std::move(query));
  query_queue_.add("", std::move(message));
  finish();
  return ticket;
}

void Serf::take_query_response(QueryResponseMessage response) {
  auto at = running_.find(response.ltime);
  if (at == running_.end() || at->second.id != response.id) return;  // late, or not ours
  RunningQuery& running = at->second;
  bool ack = (response.flags & kResponseIsAck) != 0;
  if (!(ack ? running.acks : running.answers).insert(response.from).second) return;
  if (running.keys) {
    if (ack) return;
    count_key_answer(running, response);
    if (running.keys->answers == running.keys->members) end_query(response.ltime);
    return;
  }
  emit(QueryReply{running.ticket, ack, std::move(response.from), std::move(response.payload)});
}

void Serf::end_query(LamportTime ltime) {
  RunningQuery running = std::move(running_.at(ltime));
  running_.erase(ltime);
  if (!running.keys) return emit(QueryDone{running.ticket});
  const KeyReport& report = *running.keys;
  Status status;
  auto counted = [&](int64_t count, const char* what) {
    return fail(std::to_string(count) + "/" + std::to_string(report.members) + " nodes reported " + what);
  };
  if (report.errors != 0)
    status = counted(report.errors, "failure");
  else if (report.answers != report.members)
    status = counted(report.answers, "success");
  emit(KeysDone{running.ticket, std::move(*running.keys), std::move(status)});
}

void Serf::expire_queries() {
  std::vector<LamportTime> over;
  for (const auto& [ltime, query] : running_)
    if (query.deadline <= now_) over.push_back(ltime);
  for (LamportTime ltime : over) end_query(ltime);
}

// --- being asked ---

bool Serf::take_query(QueryMessage query) {
  witness(query_clock_, query.ltime);
  if (query.ltime < query_least_) return false;
  if (query_clock_ > kEventBuffer && query.ltime < query_clock_ - kEventBuffer) return false;
  while (!queries_.empty() && query_clock_ > kEventBuffer &&
         queries_.begin()->first < query_clock_ - kEventBuffer)
    queries_.erase(queries_.begin());
  auto& seen = queries_[query.ltime];
  if (seen.size() >= kMaxEventsPerTime || std::ranges::find(seen, query.id) != seen.end()) return false;
  seen.push_back(query.id);
  bool spread = (query.flags & kQueryNoBroadcast) == 0;
  if (!concerns_me(query.filters)) return spread;

  QueryEvent event{query.ltime,
                   query.id,
                   std::move(query.name),
                   std::move(query.payload),
                   {IpAddress::from_bytes(query.addr), query.port},
                   std::move(query.source_node),
                   query.relay_factor,
                   now_ + query.timeout};
  if (event.from.ip.is_none() || event.from.port == 0) return spread;  // nobody to answer
  if ((query.flags & kQueryWantsAck) != 0) {
    QueryResponseMessage ack = response_to(event, "");
    ack.flags = kResponseIsAck;
    (void)send_response(event, ack);
  }
  snapshot_.note_query_clock(event.ltime);
  if (event.name.starts_with(kInternalPrefix))
    answer_internal(event);
  else
    emit(std::move(event));
  return spread;
}

bool Serf::concerns_me(const List<Bytes>& filters) const {
  return std::ranges::all_of(filters, [&](const Bytes& data) {
    auto filter = decode_filter(data);
    if (!filter) return false;
    if (filter->kind == QueryFilter::Kind::kNodes)
      return std::ranges::find(filter->nodes, options_.swim.name) != filter->nodes.end();
    auto expression = codec::Regexp::compile(filter->expression);
    const std::string* value = options_.tags.get(filter->tag);
    return expression && expression->matches(value != nullptr ? *value : "");
  });
}

QueryResponseMessage Serf::response_to(const QueryEvent& query, std::string payload) const {
  return {query.ltime, query.id, options_.swim.name, 0, Bytes(std::move(payload))};
}

Status Serf::respond(Instant now, const QueryEvent& query, std::string payload, SerfEffects& effects) {
  begin(now, effects);
  if (now > query.deadline) return fail("response is past the deadline", ErrorKind::kTimeout);
  TRY(send_response(query, response_to(query, std::move(payload))));
  finish();
  return {};
}

Status Serf::send_response(const QueryEvent& query, const QueryResponseMessage& response) {
  std::string message = encode(SerfMessageType::kQueryResponse, response);
  auto too_long = [](const char* what) {
    return fail(std::string(what) + " exceeds limit of " + std::to_string(kMaxQueryResponseBytes) + " bytes",
                ErrorKind::kBadRequest);
  };
  if (message.size() > kMaxQueryResponseBytes) return too_long("response");
  deliver(query.from, query.source_node, message);

  // Copies by way of others, should the straight one be lost.
  if (query.relay_factor == 0 || members_.size() < query.relay_factor + 1u) return {};
  std::string relay = encode_relay(query.from, query.source_node, message);
  if (relay.size() > kMaxQueryResponseBytes) return too_long("relayed response");
  auto helpers = swim_.nodes().pick(query.relay_factor, swim_.random(), [&](const Node& node) {
    return node.state == NodeState::kAlive && !is_self(node.name()) &&
           node.info->versions.max >= kRelayVersion;
  });
  for (const Node* helper : helpers) swim_.send(helper->info->address, relay);
  return {};
}

void Serf::deliver(const Address& to, std::string_view name, const std::string& message) {
  if (!is_self(name) || to != options_.swim.address) return swim_.send(to, message);
  (void)take_message(message);
}

// --- Serf's own questions ---

void Serf::answer_internal(const QueryEvent& query) {
  std::string_view what = std::string_view(query.name).substr(kInternalPrefix.size());
  std::string answer;
  if (what == "ping") return;  // the ack is all that is wanted
  if (what == "conflict") {
    if (is_self(query.payload)) return;
    auto known = member(query.payload);
    if (!known) return;
    const Versions& v = known->versions;
    answer =
        encode(SerfMessageType::kConflictResponse,
               MemberMessage{known->name, Bytes(std::string(known->address.ip.bytes())), known->address.port,
                             known->tags, static_cast<int64_t>(known->status), v.min, v.max, v.current,
                             v.delegate_min, v.delegate_max, v.delegate_current});
  } else if (what == operation_name(KeyOperation::kList)) {
    answer = fit_key_response(query, list_own_keys());
  } else if (what == operation_name(KeyOperation::kInstall) || what == operation_name(KeyOperation::kUse) ||
             what == operation_name(KeyOperation::kRemove)) {
    answer = encode(SerfMessageType::kKeyResponse, change_own_keys(what, query.payload));
  } else {
    return swim_.note(LogLevel::kWarn, "serf: Unhandled internal query '" + std::string(what) + "'");
  }
  if (Status status = send_response(query, response_to(query, std::move(answer))); !status)
    swim_.note(LogLevel::kError, "serf: Failed to respond to " + query.name + ": " + status.error().message);
}

KeyResponse Serf::list_own_keys() const {
  KeyResponse response;
  if (options_.keyring == nullptr || options_.keyring->empty()) {
    response.message = "Keyring is empty (encryption not enabled)";
    return response;
  }
  for (const std::string& key : options_.keyring->keys()) response.keys.push_back(base64_encode(key));
  response.primary_key = response.keys.front();
  response.result = true;
  return response;
}

// With as many keys as an answer can carry.
std::string Serf::fit_key_response(const QueryEvent& query, KeyResponse response) const {
  size_t count = response.keys.size();
  for (size_t most = kMaxQueryResponseBytes / kLeastKeyBytes;; --most) {
    std::string answer = encode(SerfMessageType::kKeyResponse, response);
    if (encode(SerfMessageType::kQueryResponse, response_to(query, answer)).size() <=
            kMaxQueryResponseBytes ||
        most == 0)
      return answer;
    if (response.keys.size() > most) response.keys.resize(most);
    response.message = "truncated key list response, showing first " + std::to_string(most) + " of " +
                       std::to_string(count) + " keys";
  }
}

KeyResponse Serf::change_own_keys(std::string_view operation, std::string_view payload) {
  KeyResponse response;
  auto failed = [&](std::string why) {
    swim_.note(LogLevel::kError, "serf: Failed to " + std::string(operation) + ": " + why);
    response.message = std::move(why);
    return response;
  };
  if (payload.empty()) return failed("key request is empty");
  auto request = decode_serf<KeyRequest>(payload.substr(1));
  if (!request) return response;
  if (options_.keyring == nullptr) return failed("No keyring to modify (encryption not enabled)");
  swim_.note(LogLevel::kInfo, "serf: Received " + std::string(operation) + " query");
  Keyring& ring = *options_.keyring;
  Status status = operation == operation_name(KeyOperation::kInstall) ? ring.add(request->key)
                  : operation == operation_name(KeyOperation::kUse)   ? ring.use(request->key)
                                                                      : ring.remove(request->key);
  if (status && options_.save_keyring) status = options_.save_keyring(ring);
  if (!status) return failed(status.error().message);
  response.result = true;
  return response;
}

Result<uint64_t> Serf::change_keys(Instant now, KeyOperation operation, std::string_view key,
                                   uint8_t relay_factor, SerfEffects& effects) {
  TRY_ASSIGN(std::string raw, base64_decode(key));
  std::string payload = encode(SerfMessageType::kKeyRequest, KeyRequest{Bytes(std::move(raw))});
  // The answers are counted as they come, this member's own at once: the count must be there before.
  pending_keys_ = KeyReport{.members = static_cast<int64_t>(swim_.alive_count())};
  auto ticket = query(now, std::string(kInternalPrefix) + std::string(operation_name(operation)),
                      std::move(payload), {.relay_factor = relay_factor}, effects);
  pending_keys_.reset();
  return ticket;
}

void Serf::count_key_answer(RunningQuery& running, const QueryResponseMessage& response) {
  KeyReport& report = *running.keys;
  ++report.answers;
  auto bad = [&](const char* what) {
    report.messages[response.from] = what;
    ++report.errors;
  };
  const Bytes& payload = response.payload;
  if (payload.empty() || static_cast<SerfMessageType>(payload.front()) != SerfMessageType::kKeyResponse)
    return bad("Invalid key query response type");
  auto answer = decode_serf<KeyResponse>(std::string_view(payload).substr(1));
  if (!answer) return bad("Failed to decode key query response");
  if (!answer->result) ++report.errors;
  if (!answer->result || !answer->message.empty()) report.messages[response.from] = answer->message;
  for (const std::string& key : answer->keys) ++report.keys[key];
  ++report.primary_keys[answer->primary_key];
}

}  // namespace praetor::gossip
