// A campaign in several processes at once: `run --jobs J`. Each job is a campaign of its own over each J-th case, with
// its own engines and its own supervised child; in the end what they found is added up. Which job a case belongs to
// follows from its index alone, so the cases are those of a campaign with one job.
#pragma once

#include "diff/campaign.h"

namespace lockstep::diff {

// Runs `options.jobs` campaigns and prints header, progress and the failures. Does not return if a job ends in an error
// of its own: then this process ends with that job's exit code, and the job has said why.
CampaignResult run_jobs(const CampaignOptions&, const Style&);

}  // namespace lockstep::diff
