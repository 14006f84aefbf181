// Strict reading: what is not exactly a trace is refused with its place, and writing what was read gives the same text.
#include <gtest/gtest.h>

#include "traces/json.h"
#include "traces/testing.h"

namespace lockstep::traces::testing {
namespace {

struct Broken {
  const char* what;
  const char* at;
  const char* value;  // JSON; empty: what is there is taken away
  const char* place;
  const char* text;  // part of the complaint
};

#define BODY "/scenario/scripts/0/segments/0"

constexpr Broken kBroken[] = {
    {"unknown schema version", "/schema", R"("lockstep-trace/2")", "/schema", "lockstep-trace/1"},
    {"no schema version", "/schema", "", "", "\"schema\" is missing"},
    {"schema version of another type", "/schema", "1", "/schema", "not a text"},
    {"no scenario", "/scenario", "", "", "\"scenario\" is missing"},

    // Unknown fields, at every level.
    {"unknown field of a trace", "/x", "1", "", "unknown field \"x\""},
    {"unknown field of a scenario", "/scenario/x", "1", "/scenario", "unknown field \"x\""},
    {"unknown field of an instance", "/scenario/instances/0/x", "1", "/scenario/instances/0", "unknown field"},
    {"unknown field of a memory", "/scenario/instances/0/memories/0/x", "1", "/scenario/instances/0/memories/0",
     "unknown field"},
    {"unknown field of a canon", "/scenario/instances/0/canons/0/x", "1", "/scenario/instances/0/canons/0",
     "unknown field"},
    {"field that this canon does not have", "/scenario/instances/0/canons/0/async", "true",
     "/scenario/instances/0/canons/0", "unknown field \"async\""},
    {"unknown field of a function", "/scenario/functions/0/x", "1", "/scenario/functions/0", "unknown field"},
    {"unknown field of a type", "/scenario/functions/0/type/x", "1", "/scenario/functions/0/type", "unknown field"},
    {"unknown field of a host function", "/scenario/host-functions/0/x", "1", "/scenario/host-functions/0",
     "unknown field"},
    {"unknown field of a script", "/scenario/scripts/0/x", "1", "/scenario/scripts/0", "unknown field"},
    {"unknown field of an operation", BODY "/0/x", "1", BODY "/0", "unknown field"},
    {"field that this operation does not have", BODY "/0/times", "1", BODY "/0", "unknown field \"times\""},
    {"unknown field of an entry script", "/scenario/entries/0/x", "1", "/scenario/entries/0", "unknown field"},
    {"unknown field of a host call", "/scenario/host-calls/0/x", "1", "/scenario/host-calls/0", "unknown field"},
    {"unknown field of a host operation", "/scenario/program/1/token", "1", "/scenario/program/1",
     "unknown field \"token\""},

    // Missing fields.
    {"a canon without its kind", "/scenario/instances/0/canons/0/canon", "", "/scenario/instances/0/canons/0",
     "\"canon\" is missing"},
    {"a context canon without a slot", "/scenario/instances/0/canons/1/slot", "", "/scenario/instances/0/canons/1",
     "\"slot\" is missing"},
    {"a function without an instance", "/scenario/functions/0/instance", "", "/scenario/functions/0", "is missing"},
    {"a function without a type", "/scenario/functions/0/type", "", "/scenario/functions/0", "is missing"},
    {"a function without a lift", "/scenario/functions/0/lift", "", "/scenario/functions/0", "is missing"},
    {"a script without segments", "/scenario/scripts/0/segments", "", "/scenario/scripts/0", "is missing"},
    {"an operation without its name", BODY "/0/op", "", BODY "/0", "\"op\" is missing"},
    {"a built-in without a canon", BODY "/0/canon", "", BODY "/0", "\"canon\" is missing"},
    {"a load without a memory", BODY "/4/memory", "", BODY "/4", "\"memory\" is missing"},
    {"a call without a token", BODY "/1/token", "", BODY "/1", "\"token\" is missing"},
    {"a repeat without a body", "/scenario/scripts/1/segments/0/1/body", "", "/scenario/scripts/1/segments/0/1",
     "\"body\" is missing"},
    {"an invoke without a function", "/scenario/program/0/function", "", "/scenario/program/0", "is missing"},

    // Names that are not known, or not yet implemented.
    {"unknown operation", BODY "/0/op", R"("fly")", BODY "/0/op", "\"fly\" is not known"},
    {"operation to come", BODY "/0/op", R"("stream.new")", BODY "/0/op", "\"stream.new\" is not implemented"},
    {"unknown canon", "/scenario/instances/0/canons/0/canon", R"("fly")", "/scenario/instances/0/canons/0/canon",
     "is not known"},
    {"canon to come", "/scenario/instances/0/canons/0/canon", R"("resource.new")",
     "/scenario/instances/0/canons/0/canon", "is not implemented"},
    {"canon that is core code", "/scenario/instances/0/canons/0/canon", R"("load")",
     "/scenario/instances/0/canons/0/canon", "is not a canon"},
    {"unknown host operation", "/scenario/program/1/op", R"("fly")", "/scenario/program/1/op", "is not known"},
    {"unknown lift", "/scenario/functions/0/lift", R"("up")", "/scenario/functions/0/lift", "is not known"},
    {"unknown encoding", "/scenario/functions/0/encoding", R"("ascii")", "/scenario/functions/0/encoding",
     "is not known"},
    {"unknown index type", "/scenario/instances/0/memories/0/index", R"("i8")",
     "/scenario/instances/0/memories/0/index", "is not known"},
    {"unknown context", "/scenario/entries/0/context", R"("nowhere")", "/scenario/entries/0/context", "is not known"},
    {"unknown answer to a cancellation", "/scenario/host-calls/0/on-cancel", R"("maybe")",
     "/scenario/host-calls/0/on-cancel", "is not known"},
    {"unknown value type", "/scenario/functions/0/type/result", R"("u64")", "/scenario/functions/0/type/result",
     "\"u64\" is not known"},
    {"unknown parameter type", "/scenario/functions/1/type/params/1", "32", "/scenario/functions/1/type/params/1",
     "not known"},

    // Numbers, flags, lists, objects.
    {"negative number", "/scenario/scripts/0/token", "-1", "/scenario/scripts/0/token", "not a number"},
    {"number beyond 32 bits", "/scenario/scripts/0/token", "4294967296", "/scenario/scripts/0/token", "not a number"},
    {"number beyond 64 bits", "/scenario/scripts/0/token", "18446744073709551616", "/scenario/scripts/0/token",
     "not a number"},
    {"fraction", "/scenario/scripts/0/token", "1.5", "/scenario/scripts/0/token", "not a number"},
    {"text for a number", "/scenario/scripts/0/token", R"("1")", "/scenario/scripts/0/token", "not a number"},
    {"number for a flag", "/scenario/recursion", "1", "/scenario/recursion", "not true or false"},
    {"number for a text", "/description", "1", "/description", "not a text"},
    {"object for a list", "/scenario/scripts", "{}", "/scenario/scripts", "not a list"},
    {"list for an object", "/scenario/scripts/0", "[]", "/scenario/scripts/0", "not an object"},
    {"list for the scenario", "/scenario", "[]", "/scenario", "not an object"},
    {"engines that are a list", "/engines", "[]", "/engines", "not an object"},
    {"engine version that is a number", "/engines/model", "1", "/engines/model", "not a text"},

    // Operands, registers, guards.
    {"operand that is a flag", BODY "/1/args/0", "true", BODY "/1/args/0", "not a number"},
    {"register without a number", BODY "/1/args/0", R"("r")", BODY "/1/args/0", "not a register"},
    {"register with a leading zero", BODY "/1/args/0", R"("r01")", BODY "/1/args/0", "not a register"},
    {"register with too many digits", BODY "/1/args/0", R"("r1000")", BODY "/1/args/0", "not a register"},
    {"target that is a number", BODY "/0/to", "0", BODY "/0/to", "not a register"},
    {"guard of an unknown kind", BODY "/2/if", R"("lucky")", BODY "/2/if", "not a guard"},
    {"guard that is a number", BODY "/2/if", "1", BODY "/2/if", "not a guard"},
    {"guard without its register", BODY "/2/if", R"("live")", BODY "/2/if", "not a register"},
    {"guard with a code of two digits", BODY "/2/if", R"("event 10")", BODY "/2/if", "not a guard"},
    {"guard with too much", BODY "/2/if", R"("returned r1")", BODY "/2/if", "not a guard"},

    // Choices and events.
    {"choice that is not a pair", "/choices/0", R"(["tick"])", "/choices/0", "not [point, id]"},
    {"choice of an unknown point", "/choices/0/0", R"("tock")", "/choices/0", "unknown choice point"},
    {"id without a dot", "/choices/0/1", R"("2")", "/choices/0", "not an id"},
    {"id beyond 32 bits", "/choices/0/1", R"("4294967296.0")", "/choices/0", "id out of range"},
    {"event of an unknown kind", "/events/3", R"({"fly":"1.0"})", "/events/3", "unknown event \"fly\""},
    {"snapshot as an event", "/events/3", R"({"state":1})", "/events/3", "unknown event \"state\""},
    {"event that is empty", "/events/3", "{}", "/events/3", "not an event"},
    {"event that is a list", "/events/3", "[]", "/events/3", "not an event"},
    {"unknown field of an event", "/events/3/x", "1", "/events/3", "unknown field \"x\""},
    {"snapshot after an event that has none", "/events/1/changed", "{}", "/events/1", "unknown field \"changed\""},
    {"event field of the wrong type", "/events/1/instance", R"("1")", "/events/1/instance", "not a number"},
    {"event with an unknown operation", "/events/2/op", R"("fly")", "/events/2/op", "is not known"},
    {"event with an unknown host operation", "/events/0/op", R"("fly")", "/events/0/op", "is not known"},
    {"event with an unknown context", "/events/1/context", R"("nowhere")", "/events/1/context", "is not known"},
    {"event at an unknown point", "/events/4/choice", R"("tock")", "/events/4/choice", "is not known"},
    {"event with an unknown outcome", "/events/7/outcome", R"("fine")", "/events/7/outcome", "is not known"},
    {"event with an unknown site", "/events/6/trapped", R"("canon_lower#99")", "/events/6/trapped", "is not a site"},
    {"event flag that is 2", "/events/5/blocked", "2", "/events/5/blocked", "not 0 or 1"},
    {"event with a bad thread", "/events/1/enter", R"("1")", "/events/1/enter", "not an id"},
    {"event with a bad candidate", "/events/4/candidates/0", "2", "/events/4/candidates/0", "not an id"},
    {"event with a bad list", "/events/3/result", "1", "/events/3/result", "not a list"},
    {"snapshot that is a list", "/events/2/changed", "[]", "/events/2/changed", "not an object"},
    {"unknown entity", "/events/2/changed/ghost 1", "{}", "/events/2/changed/ghost 1", "not an entity"},
    {"entity without a key", "/events/2/changed/task", "{}", "/events/2/changed/task", "not an entity"},
    {"entity with a bad key", "/events/2/changed/thread 1", "{}", "/events/2/changed/thread 1", "not an id"},
    {"entity with an unknown field", "/events/2/changed/instance 0/x", "1", "/events/2/changed/instance 0",
     "unknown field"},
    {"entity that goes without having come", "/events/3/changed/task 9", "null", "/events/3/changed/task 9",
     "was not there"},
};

std::string complaint(const Json& document) {
  return complaint_of([&] { trace_from_text(document.dump()); });
}

TEST(Reading, TheSmallTraceIsReadAndWrittenAgainByteForByte) {
  EXPECT_EQ(to_text(trace_from_text(kSmallTrace)), kSmallTrace);
}

TEST(Reading, EverythingThatIsNotATraceIsRefusedWithItsPlace) {
  for (const Broken& b : kBroken) {
    const std::string text = complaint(changed_document(b.at, b.value));
    const std::string place = *b.place != 0 ? std::string(b.place) + ": " : "";
    EXPECT_TRUE(text.starts_with(place) && text.find(b.text) != std::string::npos) << b.what << "\n  " << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << b.what << ": a complaint is one line";
  }
}

TEST(Reading, WhatMayBeLeftOutHasItsDefault) {
  for (const char* field : {"/description", "/seed", "/link", "/choices", "/events", "/scenario/recursion",
                            "/scenario/table-limit", "/scenario/aftermath", "/scenario/instances/0/registers"})
    EXPECT_EQ(complaint(changed_document(field, "")), "") << field;
}

TEST(Reading, TextThatIsNotJsonIsRefusedWithLineAndColumn) {
  const auto place = [](const char* text) {
    const std::string c = complaint_of([&] { parse_json(text); });
    return c.substr(0, c.find(": "));
  };
  EXPECT_EQ(place(""), "line 1, column 1");
  EXPECT_EQ(place("{\n  \"a\": }"), "line 2, column 8");
  EXPECT_EQ(place("[1] 2"), "line 1, column 5");
}

TEST(Reading, NestingHasALimitWhateverItConsistsOf) {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(complaint_of([&] { parse_json(nested(kMaxJsonDepth)); }), "");
  EXPECT_EQ(complaint_of([&] { parse_json(nested(kMaxJsonDepth + 1)); }),
            "line 1, column 65: nested deeper than 64 levels");
  EXPECT_EQ(complaint_of([&] { parse_json(std::string(100'000, '[')); }),
            "line 1, column 65: nested deeper than 64 levels");
  EXPECT_EQ(complaint_of([&] { parse_json("\"" + std::string(100'000, '[') + "\\\"[\""); }), "") << "in a text";
}

TEST(Reading, RepeatsNestedTooDeepAreRefusedBeforeTheyAreValidated) {
  std::string repeat = "[]";
  for (int i = 0; i < 10; ++i) repeat = R"([{"op":"repeat","times":1,"body":)" + repeat + "}]";
  EXPECT_NE(complaint(changed_document("/scenario/scripts/0/segments/0", repeat)).find("nested too deep"),
            std::string::npos);
}

TEST(Reading, AnAssertionThatIsNotInTheTableIsStillAnAssertion) {
  const Json document = changed_document("/events/7", R"({"outcome":"spec-undefined","site":"assert:new_one#7"})");
  const Words events = trace_from_text(document.dump()).events;
  EXPECT_EQ(outcome_of(events), Outcome::kSpecUndefined);
  EXPECT_EQ(events_to_json(events).back().at("site"), "assert:other#0");
}

}  // namespace
}  // namespace lockstep::traces::testing
