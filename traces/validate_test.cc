// Every rule of a valid scenario has a case here that breaks it, one change away from a valid one, and is refused with
// the place of that change.
#include "traces/validate.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

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
    {"the table limit is at least 1", "/table-limit", "0", "/table-limit"},
    {"the table limit is at most that of the specification", "/table-limit", "268435456", "/table-limit"},

    {"there is an instance", "/instances", "[]", "/instances"},
    {"a parent is not the instance itself", "/instances/2/parent", "2", "/instances/2/parent"},
    {"a parent is not a later instance", "/instances/1/parent", "2", "/instances/1/parent"},
    {"the first instance has no parent", "/instances/0/parent", "0", "/instances/0/parent"},
    {"an instance has registers", "/instances/2/registers", "0", "/instances/2/registers"},
    {"an instance has at most 64 registers", "/instances/2/registers", "65", "/instances/2/registers"},
    {"a memory has a page", "/instances/0/memories/0/pages", "0", "/instances/0/memories/0/pages"},
    {"a memory has at most 16 pages", "/instances/0/memories/0/pages", "17", "/instances/0/memories/0/pages"},
    {"an instance has at most 8 memories", "/instances/2/memories", "[{},{},{},{},{},{},{},{},{}]",
     "/instances/2/memories"},

    {"a function is of an instance", "/functions/0/instance", "3", "/functions/0/instance"},
    {"the functions of a subtree stand together", "/functions/-", R"({"instance":0,"type":{},"lift":"sync"})",
     "/functions"},
    {"a function has the token as a parameter", "/functions/0/type/params", "[]", "/functions/0/type/params"},
    {"the token is a u32", "/functions/0/type/params", R"(["s32"])", "/functions/0/type/params"},
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

    {"an entry script is of no body", "/entries/0/context", R"("body")", "/entries/0/context"},
    {"an entry script is of no callback", "/entries/0/context", R"("callback")", "/entries/0/context"},
    {"a start script is of an instance with a start function", "/entries/0/context", R"("start")",
     "/entries/0/instance"},
    {"a destructor script is of an instance with one", "/entries/0/context", R"("destructor")", "/entries/0/instance"},
    {"a thread script is of an instance with a table", "/entries/0/context", R"("thread")", "/entries/0/instance"},
    {"entries are counted to 2^20", "/entries/0/entry", "1048576", "/entries/0/entry"},
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

#define CANONS0 "/instances/0/canons"
#define CANONS1 "/instances/1/canons"
#define BODY "/scripts/0/segments/0"
#define TYPE2 "/functions/2/type"

// In the wide trace.
constexpr Broken kBrokenWide[] = {
    {"a resource is of an instance", "/resources/0/instance", "2", "/resources/0/instance"},
    {"an instance has at most 8 tables", "/instances/1/tables", "[[],[],[],[],[],[],[],[],[]]", "/instances/1/tables"},

    {"own names a resource", TYPE2 "/params/1", R"({"own":2})", TYPE2 "/params/1"},
    {"borrow names a resource", TYPE2 "/params/1", R"({"list":{"borrow":2}})", TYPE2 "/params/1"},
    {"no borrow in a result", TYPE2 "/result", R"({"borrow":0})", TYPE2 "/result"},
    {"no borrow deep in a result", TYPE2 "/result", R"({"option":{"tuple":["u8",{"borrow":0}]}})", TYPE2 "/result"},
    {"no borrow in a stream", TYPE2 "/params/1", R"({"stream":{"borrow":0}})", TYPE2 "/params/1"},
    {"no borrow deep in a future", TYPE2 "/params/1", R"({"list":{"future":{"list":{"borrow":0}}}})",
     TYPE2 "/params/1"},
    {"no borrow in the result of a host function", "/host-functions/0/type/result", R"({"borrow":0})",
     "/host-functions/0/type/result"},
    {"no borrow in the element of a canon", CANONS1 "/3/element", R"({"borrow":0})", CANONS1 "/3/element"},
    {"no borrow in what a task returns", CANONS1 "/-", R"({"canon":"task.return","result":{"borrow":0}})",
     CANONS1 "/32/result"},
    {"the element of a canon names a resource", CANONS1 "/3/element", R"({"own":2})", CANONS1 "/3/element"},
    {"a host function can return without an end", "/host-functions/0/type/result", R"({"stream":null})",
     "/host-functions/0/type/result"},
    {"no end in the first case that a host function returns", "/host-functions/0/type/result",
     R"({"result":[{"future":null},null]})", "/host-functions/0/type/result"},

    {"a lift of strings has a memory", "/functions/0/memory", "", "/functions/0/memory"},
    {"a lift with string parameters has a realloc", "/functions/0/realloc", "", "/functions/0/realloc"},
    {"a lift with more than 16 parameters has a realloc", "/functions/1/realloc", "", "/functions/1/realloc"},
    {"a sync lift of two results has a memory", "/functions/2",
     R"({"instance":1,"type":{"result":{"tuple":["u8","u8"]}},"lift":"sync"})", "/functions/2/memory"},
    {"an async lift of 17 results has a memory", "/functions/2/type/result",
     R"({"tuple":["u8","u8","u8","u8","u8","u8","u8","u8","u8","u8","u8","u8","u8","u8","u8","u8","u8"]})",
     "/functions/2/memory"},
    {"a realloc is of a memory", "/functions/2/realloc", "true", "/functions/2/realloc"},
    {"strings are UTF-8 in a lift", "/functions/0/encoding", R"("utf16")", "/functions/0/encoding"},
    {"an async lift can return: another type", "/functions/0/type/result",
     R"({"variant":["string",null,{"list":"u8"}]})", "/functions/0"},

    {"a lower with a result of strings has a realloc", CANONS1 "/2/realloc", "", CANONS1 "/2/realloc"},
    {"a lower with an area has a memory", CANONS1 "/1/memory", "", CANONS1 "/1/memory"},
    {"a lower with a string has a memory", CANONS1 "/0/memory", "", CANONS1 "/0/memory"},
    {"strings are UTF-8 in a lower", CANONS1 "/0/encoding", R"("latin1+utf16")", CANONS1 "/0/encoding"},
    {"task.return of strings has a memory", CANONS0 "/3/memory", "", "/functions/0"},
    {"strings are UTF-8 in task.return", CANONS0 "/-",
     R"({"canon":"task.return","result":"string","memory":0,"encoding":"utf16"})", CANONS0 "/6/encoding"},
    {"another task.return of strings has a memory", CANONS0 "/-", R"({"canon":"task.return","result":"string"})",
     CANONS0 "/6/memory"},
    {"context canons of an instance agree", CANONS0 "/5/index", "", CANONS0 "/5/index"},
    {"a resource canon names a resource", CANONS1 "/28/resource", "2", CANONS1 "/28/resource"},
    {"only who defines a resource makes it", CANONS0 "/0/resource", "1", CANONS0 "/0/resource"},
    {"only who defines a resource sees its rep", CANONS0 "/1/resource", "1", CANONS0 "/1/resource"},
    {"stream.read of something has a memory", CANONS1 "/4/memory", "", CANONS1 "/4/memory"},
    {"stream.write of something has a memory", CANONS1 "/5/memory", "", CANONS1 "/5/memory"},
    {"stream.write's memory is one of its instance", CANONS1 "/5/memory", "2", CANONS1 "/5/memory"},
    {"future.read of something has a memory", CANONS1 "/11/memory", "", CANONS1 "/11/memory"},
    {"future.read of strings has a realloc", CANONS1 "/11/realloc", "", CANONS1 "/11/realloc"},
    {"a realloc of stream.read is of a memory", CANONS1 "/30/realloc", "true", CANONS1 "/30/realloc"},
    {"strings are UTF-8 in future.write", CANONS1 "/12/encoding", R"("utf16")", CANONS1 "/12/encoding"},
    {"new-indirect names a table", CANONS1 "/17/table", "2", CANONS1 "/17/table"},
    {"error-context.new has a memory", CANONS1 "/25/memory", "", CANONS1 "/25/memory"},
    {"error-context.new is UTF-8", CANONS1 "/25/encoding", R"("utf16")", CANONS1 "/25/encoding"},
    {"debug-message has a memory", CANONS1 "/26/memory", "", CANONS1 "/26/memory"},
    {"debug-message has a realloc", CANONS1 "/26/realloc", "", CANONS1 "/26/realloc"},

    {"the register of idle exists", BODY "/2/if", R"("idle r8")", BODY "/2/if"},
    {"the register of suspended exists", BODY "/9/if", R"("suspended r8")", BODY "/9/if"},
    {"also is a register that exists", BODY "/1/also", R"("r8")", BODY "/1/also"},
    {"resource.drop gives nothing", BODY "/19/to", R"("r0")", BODY "/19/to"},
    {"store gives nothing", BODY "/11/to", R"("r0")", BODY "/11/to"},
    {"param has a number", BODY "/0/args", "[]", BODY "/0/args"},
    {"param's number is a literal", BODY "/0/args/0", R"("r0")", BODY "/0/args/0"},
    {"param's parameter exists: body", BODY "/0/args/0", "4", BODY "/0/args/0"},
    {"param's parameter exists: body with an area", "/scripts/2/segments/0/0/args/0", "1",
     "/scripts/2/segments/0/0/args/0"},
    {"param's parameter exists: post-return", "/entries/0/ops/0/args/0", "1", "/entries/0/ops/0/args/0"},
    {"param's parameter exists: realloc", "/entries/1/ops/0/args/0", "4", "/entries/1/ops/0/args/0"},
    {"param's parameter exists: destructor", "/entries/2/ops/0/args/0", "1", "/entries/2/ops/0/args/0"},
    {"param's parameter exists: start", "/entries/3/ops/0", R"({"op":"param","args":[0]})", "/entries/3/ops/0/args/0"},
    {"param's parameter exists: thread", "/entries/4/ops/0", R"({"op":"param","args":[1]})", "/entries/4/ops/0/args/0"},
    {"param's parameter exists: callback", "/scripts/1/segments/-", R"([{"op":"param","args":[3]}])",
     "/scripts/1/segments/1/0/args/0"},
    {"stream.read has an end, an address and a count", BODY "/2/args", R"(["r1",64])", BODY "/2/args"},
    {"future.read has an end and an address", BODY "/6/args", R"(["r3",128,1])", BODY "/6/args"},
    {"stream.cancel-read has an end", BODY "/4/args", "[]", BODY "/4/args"},
    {"stream.new has no operand", BODY "/1/args", "[0]", BODY "/1/args"},
    {"new-indirect has an index and an argument", BODY "/7/args", "[0]", BODY "/7/args"},
    {"suspend-then-resume has a thread", BODY "/10/args", "[]", BODY "/10/args"},
    {"store has an address and a value", BODY "/11/args", "[64]", BODY "/11/args"},
    {"store's memory exists", BODY "/11/memory", "2", BODY "/11/memory"},
    {"error-context.new has an address and a length", BODY "/13/args", "[0]", BODY "/13/args"},
    {"debug-message has a handle and an address", BODY "/14/args", R"(["r7"])", BODY "/14/args"},
    {"error-context.drop has a handle", BODY "/15/args", "[]", BODY "/15/args"},
    {"resource.drop has a handle", BODY "/19/args", "[]", BODY "/19/args"},
    {"resource.new has a rep", "/scripts/1/segments/0/0/args", "[]", "/scripts/1/segments/0/0/args"},
    {"a call has the words of its area", BODY "/16/args", "[1,2,64,4,256]", BODY "/16/args"},
    {"a sync call has the words of its area", BODY "/17/args", "[1,2,3,4,5,6,7,8]", BODY "/17/args"},
    {"a call has its flat parameters", BODY "/18/args", "[0,2,3]", BODY "/18/args"},
    {"task.return has the flat values", BODY "/20/args", "[0]", BODY "/20/args"},
    {"return has an address if there are several", "/scripts/2/segments/0/1/args", "[64,1]",
     "/scripts/2/segments/0/1/args"},
    {"a realloc returns a pointer", "/entries/1/ops/1/args", "[]", "/entries/1/ops/1/args"},
    {"a thread returns nothing", "/entries/4/ops/-", R"({"op":"return","args":[1]})", "/entries/4/ops/1/args"},
    {"a destructor does not exit", "/entries/2/ops/-", R"({"op":"exit"})", "/entries/2/ops/1"},
    {"a thread does not wait", "/entries/4/ops/-", R"({"op":"wait","args":[1]})", "/entries/4/ops/1"},

    // Operands of 64 bits stand only where core code has them.
    {"a handle has 32 bits", BODY "/4/args/0", R"("0x100000000")", BODY "/4/args/0"},
    {"an address in an i32 memory has 32 bits", BODY "/2/args/1", R"("0x100000000")", BODY "/2/args/1"},
    {"a stored value has 32 bits", BODY "/11/args/1", R"("0x100000000")", BODY "/11/args/1"},
    {"a word of an area has 32 bits", BODY "/16/args/0", R"("0x100000000")", BODY "/16/args/0"},
    {"an i32 argument of a thread has 32 bits", BODY "/7/args/1", R"("0x100000000")", BODY "/7/args/1"},
    {"a rep has 32 bits", "/scripts/1/segments/0/0/args/0", R"("0x100000000")", "/scripts/1/segments/0/0/args/0"},
    {"a pointer of an i32 realloc has 32 bits", "/entries/1/ops/1/args/0", R"("0x100000000")",
     "/entries/1/ops/1/args/0"},

    // Threads and destructors.
    {"the start function runs once", "/entries/3/entry", "2", "/entries/3/entry"},
    {"a thread does not start itself", "/entries/4/ops/0", R"({"op":"thread.new-indirect","canon":17,"args":[0,7]})",
     "/entries/4"},
    {"a thread does not start who knows whom", "/entries/4/ops/0",
     R"({"op":"thread.new-indirect","canon":17,"args":[0,"r0"]})", "/entries/4"},
    {"a destructor does not make what it destroys", "/entries/2/ops/0", R"({"op":"resource.new","canon":0,"args":[5]})",
     "/entries/2"},
    {"a scenario runs at most 4,000,000 operations, those of its threads too", "/entries/4/ops",
     R"([{"op":"repeat","times":2100000,"body":[{"op":"thread.suspend","canon":20}]}])", "/scripts/0/segments/0/7"},

    // The host.
    {"a written value is of the element's type", "/program/3/args/1", "256", "/program/3/args/1"},
    {"a written element without a type is 0", "/program/5/args/0", "1", "/program/5/args/0"},
    {"a write names an end", "/program/3/end", R"("0.1")", "/program/3/end"},
    {"a read names an end", "/program/9/end", R"("2147483648.0")", "/program/9/end"},
    {"a read has a token", "/program/9/token", "0", "/program/9/token"},
    {"the token of a read is fresh", "/program/9/token", "1", "/program/9/token"},
    {"a read is of at most 65536 elements", "/program/9/count", "65537", "/program/9/count"},
    {"the token of a new stream is fresh", "/program/0/token", "20", "/program/0/token"},
    {"the token of a new future is no task's name", "/program/1/token", "2147483648", "/program/1/token"},
    {"the element of a new stream is valid", "/program/0/element", R"({"borrow":0})", "/program/0/element"},
    {"an argument is of the type: an end", "/program/4/args/0", "5", "/program/4/args/0"},
    {"an argument is of the type: a case", "/program/4/args/1/case", "2", "/program/4/args/1"},
    {"an argument is of the type: no payload", "/program/4/args/1", R"({"case":1})", "/program/4/args/1"},
    {"an argument is of the type: a rep", "/program/6/args/0", "7", "/program/6/args/0"},
    {"an argument is of the type: a string", "/program/6/args/2", "7", "/program/6/args/2"},
    {"an argument is of the type: a tuple", "/program/7/args/0/3", "", "/program/7/args/0"},
    {"an argument is of the type: signed", "/program/7/args/1/0", "128", "/program/7/args/1"},
    {"an argument is of the type: unsigned", "/program/7/args/1/1", "-1", "/program/7/args/1"},
    {"an argument is of the type: a bool", "/program/7/args/1/2", "2", "/program/7/args/1"},
    {"an end has a name", "/program/4/args/0/end", R"("0.0")", "/program/4/args/0"},
    {"an end is of the stream's type", "/program/0/element", R"("u16")", "/program/4/args/0"},
    {"an end of a stream is not one of a future", "/program/4/args/0/end", R"("11.0")", "/program/4/args/0"},
    {"resolve is of the type", "/program/8/args/0", "5", "/program/8/args/0"},
    {"resolve's end is of the type", "/program/2/element", R"("u8")", "/program/8/args/0"},
    {"a cancelled host function returns a value of the type", "/host-calls/0/cancel-value", "5",
     "/host-calls/0/cancel-value"},
    {"a cancelled host function gives no end", "/host-calls/0/cancel-value",
     R"({"case":1,"value":["x",{"end":"12.0"}]})", "/host-calls/0/cancel-value"},
    {"a host function returns a value of the type", "/host-calls/0/on-call/2", R"({"op":"return","args":[1]})",
     "/host-calls/0/on-call/2/args/0"},
    {"a host function gives no end", "/host-calls/0/on-call/2",
     R"({"op":"return","args":[{"case":1,"value":["x",{"end":"12.0"}]}]})", "/host-calls/0/on-call/2/args/0"},
    {"a host function does not resolve", "/host-calls/0/on-call/0", R"({"op":"resolve","token":4})",
     "/host-calls/0/on-call/0"},
    {"the aftermath makes no stream", "/aftermath", R"([{"op":"new-stream","token":99}])", "/aftermath/0"},
};

std::string complaint(const Json& document) {
  const Scenario s = scenario_from_json(document.at("scenario"));
  return complaint_of([&] { validate(s); });
}

TEST(Validate, TheSmallTraceIsValid) { EXPECT_EQ(complaint(small_document()), ""); }

TEST(Validate, EachBrokenRuleIsRefusedWithItsPlace) {
  const auto expect_refused = [](const Json& document, const Broken& b) {
    const std::string text = complaint(changed(document, std::string("/scenario") + b.at, b.value));
    EXPECT_TRUE(text.starts_with(std::string("/scenario") + b.place + ": ")) << b.rule << "\n  " << text;
  };
  for (const Broken& b : kBroken) expect_refused(small_document(), b);
  for (const Broken& b : kBrokenWide) expect_refused(wide_document(), b);
}

TEST(Validate, TheWideTraceIsValid) { EXPECT_EQ(complaint(wide_document()), ""); }

TEST(Validate, EveryKeptTraceIsValid) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(LOCKSTEP_ROOT "/traces"))
    if (entry.path().extension() == ".json") {
      EXPECT_EQ(complaint_of([&] { read_trace_file(entry.path().string()); }), "");
    }
}

TEST(Validate, WhatIsAllowedIsAllowed) {
  struct Allowed {
    const char* rule;
    const char* at;
    const char* value;
  };
  for (const Allowed& a : {
           Allowed{"a table limit of 1", "/table-limit", "1"},
           Allowed{"borrows in parameters", TYPE2 "/params/1", R"({"list":{"tuple":[{"borrow":1},{"own":0}]}})"},
           Allowed{"a stream of streams", CANONS1 "/8/element", R"({"stream":{"stream":null}})"},
           Allowed{"reading nothing without a memory", CANONS1 "/30/async", "true"},
           Allowed{"dropping the resource of another instance", CANONS1 "/28/resource", "1"},
           Allowed{"a thread that starts another", "/entries/4/ops/0",
                   R"({"op":"thread.new-indirect","canon":17,"args":[0,8]})"},
           Allowed{"a realloc without return", "/entries/1/ops/1", ""},
           Allowed{"a thread that returns", "/entries/4/ops/-", R"({"op":"return"})"},
           Allowed{"a callback that reads its parameters", "/scripts/1/segments/-", R"([{"op":"param","args":[2]}])"},
           Allowed{"a 64-bit address", BODY "/14/args/1", R"("0xffffffffffffffff")"},
           Allowed{"a write to an end that is not known to be one", "/program/3/end", R"("999.1")"},
           Allowed{"a read of nothing", "/program/9/count", ""},
           Allowed{"a host function that returns a value", "/host-calls/0/on-call/2",
                   R"({"op":"return","args":[{"case":0}]})"},
       }) {
    if (std::string(a.at).starts_with(TYPE2)) continue;  // its argument is of that type; see below
    EXPECT_EQ(complaint(changed(wide_document(), std::string("/scenario") + a.at, a.value)), "") << a.rule;
  }
  Json document =
      changed(wide_document(), "/scenario/functions/2/type/params/1", R"({"list":{"tuple":[{"borrow":1},{"own":0}]}})");
  document["scenario"]["functions"][2]["memory"] = 1u;
  document["scenario"]["functions"][2]["realloc"] = true;
  document["scenario"]["instances"][1]["canons"][31]["memory"] = 1u;
  document["scenario"]["program"][4]["args"][0] = parse_json(R"([[{"rep":1},{"rep":2}]])");
  EXPECT_EQ(complaint(document), "");
}

TEST(Validate, InstancesWithStartFunctionsAreMadeBeforeWhoImportsFromThem) {
  // Instance 1 imports from 0, which has a start function: its number is smaller, and so it is made first.
  Json document = small_document();
  document["scenario"]["recursion"] = false;
  document["scenario"]["instances"][0]["start"] = true;
  document["scenario"]["instances"][1]["start"] = true;
  EXPECT_EQ(complaint(document), "");
  // The other way round: what 0 imports stands before it among the functions, but behind it among the instances.
  document = parse_json(R"({"scenario":{
    "instances":[{"canons":[{"canon":"call","function":0}]},{}],
    "functions":[{"instance":1,"type":{},"lift":"sync"},{"instance":0,"type":{},"lift":"sync"}]}})");
  EXPECT_EQ(complaint(document), "");
  for (const int with_start : {0, 1}) {
    Json changed = document;
    changed["scenario"]["instances"][with_start]["start"] = true;
    EXPECT_TRUE(complaint(changed).starts_with("/scenario/instances/0/canons/0/function: an instance with a start"))
        << complaint(changed);
  }
}

TEST(Validate, ThreadsThatStartEachOtherAreCountedAndEndSomewhere) {
  const auto scenario = [](size_t threads, size_t each, size_t last) {
    Json document = wide_document();
    Json& entries = document["scenario"]["entries"];
    entries.erase(4);
    for (size_t i = 0; i < threads; ++i) {
      Json ops = Json::array();
      const size_t next = i + 1 < threads ? 101 + i : last;
      for (size_t k = 0; k < each; ++k)
        ops.push_back({{"op", "thread.new-indirect"}, {"canon", 17u}, {"args", {0u, next}}});
      entries.push_back({{"context", "thread"}, {"instance", 1u}, {"entry", 100 + i}, {"ops", ops}});
    }
    return complaint(document);
  };
  EXPECT_EQ(scenario(kMaxChain, 1, 0), "");
  EXPECT_NE(scenario(kMaxChain + 1, 1, 0).find("deeper than 64"), std::string::npos);
  EXPECT_NE(scenario(3, 1, 100).find("can start itself"), std::string::npos);
  EXPECT_EQ(scenario(20, 2, 0), "");
  EXPECT_NE(scenario(30, 2, 0).find("more than 4000000 operations"), std::string::npos);
}

TEST(Validate, FieldsThatACanonDoesNotHaveKeepTheirDefaults) {
  const Scenario valid = scenario_from_json(wide_document().at("scenario"));
  const std::vector<std::function<void(Canon&)>> changes = {
      [](Canon& c) { c.callee.function = 0; },
      [](Canon& c) { c.async_ = true; },
      [](Canon& c) { c.cancellable = true; },
      [](Canon& c) { c.slot = 1; },
      [](Canon& c) { c.index = IndexType::kI64; },
      [](Canon& c) { c.result = ValueType(); },
      [](Canon& c) { c.element = ValueType(); },
      [](Canon& c) { c.resource = 0; },
      [](Canon& c) { c.table = 0; },
      [](Canon& c) { c.memory = 0; },
      [](Canon& c) { c.realloc = true; },
      [](Canon& c) { c.encoding = Encoding::kUtf16; },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    Scenario s = valid;
    changes[i](s.instances[1].canons[27]);  // error-context.drop: it has none of them
    EXPECT_TRUE(complaint_of([&] { validate(s); }).starts_with("/scenario/instances/1/canons/27: ")) << i;
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
    document["scenario"]["host-functions"][0]["type"]["params"] = {"u32"};
    document["scenario"]["instances"][1]["canons"][2]["memory"] = 0u;
    document["scenario"]["scripts"][0]["segments"][0].erase(6);  // the call of the host function
    Json& list = document[Json::json_pointer(std::string("/scenario") + at)];
    while (list.size() < count) list.push_back(parse_json(element));
    return complaint(document);
  };
  const char* instance = R"({"registers":1})";
  const char* canon = R"({"canon":"context.get","slot":0})";
  const char* function = R"({"instance":1,"type":{},"lift":"sync"})";
  const char* host = R"({"type":{}})";
  const char* resource = R"({"instance":0})";
  EXPECT_EQ(many("/instances", kMaxInstances, instance), "");
  EXPECT_EQ(many("/instances", kMaxInstances + 1, instance), "/scenario/instances: more than 64");
  EXPECT_EQ(many("/instances/2/canons", kMaxCanons, canon), "");
  EXPECT_EQ(many("/instances/2/canons", kMaxCanons + 1, canon), "/scenario/instances/2/canons: more than 256");
  EXPECT_EQ(many("/functions", kMaxFunctions, function), "");
  EXPECT_EQ(many("/functions", kMaxFunctions + 1, function), "/scenario/functions: more than 256");
  EXPECT_EQ(many("/resources", kMaxResources, resource), "");
  EXPECT_EQ(many("/resources", kMaxResources + 1, resource), "/scenario/resources: more than 256");
  EXPECT_EQ(many("/instances/0/tables/0", kMaxTableEntries, "null"), "");
  EXPECT_EQ(many("/instances/0/tables/0", kMaxTableEntries + 1, "null"),
            "/scenario/instances/0/tables/0: more than 256 entries");
  EXPECT_EQ(many("/host-functions/0/type/params", kMaxParams, R"("u8")"), "");
  EXPECT_EQ(many("/host-functions/0/type/params", kMaxParams + 1, R"("u8")"),
            "/scenario/host-functions/0/type/params: more than 64");
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

TEST(Validate, LimitsHoldForWhatIsBuiltByHandToo) {
  const Scenario valid = scenario_from_json(wide_document().at("scenario"));
  const auto complaint_with = [&](auto change) {
    Scenario s = valid;
    change(s);
    return complaint_of([&] { validate(s); });
  };
  const auto with_param = [&](const ValueType& t) {
    return complaint_with([&](Scenario& s) { s.host_functions[0].type.params[1] = t; });
  };
  using Kind = ValueType::Kind;
  ValueType deep(Kind::kU8);
  for (size_t i = 0; i < kMaxNesting; ++i) deep = ValueType(Kind::kList, {deep});
  const char* param = "/scenario/host-functions/0/type/params/1: ";
  EXPECT_TRUE(with_param(deep).starts_with(std::string(param) + "value types are nested deeper"));
  EXPECT_EQ(with_param(deep.children[0]), "");
  for (const ValueType& t :
       {ValueType(Kind::kList), ValueType(Kind::kResult, {ValueType()}), ValueType(Kind::kTuple),
        ValueType(Kind::kVariant, std::vector<ValueType>(kMaxFields + 1)), ValueType(Kind::kStream),
        ValueType(Kind::kU8, {ValueType()}), ValueType(Kind::kOwn, {ValueType()}, 0)})
    EXPECT_EQ(with_param(t), std::string(param) + "a type with another number of types inside");
  EXPECT_TRUE(with_param(ValueType(Kind::kTuple, std::vector<ValueType>(70)))
                  .starts_with("/scenario/scripts/0/segments/0/18: the parameters take"));
  EXPECT_TRUE(complaint_with([](Scenario& s) {
                s.program[6].args[2] = Value::string(std::string(kMaxStringBytes + 1, 'x'));
              }).starts_with("/scenario/program/6/args/2: a string or list beyond"));
  EXPECT_TRUE(complaint_with([](Scenario& s) {
                s.program[8].token = 999;
                s.program[8].args[0] = Value::sequence(std::vector<Value>(kMaxElements + 1));
              }).starts_with("/scenario/program/8/args/0: a string or list beyond"));
  EXPECT_TRUE(complaint_with([](Scenario& s) {
                s.program[3].args.assign(kMaxElements + 1, Value(0));
              }).starts_with("/scenario/program/3/args: more than 65536"));
  EXPECT_TRUE(complaint_with([](Scenario& s) {
                s.program[0] = {};
                s.program[0].kind = HostOp::kInstantiate;
              }).starts_with("/scenario/program/0: only instances do this"));
}

}  // namespace
}  // namespace lockstep::traces::testing
