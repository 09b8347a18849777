#include "gossip/pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/text.h"
#include "gossip/pool_test_support.h"

namespace praetor::gossip {
namespace {

using testing::HasSubstr;

TEST(Pool, MembersMeetOnRealSockets) {
  Host host;
  Pool* one = *host.open(Host::options("one", "127.0.0.1:0"));
  Pool* two = *host.open(Host::options("two", "127.0.0.1:0"));
  EXPECT_EQ(*host.join(two, {one->local()}), 1u);
  EXPECT_TRUE(eventually([&] { return host.status(one, "two") == MemberStatus::kAlive; }));
  EXPECT_TRUE(host.run([&] { return two->user_event("deploy", "v1", false); }));
  EXPECT_TRUE(eventually([&] { return host.user_events(one).size() == 1; }));
  EXPECT_EQ(host.user_events(one)[0].payload, "v1");
  EXPECT_TRUE(host.run([&] { return two->set_tags({{"role", "web"}}); }));
  EXPECT_TRUE(eventually([&] { return *host.member(one, "two")->tags.get("role") == "web"; }));
  EXPECT_TRUE(host.leave(two));
  EXPECT_EQ(host.status(one, "two"), MemberStatus::kLeft);
}

TEST(Pool, JoinErrorsAreGos) {
  Host host;
  Pool* one = *host.open(Host::options("one", "127.0.0.1:0"));
  Pool* gone = *host.open(Host::options("gone", "127.0.0.1:0"));
  Address nobody = gone->local();
  host.close(gone);
  auto joined = host.join(one, {nobody});
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().message, "1 error occurred:\n\t* Failed to join 127.0.0.1: dial tcp " +
                                        nobody.text() + ": connect: connection refused\n\n");
  auto taken = host.open(Host::options("other", one->local().text()));
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error().message, HasSubstr("bind: address already in use"));
}

TEST(Pool, OnlyThoseWithTheKeyTakePart) {
  Host host;
  ScratchFolder folder;
  auto with_key = [&](const std::string& name, char key) {
    PoolOptions options = Host::options(name, "127.0.0.1:0");
    options.keyring = *Keyring::make({}, std::string(32, key));
    options.keyring_path = folder.file(name + ".keyring");
    return *host.open(std::move(options));
  };
  Pool* one = with_key("one", 'a');
  Pool* two = with_key("two", 'a');
  Pool* thief = with_key("thief", 'b');
  Pool* open = *host.open(Host::options("open", "127.0.0.1:0"));
  EXPECT_TRUE(host.join(two, {one->local()}));
  EXPECT_FALSE(host.join(thief, {one->local()}));
  auto plain = host.join(open, {one->local()});
  ASSERT_FALSE(plain);
  EXPECT_THAT(plain.error().message, HasSubstr("Remote state is encrypted and encryption is not configured"));
  EXPECT_EQ(host.run([&] { return one->serf().member_count(); }), 2u);

  std::string fresh = base64_encode(std::string(32, 'n'));
  auto changed = host.ask<Result<KeysDone>>(
      [&](auto done) { two->change_keys(KeyOperation::kInstall, fresh, 0, done); });
  ASSERT_TRUE(changed);
  EXPECT_TRUE(changed->status) << changed->status.error().message;
  std::ifstream file(folder.file("one.keyring"));
  std::string text(std::istreambuf_iterator<char>(file), {});
  EXPECT_THAT(text, HasSubstr(fresh));
}

TEST(Pool, ComesBackThroughItsFile) {
  Host host;
  ScratchFolder folder;
  Pool* one = *host.open(Host::options("one", "127.0.0.1:0"));
  PoolOptions options = Host::options("two", "127.0.0.1:0");
  options.snapshot_path = folder.file("local.snapshot");
  Pool* two = *host.open(options);
  ASSERT_TRUE(host.join(two, {one->local()}));
  options.bind = two->local();
  host.close(two);
  two = *host.open(options);
  EXPECT_TRUE(eventually([&] { return host.status(two, "one") == MemberStatus::kAlive; }));
  EXPECT_TRUE(host.leave(two));
  host.close(two);
  two = *host.open(options);  // after a leave it stays alone
  EXPECT_EQ(host.run([&] { return two->serf().member_count(); }), 1u);
}

TEST(Pool, StrangersOnItsPortsDoNoHarm) {
  Host host;
  Pool* one = *host.open(Host::options("one", "127.0.0.1:0"));
  std::string port = std::to_string(one->local().port);
  // Nonsense by TCP is answered by an error message (type 13) and an end.
  std::string reply =
      output_of("timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/" + port +
                "; printf \"GET / HTTP/1.0\\r\\n\\r\\n\" >&3; cat <&3' | od -An -tx1 | head -1");
  EXPECT_FALSE(reply.empty());
  (void)output_of("timeout 5 bash -c 'head -c 1000 /dev/urandom > /dev/udp/127.0.0.1/" + port + "'");
  Pool* two = *host.open(Host::options("two", "127.0.0.1:0"));
  EXPECT_TRUE(host.join(two, {one->local()}));
}

}  // namespace
}  // namespace praetor::gossip
