#include "base/result.h"

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "base/check.h"

namespace praetor {

Error io_error(std::string_view what, int error_number) {
  std::string text = std::generic_category().message(error_number);
  // Go prints system errors in lower case, unless they start with an abbreviation.
  if (text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])))
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  bool no_room = error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
  return Error{std::string(what) + ": " + text, no_room ? ErrorKind::kNoRoom : ErrorKind::kIo};
}

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "praetor: internal check failed: %s at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace praetor
