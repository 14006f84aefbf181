// Random function types, over a few streams and futures that a whole topology shares, so that their ends can travel.
#pragma once

#include <vector>

#include "diff/random.h"
#include "traces/scenario.h"

namespace lockstep::diff {

class RandomTypes {
 public:
  // `features` as in diff/topology.h.
  RandomTypes(Random&, uint32_t features, const std::vector<traces::Resource>&);

  // A function of this instance (kNone: of the host).
  traces::FuncType function(bool async_, uint32_t instance);
  // The types stream<T> and future<T> of this topology.
  const std::vector<traces::ValueType>& streams() const { return streams_; }
  const std::vector<traces::ValueType>& futures() const { return futures_; }

 private:
  // Where a type stands.
  struct Position {
    bool borrow = false;  // one may stand here
    bool ends = true;
    uint32_t depth = 0;
    uint32_t own_of = traces::kNone;  // only resources of this instance
  };
  traces::FuncType plain(bool async_);
  traces::ValueType some(Position);
  traces::ValueType element();
  std::vector<traces::ValueType> some(Position, uint32_t count);

  Random& random_;
  const uint32_t features_;
  const std::vector<traces::Resource>& resources_;
  std::vector<traces::ValueType> streams_;
  std::vector<traces::ValueType> futures_;
};

}  // namespace lockstep::diff
