#include "gossip/serf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "gossip/sim_serf.h"

namespace praetor::gossip {
namespace {

using namespace std::chrono_literals;
using Index = SimNetwork::Index;
using testing::ElementsAre;
using testing::HasSubstr;

class Pool {
 public:
  explicit Pool(size_t size, SimNetworkOptions network = {}) : net(network) {
    for (Index i = 0; i < size; ++i) add();
    for (Index i = 1; i < size; ++i) join(i, 0);
    EXPECT_TRUE(net.run_until([&] { return all_have(size, MemberStatus::kAlive); }, 60s));
    net.run_for(3s);
  }

  SerfOptions options(Index i) {
    SerfOptions options;
    options.swim.name = "n" + std::to_string(i);
    options.swim.address = SimNetwork::address_of(i);
    options.swim.seed = 77 + i;
    options.tags["role"] = i == 0 ? "consul" : "node";
    options.tags["index"] = std::to_string(i);
    return options;
  }
  Index add() {
    auto i = static_cast<Index>(members.size());
    members.push_back(nullptr);
    keyrings.push_back(*Keyring::make({}, std::string(16, 'k')));
    net.add(nullptr);
    begin(i, options(i));
    return i;
  }
  void begin(Index i, SerfOptions options) {
    auto member = std::make_unique<SimSerf>(std::move(options));
    members[i] = member.get();
    net.replace(i, std::move(member));
    net.start(i);
  }
  template <typename Step>
  auto act(Index i, Step step) {
    std::invoke_result_t<Step, Serf&, SerfEffects&> result;
    net.act(i, [&](SimMember&, Effects& effects) {
      result = members[i]->run(effects, [&](SerfEffects& out) { return step(*members[i]->serf, out); });
    });
    return result;
  }
  uint64_t join(Index i, Index to, bool ignore_old = false) {
    return *act(i, [&](Serf& serf, SerfEffects& out) {
      return serf.join(net.now(), SimNetwork::address_of(to), ignore_old, out);
    });
  }
  Status fire(Index i, const std::string& name, const std::string& payload) {
    return act(i, [&](Serf& serf, SerfEffects& out) {
      return serf.user_event(net.now(), name, payload, false, out);
    });
  }
  Status leave(Index i) {
    return act(i, [&](Serf& serf, SerfEffects& out) { return serf.leave(net.now(), out); });
  }
  uint64_t remove(Index i, const std::string& name, bool prune) {
    return act(i,
               [&](Serf& serf, SerfEffects& out) { return serf.remove_failed(net.now(), name, prune, out); });
  }
  MemberStatus status(Index at, Index of) {
    auto member = members[at]->serf->member("n" + std::to_string(of));
    return member ? member->status : MemberStatus::kNone;
  }
  bool all_have(size_t count, MemberStatus status) {
    for (Index i = 0; i < members.size(); ++i) {
      if (!net.up(i)) continue;
      size_t found = 0;
      for (const Member& member : members[i]->serf->members()) found += member.status == status;
      if (found != count) return false;
    }
    return true;
  }
  std::vector<std::string> heard(Index i) {
    std::vector<std::string> names;
    for (const UserEvent& event : members[i]->all<UserEvent>()) names.push_back(event.name);
    return names;
  }
  size_t count(Index i, MemberEvent::Kind kind) {
    auto events = members[i]->all<MemberEvent>();
    return static_cast<size_t>(std::ranges::count(events, kind, &MemberEvent::kind));
  }

  SimNetwork net;
  std::vector<SimSerf*> members;
  std::vector<Keyring> keyrings;
};

TEST(Serf, JoinsWithTags) {
  Pool pool(5);
  auto member = pool.members[4]->serf->member("n0");
  ASSERT_TRUE(member);
  EXPECT_EQ(*member->tags.get("role"), "consul");
  EXPECT_EQ(member->versions.delegate_current, 4);
  EXPECT_EQ(pool.count(4, MemberEvent::Kind::kJoin), 5u);
  ASSERT_EQ(pool.members[4]->all<JoinDone>().size(), 1u);
  EXPECT_TRUE(pool.members[4]->all<JoinDone>()[0].status);
}

TEST(Serf, TagsChangeEverywhereAndAreLimited) {
  Pool pool(4);
  ASSERT_TRUE(pool.act(1, [&](Serf& serf, SerfEffects& out) {
    return serf.set_tags(pool.net.now(), {{"role", "web"}}, out);
  }));
  pool.net.run_for(2s);
  EXPECT_EQ(*pool.members[3]->serf->member("n1")->tags.get("role"), "web");
  EXPECT_EQ(pool.count(3, MemberEvent::Kind::kUpdate), 1u);
  auto refused = pool.act(1, [&](Serf& serf, SerfEffects& out) {
    return serf.set_tags(pool.net.now(), {{"role", std::string(600, 'x')}}, out);
  });
  EXPECT_EQ(refused.error().message, "Encoded length of tags exceeds limit of 512 bytes");
}

TEST(Serf, LeavingAndFailingAreToldApart) {
  Pool pool(6);
  ASSERT_TRUE(pool.leave(2));
  ASSERT_TRUE(pool.net.run_until([&] { return !pool.members[2]->all<LeaveDone>().empty(); }, 14s));
  EXPECT_EQ(pool.leave(2).has_value(), true);
  pool.net.kill(2);
  pool.net.kill(3);
  ASSERT_TRUE(pool.net.run_until([&] { return pool.status(0, 3) == MemberStatus::kFailed; }, 30s));
  pool.net.run_for(5s);
  for (Index i : {0u, 1u, 4u, 5u}) {
    EXPECT_EQ(pool.status(i, 2), MemberStatus::kLeft);
    EXPECT_EQ(pool.count(i, MemberEvent::Kind::kLeave), 1u);
    EXPECT_EQ(pool.count(i, MemberEvent::Kind::kFailed), 1u);
  }
}

TEST(Serf, AloneItLeavesAtOnce) {
  Pool pool(1);
  ASSERT_TRUE(pool.leave(0));
  EXPECT_EQ(pool.members[0]->all<LeaveDone>().size(), 1u);
  EXPECT_FALSE(pool.act(0, [&](Serf& serf, SerfEffects& out) {
    return serf.join(pool.net.now(), SimNetwork::address_of(1), false, out);
  }));
}

TEST(Serf, AFailedMemberIsRemovedByForce) {
  Pool pool(5);
  pool.net.kill(4);
  ASSERT_TRUE(pool.net.run_until([&] { return pool.all_have(1, MemberStatus::kFailed); }, 30s));
  uint64_t ticket = pool.remove(1, "n4", false);
  ASSERT_TRUE(pool.net.run_until([&] { return pool.all_have(1, MemberStatus::kLeft); }, 5s));
  ASSERT_TRUE(pool.net.run_until([&] { return !pool.members[1]->all<RemovalDone>().empty(); }, 6s));
  EXPECT_EQ(pool.members[1]->all<RemovalDone>()[0].ticket, ticket);
  EXPECT_TRUE(pool.members[1]->all<RemovalDone>()[0].status);

  pool.remove(2, "n4", true);
  ASSERT_TRUE(pool.net.run_until([&] { return pool.status(3, 4) == MemberStatus::kNone; }, 5s));
  EXPECT_EQ(pool.count(3, MemberEvent::Kind::kReap), 1u);
}

TEST(Serf, ALivingMemberRefutesItsRemoval) {
  Pool pool(4);
  pool.remove(1, "n2", false);
  pool.net.run_for(5s);
  for (Index i = 0; i < 4; ++i) EXPECT_EQ(pool.status(i, 2), MemberStatus::kAlive) << i;
}

TEST(Serf, EventsReachAllOnceAndInTime) {
  Pool pool(12, {.loss = 0.1, .duplicate = 0.1});
  ASSERT_TRUE(pool.fire(3, "deploy", "v1"));
  pool.net.run_for(3s);
  ASSERT_TRUE(pool.fire(9, "deploy", "v2"));
  pool.net.run_for(3s);
  for (Index i = 0; i < 12; ++i) EXPECT_THAT(pool.heard(i), ElementsAre("deploy", "deploy")) << i;
  auto events = pool.members[5]->all<UserEvent>();
  EXPECT_LT(events[0].ltime, events[1].ltime);
  EXPECT_EQ(events[1].payload, "v2");
}

TEST(Serf, EventSizesAreLimited) {
  Pool pool(1);
  EXPECT_EQ(pool.fire(0, "n", std::string(512, 'x')).error().message,
            "user event exceeds configured limit of 512 bytes before encoding");
  EXPECT_EQ(pool.fire(0, "n", std::string(511, 'x')).error().message,
            "encoded user event exceeds configured limit of 512 bytes after encoding");
  EXPECT_TRUE(pool.fire(0, "n", std::string(400, 'x')));
}

TEST(Serf, ANewMemberHearsOldEventsUnlessItIgnoresThem) {
  Pool pool(3);
  ASSERT_TRUE(pool.fire(0, "old", ""));
  pool.net.run_for(3s);
  Index curious = pool.add(), busy = pool.add();
  pool.join(curious, 0);
  pool.join(busy, 1, true);
  pool.net.run_for(3s);
  ASSERT_TRUE(pool.fire(1, "new", ""));
  pool.net.run_for(3s);
  EXPECT_THAT(pool.heard(curious), ElementsAre("old", "new"));
  EXPECT_THAT(pool.heard(busy), ElementsAre("new"));
}

TEST(Serf, QueriesAreAnsweredByThoseTheyConcern) {
  Pool pool(6);
  QueryParams params;
  params.want_ack = true;
  params.relay_factor = 2;
  params.filters = {{QueryFilter::Kind::kTag, {}, "role", "^no"},
                    {QueryFilter::Kind::kNodes, {"n0", "n2", "n3"}, "", ""}};
  auto ticket = pool.act(5, [&](Serf& serf, SerfEffects& out) {
    return serf.query(pool.net.now(), "load", "payload", params, out);
  });
  ASSERT_TRUE(ticket);
  for (int i = 0; i < 20; ++i) {
    pool.net.run_for(20ms);
    for (Index m : {2u, 3u})
      for (const QueryEvent& query : pool.members[m]->all<QueryEvent>())
        EXPECT_TRUE(pool.act(m, [&](Serf& serf, SerfEffects& out) {
          return serf.respond(pool.net.now(), query, "answer", out);
        }));
  }
  ASSERT_TRUE(pool.net.run_until([&] { return !pool.members[5]->all<QueryDone>().empty(); }, 10s));
  std::multiset<std::string> acks, answers;
  for (const QueryReply& reply : pool.members[5]->all<QueryReply>()) {
    EXPECT_EQ(reply.ticket, *ticket);
    (reply.ack ? acks : answers).insert(reply.from);
  }
  EXPECT_THAT(acks, ElementsAre("n2", "n3"));
  EXPECT_THAT(answers, ElementsAre("n2", "n3"));
  EXPECT_TRUE(pool.members[0]->all<QueryEvent>().empty());
  EXPECT_EQ(pool.act(5,
                     [&](Serf& serf, SerfEffects& out) {
                       return serf.query(pool.net.now(), "big", std::string(1024, 'x'), {}, out);
                     })
                .error()
                .message,
            "query exceeds limit of 1024 bytes");
}

TEST(Serf, KeysAreChangedEverywhere) {
  Pool pool(4);
  std::vector<Index> all{0, 1, 2, 3};
  int saved = 0;
  for (Index i : all) {
    SerfOptions options = pool.options(i);
    options.keyring = &pool.keyrings[i];
    options.save_keyring = [&saved](const Keyring&) -> Status {
      ++saved;
      return {};
    };
    pool.begin(i, std::move(options));
  }
  for (Index i : {1u, 2u, 3u}) pool.join(i, 0);
  pool.net.run_for(3s);
  std::string fresh = base64_encode(std::string(16, 'n')), old = base64_encode(std::string(16, 'k'));
  auto change = [&](KeyOperation operation, const std::string& key) {
    pool.members[2]->events.clear();
    auto ticket = pool.act(2, [&](Serf& serf, SerfEffects& out) {
      return serf.change_keys(pool.net.now(), operation, key, 0, out);
    });
    EXPECT_TRUE(ticket);
    EXPECT_TRUE(pool.net.run_until([&] { return !pool.members[2]->all<KeysDone>().empty(); }, 20s));
    return pool.members[2]->all<KeysDone>().at(0);
  };
  EXPECT_TRUE(change(KeyOperation::kInstall, fresh).status);
  EXPECT_EQ(saved, 4);
  KeysDone listed = change(KeyOperation::kList, "");
  EXPECT_EQ(listed.report.keys.at(fresh), 4);
  EXPECT_EQ(listed.report.primary_keys.at(old), 4);
  KeysDone refused = change(KeyOperation::kRemove, old);
  EXPECT_EQ(refused.status.error().message, "4/4 nodes reported failure");
  EXPECT_EQ(refused.report.messages.at("n1"), "Removing the primary key is not allowed");
  EXPECT_TRUE(change(KeyOperation::kUse, fresh).status);
  EXPECT_TRUE(change(KeyOperation::kRemove, old).status);
  EXPECT_EQ(pool.keyrings[3].keys(), std::vector<std::string>{std::string(16, 'n')});
  EXPECT_FALSE(pool.act(2, [&](Serf& serf, SerfEffects& out) {
    return serf.change_keys(pool.net.now(), KeyOperation::kInstall, "%%%", 0, out);
  }));
  // A member that does not answer shows.
  pool.net.kill(3);
  EXPECT_EQ(change(KeyOperation::kList, "").status.error().message, "3/4 nodes reported success");
}

TEST(Serf, WithoutEncryptionThereAreNoKeys) {
  Pool pool(2);
  auto ticket = pool.act(0, [&](Serf& serf, SerfEffects& out) {
    return serf.change_keys(pool.net.now(), KeyOperation::kList, "", 0, out);
  });
  ASSERT_TRUE(ticket);
  pool.net.run_for(5s);
  ASSERT_EQ(pool.members[0]->all<KeysDone>().size(), 1u);
  EXPECT_EQ(pool.members[0]->all<KeysDone>()[0].report.messages.at("n1"),
            "Keyring is empty (encryption not enabled)");
}

TEST(Serf, FailedMembersAreReapedAndComeBackByThemselves) {
  Pool pool(4);
  pool.net.set_group(3, 1);
  ASSERT_TRUE(pool.net.run_until([&] { return pool.status(0, 3) == MemberStatus::kFailed; }, 60s));
  pool.net.run_for(60s);
  pool.net.set_group(3, 0);
  // Nobody asks for it: the reconnects do.
  EXPECT_TRUE(pool.net.run_until([&] { return pool.all_have(4, MemberStatus::kAlive); }, 300s));

  pool.net.kill(3);
  ASSERT_TRUE(pool.net.run_until([&] { return pool.status(0, 3) == MemberStatus::kFailed; }, 60s));
  pool.net.run_for(72h + 1min);
  EXPECT_EQ(pool.status(0, 3), MemberStatus::kNone);
  EXPECT_EQ(pool.count(0, MemberEvent::Kind::kReap), 1u);
}

TEST(Serf, RejoinsThroughItsSnapshot) {
  Pool pool(4);
  ASSERT_TRUE(pool.fire(0, "old", ""));
  pool.net.run_for(3s);
  std::string file;
  while (auto write = pool.members[3]->serf->snapshot().take()) file += write->text;
  EXPECT_THAT(file, HasSubstr("alive: n0 10.0.0.0:8301\n"));
  EXPECT_THAT(file, HasSubstr("event-clock: 1\n"));
  SerfOptions options = pool.options(3);
  options.snapshot = Snapshot::read(file, false);
  pool.begin(3, std::move(options));
  EXPECT_TRUE(pool.net.run_until([&] { return pool.all_have(4, MemberStatus::kAlive); }, 10s));
  pool.net.run_for(5s);
  EXPECT_TRUE(pool.heard(3).empty());  // known from its earlier life
  ASSERT_TRUE(pool.leave(3));
  file.clear();
  while (auto write = pool.members[3]->serf->snapshot().take()) file += write->text;
  EXPECT_TRUE(file.ends_with("leave\n"));
}

TEST(Serf, ComesBackAfterALeave) {
  Pool pool(4);
  ASSERT_TRUE(pool.leave(2));
  ASSERT_TRUE(pool.net.run_until([&] { return !pool.members[2]->all<LeaveDone>().empty(); }, 14s));
  pool.begin(2, pool.options(2));
  pool.join(2, 0);
  EXPECT_TRUE(pool.net.run_until([&] { return pool.all_have(4, MemberStatus::kAlive); }, 10s));
  pool.net.run_for(60s);
  EXPECT_TRUE(pool.all_have(4, MemberStatus::kAlive));
}

TEST(Serf, MembersAreVetoed) {
  Pool pool(2);
  auto veto = [](const std::vector<Member>& members) -> Status {
    for (const Member& member : members)
      if (member.tags.get("index") != nullptr && *member.tags.get("index") == "2") return fail("no twos");
    return {};
  };
  for (Index i : {0u, 1u}) {
    SerfOptions options = pool.options(i);
    options.veto = veto;
    pool.begin(i, std::move(options));
  }
  pool.join(1, 0);
  Index two = pool.add();
  pool.join(two, 0);
  pool.net.run_for(10s);
  EXPECT_EQ(pool.members[0]->serf->member_count(), 2u);
  // The stranger itself was told of them, but they do not answer for it.
  EXPECT_EQ(pool.status(1, 2), MemberStatus::kNone);
}

TEST(Serf, NonsenseChangesNothing) {
  Pool pool(2);
  Random random(5);
  for (int i = 0; i < 2000; ++i) {
    std::string message(1, static_cast<char>(MessageType::kUser));
    message += static_cast<char>(random.below(11));
    for (uint64_t n = random.below(40); n > 0; --n) message += static_cast<char>(random.below(256));
    pool.net.act(0, [&](SimMember& member, Effects& effects) {
      (void)member.packet(pool.net.now(), SimNetwork::address_of(1), message, effects);
      std::string state = encode_push_pull({.nodes = {}, .user_state = std::string_view(message).substr(1)});
      (void)member.stream(pool.net.now(), SimNetwork::address_of(1), state, effects);
    });
  }
  EXPECT_EQ(pool.members[0]->serf->member_count(), 2u);
}

TEST(Snapshot, IsWrittenAnewWhenItGrows) {
  Snapshot snapshot;
  size_t appended = 0, replaced = 0;
  for (int i = 0; i < 20000; ++i) {
    snapshot.note_alive("node", "127.0.0.1:" + std::to_string(i % 9));
    auto write = snapshot.take();
    ASSERT_TRUE(write);
    (write->replace ? replaced : appended) += 1;
    if (write->replace) {
      EXPECT_EQ(write->text.substr(0, 12), "alive: node ");
      EXPECT_TRUE(write->text.ends_with("query-clock: 0\n"));
    }
  }
  EXPECT_EQ(replaced, 3u);
  EXPECT_FALSE(snapshot.take());
}

TEST(Snapshot, ReadsWhatIsGood) {
  auto read = [](std::string_view text, bool rejoin) { return Snapshot::read(text, rejoin); };
  std::string_view text =
      "alive: a b 127.0.0.1:1\nalive: c 127.0.0.1:2\nnot-alive: c\nclock: 7\nevent-clock: x\n# "
      "c\nquery-clock: 9\ncut";
  EXPECT_THAT(read(text, false).alive(), ElementsAre(testing::Pair("a b", "127.0.0.1:1")));
  EXPECT_EQ(read(text, false).clock(), 7u);
  EXPECT_EQ(read(text, false).query_clock(), 9u);
  EXPECT_TRUE(read("alive: a 1\nclock: 7\nleave\n", false).alive().empty());
  EXPECT_EQ(read("alive: a 1\nclock: 7\nleave\n", false).clock(), 0u);
  EXPECT_EQ(read("alive: a 1\nclock: 7\nleave\n", true).alive().size(), 1u);
}

TEST(Coordinate, FindsTheDistances) {
  Random random(1);
  // Three members on a line, 10 ms apart, with 1 ms of access each.
  std::vector<CoordinateClient> clients(3);
  for (int round = 0; round < 1000; ++round)
    for (size_t i = 0; i < 3; ++i) {
      size_t j = (i + 1 + random.below(2)) % 3;
      Duration rtt = 2ms + 10ms * static_cast<int64_t>(i > j ? i - j : j - i);
      ASSERT_TRUE(clients[i].update("n" + std::to_string(j), clients[j].coordinate(), rtt, random));
    }
  EXPECT_NEAR(static_cast<double>(distance(clients[0].coordinate(), clients[1].coordinate()).count()), 12e6,
              1.5e6);
  EXPECT_NEAR(static_cast<double>(distance(clients[0].coordinate(), clients[2].coordinate()).count()), 22e6,
              1.5e6);
  EXPECT_LT(clients[0].coordinate().error, 0.2);
}

TEST(Coordinate, RefusesNonsense) {
  Random random(1);
  CoordinateClient client;
  Coord other = origin_coordinate();
  EXPECT_FALSE(client.update("n", other, -1ns, random));
  EXPECT_FALSE(client.update("n", other, 11s, random));
  other.vec[3] = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(client.update("n", other, 1ms, random));
  other.vec.resize(3);
  EXPECT_FALSE(client.update("n", other, 1ms, random));
  EXPECT_FALSE(decode_ack_payload("\x02"));
  EXPECT_TRUE(is_valid(*decode_ack_payload(encode_ack_payload(client.coordinate()))));
  // Huge but finite numbers may overflow: the coordinate starts anew.
  other = origin_coordinate();
  other.vec[0] = 1e308;
  other.height = 1e308;
  for (int i = 0; i < 10; ++i) (void)client.update("n", other, 1ms, random);
  EXPECT_TRUE(is_valid(client.coordinate()));
}

// Finite numbers that overflow in between, as a member may send them.
TEST(Coordinate, DistancesBeyondAllNumbersAreTheLongest) {
  Coord here = origin_coordinate(), far = origin_coordinate();
  far.vec[0] = 1e308;
  here.vec[0] = -1e308;
  EXPECT_EQ(distance(here, far), Duration(9'000'000'000'000'000'000));
  far.height = 1e308;
  far.adjustment = here.adjustment = -1e308;
  far.vec[0] = here.vec[0] = 0;
  EXPECT_GT(distance(here, far), Duration(0));
  far = here = origin_coordinate();
  far.vec[0] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(distance(here, far), Duration(9'000'000'000'000'000'000));
}

}  // namespace
}  // namespace praetor::gossip
