// Values in memory and as core values: layout, round trips, and what cannot be lifted or lowered.
#include <gtest/gtest.h>

#include <algorithm>

#include "model/alignment.h"
#include "model/elem_size.h"
#include "model/flat_lowering.h"
#include "model/flat_values.h"
#include "model/flattening.h"
#include "model/loading.h"
#include "model/storing.h"
#include "model/testing.h"

namespace lockstep::model {
namespace {

Value text(std::string s) {
  Value v;
  v.string = std::move(s);
  return v;
}

Value tree(Values children) {
  Value v;
  v.children = std::move(children);
  return v;
}

Value a_case(uint32_t index, Values payload = {}) {
  Value v = tree(std::move(payload));
  v.case_index = index;
  return v;
}

ValType wide_variant(size_t n) {
  std::vector<CaseType> cases;
  for (size_t i = 0; i < n; ++i) cases.push_back({std::to_string(i), {}});
  return VariantType(cases);
}

struct Example {
  const char* name;
  ValType t;
  Value v;
  uint64_t alignment;  // with 32-bit addresses
  uint64_t elem_size;
  std::string flat;  // a digit for each core value
};

std::vector<Example> examples() {
  const ValType mixed = RecordType({{"a", U8Type()}, {"b", U64Type()}, {"c", U16Type()}});
  return {
      {"bool", BoolType(), number(1), 1, 1, "3"},
      {"u8", U8Type(), number(200), 1, 1, "3"},
      {"s8", S8Type(), number(static_cast<uint64_t>(-3)), 1, 1, "3"},
      {"u16", U16Type(), number(0xfffe), 2, 2, "3"},
      {"s16", S16Type(), number(static_cast<uint64_t>(-30000)), 2, 2, "3"},
      {"u32", U32Type(), number(0xffff'fffe), 4, 4, "3"},
      {"s32", S32Type(), number(static_cast<uint64_t>(-1)), 4, 4, "3"},
      {"u64", U64Type(), number(0xffff'ffff'ffff'fffe), 8, 8, "6"},
      {"s64", S64Type(), number(static_cast<uint64_t>(-5)), 8, 8, "6"},
      {"string", StringType(), text("h\xc3\xa9 \xf0\x9f\x99\x82"), 4, 8, "33"},
      {"empty string", StringType(), text(""), 4, 8, "33"},
      {"list<u16>", ListType(U16Type()), tree({number(1), number(2), number(3)}), 4, 8, "33"},
      {"list<string>", ListType(StringType()), tree({text("a"), text("bc")}), 4, 8, "33"},
      {"empty list", ListType(U64Type()), tree({}), 4, 8, "33"},
      {"record", mixed, tree({number(1), number(2), number(3)}), 8, 24, "363"},
      {"tuple", TupleType({U8Type(), S32Type()}), tree({number(7), number(static_cast<uint64_t>(-7))}), 4, 8, "33"},
      {"none", OptionType(U64Type()), a_case(0), 8, 16, "36"},
      {"some", OptionType(U64Type()), a_case(1, {number(9)}), 8, 16, "36"},
      {"option<u8>", OptionType(U8Type()), a_case(1, {number(9)}), 1, 2, "33"},
      {"ok", ResultType({}, StringType()), a_case(0), 4, 12, "333"},
      {"error", ResultType({}, StringType()), a_case(1, {text("no")}), 4, 12, "333"},
      {"joined", VariantType({{"a", U32Type()}, {"b", mixed}}), a_case(0, {number(0xffff'ffff)}), 8, 32, "3363"},
      {"joined with i64", VariantType({{"a", U32Type()}, {"b", U64Type()}}), a_case(0, {number(77)}), 8, 16, "36"},
      {"nested", OptionType(OptionType(U8Type())), a_case(1, {a_case(1, {number(1)})}), 1, 3, "333"},
      {"256 cases", wide_variant(256), a_case(255), 1, 1, "3"},
      {"257 cases", wide_variant(257), a_case(256), 2, 2, "3"},
  };
}

std::string digits(const std::vector<CoreType>& ts) {
  std::string s;
  for (const CoreType t : ts) s += t == CoreType::i32 ? '3' : '6';
  return s;
}

TEST(Values, HaveTheLayoutOfTheSpecification) {
  World w;
  for (const Example& e : examples()) {
    EXPECT_EQ(alignment(e.t, CoreType::i32), e.alignment) << e.name;
    EXPECT_EQ(elem_size(e.t, CoreType::i32), e.elem_size) << e.name;
    EXPECT_EQ(digits(flatten_type(e.t, w.opts)), e.flat) << e.name;
  }
  EXPECT_EQ(alignment(StringType(), CoreType::i64), 8u);
  EXPECT_EQ(elem_size(ListType(U8Type()), CoreType::i64), 16u);
  EXPECT_EQ(elem_size(wide_variant(65537), CoreType::i32), 4u);
}

TEST(Values, ComeBackFromMemoryAndFromCoreValues) {
  for (const CoreType addrtype : {CoreType::i32, CoreType::i64}) {
    World w(addrtype);
    const LiftLowerContext cx(w.opts, w.inst);
    for (const Example& e : examples()) {
      store(cx, e.v, e.t, 64);
      EXPECT_EQ(load(cx, 64, e.t), e.v) << e.name;
      const CoreValues flat = lower_flat(cx, e.v, e.t);
      EXPECT_TRUE(types_match_values(flatten_type(e.t, w.opts), flat)) << e.name;
      CoreValueIter vi(flat);
      EXPECT_EQ(lift_flat(cx, vi, e.t), e.v) << e.name;
      EXPECT_TRUE(vi.done()) << e.name;
    }
  }
}

TEST(Values, ThatAreTooManyGoThroughMemory) {
  World w;
  const LiftLowerContext cx(w.opts, w.inst);
  const std::vector<ValType> ts{U8Type(), U64Type(), StringType()};
  const Values vs{number(1), number(2), text("three")};
  const CoreValues flat = lower_flat_values(cx, 3, vs, ts);
  ASSERT_EQ(flat, CoreValues{1024}) << "the area comes from realloc, before its contents";
  EXPECT_EQ(w.bytes[1024 + 8], 2);
  CoreValueIter vi(flat);
  EXPECT_EQ(lift_flat_values(cx, 3, vi, ts), vs);

  CoreValueIter out_param(CoreValues{512});
  EXPECT_EQ(lower_flat_values(cx, 1, vs, ts, &out_param), CoreValues{});
  EXPECT_EQ(w.bytes[512 + 8], 2);
  EXPECT_EQ(lower_flat_values(cx, 4, vs, ts).size(), 4u);
}

TEST(Values, FunctionTypesFlattenAsLiftedAndAsLowered) {
  World w;
  const auto flat = [&](size_t params, size_t results, bool async_, FlattenContext context) {
    w.opts.async_ = async_;
    FuncType ft{std::vector<ValType>(params, U64Type()), {}, async_};
    if (results > 0) ft.result = {TupleType(std::vector<ValType>(results, U64Type()))};
    const CoreFuncType core = flatten_functype(w.opts, ft, context);
    return digits(core.params) + ">" + digits(core.results);
  };
  EXPECT_EQ(flat(2, 1, false, FlattenContext::lift), "66>6");
  EXPECT_EQ(flat(17, 2, false, FlattenContext::lift), "3>3");
  EXPECT_EQ(flat(17, 2, false, FlattenContext::lower), "33>");
  EXPECT_EQ(flat(4, 0, true, FlattenContext::lower), "6666>3");
  EXPECT_EQ(flat(5, 1, true, FlattenContext::lower), "33>3");
  EXPECT_EQ(flat(5, 1, true, FlattenContext::lift), "66666>");
  w.opts.callback = [](const CoreValues&) { return CoreValues{0}; };
  EXPECT_EQ(flat(17, 1, true, FlattenContext::lift), "3>3");
}

TEST(Values, ThatAGuestGetsWrongAreTraps) {
  World w;
  const LiftLowerContext cx(w.opts, w.inst);
  const auto lift = [&](const ValType& t, CoreValues flat) {
    return site_of([&] {
      CoreValueIter vi(std::move(flat));
      lift_flat(cx, vi, t);
    });
  };
  EXPECT_EQ(lift(StringType(), {0, 1 << 28}), "load_string_from_range#1");
  EXPECT_EQ(lift(StringType(), {4090, 7}), "load_string_from_range#3");
  EXPECT_EQ(lift(StringType(), {4090, 6}), "");
  const std::vector<std::string> bad{
      "\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
      "\xc3"};
  for (const std::string& s : bad) {
    std::copy(s.begin(), s.end(), w.bytes.begin() + 100);
    EXPECT_EQ(lift(StringType(), {100, s.size()}), "load_string_from_range#4") << s.size();
  }
  EXPECT_EQ(lift(ListType(U32Type()), {0, 1 << 26}), "load_list_from_range#1");
  EXPECT_EQ(lift(ListType(U32Type()), {2, 1}), "load_list_from_range#2");
  EXPECT_EQ(lift(ListType(U32Type()), {4092, 2}), "load_list_from_range#3");
  EXPECT_EQ(lift(ListType(U32Type()), {4092, 1}), "");
  EXPECT_EQ(lift(OptionType(U32Type()), {2, 0}), "lift_flat_variant#1");
  EXPECT_EQ(lift(ListType(OptionType(U8Type())), {100, 1}), "load_variant#1");
  EXPECT_EQ(lift(OwnType(nullptr), {1}), "Table.get#1");
  EXPECT_EQ(lift(U32Type(), {uint64_t{1} << 32}), "assert:CoreValueIter.next#1");
  EXPECT_EQ(site_of([&] { store(cx, number(1), U32Type(), 2); }), "assert:store#1");
  EXPECT_EQ(site_of([&] { store(cx, number(1), U32Type(), 4096); }), "assert:store#2");
}

TEST(Values, ARangeAtTheEndOf64BitsDoesNotWrap) {
  World w(CoreType::i64);
  const LiftLowerContext cx(w.opts, w.inst);
  CoreValueIter vi(CoreValues{~uint64_t{0}, 2});
  EXPECT_EQ(site_of([&] { lift_flat(cx, vi, StringType()); }), "load_string_from_range#3");
  CoreValueIter list(CoreValues{~uint64_t{7}, uint64_t{1} << 61});
  EXPECT_EQ(site_of([&] { lift_flat(cx, list, ListType(U64Type())); }), "load_list_from_range#1");
  CoreValueIter unaligned(CoreValues{~uint64_t{0}, 0});
  EXPECT_EQ(site_of([&] { lift_flat(cx, unaligned, ListType(U16Type())); }), "load_list_from_range#2");
}

TEST(Realloc, RunsAsATaskOfItsOwnThatIsNoNodeOfTheTree) {
  World w;
  std::vector<TaskOrigin> named;
  w.store.name_task = [&](ComponentInstance* inst, TaskOrigin origin) {
    EXPECT_EQ(inst, w.inst);
    named.push_back(origin);
    return 42u;
  };
  const CoreFunc realloc = w.opts.realloc;
  w.opts.realloc = [&](const CoreValues& args) {
    EXPECT_EQ(args, (CoreValues{0, 0, 1, 3}));
    EXPECT_FALSE(w.inst->may_leave);
    EXPECT_EQ(current_task()->call_id, 42u);
    EXPECT_EQ(w.store.tree.tasks.size(), 2u);
    EXPECT_FALSE(TaskTree::is_node(*current_task()));
    EXPECT_EQ(TaskTree::call_stack().size(), 1u);
    return realloc(args);
  };
  const LiftLowerContext cx(w.opts, w.inst);
  w.run([&] { EXPECT_EQ(lower_flat(cx, text("abc"), StringType()), (CoreValues{1024, 3})); });
  EXPECT_EQ(named, std::vector{TaskOrigin::realloc});
  EXPECT_TRUE(w.inst->may_leave);
  EXPECT_TRUE(w.store.tree.tasks.empty());
}

TEST(Realloc, MustGiveAlignedSpaceInsideTheMemory) {
  World w;
  const LiftLowerContext cx(w.opts, w.inst);
  uint64_t ptr = 0;
  w.opts.realloc = [&](const CoreValues&) { return CoreValues{ptr}; };
  const auto lower = [&](const Value& v, const ValType& t, uint64_t p) {
    ptr = p;
    return site_of([&] { lower_flat(cx, v, t); });
  };
  EXPECT_EQ(lower(text("abc"), StringType(), 4093), "");
  EXPECT_EQ(lower(text("abc"), StringType(), 4094), "store_string_copy#2");
  EXPECT_EQ(lower(tree({number(1)}), ListType(U32Type()), 2), "store_list_into_range#1");
  EXPECT_EQ(lower(tree({number(1)}), ListType(U32Type()), 4096), "store_list_into_range#2");
  w.opts.realloc = [&](const CoreValues&) -> CoreValues { throw CoreWebAssemblyException{}; };
  EXPECT_EQ(lower(text("abc"), StringType(), 0), "call_and_trap_on_throw#1");
}

}  // namespace
}  // namespace lockstep::model
