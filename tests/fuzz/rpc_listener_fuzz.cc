// Any bytes on a connection to port 8300, first byte included, to the listener's own connections. The first
// byte of the input says how the others are cut into pieces.
#include <boost/asio/io_context.hpp>
#include <vector>

#include "rpc/connections.h"
#include "tests/fuzz/target.h"

namespace praetor::rpc {
namespace {

// A connection without a socket.
class TextStream final : public Stream {
 public:
  explicit TextStream(Reactor& reactor) : reactor_(reactor) {}

  void feed(std::string_view bytes) {
    if (handler_ != nullptr && !paused_) handler_->on_data(bytes);
  }
  void end() {
    if (handler_ != nullptr) handler_->on_end();
  }

  void start(Handler& handler) override { handler_ = &handler; }
  void write(std::string bytes) override {
    if (!closed_) written += bytes.size();
  }
  size_t unsent() const override { return 0; }
  void pause_reading() override { paused_ = true; }
  void resume_reading() override { paused_ = false; }
  void finish() override {}
  void close(bool) override {
    handler_ = nullptr;
    closed_ = true;
  }
  bool closed() const override { return closed_; }
  const std::string& peer() const override { return name_; }
  const std::string& local() const override { return name_; }
  Reactor& reactor() override { return reactor_; }
  RawConnection release() override {
    close(false);
    return {};
  }

  size_t written = 0;

 private:
  Reactor& reactor_;
  Stream::Handler* handler_ = nullptr;
  bool paused_ = false, closed_ = false;
  std::string name_ = "127.0.0.1:1";
};

// Answers at once, later or never.
class AnyHandler final : public Handler {
 public:
  void call(CallPtr call) override {
    switch (call->method().size() % 4) {
      case 0:
        return call->respond(call->body());
      case 1:
        return call->respond(fail("no"));
      case 2:
        return;
      default:
        call->on_cancel([this] { ++cancelled; });
        kept.push_back(std::move(call));
    }
  }
  void snapshot(Reactor&, SnapshotCall call) override {
    if (call.request.size() % 2 == 0) return call.respond("\x80", nullptr);
    (void)call.upload->take();
    call.respond("\x80", call.upload);
  }
  std::vector<CallPtr> kept;
  int cancelled = 0;
};

void run(Reactor& reactor) {
  reactor.context().restart();
  reactor.context().poll();
}

}  // namespace
}  // namespace praetor::rpc

PRAETOR_FUZZ_TARGET(rpc_listener) {
  using namespace praetor::rpc;
  if (input.empty()) return;
  static praetor::Reactor reactor("fuzz");  // nobody runs it but run()
  auto cut = static_cast<uint8_t>(input[0]);
  input.remove_prefix(1);
  AnyHandler handler;
  ListenerOptions options;
  options.handler = &handler;
  options.on_raft = [](RawConnection) {};
  auto stream = std::make_shared<TextStream>(reactor);
  {
    Connections connections(reactor, options);
    connections.accept(stream);
    for (size_t piece = cut < 128 ? 1 + cut : input.size(); !input.empty();) {
      piece = std::min(piece, input.size());
      stream->feed(input.substr(0, piece));
      input.remove_prefix(piece);
      run(reactor);
      if ((cut & 1) != 0)
        for (auto& call : std::exchange(handler.kept, {})) call->respond("\x80");
    }
    if ((cut & 2) != 0) stream->end();
    run(reactor);
    connections.close();
    run(reactor);
    CHECK(connections.size() == 0);
    CHECK(stream->closed());
    if ((cut & 1) == 0) CHECK(handler.cancelled <= static_cast<int>(handler.kept.size()));
    handler.kept.clear();
    run(reactor);
  }
  CHECK(stream.use_count() == 1);  // nothing keeps a connection that is closed
}
