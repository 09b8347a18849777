#include "agent/host_id.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace praetor::agent {
namespace {

namespace fs = std::filesystem;

class Machine : public ::testing::Test {
 protected:
  Machine() {
    std::string pattern = (fs::temp_directory_path() / "praetor-host-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    folders_ = {root_ + "/sys", root_ + "/etc", root_ + "/proc"};
  }
  ~Machine() override { fs::remove_all(root_); }
  void write(const std::string& path, const std::string& text) {
    fs::path full = fs::path(root_) / path;
    fs::create_directories(full.parent_path());
    std::ofstream(full) << text << "\n";
  }
  std::string root_;
  HostFolders folders_;
};

// The IDs that a Consul 1.8.7 agent showed with these files.
TEST_F(Machine, GivesConsulsNodeId) {
  EXPECT_EQ(host_node_id(folders_), "");
  write("proc/sys/kernel/random/boot_id", "16978f0a-a9b6-41ef-b9f6-531bd8c495c1");
  EXPECT_EQ(host_node_id(folders_), "df657ed6-99b6-48e1-307b-95def473f8be");
  write("etc/machine-id", "short");
  EXPECT_EQ(host_node_id(folders_), "df657ed6-99b6-48e1-307b-95def473f8be");
  write("etc/machine-id", "00112233445566778899aabbccddeeff");
  EXPECT_EQ(host_node_id(folders_), "debe8aa2-12d5-7479-8e0d-9964e3cbdec0");
  write("etc/machine-id", "3d1219c7c4c5404aaa1f6d2a48adfda4");
  EXPECT_EQ(host_node_id(folders_), "333a158e-0d38-e425-ad6a-b7db4732c648");
  write("sys/class/dmi/id/product_uuid", "00112233-4455-6677-8899-AABBCCDDEEFF");
  EXPECT_EQ(host_node_id(folders_), "debe8aa2-12d5-7479-8e0d-9964e3cbdec0");
  write("sys/class/dmi/id/product_uuid", "xx");
  EXPECT_EQ(host_node_id(folders_), "294c8e2d-592d-8b13-de92-fd6d8254b33a");
}

}  // namespace
}  // namespace praetor::agent
