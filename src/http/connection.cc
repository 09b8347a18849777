#include "http/connection.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <optional>

#include "base/check.h"
#include "base/host_port.h"
#include "base/text.h"
#include "http/gzip.h"
#include "http/request_head.h"
#include "http/request_log.h"
#include "http/request_parser.h"
#include "http/response_head.h"

namespace praetor::http {

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;

namespace {

constexpr size_t kReadBytes = 16 << 10, kMaxBufferedBody = 2048;
constexpr size_t kFlushBytes =
    256 << 10;  // of answers to pipelined requests go out before the next is looked at
constexpr size_t kCopyBodyBelow = 4 << 10;  // smaller bodies are copied next to their head
constexpr Duration kLingerTime = std::chrono::seconds(2);

struct Segment {
  std::string owned;
  std::shared_ptr<const std::string> shared;
  size_t sent = 0;

  std::string_view unsent() const { return std::string_view(shared ? *shared : owned).substr(sent); }
};

class ConnectionImpl;

class ExchangeImpl final : public Exchange {
 public:
  explicit ExchangeImpl(Reactor& reactor) : reactor_(reactor) {}
  const Request& request() const override { return request_; }
  Request& request() override { return request_; }
  Reactor& reactor() override { return reactor_; }
  void respond(Response response) override;
  std::shared_ptr<BodyStream> respond_stream(Response head) override;
  void on_cancel(std::function<void()> callback) override { cancel_ = std::move(callback); }

  void attach(std::shared_ptr<ConnectionImpl> connection) { connection_ = std::move(connection); }
  void cancel() {
    request_.measure();
    connection_.reset();
    if (auto callback = std::exchange(cancel_, nullptr)) callback();
  }

 private:
  Reactor& reactor_;
  Request request_;
  std::shared_ptr<ConnectionImpl> connection_;  // null once answered or cancelled
  std::function<void()> cancel_;
};

class ConnectionImpl final : public Connection, public std::enable_shared_from_this<ConnectionImpl> {
 public:
  ConnectionImpl(Socket socket, Reactor& reactor, std::shared_ptr<const ConnectionOptions> options,
                 std::string remote_ip)
      : socket_(std::move(socket)),
        reactor_(reactor),
        options_(std::move(options)),
        remote_ip_(std::move(remote_ip)) {}

  ~ConnectionImpl() override {
    if (options_->on_closed) options_->on_closed(remote_ip_);
  }

  void start() override {
    error_code ignored;
    socket_.non_blocking(true, ignored);
    touch(kHeaderTimeout);
    read();
  }

  void close() override {
    if (closed_) return;
    closed_ = true;
    if (pending_) log_end({});
    error_code ignored;
    socket_.close(ignored);
    segments_.clear();
    if (auto exchange = std::exchange(exchange_, nullptr); exchange && pending_) exchange->cancel();
  }

  bool expired(Instant now) const override { return !pending_ && now > deadline_; }
  bool closed() const override { return closed_; }

  void answer(Response response) {
    log_end(response.failure);
    pending_ = false;
    close_after_ = close_after_ || response.close;
    bool compressed = options_->compress && !response.plain && !response.content().empty() &&
                      accepts_gzip(exchange_->request().header("Accept-Encoding"));
    if (compressed) {
      if (!response.has("Content-Type"))
        response.set("Content-Type", std::string(sniff_type(response.content())));
      response.body = gzip(response.content());
      response.shared_body.reset();
      response.set("Content-Encoding", "gzip");
      std::erase_if(response.headers, [](const auto& header) { return header.first == "Content-Length"; });
    }
    add_common_headers(response);
    size_t length = response.content().size();
    // As Go's net/http: what does not fit its buffer goes out in chunks, unless the handler named a length.
    bool chunked =
        (length > kMaxBufferedBody || response.chunked) && !http_1_0_ && !response.has("Content-Length");
    std::string& out = tail();
    append_head(out, response, length,
                {.chunked = chunked,
                 .close = close_after_ && !http_1_0_,
                 .keep_alive = !close_after_ && http_1_0_,
                 .http_1_0 = http_1_0_,
                 .gzip = compressed});
    if (!head_request_ && length > 0) append_body(response, length, chunked);
    answered();
  }

  void append_body(Response& response, size_t length, bool chunked) {
    if (chunked) {
      std::array<char, 24> size;
      int n = std::snprintf(size.data(), size.size(), "%zx\r\n", length);
      tail().append(size.data(), static_cast<size_t>(n));
    }
    if (length < kCopyBodyBelow || !response.shared_body)
      tail() += response.content();
    else
      segments_.push_back({.shared = std::move(response.shared_body)});
    if (chunked) tail() += "\r\n0\r\n\r\n";
  }

  void answer_stream(Response head) {
    streaming_ = true;
    add_common_headers(head);
    append_head(tail(), head, head.content().size(),
                {.chunked = !http_1_0_, .close = http_1_0_, .http_1_0 = http_1_0_, .stream = true});
    if (http_1_0_) close_after_ = true;
    flush();
  }

  bool stream_write(std::string piece) {
    if (closed_ || queued_bytes() > kMaxQueuedBytes) return false;
    if (piece.empty()) return true;
    std::string& out = tail();
    if (http_1_0_) {
      out += piece;
    } else {
      std::array<char, 24> size;
      int n = std::snprintf(size.data(), size.size(), "%zx\r\n", piece.size());
      out.append(size.data(), static_cast<size_t>(n)).append(piece).append("\r\n");
    }
    flush();
    return !closed_;
  }

  void stream_finish() {
    if (closed_ || !streaming_) return;
    log_end({});
    streaming_ = false;
    pending_ = false;
    if (!http_1_0_) tail() += "0\r\n\r\n";
    answered();
  }

 private:
  void add_common_headers(Response& response) const {
    if (const auto* common = exchange_->request().common_headers)
      response.headers.insert(response.headers.end(), common->begin(), common->end());
  }

  // One line a request of the API, or two.
  void log_end(std::string_view failure) {
    if (!exchange_) return;
    Request& request = exchange_->request();
    if (!request.logged || (failure.empty() && !logs_requests())) return;
    request.logged = false;
    std::string from = remote_address();
    if (!failure.empty()) log_request_error(request, from, failure);
    if (logs_requests()) log_request_finished(request, from);
  }

  std::string remote_address() {
    if (remote_ip_.empty()) return "@";
    sockaddr_storage peer{};
    socklen_t length = sizeof(peer);
    uint16_t port = 0;
    if (::getpeername(socket_.native_handle(), reinterpret_cast<sockaddr*>(&peer), &length) == 0)
      port = ntohs(peer.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(peer).sin6_port
                                              : reinterpret_cast<sockaddr_in&>(peer).sin_port);
    return join_host_port(remote_ip_, port);
  }

  void touch(Duration timeout) { deadline_ = system_clock().now() + timeout; }

  // When its first bytes are there: by then nobody holds the exchange of the last one any more, as a rule.
  void new_request() {
    if (!exchange_ || exchange_.use_count() > 1) exchange_ = std::make_shared<ExchangeImpl>(reactor_);
    Request& request = exchange_->request();
    request.headers.clear();
    request.body.clear();
    request.query.clear();
    request.argument.clear();
    request.remote_ip = remote_ip_;
    request.common_headers = nullptr;
    request.logged = false;
    parser_.start(request, options_->body_limit);
    started_ = true;
    head_checked_ = false;
    head_scanned_ = 0;
    touch(kHeaderTimeout);
  }

  // Nobody knows when the next request comes: a large body is not kept until then.
  void rest() {
    if (!started_ && exchange_ && exchange_->request().body.capacity() > kReadBytes) exchange_.reset();
  }

  std::string& tail() {
    if (segments_.empty()) {
      segments_.emplace_back().owned = std::exchange(spare_output(), {});
    } else if (segments_.back().shared || segments_.back().sent > 0) {
      segments_.emplace_back();
    }
    return segments_.back().owned;
  }

  // As spare_buffer(): most answers are written at once, and then none has to keep the memory that it was
  // made in.
  static std::string& spare_output() {
    thread_local std::string buffer;
    return buffer;
  }

  size_t queued_bytes() const {
    size_t total = 0;
    for (const Segment& segment : segments_) total += segment.unsent().size();
    return total;
  }

  void read() {
    if (reading_ || closed_) return;
    reading_ = true;
    socket_.async_wait(Socket::wait_read, [self = shared_from_this()](const error_code& error) {
      self->reading_ = false;
      if (self->closed_) return;
      if (error) return self->close();
      self->take_input();
    });
  }

  void take_input() {
    if (input_.empty()) input_ = std::exchange(spare_buffer(), {});
    if (input_.size() - input_end_ < kReadBytes) input_.resize(input_end_ + kReadBytes);
    error_code error;
    size_t count =
        socket_.read_some(asio::buffer(input_.data() + input_end_, input_.size() - input_end_), error);
    if (error == asio::error::would_block)
      read();
    else
      on_read(error, count);
    // Who waits keeps no buffer: ten thousand silent connections would pay for as many.
    if (input_end_ > 0) return;
    if (input_.size() <= 4 * kReadBytes) spare_buffer() = std::move(input_);
    input_ = {};
  }

  // One connection of a reactor reads at a time, and mostly all that it has read is used up at once.
  static std::vector<char>& spare_buffer() {
    thread_local std::vector<char> buffer;
    return buffer;
  }

  void on_read(const error_code& error, size_t count) {
    if (closed_) return;
    if (error) return close();
    if (lingering_) {
      input_end_ = 0;
      return read();
    }
    input_end_ += count;
    // A body may come slowly, as long as it comes.
    if (started_ && parser_.is_header_done()) touch(kHeaderTimeout);
    process();
  }

  // Parses and dispatches until an answer is pending or input runs out, or until the client has to read first
  // what it was answered: else one that only sends would have it all kept for it.
  void process() {
    if (processing_) return;
    processing_ = true;
    auto self = shared_from_this();
    bool starved = false;
    while (!closed_ && !pending_ && !close_after_ && !starved && !blocked_) {
      if (parse())
        dispatch();
      else
        starved = true;
      if (queued_bytes() > kFlushBytes) flush();
    }
    processing_ = false;
    if (closed_) return;
    flush();
    if (closed_) return;
    if (pending_) return watch();
    rest();
    if (!close_after_ && !blocked_) read();
  }

  // True when the request's head is all there and may be parsed.
  bool check_head() {
    if (head_checked_) return true;
    while (head_scanned_ == 0 && input_begin_ < input_end_ &&
           (input_[input_begin_] == '\r' || input_[input_begin_] == '\n'))
      ++input_begin_;  // empty lines before a request are tolerated
    std::string_view input(input_.data() + input_begin_, input_end_ - input_begin_);
    if (input.empty()) return false;
    size_t end = find_head_end(input, head_scanned_);
    if (end == input.npos || end > kMaxHeaderBytes) {
      if (input.size() > kMaxHeaderBytes) {
        refuse(431);
      } else if (std::string refusal = refuse_start(input); !refusal.empty()) {
        close_after_ = true;
        tail() += refusal;
      }
      return false;
    }
    std::string_view head = input.substr(0, end);
    if (std::string refusal = refuse_head(head); !refusal.empty()) {
      close_after_ = true;
      tail() += refusal;
      return false;
    }
    if (is_lenient_head(head)) {
      std::string strict = normal_head(head);
      input_.resize(input_end_);
      auto at = input_.begin() + static_cast<ptrdiff_t>(input_begin_);
      at = input_.erase(at, at + static_cast<ptrdiff_t>(end));
      input_.insert(at, strict.begin(), strict.end());
      input_end_ = input_.size();
    }
    head_checked_ = true;
    return true;
  }

  // True when a whole request is there.
  bool parse() {
    if (!started_) {
      if (input_begin_ == input_end_) {
        input_begin_ = input_end_ = 0;
        return false;
      }
      new_request();
    }
    while (!parser_.is_done() && check_head() && input_begin_ < input_end_) {
      if (chunk_end_is_short()) break;
      auto [used, outcome] = parser_.put({input_.data() + input_begin_, input_end_ - input_begin_});
      input_begin_ += used;
      if (outcome == RequestParser::Outcome::kNeedMore) {
        if (parser_.is_header_done() && input_end_ - input_begin_ > kMaxChunkHeaderBytes) {
          refuse(400);
          return false;
        }
        break;
      }
      if (outcome != RequestParser::Outcome::kTaken) {
        refuse(outcome == RequestParser::Outcome::kHeaderTooLarge ? 431 : 400);
        return false;
      }
      if (parser_.is_header_done() && parser_.body_refused()) break;
    }
    if (input_begin_ == input_end_) {
      input_begin_ = input_end_ = 0;
    } else if (input_begin_ > 0 && !parser_.is_done()) {
      input_.erase(input_.begin(), input_.begin() + static_cast<ptrdiff_t>(input_begin_));
      input_end_ -= input_begin_;
      input_begin_ = 0;
    }
    if (parser_.is_header_done()) {
      if (parser_.body_refused() && !parser_.is_done()) {
        close_after_ = true;
        return true;
      }
      if (parser_.expects_continue()) {
        parser_.continue_sent();
        tail() += "HTTP/1.1 100 Continue\r\n\r\n";
      }
    }
    return parser_.is_done();
  }

  // Beast wants to see the end of a chunked body again, from its last chunk on, and asserts that it is then
  // longer than the first time. Until a chunked body is done five bytes at least are to come ("0\r\n\r\n"),
  // so waiting for them costs nothing.
  bool chunk_end_is_short() const {
    return parser_.is_header_done() && parser_.chunked() && input_end_ - input_begin_ < 5;
  }

  void refuse(int status) {
    close_after_ = true;
    std::string text = std::to_string(status) + " " + std::string(reason_phrase(status));
    tail() += "HTTP/1.1 " + text +
              "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" + text;
  }

  void dispatch() {
    http_1_0_ = parser_.http_1_0();
    head_request_ = exchange_->request().method == Method::kHead;
    if (!parser_.keep_alive()) close_after_ = true;
    pending_ = true;
    exchange_->attach(shared_from_this());
    ExchangePtr exchange = exchange_;
    if (parser_.expects_the_unknown()) return exchange->respond(Response{.status = 417, .close = true});
    options_->handler(std::move(exchange));
  }

  void answered() {
    if (!close_after_) {
      started_ = false;
      touch(blocked_ ? kHeaderTimeout : kIdleTimeout);
    }
    if (!processing_) process();
  }

  // While an answer is awaited: a closed or reset client cancels it.
  void watch() {
    if (watching_) return;
    watching_ = true;
    socket_.async_wait(Socket::wait_read, [self = shared_from_this()](const error_code& error) {
      self->watching_ = false;
      if (error || self->closed_ || !self->pending_) return;
      char byte;
      ssize_t got = ::recv(self->socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
      if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) self->close();
      // got > 0: the next request waits its turn; the answer is written first.
    });
  }

  std::vector<asio::const_buffer> gather() const {
    std::vector<asio::const_buffer> buffers;
    buffers.reserve(segments_.size());
    for (const Segment& segment : segments_) buffers.push_back(asio::buffer(segment.unsent()));
    return buffers;
  }

  // Writes what the socket takes now, and the rest when it takes more.
  void flush() {
    if (blocked_ || closed_) return;
    if (!segments_.empty()) {
      error_code error;
      size_t total = queued_bytes();
      // Most answers are one piece, and then the kernel has no list to walk.
      size_t sent = segments_.size() == 1 ? socket_.write_some(asio::buffer(segments_[0].unsent()), error)
                                          : socket_.write_some(gather(), error);
      if (error && error != asio::error::would_block) return close();
      if (error) sent = 0;
      if (sent < total) return write_rest(sent);
      reset_segments();
    }
    if (close_after_ && !pending_ && !streaming_) linger();
  }

  void reset_segments() {
    if (std::string& first = segments_.front().owned; first.capacity() <= kFlushBytes / 4) {
      first.clear();
      spare_output() = std::move(first);
    }
    segments_.clear();
  }

  void write_rest(size_t sent) {
    while (sent > 0) {  // drop what went out
      Segment& front = segments_.front();
      size_t size = front.unsent().size();
      front.sent += std::min(sent, size);
      sent -= std::min(sent, size);
      if (front.unsent().empty()) segments_.pop_front();
    }
    blocked_ = true;
    // From here on each time that the client has read something.
    touch(kHeaderTimeout);
    socket_.async_wait(Socket::wait_write, [self = shared_from_this()](const error_code& error) {
      if (self->closed_) return;
      self->blocked_ = false;
      if (error) return self->close();
      self->flush();
      if (self->blocked_ || self->pending_ || self->close_after_) return;
      self->touch(self->started_ ? kHeaderTimeout : kIdleTimeout);
      self->process();
    });
  }

  // Ends our side, then swallows what the client still sends, so that it reads the answer.
  void linger() {
    if (lingering_) return;
    lingering_ = true;
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    touch(kLingerTime);
    input_begin_ = input_end_ = 0;
    read();
  }

  Socket socket_;
  Reactor& reactor_;
  std::shared_ptr<const ConnectionOptions> options_;
  std::string remote_ip_;

  std::vector<char> input_;
  size_t input_begin_ = 0, input_end_ = 0;
  RequestParser parser_;
  std::shared_ptr<ExchangeImpl> exchange_;
  std::deque<Segment> segments_;
  Instant deadline_{};

  size_t head_scanned_ = 0;  // of the current request's head, before it is complete
  bool head_checked_ = false;
  bool started_ = false;     // bytes of the current request have come
  bool pending_ = false;     // the handler has not answered yet
  bool streaming_ = false;   // a streamed answer is open
  bool processing_ = false;  // process() is on the stack
  bool reading_ = false;
  bool watching_ = false;
  bool blocked_ = false;      // the socket takes no more for now
  bool close_after_ = false;  // close once the queue is written
  bool lingering_ = false;
  bool closed_ = false;
  bool http_1_0_ = false;
  bool head_request_ = false;
};

class StreamImpl final : public BodyStream {
 public:
  explicit StreamImpl(std::shared_ptr<ConnectionImpl> connection) : connection_(std::move(connection)) {}
  ~StreamImpl() override { connection_->stream_finish(); }
  bool write(std::string piece) override { return connection_->stream_write(std::move(piece)); }
  void finish() override { connection_->stream_finish(); }

 private:
  std::shared_ptr<ConnectionImpl> connection_;
};

void ExchangeImpl::respond(Response response) {
  auto connection = std::exchange(connection_, nullptr);
  if (!connection) return;  // the client went away
  cancel_ = nullptr;
  request_.measure();
  connection->answer(std::move(response));
}

std::shared_ptr<BodyStream> ExchangeImpl::respond_stream(Response head) {
  auto connection = connection_;
  if (!connection) return nullptr;
  connection_.reset();
  request_.measure();
  connection->answer_stream(std::move(head));
  return std::make_shared<StreamImpl>(connection);
}

}  // namespace

std::shared_ptr<Connection> make_connection(int fd, int family, Reactor& reactor,
                                            std::shared_ptr<const ConnectionOptions> options,
                                            std::string remote_ip) {
  Socket socket(reactor.context());
  error_code error;
  socket.assign(asio::generic::stream_protocol(family, 0), fd, error);
  CHECK(!error);
  return std::make_shared<ConnectionImpl>(std::move(socket), reactor, std::move(options),
                                          std::move(remote_ip));
}

}  // namespace praetor::http
