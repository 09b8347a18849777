// Parses one HTTP/1.x request after another from the bytes of a connection (RFC 9112). What Beast accepts too
// easily, or too strictly, is dealt with in request_head.h before. Internal to connection.cc; one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "http/message.h"

namespace praetor::http {

class RequestParser {
 public:
  enum class Outcome : uint8_t { kTaken, kNeedMore, kHeaderTooLarge, kMalformed };
  struct Progress {
    size_t used = 0;
    Outcome outcome = Outcome::kTaken;
  };

  RequestParser();
  ~RequestParser();

  // The next bytes fill `request`; both arguments outlive it. Everything below needs a start.
  void start(Request& request, const std::function<uint64_t(const Request&)>& body_limit);
  // Takes a part of the input; not to be called once is_done().
  Progress put(std::span<const char> input);

  bool is_header_done() const;
  bool is_done() const;
  // Of the head, once it is done:
  bool chunked() const;
  bool keep_alive() const;
  bool http_1_0() const;
  bool body_refused() const;      // past the limit: it is dropped
  bool expects_continue() const;  // until continue_sent()
  void continue_sent();
  bool expects_the_unknown() const;  // an Expect other than 100-continue

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace praetor::http
