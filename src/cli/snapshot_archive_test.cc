#include "cli/snapshot_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "cli/process.h"
#include "cli/ui.h"
#include "raft/snapshot_store.h"

namespace praetor::cli {
namespace {

using testing::HasSubstr;

// Metadata as the servers write it.
std::string make_meta() {
  raft::SnapshotMeta meta;
  meta.id = "2-54-7";
  meta.index = 54;
  meta.term = 2;
  meta.size = 5;
  return raft::encode_snapshot_meta(meta);
}
const std::string kMeta = make_meta();

std::string sha256(std::string_view text) {
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), hash, &size, EVP_sha256(), nullptr);
  return hex_encode(std::string_view(reinterpret_cast<const char*>(hash), size));
}

class SnapshotArchiveTest : public testing::Test {
 protected:
  SnapshotArchiveTest() {
    path_ = testing::TempDir() + "snapshot_archive_" +
            testing::UnitTest::GetInstance()->current_test_info()->name() + ".snap";
  }
  ~SnapshotArchiveTest() override { std::filesystem::remove(path_); }

  void write(const std::vector<std::pair<std::string, std::string>>& files) const {
    archive* writer = archive_write_new();
    archive_write_add_filter_gzip(writer);
    archive_write_set_format_ustar(writer);
    ASSERT_EQ(archive_write_open_filename(writer, path_.c_str()), ARCHIVE_OK);
    for (const auto& [name, text] : files) {
      archive_entry* entry = archive_entry_new();
      archive_entry_set_pathname(entry, name.c_str());
      archive_entry_set_filetype(entry, AE_IFREG);
      archive_entry_set_perm(entry, 0600);
      archive_entry_set_size(entry, static_cast<la_int64_t>(text.size()));
      archive_write_header(writer, entry);
      archive_write_data(writer, text.data(), text.size());
      archive_entry_free(entry);
    }
    archive_write_free(writer);
  }

  void write_good() const {
    write({{"meta.json", kMeta}, {"state.bin", "state"}, {"SHA256SUMS", sums(kMeta, "state")}});
  }

  static std::string sums(std::string_view meta, std::string_view state) {
    return sha256(meta) + "  meta.json\n" + sha256(state) + "  state.bin\n";
  }

  std::string problem() const {
    auto meta = verify_snapshot(path_);
    return meta ? "" : meta.error().message;
  }

  std::string path_;
};

TEST_F(SnapshotArchiveTest, ReadsWhatItHolds) {
  write_good();
  auto meta = verify_snapshot(path_);
  ASSERT_TRUE(meta.has_value()) << meta.error().message;
  EXPECT_EQ(meta->id, "2-54-7");
  EXPECT_EQ(meta->index, 54u);
  EXPECT_EQ(meta->term, 2u);
  EXPECT_EQ(meta->size, 5);
}

TEST_F(SnapshotArchiveTest, NamesWrongHashesAndFiles) {
  write({{"meta.json", kMeta}, {"state.bin", "other"}, {"SHA256SUMS", sums(kMeta, "state")}});
  EXPECT_EQ(problem(),
            "failed to read snapshot file: failed checking integrity of snapshot: hash check failed for "
            "\"state.bin\"");
  write({{"meta.json", kMeta}, {"evil", "x"}});
  EXPECT_EQ(problem(), "failed to read snapshot file: unexpected file \"evil\" in snapshot");
  write({{"meta.json", kMeta + "x"}});
  EXPECT_THAT(problem(), HasSubstr("failed to decode snapshot metadata: not a JSON object"));
  write({{"meta.json", kMeta}, {"state.bin", "state"}});
  EXPECT_THAT(problem(), HasSubstr("file missing for \"meta.json\""));
}

TEST_F(SnapshotArchiveTest, EveryCutIsAnError) {
  write_good();
  std::string whole = read_file(path_).value();
  for (size_t size = 0; size < whole.size(); ++size) {
    std::ofstream(path_, std::ios::binary).write(whole.data(), static_cast<std::streamsize>(size));
    EXPECT_THAT(problem(), HasSubstr("EOF")) << size;
  }
}

TEST_F(SnapshotArchiveTest, RefusesWhatFollowsTheEnd) {
  write_good();
  std::ofstream(path_, std::ios::binary | std::ios::app) << "and more";
  EXPECT_EQ(problem(), "gzip: invalid header");
}

TEST_F(SnapshotArchiveTest, RefusesOtherFiles) {
  std::ofstream(path_) << "this is no archive at all";
  EXPECT_EQ(problem(), "failed to decompress snapshot: gzip: invalid header");
  std::filesystem::remove(path_);
  EXPECT_EQ(problem(), "failed to decompress snapshot: open " + path_ + ": no such file or directory");
}

TEST(ProcessTest, TellsHowAChildEnded) {
  auto ended = [](std::vector<std::string> args, bool shell) {
    ChildOptions options;
    options.args = std::move(args);
    options.shell = shell;
    auto child = start_child(options);
    if (!child) return child.error().message;
    return wait_child(*child).value_or("ok");
  };
  EXPECT_EQ(ended({"true"}, false), "ok");
  EXPECT_EQ(ended({"exit", "3"}, true), "exit status 3");
  EXPECT_EQ(ended({"kill", "-9", "$$"}, true), "signal: killed");
  EXPECT_EQ(ended({"/nonexistent"}, false), "fork/exec /nonexistent: no such file or directory");
  EXPECT_EQ(ended({"nonexistent-program"}, false),
            "exec: \"nonexistent-program\": executable file not found in $PATH");
}

TEST(ProcessTest, GivesInputAndEnvironment) {
  ChildOptions options;
  options.args = {"test \"$(cat)\" = data -a \"$CONSUL_INDEX\" = 7"};
  options.shell = true;
  options.input = "data";
  options.environment["CONSUL_INDEX"] = "7";
  auto child = start_child(options);
  ASSERT_TRUE(child.has_value());
  EXPECT_EQ(wait_child(*child), std::nullopt);
  std::signal(SIGPIPE, SIG_IGN);  // as main does
  options.args = {"true"};        // reads nothing of much input
  options.input = std::string(1 << 20, 'x');
  child = start_child(options);
  ASSERT_TRUE(child.has_value());
  EXPECT_EQ(wait_child(*child), std::nullopt);
}

}  // namespace
}  // namespace praetor::cli
