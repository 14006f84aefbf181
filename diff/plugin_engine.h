// Engines in a shared library (diff/plugin.h), run by a forked child of this process that answers a PeerEngine.
#pragma once

#include <cstdio>
#include <span>
#include <string>

#include "diff/plugin.h"
#include "traces/value.h"

namespace lockstep::diff {

// Serves the library at `path` on standard input and output by the line protocol of diff/PROTOCOL.md, to the end of its
// input; returns an exit code. What the library itself prints goes to standard error. A request also has `expected`, a
// number of words that follow its line as they are in memory: the event stream at whose first difference the run ends
// (0: there is none). Instead of `events` an answer has `agrees`, or `words`, an event stream in hexadecimal, or
// `failure`, after which the process ends.
int serve_plugin(const std::string& path);
// The same for one that is part of this program.
int serve_plugin(const lockstep_plugin* plugin);

// A stream as eight hexadecimal digits a word, and back; `from_hex` throws InputError.
std::string to_hex(std::span<const uint32_t>);
traces::Words from_hex(const std::string&);

}  // namespace lockstep::diff
