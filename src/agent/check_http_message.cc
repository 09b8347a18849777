#include "agent/check_http_message.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.h"

namespace praetor::agent {

namespace {

constexpr size_t kMaxHeadBytes = 10 << 20;       // as Go's client
constexpr uint64_t kMaxBodyBytes = 16ULL << 20;  // a check looks at the end of a body, not at a stream
constexpr int kMaxInformational = 5;

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

// These never come from the map: the client writes them itself.
bool written_elsewhere(const std::string& name) {
  return name == "Host" || name == "User-Agent" || name == "Content-Length" || name == "Transfer-Encoding" ||
         name == "Trailer";
}

bool digits_only(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

bool valid_method(std::string_view method) { return is_token(method); }

Status validate_header(const HeaderMap& header) {
  for (const auto& [name, values] : header) {
    if (!is_token(name)) return fail("net/http: invalid header field name " + go_quote(name));
    for (const std::string& value : values)
      if (!is_field_value(value))
        return fail("net/http: invalid header field value " + go_quote(value) + " for key " + name);
  }
  return {};
}

std::string header_value(const HeaderMap& header, const std::string& name) {
  auto at = header.find(name);
  return at == header.end() || at->second.empty() ? "" : at->second.front();
}

std::string serialize_request(const ClientRequest& request) {
  std::string out = request.method + " " + request.target + " HTTP/1.1\r\nHost: " + request.host + "\r\n";
  auto field = [&](std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(trim(value)).append("\r\n");
  };
  std::string agent = header_value(request.header, "User-Agent");
  if (!agent.empty()) field("User-Agent", agent);
  bool sends_length = !request.body.empty() || request.method == "POST" || request.method == "PUT" ||
                      request.method == "PATCH";
  if (sends_length) field("Content-Length", std::to_string(request.body.size()));
  for (const auto& [name, values] : request.header) {
    if (written_elsewhere(name)) continue;
    for (const std::string& value : values) field(name, value);
  }
  if (request.method != "HEAD" && header_value(request.header, "Accept-Encoding").empty() &&
      header_value(request.header, "Range").empty())
    field("Accept-Encoding", "gzip");
  out += "Connection: close\r\n\r\n";
  return out + request.body;
}

struct ResponseReader::Inflater {
  Inflater() {
    stream.zalloc = nullptr;
    stream.zfree = nullptr;
    stream.opaque = nullptr;
    usable = inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK;
  }
  ~Inflater() {
    if (usable) inflateEnd(&stream);
  }
  z_stream stream{};
  bool usable = false;
  bool ended = false;
};

ResponseReader::ResponseReader(bool head_request, bool unpack_gzip, size_t output_limit)
    : head_request_(head_request), unpack_gzip_(unpack_gzip), body_(output_limit) {}

ResponseReader::~ResponseReader() = default;

std::string ResponseReader::header(std::string_view name) const {
  for (const auto& [key, value] : headers_)
    if (equals_ignore_case(key, name)) return value;
  return "";
}

ResponseReader::State ResponseReader::fail_head(std::string error) {
  error_ = std::move(error);
  return state_ = State::kFailed;
}

// Moves one line, without its end, to `line`; false while it is incomplete.
bool ResponseReader::take_line(std::string_view& bytes, std::string& line) {
  size_t end = bytes.find('\n');
  line_.append(bytes.substr(0, end));
  if (end == std::string_view::npos) {
    bytes = {};
    return false;
  }
  bytes.remove_prefix(end + 1);
  if (line_.ends_with('\r')) line_.pop_back();
  line = std::move(line_);
  line_.clear();
  return true;
}

ResponseReader::State ResponseReader::feed(std::string_view bytes) {
  std::string line;
  while (state_ == State::kHead && !bytes.empty()) {
    size_t before = bytes.size();
    bool complete = take_line(bytes, line);
    head_bytes_ += before - bytes.size();
    if (head_bytes_ > kMaxHeadBytes) {
      return fail_head(
          "net/http: HTTP/1.x transport connection broken: net/http: server response headers exceeded " +
          std::to_string(kMaxHeadBytes) + " bytes; aborted");
    }
    if (!complete) return state_;
    bool good = !status_seen_ ? status_line(line) : line.empty() ? end_of_head() : header_line(line);
    if (!good) {
      error_ = "net/http: HTTP/1.x transport connection broken: " + error_;
      return state_ = State::kFailed;
    }
  }
  if (state_ == State::kBody && !bytes.empty()) body_bytes(bytes);
  return state_;
}

ResponseReader::State ResponseReader::feed_end() {
  if (state_ == State::kHead) {
    if (head_bytes_ == 0) return fail_head("EOF");
    // A last line without its end is still looked at.
    bool good = line_.empty() || (status_seen_ ? header_line(line_) : status_line(line_));
    return fail_head("net/http: HTTP/1.x transport connection broken: " + (good ? "unexpected EOF" : error_));
  }
  if (state_ == State::kBody) finish_body(framing_ == Framing::kUntilClose ? "" : "unexpected EOF");
  return state_;
}

// "HTTP/1.1 200 OK"
bool ResponseReader::status_line(const std::string& line) {
  size_t space = line.find(' ');
  if (space == std::string::npos) {
    error_ = "malformed HTTP response " + go_quote(line);
    return false;
  }
  std::string version = line.substr(0, space);
  status_text_ = line.substr(line.find_first_not_of(' ', space) == std::string::npos
                                 ? line.size()
                                 : line.find_first_not_of(' ', space));
  std::string code = status_text_.substr(0, status_text_.find(' '));
  if (code.size() != 3 || !digits_only(code)) {
    error_ = "malformed HTTP status code " + go_quote(code);
    return false;
  }
  size_t dot = version.find('.');
  bool good = version.starts_with("HTTP/") && dot != std::string::npos &&
              digits_only(std::string_view(version).substr(5, dot - 5)) &&
              digits_only(std::string_view(version).substr(dot + 1));
  if (!good) {
    error_ = "malformed HTTP version " + go_quote(version);
    return false;
  }
  status_ = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
  status_seen_ = true;
  return true;
}

bool ResponseReader::header_line(const std::string& line) {
  if ((line[0] == ' ' || line[0] == '\t') && !headers_.empty()) {  // obsolete folding
    headers_.back().second += " " + std::string(trim(line));
    return true;
  }
  size_t colon = line.find(':');
  if (colon == std::string::npos) {
    error_ = "malformed MIME header: missing colon: " + go_quote(line);
    return false;
  }
  std::string name = line.substr(0, colon);
  if (name.empty() || name.ends_with(' ') || name.ends_with('\t')) {
    error_ = "malformed MIME header line: " + line;
    return false;
  }
  headers_.emplace_back(std::move(name), std::string(trim(std::string_view(line).substr(colon + 1))));
  return true;
}

bool ResponseReader::end_of_head() {
  if (status_ >= 100 && status_ < 200 && status_ != 101) {
    if (++informational_ > kMaxInformational) {
      error_ = "net/http: too many 1xx informational responses";
      return false;
    }
    status_seen_ = false;
    headers_.clear();
    return true;
  }
  std::string length = header("Content-Length");
  std::string coding = header("Transfer-Encoding");
  if (!coding.empty() && !equals_ignore_case(coding, "chunked") && !equals_ignore_case(coding, "identity")) {
    error_ = "unsupported transfer encoding: " + go_quote(coding);
    return false;
  }
  bool chunked = equals_ignore_case(coding, "chunked");
  auto number = parse_uint(length, 63);
  if (!chunked && !length.empty() && (!number || !digits_only(length))) {
    error_ = "bad Content-Length " + go_quote(length);
    return false;
  }
  head_complete_ = true;
  state_ = State::kBody;
  bool bodiless = head_request_ || status_ == 204 || status_ == 304;
  if (bodiless) {
    framing_ = Framing::kNone;
  } else if (chunked) {
    framing_ = Framing::kChunked;
  } else if (!length.empty()) {
    framing_ = Framing::kLength;
    left_ = *number;
  } else {
    framing_ = Framing::kUntilClose;
  }
  if (!bodiless && unpack_gzip_ && equals_ignore_case(header("Content-Encoding"), "gzip"))
    inflater_ = std::make_unique<Inflater>();
  if (framing_ == Framing::kNone || (framing_ == Framing::kLength && left_ == 0)) finish_body("");
  return true;
}

void ResponseReader::finish_body(std::string error) {
  if (state_ != State::kBody) return;
  state_ = State::kDone;
  error_ = std::move(error);
}

void ResponseReader::body_bytes(std::string_view bytes) {
  received_ += bytes.size();
  if (framing_ == Framing::kChunked) {
    chunked_bytes(bytes);
  } else if (framing_ == Framing::kLength) {
    std::string_view mine = bytes.substr(0, std::min<uint64_t>(left_, bytes.size()));
    left_ -= mine.size();
    deliver(mine);
    if (left_ == 0) finish_body("");
  } else {
    deliver(bytes);
  }
  if (received_ > kMaxBodyBytes || body_.total() > kMaxBodyBytes) finish_body("body too large for a check");
}

void ResponseReader::chunked_bytes(std::string_view bytes) {
  std::string line;
  while (state_ == State::kBody && !bytes.empty()) {
    if (chunk_part_ == ChunkPart::kData) {
      std::string_view mine = bytes.substr(0, std::min<uint64_t>(left_, bytes.size()));
      left_ -= mine.size();
      bytes.remove_prefix(mine.size());
      deliver(mine);
      if (left_ == 0) chunk_part_ = ChunkPart::kDataEnd;
      continue;
    }
    if (!take_line(bytes, line)) {
      if (line_.size() > 4096) finish_body("header line too long");
      return;
    }
    if (chunk_part_ == ChunkPart::kSize) {
      chunk_size_line(line);
    } else if (chunk_part_ == ChunkPart::kDataEnd) {
      if (!line.empty()) return finish_body("malformed chunked encoding");
      chunk_part_ = ChunkPart::kSize;
    } else if (line.empty()) {
      finish_body("");
    }
  }
}

void ResponseReader::chunk_size_line(const std::string& line) {
  std::string_view digits = trim(std::string_view(line).substr(0, line.find(';')));
  if (digits.size() > 16) return finish_body("http chunk length too large");
  uint64_t size = 0;
  for (char c : digits) {
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return finish_body("invalid byte in chunk length");
    int digit = std::isdigit(static_cast<unsigned char>(c)) != 0 ? c - '0' : (c | 0x20) - 'a' + 10;
    size = (size << 4) | static_cast<uint64_t>(digit);
  }
  if (digits.empty()) return finish_body("malformed chunked encoding");
  left_ = size;
  chunk_part_ = size == 0 ? ChunkPart::kTrailer : ChunkPart::kData;
}

void ResponseReader::deliver(std::string_view bytes) {
  if (!inflater_) return body_.write(bytes);
  std::array<char, 16384> out;
  z_stream& stream = inflater_->stream;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  while (stream.avail_in > 0 && !inflater_->ended && state_ == State::kBody) {
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = out.size();
    int code = inflate(&stream, Z_NO_FLUSH);
    body_.write(std::string_view(out.data(), out.size() - stream.avail_out));
    inflater_->ended = code == Z_STREAM_END;
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
      return finish_body("gzip: invalid header");
    if (body_.total() > kMaxBodyBytes) return finish_body("body too large for a check");
  }
}

}  // namespace praetor::agent
