// tls ca create, tls cert create: certificates for the agents' own TLS.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "cli/certificate.h"
#include "cli/command.h"
#include "cli/commands.h"

namespace praetor::cli {
namespace {

constexpr int64_t kAuthorityDays = 1825;
constexpr int64_t kCertificateDays = 365;
constexpr mode_t kPublicMode = 0644;
constexpr mode_t kSecretMode = 0600;

bool exists(const std::string& path) {
  struct stat status;
  return ::stat(path.c_str(), &status) == 0;
}

// Never over a file that is there.
Status write_new(const std::string& path, const std::string& text, mode_t mode) {
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return std::unexpected(io_error("open " + path, errno));
  bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  int problem = errno;
  ::close(fd);
  if (!written) return std::unexpected(io_error("write " + path, problem));
  return {};
}

int refuse(const std::string& message, Ui& ui) {
  ui.error(message);
  return 1;
}

// Writes a certificate and its key and tells so.
int save(const std::string& file, const std::string& key_file, const CertificatePair& pair, Ui& ui) {
  if (Status status = write_new(file, pair.certificate, kPublicMode); !status)
    return refuse(status.error().message, ui);
  ui.print("==> Saved " + file);
  if (Status status = write_new(key_file, pair.key, kSecretMode); !status)
    return refuse(status.error().message, ui);
  ui.print("==> Saved " + key_file);
  return 0;
}

class TlsCommand : public FlagCommand {
 protected:
  explicit TlsCommand(std::string_view usage) : FlagCommand(usage, HttpFlagSet::kNone) {
    tell_flag_failure(kFailedToParseArgs);
  }
};

class AuthorityCreate final : public TlsCommand {
 public:
  AuthorityCreate()
      : TlsCommand(R"(
Usage: praetor tls ca create [options]

  Makes a certificate authority: consul-agent-ca.pem and, to be kept secret,
  consul-agent-ca-key.pem, in the current directory.
)") {
    flags_.add_list(
        "additional-name-constraint", &constraints_,
        "Further name that certificates may be for. May be given several times. Needs -name-constraint.");
    flags_.add_int("days", &days_, "How many days from now the certificate is valid.");
    flags_.add_string("domain", &domain_, "Domain of the cluster.");
    flags_.add_bool("name-constraint", &constrain_,
                    "Restricts the authority to names below the domain, and localhost.");
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    std::string file = domain_ + "-agent-ca.pem";
    std::string key_file = domain_ + "-agent-ca-key.pem";
    for (const std::string& each : {file, key_file}) {
      if (exists(each)) return refuse(each + " already exists.", ui);
    }
    std::vector<std::string> names;
    if (constrain_) {
      names = constraints_;
      names.push_back(domain_);
      names.emplace_back("localhost");
    }
    auto pair = make_authority(days_, names);
    if (!pair) return refuse(pair.error().message, ui);
    return save(file, key_file, *pair, ui);
  }

  std::vector<std::string> constraints_;
  int64_t days_ = kAuthorityDays;
  std::string domain_ = "consul";
  bool constrain_ = false;
};

class CertificateCreate final : public TlsCommand {
 public:
  CertificateCreate()
      : TlsCommand(R"(
Usage: praetor tls cert create [options]

  Makes a certificate for a server, a client or a command line, signed by the
  authority of "praetor tls ca create", in the current directory.

      $ praetor tls cert create -server
      $ praetor tls cert create -client
)") {
    flags_.add_list(
        "additional-dnsname", &names_,
        "Further DNS name that the certificate is for, besides localhost. May be given several times.");
    flags_.add_list(
        "additional-ipaddress", &addresses_,
        "Further address that the certificate is for, besides 127.0.0.1. May be given several times.");
    flags_.add_string("ca", &ca_, "File of the authority's certificate.");
    flags_.add_bool("cli", &cli_, "Makes a certificate for the command line.");
    flags_.add_bool("client", &client_, "Makes a client's certificate.");
    flags_.add_int("days", &days_, "How many days from now the certificate is valid.");
    flags_.add_string("dc", &datacenter_, "Datacenter of the server.");
    flags_.add_string("domain", &domain_, "Domain of the cluster.");
    flags_.add_string("key", &key_, "File of the authority's key.");
    flags_.add_string("node", &node_,
                      "Name of the server's node: <node>.server.<datacenter>.<domain> is added.");
    flags_.add_bool("server", &server_, "Makes a server's certificate.");
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (ca_.empty()) return refuse("Please provide the ca", ui);
    if (key_.empty()) return refuse("Please provide the key", ui);
    if (server_ + client_ + cli_ != 1) return refuse("Please provide either -server, -client, or -cli", ui);
    if (!node_.empty() && !server_) return refuse("-node requires -server", ui);
    CertificateWish wish = describe();
    std::string role = server_ ? "server" : client_ ? "client" : "cli";
    std::string prefix = datacenter_ + "-" + role + "-" + domain_;
    int number = 0;
    while (exists(fmt::format("{}-{}.pem", prefix, number)) ||
           exists(fmt::format("{}-{}-key.pem", prefix, number)))
      ++number;
    std::string file = fmt::format("{}-{}.pem", prefix, number);
    std::string key_file = fmt::format("{}-{}-key.pem", prefix, number);
    std::string ca_file = with_domain(ca_);
    std::string ca_key_file = with_domain(key_);
    auto authority = read_file(ca_file);
    if (!authority) return refuse("Error reading CA: " + authority.error().message, ui);
    auto key = read_file(ca_key_file);
    if (!key) return refuse("Error reading CA key: " + key.error().message, ui);
    if (server_) {
      ui.print(
          "==> WARNING: with this certificate and its key a machine can act as a\n"
          "    server: it sees all of the cluster's state, keys and tokens included.\n"
          "    Keep them like the authority's own key, on servers only.");
    }
    ui.print("==> Using " + ca_file + " and " + ca_key_file);
    auto pair = make_certificate(wish, {*authority, *key});
    if (!pair) return refuse(pair.error().message, ui);
    return save(file, key_file, *pair, ui);
  }

  CertificateWish describe() const {
    CertificateWish wish;
    wish.days = days_;
    wish.dns_names = names_;
    wish.addresses = addresses_;
    std::string role = server_ ? "server" : client_ ? "client" : "cli";
    wish.common_name = role + "." + datacenter_ + "." + domain_;
    if (!node_.empty()) wish.dns_names.push_back(node_ + "." + wish.common_name);
    wish.dns_names.push_back(wish.common_name);
    wish.dns_names.emplace_back("localhost");
    if (!cli_) wish.addresses.emplace_back("127.0.0.1");
    if (server_) wish.uses = "serverAuth,clientAuth";
    if (client_) wish.uses = "clientAuth,serverAuth";
    return wish;
  }

  // The default names of files have a place for the domain.
  std::string with_domain(std::string file) const {
    constexpr std::string_view kMark = "#DOMAIN#";
    for (size_t at; (at = file.find(kMark)) != std::string::npos;) file.replace(at, kMark.size(), domain_);
    return file;
  }

  std::vector<std::string> names_, addresses_;
  std::string ca_ = "#DOMAIN#-agent-ca.pem";
  std::string key_ = "#DOMAIN#-agent-ca-key.pem";
  bool cli_ = false, client_ = false, server_ = false;
  int64_t days_ = kCertificateDays;
  std::string datacenter_ = "dc1";
  std::string domain_ = "consul";
  std::string node_;
};

}  // namespace

CommandPtr make_tls_ca_create() { return std::make_unique<AuthorityCreate>(); }
CommandPtr make_tls_cert_create() { return std::make_unique<CertificateCreate>(); }

}  // namespace praetor::cli
