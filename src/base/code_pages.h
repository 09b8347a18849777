// Memory that the process's own code takes.
#pragma once

#include <cstddef>

namespace praetor {

// Unmaps the pages of code and constants (of the program and of its libraries) that were read so far, most of
// them once, by the start; they stay in the page cache, and what is needed again is mapped again, at a minor
// fault for each 16 pages. Any thread; nothing of what others do changes but that. Returns the bytes of the
// mappings that it went through.
size_t release_code_pages();

}  // namespace praetor
