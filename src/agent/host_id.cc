#include "agent/host_id.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <cstdlib>
#include <fstream>

#include "base/text.h"

namespace praetor::agent {
namespace {

// A UUID's text from 32 digits.
std::string dashed(std::string_view digits) {
  return fmt::format("{}-{}-{}-{}-{}", digits.substr(0, 8), digits.substr(8, 4), digits.substr(12, 4),
                     digits.substr(16, 4), digits.substr(20, 12));
}

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

std::string machine_identity(const HostFolders& folders) {
  if (std::string product = first_line(folders.sys + "/class/dmi/id/product_uuid"); !product.empty())
    return to_lower(product);
  if (std::string machine = first_line(folders.etc + "/machine-id"); machine.size() == 32)
    return dashed(machine);
  return to_lower(first_line(folders.proc + "/sys/kernel/random/boot_id"));
}

}  // namespace

HostFolders HostFolders::from_environment() {
  HostFolders folders;
  auto take = [](const char* name, std::string& folder) {
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') folder = value;
  };
  take("HOST_SYS", folders.sys);
  take("HOST_ETC", folders.etc);
  take("HOST_PROC", folders.proc);
  return folders;
}

std::string host_node_id(const HostFolders& folders) {
  std::string identity = machine_identity(folders);
  if (identity.empty()) return "";
  // Hashed, for vendors give alike numbers to alike machines.
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(identity.data(), identity.size(), digest, &size, EVP_sha512(), nullptr);
  return dashed(hex_encode(std::string_view(reinterpret_cast<const char*>(digest), 16)));
}

}  // namespace praetor::agent
