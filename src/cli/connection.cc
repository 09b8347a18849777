#include "cli/connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <vector>

#include "base/host_port.h"
#include "base/text.h"
#include "cli/cancel.h"

namespace praetor::cli {
namespace {

std::string openssl_error() {
  char text[256];
  unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown error";
  ERR_error_string_n(code, text, sizeof text);
  return text;
}

Status load_ca_file(SSL_CTX* context, const std::string& file) {
  if (::access(file.c_str(), R_OK) != 0) {
    return fail("Error loading CA File: " + io_error("open " + file, errno).message);
  }
  if (SSL_CTX_load_verify_file(context, file.c_str()) != 1) {
    ERR_clear_error();
    return fail("Error loading CA File: Couldn't parse PEM in: " + file);
  }
  return {};
}

Status load_ca_path(SSL_CTX* context, const std::string& path) {
  std::error_code code;
  if (!std::filesystem::exists(path, code)) return std::unexpected(io_error("lstat " + path, ENOENT));
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path, code)) {
    if (entry.is_regular_file(code)) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  for (const std::string& file : files) {
    if (SSL_CTX_load_verify_file(context, file.c_str()) == 1) continue;
    ERR_clear_error();
    return fail("Error loading CA Path: Couldn't parse PEM in: " + file);
  }
  return {};
}

// The DNS names, or the IP addresses, that the peer's certificate is for.
std::vector<std::string> certified_names(X509* certificate, int kind) {
  std::vector<std::string> names;
  if (certificate == nullptr) return names;
  auto* list =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; list != nullptr && i < sk_GENERAL_NAME_num(list); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(list, i);
    if (name->type != kind) continue;
    const ASN1_STRING* text = kind == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
    const unsigned char* bytes = ASN1_STRING_get0_data(text);
    if (kind == GEN_DNS) {
      names.emplace_back(reinterpret_cast<const char*>(bytes), static_cast<size_t>(ASN1_STRING_length(text)));
    } else {
      char buffer[INET6_ADDRSTRLEN] = "";
      ::inet_ntop(ASN1_STRING_length(text) == 4 ? AF_INET : AF_INET6, bytes, buffer, sizeof buffer);
      names.emplace_back(buffer);
    }
  }
  GENERAL_NAMES_free(list);
  return names;
}

std::string name_mismatch(X509* certificate, const std::string& server_name, int kind) {
  std::vector<std::string> names = certified_names(certificate, kind);
  if (!names.empty()) return "x509: certificate is valid for " + join(names, ", ") + ", not " + server_name;
  if (kind == GEN_DNS)
    return "x509: certificate is not valid for any names, but wanted to match " + server_name;
  return "x509: cannot validate certificate for " + server_name + " because it doesn't contain any IP SANs";
}

// "sslv3 alert bad certificate" -> "remote error: tls: bad certificate".
Error tls_failure() {
  unsigned long code = ERR_peek_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  std::string_view text = reason == nullptr ? "" : reason;
  size_t alert = text.find(" alert ");
  std::string message = alert == std::string_view::npos
                            ? "tls: " + (text.empty() ? openssl_error() : std::string(text))
                            : "remote error: tls: " + std::string(text.substr(alert + 7));
  ERR_clear_error();
  return Error{message, ErrorKind::kIo};
}

// One handshake's view of the peer: the name to check, and what was wrong with its certificate.
struct Verification {
  std::string server_name;
  std::string problem;
};

// What Go's verifier says in the cases that users meet.
std::string verify_problem(int code, X509* certificate, const std::string& server_name) {
  switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "x509: certificate has expired or is not yet valid";
    case X509_V_ERR_HOSTNAME_MISMATCH:
      return name_mismatch(certificate, server_name, GEN_DNS);
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return name_mismatch(certificate, server_name, GEN_IPADD);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "x509: certificate signed by unknown authority";
    default:
      return std::string("x509: ") + X509_verify_cert_error_string(code);
  }
}

// Changes no verdict; the certificate is at hand only here.
int on_verify(int ok, X509_STORE_CTX* store) {
  if (ok == 1) return ok;
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* verification = static_cast<Verification*>(SSL_get_app_data(ssl));
  verification->problem = verify_problem(X509_STORE_CTX_get_error(store),
                                         X509_STORE_CTX_get_current_cert(store), verification->server_name);
  return ok;
}

bool is_ip_address(const std::string& text) {
  ASN1_OCTET_STRING* parsed = a2i_IPADDRESS(text.c_str());
  if (parsed == nullptr) {
    ERR_clear_error();
    return false;
  }
  ASN1_OCTET_STRING_free(parsed);
  return true;
}

// "127.0.0.1:80", "[::1]:80"
std::string numeric_address(const addrinfo& info, const std::string& port) {
  char host[NI_MAXHOST] = "";
  ::getnameinfo(info.ai_addr, info.ai_addrlen, host, sizeof host, nullptr, 0, NI_NUMERICHOST);
  return join_host_port(host, port);
}

// A connected socket, or -errno.
int connect_socket(int family, const sockaddr* address, socklen_t length, const Cancel* cancel) {
  int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  int code = ::connect(fd, address, length) == 0 ? 0 : errno;
  if (code == EINPROGRESS) {
    pollfd entries[2] = {{fd, POLLOUT, 0}, {cancel != nullptr ? cancel->fd() : -1, POLLIN, 0}};
    int ready;
    while ((ready = ::poll(entries, 2, 30'000)) < 0 && errno == EINTR) {
    }
    socklen_t size = sizeof code;
    if (cancel != nullptr && cancel->triggered()) {
      code = ECANCELED;
    } else if (ready == 0) {
      code = ETIMEDOUT;
    } else {
      ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size);
    }
  }
  if (code == 0) return fd;
  ::close(fd);
  return -code;
}

}  // namespace

std::pair<std::string, std::string> split_host_port(std::string_view address, std::string_view default_port) {
  if (address.starts_with('[')) {
    size_t close = address.find(']');
    if (close == std::string_view::npos) return {std::string(address), std::string(default_port)};
    std::string_view rest = address.substr(close + 1);
    return {std::string(address.substr(1, close - 1)),
            std::string(rest.starts_with(':') ? rest.substr(1) : default_port)};
  }
  size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return {std::string(address), std::string(default_port)};
  return {std::string(address.substr(0, colon)), std::string(address.substr(colon + 1))};
}

Result<TlsContext> make_tls_context(const TlsOptions& options) {
  if (options.client_cert.empty() != options.client_key.empty()) {
    return fail("both client cert and client key must be provided");
  }
  TlsContext context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (!context) return fail("tls: " + openssl_error());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (!options.client_cert.empty()) {
    if (SSL_CTX_use_certificate_chain_file(context.get(), options.client_cert.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(context.get(), options.client_key.c_str(), SSL_FILETYPE_PEM) != 1) {
      for (const std::string& file : {options.client_cert, options.client_key}) {
        if (::access(file.c_str(), R_OK) != 0) return std::unexpected(io_error("open " + file, errno));
      }
      return fail("tls: " + openssl_error());
    }
  }
  if (!options.ca_file.empty()) {
    TRY(load_ca_file(context.get(), options.ca_file));
  } else if (!options.ca_path.empty()) {
    TRY(load_ca_path(context.get(), options.ca_path));
  } else {
    SSL_CTX_set_default_verify_paths(context.get());
  }
  return context;
}

Result<std::unique_ptr<Connection>> Connection::open_tcp(const std::string& host, const std::string& port,
                                                         const Cancel* cancel) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (int code = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); code != 0) {
    std::string reason = code == EAI_NONAME ? "no such host" : ::gai_strerror(code);
    return fail("dial tcp: lookup " + host + ": " + reason, ErrorKind::kIo);
  }
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, ::freeaddrinfo);
  std::string first_error;
  for (const addrinfo* info = list.get(); info != nullptr; info = info->ai_next) {
    int fd = connect_socket(info->ai_family, info->ai_addr, info->ai_addrlen, cancel);
    if (fd >= 0) {
      int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      return std::unique_ptr<Connection>(new Connection(fd, cancel));
    }
    if (fd == -ECANCELED) return fail("context canceled", ErrorKind::kCancelled);
    if (!first_error.empty()) continue;
    first_error = "dial tcp " + numeric_address(*info, port) + ": " +
                  (fd == -ETIMEDOUT ? "i/o timeout" : io_error("connect", -fd).message);
  }
  return fail(first_error, ErrorKind::kIo);
}

Result<std::unique_ptr<Connection>> Connection::open_unix(const std::string& path, const Cancel* cancel) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return fail("dial unix " + path + ": connect: invalid argument", ErrorKind::kIo);
  }
  path.copy(address.sun_path, path.size());
  int fd = connect_socket(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address, cancel);
  if (fd < 0) {
    return fail("dial unix " + path + ": " + io_error("connect", -fd).message, ErrorKind::kIo);
  }
  return std::unique_ptr<Connection>(new Connection(fd, cancel));
}

Connection::~Connection() {
  if (ssl_ != nullptr) SSL_free(ssl_);
  ::close(fd_);
}

Status Connection::wait(short events) {
  pollfd entries[2] = {{fd_, events, 0}, {cancel_ != nullptr ? cancel_->fd() : -1, POLLIN, 0}};
  while (::poll(entries, 2, -1) < 0 && errno == EINTR) {
  }
  if (cancel_ != nullptr && cancel_->triggered()) return fail("context canceled", ErrorKind::kCancelled);
  return {};
}

Status Connection::start_tls(const TlsContext& context, const std::string& server_name, bool verify) {
  context_ = context;
  ssl_ = SSL_new(context.get());
  if (ssl_ == nullptr || SSL_set_fd(ssl_, fd_) != 1) return fail("tls: " + openssl_error());
  Verification verification{server_name, ""};
  SSL_set_app_data(ssl_, &verification);
  bool is_ip = is_ip_address(server_name);
  if (!is_ip) SSL_set_tlsext_host_name(ssl_, server_name.c_str());
  if (verify) {
    X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl_);
    if (is_ip) {
      X509_VERIFY_PARAM_set1_ip_asc(parameters, server_name.c_str());
    } else {
      X509_VERIFY_PARAM_set1_host(parameters, server_name.c_str(), 0);
    }
    SSL_set_verify(ssl_, SSL_VERIFY_PEER, on_verify);
  }
  for (;;) {
    ERR_clear_error();
    int code = SSL_connect(ssl_);
    if (code == 1) {
      SSL_set_verify(ssl_, SSL_get_verify_mode(ssl_), nullptr);  // `verification` ends here
      return {};
    }
    int reason = SSL_get_error(ssl_, code);
    if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) {
      TRY(wait(reason == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT));
      continue;
    }
    if (!verification.problem.empty()) return fail(verification.problem, ErrorKind::kIo);
    if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_WRONG_VERSION_NUMBER) {
      ERR_clear_error();
      return fail("http: server gave HTTP response to HTTPS client", ErrorKind::kIo);
    }
    if (ERR_peek_error() == 0) return fail("EOF", ErrorKind::kIo);
    return fail(tls_failure());
  }
}

Status Connection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t count;
    short events = POLLOUT;
    if (ssl_ != nullptr) {
      ERR_clear_error();
      count = SSL_write(ssl_, bytes.data(), static_cast<int>(std::min<size_t>(bytes.size(), 1 << 20)));
      if (count <= 0) {
        int reason = SSL_get_error(ssl_, static_cast<int>(count));
        if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE) {
          return fail("write: broken pipe", ErrorKind::kIo);
        }
        if (reason == SSL_ERROR_WANT_READ) events = POLLIN;
      }
    } else {
      count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count < 0 && errno != EAGAIN && errno != EINTR) return std::unexpected(io_error("write", errno));
    }
    if (count <= 0) {
      TRY(wait(events));
      continue;
    }
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

Result<std::string_view> Connection::read() {
  for (;;) {
    short events = POLLIN;
    if (ssl_ != nullptr) {
      ERR_clear_error();
      int count = SSL_read(ssl_, buffer_, sizeof buffer_);
      if (count > 0) return std::string_view(buffer_, static_cast<size_t>(count));
      int reason = SSL_get_error(ssl_, count);
      if (reason == SSL_ERROR_ZERO_RETURN) return std::string_view();
      if (reason == SSL_ERROR_WANT_WRITE) {
        events = POLLOUT;
      } else if (reason != SSL_ERROR_WANT_READ) {
        // Some servers close without a TLS goodbye.
        if (ERR_peek_error() == 0 || ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
          return std::string_view();
        }
        return fail(tls_failure());
      }
    } else {
      ssize_t count = ::recv(fd_, buffer_, sizeof buffer_, 0);
      if (count >= 0) return std::string_view(buffer_, static_cast<size_t>(count));
      if (errno != EAGAIN && errno != EINTR) return std::unexpected(io_error("read", errno));
    }
    TRY(wait(events));
  }
}

}  // namespace praetor::cli
