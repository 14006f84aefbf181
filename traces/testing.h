// For tests of this folder and of diff/: one small valid trace with something of everything in it, and ways to break
// it.
#pragma once

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "traces/json.h"

namespace lockstep::traces::testing {

// Instance 1 calls instance 0 async (callback) and sync (with a post-return), and the host; instance 2 is a child of 1.
// The events are there to be read; they are not what this scenario does.
inline constexpr std::string_view kSmallTrace = R"({
 "schema": "lockstep-trace/1",
 "description": "A small trace.",
 "specification": "6d28164",
 "engines": {"model":"6d28164"},
 "seed": "0x0000000000000001",
 "link": "https://example.org/1",
 "scenario": {
  "recursion": true,
  "table-limit": 268435455,
  "instances": [
   {
    "registers": 4,
    "memories": [
     {"index":"i32","pages":1}
    ],
    "canons": [
     {"canon":"task.return","result":"u32"},
     {"canon":"context.get","slot":0},
     {"canon":"context.set","slot":1},
     {"canon":"thread.yield","cancellable":true}
    ]
   },
   {
    "registers": 4,
    "memories": [
     {"index":"i32","pages":1}
    ],
    "canons": [
     {"canon":"call","function":1,"async":true,"memory":0},
     {"canon":"call","function":0},
     {"canon":"call","host-function":0},
     {"canon":"waitable-set.new"},
     {"canon":"waitable.join"},
     {"canon":"waitable-set.wait","memory":0},
     {"canon":"task.return"},
     {"canon":"waitable-set.drop"},
     {"canon":"subtask.drop"},
     {"canon":"subtask.cancel","async":true}
    ]
   },
   {"parent":1,"registers":1,"memories":[],"canons":[]}
  ],
  "functions": [
   {"instance":0,"type":{"result":"u32"},"lift":"sync","memory":0,"encoding":"utf16","post-return":true},
   {"instance":0,"type":{"params":["u32","u32"],"result":"u32","async":true},"lift":"callback"},
   {"instance":1,"type":{"async":true},"lift":"stackful"}
  ],
  "host-functions": [
   {"type":{"result":"u32","async":true}}
  ],
  "scripts": [
   {
    "token": 1,
    "function": 2,
    "segments": [
     [
      {"op":"waitable-set.new","canon":3,"to":"r0"},
      {"op":"call","canon":0,"token":2,"args":[7,16],"to":"r1"},
      {"op":"waitable.join","canon":4,"if":"live r1","args":["r1","r0"]},
      {"op":"waitable-set.wait","canon":5,"args":["r0",32]},
      {"op":"load","memory":0,"args":[16],"to":"r2"},
      {"op":"call","canon":1,"token":3,"to":"r2"},
      {"op":"call","canon":2,"token":4,"to":"r3"},
      {"op":"subtask.drop","canon":8,"if":"resolved r1","args":["r1"]},
      {"op":"task.return","canon":6,"if":"not returned"},
      {"op":"return"}
     ]
    ]
   },
   {
    "token": 2,
    "function": 1,
    "segments": [
     [
      {"op":"context.set","canon":2,"args":[9]},
      {
       "op": "repeat",
       "times": 2,
       "body": [
        {"op":"thread.yield","canon":3}
       ]
      },
      {"op":"yield"}
     ],
     [
      {"op":"task.return","canon":0,"if":"event 0","args":[5]},
      {"op":"exit"}
     ]
    ]
   },
   {
    "token": 3,
    "function": 0,
    "segments": [
     [
      {"op":"context.get","canon":1,"to":"r0"},
      {"op":"return","args":[8]}
     ]
    ]
   }
  ],
  "entries": [
   {
    "context": "post-return",
    "instance": 0,
    "entry": 1,
    "ops": [
     {"op":"context.get","canon":1}
    ]
   }
  ],
  "host-calls": [
   {
    "token": 4,
    "on-call": [
     {"op":"call-stack"},
     {"op":"invoke","function":0,"token":5,"swallow":true},
     {"op":"block"}
    ],
    "on-cancel": "return",
    "cancel-value": 3
   }
  ],
  "program": [
   {"op":"invoke","function":2,"token":1},
   {"op":"run"},
   {"op":"resolve","token":4,"args":[6]}
  ],
  "aftermath": [
   {"op":"call-stack"},
   {"op":"invoke","function":0,"token":6}
  ]
 },
 "choices": [
  ["tick","2.0"]
 ],
 "events": [
  {"host-begin":0,"op":"invoke","function":2,"token":1},
  {"enter":"1.0","instance":1,"context":"body","function":2,"args":[1]},
  {"begin":"1.0","op":"waitable-set.new","canon":3,"changed":{"instance 0":{"may-enter":1},"subtask 1.2":{"call":2}}},
  {"end":"1.0","result":[1],"changed":{"subtask 1.2":null}},
  {"choice":"tick","candidates":["2.0"],"taken":"2.0"},
  {"host-result":4,"blocked":1},
  {"trapped":"canon_lower#1"},
  {"outcome":"trap","site":"canon_lower#1"}
 ]
}
)";

// One of each of the rest: instance 0 has a resource, a start function and functions with strings and lists; instance 1
// has memories of both index types, a table, and every kind of canon that the small trace has not.
inline constexpr std::string_view kWideTrace = R"({
 "schema": "lockstep-trace/1",
 "description": "A wide trace.",
 "specification": "6d28164",
 "engines": {},
 "scenario": {
  "table-limit": 100,
  "resources": [
   {"instance":0,"destructor":true},
   {"instance":1}
  ],
  "instances": [
   {
    "registers": 8,
    "start": true,
    "memories": [
     {"index":"i32","pages":1}
    ],
    "canons": [
     {"canon":"resource.new","resource":0},
     {"canon":"resource.rep","resource":0},
     {"canon":"resource.drop","resource":0},
     {"canon":"task.return","result":{"variant":["string",null,{"list":"u16"}]},"memory":0},
     {"canon":"context.set","slot":1,"index":"i64"},
     {"canon":"context.get","slot":1,"index":"i64"}
    ]
   },
   {
    "registers": 8,
    "memories": [
     {"index":"i64","pages":1},
     {"index":"i32","pages":1}
    ],
    "tables": [["i32",null,"i64"],[]],
    "canons": [
     {"canon":"call","function":0,"async":true,"memory":1,"realloc":true},
     {"canon":"call","function":1,"memory":1,"realloc":true},
     {"canon":"call","host-function":0,"memory":0,"realloc":true},
     {"canon":"stream.new","element":"u8"},
     {"canon":"stream.read","element":"u8","async":true,"memory":1},
     {"canon":"stream.write","element":"u8","memory":0},
     {"canon":"stream.cancel-read","element":"u8","async":true},
     {"canon":"stream.cancel-write","element":"u8"},
     {"canon":"stream.drop-readable","element":"u8"},
     {"canon":"stream.drop-writable","element":"u8"},
     {"canon":"future.new","element":{"record":["string","s64"]}},
     {"canon":"future.read","element":{"record":["string","s64"]},"memory":1,"realloc":true},
     {"canon":"future.write","element":{"record":["string","s64"]},"memory":1},
     {"canon":"future.cancel-read","element":{"record":["string","s64"]}},
     {"canon":"future.cancel-write","element":{"record":["string","s64"]},"async":true},
     {"canon":"future.drop-readable","element":{"record":["string","s64"]}},
     {"canon":"future.drop-writable","element":{"record":["string","s64"]}},
     {"canon":"thread.new-indirect","table":0},
     {"canon":"thread.new-indirect","table":0,"index":"i64"},
     {"canon":"thread.resume-later"},
     {"canon":"thread.suspend","cancellable":true},
     {"canon":"thread.suspend-then-resume","cancellable":true},
     {"canon":"thread.yield-then-resume"},
     {"canon":"thread.suspend-then-promote"},
     {"canon":"thread.yield-then-promote","cancellable":true},
     {"canon":"error-context.new","memory":1},
     {"canon":"error-context.debug-message","memory":0,"realloc":true},
     {"canon":"error-context.drop"},
     {"canon":"resource.drop","resource":0},
     {"canon":"stream.new"},
     {"canon":"stream.read"},
     {"canon":"task.return","result":{"result":["u32",null]}}
    ]
   }
  ],
  "functions": [
   {"instance":0,"type":{"params":["u32",{"own":0},{"borrow":0},"string"],"result":{"variant":["string",null,{"list":"u16"}]},"async":true},"lift":"callback","memory":0,"realloc":true},
   {"instance":0,"type":{"params":["u32",{"tuple":["u64","u64","u64","u64"]},{"record":["s8","u16","bool","s16","u8","s32","s64","u32","u32","u32","u32","u32"]}],"result":{"list":"s32"}},"lift":"sync","memory":0,"realloc":true,"post-return":true},
   {"instance":1,"type":{"params":["u32",{"stream":"u8"},{"option":{"future":null}}],"result":{"result":["u32",null]},"async":true},"lift":"stackful"}
  ],
  "host-functions": [
   {"type":{"params":["u32",{"list":{"tuple":["string","u64"]}},{"stream":"u8"}],"result":{"option":{"tuple":["string",{"future":null}]}},"async":true}}
  ],
  "scripts": [
   {
    "token": 1,
    "function": 2,
    "segments": [
     [
      {"op":"param","args":[1],"to":"r0"},
      {"op":"stream.new","canon":3,"to":"r1","also":"r2"},
      {"op":"stream.read","canon":4,"if":"idle r1","args":["r1",64,16]},
      {"op":"stream.write","canon":5,"args":["r2","0x100000000",8]},
      {"op":"stream.cancel-read","canon":6,"if":"copying r1","args":["r1"]},
      {"op":"future.new","canon":10,"to":"r3","also":"r4"},
      {"op":"future.read","canon":11,"args":["r3",128]},
      {"op":"thread.new-indirect","canon":17,"args":[0,7],"to":"r5"},
      {"op":"thread.new-indirect","canon":18,"args":[2,"0x700000000"],"to":"r6"},
      {"op":"thread.resume-later","canon":19,"if":"suspended r5","args":["r5"]},
      {"op":"thread.suspend-then-resume","canon":21,"args":["r6"]},
      {"op":"store","memory":1,"args":[64,5]},
      {"op":"load","memory":0,"args":["0xfffffffff"],"to":"r0"},
      {"op":"error-context.new","canon":25,"args":[0,4],"to":"r7"},
      {"op":"error-context.debug-message","canon":26,"args":["r7","0x100000000"]},
      {"op":"error-context.drop","canon":27,"args":["r7"]},
      {"op":"call","canon":0,"token":2,"args":[1,2,64,4,256,512],"to":"r1"},
      {"op":"call","canon":1,"token":3,"args":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,1024,512]},
      {"op":"call","canon":2,"token":4,"args":["0x100000000",2,"r1",96]},
      {"op":"resource.drop","canon":28,"args":["r1"]},
      {"op":"task.return","canon":31,"args":[0,9]},
      {"op":"return"}
     ]
    ]
   },
   {
    "token": 2,
    "function": 0,
    "segments": [
     [
      {"op":"resource.new","canon":0,"args":[5],"to":"r0"},
      {"op":"resource.rep","canon":1,"args":["r0"],"to":"r1"},
      {"op":"context.set","canon":4,"args":["0x123456789"]},
      {"op":"context.get","canon":5,"to":"r1"},
      {"op":"task.return","canon":3,"args":[0,16,4]},
      {"op":"exit"}
     ]
    ]
   },
   {
    "token": 3,
    "function": 1,
    "segments": [
     [
      {"op":"param","args":[0],"to":"r0"},
      {"op":"return","args":[64]}
     ]
    ]
   }
  ],
  "entries": [
   {
    "context": "post-return",
    "instance": 0,
    "entry": 1,
    "ops": [
     {"op":"param","args":[0],"to":"r0"}
    ]
   },
   {
    "context": "realloc",
    "instance": 0,
    "entry": 2,
    "ops": [
     {"op":"param","args":[3],"to":"r0"},
     {"op":"return","args":[1024]}
    ]
   },
   {
    "context": "destructor",
    "instance": 0,
    "entry": 5,
    "ops": [
     {"op":"param","args":[0],"to":"r0"}
    ]
   },
   {
    "context": "start",
    "instance": 0,
    "entry": 1,
    "ops": [
     {"op":"context.set","canon":4,"args":[1]}
    ]
   },
   {
    "context": "thread",
    "instance": 1,
    "entry": 7,
    "ops": [
     {"op":"thread.suspend","canon":20}
    ]
   }
  ],
  "host-calls": [
   {
    "token": 4,
    "on-call": [
     {"op":"new-stream","token":20,"element":"u8"},
     {"op":"drop-end","end":"20.1"},
     {"op":"block"}
    ],
    "on-cancel": "return",
    "cancel-value": {"case":0}
   }
  ],
  "program": [
   {"op":"new-stream","token":10,"element":"u8"},
   {"op":"new-future","token":11},
   {"op":"new-future","token":12},
   {"op":"write","end":"10.1","args":[1,255]},
   {"op":"invoke","function":2,"token":1,"args":[{"end":"10.0"},{"case":1,"value":{"end":"11.0"}}]},
   {"op":"write","end":"11.1","args":[0]},
   {"op":"invoke","function":0,"token":5,"args":[{"rep":7},{"rep":8},"grüße"]},
   {"op":"invoke","function":1,"token":6,"args":[[1,{"int":"18446744073709551615"},3,4],[-1,2,1,-2,3,-4,{"int":"-9223372036854775808"},1,2,3,4,5]]},
   {"op":"resolve","token":4,"args":[{"case":1,"value":["x",{"end":"12.0"}]}]},
   {"op":"read","token":13,"end":"4.0","count":4},
   {"op":"cancel-copy","end":"4.0"},
   {"op":"drop-end","end":"4.0"}
  ]
 },
 "choices": [],
 "events": [
  {"host-begin":0,"op":"instantiate","function":0},
  {"enter":"2684354561.0","context":"start","entry":1},
  {"begin":"2684354561.0","op":"context.set","canon":4,"args":[1],"changed":{"instance 0":{"may-enter":1},"task 2684354561":{"state":2},"thread 2684354561.0":{"index":1}}},
  {"end":"2684354561.0","changed":{"thread 2684354561.0":{"slot1":1,"slot1-high":2}}},
  {"host-end":0,"result":[1],"changed":{"end 1.1":{"kind":1,"state":2,"pending":1,"remaining":8},"resource 0.1":{"rep":5,"own":1,"lends":1},"resource 0.2":{"type":1,"scope":2},"error-context 1.3":{"length":4},"task 2":{"borrows":1},"task 2684354561":null,"thread 2684354561.0":null}},
  {"host-begin":0,"op":"read","token":13,"end":"4.0","count":4},
  {"host-copy":"4.0","progress":2,"values":[7,{"case":1,"value":["x",{"rep":3}]}]},
  {"enter":"1.0","instance":1,"context":"body","function":2,"args":[1,"0x100000000"]},
  {"end":"1.0","result":["0xffffffffffffffff"],"changed":{}},
  {"host-call":"1.0","function":0,"token":4,"args":[[["a",{"int":"4294967296"}]],{"end":"4.0"}]},
  {"host-result":4,"result":[{"case":0}]},
  {"resolved":6,"result":[[-1,{"int":"-2147483649"}]]},
  {"choice":"debug-message","subject":"1.0","candidates":["0.0","1.0"],"taken":"1.0"},
  {"trapped":"guest.store#1"},
  {"outcome":"trap","site":"guest.store#1"}
 ]
}
)";

inline Json small_document() { return parse_json(kSmallTrace); }
inline Json wide_document() { return parse_json(kWideTrace); }

// The document with `value` (JSON text) at this JSON pointer ("/a/0/-" appends), or without it if `value` is empty.
inline Json changed(Json document, const std::string& pointer, const std::string& value) {
  const Json::json_pointer at(pointer);
  if (!value.empty()) {
    document[at] = parse_json(value);
  } else if (Json& parent = document.at(at.parent_pointer()); parent.is_array()) {
    parent.erase(std::stoul(at.back()));
  } else {
    parent.erase(at.back());
  }
  return document;
}
inline Json changed_document(const std::string& pointer, const std::string& value) {
  return changed(small_document(), pointer, value);
}

// What `f` complains about, "place: text"; "" if it does not.
template <typename F>
std::string complaint_of(F&& f) {
  try {
    f();
  } catch (const InputError& e) {
    return e.what();
  }
  return "";
}

// An empty folder that goes with the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "lockstep-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path() const { return path_.string(); }
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  // Everything below it, with sizes and times: equal before and after means that nothing was written.
  std::string listing() const {
    std::vector<std::string> lines;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path_)) {
      const auto size = entry.is_regular_file() ? entry.file_size() : 0;
      lines.push_back(entry.path().string() + " " + std::to_string(size) + " " +
                      std::to_string(entry.last_write_time().time_since_epoch().count()) + "\n");
    }
    std::sort(lines.begin(), lines.end());
    std::string out;
    for (const std::string& line : lines) out += line;
    return out;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace lockstep::traces::testing
