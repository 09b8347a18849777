// Archives that somebody uploads: what is damaged or hostile is refused, nothing ends the process.
#include "server/snapshot_archive.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "base/text.h"

namespace praetor::server {
namespace {

std::string gzip(std::string_view plain) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, plain.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// One tar header (ustar) and `content` in whole blocks.
std::string tar_file(std::string_view name, std::string_view octal_size, std::string_view content) {
  std::string block(512, '\0');
  name.copy(block.data(), 100);
  std::string_view("0000600").copy(block.data() + 100, 7);
  octal_size.copy(block.data() + 124, 12);
  std::string_view("00000000000").copy(block.data() + 136, 11);
  block[156] = '0';
  std::string_view("ustar\00000", 8).copy(block.data() + 257, 8);
  block.replace(148, 8, 8, ' ');
  unsigned sum = 0;
  for (char byte : block) sum += static_cast<unsigned char>(byte);
  char text[16];
  std::snprintf(text, sizeof text, "%06o", sum);
  block.replace(148, 7, text, 7);
  block += content;
  block.resize((block.size() + 511) / 512 * 512 + 1024, '\0');
  return block;
}

std::string refusal(std::string_view tar) {
  auto archive = read_archive(gzip(tar));
  return archive ? "accepted" : archive.error().message;
}

TEST(SnapshotArchiveTest, RefusesASizeThatTheArchiveDoesNotHave) {
  EXPECT_EQ(refusal(tar_file("meta.json", "00000000005", "ab")),
            "failed to read snapshot file: failed to decode snapshot metadata: not a JSON object");
  EXPECT_EQ(refusal(tar_file("meta.json", "77777777777", "ab")),
            "failed to read snapshot file: failed to read snapshot metadata: unexpected EOF");
  // base-256: 2^62 bytes
  EXPECT_EQ(refusal(tar_file("meta.json", std::string_view("\x80\0\0\0\x40\0\0\0\0\0\0\0", 12), "ab")),
            "failed to read snapshot file: failed to read snapshot metadata: unexpected EOF");
}

TEST(SnapshotArchiveTest, RefusesANameThatCannotBeSaid) {
  // A pax header names the file in UTF-8, which the C locale has no characters for.
  std::string record = "18 path=\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\n";
  std::string tar = tar_file("pax", "00000000022", record);
  tar[156] = 'x';
  tar.resize(1024);
  // The type is part of the checksum.
  tar.replace(148, 8, 8, ' ');
  unsigned sum = 0;
  for (size_t i = 0; i < 512; ++i) sum += static_cast<unsigned char>(tar[i]);
  char text[16];
  std::snprintf(text, sizeof text, "%06o", sum);
  tar.replace(148, 7, text, 7);
  tar += tar_file("meta.json", "00000000002", "ab");
  EXPECT_TRUE(refusal(tar).starts_with("failed ")) << refusal(tar);
  EXPECT_NE(refusal(tar), "accepted");
}

}  // namespace
}  // namespace praetor::server
