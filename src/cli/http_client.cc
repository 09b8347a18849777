#include "cli/http_client.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace praetor::cli {
namespace {

constexpr size_t kMaxHeadBytes = 1 << 20;

std::string escape_host(std::string_view host) {
  std::string text;
  for (char c : host) {
    if (c == '/') {
      text += "%2F";
    } else {
      text += c;
    }
  }
  return text;
}

std::string chunk_of(const std::string& piece) {
  char size[20];
  auto end = std::to_chars(size, size + sizeof size, piece.size(), 16).ptr;
  return std::string(size, end) + "\r\n" + piece + "\r\n";
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (equals_ignore_case(key, name)) return value;
  }
  return {};
}

Result<HttpResponse> HttpClient::send(const HttpRequest& request) {
  bool reused = connection_ != nullptr;
  for (;;) {
    Status sent = connect();
    if (sent) sent = write_request(request);
    Result<HttpResponse> response = std::unexpected(Error{});
    if (sent) {
      response = read_response(request, nullptr);
    } else {
      response = std::unexpected(sent.error());
    }
    if (response) return response;
    bool nothing_came = input_.empty();
    connection_.reset();
    input_.clear();
    // The agent may close an idle connection at any time: that costs one more try.
    bool again =
        reused && nothing_came && !request.body_stream && response.error().kind != ErrorKind::kCancelled;
    if (!again) return std::unexpected(describe(request, response.error()));
    reused = false;
  }
}

Result<HttpResponse> HttpClient::send(const HttpRequest& request, const BodySink& on_body) {
  connection_.reset();  // a stream gets a fresh connection: a retry could repeat what was delivered
  input_.clear();
  Status sent = connect();
  if (sent) sent = write_request(request);
  if (!sent) return std::unexpected(describe(request, sent.error()));
  auto response = read_response(request, &on_body);
  connection_.reset();
  input_.clear();
  if (!response) return std::unexpected(describe(request, response.error()));
  return response;
}

Error HttpClient::describe(const HttpRequest& request, const Error& error) const {
  std::string method = to_lower(request.method);
  method[0] = static_cast<char>(method[0] - 'a' + 'A');
  std::string scheme = endpoint_.scheme == HttpEndpoint::Scheme::kHttps ? "https://" : "http://";
  return Error{method + " " + go_quote(scheme + escape_host(endpoint_.address) + request.target) + ": " +
                   error.message,
               error.kind};
}

Status HttpClient::connect() {
  if (connection_) return {};
  input_.clear();
  if (endpoint_.scheme == HttpEndpoint::Scheme::kUnix) {
    TRY_ASSIGN(connection_, Connection::open_unix(endpoint_.address, cancel_));
    return {};
  }
  bool https = endpoint_.scheme == HttpEndpoint::Scheme::kHttps;
  auto [host, port] = split_host_port(endpoint_.address, https ? "443" : "80");
  TRY_ASSIGN(connection_, Connection::open_tcp(host, port, cancel_));
  if (!https) return {};
  auto [server_name, unused] = split_host_port(tls_.server_name.empty() ? host : tls_.server_name, "");
  if (tls_.server_name.empty()) server_name = host;
  Status status = connection_->start_tls(context_, server_name, tls_.verify);
  if (!status) connection_.reset();
  return status;
}

Status HttpClient::write_request(const HttpRequest& request) {
  std::string head = request.method + " " + request.target + " HTTP/1.1\r\nHost: ";
  head += endpoint_.scheme == HttpEndpoint::Scheme::kUnix ? "localhost" : endpoint_.address;
  head += "\r\nUser-Agent: Go-http-client/1.1\r\n";
  // As in Go, what frames the body stands before the caller's headers.
  if (request.body_stream) {
    head += "Transfer-Encoding: chunked\r\n";
  } else if (!request.body.empty() || request.method == "PUT" || request.method == "POST") {
    head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  for (const auto& [name, value] : request.headers) head += name + ": " + value + "\r\n";
  head += "\r\n";
  if (request.body_stream) {
    TRY(connection_->write(head));
    for (;;) {
      TRY_ASSIGN(std::string piece, request.body_stream());
      TRY(connection_->write(piece.empty() ? "0\r\n\r\n" : chunk_of(piece)));
      if (piece.empty()) return {};
    }
  }
  return connection_->write(head + request.body);
}

Status HttpClient::fill() {
  TRY_ASSIGN(std::string_view piece, connection_->read());
  if (piece.empty()) return fail("EOF", ErrorKind::kIo);
  input_ += piece;
  return {};
}

Result<std::string> HttpClient::read_line() {
  size_t end;
  while ((end = input_.find('\n')) == std::string::npos) {
    if (input_.size() > kMaxHeadBytes) return fail("net/http: server response headers exceeded limit");
    TRY(fill());
  }
  std::string line = input_.substr(0, end);
  input_.erase(0, end + 1);
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

Result<HttpResponse> HttpClient::read_head() {
  HttpResponse response;
  TRY_ASSIGN(std::string first, read_line());
  if (!first.starts_with("HTTP/1.")) {
    return fail("net/http: HTTP/1.x transport connection broken: malformed HTTP response " + go_quote(first),
                ErrorKind::kIo);
  }
  size_t space = first.find(' ');
  auto code =
      space == std::string::npos ? Result<uint64_t>(fail("")) : parse_uint(first.substr(space + 1, 3));
  if (!code) return fail("malformed HTTP status code in " + go_quote(first), ErrorKind::kIo);
  response.status = static_cast<int>(*code);
  for (size_t total = first.size();;) {
    TRY_ASSIGN(std::string line, read_line());
    if (line.empty()) return response;
    total += line.size();
    if (total > kMaxHeadBytes) return fail("net/http: server response headers exceeded limit");
    size_t colon = line.find(':');
    if (colon == std::string::npos) return fail("malformed MIME header line: " + line, ErrorKind::kIo);
    response.headers.emplace_back(line.substr(0, colon), trim(std::string_view(line).substr(colon + 1)));
  }
}

Status HttpClient::read_chunks(const BodySink& sink) {
  for (;;) {
    TRY_ASSIGN(std::string line, read_line());
    uint64_t left = 0;
    auto [end, code] = std::from_chars(line.data(), line.data() + line.size(), left, 16);
    if (code != std::errc() || end == line.data())
      return fail("invalid byte in chunk length", ErrorKind::kIo);
    if (left == 0) break;
    while (left > 0) {
      if (input_.empty()) TRY(fill());
      size_t take = std::min<uint64_t>(left, input_.size());
      TRY(sink(std::string_view(input_).substr(0, take)));
      input_.erase(0, take);
      left -= take;
    }
    TRY(read_line());
  }
  for (;;) {  // trailers
    TRY_ASSIGN(std::string line, read_line());
    if (line.empty()) return {};
  }
}

Status HttpClient::read_body(const HttpResponse& response, const BodySink& sink, bool& reusable) {
  reusable = !equals_ignore_case(response.header("Connection"), "close");
  if (equals_ignore_case(response.header("Transfer-Encoding"), "chunked")) return read_chunks(sink);
  std::string_view length = response.header("Content-Length");
  if (length.empty()) {  // until the end of the stream
    reusable = false;
    for (;;) {
      if (!input_.empty()) TRY(sink(input_));
      input_.clear();
      TRY_ASSIGN(std::string_view piece, connection_->read());
      if (piece.empty()) return {};
      input_ = piece;
    }
  }
  auto left = parse_uint(length);
  if (!left) return fail("bad Content-Length " + go_quote(length), ErrorKind::kIo);
  while (*left > 0) {
    if (input_.empty()) {
      if (Status more = fill(); !more) {
        return more.error().message == "EOF" ? fail("unexpected EOF", ErrorKind::kIo)
                                             : std::unexpected(more.error());
      }
    }
    size_t take = std::min<uint64_t>(*left, input_.size());
    TRY(sink(std::string_view(input_).substr(0, take)));
    input_.erase(0, take);
    *left -= take;
  }
  return {};
}

Result<HttpResponse> HttpClient::read_response(const HttpRequest& request, const BodySink* on_body) {
  HttpResponse response;
  do {
    TRY_ASSIGN(response, read_head());
  } while (response.status >= 100 && response.status < 200);
  bool has_body = request.method != "HEAD" && response.status != 204 && response.status != 304;
  bool reusable = true;
  if (has_body) {
    BodySink keep = [&response](std::string_view piece) -> Status {
      response.body += piece;
      return {};
    };
    bool stream = on_body != nullptr && response.status == 200;
    TRY(read_body(response, stream ? *on_body : keep, reusable));
  }
  if (!reusable) connection_.reset();
  return response;
}

}  // namespace praetor::cli
