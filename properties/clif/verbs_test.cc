// `lockstep verify` and `lockstep elide` as a user meets them: exit codes, and broken or hostile files, which get one
// line with file, line and column, quickly, and leave nothing behind.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include "diff/testing.h"

namespace lockstep::refinement::commands {
namespace {

namespace fs = std::filesystem;
using diff::testing::contains;
using diff::testing::lines_of;
using diff::testing::lockstep;
using diff::testing::Output;
using traces::testing::Folder;

// A file of two functions with something of everything, and what may become of the first.
constexpr std::string_view kBefore = R"(; Two functions.
function %first(i64 vmctx, i32, i64) -> i32 fast {
    ss0 = explicit_slot 16, align = 8
    region0 = 4 "Heap"
    region1 = 5 "Table"
    gv0 = vmctx
    gv1 = load.i64 notrap aligned readonly gv0+8
    sig0 = (i64) -> i32 fast
    fn0 = colocated %g sig0

block0(v0: i64, v1: i32, v2: i64):
    v3 = stack_addr.i64 ss0
    store notrap aligned region0 v1, v2+16
    v4 = iconst.i32 -7
    store notrap aligned region0 v4, v2+16
    v5 = load.i32 user2 big region1 v2-4
    brif v5, block1(v4), block2

block1(v6: i32):
    v7 = call fn0(v0)
    v8 = iadd v6, v7
    br_table v8, block2, [block2, block3(v8)]

block2:
    trapz v1, int_divz
    jump block3(v1)

block3(v9: i32):
    v10 = icmp ult v9, v1
    v11 = select v10, v9, v1
    return v11
}

function %second(f64, i32) -> f64 {
block0(v0: f64, v1: i32):
    v2 = f64const 0x1.8p1
    v3 = fadd v0, v2
    return v3
}
)";
std::string without_dead_store() {
  const std::string line = "    store notrap aligned region0 v1, v2+16\n";
  std::string text(kBefore);
  return text.erase(text.find(line), line.size());
}

// Runs it, and expects that it takes less than two seconds (more where sanitizers watch).
Output quickly(const std::vector<std::string>& args) {
#ifdef __SANITIZE_ADDRESS__
  constexpr std::chrono::seconds kMost{20};
#else
  constexpr std::chrono::seconds kMost{10};  // a tenth of it where nothing else runs; far more if it grew as the square
#endif
  const auto start = std::chrono::steady_clock::now();
  Output o = lockstep(args);
  EXPECT_LT(std::chrono::steady_clock::now() - start, kMost) << args[0] << " " << args[1];
  return o;
}

// One line that begins with the file, and a place in it if there is one.
void expect_refused_at(const Output& o, const std::string& file, bool with_place = true) {
  EXPECT_EQ(o.exit_code, 2) << o.out << o.err;
  EXPECT_EQ(o.out, "");
  ASSERT_EQ(lines_of(o.err).size(), 1u) << o.err;
  ASSERT_TRUE(o.err.starts_with("lockstep: " + file + ": ")) << o.err;
  EXPECT_LT(o.err.size(), 400u) << o.err;
  if (!with_place) return;
  const std::string rest = o.err.substr(12 + file.size());
  size_t at = 0;
  for (int i = 0; i < 2; ++i) {
    const size_t digits = rest.find_first_not_of("0123456789", at);
    EXPECT_TRUE(digits != std::string::npos && digits > at && rest[digits] == ':') << o.err;
    at = digits + 1;
  }
  EXPECT_GT(rest.size(), at + 4) << o.err;
}

size_t files_in(const Folder& folder) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()));
}

std::string write(const Folder& folder, const std::string& name, std::string_view text) {
  traces::write_file(folder.file(name), text);
  return folder.file(name);
}

// --- What is right

TEST(ClifVerbs, ExitCodesSayWhatCameOut) {
  const Folder folder;
  const std::string before = write(folder, "before.clif", kBefore);
  const std::string after = write(folder, "after.clif", without_dead_store());
  Output o = lockstep({"verify", before, before});
  EXPECT_EQ(o.exit_code, 0) << o.out << o.err;
  EXPECT_TRUE(contains(o.out, "2 identical")) << o.out;
  o = lockstep({"verify", before, after});
  EXPECT_EQ(o.exit_code, 0) << o.out << o.err;
  EXPECT_TRUE(contains(o.out, "PROVED")) << o.out;
  o = lockstep({"verify", after, before});  // a dead store more is right, too
  EXPECT_EQ(o.exit_code, 0) << o.out << o.err;

  std::string text = without_dead_store();
  text.replace(text.find("iconst.i32 -7"), 13, "iconst.i32 -8");
  o = lockstep({"verify", before, write(folder, "wrong.clif", text)});
  EXPECT_EQ(o.exit_code, 1) << o.out << o.err;
  EXPECT_TRUE(contains(o.out, "REFUTED") && contains(o.out, "arguments: v0 = 0x")) << o.out;

  // Whether a number of 124 bits is a product of two smaller ones.
  const std::string args = "function %f(i64, i64) -> i64 {\nblock0(v0: i64, v1: i64):\n";
  const std::string hard =
      args +
      "v2 = iconst.i64 0x0fff_ffff_ffff_fe11\nv3 = iconst.i64 0x0c3a_5c85_c97c_b127\nv4 = imul v0, v1\n"
      "v5 = umulhi v0, v1\nv6 = bxor v4, v2\nv7 = bxor v5, v3\nv8 = bor v6, v7\nv9 = iconst.i64 0\nv10 = icmp eq v8, "
      "v9\n";
  o = lockstep({"verify", "--time-limit", "50ms",
                write(folder, "a.clif", hard + "v11 = uextend.i64 v10\nreturn v11\n}\n"),
                write(folder, "b.clif", hard + "return v9\n}\n")});
  EXPECT_EQ(o.exit_code, 4) << o.out << o.err;
  EXPECT_TRUE(contains(o.out, "UNKNOWN") && contains(o.out, "timeout")) << o.out;
  o = lockstep({"verify", write(folder, "c.clif", args + "v3 = get_pinned_reg.i64\nv4 = iadd v0, v0\nreturn v3\n}\n"),
                write(folder, "d.clif", args + "v3 = get_pinned_reg.i64\nreturn v3\n}\n")});
  EXPECT_EQ(o.exit_code, 4) << o.out << o.err;
  EXPECT_TRUE(contains(o.out, "UNSUPPORTED") && contains(o.out, "get_pinned_reg")) << o.out;
}

TEST(ClifVerbs, JsonHasTheVerdicts) {
  const Folder folder;
  const std::string before = write(folder, "before.clif", kBefore);
  const std::string after = write(folder, "after.clif", without_dead_store());
  const std::string file = folder.file("verdicts.json");
  EXPECT_EQ(lockstep({"verify", before, after, "--json", file}).exit_code, 0);
  const traces::Json json = diff::testing::read_json(file);
  ASSERT_EQ(json.size(), 2u);
  EXPECT_EQ(json[0]["name"], "%first");
  EXPECT_EQ(json[0]["verdict"], "PROVED");
  EXPECT_EQ(json[1]["verdict"], "identical");
}

TEST(ClifVerbs, ElideProvesWhatItPrints) {
  const Folder folder;
  const std::string before = write(folder, "before.clif", kBefore);
  const std::string out = folder.file("out.clif");
  const Output o = lockstep({"elide", before, "-o", out});
  EXPECT_EQ(o.exit_code, 0) << o.out << o.err;
  EXPECT_EQ(o.out, "");
  EXPECT_EQ(lockstep({"verify", before, out}).exit_code, 0);
}

TEST(ClifVerbs, FunctionsWithoutACounterpartAreNamed) {
  const Folder folder;
  const std::string before = write(folder, "before.clif", kBefore);
  const std::string text(kBefore);
  const std::string one = write(folder, "one.clif", text.substr(text.find("function %second")));
  const Output o = lockstep({"verify", before, one});
  EXPECT_EQ(o.exit_code, 0) << o.out << o.err;
  EXPECT_TRUE(contains(o.out, "not compared: %first")) << o.out;
}

// --- What is not

TEST(ClifVerbs, AFileThatIsCutOffIsRefusedAtItsEnd) {
  const Folder folder;
  const std::string before = write(folder, "before.clif", kBefore);
  const std::string cut = folder.file("cut.clif"), json = folder.file("x.json"), out = folder.file("out.clif");
  const std::string text(kBefore);
  for (size_t n = 0; n < text.size(); n += 50) {
    traces::write_file(cut, text.substr(0, n));
    const std::string rest = text.substr(0, n);
    // Where the cut leaves whole functions, it is a file like any other.
    const size_t last = rest.find_last_not_of(" \n");
    if (n != 0 && last != std::string::npos && rest[last] == '}') continue;
    const bool empty = !contains(rest, "function");
    SCOPED_TRACE(n);
    expect_refused_at(quickly({"verify", before, cut, "--json", json}), cut, !empty);
    if (n % 200 == 0) {
      expect_refused_at(quickly({"verify", cut, before, "--json", json}), cut, !empty);
      expect_refused_at(quickly({"elide", cut, "-o", out, "--json", json}), cut, !empty);
    }
  }
  EXPECT_EQ(files_in(folder), 2u) << "something was written";
}

TEST(ClifVerbs, BrokenTextIsRefusedAtItsPlace) {
  const Folder folder;
  const std::string before = write(folder, "before.clif", kBefore);
  struct Case {
    std::string from, to, place;
  };
  const std::vector<Case> cases = {
      {"v8 = iadd v6, v7", "v8 = iaddd v6, v7", "21:10: "},             // unknown instruction
      {"v8 = iadd v6, v7", "v8 = iadd v6, v77", "21:19: "},             // undefined value
      {"v8 = iadd v6, v7", "v7 = iadd v6, v7", "21:5: "},               // defined twice
      {"v8 = iadd v6, v7", "v8 = iadd v6, v2", "21:5: "},               // types that do not fit
      {"block3(v9: i32)", "block3(v9: i99)", "28:12: "},                // unknown type
      {"jump block3(v1)", "jump block33(v1)", "26:10: "},               // unknown block
      {"call fn0(v0)", "call fn9(v0)", "20:15: "},                      // unknown function
      {"region1 v2-4", "region7 v2-4", "16:5: "},                       // unknown region
      {"    return v11\n", "", ""},                                     // a block without an end
      {"iconst.i32 -7", "iconst.i32 99999999999999999999", "14:21: "},  // a number too large
      {"brif v5, block1(v4), block2", "brif v5, block1, block2", ""},   // an argument missing
      {"v2-4", "v2-99999999999", ""},                                   // an offset too large
      {"\"Heap\"", "\"Heap", ""},                                       // a string without an end
      {"; Two functions.", "\xff\xfe\x01", "1:1: "},                    // no text
      {"; Two functions.", std::string("\0\0", 2), "1:1: "},
  };
  for (const Case& c : cases) {
    std::string text(kBefore);
    ASSERT_TRUE(contains(text, c.from)) << c.from;
    text.replace(text.find(c.from), c.from.size(), c.to);
    const std::string broken = write(folder, "broken.clif", text);
    SCOPED_TRACE(c.to);
    const Output o = quickly({"verify", before, broken});
    expect_refused_at(o, broken);
    EXPECT_TRUE(o.err.starts_with("lockstep: " + broken + ": " + c.place)) << o.err;
    expect_refused_at(quickly({"elide", broken, "-o", folder.file("out.clif")}), broken);
    fs::remove(broken);
  }
  EXPECT_EQ(files_in(folder), 1u) << "something was written";
}

TEST(ClifVerbs, FilesThatAreNotThereAreRefused) {
  const Folder folder;
  const std::string before = write(folder, "before.clif", kBefore), nowhere = folder.file("nowhere.clif");
  expect_refused_at(quickly({"verify", before, nowhere}), nowhere, false);
  expect_refused_at(quickly({"verify", nowhere, before}), nowhere, false);
  expect_refused_at(quickly({"verify", nowhere}), nowhere, false);
  expect_refused_at(quickly({"elide", nowhere}), nowhere, false);
  expect_refused_at(quickly({"verify", before, before, "--assume", nowhere}), nowhere, false);
  // One file that is no pair by itself.
  expect_refused_at(quickly({"verify", before}), before, false);
  // A folder is no file.
  expect_refused_at(quickly({"elide", folder.path()}), folder.path(), false);
}

TEST(ClifVerbs, FoldersWithoutPairsAreRefused) {
  const Folder folder, other;
  const std::string path = folder.path();
  expect_refused_at(quickly({"verify", path}), path, false);
  write(folder, "notes.txt", "nothing");
  expect_refused_at(quickly({"verify", path}), path, false);
  write(folder, "one.clif", kBefore);
  expect_refused_at(quickly({"verify", path}), path, false);
  write(folder, "half.before.clif", kBefore);
  expect_refused_at(quickly({"verify", path}), path, false);
  // One broken file among whole ones is refused by its own name.
  write(folder, "whole.before.clif", kBefore);
  write(folder, "whole.after.clif", without_dead_store());
  EXPECT_EQ(lockstep({"verify", path}).exit_code, 0);
  const std::string broken = write(folder, "broken.clif", "function");
  expect_refused_at(quickly({"verify", path}), broken);
}

TEST(ClifVerbs, FilesWithoutACommonFunctionAreRefused) {
  const Folder folder;
  const std::string before = write(folder, "before.clif", kBefore);
  const std::string after = write(folder, "after.clif", "function %third() {\nblock0:\n  return\n}\n");
  expect_refused_at(quickly({"verify", before, after}), after, false);
}

TEST(ClifVerbs, BrokenPromisesAreRefusedAtTheirPlace) {
  const Folder folder;
  const std::string before = write(folder, "before.clif", kBefore);
  const std::vector<std::pair<std::string, std::string>> cases = {{"same-value lode \"R\"+8\n", "1:12: "},
                                                                  {"# fine\n\n  nonsense\n", "3:3: "},
                                                                  {"call never-reads \"R\"\n", "1:"},
                                                                  {"apart param 0\n", "1:"},
                                                                  {"untagged-apart \"R\n", "1:"},
                                                                  {"same-value load \"R\"+99999999999\n", "1:"},
                                                                  {"\xff\xff\xff", "1:1: "},
                                                                  {"call %g never-reads \"R\" and more\n", "1:"},
                                                                  {std::string(200'000, '('), "1:1: "},
                                                                  {std::string("same-value load \0", 17), "1:"},
                                                                  {"same-value load.i7 \"R\"+8", "1:"},
                                                                  {"apart param 99999999999, param 1", "1:"}};
  for (const auto& [text, place] : cases) {
    const std::string file = write(folder, "x.assume", text);
    SCOPED_TRACE(text.substr(0, 40));
    const Output o = quickly({"verify", before, before, "--assume", file});
    expect_refused_at(o, file);
    EXPECT_TRUE(o.err.starts_with("lockstep: " + file + ": " + place)) << o.err;
    expect_refused_at(quickly({"elide", before, "--assume", file, "-o", folder.file("out.clif")}), file);
  }
  EXPECT_EQ(files_in(folder), 2u) << "something was written";
}

TEST(ClifVerbs, HostileTextIsRefusedQuickly) {
  const Folder folder;
  const std::string before = write(folder, "before.clif", kBefore);
  const std::string head = "function %f(i32) {\nblock0(v0: i32):\n";
  std::string many = head;
  for (size_t i = 1; many.size() < 10'000'000; ++i) {
    many += "v" + std::to_string(i) + " = iadd v" + std::to_string(i - 1) + ", v" + std::to_string(i - 1) + "\n";
  }
  std::string jumps = "function %f(i32) {\n";
  for (size_t i = 0; i < 100'000; ++i) {
    jumps += "block" + std::to_string(i) + ":\n jump block" + std::to_string(i + 1) + "\n";
  }
  std::string aliases = head;
  for (size_t i = 1; i < 100'000; ++i) aliases += "v" + std::to_string(i) + " -> v" + std::to_string(i - 1) + "\n";
  std::string globals = "function %f(i64 vmctx) {\n";
  for (size_t i = 1; i < 100'000; ++i) {
    globals += "gv" + std::to_string(i) + " = iadd_imm.i64 gv" + std::to_string(i - 1) + ", 8\n";
  }
  const std::string open(100'000, '('), square(100'000, '['), curly(100'000, '{'), angle(100'000, '<');
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"ten-million-letters", std::string(10'000'000, 'x')},
      {"ten-million-lines", std::string(10'000'000, '\n') + "x"},
      {"ten-million-comments", std::string(10'000'000, ';') + "\nx"},
      {"round", open},
      {"square", square},
      {"curly", curly},
      {"in-a-function", head + "return" + open},
      {"in-a-signature", "function %f" + open},
      {"in-a-table", head + "br_table v0, block0, " + square},
      {"in-a-constant", "function %f() {\nconst0 = " + square},
      {"in-tags", head + angle},
      {"nested-functions", "function %f() " + curly},
      {"many-instructions", many + "oops\n"},
      {"many-blocks", jumps},
      {"many-aliases", aliases + "oops\n"},
      {"many-globals", globals + "oops\n"},
      {"a-long-name", "function %" + std::string(5'000'000, 'a') + "("},
      {"a-long-string", "function %f() {\nregion0 = 1 \"" + std::string(5'000'000, 'a')},
      {"a-long-number", head + "v1 = iconst.i32 " + std::string(1'000'000, '9')},
      {"a-large-block", "function %f() {\nblock4294967296:\nreturn\n}"},
      {"a-large-value", "function %f(i32) {\nblock0(v4294967296: i32):\nreturn\n}"},
      {"many-commands", "test " + std::string(1'000'000, 'a') + "\nx"},
      {"precise-without-a-function", "test optimize precise-output\nfunction %f() {\nblock0:\nreturn\n}\n; " + open},
  };
  for (const auto& [name, text] : cases) {
    const std::string file = write(folder, "hostile.clif", text);
    SCOPED_TRACE(name);
    const bool alone = text.starts_with("test optimize");
    expect_refused_at(
        quickly(alone ? std::vector<std::string>{"verify", file} : std::vector<std::string>{"verify", before, file}),
        file);
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(files_in(folder), 2u) << "something was written";
}

// A file that is right and large is read, and what cannot be decided in time is said to be so.
TEST(ClifVerbs, ALargeFunctionIsNoAccident) {
  const Folder folder;
  std::string text = "function %f(i64, i32) {\nregion0 = 1 \"Heap\"\nblock0(v0: i64, v1: i32):\n";
  for (size_t i = 2; i < 400; ++i) {
    text += "v" + std::to_string(i) + " = iadd v" + std::to_string(i - 1) + ", v1\nstore notrap region0 v" +
            std::to_string(i) + ", v0+" + std::to_string(4 * i) + "\n";
  }
  const std::string before =
      write(folder, "before.clif", text + "store notrap region0 v1, v0\nstore notrap region0 v1, v0\nreturn\n}\n");
  const std::string after = write(folder, "after.clif", text + "store notrap region0 v1, v0\nreturn\n}\n");
  const Output o = lockstep({"verify", before, after, "--runs", "2", "--time-limit", "5s"});
  EXPECT_TRUE(o.exit_code == 0 || o.exit_code == 4) << o.out << o.err;
  EXPECT_EQ(o.err, "");
}

}  // namespace
}  // namespace lockstep::refinement::commands
