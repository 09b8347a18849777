#include "dns/message.h"

#include <algorithm>
#include <cstring>

namespace praetor::dns {
namespace {

constexpr uint16_t kOpcodeNotify = 4 << 11;
constexpr uint16_t kOptionSubnet = 8;
constexpr size_t kMaxPointerOffset = 0x4000;  // a compression pointer has 14 bits

// An option of the OPT record. False: a format error.
bool read_subnet(std::string_view data, Query& query) {
  Cursor cursor(data);
  Subnet subnet;
  subnet.family = cursor.u16();
  subnet.source_bits = cursor.u8();
  uint8_t scope_bits = cursor.u8();
  if (!cursor.ok()) return false;
  size_t max_bits = subnet.family == 1 ? 32 : subnet.family == 2 ? 128 : 0;
  if (subnet.family > 2 || subnet.source_bits > max_bits || scope_bits > max_bits) return false;
  std::string_view address = cursor.rest().substr(0, (size_t{subnet.source_bits} + 7) / 8);
  std::memcpy(subnet.address, address.data(), address.size());
  if (int partial = subnet.source_bits % 8)
    subnet.address[subnet.source_bits / 8] &= static_cast<uint8_t>(0xff00 >> partial);
  if (!query.has_subnet) query.subnet = subnet;
  query.has_subnet = true;
  return true;
}

bool read_opt(std::string_view data, uint16_t udp_bytes, Query& query) {
  query.has_edns = true;
  query.edns_udp_bytes = udp_bytes;
  query.has_subnet = false;  // the last OPT record is the one that counts
  Cursor cursor(data);
  while (!cursor.at_end()) {
    uint16_t code = cursor.u16();
    std::string_view option = cursor.bytes(cursor.u16());
    if (!cursor.ok()) return false;
    if (code == kOptionSubnet && !read_subnet(option, query)) return false;
  }
  return cursor.ok();
}

// A message may end where a record or a field of the question would begin; Consul's codec takes the counts
// for an upper bound.
bool read_question(Cursor& cursor, Query& query) {
  if (cursor.at_end()) return true;
  if (!read_name(cursor, query.name)) return false;
  if (!cursor.at_end()) query.qtype = cursor.u16();
  if (cursor.ok() && !cursor.at_end()) query.qclass = cursor.u16();
  query.has_question = cursor.ok();
  return cursor.ok();
}

bool read_records(Cursor& cursor, int count, bool additional, Query& query) {
  NameBuffer owner;
  for (; count > 0 && !cursor.at_end(); --count) {
    if (!read_name(cursor, owner)) return false;
    uint16_t rrtype = cursor.u16(), klass = cursor.u16();
    cursor.skip(4);
    std::string_view data = cursor.bytes(cursor.u16());
    if (!cursor.ok()) return false;
    if (additional && rrtype == type::kOPT && !read_opt(data, klass, query)) return false;
  }
  return true;
}

}  // namespace

Verdict parse_query(std::string_view packet, Query& out) {
  Cursor cursor(packet);
  out.id = cursor.u16();
  out.flags = cursor.u16();
  out.has_question = out.has_edns = out.has_subnet = false;
  out.qtype = out.qclass = 0;
  out.name.clear();
  uint16_t questions = cursor.u16(), answers = cursor.u16(), authority = cursor.u16(),
           additional = cursor.u16();
  if (!cursor.ok() || (out.flags & flag::kResponse) != 0) return Verdict::kIgnore;
  uint16_t opcode = out.flags & flag::kOpcodeMask;
  if (opcode != 0 && opcode != kOpcodeNotify) return Verdict::kNotImplemented;
  if (questions != 1 || answers > 1 || authority > 1 || additional > 2) return Verdict::kFormatError;
  bool good = read_question(cursor, out) && read_records(cursor, answers + authority, false, out) &&
              read_records(cursor, additional, true, out);
  return good ? Verdict::kAccept : Verdict::kFormatError;
}

std::string write_rejection(const Query& query, Verdict verdict) {
  bool format_error = verdict == Verdict::kFormatError;
  constexpr uint16_t kKept = flag::kTruncated | flag::kRecursionDesired | flag::kRecursionAvailable |
                             flag::kCheckingDisabled | 0x0020 /* AD */;
  uint16_t flags = flag::kResponse | (query.flags & kKept);
  if (!format_error) flags |= query.flags & flag::kOpcodeMask;
  flags |= format_error ? rcode::kFormatError : rcode::kNotImplemented;
  std::string out;
  put_u16(out, query.id);
  put_u16(out, flags);
  put_u16(out, query.has_question ? 1 : 0);
  out.append(6, '\0');
  if (query.has_question) {
    out += query.name.wire();
    put_u16(out, query.qtype);
    put_u16(out, query.qclass);
  }
  return out;
}

Record::Record(uint16_t rrtype, uint32_t ttl, std::string_view owner, std::string_view head,
               std::string_view target, std::string_view target2, std::string_view tail)
    : ttl_(ttl),
      type_(rrtype),
      head_size_(static_cast<uint16_t>(head.size())),
      owner_size_(static_cast<uint8_t>(owner.size())),
      target_size_(static_cast<uint8_t>(target.size())),
      target2_size_(static_cast<uint8_t>(target2.size())) {
  blob_.reserve(owner.size() + head.size() + target.size() + target2.size() + tail.size());
  blob_.append(owner).append(head).append(target).append(target2).append(tail);
}

Record Record::address(std::string_view owner, uint32_t ttl, std::string_view bytes) {
  return {bytes.size() == 4 ? type::kA : type::kAAAA, ttl, owner, bytes, {}};
}
Record Record::cname(std::string_view owner, uint32_t ttl, std::string_view target) {
  return {type::kCNAME, ttl, owner, {}, target};
}
Record Record::ns(std::string_view owner, uint32_t ttl, std::string_view target) {
  return {type::kNS, ttl, owner, {}, target};
}
Record Record::ptr(std::string_view owner, uint32_t ttl, std::string_view target) {
  return {type::kPTR, ttl, owner, {}, target};
}

Record Record::srv(std::string_view owner, uint32_t ttl, uint16_t priority, uint16_t weight, uint16_t port,
                   std::string_view target) {
  std::string head;
  put_u16(head, priority);
  put_u16(head, weight);
  put_u16(head, port);
  return {type::kSRV, ttl, owner, head, target};
}

Record Record::txt(std::string_view owner, uint32_t ttl, std::string_view text) {
  std::string data;
  do {
    std::string_view piece = text.substr(0, kMaxTextBytes);
    text.remove_prefix(piece.size());
    put_u8(data, static_cast<uint8_t>(piece.size()));
    data += piece;
  } while (!text.empty());
  return {type::kTXT, ttl, owner, data, {}};
}

Record Record::soa(std::string_view owner, uint32_t ttl, std::string_view mname, std::string_view rname,
                   Soa soa) {
  std::string tail;
  for (uint32_t value : {soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum}) put_u32(tail, value);
  return {type::kSOA, ttl, owner, {}, mname, rname, tail};
}

Record Record::raw(std::string_view owner, uint16_t rrtype, uint32_t ttl, std::string_view data) {
  return {rrtype, ttl, owner, data, {}};
}

MessageWriter::MessageWriter() : slots_(256) {}

void MessageWriter::begin(const Query& query, const Response& response, bool compress, char* out,
                          size_t limit) {
  out_ = out;
  offset_ = 0;
  limit_ = limit;
  compress_ = compress;
  question_name_ = query.name.wire();
  if (!compress) return;
  // Every label may start a suffix worth remembering; a label has two bytes at least.
  size_t names = question_name_.size() / 2 + 1;
  for (const auto* section : {&response.answer, &response.authority, &response.additional})
    for (const Record* each : *section)
      names += (each->owner().size() + each->target().size() + each->target2().size()) / 2 + 1;
  size_t wanted = 64;
  while (wanted < 2 * std::min(names, kMaxPointerOffset / 2)) wanted *= 2;
  if (slots_.size() < wanted) {
    slots_.assign(wanted, Slot{});
    epoch_ = 0;
  }
  mask_ = static_cast<uint32_t>(wanted - 1);
  if (++epoch_ == 0) {
    std::fill(slots_.begin(), slots_.end(), Slot{});
    epoch_ = 1;
  }
}

void MessageWriter::bytes(std::string_view data) {
  if (out_ != nullptr && offset_ + data.size() <= limit_)
    std::memcpy(out_ + offset_, data.data(), data.size());
  offset_ += data.size();
}

void MessageWriter::u16(uint16_t value) {
  char raw[2] = {static_cast<char>(value >> 8), static_cast<char>(value)};
  bytes({raw, 2});
}

void MessageWriter::u32(uint32_t value) {
  u16(static_cast<uint16_t>(value >> 16));
  u16(static_cast<uint16_t>(value));
}

// Suffixes are compared byte for byte, case included, as Consul's codec does.
void MessageWriter::name(std::string_view wire, bool may_point) {
  if (!compress_) return bytes(wire);
  for (size_t at = 0; at < wire.size() && wire[at] != '\0'; at += 1 + static_cast<size_t>(wire[at])) {
    std::string_view suffix = wire.substr(at);
    uint64_t start = 0;
    std::memcpy(&start, suffix.data(), std::min(suffix.size(), sizeof start));
    uint64_t hash = (start + suffix.size()) * 0x9e3779b97f4a7c15;
    for (auto index = static_cast<uint32_t>(hash >> 40);; ++index) {
      Slot& slot = slots_[index & mask_];
      if (slot.epoch != epoch_) {
        if (offset_ + at < kMaxPointerOffset)
          slot = {suffix.data(), epoch_, static_cast<uint16_t>(suffix.size()),
                  static_cast<uint16_t>(offset_ + at)};
        break;
      }
      if (slot.size != suffix.size() || std::memcmp(slot.data, suffix.data(), suffix.size()) != 0) continue;
      if (!may_point) break;
      uint16_t pointer = slot.offset;
      bytes(wire.substr(0, at));
      return u16(0xc000 | pointer);
    }
  }
  bytes(wire);
}

void MessageWriter::record(const Record& record) {
  bool owned_by_question = record.owner().empty();
  if (owned_by_question && compress_ && question_name_.size() > 1)
    u16(0xc000 | kHeaderBytes);
  else
    name(owned_by_question ? question_name_ : record.owner(), true);
  u16(record.rrtype());
  u16(kClassIN);
  u32(record.ttl());
  size_t length_at = offset_;
  u16(0);
  bytes(record.head());
  if (!record.target().empty()) name(record.target(), record.compresses_target());
  if (!record.target2().empty()) name(record.target2(), true);
  bytes(record.tail());
  if (out_ == nullptr || full()) return;
  size_t length = offset_ - length_at - 2;
  out_[length_at] = static_cast<char>(length >> 8);
  out_[length_at + 1] = static_cast<char>(length);
}

void MessageWriter::opt(const Query& query, const Response& response) {
  bytes(std::string_view("\0", 1));
  u16(type::kOPT);
  u16(query.edns_udp_bytes);
  u32(0);
  const Subnet& subnet = query.subnet;
  if (!query.has_subnet) return u16(0);
  size_t address_bytes = (size_t{subnet.source_bits} + 7) / 8;
  u16(static_cast<uint16_t>(8 + address_bytes));
  u16(kOptionSubnet);
  u16(static_cast<uint16_t>(4 + address_bytes));
  u16(subnet.family);
  u16(static_cast<uint16_t>(subnet.source_bits << 8 | response.subnet_scope));
  bytes({reinterpret_cast<const char*>(subnet.address), address_bytes});
}

size_t MessageWriter::measure(const Query& query, const Response& response, bool compress, size_t limit) {
  begin(query, response, compress, nullptr, limit);
  offset_ = kHeaderBytes;
  name(question_name_, false);
  offset_ += 4;
  for (const auto* section : {&response.answer, &response.authority, &response.additional})
    for (const Record* each : *section) {
      if (full()) return offset_;
      record(*each);
    }
  return offset_;
}

size_t MessageWriter::write(const Query& query, const Response& response, bool compress,
                            std::span<char> out) {
  begin(query, response, compress, out.data(), out.size());
  uint16_t flags = flag::kResponse | (query.flags & flag::kOpcodeMask) | response.rcode;
  if (query.is_opcode_query()) flags |= query.flags & (flag::kRecursionDesired | flag::kCheckingDisabled);
  if (response.authoritative) flags |= flag::kAuthoritative;
  if (response.recursion_available) flags |= flag::kRecursionAvailable;
  if (response.truncated) flags |= flag::kTruncated;
  bool with_opt = response.with_edns && query.has_edns;
  u16(query.id);
  u16(flags);
  u16(query.has_question ? 1 : 0);
  u16(static_cast<uint16_t>(response.answer.size()));
  u16(static_cast<uint16_t>(response.authority.size()));
  u16(static_cast<uint16_t>(response.additional.size() + (with_opt ? 1 : 0)));
  if (query.has_question) {
    name(question_name_, false);
    u16(query.qtype);
    u16(query.qclass);
  }
  for (const auto* section : {&response.answer, &response.authority, &response.additional})
    for (const Record* each : *section) {
      if (full()) return 0;
      record(*each);
    }
  if (with_opt) opt(query, response);
  return full() ? 0 : offset_;
}

namespace {

// Reads the names out of a record's data, so that they can be written into another message. False: a
// malformed record. `out` stays as it is for types that are left out.
bool read_record_data(Cursor& cursor, std::string_view owner, uint16_t rrtype, uint32_t ttl, size_t size,
                      std::vector<Record>& out) {
  size_t end = cursor.offset() + size;
  if (size > cursor.remaining()) return false;
  NameBuffer target;
  switch (rrtype) {
    case type::kCNAME:
      if (!read_name(cursor, target) || cursor.offset() != end) return false;
      out.push_back(Record::cname(owner, ttl, target.wire()));
      break;
    case type::kA:
    case type::kAAAA:
      if (size != (rrtype == type::kA ? 4 : 16)) return false;
      out.push_back(Record::address(owner, ttl, cursor.bytes(size)));
      break;
    case type::kTXT:
      out.push_back(Record::raw(owner, rrtype, ttl, cursor.bytes(size)));
      break;
    default:
      break;
  }
  cursor.seek(end);
  return cursor.ok();
}

}  // namespace

std::optional<Reply> parse_reply(std::string_view packet) {
  std::optional<Reply> reply(std::in_place);
  Cursor cursor(packet);
  reply->id = cursor.u16();
  reply->flags = cursor.u16();
  uint16_t questions = cursor.u16(), answers = cursor.u16();
  cursor.skip(4);
  if (!cursor.ok() || (reply->flags & flag::kResponse) == 0 || questions > 1) return std::nullopt;
  if (questions == 1) {
    if (!read_name(cursor, reply->question)) return std::nullopt;
    reply->qtype = cursor.u16();
    cursor.skip(2);
    reply->has_question = true;
  }
  NameBuffer owner;
  for (; answers > 0 && !cursor.at_end(); --answers) {
    if (!read_name(cursor, owner)) return std::nullopt;
    uint16_t rrtype = cursor.u16();
    cursor.skip(2);
    uint32_t ttl = cursor.u32();
    uint16_t size = cursor.u16();
    if (!cursor.ok() || !read_record_data(cursor, owner.wire(), rrtype, ttl, size, reply->answer))
      return std::nullopt;
  }
  return cursor.ok() ? std::move(reply) : std::nullopt;
}

std::string write_query(uint16_t id, std::string_view name, uint16_t qtype) {
  std::string out;
  put_u16(out, id);
  put_u16(out, flag::kRecursionDesired);
  put_u16(out, 1);
  out.append(6, '\0');
  out += name;
  put_u16(out, qtype);
  put_u16(out, kClassIN);
  return out;
}

}  // namespace praetor::dns
