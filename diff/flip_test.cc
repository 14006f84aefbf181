// The test of the comparison itself: whatever one engine reports differently is seen. Each field of each record and of
// each entity of a snapshot is flipped in what the optimized engine reports, one at a time; each flip must come back as
// a difference that names the field. The generated cases must contain every field that the schema has.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "diff/chooser.h"
#include "diff/optimized_engine.h"
#include "diff/scenario_source.h"
#include "diff/testing.h"
#include "traces/sites.h"

namespace lockstep::diff::testing {
namespace {

using traces::EntityKind;
using traces::EntityView;
using traces::Field;
using traces::FieldType;
using traces::RecordKind;
using traces::RecordView;
using traces::Words;

constexpr uint64_t kMaxCases = 3000;

// What is done to one value, by the type of its field.
std::vector<std::string> ways_to_flip(FieldType type) {
  switch (type) {
    case FieldType::kWord:
      return {"plus one", "zero or none"};
    case FieldType::kThread:
      return {"task", "k"};
    case FieldType::kWords:
    case FieldType::kIds:
    case FieldType::kCores:
    case FieldType::kValues:
      return {"element", "shorter", "longer"};
    default:
      return {"other"};
  }
}

uint32_t values_of(FieldType type) {
  switch (type) {
    case FieldType::kOp:
      return traces::kOpCount;
    case FieldType::kHostOp:
      return traces::kHostOpCount;
    case FieldType::kContext:
      return traces::kContextCount;
    case FieldType::kPoint:
      return traces::kChoicePointCount;
    case FieldType::kOutcome:
      return traces::kOutcomeCount;
    case FieldType::kSite:
      return static_cast<uint32_t>(traces::sites().size());
    default:
      return 2;
  }
}

// The values of a field, and where they end.
std::vector<traces::Value> values_at(std::span<const uint32_t> words, size_t& at) {
  std::vector<traces::Value> values(words[at++]);
  for (traces::Value& v : values) v = traces::value_at(words, at);
  return values;
}

bool flip_values(Words& words, size_t at, const std::string& way) {
  size_t end = at;
  std::vector<traces::Value> values = values_at(words, end);
  if (way == "longer")
    values.emplace_back(1);
  else if (values.empty())
    return false;
  else if (way == "shorter")
    values.pop_back();
  else
    values.back() = values.back() == traces::Value(7) ? traces::Value(8) : traces::Value(7);
  Words changed{static_cast<uint32_t>(values.size())};
  for (const traces::Value& v : values) append(changed, v);
  words.erase(words.begin() + static_cast<ptrdiff_t>(at), words.begin() + static_cast<ptrdiff_t>(end));
  words.insert(words.begin() + static_cast<ptrdiff_t>(at), changed.begin(), changed.end());
  return true;
}

// Flips the value that begins at `at`; false if this value cannot be flipped this way.
bool flip(Words& words, size_t at, FieldType type, const std::string& way) {
  const auto begin = words.begin() + static_cast<ptrdiff_t>(at);
  const size_t width = type == FieldType::kIds || type == FieldType::kCores ? 2 : 1;
  if (type == FieldType::kValues) return flip_values(words, at, way);
  if (way == "plus one") {
    words[at] += 1;
  } else if (way == "zero or none") {
    words[at] = words[at] == traces::kNone ? 0 : traces::kNone;
  } else if (way == "task") {
    words[at] += 1;
  } else if (way == "k") {
    words[at + 1] += 1;
  } else if (way == "other") {
    words[at] = (words[at] + 1) % values_of(type);
  } else if (way == "longer") {
    words.insert(begin + 1, width, 1);
    words[at] += 1;
  } else if (words[at] == 0) {
    return false;
  } else if (way == "element") {
    words[at + words[at] * width] += 1;  // the last word of the last element
  } else if (way == "shorter") {
    words.erase(begin + 1, begin + 1 + static_cast<ptrdiff_t>(width));
    words[at] -= 1;
  }
  return true;
}

size_t width_of(FieldType type, std::span<const uint32_t> words, size_t at) {
  if (type == FieldType::kThread) return 2;
  if (type == FieldType::kWords) return 1 + words[at];
  if (type == FieldType::kIds || type == FieldType::kCores) return 1 + 2 * size_t{words[at]};
  if (type == FieldType::kValues) {
    const size_t begin = at;
    values_at(words, at);
    return at - begin;
  }
  return 1;
}

Words with_header(RecordKind kind, const Words& fields) {
  Words record{traces::header(kind, fields.size())};
  record.insert(record.end(), fields.begin(), fields.end());
  return record;
}

// A record of this kind in which every field has its smallest value.
Words smallest(RecordKind kind) {
  Words fields;
  for (const Field& f : traces::schema(kind).fields)
    fields.insert(fields.end(), f.type == FieldType::kThread ? 2 : 1, 0);
  return with_header(kind, fields);
}

// One record reported differently.
struct Flip {
  size_t offset = 0;  // of the record in the stream
  Words instead;      // may be nothing, or two records
  // What the difference must say, in one of its lines.
  std::string says;
};

// Calls f(key, make_flip) for everything that can be flipped in this record; make_flip() is costly.
template <typename F>
void for_each_flip(const RecordView& r, F&& f) {
  const traces::RecordSchema& schema = traces::schema(r.kind);
  const std::string kind(schema.name);
  const Words words(r.words.begin(), r.words.end());
  const auto changed = [&](const Words& fields, const std::string& says) {
    return Flip{r.offset, with_header(r.kind, fields), says};
  };

  f(kind + " dropped", [&] { return std::optional(Flip{r.offset, {}, "expected"}); });
  f(kind + " twice", [&] {
    Words twice = with_header(r.kind, words);
    const Words once = twice;
    twice.insert(twice.end(), once.begin(), once.end());
    return std::optional(Flip{r.offset, twice, "expected"});
  });
  f(kind + " as another kind", [&] {
    const auto other = static_cast<RecordKind>((static_cast<size_t>(r.kind) + 1) % (traces::kRecordKindCount - 1));
    const std::string says = ", got {\"" + std::string(traces::schema(other).name) + "\":";
    return std::optional(Flip{r.offset, smallest(other), says});
  });

  size_t at = 0;
  for (const Field& field : schema.fields) {
    for (const std::string& way : ways_to_flip(field.type))
      f(kind + " " + std::string(field.name) + ": " + way, [&]() -> std::optional<Flip> {
        Words copy = words;
        if (!flip(copy, at, field.type, way)) return std::nullopt;
        // In JSON the first field has the name of the record.
        return changed(copy, (at == 0 ? kind : std::string(field.name)) + ": expected ");
      });
    at += width_of(field.type, words, at);
  }

  if (r.kind != RecordKind::kState) return;
  for (const EntityView& e : traces::entities(words)) {
    const traces::EntitySchema& es = traces::schema(e.kind);
    const std::string entity(es.name);
    const auto key_at = static_cast<size_t>(e.key.data() - words.data());
    f(entity + " missing", [&] {
      Words copy = words;
      const auto begin = copy.begin() + static_cast<ptrdiff_t>(key_at) - 1;
      copy.erase(begin, begin + 1 + static_cast<ptrdiff_t>(e.key.size() + e.fields.size()));
      return std::optional(changed(copy, ", got nothing"));
    });
    for (size_t k = 0; k < e.key.size(); ++k)
      f(entity + " key " + std::to_string(k), [&] {
        Words copy = words;
        copy[key_at + k] += 1000;
        return std::optional(changed(copy, ": expected nothing, got "));
      });
    size_t field_at = key_at + e.key.size();
    for (const Field& field : es.fields) {
      for (const std::string& way : ways_to_flip(field.type))
        f(entity + " " + std::string(field.name) + ": " + way, [&] {
          Words copy = words;
          flip(copy, field_at, field.type, way);
          return std::optional(changed(copy, " " + std::string(field.name) + ": expected "));
        });
      field_at += width_of(field.type, words, field_at);
    }
  }
}

// The keys of for_each_flip, as the schema has them.
std::set<std::string> all_keys() {
  std::set<std::string> keys;
  const auto fields = [&](const std::string& what, std::span<const Field> list) {
    for (const Field& field : list)
      for (const std::string& way : ways_to_flip(field.type))
        keys.insert(what + " " + std::string(field.name) + ": " + way);
  };
  for (size_t i = 0; i < traces::kRecordKindCount; ++i) {
    const traces::RecordSchema& s = traces::schema(static_cast<RecordKind>(i));
    for (const char* what : {" dropped", " twice", " as another kind"}) keys.insert(std::string(s.name) + what);
    fields(std::string(s.name), s.fields);
  }
  for (size_t i = 0; i < traces::kEntityKindCount; ++i) {
    const traces::EntitySchema& s = traces::schema(static_cast<EntityKind>(i));
    keys.insert(std::string(s.name) + " missing");
    for (size_t k = 0; k < s.key_words; ++k) keys.insert(std::string(s.name) + " key " + std::to_string(k));
    fields(std::string(s.name), s.fields);
  }
  return keys;
}

// What the optimized engine reports of this case, with the flip, against what is expected.
std::optional<Difference> run_flipped(Engine& engine, const Case& c, const Flip& f) {
  Recorder recorder;
  bool done = false;  // a record after a dropped one begins at the same offset
  recorder.tamper = [&](Words& words, size_t at) {
    if (done || at != f.offset) return;
    words.resize(at);
    words.insert(words.end(), f.instead.begin(), f.instead.end());
    done = true;
  };
  recorder.start(true, c.expected);
  ScenarioSource source(c.scenario);
  ScriptedChooser chooser(c.choices);
  Run run{c.scenario, source, chooser, recorder};
  engine.run(run);
  return compare(c.expected, recorder.words(), engine.capabilities());
}

bool says(const Difference& d, const std::string& text) {
  return std::any_of(d.fields.begin(), d.fields.end(), [&](const std::string& f) { return contains(f, text); });
}

TEST(Flip, EveryFieldOfEveryRecordAndSnapshotIsSeenWhenItDiffers) {
  const auto engine = make_optimized_engine("");
  std::set<std::string> missing = all_keys();
  const size_t wanted = missing.size();
  for (uint64_t i = 0; i < kMaxCases && !missing.empty(); ++i) {
    const Case c = generate_case(4, i, {});
    // From there on nothing is compared.
    if (traces::outcome_of(c.expected) == traces::Outcome::kSpecUndefined) continue;
    for (size_t at = 0; at < c.expected.size();) {
      const RecordView r = traces::record_at(c.expected, at);
      for_each_flip(r, [&](const std::string& key, auto&& make_flip) {
        if (!missing.contains(key)) return;
        const std::optional<Flip> f = make_flip();
        if (!f) return;
        missing.erase(key);
        const std::optional<Difference> d = run_flipped(*engine, c, *f);
        ASSERT_TRUE(d) << "not seen: " << key << " in case " << i;
        EXPECT_TRUE(says(*d, f->says)) << key << " in case " << i << " is described as "
                                       << (d->fields.empty() ? "(nothing)" : d->fields.front());
        EXPECT_FALSE(d->bucket.empty()) << key;
        EXPECT_GE(d->offset, r.offset) << key;
      });
      at = traces::next(r);
    }
  }
  EXPECT_TRUE(missing.empty()) << missing.size() << " of " << wanted << " were in no case, like: " << *missing.begin();
}

TEST(Flip, WithoutAFlipNothingIsSeen) {
  const auto engine = make_optimized_engine("");
  for (uint64_t i = 0; i < 50; ++i) {
    const Case c = generate_case(4, i, {});
    EXPECT_FALSE(run_flipped(*engine, c, {c.expected.size(), {}, ""})) << "case " << i;
  }
}

}  // namespace
}  // namespace lockstep::diff::testing
