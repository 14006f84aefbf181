// Resources: handles, lending and borrowing, destructors; and error contexts.
#include <gtest/gtest.h>

#include <cstring>

#include "optimized/testing.h"

namespace lockstep::optimized::testing {
namespace {

struct Resources : ::testing::Test {
  World w;
  Instance& a = w.instance();
  Instance& b = w.instance();
  Instance& c = w.instance();
  std::vector<uint64_t> destroyed;
  Code destroy = [this](Args args) {
    destroyed.push_back(args[0]);
    return 0;
  };
  ResourceType of_a{a, core(destroy)};
  ResourceType of_b{b, core(destroy)};
  ResourceType plain{b};

  static CoreFunc core(Code& code) {
    return {[](void* data, Args args) { return (*static_cast<Code*>(data))(args); }, &code};
  }
  // What code of an instance does, called by the host.
  std::string run(Instance& i, Code code, uint32_t id = 90) {
    return w.trap_of([&] { w.invoke(w.define(i, words(0, false, false), Lift::kSync, std::move(code), {}, {}), id); });
  }
  Function& function(Instance& i, std::vector<Type> params, Type result, Lift lift, Code body, bool async_) {
    return w.define(i, {std::move(params), std::move(result), async_}, lift, std::move(body), {}, {});
  }
  ResourceView view(const Instance& i, uint32_t index) {
    ResourceView found = {};
    Inspector(w.store).for_each_resource(
        i, [&](const ResourceView& r) { found = r.index == index ? r : found; }, [](const ErrorContextView&) {});
    return found;
  }
};

TEST_F(Resources, HandlesAreTyped) {
  EXPECT_EQ(run(a,
                [&](Args) {
                  EXPECT_EQ(w.store.resource_new(of_b, 7), 1u);
                  EXPECT_EQ(w.store.resource_rep(of_b, 1), 7u);
                  EXPECT_EQ(view(a, 1).rep, 7u);
                  EXPECT_EQ(view(a, 1).type, &of_b);
                  EXPECT_TRUE(view(a, 1).own);
                  const uint32_t set = w.store.waitable_set_new();
                  EXPECT_EQ(w.trap_of([&] { w.store.resource_rep(of_b, set); }), "canon_resource_rep#1");
                  EXPECT_EQ(w.trap_of([&] { w.store.resource_rep(of_a, 1); }), "canon_resource_rep#2");
                  EXPECT_EQ(w.trap_of([&] { w.store.resource_drop(of_b, set); }), "canon_resource_drop#2");
                  EXPECT_EQ(w.trap_of([&] { w.store.resource_drop(of_a, 1); }), "canon_resource_drop#3");
                  EXPECT_EQ(w.trap_of([&] { w.store.resource_drop(of_a, 1); }), "Table.get#2");
                  return 0;
                }),
            "");
}

TEST_F(Resources, DropCallsTheDestructorInItsInstance) {
  destroy = [&](Args args) {
    destroyed.push_back(args[0]);
    EXPECT_EQ(w.stack(), (std::vector<uint32_t>{1001, 90}));
    EXPECT_EQ(w.task(1001).instance, &b);
    EXPECT_EQ(w.task(1001).origin, TaskOrigin::kDestructor);
    EXPECT_EQ(w.task(1001).parent_call_id, 90u);
    EXPECT_FALSE(w.view(b).may_enter);
    EXPECT_EQ(w.store.thread_index(), 1u);  // promotes
    return 0;
  };
  EXPECT_EQ(run(a,
                [&](Args) {
                  w.store.resource_drop(of_b, w.store.resource_new(of_b, 7));
                  EXPECT_EQ(destroyed, std::vector<uint64_t>{7});
                  EXPECT_EQ(w.view(a).next_handle_index, 1u);
                  w.store.resource_drop(plain, w.store.resource_new(plain, 8));
                  return 0;
                }),
            "");
  EXPECT_EQ(w.choices.named, (std::vector<std::string>{"1001 destructor 2", "1002 destructor 2"}));
  EXPECT_EQ(w.view(b).next_thread_index, 1u);
  EXPECT_TRUE(w.view(b).may_enter);
}

// b calls a, which drops what b defined: the instance is entered already, even if there is no destructor to run.
TEST_F(Resources, DropEntersTheDefiningInstance) {
  const Function& f = function(
      a, {}, {}, Lift::kSync,
      [&](Args) {
        w.store.resource_drop(plain, w.store.resource_new(plain, 8));
        return 0;
      },
      false);
  const Import& import = w.import_(b, f);
  EXPECT_EQ(run(b, [&](Args) { return w.store.call(import, 2, {}); }), "Store.lift.func_inst#1");
  EXPECT_EQ(w.choices.named.size(), 1u);
}

TEST_F(Resources, OwnMovesBetweenTables) {
  const Function& f = function(
      b, {Type::own(of_a)}, Type::own(of_a), Lift::kSync,
      [&](Args args) {
        EXPECT_EQ(args[0], 1u);
        EXPECT_EQ(w.store.resource_rep(of_a, 1), 5u);
        EXPECT_EQ(w.view(a).next_handle_index, 1u);
        return 1;
      },
      false);
  const Import& import = w.import_(a, f);
  EXPECT_EQ(run(a,
                [&](Args) {
                  const uint64_t args[] = {w.store.resource_new(of_a, 5)};
                  EXPECT_EQ(w.store.call(import, 2, args), 1u);
                  const uint64_t wrong[] = {w.store.resource_new(of_b, 5)};
                  w.store.call(import, 3, wrong);
                  return 0;
                }),
            "lift_own#2");
  EXPECT_EQ(w.view(b).next_handle_index, 1u);
  EXPECT_EQ(w.promotions(), 0u);
}

TEST_F(Resources, BorrowOfTheDefiningInstanceIsItsRepresentation) {
  const Function& f = function(
      b, {Type::borrow(of_b)}, {}, Lift::kSync,
      [&](Args args) {
        EXPECT_EQ(args[0], 33u);
        EXPECT_EQ(view(a, 1).num_lends, 1u);
        EXPECT_EQ(w.task(2).num_borrows, 0u);
        return 0;
      },
      false);
  const Import& import = w.import_(a, f);
  EXPECT_EQ(run(a,
                [&](Args) {
                  const uint64_t args[] = {w.store.resource_new(of_b, 33)};
                  w.store.call(import, 2, args);
                  EXPECT_EQ(view(a, 1).num_lends, 0u);
                  return 0;
                }),
            "");
}

TEST_F(Resources, BorrowMustBeDroppedBeforeReturning) {
  bool drops = true;
  uint32_t kept = 0;
  const Function& f = function(
      b, {Type::borrow(of_a), Type::borrow(of_a)}, {}, Lift::kSync,
      [&](Args args) {
        EXPECT_EQ(w.task(2).num_borrows, 2u);
        kept = static_cast<uint32_t>(args[1]);
        EXPECT_EQ(view(b, kept).borrow_call_id, 2u);
        EXPECT_FALSE(view(b, kept).own);
        w.store.resource_drop(of_a, static_cast<uint32_t>(args[0]));
        w.store.thread_index();  // promotes: the scope moves
        EXPECT_EQ(w.task(2).num_borrows, 1u);
        EXPECT_EQ(view(b, kept).borrow_call_id, 2u);
        if (drops) w.store.resource_drop(of_a, static_cast<uint32_t>(args[1]));
        return 0;
      },
      false);
  const Import& import = w.import_(a, f);
  const auto call_it = [&](Args) {
    const uint64_t own = w.store.resource_new(of_a, 1);
    const uint64_t args[] = {own, own};
    w.store.call(import, 2, args);
    EXPECT_EQ(view(a, 1).num_lends, 0u);
    w.store.resource_drop(of_a, 1);
    return 0;
  };
  EXPECT_EQ(run(a, call_it), "");
  drops = false;
  EXPECT_EQ(run(a, call_it), "Task.return_#2");
  EXPECT_EQ(view(a, 1).num_lends, 2u);
  EXPECT_EQ(view(b, kept).borrow_call_id, 2u);
  EXPECT_TRUE(destroyed == std::vector<uint64_t>{1});
}

TEST_F(Resources, BorrowOfADeadNativeFrameHasNoScope) {
  const Function& f = function(
      b, {Type::borrow(of_a)}, {}, Lift::kSync, [](Args) -> uint64_t { throw CoreException(); }, false);
  const Import& import = w.import_(a, f);
  EXPECT_EQ(run(a,
                [&](Args) {
                  const uint64_t args[] = {w.store.resource_new(of_a, 1)};
                  w.store.call(import, 2, args);
                  return 0;
                }),
            "call_and_trap_on_throw#1");
  EXPECT_FALSE(view(b, 1).own);
  EXPECT_EQ(view(b, 1).borrow_call_id, 0u);
}

TEST_F(Resources, LentHandlesStayWhereTheyAre) {
  const Function& waits = function(
      b, {Type::borrow(of_a)}, {}, Lift::kStackful,
      [&](Args args) {
        w.store.thread_yield(true);
        w.store.resource_drop(of_a, static_cast<uint32_t>(args[0]));
        w.store.task_return({{}, &w.memory, Encoding::kUtf8}, {});
        return 0;
      },
      true);
  const Function& takes = function(
      b, {Type::own(of_a)}, {}, Lift::kSync, [](Args) { return 0; }, false);
  const Import& import_waits = w.import_(a, waits, true);
  const Import& import_takes = w.import_(a, takes);
  EXPECT_EQ(run(a,
                [&](Args) {
                  const uint64_t args[] = {w.store.resource_new(of_a, 1)};
                  EXPECT_EQ(w.store.call(import_waits, 2, args), 1u | 2 << 4);
                  EXPECT_EQ(view(a, 1).num_lends, 1u);
                  return 0;
                }),
            "");
  EXPECT_EQ(w.run(), 1);
  EXPECT_EQ(view(a, 1).num_lends, 1u);  // until the caller hears of it
  EXPECT_EQ(run(
                a,
                [&](Args) {
                  const uint32_t set = w.store.waitable_set_new();
                  w.store.waitable_join(2, set);
                  w.store.waitable_set_poll(false, w.memory, set, 0);
                  EXPECT_EQ(view(a, 1).num_lends, 0u);
                  const uint64_t args[] = {1};
                  EXPECT_EQ(w.store.call(import_waits, 3, args), 1u | 4 << 4);
                  w.store.call(import_takes, 4, args);
                  return 0;
                },
                91),
            "lift_own#3");
}

TEST_F(Resources, BorrowedHandlesCannotBeGivenAway) {
  const Function& takes = function(
      c, {Type::own(of_a)}, {}, Lift::kSync, [](Args) { return 0; }, false);
  const Import& import_takes = w.import_(b, takes);
  const Function& borrows = function(
      b, {Type::borrow(of_a)}, {}, Lift::kSync, [&](Args args) { return w.store.call(import_takes, 3, args); }, false);
  const Import& import_borrows = w.import_(a, borrows);
  EXPECT_EQ(run(a,
                [&](Args) {
                  const uint64_t args[] = {w.store.resource_new(of_a, 1)};
                  return w.store.call(import_borrows, 2, args);
                }),
            "lift_own#4");
}

TEST_F(Resources, CancelledTasksDropTheirBorrowsToo) {
  const Function& f = function(
      b, {Type::borrow(of_a)}, {}, Lift::kStackful,
      [&](Args) {
        EXPECT_EQ(w.store.thread_yield(true), 1u);
        w.store.task_cancel();
        return 0;
      },
      true);
  HostInvocation& call = w.invoke(f, 2, {Value(9)});
  EXPECT_EQ(w.task(2).num_borrows, 1u);
  EXPECT_EQ(w.trap_of([&] { w.store.cancel(call); }), "Task.cancel#2");
}

TEST_F(Resources, HostCallsBorrowUntilTheyReturn) {
  Subtask* blocked = nullptr;
  HostFunction& host = w.host(true, [&](HostCall& call) {
    EXPECT_EQ(call.start()[0], Value(4));
    if (w.store.current_thread() == Id{90, 0}) return call.resolve();
    blocked = &call.block([](void*, Subtask&) {}, nullptr);
  });
  host.type = {{Type::borrow(of_b)}, {}, true};
  const Import& import = w.import_(a, host, true);
  const auto code = [&](Args) {
    const uint64_t args[] = {w.store.resource_new(of_b, 4)};
    w.store.call(import, 2, args);
    return 0;
  };
  EXPECT_EQ(run(a, code), "");
  EXPECT_EQ(view(a, 1).num_lends, 0u);
  EXPECT_EQ(run(a, code, 91), "");
  EXPECT_EQ(view(a, 2).num_lends, 1u);
  w.store.resolve(*blocked, {});
  EXPECT_EQ(run(a, [&](Args) { return w.store.subtask_cancel(false, 3); }), "");
  EXPECT_EQ(view(a, 2).num_lends, 0u);
}

TEST_F(Resources, ErrorContextsKeepMessagesIfChosen) {
  uint64_t next = 64;
  Code allocate = [&](Args args) { return next += args[3]; };
  std::memcpy(w.bytes.data(), "oops", 4);
  EXPECT_EQ(run(a,
                [&](Args) {
                  EXPECT_EQ(w.store.error_context_new(w.memory, 0, 4), 1u);
                  w.choices.keep_messages = false;
                  EXPECT_EQ(w.store.error_context_new(w.memory, 1000, 4), 2u);
                  w.store.error_context_debug_message(w.memory, core(allocate), 1, 17);
                  EXPECT_EQ(w.bytes[17], 68u);
                  EXPECT_EQ(w.bytes[21], 4u);
                  EXPECT_EQ(w.bytes[68], 'o');
                  w.store.error_context_drop(2);
                  const uint32_t set = w.store.waitable_set_new();
                  EXPECT_EQ(set, 2u);
                  EXPECT_EQ(w.trap_of([&] { w.store.error_context_debug_message(w.memory, {}, set, 0); }),
                            "canon_error_context_debug_message#2");
                  EXPECT_EQ(w.trap_of([&] { w.store.error_context_drop(set); }), "canon_error_context_drop#2");
                  w.choices.keep_messages = true;
                  w.store.error_context_new(w.memory, 1000, 4);
                  return 0;
                }),
            "load_string_from_range#3");
  std::vector<size_t> lengths;
  Inspector(w.store).for_each_resource(
      a, [](const ResourceView&) {}, [&](const ErrorContextView& e) { lengths.push_back(e.message_length); });
  EXPECT_EQ(lengths, std::vector<size_t>{4});
}

}  // namespace
}  // namespace lockstep::optimized::testing
