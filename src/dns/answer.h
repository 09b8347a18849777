// Answering: a query packet in, a response packet out. Pure: sockets, clocks and randomness come from
// outside. Sections of Consul 1.8.7's behaviour that it follows: names, health filter, shuffling, TTLs,
// additional records, CNAMEs, trimming, error codes.
//
// An evaluation runs straight through when everything is at hand, which is the rule. When the backend or a
// recursor has to be waited for, the evaluation is given up, what arrives is remembered, and the query is
// evaluated again; so there is one code path, and no state machine. One thread (a reactor's).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "dns/backend.h"
#include "dns/config.h"
#include "dns/message.h"

namespace praetor::dns {

// Limits, listed in docs/limits.md.
inline constexpr size_t kMaxWaitingQueries = 10'000;  // per reactor; more are answered SERVFAIL
inline constexpr size_t kMaxCachedAnswers = 4'096;    // rendered answers kept per reactor
inline constexpr size_t kMaxCachedRecords = 262'144;  // records in them
inline constexpr int kMaxEvaluations = 32;            // of one query that keeps having to wait

enum class Transport : uint8_t { kUdp, kTcp };

struct Client {
  Transport transport = Transport::kUdp;
  std::string_view ip;  // text
};

// The recursors, as answering sees them. Completions come later, on the same thread, exactly once.
class Forwarder {
 public:
  virtual ~Forwarder() = default;
  // The query as the client sent it; the reply as the recursor sent it, with the query's id.
  virtual void forward(std::string_view packet, Transport transport,
                       std::function<void(Result<std::string>)> done) = 0;
  // The answer section of an A question for `name` (wire form), from the first recursor that replies.
  virtual void resolve(std::string_view name, std::function<void(Result<std::vector<Record>>)> done) = 0;
};

struct AnswerCounters {
  uint64_t queries = 0;    // well-formed ones
  uint64_t malformed = 0;  // answered FORMERR or NOTIMP
  uint64_t ignored = 0;
  uint64_t cache_hits = 0;  // answered from rendered records
  uint64_t trimmed = 0;
  uint64_t recursions = 0;       // forwarded
  uint64_t domain = 0;           // of names in the domain
  uint64_t reverse = 0;          // of addresses
  uint64_t failures = 0;         // answered SERVFAIL
  uint64_t waiting_refused = 0;  // kMaxWaitingQueries was reached
};

class Answerer {
 public:
  // Everything passed by pointer must outlive the answerer. `forwarder` may be null.
  struct Options {
    std::shared_ptr<const CompiledConfig> config;
    Backend* backend = nullptr;
    Forwarder* forwarder = nullptr;
    Random* random = nullptr;
    const Clock* clock = nullptr;
  };
  explicit Answerer(Options options);
  ~Answerer();
  Answerer(const Answerer&) = delete;
  Answerer& operator=(const Answerer&) = delete;

  enum class Outcome : uint8_t { kReplied, kNoReply, kWaiting };
  // kReplied: `out` holds the response, `size` bytes of it. kWaiting: `later` was taken and is called with
  // the response (an empty one: none). `out` should have kMaxMessageBytes.
  Outcome answer(std::string_view packet, const Client& client, std::span<char> out, size_t& size,
                 Deferral<std::string>& later);

  void set_config(std::shared_ptr<const CompiledConfig> config);
  const AnswerCounters& counters() const;
  size_t waiting() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace praetor::dns
