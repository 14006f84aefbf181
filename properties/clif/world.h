// Worlds for the interpreter: one that a solver's model describes, and random ones.
//
// No verdict stands on the solver's word alone: a counterexample is run in the world of its model, on both sides,
// before anybody gets to see it, and what was proved is run in random worlds.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "optimized/clif/interpreter.h"
#include "properties/clif/refine.h"

namespace lockstep::refinement {

// A world that is written down: what is not in the tables is 0, and can be accessed.
class WrittenWorld final : public World {
 public:
  std::vector<clif::Bits> arguments;
  std::map<uint64_t, uint8_t> bytes;                           // at entry
  std::map<uint64_t, std::map<uint64_t, bool>> accessibility;  // by epoch
  std::map<uint32_t, uint64_t> slots;
  std::map<std::string, uint64_t> symbols;
  std::vector<Reply> replies;

  uint8_t byte(uint64_t address) override;
  bool accessible(uint64_t epoch, uint64_t address) override;
  uint64_t slot_address(uint32_t slot) override;
  uint64_t symbol(const std::string& name) override;
  Reply call(size_t n, const Event&, const Function&, const Inst&) override;
};

// The world of a refuted pair.
WrittenWorld world_of(const Refiner&, const Refinement&, const Function& before);

// A world of chance: memory is full of pointers to areas of their own, of zeros and small numbers; arguments are
// pointers to areas, sometimes the same, or numbers at the edges. In one world of four there are few areas, and
// pointers that overlap. Equal seeds give equal worlds on every machine.
class RandomWorld final : public World {
 public:
  // The promises must outlive the world; only `same-value` is kept, by keep_promises().
  RandomWorld(uint64_t seed, const Function& before, const Promises* promises = nullptr);
  std::vector<clif::Bits> arguments;

  uint8_t byte(uint64_t address) override;
  bool accessible(uint64_t epoch, uint64_t address) override;
  uint64_t slot_address(uint32_t slot) override;
  uint64_t symbol(const std::string& name) override;
  Reply call(size_t n, const Event&, const Function&, const Inst&) override;

  void loading(const Function&, const Inst&, uint64_t address) override;
  // Makes the bytes that promised loads have read so far what they all read. True: there were new ones, so that the
  // function has to be run again.
  bool keep_promises();
  // Whether two promised loads overlap, so that they cannot both give what they should: such a world says nothing.
  bool promises_contradict() const { return contradiction_; }

 private:
  std::map<uint64_t, uint8_t> forced_;
  std::map<uint64_t, const Promise*> promised_;  // addresses of promised loads
  bool contradiction_ = false;
  const Promises* promises_;
  uint64_t hash(uint64_t what, uint64_t a, uint64_t b = 0) const;
  uint64_t pointer(uint64_t choice) const;
  clif::Bits value(Type, uint64_t random) const;
  uint64_t seed_;
  bool all_accessible_;
  bool crowded_ = false;
  std::map<uint32_t, uint64_t> slots_;
};

}  // namespace lockstep::refinement
