// The summary of a campaign: for people, as JSON, as JUnit.
#pragma once

#include <string>

#include "diff/campaign.h"

namespace lockstep::diff {

void print_summary(const CampaignOptions&, const CampaignResult&);
// {"seed":…,"cases":…,"steps":…,"steps_per_second":…,"divergences":…,"outcomes":{…},"operations":{…},"traps":{…},
//  "choices":{…},"promotions":{…}, …}
std::string summary_json(const CampaignOptions&, const CampaignResult&);

struct JUnitCase {
  std::string name;
  std::string failure;  // empty: passed
  std::string skipped;  // empty: ran
};
std::string junit(const std::string& suite, const std::vector<JUnitCase>&);
std::string summary_junit(const CampaignOptions&, const CampaignResult&);

}  // namespace lockstep::diff
