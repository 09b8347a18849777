#include "cli/table.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"

namespace praetor::cli {
namespace {

// Columns are counted in characters, not bytes.
size_t text_width(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string padded(std::string_view text, size_t width) {
  std::string cell(text);
  size_t used = text_width(text);
  if (used < width) cell.append(width - used, ' ');
  return cell;
}

}  // namespace

std::string format_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], text_width(trim(row[i])));
  }
  std::string text;
  for (const auto& row : rows) {
    if (!text.empty()) text += '\n';
    for (size_t i = 0; i < row.size(); ++i) {
      bool last = i + 1 == row.size();
      text += padded(trim(row[i]), last ? 0 : widths[i] + 2);
    }
  }
  return text;
}

std::string format_pairs(const std::vector<std::pair<std::string, std::string>>& pairs, size_t gap) {
  size_t width = 0;
  for (const auto& [key, value] : pairs) width = std::max(width, text_width(key));
  std::string text;
  for (const auto& [key, value] : pairs) {
    if (!text.empty()) text += '\n';
    text += padded(key, width + gap) + value;
  }
  return std::string(trim(text));
}

}  // namespace praetor::cli
