#include "agent/pools.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <sstream>

#include "agent/pool_options.h"
#include "agent/retry_join.h"
#include "base/test_patience.h"
#include "base/text.h"

namespace praetor::agent {
namespace {

constexpr const char* kKey = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=";
constexpr const char* kOtherKey = "HS5lJ+XuTlYKWaeGYyG+/A==";

RuntimeConfig config_of(const std::string& name, const std::string& ip) {
  RuntimeConfig config;
  config.node_name = name;
  config.node_id = "id-of-" + name;
  config.datacenter = "dc1";
  config.version = "1.8.7";
  config.rpc_protocol = 2;
  config.server_mode = true;
  config.dev_mode = true;
  config.server_port = 8300;
  config.serf_port_lan = 7301;
  config.serf_port_wan = 7302;
  config.serf_bind_addr_lan = config.serf_advertise_addr_lan = {ip, 7301, ""};
  config.serf_bind_addr_wan = config.serf_advertise_addr_wan = {ip, 7302, ""};
  config.gossip_lan_gossip_interval = config.gossip_wan_gossip_interval = std::chrono::milliseconds(20);
  config.gossip_lan_probe_interval = config.gossip_wan_probe_interval = std::chrono::milliseconds(200);
  config.gossip_lan_probe_timeout = config.gossip_wan_probe_timeout = std::chrono::milliseconds(100);
  config.gossip_lan_gossip_nodes = config.gossip_wan_gossip_nodes = 3;
  config.gossip_lan_suspicion_mult = config.gossip_wan_suspicion_mult = 3;
  config.gossip_lan_retransmit_mult = config.gossip_wan_retransmit_mult = 4;
  config.encrypt_verify_incoming = config.encrypt_verify_outgoing = true;
  return config;
}

gossip::Member member(const std::string& name, gossip::Tags tags) {
  gossip::Member out;
  out.name = name;
  out.tags = std::move(tags);
  out.status = gossip::MemberStatus::kAlive;
  return out;
}

gossip::Tags tags_of(std::initializer_list<std::pair<const char*, const char*>> pairs) {
  gossip::Tags tags;
  for (const auto& [key, value] : pairs) tags[key] = value;
  return tags;
}

// The pools of one agent, and what their feed said, in words.
class Node {
 public:
  explicit Node(RuntimeConfig config) : reactor_("caller") {
    reactor_.start();
    PoolsOptions options;
    options.config = std::make_shared<const RuntimeConfig>(std::move(config));
    options.on_lan = [this, lan = options.lan](const gossip::SerfEvent& event) {
      std::string line;
      if (const auto* user = std::get_if<gossip::UserEvent>(&event))
        line = "event " + user->name + " " + user->payload;
      if (const auto* about = std::get_if<gossip::MemberEvent>(&event)) {
        gossip::MemberPtr shown = gossip::find_member(*lan->list(), about->member.name);
        line = about->member.name + " " +
               std::string(shown ? gossip::member_status_name(shown->status) : std::string_view("gone"));
      }
      std::lock_guard lock(mutex_);
      seen_.push_back(line);
      changed_.notify_all();
    };
    auto pools = Pools::start(std::move(options));
    if (pools)
      pools_ = std::move(*pools);
    else
      error = pools.error().message;
  }
  ~Node() { pools_.reset(); }

  // Was this said, at some time within the patience of a test?
  bool saw(const std::string& line) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return std::ranges::find(seen_, line) != seen_.end(); });
  }
  template <typename Answer>
  Answer ask(const std::function<void(std::function<void(Answer)>)>& call) {
    auto promise = std::make_shared<std::promise<Answer>>();
    call([promise](Answer answer) { promise->set_value(std::move(answer)); });
    return promise->get_future().get();
  }
  Result<size_t> join(PoolName name, std::vector<std::string> addresses) {
    return ask<Result<size_t>>([&](auto done) { pools_->join(name, addresses, reactor_, done); });
  }
  PoolsReport report() {
    return ask<PoolsReport>([&](auto done) { pools_->report(reactor_, done); });
  }
  // The servers of the WAN pool, in words; `?`: nobody has measured where it stands.
  std::string wan_servers() {
    auto wan = ask<server::WanView>([&](auto done) { pools_->wan_view(reactor_, done); });
    std::string text;
    for (const server::WanServer& each : wan.servers)
      text += each.node + " in " + each.datacenter + (each.coordinate ? "; " : "?; ");
    return text;
  }
  Pools& pools() { return *pools_; }
  Reactor& reactor() { return reactor_; }

  std::string error;

 private:
  Reactor reactor_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> seen_;
  std::unique_ptr<Pools> pools_;
};

TEST(Pools, RefuseWhoDoesNotBelong) {
  RuntimeConfig config = config_of("one", "127.0.0.1");
  auto why = [&](std::vector<gossip::Member> members) {
    Status status = lan_veto(config, members);
    return status ? std::string() : status.error().message;
  };
  EXPECT_EQ(why({member("a", tags_of({{"role", "consul"}, {"dc", "dc2"}}))}),
            "Member 'a' part of wrong datacenter 'dc2'");
  EXPECT_EQ(why({member("a", tags_of({{"role", "node"}, {"dc", "dc2"}}))}),
            "Member 'a' part of wrong datacenter 'dc2'");
  EXPECT_EQ(why({member("a", tags_of({{"role", "node"}, {"dc", "dc1"}, {"segment", "s"}}))}),
            "Member 'a' part of wrong segment 's' (expected '')");
  EXPECT_EQ(why({member("a", tags_of({{"id", "id-of-one"}}))}),
            "Member 'a' has conflicting node ID 'id-of-one' with this agent's ID");
  EXPECT_EQ(why({member("ONE", tags_of({{"id", "id-of-one"}}))}), "");
  gossip::Member first = member("a", tags_of({{"id", "x"}})), second = member("b", tags_of({{"id", "x"}}));
  EXPECT_EQ(why({first, second}), "Member 'b' has conflicting node ID 'x' with member 'a'");
  second.status = gossip::MemberStatus::kLeft;
  EXPECT_EQ(why({first, second}), "");
  EXPECT_EQ(wan_veto({member("a", tags_of({{"role", "node"}}))}).error().message,
            "Member 'a' is not a server");
}

TEST(Pools, TellWhatAServerIs) {
  RuntimeConfig config = config_of("one", "127.0.0.1");
  config.bootstrap_expect = 3;
  gossip::Tags tags = lan_tags(config);
  std::string text;
  for (const auto& [key, value] : tags) text += key + "=" + value + " ";
  EXPECT_TRUE(contains(text, "acls=0 build=1.8.7: dc=dc1 expect=3 ft_fs=1 id=id-of-one port=8300 praetor="));
  EXPECT_TRUE(
      text.ends_with(" raft_vsn=3 role=consul segment= vsn=2 vsn_max=3 vsn_min=2 wan_join_port=7302 "));
  EXPECT_EQ(wan_tags(config).get("wan_join_port"), nullptr);
  config.server_mode = false;
  EXPECT_EQ(*lan_tags(config).get("role"), "node");
  EXPECT_EQ(lan_tags(config).get("port"), nullptr);
}

TEST(Pools, JoinSpreadEventsAndLeave) {
  Node one(config_of("one", "127.9.7.1")), two(config_of("two", "127.9.7.2"));
  ASSERT_EQ(one.error + two.error, "");
  EXPECT_TRUE(one.saw("one alive"));
  auto reached = two.join(PoolName::kLan, {"127.9.7.1"});
  ASSERT_TRUE(reached) << reached.error().message;
  EXPECT_EQ(*reached, 1u);
  EXPECT_TRUE(one.saw("two alive") && two.saw("one alive"));
  // The servers of a datacenter meet in the WAN pool by themselves.
  EXPECT_TRUE(eventually([&] { return two.pools().wan_members()->size() == 2; }));

  Status fired = one.ask<Status>(
      [&](auto done) { one.pools().user_event("consul:event:x", "load", false, one.reactor(), done); });
  EXPECT_TRUE(fired);
  EXPECT_TRUE(one.saw("event consul:event:x load") && two.saw("event consul:event:x load"));
  Status long_one = one.ask<Status>(
      [&](auto done) { one.pools().user_event("x", std::string(600, 'x'), false, one.reactor(), done); });
  EXPECT_EQ(long_one.error().message, "user event exceeds configured limit of 512 bytes before encoding");

  one.pools().set_tag("colour", [] {
    static const std::string blue = "blue";
    return &blue;
  }());
  EXPECT_TRUE(eventually([&] {
    gossip::MemberPtr seen = gossip::find_member(*two.pools().lan_members(), "one");
    return seen && seen->tag("colour") == "blue";
  }));
  EXPECT_EQ(one.report().lan.at("members"), "2");
  EXPECT_EQ(one.report().lan.at("encrypted"), "false");

  two.ask<bool>([&](auto done) { two.pools().leave(PoolName::kLan, two.reactor(), [done] { done(true); }); });
  EXPECT_TRUE(one.saw("two left"));
}

TEST(Pools, KnowWhereTheServersOfTheWanStand) {
  auto of_dc2 = [](const std::string& name, const std::string& ip) {
    RuntimeConfig config = config_of(name, ip);
    config.datacenter = "dc2";
    return config;
  };
  Node one(config_of("one", "127.9.7.21")), leaves(of_dc2("leaves", "127.9.7.22"));
  auto fails = std::make_unique<Node>(of_dc2("fails", "127.9.7.23"));
  ASSERT_EQ(one.error + leaves.error + fails->error, "");
  ASSERT_TRUE(one.join(PoolName::kWan, {"127.9.7.22", "127.9.7.23"}));
  EXPECT_TRUE(eventually([&] { return one.wan_servers() == "fails in dc2; leaves in dc2; one in dc1; "; }))
      << one.wan_servers();
  leaves.ask<bool>(
      [&](auto done) { leaves.pools().leave(PoolName::kWan, leaves.reactor(), [done] { done(true); }); });
  fails.reset();
  auto status_of = [&](const char* name) {
    gossip::MemberPtr found = gossip::find_member(*one.pools().wan_members(), name);
    return found ? found->status : gossip::MemberStatus::kNone;
  };
  EXPECT_TRUE(eventually([&] {
    return status_of("fails.dc2") == gossip::MemberStatus::kFailed &&
           status_of("leaves.dc2") == gossip::MemberStatus::kLeft;
  }));
  EXPECT_EQ(one.wan_servers(), "fails in dc2; one in dc1; ");
}

TEST(Pools, SayWhyNobodyWasReached) {
  Node one(config_of("one", "127.9.8.1"));
  auto why = [&](std::vector<std::string> addresses) {
    return one.join(PoolName::kLan, addresses).error().message;
  };
  EXPECT_EQ(why({"127.9.8.9"}),
            "1 error occurred:\n\t* Failed to join 127.9.8.9: dial tcp 127.9.8.9:7301: connect: connection "
            "refused\n\n");
  EXPECT_EQ(
      why({"x/127.9.8.9:1", "1.2.3", "a b", ""}),
      "4 errors occurred:\n\t* Failed to join 127.9.8.9: dial tcp 127.9.8.9:1: connect: connection refused\n"
      "\t* Failed to resolve 1.2.3: lookup 1.2.3: no such host\n"
      "\t* Failed to resolve a b: lookup a b: no such host\n"
      "\t* Failed to resolve : lookup : no such host\n\n");
  Status nobody =
      one.ask<Status>([&](auto done) { one.pools().force_leave("x", false, one.reactor(), done); });
  EXPECT_EQ(nobody.error().message, "agent: No node found with name 'x'");
}

TEST(Pools, NameTheAddressThatIsTaken) {
  Node one(config_of("one", "127.9.9.1"));
  Node again(config_of("again", "127.9.9.1"));
  EXPECT_TRUE(
      contains(again.error, "Failed to start Consul server: Failed to start WAN Serf: Failed to start "));
  EXPECT_TRUE(contains(again.error, "listener on \"127.9.9.1\" port 7302: listen "));
  EXPECT_TRUE(again.error.ends_with("127.9.9.1:7302: bind: address already in use"));
}

class KeyringFiles : public ::testing::Test {
 protected:
  KeyringFiles() {
    std::string pattern = (std::filesystem::temp_directory_path() / "praetor-pools-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    config_ = config_of("one", "127.9.10.1");
    config_.dev_mode = false;
    config_.data_dir = root_;
  }
  ~KeyringFiles() override { std::filesystem::remove_all(root_); }
  void write(const std::string& text) {
    std::filesystem::create_directories(root_ + "/serf");
    std::ofstream(root_ + "/serf/local.keyring") << text;
  }
  std::string read() {
    std::ifstream file(root_ + "/serf/local.keyring");
    std::ostringstream text;
    text << file.rdbuf();
    return std::move(text).str();
  }
  std::string root_;
  RuntimeConfig config_;
};

TEST_F(KeyringFiles, AreMadeWithTheConfiguredKey) {
  EXPECT_FALSE(pool_options(config_, PoolName::kLan)->keyring);
  config_.encrypt_key = kKey;
  auto options = pool_options(config_, PoolName::kLan);
  ASSERT_TRUE(options);
  EXPECT_EQ(options->keyring->keys().size(), 1u);
  EXPECT_EQ(read(), "[\"" + std::string(kKey) + "\"]");
  EXPECT_EQ(options->snapshot_path, root_ + "/serf/local.snapshot");
  EXPECT_EQ(pool_options(config_, PoolName::kWan)->keyring_path, root_ + "/serf/remote.keyring");
}

TEST_F(KeyringFiles, BeatTheConfiguredKey) {
  write("[\"" + std::string(kOtherKey) + "\"]");
  EXPECT_EQ(base64_encode(pool_options(config_, PoolName::kLan)->keyring->primary()), kOtherKey);
  config_.encrypt_key = kKey;
  EXPECT_EQ(base64_encode(pool_options(config_, PoolName::kLan)->keyring->primary()), kOtherKey);
  config_.disable_keyring_file = true;
  EXPECT_EQ(base64_encode(pool_options(config_, PoolName::kLan)->keyring->primary()), kKey);
}

TEST_F(KeyringFiles, SayWhatIsWrongWithThem) {
  write("[\"zzz\"]");
  EXPECT_EQ(pool_options(config_, PoolName::kLan).error().message,
            "Failed to configure keyring: illegal base64 data at input byte 0");
  write("[]");
  EXPECT_EQ(pool_options(config_, PoolName::kLan).error().message,
            "Failed to configure keyring: no keys present in keyring: " + root_ + "/serf/local.keyring");
}

TEST(RetryJoin, GivesUpAfterItsAttempts) {
  Node one(config_of("one", "127.9.11.1"));
  auto try_join = [&](const std::string& address) {
    auto promise = std::make_shared<std::promise<Status>>();
    std::shared_ptr<RetryJoin> retry;
    one.reactor().post([&] {
      retry = std::make_shared<RetryJoin>(
          one.pools(), one.reactor(),
          RetryJoinOptions{PoolName::kLan, {address}, std::chrono::milliseconds(1), 2},
          [promise](const Status& ended) { promise->set_value(ended); });
      retry->start();
    });
    return promise->get_future().get();
  };
  EXPECT_EQ(try_join("127.9.11.9").error().message, "agent: max join LAN retry exhausted, exiting");
  EXPECT_TRUE(try_join("127.9.11.1"));
}

TEST(RetryJoin, KnowsCloudProviders) {
  EXPECT_EQ(cloud_provider_of("provider=aws tag_key=x"), "aws");
  EXPECT_EQ(cloud_provider_of("tag=x provider=gce"), "gce");
  EXPECT_EQ(cloud_provider_of("10.0.0.1:8301"), "");
}

}  // namespace
}  // namespace praetor::agent
