// Reading: what is understood, what is refused and where, and texts that want to do harm.
#include "optimized/clif/reader.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "optimized/clif/printer.h"
#include "optimized/clif/testing.h"

namespace lockstep::clif {
namespace {

Function read_one(const std::string& text) {
  std::vector<Function> functions = read_functions(text);
  EXPECT_EQ(functions.size(), 1u);
  return std::move(functions.at(0));
}

// "" if it can be read.
std::string error_of(std::string_view text) {
  try {
    read_functions(text);
  } catch (const ReadError& error) {
    return error.what();
  }
  return "";
}

// A body in a function with v0: i64, v1: i32, v2: i8, v3: f32 and declarations of everything. It begins on line 3.
std::string in_function(const std::string& lines) {
  return "function %f(i64, i32, i8, f32) -> i32 tail { region0 = 0 \"R\" ss0 = explicit_slot 8 gv0 = vmctx sig0 = "
         "(i64) -> i32 "
         "tail sig1 = () fn0 = %g sig0 const0 = 0x00\nblock0(v0: i64, v1: i32, v2: i8, v3: f32):\n" +
         lines + "\n}\n";
}

TEST(Reader, ReadsWhatTheTextSays) {
  const Function f = read_one(
      ";; first\n\n; A loop.\n;; Of two blocks.\nfunction %sum(i64 vmctx, i32) -> i32 system_v {\n"
      "    ss2 = explicit_slot 16, align = 8\n    region1 = 7 \"table\"\n    gv0 = vmctx\n"
      "    gv1 = load.i64 aligned notrap gv0+16\n    fn3 = colocated u0:9(i64) -> i8 fast\n    stack_limit = gv1\n\n"
      "block0(v0: i64, v1: i32):\n    v2 = iconst.i32 -2\n    jump block4(v1, v2)\n\n"
      "block4(v3: i32, v4: i32) cold:\n    v5 = load.i32 user3 readonly region1 v0+8\n    v6 -> v5\n"
      "    v7 = call fn3(v0)\n    brif v7, block4(v4, v6), block5\n\nblock5:\n    return v6\n}\n");
  EXPECT_EQ(f.name, "%sum");
  EXPECT_EQ(f.comments, (std::vector<std::string>{"A loop.", "Of two blocks."}));
  EXPECT_EQ(f.at.line, 5u);
  EXPECT_EQ(f.signature.call_conv, "system_v");
  EXPECT_EQ(f.signature.params, (std::vector<AbiParam>{{kI64, "vmctx"}, {kI32, ""}}));
  EXPECT_EQ(f.slots.at(2).size, 16u);
  EXPECT_EQ(f.slots.at(2).align, 8u);
  EXPECT_EQ(f.regions.at(1).tag, 7u);
  EXPECT_EQ(f.region_name(1), "table");
  EXPECT_EQ(f.region_name(9), "region9");
  EXPECT_EQ(f.globals.at(1).kind, GlobalValue::kLoad);
  EXPECT_EQ(f.globals.at(1).base, 0u);
  EXPECT_EQ(f.globals.at(1).offset, 16);
  EXPECT_EQ(f.globals.at(1).text, "load.i64 notrap aligned gv0+16");
  EXPECT_EQ(f.functions.at(3).name, "u0:9");
  EXPECT_TRUE(f.functions.at(3).colocated);
  EXPECT_EQ(f.signature_of(f.functions.at(3)).returns, (std::vector<AbiParam>{{kI8, ""}}));
  EXPECT_EQ(f.stack_limit, "gv1");
  ASSERT_EQ(f.blocks.size(), 3u);
  EXPECT_EQ(f.find(4), &f.blocks[1]);
  EXPECT_EQ(f.find(1), nullptr);
  EXPECT_TRUE(f.blocks[1].cold);
  EXPECT_EQ(f.resolved(6), 5u);
  EXPECT_EQ(f.type_of(6), kI32);

  const Inst& constant = f.blocks[0].insts[0];
  EXPECT_EQ(constant.imm, 0xfffffffeu);
  EXPECT_EQ(constant.type, kI32);
  EXPECT_EQ(constant.at.line, 14u);
  EXPECT_EQ(constant.at.column, 5u);
  const Inst& load = f.blocks[1].insts[0];
  EXPECT_EQ(load.flags.trap, "user3");
  EXPECT_TRUE(load.flags.readonly);
  EXPECT_FALSE(load.flags.aligned);
  EXPECT_EQ(load.flags.region, 1u);
  EXPECT_EQ(load.offset, 8);
  EXPECT_EQ(load.access_bytes(), 4u);
  const Inst& branch = f.blocks[1].insts[2];
  EXPECT_EQ(branch.type, kI8);
  EXPECT_EQ(branch.targets[0].args, (std::vector<BlockArg>{{BlockArg::kValue, 4}, {BlockArg::kValue, 6}}));
  EXPECT_EQ(successors(f.blocks[1]).size(), 2u);
}

TEST(Reader, ControllingTypes) {
  const Function f = read_one(in_function(
      "v10 = uextend.i64 v1 v11 = icmp eq v10, v0 v12 = select v11, v1, v1 v13 = uload32 v0 istore8 v1, v0 v14, v15 = "
      "uadd_overflow v10, v0 v16 = iconcat v10, v0 v17 = f32const 0.0 return v1"));
  const auto& insts = f.entry().insts;
  EXPECT_EQ(insts[0].type, kI64);
  EXPECT_EQ(insts[1].type, kI64);
  EXPECT_EQ(f.type_of(11), kI8);
  EXPECT_EQ(insts[2].type, kI32);
  EXPECT_EQ(insts[3].type, kI64);
  EXPECT_EQ(f.type_of(13), kI64);
  EXPECT_EQ(insts[3].access_bytes(), 4u);
  EXPECT_EQ(insts[4].type, kI32);
  EXPECT_EQ(insts[4].access_bytes(), 1u);
  EXPECT_EQ(f.type_of(14), kI64);
  EXPECT_EQ(f.type_of(15), kI8);
  EXPECT_EQ(f.type_of(16), kI128);
  EXPECT_EQ(insts[7].type, kF32);
  EXPECT_FALSE(insts[8].type.valid());
}

// Where a result has another type than the operands.
TEST(Reader, TypesOfResults) {
  const struct {
    std::string types, text;
    Type first, second;
  } kCases[] = {
      {"i64, i64", "isplit v0", kI32, kI32},
      {"i16, i16", "iconcat v0, v1", kI32, {}},
      {"i64, i64", "umul_overflow v0, v1", kI64, kI8},
      {"i32x4, i32", "extractlane v0, 1", kI32, {}},
      {"i32x4, i32", "insertlane v0, v1, 1", {Type::kInt, 32, 4}, {}},
      {"f32x4, f32x4", "fcmp lt v0, v1", {Type::kInt, 32, 4}, {}},
      {"f64, f64", "fcmp lt v0, v1", kI8, {}},
      {"i128, i128", "icmp slt v0, v1", kI8, {}},
      {"i8x16, i8", "vall_true v0", kI8, {}},
      {"i64, i64", "sload32 v0", kI64, {}},
  };
  for (const auto& c : kCases) {
    const size_t comma = c.types.find(", ");
    const Function f = read_one("function %f(" + c.types + ") {\nblock0(v0: " + c.types.substr(0, comma) +
                                ", v1: " + c.types.substr(comma + 2) + "):\nv8" + (c.second.valid() ? ", v9" : "") +
                                " = " + c.text + "\nreturn\n}\n");
    EXPECT_EQ(f.type_of(8), c.first) << c.text;
    EXPECT_EQ(c.second.valid() ? f.type_of(9) : Type{}, c.second) << c.text;
  }
}

TEST(Reader, DefinitionsMayStandFurtherDown) {
  const Function f = read_one(
      "function %f(i32) -> i32 {\nblock0(v0: i32):\n jump block2\nblock1:\n v2 = iadd v1, v1\n return v2\n"
      "block2:\n v1 = iadd v0, v0\n jump block1\n}\n");
  EXPECT_EQ(f.type_of(2), kI32);
}

TEST(Reader, TryCalls) {
  const Function f = read_one(
      "function %f(i64) tail {\n sig0 = (i64) -> i32, i8 tail\n fn0 = %g sig0\nblock0(v0: i64):\n"
      " try_call fn0(v0), sig0, block1(ret1, ret0), [context v0, tag5: block2(exn1, v0), default: block3]\n"
      "block1(v1: i8, v2: i32):\n return\nblock2(v3: i64, v4: i64):\n return\nblock3:\n return\n}\n");
  const Inst& call = f.entry().insts[0];
  EXPECT_EQ(call.targets[0].args, (std::vector<BlockArg>{{BlockArg::kTryCallRet, 1}, {BlockArg::kTryCallRet, 0}}));
  ASSERT_EQ(call.handlers.size(), 3u);
  EXPECT_EQ(call.handlers[0].kind, Handler::kContext);
  EXPECT_EQ(call.handlers[1].tag, 5u);
  EXPECT_EQ(call.handlers[2].kind, Handler::kDefault);
  EXPECT_EQ(successors(f.entry()).size(), 3u);
  EXPECT_EQ(f.callee_signature(call).returns.size(), 2u);
}

TEST(Reader, HeaderLinesAndRunLinesAreSkipped) {
  const auto functions = read_functions(
      "test run\nset opt_level=speed ; why\ntarget x86_64 has_avx\nfeature !\"x\"\n\n; run: nothing\nfunction %f() "
      "{\nblock0:\n"
      " return\n}\n; run: %f() == []\nfunction %g() {\nblock0:\n return\n}\n; print: %g()\n");
  ASSERT_EQ(functions.size(), 2u);
  EXPECT_EQ(functions[1].name, "%g");
}

TEST(Reader, FileTestsArePairs) {
  const FileTest test = read_filetest(
      "test optimize precise-output\nset opt_level=speed\n\n;; About %f.\nfunction %f(i32) -> i32 {\nblock0(v0: i32):\n"
      "    v1 = iconst.i32 7\n    v2 = iadd v0, v1\n    return v0\n}\n\n; function %f(i32) -> i32 fast {\n; block0(v0: "
      "i32):\n"
      ";     v1 = iconst.i32 7\n;\n;     return v0  ; v1 = 7\n; }\n\n;; Again.\nfunction %f() {\nblock0:\n    "
      "return\n}\n"
      "; function %f() fast {\n; block0:\n;     return\n; }\n");
  EXPECT_EQ(test.commands, std::vector<std::string>{"optimize precise-output"});
  ASSERT_EQ(test.pairs.size(), 2u);
  EXPECT_EQ(test.pairs[0].first.entry().insts.size(), 3u);
  EXPECT_EQ(test.pairs[0].first.comments, std::vector<std::string>{"About %f."});
  EXPECT_EQ(test.pairs[0].second.entry().insts.size(), 2u);
  EXPECT_EQ(test.pairs[0].second.entry().insts[0].at.line, 14u);
  EXPECT_EQ(test.pairs[0].second.entry().insts[0].at.column, 7u);
  EXPECT_EQ(test.pairs[1].second.at.line, 24u);
}

TEST(Reader, FileTestsThatAreNotPairs) {
  EXPECT_TRUE(read_filetest("test verifier\nfunction %f() {\nblock0:\n return\n}\n; error: x\n").pairs.empty());
  const auto error = [](const std::string& text) -> std::string {
    try {
      read_filetest("test optimize precise-output\n" + text);
    } catch (const ReadError& e) {
      return e.what();
    }
    return "";
  };
  const std::string f = "function %f() {\nblock0:\n return\n}\n";
  const std::string expected = "; function %f() {\n; block0:\n;  return\n; }\n";
  EXPECT_EQ(error(f + expected), "");
  EXPECT_EQ(error(f), "2:10: no expected output follows %f");
  EXPECT_EQ(error(f + f + expected), "2:10: no expected output follows %f");
  EXPECT_EQ(error(f + expected + expected), "10:12: a second function is expected of %f");
  EXPECT_EQ(error(f + "; function %f() {\n; block0:\n;  retrun\n; }\n"), "8:4: unknown instruction 'retrun'");
  EXPECT_EQ(error(f + "; 55 pushq %rbp\n"), "6:3: expected 'function', not '55'");
}

// Each is refused at its place.
TEST(Reader, RefusesBodies) {
  const struct {
    std::string lines, error;
  } kCases[] = {
      // What is not known
      {"    v9 = foo v1\n return v1", "3:10: unknown instruction 'foo'"},
      {"v9 = stack_switch v0, v0, v0", "3:6: unknown instruction 'stack_switch'"},
      {"v9 = tls_value.i64 gv0", "3:6: unknown instruction 'tls_value'"},
      {"v9 = swiden_low v0", "3:6: unknown instruction 'swiden_low'"},
      {"v9 = dynamic_stack_addr.i64 dss0", "3:6: unknown instruction 'dynamic_stack_addr'"},
      {"v9 = load.i32 volatile v0", "3:15: expected a value, not 'volatile'"},
      {"v9 = icmp lt v1, v1", "3:11: expected a condition (eq, ne, slt, …), not 'lt'"},
      {"v9 = fcmp slt v3, v3", "3:11: expected a condition (eq, ne, lt, …), not 'slt'"},
      {"trap user251", "3:6: expected a trap code, not 'user251'"},
      {"trap user0", "3:6: expected a trap code, not 'user0'"},
      {"v9 = atomic_rmw.i32 mul v0, v1", "3:21: expected an atomic operation (add, sub, xchg, …), not 'mul'"},
      {"v9 = load.i33 v0", "3:11: expected a type, not 'i33'"},
      {"v9 = load.i64x8 v0", "3:11: expected a type, not 'i64x8'"},
      // Values
      {"v9 = iadd v1, v77\nreturn v9", "3:15: v77 is not defined"},
      {"v1 = iconst.i32 1\nreturn v1", "3:1: v1 is defined twice"},
      {"v9 = iadd v9, v1\nreturn v9", "3:1: v9 is not defined on every way to its use here"},
      {"v9 = iadd.i32 v9, v1\nreturn v9", "3:1: v9 is not defined on every way to its use here"},
      {"brif v1, block1, block2\nblock1: v9 = iconst.i32 1\njump block2\nblock2: return v9",
       "6:9: v9 is not defined on every way to its use here"},
      {"v9 -> v10\nreturn v1", "3:7: v10 is not defined above this"},
      {"v9 -> v9\nreturn v1", "3:7: v9 is not defined above this"},
      {"v9 -> v1\nv9 -> v0\nreturn v1", "4:1: v9 already stands for another value"},
      {"v0 -> v1\nreturn v1", "3:1: v0 is defined twice"},
      // Types
      {"v9 = iadd v1, v0\nreturn v9", "3:1: operand 2 of iadd, v0, is i64 and should be i32"},
      {"v9 = iadd.i64 v1, v1\nreturn v9", "3:1: iadd.i64 of v1, which is i32"},
      {"v9 = fadd v1, v1\nreturn v1", "3:1: fadd is for a float or a vector of floats, not i32"},
      {"v9 = load v0\nreturn v1", "3:6: load needs a type: 'load.i32', say"},
      {"v9 = load.i32 v2\nreturn v1", "3:1: operand 1 of load, v2, is i8 and should be an address"},
      {"v9 = uextend.i32 v0\nreturn v1",
       "3:1: operand 1 of uextend, v0, is i64 and should be an integer narrower than i32"},
      {"v9 = uload8.i8 v0\nreturn v1", "3:12: uload8 is for i16, i32 or i64, not i8"},
      {"v9 = iconst.i128 1\nreturn v1", "3:12: iconst is for i8, i16, i32 or i64, not i128"},
      {"jump.i32 block1", "3:5: jump takes no type"},
      {"v9 = bitcast.i64 v3\nreturn v1", "3:1: bitcast from f32 to i64, which has another size"},
      {"v9 = bitcast.i32 notrap v3\nreturn v1", "3:1: bitcast has no flags but 'little' and 'big'"},
      {"v8, v9 = iadd v1, v1\nreturn v1", "3:1: iadd gives 1 results, not 2"},
      {"iadd v1, v1\nreturn v1", "3:1: iadd gives 1 results, not 0"},
      {"v9 = store v1, v0\nreturn v1", "3:1: store gives 0 results, not 1"},
      {"return v0", "3:1: returned value v0 is i64, the signature says i32"},
      {"return", "3:1: 0 returned values where the signature has 1"},
      {"v9 = call fn0()\nreturn v9", "3:1: 0 arguments where the signature has 1"},
      {"v9 = call fn0(v1)\nreturn v9", "3:1: argument v1 is i32, the signature says i64"},
      {"v9 = call_indirect sig0, v2(v0)\nreturn v9", "3:1: call_indirect is for i32 or i64, not i8"},
      {"return_call_indirect sig1, v0()", "3:1: this tail call returns other types than %f"},
      {"v9 = vconst.i8x16 const0\nreturn v1", "3:1: a constant of 1 byte for i8x16"},
      // Blocks
      {"return v1\nreturn v1", "4:1: block0 goes on after its terminator 'return'"},
      {"v9 = iconst.i8 1\nblock1:\nreturn v1", "4:1: block0 does not end with a terminator"},
      {"v9 = iconst.i8 1", "4:1: block0 does not end with a terminator"},
      {"jump block9", "3:6: block9 is not defined"},
      {"jump block0(v0, v1, v2, v3)", "3:1: a branch to the entry block block0"},
      {"jump block1(v1)\nblock1:\nreturn v1", "3:1: 1 argument for block1, which has 0 parameters"},
      {"jump block1(v0)\nblock1(v9: i32):\nreturn v9", "3:1: argument 1 for block1 is i64 and should be i32"},
      {"jump block1(ret0)\nblock1(v9: i32):\nreturn v9", "3:1: ret0 is not to be had on this edge"},
      {"jump block1\nblock1:\nreturn v1\nblock1:\nreturn v1", "6:1: block1 is defined twice"},
      {"try_call fn0(v0), sig1, block1, []\nblock1:\nreturn v1", "3:1: 1 argument where the signature has 0"},
      {"try_call fn0(v0), sig0, block1(exn0), []\nblock1(v9: i64):\nreturn v1",
       "3:1: exn0 is not to be had on this edge"},
      {"try_call fn0(v0), sig0, block1(ret1), []\nblock1(v9: i32):\nreturn v1", "3:1: the callee has no ret1"},
      {"try_call fn0(v0), sig0, block2, [tag0: block1(exn2)]\nblock1(v9: i64):\nreturn v1\nblock2: return v1",
       "3:1: the callee's calling convention has no exn2"},
      {"try_call fn0(v0), sig0, block2, [tag0: block1(ret0)]\nblock1(v9: i32):\nreturn v1\nblock2: return v1",
       "3:1: ret0 is not to be had on this edge"},
      {"try_call fn0(v0), sig0, block2, [oops]", "3:34: expected 'tagN:', 'default:' or 'context vN', not 'oops'"},
      // Entities
      {"v9 = call fn7(v0)\nreturn v9", "3:11: fn7 is not declared"},
      {"v9 = stack_addr.i64 ss1\nreturn v1", "3:21: ss1 is not declared"},
      {"v9 = load.i32 region1 v0\nreturn v9", "3:1: region1 is not declared"},
      {"v9 = global_value.i64 gv1\nreturn v1", "3:23: gv1 is not declared"},
      {"v9 = vconst.i8x16 const1\nreturn v1", "3:19: const1 is not declared"},
      {"v9 = call_indirect sig5, v0()\nreturn v9", "3:20: sig5 is not declared"},
      {"return_call fn0(v0), stack_map=[i32 @ ss0+0]", "3:22: only calls that come back have a stack map"},
      {"v9 = call fn0(v0), stack_map=[i32 @ ss1+0]\nreturn v9", "3:37: ss1 is not declared"},
      // Numbers
      {"v9 = load.i32 v0+0x8000_0000\nreturn v9", "3:17: an offset has 32 bits: '+0x8000_0000'"},
      {"v9 = load.i32 v0-2147483649\nreturn v9", "3:17: an offset has 32 bits: '-2147483649'"},
      {"v9 = iconst.i8 256\nreturn v1", "3:16: this number does not fit into its type: '256'"},
      {"v9 = iconst.i8 -129\nreturn v1", "3:16: this number does not fit into its type: '-129'"},
      {"v9 = iconst.i64 0x1_0000_0000_0000_0000\nreturn v1",
       "3:17: this number needs more than 64 bits: '0x1_0000_0000_0000_0000'"},
      {"v9 = iconst.i32 0x\nreturn v1", "3:17: a number without digits: '0x'"},
      {"v9 = iconst.i32 1.5\nreturn v1", "3:17: expected an integer, not '1.5'"},
      {"v9 = f32const 1.5\nreturn v1", "3:15: a float is written in hexadecimal, or as 0.0, Inf or NaN: '1.5'"},
      {"v9 = f32const 0x1.0000001p0\nreturn v1", "3:15: this float has more bits than its type: '0x1.0000001p0'"},
      {"v9 = f32const 0x1.0p128\nreturn v1", "3:15: this float is too large for its type: '0x1.0p128'"},
      {"v9 = f32const 0x1.0p-150\nreturn v1", "3:15: this float is too small for its type: '0x1.0p-150'"},
      {"v9 = f32const NaN:0x400000\nreturn v1", "3:15: this NaN has no such payload: 'NaN:0x400000'"},
      {"v9 = f64const 0x1.8.0\nreturn v1", "3:15: a float with two points: '0x1.8.0'"},
      {"v9 = f64const 0x1.8px\nreturn v1", "3:15: a float with a bad exponent: '0x1.8px'"},
      {"v4294967295 = iconst.i8 1", "3:1: unknown instruction 'v4294967295'"},
      {"v01 = iconst.i8 1", "3:1: unknown instruction 'v01'"},
      // Flags
      {"v9 = load.i32 big little v0", "3:19: an access is either little or big endian"},
      {"v9 = load.i32 notrap heap_oob v0", "3:22: an access has one trap code"},
      {"v9 = load.i32 region0 region1 v0", "3:23: an access has one region"},
      // Letters
      {"v9 = iadd v1 v1", "3:14: expected ',', not 'v1'"},
      {"return v1 \x01", "3:11: unexpected character of code 0x01"},
      {"return v1 ?", "3:11: unexpected character '?'"},
  };
  for (const auto& [lines, error] : kCases) EXPECT_EQ(error_of(in_function(lines)), error) << lines;
}

TEST(Reader, RefusesPreambles) {
  const auto with = [](const std::string& line) { return "function %f() {\n" + line + "\nblock0:\n return\n}\n"; };
  EXPECT_EQ(error_of(with("region0 = 0 \"a\"\nregion0 = 1 \"b\"")), "3:1: region0 is declared twice");
  EXPECT_EQ(error_of(with("region0 = 4 \"a\" region3 = 4 \"b\"")), "1:10: region0 and region3 have the same number 4");
  EXPECT_EQ(error_of(with("region0 = -1 \"a\"")), "2:11: this number must not be negative: '-1'");
  EXPECT_EQ(error_of(with("region0 = 0 \"a")), "2:13: this string does not end");
  EXPECT_EQ(error_of(with("ss0 = spill_slot 8")), "2:7: unknown kind of stack slot 'spill_slot'");
  EXPECT_EQ(error_of(with("ss0 = explicit_dynamic_slot dt0")),
            "2:7: unknown kind of stack slot 'explicit_dynamic_slot'");
  EXPECT_EQ(error_of(with("dss0 = explicit_dynamic_slot dt0")),
            "2:1: expected a block, a declaration or '}', not 'dss0'");
  EXPECT_EQ(error_of(with("dt0 = i32x4 * gv0")), "2:1: expected a block, a declaration or '}', not 'dt0'");
  EXPECT_EQ(error_of(with("ss0 = explicit_slot 8, align = 3")), "2:32: an alignment is a power of two");
  EXPECT_EQ(error_of(with("ss0 = explicit_slot 8, color = 3")), "2:24: unknown flag of a stack slot 'color'");
  EXPECT_EQ(error_of(with("ss0 = explicit_slot 5000000000")), "2:21: this number is too large: '5000000000'");
  EXPECT_EQ(error_of(with("gv0 = dyn_scale_target_const.i32x4")),
            "2:7: unknown kind of global value 'dyn_scale_target_const'");
  EXPECT_EQ(error_of(with("gv0 = load.i64 gv1")), "2:7: a global value's load is notrap and aligned");
  EXPECT_EQ(error_of(with("gv0 = load.i64 notrap aligned gv1")), "1:10: gv0 needs gv1, which is not there");
  EXPECT_EQ(error_of(with("gv0 = iadd_imm.i64 gv1, 1\ngv1 = iadd_imm.i64 gv0, 1")), "1:10: gv0 is defined by itself");
  EXPECT_EQ(error_of(with("fn0 = %g sig0")), "2:10: sig0 is not declared before this");
  EXPECT_EQ(error_of(with("sig0 = () stdcall")), "2:11: unknown calling convention 'stdcall'");
  EXPECT_EQ(error_of(with("sig0 = (f32 uext)")), "2:13: only integers are extended, not f32");
  EXPECT_EQ(error_of(with("sig0 = (i64 sret vmctx)")), "2:18: a parameter has one purpose");
  EXPECT_EQ(error_of(with("const0 = 0x123")), "2:10: a constant has an even number of digits");
  EXPECT_EQ(error_of(with("const0 = i8x4 [1 2 3]")), "2:21: expected an integer, not ']'");
  EXPECT_EQ(error_of(with("stack_limit = gv0")), "1:10: stack_limit needs gv0, which is not there");
  EXPECT_EQ(error_of("function %f(i32) {\nblock0:\n return\n}\n"),
            "1:10: the entry block has 0 parameters, the signature of %f has 1");
  EXPECT_EQ(error_of("function %f(i32) {\nblock0(v0: i64):\n return\n}\n"),
            "1:10: parameter 0 of the entry block is i64, that of the signature is i32");
  EXPECT_EQ(error_of("function %f() {}\n"), "1:16: function %f has no blocks");
  EXPECT_EQ(error_of("function f() {}\n"), "1:10: expected a function's name (%name or u0:0), not 'f'");
  EXPECT_EQ(error_of("functoin %f() {}\n"), "1:1: expected 'function', not 'functoin'");
}

TEST(Reader, UnreachableBlocksAreNotAskedForDominance) {
  EXPECT_EQ(error_of("function %f(i32) {\nblock0(v0: i32):\n v1 = iadd v0, v0\n return\nblock1:\n v2 = iadd v1, v0\n "
                     "jump block1\n}\n"),
            "");
}

TEST(Reader, EveryTruncationIsAnErrorOrWhole) {
  // Long enough to cut everything somewhere, function by function to keep it fast.
  size_t begin = 0;
  for (const std::string_view text = testing::kEveryInstruction; begin < text.size();) {
    const size_t end = text.find("\n}\n", begin) + 3;
    const std::string_view function = text.substr(begin, end - begin);
    for (size_t length = 1; length < function.size() - 1; ++length) {
      EXPECT_NE(error_of(function.substr(0, length)), "") << function.substr(0, length);
    }
    begin = end;
  }
}

TEST(Reader, DamagedTextsAreReadOrRefused) {
  // Every byte in turn becomes another; what is still read can be printed.
  const std::string text(testing::kEveryInstruction);
  const size_t begin = text.find("function %control");
  const std::string whole = text.substr(begin, text.find("\n}\n", begin) + 3 - begin);
  size_t refused = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    for (char c : {'0', 'v', '(', ',', ' ', '\n', ';', '-', '"', '\0', '\xff'}) {
      std::string damaged = whole;
      damaged[at] = c;
      try {
        for (const Function& function : read_functions(damaged)) {
          const std::string once = print(function);
          EXPECT_EQ(print(read_one(once)), once);
        }
      } catch (const ReadError& error) {
        ++refused;
        EXPECT_GT(error.at.line, 0u) << error.what();
      }
    }
  }
  EXPECT_GT(refused, whole.size());
}

}  // namespace
}  // namespace lockstep::clif
