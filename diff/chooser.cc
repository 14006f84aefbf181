#include "diff/chooser.h"

#include <algorithm>

namespace lockstep::diff {

using traces::ThreadId;

size_t ScriptedChooser::choose(traces::ChoicePoint point, ThreadId, std::span<const ThreadId> candidates) {
  const auto index_of = [&](ThreadId id) {
    return static_cast<size_t>(std::find(candidates.begin(), candidates.end(), id) - candidates.begin());
  };
  if (!lenient_) {
    if (next_ == choices_.size()) return 0;
    const size_t i = index_of(choices_[next_++].taken);
    return i < candidates.size() ? i : 0;
  }
  for (size_t at = next_; at < choices_.size(); ++at) {
    if (choices_[at].point != point) continue;
    if (const size_t i = index_of(choices_[at].taken); i < candidates.size()) {
      next_ = at + 1;
      return i;
    }
  }
  return 0;
}

}  // namespace lockstep::diff
