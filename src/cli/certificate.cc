#include "cli/certificate.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>

#include "base/text.h"

namespace praetor::cli {
namespace {

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using CertPtr = std::unique_ptr<X509, Freer<X509_free>>;
using BioPtr = std::unique_ptr<BIO, Freer<BIO_free>>;
using BignumPtr = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;
using OctetsPtr = std::unique_ptr<ASN1_OCTET_STRING, Freer<ASN1_OCTET_STRING_free>>;
using KeyIdPtr = std::unique_ptr<AUTHORITY_KEYID, Freer<AUTHORITY_KEYID_free>>;

constexpr int64_t kSecondsPerDay = 24 * 60 * 60;
constexpr size_t kSerialBytes = 16;

std::unexpected<Error> tls_error(std::string_view what) {
  char text[256] = "";
  if (unsigned long code = ERR_get_error()) ERR_error_string_n(code, text, sizeof text);
  return fail(std::string(what) + (text[0] ? std::string(": ") + text : ""));
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

// What is being made, step by step; a step that fails makes the rest do nothing.
class Maker {
 public:
  Maker() : certificate_(X509_new()), key_(EVP_EC_gen("P-256")) {
    check(certificate_ && key_);
    check(X509_set_version(certificate_.get(), X509_VERSION_3));
    check(X509_set_pubkey(certificate_.get(), key_.get()));
    set_serial();
  }

  EVP_PKEY* key() const { return key_.get(); }
  X509* certificate() const { return certificate_.get(); }
  const std::string& serial() const { return serial_; }

  void set_validity(int64_t days) {
    time_t now = ::time(nullptr);
    check(ASN1_TIME_set(X509_getm_notBefore(certificate_.get()), now) != nullptr);
    check(ASN1_TIME_set(X509_getm_notAfter(certificate_.get()), now + days * kSecondsPerDay) != nullptr);
  }

  void set_subject(const std::string& common_name) {
    X509_NAME* name = X509_get_subject_name(certificate_.get());
    check(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(common_name.data()),
                                     static_cast<int>(common_name.size()), -1, 0));
  }

  void add(int nid, const std::string& value) {
    if (!good_) return;
    ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str()));
    check(extension && X509_add_ext(certificate_.get(), extension.get(), -1));
  }

  std::string own_key_id() const { return key_id(key_.get()); }

  // The identifiers of the own key, SHA-256 of the public key, and of the signer's.
  void add_key_ids(const std::string& signer) {
    std::string own = key_id(key_.get());
    OctetsPtr octets(ASN1_OCTET_STRING_new());
    check(octets && ASN1_OCTET_STRING_set(octets.get(), reinterpret_cast<const unsigned char*>(own.data()),
                                          static_cast<int>(own.size())));
    check(X509_add1_ext_i2d(certificate_.get(), NID_subject_key_identifier, octets.get(), 0, 0));
    KeyIdPtr authority(AUTHORITY_KEYID_new());
    if (signer.empty()) return;
    if (!authority) return check(false);
    authority->keyid = ASN1_OCTET_STRING_new();
    check(authority->keyid &&
          ASN1_OCTET_STRING_set(authority->keyid, reinterpret_cast<const unsigned char*>(signer.data()),
                                static_cast<int>(signer.size())));
    check(X509_add1_ext_i2d(certificate_.get(), NID_authority_key_identifier, authority.get(), 0, 0));
  }

  Result<CertificatePair> sign(X509_NAME* issuer, EVP_PKEY* signer) {
    check(X509_set_issuer_name(certificate_.get(), issuer));
    check(X509_sign(certificate_.get(), signer, EVP_sha256()) > 0);
    BioPtr certificate(BIO_new(BIO_s_mem()));
    BioPtr key(BIO_new(BIO_s_mem()));
    check(certificate && PEM_write_bio_X509(certificate.get(), certificate_.get()));
    // The form that Go's tools expect of an EC key, not PKCS #8.
    check(key &&
          PEM_write_bio_PrivateKey_traditional(key.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr));
    if (!good_) return tls_error("failed to make a certificate");
    return CertificatePair{text_of(certificate.get()), text_of(key.get())};
  }

 private:
  void check(bool done) { good_ = good_ && done; }
  void check(int done) { check(done != 0); }

  void set_serial() {
    unsigned char bytes[kSerialBytes];
    check(RAND_bytes(bytes, sizeof bytes));
    BignumPtr number(BN_bin2bn(bytes, sizeof bytes, nullptr));
    if (!number) return check(false);
    check(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate_.get())) != nullptr);
    if (char* text = BN_bn2dec(number.get())) {
      serial_ = text;
      OPENSSL_free(text);
    }
  }

  static std::string key_id(EVP_PKEY* key) {
    unsigned char* der = nullptr;
    int size = i2d_PUBKEY(key, &der);
    if (size <= 0) return "";
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(der, static_cast<size_t>(size), digest);
    OPENSSL_free(der);
    return std::string(reinterpret_cast<const char*>(digest), sizeof digest);
  }

  CertPtr certificate_;
  KeyPtr key_;
  std::string serial_;
  bool good_ = true;
};

// `DNS:a,DNS:b`; a name that could end the list early is refused.
Result<std::string> name_list(std::string_view kind, const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    if (name.empty() || name.find_first_of(",:\n\r") != std::string::npos)
      return fail("not a DNS name: " + go_quote(name));
    text += (text.empty() ? "" : ",") + std::string(kind) + name;
  }
  return text;
}

bool is_address(const std::string& text) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, text.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

}  // namespace

Result<CertificatePair> make_authority(int64_t days, const std::vector<std::string>& permitted) {
  TRY_ASSIGN(std::string constraints, name_list("permitted;DNS:", permitted));
  Maker maker;
  maker.set_validity(days);
  maker.set_subject("Consul Agent CA " + maker.serial());
  maker.add(NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign");
  maker.add(NID_basic_constraints, "critical,CA:TRUE");
  maker.add_key_ids(maker.own_key_id());
  if (!constraints.empty()) maker.add(NID_name_constraints, "critical," + constraints);
  return maker.sign(X509_get_subject_name(maker.certificate()), maker.key());
}

Result<CertificatePair> make_certificate(const CertificateWish& wish, const CertificatePair& authority) {
  for (const std::string& address : wish.addresses) {
    if (!is_address(address)) return fail("failed to parse certificate");
  }
  BioPtr certificate_text(
      BIO_new_mem_buf(authority.certificate.data(), static_cast<int>(authority.certificate.size())));
  BioPtr key_text(BIO_new_mem_buf(authority.key.data(), static_cast<int>(authority.key.size())));
  CertPtr signer(PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr));
  if (!signer) return tls_error("failed to read the CA's certificate");
  KeyPtr signer_key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
  if (!signer_key) return tls_error("failed to read the CA's key");
  if (X509_check_private_key(signer.get(), signer_key.get()) != 1)
    return tls_error("the CA's key is not the one of its certificate");

  TRY_ASSIGN(std::string names, name_list("DNS:", wish.dns_names));
  for (const std::string& address : wish.addresses) names += ",IP:" + address;
  Maker maker;
  maker.set_validity(wish.days);
  maker.set_subject(wish.common_name);
  maker.add(NID_key_usage, "critical,digitalSignature,keyEncipherment");
  if (!wish.uses.empty()) maker.add(NID_ext_key_usage, wish.uses);
  maker.add(NID_basic_constraints, "critical,CA:FALSE");
  // The authority may come from elsewhere and name its key in another way.
  const ASN1_OCTET_STRING* id = X509_get0_subject_key_id(signer.get());
  maker.add_key_ids(id ? std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(id)),
                                     static_cast<size_t>(ASN1_STRING_length(id)))
                       : "");
  maker.add(NID_subject_alt_name, names);
  return maker.sign(X509_get_subject_name(signer.get()), signer_key.get());
}

}  // namespace praetor::cli
