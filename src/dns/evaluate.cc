#include "dns/evaluate.h"

#include <arpa/inet.h>

#include <array>
#include <numeric>

#include "base/text.h"
#include "dns/repack.h"

namespace praetor::dns {

std::string_view AnswerCache::key_of(const Query& query) {
  std::string_view name = query.name.wire();
  key_.resize(name.size() + 2);
  for (size_t i = 0; i < name.size(); ++i) {
    char c = name[i];
    key_[i] = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  key_[name.size()] = static_cast<char>(query.qtype >> 8);
  key_[name.size() + 1] = static_cast<char>(query.qtype);
  return key_;
}

std::shared_ptr<const RecordSet> AnswerCache::find(const Query& query, uint64_t index) {
  if (index != index_) {
    clear();
    index_ = index;
  }
  if (sets_.empty()) return nullptr;
  auto at = sets_.find(key_of(query));
  return at == sets_.end() ? nullptr : at->second;
}

void AnswerCache::put(const Query& query, uint64_t index, std::shared_ptr<const RecordSet> set) {
  if (index == 0 || index != index_ || set->records.size() > kMaxCachedRecords) return;
  if (sets_.size() >= kMaxCachedAnswers || records_ + set->records.size() > kMaxCachedRecords) clear();
  records_ += set->records.size();
  sets_.insert_or_assign(std::string(key_of(query)), std::move(set));
}

void AnswerCache::clear() {
  sets_.clear();
  records_ = 0;
}

// Where the result of a lookup that has to wait goes.
template <typename T>
class Evaluation::Waiter final : public Deferral<T> {
 public:
  Waiter(Evaluation& evaluation, const std::string& key) : evaluation_(evaluation), key_(key) {}

  std::function<void(Result<T>)> defer() override {
    taken_ = true;
    std::shared_ptr<Job> job = evaluation_.in_.jobs.job();
    if (!job) {
      evaluation_.refused_ = true;
      return [](const Result<T>&) {};
    }
    return [job = std::weak_ptr<Job>(job), key = key_, resume = evaluation_.in_.resume](Result<T> result) {
      std::shared_ptr<Job> alive = job.lock();
      if (!alive) return;
      alive->arrived.insert_or_assign(key, std::move(result));
      resume(alive);
    };
  }
  bool taken() const { return taken_; }

 private:
  Evaluation& evaluation_;
  const std::string& key_;
  bool taken_ = false;
};

template <typename T, typename Call>
std::optional<Result<T>> Evaluation::look(const std::string& key, Call call) {
  if (in_.job != nullptr)
    if (auto at = in_.job->arrived.find(key); at != in_.job->arrived.end())
      return std::any_cast<const Result<T>&>(at->second);
  Waiter<T> waiter(*this, key);
  std::optional<Result<T>> result = call(waiter);
  if (!result && !waiter.taken()) return fail("the lookup returned nothing");
  return result;
}

const Record* Evaluation::own(Record record) {
  shop_.owned.push_back(std::move(record));
  return &shop_.owned.back();
}

void Evaluation::add_soa(std::vector<const Record*>& section) {
  const auto& soa = config_->soa;
  auto serial = static_cast<uint32_t>(shop_.options.clock->wall().seconds);
  section.push_back(own(Record::soa(config_.domain(), soa.min_ttl, config_.soa_mname(), config_.soa_rname(),
                                    {serial, soa.refresh, soa.retry, soa.expire, soa.min_ttl})));
}

void Evaluation::name_error(Response& out) {
  add_soa(out.authority);
  out.rcode = rcode::kNameError;
}

void Evaluation::failed(const Error& error, Response& out) {
  if (error.kind == ErrorKind::kNotFound) return name_error(out);
  out.rcode = rcode::kServerFailure;
}

std::string Evaluation::client_ip() const {
  if (!in_.query.has_subnet) return std::string(in_.client.ip);
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(in_.query.subnet.family == 2 ? AF_INET6 : AF_INET, in_.query.subnet.address, text.data(),
            text.size());
  return text.data();
}

RecordContext Evaluation::context(const Query& query, bool top, uint32_t ttl, int depth,
                                  const std::string& datacenter) {
  std::string_view question = query.name.wire();
  return {.config = config_,
          .chaser = *this,
          .question = question,
          .owner = top ? std::string_view() : question,
          .qtype = query.qtype,
          .ttl = ttl,
          .has_edns = query.has_edns,
          .depth = depth,
          .datacenter = datacenter.empty() ? config_->datacenter : datacenter};
}

Evaluation::End Evaluation::run() {
  response_.clear();
  shop_.owned.clear();
  shop_.held.clear();
  response_.recursion_available = config_.recurses();
  bool complete = in_domain();
  if (!complete) {
    if (!refused_) return End::kWaiting;
    ++shop_.counters.waiting_refused;
    response_.clear();
    response_.rcode = rcode::kServerFailure;
  }
  if (response_.rcode == rcode::kServerFailure) ++shop_.counters.failures;
  return verbatim_.empty() ? End::kResponse : End::kVerbatim;
}

bool Evaluation::in_domain() {
  const Query& query = in_.query;
  if (!query.has_question) return foreign(rcode::kRefused);
  if (uint64_t index = shop_.options.backend->index(); index != 0)
    if (std::shared_ptr<const RecordSet> set = shop_.cache.find(query, index)) {
      ++shop_.counters.cache_hits;
      ++shop_.counters.domain;
      emit(query, std::move(set), true, true, response_);
      return true;
    }
  Zone zone = zone_of(query.name.wire(), config_);
  if (zone == Zone::kForeign) return foreign(rcode::kRefused);
  ++(zone == Zone::kReverse ? shop_.counters.reverse : shop_.counters.domain);
  if (zone == Zone::kReverse) return reverse();
  switch (query.qtype) {
    case type::kSOA:
      add_soa(response_.answer);
      return name_servers(response_.authority, response_.additional);
    case type::kNS:
      return name_servers(response_.answer, response_.additional);
    case type::kAXFR:
      response_.rcode = rcode::kNotImplemented;
      return true;
    default:
      return dispatch(query, kMaxChaseDepth, true, response_);
  }
}

// Names outside: to the recursors, or refused.
bool Evaluation::foreign(uint8_t without_recursors) {
  response_.authoritative = false;
  if (!config_.recurses() || shop_.options.forwarder == nullptr) {
    response_.recursion_available = without_recursors != rcode::kRefused;
    response_.rcode = without_recursors;
    response_.with_edns = without_recursors != rcode::kRefused;
    return true;
  }
  auto reply = look<std::string>("forward", [&](Deferral<std::string>& later) {
    ++shop_.counters.recursions;
    auto done = later.defer();
    if (!refused_) shop_.options.forwarder->forward(in_.packet, in_.client.transport, std::move(done));
    return std::optional<Result<std::string>>();
  });
  if (!reply) return false;
  if (*reply) {
    verbatim_ = repack(**reply, !config_->disable_compression);
  } else {
    response_.recursion_available = true;
    response_.rcode = rcode::kServerFailure;
  }
  return true;
}

bool Evaluation::reverse() {
  if (std::string ip = reverse_address(in_.query.name.wire()); !ip.empty()) {
    auto found = look<std::string>("p" + ip, [&](Deferral<std::string>& later) {
      return shop_.options.backend->owner_of_address(ip, config_->read, later);
    });
    if (!found) return false;
    if (Result<std::string> target = *found ? name_from_text(**found) : *found;
        target && target->size() > 1) {
      target->pop_back();
      target->append(config_.domain());
      if (target->size() <= kMaxNameBytes) {
        response_.answer.push_back(own(Record::ptr({}, 0, *target)));
        if (in_.query.qtype == type::kSOA) add_soa(response_.authority);
        return true;
      }
    }
  }
  return foreign(rcode::kServerFailure);
}

bool Evaluation::dispatch(const Query& query, int depth, bool top, Response& out) {
  Target target = parse_target(query.name.wire(), query.qtype, config_);
  switch (target.kind) {
    case Target::Kind::kInvalid:
      name_error(out);
      return true;
    case Target::Kind::kAddress:
      address(query, target, out);
      return true;
    case Target::Kind::kService:
      return service(query, target, depth, top, out);
    case Target::Kind::kNode:
      return node(query, target, depth, top, out);
    case Target::Kind::kPreparedQuery:
      return prepared(query, target, depth, top, out);
  }
  return true;
}

bool Evaluation::service(const Query& query, const Target& target, int depth, bool top, Response& out) {
  ServiceLookup lookup{target.datacenter, target.name, target.tag, target.service_kind, config_->read};
  std::string key = std::string(1, static_cast<char>('0' + static_cast<int>(lookup.kind))) + target.name +
                    '\0' + target.tag + '\0' + target.datacenter;
  uint64_t index = shop_.options.backend->index();
  if (target.name.empty()) {
    failed(Error{"no service name"}, out);
    return true;
  }
  using Found = std::shared_ptr<const Instances>;
  auto found =
      look<Found>(key, [&](Deferral<Found>& later) { return shop_.options.backend->service(lookup, later); });
  if (!found) return false;
  if (!*found) {
    failed(found->error(), out);
    return true;
  }
  auto set = std::make_shared<RecordSet>();
  RecordContext records = context(query, top, config_.service_ttl(target.name), depth, target.datacenter);
  if (!build_service_records(records, ***found, true, *set)) return false;
  if (set->instances == 0) {
    name_error(out);
    return true;
  }
  bool local = target.datacenter.empty() || target.datacenter == config_->datacenter;
  if (top && local && set->cacheable && in_.job == nullptr) shop_.cache.put(query, index, set);
  emit(query, std::move(set), true, top, out);
  return true;
}

bool Evaluation::prepared(const Query& query, const Target& target, int depth, bool top, Response& out) {
  PreparedLookup lookup{target.datacenter, target.name, client_ip(), config_->read};
  auto found = look<PreparedResult>(
      "q" + target.name + '\0' + target.datacenter,
      [&](Deferral<PreparedResult>& later) { return shop_.options.backend->prepared_query(lookup, later); });
  if (!found) return false;
  if (!*found) {
    failed(found->error(), out);
    return true;
  }
  const PreparedResult& result = **found;
  if (!result.instances || result.instances->empty()) {
    name_error(out);
    return true;
  }
  uint32_t ttl = result.ttl ? ttl_seconds(*result.ttl) : config_.service_ttl(result.service);
  auto set = std::make_shared<RecordSet>();
  if (!build_service_records(context(query, top, ttl, depth, result.datacenter), *result.instances, false,
                             *set))
    return false;
  out.subnet_scope = query.subnet.source_bits;
  emit(query, std::move(set), false, top, out);
  return true;
}

bool Evaluation::node(const Query& query, const Target& target, int depth, bool top, Response& out) {
  bool texts = query.qtype == type::kTXT || query.qtype == type::kANY;
  if (!texts && query.qtype != type::kA && query.qtype != type::kAAAA) return true;
  NodeLookup lookup{target.datacenter, target.name, config_->read};
  using Found = std::shared_ptr<const NodeInfo>;
  auto found = look<Found>("n" + target.name + '\0' + target.datacenter, [&](Deferral<Found>& later) {
    return shop_.options.backend->node(lookup, later);
  });
  if (!found) return false;
  if (!*found || **found == nullptr) {
    *found ? name_error(out) : failed(found->error(), out);
    return true;
  }
  const NodeInfo& info = ***found;
  RecordContext records = context(query, top, config_.node_ttl(), depth, info.datacenter);
  std::vector<Record> addresses, meta;
  if (query.qtype != type::kTXT && !append_node_records(records, info, records.owner, addresses))
    return false;
  if (texts || config_->node_meta_txt) append_meta_records(records.owner, records.ttl, info, meta);
  for (Record& record : addresses) out.answer.push_back(own(std::move(record)));
  for (Record& record : meta) (texts ? out.answer : out.additional).push_back(own(std::move(record)));
  return true;
}

// <hex>.addr: the address itself, whatever type was asked for.
void Evaluation::address(const Query& query, const Target& target, Response& out) {
  size_t bytes = target.name.size() / 2;
  if (bytes != 4 && bytes != 16) return;
  Result<std::string> ip = hex_decode(target.name);
  std::string owner = lower_name(query.name.wire().substr(0, target.prefix_bytes)).append(config_.domain());
  if (!ip || ip->size() != bytes || owner.size() > kMaxNameBytes) return name_error(out);
  out.answer.push_back(own(Record::address(owner, config_.node_ttl(), *ip)));
}

bool Evaluation::name_servers(std::vector<const Record*>& servers, std::vector<const Record*>& glue) {
  ServiceLookup lookup;
  lookup.service = "consul";
  lookup.options = config_->read;
  using Found = std::shared_ptr<const Instances>;
  auto found = look<Found>(
      "ns", [&](Deferral<Found>& later) { return shop_.options.backend->service(lookup, later); });
  if (!found) return false;
  if (!*found) return true;
  std::vector<const NodeInfo*> nodes;
  for (const ServiceInstance& instance : ***found) {
    bool dropped = instance.health == Health::kCritical ||
                   (config_->only_passing && instance.health != Health::kPassing);
    if (!dropped && is_dns_label(instance.node.name)) nodes.push_back(&instance.node);
  }
  for (size_t i = nodes.size(); i > 1; --i) std::swap(nodes[i - 1], nodes[shop_.options.random->below(i)]);
  if (nodes.size() > kMaxNameServers) nodes.resize(kMaxNameServers);
  Query any;
  any.qtype = type::kANY;
  for (const NodeInfo* each : nodes) {
    std::string name = lower_name(name_below(each->name, "node", each->datacenter, config_));
    if (name.empty()) continue;
    std::vector<Record> addresses;
    RecordContext records = context(any, true, config_.node_ttl(), kMaxChaseDepth, each->datacenter);
    if (!append_node_records(records, *each, name, addresses)) return false;
    servers.push_back(own(Record::ns(config_.domain(), config_.node_ttl(), name)));
    for (Record& record : addresses) glue.push_back(own(std::move(record)));
  }
  return true;
}

// Inside the domain: an ANY question to ourselves. Outside: an A question to the recursors.
bool Evaluation::chase(std::string_view name, int depth, std::vector<Record>& out) {
  auto inside = [&](std::string_view domain) {
    return !domain.empty() && name.size() > domain.size() && name_ends_with(name, domain);
  };
  if (inside(config_.domain()) || inside(config_.alt_domain())) {
    if (depth < 1) return true;  // a loop
    Query query;
    query.name.append(name);
    query.has_question = true;
    query.qtype = type::kANY;
    query.qclass = kClassIN;
    Response response;
    if (!dispatch(query, depth - 1, false, response)) return false;
    for (const Record* record : response.answer) out.push_back(*record);
    return true;
  }
  if (!config_.recurses() || shop_.options.forwarder == nullptr) return true;
  using Found = std::vector<Record>;
  auto found = look<Found>("r" + lower_name(name), [&](Deferral<Found>& later) {
    auto done = later.defer();
    if (!refused_) shop_.options.forwarder->resolve(name, std::move(done));
    return std::optional<Result<Found>>();
  });
  if (!found) return false;
  if (*found) out.insert(out.end(), (*found)->begin(), (*found)->end());
  return true;
}

void Evaluation::emit(const Query& query, std::shared_ptr<const RecordSet> set, bool shuffle, bool top,
                      Response& out) {
  TrimLimits limits;
  limits.udp = !top || in_.client.transport == Transport::kUdp;
  limits.udp_bytes = kMinUdpBytes;
  if (query.has_edns)
    limits.udp_bytes = std::clamp<size_t>(query.edns_udp_bytes, kMinUdpBytes, kMaxUdpReplyBytes);
  limits.udp_answer_limit = config_->udp_answer_limit;
  limits.compress = !config_->disable_compression;
  pick(*set, shuffle, answer_cap(limits, set->is_srv), out);
  shop_.held.push_back(std::move(set));
  if (trim(limits, query, shop_.writer, out)) {
    ++shop_.counters.trimmed;
    out.truncated = config_->enable_truncate;
  }
  if (out.answer.empty() && !out.truncated) add_soa(out.authority);
}

// Chooses units in random order (or as they are) until `cap` answers are there.
void Evaluation::pick(const RecordSet& set, bool shuffle, size_t cap, Response& out) {
  size_t count = set.units.size();
  bool duplicates = set.groups < count;
  std::vector<uint32_t>& order = shop_.order;
  order.resize(count);
  std::iota(order.begin(), order.end(), 0);
  if (duplicates) shop_.seen.assign(set.groups, false);
  const RecordSet::Unit* cname = nullptr;
  auto append = [&](const RecordSet::Unit& unit) {
    for (uint32_t i = unit.answer_begin; i < unit.answer_end; ++i) out.answer.push_back(&set.records[i]);
    for (uint32_t i = unit.answer_end; i < unit.extra_end; ++i) out.additional.push_back(&set.records[i]);
  };
  int addresses = 0;
  for (size_t i = 0; i < count && out.answer.size() < cap; ++i) {
    if (shuffle) std::swap(order[i], order[i + shop_.options.random->below(count - i)]);
    const RecordSet::Unit& unit = set.units[order[i]];
    if (duplicates) {
      if (shop_.seen[unit.group]) continue;
      shop_.seen[unit.group] = true;
    }
    if (unit.is_cname) {
      // A CNAME stands alone: it is the answer only if there are no addresses.
      if (cname == nullptr) cname = &unit;
      continue;
    }
    append(unit);
    if (!set.is_srv && ++addresses == config_->a_record_limit) break;
  }
  if (out.answer.empty() && cname != nullptr) append(*cname);
}

}  // namespace praetor::dns
