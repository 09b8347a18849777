// The DNS wire codec: queries in, responses out (RFC 1035, 2782, 6891, 7871). What is accepted, what is a
// format error and how names are compressed follows Consul 1.8.7, so that packed sizes, and with them the
// trimming rules, are the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dns/name.h"

namespace praetor::dns {

namespace type {
inline constexpr uint16_t kA = 1, kNS = 2, kCNAME = 5, kSOA = 6, kPTR = 12, kMX = 15, kTXT = 16, kAAAA = 28,
                          kSRV = 33, kOPT = 41, kIXFR = 251, kAXFR = 252, kANY = 255;
}
namespace rcode {
inline constexpr uint8_t kNoError = 0, kFormatError = 1, kServerFailure = 2, kNameError = 3,
                         kNotImplemented = 4, kRefused = 5;
}
namespace flag {
inline constexpr uint16_t kResponse = 0x8000, kOpcodeMask = 0x7800, kAuthoritative = 0x0400,
                          kTruncated = 0x0200, kRecursionDesired = 0x0100, kRecursionAvailable = 0x0080,
                          kCheckingDisabled = 0x0010;
}
inline constexpr uint16_t kClassIN = 1;
inline constexpr size_t kHeaderBytes = 12;
inline constexpr size_t kMaxMessageBytes = 65535;
inline constexpr size_t kMinUdpBytes = 512;
inline constexpr size_t kMaxTextBytes = 255;  // of one string in a TXT record

// EDNS client subnet (RFC 7871) as the client sent it.
struct Subnet {
  uint16_t family = 0;  // 1 IPv4, 2 IPv6, 0 only without bits
  uint8_t source_bits = 0;
  uint8_t address[16] = {};  // bits behind source_bits are zero
};

// A parsed query. Only its first question counts, as for Consul.
struct Query {
  uint16_t id = 0;
  uint16_t flags = 0;
  bool has_question = false;
  NameBuffer name;  // the client's spelling
  uint16_t qtype = 0;
  uint16_t qclass = 0;
  bool has_edns = false;
  uint16_t edns_udp_bytes = 0;
  bool has_subnet = false;
  Subnet subnet;

  bool is_opcode_query() const { return (flags & flag::kOpcodeMask) == 0; }
};

enum class Verdict : uint8_t {
  kAccept,
  kIgnore,          // no reply: shorter than a header, or itself a response
  kFormatError,     // reply with write_rejection
  kNotImplemented,  // opcode other than QUERY and NOTIFY; reply with write_rejection
};
Verdict parse_query(std::string_view packet, Query& out);
// The reply to a query that parse_query refused.
std::string write_rejection(const Query& query, Verdict verdict);

// One resource record, ready to be written: class IN, names uncompressed. A small value (one allocation at
// most); immutable once built. An empty owner stands for the question's name in the client's spelling.
class Record {
 public:
  static Record address(std::string_view owner, uint32_t ttl, std::string_view bytes);  // 4 or 16 bytes
  static Record cname(std::string_view owner, uint32_t ttl, std::string_view target);
  static Record ns(std::string_view owner, uint32_t ttl, std::string_view target);
  static Record ptr(std::string_view owner, uint32_t ttl, std::string_view target);
  static Record srv(std::string_view owner, uint32_t ttl, uint16_t priority, uint16_t weight, uint16_t port,
                    std::string_view target);
  // Text longer than one string of a TXT record is cut into several.
  static Record txt(std::string_view owner, uint32_t ttl, std::string_view text);
  struct Soa {
    uint32_t serial, refresh, retry, expire, minimum;
  };
  static Record soa(std::string_view owner, uint32_t ttl, std::string_view mname, std::string_view rname,
                    Soa soa);
  // Any other type whose data holds no names.
  static Record raw(std::string_view owner, uint16_t rrtype, uint32_t ttl, std::string_view data);

  uint16_t rrtype() const { return type_; }
  uint32_t ttl() const { return ttl_; }
  void set_ttl(uint32_t ttl) { ttl_ = ttl; }
  std::string_view owner() const { return view(0, owner_size_); }
  std::string_view head() const { return view(owner_size_, head_size_); }  // data before the first name
  std::string_view target() const { return view(owner_size_ + head_size_, target_size_); }
  std::string_view target2() const { return view(owner_size_ + head_size_ + target_size_, target2_size_); }
  std::string_view tail() const {
    return std::string_view(blob_).substr(size_t{owner_size_} + head_size_ + target_size_ + target2_size_);
  }
  // SRV targets are written in full (RFC 2782); those of older types are compressed.
  bool compresses_target() const { return type_ != type::kSRV; }
  bool operator==(const Record&) const = default;

 private:
  Record(uint16_t rrtype, uint32_t ttl, std::string_view owner, std::string_view head,
         std::string_view target, std::string_view target2 = {}, std::string_view tail = {});
  std::string_view view(size_t at, size_t size) const { return std::string_view(blob_).substr(at, size); }

  std::string blob_;  // owner, head, target, target2, tail
  uint32_t ttl_;
  uint16_t type_;
  uint16_t head_size_;
  uint8_t owner_size_, target_size_, target2_size_;
};

// A response before it is written. It points to records that others own and keep until it is written.
struct Response {
  uint8_t rcode = rcode::kNoError;
  bool authoritative = true;
  bool recursion_available = false;
  bool truncated = false;
  bool with_edns = true;     // an OPT if the query had one
  uint8_t subnet_scope = 0;  // echoed in the client subnet option
  std::vector<const Record*> answer, authority, additional;

  void clear() {
    rcode = rcode::kNoError;
    authoritative = true;
    recursion_available = truncated = false;
    with_edns = true;
    subnet_scope = 0;
    answer.clear();
    authority.clear();
    additional.clear();
  }
};

// Packs responses. Keeps its compression table between messages; one thread.
class MessageWriter {
 public:
  MessageWriter();
  // Returns the size, or 0 when the message does not fit into `out`.
  size_t write(const Query& query, const Response& response, bool compress, std::span<char> out);
  // The size that write() would need, without the OPT record (Consul trims before it adds that). Stops
  // counting once the size is beyond `limit`; the result is then some size beyond it.
  size_t measure(const Query& query, const Response& response, bool compress, size_t limit);

 private:
  struct Slot {
    const char* data;
    uint32_t epoch;
    uint16_t size;
    uint16_t offset;
  };
  void begin(const Query& query, const Response& response, bool compress, char* out, size_t limit);
  void name(std::string_view wire, bool may_point);
  void record(const Record& record);
  void opt(const Query& query, const Response& response);
  void bytes(std::string_view data);
  void u16(uint16_t value);
  void u32(uint32_t value);
  bool full() const { return offset_ > limit_; }

  std::vector<Slot> slots_;
  uint32_t epoch_ = 0;
  uint32_t mask_ = 0;
  std::string_view question_name_;
  char* out_ = nullptr;  // null: only measuring
  size_t offset_ = 0, limit_ = 0;
  bool compress_ = true;
};

// What a recursor's reply holds, as far as Praetor looks into it.
struct Reply {
  uint16_t id = 0;
  uint16_t flags = 0;
  NameBuffer question;
  uint16_t qtype = 0;
  bool has_question = false;
  std::vector<Record> answer;
  uint8_t rcode() const { return flags & 0xf; }
};
// Nothing if the packet is not a well-formed response. Records whose data holds names of types that
// Praetor does not know are left out.
std::optional<Reply> parse_reply(std::string_view packet);
// A query as a client would send it, recursion desired.
std::string write_query(uint16_t id, std::string_view name, uint16_t qtype);

}  // namespace praetor::dns
