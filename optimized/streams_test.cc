// Streams and futures: copies between guests, their events, transfer as values, and ends that the host holds.
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "optimized/testing.h"

namespace lockstep::optimized::testing {
namespace {

using Log = std::vector<std::string>;

constexpr uint32_t completed(uint32_t n) { return n << 4; }
constexpr uint32_t dropped(uint32_t n) { return n << 4 | 1; }
constexpr uint32_t cancelled(uint32_t n) { return n << 4 | 2; }
constexpr EndKind kRS = EndKind::kReadableStream;
constexpr EndKind kWS = EndKind::kWritableStream;
constexpr EndKind kRF = EndKind::kReadableFuture;
constexpr EndKind kWF = EndKind::kWritableFuture;

class Streams : public ::testing::Test {
 protected:
  World w;
  Instance& a = w.instance();
  Instance& b = w.instance();
  Log log;
  uint32_t next_call_ = 100;

  // Runs code as a synchronous call of the host; the site of its trap, or "".
  std::string in(Instance& i, std::function<void()> code, std::function<void()> post_return = nullptr) {
    Code post;
    if (post_return)
      post = [post_return](Args) {
        post_return();
        return 0;
      };
    const Function& f = w.sync_typed(
        i,
        [code](Args) {
          code();
          return 0;
        },
        post);
    const uint32_t id = ++next_call_;
    return w.trap_of([&] { w.invoke(f, id); });
  }

  CopyOptions options(const Type& element, bool async_ = true) { return {element, async_, &w.memory, {}}; }
  void make(const Type& element, bool future = false) {
    const uint64_t both = future ? w.store.future_new(element) : w.store.stream_new(element);
    r = static_cast<uint32_t>(both);
    wr = static_cast<uint32_t>(both >> 32);
  }
  uint32_t read(uint32_t address, uint32_t n, bool async_ = true) {
    return w.store.stream_read(options(u8, async_), r, address, n);
  }
  uint32_t write(uint32_t address, uint32_t n, bool async_ = true) {
    return w.store.stream_write(options(u8, async_), wr, address, n);
  }
  // The only event of a set with the end in it, as "code index payload".
  std::string poll(uint32_t end) {
    const uint32_t set = w.store.waitable_set_new();
    w.store.waitable_join(end, set);
    const uint32_t code = w.store.waitable_set_poll(false, w.memory, set, 248);
    w.store.waitable_join(end, 0);
    w.store.waitable_set_drop(set);
    uint32_t words[2];
    std::memcpy(words, &w.bytes[248], sizeof words);
    return std::to_string(code) + " " + std::to_string(words[0]) + " " + std::to_string(words[1]);
  }
  std::string event(EventCode code, uint32_t end, uint32_t payload) {
    return std::to_string(static_cast<uint32_t>(code)) + " " + std::to_string(end) + " " + std::to_string(payload);
  }
  EndView end(const Instance& i, uint32_t index) {
    EndView found = {};
    Inspector(w.store).for_each_end(i, [&](const EndView& e) { found = e.index == index ? e : found; });
    return found;
  }

  const Type u8 = Type::u8();
  uint32_t r = 0;
  uint32_t wr = 0;
};

TEST_F(Streams, PartialCopiesCountUntilTheEventIsDelivered) {
  std::iota(w.bytes.begin(), w.bytes.begin() + 16, uint8_t{1});
  EXPECT_EQ(in(a,
               [&] {
                 make(u8);
                 EXPECT_EQ(r, 1u);
                 EXPECT_EQ(wr, 2u);
                 EXPECT_EQ(write(0, 8), kBlocked);
                 EXPECT_EQ(end(a, wr).state, CopyState::kCopying);
                 EXPECT_EQ(end(a, wr).length, 8u);
                 EXPECT_EQ(end(a, r).pending_remain, 8u);
                 EXPECT_EQ(read(32, 2), completed(2));
                 EXPECT_TRUE(end(a, wr).pending_event);
                 EXPECT_EQ(read(40, 3), completed(3));
                 EXPECT_EQ(end(a, wr).progress, 5u);
                 EXPECT_EQ(end(a, r).pending_remain, 3u);
                 EXPECT_EQ(w.bytes[33], 2);
                 EXPECT_EQ(w.bytes[34], 0);
                 EXPECT_EQ(w.bytes[40], 3);
                 EXPECT_EQ(w.bytes[42], 5);
                 EXPECT_EQ(poll(wr), event(EventCode::kStreamWrite, wr, completed(5)));
                 EXPECT_EQ(end(a, wr).state, CopyState::kIdle);
                 EXPECT_FALSE(end(a, r).has_pending_buffer);
                 EXPECT_EQ(read(50, 4), kBlocked);
                 EXPECT_EQ(write(0, 6), completed(4));
                 EXPECT_EQ(poll(r), event(EventCode::kStreamRead, r, completed(4)));
                 EXPECT_EQ(w.bytes[53], 4);
                 EXPECT_EQ(w.promotions(), 0u);
               }),
            "");
}

TEST_F(Streams, AFullBufferIsReplacedByTheNextCopy) {
  in(a, [&] {
    make(u8);
    EXPECT_EQ(write(0, 2), kBlocked);
    EXPECT_EQ(read(32, 2), completed(2));
    EXPECT_EQ(read(32, 2), kBlocked);  // nothing is left: the writer has ended, and now the reader is pending
    EXPECT_EQ(end(a, r).pending_remain, 2u);
    EXPECT_EQ(poll(wr), event(EventCode::kStreamWrite, wr, completed(2)));
    EXPECT_TRUE(end(a, r).has_pending_buffer);
    EXPECT_EQ(write(0, 1), completed(1));
    EXPECT_EQ(write(0, 1), completed(1));
    EXPECT_EQ(write(0, 1), kBlocked);
    EXPECT_EQ(poll(r), event(EventCode::kStreamRead, r, completed(2)));
  });
}

TEST_F(Streams, ZeroLengthAsksWhetherTheOtherIsReady) {
  in(a, [&] {
    make(u8);
    EXPECT_EQ(read(999, 0), kBlocked);  // the address of nothing does not matter
    EXPECT_EQ(write(0, 0), completed(0));
    EXPECT_FALSE(end(a, r).pending_event);
    EXPECT_EQ(write(0, 3), kBlocked);  // ends the zero-length read
    EXPECT_EQ(poll(r), event(EventCode::kStreamRead, r, completed(0)));
    EXPECT_EQ(read(32, 0), completed(0));
    EXPECT_FALSE(end(a, wr).pending_event);
    EXPECT_EQ(w.store.cancel_copy(kWS, u8, false, wr), cancelled(0));
    EXPECT_EQ(write(0, 0), kBlocked);
    EXPECT_EQ(read(32, 0), kBlocked);  // not the mirror image: this ends the write
    EXPECT_EQ(poll(wr), event(EventCode::kStreamWrite, wr, completed(0)));
  });
}

TEST_F(Streams, DroppedEnds) {
  in(a, [&] {
    make(u8);
    EXPECT_EQ(write(0, 4), kBlocked);
    EXPECT_EQ(w.trap_of([&] { w.store.drop_copy_end(kWS, u8, 77); }), "Table.get#1");
    EXPECT_EQ(read(32, 1), completed(1));
    const uint32_t set = w.store.waitable_set_new();
    w.store.waitable_join(r, set);
    w.store.drop_copy_end(kRS, u8, r);
    w.store.waitable_set_drop(set);  // it has left the set
    EXPECT_TRUE(end(a, wr).dropped);
    EXPECT_EQ(poll(wr), event(EventCode::kStreamWrite, wr, dropped(1)));
    EXPECT_EQ(end(a, wr).state, CopyState::kDone);
    EXPECT_EQ(w.trap_of([&] { write(0, 1); }), "stream_copy#4");
    w.store.drop_copy_end(kWS, u8, wr);

    make(u8);
    w.store.drop_copy_end(kWS, u8, wr);
    EXPECT_EQ(read(32, 1), dropped(0));
    w.store.drop_copy_end(kRS, u8, r);
  });
  EXPECT_EQ(w.view(a).next_handle_index, 2u);
}

TEST_F(Streams, Cancelled) {
  in(a, [&] {
    make(u8);
    EXPECT_EQ(w.trap_of([&] { w.store.cancel_copy(kRS, u8, false, r); }), "cancel_copy#4");
    EXPECT_EQ(read(32, 4), kBlocked);
    EXPECT_EQ(w.store.cancel_copy(kRS, u8, false, r), cancelled(0));
    EXPECT_FALSE(end(a, r).has_pending_buffer);
    EXPECT_EQ(end(a, r).state, CopyState::kIdle);
    EXPECT_EQ(read(32, 4), kBlocked);
    EXPECT_EQ(write(0, 3), completed(3));
    EXPECT_EQ(w.store.cancel_copy(kRS, u8, true, r), completed(3));  // it had an event already
    EXPECT_FALSE(end(a, r).has_pending_buffer);
  });
}

TEST_F(Streams, SitesOfCopies) {
  EXPECT_EQ(in(
                a,
                [&] {
                  make(u8);
                  EXPECT_EQ(w.trap_of([&] { w.store.stream_read(options(u8), wr, 0, 1); }), "stream_copy#2");
                  EXPECT_EQ(w.trap_of([&] { w.store.future_read(options(u8), r, 0); }), "future_copy#2");
                  EXPECT_EQ(w.trap_of([&] { w.store.stream_read(options(Type::s8()), r, 0, 1); }), "stream_copy#3");
                  EXPECT_EQ(w.trap_of([&] { w.store.stream_read(options({}), r, 0, 1); }), "stream_copy#3");
                  EXPECT_EQ(w.trap_of([&] { read(0, 1u << 28); }), "BufferGuestImpl.__init__#1");
                  EXPECT_EQ(w.trap_of([&] { read(256, 1); }), "BufferGuestImpl.__init__#3");
                  EXPECT_EQ(w.trap_of([&] { w.store.cancel_copy(kWS, u8, false, r); }), "cancel_copy#2");
                  EXPECT_EQ(w.trap_of([&] { w.store.cancel_copy(kRS, {}, false, r); }), "cancel_copy#3");
                  const uint32_t set = w.store.waitable_set_new();
                  w.store.waitable_join(r, set);
                  EXPECT_EQ(w.trap_of([&] { read(0, 1, false); }), "stream_copy#5");
                  EXPECT_EQ(read(0, 1), kBlocked);
                  EXPECT_EQ(w.trap_of([&] { read(0, 1); }), "stream_copy#4");
                  EXPECT_EQ(w.trap_of([&] { w.store.cancel_copy(kRS, u8, false, r); }), "cancel_copy#5");
                  w.store.waitable_join(r, 0);
                  EXPECT_EQ(w.trap_of([&] { w.store.drop_copy_end(kRS, u8, r); }), "CopyEnd.drop#1");
                  EXPECT_EQ(w.trap_of([&] { w.store.drop_copy_end(kRS, u8, wr); }), "drop#2");
                  make(u8);
                  EXPECT_EQ(w.trap_of([&] { w.store.drop_copy_end(kRS, {}, r); }), "drop#3");

                  make(u8, true);
                  EXPECT_EQ(w.trap_of([&] { w.store.future_write(options(u8), r, 0); }), "future_copy#2");
                  EXPECT_EQ(w.trap_of([&] { w.store.future_write(options({}), wr, 0); }), "future_copy#3");
                  w.store.waitable_join(wr, set);
                  EXPECT_EQ(w.trap_of([&] { w.store.future_write(options(u8, false), wr, 0); }), "future_copy#5");
                  EXPECT_EQ(w.store.future_write(options(u8), wr, 0), kBlocked);
                  EXPECT_EQ(w.trap_of([&] { w.store.future_write(options(u8), wr, 0); }), "future_copy#4");
                  EXPECT_EQ(w.trap_of([&] { w.store.drop_copy_end(kWF, u8, wr); }), "WritableFutureEnd.drop#1");
                  make(Type::u32());
                  EXPECT_EQ(w.trap_of([&] { w.store.stream_read(options(Type::u32()), r, 2, 1); }),
                            "BufferGuestImpl.__init__#2");
                  EXPECT_EQ(w.trap_of([&] { w.store.stream_read(options(Type::u32()), r, 252, 2); }),
                            "BufferGuestImpl.__init__#3");
                },
                [&] {
                  EXPECT_EQ(w.trap_of([&] { w.store.stream_new(u8); }), "canon_stream_new#1");
                  EXPECT_EQ(w.trap_of([&] { w.store.future_new(u8); }), "canon_future_new#1");
                  EXPECT_EQ(w.trap_of([&] { read(0, 1); }), "stream_copy#1");
                  EXPECT_EQ(w.trap_of([&] { w.store.future_read(options(u8), r, 0); }), "future_copy#1");
                  EXPECT_EQ(w.trap_of([&] { w.store.cancel_copy(kRF, u8, false, r); }), "cancel_copy#1");
                  EXPECT_EQ(w.trap_of([&] { w.store.drop_copy_end(kRF, u8, r); }), "drop#1");
                }),
            "");
}

TEST_F(Streams, WithinOneInstanceOnlyNumbers) {
  for (const Type& t : {Type::boolean(), Type::string(), Type::tuple({u8})}) {
    for (const bool future : {false, true}) {
      for (const bool read_last : {false, true}) {
        a.may_enter = true;
        in(a, [&] {
          make(t, future);
          const auto reads = [&] {
            return future ? w.store.future_read(options(t), r, 0) : w.store.stream_read(options(t), r, 0, 1);
          };
          const auto writes = [&] {
            return future ? w.store.future_write(options(t), wr, 0) : w.store.stream_write(options(t), wr, 0, 1);
          };
          EXPECT_EQ(read_last ? writes() : reads(), kBlocked);
          EXPECT_EQ(
              w.trap_of([&] { read_last ? reads() : writes(); }),
              std::string(future ? "SharedFutureImpl." : "SharedStreamImpl.") + (read_last ? "read" : "write") + "#1");
        });
      }
    }
  }
}

TEST_F(Streams, WithoutElementsOnlyCounts) {
  in(a, [&] {
    make({});
    const CopyOptions o = {{}, true, nullptr, {}};
    EXPECT_EQ(w.store.stream_write(o, wr, 12345, kMaxBufferLength), kBlocked);
    EXPECT_EQ(w.store.stream_read(o, r, 999, 1000), completed(1000));
    EXPECT_EQ(w.store.cancel_copy(kWS, {}, false, wr), completed(1000));
    EXPECT_EQ(w.trap_of([&] { w.store.stream_write(o, wr, 0, kMaxBufferLength + 1); }), "BufferGuestImpl.__init__#1");
  });
}

TEST_F(Streams, OverlappingBuffers) {
  std::iota(w.bytes.begin(), w.bytes.begin() + 8, uint8_t{1});
  in(a, [&] {
    make(Type::u16());
    EXPECT_EQ(w.store.stream_write(options(Type::u16()), wr, 0, 4), kBlocked);
    EXPECT_EQ(w.store.stream_read(options(Type::u16()), r, 2, 3), completed(3));
  });
  EXPECT_EQ(std::vector<uint8_t>(w.bytes.begin(), w.bytes.begin() + 8), (std::vector<uint8_t>{1, 2, 1, 2, 3, 4, 5, 6}));
}

TEST_F(Streams, Futures) {
  in(a, [&] {
    w.bytes[0] = 77;
    make(u8, true);
    EXPECT_EQ(w.store.future_read(options(u8), r, 32), kBlocked);
    EXPECT_EQ(w.store.cancel_copy(kRF, u8, false, r), 2u);
    EXPECT_EQ(end(a, r).state, CopyState::kIdle);
    EXPECT_EQ(w.store.future_write(options(u8), wr, 0), kBlocked);
    EXPECT_EQ(w.store.future_read(options(u8), r, 32), 0u);
    EXPECT_EQ(w.bytes[32], 77);
    EXPECT_EQ(end(a, r).state, CopyState::kDone);
    EXPECT_EQ(poll(wr), event(EventCode::kFutureWrite, wr, 0));
    EXPECT_EQ(end(a, wr).state, CopyState::kDone);
    w.store.drop_copy_end(kRF, u8, r);
    w.store.drop_copy_end(kWF, u8, wr);

    make({}, true);
    const CopyOptions o = {{}, true, nullptr, {}};
    w.store.drop_copy_end(kRF, {}, r);
    EXPECT_EQ(w.store.future_write(o, wr, 0), 1u);
    w.store.drop_copy_end(kWF, {}, wr);
  });
  EXPECT_EQ(w.view(a).next_handle_index, 1u);
}

// A copy that waits promotes its chain; the other side wakes it.
TEST_F(Streams, SynchronousReadWaits) {
  const Function& reader = w.sync_typed(a, [&](Args) {
    const uint32_t result = read(32, 4, false);
    EXPECT_EQ(end(a, r).state, CopyState::kIdle);
    return result;
  });
  const Function& writer = w.stackful(a, [&](Args) {
    make(u8);
    w.store.thread_yield(false);
    EXPECT_TRUE(end(a, r).sync_waiter);
    EXPECT_EQ(w.trap_of([&] { w.store.waitable_join(r, 0); }), "canon_waitable_join#3");
    EXPECT_EQ(w.trap_of([&] { w.store.cancel_copy(kRS, u8, true, r); }), "cancel_copy#4");
    EXPECT_EQ(write(0, 1), completed(1));
    EXPECT_EQ(write(0, 2), completed(2));
    w.return_(0);
    return 0;
  });
  w.invoke(writer, 1);
  w.choices.asked.clear();
  EXPECT_EQ(w.invoke(reader, 2).value, completed(3));
  EXPECT_EQ(w.choices.asked, (Log{"sync-loop 2: 1", "sync-loop 2: 2"}));
  EXPECT_EQ(w.promotions(PromotionReason::kCopyWait), 1u);
  EXPECT_EQ(w.promotions(), 1u);
}

TEST_F(Streams, EventsWakeThoseWhoWaitOnASet) {
  const Function& waiter = w.stackful(a, [&](Args) {
    make(u8);
    const uint32_t set = w.store.waitable_set_new();
    w.store.waitable_join(r, set);
    EXPECT_EQ(read(32, 4), kBlocked);
    EXPECT_EQ(w.store.waitable_set_wait(false, w.memory, set, 248), static_cast<uint32_t>(EventCode::kStreamRead));
    w.return_(w.bytes[252]);
    return 0;
  });
  HostInvocation& call = w.invoke(waiter, 1);
  EXPECT_EQ(w.run(), 0);
  EXPECT_EQ(in(a, [&] { EXPECT_EQ(write(0, 2), completed(2)); }), "");
  EXPECT_TRUE(w.task(1).thread.ready);
  EXPECT_EQ(w.run(), 1);
  EXPECT_EQ(call.value, completed(2));
}

// ---- ends as values

class Transfer : public Streams {
 protected:
  // A function of b that gets an end.
  const Import& receiver(const Type& t, std::function<void(uint32_t)> code) {
    const FuncType type({Type::u32(), t}, Type::u32(), false);
    const Function& f = w.define(
        b, type, Lift::kSync,
        [code](Args args) {
          code(static_cast<uint32_t>(args[1]));
          return 0;
        },
        nullptr, nullptr);
    return w.import_(a, f);
  }
  void send(const Import& import, uint32_t handle) {
    const uint64_t args[] = {++next_call_, handle};
    w.store.call(import, next_call_, args);
  }
};

TEST_F(Transfer, TheReadableEndMoves) {
  w.bytes[0] = 5;
  const Import& import = receiver(Type::stream(u8), [&](uint32_t handle) {
    EXPECT_EQ(handle, 1u);
    EXPECT_EQ(w.store.stream_read(options(u8), handle, 32, 2), completed(1));
  });
  in(a, [&] {
    w.store.waitable_set_drop(w.store.waitable_set_new());
    make(u8);
    EXPECT_EQ(write(0, 1), kBlocked);
    send(import, r);
    EXPECT_EQ(w.trap_of([&] { read(0, 1); }), "Table.get#2");
    EXPECT_EQ(poll(wr), event(EventCode::kStreamWrite, wr, completed(1)));
  });
  EXPECT_EQ(w.bytes[32], 5);
  EXPECT_EQ(end(b, 1).kind, kRS);
}

TEST_F(Transfer, SitesOfLifting) {
  const Import& streams = receiver(Type::stream(u8), [](uint32_t) {});
  const Import& futures = receiver(Type::future(), [](uint32_t) {});
  in(a, [&] {
    make(u8);
    EXPECT_EQ(w.trap_of([&] { send(streams, wr); }), "lift_async_value#1");
    b.may_enter = true;
    EXPECT_EQ(w.trap_of([&] { send(futures, r); }), "lift_async_value#1");
    b.may_enter = true;
    make({});
    EXPECT_EQ(w.trap_of([&] { send(streams, r); }), "lift_async_value#2");
    b.may_enter = true;
    make(u8);
    EXPECT_EQ(read(0, 1), kBlocked);
    EXPECT_EQ(w.trap_of([&] { send(streams, r); }), "lift_async_value#3");
    b.may_enter = true;
    make(u8);
    w.store.waitable_join(r, w.store.waitable_set_new());
    EXPECT_EQ(w.trap_of([&] { send(streams, r); }), "lift_async_value#4");
  });
}

TEST_F(Transfer, ElementsThatAreNotNumbersGoThroughValues) {
  uint64_t next = 200;
  std::function<uint64_t(Args)> allocate = [&](Args args) {
    log.push_back("realloc " + std::to_string(args[3]));
    return std::exchange(next, next + args[3]);
  };
  const CopyOptions reading = {
      Type::string(),
      true,
      &w.memory,
      {[](void* data, Args args) { return (*static_cast<decltype(allocate)*>(data))(args); }, &allocate}};
  const Import& import = receiver(Type::stream(Type::string()), [&](uint32_t handle) {
    EXPECT_EQ(w.store.stream_read(reading, handle, 64, 5), completed(2));
  });
  in(a, [&] {
    std::memcpy(&w.bytes[100], "hello", 5);
    const uint32_t two[] = {100, 2, 102, 3};
    std::memcpy(w.bytes.data(), two, sizeof two);
    make(Type::string());
    EXPECT_EQ(w.store.stream_write(options(Type::string()), wr, 0, 2), kBlocked);
    send(import, r);
  });
  EXPECT_EQ(log, (Log{"realloc 2", "realloc 3"}));
  uint32_t out[4];
  std::memcpy(out, &w.bytes[64], sizeof out);
  EXPECT_EQ(std::vector<uint32_t>(out, out + 4), (std::vector<uint32_t>{200, 2, 202, 3}));
  EXPECT_EQ(std::string(w.bytes.begin() + 200, w.bytes.begin() + 205), "hello");
}

TEST_F(Transfer, EndsInStreams) {
  const Type inner = Type::future(u8);
  const Import& import = receiver(Type::stream(inner), [&](uint32_t handle) {
    EXPECT_EQ(w.store.stream_read(options(inner), handle, 64, 1), completed(1));
    uint32_t future;
    std::memcpy(&future, &w.bytes[64], 4);
    EXPECT_EQ(end(b, future).kind, kRF);
    EXPECT_EQ(w.store.future_read(options(u8), future, 70), 0u);
  });
  in(a, [&] {
    make(u8, true);
    w.bytes[8] = 99;
    EXPECT_EQ(w.store.future_write(options(u8), wr, 8), kBlocked);
    std::memcpy(w.bytes.data(), &r, 4);
    make(inner);
    EXPECT_EQ(w.store.stream_write(options(inner), wr, 0, 1), kBlocked);
    send(import, r);
  });
  EXPECT_EQ(w.bytes[70], 99);
}

// ---- the host

class HostHeld : public Streams {
 protected:
  HostCopy noting() {
    return {[](void* data, CopyEnd&, CopyResult result, uint32_t progress, std::span<Value> read) {
              std::string line = std::to_string(static_cast<uint32_t>(result)) + ":" + std::to_string(progress);
              for (const Value& v : read) line += " " + std::to_string(v.number());
              static_cast<Log*>(data)->push_back(line);
            },
            &log};
  }
  // Has a guest lower a value into a table; the handle.
  uint32_t give(CopyEnd& e, const Type& t) {
    uint32_t handle = 0;
    const Function& f = w.define(
        a, FuncType({t}, {}, false), Lift::kSync,
        [&](Args args) {
          handle = static_cast<uint32_t>(args[0]);
          return 0;
        },
        nullptr, nullptr);
    w.invoke(f, ++next_call_, {w.store.host_give(e)});
    return handle;
  }
};

TEST_F(HostHeld, WritesToAGuest) {
  auto [readable, writable] = w.store.host_new(false, u8);
  r = give(readable, Type::stream(u8));
  EXPECT_EQ(end(a, r).kind, kRS);
  w.store.host_write(writable, {10, 11, 12}, noting());
  EXPECT_EQ(end(a, r).pending_remain, 3u);
  EXPECT_TRUE(log.empty());
  in(a, [&] { EXPECT_EQ(read(32, 2), completed(2)); });
  EXPECT_EQ(log, (Log{"0:2"}));  // the host takes its buffer back at once
  EXPECT_FALSE(end(a, r).has_pending_buffer);
  EXPECT_EQ(w.bytes[33], 11);
  in(a, [&] { EXPECT_EQ(read(40, 4), kBlocked); });
  w.store.host_write(writable, {20, 21}, noting());
  EXPECT_EQ(log, (Log{"0:2", "0:2"}));
  w.store.host_drop(writable);
  in(a, [&] { EXPECT_EQ(poll(r), event(EventCode::kStreamRead, r, dropped(2))); });
  EXPECT_EQ(w.bytes[41], 21);
}

TEST_F(HostHeld, ReadsFromAGuest) {
  const Type t = Type::stream(Type::s16());
  const Function& f = w.define(
      a, FuncType({}, t, false), Lift::kSync,
      [&](Args) {
        make(Type::s16());
        return r;
      },
      nullptr, nullptr);
  CopyEnd& held = w.store.host_receive(w.invoke(f, 1).result);
  w.store.host_read(held, 2, noting());
  w.store.host_cancel_copy(held);
  EXPECT_EQ(log, (Log{"2:0"}));
  w.store.host_read(held, 2, noting());
  const int16_t values[] = {-1, 7, 8};
  std::memcpy(w.bytes.data(), values, sizeof values);
  in(a, [&] {
    EXPECT_EQ(w.store.stream_write(options(Type::s16()), wr, 0, 3), completed(2));
    EXPECT_EQ(w.store.stream_write(options(Type::s16()), wr, 4, 1), kBlocked);
  });
  EXPECT_EQ(log, (Log{"2:0", "0:2 18446744073709551615 7"}));
  w.store.host_read(held, 5, noting());
  EXPECT_EQ(log.back(), "0:1 8");
  w.store.host_drop(held);
  in(a, [&] { EXPECT_EQ(poll(wr), event(EventCode::kStreamWrite, wr, dropped(1))); });
}

TEST_F(HostHeld, Futures) {
  auto [readable, writable] = w.store.host_new(true, u8);
  r = give(readable, Type::future(u8));
  w.store.host_write(writable, {42}, noting());
  EXPECT_TRUE(log.empty());
  in(a, [&] { EXPECT_EQ(w.store.future_read(options(u8), r, 32), 0u); });
  EXPECT_EQ(log, (Log{"0:1"}));
  EXPECT_EQ(w.bytes[32], 42);
  w.store.host_drop(writable);
}

// inst is none for both ends.
TEST_F(HostHeld, BothEndsAreInTheSameInstance) {
  auto [readable, writable] = w.store.host_new(false, Type::string());
  w.store.host_read(readable, 1, noting());
  EXPECT_EQ(w.trap_of([&] { w.store.host_write(writable, {Value::text("x")}, noting()); }), "SharedStreamImpl.write#1");
  auto [r8, w8] = w.store.host_new(false, u8);
  w.store.host_read(r8, 1, noting());
  w.store.host_write(w8, {3, 4}, noting());
  EXPECT_EQ(log, (Log{"0:1 3", "0:1"}));
}

TEST_F(HostHeld, DropsAreSeenAtOnce) {
  auto [readable, writable] = w.store.host_new(false, {});
  w.store.host_read(readable, 3, noting());
  w.store.host_write(writable, std::vector<Value>(2), noting());
  EXPECT_EQ(log, (Log{"0:2", "0:2"}));
  w.store.host_read(readable, 3, noting());
  w.store.host_drop(writable);
  EXPECT_EQ(log.back(), "1:0");
  w.store.host_drop(readable);
}

}  // namespace
}  // namespace lockstep::optimized::testing
