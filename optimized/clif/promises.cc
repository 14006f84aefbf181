// Reads the language of promises and applies it: see promises.h.
#include "optimized/clif/promises.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace lockstep::clif {
namespace {

constexpr std::string_view kBlanks = " \t\r";
constexpr std::string_view kSourceMark = "source:";

constexpr std::array<std::pair<std::string_view, uint32_t>, 4> kWidths = {
    {{"i8", 1}, {"i16", 2}, {"i32", 4}, {"i64", 8}}};

std::string_view stripped(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

// Where the comment of a line begins: at the first # outside of quotation marks; the line's length if there is none.
size_t comment_of(std::string_view line) {
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') quoted = !quoted;
    if (line[i] == '#' && !quoted) return i;
  }
  return line.size();
}

// One line, read from the left. Columns count bytes.
class LineReader {
 public:
  LineReader(std::string_view text, uint32_t number) : text_(text), number_(number) {}

  // Where the next word begins.
  Location here() {
    skip_blanks();
    return {number_, static_cast<uint32_t>(at_ + 1)};
  }
  [[noreturn]] void fail(const std::string& text) { throw PromiseError(here(), text); }

  // The characters up to the next blank, comma, plus or quotation mark, without eating them.
  std::string_view peek() {
    skip_blanks();
    return text_.substr(at_, std::min(text_.find_first_of(" \t\r,+\"", at_), text_.size()) - at_);
  }
  std::string_view word() {
    const std::string_view found = peek();
    at_ += found.size();
    return found;
  }
  // Eats `c` if it comes next.
  bool eat(char c) {
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool at_quote() {
    skip_blanks();
    return at_ < text_.size() && text_[at_] == '"';
  }
  // The description of a region.
  std::string region() {
    if (!at_quote()) fail("expected the description of a region, in quotation marks");
    const size_t end = text_.find('"', at_ + 1);
    if (end == text_.npos) fail("the quotation marks are not closed");
    if (end == at_ + 1) fail("a region without a description has no name here");
    const std::string name(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return name;
  }
  // `+8` or `-8`; nullopt if neither sign comes next.
  std::optional<int32_t> offset() {
    skip_blanks();
    if (at_ == text_.size() || (text_[at_] != '+' && text_[at_] != '-')) return std::nullopt;
    const bool plus = text_[at_] == '+';
    int32_t value = 0;
    const auto [end, error] = std::from_chars(data() + at_ + (plus ? 1 : 0), data() + text_.size(), value);
    if (error != std::errc() || (plus && data()[at_ + 1] == '-')) fail("expected an offset of 32 bits, such as +8");
    at_ = static_cast<size_t>(end - data());
    return value;
  }
  uint32_t number(const char* what) {
    skip_blanks();
    uint32_t value = 0;
    const auto [end, error] = std::from_chars(data() + at_, data() + text_.size(), value);
    if (error != std::errc()) fail(std::string("expected ") + what);
    at_ = static_cast<size_t>(end - data());
    return value;
  }
  void expect_end() {
    skip_blanks();
    if (at_ != text_.size()) fail("expected nothing more on this line");
  }

 private:
  void skip_blanks() { at_ = std::min(text_.find_first_not_of(kBlanks, at_), text_.size()); }
  const char* data() const { return text_.data(); }

  std::string_view text_;
  uint32_t number_;
  size_t at_ = 0;
};

// `load "VMContext"+8`, `load.i32 "VMContext"+8`: what follows the word that begins it.
LoadShape read_load(LineReader& line) {
  const Location start = line.here();
  const std::string_view word = line.word();
  LoadShape shape;
  if (word != "load") {
    const bool is_load = word.substr(0, 5) == "load.";
    const auto width = std::find_if(kWidths.begin(), kWidths.end(),
                                    [&](const auto& known) { return is_load && known.first == word.substr(5); });
    if (width == kWidths.end()) throw PromiseError(start, "expected load, load.i8, load.i16, load.i32 or load.i64");
    shape.bytes = width->second;
  }
  shape.region = line.region();
  shape.offset = line.offset().value_or(0);
  return shape;
}

PointerName read_pointer(LineReader& line) {
  PointerName name;
  if (line.peek() == "param") {
    line.word();
    name.kind = PointerName::kParam;
    name.param = line.number("the number of a parameter, the first being 0");
    return name;
  }
  const std::string_view word = line.peek();
  if (word != "load" && word.substr(0, 5) != "load.") line.fail("expected param or load");
  name.kind = PointerName::kLoad;
  name.load = read_load(line);
  if (name.load.bytes != 8) line.fail("a pointer has 8 bytes");
  return name;
}

void read_call(LineReader& line, Promise& promise) {
  const std::string_view callee = line.word();
  if (callee.empty()) line.fail("expected a callee: its name, * or indirect");
  promise.callee = callee;
  const Location start = line.here();
  const std::string_view word = line.word();
  if (word == "never-reads") {
    promise.kind = Promise::kCallNeverReads;
  } else if (word == "never-writes") {
    promise.kind = Promise::kCallNeverWrites;
  } else if (word == "never-traps") {
    promise.kind = Promise::kCallNeverTraps;
    return;
  } else {
    throw PromiseError(start, "expected never-reads, never-writes or never-traps");
  }
  promise.region = line.region();
  promise.offset = line.offset();
}

Promise read_promise(LineReader& line) {
  Promise promise;
  promise.at = line.here();
  const std::string_view word = line.word();
  if (word == "same-value") {
    promise.kind = Promise::kSameValue;
    promise.load = read_load(line);
  } else if (word == "apart") {
    promise.kind = Promise::kApart;
    promise.a = read_pointer(line);
    if (!line.eat(',')) line.fail("expected a comma and another pointer");
    promise.b = read_pointer(line);
  } else if (word == "untagged-apart") {
    promise.kind = Promise::kUntaggedApart;
    if (line.at_quote()) promise.region = line.region();
  } else if (word == "call") {
    read_call(line, promise);
  } else if (word == "trap") {
    if (line.word() != "never-reads") throw PromiseError(promise.at, "expected trap never-reads");
    promise.kind = Promise::kTrapNeverReads;
    promise.region = line.region();
    promise.offset = line.offset();
  } else {
    throw PromiseError(promise.at, "expected same-value, apart, untagged-apart, call or trap");
  }
  line.expect_end();
  return promise;
}

bool is_indirect(const Inst& call) {
  const Format format = format_of(call.op);
  return format == Format::kCallIndirect || format == Format::kTryCallIndirect;
}

bool is_callee(const std::string& callee, const Function& function, const Inst& call) {
  if (callee == "*") return call.is_call() || call.is_atomic();
  if (!call.is_call()) return false;
  if (is_indirect(call)) return callee == "indirect";
  const auto declaration = function.functions.find(call.entity);
  return declaration != function.functions.end() && declaration->second.name == callee;
}

bool keeps_off(const Promises& promises, Promise::Kind kind, const Function& function, const Inst& call,
               const Inst& access) {
  if (!access.flags.region) return false;
  return std::any_of(promises.list.begin(), promises.list.end(), [&](const Promise& promise) {
    return promise.kind == kind && promise.offset.value_or(access.offset) == access.offset &&
           is_region_named(function, *access.flags.region, promise.region) && is_callee(promise.callee, function, call);
  });
}

}  // namespace

PromiseError::PromiseError(Location where, const std::string& text)
    : std::runtime_error(std::to_string(where.line) + ":" + std::to_string(where.column) + ": " + text), at(where) {}

bool is_region_named(const Function& function, uint32_t region, const std::string& name) {
  if (name == function.region_name(region)) return true;
  const auto found = function.regions.find(region);
  return found != function.regions.end() && name == "#" + std::to_string(found->second.tag);
}

const Promise* Promises::same_value(const Function& function, const Inst& load) const {
  if (!load.reads_memory() || !load.flags.region) return nullptr;
  for (const Promise& promise : list) {
    if (promise.kind == Promise::kSameValue && promise.load.offset == load.offset &&
        promise.load.bytes == load.access_bytes() &&
        is_region_named(function, *load.flags.region, promise.load.region)) {
      return &promise;
    }
  }
  return nullptr;
}

bool Promises::untagged_apart(const Function& function, uint32_t region) const {
  return std::any_of(list.begin(), list.end(), [&](const Promise& promise) {
    return promise.kind == Promise::kUntaggedApart &&
           (promise.region.empty() || is_region_named(function, region, promise.region));
  });
}

bool Promises::never_reads(const Function& function, const Inst& call, const Inst& access) const {
  const bool never_traps = std::any_of(list.begin(), list.end(), [&](const Promise& promise) {
    return promise.kind == Promise::kCallNeverTraps && is_callee(promise.callee, function, call);
  });
  return keeps_off(*this, Promise::kCallNeverReads, function, call, access) &&
         (never_traps || trap_never_reads(function, access));
}

bool Promises::trap_never_reads(const Function& function, const Inst& access) const {
  if (!access.flags.region) return false;
  return std::any_of(list.begin(), list.end(), [&](const Promise& promise) {
    return promise.kind == Promise::kTrapNeverReads && promise.offset.value_or(access.offset) == access.offset &&
           is_region_named(function, *access.flags.region, promise.region);
  });
}

bool Promises::never_writes(const Function& function, const Inst& call, const Inst& access) const {
  return keeps_off(*this, Promise::kCallNeverWrites, function, call, access);
}

Promises read_promises(std::string_view text) {
  Promises promises;
  std::string source;
  uint32_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;

    const size_t comment = comment_of(line);
    const std::string_view content = line.substr(0, comment);
    if (!stripped(content).empty()) {
      LineReader reader(content, number);
      Promise promise = read_promise(reader);
      promise.text = stripped(content);
      promise.source = source;
      promises.list.push_back(std::move(promise));
    } else if (comment == line.size()) {
      source.clear();
    } else {
      const std::string_view remark = stripped(line.substr(comment + 1));
      if (remark.substr(0, kSourceMark.size()) == kSourceMark) source = stripped(remark.substr(kSourceMark.size()));
    }
  }
  return promises;
}

}  // namespace lockstep::clif
