#include "gossip/snapshot.h"

#include <algorithm>

#include "base/text.h"

namespace praetor::gossip {

namespace {
// The file is written anew when it is longer than its content may need.
constexpr size_t kCompactBytes = 128 << 10, kBytesPerMember = 2 * 128;
}  // namespace

Snapshot Snapshot::read(std::string_view text, bool rejoin_after_leave) {
  Snapshot snapshot;
  snapshot.rejoin_after_leave_ = rejoin_after_leave;
  snapshot.file_bytes_ = text.size();
  for (size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
    std::string_view line = text.substr(0, end);
    auto rest = [&](std::string_view prefix) -> std::optional<std::string_view> {
      return line.starts_with(prefix) ? std::optional(line.substr(prefix.size())) : std::nullopt;
    };
    auto time = [](std::string_view digits, uint64_t& clock) { clock = parse_uint(digits).value_or(clock); };
    if (auto member = rest("alive: ")) {
      size_t space = member->rfind(' ');
      if (space != std::string_view::npos)
        snapshot.alive_[std::string(member->substr(0, space))] = member->substr(space + 1);
    } else if (auto name = rest("not-alive: ")) {
      snapshot.alive_.erase(std::string(*name));
    } else if (auto clock = rest("clock: ")) {
      time(*clock, snapshot.clock_);
    } else if (auto events = rest("event-clock: ")) {
      time(*events, snapshot.event_clock_);
    } else if (auto queries = rest("query-clock: ")) {
      time(*queries, snapshot.query_clock_);
    } else if (line == "leave" && !rejoin_after_leave) {
      snapshot.alive_.clear();
      snapshot.clock_ = snapshot.event_clock_ = snapshot.query_clock_ = 0;
    }
  }
  return snapshot;
}

void Snapshot::note_alive(const std::string& name, const std::string& address) {
  if (leaving_) return;
  alive_[name] = address;
  appended_ += "alive: " + name + " " + address + "\n";
}

void Snapshot::note_gone(const std::string& name) {
  if (leaving_) return;
  alive_.erase(name);
  appended_ += "not-alive: " + name + "\n";
}

void Snapshot::note_time(std::string_view what, uint64_t& newest, uint64_t time) {
  if (leaving_ || time <= newest) return;
  newest = time;
  appended_.append(what).append(std::to_string(time)) += '\n';
}

void Snapshot::leave() {
  if (!rejoin_after_leave_) alive_.clear();
  appended_ += "leave\n";
  leaving_ = sync_ = true;
}

std::string Snapshot::whole() const {
  std::string text;
  for (const auto& [name, address] : alive_) text += "alive: " + name + " " + address + "\n";
  text += "clock: " + std::to_string(clock_) + "\n";
  text += "event-clock: " + std::to_string(event_clock_) + "\n";
  return text += "query-clock: " + std::to_string(query_clock_) + "\n";
}

std::optional<Snapshot::Write> Snapshot::take() {
  if (appended_.empty()) return std::nullopt;
  Write write{.sync = std::exchange(sync_, false)};
  file_bytes_ += appended_.size();
  write.replace = !leaving_ && file_bytes_ > std::max(kCompactBytes, alive_.size() * kBytesPerMember);
  if (write.replace) {
    write.text = whole();
    file_bytes_ = write.text.size();
  } else {
    write.text = std::move(appended_);
  }
  appended_.clear();
  return write;
}

}  // namespace praetor::gossip
