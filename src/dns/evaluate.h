// One evaluation of one query. Internal to answering (answer.cc, evaluate.cc).
#pragma once

#include <any>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dns/answer.h"
#include "dns/question.h"
#include "dns/records.h"
#include "dns/trim.h"

namespace praetor::dns {

// A query that waits. What has arrived for it is kept under a key that names the lookup.
struct Job {
  std::string packet;
  Transport transport = Transport::kUdp;
  std::string ip;
  std::function<void(Result<std::string>)> reply;
  std::unordered_map<std::string, std::any> arrived;  // of Result<T>
  int evaluations = 0;
};

// Where an evaluation that has to wait gets its job: a new one, or the one that it runs for. Null: too many
// queries wait already.
class JobSource {
 public:
  virtual std::shared_ptr<Job> job() = 0;

 protected:
  ~JobSource() = default;
};

// Rendered records by lower-case question, valid for one index of the backend. Forgets everything when it is
// full: what is asked often is back at once.
class AnswerCache {
 public:
  std::shared_ptr<const RecordSet> find(const Query& query, uint64_t index);
  void put(const Query& query, uint64_t index, std::shared_ptr<const RecordSet> set);
  void clear();

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
  };
  std::string_view key_of(const Query& query);

  std::unordered_map<std::string, std::shared_ptr<const RecordSet>, Hash, std::equal_to<>> sets_;
  std::string key_;
  uint64_t index_ = 0;
  size_t records_ = 0;
};

// What evaluations share, and the scratch space that they reuse.
struct Workshop {
  Answerer::Options options;
  AnswerCounters counters;
  MessageWriter writer;
  AnswerCache cache;
  Response response;
  std::deque<Record> owned;                            // records of the current response
  std::vector<std::shared_ptr<const RecordSet>> held;  // sets that it points into
  std::vector<uint32_t> order;
  std::vector<bool> seen;
};

class Evaluation final : private Chaser {
 public:
  struct Input {
    const Query& query;
    const Client& client;
    std::string_view packet;
    const Job* job;  // of an earlier evaluation, or null
    JobSource& jobs;
    // Called on the reactor when a result has been stored in the job.
    const std::function<void(const std::shared_ptr<Job>&)>& resume;
  };
  Evaluation(Workshop& shop, const Input& input)
      : shop_(shop), config_(*shop.options.config), in_(input), response_(shop.response) {}

  enum class End : uint8_t { kResponse, kVerbatim, kWaiting };
  End run();
  // kVerbatim: a recursor's packet.
  const std::string& verbatim() const { return verbatim_; }

 private:
  template <typename T>
  class Waiter;
  // Everything that returns bool says false when the evaluation has to wait.
  template <typename T, typename Call>
  std::optional<Result<T>> look(const std::string& key, Call call);

  bool in_domain();
  bool reverse();
  bool foreign(uint8_t without_recursors);
  bool dispatch(const Query& query, int depth, bool top, Response& out);
  bool service(const Query& query, const Target& target, int depth, bool top, Response& out);
  bool node(const Query& query, const Target& target, int depth, bool top, Response& out);
  bool prepared(const Query& query, const Target& target, int depth, bool top, Response& out);
  void address(const Query& query, const Target& target, Response& out);
  bool name_servers(std::vector<const Record*>& servers, std::vector<const Record*>& glue);
  bool chase(std::string_view name, int depth, std::vector<Record>& out) override;

  RecordContext context(const Query& query, bool top, uint32_t ttl, int depth, const std::string& datacenter);
  void emit(const Query& query, std::shared_ptr<const RecordSet> set, bool shuffle, bool top, Response& out);
  void pick(const RecordSet& set, bool shuffle, size_t cap, Response& out);
  void add_soa(std::vector<const Record*>& section);
  void name_error(Response& out);
  void failed(const Error& error, Response& out);
  const Record* own(Record record);
  std::string client_ip() const;

  Workshop& shop_;
  const CompiledConfig& config_;
  const Input in_;
  Response& response_;
  std::string verbatim_;
  bool refused_ = false;  // had to wait, and may not
};

}  // namespace praetor::dns
