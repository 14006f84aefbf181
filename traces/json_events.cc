// Events to and from JSON, by the schema tables of traces/record.h: the first key is the record's name, snapshots
// become what changed.
#include <algorithm>
#include <map>

#include "traces/json.h"
#include "traces/json_reader.h"
#include "traces/sites.h"

namespace lockstep::traces {
namespace {

// Field by field through the words of one record or entity.
class Cursor {
 public:
  explicit Cursor(std::span<const uint32_t> words) : words_(words) {}
  uint32_t take() { return words_[i_++]; }
  ThreadId take_id() {
    const uint32_t a = take();
    return {a, take()};
  }
  uint64_t take_core() {
    const uint64_t low = take();
    return low | uint64_t{take()} << 32;
  }
  Value take_value() { return value_at(words_, i_); }

 private:
  std::span<const uint32_t> words_;
  size_t i_ = 0;
};

Json field_to_json(Cursor& c, FieldType type) {
  switch (type) {
    case FieldType::kWord:
    case FieldType::kFlag:
      return c.take();
    case FieldType::kOp:
      return name(static_cast<Op>(c.take()));
    case FieldType::kHostOp:
      return name(static_cast<HostOp>(c.take()));
    case FieldType::kContext:
      return name(static_cast<Context>(c.take()));
    case FieldType::kPoint:
      return name(static_cast<ChoicePoint>(c.take()));
    case FieldType::kOutcome:
      return name(static_cast<Outcome>(c.take()));
    case FieldType::kSite:
      return site(c.take()).name;
    case FieldType::kThread:
      return to_string(c.take_id());
    case FieldType::kWords: {
      Json list = Json::array();
      for (uint32_t n = c.take(); n > 0; --n) list.push_back(c.take());
      return list;
    }
    case FieldType::kCores: {
      Json list = Json::array();
      for (uint32_t n = c.take(); n > 0; --n) list.push_back(core_to_json(c.take_core()));
      return list;
    }
    case FieldType::kValues: {
      Json list = Json::array();
      for (uint32_t n = c.take(); n > 0; --n) list.push_back(value_to_json(c.take_value()));
      return list;
    }
    case FieldType::kIds: {
      Json list = Json::array();
      for (uint32_t n = c.take(); n > 0; --n) list.push_back(to_string(c.take_id()));
      return list;
    }
  }
  return nullptr;
}

uint32_t default_of(const Field& field) { return field.name == "canon" || field.name == "function" ? kNone : 0; }

// What may be left out of an event.
bool is_default(const Json& j, const Field& field) {
  if (j.is_array()) return j.empty();
  if (j.is_number()) return j == default_of(field);
  if (j.is_string()) return field.type == FieldType::kThread ? j == "0.0" : j == "";
  return false;
}

ThreadId read_id(const Json& j, const std::string& place) {
  const std::string text = j.is_string() ? j.get<std::string>() : "";
  const size_t dot = text.find('.');
  const auto digits = [](const std::string& s) {
    return !s.empty() && s.size() <= 10 && std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  if (dot == std::string::npos || !digits(text.substr(0, dot)) || !digits(text.substr(dot + 1)))
    throw InputError(place, "not an id (\"5.0\"): " + j.dump());
  const uint64_t a = std::stoull(text.substr(0, dot));
  const uint64_t b = std::stoull(text.substr(dot + 1));
  if (a > 0xffff'ffffu || b > 0xffff'ffffu) throw InputError(place, "id out of range: " + j.dump());
  return {static_cast<uint32_t>(a), static_cast<uint32_t>(b)};
}

template <typename Enum>
uint32_t read_enum(const Json& j, const std::string& place) {
  const auto e = j.is_string() ? from_name<Enum>(j.get<std::string>()) : std::nullopt;
  if (!e) throw InputError(place, j.dump() + " is not known");
  return static_cast<uint32_t>(*e);
}

void read_field(const Json& j, const Field& field, const std::string& place, Words& out) {
  switch (field.type) {
    case FieldType::kWord:
      out.push_back(read_number(j, place));
      return;
    case FieldType::kFlag:
      out.push_back(read_number(j, place));
      if (out.back() > 1) throw InputError(place, "not 0 or 1");
      return;
    case FieldType::kOp:
      out.push_back(read_enum<Op>(j, place));
      return;
    case FieldType::kHostOp:
      out.push_back(read_enum<HostOp>(j, place));
      return;
    case FieldType::kContext:
      out.push_back(read_enum<Context>(j, place));
      return;
    case FieldType::kPoint:
      out.push_back(read_enum<ChoicePoint>(j, place));
      return;
    case FieldType::kOutcome:
      out.push_back(read_enum<Outcome>(j, place));
      return;
    case FieldType::kSite: {
      const std::string text = j.is_string() ? j.get<std::string>() : "";
      SiteId id = find_site(text);
      // An assertion that is not in the table: all of them are one site, so that nothing is lost.
      if (id == 0 && text.starts_with("assert:")) id = find_site("assert:other#0");
      if (id == 0 && !text.empty()) throw InputError(place, j.dump() + " is not a site");
      out.push_back(id);
      return;
    }
    case FieldType::kThread: {
      const ThreadId id = read_id(j, place);
      out.push_back(id.task);
      out.push_back(id.k);
      return;
    }
    case FieldType::kWords: {
      const size_t count = out.size();
      out.push_back(0);
      for_each(j, place, [&](const Json& e, const std::string& at) { out.push_back(read_number(e, at)); });
      out[count] = static_cast<uint32_t>(out.size() - count - 1);
      return;
    }
    case FieldType::kCores: {
      const size_t count = out.size();
      out.push_back(0);
      for_each(j, place, [&](const Json& e, const std::string& at) {
        const uint64_t core = read_core(e, at);
        out.push_back(static_cast<uint32_t>(core));
        out.push_back(static_cast<uint32_t>(core >> 32));
      });
      out[count] = static_cast<uint32_t>((out.size() - count - 1) / 2);
      return;
    }
    case FieldType::kValues: {
      const size_t count = out.size();
      out.push_back(0);
      for_each(j, place, [&](const Json& e, const std::string& at) {
        append(out, read_value(e, at));
        ++out[count];
      });
      return;
    }
    case FieldType::kIds: {
      const size_t count = out.size();
      out.push_back(0);
      for_each(j, place, [&](const Json& e, const std::string& at) {
        const ThreadId id = read_id(e, at);
        out.push_back(id.task);
        out.push_back(id.k);
      });
      out[count] = static_cast<uint32_t>((out.size() - count - 1) / 2);
      return;
    }
  }
}

void default_field(const Field& field, Words& out) {
  out.push_back(default_of(field));
  if (field.type == FieldType::kThread) out.push_back(0);
}

// ---- snapshots

// (kind, key) in the order of a snapshot.
using EntityKey = std::vector<uint32_t>;
using Snapshot = std::map<EntityKey, Words>;

std::string entity_name(const EntityKey& key) {
  std::string s(schema(static_cast<EntityKind>(key[0])).name);
  s += " " + std::to_string(key[1]);
  if (key.size() > 2) s += "." + std::to_string(key[2]);
  return s;
}

EntityKey read_entity_name(const std::string& text, const std::string& place) {
  const size_t space = text.find(' ');
  for (size_t i = 0; i < kEntityKindCount; ++i) {
    const EntitySchema& es = schema(static_cast<EntityKind>(i));
    if (text.substr(0, space) != es.name || space == std::string::npos) continue;
    std::string key = text.substr(space + 1);
    if (es.key_words == 1) key += ".0";
    const ThreadId id = read_id(Json(key), place);
    if (es.key_words == 1) return {static_cast<uint32_t>(i), id.task};
    return {static_cast<uint32_t>(i), id.task, id.k};
  }
  throw InputError(place, "not an entity: \"" + text + "\"");
}

Snapshot read_snapshot(std::span<const uint32_t> words) {
  Snapshot s;
  for (const EntityView& e : entities(words)) {
    EntityKey key{static_cast<uint32_t>(e.kind)};
    key.insert(key.end(), e.key.begin(), e.key.end());
    s.emplace(std::move(key), Words(e.fields.begin(), e.fields.end()));
  }
  return s;
}

Words write_snapshot(const Snapshot& s) {
  Words out;
  for (const auto& [key, fields] : s) {
    out.push_back(header(static_cast<EntityKind>(key[0]), key.size() - 1 + fields.size()));
    out.insert(out.end(), key.begin() + 1, key.end());
    out.insert(out.end(), fields.begin(), fields.end());
  }
  return out;
}

Json fields_that_differ(const EntitySchema& es, const Words& before, const Words& after) {
  Json j = Json::object();
  Cursor b(before);
  Cursor a(after);
  for (const Field& f : es.fields) {
    const Json was = field_to_json(b, f.type);
    const Json is = field_to_json(a, f.type);
    if (was != is) j[std::string(f.name)] = is;
  }
  return j;
}

Json changes(const Snapshot& before, const Snapshot& after) {
  Json j = Json::object();
  auto b = before.begin();
  auto a = after.begin();
  while (b != before.end() || a != after.end()) {
    if (a == after.end() || (b != before.end() && b->first < a->first)) {
      j[entity_name(b->first)] = nullptr;
      ++b;
      continue;
    }
    const EntitySchema& es = schema(static_cast<EntityKind>(a->first[0]));
    if (b == before.end() || a->first < b->first) {
      j[entity_name(a->first)] = fields_that_differ(es, Words(a->second.size(), 0), a->second);
    } else {
      if (a->second != b->second) j[entity_name(a->first)] = fields_that_differ(es, b->second, a->second);
      ++b;
    }
    ++a;
  }
  return j;
}

void apply_change(Snapshot& s, const std::string& entity, const Json& change, const std::string& place) {
  const EntityKey key = read_entity_name(entity, place);
  if (change.is_null()) {
    if (s.erase(key) == 0) throw InputError(place, "\"" + entity + "\" was not there");
    return;
  }
  const EntitySchema& es = schema(static_cast<EntityKind>(key[0]));
  size_t width = 0;
  for (const Field& f : es.fields) width += f.type == FieldType::kThread ? 2 : 1;
  Words& fields = s.emplace(key, Words(width, 0)).first->second;
  ObjectReader r(change, place);
  size_t i = 0;
  for (const Field& f : es.fields) {
    const std::string field_name(f.name);
    Words value;
    if (const Json* j = r.optional(field_name.c_str())) {
      read_field(*j, f, r.at(field_name), value);
      std::copy(value.begin(), value.end(), fields.begin() + static_cast<ptrdiff_t>(i));
    }
    i += f.type == FieldType::kThread ? 2 : 1;
  }
  r.done();
}

// A header has 24 bits for it.
void check_length(const Words& words, const std::string& place) {
  if (words.size() > 0xff'ffff) throw InputError(place, "an event longer than 16777215 words");
}

bool may_have_state(RecordKind kind) {
  return kind == RecordKind::kBegin || kind == RecordKind::kEnd || kind == RecordKind::kBack ||
         kind == RecordKind::kHostEnd;
}

}  // namespace

ThreadId id_from_json(const Json& j, const std::string& place) { return read_id(j, place); }

std::string to_string(ThreadId id) { return std::to_string(id.task) + "." + std::to_string(id.k); }

std::vector<Json> events_to_json(std::span<const uint32_t> stream) {
  std::vector<Json> out;
  Snapshot last;
  for (size_t at = 0; at < stream.size();) {
    const RecordView r = record_at(stream, at);
    at = next(r);
    if (r.kind == RecordKind::kState) {
      Snapshot now = read_snapshot(r.words);
      out.back()["changed"] = changes(last, now);
      last = std::move(now);
      continue;
    }
    const RecordSchema& rs = schema(r.kind);
    Json j = Json::object();
    Cursor c(r.words);
    bool first = true;
    for (const Field& f : rs.fields) {
      Json value = field_to_json(c, f.type);
      if (first) {
        j[std::string(rs.name)] = std::move(value);
      } else if (!is_default(value, f)) {
        j[std::string(f.name)] = std::move(value);
      }
      first = false;
    }
    out.push_back(std::move(j));
  }
  return out;
}

Words events_from_json(const Json& events, const std::string& place) {
  Words out;
  Snapshot state;
  for_each(events, place, [&](const Json& j, const std::string& at) {
    if (!j.is_object() || j.empty()) throw InputError(at, "not an event");
    const std::string first = j.begin().key();
    const RecordSchema* rs = nullptr;
    for (size_t i = 0; i + 1 < kRecordKindCount; ++i)
      if (schema(static_cast<RecordKind>(i)).name == first) rs = &schema(static_cast<RecordKind>(i));
    if (rs == nullptr) throw InputError(at, "unknown event \"" + first + "\"");
    ObjectReader r(j, at);
    {
      Words fields;
      bool is_first = true;
      for (const Field& f : rs->fields) {
        const std::string key(is_first ? rs->name : f.name);
        is_first = false;
        if (const Json* value = r.optional(key.c_str()))
          read_field(*value, f, r.at(key), fields);
        else
          default_field(f, fields);
      }
      check_length(fields, at);
      out.push_back(header(rs->kind, fields.size()));
      out.insert(out.end(), fields.begin(), fields.end());
    }
    if (may_have_state(rs->kind)) {
      if (const Json* changed = r.optional("changed")) {
        if (!changed->is_object()) throw InputError(r.at("changed"), "not an object");
        for (const auto& [entity, change] : changed->items())
          apply_change(state, entity, change, r.at("changed") + "/" + entity);
        const Words words = write_snapshot(state);
        check_length(words, at);
        out.push_back(header(RecordKind::kState, words.size()));
        out.insert(out.end(), words.begin(), words.end());
      }
    }
    r.done();
  });
  return out;
}

}  // namespace lockstep::traces
