// gRPC checks: one call of grpc.health.v1.Health/Check a run, over HTTP/2 on a connection of its own.
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>

#include "agent/check_grpc_message.h"
#include "agent/check_probe.h"
#include "agent/check_stream.h"
#include "base/host_port.h"
#include "base/text.h"

namespace praetor::agent {

namespace {

constexpr std::string_view kPath = "/grpc.health.v1.Health/Check";

nghttp2_nv field(std::string_view name, std::string_view value) {
  auto bytes = [](std::string_view text) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

// "9999m": gRPC allows eight digits.
std::string grpc_timeout(Duration timeout) {
  int64_t ms =
      std::clamp<int64_t>(std::chrono::ceil<std::chrono::milliseconds>(timeout).count(), 1, 99'999'999);
  return std::to_string(ms) + "m";
}

class GrpcProbe final : public Probe {
 public:
  GrpcProbe(const CheckSpec& spec, ProbeEnv& env)
      : env_(env), spec_(spec), target_(parse_grpc_target(spec.grpc)) {
    timeout_ = spec.timeout > Duration::zero() ? spec.timeout : kDefaultCheckTimeout;
  }
  ~GrpcProbe() override { reset(); }

  void run(Done done) override {
    done_ = std::move(done);
    reply_ = GrpcReply();
    settings_seen_ = stream_closed_ = going_away_ = writing_ = false;
    close_code_ = NGHTTP2_NO_ERROR;
    request_ = encode_health_request(target_.service);
    sent_ = 0;
    StreamTarget target;
    target.host_port = target_.host_port;
    target.timeout = timeout_;
    if (spec_.grpc_use_tls) {
      auto context = env_.tls.get(spec_.tls, {"h2"});
      if (!context) return fail_with(context.error().message);
      target.use_tls = true;
      target.tls = *context;
      auto parts = split_host_port(target_.host_port);
      target.tls_name = parts ? parts->host : target_.host_port;
    }
    timer_ = env_.reactor.after(timeout_, [this] {
      timer_ = 0;
      fail_with(rpc_error(kGrpcDeadlineExceeded, "context deadline exceeded"));
    });
    stream_ = make_stream(env_.reactor, env_.resolver, std::move(target));
    stream_->open([this](OpenStage stage, const std::string& error) { opened(stage, error); });
  }

 private:
  void reset() {
    env_.reactor.cancel(timer_);
    timer_ = 0;
    stream_.reset();
    if (session_ != nullptr) nghttp2_session_del(session_);
    session_ = nullptr;
  }

  void finish(CheckStatus status, std::string output) {
    reset();
    Done done = std::move(done_);
    done({status, std::move(output)});
  }

  void fail_with(std::string output) { finish(CheckStatus::kCritical, std::move(output)); }

  void opened(OpenStage stage, const std::string& error) {
    if (stage != OpenStage::kOpen) {
      std::string what = stage == OpenStage::kDial ? "transport: Error while dialing "
                                                   : "transport: authentication handshake failed: ";
      return fail_with(rpc_error(kGrpcUnavailable, "connection error: desc = " + go_quote(what + error)));
    }
    start_session();
    send_pending();
    read();
  }

  void start_session() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
    std::string timeout = grpc_timeout(timeout_);
    std::array<nghttp2_nv, 8> fields = {field(":method", "POST"),
                                        field(":scheme", spec_.grpc_use_tls ? "https" : "http"),
                                        field(":path", kPath),
                                        field(":authority", target_.host_port),
                                        field("content-type", "application/grpc"),
                                        field("user-agent", "Consul Health Check"),
                                        field("te", "trailers"),
                                        field("grpc-timeout", timeout)};
    nghttp2_data_provider body{};
    body.source.ptr = this;
    body.read_callback = read_request;
    nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), &body, nullptr);
  }

  void send_pending() {
    if (writing_ || session_ == nullptr) return;
    std::string bytes;
    const uint8_t* piece = nullptr;
    while (true) {
      ssize_t size = nghttp2_session_mem_send(session_, &piece);
      if (size <= 0) break;
      bytes.append(reinterpret_cast<const char*>(piece), static_cast<size_t>(size));
    }
    if (bytes.empty()) return;
    writing_ = true;
    // What a failed write means is told by the read.
    stream_->write(std::move(bytes), [this](const std::string& error) {
      writing_ = false;
      if (error.empty()) send_pending();
    });
  }

  void read() {
    stream_->read([this](const StreamRead& got) {
      if (got.end || !got.error.empty()) return closed();
      ssize_t taken = nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(got.bytes.data()),
                                               got.bytes.size());
      if (taken < 0) return closed();
      if (auto early = reply_.early_failure()) return fail_with(std::move(*early));
      if (stream_closed_) return conclude();
      send_pending();
      read();
    });
  }

  // The connection ended before the call did.
  void closed() {
    fail_with(rpc_error(kGrpcUnavailable, settings_seen_ ? "transport is closing" : "connection closed"));
  }

  void conclude() {
    if (going_away_ && close_code_ == NGHTTP2_REFUSED_STREAM)
      return fail_with(rpc_error(kGrpcUnavailable, "the connection is draining"));
    if (close_code_ != NGHTTP2_NO_ERROR) return fail_with(reset_error(close_code_));
    if (auto failure = reply_.failure()) return fail_with(std::move(*failure));
    finish(CheckStatus::kPassing, "gRPC check " + spec_.grpc + ": success");
  }

  // nghttp2 calls these from within mem_recv and mem_send.
  static int on_header(nghttp2_session*, const nghttp2_frame*, const uint8_t* name, size_t name_size,
                       const uint8_t* value, size_t value_size, uint8_t, void* self) {
    static_cast<GrpcProbe*>(self)->reply_.on_header({reinterpret_cast<const char*>(name), name_size},
                                                    {reinterpret_cast<const char*>(value), value_size});
    return 0;
  }
  static int on_data(nghttp2_session*, uint8_t, int32_t, const uint8_t* data, size_t size, void* self) {
    static_cast<GrpcProbe*>(self)->reply_.on_data({reinterpret_cast<const char*>(data), size});
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    auto* probe = static_cast<GrpcProbe*>(self);
    if (frame->hd.type == NGHTTP2_SETTINGS) probe->settings_seen_ = true;
    if (frame->hd.type == NGHTTP2_GOAWAY) probe->going_away_ = true;
    if (frame->hd.type == NGHTTP2_HEADERS) probe->reply_.on_end_of_headers();
    return 0;
  }
  static int on_close(nghttp2_session*, int32_t, uint32_t code, void* self) {
    auto* probe = static_cast<GrpcProbe*>(self);
    probe->stream_closed_ = true;
    probe->close_code_ = code;
    return 0;
  }
  static ssize_t read_request(nghttp2_session*, int32_t, uint8_t* buffer, size_t size, uint32_t* flags,
                              nghttp2_data_source* source, void*) {
    auto* probe = static_cast<GrpcProbe*>(source->ptr);
    size_t count = std::min(size, probe->request_.size() - probe->sent_);
    std::copy_n(probe->request_.data() + probe->sent_, count, buffer);
    probe->sent_ += count;
    if (probe->sent_ == probe->request_.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  }

  ProbeEnv& env_;
  const CheckSpec spec_;
  GrpcTarget target_;
  Duration timeout_;

  Done done_;
  Reactor::TimerId timer_ = 0;
  std::unique_ptr<Stream> stream_;
  nghttp2_session* session_ = nullptr;
  GrpcReply reply_;
  std::string request_;
  size_t sent_ = 0;
  bool settings_seen_ = false;
  bool stream_closed_ = false;
  bool going_away_ = false;
  bool writing_ = false;
  uint32_t close_code_ = NGHTTP2_NO_ERROR;
};

}  // namespace

std::unique_ptr<Probe> make_grpc_probe(const CheckSpec& spec, ProbeEnv& env) {
  return std::make_unique<GrpcProbe>(spec, env);
}

}  // namespace praetor::agent
