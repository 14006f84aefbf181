// The rules of a valid scenario, in the order in which a scenario is written.
#include "traces/validate.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace lockstep::traces {
namespace {

class Validator {
 public:
  Validator(const Scenario& s, const std::string& place) : s_(s), place_(place) {}

  void run() {
    require(s_.table_limit == (1u << 28) - 1, "/table-limit", "only 268435455 is known to this version");
    instances();
    functions();
    host_functions();
    canons();
    scripts();
    entries();
    host_calls();
    for (size_t i = 0; i < s_.program.size(); ++i) program_step(s_.program[i], "/program/" + std::to_string(i));
    for (size_t i = 0; i < s_.aftermath.size(); ++i) aftermath_step(s_.aftermath[i], "/aftermath/" + std::to_string(i));
    tokens();
  }

 private:
  [[noreturn]] void fail(const std::string& where, const std::string& text) const {
    throw InputError(place_ + where, text);
  }
  void require(bool ok, const std::string& where, const std::string& text) const {
    if (!ok) fail(where, text);
  }

  void instances() {
    require(!s_.instances.empty(), "/instances", "there are none");
    require(s_.instances.size() <= kMaxInstances, "/instances", "more than " + std::to_string(kMaxInstances));
    for (size_t i = 0; i < s_.instances.size(); ++i) {
      const Instance& inst = s_.instances[i];
      const std::string at = "/instances/" + std::to_string(i);
      require(inst.parent == kNone || inst.parent < i, at + "/parent",
              "not an earlier instance (a parent cannot be its own descendant)");
      require(inst.registers >= 1 && inst.registers <= kMaxRegisters, at + "/registers",
              "not from 1 to " + std::to_string(kMaxRegisters));
      require(inst.memories.size() <= kMaxMemories, at + "/memories", "more than " + std::to_string(kMaxMemories));
      require(inst.canons.size() <= kMaxCanons, at + "/canons", "more than " + std::to_string(kMaxCanons));
      for (size_t m = 0; m < inst.memories.size(); ++m) {
        const std::string where = at + "/memories/" + std::to_string(m);
        require(inst.memories[m].index_type == IndexType::kI32, where + "/index",
                "i64 memories are not implemented by this version");
        require(inst.memories[m].pages >= 1 && inst.memories[m].pages <= kMaxPages, where + "/pages",
                "not from 1 to " + std::to_string(kMaxPages));
      }
    }
  }

  bool is_ancestor(uint32_t a, uint32_t i) const {  // or the same
    for (; i != kNone; i = s_.instances[i].parent)
      if (i == a) return true;
    return false;
  }

  void type(const FuncType& t, const std::string& at) {
    require(!t.params.empty(), at + "/params", "the first parameter, the token, is missing");
    require(t.params.size() <= kMaxParams, at + "/params",
            "more than 16 flat parameters are not implemented by this version");
  }

  void functions() {
    require(s_.functions.size() <= kMaxFunctions, "/functions", "more than " + std::to_string(kMaxFunctions));
    // A component instance is instantiated at one place of its parent's definitions: the functions of a subtree stand
    // together.
    for (uint32_t a = 0; a < s_.instances.size(); ++a) {
      size_t changes = 0;
      bool inside = false;
      for (const Function& f : s_.functions) {
        const bool in = f.instance < s_.instances.size() && is_ancestor(a, f.instance);
        if (in && !inside) ++changes;
        inside = in;
      }
      require(changes <= 1, "/functions",
              "the functions of instance " + std::to_string(a) + " and its children do not stand together");
    }
    for (size_t i = 0; i < s_.functions.size(); ++i) {
      const Function& f = s_.functions[i];
      const std::string at = "/functions/" + std::to_string(i);
      require(f.instance < s_.instances.size(), at + "/instance", "no such instance");
      type(f.type, at + "/type");
      require(f.lift == Lift::kSync || f.type.async_, at + "/lift",
              "only a function whose type is async can be lifted async");
      require(!f.post_return || f.lift == Lift::kSync, at + "/post-return", "only a synchronous lift has one");
      memory(f.memory, f.instance, at + "/memory", false);
      if (f.lift != Lift::kSync)
        require(default_return(f), at,
                "its instance has no task.return canon with the same result, memory and encoding");
    }
  }

  bool default_return(const Function& f) const {
    const auto& canons = s_.instances[f.instance].canons;
    return std::any_of(canons.begin(), canons.end(), [&](const Canon& c) {
      return c.kind == Op::kTaskReturn && c.result == f.type.result && c.memory == f.memory && c.encoding == f.encoding;
    });
  }

  void memory(uint32_t m, uint32_t instance, const std::string& at, bool needed) {
    if (m == kNone)
      require(!needed, at, "missing, but needed here");
    else
      require(m < s_.instances[instance].memories.size(), at,
              "instance " + std::to_string(instance) + " has no such memory");
  }

  void host_functions() {
    require(s_.host_functions.size() <= kMaxFunctions, "/host-functions", "more than " + std::to_string(kMaxFunctions));
    for (size_t i = 0; i < s_.host_functions.size(); ++i)
      type(s_.host_functions[i].type, "/host-functions/" + std::to_string(i) + "/type");
  }

  const FuncType& callee_type(const Canon& c) const {
    return c.callee.function != kNone ? s_.functions[c.callee.function].type
                                      : s_.host_functions[c.callee.host_function].type;
  }

  void canons() {
    for (uint32_t i = 0; i < s_.instances.size(); ++i)
      for (size_t k = 0; k < s_.instances[i].canons.size(); ++k)
        canon(s_.instances[i].canons[k], i, "/instances/" + std::to_string(i) + "/canons/" + std::to_string(k));
  }

  void canon(const Canon& c, uint32_t instance, const std::string& at) {
    switch (c.kind) {
      case Op::kCall: {
        require((c.callee.function == kNone) != (c.callee.host_function == kNone), at,
                "a call names a function or a host-function");
        if (c.callee.function != kNone)
          import(c.callee.function, instance, at + "/function");
        else
          require(c.callee.host_function < s_.host_functions.size(), at + "/host-function", "no such host function");
        const FuncType& t = callee_type(c);
        require(!c.async_ || t.async_, at + "/async", "only a function whose type is async can be lowered async");
        memory(c.memory, instance, at + "/memory", c.async_ && (t.result || t.params.size() > 4));
        break;
      }
      case Op::kContextGet:
      case Op::kContextSet:
        require(c.slot < 2, at + "/slot", "not 0 or 1");
        break;
      case Op::kTaskReturn:
        memory(c.memory, instance, at + "/memory", false);
        break;
      case Op::kWaitableSetWait:
      case Op::kWaitableSetPoll:
        memory(c.memory, instance, at + "/memory", true);
        break;
      default:
        break;
    }
  }

  // An import names something that exists before the importing instance does.
  void import(uint32_t function, uint32_t instance, const std::string& at) {
    require(function < s_.functions.size(), at, "no such function");
    const uint32_t callee = s_.functions[function].instance;
    if (is_ancestor(callee, instance) || is_ancestor(instance, callee)) {
      require(s_.recursion, at, "a call within an instance, or between child and ancestor, needs \"recursion\"");
      return;
    }
    for (size_t f = 0; f < function; ++f)
      require(s_.functions[f].instance != instance, at,
              "an import must be defined before the instance that imports it");
  }

  void scripts() {
    for (size_t i = 0; i < s_.scripts.size(); ++i) {
      const Script& script = s_.scripts[i];
      const std::string at = "/scripts/" + std::to_string(i);
      require(script.token >= 1 && script.token <= kMaxToken, at + "/token",
              "not from 1 to " + std::to_string(kMaxToken));
      require(i == 0 || s_.scripts[i - 1].token < script.token, at + "/token", "not in ascending order");
      require(script.function < s_.functions.size(), at + "/function", "no such function");
      const Function& f = s_.functions[script.function];
      require(script.segments.size() <= 1 || f.lift == Lift::kCallback, at + "/segments",
              "only a callback lift has more than one");
      for (size_t k = 0; k < script.segments.size(); ++k)
        segment(script.segments[k], f.instance, &f, at + "/segments/" + std::to_string(k), 0, 1);
    }
  }

  void entries() {
    std::set<std::pair<uint32_t, uint32_t>> seen;
    for (size_t i = 0; i < s_.entries.size(); ++i) {
      const EntryScript& e = s_.entries[i];
      const std::string at = "/entries/" + std::to_string(i);
      require(e.context == Context::kPostReturn, at + "/context",
              "\"" + std::string(name(e.context)) + "\" is not implemented by this version");
      require(e.instance < s_.instances.size(), at + "/instance", "no such instance");
      require(e.entry >= 1, at + "/entry", "counted from 1");
      require(seen.emplace(e.instance, e.entry).second, at, "a second script for the same entry");
      segment(e.ops, e.instance, nullptr, at + "/ops", 0, 1);
    }
  }

  // `f` is null in a post-return.
  void segment(const Segment& ops, uint32_t instance, const Function* f, const std::string& at, size_t depth,
               uint64_t rounds) {
    for (size_t i = 0; i < ops.size(); ++i) operation(ops[i], instance, f, at + "/" + std::to_string(i), depth, rounds);
  }

  void operation(const Operation& o, uint32_t instance, const Function* f, const std::string& at, size_t depth,
                 uint64_t rounds) {
    const Instance& inst = s_.instances[instance];
    operations_ += rounds;
    require(operations_ <= kMaxOperations, at,
            "the scenario runs more than " + std::to_string(kMaxOperations) + " operations");
    if (o.guard) {
      const bool about_register = o.guard->kind >= GuardKind::kResolved && o.guard->kind <= GuardKind::kJoined;
      require(!about_register || o.guard->value < inst.registers, at + "/if", "register out of range");
    }
    for (size_t a = 0; a < o.args.size(); ++a)
      require(!o.args[a].is_register || o.args[a].value < inst.registers, at + "/args/" + std::to_string(a),
              "register out of range");
    if (o.kind == Op::kRepeat) {
      require(depth < kMaxRepeatDepth, at, "repeats are nested deeper than " + std::to_string(kMaxRepeatDepth));
      require(o.args.empty() && o.to == kNone, at, "a repeat has times and a body only");
      require(rounds * o.times <= kMaxOperations, at,
              "the scenario runs more than " + std::to_string(kMaxOperations) + " operations");
      segment(o.body, instance, f, at + "/body", depth + 1, rounds * o.times);
      return;
    }
    const Canon* c = nullptr;
    if (is_builtin(o.kind)) {
      require(o.canon < inst.canons.size(), at + "/canon",
              "instance " + std::to_string(instance) + " has no such canon");
      c = &inst.canons[o.canon];
      require(c->kind == o.kind, at + "/canon",
              "is a " + std::string(name(c->kind)) + ", not a " + std::string(name(o.kind)));
    }
    if (o.kind == Op::kCall) {
      require(depth <= 1, at, "a call cannot stand in a nested repeat");
      token_range(o.token, rounds, at + "/token");
    }
    if (o.kind == Op::kLoad)
      require(o.memory < inst.memories.size(), at + "/memory",
              "instance " + std::to_string(instance) + " has no such memory");
    require(o.args.size() == arguments(o, c, f), at + "/args", "there must be " + std::to_string(arguments(o, c, f)));
    const bool has_to = o.kind == Op::kCall || o.kind == Op::kContextGet || o.kind == Op::kWaitableSetNew ||
                        o.kind == Op::kThreadIndex || o.kind == Op::kLoad;
    require(o.to == kNone || (has_to && o.to < inst.registers), at + "/to",
            has_to ? "register out of range" : "this operation gives nothing");
    if (o.kind == Op::kReturn)
      require(f == nullptr || f->lift != Lift::kCallback, at, "a callback lift ends with exit, yield, wait or code");
    if (o.kind > Op::kReturn)
      require(f != nullptr && f->lift == Lift::kCallback, at, "only a callback lift ends like this");
  }

  size_t arguments(const Operation& o, const Canon* c, const Function* f) const {
    switch (o.kind) {
      case Op::kCall: {
        const FuncType& t = callee_type(*c);
        const bool areas = c->async_;
        return t.params.size() - 1 + (areas && t.params.size() > 4 ? 1 : 0) + (areas && t.result ? 1 : 0);
      }
      case Op::kContextSet:
      case Op::kWaitableSetDrop:
      case Op::kSubtaskCancel:
      case Op::kSubtaskDrop:
      case Op::kLoad:
      case Op::kWait:
      case Op::kCode:
        return 1;
      case Op::kTaskReturn:
        return c->result ? 1 : 0;
      case Op::kWaitableSetWait:
      case Op::kWaitableSetPoll:
      case Op::kWaitableJoin:
        return 2;
      case Op::kReturn:
        return f != nullptr && f->lift == Lift::kSync && f->type.result ? 1 : 0;
      default:
        return 0;
    }
  }

  void host_calls() {
    for (size_t i = 0; i < s_.host_calls.size(); ++i) {
      const HostCall& call = s_.host_calls[i];
      const std::string at = "/host-calls/" + std::to_string(i);
      require(call.token >= 1 && call.token <= kMaxToken, at + "/token", "not from 1 to " + std::to_string(kMaxToken));
      require(i == 0 || s_.host_calls[i - 1].token < call.token, at + "/token", "not in ascending order");
      require(!call.on_call.empty(), at + "/on-call", "must end with return or block");
      for (size_t k = 0; k < call.on_call.size(); ++k) {
        const HostOperation& o = call.on_call[k];
        const std::string where = at + "/on-call/" + std::to_string(k);
        const bool ends = o.kind == HostOp::kReturn || o.kind == HostOp::kBlock;
        require(ends == (k + 1 == call.on_call.size()), where,
                ends ? "return and block end a host function" : "must end with return or block");
        require(ends || o.kind == HostOp::kInvoke || o.kind == HostOp::kCallStack, where,
                "not something that a host function does");
        if (o.kind == HostOp::kInvoke) invoke(o, where);
        require(o.kind != HostOp::kReturn || o.args.size() <= 1, where + "/args", "at most one value");
      }
    }
  }

  void invoke(const HostOperation& o, const std::string& at) {
    require(o.function < s_.functions.size(), at + "/function", "no such function");
    const size_t wanted = s_.functions[o.function].type.params.size() - 1;
    require(o.args.size() == wanted, at + "/args", "there must be " + std::to_string(wanted));
    token_range(o.token, 1, at + "/token");
  }

  void program_step(const HostOperation& o, const std::string& at) {
    require(o.kind != HostOp::kReturn && o.kind != HostOp::kBlock, at, "only a host function does this");
    require(!o.swallow, at + "/swallow", "only inside a host function");
    if (o.kind == HostOp::kInvoke) invoke(o, at);
    if (o.kind == HostOp::kResolve) require(o.args.size() <= 1, at + "/args", "at most one value");
  }

  void aftermath_step(const HostOperation& o, const std::string& at) {
    require(o.kind == HostOp::kInvoke || o.kind == HostOp::kCallStack, at,
            "the aftermath knows invoke and call-stack only");
    require(!o.swallow, at + "/swallow", "only inside a host function");
    if (o.kind == HostOp::kInvoke) invoke(o, at);
  }

  void token_range(Token first, uint64_t count, const std::string& at) {
    require(first >= 1 && first + count - 1 <= kMaxToken, at, "not from 1 to " + std::to_string(kMaxToken));
    if (count > 0) ranges_.push_back({first, first + count - 1, at});
  }

  void tokens() {
    std::sort(ranges_.begin(), ranges_.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
    for (size_t i = 1; i < ranges_.size(); ++i)
      require(ranges_[i - 1].last < ranges_[i].first, ranges_[i].at,
              "token " + std::to_string(ranges_[i].first) + " is used twice");
  }

  struct Range {
    uint64_t first;
    uint64_t last;
    std::string at;
  };

  const Scenario& s_;
  const std::string place_;
  uint64_t operations_ = 0;
  std::vector<Range> ranges_;
};

}  // namespace

void validate(const Scenario& s, const std::string& place) { Validator(s, place).run(); }

}  // namespace lockstep::traces
