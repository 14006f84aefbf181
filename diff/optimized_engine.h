// The engines "optimized" and "optimized:NAME": optimized/ as it is, and with one deliberate bug.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "diff/engine.h"

namespace lockstep::diff {

// Empty name: no bug. Null if there is no such bug.
std::unique_ptr<Engine> make_optimized_engine(const std::string& mutant);

// Names and a sentence for each.
std::vector<std::pair<std::string, std::string>> optimized_mutants();

}  // namespace lockstep::diff
