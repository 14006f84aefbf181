// Collects the event stream of one run and, when there is an expected stream, compares as it grows: at the first
// record that differs it asks the run to stop, so that an engine gone wrong does not go on being wrong.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "traces/record.h"

namespace lockstep::diff {

// Thrown through an engine when its run is to end now.
struct Abandon {};

class Recorder {
 public:
  // Starts over. `expected` must outlive the run; empty span and `compare` false: only record.
  void start(bool compare, std::span<const uint32_t> expected) {
    // What a case of a hundred thousand steps took is given back.
    if (words_.capacity() > kMostKept) words_ = traces::Words();
    words_.clear();
    compare_ = compare;
    expected_ = expected;
    matched_ = 0;
    stopped_ = false;
    differs_ = false;
    failure_.clear();
  }

  traces::Words& words() { return words_; }
  const traces::Words& words() const { return words_; }

  // Called when one more record is complete.
  void commit() {
    if (tamper) tamper(words_, matched_);
    if (compare_ && !differs_) compare();
    matched_ = words_.size();
  }

  // The run is to end: something differed, or the expected stream ends here in something that this run cannot reach.
  bool stopped() const { return stopped_; }
  bool differs() const { return differs_; }
  // Where the first record that differs begins, in both streams.
  size_t difference() const { return difference_; }

  // What the engine said when its own invariant failed; "" if none did.
  const std::string& failure() const { return failure_; }
  void set_failure(const std::string& what) { failure_ = what; }

  // For tests of the comparison itself: may change the record that begins at the given offset.
  std::function<void(traces::Words&, size_t)> tamper;

 private:
  static constexpr size_t kMostKept = 1 << 20;  // words

  void compare() {
    const size_t length = words_.size() - matched_;
    const bool same = matched_ + length <= expected_.size() &&
                      std::equal(words_.begin() + static_cast<std::ptrdiff_t>(matched_), words_.end(),
                                 expected_.begin() + static_cast<std::ptrdiff_t>(matched_));
    if (!same) {
      differs_ = stopped_ = true;
      difference_ = matched_;
      return;
    }
    // The specification has no answer from here on: nobody is asked to go further.
    const size_t at = words_.size();
    if (at < expected_.size() && expected_[at] >> 24 == static_cast<uint32_t>(traces::RecordKind::kOutcome) &&
        expected_[at + 1] == static_cast<uint32_t>(traces::Outcome::kSpecUndefined))
      stopped_ = true;
  }

  traces::Words words_;
  std::span<const uint32_t> expected_;
  bool compare_ = false;
  bool stopped_ = false;
  bool differs_ = false;
  size_t matched_ = 0;
  size_t difference_ = 0;
  std::string failure_;
};

}  // namespace lockstep::diff
