// Where a case can stop: the trap sites and assertions of definitions.py, by name and by number.
//
// A site is named after definitions.py: the qualified function and the number of the trap in it, "canon_lower#1";
// guest code has its own ("guest.unreachable#1"). Assertions are "assert:canon_subtask_cancel#3". model/ and
// optimized/ each have their own list of traps; a test pins them to this one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lockstep::traces {

struct Site {
  std::string_view name;       // with "assert:" for assertions
  uint32_t line;               // in definitions.py; 0 for the guest's own
  std::string_view klass;      // coarse, for engines that only have messages
  std::string_view unreached;  // why no scenario can reach it yet; empty if one can
  bool assertion = false;
};

// 0 is "no site".
using SiteId = uint32_t;

std::span<const Site> sites();
const Site& site(SiteId);
// 0 if there is no such site.
SiteId find_site(std::string_view name);
// "trap" or "an assertion" in words: what happened and which line of the specification says so.
std::string explain(const Site&);

}  // namespace lockstep::traces
