#include "agent/user_events.h"

#include <gtest/gtest.h>

namespace praetor::agent {
namespace {

model::UserEvent event(std::string name, std::string id = "b54fe110-7af5-cafc-d1fb-afc8ba432b1c") {
  model::UserEvent out;
  out.id = std::move(id);
  out.name = std::move(name);
  return out;
}

TEST(UserEvents, KeepsTheNewestInARing) {
  UserEvents events;
  EXPECT_EQ(events.index(""), 1u);
  for (size_t i = 0; i < kUserEventRing + 1; ++i) events.add(event(i % 2 ? "odd" : "even"));
  EXPECT_EQ(events.list("").size(), kUserEventRing);
  EXPECT_EQ(events.list("odd").size(), kUserEventRing / 2);
  EXPECT_EQ(events.index(""), 0xb54fe1107af5cafc ^ 0xd1fbafc8ba432b1cu);
}

TEST(UserEvents, TellsAListenerOnce) {
  UserEvents events;
  int told = 0;
  events.notify([&] { ++told; });
  events.add(event("a"));
  events.add(event("b"));
  EXPECT_EQ(told, 1);
}

TEST(UserEvents, FiltersByNodeServiceAndTag) {
  EventTarget target{"web-1", {{"web", {"v1", "blue"}}, {"db", {}}}};
  model::UserEvent e = event("deploy");
  EXPECT_TRUE(accepts(target, e));
  e.node_filter = "^db";
  EXPECT_FALSE(accepts(target, e));
  e.node_filter = "web";
  e.service_filter = "web";
  e.tag_filter = "gre+n";
  EXPECT_FALSE(accepts(target, e));
  e.tag_filter = "bl.e";
  EXPECT_TRUE(accepts(target, e));
  e.service_filter.clear();
  EXPECT_EQ(validate_user_event(e).error().message, "Cannot provide tag filter without service filter");
}

TEST(UserEvents, ReadsWhatItWrites) {
  model::UserEvent sent = event("deploy");
  sent.payload = std::string("\0v2", 3);
  sent.node_filter = "^web";
  sent.service_filter = "web";
  sent.tag_filter = "blue";
  auto got = decode_user_event(*encode_user_event(sent));
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->id, sent.id);
  EXPECT_EQ(got->name, "deploy");
  EXPECT_EQ(got->payload, sent.payload);
  EXPECT_EQ(got->node_filter + got->service_filter + got->tag_filter, "^webwebblue");
  EXPECT_EQ(got->version, 1);
  EXPECT_FALSE(decode_user_event("\x81"));
}

TEST(UserEvents, SaysWhatIsWrongWithAFilter) {
  model::UserEvent e = event("deploy");
  e.node_filter = "[";
  EXPECT_EQ(validate_user_event(e).error().message,
            "Invalid node filter: error parsing regexp: missing closing ]: `[`");
}

TEST(UserEvents, LimitsNameAndPayload) {
  model::UserEvent e = event("deploy");
  e.payload = std::string(400, 'x');
  EXPECT_TRUE(encode_user_event(e));
  e.payload = std::string(480, 'x');
  EXPECT_NE(encode_user_event(e).error().message.find("exceeds configured limit of 512 bytes"),
            std::string::npos);
}

}  // namespace
}  // namespace praetor::agent
