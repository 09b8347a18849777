#include "agent/check_tls.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>

#include "agent/check_test_server.h"

namespace praetor::agent {
namespace {

struct Certificate {
  std::shared_ptr<X509> certificate;
  std::shared_ptr<EVP_PKEY> key;
};

// A self-signed certificate; `days` below zero has expired.
Certificate make_certificate(const std::string& names, int days = 1) {
  Certificate made;
  made.key.reset(EVP_EC_gen("P-256"), EVP_PKEY_free);
  made.certificate.reset(X509_new(), X509_free);
  X509* certificate = made.certificate.get();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -10 * 86400);
  X509_gmtime_adj(X509_getm_notAfter(certificate), days * 86400);
  X509_set_pubkey(certificate, made.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  if (!names.empty()) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(certificate, made.key.get(), EVP_sha256());
  return made;
}

// Answers one HTTP request a connection.
class TlsServer {
 public:
  explicit TlsServer(const Certificate& certificate)
      : context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free), server_([this](int fd) { serve(fd); }) {
    SSL_CTX_use_certificate(context_.get(), certificate.certificate.get());
    SSL_CTX_use_PrivateKey(context_.get(), certificate.key.get());
  }
  std::string url(const std::string& host) const {
    return "https://" + host + ":" + std::to_string(server_.port()) + "/";
  }

 private:
  void serve(int fd) {
    std::shared_ptr<SSL> session(SSL_new(context_.get()), SSL_free);
    SSL_set_fd(session.get(), fd);
    char buffer[4096];
    if (SSL_accept(session.get()) != 1 || SSL_read(session.get(), buffer, sizeof buffer) <= 0) return;
    std::string reply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    SSL_write(session.get(), reply.data(), static_cast<int>(reply.size()));
    SSL_shutdown(session.get());
  }

  std::shared_ptr<SSL_CTX> context_;
  TestServer server_;
};

struct TlsCheck : ProbeFixture {
  CheckResult get(const std::string& url, const CheckTls& options = {}) {
    CheckSpec spec;
    spec.http = url;
    spec.tls = options;
    return probe(make_http_probe, spec);
  }
  static std::string failed(const std::string& url, const std::string& why) {
    return "Get \"" + url + "\": " + why;
  }
};

// The texts are those that Consul 1.8.7 gave for such certificates.
TEST_F(TlsCheck, UnknownAuthorityUnlessSkipped) {
  TlsServer server(make_certificate("DNS:localhost,IP:127.0.0.1"));
  std::string url = server.url("127.0.0.1");
  EXPECT_EQ(get(url).output, failed(url, "x509: certificate signed by unknown authority"));
  EXPECT_EQ(get(url, {.skip_verify = true}).output, "HTTP GET " + url + ": 200 OK Output: hello");
}

TEST_F(TlsCheck, NamesOfTheCertificate) {
  TlsServer none(make_certificate(""));
  EXPECT_EQ(get(none.url("127.0.0.1")).output,
            failed(none.url("127.0.0.1"),
                   "x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs"));
  EXPECT_EQ(get(none.url("localhost")).output,
            failed(none.url("localhost"),
                   "x509: certificate is not valid for any names, but wanted to match localhost"));
  TlsServer names(make_certificate("DNS:a.example,DNS:*.b.example"));
  EXPECT_EQ(
      get(names.url("localhost")).output,
      failed(names.url("localhost"), "x509: certificate is valid for a.example, *.b.example, not localhost"));
  TlsServer addresses(make_certificate("IP:10.1.2.3,IP:::1"));
  EXPECT_EQ(
      get(addresses.url("127.0.0.1")).output,
      failed(addresses.url("127.0.0.1"), "x509: certificate is valid for 10.1.2.3, ::1, not 127.0.0.1"));
}

TEST_F(TlsCheck, Expired) {
  TlsServer server(make_certificate("DNS:localhost", -1));
  std::string url = server.url("localhost");
  EXPECT_TRUE(get(url).output.starts_with(
      failed(url, "x509: certificate has expired or is not yet valid: current time ")));
}

TEST_F(TlsCheck, OwnAuthorityAndServerName) {
  Certificate certificate = make_certificate("DNS:server.dc1.consul");
  char path[] = "/tmp/praetor-check-ca-XXXXXX";
  int fd = ::mkstemp(path);
  ASSERT_GE(fd, 0);
  FILE* file = ::fdopen(fd, "w");
  PEM_write_X509(file, certificate.certificate.get());
  std::fclose(file);
  TlsServer server(certificate);
  EXPECT_EQ(get(server.url("127.0.0.1"), {.server_name = "server.dc1.consul", .ca_file = path}).status,
            CheckStatus::kPassing);
  ::unlink(path);
  EXPECT_EQ(get(server.url("127.0.0.1"), {.ca_file = "/nonexistent/ca.pem"}).status, CheckStatus::kCritical);
}

TEST_F(TlsCheck, PlainServer) {
  TestServer plain([](int fd) {
    char buffer[16];
    ::recv(fd, buffer, sizeof buffer, 0);
    send_all(fd, "HTTP/1.0 400 Bad Request\r\n\r\n");
  });
  std::string url = "https://" + plain.address() + "/";
  EXPECT_EQ(get(url).output, failed(url, "http: server gave HTTP response to HTTPS client"));
}

}  // namespace
}  // namespace praetor::agent
