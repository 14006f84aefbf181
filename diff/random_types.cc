#include "diff/random_types.h"

#include <algorithm>
#include <array>

#include "diff/topology.h"

namespace lockstep::diff {

using traces::FuncType;
using traces::IndexType;
using traces::kNone;
using traces::ValueType;
using Kind = traces::ValueType::Kind;

namespace {

// Words that an operation can hand over, besides the two addresses of its areas.
constexpr size_t kMostWords = traces::kMaxOperands - 4;
constexpr uint32_t kMostBytes = 192;  // of a result in memory

constexpr bool is_integer(Kind k) { return k >= Kind::kBool && k <= Kind::kS64; }

}  // namespace

RandomTypes::RandomTypes(Random& random, uint32_t features, const std::vector<traces::Resource>& resources)
    : random_(random), features_(features), resources_(resources) {
  const auto fill = [&](std::vector<ValueType>& out, Kind kind, uint32_t count) {
    while (out.size() < count) {
      ValueType t(kind, {element()});
      if (std::find(out.begin(), out.end(), t) == out.end()) out.push_back(std::move(t));
    }
  };
  if (features & kStreams) fill(streams_, Kind::kStream, random_.between(1, 3));
  if (features & kFutures) fill(futures_, Kind::kFuture, random_.between(1, 2));
}

ValueType RandomTypes::element() {
  const bool values = features_ & kValues;
  const std::array<uint32_t, 10> weights = {
      16, 28, 20, 8, values ? 10u : 0u, resources_.empty() ? 0u : 12u, 4, 4, 4, values ? 6u : 0u};
  switch (random_.weighted(weights)) {
    case 0:
      return Kind::kNone;
    case 1:
      return Kind::kU8;
    case 2:
      return Kind::kU32;
    case 3:
      return Kind::kU64;
    case 4:
      return Kind::kString;
    case 5:
      return {Kind::kOwn, {}, random_.below(static_cast<uint32_t>(resources_.size()))};
    case 6:
      return Kind::kS16;
    case 7:
      return Kind::kBool;
    case 8:
      return {Kind::kTuple, {ValueType(Kind::kU8), ValueType(Kind::kU32)}};
    default:
      return {Kind::kOption, {ValueType(Kind::kString)}};
  }
}

FuncType RandomTypes::plain(bool async_) {
  FuncType t;
  t.async_ = async_;
  t.params.resize(random_.chance(70) ? 1 : random_.chance(70) ? random_.between(2, 4) : random_.between(5, 7));
  if (random_.chance(70)) t.result = ValueType{};
  return t;
}

FuncType RandomTypes::function(bool async_, uint32_t instance) {
  if (!(features_ & (kValues | kStreams | kFutures | kResources))) return plain(async_);
  FuncType t;
  t.async_ = async_;
  t.params.resize(1);
  const bool values = features_ & kValues;
  const std::array<uint32_t, 4> counts = {34, 46, 12, values ? 8u : 0u};
  const std::array<std::pair<uint32_t, uint32_t>, 4> ranges = {{{0, 0}, {1, 3}, {4, 6}, {9, 20}}};
  const auto [least, most] = ranges[random_.weighted(counts)];
  for (uint32_t n = random_.between(least, most); n > 0; --n)
    t.params.push_back(random_.chance(40) ? ValueType{} : some({.borrow = true}));
  while (traces::flatten(t.params, IndexType::kI64).size() > kMostWords ||
         traces::size(t.params, IndexType::kI64) > 4 * kMostWords)
    t.params.pop_back();
  if (random_.chance(70)) {
    Position at;
    at.ends = instance != kNone;
    // Others seldom have one to give back.
    if (instance != kNone && random_.chance(95)) at.own_of = instance;
    t.result = random_.chance(40) ? ValueType{} : some(at);
    if (traces::size(*t.result, IndexType::kI64) > kMostBytes) t.result = ValueType{};
  }
  return t;
}

std::vector<ValueType> RandomTypes::some(Position at, uint32_t count) {
  std::vector<ValueType> out;
  while (out.size() < count) out.push_back(some(at));
  return out;
}

ValueType RandomTypes::some(Position at) {
  std::array<uint32_t, static_cast<size_t>(Kind::kFuture) + 1> weights{};
  const auto weight = [&](Kind k) -> uint32_t& { return weights[static_cast<size_t>(k)]; };
  weight(Kind::kU32) = 8;
  if (features_ & kValues) {
    for (const Kind k : {Kind::kBool, Kind::kU8, Kind::kU16, Kind::kS8, Kind::kS16, Kind::kS32, Kind::kS64})
      weight(k) = 2;
    weight(Kind::kU64) = 5;
    weight(Kind::kString) = 10;
    if (at.depth < 2) {
      weight(Kind::kList) = 6;
      for (const Kind k : {Kind::kTuple, Kind::kRecord, Kind::kOption, Kind::kResult, Kind::kVariant}) weight(k) = 3;
    }
  }
  std::vector<uint32_t> owned;
  for (uint32_t r = 0; r < resources_.size(); ++r)
    if (at.own_of == kNone || resources_[r].instance == at.own_of) owned.push_back(r);
  if (!owned.empty()) weight(Kind::kOwn) = 8;
  if (!resources_.empty() && at.borrow) weight(Kind::kBorrow) = 10;
  if (at.ends && !streams_.empty()) weight(Kind::kStream) = 12;
  if (at.ends && !futures_.empty()) weight(Kind::kFuture) = 10;

  const auto kind = static_cast<Kind>(random_.weighted(weights));
  Position inside = at;
  ++inside.depth;
  const auto payload = [&]() -> ValueType { return random_.chance(25) ? ValueType(Kind::kNone) : some(inside); };
  switch (kind) {
    case Kind::kList:
    case Kind::kOption:
      return {kind, some(inside, 1)};
    case Kind::kTuple:
    case Kind::kRecord: {
      const uint32_t count = random_.between(1, 4);
      return {kind, some(inside, count)};
    }
    case Kind::kResult:
    case Kind::kVariant: {
      std::vector<ValueType> cases;
      const uint32_t count = kind == Kind::kResult ? 2 : random_.between(1, 4);
      while (cases.size() < count) cases.push_back(payload());
      return {kind, std::move(cases)};
    }
    case Kind::kOwn:
      return {kind, {}, random_.pick(owned)};
    case Kind::kBorrow:
      return {kind, {}, random_.below(static_cast<uint32_t>(resources_.size()))};
    case Kind::kStream:
      return random_.pick(streams_);
    case Kind::kFuture:
      return random_.pick(futures_);
    default:
      return is_integer(kind) || kind == Kind::kString ? ValueType(kind) : ValueType{};
  }
}

}  // namespace lockstep::diff
