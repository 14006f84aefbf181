// Pools: where objects lie, and which are there.
#include "optimized/pool.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>

namespace lockstep::optimized {
namespace {

struct Record {
  static inline int alive = 0;
  Record() { ++alive; }
  ~Record() { --alive; }
  uint64_t words[9] = {};  // not a multiple of a cache line
  int reinitialised = 0;
  void reinitialise() { ++reinitialised; }
};

TEST(Pool, GivesEachObjectItsOwnLinesAndKeepsItThere) {
  Pool<Record> pool;
  std::set<Record*> seen;
  for (int i = 0; i < 100'000; ++i) {  // many enough for huge pages
    Record& r = pool.acquire();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(&r) % kCacheLine, 0u);
    EXPECT_EQ(r.reinitialised, 1);
    r.words[8] = 1;
    ASSERT_TRUE(seen.insert(&r).second);
  }
  size_t visited = 0;
  pool.for_each([&](const Record& r) { visited += r.words[8]; });
  EXPECT_EQ(visited, seen.size());
}

TEST(Pool, GivesTheNewestOfThoseGivenBack) {
  Pool<Record> pool;
  Record& first = pool.acquire();
  Record& second = pool.acquire();
  pool.release(first);
  pool.release(second);
  EXPECT_EQ(&pool.acquire(), &second);
  EXPECT_EQ(&pool.acquire(), &first);
  EXPECT_EQ(first.reinitialised, 2);
}

TEST(Pool, StartsAgainWithTheSameObjectsAfterReset) {
  Pool<Record> pool;
  std::vector<Record*> before;
  for (int i = 0; i < 1'000; ++i) before.push_back(&pool.acquire());
  pool.release(*before[3]);
  pool.reset();
  pool.for_each([](const Record&) { ADD_FAILURE() << "an object is left"; });
  for (Record* r : before) ASSERT_EQ(&pool.acquire(), r);
}

TEST(Pool, DestroysWhatItMade) {
  const int before = Record::alive;
  {
    Pool<Record> pool;
    for (int i = 0; i < 1'000; ++i) pool.acquire();
    pool.reset();
    pool.acquire();
    EXPECT_EQ(Record::alive, before + 1'000);
  }
  EXPECT_EQ(Record::alive, before);
}

}  // namespace
}  // namespace lockstep::optimized
