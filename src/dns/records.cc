#include "dns/records.h"

#include <arpa/inet.h>

#include <optional>
#include <unordered_map>

#include "base/text.h"

namespace praetor::dns {
namespace {

// The bytes of an IP address, 4 or 16.
std::optional<std::string> parse_ip(const std::string& text) {
  char raw[16];
  if (inet_pton(AF_INET, text.c_str(), raw) == 1) return std::string(raw, 4);
  if (inet_pton(AF_INET6, text.c_str(), raw) != 1) return std::nullopt;
  // Go takes an IPv4-mapped address for the IPv4 address in it.
  std::string_view bytes(raw, 16);
  constexpr std::string_view kMapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  return std::string(bytes.starts_with(kMapped) ? bytes.substr(12) : bytes);
}

// Which addresses a question can use.
struct Accepts {
  bool v4, v6, any;
};
Accepts accepts(uint16_t qtype) {
  if (qtype == type::kA) return {true, false, false};
  if (qtype == type::kAAAA) return {false, true, false};
  return {true, true, true};
}

const TaggedAddress* find_tag(const std::vector<TaggedAddress>& tagged, std::string_view tag) {
  for (const TaggedAddress& each : tagged)
    if (each.tag == tag && !each.address.empty()) return &each;
  return nullptr;
}

bool uses_wan(const RecordContext& context) {
  return context.config->translate_wan_addrs && context.datacenter != context.config->datacenter;
}

// The address shown for this question: a tagged one of the wanted family before the plain one; empty when
// there is none of that family.
std::string shown_address(const RecordContext& context, Accepts accept, const std::string& address,
                          const std::vector<TaggedAddress>& tagged) {
  bool wan = uses_wan(context) && !tagged.empty();
  const TaggedAddress* v4 = find_tag(tagged, wan ? "wan_ipv4" : "lan_ipv4");
  const TaggedAddress* v6 = find_tag(tagged, wan ? "wan_ipv6" : "lan_ipv6");
  const TaggedAddress* over = wan ? find_tag(tagged, "wan") : nullptr;
  const std::string& plain = over != nullptr ? over->address : address;
  if (accept.v6 && v6 != nullptr) return v6->address;
  if (accept.v4 && v4 != nullptr) return v4->address;
  if (accept.any || plain.empty()) return plain;
  std::optional<std::string> ip = parse_ip(plain);
  bool usable = !ip || (ip->size() == 4 ? accept.v4 : accept.v6);
  return usable ? plain : std::string();
}

int64_t shown_port(const RecordContext& context, const ServiceInstance& instance) {
  if (!uses_wan(context)) return instance.port;
  const TaggedAddress* wan = find_tag(instance.tagged_addresses, "wan");
  return wan != nullptr && wan->port != 0 ? wan->port : instance.port;
}

// Address records answer these types (a TXT question, too: Consul always did that).
bool shows_address(uint16_t qtype, size_t ip_size) {
  if (qtype == type::kSRV || qtype == type::kANY || qtype == type::kTXT) return true;
  return qtype == (ip_size == 4 ? type::kA : type::kAAAA);
}

int64_t weight_of(const ServiceInstance& instance) {
  switch (instance.health) {
    case Health::kPassing:
      return instance.weight_passing;
    case Health::kWarning:
      return instance.weight_warning;
    case Health::kCritical:
      return 0;
    case Health::kOther:
      break;
  }
  return 1;
}

// Builds the units of one RecordSet.
class Builder {
 public:
  Builder(const RecordContext& context, RecordSet& out) : context_(context), out_(out) {}

  bool add(const ServiceInstance& instance) {
    answers_.clear();
    extras_.clear();
    is_cname_ = false;
    if (!records_of(instance)) return false;
    if (answers_.empty()) return true;
    RecordSet::Unit unit;
    unit.is_cname = is_cname_;
    unit.group = group_of(instance);
    unit.answer_begin = static_cast<uint32_t>(out_.records.size());
    for (Record& record : answers_) out_.records.push_back(std::move(record));
    unit.answer_end = static_cast<uint32_t>(out_.records.size());
    for (Record& record : extras_) out_.records.push_back(std::move(record));
    unit.extra_end = static_cast<uint32_t>(out_.records.size());
    out_.units.push_back(unit);
    return true;
  }

 private:
  bool is_srv() const { return context_.qtype == type::kSRV; }

  uint32_t group_of(const ServiceInstance& instance) {
    std::string key;
    if (is_srv()) {
      key = instance.node.name + '\0' +
            shown_address(context_, {true, true, true}, instance.address, instance.tagged_addresses) + '\0' +
            std::to_string(shown_port(context_, instance));
    } else {
      const Record& first = answers_.front();
      key = std::string(first.head()) + '\0' + std::string(first.target());
    }
    auto [at, added] = groups_.try_emplace(std::move(key), out_.groups);
    if (added) ++out_.groups;
    return at->second;
  }

  bool records_of(const ServiceInstance& instance) {
    Accepts accept = accepts(context_.qtype);
    const NodeInfo& node = instance.node;
    std::string node_address = shown_address(context_, accept, node.address, node.tagged_addresses);
    std::string service_address =
        shown_address(context_, accept, instance.address, instance.tagged_addresses);
    if (service_address.empty()) {
      // An own address of the wrong family hides the node's.
      if (node_address.empty() || !instance.address.empty()) return true;
      std::optional<std::string> ip = parse_ip(node_address);
      if (!ip) return from_name(instance, node_address);
      // A translated address is not what the node's name stands for.
      if (node_address != node.address) return from_ip(instance, *ip);
      return from_node(instance, *ip);
    }
    if (std::optional<std::string> ip = parse_ip(service_address)) return from_ip(instance, *ip);
    // A service whose address is the very name that is asked for has its node's.
    if (std::optional<std::string> ip = parse_ip(node_address.empty() ? node.address : node_address)) {
      Result<std::string> name = name_from_text(service_address);
      if (name && equal_names(*name, context_.question)) return from_node(instance, *ip);
    }
    return from_name(instance, service_address);
  }

  void push_srv(const ServiceInstance& instance, std::string_view target) {
    answers_.push_back(Record::srv(context_.owner, context_.ttl, 1,
                                   static_cast<uint16_t>(weight_of(instance)),
                                   static_cast<uint16_t>(shown_port(context_, instance)), target));
  }

  void push_meta(const ServiceInstance& instance) {
    if (!context_.config->node_meta_txt || instance.node.meta.empty()) return;
    std::string owner = name_below(instance.node.name, "node", context_.datacenter, context_.config);
    if (!owner.empty()) append_meta_records(owner, context_.ttl, instance.node, extras_);
  }

  bool from_target(const ServiceInstance& instance, const std::string& ip, const std::string& target) {
    if (!shows_address(context_.qtype, ip.size())) return true;
    if (!is_srv()) {
      answers_.push_back(Record::address(context_.owner, context_.ttl, ip));
      return true;
    }
    if (target.empty()) return true;  // a name that cannot be written loses this instance, not the answer
    push_srv(instance, target);
    extras_.push_back(Record::address(target, context_.ttl, ip));
    push_meta(instance);
    return true;
  }

  bool from_node(const ServiceInstance& instance, const std::string& ip) {
    std::string target;
    if (is_srv()) target = name_below(instance.node.name, "node", context_.datacenter, context_.config);
    return from_target(instance, ip, target);
  }

  bool from_ip(const ServiceInstance& instance, const std::string& ip) {
    std::string target;
    if (is_srv()) target = name_below(hex_encode(ip), "addr", context_.datacenter, context_.config);
    return from_target(instance, ip, target);
  }

  bool from_name(const ServiceInstance& instance, const std::string& text) {
    Result<std::string> target = name_from_text(text);
    if (!target) return true;
    out_.cacheable = false;
    std::vector<Record> found, more;
    if (!context_.chaser.chase(*target, context_.depth, found)) return false;
    for (Record& record : found) {
      uint16_t rrtype = record.rrtype();
      if (rrtype != type::kCNAME && rrtype != type::kA && rrtype != type::kAAAA) continue;
      record.set_ttl(context_.ttl);
      more.push_back(std::move(record));
      if (more.size() == kMaxChasedRecords && !context_.has_edns) break;
    }
    if (is_srv()) {
      push_srv(instance, *target);
      extras_ = std::move(more);
      push_meta(instance);
      return true;
    }
    is_cname_ = true;
    answers_.push_back(Record::cname(context_.owner, context_.ttl, *target));
    for (Record& record : more) answers_.push_back(std::move(record));
    return true;
  }

  const RecordContext& context_;
  RecordSet& out_;
  std::unordered_map<std::string, uint32_t> groups_;
  std::vector<Record> answers_, extras_;
  bool is_cname_ = false;
};

// RFC 1464: what would be taken for the separator, for quoting or for padding is quoted by a backquote.
std::string text_key(std::string_view key) {
  size_t first = key.find_first_not_of(' '), last = key.find_last_not_of(' ');
  std::string out;
  for (size_t i = 0; i < key.size(); ++i) {
    bool padding = key[i] == ' ' && (first == std::string_view::npos || i < first || i > last);
    if (padding || key[i] == '=' || key[i] == '`') out += '`';
    out += key[i];
  }
  return out;
}

std::string text_value(std::string_view value) {
  std::string out;
  for (char c : value) {
    if (c == '`') out += '`';
    out += c;
  }
  return out;
}

}  // namespace

bool is_dns_label(std::string_view text) {
  for (char c : text)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'))
      return false;
  return !text.empty();
}

std::string name_below(std::string_view first, std::string_view kind, std::string_view datacenter,
                       const CompiledConfig& config) {
  std::string text;
  text.append(first).append(1, '.').append(kind).append(1, '.').append(datacenter);
  Result<std::string> name = name_from_text(text);
  if (!name) return {};
  name->pop_back();
  name->append(config.domain());
  return name->size() <= kMaxNameBytes ? *std::move(name) : std::string();
}

void append_meta_records(std::string_view owner, uint32_t ttl, const NodeInfo& node,
                         std::vector<Record>& out) {
  for (const auto& [key, value] : node.meta) {
    bool raw = to_lower(key).starts_with("rfc1035-");
    out.push_back(Record::txt(owner, ttl, raw ? value : text_key(key) + "=" + text_value(value)));
  }
}

bool append_node_records(const RecordContext& context, const NodeInfo& node, std::string_view owner,
                         std::vector<Record>& out) {
  std::string address = shown_address(context, accepts(context.qtype), node.address, node.tagged_addresses);
  if (address.empty()) return true;
  if (std::optional<std::string> ip = parse_ip(address)) {
    if (shows_address(context.qtype, ip->size())) out.push_back(Record::address(owner, context.ttl, *ip));
    return true;
  }
  Result<std::string> target = name_from_text(address);
  if (!target) return true;
  out.push_back(Record::cname(owner, context.ttl, *target));
  return context.chaser.chase(*target, context.depth, out);
}

bool build_service_records(const RecordContext& context, const Instances& instances, bool filter_health,
                           RecordSet& out) {
  out.is_srv = context.qtype == type::kSRV;
  out.units.reserve(instances.size());
  out.records.reserve(instances.size() * (out.is_srv ? 2 : 1));
  Builder builder(context, out);
  for (const ServiceInstance& instance : instances) {
    bool dropped = instance.health == Health::kCritical ||
                   (context.config->only_passing && instance.health != Health::kPassing);
    if (filter_health && dropped) continue;
    ++out.instances;
    if (!builder.add(instance)) return false;
  }
  return true;
}

}  // namespace praetor::dns
