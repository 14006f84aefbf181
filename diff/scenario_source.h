// Scripts from a finished scenario.
#pragma once

#include "diff/engine.h"

namespace lockstep::diff {

class ScenarioSource : public ScriptSource {
 public:
  explicit ScenarioSource(const traces::Scenario& scenario) : scenario_(scenario) {}

  bool begin_segment(const Activation&) override;
  const traces::Operation* operation(const Activation&, size_t i) override;
  const traces::HostOperation* program(size_t i) override { return at(scenario_.program, i); }
  const traces::HostOperation* aftermath(size_t i) override { return at(scenario_.aftermath, i); }
  const traces::HostOperation* on_call(uint32_t host_function, traces::Token, size_t i) override;
  std::pair<traces::OnCancel, traces::Value> on_cancel(uint32_t host_function, traces::Token) override;

 private:
  template <typename T>
  static const T* at(const std::vector<T>& list, size_t i) {
    return i < list.size() ? &list[i] : nullptr;
  }
  const traces::Segment* segment(const Activation&) const;
  const traces::HostCall* host_call(traces::Token) const;

  const traces::Scenario& scenario_;
};

}  // namespace lockstep::diff
