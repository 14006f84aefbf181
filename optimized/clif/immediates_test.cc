// Numbers: every notation, limits, and that reading undoes printing bit for bit.
#include "optimized/clif/immediates.h"

#include <gtest/gtest.h>

#include <random>

namespace lockstep::clif {
namespace {

TEST(Immediates, Integers) {
  EXPECT_EQ(parse_integer("0xff_ff", 16).value, 0xffffu);
  EXPECT_EQ(parse_integer("-_10_0", 64).value, static_cast<uint64_t>(-100));
  EXPECT_EQ(parse_integer("-0x80", 8).value, 0x80u);
  EXPECT_EQ(parse_integer("18446744073709551615", 64).value, UINT64_MAX);
  EXPECT_EQ(parse_integer("-9223372036854775808", 64).value, 0x8000000000000000u);
  EXPECT_EQ(parse_integer("-0", 8).value, 0u);
  for (const char* text :
       {"18446744073709551616", "-9223372036854775809", "", "-", "_", "0x", "0x_", "--1", "1a", "-0x-", "1.0"}) {
    EXPECT_NE(parse_integer(text, 64).error, nullptr) << text;
  }
  EXPECT_NE(parse_integer("0x100", 8).error, nullptr);
  EXPECT_NE(parse_integer("-0x81", 8).error, nullptr);
  EXPECT_NE(parse_unsigned("-1", 64).error, nullptr);
  EXPECT_EQ(print_integer(9999), "9999");
  EXPECT_EQ(print_integer(10'000), "0x2710");
  EXPECT_EQ(print_integer(-10'000), "-10000");
  EXPECT_EQ(print_integer(0x10000), "0x0001_0000");
  EXPECT_EQ(print_integer(INT64_MAX), "0x7fff_ffff_ffff_ffff");
}

TEST(Immediates, Offsets) {
  EXPECT_EQ(parse_offset("+0x10").value, 16);
  EXPECT_EQ(parse_offset("-0x8000_0000").value, INT32_MIN);
  EXPECT_NE(parse_offset("+0x8000_0000").error, nullptr);
  EXPECT_NE(parse_offset("8").error, nullptr);
  for (int32_t offset : {0, 1, -1, 9999, 10'000, -10'000, INT32_MAX, INT32_MIN}) {
    const std::string text = print_offset(offset);
    EXPECT_EQ(text.empty() ? 0 : parse_offset(text).value, offset) << text;
  }
  EXPECT_EQ(print_offset(-10'000), "-0x2710");
}

TEST(Immediates, FloatNotations) {
  const struct {
    const char* text;
    uint64_t bits;
  } kSingles[] = {{"0x1.0", 0x3f800000},
                  {"0x0.4p2", 0x3f800000},
                  {"0x10p-4", 0x3f800000},
                  {"-0x1.8p3", 0xc1400000},
                  {"0.0", 0},
                  {"-0.0", 0x80000000},
                  {"0x0.0", 0},
                  {"Inf", 0x7f800000},
                  {"-Inf", 0xff800000},
                  {"NaN", 0x7fc00000},
                  {"-NaN:0x1", 0xffc00001},
                  {"sNaN:0x1", 0x7f800001},
                  {"0x1.fffffep127", 0x7f7fffff},
                  {"0x1.0p-126", 0x00800000},
                  {"0x1.0p-149", 1},
                  {"0x0.000002p-126", 1},
                  {"0x1.8p-148", 3}};
  for (const auto& [text, bits] : kSingles) {
    const auto parsed = parse_float(text, kF32Format);
    EXPECT_EQ(parsed.error, nullptr) << text;
    EXPECT_EQ(parsed.value, bits) << text;
  }
  for (const char* text :
       {"1.0", "0x", "0x.p1", "0x1.0p", "0x1.0p99999999999", "0x1.0p128", "0x1.0p-150", "0x1.8p-149", "0x1.0000001",
        "NaN:0x400000", "NaN:0x", "sNaN:0x0", "sNaN", "inf", "0x1..0", "0xg", "0x1.00000000000000000000000000000000"}) {
    EXPECT_NE(parse_float(text, kF32Format).error, nullptr) << text;
  }
}

TEST(Immediates, EveryFloatIsReadAsItIsPrinted) {
  for (uint64_t bits = 0; bits < 0x10000; ++bits)
    EXPECT_EQ(parse_float(print_float(bits, kF16Format), kF16Format).value, bits);
  std::mt19937_64 random(3);
  for (int i = 0; i < 20'000; ++i) {
    // All exponents, the special ones often.
    uint64_t bits = random();
    if (i % 4 == 0) bits |= 0x7ff0000000000000;
    if (i % 4 == 1) bits &= 0x800fffffffffffff;
    const auto parsed = parse_float(print_float(bits, kF64Format), kF64Format);
    EXPECT_EQ(parsed.error, nullptr) << print_float(bits, kF64Format);
    EXPECT_EQ(parsed.value, bits) << print_float(bits, kF64Format);
    EXPECT_EQ(parse_float(print_float(bits >> 32, kF32Format), kF32Format).value, bits >> 32);
  }
}

}  // namespace
}  // namespace lockstep::clif
