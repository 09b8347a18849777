// What a record of the agent's journal holds: docs/formats/agent-journal.md. Pure; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/persistence.h"

namespace praetor::agent {

struct JournalRecord {
  std::vector<KeptChange> changes;
  std::optional<uint64_t> in_files_up_to;  // a mark
};

void append_change(std::string& record, const KeptChange& change);
std::string journal_mark(uint64_t in_files_up_to);
// kCorrupt: not what the two above write.
Result<JournalRecord> decode_journal_record(std::string_view record);

}  // namespace praetor::agent
