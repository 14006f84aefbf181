// Trace files: text, reading, writing, and the error for bad input. Without the JSON library, which is slow to compile.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "traces/trace.h"

namespace lockstep::traces {

// Input that cannot be used: where, and what is wrong there. One line.
class InputError : public std::runtime_error {
 public:
  InputError(std::string place, const std::string& text)
      : std::runtime_error(place.empty() ? text : place + ": " + text), place_(std::move(place)) {}
  const std::string& place() const { return place_; }

 private:
  std::string place_;
};

inline constexpr size_t kMaxFileBytes = 64 << 20;

std::string to_text(const Trace&);
// Structure only; see read_trace_file.
Trace trace_from_text(std::string_view text);

// The bytes of a file; InputError if it cannot be read or is larger than kMaxFileBytes.
std::string read_file(const std::string& path);
// Reads and validates a trace file. InputError's place begins with the path.
Trace read_trace_file(const std::string& path);
// Writes next to the place and renames, so that no half file is ever seen.
void write_file(const std::string& path, std::string_view text);

// "5.0" and "2.7".
std::string to_string(ThreadId);

}  // namespace lockstep::traces
