// The text of a query, and the two solvers behind it.
//
// A child that answers is talked to over two pipes: to it the length of the text and the text, from it the same for the
// answer. The child limits its own memory; the parent keeps the time.
#include "properties/smt/solver.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <z3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>

namespace lockstep::smt {
namespace {

using Clock = std::chrono::steady_clock;

// --- Text
// ---------------------------------------------------------------------------------------------------------------

std::string sort_of(uint32_t width) { return width == 0 ? "Bool" : "(_ BitVec " + std::to_string(width) + ")"; }

std::string literal(Bits value, uint32_t width) {
  if (width == 0) return value != 0 ? "true" : "false";
  std::string s = "#b";
  for (uint32_t i = width; i-- > 0;) s += (value >> i & 1) != 0 ? '1' : '0';
  return s;
}

const char* operator_of(Op op) {
  switch (op) {
    case Op::kNot:
      return "not";
    case Op::kAnd:
      return "and";
    case Op::kOr:
      return "or";
    case Op::kEq:
      return "=";
    case Op::kUlt:
      return "bvult";
    case Op::kUle:
      return "bvule";
    case Op::kSlt:
      return "bvslt";
    case Op::kSle:
      return "bvsle";
    case Op::kAdd:
      return "bvadd";
    case Op::kMul:
      return "bvmul";
    case Op::kUdiv:
      return "bvudiv";
    case Op::kUrem:
      return "bvurem";
    case Op::kSdiv:
      return "bvsdiv";
    case Op::kSrem:
      return "bvsrem";
    case Op::kBand:
      return "bvand";
    case Op::kBor:
      return "bvor";
    case Op::kBxor:
      return "bvxor";
    case Op::kBnot:
      return "bvnot";
    case Op::kShl:
      return "bvshl";
    case Op::kLshr:
      return "bvlshr";
    case Op::kAshr:
      return "bvashr";
    case Op::kConcat:
      return "concat";
    case Op::kIte:
      return "ite";
    default:
      return nullptr;
  }
}

// A function's name in the text: unique by its number, legible by its name.
std::string symbol_of(const Terms& terms, FunctionId f) {
  std::string name = terms.function(f).name;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '|' || c == '\\'; }, '/');
  return "|" + name + "." + std::to_string(f) + "|";
}

std::string term_name(const Terms& terms, Term t) {
  const Node& n = terms[t];
  if (n.op == Op::kTrue) return "true";
  if (n.op == Op::kFalse) return "false";
  if (n.op == Op::kConst) return literal(n.value, n.width);
  if (n.op == Op::kApply && n.args.empty()) return symbol_of(terms, n.function);
  return "t" + std::to_string(t.id);
}

std::string definition_of(const Terms& terms, const Node& n) {
  std::string head;
  if (n.op == Op::kApply) {
    head = symbol_of(terms, n.function);
  } else if (n.op == Op::kExtract) {
    head = "(_ extract " + std::to_string(n.low + n.width - 1) + " " + std::to_string(n.low) + ")";
  } else if (n.op == Op::kZext || n.op == Op::kSext) {
    head = std::string(n.op == Op::kZext ? "(_ zero_extend " : "(_ sign_extend ") +
           std::to_string(n.width - terms.width(n.args[0])) + ")";
  } else {
    head = operator_of(n.op);
  }
  std::string s = "(" + head;
  for (const Term arg : n.args) s += " " + term_name(terms, arg);
  return s + ")";
}

// A value that lies in memory: bytes of one function at neighbouring addresses, the first in the low bits.
struct Word {
  FunctionId memory = 0;
  Term address{};
  uint32_t bytes = 0;
};
using Words = std::map<Term, Word>;

std::optional<Word> as_word(const Terms& terms, Term t) {
  std::vector<Term> bytes, todo = {t};  // the last first
  while (!todo.empty()) {
    const Node& n = terms[todo.back()];
    if (n.op == Op::kConcat) {
      const Term low = n.args[1];
      todo.back() = n.args[0];
      todo.insert(todo.end() - 1, low);
      continue;
    }
    if (n.op != Op::kApply || n.width != 8 || n.args.size() != 1 || bytes.size() == 16) return std::nullopt;
    bytes.push_back(todo.back());
    todo.pop_back();
  }
  if (bytes.size() < 2) return std::nullopt;
  const Node& first = terms[bytes.back()];
  const Term address = first.args[0];
  const Terms::Sum from = terms.split(address);
  for (size_t i = 0; i < bytes.size(); ++i) {
    const Node& n = terms[bytes[bytes.size() - 1 - i]];
    const Terms::Sum at = terms.split(n.args[0]);
    const bool follows = (at.base == from.base && static_cast<uint64_t>(at.offset - from.offset) == i) ||
                         (at.base == address && static_cast<uint64_t>(at.offset) == i);
    if (n.function != first.function || !follows) return std::nullopt;
  }
  return Word{first.function, address, static_cast<uint32_t>(bytes.size())};
}

std::string word_symbol(const Terms& terms, const Word& w) {
  std::string name = symbol_of(terms, w.memory);
  name.insert(name.size() - 1, " by " + std::to_string(w.bytes));
  return name;
}

// Every term below `roots`, arguments before what uses them: the order of their making. With `words`, what is a word is
// put there, and the bytes that it is made of do not count.
std::vector<Term> below(const Terms& terms, const std::vector<Term>& roots, Words* words) {
  std::set<Term> seen(roots.begin(), roots.end());
  std::vector<Term> todo = roots;
  while (!todo.empty()) {
    const Term t = todo.back();
    todo.pop_back();
    std::vector<Term> args = terms[t].args;
    if (words != nullptr && terms[t].op == Op::kConcat) {
      if (const std::optional<Word> word = as_word(terms, t)) {
        words->emplace(t, *word);
        args = {word->address};
      }
    }
    for (const Term arg : args) {
      if (seen.insert(arg).second) todo.push_back(arg);
    }
  }
  return {seen.begin(), seen.end()};
}

// --- Answers
// ------------------------------------------------------------------------------------------------------------

// Reads "((t1 #b01) (t2 true) …)", one value for each term that was asked, in that order.
void read_values(const Terms& terms, const Query& query, const std::string& text, Answer& answer) {
  std::vector<Bits> values;
  int depth = 0;
  std::string token, last;
  const auto end_token = [&] {
    if (!token.empty()) last = token;
    token.clear();
  };
  bool quoted = false;
  for (const char c : text) {
    if (c == '|') quoted = !quoted;
    if (quoted) {
      token += c;
    } else if (c == '(') {
      end_token();
      ++depth;
    } else if (c == ')') {
      end_token();
      if (depth-- == 2) {
        Bits value = 0;
        if (last == "true") {
          value = 1;
        } else if (last.starts_with("#b")) {
          for (const char digit : last.substr(2)) value = value << 1 | (digit == '1' ? 1U : 0U);
        } else if (last.starts_with("#x")) {
          for (const char digit : last.substr(2)) {
            const auto v = static_cast<unsigned>(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
            value = value << 4 | v;
          }
        } else if (last != "false") {
          break;  // nothing that we know: the count below tells
        }
        values.push_back(value);
      }
    } else if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
      end_token();
    } else {
      token += c;
    }
  }
  if (values.size() != query.asked.size()) {
    answer.kind = Answer::kUnknown;
    answer.reason = "the solver's model could not be read";
    return;
  }
  std::unordered_map<uint32_t, Bits> known;
  for (size_t i = 0; i < values.size(); ++i) known[query.asked[i].id] = values[i];
  // Arguments are older than the applications that use them, and asked for before them.
  for (size_t i = 0; i < values.size(); ++i) {
    const Node& n = terms[query.asked[i]];
    std::vector<Bits> arguments;
    for (const Term arg : n.args) arguments.push_back(terms.evaluate(arg, answer.model, known));
    answer.model.values[{n.function, arguments}] = values[i];
  }
}

Answer answer_from(const Terms& terms, const Query& query, const std::string& output) {
  Answer answer;
  if (output.starts_with("unsat")) {
    answer.kind = Answer::kUnsat;
  } else if (output.starts_with("sat")) {
    answer.kind = Answer::kSat;
    read_values(terms, query, output.substr(3), answer);
  } else {
    const bool memory =
        output.find("out of memory") != std::string::npos || output.find("bad_alloc") != std::string::npos;
    const std::string first = output.substr(0, output.find('\n'));
    // The logic is decidable and time is ours to keep: what makes a solver give up is memory.
    answer.reason = memory               ? "out of memory"
                    : first.empty()      ? "the solver died"
                    : first == "unknown" ? "the solver gave up: out of memory?"
                                         : "the solver said: " + first;
  }
  return answer;
}

Answer timed_out(const Limits& limits) {
  Answer answer;
  const auto tenths = limits.time.count() / 100;
  answer.reason = "timeout after " + std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
  return answer;
}

void limit_memory(size_t mib) {
  const rlimit limit{mib << 20, mib << 20};
  setrlimit(RLIMIT_AS, &limit);
}

bool write_all(int fd, const char* data, size_t size) {
  while (size != 0) {
    const ssize_t n = write(fd, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    data += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}
bool read_all(int fd, char* data, size_t size) {
  while (size != 0) {
    const ssize_t n = read(fd, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    data += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

// Reads what arrives until `deadline`; false when the time is over.
enum class Arrival { kData, kEnd, kTimeout };
Arrival read_some(int fd, std::string& into, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return Arrival::kTimeout;
    pollfd p{fd, POLLIN, 0};
    const int ready = poll(&p, 1, static_cast<int>(std::min<long>(left, 60'000)));
    if (ready < 0 && errno != EINTR) return Arrival::kEnd;
    if (ready <= 0) continue;
    std::array<char, 65536> buffer;
    const ssize_t n = read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Arrival::kEnd;
    into.append(buffer.data(), static_cast<size_t>(n));
    return Arrival::kData;
  }
}

// --- Z3
// -----------------------------------------------------------------------------------------------------------------

// The child: answers one text after another until the pipe is closed.
[[noreturn]] void serve_z3(int in, int out, size_t memory_mib) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#ifdef __SANITIZE_ADDRESS__
  (void)memory_mib;  // the sanitizer's own map of memory is larger than any limit
#else
  limit_memory(memory_mib);
#endif
  signal(SIGINT, SIG_IGN);  // the parent decides
  for (;;) {
    uint64_t size = 0;
    if (!read_all(in, reinterpret_cast<char*>(&size), sizeof size)) _exit(0);
    std::string text(size, '\0');
    if (!read_all(in, text.data(), size)) _exit(0);
    std::string answer;
    try {
      Z3_config config = Z3_mk_config();
      Z3_context context = Z3_mk_context(config);
      Z3_set_error_handler(context, [](Z3_context, Z3_error_code) {});
      answer = Z3_eval_smtlib2_string(context, text.c_str());
      if (Z3_get_error_code(context) != Z3_OK) answer = Z3_get_error_msg(context, Z3_get_error_code(context));
      Z3_del_context(context);
      Z3_del_config(config);
    } catch (const std::exception& e) {
      answer = e.what();
    }
    size = answer.size();
    if (!write_all(out, reinterpret_cast<const char*>(&size), sizeof size) ||
        !write_all(out, answer.data(), answer.size())) {
      _exit(0);
    }
  }
}

class Z3 final : public Solver {
 public:
  ~Z3() override { stop(); }

  std::string name() const override {
    unsigned major = 0, minor = 0, build = 0, revision = 0;
    Z3_get_version(&major, &minor, &build, &revision);
    return "Z3 " + std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(build);
  }

  Answer ask(const Terms& terms, const Query& query, const Limits& limits) override {
    const auto start = Clock::now();
    if (child_ > 0 && memory_ != limits.memory_mib) stop();
    if (child_ <= 0) begin(limits.memory_mib);
    Answer answer = exchange(terms, query, limits, start + limits.time);
    if (answer.kind == Answer::kUnknown) stop();  // it may be busy still, or broken
    answer.took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start);
    return answer;
  }

 private:
  Answer exchange(const Terms& terms, const Query& query, const Limits& limits, Clock::time_point deadline) {
    const uint64_t size = query.text.size();
    std::string output;
    if (write_all(to_, reinterpret_cast<const char*>(&size), sizeof size) &&
        write_all(to_, query.text.data(), query.text.size())) {
      for (;;) {
        if (output.size() >= sizeof size) {
          uint64_t expected = 0;
          std::memcpy(&expected, output.data(), sizeof expected);
          if (output.size() == sizeof expected + expected) break;
        }
        const Arrival arrival = read_some(from_, output, deadline);
        if (arrival == Arrival::kTimeout) return timed_out(limits);
        if (arrival == Arrival::kEnd) return died();
      }
      return answer_from(terms, query, output.substr(sizeof size));
    }
    return died();
  }

  static Answer died() {
    Answer answer;
    answer.reason = "out of memory, or the solver died";
    return answer;
  }

  void begin(size_t memory_mib) {
    std::array<int, 2> to{}, from{};
    if (pipe2(to.data(), O_CLOEXEC) != 0 || pipe2(from.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe failed");
    signal(SIGPIPE, SIG_IGN);
    child_ = fork();
    if (child_ < 0) throw std::runtime_error("fork failed");
    if (child_ == 0) {
      close(to[1]);
      close(from[0]);
      serve_z3(to[0], from[1], memory_mib);
    }
    close(to[0]);
    close(from[1]);
    to_ = to[1];
    from_ = from[0];
    memory_ = memory_mib;
  }

  void stop() {
    if (child_ <= 0) return;
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    close(to_);
    close(from_);
    child_ = -1;
  }

  pid_t child_ = -1;
  int to_ = -1, from_ = -1;
  size_t memory_ = 0;
};

// --- cvc5
// ---------------------------------------------------------------------------------------------------------------

class Cvc5 final : public Solver {
 public:
  explicit Cvc5(std::string name) : name_(std::move(name)) {}
  std::string name() const override { return name_; }

  Answer ask(const Terms& terms, const Query& query, const Limits& limits) override {
    const auto start = Clock::now();
    std::string output;
    const Arrival end = run({"cvc5", "--lang=smt2", "--produce-models", "-q"}, query.text, limits.memory_mib,
                            start + limits.time, output);
    Answer answer = end == Arrival::kTimeout ? timed_out(limits) : answer_from(terms, query, output);
    answer.took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start);
    return answer;
  }

  // Runs a program on `input` and collects what it prints.
  static Arrival run(const std::vector<const char*>& command, const std::string& input, size_t memory_mib,
                     Clock::time_point deadline, std::string& output) {
    // The text goes through a file without a name: a pipe could fill up while nobody reads.
    char path[] = "/tmp/lockstep-query-XXXXXX";
    const int file = mkostemp(path, O_CLOEXEC);
    if (file < 0) throw std::runtime_error("cannot make a temporary file");
    unlink(path);
    if (!write_all(file, input.data(), input.size())) throw std::runtime_error("cannot write a temporary file");
    lseek(file, 0, SEEK_SET);
    std::array<int, 2> from{};
    if (pipe2(from.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe failed");
    std::vector<char*> arguments;
    for (const char* a : command) arguments.push_back(const_cast<char*>(a));
    arguments.push_back(nullptr);
    const pid_t child = fork();
    if (child < 0) throw std::runtime_error("fork failed");
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      limit_memory(memory_mib);
      dup2(file, 0);
      dup2(from[1], 1);
      const int null = open("/dev/null", O_WRONLY);
      dup2(null, 2);
      execvp(arguments[0], arguments.data());
      _exit(127);
    }
    close(file);
    close(from[1]);
    Arrival arrival;
    while ((arrival = read_some(from[0], output, deadline)) == Arrival::kData) {
    }
    if (arrival == Arrival::kTimeout) kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    close(from[0]);
    return arrival;
  }

 private:
  std::string name_;
};

}  // namespace

namespace {

Query query_of(const Terms& terms, const std::vector<Term>& assertions, Words* words) {
  Query query;
  const std::vector<Term> all = below(terms, assertions, words);
  std::set<FunctionId> functions;
  for (const Term t : all) {
    if (terms[t].op != Op::kApply) continue;
    functions.insert(terms[t].function);
    if (words == nullptr) query.asked.push_back(t);
  }
  std::string& s = query.text;
  s = "(set-option :produce-models true)\n(set-logic QF_UFBV)\n";
  for (const FunctionId f : functions) {
    s += "(declare-fun " + symbol_of(terms, f) + " (";
    for (size_t i = 0; i < terms.function(f).arguments.size(); ++i) {
      s += (i == 0 ? "" : " ") + sort_of(terms.function(f).arguments[i]);
    }
    s += ") " + sort_of(terms.function(f).width) + ")\n";
  }
  if (words != nullptr) {
    std::set<std::pair<std::string, uint32_t>> declared;
    for (const auto& [t, word] : *words) {
      const std::string name = word_symbol(terms, word);
      if (!declared.emplace(name, word.bytes).second) continue;
      s += "(declare-fun " + name + " (" + sort_of(64) + ") " + sort_of(word.bytes * 8) + ")\n";
    }
  }
  for (const Term t : all) {
    const Node& n = terms[t];
    if (n.op == Op::kTrue || n.op == Op::kFalse || n.op == Op::kConst || (n.op == Op::kApply && n.args.empty()))
      continue;
    std::string definition;
    if (const auto word = words == nullptr ? Words::iterator{} : words->find(t);
        words != nullptr && word != words->end()) {
      definition = "(" + word_symbol(terms, word->second) + " " + term_name(terms, word->second.address) + ")";
    } else {
      definition = definition_of(terms, n);
    }
    s += "(define-fun t" + std::to_string(t.id) + " () " + sort_of(n.width) + " " + definition + ")\n";
  }
  for (const Term t : assertions) s += "(assert " + term_name(terms, t) + ")\n";
  s += "(check-sat)\n";
  if (!query.asked.empty()) {
    s += "(get-value (";
    for (size_t i = 0; i < query.asked.size(); ++i) s += (i == 0 ? "" : " ") + term_name(terms, query.asked[i]);
    s += "))\n";
  }
  return query;
}

}  // namespace

Query make_query(const Terms& terms, const std::vector<Term>& assertions) {
  return query_of(terms, assertions, nullptr);
}
Query make_query_of_words(const Terms& terms, const std::vector<Term>& assertions) {
  Words words;
  return query_of(terms, assertions, &words);
}

std::unique_ptr<Solver> make_z3() { return std::make_unique<Z3>(); }

std::unique_ptr<Solver> make_cvc5() {
  std::string output;
  Cvc5::run({"cvc5", "--version"}, "", 4096, Clock::now() + std::chrono::seconds(10), output);
  // "This is cvc5 version 1.0.3"
  const size_t at = output.find("version ");
  if (!output.starts_with("This is cvc5") || at == std::string::npos) return nullptr;
  const size_t end = output.find_first_of(" \n[", at + 8);
  return std::make_unique<Cvc5>("cvc5 " + output.substr(at + 8, end - at - 8));
}

}  // namespace lockstep::smt
