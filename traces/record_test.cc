// The schema of the event stream: names that JSON can hold side by side, and writers that write what it says.
#include "traces/record.h"

#include <gtest/gtest.h>

#include <set>

namespace lockstep::traces {
namespace {

size_t width_of(std::span<const Field> fields) {
  size_t width = 0;
  for (const Field& f : fields) width += f.type == FieldType::kThread ? 2 : 1;
  return width;
}

void expect_unique_fields(std::string_view what, std::span<const Field> fields) {
  std::set<std::string_view> names;
  for (const Field& f : fields) {
    EXPECT_FALSE(f.name.empty()) << what;
    EXPECT_TRUE(names.insert(f.name).second) << what << " has two fields " << f.name;
  }
}

TEST(Schema, FieldNamesOfARecordAreUniqueAndNotItsOwnName) {
  std::set<std::string_view> kinds;
  for (size_t i = 0; i < kRecordKindCount; ++i) {
    const RecordSchema& s = schema(static_cast<RecordKind>(i));
    EXPECT_EQ(static_cast<size_t>(s.kind), i);
    EXPECT_TRUE(kinds.insert(s.name).second) << s.name;
    expect_unique_fields(s.name, s.fields);
    // In JSON the record's name is the key of its first field, and "changed" that of its snapshot.
    for (size_t f = 1; f < s.fields.size(); ++f) EXPECT_NE(s.fields[f].name, s.name);
    for (const Field& f : s.fields) EXPECT_NE(f.name, "changed") << s.name;
    EXPECT_EQ(s.fields.empty(), s.kind == RecordKind::kState) << s.name;
  }
}

TEST(Schema, FieldNamesOfAnEntityAreUnique) {
  std::set<std::string_view> kinds;
  for (size_t i = 0; i < kEntityKindCount; ++i) {
    const EntitySchema& s = schema(static_cast<EntityKind>(i));
    EXPECT_EQ(static_cast<size_t>(s.kind), i);
    EXPECT_TRUE(kinds.insert(s.name).second) << s.name;
    EXPECT_EQ(s.name.find(' '), std::string_view::npos) << "an entity is written \"name key\"";
    EXPECT_TRUE(s.key_words == 1 || s.key_words == 2) << s.name;
    expect_unique_fields(s.name, s.fields);
  }
}

TEST(Schema, FieldsOfSnapshotsAreNumbersFlagsAndThreads) {
  for (size_t i = 0; i < kEntityKindCount; ++i)
    for (const Field& f : schema(static_cast<EntityKind>(i)).fields)
      EXPECT_TRUE(f.type == FieldType::kWord || f.type == FieldType::kFlag || f.type == FieldType::kThread) << f.name;
}

// Every entity once, each field with another value.
Words one_of_each() {
  Words out;
  {
    RecordWriter record(out, RecordKind::kState);
    SnapshotWriter w(record);
    w.instance(1, {true, true, 2, 3, {4, 5}, 6, 7});
    w.locked_instance(2);
    w.subtask(1, 2, {3, 4, true, true, true, true, 5});
    w.waitable_set(1, 3, 4);
    w.end(1, 4, {3, 2, true, true, 5, true, true, 6});
    w.resource(1, 5, {6, 7, true, 8, 9});
    w.error_context(1, 6, 7);
    w.task(5, 1, 2, 3);
    w.thread({5, 0}, {1, true, true, 2, 0x6'0000'0003, 0x7'0000'0004});
    w.tree(5, 4);
  }
  out.erase(out.begin());  // the header of the record
  return out;
}

TEST(Snapshot, WritersFillExactlyTheFieldsOfTheSchema) {
  const Words words = one_of_each();
  const std::vector<EntityView> found = entities(words);
  ASSERT_EQ(found.size(), kEntityKindCount + 1);  // two instances
  for (const EntityView& e : found) {
    EXPECT_EQ(e.key.size(), schema(e.kind).key_words) << schema(e.kind).name;
    EXPECT_EQ(e.fields.size(), width_of(schema(e.kind).fields)) << schema(e.kind).name;
  }
  const auto fields = [&](size_t i) { return Words(found[i].fields.begin(), found[i].fields.end()); };
  EXPECT_EQ(fields(0), (Words{0, 1, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(fields(1), (Words{1, 0, 0, 0, 0, 0, 0, 0, 0})) << "of a locked root only that it is locked";
  EXPECT_EQ(fields(2), (Words{3, 4, 1, 1, 1, 1, 5}));
  EXPECT_EQ(fields(3), (Words{4}));
  EXPECT_EQ(fields(4), (Words{3, 2, 1, 1, 5, 1, 1, 6}));
  EXPECT_EQ(fields(5), (Words{6, 7, 1, 8, 9}));
  EXPECT_EQ(fields(6), (Words{7}));
  EXPECT_EQ(fields(7), (Words{1, 2, 3}));
  EXPECT_EQ(fields(8), (Words{1, 1, 1, 2, 3, 4, 6, 7}));
  EXPECT_EQ(fields(9), (Words{4}));
}

TEST(Snapshot, WithoutAKindEverythingElseStays) {
  const Words words = one_of_each();
  for (size_t i = 0; i < kEntityKindCount; ++i) {
    const auto kind = static_cast<EntityKind>(i);
    size_t left = 0;
    for (const EntityView& e : entities(without(words, kind))) {
      EXPECT_NE(e.kind, kind);
      ++left;
    }
    EXPECT_EQ(left, kEntityKindCount + 1 - (kind == EntityKind::kInstance ? 2 : 1));
  }
}

TEST(Snapshot, OrderOfTheKindsIsTheOneOfTheProtocol) {
  constexpr std::string_view kOrder[] = {"instance",      "subtask", "set",    "end", "resource",
                                         "error-context", "task",    "thread", "tree"};
  ASSERT_EQ(std::size(kOrder), kEntityKindCount);
  for (size_t i = 0; i < kEntityKindCount; ++i) EXPECT_EQ(schema(static_cast<EntityKind>(i)).name, kOrder[i]);
}

TEST(Record, AWrittenRecordIsReadBackWordByWord) {
  Words out{99};
  RecordWriter(out, RecordKind::kChoice)
      .word(ChoicePoint::kTick)
      .thread({1, 2})
      .ids(std::vector<ThreadId>{{3, 4}, {5, 6}})
      .thread({3, 4});
  RecordWriter(out, RecordKind::kHostEnd).word(0).words(Words{7, 8});
  const RecordView first = record_at(out, 1);
  EXPECT_EQ(first.kind, RecordKind::kChoice);
  EXPECT_EQ(Words(first.words.begin(), first.words.end()), (Words{2, 1, 2, 2, 3, 4, 5, 6, 3, 4}));
  const RecordView second = record_at(out, next(first));
  EXPECT_EQ(second.kind, RecordKind::kHostEnd);
  EXPECT_EQ(Words(second.words.begin(), second.words.end()), (Words{0, 2, 7, 8}));
  EXPECT_EQ(next(second), out.size());
}

TEST(Record, CoreValuesAreLowAndHighWords) {
  Words out;
  RecordWriter(out, RecordKind::kEnd).thread({1, 0}).cores(std::vector<uint64_t>{5, 0x7'0000'0006});
  EXPECT_EQ(out, (Words{header(RecordKind::kEnd, 7), 1, 0, 2, 5, 0, 6, 7}));
}

TEST(Record, AValueIsReadBackAsItWasWritten) {
  const std::vector<Value> values = {
      Value::integer(UINT64_MAX),
      Value::negative(-1),
      Value::string(""),
      Value::string("abcde"),
      Value::sequence({Value(1), Value::string("x")}),
      Value::of_case(3),
      Value::of_case(1, Value::of_case(0, Value::rep(9))),
      Value::of_end({7, 2}),
  };
  Words out;
  RecordWriter(out, RecordKind::kHostCopy).thread({1, 1}).word(0).word(8).values(values);
  const RecordView r = record_at(out, 0);
  size_t at = 5;
  ASSERT_EQ(r.words[4], values.size());
  for (const Value& v : values) EXPECT_EQ(value_at(r.words, at), v);
  EXPECT_EQ(at, r.words.size());
}

}  // namespace
}  // namespace lockstep::traces
