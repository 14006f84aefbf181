// Reads CLIF text: Cranelift's filetests and what Wasmtime's --emit-clif writes.
//
// What comes back has been verified (verify.h): every value is defined once and on every way to its uses, types match,
// blocks end in their only terminator, entities exist. What is not known is refused by name and place, never guessed.
// Time is linear (times a logarithm) in the length of the text, and nothing recurses on its depth.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "optimized/clif/ir.h"
#include "optimized/clif/lexer.h"  // ReadError

namespace lockstep::clif {

// All functions of a text, in its order; names may repeat. The lines `test`, `set`, `target` and `feature` before the
// first function are skipped, and comments: those on the lines directly before a function are kept with it.
// Throws ReadError.
std::vector<Function> read_functions(std::string_view text);

// A file of Cranelift's test suite.
struct FileTest {
  std::vector<std::string> commands;  // what stands behind `test`: "optimize precise-output"
  // Each function of a `test optimize precise-output` file with what is expected of it: the comment that follows
  // it, lines `; …`, is CLIF too. Lines and columns in both are those of the file. Empty without that command.
  std::vector<std::pair<Function, Function>> pairs;

  bool is_precise_optimize() const;
};
// Throws ReadError; also if a function of a precise-output file is not followed by exactly one function in a comment.
FileTest read_filetest(std::string_view text);

}  // namespace lockstep::clif
