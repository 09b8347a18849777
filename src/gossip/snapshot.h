// What a member remembers over a restart, in Serf's text format (wire.md 3.8): the members that were alive,
// to rejoin through them, and the clocks, so that old events are not taken for new ones. Pure: the adapter
// writes what take() gives. Single-threaded.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace praetor::gossip {

class Snapshot {
 public:
  // Lines that cannot be read are skipped, as is a last one without its end. After `leave` nothing is
  // remembered, unless the member is to rejoin after a leave.
  static Snapshot read(std::string_view text, bool rejoin_after_leave);
  Snapshot() = default;

  // name -> "ip:port"
  const std::map<std::string, std::string>& alive() const { return alive_; }
  uint64_t clock() const { return clock_; }
  uint64_t event_clock() const { return event_clock_; }
  uint64_t query_clock() const { return query_clock_; }

  // Nothing is recorded after leave().
  void note_alive(const std::string& name, const std::string& address);
  void note_gone(const std::string& name);
  void note_clock(uint64_t time) { note_time("clock: ", clock_, time); }
  void note_event_clock(uint64_t time) { note_time("event-clock: ", event_clock_, time); }
  void note_query_clock(uint64_t time) { note_time("query-clock: ", query_clock_, time); }
  void leave();

  struct Write {
    bool replace = false;  // the whole file, which has grown too long; else append
    bool sync = false;     // to the disk before going on (a leave)
    std::string text;
  };
  // What has come since the last call.
  std::optional<Write> take();
  bool pending() const { return !appended_.empty(); }

 private:
  void note_time(std::string_view what, uint64_t& newest, uint64_t time);
  std::string whole() const;

  std::map<std::string, std::string> alive_;
  uint64_t clock_ = 0, event_clock_ = 0, query_clock_ = 0;
  bool rejoin_after_leave_ = false, leaving_ = false, sync_ = false;
  size_t file_bytes_ = 0;
  std::string appended_;
};

}  // namespace praetor::gossip
