#include "http/response_head.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "base/text.h"

namespace praetor::http {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 301:
      return "Moved Permanently";
    case 206:
      return "Partial Content";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Request Entity Too Large";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Requested Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

const std::string& http_date() {
  thread_local std::time_t last = 0;
  thread_local std::string text;
  std::time_t now = std::time(nullptr);
  if (now != last || text.empty()) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    std::array<char, 64> buffer;
    std::strftime(buffer.data(), buffer.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    text = buffer.data();
    last = now;
  }
  return text;
}

namespace {

constexpr size_t kUsualHeadBytes = 512;

void line(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string_view sniff_type(std::string_view body) {
  if (body.starts_with("\x1f\x8b\x08")) return "application/x-gzip";
  for (char c : body.substr(0, 512)) {
    auto byte = static_cast<uint8_t>(c);
    if (byte <= 0x08 || byte == 0x0b || (byte >= 0x0e && byte <= 0x1a) || (byte >= 0x1c && byte <= 0x1f))
      return "application/octet-stream";
  }
  if (size_t start = body.find_first_not_of(" \t\r\n"); start != body.npos && body[start] == '<')
    if (to_lower(body.substr(start, 14)).starts_with("<!doctype html") ||
        to_lower(body.substr(start, 5)) == "<html")
      return "text/html; charset=utf-8";
  return "text/plain; charset=utf-8";
}

void append_head(std::string& out, Response& response, size_t content_length, const HeadOptions& options) {
  out.reserve(out.size() + kUsualHeadBytes);
  out.append(options.http_1_0 ? "HTTP/1.0 " : "HTTP/1.1 ");
  out.append(std::to_string(response.status))
      .append(" ")
      .append(reason_phrase(response.status))
      .append("\r\n");
  auto& headers = response.headers;
  std::sort(headers.begin(), headers.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  bool has_type = false, has_length = response.has("Content-Length");
  for (const auto& [name, value] : headers) {
    has_type = has_type || name == "Content-Type";
    line(out, name, value);
  }
  line(out, "Date", http_date());
  bool no_body = response.status == 204 || response.status == 304;
  if (!options.chunked && !no_body && !has_length)
    line(out, "Content-Length", std::to_string(content_length));
  if (!has_type && (content_length > 0 || options.chunked) && !options.gzip && !options.stream)
    line(out, "Content-Type", sniff_type(response.content()));
  if (options.close && !response.has("Connection")) line(out, "Connection", "close");
  if (options.keep_alive) line(out, "Connection", "keep-alive");
  if (options.chunked) line(out, "Transfer-Encoding", "chunked");
  out.append("\r\n");
}

}  // namespace praetor::http
