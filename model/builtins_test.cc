// Resources, streams and futures, threads and error contexts, as far as one guest and its host show them.
#include "model/builtins.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "model/canon_resource.h"
#include "model/canon_stream_future.h"
#include "model/canon_thread.h"
#include "model/error_context.h"
#include "model/future.h"
#include "model/loading.h"
#include "model/storing.h"
#include "model/testing.h"

namespace lockstep::model {
namespace {

// ---- resources

TEST(Resources, DroppingAnOwnHandleRunsTheDestructorAsANode) {
  World w;
  std::vector<CoreVal> destroyed;
  ResourceType rt(w.inst, [&](const CoreValues& args) {
    destroyed.push_back(args.at(0));
    EXPECT_EQ(current_task()->call_id, 7u);
    EXPECT_EQ(TaskTree::call_stack().size(), 2u);
    return CoreValues{};
  });
  w.store.name_task = [&](ComponentInstance* inst, TaskOrigin origin) {
    EXPECT_EQ(inst, w.inst);
    EXPECT_EQ(origin, TaskOrigin::destructor);
    return 7u;
  };
  w.run([&] {
    const uint32_t h = canon_resource_new(&rt, 99);
    EXPECT_EQ(canon_resource_rep(&rt, h), 99u);
    canon_resource_drop(&rt, h);
    EXPECT_EQ(site_of([&] { canon_resource_rep(&rt, h); }), "Table.get#2");
  });
  EXPECT_EQ(destroyed, CoreValues{99});
}

TEST(Resources, AreToldApartByTheirType) {
  World w;
  ResourceType rt(w.inst);
  ResourceType other(w.inst);
  w.run([&] {
    const uint32_t h = canon_resource_new(&rt, 1);
    EXPECT_EQ(site_of([&] { canon_resource_rep(&other, h); }), "canon_resource_rep#2");
    const uint32_t set = canon_waitable_set_new();
    EXPECT_EQ(site_of([&] { canon_resource_rep(&rt, set); }), "canon_resource_rep#1");
    EXPECT_EQ(site_of([&] { canon_resource_drop(&other, h); }), "canon_resource_drop#3");
    EXPECT_EQ(site_of([&] { canon_resource_drop(&rt, set); }), "canon_resource_drop#2");
  });
}

TEST(Resources, AnOwnHandleMovesAndABorrowIsLentForTheCall) {
  World w;
  ComponentInstance* const callee = w.new_instance();
  ResourceType rt(w.inst);
  std::vector<uint32_t> got;
  CanonicalOptions callee_opts;
  const FuncType ft{{OwnType(&rt), BorrowType(&rt)}, {}, false};
  const FuncInst f = w.store.lift(
      [&](const CoreValues& args) {
        EXPECT_EQ(canon_resource_rep(&rt, static_cast<uint32_t>(args.at(0))), 1u);
        EXPECT_EQ(canon_resource_rep(&rt, static_cast<uint32_t>(args.at(1))), 2u);
        EXPECT_EQ(current_task()->num_borrows, 1u);
        canon_resource_drop(&rt, static_cast<uint32_t>(args.at(1)));
        EXPECT_EQ(current_task()->num_borrows, 0u);
        got.push_back(static_cast<uint32_t>(args.at(0)));
        return CoreValues{};
      },
      ft, callee_opts, callee);
  const CoreFunc lowered = w.store.lower(f, ft, w.opts, w.inst);
  w.run([&] {
    const uint32_t moved = canon_resource_new(&rt, 1);
    const uint32_t lent = canon_resource_new(&rt, 2);
    lowered({moved, lent});
    EXPECT_EQ(site_of([&] { canon_resource_rep(&rt, moved); }), "Table.get#2");
    EXPECT_EQ(canon_resource_rep(&rt, lent), 2u);
  });
  EXPECT_EQ(got.size(), 1u);
  const auto* lent = dynamic_cast<ResourceHandle*>(w.inst->handles.get(2));
  ASSERT_NE(lent, nullptr);
  EXPECT_EQ(lent->num_lends, 0u);
}

TEST(Resources, ABorrowThatIsKeptIsATrap) {
  World w;
  ComponentInstance* const callee = w.new_instance();
  ResourceType rt(w.inst);
  const FuncType ft{{BorrowType(&rt)}, {}, false};
  CanonicalOptions callee_opts;
  const FuncInst f = w.store.lift([](const CoreValues&) { return CoreValues{}; }, ft, callee_opts, callee);
  const CoreFunc lowered = w.store.lower(f, ft, w.opts, w.inst);
  EXPECT_EQ(site_of([&] { w.run([&] { lowered({canon_resource_new(&rt, 1)}); }); }), "Task.return_#2");
}

// ---- streams and futures

class Target : public WritableBuffer {
 public:
  Values values;
  Target(const ValType& type, uint64_t length) : Buffer(type), length_(length) {}
  uint64_t remain() const override { return length_ - values.size(); }
  bool is_zero_length() const override { return length_ == 0; }
  void write(const Values& vs) override { values.insert(values.end(), vs.begin(), vs.end()); }

 private:
  uint64_t length_;
};

class Source : public ReadableBuffer {
 public:
  Source(const ValType& type, Values values) : Buffer(type), values_(std::move(values)) {}
  uint64_t remain() const override { return values_.size(); }
  bool is_zero_length() const override { return values_.empty(); }
  Values read(uint64_t n) override {
    const auto end = values_.begin() + static_cast<ptrdiff_t>(n);
    Values taken(values_.begin(), end);
    values_.erase(values_.begin(), end);
    return taken;
  }

 private:
  Values values_;
};

uint32_t low(uint64_t ends) { return static_cast<uint32_t>(ends); }
uint32_t high(uint64_t ends) { return static_cast<uint32_t>(ends >> 32); }
constexpr uint32_t packed(CopyResult result, uint32_t n) { return static_cast<uint32_t>(result) | n << 4; }

SharedBase* shared_of(World& w, uint32_t handle) { return dynamic_cast<CopyEnd&>(*w.inst->handles.get(handle)).shared; }

TEST(Streams, AHostThatReadsGetsWhatAGuestWrites) {
  World w;
  w.opts.async_ = true;
  const ValType t = StreamType(StringType());
  const LiftLowerContext cx(w.opts, w.inst);
  Target target(StringType(), 3);
  std::optional<CopyResult> done;
  w.opts.async_ = false;
  w.run([&] {
    const uint64_t ends = canon_stream_new(t);
    auto& stream = dynamic_cast<SharedStreamImpl&>(*shared_of(w, low(ends)));
    stream.read(
        nullptr, &target,
        [&](const ReclaimBuffer& reclaim) {
          reclaim();
          done = CopyResult::COMPLETED;
        },
        [&](CopyResult r) { done = r; });
    EXPECT_FALSE(done.has_value());
    Value v;
    v.string = "abc";
    store(cx, v, StringType(), 0);
    store(cx, v, StringType(), 8);
    EXPECT_EQ(canon_stream_write(t, w.opts, high(ends), 0, 2), packed(CopyResult::COMPLETED, 2));
    EXPECT_EQ(done, CopyResult::COMPLETED);
    EXPECT_EQ(stream.pending_buffer, nullptr) << "reclaimed";
    EXPECT_EQ(target.values, Values(2, v));

    canon_stream_drop_readable(t, low(ends));
    EXPECT_EQ(canon_stream_write(t, w.opts, high(ends), 0, 2), packed(CopyResult::DROPPED, 0));
    EXPECT_EQ(site_of([&] { canon_stream_write(t, w.opts, high(ends), 0, 2); }), "stream_copy#4");
  });
}

TEST(Streams, AGuestWaitsForAHostThatWritesLater) {
  World w;
  w.opts.async_ = true;
  const ValType t = StreamType(U16Type());
  w.run(
      [&] {
        const uint64_t ends = canon_stream_new(t);
        EXPECT_EQ(site_of([&] { canon_stream_read(t, w.opts, low(ends), 1, 1); }), "BufferGuestImpl.__init__#2");
        EXPECT_EQ(site_of([&] { canon_stream_read(t, w.opts, low(ends), 0, 2049); }), "BufferGuestImpl.__init__#3");
        EXPECT_EQ(site_of([&] { canon_stream_read(t, w.opts, low(ends), 0, 1 << 28); }), "BufferGuestImpl.__init__#1");
        EXPECT_EQ(canon_stream_read(t, w.opts, low(ends), 16, 4), BLOCKED);
        EXPECT_EQ(site_of([&] { canon_stream_drop_readable(t, low(ends)); }), "CopyEnd.drop#1");
        canon_task_return({}, w.opts, {});
      },
      /*async_=*/true);
  // That drop took the handle away, as definitions.py does; the copy goes on.
  const auto made =
      std::find_if(w.store.shared.begin(), w.store.shared.end(), [](const auto& s) { return s != nullptr; });
  auto& stream = dynamic_cast<SharedStreamImpl&>(**made);
  ASSERT_NE(stream.pending_buffer, nullptr);
  Source source(U16Type(), {number(0x1234), number(0x5678)});
  std::optional<CopyResult> done;
  stream.write(
      nullptr, &source, [](const ReclaimBuffer&) {}, [&](CopyResult r) { done = r; });
  EXPECT_EQ(done, CopyResult::COMPLETED);
  EXPECT_EQ(w.bytes[16], 0x34);
  EXPECT_EQ(w.bytes[19], 0x56);
  EXPECT_EQ(stream.pending_buffer->remain(), 2u);
}

TEST(Streams, ACopyWithinAnInstanceIsForNumbersOnly) {
  World w;
  w.opts.async_ = true;
  const auto copy = [&](const ValType& element) {
    return site_of([&] {
      w.run(
          [&] {
            const ValType t = StreamType(element);
            const uint64_t ends = canon_stream_new(t);
            EXPECT_EQ(canon_stream_write(t, w.opts, high(ends), 0, 2), BLOCKED);
            EXPECT_EQ(canon_stream_read(t, w.opts, low(ends), 64, 1), packed(CopyResult::COMPLETED, 1));
            EXPECT_EQ(canon_stream_cancel_write(t, true, high(ends)), packed(CopyResult::COMPLETED, 1));
            EXPECT_EQ(site_of([&] { canon_stream_cancel_write(t, true, high(ends)); }), "cancel_copy#4");
            canon_task_return({}, w.opts, {});
          },
          /*async_=*/true);
    });
  };
  w.bytes[0] = 1;
  EXPECT_EQ(copy(U64Type()), "");
  EXPECT_EQ(w.bytes[64], 1);
  EXPECT_EQ(copy({}), "");
  EXPECT_EQ(copy(BoolType()), "SharedStreamImpl.read#1");
}

TEST(Futures, CarryOneValueAndMustBeWritten) {
  World w;
  w.opts.async_ = true;
  const ValType t = FutureType(U8Type());
  w.run(
      [&] {
        const uint64_t ends = canon_future_new(t);
        w.bytes[0] = 42;
        EXPECT_EQ(canon_future_read(t, w.opts, low(ends), 8), BLOCKED);
        EXPECT_EQ(canon_future_write(t, w.opts, high(ends), 0), packed(CopyResult::COMPLETED, 0));
        EXPECT_EQ(w.bytes[8], 42);
        canon_future_drop_writable(t, high(ends));
        EXPECT_EQ(site_of([&] { canon_future_drop_readable(t, low(ends)); }), "CopyEnd.drop#1");
        const uint64_t unwritten = canon_future_new(t);
        EXPECT_EQ(site_of([&] { canon_future_drop_writable(t, high(unwritten)); }), "WritableFutureEnd.drop#1");
        canon_task_return({}, w.opts, {});
      },
      /*async_=*/true);
}

TEST(Futures, DroppingTheReadableEndWhileAWriteIsPendingIsAnAssertion) {
  World w;
  w.opts.async_ = true;
  const ValType t = FutureType(U8Type());
  EXPECT_EQ(site_of([&] {
              w.run(
                  [&] {
                    const uint64_t ends = canon_future_new(t);
                    EXPECT_EQ(canon_future_write(t, w.opts, high(ends), 0), BLOCKED);
                    canon_future_drop_readable(t, low(ends));
                  },
                  /*async_=*/true);
            }),
            "assert:SharedFutureImpl.drop#1");
}

TEST(Streams, AnEndIsLiftedIdleAndAlone) {
  World w;
  w.opts.async_ = true;
  const LiftLowerContext cx(w.opts, w.inst);
  w.run(
      [&] {
        const auto lift = [&](uint32_t handle, const ValType& t) {
          return site_of([&] { lift_stream(cx, handle, t); });
        };
        const ValType t = StreamType(U8Type());
        const auto readable = [&] { return low(canon_stream_new(t)); };
        EXPECT_EQ(lift(readable(), U8Type()), "");
        EXPECT_EQ(lift(readable(), U16Type()), "lift_async_value#2");
        EXPECT_EQ(lift(high(canon_stream_new(t)), U8Type()), "lift_async_value#1");
        const uint32_t copying = readable();
        canon_stream_read(t, w.opts, copying, 0, 1);
        EXPECT_EQ(lift(copying, U8Type()), "lift_async_value#3");
        const uint32_t joined = readable();
        canon_waitable_join(joined, canon_waitable_set_new());
        EXPECT_EQ(lift(joined, U8Type()), "lift_async_value#4");
        canon_task_return({}, w.opts, {});
      },
      /*async_=*/true);
}

// ---- threads

TEST(Threads, AreMadeSuspendedAndRunWhenToldSo) {
  World w;
  std::string order;
  CoreFuncRef ref{{{CoreType::i32}, {}}, [&](const CoreValues& args) {
                    order += "t" + std::to_string(args.at(0)) + " k" + std::to_string(current_thread()->k) + ",";
                    return CoreValues{};
                  }};
  Table<CoreFuncRef> table;
  table.array = {&ref, nullptr};
  const CoreFuncType ft{{CoreType::i32}, {}};
  w.opts.async_ = true;
  w.run(
      [&] {
        EXPECT_EQ(site_of([&] { canon_thread_new_indirect(ft, table, 1, 0); }), "Table.get#2");
        EXPECT_EQ(site_of([&] { canon_thread_new_indirect(ft, table, 2, 0); }), "Table.get#1");
        EXPECT_EQ(site_of([&] {
                    canon_thread_new_indirect({{CoreType::i64}, {}}, table, 0, 0);
                  }),
                  "canon_thread_new_indirect#2");
        const uint32_t a = canon_thread_new_indirect(ft, table, 0, 10);
        const uint32_t b = canon_thread_new_indirect(ft, table, 0, 11);
        EXPECT_EQ(current_task()->live_threads.size(), 3u);
        canon_thread_resume_later(a);
        EXPECT_EQ(site_of([&] { canon_thread_resume_later(a); }), "canon_thread_resume_later#2");
        order += "begin,";
        canon_task_return({}, w.opts, {});
        EXPECT_EQ(canon_thread_yield_then_resume(false, b), 0u);
        order += "end,";
      },
      /*async_=*/true);
  EXPECT_EQ(order, "begin,t11 k2,");
  w.store.tick();
  EXPECT_EQ(order, "begin,t11 k2,t10 k1,");
  EXPECT_EQ(w.store.tree.tasks.size(), 1u);
  w.store.tick();
  EXPECT_EQ(order, "begin,t11 k2,t10 k1,end,");
  EXPECT_TRUE(w.store.tree.tasks.empty());
}

TEST(Threads, PromotionTakesAReadyThreadAndElseOnlyWaits) {
  World w;
  std::string order;
  uint32_t main_thread = 0;
  CoreFuncRef ref{{{CoreType::i32}, {}}, [&](const CoreValues&) {
                    order += "t,";
                    canon_thread_resume_later(main_thread);
                    return CoreValues{};
                  }};
  Table<CoreFuncRef> table;
  table.array = {&ref};
  w.run([&] {
    main_thread = canon_thread_index();
    const uint32_t t = canon_thread_new_indirect({{CoreType::i32}, {}}, table, 0, 0);
    canon_thread_resume_later(t);
    EXPECT_EQ(canon_thread_suspend_then_promote(false, t), 0u);
    order += "main,";
    EXPECT_EQ(canon_thread_yield_then_promote(false, main_thread), 0u);
    order += "again,";
  });
  EXPECT_EQ(order, "t,main,again,");
}

TEST(Threads, ASuspendedOneOfASyncTaskThatNobodyResumesIsATrap) {
  World w;
  EXPECT_EQ(site_of([&] { w.run([] { canon_thread_suspend(false); }); }), "canon_lift#1");
}

// ---- error contexts, context slots, tables

TEST(ErrorContexts, KeepTheirMessage) {
  World w;
  const LiftLowerContext cx(w.opts, w.inst);
  w.bytes[5] = 'h';
  w.bytes[6] = 'i';
  w.run([&] {
    const uint32_t e = canon_error_context_new(w.opts, 5, 2);
    canon_error_context_debug_message(w.opts, e, 64);
    EXPECT_EQ(load_string(cx, 64).string, "hi");
    EXPECT_EQ(site_of([&] { canon_error_context_debug_message(w.opts, e, 4094); }), "assert:store_int#0");
    canon_error_context_drop(e);
    EXPECT_EQ(site_of([&] { canon_error_context_drop(e); }), "Table.get#2");
  });
}

TEST(ContextSlots, HoldSixtyFourBitsAndAreReadAsTheyWereWritten) {
  World w;
  w.run([&] {
    canon_context_set(CoreType::i64, 1, uint64_t{5} << 32);
    EXPECT_EQ(canon_context_get(CoreType::i64, 1), uint64_t{5} << 32);
    EXPECT_EQ(site_of([&] { canon_context_get(CoreType::i32, 1); }), "assert:canon_context_get#3");
  });
}

TEST(Tables, CanBeFull) {
  World w;
  w.inst->handles.max_length = 2;
  w.run([&] {
    canon_waitable_set_new();
    const uint32_t last = canon_waitable_set_new();
    EXPECT_EQ(site_of([&] { canon_waitable_set_new(); }), "Table.add#1");
    canon_waitable_set_drop(last);
    EXPECT_EQ(canon_waitable_set_new(), last);
  });
}

}  // namespace
}  // namespace lockstep::model
