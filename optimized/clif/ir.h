// CLIF in memory: one Function as the text says it, nothing resolved, nothing legalised.
//
// This is the common ground of the reader (reader.h), the printer (printer.h), the interpreter (interpreter.h), the
// elision pass (elide.h) and the verifier (properties/clif). Entities keep the numbers of the text: `v7` is Value 7,
// `block3` is BlockId 3, `ss0` is stack slot 0; numbers need not be dense.
//
// Cranelift's own reference: cranelift/docs/ir.md and cranelift/codegen/meta/src/shared/instructions.rs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep::clif {

using Value = uint32_t;
using BlockId = uint32_t;

// Where in the text something stands; both count from 1. 0: it was not read from a text.
struct Location {
  uint32_t line = 0;
  uint32_t column = 0;
};

// A value type: i8 … i128, f16 … f128, and vectors of these lanes (at most 256 bits in all).
struct Type {
  enum Kind : uint8_t { kInvalid, kInt, kFloat };
  Kind kind = kInvalid;
  uint8_t lane_bits = 0;  // 8, 16, 32, 64, 128
  uint8_t lanes = 1;      // 1: a scalar

  constexpr uint32_t bits() const { return uint32_t{lane_bits} * lanes; }
  constexpr uint32_t bytes() const { return bits() / 8; }
  constexpr bool is_int() const { return kind == kInt && lanes == 1; }
  constexpr bool is_float() const { return kind == kFloat && lanes == 1; }
  constexpr bool is_vector() const { return lanes > 1; }
  constexpr bool valid() const { return kind != kInvalid; }
  std::string str() const;  // "i32", "f64x2"
  friend bool operator==(const Type&, const Type&) = default;
};
inline constexpr Type kI8{Type::kInt, 8, 1};
inline constexpr Type kI16{Type::kInt, 16, 1};
inline constexpr Type kI32{Type::kInt, 32, 1};
inline constexpr Type kI64{Type::kInt, 64, 1};
inline constexpr Type kI128{Type::kInt, 128, 1};
inline constexpr Type kF32{Type::kFloat, 32, 1};
inline constexpr Type kF64{Type::kFloat, 64, 1};
// Reads "i32", "f64x2"; nullopt if there is no such type.
std::optional<Type> type_from(std::string_view);

// A trap code as it is written: heap_oob, int_ovf, int_divz, bad_toint, stk_ovf, user1 … user251.
using TrapCode = std::string;
inline constexpr std::string_view kHeapOutOfBounds = "heap_oob";  // of an access that names no other

enum class Endianness : uint8_t { kNative, kLittle, kBig };

// The flags of a load or store.
struct MemFlags {
  std::optional<TrapCode> trap = std::string(kHeapOutOfBounds);  // nullopt: notrap
  bool aligned = false;
  bool readonly = false;
  bool can_move = false;
  Endianness endianness = Endianness::kNative;  // the target's; every target that lockstep knows is little
  std::optional<uint32_t> region;               // `regionN`

  bool notrap() const { return !trap.has_value(); }
  bool big() const { return endianness == Endianness::kBig; }
  friend bool operator==(const MemFlags&, const MemFlags&) = default;
};

enum class IntCC : uint8_t { kEq, kNe, kSlt, kSge, kSgt, kSle, kUlt, kUge, kUgt, kUle };
enum class FloatCC : uint8_t { kOrd, kUno, kEq, kNe, kOne, kUeq, kLt, kLe, kGt, kGe, kUlt, kUle, kUgt, kUge };
enum class AtomicRmwOp : uint8_t { kAdd, kAnd, kNand, kOr, kSmax, kSmin, kSub, kUmax, kUmin, kXchg, kXor };
std::string_view name_of(IntCC);
std::string_view name_of(FloatCC);
std::string_view name_of(AtomicRmwOp);

// How the operands of an instruction are written and where Inst keeps them.
enum class Format : uint8_t {
  kNullary,           // fence
  kUnary,             // args[0]
  kUnaryImm,          // iconst: imm, in the low bits of the type
  kUnaryIeee,         // f32const, f64const: imm, the bits
  kUnaryConst,        // vconst, f128const: entity (constN), or constant if it is written in place
  kUnaryGlobalValue,  // entity (gvN)
  kBinary,            // args[0], args[1]
  kBinaryImm8,        // args[0], imm: extractlane
  kTernary,           // args[0..2]
  kTernaryImm8,       // args[0], args[1], imm: insertlane
  kShuffle,           // args[0], args[1], constant
  kMultiAry,          // return: args
  kIntCompare,        // int_cc, args[0], args[1]
  kFloatCompare,      // float_cc, args[0], args[1]
  kJump,              // targets[0]
  kBrif,              // args[0], targets[0] (not zero), targets[1] (zero)
  kBranchTable,       // args[0], targets[0] is the default, targets[1 + i] is entry i
  kCall,              // entity (fnN), args
  kCallIndirect,      // entity (sigN), args[0] is the callee, then the arguments
  kTryCall,           // entity (fnN), signature (sigN), args, targets[0] (normal return), handlers
  kTryCallIndirect,   // signature (sigN), args[0] is the callee, then the arguments; targets[0], handlers
  kFuncAddr,          // entity (fnN)
  kAtomicRmw,         // flags, rmw, args[0] the address, args[1]
  kAtomicCas,         // flags, args[0] the address, args[1] expected, args[2] new
  kLoad,              // flags, args[0] the address, offset
  kLoadNoOffset,      // flags, args[0] the address: atomic_load, bitcast (which has only an endianness)
  kStore,             // flags, args[0] the value, args[1] the address, offset
  kStoreNoOffset,     // flags, args[0] the value, args[1] the address: atomic_store
  kStackAddr,         // entity (ssN), offset
  kTrap,              // trap
  kCondTrap,          // args[0], trap
  kIntAddTrap,        // args[0], args[1], trap: uadd_overflow_trap
};

enum class Opcode : uint8_t {
#define LOCKSTEP_OPCODE(name, text, format) name,
#include "optimized/clif/opcodes.inc"
#undef LOCKSTEP_OPCODE
};
std::string_view name_of(Opcode);
Format format_of(Opcode);
std::optional<Opcode> opcode_from(std::string_view);

// An argument of a branch: a value, or what a call that can throw hands to its successor.
struct BlockArg {
  enum Kind : uint8_t { kValue, kTryCallRet, kTryCallExn };
  Kind kind = kValue;
  uint32_t number = 0;  // the Value; `retN`, `exnN`: N
  friend bool operator==(const BlockArg&, const BlockArg&) = default;
};
struct BlockCall {
  BlockId block = 0;
  std::vector<BlockArg> args;
  friend bool operator==(const BlockCall&, const BlockCall&) = default;
};

// One entry of an exception table: `tag3: block1(exn0)`, `default: block2(exn0)` or `context v5`.
struct Handler {
  enum Kind : uint8_t { kTag, kDefault, kContext };
  Kind kind = kTag;
  uint32_t tag = 0;   // kTag
  Value context = 0;  // kContext
  BlockCall target;   // kTag, kDefault
  friend bool operator==(const Handler&, const Handler&) = default;
};

struct Inst {
  Opcode op{};
  // The controlling type: the suffix if there is one (`load.i32`, `store.i8`), otherwise that of the operand that says
  // it (`iadd v1, v2`: that of v1; `icmp`: that of its operands; `istore8`: that of the value). Invalid where an
  // instruction has none (`jump`).
  Type type;
  std::vector<Value> results;
  std::vector<Value> args;
  uint64_t imm = 0;
  int32_t offset = 0;
  MemFlags flags;
  IntCC int_cc{};
  FloatCC float_cc{};
  AtomicRmwOp rmw{};
  TrapCode trap;
  uint32_t entity = 0;
  uint32_t signature = 0;
  std::vector<uint8_t> constant;  // little endian; of a shuffle mask or a vconst that is written in place
  std::vector<BlockCall> targets;
  std::vector<Handler> handlers;

  // What is only carried along.
  std::optional<uint32_t> source;  // `@0012`
  std::string tags;                // debug tags, without their angle brackets
  std::string stack_map;           // `stack_map=[…]`, what stands in the brackets
  Location at;

  bool is_terminator() const;
  bool is_call() const;        // call, call_indirect, try_call, try_call_indirect and the tail calls
  bool reads_memory() const;   // plain loads of every width (not atomics, not calls)
  bool writes_memory() const;  // plain stores of every width (not atomics, not calls)
  bool is_atomic() const;      // atomic_*, fence
  // Bytes that a load, store or atomic touches; 0 for what touches none.
  uint32_t access_bytes() const;
  // The position of the address in args: loads 0, stores 1, atomics 0 (atomic_store 1).
  size_t address_index() const;
};

// Values that the text gives another name: `v6 -> v5`, written after the definition of v5.
struct Alias {
  Value name;
  Value of;
};

struct BlockParam {
  Value value;
  Type type;
};
struct Block {
  BlockId id = 0;
  bool cold = false;
  std::vector<BlockParam> params;
  std::vector<Inst> insts;  // the last one is the only terminator
};

struct AbiParam {
  Type type;
  std::string attributes;  // "vmctx", "sret", "uext": as written, between blanks
  friend bool operator==(const AbiParam&, const AbiParam&) = default;
};
struct Signature {
  std::vector<AbiParam> params;
  std::vector<AbiParam> returns;
  std::string call_conv;  // "fast", "tail", "system_v"; empty: none was written (Cranelift's test reader takes fast)
  friend bool operator==(const Signature&, const Signature&) = default;
};

struct Region {
  uint32_t tag = 0;         // `region0 = 16 "vmctx"`: 16, the producer's own number
  std::string description;  // "vmctx"; empty if there is none
};
struct StackSlot {
  uint32_t size = 0;   // bytes
  uint32_t align = 1;  // bytes
  std::string key;     // `key = …`, as written
};
struct GlobalValue {
  enum Kind : uint8_t { kVmctx, kLoad, kIadd, kSymbol, kOther };
  Kind kind = kOther;
  Type type;           // kLoad, kIadd
  uint32_t base = 0;   // kLoad, kIadd: gvN
  int64_t offset = 0;  // kLoad, kIadd, kSymbol
  MemFlags flags;      // kLoad
  std::string symbol;  // kSymbol: the name
  std::string text;    // what stands behind "gvN = ": printed as it is, compared by the verifier
};
struct FuncDecl {
  std::string name;  // "%g", "u0:7", "userextname0"
  uint32_t signature = 0;
  bool colocated = false;
  bool patchable = false;
};

struct Function {
  std::string name;  // with its sigil: "%f", "u0:3"
  Signature signature;
  std::map<uint32_t, Region> regions;
  std::map<uint32_t, StackSlot> slots;
  std::map<uint32_t, GlobalValue> globals;
  std::map<uint32_t, Signature> signatures;  // one that is written in a function declaration gets the next free number
  std::map<uint32_t, FuncDecl> functions;
  std::map<uint32_t, std::vector<uint8_t>> constants;  // little endian
  std::string stack_limit;                             // "gv2"; empty: none
  std::vector<Block> blocks;                           // in layout order; the first is the entry
  std::vector<Alias> aliases;
  std::map<Value, Type> types;        // of every value, aliases too
  std::vector<std::string> comments;  // the lines before `function`, without their semicolons
  Location at;

  const Block& entry() const { return blocks.front(); }
  const Block* find(BlockId) const;  // nullptr: there is none
  Type type_of(Value v) const { return types.at(v); }
  Value resolved(Value v) const;  // what an alias stands for in the end; v itself if it is none
  const Signature& signature_of(const FuncDecl& f) const { return signatures.at(f.signature); }
  const Signature& callee_signature(const Inst& call) const;
  // "vmctx" of `region0 = 16 "vmctx"`; "region0" if it has no description.
  std::string region_name(uint32_t region) const;
};

// Where control may go after a block, in the order of the text; handlers after the normal return.
std::vector<const BlockCall*> successors(const Block&);

}  // namespace lockstep::clif
