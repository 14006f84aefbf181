// Bytes, slots and promises of one run: see run_memory.h.
#include "optimized/clif/run_memory.h"

namespace lockstep::clif {

RunMemory::RunMemory(const Function& function, World& world, bool trust_regions)
    : f_(function), world_(world), trust_regions_(trust_regions) {
  if (function.slots.size() > 64) throw Unsupported("more than 64 stack slots");
  for (const auto& [number, slot] : function.slots) {
    index_of_slot_.emplace(number, slots_.size());
    slots_.push_back({world.slot_address(number), slot.size});
    if (slot.size > 0) slot_by_address_.emplace(slots_.back().address, slots_.size() - 1);
  }
}

std::string RunMemory::at(uint64_t address) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string digits;
  for (; address != 0 || digits.empty(); address >>= 4) digits.insert(digits.begin(), kDigits[address & 15]);
  return "byte 0x" + digits;
}

std::optional<size_t> RunMemory::slot_at(uint64_t address) const {
  auto after = slot_by_address_.upper_bound(address);
  // A slot may wrap around the end of the address space.
  if (after == slot_by_address_.begin()) after = slot_by_address_.end();
  if (after == slot_by_address_.begin()) return std::nullopt;
  const size_t slot = std::prev(after)->second;
  if (address - slots_[slot].address >= slots_[slot].size) return std::nullopt;
  return slot;
}

bool RunMemory::accessible(const Access& access, uint64_t epoch) {
  for (uint32_t i = 0; i < access.bytes; ++i) {
    if (!slot_at(access.address + i) && !world_.accessible(epoch, access.address + i)) return false;
  }
  return true;
}

std::string RunMemory::broken_promise(const Access& access) {
  if (access.flags->aligned && access.bytes != 0 && access.address % access.bytes != 0) {
    return "aligned, but at " + at(access.address);
  }
  for (uint32_t i = 0; i < access.bytes; ++i) {
    const uint64_t address = access.address + i;
    const auto slot = slot_at(address);
    if (slot && is_private(*slot) && (access.from >> *slot & 1) == 0) {
      return "through an address that does not derive from the stack slot that it hits, " + at(address);
    }
    Promise& promise = promises_[address];
    const auto& region = access.flags->region;
    if (trust_regions_ && region) {
      if (promise.region && *promise.region != *region) {
        return at(address) + " in " + f_.region_name(*region) + ", before in " + f_.region_name(*promise.region);
      }
      promise.region = region;
    }
    if (access.writes) promise.written = true;
    if (access.flags->readonly) promise.readonly = true;
    if (promise.written && promise.readonly) return at(address) + " is readonly and written";
  }
  return "";
}

Known RunMemory::load(const Access& access) const {
  Known value;
  for (uint32_t i = 0; i < access.bytes; ++i) {
    const uint64_t address = access.address + i;
    const auto written = bytes_.find(address);
    const uint8_t byte = written == bytes_.end() ? world_.byte(address) : written->second.value;
    if (written != bytes_.end()) value.from |= written->second.from;
    const uint32_t place = access.flags->big() ? access.bytes - 1 - i : i;
    (place < 8 ? value.bits.lo : value.bits.hi) |= uint64_t{byte} << (place % 8 * 8);
  }
  return value;
}

void RunMemory::store(const Access& access, const Known& value) {
  for (uint32_t i = 0; i < access.bytes; ++i) {
    const uint32_t place = access.flags->big() ? access.bytes - 1 - i : i;
    const uint64_t half = place < 8 ? value.bits.lo : value.bits.hi;
    bytes_[access.address + i] = {static_cast<uint8_t>(half >> (place % 8 * 8)), value.from};
  }
}

std::string RunMemory::write_from_outside(const std::map<uint64_t, uint8_t>& writes) {
  for (const auto& [address, value] : writes) {
    const auto slot = slot_at(address);
    if (slot && is_private(*slot)) continue;
    Promise& promise = promises_[address];
    promise.written = true;
    if (promise.readonly) return at(address) + " is readonly and written by a callee";
    bytes_[address] = {value, 0};
  }
  return "";
}

std::map<uint64_t, uint8_t> RunMemory::observe(SlotSet handed, bool alive) {
  escaped_ |= handed;
  // A slot that has become visible may hold the address of the next.
  for (SlotSet before = ~escaped_; before != escaped_;) {
    before = escaped_;
    for (const auto& [address, byte] : bytes_) {
      if ((byte.from & ~escaped_) == 0) continue;
      const auto slot = slot_at(address);
      if (!slot || !is_private(*slot)) escaped_ |= byte.from;
    }
  }
  std::map<uint64_t, uint8_t> visible;
  for (const auto& [address, byte] : bytes_) {
    if (byte.value == world_.byte(address)) continue;
    const auto slot = slot_at(address);
    if (slot && (!alive || is_private(*slot))) continue;
    visible.emplace_hint(visible.end(), address, byte.value);
  }
  return visible;
}

}  // namespace lockstep::clif
