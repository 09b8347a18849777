// What can fail returns Result<T>: a value or an Error whose message tells the user what to do next.
// Exceptions do not cross a module border; an adapter that calls a throwing library catches there.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace praetor {

// How a caller reacts to an error. The text is for the user; the kind is for code (HTTP status, retries).
enum class ErrorKind : uint8_t {
  kInternal,          // everything without a better kind: HTTP 500
  kBadRequest,        // HTTP 400
  kNotFound,          // HTTP 404
  kPermissionDenied,  // HTTP 403
  kUnauthorized,      // HTTP 401
  kTooLarge,          // HTTP 413
  kRateLimited,       // HTTP 429
  kNoLeader,          // retried until rpc_hold_timeout
  kIo,                // a system call failed
  kNoRoom,            // the same, for want of room on a disk (ENOSPC, EDQUOT, EFBIG), which may change
  kCorrupt,           // data on disk or wire is not what was written
  kTimeout,
  kCancelled,
};

struct Error {
  std::string message;
  ErrorKind kind = ErrorKind::kInternal;
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

// `return fail("…")` from a function that returns Result<T>.
inline std::unexpected<Error> fail(std::string message, ErrorKind kind = ErrorKind::kInternal) {
  return std::unexpected<Error>(Error{std::move(message), kind});
}
inline std::unexpected<Error> fail(Error error) { return std::unexpected<Error>(std::move(error)); }

// "what: strerror(errno)" in Go's wording (lower case, as syscall.Errno prints it); kNoRoom or kIo.
Error io_error(std::string_view what, int error_number);

}  // namespace praetor

#define PRAETOR_CONCAT_INNER(a, b) a##b
#define PRAETOR_CONCAT(a, b) PRAETOR_CONCAT_INNER(a, b)
// TRY(expr): leaves the function with the error, if there is one.
#define TRY(expr)                                                                                    \
  do {                                                                                               \
    if (auto PRAETOR_CONCAT(try_result_, __LINE__) = (expr); !PRAETOR_CONCAT(try_result_, __LINE__)) \
        [[unlikely]]                                                                                 \
      return std::unexpected(std::move(PRAETOR_CONCAT(try_result_, __LINE__)).error());              \
  } while (false)
// TRY_ASSIGN(auto x, expr): binds the value, or leaves the function with the error.
#define TRY_ASSIGN(declaration, expr)                                                 \
  auto PRAETOR_CONCAT(try_result_, __LINE__) = (expr);                                \
  if (!PRAETOR_CONCAT(try_result_, __LINE__)) [[unlikely]]                            \
    return std::unexpected(std::move(PRAETOR_CONCAT(try_result_, __LINE__)).error()); \
  declaration = std::move(*PRAETOR_CONCAT(try_result_, __LINE__))
