// What the parser asks of its tokens: see parser.h.
#include "optimized/clif/parser.h"

namespace lockstep::clif {

bool TokenStream::take(char c) {
  if (!now_.is(c)) return false;
  advance();
  return true;
}

bool TokenStream::take_word(std::string_view word) {
  if (!now_.is_word(word)) return false;
  advance();
  return true;
}

void TokenStream::expect(char c) {
  if (!take(c)) expected(std::string("'") + c + "'");
}

uint32_t TokenStream::entity(Token::Entity kind, const std::string& what) {
  if (!now_.is_entity(kind)) expected(what);
  const uint32_t number = now_.number;
  advance();
  return number;
}

Type TokenStream::type() {
  const auto type = now_.kind == Token::kType ? type_from(now_.text) : std::nullopt;
  if (!type) expected("a type");
  advance();
  return *type;
}

template <typename T>
T TokenStream::value_of(Parsed<T> parsed) {
  if (parsed.error) fail(now_.at, std::string(parsed.error) + ": " + now_.str());
  advance();
  return parsed.value;
}

uint64_t TokenStream::integer(unsigned bits) {
  if (now_.kind != Token::kNumber) expected("an integer");
  return value_of(parse_integer(now_.text, bits));
}

uint64_t TokenStream::unsigned_integer(unsigned bits) {
  if (now_.kind != Token::kNumber) expected("an unsigned integer");
  return value_of(parse_unsigned(now_.text, bits));
}

uint64_t TokenStream::real(FloatFormat format) {
  if (now_.kind != Token::kFloat) expected("a float (0x1.8p3, 0.0, Inf, NaN)");
  return value_of(parse_float(now_.text, format));
}

int32_t TokenStream::optional_offset() {
  if (now_.kind != Token::kNumber || (now_.text[0] != '+' && now_.text[0] != '-')) return 0;
  return value_of(parse_offset(now_.text));
}

}  // namespace lockstep::clif
