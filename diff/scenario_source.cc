#include "diff/scenario_source.h"

#include <algorithm>

namespace lockstep::diff {

using traces::Context;
using traces::HostCall;
using traces::Operation;
using traces::Script;
using traces::Segment;
using traces::Token;

const Segment* ScenarioSource::segment(const Activation& a) const {
  if (a.context != Context::kBody && a.context != Context::kCallback) {
    const uint32_t entry = entry_of(a);
    for (const traces::EntryScript& e : scenario_.entries)
      if (e.context == a.context && e.instance == a.instance && e.entry == entry) return &e.ops;
    return nullptr;
  }
  const auto it = std::lower_bound(scenario_.scripts.begin(), scenario_.scripts.end(), a.token,
                                   [](const Script& s, Token t) { return s.token < t; });
  if (it == scenario_.scripts.end() || it->token != a.token || it->function != a.function) return nullptr;
  return a.entry < it->segments.size() ? &it->segments[a.entry] : nullptr;
}

bool ScenarioSource::begin_segment(const Activation& a) { return segment(a) != nullptr; }

const Operation* ScenarioSource::operation(const Activation& a, size_t i) {
  const Segment* s = segment(a);
  return s == nullptr ? nullptr : at(*s, i);
}

const HostCall* ScenarioSource::host_call(Token token) const {
  const auto it = std::lower_bound(scenario_.host_calls.begin(), scenario_.host_calls.end(), token,
                                   [](const HostCall& c, Token t) { return c.token < t; });
  return it == scenario_.host_calls.end() || it->token != token ? nullptr : &*it;
}

const traces::HostOperation* ScenarioSource::on_call(uint32_t, Token token, size_t i) {
  const HostCall* call = host_call(token);
  return call == nullptr ? nullptr : at(call->on_call, i);
}

std::pair<traces::OnCancel, traces::Value> ScenarioSource::on_cancel(uint32_t, Token token) {
  const HostCall* call = host_call(token);
  if (call == nullptr) return {traces::OnCancel::kNow, 0};
  return {call->on_cancel, call->cancel_value};
}

}  // namespace lockstep::diff
