// A running member of a pool: Serf on real sockets, with its files. Everything runs on one reactor's thread,
// where it also must be made, used and destroyed (not from inside one of its callbacks). A process has one
// for the LAN and, as a server, one for the WAN.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/reactor.h"
#include "gossip/serf.h"
#include "gossip/transport.h"

namespace praetor::gossip {

struct PoolOptions {
  // Its name, tags, timings and so on. keyring, save_keyring, snapshot, seed and packet_overhead are the
  // pool's affair; an address without a port (or none at all) is filled in from `bind`.
  SerfOptions serf;
  Address bind;
  bool compress = true;
  bool verify_incoming = true, verify_outgoing = true;
  std::optional<Keyring> keyring;  // nothing: no encryption
  std::string keyring_path;        // where changes of the keyring are kept; empty: nowhere
  std::string snapshot_path;       // empty: nothing is remembered
  bool rejoin_after_leave = false;
  // Of the lines about the protocol's two layers.
  std::string serf_log = "serf", memberlist_log = "memberlist";
  // Where the members are shown to other threads; may be null.
  std::shared_ptr<PublishedMembers> published;
};

// How a join ended: the members that were reached, and what kept the others from it.
struct JoinReport {
  size_t reached = 0;
  std::vector<std::string> errors;

  // The number, unless nobody was reached and something went wrong.
  Result<size_t> result() const;
};

class Pool {
 public:
  using OnEvent = std::function<void(const SerfEvent&)>;

  // Binds, reads the files, and is alive: events may come before open() returns. The tickets of those with
  // one are the pool's own; use the callbacks below.
  static Result<std::unique_ptr<Pool>> open(Reactor& reactor, PoolOptions options, OnEvent on_event);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // One after the other.
  void join(std::vector<Address> addresses, bool ignore_old, std::function<void(JoinReport)> done);
  // Ends once the others know. The member still answers until the pool is destroyed.
  void leave(std::function<void()> done);
  void remove_failed(const std::string& name, bool prune, std::function<void(Status)> done);
  Status user_event(std::string name, std::string payload, bool coalesce);
  void change_keys(KeyOperation operation, std::string_view key, uint8_t relay_factor,
                   std::function<void(Result<KeysDone>)> done);
  Status respond(const QueryEvent& query, std::string payload);
  Status set_tags(Tags tags);

  const Serf& serf() const { return *serf_; }
  Address local() const { return transport_->local(); }
  bool encrypted() const { return options_.keyring.has_value(); }

 private:
  struct Join;
  Pool(Reactor& reactor, PoolOptions options, OnEvent on_event);
  Status open_sockets();
  Status open_serf();
  template <typename Step>
  auto run(Step step);
  void carry_out(SerfEffects effects);
  void take(SerfEvent event);
  void publish();
  void rearm();
  void join_next(const std::shared_ptr<Join>& join);
  void write_snapshot();
  Status save_keyring(const Keyring& ring);

  Reactor& reactor_;
  PoolOptions options_;
  OnEvent on_event_;
  Logger serf_log_, memberlist_log_;
  Framing framing_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<Serf> serf_;
  int snapshot_file_ = -1;
  std::optional<uint64_t> published_version_;

  Reactor::TimerId timer_ = 0;
  Instant timer_at_ = Instant::max();
  std::map<uint64_t, std::function<void(Status)>> joins_, removals_;
  std::map<uint64_t, std::function<void(Result<KeysDone>)>> key_changes_;
  std::vector<std::function<void()>> leaves_;
  bool left_ = false;
  std::shared_ptr<Pool*> self_;  // callbacks of the reactor hold it weakly
};

}  // namespace praetor::gossip
