// The table of trap sites and assertions: every name is found, and every explanation says where to look.
#include "traces/sites.h"

#include <gtest/gtest.h>

#include <set>

namespace lockstep::traces {
namespace {

TEST(Sites, EverySiteIsFoundByItsName) {
  ASSERT_TRUE(sites()[0].name.empty()) << "0 is no site";
  for (SiteId id = 1; id < sites().size(); ++id) EXPECT_EQ(find_site(site(id).name), id) << site(id).name;
  EXPECT_EQ(find_site(""), 0u);
  EXPECT_EQ(find_site("canon_lower"), 0u);
  EXPECT_EQ(find_site("canon_lower#99"), 0u);
}

TEST(Sites, AnAssertionIsAssertionAndSpecUndefinedAndNamedSo) {
  for (const Site& s : sites().subspan(1)) {
    EXPECT_EQ(s.assertion, s.name.starts_with("assert:")) << s.name;
    EXPECT_EQ(s.assertion, s.klass == "spec-undefined") << s.name;
    EXPECT_NE(s.name.find('#'), std::string_view::npos) << s.name;
  }
}

TEST(Sites, EverySiteIsExplainedWithItsClassAndLine) {
  for (const Site& s : sites().subspan(1)) {
    const std::string text = explain(s);
    EXPECT_TRUE(text.starts_with(std::string(s.name) + ": ")) << text;
    EXPECT_GT(text.find('\n'), s.name.size() + 10) << "no words for class " << s.klass << ": " << text;
    EXPECT_NE(text.find("class: " + std::string(s.klass)), std::string::npos) << text;
    EXPECT_EQ(text.find("line " + std::to_string(s.line)) != std::string::npos, s.line != 0) << text;
    EXPECT_EQ(text.find("not reached") != std::string::npos, !s.unreached.empty()) << text;
  }
}

TEST(Sites, ClassesGroupTrapsByWhatWentWrong) {
  const auto sites_of = [](std::string_view klass) {
    std::set<std::string_view> names;
    for (const Site& s : sites())
      if (s.klass == klass) names.insert(s.name);
    return names;
  };
  EXPECT_EQ(sites_of("subtask-state"),
            (std::set<std::string_view>{"Subtask.drop#1", "canon_subtask_cancel#3", "canon_subtask_cancel#4",
                                        "canon_subtask_cancel#5"}));
  EXPECT_EQ(sites_of("task-return-mismatch"),
            (std::set<std::string_view>{"canon_task_return#2", "canon_task_return#3", "canon_task_return#4",
                                        "canon_task_cancel#2"}));
  EXPECT_EQ(sites_of("task-state"),
            (std::set<std::string_view>{"Task.unregister_thread#1", "Task.return_#1", "Task.cancel#1"}));
  EXPECT_EQ(sites_of("cannot-enter"), std::set<std::string_view>{"Store.lift.func_inst#1"});
  EXPECT_EQ(sites_of("bad-case"), (std::set<std::string_view>{"load_variant#1", "lift_flat_variant#1"}));
  EXPECT_EQ(sites_of("invalid-utf8"), std::set<std::string_view>{"load_string_from_range#4"});
  EXPECT_EQ(sites_of("table-full"), std::set<std::string_view>{"Table.add#1"});
  EXPECT_EQ(sites_of("cannot-block"), std::set<std::string_view>{"canon_lift#1"});
}

TEST(Sites, WhatNoScenarioReachesIsNeverReachedAndSaysWhy) {
  std::set<std::string_view> unreached;
  for (const Site& s : sites().subspan(1)) {
    if (s.unreached.empty()) continue;
    unreached.insert(s.name);
    EXPECT_TRUE(s.unreached.starts_with("never")) << s.name << ": " << s.unreached;
  }
  EXPECT_EQ(unreached, (std::set<std::string_view>{"canon_lift.thread_func#2", "lift_error_context#1",
                                                   "load_string_from_range#2", "store_string_copy#1"}));
}

TEST(Sites, OnlyTheGuestsOwnTrapsAndTheCatchAllHaveNoLine) {
  std::set<std::string_view> without_line;
  for (const Site& s : sites().subspan(1))
    if (s.line == 0) without_line.insert(s.name);
  EXPECT_EQ(without_line,
            (std::set<std::string_view>{"guest.unreachable#1", "guest.load#1", "guest.store#1", "assert:other#0"}));
}

}  // namespace
}  // namespace lockstep::traces
