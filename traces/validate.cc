// The rules of a valid scenario, in the order in which a scenario is written.
#include "traces/validate.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace lockstep::traces {

bool has(Op kind, CanonField field) {
  const bool context = kind == Op::kContextGet || kind == Op::kContextSet;
  const bool waits = kind == Op::kWaitableSetWait || kind == Op::kWaitableSetPoll;
  const bool reads = kind == Op::kStreamRead || kind == Op::kFutureRead;
  const bool writes = kind == Op::kStreamWrite || kind == Op::kFutureWrite;
  const bool cancels_copy = kind == Op::kStreamCancelRead || kind == Op::kStreamCancelWrite ||
                            kind == Op::kFutureCancelRead || kind == Op::kFutureCancelWrite;
  const bool debug_message = kind == Op::kErrorContextDebugMessage;
  const bool lifts_or_lowers =
      kind == Op::kCall || kind == Op::kTaskReturn || reads || writes || debug_message || kind == Op::kErrorContextNew;
  switch (field) {
    case CanonField::kCallee:
      return kind == Op::kCall;
    case CanonField::kAsync:
      return kind == Op::kCall || kind == Op::kSubtaskCancel || reads || writes || cancels_copy;
    case CanonField::kCancellable:
      return waits || kind == Op::kThreadYield || kind == Op::kThreadSuspend ||
             (kind >= Op::kThreadSuspendThenResume && kind <= Op::kThreadYieldThenPromote);
    case CanonField::kSlot:
      return context;
    case CanonField::kIndex:
      return context || kind == Op::kThreadNewIndirect;
    case CanonField::kResult:
      return kind == Op::kTaskReturn;
    case CanonField::kElement:
      return is_stream_or_future(kind);
    case CanonField::kResource:
      return kind == Op::kResourceNew || kind == Op::kResourceRep || kind == Op::kResourceDrop;
    case CanonField::kTable:
      return kind == Op::kThreadNewIndirect;
    case CanonField::kMemory:
      return lifts_or_lowers || waits;
    case CanonField::kEncoding:
      return lifts_or_lowers;
    case CanonField::kRealloc:
      return kind == Op::kCall || reads || debug_message;
  }
  return false;
}

namespace {

using Kind = ValueType::Kind;

// Strings that are lifted or lowered with it: what a stream or future carries is not.
bool has_string(const ValueType& t) {
  if (t.kind == Kind::kStream || t.kind == Kind::kFuture) return false;
  return t.kind == Kind::kString || std::any_of(t.children.begin(), t.children.end(), has_string);
}
bool has_string(const FuncType& t) {
  return std::any_of(t.params.begin(), t.params.end(), [](const ValueType& p) { return has_string(p); }) ||
         (t.result && has_string(*t.result));
}
bool params_have_pointers(const FuncType& t) { return std::any_of(t.params.begin(), t.params.end(), has_pointers); }
bool result_has_pointers(const FuncType& t) { return t.result && has_pointers(*t.result); }

template <typename F>
void for_each_end(const Value& v, const ValueType& t, F&& f) {
  if (v.kind == Value::Kind::kEnd) f(v, t);
  for (size_t i = 0; i < v.children.size(); ++i) {
    const size_t child = t.kind == Kind::kList || t.kind == Kind::kOption ? 0
                         : v.kind == Value::Kind::kCase                   ? v.index
                                                                          : i;
    for_each_end(v.children[i], t.children[child], f);
  }
}

bool has_end(const Value& v) {
  return v.kind == Value::Kind::kEnd || std::any_of(v.children.begin(), v.children.end(), has_end);
}

// Strings and lists beyond the limits.
bool is_too_large(const Value& v) {
  return v.text.size() > kMaxStringBytes || v.children.size() > kMaxElements ||
         std::any_of(v.children.begin(), v.children.end(), is_too_large);
}

class Validator {
 public:
  Validator(const Scenario& s, const std::string& place) : s_(s), place_(place) {}

  void run() {
    require(s_.table_limit >= 1 && s_.table_limit < 1u << 28, "/table-limit", "not from 1 to 268435455");
    instances();
    resources();
    functions();
    host_functions();
    canons();
    new_ends();
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
        require(inst.memories[m].pages >= 1 && inst.memories[m].pages <= kMaxPages, where + "/pages",
                "not from 1 to " + std::to_string(kMaxPages));
      }
      require(inst.tables.size() <= kMaxTables, at + "/tables", "more than " + std::to_string(kMaxTables));
      for (size_t t = 0; t < inst.tables.size(); ++t)
        require(inst.tables[t].size() <= kMaxTableEntries, at + "/tables/" + std::to_string(t),
                "more than " + std::to_string(kMaxTableEntries) + " entries");
    }
  }

  void resources() {
    require(s_.resources.size() <= kMaxResources, "/resources", "more than " + std::to_string(kMaxResources));
    for (size_t i = 0; i < s_.resources.size(); ++i)
      require(s_.resources[i].instance < s_.instances.size(), "/resources/" + std::to_string(i) + "/instance",
              "no such instance");
  }

  bool is_ancestor(uint32_t a, uint32_t i) const {  // or the same
    for (; i != kNone; i = s_.instances[i].parent)
      if (i == a) return true;
    return false;
  }

  // What must not stand in a value type.
  struct Forbidden {
    bool borrow = false;
    const char* where = "";
  };

  void value_type(const ValueType& t, Forbidden forbidden, const std::string& at, size_t depth = 1) {
    require(depth <= kMaxNesting, at, "value types are nested deeper than " + std::to_string(kMaxNesting) + " levels");
    const size_t children = t.children.size();
    bool none = false;  // a child may be
    bool arity = false;
    switch (t.kind) {
      case Kind::kNone:
        fail(at, "no type");
      case Kind::kList:
      case Kind::kOption:
        arity = children == 1;
        break;
      case Kind::kTuple:
      case Kind::kRecord:
        arity = children >= 1 && children <= kMaxFields;
        break;
      case Kind::kVariant:
        none = true;
        arity = children >= 1 && children <= kMaxFields;
        break;
      case Kind::kResult:
        none = true;
        arity = children == 2;
        break;
      case Kind::kStream:
      case Kind::kFuture:
        none = true;
        arity = children == 1;
        forbidden = {true, "in the element of a stream or future"};
        break;
      case Kind::kOwn:
      case Kind::kBorrow:
        arity = children == 0;
        require(t.resource < s_.resources.size(), at, "no such resource");
        require(t.kind == Kind::kOwn || !forbidden.borrow, at, std::string("a borrow cannot stand ") + forbidden.where);
        break;
      default:
        arity = children == 0;
        break;
    }
    require(arity, at, "a type with another number of types inside");
    for (const ValueType& child : t.children)
      if (child.kind != Kind::kNone || !none) value_type(child, forbidden, at, depth + 1);
  }

  // An element of a stream or future, or none.
  void element(const ValueType& t, const std::string& at) {
    if (t.kind == Kind::kNone) return;
    value_type(t, {true, "in the element of a stream or future"}, at, 2);
  }

  void result_type(const std::optional<ValueType>& t, const std::string& at) {
    if (!t) return;
    value_type(*t, {true, "in a result"}, at);
  }

  void type(const FuncType& t, const std::string& at) {
    require(!t.params.empty() && t.params[0] == ValueType(), at + "/params",
            "the first parameter, the token (\"u32\"), is missing");
    require(t.params.size() <= kMaxParams, at + "/params", "more than " + std::to_string(kMaxParams));
    for (size_t i = 0; i < t.params.size(); ++i) {
      const std::string where = at + "/params/" + std::to_string(i);
      value_type(t.params[i], {}, where);
    }
    result_type(t.result, at + "/result");
  }

  void encoding(Encoding e, bool strings, const std::string& at) {
    require(!strings || e == Encoding::kUtf8, at,
            "strings in " + std::string(name(e)) + " are not implemented by this version");
  }

  void realloc(bool present, uint32_t memory, bool needed, const std::string& at) {
    require(present || !needed, at, "missing, but needed here");
    require(!present || memory != kNone, at, "needs a memory");
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
      lifted_options(f, at);
      if (f.lift != Lift::kSync)
        require(default_return(f), at,
                "its instance has no task.return canon with the same result, memory and encoding");
    }
  }

  void lifted_options(const Function& f, const std::string& at) {
    const IndexType pointers = IndexType::kI32;  // how many there are does not depend on it
    const size_t results = f.type.result ? flatten(*f.type.result, pointers).size() : 0;
    const bool result_in_memory = results > (f.lift == Lift::kSync ? kMaxFlatResults : kMaxFlatParams);
    const bool allocates = params_have_pointers(f.type) || params_in_memory(f.type);
    memory(f.memory, f.instance, at + "/memory", allocates || result_has_pointers(f.type) || result_in_memory);
    realloc(f.realloc, f.memory, allocates, at + "/realloc");
    encoding(f.encoding, has_string(f.type), at + "/encoding");
  }

  bool default_return(const Function& f) const {
    const auto& canons = s_.instances[f.instance].canons;
    return std::any_of(canons.begin(), canons.end(), [&](const Canon& c) { return returns_for(c, f); });
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
    for (size_t i = 0; i < s_.host_functions.size(); ++i) {
      const std::string at = "/host-functions/" + std::to_string(i) + "/type";
      const FuncType& t = s_.host_functions[i].type;
      type(t, at);
      // It is what a host function without a script returns.
      require(!t.result || !has_end(zero_of(*t.result)), at + "/result",
              "each value of it has an end of a stream or future, which the host may not have");
    }
  }

  void canons() {
    for (uint32_t i = 0; i < s_.instances.size(); ++i) {
      context_index_ = std::nullopt;
      for (size_t k = 0; k < s_.instances[i].canons.size(); ++k)
        canon(s_.instances[i].canons[k], i, "/instances/" + std::to_string(i) + "/canons/" + std::to_string(k));
    }
  }

  // Fields that its kind does not have. (A reader refuses them by name.)
  void canon_fields(const Canon& c, const std::string& at) {
    const Canon none;
    const auto only = [&](CanonField field, bool is_default) {
      require(has(c.kind, field) || is_default, at,
              "a field that a " + std::string(name(c.kind)) + " canon does not have");
    };
    only(CanonField::kCallee, c.callee == none.callee);
    only(CanonField::kAsync, !c.async_);
    only(CanonField::kCancellable, !c.cancellable);
    only(CanonField::kSlot, c.slot == none.slot);
    only(CanonField::kIndex, c.index == none.index);
    only(CanonField::kResult, !c.result);
    only(CanonField::kElement, c.element == none.element);
    only(CanonField::kResource, c.resource == kNone);
    only(CanonField::kTable, c.table == kNone);
    only(CanonField::kMemory, c.memory == kNone);
    only(CanonField::kEncoding, c.encoding == none.encoding);
    only(CanonField::kRealloc, !c.realloc);
  }

  void canon(const Canon& c, uint32_t instance, const std::string& at) {
    canon_fields(c, at);
    const Instance& inst = s_.instances[instance];
    const std::string memory_at = at + "/memory";
    const std::string realloc_at = at + "/realloc";
    const std::string encoding_at = at + "/encoding";
    switch (c.kind) {
      case Op::kCall: {
        require((c.callee.function == kNone) != (c.callee.host_function == kNone), at,
                "a call names a function or a host-function");
        if (c.callee.function != kNone)
          import(c.callee.function, instance, at + "/function");
        else
          require(c.callee.host_function < s_.host_functions.size(), at + "/host-function", "no such host function");
        const FuncType& t = callee_type(s_, c.callee);
        require(!c.async_ || t.async_, at + "/async", "only a function whose type is async can be lowered async");
        const CallShape shape = lowered_shape(t, c.async_, IndexType::kI32);
        memory(c.memory, instance, memory_at,
               shape.params_in_memory || shape.result_area || params_have_pointers(t) || result_has_pointers(t));
        realloc(c.realloc, c.memory, result_has_pointers(t), realloc_at);
        encoding(c.encoding, has_string(t), encoding_at);
        break;
      }
      case Op::kContextGet:
      case Op::kContextSet:
        require(c.slot < 2, at + "/slot", "not 0 or 1");
        require(!context_index_ || context_index_ == c.index, at + "/index",
                "all context canons of an instance have the same");
        context_index_ = c.index;
        break;
      case Op::kTaskReturn:
        result_type(c.result, at + "/result");
        memory(c.memory, instance, memory_at,
               c.result && (has_pointers(*c.result) || flatten(*c.result, IndexType::kI32).size() > kMaxFlatParams));
        encoding(c.encoding, c.result && has_string(*c.result), encoding_at);
        break;
      case Op::kWaitableSetWait:
      case Op::kWaitableSetPoll:
        memory(c.memory, instance, memory_at, true);
        break;
      case Op::kResourceNew:
      case Op::kResourceRep:
      case Op::kResourceDrop:
        require(c.resource < s_.resources.size(), at + "/resource", "no such resource");
        require(c.kind == Op::kResourceDrop || s_.resources[c.resource].instance == instance, at + "/resource",
                "only the instance that defines it has " + std::string(name(c.kind)));
        break;
      case Op::kThreadNewIndirect:
        require(c.table < inst.tables.size(), at + "/table",
                "instance " + std::to_string(instance) + " has no such table");
        break;
      case Op::kErrorContextNew:
      case Op::kErrorContextDebugMessage:
        memory(c.memory, instance, memory_at, true);
        realloc(c.realloc, c.memory, c.kind == Op::kErrorContextDebugMessage, realloc_at);
        encoding(c.encoding, true, encoding_at);
        break;
      default:
        break;
    }
    if (is_stream_or_future(c.kind)) {
      element(c.element, at + "/element");
      const bool reads = has(c.kind, CanonField::kRealloc);
      if (has(c.kind, CanonField::kMemory)) memory(c.memory, instance, memory_at, c.element.kind != Kind::kNone);
      realloc(c.realloc, c.memory, reads && has_pointers(c.element), realloc_at);
      encoding(c.encoding, has_string(c.element) && has(c.kind, CanonField::kEncoding), encoding_at);
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
    // Start functions run as instances are made: roots in order, children before their parent.
    if (s_.instances[instance].start || s_.instances[callee].start)
      require(is_made_before(callee, instance), at,
              "an instance with a start function, and what it imports, must stand in the order in which they are made");
  }

  bool is_made_before(uint32_t a, uint32_t b) const {
    std::vector<uint32_t> a_path, b_path;  // to the root
    for (uint32_t i = a; i != kNone; i = s_.instances[i].parent) a_path.push_back(i);
    for (uint32_t i = b; i != kNone; i = s_.instances[i].parent) b_path.push_back(i);
    while (!a_path.empty() && !b_path.empty() && a_path.back() == b_path.back()) {
      a_path.pop_back();
      b_path.pop_back();
    }
    return !a_path.empty() && (b_path.empty() || a_path.back() < b_path.back());
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
        segment(script.segments[k], {k == 0 ? Context::kBody : Context::kCallback, f.instance, &f},
                at + "/segments/" + std::to_string(k), 0, 1);
    }
  }

  void entries() {
    std::set<std::tuple<Context, uint32_t, uint32_t>> seen;
    for (size_t i = 0; i < s_.entries.size(); ++i) {
      const EntryScript& e = s_.entries[i];
      const std::string at = "/entries/" + std::to_string(i);
      require(e.context != Context::kBody && e.context != Context::kCallback, at + "/context",
              "\"" + std::string(name(e.context)) + "\" is what scripts are for");
      require(e.instance < s_.instances.size(), at + "/instance", "no such instance");
      const Instance& inst = s_.instances[e.instance];
      if (e.context == Context::kPostReturn || e.context == Context::kRealloc)
        require(e.entry >= 1 && e.entry < 1u << 20, at + "/entry", "not from 1 to 1048575");
      if (e.context == Context::kStart) {
        require(inst.start, at + "/instance", "has no start function");
        require(e.entry == 1, at + "/entry", "a start function runs once: 1");
      }
      if (e.context == Context::kDestructor)
        require(has_destructor(e.instance), at + "/instance", "defines no resource with a destructor");
      if (e.context == Context::kThread) require(!inst.tables.empty(), at + "/instance", "has no table of functions");
      require(seen.emplace(e.context, e.instance, e.entry).second, at, "a second script for the same entry");
      segment(e.ops, {e.context, e.instance, nullptr}, at + "/ops", 0, 1);
      if (is_started(e.context)) started_[{e.context, e.instance}][e.entry] = i;
    }
    for (size_t i = 0; i < s_.entries.size(); ++i)
      if (is_started(s_.entries[i].context)) runs_of(i, 0);
    for (const Start& start : starts_)
      count_operations(start.rounds * started_by(*start.operation, start.instance, 0), start.at);
  }

  // By an operation, as often as that runs.
  static bool is_started(Context c) { return c == Context::kThread || c == Context::kDestructor; }

  bool has_destructor(uint32_t instance) const {
    return std::any_of(s_.resources.begin(), s_.resources.end(),
                       [&](const Resource& r) { return r.instance == instance && r.destructor; });
  }

  // ---- threads and destructors: scripts that one operation can start again and again

  // How many operations the thread or destructor script with this index runs, with all that it starts. None may start
  // itself.
  uint64_t runs_of(size_t entry, size_t depth) {
    const std::string at = "/entries/" + std::to_string(entry);
    require(depth < kMaxChain, at,
            "threads and destructors that start each other, deeper than " + std::to_string(kMaxChain));
    const auto [it, is_new] = runs_.try_emplace(entry, kBeingCounted);
    if (!is_new) {
      require(it->second != kBeingCounted, at, "a thread or destructor that can start itself again and again");
      return it->second;
    }
    const EntryScript& e = s_.entries[entry];
    const uint64_t runs = runs_of(e.ops, e.instance, at + "/ops", depth);
    runs_[entry] = runs;
    return runs;
  }

  uint64_t runs_of(const Segment& ops, uint32_t instance, const std::string& at, size_t depth) {
    uint64_t runs = 0;
    for (const Operation& o : ops) {
      const uint64_t once =
          o.kind == Op::kRepeat ? o.times * runs_of(o.body, instance, at, depth) : 1 + started_by(o, instance, depth);
      runs += once;
      require(once <= kMaxOperations && runs <= kMaxOperations, at,
              "the scenario runs more than " + std::to_string(kMaxOperations) + " operations");
    }
    return runs;
  }

  // The operations of the longest thread or destructor script that this operation can lead to.
  uint64_t started_by(const Operation& o, uint32_t instance, size_t depth) {
    if (o.kind != Op::kThreadNewIndirect && o.kind != Op::kResourceNew) return 0;
    const bool thread = o.kind == Op::kThreadNewIndirect;
    const Operand& key = o.args[thread ? 1 : 0];
    const auto& scripts = started_[{thread ? Context::kThread : Context::kDestructor, instance}];
    uint64_t most = 0;
    if (key.is_register) {
      for (const auto& [entry, script] : scripts) most = std::max(most, runs_of(script, depth + 1));
    } else if (const auto it = scripts.find(static_cast<uint32_t>(key.value)); it != scripts.end()) {
      most = runs_of(it->second, depth + 1);
    }
    return most;
  }

  // ---- operations

  // The code that they are in.
  struct Code {
    Context context;
    uint32_t instance;
    const Function* f;  // of a body or callback
  };

  void segment(const Segment& ops, const Code& code, const std::string& at, size_t depth, uint64_t rounds) {
    for (size_t i = 0; i < ops.size(); ++i) operation(ops[i], code, at + "/" + std::to_string(i), depth, rounds);
  }

  void operation(const Operation& o, const Code& code, const std::string& at, size_t depth, uint64_t rounds) {
    const uint32_t instance = code.instance;
    const Instance& inst = s_.instances[instance];
    count_operations(rounds, at);
    if (o.guard)
      require(!is_about_register(o.guard->kind) || o.guard->value < inst.registers, at + "/if",
              "register out of range");
    for (size_t a = 0; a < o.args.size(); ++a)
      require(!o.args[a].is_register || o.args[a].value < inst.registers, at + "/args/" + std::to_string(a),
              "register out of range");
    if (o.kind == Op::kRepeat) {
      require(depth < kMaxRepeatDepth, at, "repeats are nested deeper than " + std::to_string(kMaxRepeatDepth));
      require(o.args.empty() && o.to == kNone, at, "a repeat has times and a body only");
      require(rounds * o.times <= kMaxOperations, at,
              "the scenario runs more than " + std::to_string(kMaxOperations) + " operations");
      segment(o.body, code, at + "/body", depth + 1, rounds * o.times);
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
      token_range(o.token, rounds, at + "/token", c->callee.host_function);
    }
    if (o.kind == Op::kLoad || o.kind == Op::kStore)
      require(o.memory < inst.memories.size(), at + "/memory",
              "instance " + std::to_string(instance) + " has no such memory");
    operands(o, c, code, at);
    targets(o, inst, at);
    const bool callback_lift = code.f != nullptr && code.f->lift == Lift::kCallback;
    if (o.kind == Op::kReturn) require(!callback_lift, at, "a callback lift ends with exit, yield, wait or code");
    if (o.kind > Op::kReturn) require(callback_lift, at, "only a callback lift ends like this");
    if (!is_started(code.context) && (o.kind == Op::kThreadNewIndirect || o.kind == Op::kResourceNew))
      starts_.push_back({&o, instance, rounds, at});
  }

  void count_operations(uint64_t rounds, const std::string& at) {
    operations_ += rounds;
    require(operations_ <= kMaxOperations, at,
            "the scenario runs more than " + std::to_string(kMaxOperations) + " operations");
  }

  void targets(const Operation& o, const Instance& inst, const std::string& at) {
    constexpr Op kGiving[] = {Op::kCall,      Op::kContextGet, Op::kWaitableSetNew,    Op::kThreadIndex,
                              Op::kLoad,      Op::kParam,      Op::kResourceNew,       Op::kResourceRep,
                              Op::kStreamNew, Op::kFutureNew,  Op::kThreadNewIndirect, Op::kErrorContextNew};
    const bool has_to = std::find(std::begin(kGiving), std::end(kGiving), o.kind) != std::end(kGiving);
    require(o.to == kNone || (has_to && o.to < inst.registers), at + "/to",
            has_to ? "register out of range" : "this operation gives nothing");
    const bool has_also = o.kind == Op::kStreamNew || o.kind == Op::kFutureNew;
    require(o.also == kNone || (has_also && o.also < inst.registers), at + "/also",
            has_also ? "register out of range" : "this operation gives no second value");
  }

  void operands(const Operation& o, const Canon* c, const Code& code, const std::string& at) {
    const std::vector<CoreType> types = operand_types(o, c, code);
    require(
        types.size() <= kMaxOperands, at,
        "the parameters take " + std::to_string(types.size()) + " operands, more than " + std::to_string(kMaxOperands));
    require(o.args.size() == types.size(), at + "/args", "there must be " + std::to_string(types.size()));
    for (size_t a = 0; a < o.args.size(); ++a)
      require(o.args[a].is_register || types[a] == CoreType::kI64 || o.args[a].value <= 0xffff'ffff,
              at + "/args/" + std::to_string(a), "an i32 of more than 32 bits");
    if (o.kind == Op::kParam) {
      require(!o.args[0].is_register, at + "/args/0", "the number of a parameter is a literal");
      require(o.args[0].value < core_params(code), at + "/args/0", "this code has no such parameter");
    }
  }

  // How many core parameters the code gets.
  size_t core_params(const Code& code) const {
    switch (code.context) {
      case Context::kBody:
        return lifted_params(code.f->type, IndexType::kI32);
      case Context::kCallback:
        return 3;
      case Context::kRealloc:
        return 4;
      case Context::kPostReturn:  // if the function has a result; else it reads 0
      case Context::kDestructor:
      case Context::kThread:
        return 1;
      case Context::kStart:
        return 0;
    }
    return 0;
  }

  static CoreType core(IndexType t) { return t == IndexType::kI32 ? CoreType::kI32 : CoreType::kI64; }

  std::vector<CoreType> operand_types(const Operation& o, const Canon* c, const Code& code) const {
    const CoreType i32 = CoreType::kI32;
    const IndexType index = c != nullptr ? index_type(s_, code.instance, c->memory) : IndexType::kI32;
    const CoreType pointer = core(index);
    switch (o.kind) {
      case Op::kCall: {
        const FuncType& t = callee_type(s_, c->callee);
        const CallShape shape = lowered_shape(t, c->async_, index);
        std::vector<CoreType> types;
        if (shape.params_in_memory) {
          types.assign(shape.area_words - 1, i32);
          types.push_back(pointer);
        } else {
          types = flatten(t.params, index);
          types.erase(types.begin());
        }
        if (shape.result_area) types.push_back(pointer);
        return types;
      }
      case Op::kContextSet:
        return {core(c->index)};
      case Op::kTaskReturn:
        if (!c->result) return {};
        if (returned_values(c->result, index) == flatten(*c->result, index).size()) return flatten(*c->result, index);
        return {pointer};
      case Op::kWaitableSetDrop:
      case Op::kSubtaskCancel:
      case Op::kSubtaskDrop:
      case Op::kResourceNew:
      case Op::kResourceDrop:
      case Op::kResourceRep:
      case Op::kStreamCancelRead:
      case Op::kStreamCancelWrite:
      case Op::kStreamDropReadable:
      case Op::kStreamDropWritable:
      case Op::kFutureCancelRead:
      case Op::kFutureCancelWrite:
      case Op::kFutureDropReadable:
      case Op::kFutureDropWritable:
      case Op::kThreadResumeLater:
      case Op::kThreadSuspendThenResume:
      case Op::kThreadYieldThenResume:
      case Op::kThreadSuspendThenPromote:
      case Op::kThreadYieldThenPromote:
      case Op::kErrorContextDrop:
      case Op::kParam:
      case Op::kWait:
      case Op::kCode:
        return {i32};
      case Op::kWaitableJoin:
        return {i32, i32};
      case Op::kWaitableSetWait:
      case Op::kWaitableSetPoll:
      case Op::kFutureRead:
      case Op::kFutureWrite:
      case Op::kErrorContextDebugMessage:
        return {i32, pointer};
      case Op::kStreamRead:
      case Op::kStreamWrite:
        return {i32, pointer, pointer};
      case Op::kThreadNewIndirect:
        return {i32, core(c->index)};
      case Op::kErrorContextNew:
        return {pointer, pointer};
      case Op::kLoad:
        return {core(index_type(s_, code.instance, o.memory))};
      case Op::kStore:
        return {core(index_type(s_, code.instance, o.memory)), i32};
      case Op::kReturn:
        return returned_types(code);
      default:
        return {};
    }
  }

  std::vector<CoreType> returned_types(const Code& code) const {
    if (code.context == Context::kRealloc) {
      const std::vector<Memory>& memories = s_.instances[code.instance].memories;
      const bool wide = std::any_of(memories.begin(), memories.end(),
                                    [](const Memory& m) { return m.index_type == IndexType::kI64; });
      return {wide ? CoreType::kI64 : CoreType::kI32};
    }
    if (code.f == nullptr || code.f->lift != Lift::kSync || !code.f->type.result) return {};
    const IndexType index = index_type(s_, code.instance, code.f->memory);
    const std::vector<CoreType> flat = flatten(*code.f->type.result, index);
    return {flat.size() <= kMaxFlatResults ? flat[0] : core(index)};
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
        const bool is_end_operation = o.kind >= HostOp::kNewStream && o.kind <= HostOp::kDropEnd;
        require(ends || o.kind == HostOp::kInvoke || o.kind == HostOp::kCallStack || is_end_operation, where,
                "not something that a host function does");
        if (o.kind == HostOp::kInvoke) invoke(o, where);
        if (is_end_operation) end_operation(o, where);
        require(o.kind != HostOp::kReturn || o.args.size() <= 1, where + "/args", "at most one value");
        if (o.kind == HostOp::kReturn && !o.args.empty()) host_result(call.token, o.args[0], false, where + "/args/0");
      }
      if (call.on_cancel == OnCancel::kReturn) host_result(call.token, call.cancel_value, false, at + "/cancel-value");
    }
  }

  // A value that a host function gives to the call with this token.
  void host_result(Token token, const Value& v, bool may_have_ends, const std::string& at) {
    require(!is_too_large(v), at, "a string or list beyond the limits");
    require(may_have_ends || !has_end(v), at, "a host function gives an end by \"resolve\" only");
    // Which function it is: known from the guest's call.
    auto call = host_tokens_.upper_bound(token);
    if (call == host_tokens_.begin() || (--call)->second.first < token) return;
    const std::optional<ValueType>& t = s_.host_functions[call->second.second].type.result;
    if (t) value(v, *t, at);
  }

  void value(const Value& v, const ValueType& t, const std::string& at) {
    require(!is_too_large(v), at, "a string or list beyond the limits");
    require(is_value_of(v, t), at, "not a value of the type");
    for_each_end(v, t, [&](const Value& end, const ValueType& type) {
      require(end.end.task >= 1 && end.end.task <= kMaxToken, at, "the name of an end begins with a token");
      const auto made = new_ends_.find(end.end.task);
      require(made == new_ends_.end() || made->second == type, at, "an end of another type");
    });
  }

  // The streams and futures that the host makes, by token.
  void new_ends() {
    const auto add = [&](const std::vector<HostOperation>& ops) {
      for (const HostOperation& o : ops)
        if (o.kind == HostOp::kNewStream || o.kind == HostOp::kNewFuture)
          new_ends_.try_emplace(o.token,
                                ValueType(o.kind == HostOp::kNewStream ? Kind::kStream : Kind::kFuture, {o.element}));
    };
    add(s_.program);
    for (const HostCall& call : s_.host_calls) add(call.on_call);
  }

  void end_operation(const HostOperation& o, const std::string& at) {
    if (o.kind == HostOp::kNewStream || o.kind == HostOp::kNewFuture) {
      element(o.element, at + "/element");
      token_range(o.token, 1, at + "/token");
      return;
    }
    require(o.end.task >= 1 && o.end.task <= kMaxToken, at + "/end", "the name of an end begins with a token");
    if (o.kind == HostOp::kRead) {
      token_range(o.token, 1, at + "/token");
      require(o.count <= kMaxElements, at + "/count", "more than " + std::to_string(kMaxElements));
    }
    if (o.kind != HostOp::kWrite) return;
    require(o.args.size() <= kMaxElements, at + "/args", "more than " + std::to_string(kMaxElements));
    // The host holds no writable ends but those that it made.
    const auto made = new_ends_.find(o.end.task);
    if (made == new_ends_.end()) return;
    const ValueType& t = made->second.children[0];
    for (size_t i = 0; i < o.args.size(); ++i) {
      const std::string where = at + "/args/" + std::to_string(i);
      if (t.kind == Kind::kNone)
        require(o.args[i] == Value(0), where, "an element without a type is written as 0");
      else
        value(o.args[i], t, where);
    }
  }

  void invoke(const HostOperation& o, const std::string& at) {
    require(o.function < s_.functions.size(), at + "/function", "no such function");
    const std::vector<ValueType>& params = s_.functions[o.function].type.params;
    require(o.args.size() == params.size() - 1, at + "/args", "there must be " + std::to_string(params.size() - 1));
    for (size_t i = 0; i < o.args.size(); ++i) value(o.args[i], params[i + 1], at + "/args/" + std::to_string(i));
    token_range(o.token, 1, at + "/token");
  }

  void program_step(const HostOperation& o, const std::string& at) {
    require(o.kind != HostOp::kReturn && o.kind != HostOp::kBlock, at, "only a host function does this");
    require(o.kind != HostOp::kInstantiate, at, "only instances do this, by \"start\"");
    require(!o.swallow, at + "/swallow", "only inside a host function");
    if (o.kind == HostOp::kInvoke) invoke(o, at);
    if (o.kind >= HostOp::kNewStream && o.kind <= HostOp::kDropEnd) end_operation(o, at);
    if (o.kind != HostOp::kResolve) return;
    require(o.args.size() <= 1, at + "/args", "at most one value");
    if (!o.args.empty()) host_result(o.token, o.args[0], true, at + "/args/0");
  }

  void aftermath_step(const HostOperation& o, const std::string& at) {
    require(o.kind == HostOp::kInvoke || o.kind == HostOp::kCallStack, at,
            "the aftermath knows invoke and call-stack only");
    require(!o.swallow, at + "/swallow", "only inside a host function");
    if (o.kind == HostOp::kInvoke) invoke(o, at);
  }

  void token_range(Token first, uint64_t count, const std::string& at, uint32_t host_function = kNone) {
    require(first >= 1 && first + count - 1 <= kMaxToken, at, "not from 1 to " + std::to_string(kMaxToken));
    if (count == 0) return;
    ranges_.push_back({first, first + count - 1, at});
    if (host_function != kNone) host_tokens_[first] = {first + count - 1, host_function};
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
  // An operation that is not in the script of a thread or destructor.
  struct Start {
    const Operation* operation;
    uint32_t instance;
    uint64_t rounds;
    std::string at;
  };
  static constexpr uint64_t kBeingCounted = UINT64_MAX;

  const Scenario& s_;
  const std::string place_;
  uint64_t operations_ = 0;
  std::vector<Range> ranges_;
  // The calls of host functions: first token to last and function.
  std::map<uint64_t, std::pair<uint64_t, uint32_t>> host_tokens_;
  std::optional<IndexType> context_index_;  // of the instance at hand
  std::map<Token, ValueType> new_ends_;
  // Thread and destructor scripts (indices of entries) by instance and key, and what each runs.
  std::map<std::pair<Context, uint32_t>, std::map<uint32_t, size_t>> started_;
  std::map<size_t, uint64_t> runs_;
  std::vector<Start> starts_;
};

}  // namespace

void validate(const Scenario& s, const std::string& place) { Validator(s, place).run(); }

}  // namespace lockstep::traces
