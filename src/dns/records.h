// From what the catalog knows to resource records: which address is shown, under which name, with which
// weight and text. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dns/backend.h"
#include "dns/config.h"
#include "dns/message.h"

namespace praetor::dns {

// The records that one question about a service can be answered with, before shuffling and trimming.
// Immutable once built; a unit is one instance's share of `records`.
struct RecordSet {
  struct Unit {
    uint32_t answer_begin, answer_end, extra_end;  // extras follow the answers
    uint32_t group;                                // units of equal group are duplicates
    bool is_cname;
  };
  std::vector<Record> records;
  std::vector<Unit> units;
  uint32_t groups = 0;
  size_t instances = 0;  // that passed the health filter
  bool is_srv = false;
  bool cacheable = true;  // false: holds records from elsewhere (a CNAME was followed)
};

// Follows a CNAME; implemented by the answerer. False: not known yet, the whole evaluation is given up.
class Chaser {
 public:
  virtual bool chase(std::string_view name, int depth, std::vector<Record>& out) = 0;

 protected:
  ~Chaser() = default;
};

struct RecordContext {
  const CompiledConfig& config;
  Chaser& chaser;
  std::string_view question;  // wire, the client's spelling
  std::string_view owner;     // of answers: empty at the top level, else `question`
  uint16_t qtype;
  uint32_t ttl;
  bool has_edns;
  int depth;               // CNAMEs that may still be followed
  std::string datacenter;  // in the names of targets
};

// False when a CNAME could not be followed yet.
bool build_service_records(const RecordContext& context, const Instances& instances, bool filter_health,
                           RecordSet& out);
// The address records of a node under `owner`, a CNAME with what it leads to if its address is a name.
bool append_node_records(const RecordContext& context, const NodeInfo& node, std::string_view owner,
                         std::vector<Record>& out);
void append_meta_records(std::string_view owner, uint32_t ttl, const NodeInfo& node,
                         std::vector<Record>& out);

// "<first>.<kind>.<datacenter>.<domain>"; empty if that is no valid name.
std::string name_below(std::string_view first, std::string_view kind, std::string_view datacenter,
                       const CompiledConfig& config);
// A node's name that can stand in DNS: letters, digits and hyphens.
bool is_dns_label(std::string_view text);

}  // namespace praetor::dns
