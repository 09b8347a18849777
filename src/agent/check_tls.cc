#include "agent/check_tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <ctime>

#include "agent/check_resolver.h"
#include "base/text.h"

namespace praetor::agent {

namespace {

// What the verification of one connection needs, reachable from OpenSSL's callback.
struct Verification {
  bool skip;
  std::string name;
  std::string* failure;
};

int verification_index() {
  static const int index = SSL_get_ex_new_index(
      0, nullptr, nullptr, nullptr,
      [](void*, void* data, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Verification*>(data); });
  return index;
}

std::string openssl_error() {
  char text[256];
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  ERR_clear_error();
  return text;
}

std::string time_text(const ASN1_TIME* at) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(at, &parts) != 1) return "?";
  return format_rfc3339(Time{::timegm(&parts), 0});
}

std::string now_text() { return format_rfc3339(Time{std::time(nullptr), 0}); }

// The names that a certificate is valid for: DNS names or IP addresses.
std::vector<std::string> alternative_names(X509* certificate, int type) {
  std::vector<std::string> names;
  auto* list =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; list != nullptr && i < sk_GENERAL_NAME_num(list); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(list, i);
    if (name->type != type) continue;
    const ASN1_STRING* value = type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
    std::string bytes(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                      static_cast<size_t>(ASN1_STRING_length(value)));
    if (type == GEN_DNS) {
      names.push_back(std::move(bytes));
      continue;
    }
    char text[INET6_ADDRSTRLEN] = "";
    if (bytes.size() == 4 || bytes.size() == 16)
      ::inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
    names.emplace_back(text);
  }
  GENERAL_NAMES_free(list);
  return names;
}

// Go's texts; empty when the certificate is valid for the name. The common name does not count.
std::string host_failure(X509* certificate, const std::string& name) {
  ResolvedAddress address;
  if (parse_ip(name, address)) {
    if (X509_check_ip_asc(certificate, name.c_str(), 0) == 1) return "";
    std::vector<std::string> ips = alternative_names(certificate, GEN_IPADD);
    if (ips.empty())
      return "x509: cannot validate certificate for " + name + " because it doesn't contain any IP SANs";
    return "x509: certificate is valid for " + join(ips, ", ") + ", not " + name;
  }
  if (X509_check_host(certificate, name.data(), name.size(), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr) ==
      1)
    return "";
  std::vector<std::string> names = alternative_names(certificate, GEN_DNS);
  if (names.empty()) return "x509: certificate is not valid for any names, but wanted to match " + name;
  return "x509: certificate is valid for " + join(names, ", ") + ", not " + name;
}

std::string time_failure(X509* certificate) {
  const ASN1_TIME* before = X509_get0_notBefore(certificate);
  const ASN1_TIME* after = X509_get0_notAfter(certificate);
  std::string prefix = "x509: certificate has expired or is not yet valid: current time " + now_text();
  if (X509_cmp_current_time(before) > 0) return prefix + " is before " + time_text(before);
  if (X509_cmp_current_time(after) < 0) return prefix + " is after " + time_text(after);
  return "";
}

// In Go's order: time and name of the certificate itself, then the chain.
int verify(X509_STORE_CTX* store, void*) {
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* wanted = static_cast<Verification*>(SSL_get_ex_data(ssl, verification_index()));
  if (wanted->skip) return 1;
  X509* leaf = X509_STORE_CTX_get0_cert(store);
  std::string failure = time_failure(leaf);
  if (failure.empty()) failure = host_failure(leaf, wanted->name);
  if (failure.empty() && X509_verify_cert(store) != 1) {
    int code = X509_STORE_CTX_get_error(store);
    failure = code == X509_V_ERR_CERT_HAS_EXPIRED || code == X509_V_ERR_CERT_NOT_YET_VALID
                  ? time_failure(X509_STORE_CTX_get_current_cert(store))
                  : "x509: certificate signed by unknown authority";
  }
  if (failure.empty()) return 1;
  if (X509_STORE_CTX_get_error(store) == X509_V_OK)
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
  *wanted->failure = std::move(failure);
  return 0;
}

Status load_files(SSL_CTX* context, const CheckTls& options) {
  if (options.ca_file.empty() && options.ca_path.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else {
    const char* file = options.ca_file.empty() ? nullptr : options.ca_file.c_str();
    const char* path = options.ca_path.empty() ? nullptr : options.ca_path.c_str();
    if (SSL_CTX_load_verify_locations(context, file, path) != 1)
      return fail("Error loading CA File: " + openssl_error(), ErrorKind::kIo);
  }
  if (options.cert_file.empty()) return {};
  if (SSL_CTX_use_certificate_chain_file(context, options.cert_file.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    return fail("Failed to load cert/key pair: " + openssl_error(), ErrorKind::kIo);
  return {};
}

}  // namespace

Result<TlsContextPtr> make_tls_context(const CheckTls& options, const std::vector<std::string>& alpn) {
  auto made = std::make_shared<TlsContext>();
  made->context = std::shared_ptr<SSL_CTX>(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (!made->context) return fail("TLS: " + openssl_error());
  SSL_CTX* context = made->context.get();
  SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  // Servers that close without a goodbye are common, and HTTP has its own end of message.
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  TRY(load_files(context, options));
  SSL_CTX_set_verify(context, options.skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context, verify, nullptr);
  std::string protocols;
  for (const std::string& name : alpn) protocols.append(1, static_cast<char>(name.size())).append(name);
  if (!protocols.empty())
    SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(protocols.data()),
                            static_cast<unsigned>(protocols.size()));
  made->skip_verify = options.skip_verify;
  made->server_name = options.server_name;
  return made;
}

Result<TlsContextPtr> TlsContexts::get(const CheckTls& options, const std::vector<std::string>& alpn) {
  Key key(options.skip_verify, options.server_name, options.ca_file, options.ca_path, options.cert_file,
          options.key_file, alpn);
  auto at = contexts_.find(key);
  if (at != contexts_.end()) return at->second;
  TRY_ASSIGN(TlsContextPtr made, make_tls_context(options, alpn));
  contexts_.emplace(std::move(key), made);
  return made;
}

std::shared_ptr<SSL> make_tls_session(const TlsContext& context, int fd, const std::string& name,
                                      std::string* failure) {
  std::shared_ptr<SSL> session(SSL_new(context.context.get()), SSL_free);
  if (!session) return nullptr;
  const std::string& wanted = context.server_name.empty() ? name : context.server_name;
  SSL_set_ex_data(session.get(), verification_index(),
                  new Verification{context.skip_verify, wanted, failure});
  SSL_set_fd(session.get(), fd);
  SSL_set_connect_state(session.get());
  ResolvedAddress address;
  if (!parse_ip(wanted, address)) SSL_set_tlsext_host_name(session.get(), wanted.c_str());
  return session;
}

}  // namespace praetor::agent
