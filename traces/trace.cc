// What can be read off a flat stream.
#include "traces/trace.h"

namespace lockstep::traces {

std::vector<TakenChoice> choices_of(std::span<const uint32_t> stream) {
  std::vector<TakenChoice> out;
  for (size_t at = 0; at < stream.size();) {
    const RecordView r = record_at(stream, at);
    if (r.kind == RecordKind::kChoice) {
      const size_t n = r.words.size();  // point, subject (2), candidates (count and pairs), taken (2)
      out.push_back({static_cast<ChoicePoint>(r.words[0]), {r.words[n - 2], r.words[n - 1]}});
    }
    at = next(r);
  }
  return out;
}

std::optional<Outcome> outcome_of(std::span<const uint32_t> stream) {
  for (size_t at = 0; at < stream.size();) {
    const RecordView r = record_at(stream, at);
    if (r.kind == RecordKind::kOutcome) return static_cast<Outcome>(r.words[0]);
    at = next(r);
  }
  return std::nullopt;
}

}  // namespace lockstep::traces
