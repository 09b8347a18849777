#include "dns/answer.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/clock.h"
#include "base/text.h"
#include "dns/fake_backend.h"

namespace praetor::dns {
namespace {

using std::chrono::seconds;

class FixedClock final : public Clock {
 public:
  Instant now() const override { return {}; }
  Time wall() const override { return {1000, 0}; }
};

// Collects late responses.
class Mailbox final : public Deferral<std::string> {
 public:
  std::function<void(Result<std::string>)> defer() override {
    return [this](Result<std::string> reply) { replies.push_back(std::move(*reply)); };
  }
  std::vector<std::string> replies;
};

// Recursors that answer when told to.
class FakeForwarder final : public Forwarder {
 public:
  void forward(std::string_view packet, Transport, std::function<void(Result<std::string>)> done) override {
    forwarded.emplace_back(std::string(packet), std::move(done));
  }
  void resolve(std::string_view name, std::function<void(Result<std::vector<Record>>)> done) override {
    resolving.emplace_back(std::string(name), std::move(done));
  }
  std::vector<std::pair<std::string, std::function<void(Result<std::string>)>>> forwarded;
  std::vector<std::pair<std::string, std::function<void(Result<std::vector<Record>>)>>> resolving;
};

// A response, taken apart far enough for these tests.
struct Seen {
  uint16_t flags = 0;
  size_t size = 0, answers = 0, authority = 0, additional = 0;
  std::vector<Record> records;  // of the answer section; types that Reply does not keep are left out
  uint8_t rcode() const { return flags & 0xf; }
  bool truncated() const { return (flags & flag::kTruncated) != 0; }
};

Seen see(std::string_view packet) {
  Seen seen;
  seen.size = packet.size();
  Cursor cursor(packet);
  cursor.skip(2);
  seen.flags = cursor.u16();
  cursor.skip(2);
  seen.answers = cursor.u16();
  seen.authority = cursor.u16();
  seen.additional = cursor.u16();
  if (std::optional<Reply> reply = parse_reply(packet)) seen.records = std::move(reply->answer);
  return seen;
}

class AnswerTest : public testing::Test {
 protected:
  void add_web(int count) {
    for (int i = 0; i < count; ++i) {
      std::string node = "node" + std::to_string(i);
      backend.add_node(node, "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1));
      backend.add_service(node, "web", 8080);
    }
  }

  Answerer& answerer() {
    if (!answerer_) {
      answerer_ = std::make_unique<Answerer>(
          Answerer::Options{CompiledConfig::make(config).value(), &backend, &forwarder, &random, &clock});
    }
    return *answerer_;
  }

  static std::string packet(std::string_view name, uint16_t qtype, uint16_t edns = 0) {
    std::string out = write_query(7, name_from_text(name).value(), qtype);
    if (edns == 0) return out;
    out[11] = 1;
    out.append(1, '\0');
    put_u16(out, type::kOPT);
    put_u16(out, edns);
    return out.append(6, '\0');
  }

  Answerer::Outcome send(const std::string& query, Transport transport = Transport::kUdp) {
    size_t size = 0;
    auto outcome = answerer().answer(query, {transport, "10.1.1.1"}, buffer, size, mailbox);
    raw = buffer.substr(0, outcome == Answerer::Outcome::kReplied ? size : 0);
    return outcome;
  }

  Seen ask(std::string_view name, uint16_t qtype, uint16_t edns = 0, Transport transport = Transport::kUdp) {
    EXPECT_EQ(send(packet(name, qtype, edns), transport), Answerer::Outcome::kReplied);
    return see(raw);
  }

  Config config;
  FakeBackend backend;
  FakeForwarder forwarder;
  Random random{42};
  FixedClock clock;
  Mailbox mailbox;
  std::string raw;
  std::string buffer = std::string(kMaxMessageBytes, '\0');

 private:
  std::unique_ptr<Answerer> answerer_;
};

TEST_F(AnswerTest, EveryInstanceComesFirstEquallyOften) {
  add_web(3);
  std::map<std::string, int> first;
  constexpr int kRounds = 30'000;
  for (int i = 0; i < kRounds; ++i)
    ++first[std::string(ask("web.service.consul", type::kA).records[0].head())];
  ASSERT_EQ(first.size(), 3u);
  for (const auto& [address, count] : first) EXPECT_NEAR(count, kRounds / 3, kRounds / 50);
}

TEST_F(AnswerTest, UdpWithoutEdnsHasThreeAnswers) {
  add_web(4);
  Seen seen = ask("web.service.consul", type::kA);
  EXPECT_EQ(seen.answers, 3u);
  EXPECT_FALSE(seen.truncated());
  EXPECT_EQ(ask("web.service.consul", type::kSRV).answers, 3u);
  EXPECT_EQ(ask("web.service.consul", type::kSRV).additional, 3u);
  EXPECT_EQ(ask("web.service.consul", type::kA, 1232).answers, 4u);
  EXPECT_EQ(ask("web.service.consul", type::kA, 0, Transport::kTcp).answers, 4u);
}

TEST_F(AnswerTest, TruncationIsToldOnlyWhenConfigured) {
  config.enable_truncate = true;
  add_web(4);
  EXPECT_TRUE(ask("web.service.consul", type::kA).truncated());
  EXPECT_FALSE(ask("web.service.consul", type::kA, 1232).truncated());
}

TEST_F(AnswerTest, TheAnswerLimitIsCappedAtEight) {
  config.udp_answer_limit = 20;
  add_web(12);
  EXPECT_EQ(ask("web.service.consul", type::kA).answers, 8u);
}

TEST_F(AnswerTest, TheARecordLimitLeavesSrvAlone) {
  config.a_record_limit = 2;
  add_web(5);
  EXPECT_EQ(ask("web.service.consul", type::kA, 1232).answers, 2u);
  EXPECT_EQ(ask("web.service.consul", type::kSRV, 1232).answers, 5u);
}

TEST_F(AnswerTest, FillsAMessageUpToItsLimit) {
  add_web(3000);
  for (uint16_t room : {600, 1232, 1400, 4096, 20000, 65535}) {
    Seen seen = ask("web.service.consul", type::kA, room);
    size_t fits = (std::min<size_t>(room, kMaxUdpReplyBytes) - 7 - 36) / 16;
    EXPECT_EQ(seen.answers, std::min<size_t>(fits, 3000)) << room;
    std::set<std::string> addresses;
    for (const Record& record : seen.records) addresses.emplace(record.head());
    EXPECT_EQ(addresses.size(), seen.answers);
    Seen srv = ask("web.service.consul", type::kSRV, room);
    EXPECT_LE(srv.size, room + 4u);  // the OPT record comes on top of Consul's reserve of 7 bytes
    EXPECT_EQ(srv.additional, srv.answers + 1);
  }
  EXPECT_EQ(ask("web.service.consul", type::kA, 0, Transport::kTcp).answers, 3000u);
  Seen srv = ask("web.service.consul", type::kSRV, 0, Transport::kTcp);
  EXPECT_GT(srv.answers, 1000u);  // the bytes run out just before kMaxTcpSrvAnswers
  EXPECT_LE(srv.size, kMaxTcpAnswerBytes);
}

TEST_F(AnswerTest, DuplicateAddressesAreOneAnswer) {
  backend.add_node("n", "10.0.0.1");
  for (int port : {1, 1, 2}) backend.add_service("n", "dup", port);
  EXPECT_EQ(ask("dup.service.consul", type::kA).answers, 1u);
  EXPECT_EQ(ask("dup.service.consul", type::kSRV).answers, 2u);
}

TEST_F(AnswerTest, CriticalInstancesAreLeftOut) {
  add_web(2);
  backend.add_node("sick", "10.9.9.9");
  backend.add_service("sick", "web", 1).health = Health::kCritical;
  backend.add_service("sick", "ill", 1).health = Health::kCritical;
  EXPECT_EQ(ask("web.service.consul", type::kA).answers, 2u);
  Seen seen = ask("ill.service.consul", type::kA);
  EXPECT_EQ(seen.rcode(), rcode::kNameError);
  EXPECT_EQ(seen.authority, 1u);
}

TEST_F(AnswerTest, OnlyPassingLeavesOutWarnings) {
  config.only_passing = true;
  add_web(2);
  backend.add_service("node0", "web", 9).health = Health::kWarning;
  EXPECT_EQ(ask("web.service.consul", type::kSRV).answers, 2u);
}

TEST_F(AnswerTest, ANameThatCannotBeWrittenLosesOnlyItsInstance) {
  add_web(2);
  backend.add_node(std::string(64, 'x'), "10.0.0.99");
  backend.add_service(std::string(64, 'x'), "web", 1);
  EXPECT_EQ(ask("web.service.consul", type::kSRV).answers, 2u);
  EXPECT_EQ(ask("web.service.consul", type::kA).answers, 3u);
}

TEST_F(AnswerTest, LongMetadataIsAnsweredInPieces) {
  backend.add_node("n", "10.0.0.1", {{"big", std::string(300, 'v')}});
  EXPECT_EQ(ask("n.node.consul", type::kTXT).answers, 1u);
}

TEST_F(AnswerTest, RenderedAnswersAreDroppedWhenTheIndexMoves) {
  add_web(2);
  EXPECT_EQ(ask("web.service.consul", type::kA).answers, 2u);
  size_t before = backend.lookups;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask("WEB.service.consul", type::kA).answers, 2u);
  EXPECT_EQ(backend.lookups, before);
  backend.add_service("node0", "web", 1, "10.7.7.7");
  EXPECT_EQ(ask("web.service.consul", type::kA).answers, 3u);
  EXPECT_EQ(backend.lookups, before + 1);
}

TEST_F(AnswerTest, NothingIsKeptWithoutAnIndex) {
  backend.fixed_index = 0;
  add_web(1);
  for (int i = 0; i < 3; ++i) ask("web.service.consul", type::kA);
  EXPECT_EQ(backend.lookups, 3u);
  EXPECT_EQ(answerer().counters().cache_hits, 0u);
}

TEST_F(AnswerTest, TheCacheIsBounded) {
  add_web(1);
  // Questions of different types are kept apart.
  auto ask_type = [&](size_t i) { ask("web.service.consul", static_cast<uint16_t>(1000 + i)); };
  for (size_t i = 0; i < kMaxCachedAnswers; ++i) ask_type(i);
  size_t before = backend.lookups;
  ask_type(0);
  EXPECT_EQ(backend.lookups, before);
  ask_type(kMaxCachedAnswers);  // one too many: the others have to go
  ask_type(kMaxCachedAnswers);
  EXPECT_EQ(backend.lookups, before + 1);
  ask_type(0);
  EXPECT_EQ(backend.lookups, before + 2);
}

TEST_F(AnswerTest, AConfigurationChangeTakesEffectAtOnce) {
  add_web(1);
  EXPECT_EQ(ask("web.service.consul", type::kA).records[0].ttl(), 0u);
  config.service_ttl["web"] = seconds(9);
  answerer().set_config(CompiledConfig::make(config).value());
  EXPECT_EQ(ask("web.service.consul", type::kA).records[0].ttl(), 9u);
}

TEST_F(AnswerTest, WaitsForTheBackend) {
  add_web(2);
  backend.hold();
  EXPECT_EQ(send(packet("web.service.dc1.consul", type::kA)), Answerer::Outcome::kWaiting);
  EXPECT_EQ(answerer().waiting(), 1u);
  EXPECT_EQ(backend.release(), 1u);
  ASSERT_EQ(mailbox.replies.size(), 1u);
  EXPECT_EQ(see(mailbox.replies[0]).answers, 2u);
  EXPECT_EQ(answerer().waiting(), 0u);
}

TEST_F(AnswerTest, WaitsOnceForEachStepOfAChain) {
  backend.add_node("real", "10.0.0.1");
  backend.add_node("alias", "real.node.consul");
  backend.add_service("alias", "web", 80);
  backend.hold();
  EXPECT_EQ(send(packet("web.service.consul", type::kA)), Answerer::Outcome::kWaiting);
  EXPECT_EQ(backend.release(), 1u);
  EXPECT_TRUE(mailbox.replies.empty());
  EXPECT_EQ(backend.release(), 1u);
  ASSERT_EQ(mailbox.replies.size(), 1u);
  EXPECT_EQ(see(mailbox.replies[0]).answers, 2u);
}

TEST_F(AnswerTest, RefusesToWaitForTooMany) {
  add_web(1);
  backend.hold();
  std::string query = packet("web.service.consul", type::kA);
  for (size_t i = 0; i < kMaxWaitingQueries; ++i) ASSERT_EQ(send(query), Answerer::Outcome::kWaiting);
  ASSERT_EQ(send(query), Answerer::Outcome::kReplied);
  EXPECT_EQ(see(raw).rcode(), rcode::kServerFailure);
  EXPECT_EQ(answerer().counters().waiting_refused, 1u);
  backend.release();
  EXPECT_EQ(mailbox.replies.size(), kMaxWaitingQueries);
}

TEST_F(AnswerTest, LateResultsDoNotOutliveTheAnswerer) {
  add_web(1);
  backend.hold();
  {
    Answerer brief({CompiledConfig::make(config).value(), &backend, nullptr, &random, &clock});
    size_t size = 0;
    EXPECT_EQ(brief.answer(packet("web.service.consul", type::kA), {}, buffer, size, mailbox),
              Answerer::Outcome::kWaiting);
  }
  EXPECT_EQ(backend.release(), 1u);
  EXPECT_TRUE(mailbox.replies.empty());
}

TEST_F(AnswerTest, ErrorsOfTheBackend) {
  EXPECT_EQ(ask("web.service.nodc.consul", type::kA).rcode(), rcode::kNameError);
  Seen seen = ask("web.service.broken.consul", type::kA);
  EXPECT_EQ(seen.rcode(), rcode::kServerFailure);
  EXPECT_EQ(seen.authority, 0u);
}

TEST_F(AnswerTest, ForeignNamesGoToTheRecursors) {
  config.recursors = {"127.0.0.1"};
  std::string query = packet("example.com", type::kMX);
  EXPECT_EQ(send(query), Answerer::Outcome::kWaiting);
  ASSERT_EQ(forwarder.forwarded.size(), 1u);
  EXPECT_EQ(forwarder.forwarded[0].first, query);
  forwarder.forwarded[0].second(std::string("the recursor's packet"));
  ASSERT_EQ(mailbox.replies.size(), 1u);
  EXPECT_EQ(mailbox.replies[0], "the recursor's packet");
}

TEST_F(AnswerTest, NoRecursorAnswersMeansServfail) {
  config.recursors = {"127.0.0.1"};
  send(packet("9.9.9.9.in-addr.arpa", type::kPTR));
  ASSERT_EQ(forwarder.forwarded.size(), 1u);
  forwarder.forwarded[0].second(fail("timeout"));
  ASSERT_EQ(mailbox.replies.size(), 1u);
  EXPECT_EQ(see(mailbox.replies[0]).flags, 0x8182);
}

TEST_F(AnswerTest, ExternalNamesAreChasedThroughRecursors) {
  config.recursors = {"127.0.0.1"};
  config.service_ttl["*"] = seconds(5);
  backend.add_node("ext", "www.example.com");
  backend.add_service("ext", "web", 80);
  EXPECT_EQ(send(packet("web.service.consul", type::kA)), Answerer::Outcome::kWaiting);
  ASSERT_EQ(forwarder.resolving.size(), 1u);
  std::string target = name_from_text("www.example.com").value();
  EXPECT_EQ(forwarder.resolving[0].first, target);
  std::vector<Record> found(9, Record::address(target, 300, "\1\2\3\4"));
  found.push_back(Record::txt(target, 300, "left out"));
  forwarder.resolving[0].second(found);
  ASSERT_EQ(mailbox.replies.size(), 1u);
  // The CNAME and five more, of which three fit a client without EDNS.
  Seen seen = see(mailbox.replies[0]);
  ASSERT_EQ(seen.answers, 3u);
  EXPECT_EQ(seen.records[0].rrtype(), type::kCNAME);
  EXPECT_EQ(seen.records[1].ttl(), 5u);
}

TEST_F(AnswerTest, PreparedQueriesSeeTheClientsSubnet) {
  add_web(1);
  backend.add_query("q", "web", seconds(30));
  ask("q.query.consul", type::kA);
  EXPECT_EQ(backend.last_source_ip, "10.1.1.1");
  std::string query = packet("q.query.consul", type::kA, 1232);
  query[query.size() - 1] = 11;
  query += hex_decode("0008000700011800c00002").value();
  ASSERT_EQ(send(query), Answerer::Outcome::kReplied);
  EXPECT_EQ(backend.last_source_ip, "192.0.2.0");
  EXPECT_EQ(hex_encode(std::string_view(raw).substr(raw.size() - 11)), "0008000700011818c00002");
  EXPECT_EQ(see(raw).records[0].ttl(), 30u);
}

TEST_F(AnswerTest, WanAddressesForAnotherDatacenter) {
  config.translate_wan_addrs = true;
  config.datacenter = "dc2";  // the fake backend answers for dc1
  backend.add_node("n", "10.0.0.1").tagged_addresses = {{"wan", "99.0.0.1"}};
  backend.add_service("n", "web", 80).tagged_addresses = {{"wan", "99.0.0.2", 8080}};
  EXPECT_EQ(ask("n.node.dc1.consul", type::kA).records[0].head(), std::string_view("\x63\0\0\1", 4));
  Seen seen = ask("web.service.dc1.consul", type::kSRV);
  ASSERT_EQ(seen.answers, 1u);
  EXPECT_NE(raw.find("\x08"
                     "63000002\4addr\3dc1"),
            std::string::npos);
  EXPECT_NE(raw.find("\x1f\x90\x08"
                     "63000002"),
            std::string::npos);  // port 8080
}

TEST_F(AnswerTest, ServiceTtlsByNamePrefixAndDefault) {
  config.service_ttl = {{"web", seconds(1)}, {"we*", seconds(2)}, {"w*", seconds(3)}, {"*", seconds(4)}};
  auto compiled = CompiledConfig::make(config).value();
  EXPECT_EQ(compiled->service_ttl("web"), 1u);
  EXPECT_EQ(compiled->service_ttl("web2"), 2u);
  EXPECT_EQ(compiled->service_ttl("wx"), 3u);
  EXPECT_EQ(compiled->service_ttl("db"), 4u);
}

TEST(CompiledConfigTest, RefusesWhatCannotWork) {
  Config config;
  config.domain = "a..b";
  EXPECT_FALSE(CompiledConfig::make(config));
  config.domain = std::string(63, 'a') + "." + std::string(63, 'a') + "." + std::string(63, 'a') + "." +
                  std::string(50, 'a');
  EXPECT_TRUE(CompiledConfig::make(config));
  config.domain += "a";
  EXPECT_FALSE(CompiledConfig::make(config));
  config = {};
  config.recursors = {"nowhere"};
  EXPECT_FALSE(CompiledConfig::make(config));
}

}  // namespace
}  // namespace praetor::dns
