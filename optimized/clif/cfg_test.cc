// Control flow: reachability, order, and dominators against their definition.
#include "optimized/clif/cfg.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "optimized/clif/reader.h"

namespace lockstep::clif {
namespace {

// A function with these edges; every block has one way out or more, or returns.
Function graph(const std::vector<std::vector<size_t>>& edges) {
  std::string text = "function %f(i32) {\n";
  for (size_t i = 0; i < edges.size(); ++i) {
    text += "block" + std::to_string(i) + (i == 0 ? "(v0: i32):\n" : ":\n");
    if (edges[i].empty()) {
      text += "  return\n";
      continue;
    }
    text += "  br_table v0, block" + std::to_string(edges[i][0]) + ", [";
    for (size_t j = 1; j < edges[i].size(); ++j) text += (j > 1 ? ", block" : "block") + std::to_string(edges[i][j]);
    text += "]\n";
  }
  return read_functions(text + "}\n").at(0);
}

// What can be reached from the entry if one block is closed.
std::vector<bool> reached_without(const std::vector<std::vector<size_t>>& edges, size_t closed) {
  std::vector<bool> reached(edges.size(), false);
  std::vector<size_t> todo;
  if (closed != 0) todo.push_back(0);
  while (!todo.empty()) {
    const size_t block = todo.back();
    todo.pop_back();
    if (reached[block]) continue;
    reached[block] = true;
    for (size_t next : edges[block]) {
      if (next != closed) todo.push_back(next);
    }
  }
  return reached;
}

void check(const std::vector<std::vector<size_t>>& edges) {
  const Function function = graph(edges);
  const Cfg cfg(function);
  const std::vector<bool> reached = reached_without(edges, edges.size());
  for (size_t a = 0; a < edges.size(); ++a) {
    EXPECT_EQ(cfg.reachable(a), reached[a]);
    EXPECT_EQ(std::count(cfg.order().begin(), cfg.order().end(), a), reached[a] ? 1 : 0);
    const std::vector<bool> without = reached_without(edges, a);
    for (size_t b = 0; b < edges.size(); ++b) {
      EXPECT_EQ(cfg.dominates(a, b), reached[a] && reached[b] && (a == b || !without[b])) << a << " " << b;
    }
    if (reached[a] && a != 0) {
      EXPECT_NE(cfg.idom(a), a);
      EXPECT_TRUE(cfg.dominates(cfg.idom(a), a));
    }
  }
}

TEST(Cfg, SmallGraphs) {
  check({{}});
  check({{1, 2}, {3}, {3}, {}});
  check({{1}, {2, 3}, {1}, {}});
  check({{1}, {}, {1}});
  check({{1, 1}, {1}});
}

TEST(Cfg, Irreducible) { check({{1, 2}, {2}, {1, 3}, {4, 1}, {}}); }

TEST(Cfg, RandomGraphs) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    const size_t size = 1 + random() % 14;
    std::vector<std::vector<size_t>> edges(size);
    for (auto& targets : edges) {
      for (size_t count = size == 1 ? 0 : random() % 4; count > 0; --count)
        targets.push_back(1 + random() % (size - 1));
    }
    check(edges);
  }
}

TEST(Cfg, OrderPutsDominatorsFirst) {
  const Function function = graph({{3}, {2}, {}, {1, 2}});
  const Cfg cfg(function);
  EXPECT_EQ(cfg.order(), (std::vector<size_t>{0, 3, 1, 2}));
  EXPECT_EQ(cfg.idom(2), 3u);
  EXPECT_EQ(cfg.predecessors(2), (std::vector<size_t>{1, 3}));
  EXPECT_EQ(cfg.index_of(3), 3u);
}

}  // namespace
}  // namespace lockstep::clif
