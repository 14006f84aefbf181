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

inline Json small_document() { return parse_json(kSmallTrace); }

// The document with `value` (JSON text) at this JSON pointer ("/a/0/-" appends), or without it if `value` is empty.
inline Json changed_document(const std::string& pointer, const std::string& value) {
  Json document = small_document();
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
