// The flip test by way of JSON, as an engine in another process reports: for engines that can report everything, and
// for those that lack a capability. A flip in what the engine can report is seen, a flip in what it cannot is not.
#include <gtest/gtest.h>

#include <set>

#include "diff/testing.h"

namespace lockstep::diff::testing {
namespace {

using traces::Field;
using traces::FieldType;
using traces::Json;
using traces::RecordKind;
using traces::Words;

constexpr uint64_t kCases = 120;

std::string kind_of(const Json& event) { return event.begin().key(); }

std::span<const Field> fields_of(const std::string& kind) {
  for (size_t i = 0; i < traces::kRecordKindCount; ++i)
    if (traces::schema(static_cast<RecordKind>(i)).name == kind)
      return traces::schema(static_cast<RecordKind>(i)).fields;
  throw std::logic_error("no such event: " + kind);
}

// "thread" of "thread 5.0".
const traces::EntitySchema& entity_schema(const std::string& entity) {
  for (size_t i = 0; i < traces::kEntityKindCount; ++i) {
    const traces::EntitySchema& s = traces::schema(static_cast<traces::EntityKind>(i));
    if (entity.starts_with(std::string(s.name) + " ")) return s;
  }
  throw std::logic_error("no such entity: " + entity);
}

// Another value than this one (null: left out).
Json flipped(const Field& field, const Json& value) {
  const auto other = [&](const char* a, const char* b) { return value == a ? Json(b) : Json(a); };
  switch (field.type) {
    case FieldType::kWord:
      return value.is_null() ? 77u : value.get<uint32_t>() + 1u;
    case FieldType::kFlag:
      return value.is_null() || value == 0 ? 1u : 0u;
    case FieldType::kOp:
      return other("load", "throw");
    case FieldType::kHostOp:
      return other("run", "tick");
    case FieldType::kContext:
      return other("body", "callback");
    case FieldType::kPoint:
      return other("tick", "sync-loop");
    case FieldType::kOutcome:
      return other("done", "stuck");
    case FieldType::kSite:
      return other("canon_lower#1", "Table.get#1");
    case FieldType::kThread:
      return other("77.0", "77.1");
    case FieldType::kWords:
    case FieldType::kCores:
    case FieldType::kValues:
    case FieldType::kIds: {
      Json list = value.is_null() ? Json::array() : value;
      list.push_back(field.type == FieldType::kIds ? Json("77.0") : Json(77u));
      return list;
    }
  }
  return nullptr;
}

Json value_at(const Json& object, const std::string& key) { return object.contains(key) ? object.at(key) : Json(); }

// One field of the event at `event`: of the event itself, or of an entity in its "changed".
struct Place {
  size_t event = 0;
  std::string entity;  // "" for the event itself
  const Field* field = nullptr;
  std::string key;  // of the field in its object
};

// "begin canon" or "thread slot0".
std::string name_of(const Json& events, const Place& p) {
  const std::string owner = p.entity.empty() ? kind_of(events[p.event]) : std::string(entity_schema(p.entity).name);
  return owner + " " + std::string(p.field->name);
}

std::vector<Place> places(const Json& events) {
  std::vector<Place> out;
  for (size_t i = 0; i < events.size(); ++i) {
    const std::string kind = kind_of(events[i]);
    for (const Field& f : fields_of(kind)) {
      const bool first = &f == &fields_of(kind)[0];
      out.push_back({i, "", &f, first ? kind : std::string(f.name)});
    }
    if (!events[i].contains("changed")) continue;
    for (const auto& [entity, change] : events[i].at("changed").items())
      if (!change.is_null())
        for (const Field& f : entity_schema(entity).fields) out.push_back({i, entity, &f, std::string(f.name)});
  }
  return out;
}

Json with_flip(Json events, const Place& p) {
  Json& object = p.entity.empty() ? events[p.event] : events[p.event]["changed"][p.entity];
  object[p.key] = flipped(*p.field, value_at(object, p.key));
  return events;
}

// What an engine of these capabilities reports, said in terms of the protocol and not of the comparison's own code.
bool reports(const Capabilities& c, const Json& events, const Place& p) {
  bool in_aftermath = false;
  for (size_t i = 0; i <= p.event; ++i) {
    if (kind_of(events[i]) == "host-begin" && events[i].at("host-begin") == traces::kNone) in_aftermath = true;
    if (kind_of(events[i]) == "outcome") in_aftermath = false;
  }
  if (in_aftermath && !c.aftermath) return false;
  if (!p.entity.empty()) return c.snapshot && (c.tree || !p.entity.starts_with("tree "));
  const std::string kind = kind_of(events[p.event]);
  return (c.tree || kind != "stack") && (c.choices || kind != "choice");
}

Json stripped(const Json& events, const Capabilities& c) {
  Json out = Json::array();
  for (size_t i = 0; i < events.size(); ++i) {
    if (!reports(c, events, {i, "", nullptr, ""})) continue;
    Json e = events[i];
    if (!c.snapshot) e.erase("changed");
    if (!c.tree && e.contains("changed")) {
      Json rest = Json::object();
      for (const auto& [entity, change] : e.at("changed").items())
        if (!entity.starts_with("tree ")) rest[entity] = change;
      e["changed"] = rest;
    }
    out.push_back(e);
  }
  return out;
}

struct Kind {
  const char* name;
  Capabilities capabilities;
};
constexpr Kind kKinds[] = {
    {"an engine that reports everything", {}},
    {"an engine without choices", {.choices = false}},
    {"an engine without snapshots", {.snapshot = false}},
    {"an engine without the task tree", {.tree = false}},
    {"an engine without the aftermath", {.aftermath = false}},
    {"an engine that reports nothing of these", {false, false, false, false}},
};

struct Reported {
  Words expected;
  Json events;
};

// Without those in which the specification has no answer: from there on nothing is compared.
const std::vector<Reported>& cases() {
  static const std::vector<Reported> all = [] {
    std::vector<Reported> out;
    for (uint64_t i = 0; i < kCases; ++i) {
      const Case c = generate_case(4, i, {});
      if (traces::outcome_of(c.expected) != traces::Outcome::kSpecUndefined)
        out.push_back({c.expected, Json(traces::events_to_json(c.expected))});
    }
    return out;
  }();
  return all;
}

// "begin canon", "thread slot0" and all others.
std::set<std::string> all_names() {
  std::set<std::string> names;
  const auto add = [&](std::string_view owner, std::span<const Field> fields) {
    for (const Field& f : fields) names.insert(std::string(owner) + " " + std::string(f.name));
  };
  for (size_t i = 0; i + 1 < traces::kRecordKindCount; ++i)
    add(traces::schema(static_cast<RecordKind>(i)).name, traces::schema(static_cast<RecordKind>(i)).fields);
  for (size_t i = 0; i < traces::kEntityKindCount; ++i)
    add(traces::schema(static_cast<traces::EntityKind>(i)).name,
        traces::schema(static_cast<traces::EntityKind>(i)).fields);
  return names;
}

TEST(FlipInJson, IsSeenByAnEngineThatReportsItAndByNoOther) {
  for (const Kind& kind : kKinds) {
    std::set<std::string> seen;
    std::set<std::string> not_seen;
    for (const Reported& c : cases())
      for (const Place& p : places(c.events)) {
        // With another `during`, the first step of an aftermath would not be one.
        if (p.key == "host-begin" && c.events[p.event].at("host-begin") == traces::kNone) continue;
        const std::string name = name_of(c.events, p);
        const bool reported = reports(kind.capabilities, c.events, p);
        if (!(reported ? seen : not_seen).insert(name).second) continue;
        const auto d = compare(c.expected, traces::events_from_json(with_flip(c.events, p)), kind.capabilities);
        EXPECT_EQ(d.has_value(), reported) << kind.name << ": " << name << " of event " << p.event;
        if (!d) continue;
        const std::string wanted = p.key + ": expected ";
        EXPECT_TRUE(
            std::any_of(d->fields.begin(), d->fields.end(), [&](const std::string& f) { return contains(f, wanted); }))
            << kind.name << ": " << name << ": " << (d->fields.empty() ? "(nothing)" : d->fields.front());
      }
    EXPECT_EQ(not_seen.empty(), kind.capabilities == Capabilities{}) << kind.name;
    // Every field of the schema was there, one way or the other.
    for (const std::string& name : all_names())
      EXPECT_TRUE(seen.contains(name) || not_seen.contains(name)) << kind.name << ": no case has " << name;
  }
}

TEST(FlipInJson, AnEngineThatLeavesOutWhatItCannotReportAgrees) {
  for (const Kind& kind : kKinds)
    for (const Reported& c : cases()) {
      const Words actual = traces::events_from_json(stripped(c.events, kind.capabilities));
      const auto d = compare(c.expected, actual, kind.capabilities);
      EXPECT_FALSE(d) << kind.name << ": " << d->bucket;
    }
}

TEST(FlipInJson, AnEngineThatLeavesOutWhatItClaimsToReportDiffers) {
  for (const Kind& kind : kKinds) {
    size_t differ = 0;
    for (const Reported& c : cases()) {
      const Json less = stripped(c.events, kind.capabilities);
      if (less == c.events) continue;
      EXPECT_TRUE(compare(c.expected, traces::events_from_json(less), {})) << kind.name;
      ++differ;
    }
    EXPECT_EQ(differ > 0, kind.capabilities != Capabilities{}) << kind.name;
  }
}

}  // namespace
}  // namespace lockstep::diff::testing
