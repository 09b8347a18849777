#include "dns/repack.h"

#include <cstdint>
#include <unordered_map>

#include "dns/message.h"

namespace praetor::dns {
namespace {

// Where names stand in the data of a type: behind `before` bytes, `count` of them, then anything.
struct Layout {
  size_t before = 0;
  int count = 0;
  bool compressed = false;  // may be written as pointers: the types of RFC 1035
};

Layout layout_of(uint16_t rrtype) {
  switch (rrtype) {
    case type::kNS:
    case 3:  // MD
    case 4:  // MF
    case type::kCNAME:
    case 7:  // MB
    case 8:  // MG
    case 9:  // MR
    case type::kPTR:
      return {0, 1, true};
    case type::kSOA:
    case 14:  // MINFO
      return {0, 2, true};
    case type::kMX:
      return {2, 1, true};
    case 17:  // RP
      return {0, 2, false};
    case 18:  // AFSDB
    case 21:  // RT
    case 36:  // KX
      return {2, 1, false};
    case 26:  // PX
      return {2, 2, false};
    case type::kSRV:
      return {6, 1, false};
    case 39:  // DNAME
      return {0, 1, false};
    default:
      return {};
  }
}

// Types whose names hide behind texts of their own length: such a record is not moved.
bool is_opaque(uint16_t rrtype) {
  return rrtype == 24 /* SIG */ || rrtype == 30 /* NXT */ || rrtype == 35 /* NAPTR */;
}

class Repacker {
 public:
  Repacker(std::string_view packet, bool compress) : in_(packet), compress_(compress) {}

  bool run() {
    out_ = in_.bytes(4);
    uint16_t questions = in_.u16();
    size_t records = 0;
    put_u16(out_, questions);
    for (int section = 0; section < 3; ++section) {
      uint16_t count = in_.u16();
      records += count;
      put_u16(out_, count);
    }
    if (!in_.ok() || questions > 1) return false;
    if (questions == 1) {
      if (!copy_name(true)) return false;
      out_ += in_.bytes(4);
    }
    for (; records > 0; --records)
      if (!copy_record()) return false;
    return in_.ok() && in_.at_end() && out_.size() <= kMaxMessageBytes;
  }
  std::string take() { return std::move(out_); }

 private:
  bool copy_name(bool may_point) {
    NameBuffer name;
    if (!read_name(in_, name)) return false;
    std::string_view wire = name.wire();
    for (size_t at = 0; compress_ && at < wire.size() && wire[at] != '\0';
         at += 1 + static_cast<size_t>(wire[at])) {
      size_t offset = out_.size() + at;
      auto known = seen_.find(std::string(wire.substr(at)));
      if (known == seen_.end()) {
        if (offset < 0x4000) seen_.emplace(wire.substr(at), static_cast<uint16_t>(offset));
      } else if (may_point) {
        out_ += wire.substr(0, at);
        put_u16(out_, 0xc000 | known->second);
        return true;
      } else {
        break;
      }
    }
    out_ += wire;
    return true;
  }

  bool copy_record() {
    if (!copy_name(true)) return false;
    uint16_t rrtype = in_.u16();
    put_u16(out_, rrtype);
    out_ += in_.bytes(6);  // class, TTL
    size_t size = in_.u16(), end = in_.offset() + size;
    if (!in_.ok() || size > in_.remaining() || is_opaque(rrtype)) return false;
    size_t length_at = out_.size();
    put_u16(out_, 0);
    Layout layout = layout_of(rrtype);
    out_ += in_.bytes(layout.before);
    for (int i = 0; i < layout.count; ++i)
      if (!copy_name(layout.compressed)) return false;
    if (in_.offset() > end) return false;
    out_ += in_.bytes(end - in_.offset());
    patch_u16(out_, length_at, static_cast<uint16_t>(out_.size() - length_at - 2));
    return in_.ok();
  }

  Cursor in_;
  bool compress_;
  std::string out_;
  std::unordered_map<std::string, uint16_t> seen_;  // suffix of a name -> where it stands
};

}  // namespace

std::string repack(std::string_view packet, bool compress) {
  Repacker repacker(packet, compress);
  return repacker.run() ? repacker.take() : std::string(packet);
}

}  // namespace praetor::dns
