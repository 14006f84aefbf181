#include "diff/shrink.h"

#include <algorithm>
#include <set>

#include "diff/report.h"
#include "diff/supervise.h"
#include "traces/files.h"
#include "traces/validate.h"

namespace lockstep::diff {

using traces::Canon;
using traces::kNone;
using traces::Op;
using traces::Operation;
using traces::Scenario;
using traces::Segment;

namespace {

// Applies f to every segment of a scenario.
template <typename F>
void for_each_segment(Scenario& s, F&& f) {
  for (traces::Script& script : s.scripts)
    for (Segment& segment : script.segments) f(segment);
  for (traces::EntryScript& e : s.entries) f(e.ops);
}

// The same with the instance whose code it is: f(instance, segment).
template <typename F>
void for_each_segment_in_instance(Scenario& s, F&& f) {
  for (traces::Script& script : s.scripts)
    for (Segment& segment : script.segments) f(s.functions[script.function].instance, segment);
  for (traces::EntryScript& e : s.entries) f(e.instance, e.ops);
}

template <typename F>
void for_each_operation(Segment& segment, F&& f) {
  for (Operation& o : segment) {
    f(o);
    for_each_operation(o.body, f);
  }
}

template <typename F>
void for_each_host_operation(Scenario& s, F&& f) {
  for (traces::HostOperation& o : s.program) f(o);
  for (traces::HostOperation& o : s.aftermath) f(o);
  for (traces::HostCall& c : s.host_calls)
    for (traces::HostOperation& o : c.on_call) f(o);
}

// Something in it is not as small as it could be.
bool is_large(const traces::Value& v) {
  return v.bits > 1 || v.text.size() > 1 || std::any_of(v.children.begin(), v.children.end(), is_large);
}
void make_small(traces::Value& v) {
  if (v.kind == traces::Value::Kind::kNegative) v.kind = traces::Value::Kind::kInteger;
  if (v.bits > 1) v.bits = 1;
  if (v.text.size() > 1) v.text = "a";
  for (traces::Value& c : v.children) make_small(c);
}

class Shrinker {
 public:
  Shrinker(const Case& failing, const Verdict& verdict, Contestant& engine, size_t max_attempts,
           const std::function<void(size_t, size_t)>& progress)
      : best_{failing, verdict, 0},
        engine_(engine),
        bucket_(verdict.bucket()),
        max_attempts_(max_attempts),
        progress_(progress) {}

  ShrinkResult run() {
    bool smaller = true;
    while (smaller && !over()) {
      smaller = false;
      smaller |= shrink_lists();
      smaller |= shortcut_invocations();
      smaller |= retarget_invocations();
      smaller |= shrink_operations();
      smaller |= simplify();
      smaller |= drop_parameters();
      smaller |= merge_segments();
      smaller |= shrink_choices();
      smaller |= shrink_topology();
      if (!smaller) smaller = delete_pairs();
    }
    return std::move(best_);
  }

 private:
  bool over() const {
    return best_.attempts >= max_attempts_ || interrupted || std::chrono::steady_clock::now() > deadline_;
  }

  // Keeps the candidate if it fails the same way.
  bool attempt(const Scenario& candidate, const std::vector<traces::TakenChoice>* choices = nullptr) {
    if (over()) return false;
    try {
      traces::validate(candidate);
    } catch (const traces::InputError&) {
      return false;
    }
    ++best_.attempts;
    Case c = run_reference(candidate, choices != nullptr ? *choices : best_.smallest.choices, /*lenient=*/true);
    Verdict v = engine_.judge_safely(c);
    if (!v.bad() || v.bucket() != bucket_) return false;
    best_.smallest = std::move(c);
    best_.verdict = std::move(v);
    if (progress_) progress_(best_.attempts, script_lines(best_.smallest.scenario));
    return true;
  }

  // Takes chunks out of the list that `list_of` finds in a scenario, halving their size down to one.
  template <typename F>
  bool shrink_list(F&& list_of) {
    bool any = false;
    size_t chunk = std::max<size_t>(list_of(best_.smallest.scenario).size() / 2, 1);
    while (true) {
      for (size_t end = list_of(best_.smallest.scenario).size(); end > 0;) {
        const size_t begin = end > chunk ? end - chunk : 0;
        Scenario candidate = best_.smallest.scenario;
        auto& list = list_of(candidate);
        list.erase(list.begin() + static_cast<ptrdiff_t>(begin), list.begin() + static_cast<ptrdiff_t>(end));
        any |= attempt(candidate);
        end = std::min(begin, list_of(best_.smallest.scenario).size());
      }
      if (chunk == 1) return any;
      chunk /= 2;
    }
  }

  bool shrink_lists() {
    bool any = shrink_list([](Scenario & s) -> auto& { return s.program; });
    any |= shrink_list([](Scenario & s) -> auto& { return s.aftermath; });
    any |= shrink_list([](Scenario & s) -> auto& { return s.scripts; });
    any |= shrink_list([](Scenario & s) -> auto& { return s.entries; });
    any |= shrink_list([](Scenario & s) -> auto& { return s.host_calls; });
    for (size_t i = 0; i < best_.smallest.scenario.scripts.size(); ++i)
      any |= shrink_list([i](Scenario & s) -> auto& { return s.scripts[i].segments; });
    for (size_t i = 0; i < best_.smallest.scenario.host_calls.size(); ++i)
      any |= shrink_list([i](Scenario & s) -> auto& { return s.host_calls[i].on_call; });
    return any;
  }

  // What a callback does is done where the segment before it ended.
  bool merge_segments() {
    bool any = false;
    for (size_t i = 0; i < best_.smallest.scenario.scripts.size(); ++i)
      for (size_t k = 0; k + 1 < best_.smallest.scenario.scripts[i].segments.size();) {
        Scenario candidate = best_.smallest.scenario;
        std::vector<Segment>& segments = candidate.scripts[i].segments;
        if (!segments[k].empty() && traces::ends_segment(segments[k].back().kind)) segments[k].pop_back();
        segments[k].insert(segments[k].end(), segments[k + 1].begin(), segments[k + 1].end());
        segments.erase(segments.begin() + static_cast<ptrdiff_t>(k) + 1);
        if (attempt(candidate))
          any = true;
        else
          ++k;
      }
    return any;
  }

  // Two lines that need each other go together. Only when few are left, since there are many pairs.
  bool delete_pairs() {
    constexpr size_t kFew = 24;
    const size_t lines = count_lines(best_.smallest.scenario);
    if (lines > kFew) return false;
    for (size_t i = 0; i < lines; ++i)
      for (size_t j = i + 1; j < lines; ++j) {
        Scenario candidate = best_.smallest.scenario;
        delete_line(candidate, j);
        delete_line(candidate, i);
        if (attempt(candidate)) return true;
      }
    return false;
  }

  // Lines are operations of segments (loops whole), of the program and of host functions.
  template <typename F>
  static void for_each_list(Scenario& s, F&& f) {
    for_each_segment(s, f);
    f(s.program);
    f(s.aftermath);
    for (traces::HostCall& c : s.host_calls) f(c.on_call);
  }
  static size_t count_lines(Scenario s) {
    size_t n = 0;
    for_each_list(s, [&](auto& list) { n += list.size(); });
    return n;
  }
  static void delete_line(Scenario& s, size_t line) {
    bool found = false;
    for_each_list(s, [&](auto& list) {
      if (found) return;
      found = line < list.size();
      if (found)
        list.erase(list.begin() + static_cast<ptrdiff_t>(line));
      else
        line -= list.size();
    });
  }

  // The host makes a call itself that a guest made so far: everything that led to it may go.
  bool shortcut_invocations() {
    bool any = false;
    for (size_t i = 0; i < best_.smallest.scenario.program.size(); ++i)
      for (size_t k = 0; k < best_.smallest.scenario.scripts.size(); ++k) {
        Scenario candidate = best_.smallest.scenario;
        const traces::Script& script = candidate.scripts[k];
        traces::HostOperation& o = candidate.program[i];
        const traces::Token token = script.token;
        if (o.kind != traces::HostOp::kInvoke || o.token == token) continue;
        invoke(candidate, o, script.function, token);
        for_each_segment(candidate, [&](Segment& segment) { erase_call(segment, token); });
        any |= attempt(candidate);
      }
    return any;
  }

  static void erase_call(Segment& segment, traces::Token token) {
    std::erase_if(segment, [&](const Operation& o) { return o.kind == Op::kCall && o.token == token; });
    for (Operation& o : segment) erase_call(o.body, token);
  }

  // A call of the host without a script may as well go to another function. Functions further in have lower numbers,
  // and it takes less to get there.
  bool retarget_invocations() {
    return change_each([](Scenario& s, auto&& visit) {
      for_each_host_operation(s, [&](traces::HostOperation& o) {
        if (o.kind != traces::HostOp::kInvoke || has_script(s, o.token)) return;
        for (uint32_t f = 0; f < o.function; ++f)
          visit([&s, &o, f] {
            invoke(s, o, f, o.token);
            return true;
          });
      });
    });
  }

  static bool has_script(const Scenario& s, traces::Token token) {
    return std::any_of(s.scripts.begin(), s.scripts.end(), [&](const traces::Script& t) { return t.token == token; });
  }

  // Makes `o` a call with zeros.
  static void invoke(const Scenario& s, traces::HostOperation& o, uint32_t function, traces::Token token) {
    o.function = function;
    o.token = token;
    const std::vector<traces::ValueType>& params = s.functions[function].type.params;
    o.args.clear();
    for (size_t p = 1; p < params.size(); ++p) o.args.push_back(zero_of(params[p]));
  }

  bool shrink_operations() {
    bool any = false;
    for (size_t i = 0; i < best_.smallest.scenario.scripts.size(); ++i)
      for (size_t k = 0; k < best_.smallest.scenario.scripts[i].segments.size(); ++k)
        any |= shrink_list([ i, k ](Scenario & s) -> auto& { return s.scripts[i].segments[k]; });
    for (size_t i = 0; i < best_.smallest.scenario.entries.size(); ++i)
      any |= shrink_list([i](Scenario & s) -> auto& { return s.entries[i].ops; });
    return any;
  }

  // Changes one thing at a time: the n-th place that `places` visits, for all n.
  template <typename F>
  bool change_each(F&& change) {
    bool any = false;
    for (size_t n = 0;; ++n) {
      Scenario candidate = best_.smallest.scenario;
      size_t at = 0;
      bool found = false;
      const auto visit = [&](auto&& place) {
        if (at++ == n) {
          found = true;
          return place();
        }
        return false;
      };
      bool changed = false;
      change(candidate, [&](auto&& place) { changed |= visit(place); });
      if (!found) return any;
      if (changed) any |= attempt(candidate);
    }
  }

  bool simplify() {
    bool any = false;
    // A loop becomes its body, or a short loop.
    any |= change_each([](Scenario& s, auto&& visit) {
      for_each_segment(s, [&](Segment& segment) {
        for (size_t i = 0; i < segment.size(); ++i)
          if (segment[i].kind == Op::kRepeat)
            visit([&segment, i] {
              const Segment body = segment[i].body;
              segment.erase(segment.begin() + static_cast<ptrdiff_t>(i));
              segment.insert(segment.begin() + static_cast<ptrdiff_t>(i), body.begin(), body.end());
              return true;
            });
      });
    });
    any |= change_each([](Scenario& s, auto&& visit) {
      for_each_segment(s, [&](Segment& segment) {
        for_each_operation(segment, [&](Operation& o) {
          if (o.kind == Op::kRepeat && o.times > 2)
            visit([&o] {
              o.times = 2;
              return true;
            });
          // What a callback waits for need not be made then.
          if (o.kind == Op::kWait)
            visit([&o] {
              o.kind = Op::kYield;
              o.args.clear();
              return true;
            });
          if (o.guard)
            visit([&o] {
              o.guard.reset();
              return true;
            });
          if (o.to != kNone)
            visit([&o] {
              o.to = kNone;
              return true;
            });
          if (o.also != kNone)
            visit([&o] {
              o.also = kNone;
              return true;
            });
          for (traces::Operand& a : o.args)
            if (!a.is_register && a.value > 16)
              visit([&a] {
                a.value = a.value % 4 == 0 ? 16 : 1;
                return true;
              });
        });
      });
      for_each_host_operation(s, [&](traces::HostOperation& o) {
        for (traces::Value& a : o.args)
          if (is_large(a))
            visit([&a] {
              make_small(a);
              return true;
            });
      });
      for (traces::HostCall& c : s.host_calls)
        if (c.on_cancel != traces::OnCancel::kNow)
          visit([&c] {
            c.on_cancel = traces::OnCancel::kNow;
            c.cancel_value = {};
            return true;
          });
    });
    return any;
  }

  // What is passed need not be made either. Parameters that are passed in memory stay.
  bool drop_parameters() {
    return change_each([](Scenario& s, auto&& visit) {
      for (uint32_t f = 0; f < s.functions.size(); ++f)
        for (size_t p = 1; p < s.functions[f].type.params.size(); ++p)
          visit([&s, f, p] { return drop_parameter(s, {f, kNone}, s.functions[f].type, p); });
      for (uint32_t h = 0; h < s.host_functions.size(); ++h)
        for (size_t p = 1; p < s.host_functions[h].type.params.size(); ++p)
          visit([&s, h, p] { return drop_parameter(s, {kNone, h}, s.host_functions[h].type, p); });
    });
  }

  static bool drop_parameter(Scenario& s, const traces::Callee& callee, traces::FuncType& type, size_t p) {
    if (traces::params_in_memory(type)) return false;
    // Where its core values are among those after the token.
    const auto place = [&](traces::IndexType pointers) {
      const std::span<const traces::ValueType> params(type.params);
      return std::pair(traces::flatten(params.subspan(1, p - 1), pointers).size(),
                       traces::flatten(params[p], pointers).size());
    };
    bool possible = true;
    // Those who call it pass less.
    for_each_segment_in_instance(s, [&](uint32_t instance, Segment& segment) {
      for_each_operation(segment, [&](Operation& o) {
        if (o.kind != Op::kCall || s.instances[instance].canons[o.canon].callee != callee) return;
        const Canon& c = s.instances[instance].canons[o.canon];
        const traces::IndexType pointers = traces::index_type(s, instance, c.memory);
        const auto [at, n] = place(pointers);
        possible &= !traces::lowered_shape(type, c.async_, pointers).params_in_memory && at + n <= o.args.size();
        if (possible)
          o.args.erase(o.args.begin() + static_cast<ptrdiff_t>(at), o.args.begin() + static_cast<ptrdiff_t>(at + n));
      });
    });
    for_each_host_operation(s, [&](traces::HostOperation& o) {
      if (o.kind == traces::HostOp::kInvoke && o.function == callee.function && o.args.size() >= p)
        o.args.erase(o.args.begin() + static_cast<ptrdiff_t>(p) - 1);
    });
    // Its own code finds those behind it further in front.
    for (traces::Script& script : s.scripts) {
      if (script.function != callee.function) continue;
      const traces::Function& f = s.functions[script.function];
      const auto [at, n] = place(traces::index_type(s, f.instance, f.memory));
      for (Segment& segment : script.segments)
        for_each_operation(segment, [&, at = at, n = n](Operation& o) {
          if (o.kind != Op::kParam || o.args[0].value <= at) return;
          possible &= o.args[0].value > at + n;
          o.args[0].value -= n;
        });
    }
    type.params.erase(type.params.begin() + static_cast<ptrdiff_t>(p));
    return possible;
  }

  // The smallest candidate everywhere, or at all but some places.
  bool shrink_choices() {
    const std::vector<traces::TakenChoice> none;
    if (best_.smallest.choices.empty()) return false;
    std::vector<traces::TakenChoice> before = best_.smallest.choices;
    if (!attempt(best_.smallest.scenario, &none)) {
      for (size_t i = best_.smallest.choices.size(); i-- > 0;) {
        std::vector<traces::TakenChoice> fewer = best_.smallest.choices;
        if (i >= fewer.size() || fewer[i].taken == traces::ThreadId{}) continue;
        fewer[i].taken = {};
        attempt(best_.smallest.scenario, &fewer);
      }
    }
    return before != best_.smallest.choices;
  }

  bool shrink_topology() {
    bool any = false;
    any |= try_change(&Shrinker::drop_unused_canons) || drop_canons_one_by_one();
    any |= try_change(&Shrinker::drop_unused_functions);
    any |= try_change(&Shrinker::drop_unused_host_functions);
    any |= try_change(&Shrinker::drop_unused_instances);
    any |= try_change(&Shrinker::drop_unused_resources);
    any |= change_each([](Scenario& s, auto&& visit) {
      for (traces::Function& f : s.functions)
        if (f.post_return)
          visit([&f] {
            f.post_return = false;
            return true;
          });
      for (traces::Instance& i : s.instances)
        if (i.start)
          visit([&i] {
            i.start = false;
            return true;
          });
      for (traces::Resource& r : s.resources)
        if (r.destructor)
          visit([&r] {
            r.destructor = false;
            return true;
          });
    });
    return any;
  }

  // Where a declaration alone makes the engine fail, all that are unused cannot go at once.
  bool drop_canons_one_by_one() {
    bool any = false;
    for (size_t i = 0; i < best_.smallest.scenario.instances.size(); ++i)
      for (size_t c = best_.smallest.scenario.instances[i].canons.size(); c-- > 0;) {
        Scenario candidate = best_.smallest.scenario;
        std::vector<Canon>& canons = candidate.instances[i].canons;
        canons.erase(canons.begin() + static_cast<ptrdiff_t>(c));
        bool used = false;
        for_each_segment_in_instance(candidate, [&](uint32_t instance, Segment& segment) {
          if (instance != i) return;
          for_each_operation(segment, [&](Operation& o) {
            if (o.canon == kNone) return;
            used |= o.canon == c;
            if (o.canon > c) --o.canon;
          });
        });
        if (!used) any |= attempt(candidate);
      }
    return any;
  }

  bool try_change(void (Shrinker::*change)(Scenario&)) {
    Scenario candidate = best_.smallest.scenario;
    (this->*change)(candidate);
    return !(candidate == best_.smallest.scenario) && attempt(candidate);
  }

  void drop_unused_canons(Scenario& s) {
    std::vector<std::set<uint32_t>> used(s.instances.size());
    for_each_segment_in_instance(s, [&](uint32_t instance, Segment& segment) {
      for_each_operation(segment, [&](Operation& o) {
        if (o.canon != kNone) used[instance].insert(o.canon);
      });
    });
    // What the default of an async lift calls stays.
    for (const traces::Function& f : s.functions) {
      if (f.lift == traces::Lift::kSync) continue;
      const std::vector<Canon>& canons = s.instances[f.instance].canons;
      bool found = false;
      for (uint32_t i = 0; i < canons.size(); ++i) {
        const Canon& c = canons[i];
        if (c.kind == Op::kTaskCancel) used[f.instance].insert(i);
        if (!found && returns_for(c, f)) {
          used[f.instance].insert(i);
          found = true;
        }
      }
    }
    for (uint32_t i = 0; i < s.instances.size(); ++i) {
      std::vector<uint32_t> renumbered(s.instances[i].canons.size(), kNone);
      std::vector<Canon> kept;
      for (const uint32_t c : used[i]) {
        renumbered[c] = static_cast<uint32_t>(kept.size());
        kept.push_back(s.instances[i].canons[c]);
      }
      s.instances[i].canons = std::move(kept);
      for_each_segment_in_instance(s, [&](uint32_t instance, Segment& segment) {
        if (instance != i) return;
        for_each_operation(segment, [&](Operation& o) {
          if (o.canon != kNone) o.canon = renumbered[o.canon];
        });
      });
    }
  }

  void drop_unused_functions(Scenario& s) {
    std::set<uint32_t> used;
    for (const traces::Instance& inst : s.instances)
      for (const Canon& c : inst.canons)
        if (c.callee.function != kNone) used.insert(c.callee.function);
    for_each_host_operation(s, [&](traces::HostOperation& o) {
      if (o.function != kNone) used.insert(o.function);
    });
    for (const traces::Script& script : s.scripts) used.insert(script.function);
    std::vector<uint32_t> renumbered(s.functions.size(), kNone);
    std::vector<traces::Function> kept;
    for (const uint32_t f : used) {
      renumbered[f] = static_cast<uint32_t>(kept.size());
      kept.push_back(s.functions[f]);
    }
    s.functions = std::move(kept);
    for (traces::Instance& inst : s.instances)
      for (Canon& c : inst.canons)
        if (c.callee.function != kNone) c.callee.function = renumbered[c.callee.function];
    for_each_host_operation(s, [&](traces::HostOperation& o) {
      if (o.function != kNone) o.function = renumbered[o.function];
    });
    for (traces::Script& script : s.scripts) script.function = renumbered[script.function];
  }

  void drop_unused_host_functions(Scenario& s) {
    std::set<uint32_t> used;
    for (const traces::Instance& inst : s.instances)
      for (const Canon& c : inst.canons)
        if (c.callee.host_function != kNone) used.insert(c.callee.host_function);
    std::vector<uint32_t> renumbered(s.host_functions.size(), kNone);
    std::vector<traces::HostFunction> kept;
    for (const uint32_t h : used) {
      renumbered[h] = static_cast<uint32_t>(kept.size());
      kept.push_back(s.host_functions[h]);
    }
    s.host_functions = std::move(kept);
    for (traces::Instance& inst : s.instances)
      for (Canon& c : inst.canons)
        if (c.callee.host_function != kNone) c.callee.host_function = renumbered[c.callee.host_function];
  }

  // Every value type of a scenario.
  template <typename F>
  static void for_each_type(Scenario& s, F&& f) {
    const auto of_function = [&](traces::FuncType& t) {
      for (traces::ValueType& p : t.params) visit_type(p, f);
      if (t.result) visit_type(*t.result, f);
    };
    for (traces::Function& fn : s.functions) of_function(fn.type);
    for (traces::HostFunction& fn : s.host_functions) of_function(fn.type);
    for (traces::Instance& inst : s.instances)
      for (Canon& c : inst.canons) {
        if (c.result) visit_type(*c.result, f);
        visit_type(c.element, f);
      }
    for_each_host_operation(s, [&](traces::HostOperation& o) { visit_type(o.element, f); });
  }
  template <typename F>
  static void visit_type(traces::ValueType& t, F&& f) {
    f(t);
    for (traces::ValueType& c : t.children) visit_type(c, f);
  }

  void drop_unused_resources(Scenario& s) {
    std::set<uint32_t> used;
    for_each_type(s, [&](const traces::ValueType& t) {
      if (t.resource != kNone) used.insert(t.resource);
    });
    for (const traces::Instance& inst : s.instances)
      for (const Canon& c : inst.canons)
        if (c.resource != kNone) used.insert(c.resource);
    std::vector<uint32_t> renumbered(s.resources.size(), kNone);
    std::vector<traces::Resource> kept;
    for (const uint32_t r : used) {
      renumbered[r] = static_cast<uint32_t>(kept.size());
      kept.push_back(s.resources[r]);
    }
    s.resources = std::move(kept);
    for_each_type(s, [&](traces::ValueType& t) {
      if (t.resource != kNone) t.resource = renumbered[t.resource];
    });
    for (traces::Instance& inst : s.instances)
      for (Canon& c : inst.canons)
        if (c.resource != kNone) c.resource = renumbered[c.resource];
  }

  void drop_unused_instances(Scenario& s) {
    std::set<uint32_t> used;
    for (const traces::Resource& r : s.resources)
      for (uint32_t i = r.instance; i != kNone; i = s.instances[i].parent) used.insert(i);
    for (const traces::Function& f : s.functions)
      for (uint32_t i = f.instance; i != kNone; i = s.instances[i].parent) used.insert(i);
    for (const traces::EntryScript& e : s.entries)
      for (uint32_t i = e.instance; i != kNone; i = s.instances[i].parent) used.insert(i);
    if (used.empty()) used.insert(0);
    std::vector<uint32_t> renumbered(s.instances.size(), kNone);
    std::vector<traces::Instance> kept;
    for (const uint32_t i : used) {
      renumbered[i] = static_cast<uint32_t>(kept.size());
      kept.push_back(s.instances[i]);
      if (kept.back().parent != kNone) kept.back().parent = renumbered[kept.back().parent];
    }
    s.instances = std::move(kept);
    for (traces::Function& f : s.functions) f.instance = renumbered[f.instance];
    for (traces::EntryScript& e : s.entries) e.instance = renumbered[e.instance];
    for (traces::Resource& r : s.resources) r.instance = renumbered[r.instance];
  }

  ShrinkResult best_;
  Contestant& engine_;
  const std::string bucket_;
  const size_t max_attempts_;
  const std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  const std::function<void(size_t, size_t)>& progress_;
};

}  // namespace

ShrinkResult shrink(const Case& failing, const Verdict& verdict, Contestant& engine, size_t max_attempts,
                    const std::function<void(size_t, size_t)>& progress) {
  return Shrinker(failing, verdict, engine, max_attempts, progress).run();
}

}  // namespace lockstep::diff
