// Scenarios to and from JSON. Fields at their default are left out when written.
#include <algorithm>

#include "traces/json.h"
#include "traces/json_reader.h"

namespace lockstep::traces {
namespace {

// ---- writing

Json type_to_json(const FuncType& type) {
  Json j = Json::object();
  if (type.params.size() != 1) j["params"] = std::vector<std::string>(type.params.size(), "u32");
  if (type.result) j["result"] = "u32";
  if (type.async_) j["async"] = true;
  return j;
}

Json canon_to_json(const Canon& c) {
  Json j{{"canon", name(c.kind)}};
  if (c.callee.function != kNone) j["function"] = c.callee.function;
  if (c.callee.host_function != kNone) j["host-function"] = c.callee.host_function;
  if (c.async_) j["async"] = true;
  if (c.cancellable) j["cancellable"] = true;
  if (c.kind == Op::kContextGet || c.kind == Op::kContextSet) j["slot"] = c.slot;
  if (c.result) j["result"] = "u32";
  if (c.memory != kNone) j["memory"] = c.memory;
  if (c.encoding != Encoding::kUtf8) j["encoding"] = name(c.encoding);
  return j;
}

Json instance_to_json(const Instance& i) {
  Json j = Json::object();
  if (i.parent != kNone) j["parent"] = i.parent;
  j["registers"] = i.registers;
  Json memories = Json::array();
  for (const Memory& m : i.memories) memories.push_back({{"index", name(m.index_type)}, {"pages", m.pages}});
  j["memories"] = std::move(memories);
  Json canons = Json::array();
  for (const Canon& c : i.canons) canons.push_back(canon_to_json(c));
  j["canons"] = std::move(canons);
  return j;
}

Json function_to_json(const Function& f) {
  Json j{{"instance", f.instance}, {"type", type_to_json(f.type)}, {"lift", name(f.lift)}};
  if (f.memory != kNone) j["memory"] = f.memory;
  if (f.encoding != Encoding::kUtf8) j["encoding"] = name(f.encoding);
  if (f.post_return) j["post-return"] = true;
  return j;
}

Json operand_to_json(const Operand& o) { return o.is_register ? Json("r" + std::to_string(o.value)) : Json(o.value); }

std::string guard_to_string(const Guard& g) {
  std::string s = g.negated ? "not " : "";
  s += name(g.kind);
  if (g.kind == GuardKind::kEvent) s += " " + std::to_string(g.value);
  if (g.kind >= GuardKind::kResolved && g.kind <= GuardKind::kJoined) s += " r" + std::to_string(g.value);
  return s;
}

Json segment_to_json(const Segment& segment);

Json operation_to_json(const Operation& o) {
  Json j{{"op", name(o.kind)}};
  if (o.canon != kNone) j["canon"] = o.canon;
  if (o.memory != kNone) j["memory"] = o.memory;
  if (o.guard) j["if"] = guard_to_string(*o.guard);
  if (o.token != 0) j["token"] = o.token;
  if (!o.args.empty()) {
    Json args = Json::array();
    for (const Operand& a : o.args) args.push_back(operand_to_json(a));
    j["args"] = std::move(args);
  }
  if (o.to != kNone) j["to"] = "r" + std::to_string(o.to);
  if (o.kind == Op::kRepeat) {
    j["times"] = o.times;
    j["body"] = segment_to_json(o.body);
  }
  return j;
}

Json segment_to_json(const Segment& segment) {
  Json j = Json::array();
  for (const Operation& o : segment) j.push_back(operation_to_json(o));
  return j;
}

Json host_operation_to_json(const HostOperation& o) {
  Json j{{"op", name(o.kind)}};
  if (o.function != kNone) j["function"] = o.function;
  if (o.token != 0) j["token"] = o.token;
  if (!o.args.empty()) j["args"] = o.args;
  if (o.swallow) j["swallow"] = true;
  return j;
}

Json host_operations_to_json(const std::vector<HostOperation>& ops) {
  Json j = Json::array();
  for (const HostOperation& o : ops) j.push_back(host_operation_to_json(o));
  return j;
}

// ---- reading

ValueType read_value_type(const Json& j, const std::string& place) {
  if (!j.is_string() || j.get<std::string>() != "u32")
    throw InputError(place, "value type " + j.dump() + " is not known to this version (u32 is)");
  return {};
}

FuncType read_type(const Json& j, const std::string& place) {
  ObjectReader r(j, place);
  FuncType t;
  t.params.resize(1);
  if (const Json* params = r.optional("params")) {
    t.params.clear();
    for_each(*params, r.at("params"),
             [&](const Json& p, const std::string& at) { t.params.push_back(read_value_type(p, at)); });
  }
  if (const Json* result = r.optional("result")) t.result = read_value_type(*result, r.at("result"));
  t.async_ = r.flag("async");
  r.done();
  return t;
}

Canon read_canon(const Json& j, const std::string& place) {
  ObjectReader r(j, place);
  Canon c;
  c.kind = r.named<Op>("canon");
  if (!is_builtin(c.kind))
    throw InputError(r.at("canon"), "\"" + std::string(name(c.kind)) + "\" is not a canon definition");
  if (!is_implemented(c.kind))
    throw InputError(r.at("canon"), "\"" + std::string(name(c.kind)) + "\" is not implemented by this version");
  const bool call = c.kind == Op::kCall;
  if (call) {
    c.callee.function = r.number_or("function", kNone);
    c.callee.host_function = r.number_or("host-function", kNone);
  }
  if (call || c.kind == Op::kSubtaskCancel) c.async_ = r.flag("async");
  const bool waits = c.kind == Op::kWaitableSetWait || c.kind == Op::kWaitableSetPoll;
  if (waits || c.kind == Op::kThreadYield) c.cancellable = r.flag("cancellable");
  if (c.kind == Op::kContextGet || c.kind == Op::kContextSet) c.slot = r.number("slot");
  if (c.kind == Op::kTaskReturn)
    if (const Json* result = r.optional("result")) c.result = read_value_type(*result, r.at("result"));
  if (call || waits || c.kind == Op::kTaskReturn) c.memory = r.number_or("memory", kNone);
  if (call || c.kind == Op::kTaskReturn) c.encoding = r.named_or("encoding", Encoding::kUtf8);
  r.done();
  return c;
}

Instance read_instance(const Json& j, const std::string& place) {
  ObjectReader r(j, place);
  Instance i;
  i.parent = r.number_or("parent", kNone);
  i.registers = r.number_or("registers", i.registers);
  if (const Json* memories = r.optional("memories"))
    for_each(*memories, r.at("memories"), [&](const Json& m, const std::string& at) {
      ObjectReader mr(m, at);
      i.memories.push_back({mr.named_or("index", IndexType::kI32), mr.number_or("pages", 1)});
      mr.done();
    });
  if (const Json* canons = r.optional("canons"))
    for_each(*canons, r.at("canons"),
             [&](const Json& c, const std::string& at) { i.canons.push_back(read_canon(c, at)); });
  r.done();
  return i;
}

Function read_function(const Json& j, const std::string& place) {
  ObjectReader r(j, place);
  Function f;
  f.instance = r.number("instance");
  f.type = read_type(r.required("type"), r.at("type"));
  f.lift = r.named<Lift>("lift");
  f.memory = r.number_or("memory", kNone);
  f.encoding = r.named_or("encoding", Encoding::kUtf8);
  f.post_return = r.flag("post-return");
  r.done();
  return f;
}

uint32_t read_register(const Json& j, const std::string& place) {
  const std::string text = j.is_string() ? j.get<std::string>() : "";
  const bool digits = text.size() >= 2 && text.size() <= 4 && text[0] == 'r' &&
                      std::all_of(text.begin() + 1, text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || (text[1] == '0' && text.size() > 2)) throw InputError(place, "not a register (\"r0\" …): " + j.dump());
  return static_cast<uint32_t>(std::stoul(text.substr(1)));
}

Operand read_operand(const Json& j, const std::string& place) {
  if (j.is_string()) return {true, read_register(j, place)};
  return {false, read_number(j, place)};
}

Guard read_guard(const Json& j, const std::string& place) {
  const auto bad = [&] { return InputError(place, "not a guard: " + j.dump()); };
  if (!j.is_string()) throw bad();
  std::string text = j.get<std::string>();
  Guard g;
  if (text.starts_with("not ")) {
    g.negated = true;
    text.erase(0, 4);
  }
  const size_t space = text.find(' ');
  const auto kind = from_name<GuardKind>(text.substr(0, space));
  if (!kind) throw bad();
  g.kind = *kind;
  const std::string rest = space == std::string::npos ? "" : text.substr(space + 1);
  if (g.kind == GuardKind::kEvent) {
    if (rest.size() != 1 || rest[0] < '0' || rest[0] > '9') throw bad();
    g.value = static_cast<uint32_t>(rest[0] - '0');
  } else if (g.kind >= GuardKind::kResolved && g.kind <= GuardKind::kJoined) {
    g.value = read_register(Json(rest), place);
  } else if (space != std::string::npos) {
    throw bad();
  }
  return g;
}

Segment read_segment(const Json& j, const std::string& place, size_t depth);

Operation read_operation(const Json& j, const std::string& place, size_t depth) {
  ObjectReader r(j, place);
  Operation o;
  o.kind = r.named<Op>("op");
  if (!is_implemented(o.kind))
    throw InputError(r.at("op"), "\"" + std::string(name(o.kind)) + "\" is not implemented by this version");
  if (is_builtin(o.kind)) o.canon = r.number("canon");
  if (o.kind == Op::kLoad) o.memory = r.number("memory");
  if (const Json* guard = r.optional("if")) o.guard = read_guard(*guard, r.at("if"));
  if (o.kind == Op::kCall) o.token = r.number("token");
  if (const Json* args = r.optional("args"))
    for_each(*args, r.at("args"), [&](const Json& a, const std::string& at) { o.args.push_back(read_operand(a, at)); });
  if (const Json* to = r.optional("to")) o.to = read_register(*to, r.at("to"));
  if (o.kind == Op::kRepeat) {
    if (depth == 8) throw InputError(place, "repeats are nested too deep");
    o.times = r.number("times");
    o.body = read_segment(r.required("body"), r.at("body"), depth + 1);
  }
  r.done();
  return o;
}

Segment read_segment(const Json& j, const std::string& place, size_t depth) {
  Segment s;
  for_each(j, place, [&](const Json& o, const std::string& at) { s.push_back(read_operation(o, at, depth)); });
  return s;
}

HostOperation read_host_operation(const Json& j, const std::string& place) {
  ObjectReader r(j, place);
  HostOperation o;
  o.kind = r.named<HostOp>("op");
  const bool names_call = o.kind == HostOp::kInvoke || o.kind == HostOp::kResolve || o.kind == HostOp::kConfirm ||
                          o.kind == HostOp::kCancel || o.kind == HostOp::kDrop;
  if (o.kind == HostOp::kInvoke) o.function = r.number("function");
  if (names_call) o.token = r.number("token");
  if (o.kind == HostOp::kInvoke || o.kind == HostOp::kResolve || o.kind == HostOp::kReturn)
    if (const Json* args = r.optional("args"))
      for_each(*args, r.at("args"),
               [&](const Json& a, const std::string& at) { o.args.push_back(read_number(a, at)); });
  if (o.kind == HostOp::kInvoke) o.swallow = r.flag("swallow");
  r.done();
  return o;
}

std::vector<HostOperation> read_host_operations(const Json* j, const std::string& place) {
  std::vector<HostOperation> ops;
  if (j != nullptr)
    for_each(*j, place, [&](const Json& o, const std::string& at) { ops.push_back(read_host_operation(o, at)); });
  return ops;
}

Script read_script(const Json& j, const std::string& place) {
  ObjectReader r(j, place);
  Script s;
  s.token = r.number("token");
  s.function = r.number("function");
  for_each(r.required("segments"), r.at("segments"),
           [&](const Json& seg, const std::string& at) { s.segments.push_back(read_segment(seg, at, 0)); });
  r.done();
  return s;
}

EntryScript read_entry(const Json& j, const std::string& place) {
  ObjectReader r(j, place);
  EntryScript e;
  e.context = r.named<Context>("context");
  e.instance = r.number("instance");
  e.entry = r.number("entry");
  e.ops = read_segment(r.required("ops"), r.at("ops"), 0);
  r.done();
  return e;
}

HostCall read_host_call(const Json& j, const std::string& place) {
  ObjectReader r(j, place);
  HostCall c;
  c.token = r.number("token");
  c.on_call = read_host_operations(&r.required("on-call"), r.at("on-call"));
  c.on_cancel = r.named_or("on-cancel", OnCancel::kNow);
  if (c.on_cancel == OnCancel::kReturn) c.cancel_value = r.number_or("cancel-value", 0);
  r.done();
  return c;
}

}  // namespace

Json to_json(const Scenario& s) {
  Json j = Json::object();
  if (s.recursion) j["recursion"] = true;
  j["table-limit"] = s.table_limit;
  Json& instances = j["instances"] = Json::array();
  for (const Instance& i : s.instances) instances.push_back(instance_to_json(i));
  Json& functions = j["functions"] = Json::array();
  for (const Function& f : s.functions) functions.push_back(function_to_json(f));
  Json& host_functions = j["host-functions"] = Json::array();
  for (const HostFunction& f : s.host_functions) host_functions.push_back({{"type", type_to_json(f.type)}});
  Json& scripts = j["scripts"] = Json::array();
  for (const Script& script : s.scripts) {
    Json segments = Json::array();
    for (const Segment& segment : script.segments) segments.push_back(segment_to_json(segment));
    scripts.push_back({{"token", script.token}, {"function", script.function}, {"segments", std::move(segments)}});
  }
  Json& entries = j["entries"] = Json::array();
  for (const EntryScript& e : s.entries)
    entries.push_back(
        {{"context", name(e.context)}, {"instance", e.instance}, {"entry", e.entry}, {"ops", segment_to_json(e.ops)}});
  Json& host_calls = j["host-calls"] = Json::array();
  for (const HostCall& c : s.host_calls) {
    Json call{{"token", c.token}, {"on-call", host_operations_to_json(c.on_call)}, {"on-cancel", name(c.on_cancel)}};
    if (c.on_cancel == OnCancel::kReturn) call["cancel-value"] = c.cancel_value;
    host_calls.push_back(std::move(call));
  }
  j["program"] = host_operations_to_json(s.program);
  if (!s.aftermath.empty()) j["aftermath"] = host_operations_to_json(s.aftermath);
  return j;
}

Scenario scenario_from_json(const Json& j, const std::string& place) {
  ObjectReader r(j, place);
  Scenario s;
  const auto read_all = [&](const char* field, auto& out, auto read) {
    if (const Json* list = r.optional(field))
      for_each(*list, r.at(field), [&](const Json& e, const std::string& at) { out.push_back(read(e, at)); });
  };
  s.recursion = r.flag("recursion");
  s.table_limit = r.number_or("table-limit", s.table_limit);
  read_all("instances", s.instances, read_instance);
  read_all("functions", s.functions, read_function);
  read_all("host-functions", s.host_functions, [](const Json& e, const std::string& at) {
    ObjectReader hr(e, at);
    HostFunction f{read_type(hr.required("type"), hr.at("type"))};
    hr.done();
    return f;
  });
  read_all("scripts", s.scripts, read_script);
  read_all("entries", s.entries, read_entry);
  read_all("host-calls", s.host_calls, read_host_call);
  s.program = read_host_operations(r.optional("program"), r.at("program"));
  s.aftermath = read_host_operations(r.optional("aftermath"), r.at("aftermath"));
  r.done();
  return s;
}

}  // namespace lockstep::traces
