#include "http/request_head.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "http/message.h"

namespace praetor::http {
namespace {

bool is_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [&](char c) { return is_alnum(c) || kMarks.find(c) != kMarks.npos; });
}

bool is_host(std::string_view text) {
  constexpr std::string_view kMarks = "!$%&'()*+,-.:;=[]_~";
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_alnum(c) || kMarks.find(c) != kMarks.npos; });
}

bool is_control(char c) { return (static_cast<uint8_t>(c) < 0x20 && c != '\t') || c == 0x7f; }

bool has_control(std::string_view text) { return std::any_of(text.begin(), text.end(), is_control); }

std::string_view take_line(std::string_view& head) {
  size_t end = std::min(head.find('\n'), head.size());
  std::string_view line = head.substr(0, end);
  head.remove_prefix(std::min(end + 1, head.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string answer(const std::string& status, std::string_view body) {
  return "HTTP/1.1 " + status + "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" +
         std::string(body);
}

std::string bad_request(std::string_view reason = {}) {
  std::string text = "400 Bad Request" + (reason.empty() ? "" : ": " + std::string(reason));
  return answer(text, text);
}

bool valid_target(std::string_view method, std::string_view target) {
  if (target.empty() || has_control(target)) return false;
  if (method == "CONNECT" || target == "*") return true;
  if (!target.starts_with('/') && target.find("://") == target.npos) return false;
  target = target.substr(0, target.find('?'));
  std::string ignored;
  return target.find('%') == target.npos || percent_decode(target, false, ignored);
}

struct Version {
  bool known = false;
  uint64_t major = 0, minor = 0;
};

Version parse_version(std::string_view text) {
  if (!text.starts_with("HTTP/")) return {};
  text.remove_prefix(5);
  size_t dot = text.find('.');
  if (dot == text.npos) return {};
  auto major = parse_uint(text.substr(0, dot)), minor = parse_uint(text.substr(dot + 1));
  if (!major || !minor) return {};
  return {true, *major, *minor};
}

// What is said of the fields, most telling first.
struct Fields {
  size_t hosts = 0;
  std::string host;
  bool malformed = false, bad_name = false, bad_value = false, bad_coding = false;

  void read(std::string_view head) {
    std::string* last_host = nullptr;
    for (bool first = true; !head.empty(); first = false) {
      std::string_view line = take_line(head);
      if (line.empty()) continue;
      if (line.front() == ' ' || line.front() == '\t') {  // goes on with the field before
        malformed = malformed || first;
        if (last_host) last_host->append(" ").append(trim(line));
        continue;
      }
      last_host = field(line);
    }
  }
  // The host, when that is what the line gives.
  std::string* field(std::string_view line) {
    size_t colon = line.find(':');
    if (colon == line.npos) {
      malformed = true;
      return nullptr;
    }
    std::string_view name = line.substr(0, colon), value = trim(line.substr(colon + 1));
    if (name.empty()) return nullptr;
    bad_name = bad_name || !is_token(name);
    bad_value = bad_value || has_control(value);
    if (equals_ignore_case(name, "Transfer-Encoding") && !equals_ignore_case(value, "chunked") &&
        !equals_ignore_case(value, "identity"))
      bad_coding = true;
    if (!equals_ignore_case(name, "Host")) return nullptr;
    ++hosts;
    host = value;
    return &host;
  }
};

struct RequestLine {
  std::string_view method;
  Version version;
};

// Nothing where Go gives up on the line alone.
std::optional<RequestLine> parse_request_line(std::string_view line) {
  size_t first = line.find(' '), second = first == line.npos ? first : line.find(' ', first + 1);
  if (second == line.npos) return std::nullopt;
  std::string_view method = line.substr(0, first), target = line.substr(first + 1, second - first - 1);
  Version version = parse_version(line.substr(second + 1));
  if (!is_token(method) || !version.known || !valid_target(method, target)) return std::nullopt;
  return RequestLine{method, version};
}

}  // namespace

std::string refuse_start(std::string_view input) {
  if (input.find('\n') == input.npos) return "";
  return parse_request_line(take_line(input)) ? "" : bad_request();
}

size_t find_head_end(std::string_view input, size_t& from) {
  for (size_t at = input.find('\n', from); at != input.npos; at = input.find('\n', at + 1)) {
    size_t next = at + 1;
    if (next < input.size() && input[next] == '\r') ++next;
    if (next >= input.size()) {
      from = at;
      return input.npos;
    }
    if (input[next] == '\n') return next + 1;
  }
  from = input.size();
  return input.npos;
}

std::string refuse_head(std::string_view head) {
  auto line = parse_request_line(take_line(head));
  if (!line) return bad_request();
  Fields fields;
  fields.read(head);
  if (fields.malformed) return bad_request();
  if (fields.bad_coding) return answer("501 Not Implemented", "Unsupported transfer encoding");
  if (line->version.major != 1) return bad_request("unsupported protocol version");
  if (fields.hosts == 0 && line->version.minor >= 1 && line->method != "CONNECT")
    return bad_request("missing required Host header");
  if (fields.hosts > 1) return bad_request("too many Host headers");
  if (!is_host(fields.host)) return bad_request("malformed Host header");
  if (fields.bad_name) return bad_request("invalid header name");
  if (fields.bad_value) return bad_request("invalid header value");
  return "";
}

bool is_lenient_head(std::string_view head) {
  if (head.find("\n:") != head.npos) return true;
  for (size_t at = head.find('\n'); at != head.npos; at = head.find('\n', at + 1))
    if (at == 0 || head[at - 1] != '\r') return true;
  return false;
}

std::string normal_head(std::string_view head) {
  std::string out;
  while (!head.empty()) {
    std::string_view line = take_line(head);
    if (!line.starts_with(':')) out.append(line).append("\r\n");
  }
  return out;
}

}  // namespace praetor::http
