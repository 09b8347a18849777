// Text in columns.
#pragma once

#include <string>
#include <vector>

namespace praetor::cli {

// Rows of cells, left-aligned, two spaces between columns; the last cell of a row is not padded. Cells are
// trimmed as ryanuber/columnize does. Lines without a final break.
std::string format_table(const std::vector<std::vector<std::string>>& rows);

// "Key<spaces>Value" lines, keys padded to the longest plus `gap`. No break and no white space at the end.
std::string format_pairs(const std::vector<std::pair<std::string, std::string>>& pairs, size_t gap);

}  // namespace praetor::cli
