// Membership and failure detection, pure: SWIM (Das, Gupta, Motivala 2002) with Lifeguard (Dadgar, Phillips,
// Currey 2017), speaking memberlist's protocol 2 to 5 (wire.md 2). No socket, clock, thread, file or global
// randomness: each call takes the time and adds what the outside must do to an Effects. The same calls give
// the same effects.
//
// What the caller owes:
//  1. packets go out framed (framing.h) and come in unframed, one message a call; they may be lost, repeated,
//     delayed and reordered at will.
//  2. a StreamOut is carried out: connect, send the message framed, read one message, all before its
//  deadline;
//     then stream_reply() under its id, once.
//  3. tick() is called at next_deadline() at the latest.
//
// The layer above (Serf) is a SwimDelegate, called from inside the steps; it may call the Swim's sending
// functions from there, not its inputs. Single-threaded.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "gossip/broadcast_queue.h"
#include "gossip/message.h"
#include "gossip/node_table.h"
#include "gossip/timing.h"

namespace praetor::gossip {

inline constexpr size_t kMaxRelayedPings = 4096;  // indirect pings under way for others
inline constexpr size_t kMaxNodes = 1 << 18;      // nodes known; more are ignored
inline constexpr size_t kMaxNodeNameBytes = 512;  // a node's name

struct SwimOptions {
  std::string name;
  Address address;   // advertised to the others
  std::string meta;  // at the start; at most kMaxMetaBytes
  Versions versions;
  SwimTimings timings;
  size_t packet_bytes = 1400;  // of one packet before it is framed
  size_t packet_overhead = 0;  // what sealing adds (encryption_overhead)
  bool tcp_pings = true;
  std::optional<std::vector<Cidr>> allowed;  // networks whose members may take part; nothing: all
  uint64_t seed = 1;
  bool notes = true;  // write Effects::notes
  // Simulations share the NodeInfos of their members.
  std::function<NodeInfoPtr(NodeInfo)> intern;
};

struct PacketOut {
  Address to;
  std::string message;
  bool checksum = false;  // the receiver understands kHasCrc
};
// One request and its reply by TCP.
struct StreamOut {
  uint64_t id = 0;
  Address to;
  std::string message;
  Instant deadline{};
};
// A line for the operator.
struct Note {
  LogLevel level = LogLevel::kInfo;
  std::string text;
};
struct Effects {
  std::vector<PacketOut> packets;
  std::vector<StreamOut> streams;
  std::vector<Note> notes;
};

// The layer above. Defaults: nothing.
class SwimDelegate {
 public:
  virtual ~SwimDelegate() = default;
  virtual void node_joined(const Node&) {}   // new, or back from the dead
  virtual void node_left(const Node&) {}     // state tells: kDead or kLeft
  virtual void node_updated(const Node&) {}  // its meta data changed
  // A veto against the node, with the reason.
  virtual Status check_alive(const NodeInfo&) { return {}; }
  // A veto against a join, by the states of the other side.
  virtual Status check_merge(const std::vector<Node>&) { return {}; }
  virtual void name_conflict(const Node& /*known*/, const NodeInfo& /*other*/) {}
  virtual void user_message(std::string_view) {}
  virtual bool has_broadcasts() const { return false; }
  // As BroadcastQueue::take.
  virtual void take_broadcasts(size_t /*overhead*/, size_t /*limit*/, size_t /*most*/,
                               std::vector<std::string>&) {}
  virtual std::string local_state(bool /*join*/) { return {}; }
  virtual void merge_state(std::string_view, bool /*join*/) {}
  virtual std::string ack_payload() { return {}; }
  // A direct ping was answered.
  virtual void ping_done(const Node&, Duration /*rtt*/, std::string_view /*payload*/) {}
  virtual void join_done(uint64_t /*ticket*/, const Status&) {}
  // leave() has been told to the others, or update_meta() has.
  virtual void broadcast_done(uint64_t /*ticket*/) {}
};

enum class ProbeStage : uint8_t { kDirect, kIndirect };
// The ping under way.
struct Probe {
  std::string node;
  Address address;
  uint32_t incarnation = 0;
  uint32_t seq_no = 0;
  Versions versions;
  ProbeStage stage = ProbeStage::kDirect;
  Instant sent{}, direct_until{}, deadline{};
  uint32_t nacks_wanted = 0, nacks = 0;
  uint64_t stream = 0;  // the TCP ping
  bool reached_by_tcp = false;
};
// A ping on behalf of another node.
struct RelayedPing {
  uint32_t seq_no = 0;  // ours
  Address origin;
  uint32_t origin_seq_no = 0;
  bool nack = false;
  Instant deadline{};
};
// A node that will be taken for dead at its deadline.
struct Suspicion {
  uint32_t wanted = 0, confirmations = 0;
  Duration min{0}, max{0};
  Instant start{}, deadline{};
  std::vector<std::string> from;
};

class Swim {
 public:
  // The node itself is alive at once. The delegate outlives the Swim and hears of nothing yet.
  Swim(SwimOptions options, SwimDelegate& delegate);

  // --- inputs ---
  // Tells the delegate of this node and starts the timers. Once, before all else.
  void start(Instant now, Effects& effects);
  void tick(Instant now, Effects& effects);
  // One message of a packet, unframed. Malformed ones are an error and change nothing.
  Status packet(Instant now, const Address& from, std::string_view message, Effects& effects);
  // A stream that another node opened: its message; the reply, if one is due.
  Result<std::string> stream(Instant now, const Address& from, std::string_view message, Effects& effects);
  void stream_reply(Instant now, uint64_t id, Result<std::string> message, Effects& effects);

  // --- the operator's wishes ---
  // Exchanges states with a node at `address`; ends in join_done() under the ticket that is returned.
  uint64_t join(Instant now, const Address& address, Effects& effects);
  // Tells the others that this node goes. It keeps answering until it is destroyed. The ticket's
  // broadcast_done() comes when the news has gone out; 0: nobody is there to hear it.
  uint64_t leave(Instant now, Effects& effects);
  uint64_t update_meta(Instant now, std::string meta, Effects& effects);
  void set_packet_overhead(size_t bytes) { options_.packet_overhead = bytes; }

  // --- for the delegate, inside a step ---
  // A step of the delegate's own begins: what follows happens at `now` and adds to `effects`.
  void begin(Instant now, Effects& effects) {
    now_ = now;
    effects_ = &effects;
  }
  // A user message, straight to an address.
  void send(const Address& to, std::string_view message);
  void note(LogLevel level, std::string text);
  Random& random() { return random_; }
  Instant now() const { return now_; }

  // --- questions ---
  Instant next_deadline() const;
  const NodeTable& nodes() const { return nodes_; }
  const Node& self() const { return *nodes_.find(options_.name); }
  const SwimOptions& options() const { return options_; }
  size_t alive_count() const { return alive_; }  // this node and suspects included
  uint32_t health_score() const { return awareness_; }
  size_t queued() const { return queue_.size(); }
  bool left() const { return leaving_; }

  // For simulations: takes a node as known and alive, without telling anybody.
  void assume(Instant now, NodeInfoPtr info, uint32_t incarnation);

 private:
  struct Stream {
    enum class Kind : uint8_t { kJoin, kPushPull, kPing } kind = Kind::kPushPull;
    std::string node;  // or the address, for the notes
  };

  Instant some_time_within(Duration interval);
  void finish();  // hands finished broadcasts to the delegate

  // swim.cc: sending
  void send_packet(const Address& to, std::string message, bool checksum);
  void send_with_gossip(const Address& to, std::string message, bool checksum);
  std::vector<std::string> take_broadcasts(size_t used);
  void broadcast(const std::string& node, std::string message, uint64_t ticket = 0);
  void gossip();
  bool has_broadcasts() const { return !queue_.empty() || delegate_.has_broadcasts(); }
  size_t cluster_size() const { return nodes_.size() - left_; }

  // swim_probe.cc
  void start_probe();
  void send_probe(const Node& node);
  void widen_probe();
  void end_probe();
  void probe_answered();
  Status take_ping(const Address& from, std::string_view body);
  Status take_indirect_ping(const Address& from, std::string_view body);
  Status take_ack(std::string_view body);
  Status take_nack(std::string_view body);
  void expire_relays();
  void forgive(Duration lost);
  void change_awareness(int32_t delta);

  // swim_state.cc
  struct AliveNews {
    NodeInfo info;
    uint32_t incarnation = 0;
    bool own = false;  // this node's word about itself
    uint64_t ticket = 0;
  };
  void take_alive(AliveNews news);
  void take_alive_message(Alive message);
  // Nothing that the table does not know already, or a node that cannot be.
  bool is_old_news(std::string_view name, const Address& address, uint32_t incarnation) const;
  static Status check_info(const NodeInfo& info);
  void take_suspect(const Suspect& message);
  void take_dead(const Dead& message, uint64_t ticket = 0);
  Node* place_for(const AliveNews& news, bool& replaces);
  void refute(Node& self, uint32_t accused);
  void suspect(Node& node, const Suspect& message);
  void drop_suspicion(const std::string& node);
  void schedule(const std::string& node, Suspicion& suspicion);
  void expire_suspicions();
  void set_state(Node& node, NodeState state);
  bool is_self(std::string_view name) const { return name == options_.name; }
  bool is_allowed(const IpAddress& ip) const;
  uint64_t announce(std::string meta);
  void forget_stale_nodes();

  // swim_sync.cc
  uint64_t open_stream(Stream stream, const Address& to, std::string message, Instant deadline);
  void periodic_push_pull();
  std::string encode_state(bool join);
  Status merge(const PushPull& remote);
  Status merge_node(const PushNode& node);
  NodeInfo info_of(const PushNode& node) const;
  Status check_states(const PushPull& remote) const;
  Status check_join(const PushPull& remote);
  Status take_push_pull_reply(const Result<std::string>& message);
  Status take_tcp_ack(const Result<std::string>& message);

  SwimOptions options_;
  SwimDelegate& delegate_;
  Random random_;
  NodeTable nodes_;
  size_t alive_ = 0, left_ = 0;  // nodes not gone; nodes that left
  BroadcastQueue queue_;
  uint32_t incarnation_ = 0, last_seq_no_ = 0;
  uint64_t last_stream_ = 0, last_ticket_ = 0;
  uint32_t awareness_ = 0;  // Lifeguard's local health: 0 is well
  bool leaving_ = false;

  Instant probe_due_{}, gossip_due_{}, push_pull_due_{};
  size_t probe_position_ = 0;
  std::optional<Probe> probe_;
  std::deque<RelayedPing> relays_;  // all wait equally long: the oldest first
  std::unordered_map<std::string, Suspicion> suspicions_;
  std::multimap<Instant, std::string> suspicion_deadlines_;
  std::map<uint64_t, Stream> streams_;

  // Of the step under way.
  Instant now_{};
  Effects* effects_ = nullptr;
};

}  // namespace praetor::gossip
