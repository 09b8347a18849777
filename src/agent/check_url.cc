#include "agent/check_url.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "base/text.h"

namespace praetor::agent {

namespace {

bool is_unreserved(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("-_.~").find(c) != std::string_view::npos;
}

bool plain_in_path(char c) {
  return is_unreserved(c) || std::string_view("$&+,/:;=@").find(c) != std::string_view::npos;
}

std::string escape(std::string_view text, bool (*plain)(char)) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    if (plain(c)) {
      out += c;
    } else {
      auto byte = static_cast<unsigned char>(c);
      out.append(1, '%').append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
    }
  }
  return out;
}

Result<std::string> unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    auto byte = i + 2 < text.size() ? hex_decode(text.substr(i + 1, 2)) : Result<std::string>(fail(""));
    if (!byte) return fail("invalid URL escape " + go_quote(text.substr(i, 3)));
    out += *byte;
    i += 2;
  }
  return out;
}

Result<std::string> unescape_host(std::string_view text) {
  TRY_ASSIGN(std::string host, unescape(text));
  for (char c : text) {
    bool known =
        is_unreserved(c) || std::string_view("!$&'()*+,;=:[]<>\"%").find(c) != std::string_view::npos;
    if (!known && static_cast<unsigned char>(c) < 0x80)
      return fail("invalid character " + go_quote(std::string_view(&c, 1)) + " in host name");
  }
  return host;
}

bool valid_optional_port(std::string_view port) {
  if (port.empty()) return true;
  return port[0] == ':' && port.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

Result<std::string> parse_host(std::string_view host) {
  std::string_view port;
  if (host.starts_with('[')) {
    size_t end = host.rfind(']');
    if (end == std::string_view::npos) return fail("missing ']' in host");
    port = host.substr(end + 1);
  } else if (size_t colon = host.rfind(':'); colon != std::string_view::npos) {
    port = host.substr(colon);
  }
  if (!valid_optional_port(port)) return fail("invalid port " + go_quote(port) + " after host");
  return unescape_host(host);
}

bool valid_user_info(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_unreserved(c) || std::string_view(":!$&'()*+,;=%@").find(c) != std::string_view::npos;
  });
}

Status parse_authority(std::string_view authority, Url& url) {
  size_t at = authority.rfind('@');
  TRY_ASSIGN(url.host, parse_host(at == std::string_view::npos ? authority : authority.substr(at + 1)));
  if (at == std::string_view::npos) return {};
  std::string_view info = authority.substr(0, at);
  if (!valid_user_info(info)) return fail("net/url: invalid userinfo");
  url.has_user = true;
  size_t colon = info.find(':');
  TRY_ASSIGN(url.user, unescape(info.substr(0, colon)));
  if (colon == std::string_view::npos) return {};
  url.has_password = true;
  TRY_ASSIGN(url.password, unescape(info.substr(colon + 1)));
  return {};
}

// "http://x" -> "http"; nothing when the text starts with no scheme.
Result<std::string_view> scheme_of(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (std::isalpha(static_cast<unsigned char>(c)) != 0) continue;
    if (c == ':') {
      if (i == 0) return fail("missing protocol scheme");
      return text.substr(0, i);
    }
    bool inner = std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '-' || c == '.';
    if (!inner || i == 0) break;
  }
  return std::string_view();
}

Status parse_into(std::string_view rest, Url& url) {
  for (char c : rest)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return fail("net/url: invalid control character in URL");
  if (size_t hash = rest.find('#'); hash != std::string_view::npos) {
    TRY_ASSIGN(url.fragment, unescape(rest.substr(hash + 1)));
    rest = rest.substr(0, hash);
  }
  TRY_ASSIGN(std::string_view scheme, scheme_of(rest));
  if (!scheme.empty()) rest.remove_prefix(scheme.size() + 1);
  url.scheme = to_lower(scheme);
  if (size_t mark = rest.find('?'); mark != std::string_view::npos) {
    url.raw_query = rest.substr(mark + 1);
    url.force_query = url.raw_query.empty();
    rest = rest.substr(0, mark);
  }
  if (!rest.starts_with('/')) {
    if (!url.scheme.empty()) {
      url.opaque = rest;
      return {};
    }
    size_t colon = rest.find(':');
    if (colon != std::string_view::npos && colon < rest.find('/'))
      return fail("first path segment in URL cannot contain colon");
  }
  if (rest.starts_with("//") && (!url.scheme.empty() || !rest.starts_with("///"))) {
    size_t end = std::min(rest.find('/', 2), rest.size());
    TRY(parse_authority(rest.substr(2, end - 2), url));
    rest.remove_prefix(end);
  }
  TRY_ASSIGN(url.path, unescape(rest));
  if (escape(url.path, plain_in_path) != rest) url.raw_path = rest;
  return {};
}

// Joins and removes the dot segments.
std::string resolve_path(std::string_view base, std::string_view reference) {
  std::string full;
  if (reference.empty()) {
    full = base;
  } else if (reference[0] != '/') {
    full = std::string(base.substr(0, base.rfind('/') + 1)) + std::string(reference);
  } else {
    full = reference;
  }
  if (full.empty()) return "";
  std::vector<std::string> kept;
  std::vector<std::string_view> pieces = split(full, '/');
  for (std::string_view piece : pieces) {
    if (piece == ".") continue;
    if (piece != "..") {
      kept.emplace_back(piece);
    } else if (!kept.empty()) {
      kept.pop_back();
    }
  }
  if (pieces.back() == "." || pieces.back() == "..") kept.emplace_back("");
  std::string path = join(kept, "/");
  return "/" + (path.starts_with('/') ? path.substr(1) : path);
}

void set_path(Url& url, const std::string& escaped) {
  auto decoded = unescape(escaped);
  url.path = decoded ? *decoded : escaped;
  url.raw_path = escape(url.path, plain_in_path) == escaped ? "" : escaped;
}

}  // namespace

std::string Url::hostname() const {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.rfind(':'));
}

std::string Url::port() const {
  size_t colon = host.rfind(':');
  if (colon == std::string::npos || host.find(']', colon) != std::string::npos) return "";
  return host.substr(colon + 1);
}

std::string Url::escaped_path() const {
  // What was written stays, unless it holds something that must be escaped.
  bool valid = !raw_path.empty() && std::all_of(raw_path.begin(), raw_path.end(), [](char c) {
    return plain_in_path(c) || std::string_view("!'()*[]%").find(c) != std::string_view::npos;
  });
  if (valid) return raw_path;
  return path == "*" ? path : escape(path, plain_in_path);
}

std::string Url::request_target() const {
  std::string target = opaque.empty() ? escaped_path() : opaque;
  if (target.empty()) target = "/";
  if (opaque.starts_with("//")) target = scheme + ":" + target;
  if (force_query || !raw_query.empty()) target += "?" + raw_query;
  return target;
}

std::string Url::text() const {
  std::string out;
  if (!scheme.empty()) out = scheme + ":";
  if (!opaque.empty()) {
    out += opaque;
  } else {
    if (!scheme.empty() || !host.empty() || has_user) {
      if (!host.empty() || !path.empty() || has_user) out += "//";
      if (has_user) {
        out += escape(user, is_unreserved);
        if (has_password) out += ":***";
        out += "@";
      }
      out += host;
    }
    std::string escaped = escaped_path();
    if (!escaped.empty() && escaped[0] != '/' && !host.empty()) out += "/";
    out += escaped;
  }
  if (force_query || !raw_query.empty()) out += "?" + raw_query;
  if (!fragment.empty())
    out += "#" + escape(fragment, [](char c) {
             return plain_in_path(c) || std::string_view("!()*?").find(c) != std::string_view::npos;
           });
  return out;
}

Result<Url> parse_url(std::string_view text) {
  Url url;
  if (auto parsed = parse_into(text, url); !parsed)
    return fail("parse " + go_quote(text) + ": " + parsed.error().message, ErrorKind::kBadRequest);
  return url;
}

Url resolve_url(const Url& base, const Url& reference) {
  Url url = reference;
  if (reference.scheme.empty()) url.scheme = base.scheme;
  if (!reference.scheme.empty() || !reference.host.empty() || reference.has_user) {
    set_path(url, resolve_path(reference.escaped_path(), ""));
    return url;
  }
  if (!reference.opaque.empty()) {
    url.has_user = false;
    url.host.clear();
    url.path.clear();
    return url;
  }
  if (reference.path.empty() && reference.raw_query.empty()) {
    url.raw_query = base.raw_query;
    if (reference.fragment.empty()) url.fragment = base.fragment;
  }
  url.host = base.host;
  url.has_user = base.has_user;
  url.has_password = base.has_password;
  url.user = base.user;
  url.password = base.password;
  set_path(url, resolve_path(base.escaped_path(), reference.escaped_path()));
  return url;
}

}  // namespace praetor::agent
