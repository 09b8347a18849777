#include "dns/answer.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "base/check.h"
#include "dns/evaluate.h"

namespace praetor::dns {

namespace {

class NewJob final : public JobSource {
 public:
  NewJob(std::unordered_set<std::shared_ptr<Job>>& jobs, std::string_view packet, const Client& client,
         Deferral<std::string>& later)
      : jobs_(jobs), packet_(packet), client_(client), later_(later) {}

  std::shared_ptr<Job> job() override {
    if (jobs_.size() >= kMaxWaitingQueries) return nullptr;
    auto job = std::make_shared<Job>();
    job->packet = packet_;
    job->transport = client_.transport;
    job->ip = client_.ip;
    job->reply = later_.defer();
    jobs_.insert(job);
    return job;
  }

 private:
  std::unordered_set<std::shared_ptr<Job>>& jobs_;
  std::string_view packet_;
  const Client& client_;
  Deferral<std::string>& later_;
};

class SameJob final : public JobSource {
 public:
  explicit SameJob(const std::shared_ptr<Job>& job) : job_(job) {}
  std::shared_ptr<Job> job() override { return job_; }

 private:
  const std::shared_ptr<Job>& job_;
};

}  // namespace

struct Answerer::Impl : std::enable_shared_from_this<Answerer::Impl> {
  explicit Impl(Options options) { shop.options = std::move(options); }

  Outcome evaluate(const Query& query, const Client& client, std::string_view packet,
                   const std::shared_ptr<Job>& job, std::span<char> out, size_t& size, JobSource& source);
  size_t write(const Query& query, std::span<char> out);
  void resume(const std::shared_ptr<Job>& job);

  Workshop shop;
  std::unordered_set<std::shared_ptr<Job>> jobs;
  std::function<void(const std::shared_ptr<Job>&)> on_arrival;
  std::vector<char> late;  // where late responses are written
};

size_t Answerer::Impl::write(const Query& query, std::span<char> out) {
  bool compress = !(*shop.options.config)->disable_compression;
  size_t size = shop.writer.write(query, shop.response, compress, out);
  if (size != 0) return size;
  // Only a node with absurdly much metadata gets here.
  ++shop.counters.failures;
  shop.response.clear();
  shop.response.rcode = rcode::kServerFailure;
  return shop.writer.write(query, shop.response, compress, out);
}

Answerer::Outcome Answerer::Impl::evaluate(const Query& query, const Client& client, std::string_view packet,
                                           const std::shared_ptr<Job>& job, std::span<char> out, size_t& size,
                                           JobSource& source) {
  Evaluation evaluation(shop, {query, client, packet, job.get(), source, on_arrival});
  switch (evaluation.run()) {
    case Evaluation::End::kWaiting:
      return Outcome::kWaiting;
    case Evaluation::End::kVerbatim:
      size = std::min(evaluation.verbatim().size(), out.size());
      std::memcpy(out.data(), evaluation.verbatim().data(), size);
      return Outcome::kReplied;
    case Evaluation::End::kResponse:
      break;
  }
  size = write(query, out);
  return size == 0 ? Outcome::kNoReply : Outcome::kReplied;
}

// Something arrived for a waiting query: evaluates it again.
void Answerer::Impl::resume(const std::shared_ptr<Job>& job) {
  late.resize(kMaxMessageBytes);
  Query query;
  size_t size = 0;
  Outcome outcome = Outcome::kNoReply;
  parse_query(job->packet, query);
  if (++job->evaluations < kMaxEvaluations) {
    Client client{job->transport, job->ip};
    SameJob source(job);
    outcome = evaluate(query, client, job->packet, job, late, size, source);
    if (outcome == Outcome::kWaiting) return;
  }
  std::function<void(Result<std::string>)> reply = std::move(job->reply);
  jobs.erase(job);
  reply(outcome == Outcome::kReplied ? std::string(late.data(), size) : std::string());
}

Answerer::Answerer(Options options) : impl_(std::make_shared<Impl>(std::move(options))) {
  CHECK(impl_->shop.options.config && impl_->shop.options.backend && impl_->shop.options.random &&
        impl_->shop.options.clock);
  impl_->on_arrival = [impl = std::weak_ptr<Impl>(impl_)](const std::shared_ptr<Job>& job) {
    if (std::shared_ptr<Impl> alive = impl.lock()) alive->resume(job);
  };
}

Answerer::~Answerer() = default;

Answerer::Outcome Answerer::answer(std::string_view packet, const Client& client, std::span<char> out,
                                   size_t& size, Deferral<std::string>& later) {
  Impl& impl = *impl_;
  Query query;
  Verdict verdict = parse_query(packet, query);
  if (verdict == Verdict::kIgnore) {
    ++impl.shop.counters.ignored;
    return Outcome::kNoReply;
  }
  if (verdict != Verdict::kAccept) {
    ++impl.shop.counters.malformed;
    std::string reply = write_rejection(query, verdict);
    size = std::min(reply.size(), out.size());
    std::memcpy(out.data(), reply.data(), size);
    return Outcome::kReplied;
  }
  ++impl.shop.counters.queries;
  NewJob source(impl.jobs, packet, client, later);
  return impl.evaluate(query, client, packet, nullptr, out, size, source);
}

void Answerer::set_config(std::shared_ptr<const CompiledConfig> config) {
  impl_->shop.options.config = std::move(config);
  impl_->shop.cache.clear();
}

const AnswerCounters& Answerer::counters() const { return impl_->shop.counters; }
size_t Answerer::waiting() const { return impl_->jobs.size(); }

}  // namespace praetor::dns
