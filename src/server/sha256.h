// SHA-256 of what comes in pieces, over OpenSSL.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <string>
#include <string_view>

#include "base/text.h"

namespace praetor::server {

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context_, EVP_sha256(), nullptr); }
  ~Sha256() { EVP_MD_CTX_free(context_); }
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void add(std::string_view bytes) { EVP_DigestUpdate(context_, bytes.data(), bytes.size()); }
  std::string hex() {
    std::array<unsigned char, 32> digest;
    unsigned int size = digest.size();
    EVP_DigestFinal_ex(context_, digest.data(), &size);
    return hex_encode({reinterpret_cast<const char*>(digest.data()), size});
  }

 private:
  EVP_MD_CTX* context_;
};

}  // namespace praetor::server
