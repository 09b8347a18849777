// A byte stream to an agent: TCP, TLS over TCP, or a unix socket. Blocking, with a stop signal.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

typedef struct ssl_ctx_st SSL_CTX;
typedef struct ssl_st SSL;

namespace praetor::cli {

class Cancel;

struct TlsOptions {
  std::string ca_file;
  std::string ca_path;
  std::string client_cert;
  std::string client_key;
  std::string server_name;
  bool verify = true;

  bool any_set() const {
    return !ca_file.empty() || !ca_path.empty() || !client_cert.empty() || !client_key.empty();
  }
};

using TlsContext = std::shared_ptr<SSL_CTX>;
// Reads certificates and keys. Errors carry Consul's wording.
Result<TlsContext> make_tls_context(const TlsOptions& options);

// One thread; `cancel` (may be null) ends every wait with ErrorKind::kCancelled.
class Connection {
 public:
  // Errors are Go's: `dial tcp 127.0.0.1:8500: connect: connection refused`.
  static Result<std::unique_ptr<Connection>> open_tcp(const std::string& host, const std::string& port,
                                                      const Cancel* cancel);
  static Result<std::unique_ptr<Connection>> open_unix(const std::string& path, const Cancel* cancel);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Status start_tls(const TlsContext& context, const std::string& server_name, bool verify);
  Status write(std::string_view bytes);
  // At least one byte, or an empty view at the end of the stream; valid until the next read.
  Result<std::string_view> read();

 private:
  Connection(int fd, const Cancel* cancel) : fd_(fd), cancel_(cancel) {}
  Status wait(short events);

  int fd_;
  const Cancel* cancel_;
  SSL* ssl_ = nullptr;
  TlsContext context_;
  char buffer_[16384];
};

// "host:port", "[v6]:port" or "host" -> both parts; `default_port` when there is none.
std::pair<std::string, std::string> split_host_port(std::string_view address, std::string_view default_port);

}  // namespace praetor::cli
