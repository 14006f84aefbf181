// Trace files: what is written is read back, what cannot be read or written says which file, and no half file is left.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "traces/json.h"
#include "traces/testing.h"

namespace lockstep::traces::testing {
namespace {

namespace fs = std::filesystem;

class File : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.file(name); }
  auto files() const { return std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()); }

  Folder folder_;
};

TEST_F(File, IsReadBackByteForByte) {
  const std::string bytes("a\0b\r\n\xff", 6);
  write_file(path("x"), bytes);
  EXPECT_EQ(read_file(path("x")), bytes);
  write_file(path("x"), "shorter");
  EXPECT_EQ(read_file(path("x")), "shorter");
  EXPECT_EQ(files(), 1) << "the temporary file is gone";
}

TEST_F(File, ThatIsNotThereOrIsAFolderIsRefusedByName) {
  EXPECT_TRUE(complaint_of([&] { read_file(path("missing")); }).starts_with(path("missing") + ": "));
  EXPECT_TRUE(complaint_of([&] { read_file(folder_.path()); }).starts_with(folder_.path() + ": "));
}

TEST_F(File, LargerThanTheLimitIsRefusedWithoutBeingRead) {
  std::ofstream(path("huge")).close();
  fs::resize_file(path("huge"), kMaxFileBytes + 1);  // sparse
  EXPECT_EQ(complaint_of([&] { read_file(path("huge")); }), path("huge") + ": larger than 64 MB");
  fs::resize_file(path("huge"), kMaxFileBytes);
  EXPECT_EQ(read_file(path("huge")).size(), kMaxFileBytes);
}

TEST_F(File, InAMissingFolderIsNotWritten) {
  const std::string place = path("no/such/file");
  EXPECT_TRUE(complaint_of([&] { write_file(place, "x"); }).starts_with(place + ": cannot be written"));
  EXPECT_EQ(files(), 0);
}

TEST_F(File, ThatCannotReplaceAFolderIsNotWritten) {
  fs::create_directory(path("folder"));
  EXPECT_TRUE(complaint_of([&] { write_file(path("folder"), "x"); }).starts_with(path("folder") + ": cannot"));
  EXPECT_EQ(files(), 1) << "no temporary file is left behind";
}

TEST_F(File, OfATraceIsReadWithItsPathInEveryComplaint) {
  write_file(path("good.json"), kSmallTrace);
  EXPECT_EQ(read_trace_file(path("good.json")).description, "A small trace.");
  write_file(path("bad.json"), changed_document("/scenario/instances/0/registers", "65").dump());
  EXPECT_TRUE(complaint_of([&] {
                read_trace_file(path("bad.json"));
              }).starts_with(path("bad.json") + ": /scenario/instances/0/registers: "));
  write_file(path("none.json"), "{");
  EXPECT_TRUE(complaint_of([&] { read_trace_file(path("none.json")); }).starts_with(path("none.json") + ": line 1"));
}

}  // namespace
}  // namespace lockstep::traces::testing
