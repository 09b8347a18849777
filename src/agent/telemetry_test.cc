#include "agent/telemetry.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agent/host_info.h"
#include "agent/process_stats.h"

namespace praetor::agent {
namespace {

using testing::HasSubstr;

const std::vector<MetricLabel> kLabels = {{"service", "we:b c"}, {"tag", "x"}};

TEST(MetricLineTest, StatsdPutsLabelsIntoTheName) {
  MetricDestination statsd{MetricProtocol::kStatsd, "", {}, {}};
  EXPECT_EQ(metric_line(statsd, MetricKind::kCounter, "consul.client.rpc", {}, 1),
            "consul.client.rpc:1.000000|c");
  EXPECT_EQ(metric_line(statsd, MetricKind::kGauge, "consul.vm.raft.last_index", {}, 8),
            "consul.vm.raft.last_index:8.000000|g");
  EXPECT_EQ(metric_line(statsd, MetricKind::kSample, "consul.kvs.apply", {}, 1.227992f),
            "consul.kvs.apply:1.227992|ms");
  EXPECT_EQ(metric_line(statsd, MetricKind::kCounter, "consul.catalog.service.query-tags", kLabels, 1),
            "consul.catalog.service.query-tags.we_b_c.x:1.000000|c");
}

TEST(MetricLineTest, DogStatsdPutsThemIntoTags) {
  MetricDestination plain{MetricProtocol::kDogStatsd, "", {}, "vm"};
  MetricDestination tagged{MetricProtocol::kDogStatsd, "", {"env:x", "plain"}, "vm"};
  EXPECT_EQ(metric_line(plain, MetricKind::kCounter, "consul.client.rpc", {}, 1), "consul.client.rpc:1|c");
  EXPECT_EQ(metric_line(plain, MetricKind::kCounter, "consul.q", kLabels, 1),
            "consul.q:1|c|#service:we_b_c,tag:x");
  EXPECT_EQ(metric_line(tagged, MetricKind::kCounter, "consul.q", {{"op", "set"}}, 1),
            "consul.q:1|c|#env:x,plain,op:set");
  EXPECT_EQ(metric_line(tagged, MetricKind::kGauge, "consul.vm.raft.last_index", {}, 8),
            "consul.raft.last_index:8.000000|g|#env:x,plain");
  EXPECT_EQ(metric_line(tagged, MetricKind::kSample, "consul.vm.x", {}, 8),
            "consul.vm.x:8.000000|ms|#env:x,plain");
}

// A UDP or TCP socket on a free port of the loopback.
struct Socket {
  explicit Socket(int type) : fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(fd, generic, sizeof address), 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::getsockname(fd, generic, &size), 0);
    where = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    if (type == SOCK_STREAM) EXPECT_EQ(::listen(fd, 1), 0);
  }
  ~Socket() { ::close(fd); }
  static bool readable(int from) {
    pollfd waiting{from, POLLIN, 0};
    return ::poll(&waiting, 1, 10'000) == 1;
  }
  static std::string read(int from) {
    std::string data(65536, '\0');
    if (!readable(from)) return "nothing came";
    ssize_t got = ::recv(from, data.data(), data.size(), 0);
    data.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return data;
  }

  int fd;
  std::string where;
};

TEST(MetricSenderTest, GathersLinesIntoPackets) {
  Socket receiver(SOCK_DGRAM);
  auto sender = MetricSender::start({{MetricProtocol::kStatsd, receiver.where, {}, {}}});
  ASSERT_TRUE(sender);
  std::string sent, got;
  for (int i = 0; i < 200; ++i) {
    (*sender)->observed(MetricKind::kCounter, "consul.number." + std::to_string(i), {}, 1);
    sent += "consul.number." + std::to_string(i) + ":1.000000|c\n";
  }
  while (got.size() < sent.size()) {
    std::string packet = Socket::read(receiver.fd);
    EXPECT_LE(packet.size(), kMaxMetricPacketBytes);
    ASSERT_TRUE(packet.ends_with('\n')) << packet;
    got += packet;
  }
  EXPECT_EQ(got, sent);
}

TEST(MetricSenderTest, DogStatsdGetsALineAPacket) {
  Socket receiver(SOCK_DGRAM);
  auto sender = MetricSender::start({{MetricProtocol::kDogStatsd, receiver.where, {"a"}, {}}});
  ASSERT_TRUE(sender);
  (*sender)->observed(MetricKind::kCounter, "x", {}, 1);
  (*sender)->observed(MetricKind::kCounter, "y", {}, 2);
  EXPECT_EQ(Socket::read(receiver.fd), "x:1|c|#a");
  EXPECT_EQ(Socket::read(receiver.fd), "y:2|c|#a");
}

TEST(MetricSenderTest, StatsiteGetsAStream) {
  Socket receiver(SOCK_STREAM);
  std::string got;
  {
    auto sender = MetricSender::start({{MetricProtocol::kStatsite, receiver.where, {}, {}}});
    ASSERT_TRUE(sender);
    (*sender)->observed(MetricKind::kGauge, "x", {}, 1);
    ASSERT_TRUE(Socket::readable(receiver.fd));
    int connection = ::accept(receiver.fd, nullptr, nullptr);
    got = Socket::read(connection);
    ::close(connection);
  }
  EXPECT_EQ(got, "x:1.000000|g\n");
}

TEST(MetricSenderTest, OnlyDogStatsdMustBeKnownAtTheStart) {
  auto dog = MetricSender::start({{MetricProtocol::kDogStatsd, "127.0.0.1", {}, {}}});
  ASSERT_FALSE(dog);
  EXPECT_EQ(dog.error().message, "address 127.0.0.1: missing port in address");
  EXPECT_TRUE(MetricSender::start({{MetricProtocol::kStatsd, "127.0.0.1", {}, {}}}));
}

TEST(MetricSenderTest, WhatCannotBeSentIsDroppedAtTheLimit) {
  auto sender = MetricSender::start({{MetricProtocol::kStatsd, "127.0.0.1", {}, {}}});
  ASSERT_TRUE(sender);
  std::string name(1000, 'x');
  for (size_t i = 0; i < 3 * kMaxUnsentMetricBytes / name.size(); ++i)
    (*sender)->observed(MetricKind::kCounter, name, {}, 1);
}

TEST(TelemetryTest, DumpShowsCompleteIntervals) {
  EXPECT_EQ(interval_text(Time{1'795'267'620, 0}), "2026-11-21 13:27:00 +0000 UTC");
  static const Counter counter("dumped");
  static const Sample sample("dumped.sample");
  MetricRegistry& registry = MetricRegistry::process();
  Time now = system_clock().wall();
  EXPECT_THAT(dump_metrics(), testing::Not(HasSubstr("dumped")));
  counter.add(2);
  sample.observe(1);
  sample.observe(3);
  now.seconds += 10;
  registry.tick(now);
  EXPECT_THAT(dump_metrics(), HasSubstr("[C] 'consul.dumped': Count: 1 Sum: 2.000\n"));
  EXPECT_THAT(dump_metrics(),
              HasSubstr("[S] 'consul.dumped.sample': Count: 2 Min: 1.000 Mean: 2.000 Max: 3.000 "
                        "Stddev: 1.414 Sum: 4.000\n"));
}

TEST(ProcessStatsTest, KnowsItself) {
  ProcessStats stats = read_process_stats();
  EXPECT_GE(stats.threads, 1u);
  EXPECT_GT(stats.resident_bytes, stats.anonymous_bytes);
  EXPECT_GT(stats.anonymous_bytes, 0u);
  EXPECT_GT(stats.virtual_bytes, stats.resident_bytes);
  EXPECT_LE(stats.start_time_seconds, static_cast<double>(system_clock().wall().seconds) + 1);
  ProcessLimits limits = read_process_limits();
  EXPECT_GE(limits.open_files, 3u);
  EXPECT_GE(limits.max_files, limits.open_files);
}

struct HostInfoTest : testing::Test {
  std::string root = testing::TempDir() + "/host-" + std::to_string(::getpid());
  ~HostInfoTest() override { std::filesystem::remove_all(root); }
  void write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(root + path).parent_path());
    std::ofstream(root + path) << text;
  }
};

TEST_F(HostInfoTest, ReadsWhatTheKernelShows) {
  write("/proc/meminfo",
        "MemTotal:       1000 kB\nMemFree:         300 kB\nMemAvailable:    600 kB\nBuffers:          50 kB\n"
        "Cached:          200 kB\nSReclaimable:     50 kB\nHugePages_Total:       4\n");
  write("/proc/cpuinfo",
        "processor\t: 0\nvendor_id\t: V\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: M N\nstepping\t: 1\n"
        "microcode\t: 0x1\ncpu MHz\t\t: 2596.142\ncache size\t: 1024 KB\nphysical id\t: 0\ncore id\t\t: 1\n"
        "flags\t\t: fpu vme\n\nprocessor\t: 1\n");
  write("/proc/stat", "cpu 1 2\nbtime 1795251471\n");
  write("/proc/1/x", "");
  write("/proc/23/x", "");
  write("/proc/self/cgroup", "1:cpu:/docker/abc\n");
  write("/etc/os-release", "NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n");
  write("/etc/debian_version", "12.11\n");
  write("/etc/machine-id", "3D1219C7C4C5404AAA1F6D2A48ADFDA4\n");
  HostInfo info = collect_host_info(root);
  EXPECT_EQ(info.memory.total, 1024'000u);
  EXPECT_EQ(info.memory.cached, 256'000u);
  EXPECT_EQ(info.memory.used, 409'600u);
  EXPECT_DOUBLE_EQ(info.memory.used_percent, 40);
  EXPECT_EQ(info.memory.huge_pages_total, 4u);
  ASSERT_EQ(info.cpus.size(), 2u);
  EXPECT_EQ(info.cpus[0].model_name, "M N");
  EXPECT_EQ(info.cpus[0].cache_size, 1024);
  EXPECT_DOUBLE_EQ(info.cpus[0].mhz, 2596.142);
  EXPECT_EQ(info.cpus[0].flags.size(), 2u);
  EXPECT_EQ(info.cpus[1].cpu, 1);
  EXPECT_EQ(info.system.boot_time, 1795251471u);
  EXPECT_EQ(info.system.processes, 2u);
  EXPECT_EQ(info.system.platform, "debian");
  EXPECT_EQ(info.system.platform_family, "debian");
  EXPECT_EQ(info.system.platform_version, "12.11");
  EXPECT_EQ(info.system.virtualization_system, "docker");
  EXPECT_EQ(info.system.virtualization_role, "guest");
  EXPECT_EQ(info.system.host_id, "3d1219c7-c4c5-404a-aa1f-6d2a48adfda4");
  EXPECT_EQ(info.disk.path, "/");
  EXPECT_GT(info.disk.total, 0u);
}

TEST_F(HostInfoTest, AMachineWithoutAnythingIsShownEmpty) {
  HostInfo info = collect_host_info(root);
  EXPECT_EQ(info.memory.total, 0u);
  EXPECT_EQ(info.memory.used_percent, 0);
  EXPECT_TRUE(info.cpus.empty());
  EXPECT_EQ(info.system.platform, "");
  EXPECT_EQ(file_system_name(0xef53), "ext2/ext3");
  EXPECT_EQ(file_system_name(1), "");
}

}  // namespace
}  // namespace praetor::agent
