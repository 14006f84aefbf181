#include "diff/topology.h"

#include <algorithm>
#include <array>
#include <utility>

#include "diff/random_types.h"
#include "diff/registers.h"

namespace lockstep::diff {
namespace {

using traces::Canon;
using traces::Encoding;
using traces::Function;
using traces::FuncType;
using traces::IndexType;
using traces::Instance;
using traces::kNone;
using traces::Lift;
using traces::Op;
using traces::Scenario;
using traces::TableEntry;
using traces::ValueType;
using Kind = traces::ValueType::Kind;

bool pointers_in(const FuncType& t) { return std::any_of(t.params.begin(), t.params.end(), traces::has_pointers); }
bool pointers_out(const FuncType& t) { return t.result && traces::has_pointers(*t.result); }

bool has_string(const ValueType& t) {
  return t.kind == Kind::kString || std::any_of(t.children.begin(), t.children.end(), has_string);
}
bool has_string(const FuncType& t) {
  return (t.result && has_string(*t.result)) ||
         std::any_of(t.params.begin(), t.params.end(), [](const ValueType& p) { return has_string(p); });
}

class Builder {
 public:
  Builder(Random& random, const TopologyOptions& options) : random_(random) {
    s_.recursion = random_.chance(options.recursion_percent);
    async_functions_ = options.async_functions;
    post_returns_ = options.post_returns;
    features_ = options.features;
  }

  Scenario build() {
    chain_ = random_.chance(14);
    sync_percent_ = random_.pick(std::to_array<uint32_t>({20, 45, 45, 70}));
    some_features();
    if (has(kStreams | kFutures | kThreads) && random_.chance(60))
      sync_percent_ = random_.pick(std::to_array<uint32_t>({10, 30}));
    instances();
    resources();
    types_.emplace(random_, features_, s_.resources);
    host_functions();
    order_functions();
    for (uint32_t i = 0; i < s_.instances.size(); ++i) canons(i);
    return std::move(s_);
  }

 private:
  // Swarm: a few features each case, so that cases stay focused.
  void some_features() {
    struct Weighted {
      Feature feature;
      uint32_t percent;
    };
    static constexpr std::array kPercent = {
        Weighted{kValues, 55},    Weighted{kStreams, 50},    Weighted{kFutures, 40},
        Weighted{kResources, 48}, Weighted{kThreads, 35},    Weighted{kErrorContexts, 20},
        Weighted{kMemory64, 20},  Weighted{kSmallTables, 8}, Weighted{kStartFunctions, 16}};
    uint32_t chosen = 0;
    // Some cases, and most chains, are about tasks alone.
    if (!random_.chance(chain_ ? 70 : 25))
      for (const Weighted& w : kPercent)
        if (random_.chance(w.percent)) chosen |= w.feature;
    // Start functions run in the order in which instances are made, which calls up and down a tree do not keep.
    if (s_.recursion) chosen &= ~uint32_t{kStartFunctions};
    features_ &= chosen;
    if (has(kSmallTables)) s_.table_limit = random_.between(3, 12);
  }
  bool has(uint32_t features) const { return (features_ & features) != 0; }

  void instances() {
    // A chain needs one instance a link; else a few, so that they meet again and again.
    const uint32_t count = chain_ ? random_.between(8, 11) : random_.between(2, 6);
    const uint32_t roots = chain_ ? random_.between(1, 2) : random_.between(1, 3);
    for (uint32_t i = 0; i < count; ++i) {
      Instance inst;
      // An ancestor cannot be called, so a chain runs from root to root and between siblings.
      if (i >= roots && !random_.chance(chain_ ? 70 : 15)) {
        uint32_t parent = random_.below(i);
        // Trees three deep are deep enough.
        while (depth(parent) >= 3) parent = s_.instances[parent].parent;
        inst.parent = parent;
      }
      // Mostly one: each is 64 KiB that are looked through at the end.
      inst.memories.resize(1 + random_.weighted(std::to_array<uint32_t>({60, 30, features_ != 0 ? 10u : 0u})));
      if (has(kMemory64))
        for (traces::Memory& m : inst.memories)
          if (random_.chance(45)) m.index_type = IndexType::kI64;
      if (has(kThreads)) tables(inst);
      inst.start = has(kStartFunctions) && random_.chance(40);
      inst.registers = features_ != 0 ? kManyRegisters : kFewRegisters;
      s_.instances.push_back(inst);
    }
  }

  void tables(Instance& inst) {
    const uint32_t count = random_.between(1, 2);
    for (uint32_t t = 0; t < count; ++t) {
      std::vector<TableEntry>& table = inst.tables.emplace_back(random_.between(2, 5));
      for (TableEntry& e : table) e = static_cast<TableEntry>(random_.weighted(std::to_array<uint32_t>({20, 55, 25})));
      table[random_.below(static_cast<uint32_t>(table.size()))] = TableEntry::kI32;
    }
  }

  void resources() {
    if (!has(kResources)) return;
    const uint32_t count = random_.between(1, 3);
    for (uint32_t r = 0; r < count; ++r) {
      const uint32_t instance = random_.below(static_cast<uint32_t>(s_.instances.size()));
      s_.resources.push_back({instance, random_.chance(70)});
    }
  }

  uint32_t depth(uint32_t i) const {
    uint32_t d = 0;
    for (; i != kNone; i = s_.instances[i].parent) ++d;
    return d;
  }

  void host_functions() {
    const uint32_t count = random_.between(1, 3);
    for (uint32_t i = 0; i < count; ++i) {
      const bool async_ = random_.chance(75) && async_functions_;
      FuncType t = types_->function(async_, kNone);
      s_.host_functions.push_back({std::move(t)});
    }
  }

  // Depth first: the functions of a subtree stand together, those of its root before, between or after its children's.
  void order_functions() {
    for (uint32_t i = 0; i < s_.instances.size(); ++i)
      if (s_.instances[i].parent == kNone) subtree(i);
  }

  void subtree(uint32_t i) {
    std::vector<uint32_t> children;
    for (uint32_t c = i + 1; c < s_.instances.size(); ++c)
      if (s_.instances[c].parent == i) children.push_back(c);
    const uint32_t own = random_.below(static_cast<uint32_t>(children.size()) + 1);
    for (uint32_t k = 0; k <= children.size(); ++k) {
      if (k == own) functions(i);
      if (k < children.size()) subtree(children[k]);
    }
  }

  void functions(uint32_t i) {
    const uint32_t count = chain_ ? random_.between(1, 2) : random_.between(1, 3);
    for (uint32_t k = 0; k < count; ++k) {
      Function f;
      f.instance = i;
      const bool async_ = !random_.chance(sync_percent_) && async_functions_;
      f.type = types_->function(async_, i);
      if (f.type.async_) f.lift = static_cast<Lift>(random_.weighted(std::to_array<uint32_t>({25, 40, 35})));
      const bool allocates = pointers_in(f.type) || traces::params_in_memory(f.type);
      const size_t results = f.type.result ? traces::flatten(*f.type.result, IndexType::kI32).size() : 0;
      const bool in_memory = results > (f.lift == Lift::kSync ? traces::kMaxFlatResults : traces::kMaxFlatParams);
      if (allocates || in_memory || pointers_out(f.type) || random_.chance(70)) f.memory = some_memory(i);
      f.realloc = allocates;
      if (random_.chance(15) && !has_string(f.type)) f.encoding = Encoding::kUtf16;
      f.post_return = f.lift == Lift::kSync && random_.chance(features_ != 0 ? 35 : 20) && post_returns_;
      s_.functions.push_back(f);
    }
  }

  bool is_ancestor(uint32_t a, uint32_t i) const {  // or the same
    for (; i != kNone; i = s_.instances[i].parent)
      if (i == a) return true;
    return false;
  }

  uint32_t first_function(uint32_t i) const {
    for (uint32_t f = 0; f < s_.functions.size(); ++f)
      if (s_.functions[f].instance == i) return f;
    return kNone;
  }

  uint32_t some_memory(uint32_t i) { return random_.below(static_cast<uint32_t>(s_.instances[i].memories.size())); }

  void add_call(std::vector<Canon>& out, uint32_t i, traces::Callee callee, const FuncType& t) {
    const bool both = t.async_ && random_.chance(60);
    const bool async_first = t.async_ && random_.chance(70);
    for (const bool async_ : {async_first, !async_first}) {
      Canon c;
      c.kind = Op::kCall;
      c.callee = callee;
      c.async_ = async_;
      c.memory = some_memory(i);
      c.realloc = pointers_out(t);
      out.push_back(c);
      if (!both) break;
    }
  }

  void canons(uint32_t i) {
    std::vector<Canon> out;
    out.reserve(96);  // usually enough, and moving one is not cheap
    imports(out, i);
    const IndexType slots = has(kMemory64) && random_.chance(60) ? IndexType::kI64 : IndexType::kI32;
    for (const bool on : {false, true}) {
      Canon c;
      c.cancellable = on;
      c.memory = some_memory(i);
      c.kind = Op::kWaitableSetWait;
      out.push_back(c);
      c.memory = some_memory(i);
      c.kind = Op::kWaitableSetPoll;
      out.push_back(c);
      Canon y;
      y.kind = Op::kThreadYield;
      y.cancellable = on;
      out.push_back(y);
      Canon cancel;
      cancel.kind = Op::kSubtaskCancel;
      cancel.async_ = on;
      out.push_back(cancel);
      Canon slot;
      slot.kind = Op::kContextGet;
      slot.slot = on ? 1 : 0;
      slot.index = slots;
      out.push_back(slot);
      slot.kind = Op::kContextSet;
      out.push_back(slot);
    }
    for (const Op kind : {Op::kBackpressureInc, Op::kBackpressureDec, Op::kTaskCancel, Op::kWaitableSetNew,
                          Op::kWaitableSetDrop, Op::kWaitableJoin, Op::kSubtaskDrop, Op::kThreadIndex}) {
      Canon c;
      c.kind = kind;
      out.push_back(c);
    }
    returns(out, i);
    for (const ValueType& t : types_->streams()) ends(out, i, t, Op::kStreamNew);
    for (const ValueType& t : types_->futures()) ends(out, i, t, Op::kFutureNew);
    resource_canons(out, i);
    if (has(kThreads)) threads(out, i);
    if (has(kErrorContexts)) error_contexts(out, i);
    for (size_t k = out.size(); k > 1; --k) std::swap(out[k - 1], out[random_.below(static_cast<uint32_t>(k))]);
    s_.instances[i].canons = std::move(out);
  }

  void imports(std::vector<Canon>& out, uint32_t i) {
    std::vector<uint32_t> eligible;
    for (uint32_t f = 0; f < s_.functions.size(); ++f) {
      const uint32_t callee = s_.functions[f].instance;
      const bool related = is_ancestor(callee, i) || is_ancestor(i, callee);
      if (related ? s_.recursion : f < first_function(i)) eligible.push_back(f);
    }
    // The nearest first: chains.
    std::reverse(eligible.begin(), eligible.end());
    const uint32_t wanted = std::min(static_cast<uint32_t>(eligible.size()), random_.between(1, 4));
    for (uint32_t k = 0; k < wanted; ++k) {
      const uint32_t at = chain_ ? k : random_.below(static_cast<uint32_t>(eligible.size()));
      add_call(out, i, {eligible[at], kNone}, s_.functions[eligible[at]].type);
      if (!chain_) eligible.erase(eligible.begin() + at);
    }
    for (uint32_t h = 0; h < s_.host_functions.size(); ++h)
      if (random_.chance(60)) add_call(out, i, {kNone, h}, s_.host_functions[h].type);
  }

  // All of a stream or future type; `first` is its `new`, the others follow in the order of Op.
  void ends(std::vector<Canon>& out, uint32_t i, const ValueType& type, Op first) {
    const ValueType& element = type.children[0];
    const auto kind = [&](Op stream) {
      return static_cast<Op>(static_cast<size_t>(first) + static_cast<size_t>(stream) -
                             static_cast<size_t>(Op::kStreamNew));
    };
    const auto canon = [&](Op stream) {
      Canon c;
      c.kind = kind(stream);
      c.element = element;
      return c;
    };
    out.push_back(canon(Op::kStreamNew));
    out.push_back(canon(Op::kStreamDropReadable));
    out.push_back(canon(Op::kStreamDropWritable));
    for (const bool async_ : {false, true}) {
      for (const Op op : {Op::kStreamRead, Op::kStreamWrite}) {
        Canon c = canon(op);
        c.async_ = async_;
        if (element.kind != Kind::kNone || random_.chance(30)) c.memory = some_memory(i);
        c.realloc = op == Op::kStreamRead && traces::has_pointers(element);
        out.push_back(c);
      }
      for (const Op op : {Op::kStreamCancelRead, Op::kStreamCancelWrite}) {
        Canon c = canon(op);
        c.async_ = async_;
        out.push_back(c);
      }
    }
  }

  void resource_canons(std::vector<Canon>& out, uint32_t i) {
    for (uint32_t r = 0; r < s_.resources.size(); ++r) {
      Canon c;
      c.resource = r;
      c.kind = Op::kResourceDrop;
      out.push_back(c);
      if (s_.resources[r].instance != i) continue;
      c.kind = Op::kResourceNew;
      out.push_back(c);
      c.kind = Op::kResourceRep;
      out.push_back(c);
    }
  }

  void threads(std::vector<Canon>& out, uint32_t i) {
    Canon c;
    c.kind = Op::kThreadNewIndirect;
    for (c.table = 0; c.table < s_.instances[i].tables.size(); ++c.table) {
      for (const IndexType index : {IndexType::kI32, IndexType::kI64}) {
        c.index = index;
        if (index == IndexType::kI32 || random_.chance(50)) out.push_back(c);
      }
    }
    c = Canon();
    c.kind = Op::kThreadResumeLater;
    out.push_back(c);
    for (const Op kind : {Op::kThreadSuspend, Op::kThreadSuspendThenResume, Op::kThreadYieldThenResume,
                          Op::kThreadSuspendThenPromote, Op::kThreadYieldThenPromote}) {
      c.kind = kind;
      for (const bool cancellable : {false, true}) {
        c.cancellable = cancellable;
        out.push_back(c);
      }
    }
  }

  void error_contexts(std::vector<Canon>& out, uint32_t i) {
    for (uint32_t n = random_.between(1, 2); n > 0; --n) {
      Canon c;
      c.kind = Op::kErrorContextNew;
      c.memory = some_memory(i);
      out.push_back(c);
      c.kind = Op::kErrorContextDebugMessage;
      c.memory = some_memory(i);
      c.realloc = true;
      out.push_back(c);
    }
    Canon c;
    c.kind = Op::kErrorContextDrop;
    out.push_back(c);
  }

  // For each async-lifted function its task.return; and some with another type or other options, that trap.
  void returns(std::vector<Canon>& out, uint32_t i) {
    const auto add = [&](const Canon& c) {
      if (std::find(out.begin(), out.end(), c) == out.end()) out.push_back(c);
    };
    for (const Function& f : s_.functions) {
      if (f.instance != i || f.lift == Lift::kSync) continue;
      Canon c;
      c.kind = Op::kTaskReturn;
      c.result = f.type.result;
      c.memory = f.memory;
      c.encoding = f.encoding;
      add(c);
    }
    Canon wrong;
    wrong.kind = Op::kTaskReturn;
    if (random_.chance(50)) wrong.result = has(kValues) && random_.chance(50) ? ValueType(Kind::kU64) : ValueType{};
    if (random_.chance(50)) wrong.memory = some_memory(i);
    if (random_.chance(30)) wrong.encoding = Encoding::kUtf16;
    add(wrong);
  }

  Random& random_;
  Scenario s_;
  uint32_t features_ = 0;  // of this case
  std::optional<RandomTypes> types_;
  bool async_functions_ = true;
  bool post_returns_ = true;
  bool chain_ = false;
  uint32_t sync_percent_ = 40;  // of functions whose type is not async
};

}  // namespace

Scenario random_topology(Random& random, const TopologyOptions& options) { return Builder(random, options).build(); }

}  // namespace lockstep::diff
