#include "gossip/keyring.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/check.h"
#include "base/random.h"
#include "base/text.h"
#include "codec/json.h"

namespace praetor::gossip {

namespace {

constexpr size_t kNonceBytes = 12, kTagBytes = 16, kBlockBytes = 16, kHeadBytes = 1 + kNonceBytes;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

EVP_CIPHER_CTX* cipher_context() {
  static thread_local std::unique_ptr<EVP_CIPHER_CTX, FreeContext> context(EVP_CIPHER_CTX_new());
  CHECK(context != nullptr);
  EVP_CIPHER_CTX_reset(context.get());
  return context.get();
}

const EVP_CIPHER* cipher_of(std::string_view key) {
  return key.size() == 16 ? EVP_aes_128_gcm() : key.size() == 24 ? EVP_aes_192_gcm() : EVP_aes_256_gcm();
}

const unsigned char* in(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* into(char* bytes) { return reinterpret_cast<unsigned char*>(bytes); }
int size_of(std::string_view bytes) { return static_cast<int>(bytes.size()); }

std::optional<std::string> decrypt(std::string_view key, std::string_view nonce, std::string_view text,
                                   std::string_view tag, std::string_view context) {
  EVP_CIPHER_CTX* cipher = cipher_context();
  std::string plain(text.size(), '\0');
  int written = 0;
  bool good =
      EVP_DecryptInit_ex(cipher, cipher_of(key), nullptr, in(key), in(nonce)) == 1 &&
      (context.empty() || EVP_DecryptUpdate(cipher, nullptr, &written, in(context), size_of(context)) == 1) &&
      EVP_DecryptUpdate(cipher, into(plain.data()), &written, in(text), size_of(text)) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, kTagBytes, const_cast<char*>(tag.data())) == 1;
  if (!good) return std::nullopt;
  int last = 0;
  if (EVP_DecryptFinal_ex(cipher, into(plain.data()) + written, &last) != 1) return std::nullopt;
  return plain;
}

}  // namespace

size_t encryption_overhead(uint8_t version) {
  return kHeadBytes + kTagBytes + (version == kPaddedEncryption ? kBlockBytes : 0);
}

size_t sealed_length(uint8_t version, size_t length) {
  size_t padding = version == kPaddedEncryption ? kBlockBytes - length % kBlockBytes : 0;
  return kHeadBytes + length + padding + kTagBytes;
}

Status validate_key(std::string_view key) {
  if (key.size() != 16 && key.size() != 24 && key.size() != 32)
    return fail("key size must be 16, 24 or 32 bytes", ErrorKind::kBadRequest);
  return {};
}

Result<Keyring> Keyring::make(const std::vector<std::string>& keys, const std::string& primary) {
  Keyring ring;
  if (keys.empty() && primary.empty()) return ring;
  if (primary.empty()) return fail("Empty primary key not allowed", ErrorKind::kBadRequest);
  TRY(ring.add(primary));
  for (const std::string& key : keys) TRY(ring.add(key));
  return ring;
}

Result<Keyring> Keyring::from_json(std::string_view text) {
  TRY_ASSIGN(auto encoded, codec::from_json<codec::List<std::string>>(text));
  std::vector<std::string> keys;
  for (const std::string& key : encoded) {
    TRY_ASSIGN(keys.emplace_back(), base64_decode(key));
  }
  if (keys.empty()) return fail("no keys present in keyring file", ErrorKind::kCorrupt);
  return make(keys, keys.front());
}

std::string Keyring::to_json() const {
  std::string out = "[";
  for (const std::string& key : keys_) {
    out += out.size() == 1 ? "\n" : ",\n";
    out += "  \"" + base64_encode(key) + "\"";
  }
  return out += "\n]";
}

Status Keyring::add(std::string_view key) {
  TRY(validate_key(key));
  if (std::ranges::find(keys_, key) != keys_.end()) return {};
  if (keys_.size() >= kMaxKeys) return fail("too many keys on the keyring", ErrorKind::kTooLarge);
  keys_.emplace_back(key);
  return {};
}

Status Keyring::use(std::string_view key) {
  auto at = std::ranges::find(keys_, key);
  if (at == keys_.end()) return fail("Requested key is not in the keyring", ErrorKind::kBadRequest);
  std::rotate(keys_.begin(), at, at + 1);
  return {};
}

Status Keyring::remove(std::string_view key) {
  if (!keys_.empty() && keys_.front() == key)
    return fail("Removing the primary key is not allowed", ErrorKind::kBadRequest);
  std::erase(keys_, key);
  return {};
}

std::string Keyring::seal(uint8_t version, std::string_view message, std::string_view context) const {
  CHECK(!keys_.empty());
  std::string out;
  out.reserve(sealed_length(version, message.size()));
  out.push_back(static_cast<char>(version));
  out += secure_random_bytes(kNonceBytes);
  std::string padded;
  if (version == kPaddedEncryption) {
    size_t padding = kBlockBytes - message.size() % kBlockBytes;
    padded.reserve(message.size() + padding);
    padded.append(message).append(padding, static_cast<char>(padding));
    message = padded;
  }
  out.resize(kHeadBytes + message.size() + kTagBytes);

  EVP_CIPHER_CTX* cipher = cipher_context();
  int written = 0, last = 0;
  const std::string& key = primary();
  CHECK(EVP_EncryptInit_ex(cipher, cipher_of(key), nullptr, in(key), in(out) + 1) == 1);
  if (!context.empty())
    CHECK(EVP_EncryptUpdate(cipher, nullptr, &written, in(context), size_of(context)) == 1);
  CHECK(EVP_EncryptUpdate(cipher, into(out.data()) + kHeadBytes, &written, in(message), size_of(message)) ==
        1);
  CHECK(EVP_EncryptFinal_ex(cipher, into(out.data()) + kHeadBytes + written, &last) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, kTagBytes,
                            out.data() + kHeadBytes + message.size()) == 1);
  return out;
}

Result<std::string> Keyring::open(std::string_view sealed, std::string_view context) const {
  if (sealed.empty()) return fail("Cannot decrypt empty payload", ErrorKind::kCorrupt);
  auto version = static_cast<uint8_t>(sealed.front());
  if (version > kPlainEncryption)
    return fail("Unsupported encryption version " + std::to_string(version), ErrorKind::kCorrupt);
  if (sealed.size() < sealed_length(version, 0))
    return fail("Payload is too small to decrypt: " + std::to_string(sealed.size()), ErrorKind::kCorrupt);
  std::string_view nonce = sealed.substr(1, kNonceBytes), tag = sealed.substr(sealed.size() - kTagBytes);
  std::string_view text = sealed.substr(kHeadBytes, sealed.size() - kHeadBytes - kTagBytes);
  for (const std::string& key : keys_) {
    std::optional<std::string> plain = decrypt(key, nonce, text, tag, context);
    if (!plain) continue;
    if (version == kPaddedEncryption) {
      size_t padding = plain->empty() ? 0 : static_cast<uint8_t>(plain->back());
      if (padding == 0 || padding > kBlockBytes || padding > plain->size())
        return fail("bad padding", ErrorKind::kCorrupt);
      plain->resize(plain->size() - padding);
    }
    return std::move(*plain);
  }
  return fail("No installed keys could decrypt the message", ErrorKind::kCorrupt);
}

}  // namespace praetor::gossip
