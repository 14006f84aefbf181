// Broken input for replay, show and shrink: one line with file and place, exit code 2, nothing written, no crash.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "diff/testing.h"

namespace lockstep::diff::testing {
namespace {

namespace fs = std::filesystem;
using traces::testing::changed_document;

const std::vector<std::string> kVerbs = {"replay", "show", "shrink"};

// Every verb refuses this path, and leaves the folder as it was.
void expect_all_refuse(const Folder& folder, const std::string& path, const std::string& place) {
  const std::string before = folder.listing();
  for (const std::string& verb : kVerbs) {
    SCOPED_TRACE(verb);
    expect_refused(lockstep({verb, path}), path + ": " + place);
  }
  EXPECT_EQ(folder.listing(), before) << "something was written";
}

// The small trace as the model runs it: a few kilobytes of everything.
std::string small_trace() {
  const std::string text = traces::to_text(trace_of(small_case(), "A trace of a test."));
  EXPECT_GT(text.size(), 2000u);
  EXPECT_LT(text.size(), 16'000u);
  return text;
}

TEST(BrokenInput, EveryTruncationOfATraceIsRefusedWithItsFile) {
  const Folder folder;
  const std::string path = folder.file("cut.json");
  const std::string text = small_trace();
  traces::write_file(path, text);
  ASSERT_EQ(complaint_of([&] { traces::read_trace_file(path); }), "");
#ifdef __SANITIZE_ADDRESS__
  constexpr size_t kStep = 7;  // all of them take 17 seconds
#else
  constexpr size_t kStep = 1;
#endif
  // The file shrinks byte by byte. Without its last newline it is still a whole trace.
  for (size_t cut = 2; cut <= text.size(); cut += kStep) {
    const size_t length = text.size() - cut;
    fs::resize_file(path, length);
    const std::string c = complaint_of([&] { traces::read_trace_file(path); });
    ASSERT_TRUE(c.starts_with(path + ": line ")) << "cut to " << length << " bytes: " << c;
    ASSERT_FALSE(contains(c, "\n")) << "cut to " << length << " bytes: " << c;
  }
}

TEST(BrokenInput, TruncationsAreRefusedByEveryVerb) {
  const Folder folder;
  const std::string path = folder.file("cut.json");
  const std::string text = small_trace();
  for (const size_t length : {size_t{0}, size_t{1}, size_t{30}, text.size() / 3, text.size() / 2, text.size() - 2}) {
    SCOPED_TRACE(length);
    traces::write_file(path, text.substr(0, length));
    expect_all_refuse(folder, path, "line ");
  }
}

TEST(BrokenInput, WhatIsNoValidTraceIsRefusedWithItsPlace) {
  struct Broken {
    const char* at;
    const char* value;
    const char* place;
  };
  for (const Broken& b : {
           Broken{"/schema", R"("lockstep-trace/99")", "/schema: "},
           Broken{"/scenario/scripts/0/segments/0/0/op", R"("fly")", "/scenario/scripts/0/segments/0/0/op: "},
           Broken{"/scenario/scripts/0/segments/0/0/op", R"("stream.new")", "/scenario/scripts/0/segments/0/0/canon: "},
           Broken{"/scenario/scripts/0/segments/0/0/to", R"("r4")", "/scenario/scripts/0/segments/0/0/to: "},
           Broken{"/scenario/instances/2/parent", "2", "/scenario/instances/2/parent: "},
           Broken{"/scenario/instances/1/parent", "2", "/scenario/instances/1/parent: "},
       }) {
    SCOPED_TRACE(b.value);
    const Folder folder;
    const std::string path = folder.file("broken.json");
    traces::write_file(path, changed_document(b.at, b.value).dump(1));
    expect_all_refuse(folder, path, b.place);
  }
}

TEST(BrokenInput, NestingOfAHundredThousandIsRefused) {
  const Folder folder;
  const std::string path = folder.file("deep.json");
  traces::write_file(path, std::string(100'000, '['));
  expect_all_refuse(folder, path, "line 1, column 65: nested deeper than");
  std::string repeats = R"({"schema":"lockstep-trace/1","scenario":{"scripts":[{"token":1,"function":0,"segments":[[)";
  for (int i = 0; i < 100'000; ++i) repeats += R"({"op":"repeat","times":1,"body":[)";
  traces::write_file(path, repeats);
  expect_all_refuse(folder, path, "line 1, column ");
}

TEST(BrokenInput, AFileOverTheLimitIsRefused) {
  const Folder folder;
  const std::string path = folder.file("large.json");
  std::ofstream(path).close();
  fs::resize_file(path, (64u << 20) + 1);  // sparse
  expect_all_refuse(folder, path, "larger than 64 MB");
}

TEST(BrokenInput, BytesThatAreNoTextAreRefused) {
  const Folder folder;
  const std::string path = folder.file("binary.json");
  std::string text = small_trace();
  for (const char* bytes : {"\xff\xfe", "\xc3\x28", "\xed\xa0\x80"}) {
    traces::write_file(path, "{\"schema\":\"" + std::string(bytes) + "\"}");
    expect_all_refuse(folder, path, "line 1, column ");
  }
  traces::write_file(path, std::string(1000, '\0'));
  expect_all_refuse(folder, path, "line 1, column 1");
}

TEST(BrokenInput, AMissingFileIsRefused) {
  const Folder folder;
  expect_all_refuse(folder, folder.file("missing.json"), "");
}

TEST(BrokenInput, AFolderWithoutTracesIsRefused) {
  const Folder folder;
  fs::create_directory(folder.file("empty"));
  traces::write_file(folder.file("empty/readme.txt"), "no trace");
  const std::string before = folder.listing();
  for (const char* verb : {"replay", "show"})
    expect_refused(lockstep({verb, folder.file("empty")}), folder.file("empty") + ": a folder without traces");
  EXPECT_EQ(folder.listing(), before);
}

TEST(BrokenInput, AFolderIsNothingToShrink) {
  const Folder folder;
  write_trace(folder, "trace.json", small_case());
  const std::string before = folder.listing();
  expect_refused(lockstep({"shrink", folder.path()}), folder.path() + ": ");
  EXPECT_EQ(folder.listing(), before);
}

TEST(BrokenInput, OneBrokenTraceInAFolderStopsTheReplayBeforeAnythingRuns) {
  const Folder folder;
  write_trace(folder, "a.json", small_case());
  traces::write_file(folder.file("b.json"), "{");
  const std::string before = folder.listing();
  expect_refused(lockstep({"replay", folder.path(), "--json", folder.file("out.json")}), folder.file("b.json") + ": ");
  EXPECT_EQ(folder.listing(), before);
}

}  // namespace
}  // namespace lockstep::diff::testing
