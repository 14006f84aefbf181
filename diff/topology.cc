#include "diff/topology.h"

#include <algorithm>
#include <utility>

namespace lockstep::diff {
namespace {

using traces::Canon;
using traces::Encoding;
using traces::Function;
using traces::FuncType;
using traces::Instance;
using traces::kNone;
using traces::Lift;
using traces::Op;
using traces::Scenario;
using traces::ValueType;

class Builder {
 public:
  Builder(Random& random, const TopologyOptions& options) : random_(random) {
    s_.recursion = random_.chance(options.recursion_percent);
  }

  Scenario build() {
    chain_ = random_.chance(14);
    sync_percent_ = random_.pick(std::to_array<uint32_t>({20, 45, 45, 70}));
    instances();
    host_functions();
    order_functions();
    for (uint32_t i = 0; i < s_.instances.size(); ++i) canons(i);
    return std::move(s_);
  }

 private:
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
      const uint32_t memories = random_.between(1, 2);
      inst.memories.resize(memories);
      s_.instances.push_back(inst);
    }
  }

  uint32_t depth(uint32_t i) const {
    uint32_t d = 0;
    for (; i != kNone; i = s_.instances[i].parent) ++d;
    return d;
  }

  FuncType type(bool async_) {
    FuncType t;
    t.async_ = async_;
    t.params.resize(random_.chance(70) ? 1 : random_.chance(70) ? random_.between(2, 4) : random_.between(5, 7));
    if (random_.chance(70)) t.result = ValueType{};
    return t;
  }

  void host_functions() {
    const uint32_t count = random_.between(1, 3);
    for (uint32_t i = 0; i < count; ++i) s_.host_functions.push_back({type(random_.chance(75))});
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
      f.type = type(!random_.chance(sync_percent_));
      if (f.type.async_) f.lift = static_cast<Lift>(random_.weighted(std::to_array<uint32_t>({25, 40, 35})));
      if (random_.chance(70)) f.memory = random_.below(static_cast<uint32_t>(s_.instances[i].memories.size()));
      if (random_.chance(15)) f.encoding = Encoding::kUtf16;
      f.post_return = f.lift == Lift::kSync && random_.chance(20);
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
      out.push_back(c);
      if (!both) break;
    }
  }

  void canons(uint32_t i) {
    std::vector<Canon> out;
    imports(out, i);
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
    if (random_.chance(50)) wrong.result = ValueType{};
    if (random_.chance(50)) wrong.memory = some_memory(i);
    if (random_.chance(30)) wrong.encoding = Encoding::kUtf16;
    add(wrong);
  }

  Random& random_;
  Scenario s_;
  bool chain_ = false;
  uint32_t sync_percent_ = 40;  // of functions whose type is not async
};

}  // namespace

Scenario random_topology(Random& random, const TopologyOptions& options) { return Builder(random, options).build(); }

}  // namespace lockstep::diff
