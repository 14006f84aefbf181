// See world.h.
#include "properties/clif/world.h"

#include <algorithm>

namespace lockstep::refinement {
namespace {

clif::Bits as_bits(smt::Bits v) { return {static_cast<uint64_t>(v), static_cast<uint64_t>(v >> 64)}; }

}  // namespace

// --- WrittenWorld
// -------------------------------------------------------------------------------------------------------

uint8_t WrittenWorld::byte(uint64_t address) {
  const auto it = bytes.find(address);
  return it != bytes.end() ? it->second : 0;
}
bool WrittenWorld::accessible(uint64_t epoch, uint64_t address) {
  const auto table = accessibility.find(epoch);
  if (table == accessibility.end()) return true;
  const auto it = table->second.find(address);
  return it == table->second.end() || it->second;
}
uint64_t WrittenWorld::slot_address(uint32_t slot) {
  // Slots that the model says nothing of lie behind all others.
  const auto [it, is_new] = slots.try_emplace(slot, 0x7fff'0000'0000 + uint64_t{slot} * 0x10000);
  return it->second;
}
uint64_t WrittenWorld::symbol(const std::string& name) {
  const auto [it, is_new] = symbols.try_emplace(name, 0x5000'0000'0000 + symbols.size() * 0x1000);
  return it->second;
}
World::Reply WrittenWorld::call(size_t n, const Event&, const Function&, const Inst&) {
  if (n < replies.size()) return replies[n];
  Reply gone;
  gone.how = Reply::kNever;  // behind the last point that the model speaks of
  return gone;
}

WrittenWorld world_of(const Refiner& refiner, const Refinement& refinement, const Function& before) {
  const Terms& t = refiner.terms();
  const smt::Model& model = *refinement.model;
  WrittenWorld world;
  std::unordered_map<uint32_t, smt::Bits> known;
  for (const Term p : refiner.outside().parameters) world.arguments.push_back(as_bits(t.evaluate(p, model, known)));

  std::vector<const Step*> path;
  for (const Step& step : refinement.steps) {
    if (t.evaluate(step.guard, model, known) != 0) path.push_back(&step);
  }
  std::sort(path.begin(), path.end(), [](const Step* a, const Step* b) { return a->order < b->order; });

  std::map<FunctionId, size_t> memories, accessibilities;
  memories[refiner.outside().initial_memory] = 0;
  for (size_t i = 0; i < path.size(); ++i) {
    memories[path[i]->memory] = i + 1;
    accessibilities[path[i]->accessible] = i + 1;
    World::Reply reply;
    if (t.evaluate(path[i]->returns, model, known) == 0) reply.how = World::Reply::kNever;
    for (const Term r : path[i]->results) reply.results.push_back(as_bits(t.evaluate(r, model, known)));
    if (reply.how != World::Reply::kNever && path[i]->way.id != 0) {
      // A number that no handler has is the normal return.
      const auto way = static_cast<size_t>(t.evaluate(path[i]->way, model, known));
      const std::vector<Handler>& handlers = path[i]->inst->handlers;
      if (way != 0 && way <= handlers.size() && handlers[way - 1].kind != Handler::kContext) {
        reply.how = World::Reply::kHandler;
        reply.handler = way - 1;
        reply.results.clear();
        for (const Term p : path[i]->payload) reply.results.push_back(as_bits(t.evaluate(p, model, known)));
      }
    }
    world.replies.push_back(std::move(reply));
  }
  for (const auto& [application, value] : model.values) {
    const auto& [f, arguments] = application;
    const std::string& name = t.function(f).name;
    if (name == "accessible") {
      world.accessibility[0][static_cast<uint64_t>(arguments[0])] = value != 0;
    } else if (accessibilities.contains(f)) {
      world.accessibility[accessibilities[f]][static_cast<uint64_t>(arguments[0])] = value != 0;
    } else if (memories.contains(f)) {
      const size_t epoch = memories[f];
      auto& table = epoch == 0 ? world.bytes : world.replies[epoch - 1].writes;
      table[static_cast<uint64_t>(arguments[0])] = static_cast<uint8_t>(value);
    } else if (name.starts_with("slot ") && name.find(" of ") == std::string::npos) {
      world.bytes.try_emplace(static_cast<uint64_t>(arguments[0]), static_cast<uint8_t>(value));
    } else if (arguments.empty() && name.starts_with("ss")) {
      world.slots[static_cast<uint32_t>(std::stoul(name.substr(2)))] = static_cast<uint64_t>(value);
    } else if (arguments.empty() && name.starts_with("func ")) {
      world.symbols[name.substr(5)] = static_cast<uint64_t>(value);
    } else if (arguments.empty() && name.starts_with("get_")) {
      world.symbols[name] = static_cast<uint64_t>(value);
    }
  }
  for (const Outside::Forced& f : refinement.forced) {
    if (t.evaluate(f.guard, model, known) == 0) continue;
    const auto address = static_cast<uint64_t>(t.evaluate(f.address, model, known));
    const smt::Bits value = t.evaluate(f.value, model, known);
    for (uint32_t i = 0; i < f.bytes; ++i) world.bytes[address + i] = static_cast<uint8_t>(value >> (8 * i));
  }
  (void)before;
  return world;
}

// --- RandomWorld
// --------------------------------------------------------------------------------------------------------

namespace {

constexpr uint64_t mixed(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
  z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
  return z ^ (z >> 31);
}
constexpr uint64_t kAreas = 0x1000'0000;  // where memory points to
constexpr uint64_t kArea = 0x1000;

}  // namespace

uint64_t RandomWorld::hash(uint64_t what, uint64_t a, uint64_t b) const {
  return mixed(mixed(mixed(seed_ + what * 0x9e37'79b9'7f4a'7c15) + a * 0xd6e8'feb8'6659'fd93) + b);
}

RandomWorld::RandomWorld(uint64_t seed, const Function& before, const Promises* promises)
    : promises_(promises), seed_(mixed(seed)) {
  all_accessible_ = hash(1, 0) % 4 != 0;
  crowded_ = hash(1, 1) % 4 == 0;
  for (size_t i = 0; i < before.signature.params.size(); ++i) {
    const uint64_t random = hash(2, i);
    const Type type = before.signature.params[i].type;
    if (type == kI64 && random % 8 < 6) {
      // A pointer of its own, or (one in six) the one before.
      const bool same = i > 0 && random % 48 / 8 == 0;
      arguments.push_back(same ? arguments[i - 1] : clif::Bits{pointer(1000 + i), 0});
    } else {
      arguments.push_back(value(type, mixed(random)));
    }
  }
}

uint64_t RandomWorld::pointer(uint64_t choice) const {
  if (!crowded_) return kAreas + (choice % 4096) * kArea;
  // Few areas, and pointers to the same bytes or some that overlap.
  static constexpr uint64_t kOffsets[] = {0, 0, 0, 8, 8, 16, 4, 1};
  const uint64_t random = mixed(choice + seed_);
  return kAreas + random % 3 * kArea + kOffsets[random / 3 % 8];
}

clif::Bits RandomWorld::value(Type type, uint64_t random) const {
  uint64_t lo = mixed(random);
  switch (random % 6) {
    case 0:
      lo = 0;
      break;
    case 1:
      lo = lo % 16;
      break;
    case 2:
      lo = ~uint64_t{0} - lo % 3;
      break;
    case 3:
      lo = uint64_t{1} << (lo % 64);
      break;
    case 4:
      if (type == kI64) lo = pointer(2000 + lo % 8);
      break;
    default:
      break;
  }
  clif::Bits bits{lo, type.bits() > 64 ? mixed(random + 1) : 0};
  if (type.bits() < 64) bits.lo &= (uint64_t{1} << type.bits()) - 1;
  return bits;
}

uint8_t RandomWorld::byte(uint64_t address) {
  if (const auto it = forced_.find(address); it != forced_.end()) return it->second;
  // Words of eight bytes: pointers to areas of their own, zeros, numbers.
  const uint64_t word = hash(3, address >> 3);
  uint64_t content;
  switch (word % 8) {
    case 0:
    case 1:
      content = 0;
      break;
    case 2:
      content = mixed(word) % 256;
      break;
    case 3:
      content = mixed(word);
      break;
    default:
      content = pointer(mixed(word) % 900);
      break;
  }
  return static_cast<uint8_t>(content >> (8 * (address & 7)));
}

void RandomWorld::loading(const Function& f, const Inst& inst, uint64_t address) {
  if (promises_ == nullptr) return;
  if (const Promise* p = promises_->same_value(f, inst)) promised_.emplace(address, p);
}

bool RandomWorld::keep_promises() {
  bool is_new = false;
  for (const auto& [address, promise] : promised_) {
    const uint64_t value = kAreas + (3000 + promise->at.line % 64) * kArea;
    for (uint32_t i = 0; i < promise->load.bytes; ++i) {
      const auto byte = static_cast<uint8_t>(value >> (8 * i));
      const auto [it, added] = forced_.try_emplace(address + i, byte);
      is_new = is_new || added;
      contradiction_ = contradiction_ || it->second != byte;
    }
  }
  return is_new;
}

bool RandomWorld::accessible(uint64_t epoch, uint64_t address) {
  return all_accessible_ || hash(4, address / kArea, epoch) % 6 != 0;
}

uint64_t RandomWorld::slot_address(uint32_t slot) {
  return slots_.try_emplace(slot, 0x7fff'0000'0000 + uint64_t{slot} * 0x10000).first->second;
}

uint64_t RandomWorld::symbol(const std::string& name) {
  uint64_t h = 0;
  for (const char c : name) h = mixed(h + static_cast<unsigned char>(c));
  return 0x5000'0000'0000 + (hash(5, h) & 0xffff'fff0);
}

World::Reply RandomWorld::call(size_t n, const Event& event, const Function& function, const Inst& inst) {
  Reply reply;
  const uint64_t random = hash(6, n);
  if (inst.is_call()) {
    if (random % 32 == 0) reply.how = Reply::kTrap;
    if (random % 32 == 1) reply.how = Reply::kNever;
    std::vector<size_t> ways;
    for (size_t i = 0; i < inst.handlers.size(); ++i) {
      if (inst.handlers[i].kind != Handler::kContext) ways.push_back(i);
    }
    if (random % 32 > 18 && !ways.empty()) {
      reply.how = Reply::kHandler;
      reply.handler = ways[mixed(random) % ways.size()];
      for (size_t i = 0; i < 4; ++i) reply.results.push_back(value(kI64, hash(7, n, i)));
    } else {
      const Signature& signature = function.callee_signature(inst);
      for (size_t i = 0; i < signature.returns.size(); ++i) {
        reply.results.push_back(value(signature.returns[i].type, hash(8, n, i)));
      }
    }
  } else {
    for (size_t i = 0; i < inst.results.size(); ++i) {
      reply.results.push_back(value(function.type_of(inst.results[i]), hash(8, n, i)));
    }
  }
  // Others change some of what can be seen here, and some of what the operands point to.
  if (random % 4 != 0) {
    for (const auto& [address, byte] : event.memory) {
      if (hash(9, n, address) % 4 == 0) reply.writes[address] = static_cast<uint8_t>(hash(10, n, address));
    }
    for (size_t i = 0; i < event.values.size(); ++i) {
      const uint64_t address = event.values[i].lo + 8 * (hash(11, n, i) % 8);
      for (uint64_t k = 0; k < 8; ++k) reply.writes[address + k] = static_cast<uint8_t>(hash(12, n, address + k));
    }
  }
  return reply;
}

}  // namespace lockstep::refinement
