// The core's behaviour, scenario by scenario; the section of the Raft paper or of Ongaro's thesis that each
// one shows.
#include "raft/core.h"

#include <gtest/gtest.h>

#include "raft/sim_cluster.h"

namespace praetor::raft {
namespace {

using namespace std::chrono_literals;

EntryRef entry(uint64_t index, uint64_t term, std::string data = "x") {
  auto made = std::make_shared<Entry>();
  made->index = index;
  made->term = term;
  made->data = std::move(data);
  return made;
}

// One core of the cluster a, b, c with the given log (terms of entries 2, 3, …; entry 1 is the configuration,
// term 1), driven by hand.
struct Bench {
  explicit Bench(std::vector<uint64_t> terms = {}, uint64_t term = 1,
                 std::vector<std::string> ids = {"a", "b", "c"}) {
    Configuration configuration;
    for (const std::string& id : ids) configuration.servers.push_back({Suffrage::kVoter, id, id + ":8300"});
    auto first = std::make_shared<Entry>(*entry(1, 1, encode_configuration(configuration)));
    first->type = EntryType::kConfiguration;
    std::vector<TermRun> runs = {{1, 1}};
    for (size_t i = 0; i < terms.size(); ++i)
      if (runs.back().term != terms[i]) runs.push_back({i + 2, terms[i]});
    CoreState state;
    state.hard_state.term = std::max(term, runs.back().term);
    state.log = LogView(1, 1 + terms.size(), runs, 0, 0);
    state.configurations = {first};
    CoreOptions options;
    options.id = "a";
    options.address = "a:8300";
    core = std::make_unique<Core>(options, std::move(state), now);
  }
  void pass(Duration time) { now += time; }
  void tick() { core->tick(now, effects); }
  // Time passes, the timer fires; the vote requests are dropped.
  void campaign() {
    now = std::max(now, core->next_deadline());
    tick();
    effects.clear();
  }
  void receive(const std::string& from, Message message, uint64_t sequence = 0) {
    core->receive(now, {from, from + ":8300", sequence, std::move(message)}, effects);
  }
  void win() {
    campaign();
    receive("b", VoteResponse{.term = core->term(), .granted = true});
    ASSERT_EQ(core->role(), Role::kLeader);
  }
  // Everything appended so far is durable.
  void persist() { core->persisted(now, core->log().last_index(), core->log().last_term(), effects); }
  template <typename T>
  std::vector<std::pair<std::string, T>> sent() const {
    std::vector<std::pair<std::string, T>> out;
    for (const Envelope& envelope : effects.messages)
      if (const T* message = std::get_if<T>(&envelope.message)) out.emplace_back(envelope.peer_id, *message);
    return out;
  }
  uint64_t sequence_of_append_to(const std::string& id) const {
    uint64_t found = 0;
    for (const Envelope& envelope : effects.messages)
      if (const auto* append = std::get_if<AppendRequest>(&envelope.message))
        if (envelope.peer_id == id && !append->heartbeat) found = envelope.sequence;
    return found;
  }

  Instant now{std::chrono::hours(1)};
  Effects effects;
  std::unique_ptr<Core> core;
};

TEST(CoreTest, TheOnlyVoterLeadsAtOnceAndCommitsWhatIsDurable) {
  Bench bench({}, 1, {"a"});
  EXPECT_EQ(bench.core->next_deadline(), bench.now);
  bench.tick();
  EXPECT_EQ(bench.core->role(), Role::kLeader);
  EXPECT_EQ(bench.effects.hard_state, (HardState{2, "a"}));
  EXPECT_EQ(bench.core->commit_index(), 0u);
  bench.persist();
  EXPECT_EQ(bench.core->commit_index(), 2u);
  EXPECT_EQ(bench.core->next_deadline(), Instant::max());
}

// 5.2: the vote is durable before it is said, and one a term.
TEST(CoreTest, VotesOnceATerm) {
  Bench bench;
  bench.pass(1s);
  bench.receive(
      "b",
      VoteRequest{
          .term = 2, .candidate_id = "b", .candidate_address = "b:8300", .last_index = 1, .last_term = 1});
  EXPECT_EQ(bench.effects.hard_state, (HardState{2, "b"}));
  ASSERT_EQ(bench.sent<VoteResponse>().size(), 1u);
  EXPECT_TRUE(bench.sent<VoteResponse>()[0].second.granted);
  bench.effects.clear();
  bench.receive(
      "c",
      VoteRequest{
          .term = 2, .candidate_id = "c", .candidate_address = "c:8300", .last_index = 9, .last_term = 1});
  EXPECT_FALSE(bench.sent<VoteResponse>()[0].second.granted);
  bench.effects.clear();
  bench.receive(
      "b",
      VoteRequest{
          .term = 2, .candidate_id = "b", .candidate_address = "b:8300", .last_index = 1, .last_term = 1});
  EXPECT_TRUE(bench.sent<VoteResponse>()[0].second.granted);  // the answer was lost: the same again
}

// 5.4.1: a candidate needs a log at least as new.
TEST(CoreTest, RefusesACandidateWithAnOlderLog) {
  for (auto [index, term, granted] : {std::tuple{5, 1, false}, {2, 2, false}, {3, 2, true}, {2, 3, true}}) {
    Bench bench({2, 2});
    bench.pass(1s);
    bench.receive("b", VoteRequest{.term = 9,
                                   .candidate_id = "b",
                                   .candidate_address = {},
                                   .last_index = static_cast<uint64_t>(index),
                                   .last_term = static_cast<uint64_t>(term)});
    EXPECT_EQ(bench.sent<VoteResponse>()[0].second.granted, granted) << index << "/" << term;
  }
}

// 5.4.2, figure 8: an entry of an earlier term on a majority is not committed by counting.
TEST(CoreTest, CommitsEarlierTermsOnlyThroughItsOwn) {
  Bench bench({2}, 3);
  bench.win();
  ASSERT_EQ(bench.core->term(), 4u);  // log: 1/1 2/2 3/4(noop)
  bench.effects.clear();
  // b has entry 2 of term 2 and nothing more: a majority holds it.
  bench.receive("b", AppendResponse{.term = 4, .last_index = 2, .success = false}, 1000000);
  Bench other({2}, 3);
  other.campaign();
  other.effects.clear();
  other.receive("b", VoteResponse{.term = other.core->term(), .granted = true});
  uint64_t probe = other.sequence_of_append_to("b");  // noop after entry 2
  ASSERT_NE(probe, 0u);
  other.effects.clear();
  other.receive("b", AppendResponse{.term = 4, .last_index = 1, .success = false}, probe);
  EXPECT_EQ(other.core->commit_index(), 0u);
  other.core->persisted(other.now, 2, 2, other.effects);
  EXPECT_EQ(other.core->commit_index(), 0u);
  ASSERT_EQ(other.effects.fetches.size(), 1u);  // entry 2 is not in memory
  other.core->fetched(other.now, "b", {entry(2, 2)}, other.effects);
  uint64_t second = 0;
  for (const Envelope& envelope : other.effects.messages)
    if (const auto* append = std::get_if<AppendRequest>(&envelope.message))
      if (envelope.peer_id == "b" && append->entries.size() == 1 && append->entries[0]->index == 2)
        second = envelope.sequence;
  ASSERT_NE(second, 0u);
  other.effects.clear();
  other.receive("b", AppendResponse{.term = 4, .last_index = 2, .success = true}, second);
  EXPECT_EQ(other.core->commit_index(), 0u)
      << "entry 2 of term 2 is on two of three, but must not be committed yet";
  uint64_t third = other.sequence_of_append_to("b");
  other.persist();
  other.receive("b", AppendResponse{.term = 4, .last_index = 3, .success = true}, third);
  EXPECT_EQ(other.core->commit_index(), 3u);
}

// 5.3: a follower answers only for what its disk has, and says where its log differs.
TEST(CoreTest, FollowerAcknowledgesAfterTheDisk) {
  Bench bench({1, 1, 2, 2});  // 1..5
  bench.receive("b",
                AppendRequest{.term = 5,
                              .leader_id = "b",
                              .leader_address = "b:8300",
                              .previous_index = 5,
                              .previous_term = 3,
                              .commit_index = 0,
                              .entries = {}},
                1);
  auto refused = bench.sent<AppendResponse>();
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_FALSE(refused[0].second.success);
  EXPECT_EQ(refused[0].second.last_index, 3u);  // before its whole run of term 2
  bench.effects.clear();
  bench.receive("b",
                AppendRequest{.term = 5,
                              .leader_id = "b",
                              .leader_address = "b:8300",
                              .previous_index = 3,
                              .previous_term = 1,
                              .commit_index = 4,
                              .entries = {entry(4, 3), entry(5, 5)}},
                2);
  EXPECT_TRUE(bench.sent<AppendResponse>().empty());
  ASSERT_EQ(bench.effects.log.size(), 2u);
  EXPECT_EQ(std::get<LogTruncate>(bench.effects.log[0]).from, 4u);
  EXPECT_EQ(std::get<LogAppend>(bench.effects.log[1]).entries.size(), 2u);
  EXPECT_EQ(bench.core->commit_index(), 4u);
  EXPECT_EQ(bench.core->apply_to(), 3u);  // committed, not durable here
  bench.core->persisted(bench.now, 4, 3, bench.effects);
  EXPECT_TRUE(bench.sent<AppendResponse>().empty());
  bench.core->persisted(bench.now, 5, 5, bench.effects);
  auto done = bench.sent<AppendResponse>();
  ASSERT_EQ(done.size(), 1u);
  EXPECT_TRUE(done[0].second.success);
  EXPECT_EQ(bench.effects.messages[0].sequence, 2u);
}

TEST(CoreTest, NonsenseFromPeersIsRefusedNotFatal) {
  Bench bench({1, 1});
  auto append = [&](uint64_t previous, std::vector<EntryRef> entries) {
    bench.receive("b", AppendRequest{.term = 5,
                                     .leader_id = "b",
                                     .leader_address = {},
                                     .previous_index = previous,
                                     .previous_term = 1,
                                     .commit_index = 99,
                                     .entries = std::move(entries)});
  };
  append(3, {entry(9, 5)});               // a gap
  append(3, {entry(4, 5), entry(5, 2)});  // a term that falls
  append(99, {});
  append(UINT64_MAX, {entry(0, 0)});
  bench.receive("zzz", AppendResponse{.term = 5, .last_index = 77, .success = true}, 12345);
  bench.receive("b", VoteResponse{.term = 5, .granted = true});
  bench.receive("b", SnapshotResponse{.term = 5, .success = true}, 1);
  EXPECT_EQ(bench.core->role(), Role::kFollower);
  bench.campaign();
  bench.receive("b", VoteResponse{.term = bench.core->term(), .granted = true});
  ASSERT_EQ(bench.core->role(), Role::kLeader);
  bench.receive(
      "c", AppendRequest{.term = bench.core->term(), .leader_id = "c", .leader_address = {}, .entries = {}});
  EXPECT_EQ(bench.core->role(), Role::kLeader);
}

// Found by simulation: the commit index fell due while a probe was under way, and was not sent any more.
TEST(CoreTest, AFollowerHearsOfACommitThatFellDueDuringAProbe) {
  Bench bench({1}, 1);
  bench.win();
  uint64_t to_b = bench.sequence_of_append_to("b"), to_c = bench.sequence_of_append_to("c");
  AppendResponse yes{.term = bench.core->term(), .last_index = 3, .success = true};
  bench.persist();
  bench.receive("b", yes, to_b);
  ASSERT_EQ(bench.core->commit_index(), 3u);
  bench.pass(60ms);
  bench.tick();  // the probe of c is not answered yet
  bench.effects.clear();
  bench.receive("c", yes, to_c);
  bench.pass(60ms);
  bench.tick();
  uint64_t told = 0;
  for (const auto& [id, append] : bench.sent<AppendRequest>())
    if (id == "c" && !append.heartbeat) told = append.commit_index;
  EXPECT_EQ(told, 3u);
}

// Thesis 9.6: a server that was cut off does not disturb the leader when it comes back.
TEST(CoreTest, PreVoteKeepsAReturningServerFromDisturbing) {
  for (bool pre_vote : {true, false}) {
    SimOptions options;
    options.seed = 7;
    options.pre_vote = pre_vote;
    SimCluster cluster(options);
    ASSERT_TRUE(cluster.run_until([&] { return !cluster.leader().empty(); }));
    std::string leader = cluster.leader(), lost = leader == "a" ? "b" : "a";
    uint64_t term = cluster.core(leader).term();
    cluster.run_for(1s);
    cluster.isolate(lost);
    cluster.run_for(20s);
    cluster.heal();
    cluster.run_for(5s);
    EXPECT_EQ(cluster.core(leader).term() == term, pre_vote);
    EXPECT_EQ(cluster.violation(), "");
  }
}

// Thesis 6.2: a leader that nobody answers steps down within the lease.
TEST(CoreTest, ALeaderWithoutQuorumStepsDown) {
  SimCluster cluster({.seed = 3});
  ASSERT_TRUE(cluster.run_until([&] { return !cluster.leader().empty(); }));
  std::string leader = cluster.leader();
  cluster.run_for(1s);
  EXPECT_GT(cluster.core(leader).lease_end(), cluster.now());
  cluster.isolate(leader);
  cluster.run_for(800ms);
  EXPECT_NE(cluster.core(leader).role(), Role::kLeader);
}

// Thesis 6.4: a read needs one confirmed round, and all waiting reads share it.
TEST(CoreTest, ReadsShareOneRoundAndWaitForTheOwnTerm) {
  Bench bench({1}, 1);
  bench.win();
  uint64_t noop = bench.sequence_of_append_to("b");
  bench.effects.clear();
  bench.core->read_index(bench.now, {1, 2, 3}, bench.effects);
  ASSERT_EQ(bench.sent<AppendRequest>().size(), 2u);  // one heartbeat a peer
  ASSERT_EQ(bench.effects.messages[0].peer_id, "b");
  uint64_t sequence = bench.effects.messages[0].sequence;
  bench.effects.clear();
  AppendResponse yes{.term = bench.core->term(), .last_index = 3, .success = true};
  bench.receive("b", yes, sequence);
  EXPECT_TRUE(bench.effects.answers.empty());  // the noop is not committed
  bench.persist();
  bench.receive("b", yes, noop);
  ASSERT_EQ(bench.effects.answers.size(), 3u);
  for (const Answer& answer : bench.effects.answers) EXPECT_EQ(answer.result.value(), 3u);
  // An answer to something sent before the read proves nothing.
  bench.effects.clear();
  bench.core->read_index(bench.now, {4}, bench.effects);
  bench.receive("b", yes, noop);
  EXPECT_TRUE(bench.effects.answers.empty());
}

TEST(CoreTest, HandsOverToAServerThatHasEverything) {
  SimCluster cluster({.seed = 5});
  ASSERT_TRUE(cluster.run_until([&] { return !cluster.leader().empty(); }));
  std::string leader = cluster.leader(), target = leader == "c" ? "b" : "c";
  for (int i = 0; i < 20; ++i) cluster.propose(leader, std::to_string(i));
  cluster.run_for(1s);
  Instant before = cluster.now();
  uint64_t ticket = cluster.transfer(leader, target);
  EXPECT_FALSE(cluster.propose(leader, "refused while handing over"));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.leader() == target; }));
  EXPECT_LT(cluster.now() - before, 50ms);
  ASSERT_TRUE(cluster.answer(ticket).has_value());
  EXPECT_TRUE(cluster.answer(ticket)->has_value());
  EXPECT_EQ(cluster.violation(), "");
}

// What a Consul leader that leaves looks like: it takes itself out, and closes its connections.
TEST(CoreTest, ALeaderThatTookItselfOutIsReplacedAtOnce) {
  for (bool out : {false, true}) {
    Bench bench;
    Configuration configuration;
    for (std::string id : {"a", "b", "c"})
      if (!out || id != "b") configuration.servers.push_back({Suffrage::kVoter, id, id + ":8300"});
    auto change = std::make_shared<Entry>(*entry(2, 2, encode_configuration(configuration)));
    change->type = EntryType::kConfiguration;
    bench.receive("b",
                  AppendRequest{.term = 2, .previous_index = 1, .previous_term = 1, .entries = {change}});
    bench.persist();
    bench.effects.clear();
    bench.core->unreachable(bench.now, "b:8300", bench.effects);
    bench.pass(200ms);
    bench.tick();
    ASSERT_EQ(bench.sent<VoteRequest>().size(), out ? 1u : 0u);
    if (out) EXPECT_TRUE(bench.sent<VoteRequest>()[0].second.leadership_transfer);
  }
}

// The simulation found it (seed 162603): who was demoted by an entry that only it has, and restarts, knows of
// no committed configuration. Nobody with a shorter log can win without its vote.
TEST(CoreTest, StandsForElectionWhileItsDemotionIsNotCommittedAlsoAfterARestart) {
  auto configured = [](uint64_t index, Suffrage own) {
    Configuration configuration;
    configuration.servers = {{own, "a", "a:8300"}, {Suffrage::kVoter, "b", "b:8300"}};
    auto made = std::make_shared<Entry>(*entry(index, 1, encode_configuration(configuration)));
    made->type = EntryType::kConfiguration;
    return made;
  };
  CoreState state;
  state.hard_state.term = 1;
  state.log = LogView(1, 2, {{1, 1}}, 0, 0);
  state.configurations = {configured(1, Suffrage::kVoter), configured(2, Suffrage::kNonvoter)};
  CoreOptions options;
  options.id = "a";
  options.address = "a:8300";
  Core core(options, std::move(state), {});
  Effects effects;
  core.tick(core.next_deadline(), effects);
  ASSERT_EQ(effects.messages.size(), 1u);
  EXPECT_EQ(effects.messages[0].peer_id, "b");
  EXPECT_TRUE(std::holds_alternative<VoteRequest>(effects.messages[0].message));
}

TEST(CoreTest, ALeaderWithoutRoomHandsOverAndStandsForNoElection) {
  Bench bench;
  bench.win();
  bench.receive("b", AppendResponse{.term = bench.core->term(), .last_index = 1, .success = true},
                bench.sequence_of_append_to("b"));
  bench.effects.clear();
  bench.core->set_full(bench.now, true, bench.effects);
  EXPECT_EQ(bench.core->role(), Role::kFollower);
  ASSERT_EQ(bench.sent<TimeoutNowRequest>().size(), 1u);
  EXPECT_EQ(bench.core->last_contact(), bench.now);  // what it has may still be read as stale
  for (int i = 0; i < 3; ++i) {
    bench.effects.clear();
    bench.now = std::max(bench.now, bench.core->next_deadline());
    bench.tick();
    EXPECT_TRUE(bench.effects.messages.empty());
  }
  bench.receive("b", TimeoutNowRequest{});
  EXPECT_TRUE(bench.sent<VoteRequest>().empty());
  bench.core->set_full(bench.now, false, bench.effects);
  bench.effects.clear();
  bench.now = std::max(bench.now, bench.core->next_deadline());
  bench.tick();
  EXPECT_EQ(bench.sent<VoteRequest>().size(), 2u);
}

// The simulation found it (seed 1442): the leader of a term that is over had been stopped while it handed
// over.
TEST(CoreTest, ObeysNobodyButItsLeaderWhenToldToTakeOver) {
  Bench bench;
  bench.receive("c", AppendRequest{.term = 2, .heartbeat = true, .entries = {}});
  bench.effects.clear();
  bench.receive("b", TimeoutNowRequest{});
  EXPECT_EQ(bench.core->role(), Role::kFollower);
  EXPECT_EQ(bench.core->term(), 2u);
  EXPECT_TRUE(bench.sent<VoteRequest>().empty());
  bench.receive("c", TimeoutNowRequest{.term = 1});  // it led in an earlier term too
  EXPECT_EQ(bench.core->role(), Role::kFollower);
  EXPECT_TRUE(bench.sent<VoteRequest>().empty());
  bench.receive("c", TimeoutNowRequest{.term = 2});
  EXPECT_EQ(bench.core->term(), 3u);
  EXPECT_EQ(bench.sent<VoteRequest>().size(), 2u);
}

TEST(CoreTest, AFollowerFarBehindGetsTheSnapshot) {
  SimCluster cluster({.seed = 11});
  ASSERT_TRUE(cluster.run_until([&] { return !cluster.leader().empty(); }));
  std::string leader = cluster.leader(), behind = leader == "a" ? "b" : "a";
  cluster.crash(behind);
  for (int i = 0; i < 200; ++i) cluster.propose(leader, std::to_string(i));
  cluster.run_for(2s);
  cluster.take_snapshot(leader);
  cluster.run_for(1s);
  EXPECT_GT(cluster.core(leader).log().first_index(), 100u);
  cluster.restart(behind);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.applied(behind).size() == 200; }));
  EXPECT_EQ(cluster.applied(behind), cluster.applied(leader));
  EXPECT_EQ(cluster.violation(), "");
}

// The same with Consul's default timings, over and over.
TEST(CoreTest, TheWorstOfTwentyElectionsIsUnderASecond) {
  Duration worst{};
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SimOptions options;
    options.seed = seed;
    options.timings = Timings().scaled(5);
    SimCluster cluster(options);
    ASSERT_TRUE(cluster.run_until([&] { return !cluster.leader().empty(); }));
    std::string leader = cluster.leader();
    cluster.propose(leader, "x");
    cluster.run_for(2s + std::chrono::milliseconds(seed * 37));
    Instant died = cluster.now();
    cluster.crash(leader);
    cluster.run_for(5ms);  // what was on its way arrives before the connections break
    for (const std::string& id : cluster.ids()) {
      Effects effects;
      if (!cluster.alive(id)) continue;
      const Server* server = cluster.core(id).configuration().find(leader);
      cluster.core(id).unreachable(cluster.now(), seed % 2 == 0 ? leader : server->address, effects);
    }
    ASSERT_TRUE(cluster.run_until([&] { return !cluster.leader().empty(); }));
    worst = std::max(worst, cluster.now() - died);
    EXPECT_EQ(cluster.violation(), "");
  }
  EXPECT_LT(worst, 1s);
}

// A follower whose disk is slow answers for the entries after the others have committed them. It hears of
// that without another write (found by server/cluster_test: after a restart one server showed nothing).
TEST(CoreTest, ASlowFollowerHearsWhatIsCommitted) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SimOptions options;
    options.seed = seed;
    options.disk_most = 300ms;
    SimCluster cluster(options);
    ASSERT_TRUE(cluster.run_until([&] { return !cluster.leader().empty(); }));
    cluster.run_for(5s);
    std::string leader = cluster.leader();
    ASSERT_NE(leader, "");
    for (const std::string& id : cluster.ids())
      EXPECT_EQ(cluster.core(id).commit_index(), cluster.core(leader).commit_index()) << "seed " << seed;
  }
}

// Who leaves waits for it.
TEST(CoreTest, ARemovedServerHearsOfItsRemoval) {
  SimCluster cluster({.seed = 13});
  ASSERT_TRUE(cluster.run_until([&] { return !cluster.leader().empty(); }));
  std::string leader = cluster.leader(), gone = leader == "a" ? "b" : "a";
  cluster.propose(leader, "x");
  cluster.run_for(1s);
  cluster.change(leader, ConfigurationChange::kRemoveServer, gone);
  ASSERT_TRUE(
      cluster.run_until([&] { return cluster.core(gone).configuration().find(gone) == nullptr; }, 2s));
  uint64_t term = cluster.core(leader).term();
  cluster.run_for(10s);
  EXPECT_EQ(cluster.leader(), leader);
  EXPECT_EQ(cluster.core(leader).term(), term) << "it disturbs nobody";
  EXPECT_EQ(cluster.violation(), "");
}

TEST(CoreTest, BeginsAClusterOnlyWithoutState) {
  CoreOptions options;
  options.id = "a";
  options.address = "a:8300";
  CoreState state{.hard_state = {}, .log = LogView(1, 0, {}, 0, 0)};
  Instant now{1h};
  Core core(options, std::move(state), now);
  Effects effects;
  core.tick(now + 1h, effects);
  EXPECT_EQ(core.role(), Role::kFollower) << "without a configuration nobody can be elected";
  Configuration alone{{{Suffrage::kVoter, "a", "a:8300"}}};
  EXPECT_FALSE(core.bootstrap(now, {}, effects));
  ASSERT_TRUE(core.bootstrap(now, alone, effects));
  EXPECT_EQ(core.configuration(), alone);
  ASSERT_TRUE(effects.hard_state);
  EXPECT_EQ(effects.hard_state->term, 1u);
  Status again = core.bootstrap(now, alone, effects);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().message, kErrCantBootstrap);
}

// A dead leader's broken connections: no need to wait for the whole timeout.
TEST(CoreTest, ABrokenConnectionShortensTheElection) {
  SimOptions options;
  options.seed = 9;
  options.timings = Timings().scaled(5);
  SimCluster cluster(options);
  ASSERT_TRUE(cluster.run_until([&] { return !cluster.leader().empty(); }));
  std::string leader = cluster.leader();
  cluster.propose(leader, "x");
  cluster.run_for(2s);
  Instant died = cluster.now();
  cluster.crash(leader);
  cluster.run_for(5ms);  // what was on its way arrives before the connections break
  for (const std::string& id : cluster.ids()) {
    Effects effects;
    if (!cluster.alive(id)) continue;
    Core& core = cluster.core(id);
    // Whoever was only called by the leader knows its address and not its id.
    core.unreachable(cluster.now(), core.configuration().find(leader)->address, effects);
  }
  ASSERT_TRUE(cluster.run_until([&] { return !cluster.leader().empty(); }));
  EXPECT_LT(cluster.now() - died, 1s);
  EXPECT_EQ(cluster.violation(), "");
}

// The whole conversation of a first election and one command, as a reader would tell it.
TEST(CoreTest, GoldenFirstElection) {
  SimOptions options;
  options.seed = 1;
  options.disk_most = 1ms;
  options.delay_least = options.delay_most = 1ms;
  SimCluster cluster(options);
  ASSERT_TRUE(cluster.run_until([&] { return !cluster.leader().empty(); }));
  std::string leader = cluster.leader(), trace = cluster.take_trace();
  std::string one = leader == "a" ? "b" : "a", two = leader == "c" ? "b" : "c";
  std::string expected =
      leader + ">" + one + " pre-vote term=2 last=1/1\n" + leader + ">" + two +
      " pre-vote term=2 last=1/1\n" + one + ">" + leader + " pre-vote granted term=2\n" + two + ">" + leader +
      " pre-vote granted term=2\n" + leader + ">" + one + " vote term=2 last=1/1\n" + leader + ">" + two +
      " vote term=2 last=1/1\n" + leader + " is Candidate in term 2\n" + one + ">" + leader +
      " vote granted term=2\n" + two + ">" + leader + " vote granted term=2\n" + leader + ">" + one +
      " append term=2 prev=1/1 n=1 commit=0\n" + leader + ">" + two +
      " append term=2 prev=1/1 n=1 commit=0\n" + leader + ">" + one + " heartbeat term=2\n" + leader + ">" +
      two + " heartbeat term=2\n" + leader + " is Leader in term 2\n";
  EXPECT_EQ(trace, expected);
}

}  // namespace
}  // namespace praetor::raft
