#include "rpc/yamux.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

namespace praetor::rpc {
namespace {

// Keeps what happened; consumes at once unless told otherwise.
struct Log : YamuxSession::Events {
  std::map<uint32_t, std::string> data;
  std::vector<uint32_t> opened, ended, reset, drained, pongs;
  std::vector<GoAway> went_away;
  YamuxSession* session = nullptr;
  bool consume = true;

  void on_open(uint32_t id) override { opened.push_back(id); }
  void on_data(uint32_t id, std::string_view bytes) override {
    data[id] += bytes;
    if (consume) session->consume(id, static_cast<uint32_t>(bytes.size()));
  }
  void on_end(uint32_t id) override { ended.push_back(id); }
  void on_reset(uint32_t id) override { reset.push_back(id); }
  void on_drained(uint32_t id) override { drained.push_back(id); }
  void on_pong(uint32_t opaque) override { pongs.push_back(opaque); }
  void on_go_away(GoAway code) override { went_away.push_back(code); }
};

struct Pair {
  Log client_log, server_log;
  YamuxSession client{YamuxSession::Side::kClient, client_log},
      server{YamuxSession::Side::kServer, server_log};
  Pair() {
    client_log.session = &client;
    server_log.session = &server;
  }
  // Until both are silent; in pieces of at most `piece` bytes.
  void exchange(size_t piece = SIZE_MAX) {
    while (client.has_output() || server.has_output()) {
      deliver(client.take_output(), server, piece);
      deliver(server.take_output(), client, piece);
    }
  }
  static void deliver(const std::string& bytes, YamuxSession& to, size_t piece) {
    for (size_t at = 0; at < bytes.size(); at += std::min(piece, bytes.size() - at))
      ASSERT_TRUE(to.receive(std::string_view(bytes).substr(at, std::min(piece, bytes.size() - at))));
  }
};

std::string frame(uint8_t type, uint16_t flags, uint32_t stream, uint32_t length,
                  std::string_view payload = "") {
  std::string out{0, static_cast<char>(type), static_cast<char>(flags >> 8), static_cast<char>(flags)};
  for (uint32_t value : {stream, length})
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
  return out.append(payload);
}

TEST(Yamux, TheFramesOfARequestAreThoseOfGo) {
  Pair pair;
  auto id = pair.client.open();
  pair.client.send(id, "hi");
  pair.client.finish(id);
  EXPECT_EQ(pair.client.take_output(), frame(1, 1, 1, 0) + frame(0, 0, 1, 2, "hi") + frame(1, 4, 1, 0));
  EXPECT_EQ(pair.server.open(), 2u);
}

TEST(Yamux, AStreamCarriesDataBothWaysAndEnds) {
  Pair pair;
  auto id = pair.client.open();
  pair.client.send(id, "question");
  pair.exchange();
  EXPECT_EQ(pair.server_log.opened, std::vector<uint32_t>{id});
  EXPECT_EQ(pair.server_log.data[id], "question");
  pair.server.send(id, "answer");
  pair.server.finish(id);
  pair.exchange();
  EXPECT_EQ(pair.client_log.data[id], "answer");
  EXPECT_EQ(pair.client_log.ended, std::vector<uint32_t>{id});
  EXPECT_TRUE(pair.client.exists(id));
  pair.client.finish(id);
  pair.exchange();
  EXPECT_EQ(pair.server_log.ended, std::vector<uint32_t>{id});
  EXPECT_EQ(pair.client.stream_count() + pair.server.stream_count(), 0u);
}

TEST(Yamux, MoreThanAWindowWaitsForTheReader) {
  Pair pair;
  pair.server_log.consume = false;
  auto id = pair.client.open();
  std::string large(kYamuxWindow + 1000, 'x');
  pair.client.send(id, large);
  pair.client.finish(id);
  pair.exchange();
  EXPECT_EQ(pair.server_log.data[id].size(), kYamuxWindow);
  EXPECT_EQ(pair.client.queued(id), 1000u);
  EXPECT_TRUE(pair.server_log.ended.empty());
  pair.server.consume(id, kYamuxWindow / 2);
  pair.exchange();
  EXPECT_EQ(pair.server_log.data[id], large);
  EXPECT_EQ(pair.client_log.drained, std::vector<uint32_t>{id});
  EXPECT_EQ(pair.server_log.ended, std::vector<uint32_t>{id});
}

TEST(Yamux, PingIsAnsweredAndGoAwayStopsNewStreams) {
  Pair pair;
  auto old = pair.client.open();
  pair.client.ping(77);
  pair.exchange();
  EXPECT_EQ(pair.client_log.pongs, std::vector<uint32_t>{77});
  pair.server.go_away(GoAway::kNormal);
  pair.exchange();
  EXPECT_EQ(pair.client_log.went_away, std::vector<GoAway>{GoAway::kNormal});
  EXPECT_EQ(pair.client.open(), 0u);
  pair.client.send(old, "still");
  pair.exchange();
  EXPECT_EQ(pair.server_log.data[old], "still");
}

TEST(Yamux, AResetForgetsTheStreamOnBothSides) {
  Pair pair;
  auto id = pair.client.open();
  pair.exchange();
  pair.server.reset(id);
  pair.client.send(id, "crosses the reset");
  pair.exchange();
  EXPECT_EQ(pair.client_log.reset, std::vector<uint32_t>{id});
  EXPECT_EQ(pair.client.stream_count() + pair.server.stream_count(), 0u);
  EXPECT_TRUE(pair.server_log.data.empty());
}

TEST(Yamux, WhatBreaksTheProtocolEndsTheSession) {
  struct Case {
    std::string bytes;
    const char* why;
  };
  const Case cases[] = {
      {std::string("\1\0\0\0\0\0\0\0\0\0\0\0", 12), "version"},
      {frame(9, 0, 0, 0), "type"},
      {frame(1, 1, 2, 0), "a server's id from a client"},
      {frame(1, 1, 0, 0), "stream 0"},
      {frame(1, 1, 1, 0) + frame(1, 1, 1, 0), "twice"},
      {frame(1, 1, 1, 0) + frame(0, 0, 1, kYamuxWindow + 1), "beyond the window"},
      {frame(1, 1, 1, 0) + frame(1, 4, 1, 0) + frame(0, 0, 1, 1, "x"), "after the end"},
      {frame(1, 1, 1, 0) + frame(1, 0, 1, UINT32_MAX), "window overflow"},
  };
  for (const Case& one : cases) {
    Pair pair;
    EXPECT_FALSE(pair.server.receive(one.bytes)) << one.why;
    EXPECT_TRUE(pair.server.take_output().ends_with(frame(3, 0, 0, 1))) << one.why;
    EXPECT_FALSE(pair.server.receive(frame(2, 1, 0, 0))) << one.why;
  }
}

TEST(Yamux, APeerCannotOpenStreamsWithoutEnd) {
  Pair pair;
  for (uint32_t n = 0; n <= kYamuxMaxPeerStreams; ++n)
    ASSERT_TRUE(pair.server.receive(frame(1, 1, 1 + 2 * n, 0)));
  EXPECT_EQ(pair.server.stream_count(), kYamuxMaxPeerStreams);
  EXPECT_TRUE(pair.server.take_output().ends_with(frame(1, 8, 1 + 2 * kYamuxMaxPeerStreams, 0)));
}

TEST(Yamux, RandomTrafficInRandomPiecesArrivesWhole) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    Pair pair;
    std::map<uint32_t, std::string> sent;
    for (int step = 0; step < 200; ++step) {
      uint32_t id = sent.empty() || random() % 8 == 0
                        ? pair.client.open()
                        : std::next(sent.begin(), random() % sent.size())->first;
      std::string piece(random() % 9000, static_cast<char>('a' + random() % 26));
      sent[id] += piece;
      pair.client.send(id, piece);
      if (random() % 3 == 0) pair.exchange(1 + random() % 700);
    }
    pair.exchange();
    EXPECT_EQ(pair.server_log.data, sent) << "seed " << seed;
  }
}

}  // namespace
}  // namespace praetor::rpc
