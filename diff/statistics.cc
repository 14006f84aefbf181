#include "diff/statistics.h"

#include <algorithm>

#include "traces/scenario.h"

namespace lockstep::diff {

using traces::EntityKind;
using traces::RecordKind;
using traces::RecordView;

namespace {

struct Look {
  size_t tasks = 0;
  size_t running = 0;  // the one that runs, and those that resumed or called it
  bool waiting = false;
};

Look look_at(std::span<const uint32_t> snapshot) {
  Look look;
  for (size_t at = 0; at < snapshot.size(); at += 1 + (snapshot[at] & 0xff'ffff)) {
    const auto kind = static_cast<EntityKind>(snapshot[at] >> 24);
    if (kind == EntityKind::kTask) ++look.tasks;
    if (kind != EntityKind::kThread) continue;
    if (snapshot[at + 3] == 0) ++look.running;
    if (snapshot[at + 3] == 1) look.waiting = true;
  }
  return look;
}

}  // namespace

bool is_step(RecordKind kind) { return kind == RecordKind::kBegin || kind == RecordKind::kHostBegin; }

void Statistics::add(std::span<const uint32_t> stream) {
  uint64_t case_steps = 0;
  bool two_tasks = false;
  bool blocked = false;
  bool deep = false;
  // The operation that a thread is in: its end says that it did not trap.
  std::vector<std::pair<uint32_t, uint32_t>> open;
  for (size_t at = 0; at < stream.size();) {
    const RecordView r = traces::record_at(stream, at);
    at = traces::next(r);
    if (is_step(r.kind)) ++case_steps;
    switch (r.kind) {
      case RecordKind::kBegin: {
        const uint32_t op = r.words[3];
        if (traces::ends_segment(static_cast<traces::Op>(op))) {
          ++operations[op];
        } else {
          const auto it = std::find_if(open.begin(), open.end(), [&](const auto& o) { return o.first == r.words[0]; });
          if (it != open.end())
            it->second = op;
          else
            open.emplace_back(r.words[0], op);
        }
        break;
      }
      case RecordKind::kEnd: {
        const auto it = std::find_if(open.begin(), open.end(), [&](const auto& o) { return o.first == r.words[0]; });
        if (it != open.end()) ++operations[it->second];
        break;
      }
      case RecordKind::kHostBegin:
        ++host_operations[r.words[1]];
        break;
      case RecordKind::kHostResult:
        ++host_operations[static_cast<size_t>(r.words[1] != 0 ? traces::HostOp::kBlock : traces::HostOp::kReturn)];
        break;
      case RecordKind::kChoice:
        ++choices[r.words[0]];
        if (r.words[3] > 1) ++open_choices[r.words[0]];
        break;
      case RecordKind::kTrapped:
        ++sites[r.words[0]];
        break;
      case RecordKind::kOutcome:
        ++outcomes[r.words[0]];
        if (static_cast<traces::Outcome>(r.words[0]) == traces::Outcome::kSpecUndefined) ++sites[r.words[1]];
        break;
      case RecordKind::kState:
        if (!two_tasks || !blocked || !deep) {
          const Look look = look_at(r.words);
          two_tasks |= look.tasks >= 2;
          blocked |= look.waiting;
          deep |= look.running >= 8;
        }
        break;
      default:
        break;
    }
  }
  ++cases;
  steps += case_steps;
  cases_with_two_tasks += two_tasks ? 1 : 0;
  cases_with_blocked_thread += blocked ? 1 : 0;
  cases_with_eight_deep += deep ? 1 : 0;
  ++steps_per_case[std::min<uint64_t>(case_steps, steps_per_case.size() - 1)];
}

uint64_t Statistics::median_steps() const {
  uint64_t seen = 0;
  for (uint64_t n = 0; n < steps_per_case.size(); ++n) {
    seen += steps_per_case[n];
    if (seen * 2 >= cases && cases > 0) return n;
  }
  return 0;
}

}  // namespace lockstep::diff
