// What each pure instruction computes: results worked out by hand, at the edges of the types above all.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <set>

#include "optimized/clif/interpreter.h"
#include "optimized/clif/reader.h"
#include "optimized/clif/rules.h"
#include "optimized/clif/testing.h"

namespace lockstep::clif {
namespace {

Opcode opcode_of(const std::string& text) { return opcode_from(text.substr(0, text.find_first_of(". "))).value(); }

// `types` are those of v0, v1, …: evaluates one instruction on values for them.
Evaluated evaluated(const std::string& types, const std::string& text, const std::vector<Bits>& args) {
  std::string params, rest = types;
  for (size_t i = 0; !rest.empty(); ++i) {
    const size_t comma = std::min(rest.find(", "), rest.size());
    params += (i > 0 ? ", v" : "v") + std::to_string(i) + ": " + rest.substr(0, comma);
    rest.erase(0, comma + 2);
  }
  std::string results;
  for (size_t i = 0; i < rule_of(opcode_of(text)).results.size(); ++i)
    results += (i > 0 ? ", v9" : "v9") + std::to_string(i);
  const auto functions = read_functions("function %f(" + types + ") {\nblock0(" + params + "):\n" + results + " = " +
                                        text + "\nreturn\n}\n");
  const Inst& inst = functions.at(0).entry().insts.at(0);
  std::vector<Bits> operands;
  for (Value value : inst.args) operands.push_back(args.at(value));
  return evaluate(functions[0], inst, operands);
}

struct Case {
  std::string types, text;
  std::vector<Bits> args;
  std::vector<Bits> results;
  std::string trap = "";
};

void check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    const Evaluated is = evaluated(c.types, c.text, c.args);
    EXPECT_EQ(is.trap.value_or(""), c.trap) << c.text;
    EXPECT_EQ(is.results, c.results) << c.text << " of " << ::testing::PrintToString(c.args);
  }
}

constexpr uint64_t kMin32 = 0x80000000, kMax32 = 0x7fffffff, kMinus32 = 0xffffffff;
constexpr uint64_t kMin64 = 0x8000000000000000, kMinus64 = 0xffffffffffffffff;
constexpr Bits kMin128{0, kMin64}, kMinus128{kMinus64, kMinus64};

Bits f32(float value) { return {std::bit_cast<uint32_t>(value)}; }
Bits f64(double value) { return {std::bit_cast<uint64_t>(value)}; }
constexpr Bits kNan32{0x7fc00000}, kNan64{0x7ff8000000000000};

std::vector<Case> constants() {
  return {{"i32", "iconst.i8 -1", {{}}, {{0xff}}},
          {"i32", "iconst.i64 -1", {{}}, {{kMinus64}}},
          {"i32", "f32const 0x1.8p0", {{}}, {f32(1.5f)}},
          {"i32", "f64const -0.0", {{}}, {f64(-0.0)}},
          {"i32", "vconst.i64x2 0x00000000000000020000000000000001", {{}}, {{1, 2}}}};
}

std::vector<Case> arithmetic() {
  return {{"i8, i8", "iadd v0, v1", {{0xff}, {2}}, {{1}}},
          {"i128, i128", "iadd v0, v1", {{kMinus64}, {1}}, {{0, 1}}},
          {"i16, i16", "isub v0, v1", {{0}, {1}}, {{0xffff}}},
          {"i128, i128", "isub v0, v1", {{0}, {1}}, {kMinus128}},
          {"i32", "ineg v0", {{kMin32}}, {{kMin32}}},
          {"i8", "ineg v0", {{1}}, {{0xff}}},
          {"i32", "iabs v0", {{kMin32}}, {{kMin32}}},
          {"i8", "iabs v0", {{0xfb}}, {{5}}},
          {"i128", "iabs v0", {kMinus128}, {{1}}},
          {"i32, i32", "imul v0, v1", {{0x10001}, {0x10001}}, {{0x20001}}},
          {"i128, i128", "imul v0, v1", {{0, 1}, {3}}, {{0, 3}}},
          {"i8, i8", "umulhi v0, v1", {{0xff}, {0xff}}, {{0xfe}}},
          {"i64, i64", "umulhi v0, v1", {{kMinus64}, {kMinus64}}, {{kMinus64 - 1}}},
          {"i128, i128", "umulhi v0, v1", {kMinus128, kMinus128}, {{kMinus64 - 1, kMinus64}}},
          {"i128, i128", "umulhi v0, v1", {{5, 7}, {0, 11}}, {{77, 0}}},
          {"i8, i8", "smulhi v0, v1", {{0x80}, {0x80}}, {{0x40}}},
          {"i64, i64", "smulhi v0, v1", {{kMinus64}, {1}}, {{kMinus64}}},
          {"i128, i128", "smulhi v0, v1", {kMinus128, kMinus128}, {{0, 0}}},
          {"i128, i128", "smulhi v0, v1", {kMin128, {2}}, {kMinus128}}};
}

std::vector<Case> division() {
  return {{"i32, i32", "udiv v0, v1", {{kMinus32}, {2}}, {{kMax32}}},
          {"i32, i32", "udiv v0, v1", {{1}, {0}}, {}, "int_divz"},
          {"i8, i8", "sdiv v0, v1", {{0xf9}, {2}}, {{0xfd}}},
          {"i8, i8", "sdiv v0, v1", {{0x80}, {0xff}}, {}, "int_ovf"},
          {"i8, i8", "sdiv v0, v1", {{0x81}, {0xff}}, {{0x7f}}},
          {"i32, i32", "sdiv v0, v1", {{kMin32}, {0}}, {}, "int_divz"},
          {"i32, i32", "sdiv v0, v1", {{kMin32}, {kMinus32}}, {}, "int_ovf"},
          {"i128, i128", "sdiv v0, v1", {kMin128, kMinus128}, {}, "int_ovf"},
          {"i128, i128", "sdiv v0, v1", {{0, 1}, {2}}, {{kMin64}}},
          {"i32, i32", "urem v0, v1", {{kMinus32}, {10}}, {{5}}},
          {"i32, i32", "urem v0, v1", {{1}, {0}}, {}, "int_divz"},
          {"i8, i8", "srem v0, v1", {{0xf9}, {2}}, {{0xff}}},
          {"i8, i8", "srem v0, v1", {{7}, {0xfe}}, {{1}}},
          {"i8, i8", "srem v0, v1", {{0x80}, {0xff}}, {{0}}},
          {"i128, i128", "srem v0, v1", {kMin128, kMinus128}, {{0}}},
          {"i8, i8", "srem v0, v1", {{0x80}, {0}}, {}, "int_divz"}};
}

std::vector<Case> minimum_and_maximum() {
  return {{"i8, i8", "smin v0, v1", {{0x80}, {0x7f}}, {{0x80}}},
          {"i8, i8", "umin v0, v1", {{0x80}, {0x7f}}, {{0x7f}}},
          {"i8, i8", "smax v0, v1", {{0x80}, {0x7f}}, {{0x7f}}},
          {"i8, i8", "umax v0, v1", {{0x80}, {0x7f}}, {{0x80}}},
          {"i128, i128", "smax v0, v1", {kMinus128, {1}}, {{1}}},
          {"i128, i128", "umax v0, v1", {kMinus128, {1}}, {kMinus128}}};
}

std::vector<Case> overflow() {
  return {{"i8, i8", "uadd_overflow v0, v1", {{0xff}, {1}}, {{0}, {1}}},
          {"i8, i8", "uadd_overflow v0, v1", {{0xfe}, {1}}, {{0xff}, {0}}},
          {"i128, i128", "uadd_overflow v0, v1", {kMinus128, {1}}, {{0}, {1}}},
          {"i8, i8", "sadd_overflow v0, v1", {{0x7f}, {1}}, {{0x80}, {1}}},
          {"i8, i8", "sadd_overflow v0, v1", {{0xff}, {1}}, {{0}, {0}}},
          {"i128, i128", "sadd_overflow v0, v1", {kMin128, kMinus128}, {{kMinus64, kMin64 - 1}, {1}}},
          {"i8, i8", "usub_overflow v0, v1", {{0}, {1}}, {{0xff}, {1}}},
          {"i8, i8", "usub_overflow v0, v1", {{1}, {1}}, {{0}, {0}}},
          {"i8, i8", "ssub_overflow v0, v1", {{0x80}, {1}}, {{0x7f}, {1}}},
          {"i8, i8", "ssub_overflow v0, v1", {{0}, {1}}, {{0xff}, {0}}},
          {"i8, i8", "umul_overflow v0, v1", {{16}, {16}}, {{0}, {1}}},
          {"i64, i64", "umul_overflow v0, v1", {{kMinus64}, {kMinus64}}, {{1}, {1}}},
          {"i64, i64", "umul_overflow v0, v1", {{kMinus64}, {1}}, {{kMinus64}, {0}}},
          {"i8, i8", "smul_overflow v0, v1", {{0x80}, {0xff}}, {{0x80}, {1}}},
          {"i64, i64", "smul_overflow v0, v1", {{kMinus64}, {kMinus64}}, {{1}, {0}}},
          {"i8, i8, i8", "uadd_overflow_cin v0, v1, v2", {{0xff}, {0xff}, {1}}, {{0xff}, {1}}},
          {"i8, i8, i8", "uadd_overflow_cin v0, v1, v2", {{0xfe}, {0}, {7}}, {{0xff}, {0}}},
          // The carry takes back the overflow of the rest: -128 + -1 + 1.
          {"i8, i8, i8", "sadd_overflow_cin v0, v1, v2", {{0x80}, {0xff}, {1}}, {{0x80}, {0}}},
          {"i8, i8, i8", "sadd_overflow_cin v0, v1, v2", {{0x7f}, {0}, {1}}, {{0x80}, {1}}},
          {"i8, i8, i8", "usub_overflow_bin v0, v1, v2", {{0}, {0xff}, {1}}, {{0}, {1}}},
          {"i8, i8, i8", "usub_overflow_bin v0, v1, v2", {{1}, {0}, {1}}, {{0}, {0}}},
          {"i8, i8, i8", "ssub_overflow_bin v0, v1, v2", {{0x80}, {0}, {1}}, {{0x7f}, {1}}},
          {"i8, i8, i8", "ssub_overflow_bin v0, v1, v2", {{0x7f}, {0xff}, {1}}, {{0x7f}, {0}}},
          {"i32, i32", "uadd_overflow_trap v0, v1, user5", {{kMinus32}, {1}}, {}, "user5"},
          {"i32, i32", "uadd_overflow_trap v0, v1, user5", {{kMinus32}, {0}}, {{kMinus32}}},
          {"i8, i8", "uadd_sat v0, v1", {{0xff}, {2}}, {{0xff}}},
          {"i8, i8", "usub_sat v0, v1", {{1}, {2}}, {{0}}},
          {"i8, i8", "sadd_sat v0, v1", {{0x7f}, {2}}, {{0x7f}}},
          {"i8, i8", "sadd_sat v0, v1", {{0x80}, {0xff}}, {{0x80}}},
          {"i8, i8", "ssub_sat v0, v1", {{0x80}, {2}}, {{0x80}}},
          {"i8, i8", "ssub_sat v0, v1", {{0x7f}, {0xff}}, {{0x7f}}}};
}

std::vector<Case> bitwise() {
  return {{"i8, i8", "band v0, v1", {{0x0f}, {0x3c}}, {{0x0c}}},
          {"f64, f64", "bor v0, v1", {{1}, {6}}, {{7}}},
          {"i128, i128", "bxor v0, v1", {kMinus128, {1}}, {{kMinus64 - 1, kMinus64}}},
          {"i64x2, i64x2", "bxor v0, v1", {{1, 2}, {3, 3}}, {{2, 1}}},
          {"i8", "bnot v0", {{0x0f}}, {{0xf0}}},
          {"i8, i8, i8", "bitselect v0, v1, v2", {{0xf0}, {0xab}, {0xcd}}, {{0xad}}},
          {"i8", "bitrev v0", {{0x16}}, {{0x68}}},
          {"i128", "bitrev v0", {{1}}, {{0, kMin64}}},
          {"i16", "bswap v0", {{0x1234}}, {{0x3412}}},
          {"i128", "bswap v0", {{0x0102030405060708, 0}}, {{0, 0x0807060504030201}}},
          {"i32", "clz v0", {{1}}, {{31}}},
          {"i8", "clz v0", {{0}}, {{8}}},
          {"i128", "clz v0", {{1}}, {{127}}},
          {"i8", "cls v0", {{0}}, {{7}}},
          {"i8", "cls v0", {{0xff}}, {{7}}},
          {"i8", "cls v0", {{0xf0}}, {{3}}},
          {"i8", "ctz v0", {{0}}, {{8}}},
          {"i128", "ctz v0", {kMin128}, {{127}}},
          {"i128", "popcnt v0", {kMinus128}, {{128}}},
          {"i8", "popcnt v0", {{0x55}}, {{4}}}};
}

std::vector<Case> shifts() {
  return {{"i8, i32", "ishl v0, v1", {{0x81}, {1}}, {{2}}},
          {"i8, i32", "ishl v0, v1", {{0x81}, {8}}, {{0x81}}},
          {"i8, i32", "ishl v0, v1", {{0x81}, {0xffffffff}}, {{0x80}}},
          {"i128, i128", "ishl v0, v1", {{1}, {127}}, {kMin128}},
          {"i128, i128", "ishl v0, v1", {{1}, {128, 5}}, {{1}}},
          {"i32, i8", "ushr v0, v1", {{kMin32}, {31}}, {{1}}},
          {"i32, i8", "ushr v0, v1", {{kMin32}, {33}}, {{0x40000000}}},
          {"i32, i8", "sshr v0, v1", {{kMin32}, {31}}, {{kMinus32}}},
          {"i8, i8", "sshr v0, v1", {{0x80}, {9}}, {{0xc0}}},
          {"i128, i8", "sshr v0, v1", {kMin128, {127}}, {kMinus128}},
          {"i8, i8", "rotl v0, v1", {{0x81}, {1}}, {{0x03}}},
          {"i8, i8", "rotl v0, v1", {{0x81}, {8}}, {{0x81}}},
          {"i8, i8", "rotr v0, v1", {{0x81}, {9}}, {{0xc0}}},
          {"i128, i8", "rotr v0, v1", {{1}, {1}}, {kMin128}},
          {"i128, i8", "rotl v0, v1", {kMin128, {0}}, {kMin128}}};
}

std::vector<Case> integer_comparisons() {
  std::vector<Case> cases;
  const struct {
    const char* cc;
    uint64_t less_unsigned, equal, greater_unsigned;  // of 0x7f and 0x80: unsigned less, signed greater
  } kCases[] = {{"eq", 0, 1, 0},  {"ne", 1, 0, 1},  {"slt", 0, 0, 1}, {"sge", 1, 1, 0}, {"sgt", 1, 0, 0},
                {"sle", 0, 1, 1}, {"ult", 1, 0, 0}, {"uge", 0, 1, 1}, {"ugt", 0, 0, 1}, {"ule", 1, 1, 0}};
  for (const auto& c : kCases) {
    const std::string text = std::string("icmp ") + c.cc + " v0, v1";
    cases.insert(cases.end(), {{"i8, i8", text, {{0x7f}, {0x80}}, {{c.less_unsigned}}},
                               {"i8, i8", text, {{0x80}, {0x80}}, {{c.equal}}},
                               {"i8, i8", text, {{0x80}, {0x7f}}, {{c.greater_unsigned}}},
                               {"i128, i128", text, {{kMinus64, kMin64 - 1}, kMin128}, {{c.less_unsigned}}}});
  }
  return cases;
}

std::vector<Case> select_and_conversions() {
  return {{"i8, i32, i32", "select v0, v1, v2", {{2}, {5}, {6}}, {{5}}},
          {"i128, i32, i32", "select v0, v1, v2", {{0, 1}, {5}, {6}}, {{5}}},
          {"i8, f32x4, f32x4", "select v0, v1, v2", {{0}, {5, 1}, {6, 2}}, {{6, 2}}},
          {"i8, i32, i32", "select_spectre_guard v0, v1, v2", {{0}, {5}, {6}}, {{6}}},
          {"i32", "bmask.i128 v0", {{4}}, {kMinus128}},
          {"i128", "bmask.i8 v0", {{0, 1}}, {{0xff}}},
          {"i32", "bmask.i8 v0", {{0}}, {{0}}},
          {"i128", "ireduce.i64 v0", {{5, 6}}, {{5}}},
          {"i32", "ireduce.i8 v0", {{0x1ff}}, {{0xff}}},
          {"i8", "uextend.i128 v0", {{0xff}}, {{0xff}}},
          {"i8", "sextend.i128 v0", {{0xff}}, {kMinus128}},
          {"i8", "sextend.i16 v0", {{0x80}}, {{0xff80}}},
          {"i128", "isplit v0", {{5, 6}}, {{5}, {6}}},
          {"i16", "isplit v0", {{0x1234}}, {{0x34}, {0x12}}},
          {"i64, i64", "iconcat v0, v1", {{5}, {6}}, {{5, 6}}},
          {"i8, i8", "iconcat v0, v1", {{0x34}, {0x12}}, {{0x1234}}},
          {"i32", "bitcast.f32 v0", {{0x7f800001}}, {{0x7f800001}}},
          {"i64", "bitcast.i8x8 little v0", {{0x0102}}, {{0x0102}}}};
}

std::vector<Case> float_arithmetic() {
  const double inf = INFINITY;
  const double nan = NAN;
  return {
      {"f32, f32", "fadd v0, v1", {f32(1.5f), f32(2.25f)}, {f32(3.75f)}},
      {"f64, f64", "fadd v0, v1", {f64(inf), f64(-inf)}, {kNan64}},
      {"f64, f64", "fadd v0, v1", {{0xfff8000000000123}, f64(1)}, {kNan64}},
      {"f32, f32", "fadd v0, v1", {{0x7f800001}, f32(1)}, {kNan32}},
      // 1 + 2^-24 is rounded to even in single precision.
      {"f32, f32", "fadd v0, v1", {f32(1), f32(0x1p-24f)}, {f32(1)}},
      {"f64, f64", "fsub v0, v1", {f64(0.0), f64(0.0)}, {f64(0.0)}},
      {"f64, f64", "fmul v0, v1", {f64(-0.0), f64(1)}, {f64(-0.0)}},
      {"f64, f64", "fmul v0, v1", {f64(0), f64(inf)}, {kNan64}},
      {"f64, f64", "fdiv v0, v1", {f64(1), f64(-0.0)}, {f64(-inf)}},
      {"f32, f32", "fdiv v0, v1", {f32(0), f32(0)}, {kNan32}},
      {"f64, f64", "fmin v0, v1", {f64(0.0), f64(-0.0)}, {f64(-0.0)}},
      {"f64, f64", "fmin v0, v1", {f64(-0.0), f64(0.0)}, {f64(-0.0)}},
      {"f64, f64", "fmin v0, v1", {f64(1), f64(nan)}, {kNan64}},
      {"f64, f64", "fmin v0, v1", {f64(1), f64(-inf)}, {f64(-inf)}},
      {"f64, f64", "fmax v0, v1", {f64(0.0), f64(-0.0)}, {f64(0.0)}},
      {"f64, f64", "fmax v0, v1", {f64(-0.0), f64(0.0)}, {f64(0.0)}},
      {"f32, f32", "fmax v0, v1", {f32(2), f32(1)}, {f32(2)}},
      {"f64, f64", "fcopysign v0, v1", {f64(1), f64(-0.0)}, {f64(-1)}},
      {"f64, f64", "fcopysign v0, v1", {{0x7ff8000000000123}, f64(-1)}, {{0xfff8000000000123}}},
      // One rounding: 2^-1074 would be lost with two.
      {"f64, f64, f64", "fma v0, v1, v2", {f64(1 + 0x1p-52), f64(1 + 0x1p-52), f64(-(1 + 0x1p-51))}, {f64(0x1p-104)}},
      {"f32", "sqrt v0", {f32(2.25f)}, {f32(1.5f)}},
      {"f64", "sqrt v0", {f64(-1)}, {kNan64}},
      {"f64", "sqrt v0", {f64(-0.0)}, {f64(-0.0)}},
      {"f64", "fneg v0", {{0x7ff8000000000123}}, {{0xfff8000000000123}}},
      {"f32", "fabs v0", {{0xffc00007}}, {{0x7fc00007}}},
      {"f64", "ceil v0", {f64(-0.5)}, {f64(-0.0)}},
      {"f64", "floor v0", {f64(-0.5)}, {f64(-1)}},
      {"f32", "trunc v0", {f32(-1.75f)}, {f32(-1)}},
      {"f64", "nearest v0", {f64(2.5)}, {f64(2)}},
      {"f64", "nearest v0", {f64(3.5)}, {f64(4)}},
      {"f64", "nearest v0", {f64(-0.25)}, {f64(-0.0)}},
      {"f64", "ceil v0", {{0x7ff0000000000001}}, {kNan64}},
      {"f32", "fpromote.f64 v0", {f32(1.5f)}, {f64(1.5)}},
      {"f32", "fpromote.f64 v0", {{0xffc00001}}, {kNan64}},
      {"f64", "fdemote.f32 v0", {f64(1 + 0x1p-30)}, {f32(1)}},
      {"f64", "fdemote.f32 v0", {f64(1e300)}, {f32(INFINITY)}}};
}

std::vector<Case> float_comparisons() {
  std::vector<Case> cases;
  const struct {
    const char* cc;
    uint64_t less, equal, greater, unordered;
  } kCases[] = {{"ord", 1, 1, 1, 0}, {"uno", 0, 0, 0, 1}, {"eq", 0, 1, 0, 0},  {"ne", 1, 0, 1, 1}, {"one", 1, 0, 1, 0},
                {"ueq", 0, 1, 0, 1}, {"lt", 1, 0, 0, 0},  {"le", 1, 1, 0, 0},  {"gt", 0, 0, 1, 0}, {"ge", 0, 1, 1, 0},
                {"ult", 1, 0, 0, 1}, {"ule", 1, 1, 0, 1}, {"ugt", 0, 0, 1, 1}, {"uge", 0, 1, 1, 1}};
  for (const auto& c : kCases) {
    const std::string text = std::string("fcmp ") + c.cc + " v0, v1";
    cases.insert(cases.end(), {{"f64, f64", text, {f64(-1), f64(2)}, {{c.less}}},
                               {"f64, f64", text, {f64(0.0), f64(-0.0)}, {{c.equal}}},
                               {"f32, f32", text, {f32(2), f32(1)}, {{c.greater}}},
                               {"f32, f32", text, {f32(2), kNan32}, {{c.unordered}}},
                               {"f64, f64", text, {kNan64, kNan64}, {{c.unordered}}}});
  }
  return cases;
}

std::vector<Case> floats_to_integers() {
  return {{"f64", "fcvt_to_uint.i8 v0", {f64(255.9)}, {{255}}},
          {"f64", "fcvt_to_uint.i8 v0", {f64(256)}, {}, "int_ovf"},
          {"f64", "fcvt_to_uint.i32 v0", {f64(-0.9)}, {{0}}},
          {"f64", "fcvt_to_uint.i32 v0", {f64(-1)}, {}, "int_ovf"},
          {"f32", "fcvt_to_uint.i32 v0", {kNan32}, {}, "bad_toint"},
          {"f64", "fcvt_to_uint.i64 v0", {f64(0x1p63)}, {{kMin64}}},
          {"f64", "fcvt_to_uint.i64 v0", {f64(0x1p64)}, {}, "int_ovf"},
          {"f64", "fcvt_to_uint.i128 v0", {f64(0x1p127)}, {kMin128}},
          {"f64", "fcvt_to_sint.i32 v0", {f64(-2147483648.9)}, {{kMin32}}},
          {"f64", "fcvt_to_sint.i32 v0", {f64(-2147483649.0)}, {}, "int_ovf"},
          {"f64", "fcvt_to_sint.i32 v0", {f64(2147483648.0)}, {}, "int_ovf"},
          {"f64", "fcvt_to_sint.i32 v0", {f64(INFINITY)}, {}, "int_ovf"},
          {"f32", "fcvt_to_sint.i64 v0", {f32(-1.5f)}, {{kMinus64}}},
          {"f32", "fcvt_to_sint.i8 v0", {kNan32}, {}, "bad_toint"},
          {"f64", "fcvt_to_uint_sat.i8 v0", {f64(1e9)}, {{0xff}}},
          {"f64", "fcvt_to_uint_sat.i64 v0", {f64(-1e9)}, {{0}}},
          {"f64", "fcvt_to_uint_sat.i64 v0", {kNan64}, {{0}}},
          {"f64", "fcvt_to_sint_sat.i8 v0", {f64(-1e9)}, {{0x80}}},
          {"f64", "fcvt_to_sint_sat.i64 v0", {f64(INFINITY)}, {{kMin64 - 1}}},
          {"f32", "fcvt_to_sint_sat.i16 v0", {f32(-3.9f)}, {{0xfffd}}}};
}

std::vector<Case> integers_to_floats() {
  return {{"i8", "fcvt_from_uint.f32 v0", {{0xff}}, {f32(255)}},
          {"i8", "fcvt_from_sint.f32 v0", {{0xff}}, {f32(-1)}},
          {"i64", "fcvt_from_uint.f64 v0", {{kMinus64}}, {f64(0x1p64)}},
          {"i64", "fcvt_from_sint.f64 v0", {{kMin64}}, {f64(-0x1p63)}},
          // Straight to single precision: by way of double it would be rounded twice, to 2^24.
          {"i64", "fcvt_from_uint.f32 v0", {{0x1000001000000001}}, {f32(0x1.000002p60f)}},
          {"i128", "fcvt_from_uint.f64 v0", {kMinus128}, {f64(0x1p128)}},
          {"i128", "fcvt_from_sint.f64 v0", {kMinus128}, {f64(-1)}}};
}

TEST(Evaluate, Constants) { check(constants()); }
TEST(Evaluate, Arithmetic) { check(arithmetic()); }
TEST(Evaluate, Division) { check(division()); }
TEST(Evaluate, MinimumAndMaximum) { check(minimum_and_maximum()); }
TEST(Evaluate, Overflow) { check(overflow()); }
TEST(Evaluate, Bitwise) { check(bitwise()); }
TEST(Evaluate, Shifts) { check(shifts()); }
TEST(Evaluate, IntegerComparisons) { check(integer_comparisons()); }
TEST(Evaluate, SelectAndConversions) { check(select_and_conversions()); }
TEST(Evaluate, FloatArithmetic) { check(float_arithmetic()); }
TEST(Evaluate, FloatComparisons) { check(float_comparisons()); }
TEST(Evaluate, FloatsToIntegers) { check(floats_to_integers()); }
TEST(Evaluate, IntegersToFloats) { check(integers_to_floats()); }

std::vector<Case> all_cases() {
  std::vector<Case> all;
  for (auto* group :
       {&constants, &arithmetic, &division, &minimum_and_maximum, &overflow, &bitwise, &shifts, &integer_comparisons,
        &select_and_conversions, &float_arithmetic, &float_comparisons, &floats_to_integers, &integers_to_floats}) {
    const std::vector<Case> cases = group();
    all.insert(all.end(), cases.begin(), cases.end());
  }
  return all;
}

TEST(Evaluate, RefusesWhatItDoesNotKnow) {
  const auto refused = [](const std::string& types, const std::string& text) -> std::string {
    try {
      evaluated(types, text, {{}, {}, {}});
    } catch (const Unsupported& unsupported) {
      return unsupported.what();
    }
    return "";
  };
  EXPECT_EQ(refused("i32x4, i32x4", "iadd v0, v1"), "iadd.i32x4");
  EXPECT_EQ(refused("f16, f16", "fadd v0, v1"), "fadd.f16");
  EXPECT_EQ(refused("i8", "splat.i8x16 v0"), "splat.i8x16");
  EXPECT_EQ(refused("i8x16", "vall_true v0"), "vall_true.i8x16");
  EXPECT_EQ(refused("i8x16, i8x16", "swizzle v0, v1"), "swizzle.i8x16");
  EXPECT_EQ(refused("i64", "bitcast.i32x2 big v0"), "bitcast.i32x2");
  EXPECT_EQ(refused("i64", "load.i32 v0"), "load");
  EXPECT_EQ(refused("i64", "get_pinned_reg.i64"), "get_pinned_reg");
  EXPECT_EQ(refused("i32x4", "bitcast.i64x2 little v0"), "");
}

TEST(Evaluate, NoScalarInstructionIsForgotten) {
  std::set<Opcode> tested;
  for (const Case& c : all_cases()) tested.insert(opcode_of(c.text));
  for (auto op = Opcode::kIconst; op <= Opcode::kFcvtFromSint; op = static_cast<Opcode>(static_cast<int>(op) + 1)) {
    EXPECT_EQ(tested.count(op), 1u) << name_of(op);
  }
}

}  // namespace
}  // namespace lockstep::clif
