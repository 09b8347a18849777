#include "cli/help.h"

#include "base/text.h"
#include "cli/flags.h"

namespace praetor::cli {
namespace {

constexpr size_t kDescriptionWidth = 67;
constexpr uint64_t kTooLongPenalty = 100'000;

void append_section(std::string& text, std::string_view title, const std::vector<const Flag*>& flags) {
  if (flags.empty()) return;
  text += "\n\n" + std::string(title) + "\n";
  for (const Flag* flag : flags) {
    std::string name = unquote_usage(*flag).first;
    text += "\n  -" + std::string(flag->name) + (name.empty() ? "" : "=<" + name + ">") + "\n";
    // The back quotes stay here, as they mark the word that stands in the head line.
    for (const std::string& line : wrap_text(flag->usage, kDescriptionWidth)) text += "     " + line + "\n";
  }
  text.pop_back();
}

// Every whole word `praetor` becomes the name that the user typed.
std::string with_program(std::string_view text, std::string_view program) {
  constexpr std::string_view kName = "praetor ";
  std::string result;
  for (size_t at = 0; at < text.size();) {
    if (text.substr(at).starts_with(kName)) {
      result += std::string(program) + " ";
      at += kName.size();
    } else {
      result += text[at++];
    }
  }
  return result;
}

}  // namespace

std::vector<std::string> wrap_text(std::string_view text, size_t width) {
  std::vector<std::string_view> words;
  for (std::string_view line : split(text, '\n')) {
    for (std::string_view word : split(line, ' ')) {
      if (!word.empty()) words.push_back(word);
    }
  }
  size_t count = words.size();
  // cost[i]: the least cost of the lines that start at word i; next[i]: where the line from i ends.
  std::vector<uint64_t> cost(count + 1, 0);
  std::vector<size_t> next(count + 1, count);
  for (size_t first = count; first-- > 0;) {
    cost[first] = UINT64_MAX;
    size_t length = 0;
    for (size_t end = first + 1; end <= count; ++end) {
      length += words[end - 1].size() + (end - 1 == first ? 0 : 1);
      uint64_t line_cost = 0;
      if (end < count || length > width) {  // the last line's rest costs nothing
        uint64_t gap = length > width ? length - width : width - length;
        line_cost = gap * gap + (length > width ? kTooLongPenalty : 0);
      }
      if (end == count && first + 1 == count) line_cost = 0;
      uint64_t total = line_cost + cost[end];
      if (total < cost[first] || (end == count && line_cost == 0)) {
        cost[first] = total;
        next[first] = end;
      }
      if (length > width && end > first + 1) break;
    }
  }
  std::vector<std::string> lines;
  for (size_t first = 0; first < count; first = next[first]) {
    std::string line;
    for (size_t i = first; i < next[first]; ++i) line += (i == first ? "" : " ") + std::string(words[i]);
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string render_help(std::string_view usage, const FlagSet* flags, std::string_view program) {
  std::string text(trim(usage));
  if (flags != nullptr) {
    append_section(text, "HTTP API Options", flags->sorted(FlagGroup::kHttp));
    append_section(text, "Command Options", flags->sorted(FlagGroup::kCommand));
  }
  return with_program(text, program);
}

}  // namespace praetor::cli
