#include "diff/support.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "diff/generator.h"
#include "traces/files.h"

namespace lockstep::diff {

using traces::HostOp;
using traces::HostOperation;
using traces::Op;
using traces::Operation;
using traces::Scenario;
using traces::ValueType;

namespace {

constexpr std::array<std::string_view, kNeedCount> kNeedNames = {
    "async",       "values", "resources",   "streams",    "futures",   "i64",
    "table-limit", "start",  "post-return", "exceptions", "recursion", "nested-invoke"};
constexpr uint32_t kDefaultTableLimit = (1u << 28) - 1;

// Collects what a scenario uses.
class Uses {
 public:
  explicit Uses(const Scenario& s) : scenario_(s) {
    for (const traces::Instance& i : s.instances) {
      if (i.start) need(Need::kStart);
      for (const traces::Memory& m : i.memories)
        if (m.index_type == traces::IndexType::kI64) need(Need::kI64);
    }
    if (s.recursion) need(Need::kRecursion);
    if (s.table_limit < kDefaultTableLimit) need(Need::kTableLimit);
    for (const traces::Script& script : s.scripts)
      for (const traces::Segment& segment : script.segments) operations(segment, s.functions[script.function].instance);
    for (const traces::EntryScript& e : s.entries) operations(e.ops, e.instance);
    for (const HostOperation& o : s.program) host_operation(o);
    for (const HostOperation& o : s.aftermath) host_operation(o);
    for (const traces::HostCall& c : s.host_calls)
      for (const HostOperation& o : c.on_call) {
        if (o.kind == HostOp::kInvoke) need(Need::kNestedInvoke);
        host_operation(o);
      }
  }

  // The first that is missing; empty if none is.
  std::string missing(const Support& support) const {
    for (const auto& [op, is_need] : used_)
      if (is_need ? !support.has(static_cast<Need>(op)) : !support.has(static_cast<Op>(op)))
        return std::string(is_need ? name(static_cast<Need>(op)) : traces::name(static_cast<Op>(op)));
    return "";
  }

 private:
  void need(Need n) { used_.emplace(static_cast<uint32_t>(n), true); }

  void operations(const traces::Segment& segment, uint32_t instance) {
    for (const Operation& o : segment) {
      if (o.kind == Op::kThrow) need(Need::kExceptions);
      operations(o.body, instance);
      if (!traces::is_builtin(o.kind)) continue;
      used_.emplace(static_cast<uint32_t>(o.kind), false);
      const traces::Canon& c = scenario_.instances[instance].canons[o.canon];
      if (c.index == traces::IndexType::kI64) need(Need::kI64);
      if (traces::is_stream_or_future(o.kind)) type(c.element);
      if (o.kind != Op::kCall) continue;
      if (c.async_) need(Need::kAsync);
      if (c.callee.function != traces::kNone)
        function(c.callee.function);
      else
        function_type(scenario_.host_functions[c.callee.host_function].type);
    }
  }

  void host_operation(const HostOperation& o) {
    switch (o.kind) {
      case HostOp::kInvoke:
        function(o.function);
        break;
      case HostOp::kNewStream:
        need(Need::kStreams);
        type(o.element);
        break;
      case HostOp::kNewFuture:
        need(Need::kFutures);
        type(o.element);
        break;
      default:
        break;  // ends come from these, or from streams and futures in types
    }
  }

  void function(uint32_t f) {
    const traces::Function& callee = scenario_.functions[f];
    function_type(callee.type);
    if (callee.lift != traces::Lift::kSync) need(Need::kAsync);
    if (callee.post_return) need(Need::kPostReturn);
  }

  void function_type(const traces::FuncType& t) {
    if (t.async_) need(Need::kAsync);
    if (traces::params_in_memory(t)) need(Need::kValues);
    for (const ValueType& p : t.params) type(p);
    if (t.result) type(*t.result);
  }

  void type(const ValueType& t) {
    switch (t.kind) {
      case ValueType::Kind::kNone:
      case ValueType::Kind::kU32:
        break;
      case ValueType::Kind::kOwn:
      case ValueType::Kind::kBorrow:
        need(Need::kResources);
        break;
      case ValueType::Kind::kStream:
        need(Need::kStreams);
        break;
      case ValueType::Kind::kFuture:
        need(Need::kFutures);
        break;
      default:
        need(Need::kValues);
    }
    for (const ValueType& c : t.children) type(c);
  }

  const Scenario& scenario_;
  std::set<std::pair<uint32_t, bool>> used_;  // an Op, or a Need (true)
};

}  // namespace

std::string_view name(Need n) { return kNeedNames[static_cast<size_t>(n)]; }

Support operator&(const Support& a, const Support& b) { return {a.builtins & b.builtins, a.needs & b.needs}; }

Support support_from_names(const std::vector<std::string>& names, const std::string& place) {
  Support out{0, 0};
  for (const std::string& n : names) {
    const auto need = std::find(kNeedNames.begin(), kNeedNames.end(), n);
    const auto op = traces::from_name<Op>(n);
    if (need != kNeedNames.end())
      out.needs |= uint32_t{1} << (need - kNeedNames.begin());
    else if (op && traces::is_builtin(*op))
      out.builtins |= uint64_t{1} << static_cast<uint32_t>(*op);
    else
      throw traces::InputError(place, "neither a built-in nor a part of the vocabulary: \"" + n + "\"");
  }
  return out;
}

std::vector<std::string> names_of(const Support& s) {
  std::vector<std::string> out;
  for (uint32_t i = 0; i < kNeedCount; ++i)
    if (s.has(static_cast<Need>(i))) out.emplace_back(kNeedNames[i]);
  for (uint32_t i = 0; traces::is_builtin(static_cast<Op>(i)); ++i)
    if (s.has(static_cast<Op>(i))) out.emplace_back(traces::name(static_cast<Op>(i)));
  return out;
}

std::string lacking(const Scenario& scenario, const Support& support) {
  return support.everything() ? "" : Uses(scenario).missing(support);
}

bool supports(const Support& s, const Operation& o, const traces::Instance& instance) {
  if (o.kind == Op::kThrow) return s.has(Need::kExceptions);
  if (traces::is_builtin(o.kind) && !s.has(o.kind)) return false;
  if (traces::is_builtin(o.kind) && instance.canons[o.canon].index == traces::IndexType::kI64 && !s.has(Need::kI64))
    return false;
  return std::all_of(o.body.begin(), o.body.end(),
                     [&](const Operation& inner) { return supports(s, inner, instance); });
}

void restrict_to(GeneratorOptions& options, const Support& s) {
  TopologyOptions& topology = options.topology;
  options.support = options.support & s;
  const auto without = [&](uint32_t features) { topology.features &= ~features; };
  // Streams and futures carry all kinds.
  if (!s.has(Need::kValues)) without(kValues | kStreams | kFutures);
  if (!s.has(Need::kStreams) || !s.has(Op::kStreamNew)) without(kStreams);
  if (!s.has(Need::kFutures) || !s.has(Op::kFutureNew)) without(kFutures);
  // Borrows have to be dropped before a task may return.
  if (!s.has(Need::kResources) || !s.has(Op::kResourceDrop)) without(kResources);
  if (!s.has(Op::kThreadNewIndirect)) without(kThreads);
  // Their debug messages are strings.
  if (!s.has(Op::kErrorContextNew) || !s.has(Need::kValues)) without(kErrorContexts);
  if (!s.has(Need::kI64)) without(kMemory64);
  if (!s.has(Need::kTableLimit)) without(kSmallTables);
  if (!s.has(Need::kStart)) without(kStartFunctions);
  // What a task does that has no script, and at its end.
  topology.async_functions &= s.has(Need::kAsync) && s.has(Op::kTaskReturn) && s.has(Op::kTaskCancel);
  topology.post_returns &= s.has(Need::kPostReturn);
  if (!s.has(Need::kRecursion)) topology.recursion_percent = 0;
}

}  // namespace lockstep::diff
