// Whole texts: header lines, functions, and the expected output of a filetest. See reader.h.
#include "optimized/clif/reader.h"

#include <algorithm>

#include "optimized/clif/parser.h"
#include "optimized/clif/verify.h"

namespace lockstep::clif {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

struct LineExtent {
  uint32_t first_line;
  uint32_t last_line;
};
struct Text {
  std::vector<std::string> commands;
  std::vector<Function> functions;
  std::vector<LineExtent> extents;
};

// The comments on the lines directly before `line`, without their semicolons.
std::vector<std::string> directly_before(const std::vector<Comment>& comments, uint32_t line) {
  std::vector<std::string> lines;
  for (auto comment = comments.rbegin(); comment != comments.rend() && comment->line + 1 == line; ++comment) {
    --line;
    std::string_view text = comment->text;
    text.remove_prefix(std::min(text.find_first_not_of(';'), text.size()));
    lines.emplace_back(trimmed(text));
  }
  std::reverse(lines.begin(), lines.end());
  return lines;
}

Text read_text(std::string_view text) {
  Text result;
  TokenStream in(text);
  while (true) {
    const Token word = in.now();
    if (!word.is_word("test") && !word.is_word("set") && !word.is_word("target") && !word.is_word("feature")) break;
    const std::string_view line = trimmed(in.lexer().rest_of_line());
    if (word.text == "test") result.commands.emplace_back(line.substr(0, line.find(';')));
    in.lexer().drop_comments();
    in.advance();
  }
  while (in.now().kind != Token::kEnd) {
    const Token word = in.now();
    if (!word.is_word("function")) in.expected("'function'");
    std::vector<std::string> comments = directly_before(in.lexer().take_comments(), word.at.line);
    FunctionParser parser(in);
    Function function = parser.parse();
    function.comments = std::move(comments);
    verify(function);
    result.extents.push_back({word.at.line, parser.last_line()});
    result.functions.push_back(std::move(function));
  }
  return result;
}

// The text with everything blanked but the comments that hold expected output: those between the functions, from which
// the semicolon goes. What is left stands where it stood.
std::string expected_output(std::string_view text, const std::vector<LineExtent>& functions) {
  std::string output;
  output.reserve(text.size());
  uint32_t line = 1;
  size_t passed = 0;  // functions that end before this line
  for (size_t begin = 0; begin < text.size(); ++line) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view whole = text.substr(begin, end - begin);
    while (passed < functions.size() && functions[passed].last_line < line) ++passed;
    const bool between = passed > 0 && (passed == functions.size() || line < functions[passed].first_line);
    const size_t semicolon = whole.find_first_not_of(" \t");
    const bool is_comment = semicolon != whole.npos && whole[semicolon] == ';' && whole.substr(semicolon, 2) != ";;";
    if (between && is_comment) {
      const std::string_view content = trimmed(whole.substr(semicolon + 1));
      const bool is_run = content.substr(0, 4) == "run:" || content == "run" || content.substr(0, 6) == "print:";
      output.append(semicolon + 1, ' ');
      if (!is_run) output.append(whole.substr(semicolon + 1));
    }
    if (end < text.size()) output += '\n';
    begin = end + 1;
  }
  return output;
}

}  // namespace

Function FunctionParser::parse() {
  in_.advance();  // function
  f_.at = in_.now().at;
  f_.name = function_name();
  f_.signature = signature();
  in_.expect('{');
  preamble();
  body();
  last_line_ = in_.now().at.line;
  // Comments from here on belong to what follows.
  in_.lexer().drop_comments();
  in_.expect('}');
  infer_types();
  return std::move(f_);
}

std::vector<Function> read_functions(std::string_view text) { return read_text(text).functions; }

bool FileTest::is_precise_optimize() const {
  return std::any_of(commands.begin(), commands.end(), [](const std::string& command) {
    return command.substr(0, 8) == "optimize" && command.find("precise-output") != command.npos;
  });
}

FileTest read_filetest(std::string_view text) {
  Text input = read_text(text);
  FileTest result;
  result.commands = std::move(input.commands);
  if (!result.is_precise_optimize()) return result;

  const std::string blanked = expected_output(text, input.extents);
  Text output = read_text(blanked);
  size_t next = 0;
  for (size_t i = 0; i < input.functions.size(); ++i) {
    Function& before = input.functions[i];
    const uint32_t end = i + 1 < input.extents.size() ? input.extents[i + 1].first_line : UINT32_MAX;
    if (next == output.functions.size() || output.extents[next].first_line >= end) {
      throw ReadError(before.at, "no expected output follows " + before.name);
    }
    result.pairs.emplace_back(std::move(before), std::move(output.functions[next++]));
    if (next < output.functions.size() && output.extents[next].first_line < end) {
      throw ReadError(output.functions[next].at, "a second function is expected of " + result.pairs.back().first.name);
    }
  }
  return result;
}

}  // namespace lockstep::clif
