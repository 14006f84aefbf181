// The JSON form of scenarios and traces, and of events on the engine protocol. One operation, one event, one canon a
// line, so that traces read well and differ well. Writing what was read gives the same bytes.
//
// Reading is strict: an unknown field, a wrong type, a number out of range or an unknown name is an InputError that
// says where ("/scenario/scripts/0/segments/1/3/op"). What is well formed but not a valid scenario is refused by
// traces/validate.h; `read_trace_file` does both.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "traces/files.h"

namespace lockstep::traces {

using Json = nlohmann::ordered_json;

inline constexpr size_t kMaxJsonDepth = 64;

// Parses JSON text; refuses what is deeper than kMaxJsonDepth. Places are "line L, column C".
Json parse_json(std::string_view text);

Json to_json(const Scenario&);
Scenario scenario_from_json(const Json&, const std::string& place = "/scenario");

// Events with their snapshots as "changed" (see diff/PROTOCOL.md).
std::vector<Json> events_to_json(std::span<const uint32_t> stream);
Words events_from_json(const Json& events, const std::string& place = "/events");

ThreadId id_from_json(const Json&, const std::string& place);

}  // namespace lockstep::traces
