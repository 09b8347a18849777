#include "agent/sockaddr.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <variant>

#include "base/text.h"

namespace praetor::agent {
namespace {

using Interfaces = std::vector<InterfaceAddress>;
// What flows through a pipeline.
using Flow = std::variant<std::string, Interfaces>;
using Args = std::vector<std::string>;

bool forwardable(const InterfaceAddress& i) {
  const IpAddress& a = i.address;
  bool link_local =
      a.v6 ? (a.bytes[0] == 0xfe && (a.bytes[1] & 0xc0) == 0x80) : (a.bytes[0] == 169 && a.bytes[1] == 254);
  return !i.loopback && !link_local;
}

bool has_flag(const InterfaceAddress& i, const std::string& flag) {
  const IpAddress& a = i.address;
  if (flag == "up") return i.up;
  if (flag == "down") return !i.up;
  if (flag == "loopback") return i.loopback;
  if (flag == "broadcast") return i.broadcast;
  if (flag == "multicast") return i.multicast;
  if (flag == "pointtopoint") return i.point_to_point;
  if (flag == "forwardable") return forwardable(i);
  if (flag == "link-local unicast" || flag == "link-local") return !forwardable(i) && !i.loopback;
  if (flag == "global unicast") return forwardable(i);
  if (flag == "unspecified")
    return std::all_of(a.bytes.begin(), a.bytes.end(), [](uint8_t b) { return b == 0; });
  return false;
}

const std::map<std::string, std::vector<const char*>>& rfc_networks() {
  static const std::map<std::string, std::vector<const char*>> networks = {
      {"1918", {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"}},
      {"1122", {"0.0.0.0/8", "127.0.0.0/8"}},
      {"3927", {"169.254.0.0/16"}},
      {"4193", {"fc00::/7"}},
      {"4291", {"::/128", "::1/128", "fe80::/10", "fec0::/10", "ff00::/8"}},
      {"5737", {"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"}},
      {"6598", {"100.64.0.0/10"}},
      {"3849", {"2001:db8::/32"}},
      {"2544", {"198.18.0.0/15"}},
      {"1112", {"240.0.0.0/4"}},
  };
  return networks;
}

bool in_network(const InterfaceAddress& i, const std::string& cidr) {
  auto parsed = Cidr::parse(cidr);
  return parsed && parsed->contains(i.address);
}

bool in_rfc(const InterfaceAddress& i, const std::string& rfc) {
  if (rfc == "6890") return is_private_ip(i.address);
  auto at = rfc_networks().find(rfc);
  return at != rfc_networks().end() &&
         std::any_of(at->second.begin(), at->second.end(), [&](const char* n) { return in_network(i, n); });
}

std::vector<std::string> alternatives(const std::string& text) {
  std::vector<std::string> all;
  for (std::string_view piece : split(text, '|')) all.emplace_back(trim(piece));
  return all;
}

Result<bool> selects(const InterfaceAddress& i, const std::string& selector, const std::string& param) {
  std::string what = to_lower(selector);
  auto any = [&](auto predicate) {
    std::vector<std::string> pieces = alternatives(param);
    return std::any_of(pieces.begin(), pieces.end(), predicate);
  };
  if (what == "flag" || what == "flags") {
    std::vector<std::string> pieces = alternatives(param);
    return std::all_of(pieces.begin(), pieces.end(),
                       [&](const std::string& f) { return has_flag(i, to_lower(f)); });
  }
  if (what == "name") return RE2::PartialMatch(i.name, param);
  if (what == "address") return RE2::PartialMatch(i.address.text(), param);
  if (what == "network") return any([&](const std::string& n) { return in_network(i, n); });
  if (what == "rfc") return any([&](const std::string& n) { return in_rfc(i, n); });
  if (what == "type")
    return any([&](const std::string& t) {
      std::string type = to_lower(t);
      return type == "ip" || (type == "ipv4" && !i.address.v6) || (type == "ipv6" && i.address.v6);
    });
  if (what == "size") {
    auto size = parse_uint(std::string_view(param).substr(param.starts_with('/') ? 1 : 0));
    return size && *size == i.prefix;
  }
  return fail(fmt::format("invalid include selector {}", go_quote(selector)));
}

int compare_by(const InterfaceAddress& a, const InterfaceAddress& b, const std::string& key) {
  auto order = [](auto x, auto y) { return x < y ? -1 : (y < x ? 1 : 0); };
  if (key == "address") return order(a.address, b.address);
  if (key == "name") return order(a.name, b.name);
  if (key == "default") return order(!a.is_default, !b.is_default);
  if (key == "private") return order(!is_private_ip(a.address), !is_private_ip(b.address));
  if (key == "size") return order(a.prefix, b.prefix);  // the larger network first
  if (key == "type") return order(a.address.v6, b.address.v6);
  return 0;
}

void sort_interfaces(Interfaces& all, const std::string& spec) {
  std::vector<std::pair<std::string, int>> keys;
  for (std::string_view piece : split(spec, ',')) {
    std::string key = to_lower(trim(piece));
    int sign = key.starts_with('-') ? -1 : 1;
    if (key.starts_with('-') || key.starts_with('+')) key.erase(0, 1);
    keys.emplace_back(key, sign);
  }
  std::vector<size_t> order(all.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t x, size_t y) {
    for (const auto& [key, sign] : keys)
      if (int c = compare_by(all[x], all[y], key) * sign; c != 0) return c < 0;
    return x < y;  // keeps equal ones in their order
  });
  Interfaces sorted;
  for (size_t i : order) sorted.push_back(all[i]);
  all = std::move(sorted);
}

std::string attribute(const InterfaceAddress& i, const std::string& name) {
  std::string what = to_lower(name);
  Cidr own = *Cidr::parse(fmt::format("{}/{}", i.address.text(), i.prefix));
  if (what == "address" || what == "host") return i.address.text();
  if (what == "name") return i.name;
  if (what == "type") return i.address.v6 ? "IPv6" : "IPv4";
  if (what == "mask_bits") return std::to_string(i.prefix);
  if (what == "network") return own.text();
  if (what == "string") return fmt::format("{}/{}", i.address.text(), i.prefix);
  if (what == "port") return "0";
  if (what == "flags") {
    std::string flags;
    for (const char* flag : {"up", "broadcast", "loopback", "pointtopoint", "multicast"})
      if (has_flag(i, flag)) flags += (flags.empty() ? "" : "|") + std::string(flag);
    return flags;
  }
  return "";
}

// Equivalents that go-sockaddr documents for its short forms.
Interfaces usable(const Interfaces& all) {
  Interfaces out;
  for (const InterfaceAddress& i : all)
    if (forwardable(i) && i.up) out.push_back(i);
  sort_interfaces(out, "type,size");
  return out;
}

class Pipeline {
 public:
  Pipeline(std::string_view whole, const Interfaces& all) : whole_(whole), all_(all) {}

  Result<std::string> run(std::string_view action) {
    Flow flow = std::string();
    for (std::string_view stage : stages(action)) {
      TRY_ASSIGN(Args args, words(stage));
      if (args.empty()) return parse_error("missing value for command");
      TRY_ASSIGN(flow, apply(args, flow));
    }
    if (auto* text = std::get_if<std::string>(&flow)) return *text;
    return describe(std::get<Interfaces>(flow));
  }

 private:
  std::unexpected<Error> parse_error(const std::string& what) const {
    return fail(
        fmt::format("unable to parse template {}: template: sockaddr.Parse:1: {}", go_quote(whole_), what));
  }

  static std::vector<std::string_view> stages(std::string_view action) {
    std::vector<std::string_view> out;
    size_t start = 0;
    char quote = 0;
    for (size_t i = 0; i < action.size(); ++i) {
      char c = action[i];
      if (quote != 0) {
        if (c == '\\' && quote == '"') ++i;
        if (c == quote) quote = 0;
      } else if (c == '"' || c == '`') {
        quote = c;
      } else if (c == '|') {
        out.push_back(action.substr(start, i - start));
        start = i + 1;
      }
    }
    out.push_back(action.substr(start));
    return out;
  }

  Result<Args> words(std::string_view stage) const {
    Args out;
    size_t i = 0;
    while (i < stage.size()) {
      if (stage[i] == ' ' || stage[i] == '\t') {
        ++i;
        continue;
      }
      std::string word;
      if (stage[i] == '"' || stage[i] == '`') {
        char quote = stage[i++];
        while (i < stage.size() && stage[i] != quote) {
          if (stage[i] == '\\' && quote == '"' && i + 1 < stage.size()) ++i;
          word += stage[i++];
        }
        if (i == stage.size()) return parse_error("unterminated quoted string");
        ++i;
      } else {
        while (i < stage.size() && stage[i] != ' ' && stage[i] != '\t') word += stage[i++];
      }
      out.push_back(std::move(word));
    }
    return out;
  }

  static std::string describe(const Interfaces& interfaces) {
    std::vector<std::string> all;
    for (const InterfaceAddress& i : interfaces) all.push_back(attribute(i, "string"));
    return "[" + join(all, " ") + "]";
  }

  static std::string addresses(const Interfaces& interfaces, bool one) {
    std::vector<std::string> all;
    for (const InterfaceAddress& i : interfaces)
      if (!one || all.empty()) all.push_back(i.address.text());
    return join(all, " ");
  }

  Interfaces with_private(bool wanted) const {
    Interfaces out = usable(all_);
    std::erase_if(out, [&](const InterfaceAddress& i) { return is_private_ip(i.address) != wanted; });
    return out;
  }

  Interfaces named(const std::string& name) const {
    Interfaces out = usable(all_);
    std::erase_if(out, [&](const InterfaceAddress& i) { return i.name != name; });
    return out;
  }

  Result<Flow> apply(const Args& args, const Flow& input) const {
    const std::string& name = args[0];
    bool plural = name.ends_with('s');
    if (name == "GetAllInterfaces") return all_;
    if (name == "GetPrivateInterfaces") return with_private(true);
    if (name == "GetPublicInterfaces") return with_private(false);
    if (name == "GetDefaultInterfaces") {
      Interfaces out = usable(all_);
      std::erase_if(out, [](const InterfaceAddress& i) { return !i.is_default; });
      return out;
    }
    if (name == "GetPrivateIP" || name == "GetPrivateIPs") return addresses(with_private(true), !plural);
    if (name == "GetPublicIP" || name == "GetPublicIPs") return addresses(with_private(false), !plural);
    if (name == "GetInterfaceIP" || name == "GetInterfaceIPs") {
      if (args.size() != 2)
        return parse_error(fmt::format("wrong number of args for {}: want 1 got {}", name, args.size() - 1));
      return addresses(named(args[1]), !plural);
    }
    return filter(args, input);
  }

  Result<Flow> filter(const Args& args, const Flow& input) const {
    const std::string& name = args[0];
    const auto* given = std::get_if<Interfaces>(&input);
    static const std::map<std::string, size_t> arity = {{"include", 2}, {"exclude", 2}, {"sort", 1},
                                                        {"limit", 1},   {"offset", 1},  {"unique", 1},
                                                        {"attr", 1},    {"join", 2}};
    auto known = arity.find(name);
    if (known == arity.end()) return parse_error(fmt::format("function {} not defined", go_quote(name)));
    if (args.size() != known->second + 1 || given == nullptr)
      return parse_error(fmt::format("wrong number of args for {}: want {} got {}", name, known->second + 1,
                                     args.size() - (given == nullptr ? 1 : 0)));
    if (name == "attr") return given->empty() ? std::string() : attribute(given->front(), args[1]);
    if (name == "join") {
      std::vector<std::string> values;
      for (const InterfaceAddress& i : *given) values.push_back(attribute(i, args[1]));
      return join(values, args[2]);
    }
    return reduce(args, *given);
  }

  Result<Flow> reduce(const Args& args, Interfaces all) const {
    const std::string& name = args[0];
    if (name == "sort") {
      sort_interfaces(all, args[1]);
    } else if (name == "limit" || name == "offset") {
      TRY_ASSIGN(uint64_t count, parse_uint(args[1]));
      size_t n = std::min<size_t>(count, all.size());
      auto at = all.begin() + static_cast<std::ptrdiff_t>(n);
      name == "limit" ? all.erase(at, all.end()) : all.erase(all.begin(), at);
    } else if (name == "unique") {
      Interfaces kept;
      for (const InterfaceAddress& i : all)
        if (std::none_of(kept.begin(), kept.end(), [&](const InterfaceAddress& k) {
              return attribute(k, args[1]) == attribute(i, args[1]);
            }))
          kept.push_back(i);
      all = std::move(kept);
    } else {
      Interfaces kept;
      for (const InterfaceAddress& i : all) {
        TRY_ASSIGN(bool matches, selects(i, args[1], args[2]));
        if (matches == (name == "include")) kept.push_back(i);
      }
      all = std::move(kept);
    }
    return all;
  }

  std::string_view whole_;
  const Interfaces& all_;
};

}  // namespace

Result<std::string> expand_sockaddr(std::string_view text, const Interfaces& interfaces) {
  std::string out;
  size_t at = 0;
  while (true) {
    size_t open = text.find("{{", at);
    if (open == std::string_view::npos) break;
    size_t close = text.find("}}", open);
    if (close == std::string_view::npos)
      return fail(fmt::format("unable to parse template {}: template: sockaddr.Parse:1: unclosed action",
                              go_quote(text)));
    out += text.substr(at, open - at);
    TRY_ASSIGN(std::string value, Pipeline(text, interfaces).run(text.substr(open + 2, close - open - 2)));
    out += value;
    at = close + 2;
  }
  out += text.substr(at);
  return std::string(trim(out));
}

}  // namespace praetor::agent
