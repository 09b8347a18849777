#include "server/server_tags.h"

#include "base/text.h"

namespace praetor::server {
namespace {

const std::string* tag(const gossip::Member& member, const char* name) { return member.tags.get(name); }

std::string tag_or_empty(const gossip::Member& member, const char* name) {
  const std::string* value = tag(member, name);
  return value == nullptr ? std::string() : *value;
}

// The first "digits.digits.digits" in the text, or nothing.
std::string version_in(std::string_view text) {
  auto digit = [&](size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
  for (size_t start = 0; start < text.size(); ++start) {
    size_t at = start;
    int parts = 0;
    for (; parts < 3 && digit(at); ++parts) {
      while (digit(at)) ++at;
      if (parts < 2 && (at >= text.size() || text[at++] != '.')) break;
    }
    if (parts == 3) return std::string(text.substr(start, at - start));
  }
  return {};
}

// An absent tag leaves `value` as it is. False: the tag is no number, or none that fits.
bool read_number(const gossip::Member& member, const char* name, int64_t most, int64_t& value) {
  const std::string* text = tag(member, name);
  if (text == nullptr) return true;
  auto parsed = parse_int(*text);
  if (!parsed || *parsed < 0 || *parsed > most) return false;
  value = *parsed;
  return true;
}

}  // namespace

std::string rpc_address(const gossip::IpAddress& ip, uint16_t port) {
  return gossip::Address{ip, port}.text();
}

std::optional<ServerTags> server_tags(const gossip::Member& member) {
  constexpr int64_t kMostPort = 65535, kMostNumber = 1 << 20;
  if (tag_or_empty(member, "role") != "consul") return std::nullopt;
  ServerTags server;
  int64_t port = -1, wan_join_port = 0, protocol = -1;
  if (!read_number(member, "port", kMostPort, port) || port < 0 ||
      !read_number(member, "wan_join_port", kMostPort, wan_join_port) ||
      !read_number(member, "expect", kMostNumber, server.expect) ||
      !read_number(member, "vsn", kMostNumber, protocol) || protocol < 0 ||
      !read_number(member, "raft_vsn", kMostNumber, server.raft_protocol))
    return std::nullopt;
  server.build = version_in(tag_or_empty(member, "build"));
  if (server.build.empty()) return std::nullopt;
  server.name = member.name;
  server.id = tag_or_empty(member, "id");
  server.datacenter = tag_or_empty(member, "dc");
  server.segment = tag_or_empty(member, "segment");
  server.ip = member.address.ip.text();
  server.port = static_cast<uint16_t>(port);
  server.address = rpc_address(member.address.ip, server.port);
  server.protocol = protocol;
  server.wan_join_port = static_cast<uint16_t>(wan_join_port);
  server.bootstrap = tag(member, "bootstrap") != nullptr;
  server.non_voter = tag(member, "nonvoter") != nullptr;
  server.use_tls = tag(member, "use_tls") != nullptr;
  server.extensions = tag(member, kExtensionTag) != nullptr;
  server.status = member.status;
  return server;
}

bool belongs_to_catalog(const gossip::Member& member, const std::string& datacenter) {
  if (tag_or_empty(member, "dc") != datacenter) return false;
  if (tag_or_empty(member, "role") == "node") return true;
  auto server = server_tags(member);
  return server && server->segment.empty();
}

}  // namespace praetor::server
