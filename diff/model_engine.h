// The engine "model": the specification in C++ (model/), the reference of every comparison.
#pragma once

#include "diff/engine.h"

namespace lockstep::diff {

class ModelEngine : public Engine {
 public:
  std::string name() const override { return "model"; }
  std::string version() const override { return std::string(traces::kSpecificationCommit); }
  void run(Run&) override;
};

}  // namespace lockstep::diff
