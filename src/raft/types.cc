#include "raft/types.h"

#include <set>

#include "base/cursor.h"

namespace praetor::raft {

std::string_view suffrage_name(Suffrage suffrage) {
  switch (suffrage) {
    case Suffrage::kVoter:
      return "Voter";
    case Suffrage::kNonvoter:
      return "Nonvoter";
    case Suffrage::kStaging:
      return "Staging";
  }
  return "ServerSuffrage";
}

std::string_view role_name(Role role) {
  switch (role) {
    case Role::kFollower:
      return "Follower";
    case Role::kCandidate:
      return "Candidate";
    case Role::kLeader:
      return "Leader";
    case Role::kShutdown:
      return "Shutdown";
  }
  return "Unknown";
}

const Server* Configuration::find(std::string_view id) const {
  for (const Server& server : servers)
    if (server.id == id) return &server;
  return nullptr;
}

bool Configuration::is_voter(std::string_view id) const {
  const Server* server = find(id);
  return server != nullptr && server->suffrage == Suffrage::kVoter;
}

size_t Configuration::voter_count() const {
  size_t count = 0;
  for (const Server& server : servers) count += server.suffrage == Suffrage::kVoter;
  return count;
}

namespace {
std::string format_server(const Server& server) {
  return "{Suffrage:" + std::string(suffrage_name(server.suffrage)) + " ID:" + server.id +
         " Address:" + server.address + "}";
}
}  // namespace

std::string format_configuration(const Configuration& configuration) {
  std::string text = "[";
  for (const Server& server : configuration.servers) {
    if (text.size() > 1) text += ' ';
    text += format_server(server);
  }
  return text + "]";
}

Status check_configuration(const Configuration& configuration) {
  std::set<std::string_view> ids, addresses;
  for (const Server& server : configuration.servers) {
    if (server.id.empty())
      return fail("empty ID in configuration: " + format_server(server), ErrorKind::kBadRequest);
    if (server.address.empty())
      return fail("empty address in configuration: " + format_server(server), ErrorKind::kBadRequest);
    if (!ids.insert(server.id).second)
      return fail("found duplicate ID in configuration: " + server.id, ErrorKind::kBadRequest);
    if (!addresses.insert(server.address).second)
      return fail("found duplicate address in configuration: " + server.address, ErrorKind::kBadRequest);
  }
  if (configuration.voter_count() == 0)
    return fail("Need at least one voter in configuration: {" + format_configuration(configuration) + "}",
                ErrorKind::kBadRequest);
  return {};
}

// The little MessagePack that a configuration needs. Strings are written as the old specification's raw bytes
// (no str8), which every Consul reads.
namespace {

void put_text(std::string& out, std::string_view text) {
  if (text.size() < 32) {
    put_u8(out, static_cast<uint8_t>(0xa0 | text.size()));
  } else if (text.size() <= 0xffff) {
    put_u8(out, 0xda);
    put_u16(out, static_cast<uint16_t>(text.size()));
  } else {
    put_u8(out, 0xdb);
    put_u32(out, static_cast<uint32_t>(text.size()));
  }
  out += text;
}

void put_count(std::string& out, uint8_t fix, uint8_t wide, size_t count) {
  if (count < 16) {
    put_u8(out, static_cast<uint8_t>(fix | count));
  } else {
    put_u8(out, wide);
    put_u16(out, static_cast<uint16_t>(count));
  }
}

std::string_view get_text(Cursor& in) {
  uint8_t tag = in.u8();
  if (tag == 0xc0) return {};
  if (tag >= 0xa0 && tag <= 0xbf) return in.bytes(tag & 0x1f);
  if (tag == 0xd9 || tag == 0xc4) return in.bytes(in.u8());
  if (tag == 0xda || tag == 0xc5) return in.bytes(in.u16());
  if (tag == 0xdb || tag == 0xc6) return in.bytes(in.u32());
  in.set_failed();
  return {};
}

size_t get_count(Cursor& in, uint8_t fix, uint8_t wide) {
  uint8_t tag = in.u8();
  if (tag == 0xc0) return 0;
  if ((tag & 0xf0) == fix) return tag & 0x0f;
  if (tag == wide) return in.u16();
  if (tag == wide + 1) return in.u32();
  in.set_failed();
  return 0;
}

uint64_t get_number(Cursor& in) {
  uint8_t tag = in.u8();
  if (tag < 0x80) return tag;
  switch (tag) {
    case 0xcc:
    case 0xd0:
      return in.u8();
    case 0xcd:
    case 0xd1:
      return in.u16();
    case 0xce:
    case 0xd2:
      return in.u32();
    case 0xcf:
    case 0xd3:
      return in.u64();
    default:
      in.set_failed();
      return 0;
  }
}

constexpr int kMaxDepth = 16;
void skip_value(Cursor& in, int depth = 0) {
  if (depth > kMaxDepth || !in.ok() || in.at_end()) return in.set_failed();
  auto tag = static_cast<uint8_t>(in.rest()[0]);
  if ((tag & 0xf0) == 0x80 || tag == 0xde || tag == 0xdf) {
    for (size_t n = get_count(in, 0x80, 0xde); n > 0 && in.ok(); --n) {
      skip_value(in, depth + 1);
      skip_value(in, depth + 1);
    }
  } else if ((tag & 0xf0) == 0x90 || tag == 0xdc || tag == 0xdd) {
    for (size_t n = get_count(in, 0x90, 0xdc); n > 0 && in.ok(); --n) skip_value(in, depth + 1);
  } else if (tag < 0x80 || (tag >= 0xcc && tag <= 0xd3)) {
    get_number(in);
  } else if (tag >= 0xe0 || tag == 0xc0 || tag == 0xc2 || tag == 0xc3) {
    in.skip(1);
  } else if (tag == 0xca || tag == 0xcb) {
    in.skip(tag == 0xca ? 5 : 9);
  } else {
    get_text(in);
  }
}

Server get_server(Cursor& in) {
  Server server;
  for (size_t n = get_count(in, 0x80, 0xde); n > 0 && in.ok(); --n) {
    std::string_view key = get_text(in);
    if (key == "ID") {
      server.id = get_text(in);
    } else if (key == "Address") {
      server.address = get_text(in);
    } else if (key == "Suffrage") {
      uint64_t value = get_number(in);
      if (value > 2) in.set_failed();
      server.suffrage = static_cast<Suffrage>(value);
    } else {
      skip_value(in);
    }
  }
  return server;
}

}  // namespace

std::string encode_configuration(const Configuration& configuration) {
  std::string out;
  put_count(out, 0x80, 0xde, 1);
  put_text(out, "Servers");
  put_count(out, 0x90, 0xdc, configuration.servers.size());
  for (const Server& server : configuration.servers) {
    put_count(out, 0x80, 0xde, 3);
    put_text(out, "Address");
    put_text(out, server.address);
    put_text(out, "ID");
    put_text(out, server.id);
    put_text(out, "Suffrage");
    put_u8(out, static_cast<uint8_t>(server.suffrage));
  }
  return out;
}

Result<Configuration> decode_configuration(std::string_view data) {
  Cursor in(data);
  Configuration configuration;
  for (size_t n = get_count(in, 0x80, 0xde); n > 0 && in.ok(); --n) {
    if (get_text(in) != "Servers") {
      skip_value(in);
      continue;
    }
    for (size_t count = get_count(in, 0x90, 0xdc); count > 0 && in.ok(); --count)
      configuration.servers.push_back(get_server(in));
  }
  if (!in.ok()) return fail("failed to decode configuration: malformed MessagePack", ErrorKind::kCorrupt);
  return configuration;
}

}  // namespace praetor::raft
