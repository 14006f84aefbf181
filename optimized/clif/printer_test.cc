// Printing: the normal form, and that reading and printing undo each other.
#include "optimized/clif/printer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "optimized/clif/reader.h"
#include "optimized/clif/testing.h"

namespace lockstep::clif {
namespace {

Function parse_one(const std::string& text) {
  std::vector<Function> functions = read_functions(text);
  EXPECT_EQ(functions.size(), 1u);
  return std::move(functions.at(0));
}

std::string printed(std::string_view text) {
  std::string result;
  for (const Function& function : read_functions(text)) result += print(function);
  return result;
}

// One function around a body, with everything declared that bodies need.
std::string body(const std::string& lines) {
  return "function %f(i64, i32) -> i32 fast {\n    region0 = 0 \"R\"\n\nblock0(v0: i64, v1: i32):\n" + lines +
         "    return v1\n}\n";
}

TEST(Printer, EveryInstructionIsPrintedAsItWasRead) {
  EXPECT_EQ(printed(testing::kEveryInstruction), testing::kEveryInstruction);
}

TEST(Printer, TheTextOfEveryInstructionHasEveryInstruction) {
  std::set<Opcode> seen;
  for (const Function& function : read_functions(testing::kEveryInstruction)) {
    for (const Block& block : function.blocks) {
      for (const Inst& inst : block.insts) seen.insert(inst.op);
    }
  }
  for (size_t op = 0; op <= static_cast<size_t>(Opcode::kVhighBits); ++op) {
    EXPECT_EQ(seen.count(static_cast<Opcode>(op)), 1u) << name_of(static_cast<Opcode>(op));
  }
}

TEST(Printer, NormalForm) {
  const struct {
    std::string text, normal;
  } kCases[] = {
      {"v2 = load.i32 aligned region0 notrap v0+0x8 ; here", "v2 = load.i32 notrap aligned region0 v0+8"},
      {"v2 = load.i32 big can_move readonly heap_oob v0-0x4", "v2 = load.i32 readonly can_move big v0-4"},
      {"v2 = iconst.i32 0xffff_ffff", "v2 = iconst.i32 -1"},
      {"v2 = iconst.i8 255", "v2 = iconst.i8 -1"},
      {"v2 = iconst.i64 1_0_000", "v2 = iconst.i64 0x2710"},
      {"v2 = f64const 0x4.0p0", "v2 = f64const 0x1.0000000000000p2"},
      {"v2 = f32const 0x34.0", "v2 = f32const 0x1.a00000p5"},
      {"v2 = f32const NaN", "v2 = f32const +NaN"},
      {"v2 = f64const Inf", "v2 = f64const +Inf"},
      {"store.i32 v1, v0+0", "store v1, v0"},
      {"v2 = iadd.i32 v1, v1", "v2 = iadd v1, v1"},
      {"v2 = atomic_cas.i32 v0, v1, v1", "v2 = atomic_cas v0, v1, v1"},
      {"trapz v1, user007", "trapz v1, user7"},
      {"v2 = vconst.i16x4 [1 -1 0x10 4]", "v2 = vconst.i16x4 0x00040010ffff0001"},
      {"v2 = vconst.f32x2 [0x1.0 -0.0]", "v2 = vconst.f32x2 0x800000003f800000"},
      {"v2 = vconst.i8x16 0x01", "v2 = vconst.i8x16 0x00000000000000000000000000000001"},
  };
  for (const auto& [text, normal] : kCases) {
    EXPECT_EQ(printed(body("    " + text + "\n")), body("    " + normal + "\n")) << text;
  }
}

TEST(Printer, SuffixWhereTheTypeIsDefinedInAnotherBlock) {
  const std::string text =
      "function %f(i32, i64) fast {\nblock0(v0: i32, v1: i64):\n    v2 -> v0\n    brif v0, block1, block1\n\n"
      "block1:\n    brif.i32 v2, block2, block2\n\nblock2:\n    v3 = iconst.i32 1\n    v4 = iadd v3, v0\n"
      "    v5 = iadd.i32 v0, v3\n    store v3, v1\n    store.i32 v0, v1\n    return\n}\n";
  EXPECT_EQ(printed(text), text);
}

TEST(Printer, CallConventionsThatWereNotWrittenAreNotInvented) {
  EXPECT_EQ(printed("function %f() { sig0 = ()  block0: return }"),
            "function %f() {\n    sig0 = ()\n\nblock0:\n    return\n}\n");
}

TEST(Printer, SignaturesInDeclarationsGetTheNextNumber) {
  const Function f = parse_one(
      "function %f() {\n sig10 = ()\n fn5 = %foo sig10\n fn8 = %bar(i32) -> i8\n fn9 = %baz()\nblock0:\n return\n}\n");
  EXPECT_EQ(print(f),
            "function %f() {\n    sig10 = ()\n    sig11 = (i32) -> i8\n    sig12 = ()\n    fn5 = %foo sig10\n"
            "    fn8 = %bar sig11\n    fn9 = %baz sig12\n\nblock0:\n    return\n}\n");
}

TEST(Printer, AbiAttributesHaveAnOrder) {
  EXPECT_EQ(printed("function %f(i64 vmctx sext, i32 normal, i64 sarg(8)) {block0(v0: i64, v1: i32, v2: i64): return}"),
            "function %f(i64 sext vmctx, i32, i64 sarg(8)) {\nblock0(v0: i64, v1: i32, v2: i64):\n    return\n}\n");
}

TEST(Printer, OneInstruction) {
  const Function f = parse_one("function %f(i32) {block0(v0: i32): jump block1 block1: v1 = iadd.i32 v0, v0 return}");
  EXPECT_EQ(print(f, 1, f.blocks[1].insts[0]), "v1 = iadd.i32 v0, v0");
  EXPECT_EQ(print(f, 0, f.blocks[1].insts[0]), "v1 = iadd v0, v0");
}

TEST(Printer, NewValuesAndBlocks) {
  Function f = parse_one("function %f(i32) {block7(v3: i32): return}");
  EXPECT_EQ(new_value(f, kI64), 4u);
  EXPECT_EQ(new_value(f, kI8), 5u);
  EXPECT_EQ(f.type_of(4), kI64);
  EXPECT_EQ(new_block(f), 8u);
  EXPECT_EQ(f.blocks.back().id, 8u);
}

std::string without_annotation(std::string line) {
  line.erase(std::min(line.find("  ; "), line.size()));
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

// What Cranelift expects of its own optimizer, printed again, is the same text but for `; v5 = 7`.
TEST(Printer, CraneliftsExpectedTextIsOurs) {
  const char* folder = std::getenv("LOCKSTEP_CLIF_FILETESTS");
  if (folder == nullptr) GTEST_SKIP() << "LOCKSTEP_CLIF_FILETESTS does not name Cranelift's filetests";
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(folder) / "alias")) {
    if (entry.path().extension() == ".clif") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  ASSERT_FALSE(files.empty());
  for (const auto& file : files) {
    SCOPED_TRACE(file);
    std::ifstream in(file);
    std::stringstream buffer;
    buffer << in.rdbuf();
    const std::string text = buffer.str();
    std::vector<std::string> lines = {""};
    std::istringstream all(text);
    for (std::string line; std::getline(all, line);) lines.push_back(line);

    for (const Function& function : read_functions(text)) {
      const std::string once = print(function);
      EXPECT_EQ(printed(once), once);
    }
    for (const auto& [before, after] : read_filetest(text).pairs) {
      std::istringstream ours(print(after));
      size_t number = after.at.line;
      for (std::string line; std::getline(ours, line); ++number) {
        ASSERT_LT(number, lines.size());
        const std::string& theirs = lines[number];
        EXPECT_EQ(line, without_annotation(theirs.substr(std::min<size_t>(2, theirs.size())))) << "line " << number;
      }
    }
  }
}

}  // namespace
}  // namespace lockstep::clif
