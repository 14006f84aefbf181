// Scenarios to and from JSON. Fields at their default are left out when written.
#include <algorithm>

#include "traces/json.h"
#include "traces/json_reader.h"
#include "traces/validate.h"

namespace lockstep::traces {
namespace {

using Kind = ValueType::Kind;

// ---- writing

// What types one has within it.
enum class Inside : uint8_t { kNothing, kOne, kOneOrNone, kSeveral, kTwoOrNone, kSeveralOrNone, kResource };
Inside inside_of(Kind kind) {
  switch (kind) {
    case Kind::kList:
    case Kind::kOption:
      return Inside::kOne;
    case Kind::kStream:
    case Kind::kFuture:
      return Inside::kOneOrNone;
    case Kind::kTuple:
    case Kind::kRecord:
      return Inside::kSeveral;
    case Kind::kResult:
      return Inside::kTwoOrNone;
    case Kind::kVariant:
      return Inside::kSeveralOrNone;
    case Kind::kOwn:
    case Kind::kBorrow:
      return Inside::kResource;
    default:
      return Inside::kNothing;
  }
}

std::optional<Kind> kind_named(std::string_view wanted) {
  for (auto i = static_cast<uint8_t>(Kind::kBool); i <= static_cast<uint8_t>(Kind::kFuture); ++i)
    if (name(static_cast<Kind>(i)) == wanted) return static_cast<Kind>(i);
  return std::nullopt;
}

Json value_type_to_json(const ValueType& t) {
  if (t.kind == Kind::kNone) return nullptr;
  const Inside inside = inside_of(t.kind);
  if (inside == Inside::kNothing) return name(t.kind);
  Json j = Json::object();
  Json& content = j[std::string(name(t.kind))];
  if (inside == Inside::kResource) {
    content = t.resource;
  } else if (inside == Inside::kOne || inside == Inside::kOneOrNone) {
    content = value_type_to_json(t.children[0]);
  } else {
    content = Json::array();
    for (const ValueType& child : t.children) content.push_back(value_type_to_json(child));
  }
  return j;
}

Json type_to_json(const FuncType& type) {
  Json j = Json::object();
  if (type.params.size() != 1 || type.params[0] != ValueType()) {
    Json& params = j["params"] = Json::array();
    for (const ValueType& p : type.params) params.push_back(value_type_to_json(p));
  }
  if (type.result) j["result"] = value_type_to_json(*type.result);
  if (type.async_) j["async"] = true;
  return j;
}

Json canon_to_json(const Canon& c) {
  Json j{{"canon", name(c.kind)}};
  if (c.callee.function != kNone) j["function"] = c.callee.function;
  if (c.callee.host_function != kNone) j["host-function"] = c.callee.host_function;
  if (c.resource != kNone) j["resource"] = c.resource;
  if (c.element.kind != Kind::kNone) j["element"] = value_type_to_json(c.element);
  if (c.table != kNone) j["table"] = c.table;
  if (c.async_) j["async"] = true;
  if (c.cancellable) j["cancellable"] = true;
  if (has(c.kind, CanonField::kSlot)) j["slot"] = c.slot;
  if (c.index != IndexType::kI32) j["index"] = name(c.index);
  if (c.result) j["result"] = value_type_to_json(*c.result);
  if (c.memory != kNone) j["memory"] = c.memory;
  if (c.encoding != Encoding::kUtf8) j["encoding"] = name(c.encoding);
  if (c.realloc) j["realloc"] = true;
  return j;
}

Json entry_to_json(TableEntry e) {
  if (e == TableEntry::kNull) return nullptr;
  return name(e == TableEntry::kI32 ? IndexType::kI32 : IndexType::kI64);
}

Json instance_to_json(const Instance& i) {
  Json j = Json::object();
  if (i.parent != kNone) j["parent"] = i.parent;
  j["registers"] = i.registers;
  if (i.start) j["start"] = true;
  Json memories = Json::array();
  for (const Memory& m : i.memories) memories.push_back({{"index", name(m.index_type)}, {"pages", m.pages}});
  j["memories"] = std::move(memories);
  if (!i.tables.empty()) {
    Json& tables = j["tables"] = Json::array();
    for (const std::vector<TableEntry>& table : i.tables) {
      Json entries = Json::array();
      for (const TableEntry e : table) entries.push_back(entry_to_json(e));
      tables.push_back(std::move(entries));
    }
  }
  Json canons = Json::array();
  for (const Canon& c : i.canons) canons.push_back(canon_to_json(c));
  j["canons"] = std::move(canons);
  return j;
}

Json function_to_json(const Function& f) {
  Json j{{"instance", f.instance}, {"type", type_to_json(f.type)}, {"lift", name(f.lift)}};
  if (f.memory != kNone) j["memory"] = f.memory;
  if (f.encoding != Encoding::kUtf8) j["encoding"] = name(f.encoding);
  if (f.realloc) j["realloc"] = true;
  if (f.post_return) j["post-return"] = true;
  return j;
}

Json operand_to_json(const Operand& o) {
  return o.is_register ? Json("r" + std::to_string(o.value)) : core_to_json(o.value);
}

std::string guard_to_string(const Guard& g) {
  std::string s = g.negated ? "not " : "";
  s += name(g.kind);
  if (g.kind == GuardKind::kEvent) s += " " + std::to_string(g.value);
  if (is_about_register(g.kind)) s += " r" + std::to_string(g.value);
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
  if (o.also != kNone) j["also"] = "r" + std::to_string(o.also);
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

Json values_to_json(const std::vector<Value>& values) {
  Json j = Json::array();
  for (const Value& v : values) j.push_back(value_to_json(v));
  return j;
}

Json host_operation_to_json(const HostOperation& o) {
  Json j{{"op", name(o.kind)}};
  if (o.function != kNone) j["function"] = o.function;
  if (o.token != 0) j["token"] = o.token;
  if (o.element.kind != Kind::kNone) j["element"] = value_type_to_json(o.element);
  if (o.end != ThreadId{}) j["end"] = to_string(o.end);
  if (o.count != 0) j["count"] = o.count;
  if (!o.args.empty()) j["args"] = values_to_json(o.args);
  if (o.swallow) j["swallow"] = true;
  return j;
}

Json host_operations_to_json(const std::vector<HostOperation>& ops) {
  Json j = Json::array();
  for (const HostOperation& o : ops) j.push_back(host_operation_to_json(o));
  return j;
}

// ---- reading

ValueType read_value_type(const Json& j, const std::string& place, size_t depth = 1) {
  if (depth > kMaxNesting)
    throw InputError(place, "value types are nested deeper than " + std::to_string(kMaxNesting) + " levels");
  const auto bad = [&] { return InputError(place, "value type " + shown(j) + " is not known"); };
  if (j.is_string()) {
    const auto kind = kind_named(j.get_ref<const std::string&>());
    if (!kind || inside_of(*kind) != Inside::kNothing) throw bad();
    return *kind;
  }
  if (!j.is_object() || j.size() != 1) throw bad();
  const std::string& key = j.begin().key();
  const Json& content = j.begin().value();
  const auto kind = kind_named(key);
  if (!kind || inside_of(*kind) == Inside::kNothing) throw bad();
  const Inside inside = inside_of(*kind);
  const std::string at = place + "/" + key;
  if (inside == Inside::kResource) return {*kind, {}, read_number(content, at)};
  ValueType t(*kind);
  const bool none = inside != Inside::kOne && inside != Inside::kSeveral;
  const auto read_child = [&](const Json& child, const std::string& where) {
    t.children.push_back(none && child.is_null() ? ValueType(Kind::kNone) : read_value_type(child, where, depth + 1));
  };
  if (inside == Inside::kOne || inside == Inside::kOneOrNone) {
    read_child(content, at);
    return t;
  }
  if (content.is_array() && (content.empty() || content.size() > kMaxFields))
    throw InputError(at, "not from 1 to " + std::to_string(kMaxFields) + " types");
  for_each(content, at, read_child);
  if (inside == Inside::kTwoOrNone && t.children.size() != 2) throw InputError(at, "not two types, or null");
  return t;
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
  const auto has_field = [&](CanonField f) { return has(c.kind, f); };
  if (has_field(CanonField::kCallee)) {
    c.callee.function = r.number_or("function", kNone);
    c.callee.host_function = r.number_or("host-function", kNone);
  }
  if (has_field(CanonField::kResource)) c.resource = r.number("resource");
  if (has_field(CanonField::kElement))
    if (const Json* element = r.optional("element")) c.element = read_value_type(*element, r.at("element"));
  if (has_field(CanonField::kTable)) c.table = r.number("table");
  if (has_field(CanonField::kAsync)) c.async_ = r.flag("async");
  if (has_field(CanonField::kCancellable)) c.cancellable = r.flag("cancellable");
  if (has_field(CanonField::kSlot)) c.slot = r.number("slot");
  if (has_field(CanonField::kIndex)) c.index = r.named_or("index", IndexType::kI32);
  if (has_field(CanonField::kResult))
    if (const Json* result = r.optional("result")) c.result = read_value_type(*result, r.at("result"));
  if (has_field(CanonField::kMemory)) c.memory = r.number_or("memory", kNone);
  if (has_field(CanonField::kEncoding)) c.encoding = r.named_or("encoding", Encoding::kUtf8);
  if (has_field(CanonField::kRealloc)) c.realloc = r.flag("realloc");
  r.done();
  return c;
}

TableEntry read_table_entry(const Json& j, const std::string& place) {
  if (j.is_null()) return TableEntry::kNull;
  const auto type = j.is_string() ? from_name<IndexType>(j.get<std::string>()) : std::nullopt;
  if (!type) throw InputError(place, "not \"i32\", \"i64\" or null: " + shown(j));
  return *type == IndexType::kI32 ? TableEntry::kI32 : TableEntry::kI64;
}

Instance read_instance(const Json& j, const std::string& place) {
  ObjectReader r(j, place);
  Instance i;
  i.parent = r.number_or("parent", kNone);
  i.registers = r.number_or("registers", i.registers);
  i.start = r.flag("start");
  if (const Json* memories = r.optional("memories"))
    for_each(*memories, r.at("memories"), [&](const Json& m, const std::string& at) {
      ObjectReader mr(m, at);
      i.memories.push_back({mr.named_or("index", IndexType::kI32), mr.number_or("pages", 1)});
      mr.done();
    });
  if (const Json* tables = r.optional("tables"))
    for_each(*tables, r.at("tables"), [&](const Json& table, const std::string& at) {
      std::vector<TableEntry>& entries = i.tables.emplace_back();
      for_each(table, at,
               [&](const Json& e, const std::string& where) { entries.push_back(read_table_entry(e, where)); });
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
  f.realloc = r.flag("realloc");
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
  if (j.is_string() && !j.get_ref<const std::string&>().starts_with("0x")) return {true, read_register(j, place)};
  return {false, read_core(j, place)};
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
  } else if (is_about_register(g.kind)) {
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
  if (is_builtin(o.kind)) o.canon = r.number("canon");
  if (o.kind == Op::kLoad || o.kind == Op::kStore) o.memory = r.number("memory");
  if (const Json* guard = r.optional("if")) o.guard = read_guard(*guard, r.at("if"));
  if (o.kind == Op::kCall) o.token = r.number("token");
  if (const Json* args = r.optional("args"))
    for_each(*args, r.at("args"), [&](const Json& a, const std::string& at) { o.args.push_back(read_operand(a, at)); });
  if (const Json* to = r.optional("to")) o.to = read_register(*to, r.at("to"));
  if (o.kind == Op::kStreamNew || o.kind == Op::kFutureNew)
    if (const Json* also = r.optional("also")) o.also = read_register(*also, r.at("also"));
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
  if (o.kind == HostOp::kInstantiate)
    throw InputError(r.at("op"), "\"instantiate\" is what instances with \"start\" do by themselves");
  const bool makes = o.kind == HostOp::kNewStream || o.kind == HostOp::kNewFuture;
  const bool copies = o.kind == HostOp::kRead || o.kind == HostOp::kWrite;
  const bool names_token = o.kind == HostOp::kInvoke || o.kind == HostOp::kResolve || o.kind == HostOp::kConfirm ||
                           o.kind == HostOp::kCancel || o.kind == HostOp::kDrop || makes || o.kind == HostOp::kRead;
  if (o.kind == HostOp::kInvoke) o.function = r.number("function");
  if (names_token) o.token = r.number("token");
  if (makes)
    if (const Json* element = r.optional("element")) o.element = read_value_type(*element, r.at("element"));
  if (copies || o.kind == HostOp::kCancelCopy || o.kind == HostOp::kDropEnd)
    o.end = id_from_json(r.required("end"), r.at("end"));
  if (o.kind == HostOp::kRead) o.count = r.number_or("count", 0);
  if (o.kind == HostOp::kInvoke || o.kind == HostOp::kResolve || o.kind == HostOp::kReturn || o.kind == HostOp::kWrite)
    if (const Json* args = r.optional("args"))
      for_each(*args, r.at("args"), [&](const Json& a, const std::string& at) { o.args.push_back(read_value(a, at)); });
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
  if (c.on_cancel == OnCancel::kReturn)
    if (const Json* value = r.optional("cancel-value")) c.cancel_value = read_value(*value, r.at("cancel-value"));
  r.done();
  return c;
}

}  // namespace

Json to_json(const Scenario& s) {
  Json j = Json::object();
  if (s.recursion) j["recursion"] = true;
  j["table-limit"] = s.table_limit;
  if (!s.resources.empty()) {
    Json& resources = j["resources"] = Json::array();
    for (const Resource& resource : s.resources) {
      Json one{{"instance", resource.instance}};
      if (resource.destructor) one["destructor"] = true;
      resources.push_back(std::move(one));
    }
  }
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
    if (c.on_cancel == OnCancel::kReturn) call["cancel-value"] = value_to_json(c.cancel_value);
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
  read_all("resources", s.resources, [](const Json& e, const std::string& at) {
    ObjectReader rr(e, at);
    Resource resource{rr.number("instance"), rr.flag("destructor")};
    rr.done();
    return resource;
  });
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
