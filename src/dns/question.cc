#include "dns/question.h"

#include <arpa/inet.h>

#include <array>
#include <vector>

#include "base/text.h"
#include "dns/message.h"

namespace praetor::dns {
namespace {

constexpr std::string_view kArpa("\4arpa\0", 6);

// Labels of the part of `name` before `end`, as lower-case text.
std::vector<std::string> labels_before(std::string_view name, size_t end) {
  std::vector<std::string> labels;
  for (size_t at = 0; at < end && name[at] != '\0';) {
    auto length = static_cast<size_t>(name[at]);
    std::string label;
    append_label_text(label, name.substr(at + 1, length));
    labels.push_back(to_lower(label));
    at += 1 + length;
  }
  return labels;
}

std::string join_range(const std::vector<std::string>& labels, size_t begin, size_t end) {
  std::string out;
  for (size_t i = begin; i < end; ++i) {
    if (i > begin) out += '.';
    out += labels[i];
  }
  return out;
}

bool is_kind(const std::string& label) {
  return label == "service" || label == "connect" || label == "ingress" || label == "node" ||
         label == "query" || label == "addr";
}

void set_service(Target& target, const std::vector<std::string>& labels, size_t count) {
  target.kind = Target::Kind::kService;
  bool rfc2782 = count == 2 && labels[0].starts_with('_') && labels[1].starts_with('_');
  if (rfc2782) {
    target.name = labels[0].substr(1);
    target.tag = labels[1].substr(1);
    if (target.tag == "tcp") target.tag.clear();
  } else {
    target.name = labels[count - 1];
    target.tag = join_range(labels, 0, count - 1);
  }
}

}  // namespace

Zone zone_of(std::string_view name, const CompiledConfig& config) {
  size_t longest = 0;
  Zone zone = Zone::kForeign;
  auto consider = [&](std::string_view suffix, Zone candidate) {
    if (suffix.size() > longest && name_ends_with(name, suffix)) {
      longest = suffix.size();
      zone = candidate;
    }
  };
  consider(kArpa, Zone::kReverse);
  consider(config.domain(), Zone::kDomain);
  consider(config.alt_domain(), Zone::kDomain);
  return zone;
}

Target parse_target(std::string_view name, uint16_t qtype, const CompiledConfig& config) {
  Target target;
  std::string_view longer = config.domain(), shorter = config.alt_domain();
  if (longer.size() < shorter.size()) std::swap(longer, shorter);
  size_t end = name.size();
  if (!name_ends_with(name, longer, &end)) name_ends_with(name, shorter, &end);
  std::vector<std::string> labels = labels_before(name, end);
  target.prefix_bytes = end;

  size_t at = labels.size();
  bool implied_service = false;
  while (at > 0 && !is_kind(labels[at - 1])) {
    // An SRV question may leave out the word "service": _web._tcp.consul.
    if (qtype == type::kSRV && labels[at - 1].starts_with('_')) {
      implied_service = true;
      break;
    }
    --at;
  }
  if (at == 0) return target;
  std::string kind = implied_service ? "service" : labels[at - 1];
  size_t parts = implied_service ? at : at - 1;  // labels before the kind
  if (parts == 0) return target;
  if (kind == "addr") {
    if (parts != 1) return target;
    target.kind = Target::Kind::kAddress;
    target.name = labels[0];
    return target;
  }
  if (labels.size() - at > 1) return target;
  if (labels.size() - at == 1) target.datacenter = labels[at];
  if (kind == "service") {
    set_service(target, labels, parts);
  } else if (kind == "connect" || kind == "ingress") {
    target.kind = Target::Kind::kService;
    target.service_kind = kind == "connect" ? ServiceKind::kConnect : ServiceKind::kIngress;
    target.name = labels[parts - 1];
  } else {
    target.kind = kind == "node" ? Target::Kind::kNode : Target::Kind::kPreparedQuery;
    target.name = join_range(labels, 0, parts);
  }
  return target;
}

std::string reverse_address(std::string_view name) {
  constexpr std::string_view kIn4("\7in-addr\4arpa\0", 14), kIn6("\3ip6\4arpa\0", 10);
  size_t end = 0;
  if (name_ends_with(name, kIn4, &end)) {
    std::vector<std::string> labels = labels_before(name, end);
    if (labels.size() != 4) return {};
    std::string text = labels[3] + "." + labels[2] + "." + labels[1] + "." + labels[0];
    in_addr parsed;
    return inet_pton(AF_INET, text.c_str(), &parsed) == 1 ? text : std::string();
  }
  if (!name_ends_with(name, kIn6, &end)) return {};
  std::vector<std::string> labels = labels_before(name, end);
  if (labels.size() != 32) return {};
  std::string hex;
  for (size_t i = 32; i-- > 0;) {
    if (labels[i].size() != 1) return {};
    hex += labels[i];
  }
  Result<std::string> bytes = hex_decode(hex);
  if (!bytes) return {};
  std::array<char, INET6_ADDRSTRLEN> text;
  return inet_ntop(AF_INET6, bytes->data(), text.data(), text.size()) == nullptr ? std::string()
                                                                                 : text.data();
}

}  // namespace praetor::dns
