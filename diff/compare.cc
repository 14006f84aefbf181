#include "diff/compare.h"

#include <algorithm>
#include <array>
#include <map>

#include "traces/json.h"
#include "traces/sites.h"

namespace lockstep::diff {

using traces::Json;
using traces::Outcome;
using traces::RecordKind;
using traces::RecordView;
using traces::Words;

namespace {

constexpr PermittedDifference kPermitted[] = {
    {"anything after spec-undefined",
     "definitions.py failed an assertion there: the specification does not say what happens"},
    {"snapshots, from an engine without `snapshot`", "it cannot report them"},
    {"the task tree and call stacks, from an engine without `tree`",
     "they are an extension that is not in definitions.py"},
    {"the aftermath of a trap, from an engine without `aftermath`", "definitions.py has no usable store after a trap"},
    {"choices, from an engine without `choices`", "it takes its own; it is only given cases in which nothing was open"},
};

constexpr uint32_t kDuringAftermath = 0xffff'ffff;

bool is_spec_undefined(std::span<const uint32_t> stream, size_t at) {
  return at < stream.size() && stream[at] >> 24 == static_cast<uint32_t>(RecordKind::kOutcome) &&
         stream[at + 1] == static_cast<uint32_t>(Outcome::kSpecUndefined);
}

// The offset of the first record that differs, or nothing.
std::optional<size_t> first_difference(std::span<const uint32_t> expected, std::span<const uint32_t> actual) {
  if (std::equal(expected.begin(), expected.end(), actual.begin(), actual.end())) return std::nullopt;
  size_t at = 0;
  while (at < expected.size() && at < actual.size()) {
    const size_t length = 1 + (expected[at] & 0xff'ffff);
    if (at + length > actual.size() || !std::equal(expected.begin() + static_cast<ptrdiff_t>(at),
                                                   expected.begin() + static_cast<ptrdiff_t>(at + length),
                                                   actual.begin() + static_cast<ptrdiff_t>(at)))
      break;
    at += length;
  }
  if (is_spec_undefined(expected, at)) return std::nullopt;
  return at;
}

std::optional<RecordView> record_or_end(std::span<const uint32_t> stream, size_t at) {
  if (at >= stream.size()) return std::nullopt;
  return traces::record_at(stream, at);
}

// A record's JSON, without state.
Json plain(const RecordView& r, std::span<const uint32_t> stream) {
  return traces::events_to_json(stream.subspan(r.offset, 1 + r.words.size())).at(0);
}

using Entities = std::map<std::string, Json>;

Entities named_entities(std::span<const uint32_t> snapshot) {
  Words record{traces::header(RecordKind::kBack, 1), 1, traces::header(RecordKind::kState, snapshot.size())};
  record.insert(record.end(), snapshot.begin(), snapshot.end());
  Entities out;
  const std::vector<Json> events = traces::events_to_json(record);
  for (const auto& [entity, fields] : events.at(0).at("changed").items()) out[entity] = fields;
  return out;
}

void diff_fields(const std::string& where, const Json& expected, const Json& actual, std::vector<std::string>& out) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : expected.items()) keys.push_back(key);
  for (const auto& [key, value] : actual.items())
    if (!expected.contains(key)) keys.push_back(key);
  // What is left out has its default: `canon` and `function` name nothing, the others are 0.
  const auto show = [](const Json& j, const std::string& key) {
    if (j.contains(key)) return j.at(key).dump();
    return std::string(key == "canon" || key == "function" ? "none" : "0");
  };
  for (const std::string& key : keys)
    if (show(expected, key) != show(actual, key))
      out.push_back(where + key + ": expected " + show(expected, key) + ", got " + show(actual, key));
}

std::vector<std::string> describe(const std::optional<RecordView>& e, std::span<const uint32_t> es,
                                  const std::optional<RecordView>& a, std::span<const uint32_t> as) {
  std::vector<std::string> out;
  if (!e || !a || e->kind != a->kind) {
    const auto show = [](const std::optional<RecordView>& r, std::span<const uint32_t> stream) {
      if (!r) return std::string("nothing more");
      return r->kind == RecordKind::kState ? std::string("a snapshot") : plain(*r, stream).dump();
    };
    out.push_back("expected " + show(e, es) + ", got " + show(a, as));
    return out;
  }
  if (e->kind != RecordKind::kState) {
    diff_fields("", plain(*e, es), plain(*a, as), out);
    return out;
  }
  const Entities expected = named_entities(e->words);
  const Entities actual = named_entities(a->words);
  for (const auto& [entity, fields] : expected) {
    const auto it = actual.find(entity);
    if (it == actual.end())
      out.push_back(entity + ": expected " + fields.dump() + ", got nothing");
    else
      diff_fields(entity + " ", fields, it->second, out);
  }
  for (const auto& [entity, fields] : actual)
    if (!expected.contains(entity)) out.push_back(entity + ": expected nothing, got " + fields.dump());
  return out;
}

// Words of a field description without names and numbers of one run.
std::string generic(const std::string& field) {
  std::string out;
  bool digit = false;
  for (const char c : field.substr(0, field.find(": expected"))) {
    const bool is_digit = (c >= '0' && c <= '9') || (digit && c == '.');
    if (is_digit && !digit) out += 'N';
    if (!is_digit) out += c;
    digit = is_digit;
  }
  return out;
}

std::string summary(const std::optional<RecordView>& r) {
  if (!r) return "nothing";
  std::string s(traces::schema(r->kind).name);
  if (r->kind == RecordKind::kTrapped) s += " " + std::string(traces::site(r->words[0]).name);
  if (r->kind == RecordKind::kOutcome) {
    s += " " + std::string(name(static_cast<Outcome>(r->words[0])));
    if (r->words[1] != 0) s += " " + std::string(traces::site(r->words[1]).name);
  }
  return s;
}

std::string bucket_of(const Difference& d, const std::optional<RecordView>& e, const std::optional<RecordView>& a) {
  std::string operation = "start";
  for (size_t at = 0; at < d.offset;) {
    const RecordView r = traces::record_at(d.expected, at);
    if (r.kind == RecordKind::kBegin) operation = name(static_cast<traces::Op>(r.words[3]));
    if (r.kind == RecordKind::kHostBegin) operation = name(static_cast<traces::HostOp>(r.words[1]));
    at = traces::next(r);
  }
  std::string bucket = operation + ": expected " + summary(e) + ", got " + summary(a);
  if (e && a && e->kind == a->kind && !d.fields.empty()) bucket += " (" + generic(d.fields.front()) + ")";
  return bucket;
}

}  // namespace

std::span<const PermittedDifference> permitted_differences() { return kPermitted; }

Words project(std::span<const uint32_t> stream, const Capabilities& c) {
  Words out;
  out.reserve(stream.size());
  bool cut = false;
  for (size_t at = 0; at < stream.size();) {
    const RecordView r = traces::record_at(stream, at);
    at = traces::next(r);
    if (r.kind == RecordKind::kHostBegin && r.words[0] == kDuringAftermath && !c.aftermath) cut = true;
    if (r.kind == RecordKind::kOutcome) cut = false;
    const bool left_out = cut || (r.kind == RecordKind::kChoice && !c.choices) ||
                          (r.kind == RecordKind::kState && !c.snapshot) || (r.kind == RecordKind::kStack && !c.tree);
    if (left_out) continue;
    if (r.kind == RecordKind::kState && !c.tree) {
      const Words rest = traces::without(r.words, traces::EntityKind::kTree);
      out.push_back(traces::header(RecordKind::kState, rest.size()));
      out.insert(out.end(), rest.begin(), rest.end());
    } else {
      out.push_back(traces::header(r.kind, r.words.size()));
      out.insert(out.end(), r.words.begin(), r.words.end());
    }
  }
  return out;
}

bool has_open_choice(std::span<const uint32_t> stream) {
  for (size_t at = 0; at < stream.size();) {
    const RecordView r = traces::record_at(stream, at);
    if (r.kind == RecordKind::kChoice && r.words[3] > 1) return true;
    at = traces::next(r);
  }
  return false;
}

std::optional<Difference> compare(std::span<const uint32_t> expected, std::span<const uint32_t> actual,
                                  const Capabilities& c) {
  const bool reduced = c != Capabilities{};
  Words e;
  Words a;
  if (reduced) {
    e = project(expected, c);
    a = project(actual, c);
    expected = e;
    actual = a;
  }
  const std::optional<size_t> at = first_difference(expected, actual);
  if (!at) return std::nullopt;
  Difference d;
  d.expected.assign(expected.begin(), expected.end());
  d.actual.assign(actual.begin(), actual.end());
  d.offset = *at;
  const auto er = record_or_end(d.expected, *at);
  const auto ar = record_or_end(d.actual, *at);
  d.fields = describe(er, d.expected, ar, d.actual);
  d.bucket = bucket_of(d, er, ar);
  return d;
}

}  // namespace lockstep::diff
