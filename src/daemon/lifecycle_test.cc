#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "daemon/data_lock.h"
#include "daemon/pid_file.h"
#include "daemon/systemd.h"

namespace praetor::daemon {
namespace {

namespace fs = std::filesystem;

class Lifecycle : public ::testing::Test {
 protected:
  Lifecycle() {
    std::string pattern = (fs::temp_directory_path() / "praetor-life-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
  }
  ~Lifecycle() override { fs::remove_all(root_); }
  std::string root_;
};

// What a manager's socket under `name` gets.
std::string notified(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name[0] == '@') address.sun_path[0] = '\0';
  int fd = ::socket(AF_UNIX, SOCK_DGRAM, 0);
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  Status sent = notify_systemd(kSystemdReady);
  EXPECT_TRUE(sent) << sent.error().message;
  char buffer[64];
  ssize_t got = ::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
  ::close(fd);
  ::unsetenv("NOTIFY_SOCKET");
  return std::string(buffer, got < 0 ? 0 : static_cast<size_t>(got));
}

TEST_F(Lifecycle, TellsTheServiceManager) {
  EXPECT_EQ(notified(root_ + "/notify"), "READY=1");
  EXPECT_EQ(notified("@praetor-test-" + std::to_string(::getpid())), "READY=1");
  EXPECT_TRUE(notify_systemd(kSystemdReady));  // nobody listens
  ::setenv("NOTIFY_SOCKET", (root_ + "/none").c_str(), 1);
  EXPECT_FALSE(notify_systemd(kSystemdReady));
  ::setenv("NOTIFY_SOCKET", std::string(300, 'x').c_str(), 1);
  EXPECT_FALSE(notify_systemd(kSystemdReady));
  ::unsetenv("NOTIFY_SOCKET");
}

TEST_F(Lifecycle, KeepsThePidFileWhileItRuns) {
  std::string path = root_ + "/x.pid";
  {
    auto file = PidFile::write(path);
    ASSERT_TRUE(file);
    std::string text;
    std::getline(std::ifstream(path), text);
    EXPECT_EQ(text, std::to_string(::getpid()));
  }
  EXPECT_FALSE(fs::exists(path));
  EXPECT_EQ(*PidFile::write(""), nullptr);
  std::string absent = root_ + "/none/x.pid";
  EXPECT_EQ(PidFile::write(absent).error().message,
            "Could not open pid file: open " + absent + ": no such file or directory");
}

TEST_F(Lifecycle, LetsOneAgentIntoADataDirectory) {
  auto first = DataLock::take(root_);
  ASSERT_TRUE(first);
  EXPECT_FALSE(DataLock::take(root_));
  first->reset();
  EXPECT_TRUE(DataLock::take(root_));
  EXPECT_EQ(*DataLock::take(""), nullptr);
}

}  // namespace
}  // namespace praetor::daemon
