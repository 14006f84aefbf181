// Cuts a .clif text into tokens: see lexer.h. The shapes are those that Cranelift's own reader takes.
#include "optimized/clif/lexer.h"

#include <array>
#include <optional>
#include <utility>

namespace lockstep::clif {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_word_char(char c) { return is_digit(c) || is_letter(c) || c == '_'; }

constexpr std::array<std::pair<std::string_view, Token::Entity>, 13> kEntities = {{{"v", Token::kValue},
                                                                                   {"block", Token::kBlock},
                                                                                   {"ss", Token::kSlot},
                                                                                   {"gv", Token::kGlobal},
                                                                                   {"const", Token::kConstant},
                                                                                   {"fn", Token::kFunction},
                                                                                   {"sig", Token::kSignature},
                                                                                   {"u", Token::kUser},
                                                                                   {"userextname", Token::kUserName},
                                                                                   {"tag", Token::kTag},
                                                                                   {"region", Token::kRegion},
                                                                                   {"ret", Token::kRet},
                                                                                   {"exn", Token::kExn}}};

// The number of an entity: without leading zeros, below 2^32 - 1 (which Cranelift keeps for "none").
std::optional<uint32_t> entity_number(std::string_view digits) {
  if (digits.empty() || digits.size() > 10 || (digits.size() > 1 && digits[0] == '0')) return std::nullopt;
  uint64_t number = 0;
  for (char c : digits) number = number * 10 + static_cast<uint64_t>(c - '0');
  if (number >= UINT32_MAX) return std::nullopt;
  return static_cast<uint32_t>(number);
}

// A character for a message; what can't be printed as its code.
std::string shown(char c) {
  if (c >= 0x20 && c < 0x7f) return std::string("'") + c + "'";
  constexpr char kDigits[] = "0123456789abcdef";
  const auto code = static_cast<unsigned char>(c);
  return std::string("of code 0x") + kDigits[code >> 4] + kDigits[code & 15];
}

}  // namespace

std::string Token::str() const {
  constexpr size_t kLongest = 60;
  std::string shortened(text.substr(0, kLongest));
  if (text.size() > kLongest) shortened += "…";
  switch (kind) {
    case kEnd:
      return "the end of the text";
    case kString:
      return "\"" + shortened + "\"";
    case kSourceLoc:
      return "'@" + shortened + "'";
    case kHex:
      return "'#" + shortened + "'";
    default:
      return "'" + shortened + "'";
  }
}

void Lexer::skip_blanks() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '\n') {
      ++at_;
      ++line_;
      line_start_ = at_;
    } else if (c == ' ' || (c >= '\t' && c <= '\r')) {
      ++at_;
    } else if (c == ';') {
      const Location begin = here();
      comments_.push_back({begin.line, rest_of_line()});
    } else {
      return;
    }
  }
}

std::string_view Lexer::rest_of_line() {
  size_t end = text_.find('\n', at_);
  if (end == text_.npos) end = text_.size();
  std::string_view rest = text_.substr(at_, end - at_);
  at_ = end;
  if (!rest.empty() && rest.back() == '\r') rest.remove_suffix(1);
  return rest;
}

Token Lexer::rest(Token::Kind kind, size_t prefix, bool (*belongs)(char), bool keep_prefix) {
  Token token;
  token.kind = kind;
  token.at = here();
  const size_t begin = at_ + (keep_prefix ? 0 : prefix);
  at_ += prefix;
  while (at_ < text_.size() && belongs(text_[at_])) ++at_;
  token.text = text_.substr(begin, at_ - begin);
  return token;
}

Token Lexer::number() {
  Token token;
  token.at = here();
  const size_t begin = at_;
  bool is_float = false;
  if (peek() == '-' || peek() == '+') {
    ++at_;
    const char c = peek();
    if (!is_digit(c) && c != '.' && c != '-' && c != '+' && !looking_at("NaN") && !looking_at("Inf") &&
        !looking_at("sNaN")) {
      token.kind = Token::kPunctuation;
      token.text = text_.substr(begin, 1);
      return token;
    }
  }
  if (looking_at("NaN:") || looking_at("sNaN:")) {
    at_ = text_.find(':', at_) + 1;
    is_float = true;
  } else if (looking_at("NaN") || looking_at("Inf") || looking_at("sNaN")) {
    is_float = true;
  }
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '.') {
      is_float = true;
    } else if (!is_word_char(c) && c != '-' && !(c == '+' && at_ == begin + 1)) {
      break;
    }
    ++at_;
  }
  token.kind = is_float ? Token::kFloat : Token::kNumber;
  token.text = text_.substr(begin, at_ - begin);
  return token;
}

Token Lexer::word() {
  Token token = rest(Token::kWord, 0, is_word_char, true);
  size_t digits = token.text.size();
  while (digits > 0 && is_digit(token.text[digits - 1])) --digits;
  if (digits == token.text.size()) return token;
  const std::string_view head = token.text.substr(0, digits);
  for (const auto& [name, entity] : kEntities) {
    if (head != name) continue;
    const auto number = entity_number(token.text.substr(digits));
    if (number) {
      token.entity = entity;
      token.number = *number;
    }
    return token;
  }
  if (type_from(token.text)) token.kind = Token::kType;
  return token;
}

Token Lexer::string() {
  Token token;
  token.kind = Token::kString;
  token.at = here();
  const size_t begin = at_ + 1;
  const size_t end = text_.find('"', begin);
  if (end == text_.npos) throw ReadError(token.at, "this string does not end");
  token.text = text_.substr(begin, end - begin);
  for (size_t i = begin; i < end; ++i) {
    if (text_[i] == '\n') {
      ++line_;
      line_start_ = i + 1;
    }
  }
  at_ = end + 1;
  return token;
}

Token Lexer::next() {
  skip_blanks();
  if (at_ >= text_.size()) {
    Token end;
    end.at = here();
    return end;
  }
  const char c = peek();
  if (c == '-' && peek(1) == '>') {
    Token arrow;
    arrow.kind = Token::kArrow;
    arrow.at = here();
    arrow.text = text_.substr(at_, 2);
    at_ += 2;
    return arrow;
  }
  if (is_digit(c) || c == '-' || c == '+' || looking_at("NaN") || looking_at("Inf")) return number();
  if (is_letter(c)) return word();
  if (c == '%') return rest(Token::kName, 1, is_word_char, true);
  if (c == '#') return rest(Token::kHex, 1, is_hex, false);
  if (c == '@' && is_hex(peek(1))) return rest(Token::kSourceLoc, 1, is_hex, false);
  if (c == '"') return string();
  if (c != '\0' && std::string_view("(){}[]<>,.:=!*@").find(c) != std::string_view::npos) {
    Token token;
    token.kind = Token::kPunctuation;
    token.at = here();
    token.text = text_.substr(at_, 1);
    ++at_;
    return token;
  }
  throw ReadError(here(), "unexpected character " + shown(c));
}

}  // namespace lockstep::clif
