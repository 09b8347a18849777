#include "agent/journal_record.h"

namespace praetor::agent {
namespace {

constexpr size_t kHeadBytes = 10;
constexpr size_t kMarkBytes = 8;

void put_little_endian(std::string& out, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

uint64_t little_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

char letter_of(KeptKind kind) {
  switch (kind) {
    case KeptKind::kService:
      return 's';
    case KeptKind::kCheck:
      return 'c';
    case KeptKind::kCheckState:
      return 't';
  }
  return 0;
}

std::optional<KeptKind> kind_of_letter(char letter) {
  for (KeptKind kind : {KeptKind::kService, KeptKind::kCheck, KeptKind::kCheckState})
    if (letter == letter_of(kind)) return kind;
  return std::nullopt;
}

void put_piece(std::string& out, char what, char kind, std::string_view id, std::string_view content) {
  out.push_back(what);
  out.push_back(kind);
  put_little_endian(out, id.size(), 4);
  put_little_endian(out, content.size(), 4);
  out.append(id).append(content);
}

}  // namespace

void append_change(std::string& record, const KeptChange& change) {
  put_piece(record, change.content ? '+' : '-', letter_of(change.kind), change.id,
            change.content ? std::string_view(*change.content) : std::string_view());
}

std::string journal_mark(uint64_t in_files_up_to) {
  std::string content, record;
  put_little_endian(content, in_files_up_to, kMarkBytes);
  put_piece(record, '=', 0, "", content);
  return record;
}

Result<JournalRecord> decode_journal_record(std::string_view record) {
  JournalRecord out;
  auto wrong = [](const char* what) {
    return fail(std::string("a record that no journal has: ") + what, ErrorKind::kCorrupt);
  };
  while (!record.empty()) {
    if (record.size() < kHeadBytes) return wrong("it ends within a change");
    char what = record[0], letter = record[1];
    uint64_t id_bytes = little_endian(record.substr(2, 4)),
             content_bytes = little_endian(record.substr(6, 4));
    record.remove_prefix(kHeadBytes);
    if (id_bytes + content_bytes > record.size()) return wrong("it ends within a change");
    std::string_view id = record.substr(0, id_bytes), content = record.substr(id_bytes, content_bytes);
    record.remove_prefix(id_bytes + content_bytes);
    if (what == '=' && content.size() == kMarkBytes) {
      out.in_files_up_to = little_endian(content);
      continue;
    }
    auto kind = kind_of_letter(letter);
    if (!kind || (what != '+' && what != '-')) return wrong("an unknown change");
    KeptChange change{*kind, std::string(id), std::nullopt};
    if (what == '+') change.content = std::string(content);
    out.changes.push_back(std::move(change));
  }
  return out;
}

}  // namespace praetor::agent
