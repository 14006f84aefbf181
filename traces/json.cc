// Trace files: layout, parsing with limits, and the files themselves.
#include "traces/json.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "traces/json_reader.h"
#include "traces/validate.h"

namespace lockstep::traces {
namespace {

namespace fs = std::filesystem;

std::string place_of_byte(std::string_view text, size_t byte) {
  byte = std::min(byte, text.size());
  size_t line = 1;
  size_t line_start = 0;
  for (size_t i = 0; i < byte; ++i)
    if (text[i] == '\n') {
      ++line;
      line_start = i + 1;
    }
  return "line " + std::to_string(line) + ", column " + std::to_string(byte - line_start + 1);
}

// Before the parser sees it: nesting is bounded, so that no later recursion can run out of stack.
void check_depth(std::string_view text) {
  size_t depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxJsonDepth)
        throw InputError(place_of_byte(text, i), "nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
}

// Fields that are types, values, or tables: they never make a line longer than one.
bool is_small(std::string_view field) {
  constexpr std::string_view kSmall[] = {"type", "params",       "result", "element",
                                         "args", "cancel-value", "values", "tables"};
  return std::find(std::begin(kSmall), std::end(kSmall), field) != std::end(kSmall);
}

// No list in it has a list or object as an element: such values go on one line.
bool is_flat(const Json& j) {
  if (j.is_array()) {
    for (const Json& e : j)
      if (e.is_structured()) return false;
  } else if (j.is_object()) {
    for (const auto& [key, e] : j.items())
      if (!is_small(key) && !is_flat(e)) return false;
  }
  return true;
}

void write(const Json& j, size_t indent, std::string& out) {
  if (is_flat(j)) {
    out += j.dump();
    return;
  }
  const std::string pad(indent + 1, ' ');
  const bool object = j.is_object();
  out += object ? '{' : '[';
  bool first = true;
  for (const auto& [key, value] : j.items()) {
    out += first ? "\n" : ",\n";
    first = false;
    out += pad;
    if (object) {
      out += Json(key).dump();
      out += ": ";
    }
    if (object && is_small(key))
      out += value.dump();
    else
      write(value, indent + 1, out);
  }
  out += '\n';
  out.append(indent, ' ');
  out += object ? '}' : ']';
}

}  // namespace

Json parse_json(std::string_view text) {
  check_depth(text);
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::parse_error& e) {
    // The message of the library without its own prefix and position.
    std::string what = e.what();
    if (const size_t colon = what.find(": "); colon != std::string::npos) what = what.substr(colon + 2);
    throw InputError(place_of_byte(text, e.byte == 0 ? 0 : e.byte - 1), "not JSON: " + what);
  } catch (const nlohmann::json::exception& e) {
    throw InputError("", std::string("not JSON: ") + e.what());
  }
}

std::string to_text(const Trace& t) {
  Json j{{"schema", kSchema}};
  j["description"] = t.description;
  j["specification"] = t.specification;
  Json engines = Json::object();
  for (const auto& [engine, version] : t.engines) engines[engine] = version;
  j["engines"] = std::move(engines);
  if (!t.seed.empty()) j["seed"] = t.seed;
  if (!t.link.empty()) j["link"] = t.link;
  j["scenario"] = to_json(t.scenario);
  Json choices = Json::array();
  for (const TakenChoice& c : t.choices) choices.push_back(Json::array({name(c.point), to_string(c.taken)}));
  j["choices"] = std::move(choices);
  j["events"] = events_to_json(t.events);
  std::string out;
  write(j, 0, out);
  out += '\n';
  return out;
}

Trace trace_from_text(std::string_view text) {
  const Json j = parse_json(text);
  ObjectReader r(j, "");
  const std::string schema = r.text("schema");
  if (schema != kSchema)
    throw InputError("/schema", "\"" + schema + "\" is not a schema version that this lockstep reads (" +
                                    std::string(kSchema) + ")");
  Trace t;
  t.description = r.text_or_empty("description");
  t.specification = r.text_or_empty("specification");
  if (const Json* engines = r.optional("engines")) {
    if (!engines->is_object()) throw InputError("/engines", "not an object");
    for (const auto& [engine, version] : engines->items()) {
      if (!version.is_string()) throw InputError("/engines/" + engine, "not a text");
      t.engines.emplace_back(engine, version.get<std::string>());
    }
  }
  t.seed = r.text_or_empty("seed");
  t.link = r.text_or_empty("link");
  t.scenario = scenario_from_json(r.required("scenario"));
  if (const Json* choices = r.optional("choices"))
    for_each(*choices, "/choices", [&](const Json& c, const std::string& at) {
      if (!c.is_array() || c.size() != 2 || !c[0].is_string()) throw InputError(at, "not [point, id]");
      const auto point = from_name<ChoicePoint>(c[0].get<std::string>());
      if (!point) throw InputError(at, "unknown choice point " + c[0].dump());
      t.choices.push_back({*point, id_from_json(c[1], at)});
    });
  if (const Json* events = r.optional("events")) t.events = events_from_json(*events);
  r.done();
  return t;
}

std::string read_file(const std::string& path) {
  std::error_code ec;
  if (!fs::is_regular_file(path, ec)) throw InputError(path, ec ? ec.message() : "not a file");
  const auto size = fs::file_size(path, ec);
  if (ec) throw InputError(path, ec.message());
  if (size > kMaxFileBytes) throw InputError(path, "larger than 64 MB");
  std::ifstream in(path, std::ios::binary);
  std::string text(size, '\0');
  if (!in || !in.read(text.data(), static_cast<std::streamsize>(size))) throw InputError(path, "cannot be read");
  return text;
}

Trace read_trace_file(const std::string& path) {
  const std::string text = read_file(path);
  try {
    Trace t = trace_from_text(text);
    validate(t.scenario);
    return t;
  } catch (const InputError& e) {
    throw InputError(path, e.what());
  }
}

void write_file(const std::string& path, std::string_view text) {
  const std::string temporary = path + ".tmp";
  {
    std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.flush();
    if (!out) {
      const std::string why = std::strerror(errno);
      std::error_code ignored;
      fs::remove(temporary, ignored);
      throw InputError(path, "cannot be written: " + why);
    }
  }
  std::error_code ec;
  fs::rename(temporary, path, ec);
  if (ec) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    throw InputError(path, "cannot be written: " + ec.message());
  }
}

}  // namespace lockstep::traces
