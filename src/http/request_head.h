// The head of an HTTP/1 request as bytes: where it ends, and what Go's net/http refuses of it before any
// handler sees it, with its texts (http-api.md 1.1). Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace praetor::http {

// The length of the head at the start of `input`, its empty line included; npos while it is not all there.
// `from` is where the last call stopped looking (0 at first); it is moved on.
size_t find_head_end(std::string_view input, size_t& from);

// As refuse_head, of a head whose rest is still to come: Go judges the first line by itself, so that who
// speaks another protocol (TLS, say) is told at once.
std::string refuse_start(std::string_view input);

// Empty when the head may be parsed, else the whole answer after which the connection ends.
std::string refuse_head(std::string_view head);

// Lines may end with a bare LF, and fields without a name are dropped: true when `head` has such, and then
// `normal_head` makes the strict form.
bool is_lenient_head(std::string_view head);
std::string normal_head(std::string_view head);

}  // namespace praetor::http
