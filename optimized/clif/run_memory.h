// The memory of one run: bytes with the stack slots that they derive from, and the promises that hold for them.
// Internal: include interpreter.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "optimized/clif/interpreter.h"

namespace lockstep::clif {

// Stack slots, one bit each, in the order of Function::slots.
using SlotSet = uint64_t;

// A value and the slots whose addresses its bits derive from.
struct Known {
  Bits bits;
  SlotSet from = 0;
};

class RunMemory {
 public:
  RunMemory(const Function& function, World& world, bool trust_regions);

  struct Access {
    uint64_t address = 0;
    uint32_t bytes = 0;
    SlotSet from = 0;  // of the address
    const MemFlags* flags = nullptr;
    bool writes = false;
  };
  // Whether all bytes can be accessed, after `epoch` replies.
  bool accessible(const Access& access, uint64_t epoch);
  // The promise that the access breaks, apart from notrap, in words; empty: none.
  std::string broken_promise(const Access& access);

  Known load(const Access& access) const;
  void store(const Access& access, const Known& value);
  // What others do. The promise that this breaks, or empty.
  std::string write_from_outside(const std::map<uint64_t, uint8_t>& writes);

  // The bytes that an observer sees who got hold of `handed` (and, if not `alive`, no slots at all). Slots whose
  // address it can find are not private from now on.
  std::map<uint64_t, uint8_t> observe(SlotSet handed, bool alive);

  uint64_t slot_address(uint32_t slot) const { return slots_[index_of_slot_.at(slot)].address; }
  SlotSet slot_bit(uint32_t slot) const { return SlotSet{1} << index_of_slot_.at(slot); }

 private:
  struct Slot {
    uint64_t address;
    uint32_t size;
  };
  struct Byte {
    uint8_t value = 0;
    SlotSet from = 0;
  };
  struct Promise {
    std::optional<uint32_t> region;
    bool readonly = false;
    bool written = false;
  };

  // The slot that an address lies in.
  std::optional<size_t> slot_at(uint64_t address) const;
  bool is_private(size_t slot) const { return (escaped_ >> slot & 1) == 0; }
  static std::string at(uint64_t address);

  const Function& f_;
  World& world_;
  const bool trust_regions_;
  std::vector<Slot> slots_;
  std::map<uint32_t, size_t> index_of_slot_;
  std::map<uint64_t, size_t> slot_by_address_;
  SlotSet escaped_ = 0;
  std::map<uint64_t, Byte> bytes_;        // what has been written
  std::map<uint64_t, Promise> promises_;  // what has been accessed
};

}  // namespace lockstep::clif
