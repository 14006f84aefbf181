// Texts of 10 MB, each made to be slow or deep for a reader that is not careful. None may take longer than a few
// seconds.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>

#include "optimized/clif/printer.h"
#include "optimized/clif/reader.h"

namespace lockstep::clif {
namespace {

constexpr size_t kSize = 10'000'000;
constexpr auto kLimit = std::chrono::seconds(20);  // a machine under load; a quadratic scan takes hours

std::string repeated(const std::string& head, const std::function<std::string(size_t)>& line, const std::string& tail) {
  std::string text = head;
  for (size_t i = 0; text.size() < kSize; ++i) text += line(i);
  return text + tail;
}

// "" if it could be read and printed.
std::string error_of(const std::string& text) {
  const auto begin = std::chrono::steady_clock::now();
  std::string error;
  try {
    for (const Function& function : read_functions(text)) print(function);
    read_filetest(text);
  } catch (const ReadError& e) {
    error = e.what();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, kLimit) << text.substr(0, 200);
  return error;
}

std::string n(size_t number) { return std::to_string(number); }

TEST(HostileText, OneCharacterRepeated) {
  for (const char c : {'(', '[', '{', '<', ';', '"', '-', '+', '%', '@', '#', '1', 'v', ' ', '\n', '\0', '.', '!'}) {
    const std::string error = error_of(std::string(kSize, c));
    EXPECT_EQ(error.empty(), c == ';' || c == ' ' || c == '\n') << c << error.substr(0, 100);
    EXPECT_LT(error.size(), 500u);
    EXPECT_NE(error_of("function %f() {\nblock0:\n v0 = " + std::string(kSize, c)), "");
  }
}

TEST(HostileText, ManyFunctions) {
  EXPECT_EQ(error_of(repeated(
                "", [](size_t) { return "; about\nfunction %f() {\nblock0:\n return\n}\n"; }, "")),
            "");
}

TEST(HostileText, ManyPairs) {
  EXPECT_EQ(
      error_of(repeated(
          "test optimize precise-output\n",
          [](size_t) { return "function %f() {\nblock0:\n return\n}\n; function %f() {\n; block0:\n;  return\n; }\n"; },
          "")),
      "");
}

TEST(HostileText, LongBlock) {
  EXPECT_EQ(error_of(repeated(
                "function %f(i64) {\nblock0(v0: i64):\n",
                [](size_t i) { return " v" + n(i + 1) + " = iadd v" + n(i) + ", v0\n"; }, " return\n}\n")),
            "");
}

TEST(HostileText, ChainOfAliases) {
  EXPECT_EQ(error_of(repeated(
                "function %f(i64) {\nblock0(v0: i64):\n",
                [](size_t i) { return " v" + n(i + 1) + " -> v" + n(i) + "\n"; }, " return\n}\n")),
            "");
}

TEST(HostileText, ChainOfBlocks) {
  EXPECT_EQ(error_of(repeated(
                "function %f(i64) {\nblock0(v0: i64):\n",
                [](size_t i) { return " jump block" + n(i + 1) + "\nblock" + n(i + 1) + ":\n"; }, " return\n}\n")),
            "");
}

// Every rung of the ladder also leads to the end: the common way to all of them is found by walking up, again and
// again.
TEST(HostileText, LadderWithACommonExit) {
  EXPECT_EQ(error_of(repeated(
                "function %f(i64) {\nblock0(v0: i64):\n",
                [](size_t i) {
                  const std::string next = "block" + n(i + 2);
                  return " brif.i64 v0, " + next + ", block1\n" + next + ":\n";
                },
                " return\nblock1:\n return\n}\n")),
            "");
}

TEST(HostileText, BlocksInReverse) {
  // What is used stands below, always.
  const size_t count = 100'000;
  std::string text = "function %f(i64) {\nblock0(v0: i64):\n jump block" + n(count) + "\n";
  for (size_t i = 1; i <= count; ++i) {
    const std::string use = i == count ? "v0" : "v" + n(i + 1);
    text += "block" + n(i) + ":\n v" + n(i) + " = iadd " + use + ", v0\n " +
            (i == 1 ? "return" : "jump block" + n(i - 1)) + "\n";
  }
  EXPECT_EQ(error_of(text + "}\n"), "");
}

TEST(HostileText, LongTable) {
  EXPECT_EQ(error_of(repeated(
                "function %f(i32) {\nblock0(v0: i32):\n br_table v0, block1, [block1",
                [](size_t) { return ", block1"; }, "]\nblock1:\n return\n}\n")),
            "");
}

// The calls do not repeat what the signatures say.
TEST(HostileText, LongSignaturesAndManyCalls) {
  std::string returns = "i8";
  for (int i = 0; i < 500'000; ++i) returns += ", i8";
  size_t last = 0;
  const std::string text = repeated(
      "function %f() tail {\n sig0 = () -> " + returns + " tail\n sig1 = () -> " + returns +
          " tail\n fn0 = %g sig0\nblock0:\n",
      [&last](size_t i) {
        last = i + 1;
        return " try_call fn0(), sig1, block" + n(last) + ", []\nblock" + n(last) + ":\n";
      },
      " return\n}\n");
  EXPECT_EQ(error_of(text), "");
}

TEST(HostileText, ManyDeclarations) {
  EXPECT_EQ(
      error_of(repeated(
          "function %f() {\n gv0 = vmctx\n",
          [](size_t i) { return " gv" + n(i + 1) + " = iadd_imm.i64 gv" + n(i) + ", 1\n"; }, "block0:\n return\n}\n")),
      "");
  EXPECT_EQ(
      error_of(repeated(
          "function %f() {\n", [](size_t i) { return " fn" + n(i) + " = %g(i64) -> i64\n"; }, "block0:\n return\n}\n")),
      "");
}

}  // namespace
}  // namespace lockstep::clif
