// Every rule of a valid scenario has a case here that breaks it, one change away from a valid one, and is refused with
// the place of that change.
#include "traces/validate.h"

#include <gtest/gtest.h>

#include "traces/testing.h"

namespace lockstep::traces::testing {
namespace {

struct Broken {
  const char* rule;
  const char* at;     // below /scenario
  const char* value;  // JSON; empty: what is there is taken away
  const char* place;  // below /scenario; what is complained about
};

// Shorthands for the places of the small trace.
#define CANON0 "/instances/0/canons"
#define CANON1 "/instances/1/canons"
#define BODY1 "/scripts/0/segments/0"
#define BODY2 "/scripts/1/segments/0"

constexpr Broken kBroken[] = {
    {"the table limit is the one of the specification", "/table-limit", "100", "/table-limit"},

    {"there is an instance", "/instances", "[]", "/instances"},
    {"a parent is not the instance itself", "/instances/2/parent", "2", "/instances/2/parent"},
    {"a parent is not a later instance", "/instances/1/parent", "2", "/instances/1/parent"},
    {"the first instance has no parent", "/instances/0/parent", "0", "/instances/0/parent"},
    {"an instance has registers", "/instances/2/registers", "0", "/instances/2/registers"},
    {"an instance has at most 64 registers", "/instances/2/registers", "65", "/instances/2/registers"},
    {"memories are i32", "/instances/0/memories/0/index", R"("i64")", "/instances/0/memories/0/index"},
    {"a memory has a page", "/instances/0/memories/0/pages", "0", "/instances/0/memories/0/pages"},
    {"a memory has at most 16 pages", "/instances/0/memories/0/pages", "17", "/instances/0/memories/0/pages"},
    {"an instance has at most 8 memories", "/instances/2/memories", "[{},{},{},{},{},{},{},{},{}]",
     "/instances/2/memories"},

    {"a function is of an instance", "/functions/0/instance", "3", "/functions/0/instance"},
    {"the functions of a subtree stand together", "/functions/-", R"({"instance":0,"type":{},"lift":"sync"})",
     "/functions"},
    {"a function has the token as a parameter", "/functions/0/type/params", "[]", "/functions/0/type/params"},
    {"a function has at most 16 parameters", "/functions/0/type/params",
     R"(["u32","u32","u32","u32","u32","u32","u32","u32","u32","u32","u32","u32","u32","u32","u32","u32","u32"])",
     "/functions/0/type/params"},
    {"an async lift has an async type", "/functions/2/type", "{}", "/functions/2/lift"},
    {"only a sync lift has a post-return", "/functions/2/post-return", "true", "/functions/2/post-return"},
    {"a function's memory is one of its instance", "/functions/0/memory", "1", "/functions/0/memory"},
    {"an async lift can return: result", CANON0 "/0/result", "", "/functions/1"},
    {"an async lift can return: memory", CANON0 "/0/memory", "0", "/functions/1"},
    {"an async lift can return: encoding", CANON0 "/0/encoding", R"("utf16")", "/functions/1"},

    {"a host function has the token as a parameter", "/host-functions/0/type/params", "[]",
     "/host-functions/0/type/params"},

    {"a call canon names something", CANON1 "/1/function", "", CANON1 "/1"},
    {"a call canon names one thing only", CANON1 "/1/host-function", "0", CANON1 "/1"},
    {"a call canon names a function that exists", CANON1 "/1/function", "4000000000", CANON1 "/1/function"},
    {"a call canon names a host function that exists", CANON1 "/2/host-function", "1", CANON1 "/2/host-function"},
    {"an import is defined before the importer", CANON0 "/-", R"({"canon":"call","function":2})", CANON0 "/4/function"},
    {"an async lower has an async type", CANON1 "/1/async", "true", CANON1 "/1/async"},
    {"an async lower with a result has a memory", CANON1 "/0/memory", "", CANON1 "/0/memory"},
    {"a call canon's memory is one of its instance", CANON1 "/1/memory", "1", CANON1 "/1/memory"},
    {"there are two context slots (get)", CANON0 "/1/slot", "2", CANON0 "/1/slot"},
    {"there are two context slots (set)", CANON0 "/2/slot", "2", CANON0 "/2/slot"},
    {"task.return's memory is one of its instance", CANON1 "/-", R"({"canon":"task.return","memory":1})",
     CANON1 "/10/memory"},
    {"waitable-set.wait has a memory", CANON1 "/5/memory", "", CANON1 "/5/memory"},
    {"waitable-set.poll has a memory", CANON1 "/-", R"({"canon":"waitable-set.poll"})", CANON1 "/10/memory"},

    {"a script has a token", "/scripts/0/token", "0", "/scripts/0/token"},
    {"a script's token is not too large", "/scripts/2/token", "2147483648", "/scripts/2/token"},
    {"scripts stand in the order of their tokens", "/scripts/1/token", "1", "/scripts/1/token"},
    {"a script is of a function", "/scripts/0/function", "3", "/scripts/0/function"},
    {"only a callback lift has several segments", "/scripts/0/segments/-", "[]", "/scripts/0/segments"},

    {"only post-returns are counted (realloc is to come)", "/entries/0/context", R"("realloc")", "/entries/0/context"},
    {"an entry script is of an instance", "/entries/0/instance", "3", "/entries/0/instance"},
    {"entries are counted from 1", "/entries/0/entry", "0", "/entries/0/entry"},
    {"an entry has one script", "/entries/-", R"({"context":"post-return","instance":0,"entry":1,"ops":[]})",
     "/entries/1"},

    {"a guard's register exists", BODY1 "/2/if", R"("live r4")", BODY1 "/2/if"},
    {"an operand's register exists", BODY1 "/2/args/1", R"("r4")", BODY1 "/2/args/1"},
    {"a register inside a repeat exists", BODY2 "/1/body/0", R"({"op":"context.set","canon":2,"args":["r4"]})",
     BODY2 "/1/body/0/args/0"},
    {"a target register exists", BODY1 "/0/to", R"("r4")", BODY1 "/0/to"},
    {"only what gives something has a target", BODY1 "/2/to", R"("r0")", BODY1 "/2/to"},
    {"a repeat has no arguments", BODY2 "/1/args", "[1]", BODY2 "/1"},
    {"a repeat has no target", BODY2 "/1/to", R"("r0")", BODY2 "/1"},
    {"repeats are nested at most three deep", BODY2 "/1/body/0",
     R"({"op":"repeat","times":1,"body":[{"op":"repeat","times":1,"body":[{"op":"repeat","times":1,"body":[]}]}]})",
     BODY2 "/1/body/0/body/0/body/0"},
    {"a scenario runs at most 4,000,000 operations", BODY2 "/1/times", "4000001", BODY2 "/1"},
    {"a scenario runs at most 4,000,000 operations in all", BODY2 "/1/times", "4000000", BODY2 "/1/body/0"},
    {"an operation's canon exists", BODY1 "/0/canon", "4000000000", BODY1 "/0/canon"},
    {"an operation's canon is of its kind", BODY1 "/0/canon", "4", BODY1 "/0/canon"},
    {"a call stands in one repeat at most", BODY1 "/5",
     R"({"op":"repeat","times":1,"body":[{"op":"repeat","times":1,"body":[{"op":"call","canon":1,"token":3}]}]})",
     BODY1 "/5/body/0/body/0"},
    {"a call has a token", BODY1 "/5/token", "0", BODY1 "/5/token"},
    {"a call's token is not too large", BODY1 "/5/token", "2147483648", BODY1 "/5/token"},
    {"the tokens of a repeated call are not too large", BODY1 "/5",
     R"({"op":"repeat","times":2,"body":[{"op":"call","canon":1,"token":2147483647}]})", BODY1 "/5/body/0/token"},
    {"load's memory exists", BODY1 "/4/memory", "1", BODY1 "/4/memory"},

    {"a call has its operands and areas", BODY1 "/1/args", "[7]", BODY1 "/1/args"},
    {"a sync call has no result area", BODY1 "/5/args", "[16]", BODY1 "/5/args"},
    {"context.set has a value", BODY2 "/0/args", "[]", BODY2 "/0/args"},
    {"waitable-set.wait has a set and an address", BODY1 "/3/args", R"(["r0"])", BODY1 "/3/args"},
    {"waitable.join has two handles", BODY1 "/2/args", R"(["r0"])", BODY1 "/2/args"},
    {"waitable-set.new has no operand", BODY1 "/0/args", "[1]", BODY1 "/0/args"},
    {"subtask.drop has a handle", BODY1 "/7/args", "[]", BODY1 "/7/args"},
    {"task.return has a value if the type has one", "/scripts/1/segments/1/0/args", "[]",
     "/scripts/1/segments/1/0/args"},
    {"task.return has no value if the type has none", BODY1 "/8/args", "[1]", BODY1 "/8/args"},
    {"return has a value if the type has one", "/scripts/2/segments/0/1/args", "[]", "/scripts/2/segments/0/1/args"},
    {"return has no value in an async lift", BODY1 "/9/args", "[1]", BODY1 "/9/args"},
    {"load has an address", BODY1 "/4/args", "[]", BODY1 "/4/args"},
    {"wait has a set", BODY2 "/2", R"({"op":"wait"})", BODY2 "/2/args"},
    {"code has a value", BODY2 "/2", R"({"op":"code"})", BODY2 "/2/args"},
    {"exit has no operand", "/scripts/1/segments/1/1/args", "[0]", "/scripts/1/segments/1/1/args"},

    {"a callback lift does not return", BODY2 "/2", R"({"op":"return"})", BODY2 "/2"},
    {"only a callback lift exits", BODY1 "/9", R"({"op":"exit"})", BODY1 "/9"},
    {"a post-return does not exit", "/entries/0/ops/-", R"({"op":"exit"})", "/entries/0/ops/1"},

    {"a host call has a token", "/host-calls/0/token", "0", "/host-calls/0/token"},
    {"a host call's token is not too large", "/host-calls/0/token", "2147483648", "/host-calls/0/token"},
    {"host calls stand in the order of their tokens", "/host-calls/-", R"({"token":4,"on-call":[{"op":"return"}]})",
     "/host-calls/1/token"},
    {"a host function does something", "/host-calls/0/on-call", "[]", "/host-calls/0/on-call"},
    {"a host function ends", "/host-calls/0/on-call", R"([{"op":"call-stack"}])", "/host-calls/0/on-call/0"},
    {"a host function ends once", "/host-calls/0/on-call", R"([{"op":"return"},{"op":"block"}])",
     "/host-calls/0/on-call/0"},
    {"a host function does not tick", "/host-calls/0/on-call/0", R"({"op":"tick"})", "/host-calls/0/on-call/0"},
    {"a host function returns at most one value", "/host-calls/0/on-call/2", R"({"op":"return","args":[1,2]})",
     "/host-calls/0/on-call/2/args"},
    {"invoke in a host function names a function", "/host-calls/0/on-call/1/function", "3",
     "/host-calls/0/on-call/1/function"},

    {"invoke names a function", "/program/0/function", "3", "/program/0/function"},
    {"invoke has the parameters after the token", "/program/0/args", "[1]", "/program/0/args"},
    {"invoke has a token", "/program/0/token", "0", "/program/0/token"},
    {"the program does not return", "/program/1", R"({"op":"return"})", "/program/1"},
    {"the program does not block", "/program/1", R"({"op":"block"})", "/program/1"},
    {"the program swallows no trap", "/program/0/swallow", "true", "/program/0/swallow"},
    {"resolve has at most one value", "/program/2/args", "[1,2]", "/program/2/args"},
    {"the aftermath is invokes and call-stacks", "/aftermath/0", R"({"op":"run"})", "/aftermath/0"},
    {"the aftermath swallows no trap", "/aftermath/1/swallow", "true", "/aftermath/1/swallow"},
    {"invoke in the aftermath names a function", "/aftermath/1/function", "3", "/aftermath/1/function"},

    {"no two calls have one token", BODY1 "/5/token", "2", BODY1 "/5/token"},
    {"no round of a repeated call has another's token", BODY1 "/5",
     R"({"op":"repeat","times":2,"body":[{"op":"call","canon":1,"token":3}]})", BODY1 "/6/token"},
    {"guest and host share no token", "/program/0/token", "4", "/program/0/token"},
};

std::string complaint(const Json& document) {
  const Scenario s = scenario_from_json(document.at("scenario"));
  return complaint_of([&] { validate(s); });
}

TEST(Validate, TheSmallTraceIsValid) { EXPECT_EQ(complaint(small_document()), ""); }

TEST(Validate, EachBrokenRuleIsRefusedWithItsPlace) {
  for (const Broken& b : kBroken) {
    const std::string text = complaint(changed_document(std::string("/scenario") + b.at, b.value));
    EXPECT_TRUE(text.starts_with(std::string("/scenario") + b.place + ": ")) << b.rule << "\n  " << text;
  }
}

TEST(Validate, CallsAmongRelativesNeedTheFlag) {
  struct Related {
    const char* what;
    const char* instance;  // whose canon
    const char* function;
  };
  for (const Related& r : {Related{"within an instance", "0", "0"}, Related{"from child to parent", "2", "2"}}) {
    const std::string canons = std::string("/scenario/instances/") + r.instance + "/canons";
    Json document = changed_document(canons + "/-", std::string(R"({"canon":"call","function":)") + r.function + "}");
    EXPECT_EQ(complaint(document), "") << r.what;
    document["scenario"]["recursion"] = false;
    EXPECT_TRUE(complaint(document).find("needs \"recursion\"") != std::string::npos) << r.what;
  }
}

TEST(Validate, ThereAreLimitsToHowManyOfEverything) {
  const auto many = [](const char* at, size_t count, const char* element) {
    Json document = small_document();
    Json& list = document.at(Json::json_pointer(std::string("/scenario") + at));
    while (list.size() < count) list.push_back(parse_json(element));
    return complaint(document);
  };
  const char* instance = R"({"registers":1})";
  const char* canon = R"({"canon":"context.get","slot":0})";
  const char* function = R"({"instance":1,"type":{},"lift":"sync"})";
  const char* host = R"({"type":{}})";
  EXPECT_EQ(many("/instances", kMaxInstances, instance), "");
  EXPECT_EQ(many("/instances", kMaxInstances + 1, instance), "/scenario/instances: more than 64");
  EXPECT_EQ(many("/instances/2/canons", kMaxCanons, canon), "");
  EXPECT_EQ(many("/instances/2/canons", kMaxCanons + 1, canon), "/scenario/instances/2/canons: more than 256");
  EXPECT_EQ(many("/functions", kMaxFunctions, function), "");
  EXPECT_EQ(many("/functions", kMaxFunctions + 1, function), "/scenario/functions: more than 256");
  EXPECT_EQ(many("/host-functions", kMaxFunctions, host), "");
  EXPECT_EQ(many("/host-functions", kMaxFunctions + 1, host), "/scenario/host-functions: more than 256");
}

TEST(Validate, AnAsyncCallOfManyParametersHasAParameterArea) {
  Json document = changed_document("/scenario/functions/1/type/params", R"(["u32","u32","u32","u32","u32"])");
  const char* args = "/scenario/scripts/0/segments/0/1/args";
  document[Json::json_pointer(args)] = parse_json("[1,2,3,4,16]");
  EXPECT_TRUE(complaint(document).starts_with(args));
  document[Json::json_pointer(args)] = parse_json("[1,2,3,4,64,16]");
  EXPECT_EQ(complaint(document), "");
}

TEST(Validate, WhatIsNotInJsonIsRefusedTooWhenItIsBuiltByHand) {
  Scenario s = scenario_from_json(small_document().at("scenario"));
  s.instances[2].parent = 2;
  EXPECT_TRUE(complaint_of([&] { validate(s, "/here"); }).starts_with("/here/instances/2/parent: "));
}

}  // namespace
}  // namespace lockstep::traces::testing
