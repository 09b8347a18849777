// Certificates as OpenSSL reads them back.
#include "cli/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

namespace praetor::cli {
namespace {

using testing::StartsWith;

struct X509Free {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Parsed = std::unique_ptr<X509, X509Free>;

Parsed parse(const std::string& pem) {
  BIO* text = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  Parsed certificate(PEM_read_bio_X509(text, nullptr, nullptr, nullptr));
  BIO_free(text);
  return certificate;
}

// Whether OpenSSL, asked as a TLS client for `host`, accepts the certificate under the authority.
bool accepted(X509* certificate, X509* authority, const char* host) {
  X509_STORE* store = X509_STORE_new();
  X509_STORE_add_cert(store, authority);
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, certificate, nullptr);
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context);
  X509_VERIFY_PARAM_set1_host(parameters, host, 0);
  X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
  bool good = X509_verify_cert(context) == 1;
  X509_STORE_CTX_free(context);
  X509_STORE_free(store);
  return good;
}

CertificateWish server_wish(std::vector<std::string> names) {
  CertificateWish wish;
  wish.common_name = names[0];
  wish.dns_names = std::move(names);
  wish.addresses = {"127.0.0.1"};
  wish.uses = "serverAuth,clientAuth";
  wish.days = 10;
  return wish;
}

TEST(CertificateTest, AnAuthoritySignsWhatClientsAccept) {
  auto authority = make_authority(30, {});
  ASSERT_TRUE(authority) << authority.error().message;
  EXPECT_THAT(authority->key, StartsWith("-----BEGIN EC PRIVATE KEY-----"));
  auto pair = make_certificate(server_wish({"server.dc1.consul", "localhost"}), *authority);
  ASSERT_TRUE(pair) << pair.error().message;
  Parsed signer = parse(authority->certificate);
  Parsed server = parse(pair->certificate);
  ASSERT_TRUE(signer && server);
  EXPECT_TRUE(accepted(server.get(), signer.get(), "server.dc1.consul"));
  EXPECT_TRUE(accepted(server.get(), signer.get(), "localhost"));
  EXPECT_FALSE(accepted(server.get(), signer.get(), "other.dc1.consul"));
  EXPECT_EQ(X509_check_ip_asc(server.get(), "127.0.0.1", 0), 1);
  EXPECT_EQ(ASN1_STRING_length(X509_get0_subject_key_id(server.get())), 32);
  EXPECT_EQ(EVP_PKEY_get_bits(X509_get0_pubkey(server.get())), 256);
}

TEST(CertificateTest, AConstrainedAuthorityIsBoundToItsNames) {
  auto authority = make_authority(30, {"consul", "localhost"});
  ASSERT_TRUE(authority) << authority.error().message;
  Parsed signer = parse(authority->certificate);
  auto inside = make_certificate(server_wish({"server.dc1.consul"}), *authority);
  auto outside = make_certificate(server_wish({"server.example"}), *authority);
  ASSERT_TRUE(inside && outside);
  EXPECT_TRUE(accepted(parse(inside->certificate).get(), signer.get(), "server.dc1.consul"));
  EXPECT_FALSE(accepted(parse(outside->certificate).get(), signer.get(), "server.example"));
}

TEST(CertificateTest, RefusesWhatWouldBeAnotherName) {
  auto authority = make_authority(30, {});
  ASSERT_TRUE(authority);
  EXPECT_FALSE(make_certificate(server_wish({"a,DNS:b"}), *authority));
  EXPECT_FALSE(make_authority(1, {"a,permitted;DNS:b"}));
  auto other = make_authority(30, {});
  EXPECT_FALSE(make_certificate(server_wish({"a"}), {authority->certificate, other->key}));
  CertificateWish wish = server_wish({"a"});
  wish.addresses = {"nonsense"};
  EXPECT_FALSE(make_certificate(wish, *authority));
}

}  // namespace
}  // namespace praetor::cli
