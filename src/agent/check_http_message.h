// The bytes of an HTTP/1.1 exchange of a health check: writing the request and reading the response, with the
// error texts of Go's client. Pure: bytes in, state out.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/check_state.h"
#include "base/result.h"

namespace praetor::agent {

using HeaderMap = std::map<std::string, std::vector<std::string>>;

struct ClientRequest {
  std::string method = "GET";
  std::string target = "/";
  std::string host;
  HeaderMap header;  // User-Agent and Accept included; names are written as they are here
  std::string body;
};

// Errors: `net/http: invalid header field name "x"`, `net/http: invalid header field value "x" for key y`.
Status validate_header(const HeaderMap& header);
bool valid_method(std::string_view method);
// The value of `name` in whatever case it was written canonically (Go's Header.Get on a canonical key).
std::string header_value(const HeaderMap& header, const std::string& name);
// Head and body. Asks to close the connection; asks for gzip when the request says nothing of encodings.
std::string serialize_request(const ClientRequest& request);

// Reads one response, bytes by bytes. The body is unpacked (chunks, gzip) into the tail buffer.
class ResponseReader {
 public:
  enum class State : uint8_t { kHead, kBody, kDone, kFailed };

  ResponseReader(bool head_request, bool unpack_gzip, size_t output_limit);
  ~ResponseReader();

  State feed(std::string_view bytes);
  // The peer closed. In the head that is an error; in the body it ends it.
  State feed_end();

  State state() const { return state_; }
  // Failure in the head (kFailed) or in the body (kDone then: what came until then counts).
  const std::string& error() const { return error_; }
  bool head_complete() const { return head_complete_; }
  int status() const { return status_; }
  const std::string& status_text() const { return status_text_; }  // "200 OK"
  std::string header(std::string_view name) const;                 // first value; empty when absent
  const TailBuffer& body() const { return body_; }

 private:
  enum class Framing : uint8_t { kNone, kLength, kChunked, kUntilClose };
  enum class ChunkPart : uint8_t { kSize, kData, kDataEnd, kTrailer };

  State fail_head(std::string error);
  bool take_line(std::string_view& bytes, std::string& line);
  bool status_line(const std::string& line);
  bool header_line(const std::string& line);
  bool end_of_head();
  void body_bytes(std::string_view bytes);
  void chunked_bytes(std::string_view bytes);
  void chunk_size_line(const std::string& line);
  void finish_body(std::string error);
  void deliver(std::string_view bytes);

  struct Inflater;

  bool head_request_;
  bool unpack_gzip_;
  State state_ = State::kHead;
  bool head_complete_ = false;
  bool status_seen_ = false;
  int informational_ = 0;
  size_t head_bytes_ = 0;
  std::string line_;
  int status_ = 0;
  std::string status_text_;
  std::vector<std::pair<std::string, std::string>> headers_;
  Framing framing_ = Framing::kNone;
  ChunkPart chunk_part_ = ChunkPart::kSize;
  uint64_t left_ = 0;
  uint64_t received_ = 0;
  std::unique_ptr<Inflater> inflater_;
  TailBuffer body_;
  std::string error_;
};

}  // namespace praetor::agent
