// Walking through a candidate set.
#include "optimized/choices.h"

namespace lockstep::optimized {

std::optional<Candidate> CandidateSet::find(Id id) const {
  for (uint32_t i = 0, n = count(); i < n; ++i)
    if (Candidate c = nth(i); c.id == id) return c;
  return std::nullopt;
}

void CandidateSet::append_to(std::vector<Id>& ids) const {
  for (uint32_t i = 0, n = count(); i < n; ++i) ids.push_back(nth(i).id);
}

}  // namespace lockstep::optimized
