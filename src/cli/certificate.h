// Makes X.509 certificates with ECDSA P-256 keys, as PEM. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace praetor::cli {

// Two PEM texts; the key is of the form `EC PRIVATE KEY`.
struct CertificatePair {
  std::string certificate;
  std::string key;
};

struct CertificateWish {
  std::string common_name;
  std::vector<std::string> dns_names;
  std::vector<std::string> addresses;  // IPv4 or IPv6; others are refused
  std::string uses;                    // extended key usage in OpenSSL's words, or empty
  int64_t days = 0;
};

// A certificate authority that signs itself. With `permitted` it may sign only for names at or below those.
Result<CertificatePair> make_authority(int64_t days, const std::vector<std::string>& permitted);

// A certificate signed by `authority`.
Result<CertificatePair> make_certificate(const CertificateWish& wish, const CertificatePair& authority);

}  // namespace praetor::cli
