// Types, and values that are lifted and lowered: layout, flat values, memory, traps, spills, reallocation.
#include "optimized/values.h"

#include <gtest/gtest.h>

#include <cstring>

#include "optimized/testing.h"

namespace lockstep::optimized::testing {
namespace {

const Layout& layout32(const Type& t) { return t->in(AddressType::kI32); }
const Layout& layout64(const Type& t) { return t->in(AddressType::kI64); }

TEST(Types, LayoutDependsOnTheAddressType) {
  const Type t = Type::tuple({Type::u8(), Type::string(), Type::u16()});
  EXPECT_EQ(layout32(t).size, 16u);
  EXPECT_EQ(layout32(t).alignment, 4u);
  EXPECT_EQ(layout64(t).size, 32u);
  EXPECT_EQ(layout64(t).alignment, 8u);
  EXPECT_EQ(t->offsets[0], (std::vector<uint32_t>{0, 4, 12}));
  EXPECT_EQ(t->offsets[1], (std::vector<uint32_t>{0, 8, 24}));
  EXPECT_EQ(t->flat_count, 4u);
}

TEST(Types, VariantsTakeTheLargestCase) {
  const Type t = Type::variant(
      {{"a", Type::u8()}, {"b", {}}, {"c", Type::tuple({Type::u64(), Type::tuple({Type::boolean(), Type::u8()})})}});
  EXPECT_EQ(t->flat_count, 4u);
  EXPECT_EQ(layout32(t).alignment, 8u);
  EXPECT_EQ(layout32(t).size, 24u);
  EXPECT_EQ(t->payload_offset[0], 8u);
  std::vector<std::pair<std::string, Type>> many(257);
  EXPECT_EQ(Type::variant(many)->discriminant_size, 2u);
  many.pop_back();
  EXPECT_EQ(Type::variant(many)->discriminant_size, 1u);
  EXPECT_EQ(layout32(Type::option(Type::u16())).size, 4u);
  EXPECT_EQ(layout32(Type::result({}, {})).size, 1u);
}

TEST(Types, AreEqualByStructureButNotAcrossKinds) {
  EXPECT_EQ(Type::list(Type::option(Type::u8())), Type::list(Type::option(Type::u8())));
  EXPECT_FALSE(Type::list(Type::u8()) == Type::list(Type::s8()));
  EXPECT_FALSE(Type::tuple({Type::u8()}) == Type::record({{"0", Type::u8()}}));
  EXPECT_FALSE(Type::record({{"a", Type::u8()}}) == Type::record({{"b", Type::u8()}}));
  EXPECT_FALSE(Type::option(Type::u8()) == Type());
  EXPECT_FALSE(Type::stream() == Type::stream(Type::u8()));
}

TEST(Types, FunctionsKnowWhatIsHandedThrough) {
  EXPECT_TRUE(FuncType({}, {}, false).verbatim);
  EXPECT_TRUE(FuncType({Type::u64(), Type::s32()}, Type::u32(), false).verbatim);
  EXPECT_FALSE(FuncType({Type::u8()}, {}, false).verbatim);
  EXPECT_TRUE(FuncType({Type::u8()}, Type::boolean(), false).scalars);
  EXPECT_FALSE(FuncType(std::vector<Type>(17, Type::u32()), {}, false).scalars);
  EXPECT_FALSE(FuncType({Type::u32()}, Type::tuple({Type::u32()}), false).scalars);
}

// An instance with a memory, and calls of functions of another one whose memory is separate.
struct Values : ::testing::Test {
  World w;
  Instance& a = w.instance();
  Instance& b = w.instance();
  std::array<uint8_t, 256> other_bytes = {};
  Memory other_memory{other_bytes};
  std::vector<std::string> reallocs;
  uint64_t next_a = 64;
  uint64_t next_b = 128;
  Code realloc_a = allocator("a", next_a);
  Code realloc_b = allocator("b", next_b);

  Code allocator(const char* who, uint64_t& next) {
    return [this, who, &next](Args args) {
      reallocs.push_back(who + std::to_string(args[0]) + "," + std::to_string(args[1]) + "," + std::to_string(args[2]) +
                         "," + std::to_string(args[3]));
      next = (next + args[2] - 1) / args[2] * args[2];
      const uint64_t address = next;
      next += args[3];
      return address;
    };
  }
  static CoreFunc core(Code& code) {
    return {[](void* data, Args args) { return (*static_cast<Code*>(data))(args); }, &code};
  }
  Function& function(FuncType type, Lift lift, Code body, Code on_event = nullptr, Code post_return = nullptr) {
    Function& f = w.define(b, std::move(type), lift, std::move(body), std::move(on_event), std::move(post_return));
    f.memory = &other_memory;
    f.realloc = core(realloc_b);
    return f;
  }
  Import import_(const Function& f, bool async_ = false) {
    return make_import(a, f, {async_, &w.memory, core(realloc_a)});
  }
  // What a function of `a` without result does, called by the host.
  std::string run(Code code) {
    return w.trap_of([&] { w.invoke(w.define(a, words(0, false, false), Lift::kSync, std::move(code), {}, {}), 90); });
  }
  void put(std::span<uint8_t> bytes, size_t at, const std::string& text) {
    std::copy(text.begin(), text.end(), &bytes[at]);
  }
  uint32_t word(std::span<const uint8_t> bytes, size_t at) {
    uint32_t n;
    std::memcpy(&n, &bytes[at], 4);
    return n;
  }
};

TEST_F(Values, NumbersAreNormalisedOnTheFastPath) {
  std::vector<uint64_t> seen;
  const Function& f = function(
      {{Type::boolean(), Type::u8(), Type::s8(), Type::s16(), Type::u64()}, Type::s8(), false}, Lift::kSync,
      [&](Args args) {
        seen.assign(args.begin(), args.end());
        return 0x1ff;
      },
      nullptr,
      [&](Args results) {
        seen.push_back(results[0]);
        return 0;
      });
  const Import import = import_(f);
  const uint64_t args[] = {7, 0x1234, 0x80, 0xffff, ~uint64_t{0}};
  EXPECT_EQ(run([&](Args) {
              EXPECT_EQ(w.store.call(import, 2, args), 0xffff'ffffu);
              return 0;
            }),
            "");
  EXPECT_EQ(seen, (std::vector<uint64_t>{1, 0x34, 0xffff'ff80, 0xffff'ffff, ~uint64_t{0}, 0x1ff}));
  EXPECT_EQ(w.promotions(), 0u);
}

TEST_F(Values, StringGoesFromCallerToCalleeAndBack) {
  const Function& f = function({{Type::string()}, Type::string(), false}, Lift::kSync, [&](Args args) {
    EXPECT_EQ(args.size(), 2u);
    EXPECT_EQ(args[0], 128u);
    EXPECT_EQ(args[1], 3u);
    EXPECT_EQ(std::memcmp(&other_bytes[128], "abc", 3), 0);
    put(other_bytes, 200, "xy");
    const uint32_t result[] = {200, 2};
    std::memcpy(&other_bytes[16], result, 8);
    return 16;
  });
  const Import import = import_(f);
  put(w.bytes, 10, "abc");
  EXPECT_EQ(run([&](Args) {
              const uint64_t args[] = {10, 3, 32};
              w.store.call(import, 2, args);
              return 0;
            }),
            "");
  EXPECT_EQ(word(w.bytes, 32), 64u);
  EXPECT_EQ(word(w.bytes, 36), 2u);
  EXPECT_EQ(std::memcmp(&w.bytes[64], "xy", 2), 0);
  EXPECT_EQ(reallocs, (std::vector<std::string>{"b0,0,1,3", "a0,0,1,2"}));
  EXPECT_EQ(w.choices.named, (std::vector<std::string>{"1001 realloc 2", "1002 realloc 1"}));
  EXPECT_EQ(w.promotions(), 0u);
}

TEST_F(Values, ReallocIsATaskThatMayNotLeave) {
  std::vector<std::string> seen;
  realloc_b = [&](Args) {
    seen.push_back(w.trap_of([&] { w.store.waitable_set_new(); }));
    EXPECT_EQ(w.store.context_get(0), 0u);
    w.store.context_set(0, 5);
    EXPECT_EQ(w.stack(), (std::vector<uint32_t>{2, 90}));
    const TaskView t = w.task(1001);
    EXPECT_EQ(t.origin, TaskOrigin::kRealloc);
    EXPECT_EQ(t.instance, &b);
    EXPECT_EQ(t.thread.index, 2u);
    EXPECT_EQ(w.task(2).state, TaskState::kStarted);
    EXPECT_EQ(w.store.current_thread(), (Id{1001, 0}));
    return 100;
  };
  const Function& f = function({{Type::string()}, {}, false}, Lift::kSync, [&](Args) {
    EXPECT_EQ(w.store.context_get(0), 0u);
    EXPECT_EQ(w.store.thread_index(), 1u);
    EXPECT_TRUE(w.view(b).may_leave);
    return 0;
  });
  const Import import = import_(f);
  EXPECT_EQ(run([&](Args) {
              const uint64_t args[] = {10, 0};
              w.store.call(import, 2, args);
              return 0;
            }),
            "");
  EXPECT_EQ(seen, std::vector<std::string>{"canon_waitable_set_new#1"});
  EXPECT_EQ(w.view(b).next_thread_index, 1u);
}

TEST_F(Values, TrapsOfRangesInOrder) {
  const Function& f = function({{Type::string()}, {}, false}, Lift::kSync, [](Args) { return 0; });
  const Function& g = function({{Type::list(Type::u16())}, {}, false}, Lift::kSync, [](Args) { return 0; });
  const auto call = [&](const Function& callee, uint64_t address, uint64_t length) {
    World fresh;
    Instance& caller = fresh.instance();
    Function copy = callee;
    copy.instance = &fresh.instance();
    const Import import = make_import(caller, copy, {false, &w.memory, {}});
    const Function& run_it = fresh.define(caller, words(0, false, false), Lift::kSync,
                                          [&](Args) {
                                            const uint64_t args[] = {address, length};
                                            return fresh.store.call(import, 2, args);
                                          },
                                          {}, {});
    return fresh.trap_of([&] { fresh.invoke(run_it, 1); });
  };
  EXPECT_EQ(call(f, 0, 1u << 28), "load_string_from_range#1");
  EXPECT_EQ(call(f, 255, 2), "load_string_from_range#3");
  EXPECT_EQ(call(f, 256, 0), "");
  EXPECT_EQ(call(g, 1, 1u << 27), "load_list_from_range#1");
  EXPECT_EQ(call(g, 1, 1000), "load_list_from_range#2");
  EXPECT_EQ(call(g, 0, 129), "load_list_from_range#3");
  for (const char* bad : {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80", "\xf0\x80\x80\x80"}) {
    put(w.bytes, 0, bad);
    EXPECT_EQ(call(f, 0, std::strlen(bad)), "load_string_from_range#4") << bad;
  }
  const std::string good = "\xf4\x8f\xbf\xbf\xed\x9f\xbf\xe2\x82\xac\xc2\x80z";
  put(w.bytes, 0, good);
  EXPECT_EQ(call(f, 0, good.size()), "");
  put(w.bytes, 0, "z");
  realloc_b = [](Args args) { return 257 - args[2]; };
  EXPECT_EQ(call(f, 0, 1), "store_string_copy#2");
  EXPECT_EQ(call(g, 0, 1), "store_list_into_range#1");
  realloc_b = [](Args) { return 256; };
  EXPECT_EQ(call(g, 0, 1), "store_list_into_range#2");
  realloc_b = [](Args) -> uint64_t { throw CoreException(); };
  EXPECT_EQ(call(g, 0, 1), "call_and_trap_on_throw#1");
}

TEST_F(Values, CasesShareFlatValues) {
  const Type t =
      Type::variant({{"none", {}}, {"small", Type::s8()}, {"large", Type::tuple({Type::u64(), Type::u8()})}});
  std::vector<uint64_t> seen;
  const Function& f = function({{t}, {}, false}, Lift::kSync, [&](Args args) {
    seen.insert(seen.end(), args.begin(), args.end());
    return 0;
  });
  const Import import = import_(f);
  EXPECT_EQ(
      run([&](Args) {
        for (std::array<uint64_t, 3> args :
             {std::array<uint64_t, 3>{0, 9, 9}, {1, 0xffff'ffff'0000'00ff, 9}, {2, ~uint64_t{0}, 0x1ff}, {3, 0, 0}})
          w.store.call(import, 2, args);
        return 0;
      }),
      "lift_flat_variant#1");
  EXPECT_EQ(seen, (std::vector<uint64_t>{0, 0, 0, 1, 0xffff'ffff, 0, 2, ~uint64_t{0}, 0xff}));
}

TEST_F(Values, ManyParametersAreSpilledOnBothSides) {
  std::vector<Type> types(17, Type::u8());
  types[1] = Type::u64();
  const Function& f = function({types, Type::tuple({Type::u8(), Type::u32()}), false}, Lift::kSync, [&](Args args) {
    EXPECT_EQ(args.size(), 1u);
    EXPECT_EQ(args[0], 128u);
    EXPECT_EQ(word(other_bytes, 128 + 8), 77u);
    EXPECT_EQ(other_bytes[128 + 30], 5u);
    other_bytes[0] = 1;
    other_bytes[4] = 2;
    return 0;
  });
  const Import import = import_(f);
  w.bytes[32 + 8] = 77;
  w.bytes[32 + 30] = 5;
  EXPECT_EQ(run([&](Args) {
              const uint64_t args[] = {32, 8};
              EXPECT_EQ(w.store.call(import, 2, args), 0u);
              const uint64_t misaligned[] = {36, 8};
              w.store.call(import, 3, misaligned);
              return 0;
            }),
            "lift_flat_values#1");
  EXPECT_EQ(reallocs, std::vector<std::string>{"b0,0,8,32"});
  EXPECT_EQ(w.bytes[8], 1u);
  EXPECT_EQ(w.bytes[12], 2u);
}

TEST_F(Values, MemoriesMayHaveLongAddresses) {
  other_memory.address_type = AddressType::kI64;
  const Function& f = function({{Type::list(Type::string())}, Type::string(), false}, Lift::kSync, [&](Args args) {
    EXPECT_EQ(args[0], 128u);
    EXPECT_EQ(word(other_bytes, 128), 160u);
    EXPECT_EQ(word(other_bytes, 136), 2u);
    EXPECT_EQ(word(other_bytes, 144), 162u);
    EXPECT_EQ(word(other_bytes, 152), 1u);
    other_bytes[24] = 1;
    other_bytes[16] = 162;
    return 16;
  });
  const Import import = import_(f);
  const uint32_t list[] = {40, 2, 42, 1};
  std::memcpy(&w.bytes[0], list, sizeof list);
  put(w.bytes, 40, "hey");
  EXPECT_EQ(run([&](Args) {
              const uint64_t args[] = {0, 2, 32};
              w.store.call(import, 2, args);
              return 0;
            }),
            "");
  EXPECT_EQ(w.bytes[word(w.bytes, 32)], 'y');
  EXPECT_EQ(reallocs, (std::vector<std::string>{"b0,0,8,32", "b0,0,1,2", "b0,0,1,1", "a0,0,1,1"}));
}

// All arguments are lifted when the callee starts, and the result is lowered when it returns, by a task of the caller.
TEST_F(Values, AsyncCallTakesItsStringsLate) {
  const Function& f = function(
      {{Type::string(), Type::boolean()}, Type::list(Type::u8()), true}, Lift::kCallback,
      [&](Args args) {
        EXPECT_EQ(args[1], 2u);
        EXPECT_EQ(args[2], 1u);
        EXPECT_EQ(other_bytes[128], 'q');
        return kCodeYield;
      },
      [&](Args) {
        const uint64_t result[] = {128, 2};
        w.store.task_return({Type::list(Type::u8()), &other_memory, Encoding::kUtf8}, result);
        return kCodeExit;
      });
  const Import import = import_(f, true);
  put(w.bytes, 10, "qr");
  EXPECT_EQ(run([&](Args) {
              const uint64_t args[] = {10, 2, 9, 32};
              EXPECT_EQ(w.store.call(import, 2, args), 1u | 1 << 4);
              return 0;
            }),
            "");
  EXPECT_EQ(w.run(), 1);
  EXPECT_EQ(word(w.bytes, 32), 64u);
  EXPECT_EQ(w.bytes[65], 'r');
  EXPECT_EQ(w.subtask(a, 1).state, SubtaskState::kReturned);
}

TEST_F(Values, TheHostGivesAndGetsTrees) {
  const Type t = Type::option(Type::tuple({Type::string(), Type::list(Type::s16())}));
  const FuncType type({t, Type::s8()}, t, true);
  const Function& f = function(type, Lift::kStackful, [&](Args args) {
    EXPECT_EQ(args.size(), 6u);
    EXPECT_EQ(args[5], 0xffff'ffffu);
    w.store.task_return({type.result, &other_memory, Encoding::kUtf8}, args.first(5));
    return 0;
  });
  const Value v = Value::of_case(1, Value::of({Value::text("ab"), Value::of({Value(uint64_t(-2)), Value(3)})}));
  HostInvocation& call = w.invoke(f, 5, {v, Value(uint64_t(-1))});
  EXPECT_EQ(call.result, v);
  EXPECT_EQ(w.invoke(f, 6, {Value::of_case(0), Value(uint64_t(-1))}).result, Value::of_case(0));
}

TEST_F(Values, HostFunctionTakesAndReturnsStrings) {
  HostFunction& host = w.host(false, [&](HostCall& call) {
    const std::span<const Value> args = call.start();
    call.resolve(Value::text(args[0].text() + "!"));
  });
  host.type = {{Type::string()}, Type::string(), false};
  const Import import = make_import(a, host, {false, &w.memory, core(realloc_a)});
  put(w.bytes, 0, "hi");
  EXPECT_EQ(run([&](Args) {
              const uint64_t args[] = {0, 2, 32};
              w.store.call(import, 2, args);
              return 0;
            }),
            "");
  EXPECT_EQ(word(w.bytes, 36), 3u);
  EXPECT_EQ(w.bytes[66], '!');
}

TEST_F(Values, TaskReturnComparesTypesBeforeItLifts) {
  const Function& f = function({{}, Type::string(), true}, Lift::kStackful, [&](Args) {
    const uint64_t nowhere[] = {1000, 1000};
    EXPECT_EQ(w.trap_of([&] {
      w.store.task_return({Type::u32(), &other_memory, Encoding::kUtf8}, nowhere);
    }),
              "canon_task_return#3");
    w.store.task_return({Type::string(), &other_memory, Encoding::kUtf8}, nowhere);
    return 0;
  });
  EXPECT_EQ(w.trap_of([&] { w.invoke(f, 1); }), "load_string_from_range#3");
}

// The callee's frame is promoted while it runs; its result is lowered in its name all the same.
TEST_F(Values, ResultOfAPromotedFrameIsLowered) {
  const Function& f = function({{Type::string()}, Type::string(), false}, Lift::kSync, [&](Args args) {
    EXPECT_EQ(w.store.thread_yield(false), 0u);
    const auto address = static_cast<uint32_t>(args[0]);
    const uint32_t result[] = {address + 1, 1};
    std::memcpy(&other_bytes[16], result, 8);
    return 16;
  });
  realloc_a = [&](Args) {
    EXPECT_FALSE(w.task(2).native);
    EXPECT_TRUE(w.task(1002).native);
    EXPECT_EQ(w.task(1002).parent_call_id, 2u);
    EXPECT_EQ(w.task(1002).thread.index, 2u);
    return 80;
  };
  const Import import = import_(f);
  put(w.bytes, 10, "pq");
  EXPECT_EQ(run([&](Args) {
              const uint64_t args[] = {10, 2, 32};
              w.store.call(import, 2, args);
              return 0;
            }),
            "");
  EXPECT_EQ(word(w.bytes, 32), 80u);
  EXPECT_EQ(w.bytes[80], 'q');
  EXPECT_EQ(w.promotions(PromotionReason::kYield), 1u);
}

TEST_F(Values, LongResultsAreReturnedInMemory) {
  const Type t = Type::tuple(std::vector<Type>(17, Type::u8()));
  const Function& f = function({{}, t, true}, Lift::kStackful, [&](Args) {
    other_bytes[8 + 16] = 3;
    const uint64_t address[] = {8};
    w.store.task_return({t, &other_memory, Encoding::kUtf8}, address);
    return 0;
  });
  EXPECT_EQ(w.invoke(f, 1).result.items()[16], Value(3));
}

TEST_F(Values, TrapInReallocLeavesTheInstanceUnableToLeave) {
  realloc_b = [&](Args) -> uint64_t { trap(TrapSite::kTableGet1); };
  const Function& f = function({{Type::string()}, {}, true}, Lift::kStackful, [](Args) { return 0; });
  EXPECT_EQ(w.trap_of([&] { w.invoke(f, 1, {Value::text("a")}); }), "Table.get#1");
  EXPECT_FALSE(w.view(b).may_leave);
  EXPECT_EQ(w.task(1).call_id, 0u);
  EXPECT_EQ(w.task(1001).call_id, 0u);
}

TEST_F(Values, FunctionsMayHaveNoParameters) {
  int ran = 0;
  const Function& start = w.define(b, words(0, false, false), Lift::kSync,
                                   [&](Args args) {
                                     EXPECT_TRUE(args.empty());
                                     ++ran;
                                     return 0;
                                   },
                                   {}, {});
  EXPECT_EQ(w.invoke(start, 1).resolved, 1);
  EXPECT_EQ(ran, 1);
}

}  // namespace
}  // namespace lockstep::optimized::testing
