// TLS contexts of health checks, made once for equal options and shared; and the verification of a server's
// certificate with Go's error texts.
#pragma once

#include <openssl/types.h>

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "agent/check_spec.h"
#include "base/result.h"

namespace praetor::agent {

struct TlsContext {
  std::shared_ptr<SSL_CTX> context;
  bool skip_verify = false;
  std::string server_name;
};
using TlsContextPtr = std::shared_ptr<const TlsContext>;

// A context for clients. `alpn` lists the protocols to offer, first the preferred one.
Result<TlsContextPtr> make_tls_context(const CheckTls& options, const std::vector<std::string>& alpn);

// Keeps contexts by their options (reading the system's authorities takes milliseconds and megabytes).
class TlsContexts {
 public:
  Result<TlsContextPtr> get(const CheckTls& options, const std::vector<std::string>& alpn);
  // Files may have changed: the next get() reads them again.
  void clear() { contexts_.clear(); }

 private:
  using Key = std::tuple<bool, std::string, std::string, std::string, std::string, std::string,
                         std::vector<std::string>>;
  std::map<Key, TlsContextPtr> contexts_;
};

// One connection's session over a connected socket, set up to verify `name`. The text of a verification
// failure is written to *failure, which must outlive the session.
std::shared_ptr<SSL> make_tls_session(const TlsContext& context, int fd, const std::string& name,
                                      std::string* failure);

}  // namespace praetor::agent
