// What the fan-out of one key change to 4,000 watchers costs at least: two threads each send an answer of the
// usual size on 2,000 loopback connections that nobody reads meanwhile. No HTTP, no registry: the kernel's
// part alone.
//   clang++-19 -std=c++23 -O2 bench/fan_out_floor.cc -o build/fan_out_floor && build/fan_out_floor
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <latch>
#include <thread>
#include <vector>

namespace {

constexpr size_t kWatchers = 4000, kAnswerBytes = 470, kThreads = 2;
constexpr int kRounds = 5;

struct Pair {
  int server = -1, client = -1;
};

std::vector<Pair> connect_all() {
  int listener = ::socket(AF_INET, SOCK_STREAM, 0), one = 1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* name = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener, name, size) != 0 || ::listen(listener, 4096) != 0) return {};
  ::getsockname(listener, name, &size);
  std::vector<Pair> pairs(kWatchers);
  for (Pair& pair : pairs) {
    pair.client = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::connect(pair.client, name, size) != 0) return {};
    pair.server = ::accept(listener, nullptr, nullptr);
    ::setsockopt(pair.server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }
  return pairs;
}

double answer_all(const std::vector<Pair>& pairs) {
  std::array<char, kAnswerBytes> answer{};
  std::latch begin(kThreads + 1);
  std::vector<std::jthread> threads;
  for (size_t k = 0; k < kThreads; ++k)
    threads.emplace_back([&, k] {
      begin.arrive_and_wait();
      for (size_t i = k; i < pairs.size(); i += kThreads)
        ::send(pairs[i].server, answer.data(), answer.size(), MSG_NOSIGNAL);
    });
  begin.arrive_and_wait();
  auto began = std::chrono::steady_clock::now();
  threads.clear();
  std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
  for (const Pair& pair : pairs) ::recv(pair.client, answer.data(), answer.size(), MSG_WAITALL);
  return took.count();
}

}  // namespace

int main() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  std::vector<Pair> pairs = connect_all();
  if (pairs.empty()) return std::perror("connections"), 1;
  for (int round = 0; round < kRounds; ++round) {
    std::this_thread::sleep_for(
        std::chrono::seconds(1));  // so that caches are as cold as between two changes
    std::printf("%.1f ms\n", answer_all(pairs));
  }
}
