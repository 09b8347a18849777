// URLs of HTTP checks, read and printed as Go's net/url does (its texts reach users). Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace praetor::agent {

struct Url {
  std::string scheme;  // lower case
  std::string opaque;  // of scheme:opaque
  bool has_user = false;
  bool has_password = false;
  std::string user;  // decoded
  std::string password;
  std::string host;          // host or host:port, as written
  std::string path;          // decoded
  std::string raw_path;      // when the usual encoding of `path` differs from what was written
  bool force_query = false;  // a `?` with nothing behind it
  std::string raw_query;
  std::string fragment;

  std::string hostname() const;  // without port and brackets
  std::string port() const;
  std::string escaped_path() const;
  std::string request_target() const;  // what the request line carries
  // As errors show it: a password becomes ***.
  std::string text() const;
  bool absolute() const { return !scheme.empty(); }
};

// Errors: `parse "x": first path segment in URL cannot contain colon`, `parse "x": invalid port ":y" after
// host`…
Result<Url> parse_url(std::string_view text);
// What `reference` means on a page at `base` (RFC 3986).
Url resolve_url(const Url& base, const Url& reference);

}  // namespace praetor::agent
