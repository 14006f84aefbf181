// Strict reading: what is not exactly a trace is refused with its place, and writing what was read gives the same text.
#include <gtest/gtest.h>

#include <filesystem>

#include "traces/json.h"
#include "traces/testing.h"
#include "traces/validate.h"

namespace lockstep::traces::testing {
namespace {

struct Unreadable {
  const char* what;
  const char* at;
  const char* value;  // JSON; empty: what is there is taken away
  const char* place;
  const char* text;  // part of the complaint
};

#define READ_BODY "/scenario/scripts/0/segments/0"

constexpr Unreadable kUnreadable[] = {
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
    {"unknown field of an operation", READ_BODY "/0/x", "1", READ_BODY "/0", "unknown field"},
    {"field that this operation does not have", READ_BODY "/0/times", "1", READ_BODY "/0", "unknown field \"times\""},
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
    {"an operation without its name", READ_BODY "/0/op", "", READ_BODY "/0", "\"op\" is missing"},
    {"a built-in without a canon", READ_BODY "/0/canon", "", READ_BODY "/0", "\"canon\" is missing"},
    {"a load without a memory", READ_BODY "/4/memory", "", READ_BODY "/4", "\"memory\" is missing"},
    {"a call without a token", READ_BODY "/1/token", "", READ_BODY "/1", "\"token\" is missing"},
    {"a repeat without a body", "/scenario/scripts/1/segments/0/1/body", "", "/scenario/scripts/1/segments/0/1",
     "\"body\" is missing"},
    {"an invoke without a function", "/scenario/program/0/function", "", "/scenario/program/0", "is missing"},

    // Names that are not known, or not yet implemented.
    {"unknown operation", READ_BODY "/0/op", R"("fly")", READ_BODY "/0/op", "\"fly\" is not known"},
    {"unknown canon", "/scenario/instances/0/canons/0/canon", R"("fly")", "/scenario/instances/0/canons/0/canon",
     "is not known"},
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
    {"unknown value type", "/scenario/functions/0/type/result", R"("u128")", "/scenario/functions/0/type/result",
     "\"u128\" is not known"},
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
    {"operand that is a flag", READ_BODY "/1/args/0", "true", READ_BODY "/1/args/0", "not a number"},
    {"register without a number", READ_BODY "/1/args/0", R"("r")", READ_BODY "/1/args/0", "not a register"},
    {"register with a leading zero", READ_BODY "/1/args/0", R"("r01")", READ_BODY "/1/args/0", "not a register"},
    {"register with too many digits", READ_BODY "/1/args/0", R"("r1000")", READ_BODY "/1/args/0", "not a register"},
    {"target that is a number", READ_BODY "/0/to", "0", READ_BODY "/0/to", "not a register"},
    {"guard of an unknown kind", READ_BODY "/2/if", R"("lucky")", READ_BODY "/2/if", "not a guard"},
    {"guard that is a number", READ_BODY "/2/if", "1", READ_BODY "/2/if", "not a guard"},
    {"guard without its register", READ_BODY "/2/if", R"("live")", READ_BODY "/2/if", "not a register"},
    {"guard with a code of two digits", READ_BODY "/2/if", R"("event 10")", READ_BODY "/2/if", "not a guard"},
    {"guard with too much", READ_BODY "/2/if", R"("returned r1")", READ_BODY "/2/if", "not a guard"},

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

#define CANONS "/scenario/instances/1/canons"
#define TYPE "/scenario/functions/2/type"

// In the wide trace.
constexpr Unreadable kUnreadableWide[] = {
    {"unknown field of a resource", "/scenario/resources/0/x", "1", "/scenario/resources/0", "unknown field \"x\""},
    {"resource without an instance", "/scenario/resources/0/instance", "", "/scenario/resources/0", "is missing"},
    {"start that is a number", "/scenario/instances/0/start", "1", "/scenario/instances/0/start", "not true or false"},
    {"table that is no list", "/scenario/instances/1/tables/0", R"("i32")", "/scenario/instances/1/tables/0",
     "not a list"},
    {"table entry of another type", "/scenario/instances/1/tables/0/1", R"("i8")", "/scenario/instances/1/tables/0/1",
     "not \"i32\", \"i64\" or null"},

    // Value types.
    {"type of an unknown name", TYPE "/params/1", R"({"set":"u8"})", TYPE "/params/1", "is not known"},
    {"plain type as an object", TYPE "/params/1", R"({"u8":"u8"})", TYPE "/params/1", "is not known"},
    {"compound type as a name", TYPE "/params/1", R"("list")", TYPE "/params/1", "is not known"},
    {"no type by name", TYPE "/params/1", R"("none")", TYPE "/params/1", "is not known"},
    {"type with two keys", TYPE "/params/1", R"({"list":"u8","own":0})", TYPE "/params/1", "is not known"},
    {"type that is null", TYPE "/params/1", "null", TYPE "/params/1", "is not known"},
    {"list of nothing", TYPE "/params/1", R"({"list":null})", TYPE "/params/1/list", "is not known"},
    {"option of nothing", TYPE "/params/1", R"({"option":null})", TYPE "/params/1/option", "is not known"},
    {"tuple of nothing", TYPE "/params/1", R"({"tuple":[]})", TYPE "/params/1/tuple", "not from 1 to 1000"},
    {"tuple with a hole", TYPE "/params/1", R"({"tuple":["u8",null]})", TYPE "/params/1/tuple/1", "is not known"},
    {"record that is no list", TYPE "/params/1", R"({"record":"u8"})", TYPE "/params/1/record", "not a list"},
    {"variant without cases", TYPE "/params/1", R"({"variant":[]})", TYPE "/params/1/variant", "not from 1 to 1000"},
    {"result of one", TYPE "/params/1", R"({"result":["u8"]})", TYPE "/params/1/result", "not two types"},
    {"own of a type", TYPE "/params/1", R"({"own":"u8"})", TYPE "/params/1/own", "not a number"},
    {"borrow without a resource", TYPE "/params/1", R"({"borrow":null})", TYPE "/params/1/borrow", "not a number"},
    {"bad type deep inside", TYPE "/params/1", R"({"list":{"result":[null,{"tuple":["f32"]}]}})",
     TYPE "/params/1/list/result/1/tuple/0", "\"f32\" is not known"},

    // Canons: each field with a kind that does not have it.
    {"element without a stream", CANONS "/19/element", R"("u8")", CANONS "/19", "unknown field \"element\""},
    {"unknown element", CANONS "/3/element", R"("f64")", CANONS "/3/element", "\"f64\" is not known"},
    {"resource of a stream", CANONS "/3/resource", "0", CANONS "/3", "unknown field \"resource\""},
    {"resource canon without one", CANONS "/28/resource", "", CANONS "/28", "\"resource\" is missing"},
    {"table of a suspend", CANONS "/20/table", "0", CANONS "/20", "unknown field \"table\""},
    {"new-indirect without a table", CANONS "/17/table", "", CANONS "/17", "\"table\" is missing"},
    {"index of a stream", CANONS "/3/index", R"("i64")", CANONS "/3", "unknown field \"index\""},
    {"unknown index", CANONS "/17/index", R"("i16")", CANONS "/17/index", "is not known"},
    {"async stream.new", CANONS "/3/async", "true", CANONS "/3", "unknown field \"async\""},
    {"async drop", CANONS "/8/async", "true", CANONS "/8", "unknown field \"async\""},
    {"memory of a cancel-read", CANONS "/6/memory", "0", CANONS "/6", "unknown field \"memory\""},
    {"encoding of a cancel-read", CANONS "/6/encoding", R"("utf8")", CANONS "/6", "unknown field \"encoding\""},
    {"realloc of a write", CANONS "/5/realloc", "true", CANONS "/5", "unknown field \"realloc\""},
    {"realloc of error-context.new", CANONS "/25/realloc", "true", CANONS "/25", "unknown field \"realloc\""},
    {"realloc of a task.return", CANONS "/31/realloc", "true", CANONS "/31", "unknown field \"realloc\""},
    {"cancellable resume-later", CANONS "/19/cancellable", "true", CANONS "/19", "unknown field \"cancellable\""},
    {"realloc that is a number", "/scenario/functions/0/realloc", "1", "/scenario/functions/0/realloc",
     "not true or false"},

    // Operations.
    {"also of a read", READ_BODY "/2/also", R"("r0")", READ_BODY "/2", "unknown field \"also\""},
    {"also that is a number", READ_BODY "/1/also", "1", READ_BODY "/1/also", "not a register"},
    {"store without a memory", READ_BODY "/11/memory", "", READ_BODY "/11", "\"memory\" is missing"},
    {"memory of a stream.read", READ_BODY "/2/memory", "0", READ_BODY "/2", "unknown field \"memory\""},
    {"operand of 32 bits in hexadecimal", READ_BODY "/3/args/1", R"("0xffffffff")", READ_BODY "/3/args/1",
     "not a number from 2^32"},
    {"operand beyond 64 bits", READ_BODY "/3/args/1", R"("0x10000000000000000")", READ_BODY "/3/args/1",
     "not a number from 2^32"},
    {"operand with a leading zero", READ_BODY "/3/args/1", R"("0x0100000000")", READ_BODY "/3/args/1",
     "not a number from 2^32"},
    {"operand in capitals", READ_BODY "/3/args/1", R"("0xFFFFFFFFF")", READ_BODY "/3/args/1", "not a number from 2^32"},
    {"operand with a sign", READ_BODY "/3/args/1", R"("0x-100000000")", READ_BODY "/3/args/1",
     "not a number from 2^32"},
    {"operand without digits", READ_BODY "/3/args/1", R"("0x")", READ_BODY "/3/args/1", "not a number from 2^32"},
    {"operand beyond 32 bits as a number", READ_BODY "/3/args/1", "4294967296", READ_BODY "/3/args/1", "not a number"},
    {"guard about an end without its register", READ_BODY "/2/if", R"("idle")", READ_BODY "/2/if", "not a register"},
    {"guard about a thread without its register", READ_BODY "/9/if", R"("suspended 1")", READ_BODY "/9/if",
     "not a register"},

    // Host operations and values.
    {"instantiate in a program", "/scenario/program/0/op", R"("instantiate")", "/scenario/program/0/op",
     "do by themselves"},
    {"new stream without a token", "/scenario/program/0/token", "", "/scenario/program/0", "\"token\" is missing"},
    {"new stream with an end", "/scenario/program/0/end", R"("1.0")", "/scenario/program/0", "unknown field \"end\""},
    {"write without an end", "/scenario/program/3/end", "", "/scenario/program/3", "\"end\" is missing"},
    {"write with a token", "/scenario/program/3/token", "7", "/scenario/program/3", "unknown field \"token\""},
    {"end that is a number", "/scenario/program/3/end", "1", "/scenario/program/3/end", "not an id"},
    {"read without a token", "/scenario/program/9/token", "", "/scenario/program/9", "\"token\" is missing"},
    {"read with values", "/scenario/program/9/args", "[1]", "/scenario/program/9", "unknown field \"args\""},
    {"drop-end with a count", "/scenario/program/11/count", "1", "/scenario/program/11", "unknown field \"count\""},
    {"element of a read", "/scenario/program/9/element", R"("u8")", "/scenario/program/9", "unknown field"},
    {"value that is a flag", "/scenario/program/6/args/0", "true", "/scenario/program/6/args/0", "not a value: true"},
    {"value that is null", "/scenario/program/6/args/0", "null", "/scenario/program/6/args/0", "not a value: null"},
    {"value that is a fraction", "/scenario/program/6/args/0", "1.5", "/scenario/program/6/args/0",
     "not a number from"},
    {"value above 32 bits as a number", "/scenario/program/6/args/0", "4294967296", "/scenario/program/6/args/0",
     "not a number from"},
    {"value below 32 bits as a number", "/scenario/program/6/args/0", "-2147483649", "/scenario/program/6/args/0",
     "not a number from"},
    {"empty object as a value", "/scenario/program/6/args/0", "{}", "/scenario/program/6/args/0", "not a value"},
    {"unknown kind of value", "/scenario/program/6/args/0", R"({"char":"x"})", "/scenario/program/6/args/0",
     "not a value"},
    {"integer that is a number", "/scenario/program/6/args/0", R"({"int":5})", "/scenario/program/6/args/0/int",
     "not an integer"},
    {"integer beyond 64 bits", "/scenario/program/6/args/0", R"({"int":"18446744073709551616"})",
     "/scenario/program/6/args/0/int", "not an integer"},
    {"integer below 64 bits", "/scenario/program/6/args/0", R"({"int":"-9223372036854775809"})",
     "/scenario/program/6/args/0/int", "not an integer"},
    {"integer with a leading zero", "/scenario/program/6/args/0", R"({"int":"01"})", "/scenario/program/6/args/0/int",
     "not an integer"},
    {"integer minus zero", "/scenario/program/6/args/0", R"({"int":"-0"})", "/scenario/program/6/args/0/int",
     "not an integer"},
    {"integer without digits", "/scenario/program/6/args/0", R"({"int":""})", "/scenario/program/6/args/0/int",
     "not an integer"},
    {"integer with more", "/scenario/program/6/args/0", R"({"int":"1","rep":1})", "/scenario/program/6/args/0",
     "unknown field \"rep\""},
    {"case that is a text", "/scenario/program/6/args/0", R"({"case":"1"})", "/scenario/program/6/args/0/case",
     "not a number"},
    {"bad value in a case in a list", "/scenario/program/6/args/0", R"([0,{"case":1,"value":{"rep":-1}}])",
     "/scenario/program/6/args/0/1/value/rep", "not a number"},
    {"end that has no k", "/scenario/program/6/args/0", R"({"end":"5"})", "/scenario/program/6/args/0/end",
     "not an id"},
    {"cancel-value that is no value", "/scenario/host-calls/0/cancel-value", R"({"x":1})",
     "/scenario/host-calls/0/cancel-value", "not a value"},

    // Events.
    {"event with a bad core value", "/events/7/args/1", R"("4294967296")", "/events/7/args/1",
     "not a number from 2^32"},
    {"event with a core value that is negative", "/events/8/result/0", "-1", "/events/8/result/0", "not a number"},
    {"event with a bad value", "/events/6/values/1/value/0", "false", "/events/6/values/1/value/0", "not a value"},
    {"event with values that are no list", "/events/9/args", "{}", "/events/9/args", "not a list"},
    {"event with an end that is none", "/events/5/end", "4", "/events/5/end", "not an id"},
    {"field that another entity has", "/events/4/changed/end 1.1/lends", "1", "/events/4/changed/end 1.1",
     "unknown field \"lends\""},
    {"end with a key of one word", "/events/4/changed/end 1", "{}", "/events/4/changed/end 1", "not an id"},
};

std::string reading_complaint(const Json& document) {
  return complaint_of([&] { trace_from_text(document.dump()); });
}

TEST(Reading, TheSmallTraceIsReadAndWrittenAgainByteForByte) {
  EXPECT_EQ(to_text(trace_from_text(kSmallTrace)), kSmallTrace);
}

TEST(Reading, TheWideTraceIsReadAndWrittenAgainByteForByte) {
  EXPECT_EQ(to_text(trace_from_text(kWideTrace)), kWideTrace);
}

TEST(Reading, EveryKeptTraceIsReadAndWrittenAgainByteForByte) {
  size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(LOCKSTEP_ROOT "/traces")) {
    if (entry.path().extension() != ".json") continue;
    ++files;
    const std::string text = read_file(entry.path().string());
    EXPECT_EQ(complaint_of([&] { EXPECT_EQ(to_text(trace_from_text(text)), text) << entry.path(); }), "")
        << entry.path();
  }
  EXPECT_GE(files, 400u);
}

TEST(Reading, EverythingThatIsNotATraceIsRefusedWithItsPlace) {
  const auto expect_refused = [](const Json& document, const Unreadable& b) {
    const std::string text = reading_complaint(changed(document, b.at, b.value));
    const std::string place = *b.place != 0 ? std::string(b.place) + ": " : "";
    EXPECT_TRUE(text.starts_with(place) && text.find(b.text) != std::string::npos) << b.what << "\n  " << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << b.what << ": a complaint is one line";
  };
  for (const Unreadable& b : kUnreadable) expect_refused(small_document(), b);
  for (const Unreadable& b : kUnreadableWide) expect_refused(wide_document(), b);
}

TEST(Reading, TypesAndValuesAreNestedEightDeepAtMost) {
  const auto nested = [](size_t depth, const std::string& before, const std::string& inner, const std::string& after) {
    std::string text = inner;
    for (size_t i = 1; i < depth; ++i) text = before + text + after;
    return text;
  };
  const auto type = [&](size_t depth) {
    return reading_complaint(changed(wide_document(), TYPE "/params/1", nested(depth, R"({"list":)", R"("u8")", "}")));
  };
  EXPECT_EQ(type(kMaxNesting), "");
  EXPECT_NE(type(kMaxNesting + 1).find("/list/list: value types are nested deeper than 8 levels"), std::string::npos);
  const auto value = [&](size_t depth, const std::string& before, const std::string& after) {
    return reading_complaint(changed(wide_document(), "/scenario/program/6/args/0", nested(depth, before, "1", after)));
  };
  EXPECT_EQ(value(kMaxNesting, "[", "]"), "");
  EXPECT_NE(value(kMaxNesting + 1, "[", "]").find("values are nested deeper than 8 levels"), std::string::npos);
  EXPECT_EQ(value(kMaxNesting, R"({"case":0,"value":)", "}"), "");
  EXPECT_NE(value(kMaxNesting + 1, R"({"case":0,"value":)", "}").find("values are nested deeper"), std::string::npos);
}

TEST(Reading, StringsListsAndTypesHaveASize) {
  const auto value = [](const Json& v) {
    Json document = wide_document();
    document["scenario"]["program"][6]["args"][0] = v;
    return reading_complaint(document);
  };
  EXPECT_EQ(value(std::string(kMaxStringBytes, 'x')), "");
  EXPECT_EQ(value(std::string(kMaxStringBytes + 1, 'x')),
            "/scenario/program/6/args/0: a string of more than 65536 bytes");
  EXPECT_EQ(value(std::vector<int>(kMaxElements, 1)), "");
  EXPECT_EQ(value(std::vector<int>(kMaxElements + 1, 1)), "/scenario/program/6/args/0: more than 65536 elements");
  const auto type = [](size_t cases) {
    Json document = wide_document();
    document["scenario"]["functions"][2]["type"]["params"][1] = {{"variant", std::vector<Json>(cases)}};
    return reading_complaint(document);
  };
  EXPECT_EQ(type(kMaxFields), "");
  EXPECT_EQ(type(kMaxFields + 1), TYPE "/params/1/variant: not from 1 to 1000 types");
}

TEST(Reading, EveryTypeAndValueIsReadAndWrittenAsItStands) {
  for (const char* type : {R"("bool")",
                           R"("u8")",
                           R"("u16")",
                           R"("u32")",
                           R"("u64")",
                           R"("s8")",
                           R"("s16")",
                           R"("s32")",
                           R"("s64")",
                           R"("string")",
                           R"({"list":"u8"})",
                           R"({"tuple":["u8","u8"]})",
                           R"({"record":["u8"]})",
                           R"({"option":"u8"})",
                           R"({"result":[null,null]})",
                           R"({"result":["u8",{"own":1}]})",
                           R"({"variant":[null,"u8"]})",
                           R"({"own":0})",
                           R"({"borrow":1})",
                           R"({"stream":null})",
                           R"({"stream":"u8"})",
                           R"({"future":null})",
                           R"({"future":{"stream":{"future":"string"}}})"}) {
    const Json document = changed(wide_document(), TYPE "/params/1", type);
    EXPECT_EQ(to_json(scenario_from_json(document.at("scenario"))), document.at("scenario")) << type;
  }
  for (const char* value :
       {"0", "1", "-1", "2147483648", "4294967295", "-2147483648", R"({"int":"4294967296"})",
        R"({"int":"-2147483649"})", R"({"int":"18446744073709551615"})", R"({"int":"-9223372036854775808"})", R"("")",
        R"("a\u0000b")", R"("\ud83d\ude00")", "[]", "[[],[1]]", R"({"case":0})", R"({"case":4,"value":[]})",
        R"({"rep":4294967295})", R"({"end":"2147483647.3"})"}) {
    const Json document = changed(wide_document(), "/scenario/program/6/args/0", value);
    EXPECT_EQ(to_json(scenario_from_json(document.at("scenario"))), document.at("scenario")) << value;
    const Json event = changed(wide_document(), "/events/6/values/0", value).at("events");
    EXPECT_EQ(Json(events_to_json(events_from_json(event))), event) << value;
  }
}

TEST(Reading, WhatIsWrittenInAnotherWayIsWrittenInThisWay) {
  Json document = wide_document();
  document["scenario"]["program"][6]["args"][0] = {{"int", "-5"}};
  document["scenario"]["instances"][1]["canons"][29]["element"] = nullptr;
  document["scenario"]["functions"][0]["encoding"] = "utf8";
  const Json written = to_json(scenario_from_json(document.at("scenario")));
  EXPECT_EQ(written["program"][6]["args"][0], -5);
  EXPECT_FALSE(written["instances"][1]["canons"][29].contains("element"));
  EXPECT_FALSE(written["functions"][0].contains("encoding"));
}

TEST(Reading, WhatMayBeLeftOutHasItsDefault) {
  for (const char* field : {"/description", "/seed", "/link", "/choices", "/events", "/scenario/recursion",
                            "/scenario/table-limit", "/scenario/aftermath", "/scenario/instances/0/registers"})
    EXPECT_EQ(reading_complaint(changed_document(field, "")), "") << field;
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
  EXPECT_NE(reading_complaint(changed_document("/scenario/scripts/0/segments/0", repeat)).find("nested too deep"),
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
