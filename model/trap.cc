// Names of trap sites.
#include "model/trap.h"

#include <array>

namespace lockstep::model {

std::string_view name(TrapSite site) {
  static constexpr std::array kNames = {
#define LOCKSTEP_X(name, site) std::string_view(site),
      LOCKSTEP_MODEL_TRAP_SITES(LOCKSTEP_X)
#undef LOCKSTEP_X
  };
  return kNames[static_cast<size_t>(site)];
}

void trap(TrapSite site) { throw Trap{site}; }

}  // namespace lockstep::model
