#include "agent/check_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>

#include "base/text.h"
#include "base/thread_buffer.h"

namespace praetor::agent {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

class StreamCore : public std::enable_shared_from_this<StreamCore> {
 public:
  StreamCore(Reactor& reactor, CheckResolver& resolver, StreamTarget target)
      : reactor_(reactor), resolver_(resolver), target_(std::move(target)), socket_(reactor.context()) {}

  void open(Stream::Opened opened) {
    opened_ = std::move(opened);
    auto done = [self = shared_from_this()](const DialResult& result) { self->dialled(result); };
    dial_ = target_.unix_path.empty()
                ? dial_tcp(reactor_, resolver_, target_.host_port, target_.timeout, std::move(done))
                : dial_unix(reactor_, target_.unix_path, target_.timeout, std::move(done));
  }

  void read(Stream::ReadDone done) {
    read_done_ = std::move(done);
    // TLS may hold decrypted bytes that the socket knows nothing of.
    if (tls_ && SSL_pending(tls_.get()) > 0) {
      reactor_.post([self = shared_from_this()] { self->try_read(); });
    } else {
      wait(false, [](StreamCore& self) { self.try_read(); });
    }
  }

  void write(std::string bytes, Stream::WriteDone done) {
    to_write_ = std::move(bytes);
    written_ = 0;
    write_done_ = std::move(done);
    reactor_.post([self = shared_from_this()] { self->try_write(); });
  }

  void close() {
    opened_ = nullptr;
    read_done_ = nullptr;
    write_done_ = nullptr;
    dial_.reset();
    error_code ignored;
    if (socket_.is_open()) socket_.close(ignored);
  }

  std::string alpn() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    if (tls_) SSL_get0_alpn_selected(tls_.get(), &name, &size);
    return name == nullptr ? "" : std::string(reinterpret_cast<const char*>(name), size);
  }

 private:
  template <typename Next>
  void wait(bool for_write, Next next) {
    socket_.async_wait(
        for_write ? asio::posix::stream_descriptor::wait_write : asio::posix::stream_descriptor::wait_read,
        [self = shared_from_this(), next](const error_code& error) {
          if (!error) next(*self);
        });
  }

  void finish_open(OpenStage stage, std::string error) {
    Stream::Opened opened = std::move(opened_);
    opened_ = nullptr;
    if (opened) opened(stage, std::move(error));
  }

  void dialled(const DialResult& result) {
    if (result.fd < 0) return finish_open(OpenStage::kDial, result.error);
    error_code error;
    socket_.assign(result.fd, error);
    if (error) {
      ::close(result.fd);
      return finish_open(OpenStage::kDial, io_error("socket", error.value()).message);
    }
    peer_ = result.peer;
    local_.size = sizeof local_.storage;
    ::getsockname(result.fd, reinterpret_cast<sockaddr*>(&local_.storage), &local_.size);
    if (!target_.use_tls) return finish_open(OpenStage::kOpen, "");
    tls_ = make_tls_session(*target_.tls, result.fd, target_.tls_name, &verify_failure_);
    if (!tls_) return finish_open(OpenStage::kTls, "tls: no memory");
    SSL_set_msg_callback(tls_.get(), look_at_record);
    SSL_set_msg_callback_arg(tls_.get(), &plain_http_);
    handshake();
  }

  // Notices a server that answers the handshake in plain HTTP: that has a text of its own.
  static void look_at_record(int writing, int, int type, const void* bytes, size_t size, SSL*,
                             void* plain_http) {
    if (writing == 0 && type == SSL3_RT_HEADER &&
        std::string_view(static_cast<const char*>(bytes), size) == "HTTP/")
      *static_cast<bool*>(plain_http) = true;
  }

  void handshake() {
    if (!opened_) return;
    ERR_clear_error();
    errno = 0;
    int code = SSL_do_handshake(tls_.get());
    if (code == 1) {
      SSL_set_msg_callback(tls_.get(), nullptr);
      return finish_open(OpenStage::kOpen, "");
    }
    if (plain_http_) return finish_open(OpenStage::kTls, "http: server gave HTTP response to HTTPS client");
    int reason = SSL_get_error(tls_.get(), code);
    if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE)
      return wait(reason == SSL_ERROR_WANT_WRITE, [](StreamCore& self) { self.handshake(); });
    finish_open(OpenStage::kTls, tls_error(reason));
  }

  // Go's words for what OpenSSL reports.
  std::string tls_error(int reason) {
    if (!verify_failure_.empty()) return verify_failure_;
    if (reason == SSL_ERROR_SYSCALL && errno != 0) return socket_error("read", errno);
    if (reason == SSL_ERROR_SYSCALL || reason == SSL_ERROR_ZERO_RETURN) return "EOF";
    unsigned long code = ERR_get_error();
    ERR_clear_error();
    int why = ERR_GET_REASON(code);
    if (why == SSL_R_UNEXPECTED_EOF_WHILE_READING) return "EOF";
    if (why == SSL_R_WRONG_VERSION_NUMBER || why == SSL_R_HTTP_REQUEST || why == SSL_R_PACKET_LENGTH_TOO_LONG)
      return "tls: first record does not look like a TLS handshake";
    if (why > SSL_AD_REASON_OFFSET && why < SSL_AD_REASON_OFFSET + 256) {
      std::string alert = to_lower(SSL_alert_desc_string_long(why - SSL_AD_REASON_OFFSET));
      return "remote error: tls: " + alert;
    }
    const char* text = ERR_reason_error_string(code);
    return std::string("tls: ") + (text == nullptr ? "handshake failure" : text);
  }

  std::string socket_error(std::string_view what, int error) const {
    std::string network = peer_.family() == AF_UNIX ? "unix" : "tcp";
    std::string ends = network == "unix" ? "@->" + peer_.text() : local_.text() + "->" + peer_.text();
    return std::string(what) + " " + network + " " + ends + ": " + io_error(what, error).message;
  }

  void finish_read(const StreamRead& result) {
    Stream::ReadDone done = std::move(read_done_);
    read_done_ = nullptr;
    if (done) done(result);
  }

  void try_read() {
    if (!read_done_) return;
    if (tls_) return try_read_tls();
    ssize_t got = ::recv(socket_.native_handle(), thread_buffer().data(), kThreadBufferBytes, 0);
    if (got > 0)
      return finish_read({std::string_view(thread_buffer().data(), static_cast<size_t>(got)), false, ""});
    if (got == 0) return finish_read({{}, true, ""});
    if (errno == EAGAIN || errno == EINTR) return wait(false, [](StreamCore& self) { self.try_read(); });
    finish_read({{}, false, socket_error("read", errno)});
  }

  void try_read_tls() {
    ERR_clear_error();
    errno = 0;
    int got = SSL_read(tls_.get(), thread_buffer().data(), kThreadBufferBytes);
    if (got > 0)
      return finish_read({std::string_view(thread_buffer().data(), static_cast<size_t>(got)), false, ""});
    int reason = SSL_get_error(tls_.get(), got);
    if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE)
      return wait(reason == SSL_ERROR_WANT_WRITE, [](StreamCore& self) { self.try_read(); });
    if (reason == SSL_ERROR_ZERO_RETURN) return finish_read({{}, true, ""});
    std::string error = tls_error(reason);
    finish_read({{}, error == "EOF", error == "EOF" ? "" : error});
  }

  void finish_write(std::string error) {
    Stream::WriteDone done = std::move(write_done_);
    write_done_ = nullptr;
    to_write_.clear();
    if (done) done(std::move(error));
  }

  void try_write() {
    while (write_done_ && written_ < to_write_.size()) {
      const char* from = to_write_.data() + written_;
      size_t size = to_write_.size() - written_;
      if (tls_) {
        ERR_clear_error();
        errno = 0;
        int sent = SSL_write(tls_.get(), from, static_cast<int>(std::min<size_t>(size, 1 << 20)));
        if (sent > 0) {
          written_ += static_cast<size_t>(sent);
          continue;
        }
        int reason = SSL_get_error(tls_.get(), sent);
        if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE)
          return wait(reason == SSL_ERROR_WANT_WRITE, [](StreamCore& self) { self.try_write(); });
        return finish_write(reason == SSL_ERROR_SYSCALL && errno != 0 ? socket_error("write", errno)
                                                                      : tls_error(reason));
      }
      ssize_t sent = ::send(socket_.native_handle(), from, size, MSG_NOSIGNAL);
      if (sent >= 0) {
        written_ += static_cast<size_t>(sent);
      } else if (errno == EAGAIN) {
        return wait(true, [](StreamCore& self) { self.try_write(); });
      } else if (errno != EINTR) {
        return finish_write(socket_error("write", errno));
      }
    }
    if (write_done_) finish_write("");
  }

  Reactor& reactor_;
  CheckResolver& resolver_;
  StreamTarget target_;
  std::unique_ptr<Dial> dial_;
  asio::posix::stream_descriptor socket_;
  ResolvedAddress local_;
  ResolvedAddress peer_;
  std::string verify_failure_;
  bool plain_http_ = false;
  std::shared_ptr<SSL> tls_;

  Stream::Opened opened_;
  Stream::ReadDone read_done_;
  Stream::WriteDone write_done_;
  std::string to_write_;
  size_t written_ = 0;
};

class StreamHandle final : public Stream {
 public:
  explicit StreamHandle(std::shared_ptr<StreamCore> core) : core_(std::move(core)) {}
  ~StreamHandle() override { core_->close(); }
  void open(Opened opened) override { core_->open(std::move(opened)); }
  void read(ReadDone done) override { core_->read(std::move(done)); }
  void write(std::string bytes, WriteDone done) override { core_->write(std::move(bytes), std::move(done)); }
  std::string alpn() const override { return core_->alpn(); }

 private:
  std::shared_ptr<StreamCore> core_;
};

}  // namespace

std::unique_ptr<Stream> make_stream(Reactor& reactor, CheckResolver& resolver, StreamTarget target) {
  return std::make_unique<StreamHandle>(std::make_shared<StreamCore>(reactor, resolver, std::move(target)));
}

}  // namespace praetor::agent
