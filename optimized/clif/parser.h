// The parser behind reader.h, one function at a time. Internal: include reader.h.
//
// It builds the Function in one pass over the tokens and leaves all types of results open, since an operand may be
// defined further down in the text; infer_types() then goes over the blocks in dominance order, and verify() has the
// last word.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "optimized/clif/immediates.h"
#include "optimized/clif/ir.h"
#include "optimized/clif/lexer.h"

namespace lockstep::clif {

// The current token and the helpers that ask for one.
class TokenStream {
 public:
  explicit TokenStream(std::string_view text) : lexer_(text), now_(lexer_.next()) {}

  const Token& now() const { return now_; }
  void advance() { now_ = lexer_.next(); }
  Lexer& lexer() { return lexer_; }

  [[noreturn]] static void fail(Location at, const std::string& text) { throw ReadError(at, text); }
  // "expected an integer, not 'x'", at the current token.
  [[noreturn]] void expected(const std::string& what) const {
    fail(now_.at, "expected " + what + ", not " + now_.str());
  }

  // Takes the token if it is this one.
  bool take(char c);
  bool take_word(std::string_view word);
  void expect(char c);
  // The number of an entity, called `what` in the message.
  uint32_t entity(Token::Entity kind, const std::string& what);
  Type type();
  uint64_t integer(unsigned bits);
  uint64_t unsigned_integer(unsigned bits);
  uint64_t real(FloatFormat format);
  // "+8" or "-8" if there is one, otherwise 0.
  int32_t optional_offset();

 private:
  template <typename T>
  T value_of(Parsed<T> parsed);

  Lexer lexer_;
  Token now_;
};

// Parses one function, from the word `function` to its closing brace. The stream stands behind it afterwards.
class FunctionParser {
 public:
  explicit FunctionParser(TokenStream& in) : in_(in) {}
  Function parse();
  // The line of the closing brace.
  uint32_t last_line() const { return last_line_; }

 private:
  // Names, signatures, preamble: parse_preamble.cc
  std::string function_name();
  std::string external_name();
  Signature signature();
  std::vector<AbiParam> abi_params();
  AbiParam abi_param();
  void preamble();
  void slot_decl();
  void region_decl();
  void global_decl();
  void signature_decl();
  void function_decl();
  void constant_decl();
  void stack_limit_decl();
  void resolve_inline_signatures();
  std::vector<uint8_t> vector_constant(Type type);
  std::vector<uint8_t> hex_constant();

  // Blocks and instructions: parse_body.cc
  void body();
  void block();
  void block_params(Block& block);
  void block_line(Block& block);
  void alias(Value name, Location at);
  void instruction(Block& block, Inst inst);
  void operands(Inst& inst);
  void stack_map(Inst& inst);
  std::string debug_tags();
  void values(std::vector<Value>& into, size_t count);
  void value_list(std::vector<Value>& into);
  void call_args(std::vector<Value>& into);
  MemFlags mem_flags();
  TrapCode trap_code();
  BlockCall block_call();
  void branch_table(Inst& inst);
  void exception_table(Inst& inst);
  template <typename T>
  T condition(const std::string& what, size_t count);
  uint32_t declared(Token::Entity kind, const std::string& what, const std::string& prefix,
                    bool (*there)(const Function&, uint32_t));

  void define(Value value, Type type, Location at);
  Value use();
  void check_all_defined();

  // Types of results: parse_types.cc
  void infer_types();
  void infer_types(size_t block);
  void infer_types(Inst& inst);
  Type type_of(const Inst& inst, Value value);
  void set_results(Inst& inst, const std::vector<Type>& types);

  struct Open {
    Location at;
    bool operator<(const Open& other) const {
      return at.line != other.at.line ? at.line < other.at.line : at.column < other.at.column;
    }
  };

  TokenStream& in_;
  Function f_;
  uint32_t last_line_ = 0;
  std::map<BlockId, Location> blocks_;
  std::map<Value, Value> alias_roots_;
  // Used before they were defined in the text, and where first.
  std::map<Value, Location> open_values_;
  std::map<BlockId, Location> open_blocks_;
  std::vector<std::pair<uint32_t, Signature>> inline_signatures_;  // of these functions
};

}  // namespace lockstep::clif
