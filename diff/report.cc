#include "diff/report.h"

#include <fmt/format.h>

#include "traces/json.h"
#include "traces/json_reader.h"
#include "traces/sites.h"

namespace lockstep::diff {

using traces::Context;
using traces::HostOperation;
using traces::Json;
using traces::kNone;
using traces::Op;
using traces::Operation;
using traces::RecordKind;
using traces::RecordView;
using traces::Scenario;
using traces::ValueType;

namespace {

constexpr std::string_view kRed = "\033[31m";
constexpr std::string_view kGreen = "\033[32m";
constexpr std::string_view kBold = "\033[1m";
constexpr std::string_view kReset = "\033[0m";

std::string paint(const Style& style, std::string_view colour, const std::string& text) {
  return style.colour ? fmt::format("{}{}{}", colour, text, kReset) : text;
}

std::string function_text(const Scenario& s, uint32_t f) {
  const traces::Function& fn = s.functions[f];
  return fmt::format("f{} of instance {} ({}{}, lifted {})", f, fn.instance, fn.type.async_ ? "async " : "", "func",
                     name(fn.lift));
}

std::string type_text(const ValueType& t) {
  const auto list = [&](const std::vector<ValueType>& types) {
    std::string out;
    for (const ValueType& c : types) out += (out.empty() ? "" : ", ") + type_text(c);
    return out;
  };
  switch (t.kind) {
    case ValueType::Kind::kNone:
      return "_";
    case ValueType::Kind::kOwn:
    case ValueType::Kind::kBorrow:
      return fmt::format("{}<R{}>", name(t.kind), t.resource);
    default:
      if (t.children.empty()) return std::string(name(t.kind));
      return fmt::format("{}<{}>", name(t.kind), list(t.children));
  }
}

std::string type_text(const traces::FuncType& t) {
  std::string params;
  for (const ValueType& p : t.params) params += (params.empty() ? "" : ", ") + type_text(p);
  return fmt::format("{}func({}){}", t.async_ ? "async " : "", params, t.result ? " -> " + type_text(*t.result) : "");
}

std::string list_text(const Json& list) {
  std::string out;
  for (const Json& e : list) out += (out.empty() ? "" : ", ") + (e.is_string() ? e.get<std::string>() : e.dump());
  return out;
}

// What a fresh instance looks like is not worth telling.
bool is_fresh(const std::string& entity, const std::string& field, const Json& value) {
  return entity.starts_with("instance ") && value == 1u &&
         (field == "may-enter" || field == "may-leave" || field == "next-handle" || field == "next-thread");
}

// `first`: the snapshot that everything changes in, being the first.
std::string changed_text(const Json& changed, bool first) {
  std::string out;
  for (const auto& [entity, fields] : changed.items()) {
    std::string text;
    if (fields.is_null()) {
      text = " gone";
    } else {
      for (const auto& [field, value] : fields.items())
        if (!first || !is_fresh(entity, field, value))
          text += fmt::format(" {}={}", field, value.is_string() ? value.get<std::string>() : value.dump());
    }
    if (!text.empty()) out += (out.empty() ? "" : "; ") + entity + text;
  }
  return out;
}

std::string text_or(const Json& j, const char* key, const std::string& otherwise) {
  if (!j.contains(key)) return otherwise;
  const Json& v = j.at(key);
  return v.is_string() ? v.get<std::string>() : v.is_array() ? list_text(v) : v.dump();
}

// The built-in with its immediates, as its canon definition says.
std::string canon_text(const Scenario& s, uint32_t instance, uint32_t index) {
  if (instance >= s.instances.size() || index >= s.instances[instance].canons.size()) return "";
  const traces::Canon& c = s.instances[instance].canons[index];
  std::string out;
  if (c.kind == Op::kCall)
    out = c.callee.function != kNone ? fmt::format(" f{}", c.callee.function)
                                     : fmt::format(" host-function {}", c.callee.host_function);
  if (c.async_) out += " async";
  if (c.cancellable) out += " cancellable";
  if (c.kind == Op::kContextGet || c.kind == Op::kContextSet) out += fmt::format(" slot {}", c.slot);
  if (c.kind == Op::kContextGet || c.kind == Op::kContextSet || c.kind == Op::kThreadNewIndirect)
    if (c.index == traces::IndexType::kI64) out += " i64";
  if (c.kind == Op::kTaskReturn) out += c.result ? " (" + type_text(*c.result) + ")" : " ()";
  if (is_stream_or_future(c.kind)) out += fmt::format(" <{}>", type_text(c.element));
  if (c.resource != kNone) out += fmt::format(" R{}", c.resource);
  if (c.table != kNone) out += fmt::format(" table {}", c.table);
  return out;
}

// Renders events; knows which instance each task runs in.
class EventPrinter {
 public:
  explicit EventPrinter(const Scenario& s) : s_(s) {}

  std::string line(const Json& e) {
    const std::string kind = e.begin().key();
    std::string out;
    if (kind == "enter") {
      const std::string thread = text_or(e, "enter", "");
      const uint32_t instance = e.value("instance", 0u);
      instance_of_[thread] = instance;
      out = fmt::format("{:>6}  enter {} of {} with ({})", thread, text_or(e, "context", "body"),
                        place_text(e, instance), text_or(e, "args", ""));
    } else if (kind == "begin") {
      const std::string thread = text_or(e, "begin", "");
      out = fmt::format("{:>6}  {}", thread, text_or(e, "op", "call"));
      if (e.contains("canon") && e.value("op", "") != "load" && e.value("op", "") != "store")
        out += canon_text(s_, instance_of_[thread], e.at("canon").get<uint32_t>());
      if (e.contains("token")) out += fmt::format(" token {}", e.at("token").get<uint32_t>());
      if (e.contains("args")) out += fmt::format(" ({})", text_or(e, "args", ""));
    } else if (kind == "end") {
      out = fmt::format("{:>6}    = {}", text_or(e, "end", ""), text_or(e, "result", "done"));
    } else if (kind == "choice") {
      out = fmt::format("{:>6}    choice {} of {{{}}}: {}", text_or(e, "subject", ""), text_or(e, "choice", ""),
                        text_or(e, "candidates", ""), text_or(e, "taken", "0.0"));
    } else if (kind == "host-begin") {
      const std::string during = text_or(e, "host-begin", "0");
      const std::string who = during == "0" ? "host" : during == "4294967295" ? "after" : "host " + during;
      out = fmt::format("{:>6}  {}", who, text_or(e, "op", "invoke"));
      if (e.contains("function")) out += fmt::format(" f{}", e.at("function").get<uint32_t>());
      if (e.contains("token")) out += fmt::format(" token {}", e.at("token").get<uint32_t>());
      if (e.contains("args")) out += fmt::format(" ({})", text_or(e, "args", ""));
    } else if (kind == "host-end") {
      out = fmt::format("{:>6}    = {}", "host", text_or(e, "result", "done"));
    } else {
      out = fmt::format("{:>6}    {} {}", "", kind, text_or(e, kind.c_str(), ""));
      for (const auto& [key, value] : e.items())
        if (key != kind && key != "changed")
          out += fmt::format(" {}={}", key,
                             value.is_string()  ? value.get<std::string>()
                             : value.is_array() ? "[" + list_text(value) + "]"
                                                : value.dump());
    }
    return out;
  }

  // What changed, as a line of its own; empty if nothing did.
  std::string state(const Json& e) {
    if (!e.contains("changed")) return "";
    const std::string text = changed_text(e.at("changed"), first_state_);
    first_state_ = false;
    return text.empty() ? "" : fmt::format("{:>6}    ~ {}", "", text);
  }

 private:
  // What is entered: a function, the destructor of a resource type, …
  static std::string place_text(const Json& e, uint32_t instance) {
    const std::string context = text_or(e, "context", "body");
    std::string what;
    if (e.contains("function"))
      what = fmt::format("{}{} in ",
                         context == "destructor" ? "R"
                         : context == "thread"   ? "table "
                                                 : "f",
                         e.at("function").get<uint32_t>());
    return what + fmt::format("instance {}", instance);
  }

  const Scenario& s_;
  bool first_state_ = true;
  std::map<std::string, uint32_t> instance_of_;
};

}  // namespace

std::string to_text(const Operation& o, const traces::Instance& inst) {
  const auto operand = [](const traces::Operand& a) {
    return a.is_register ? fmt::format("r{}", a.value) : fmt::format("{}", a.value);
  };
  std::string out(name(o.kind));
  if (o.canon != kNone) {
    Scenario one;
    one.instances.push_back(inst);
    out += canon_text(one, 0, o.canon);
  }
  if (o.kind == Op::kRepeat) out += fmt::format(" {} times", o.times);
  if (o.token != 0) out += fmt::format(" token {}", o.token);
  if (!o.args.empty()) {
    std::string args;
    for (const traces::Operand& a : o.args) args += (args.empty() ? "" : ", ") + operand(a);
    out += " (" + args + ")";
  }
  if (o.to != kNone) out += fmt::format(" -> r{}", o.to);
  if (o.also != kNone) out += fmt::format(", r{}", o.also);
  if (o.guard) {
    out += o.guard->negated ? " if not " : " if ";
    out += name(o.guard->kind);
    if (o.guard->kind == traces::GuardKind::kEvent) out += fmt::format(" {}", o.guard->value);
    if (is_about_register(o.guard->kind)) out += fmt::format(" r{}", o.guard->value);
  }
  return out;
}

std::string to_text(const HostOperation& o) {
  std::string out(name(o.kind));
  if (o.function != kNone) out += fmt::format(" f{}", o.function);
  if (o.token != 0) out += fmt::format(" token {}", o.token);
  if (o.end != traces::ThreadId{}) out += fmt::format(" end {}", traces::to_string(o.end));
  if (o.kind == traces::HostOp::kRead) out += fmt::format(" {} at most", o.count);
  if (o.kind == traces::HostOp::kNewStream || o.kind == traces::HostOp::kNewFuture)
    out += fmt::format(" <{}>", type_text(o.element));
  if (!o.args.empty()) {
    std::string args;
    for (const traces::Value& v : o.args) args += (args.empty() ? "" : ", ") + traces::value_to_json(v).dump();
    out += " (" + args + ")";
  }
  if (o.swallow) out += " swallowing a trap";
  return out;
}

namespace {

void show_segment(const traces::Segment& segment, const traces::Instance& inst, size_t indent, std::string& out) {
  for (const Operation& o : segment) {
    out += std::string(indent, ' ') + to_text(o, inst) + "\n";
    if (o.kind == Op::kRepeat) show_segment(o.body, inst, indent + 2, out);
  }
}

size_t lines_of(const traces::Segment& segment) {
  size_t n = 0;
  for (const Operation& o : segment) n += 1 + lines_of(o.body);
  return n;
}

}  // namespace

size_t script_lines(const Scenario& s) {
  size_t n = s.program.size() + s.aftermath.size();
  for (const traces::Script& script : s.scripts)
    for (const traces::Segment& segment : script.segments) n += lines_of(segment);
  for (const traces::EntryScript& e : s.entries) n += lines_of(e.ops);
  for (const traces::HostCall& c : s.host_calls) n += c.on_call.size();
  return n;
}

std::string show_scenario(const Scenario& s) {
  std::string out;
  for (size_t i = 0; i < s.instances.size(); ++i)
    out +=
        fmt::format("instance {}{}\n", i,
                    s.instances[i].parent == kNone ? " (root)" : fmt::format(" in instance {}", s.instances[i].parent));
  for (size_t r = 0; r < s.resources.size(); ++r)
    out += fmt::format("R{}: resource of instance {}{}\n", r, s.resources[r].instance,
                       s.resources[r].destructor ? ", with a destructor" : "");
  for (uint32_t f = 0; f < s.functions.size(); ++f)
    out +=
        fmt::format("f{}: {} of instance {}, lifted {}{}\n", f, type_text(s.functions[f].type), s.functions[f].instance,
                    name(s.functions[f].lift), s.functions[f].post_return ? ", with post-return" : "");
  for (size_t h = 0; h < s.host_functions.size(); ++h)
    out += fmt::format("host-function {}: {}\n", h, type_text(s.host_functions[h].type));
  for (const traces::Script& script : s.scripts)
    for (size_t k = 0; k < script.segments.size(); ++k) {
      out += fmt::format("task {}, {}{}:\n", script.token, function_text(s, script.function),
                         k == 0 ? "" : fmt::format(", callback {}", k));
      show_segment(script.segments[k], s.instances[s.functions[script.function].instance], 4, out);
    }
  for (const traces::EntryScript& e : s.entries) {
    out += fmt::format("{} {} of instance {}:\n", name(e.context), e.entry, e.instance);
    show_segment(e.ops, s.instances[e.instance], 4, out);
  }
  for (const traces::HostCall& c : s.host_calls) {
    out += fmt::format("host function called with token {} (cancelled: {}):\n", c.token, name(c.on_cancel));
    for (const HostOperation& o : c.on_call) out += "    " + to_text(o) + "\n";
  }
  out += "host:\n";
  for (const HostOperation& o : s.program) out += "    " + to_text(o) + "\n";
  out += "    run\n";
  if (!s.aftermath.empty()) out += "after a trap:\n";
  for (const HostOperation& o : s.aftermath) out += "    " + to_text(o) + "\n";
  return out;
}

std::string show_events(std::span<const uint32_t> stream, const Scenario& s, const Style&) {
  EventPrinter printer(s);
  std::string out;
  for (const Json& e : traces::events_to_json(stream)) {
    out += printer.line(e) + "\n";
    if (const std::string state = printer.state(e); !state.empty()) out += state + "\n";
  }
  return out;
}

std::string show_difference(const Difference& d, const Scenario& s, const std::string& engine, const Style& style) {
  // What both have: the records before the difference. A snapshot that differs belongs to the event before it.
  const std::span<const uint32_t> common(d.expected.data(), d.offset);
  EventPrinter printer(s);
  std::string out = fmt::format("  {:58}| {}\n", "expected (model)", engine);
  const std::vector<Json> events = traces::events_to_json(common);
  for (const Json& e : events) {
    out += fmt::format("  {:58}| same\n", printer.line(e));
    if (const std::string state = printer.state(e); !state.empty()) out += "  " + state + "\n";
  }
  const auto side = [&](const traces::Words& stream) -> std::string {
    if (d.offset >= stream.size()) return "(nothing more)";
    const RecordView r = traces::record_at(stream, d.offset);
    if (r.kind == RecordKind::kState) return "          a snapshot, see below";
    EventPrinter own(s);
    return own.line(traces::events_to_json(std::span(stream).subspan(d.offset, 1 + r.words.size())).at(0));
  };
  out += paint(style, kGreen, fmt::format("> {:58}", side(d.expected))) +
         paint(style, kRed, fmt::format("| {}", side(d.actual))) + "\n";
  for (const std::string& f : d.fields) out += paint(style, kBold, "    " + f) + "\n";
  return out;
}

}  // namespace lockstep::diff
