#include "rpc/request_stream.h"

#include <atomic>
#include <utility>

namespace praetor::rpc {

// One request under way.
class PendingRequest final : public Call, public std::enable_shared_from_this<PendingRequest> {
 public:
  PendingRequest(std::shared_ptr<RequestStream> stream, MessageReader<RequestHeader>::Message message)
      : reactor_(stream->reactor_),
        from_(stream->from_),
        stream_(std::move(stream)),
        header_(std::move(message.header)),
        body_(std::move(message.body)) {}

  ~PendingRequest() override {
    if (!answered_) send({stream_}, header_, fail("rpc: the request was dropped"));
  }

  const std::string& method() const override { return header_.service_method; }
  std::string& body() override { return body_; }
  const std::string& from() const override { return from_; }
  Reactor& reactor() override { return reactor_; }

  void respond(Result<std::string> result) override {
    if (answered_.exchange(true)) return;
    if (reactor_.on_reactor()) {
      on_cancel_ = nullptr;
      if (auto stream = stream_.lock())
        stream->answer(header_.seq, header_.service_method, std::move(result));
      return;
    }
    send(stream_, header_, std::move(result));
  }

  // Nobody cancels what is answered, and the callback may hold this call.
  void on_cancel(std::function<void()> callback) override {
    if (!answered_) on_cancel_ = std::move(callback);
  }

  void cancel() {
    if (answered_.exchange(true)) return;
    if (auto callback = std::exchange(on_cancel_, nullptr)) callback();
  }

 private:
  void send(std::weak_ptr<RequestStream> to, const RequestHeader& header, Result<std::string> result) {
    reactor_.post([to = std::move(to), header, result = std::move(result)]() mutable {
      if (auto stream = to.lock()) stream->answer(header.seq, header.service_method, std::move(result));
    });
  }

  Reactor& reactor_;
  const std::string from_;
  const std::weak_ptr<RequestStream> stream_;
  const RequestHeader header_;
  std::string body_;
  std::function<void()> on_cancel_;
  std::atomic<bool> answered_{false};
};

// While a call is under way what comes is kept and not acknowledged: the window of the stream bounds it.
void RequestStream::on_data(std::string_view bytes) {
  if (ended_) return;
  reader_.append(bytes);
  count();
  if (busy_) {
    withheld_ += bytes.size();
    return;
  }
  outlet_.consumed(bytes.size());
  serve();
}

void RequestStream::serve() {
  if (std::exchange(serving_, true)) return;
  auto self = shared_from_this();
  while (!busy_ && !ended_) {
    auto message = reader_.next();
    if (!message) {
      Error error = message.error();
      outlet_.ended(&error);
      break;
    }
    if (!*message) {
      if (peer_finished_) outlet_.ended(nullptr);
      break;
    }
    count();
    busy_ = true;
    auto request = std::make_shared<PendingRequest>(self, std::move(**message));
    current_ = request;
    handler_.call(std::move(request));
  }
  serving_ = false;
}

void RequestStream::answer(uint64_t seq, const std::string& method, Result<std::string> result) {
  if (ended_ || !busy_) return;
  busy_ = false;
  current_.reset();
  std::string out;
  if (result) {
    put_response(out, {{}, seq, method}, *result);
  } else {
    // An empty text would mean success.
    std::string text = result.error().message.empty() ? "unknown error" : std::move(result.error().message);
    put_response(out, {std::move(text), seq, method}, {});
  }
  outlet_.send(std::move(out));
  if (withheld_ > 0) outlet_.consumed(std::exchange(withheld_, 0));
  serve();
}

void RequestStream::on_end() {
  peer_finished_ = true;
  if (!busy_ && !ended_) serve();
}

void RequestStream::count() {
  total_ += reader_.buffered() - counted_;
  counted_ = reader_.buffered();
}

void RequestStream::end() {
  if (std::exchange(ended_, true)) return;
  total_ -= counted_;
  if (auto call = current_.lock()) call->cancel();
}

}  // namespace praetor::rpc
