// The head of an answer, in the order in which Go's net/http writes it: the handler's headers sorted by
// name, then Date, Content-Length, sniffed Content-Type, Connection and Transfer-Encoding.
#pragma once

#include <string>

#include "http/message.h"

namespace praetor::http {

struct HeadOptions {
  bool chunked = false;
  bool close = false;
  bool keep_alive = false;  // says so: HTTP/1.0 closes otherwise
  bool http_1_0 = false;
  bool gzip = false;    // the body was compressed
  bool stream = false;  // its first bytes are not known yet: no type is guessed
};

void append_head(std::string& out, Response& response, size_t content_length, const HeadOptions& options);
std::string_view reason_phrase(int status);
// What Go's content sniffing says of the bodies that Consul leaves without a type.
std::string_view sniff_type(std::string_view body);
// "Sat, 21 Nov 2026 09:00:00 GMT", computed once a second and thread.
const std::string& http_date();

}  // namespace praetor::http
