#include "dns/trim.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "dns/config.h"

namespace praetor::dns {
namespace {

constexpr size_t kSlack = 7;           // Consul leaves this many bytes of a UDP message free
constexpr size_t kSearchBeyond = 100;  // a message this much too long is cut by search, else one by one
constexpr size_t kMinAddressBytes = 2 + 10 + 4, kMinSrvBytes = 2 + 10 + 6 + 1;

// For each SRV answer the additional records that it brings in: the first record under the target's name,
// and on through CNAMEs; a name counts once. So the additional section for the first k answers is a prefix.
class Extras {
 public:
  Extras() = default;
  explicit Extras(const Response& response) {
    if (response.additional.empty()) return;
    std::unordered_map<std::string, const Record*> by_owner;
    for (const Record* record : response.additional)
      by_owner.try_emplace(lower_name(record->owner()), record);
    ends_.reserve(response.answer.size());
    for (const Record* answer : response.answer) {
      std::string name = answer->rrtype() == type::kSRV ? lower_name(answer->target()) : std::string();
      for (auto at = by_owner.find(name); at != by_owner.end() && at->second != nullptr;
           at = by_owner.find(name)) {
        const Record* record = std::exchange(at->second, nullptr);
        records_.push_back(record);
        if (record->rrtype() != type::kCNAME) break;
        name = lower_name(record->target());
      }
      ends_.push_back(records_.size());
    }
  }

  void apply(size_t answers, Response& response) const {
    size_t count = answers == 0 || ends_.empty() ? 0 : ends_[answers - 1];
    response.additional.assign(records_.begin(), records_.begin() + static_cast<ptrdiff_t>(count));
  }

 private:
  std::vector<const Record*> records_;
  std::vector<size_t> ends_;
};

class Trimmer {
 public:
  Trimmer(const Query& query, MessageWriter& writer, Response& response, bool compress)
      : query_(query), writer_(writer), response_(response), compress_(compress) {}

  void measure_uncompressed() { compress_ = false; }

  // Keeps the first `count` of the original answers.
  void cut(size_t count) {
    if (!indexed_) {
      all_ = response_.answer;
      extras_ = Extras(response_);
      indexed_ = true;
    }
    response_.answer.assign(all_.begin(), all_.begin() + static_cast<ptrdiff_t>(count));
    extras_.apply(count, response_);
  }

  // Cuts until the message has at most `goal` bytes; the search aims at `max`, as Consul's does.
  void fit(size_t goal, size_t max) {
    while (response_.answer.size() > 1) {
      size_t size = writer_.measure(query_, response_, compress_, max + kSearchBeyond + 1);
      if (size <= goal) return;
      cut(size > max + kSearchBeyond ? most_that_fit(max) : response_.answer.size() - 1);
    }
  }

 private:
  // The largest number of answers whose message has at most `max` bytes. Doubling first: what fits is few
  // even when there are thousands.
  size_t most_that_fit(size_t max) {
    size_t count = response_.answer.size();
    auto fits = [&](size_t prefix) {
      cut(prefix);
      return writer_.measure(query_, response_, compress_, max) <= max;
    };
    size_t low = 0, high = 1;
    while (high <= count && fits(high)) {
      low = high;
      high *= 2;
    }
    high = std::min(high, count + 1);
    while (high - low > 1) {
      size_t middle = low + (high - low) / 2;
      (fits(middle) ? low : high) = middle;
    }
    return low;
  }

  const Query& query_;
  MessageWriter& writer_;
  Response& response_;
  bool compress_, indexed_ = false;
  std::vector<const Record*> all_;
  Extras extras_;
};

}  // namespace

size_t answer_cap(const TrimLimits& limits, bool is_srv) {
  if (!limits.udp) return is_srv ? kMaxTcpSrvAnswers : kMaxTcpAnswers;
  if (limits.udp_bytes <= kMinUdpBytes)
    return static_cast<size_t>(std::clamp(limits.udp_answer_limit, 0, kMaxUdpAnswers)) + 1;
  return limits.udp_bytes / (is_srv ? kMinSrvBytes : kMinAddressBytes) + 1;
}

bool trim(const TrimLimits& limits, const Query& query, MessageWriter& writer, Response& response) {
  if (response.answer.empty()) return false;
  Trimmer trimmer(query, writer, response, limits.compress);
  if (!limits.udp) {
    bool is_srv = query.qtype == type::kSRV;
    if (size_t most = answer_cap(limits, is_srv); response.answer.size() > most) response.answer.resize(most);
    size_t before = response.answer.size();
    trimmer.fit(kMaxTcpAnswerBytes, kMaxTcpAnswerBytes);
    return response.answer.size() < before;
  }
  size_t before = response.answer.size();
  auto most = static_cast<size_t>(std::clamp(limits.udp_answer_limit, 0, kMaxUdpAnswers));
  if (limits.udp_bytes <= kMinUdpBytes && before > most) {
    // Consul leaves compression out of its sums here.
    trimmer.measure_uncompressed();
    trimmer.cut(most);
  }
  trimmer.fit(limits.udp_bytes - kSlack, limits.udp_bytes);
  return response.answer.size() < before;
}

}  // namespace praetor::dns
