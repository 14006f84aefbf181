// CLIF as text, in the form that Cranelift's own writer gives it: where a type suffix is needed, the order of flags,
// aliases behind what they stand for. Comments are not printed, neither those of the text that was read nor the
// `; v1 = 7` that Cranelift adds. Flags of atomic read-modify-writes are printed (Cranelift forgets them).
//
// read_functions(print(f)) is f again, and print() of that is the same text.
#pragma once

#include <string>

#include "optimized/clif/ir.h"

namespace lockstep::clif {

// The whole function, ending in a line's end. It must be one that verify() takes.
std::string print(const Function& function);
// One instruction as it stands in the block with this position in Function::blocks, without indentation, source
// location and tags.
std::string print(const Function& function, size_t block, const Inst& inst);
// "(i64 vmctx, i32) -> i32 tail"
std::string print(const Signature& signature);
// Each flag with a blank before it: " notrap aligned region0".
std::string print(const MemFlags& flags);
// "block1(v2, ret0)"
std::string print(const BlockCall& call);

// A value that is not there yet, with its type; a block (still empty) behind all others. For passes that add to
// a function. The numbers are the next behind the highest.
Value new_value(Function& function, Type type);
BlockId new_block(Function& function);

}  // namespace lockstep::clif
