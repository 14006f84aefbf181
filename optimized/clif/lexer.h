// Cuts a .clif text into tokens. One token at a time, in linear time, without recursion: the text may be hostile.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "optimized/clif/ir.h"

namespace lockstep::clif {

// What is wrong in a text, and where. what() is "LINE:COLUMN: text"; the caller puts the file's name before it.
struct ReadError : std::runtime_error {
  ReadError(Location where, const std::string& text)
      : std::runtime_error(std::to_string(where.line) + ":" + std::to_string(where.column) + ": " + text), at(where) {}
  Location at;
};

struct Token {
  enum Kind : uint8_t {
    kEnd,
    kWord,        // anything that starts with a letter and is none of the entities below: "iadd", "notrap", "user1"
    kType,        // i32x4
    kNumber,      // an integer as it is written, with its sign: "-0x10", "1_000"
    kFloat,       // "0x1.8p3", "-Inf", "NaN:0x1"
    kName,        // "%f", with the percent sign
    kString,      // between the quotation marks
    kSourceLoc,   // "@0012", without the sign
    kHex,         // "#89AF"
    kArrow,       // ->
    kPunctuation  // one character
  };
  // Entities, "v7": the word before the number, then the number.
  enum Entity : uint8_t {
    kNone,
    kValue,      // v
    kBlock,      // block
    kSlot,       // ss
    kGlobal,     // gv
    kConstant,   // const
    kFunction,   // fn
    kSignature,  // sig
    kUser,       // u
    kUserName,   // userextname
    kTag,        // tag
    kRegion,     // region
    kRet,        // ret
    kExn         // exn
  };
  Kind kind = kEnd;
  Entity entity = kNone;  // of a kWord
  uint32_t number = 0;    // of an entity
  std::string_view text;
  Location at;

  bool is(char c) const { return kind == kPunctuation && text[0] == c; }
  bool is_word(std::string_view w) const { return kind == kWord && entity == kNone && text == w; }
  bool is_entity(Entity e) const { return kind == kWord && entity == e; }
  // What to call it in a message: "'iadd'", "the end of the text".
  std::string str() const;
};

struct Comment {
  uint32_t line = 0;
  std::string_view text;  // from the semicolon on
};

// The text must outlive the lexer and its tokens.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  // The next token; kEnd, again and again, at the end. ReadError for what can't be one.
  Token next();
  // The rest of the line behind the last token, without the line's end. The next token is from the following line.
  std::string_view rest_of_line();
  // Comments that have been passed since this was last called.
  std::vector<Comment> take_comments() { return std::move(comments_); }
  void drop_comments() { comments_.clear(); }

 private:
  char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool looking_at(std::string_view s) const { return text_.substr(at_, s.size()) == s; }
  Location here() const { return {line_, static_cast<uint32_t>(at_ - line_start_ + 1)}; }
  void skip_blanks();
  Token number();
  Token word();
  Token string();
  Token rest(Token::Kind kind, size_t prefix, bool (*belongs)(char), bool keep_prefix);

  std::string_view text_;
  size_t at_ = 0;
  size_t line_start_ = 0;
  uint32_t line_ = 1;
  std::vector<Comment> comments_;
};

}  // namespace lockstep::clif
