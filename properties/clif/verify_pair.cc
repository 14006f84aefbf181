// See verify_pair.h.
#include "properties/clif/verify_pair.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "optimized/clif/elide.h"
#include "optimized/clif/printer.h"
#include "properties/clif/refine.h"
#include "properties/clif/world.h"

namespace lockstep::refinement {
namespace {

constexpr size_t kMaxSteps = 4000;  // of a run in a random world
constexpr int kMaxPromiseRounds = 16;
constexpr size_t kMaxExampleSteps = 100'000;

std::string text_of(const clif::Bits& b) { return smt::hex(static_cast<smt::Bits>(b.hi) << 64 | b.lo); }

// What the verifier compares before it looks at bodies; empty if there is nothing to say.
std::string outside_differs(const Function& before, const Function& after) {
  if (before.signature.params.size() != after.signature.params.size() ||
      before.signature.returns.size() != after.signature.returns.size()) {
    return "the signatures differ";
  }
  for (size_t i = 0; i < before.signature.params.size(); ++i) {
    if (before.signature.params[i].type != after.signature.params[i].type) return "the signatures differ";
  }
  for (size_t i = 0; i < before.signature.returns.size(); ++i) {
    if (before.signature.returns[i].type != after.signature.returns[i].type) return "the signatures differ";
  }
  if (before.stack_limit != after.stack_limit) return "stack_limit differs";
  // A pass may drop declarations that nothing uses any more, but not change them.
  for (const auto& [number, global] : after.globals) {
    const auto it = before.globals.find(number);
    if (it == before.globals.end() || it->second.text != global.text) return "gv" + std::to_string(number) + " differs";
  }
  for (const auto& [number, slot] : after.slots) {
    const auto it = before.slots.find(number);
    if (it != before.slots.end() && it->second.size != slot.size) return "ss" + std::to_string(number) + " differs";
  }
  for (const auto& [number, region] : after.regions) {
    const auto it = before.regions.find(number);
    if (it == before.regions.end() || it->second.tag != region.tag)
      return "region" + std::to_string(number) + " differs";
  }
  return "";
}

std::string without_name(const Function& f) {
  Function copy = f;
  copy.name = "%f";
  copy.comments.clear();
  // Cranelift's test reader takes `fast` where nothing is written.
  const auto written = [](Signature& s) {
    if (s.call_conv.empty()) s.call_conv = "fast";
  };
  written(copy.signature);
  for (auto& [number, signature] : copy.signatures) written(signature);
  return print(copy);
}

// What an address belongs to, from the accesses of a run.
std::string owner_of(const Function& f, uint64_t address, const WrittenWorld& world) {
  for (const auto& [slot, data] : f.slots) {
    const auto it = world.slots.find(slot);
    if (it != world.slots.end() && address - it->second < data.size) {
      return "ss" + std::to_string(slot) + "+" + std::to_string(address - it->second);
    }
  }
  return "";
}

// Remembers which region each byte was accessed under.
class RegionMap {
 public:
  // The world is that of the refinement's model, or one that was made simpler since.
  RegionMap(const Refiner& refiner, const Refinement& refinement, WrittenWorld world) {
    const smt::Terms& t = refiner.terms();
    smt::Model model = *refinement.model;
    for (size_t i = 0; i < world.arguments.size(); ++i) {
      const clif::Bits argument = world.arguments[i];
      model.values[{t[refiner.outside().parameters[i]].function, {}}] = smt::Bits{argument.hi} << 64 | argument.lo;
    }
    const smt::FunctionId memory = refiner.outside().initial_memory;
    std::erase_if(model.values, [&](const auto& entry) { return entry.first.first == memory; });
    const auto otherwise = model.otherwise;
    model.otherwise = [&](smt::FunctionId f, const std::vector<smt::Bits>& arguments) {
      return f == memory ? smt::Bits{world.byte(static_cast<uint64_t>(arguments[0]))} : otherwise(f, arguments);
    };
    std::unordered_map<uint32_t, smt::Bits> known;
    for (const auto& [place, guard, name] : refinement.touched) {
      if (t.evaluate(guard, model, known) == 0) continue;
      const auto address = static_cast<uint64_t>(t.evaluate(place.address, model, known));
      for (uint32_t i = 0; i < place.bytes; ++i) {
        std::string& owner = names_[address + i];
        if (owner.empty() || owner == "no region") owner = name;
      }
    }
  }
  std::string at(uint64_t address) const {
    const auto it = names_.find(address);
    return it != names_.end() ? it->second : "no region";
  }

 private:
  std::map<uint64_t, std::string> names_;
};

// Takes out of the world what the difference does not need: bytes and arguments become 0, others leave memory alone.
std::optional<Difference> simplify(const Function& before, const Function& after, WrittenWorld& world,
                                   bool trust_regions, const Difference& wanted) {
  const auto differs = [&](WrittenWorld& w) -> std::optional<Difference> {
    WrittenWorld one = w, two = w;
    const Run b = run(before, w.arguments, one, kMaxExampleSteps, trust_regions);
    const Run a = run(after, w.arguments, two, kMaxExampleSteps, trust_regions);
    std::optional<Difference> d = compare(b, a);
    if (!d || d->kind != Difference::kDiffers || d->event != wanted.event) return std::nullopt;
    return d;
  };
  std::optional<Difference> last = wanted;
  const auto attempt = [&](auto&& change) {
    WrittenWorld smaller = world;
    change(smaller);
    if (auto d = differs(smaller)) {
      world = std::move(smaller);
      last = std::move(d);
    }
  };
  for (size_t i = 0; i < world.arguments.size(); ++i) {
    if (world.arguments[i] != clif::Bits{}) attempt([i](WrittenWorld& w) { w.arguments[i] = {}; });
  }
  const std::map<uint64_t, uint8_t> bytes = world.bytes;
  for (const auto& [address, byte] : bytes) attempt([a = address](WrittenWorld& w) { w.bytes.erase(a); });
  for (size_t r = 0; r < world.replies.size(); ++r) {
    const std::map<uint64_t, uint8_t> writes = world.replies[r].writes;
    for (const auto& [address, byte] : writes) {
      attempt([r, a = address](WrittenWorld& w) { w.replies[r].writes.erase(a); });
    }
    for (size_t i = 0; i < world.replies[r].results.size(); ++i) {
      if (world.replies[r].results[i] != clif::Bits{}) {
        attempt([r, i](WrittenWorld& w) { w.replies[r].results[i] = {}; });
      }
    }
  }
  const auto tables = world.accessibility;
  for (const auto& [epoch, table] : tables) {
    for (const auto& [address, ok] : table) {
      attempt([e = epoch, a = address](WrittenWorld& w) { w.accessibility[e].erase(a); });
    }
  }
  return last;
}

std::vector<std::string> describe(const WrittenWorld& world, const Run& before) {
  std::vector<std::string> lines;
  const auto words = [&](const std::map<uint64_t, uint8_t>& bytes, const std::string& intro) {
    // Neighbouring bytes in one line, lowest address first.
    for (auto it = bytes.begin(); it != bytes.end();) {
      std::string line = intro + smt::hex(it->first) + ":";
      uint64_t next = it->first;
      for (size_t n = 0; it != bytes.end() && it->first == next && n < 16; ++it, ++next, ++n) {
        const std::string digits = smt::hex(it->second).substr(2);
        line += digits.size() == 1 ? " 0" + digits : " " + digits;
      }
      lines.push_back(line);
    }
  };
  words(world.bytes, "memory at ");
  for (const auto& [epoch, table] : world.accessibility) {
    for (const auto& [address, ok] : table) {
      if (!ok) {
        lines.push_back((epoch == 0 ? "" : "after observation " + std::to_string(epoch) + ": ") + "byte " +
                        smt::hex(address) + " cannot be accessed");
      }
    }
  }
  for (size_t i = 0; i < world.replies.size() && i < before.events.size(); ++i) {
    const World::Reply& r = world.replies[i];
    std::string line = before.events[i].what + " answers";
    if (r.how == World::Reply::kHandler) line += " through handler " + std::to_string(r.handler);
    for (const clif::Bits& b : r.results) line += " " + text_of(b);
    if (r.how == World::Reply::kHandler || !r.results.empty()) lines.push_back(line);
    words(r.writes, before.events[i].what + " writes ");
  }
  return lines;
}

// Runs both sides in the world of the model. nullopt: they were not seen to differ.
std::optional<Counterexample> confirm(const Refiner& refiner, const Refinement& refinement, const Function& before,
                                      const Function& after, bool trust_regions, std::string& why_not) {
  WrittenWorld world = world_of(refiner, refinement, before);
  const WrittenWorld original = world;
  Run b = run(before, world.arguments, world, kMaxExampleSteps, trust_regions);
  Run a = run(after, world.arguments, world, kMaxExampleSteps, trust_regions);
  std::optional<Difference> d = compare(b, a);
  if (!d || d->kind != Difference::kDiffers) {
    why_not = d ? d->what : "both sides do the same when they are run";
    return std::nullopt;
  }
  world = original;
  d = simplify(before, after, world, trust_regions, *d);
  WrittenWorld one = world, two = world;
  Counterexample c;
  c.written = std::make_shared<const WrittenWorld>(world);
  c.before = run(before, world.arguments, one, kMaxExampleSteps, trust_regions);
  c.after = run(after, world.arguments, two, kMaxExampleSteps, trust_regions);
  c.difference = d->what;
  for (size_t i = 0; i < world.arguments.size(); ++i) {
    c.arguments.emplace_back(before.entry().params[i].value, world.arguments[i]);
  }
  c.world = describe(world, c.before);
  if (d->event < c.before.events.size() && d->event < c.after.events.size()) {
    const RegionMap regions(refiner, refinement, world);
    const auto& x = c.before.events[d->event].memory;
    const auto& y = c.after.events[d->event].memory;
    std::map<uint64_t, int> addresses;
    for (const auto& [address, byte] : x) addresses[address] = 0;
    for (const auto& [address, byte] : y) addresses[address] = 0;
    for (const auto& [address, unused] : addresses) {
      const uint8_t p = x.contains(address) ? x.at(address) : world.byte(address);
      const uint8_t q = y.contains(address) ? y.at(address) : world.byte(address);
      if (p == q || c.bytes.size() >= 32) continue;
      std::string owner = owner_of(before, address, one);
      if (owner.empty()) owner = regions.at(address);
      c.bytes.push_back(smt::hex(address) + " (" + owner + "): before " + smt::hex(p) + ", after " + smt::hex(q));
    }
  }
  return c;
}

// Runs what was proved in random worlds. A difference is an error of ours.
void run_at_random(const Function& before, const Function& after, const VerifyOptions& options, PairResult& result,
                   bool& store_spared) {
  for (const Promise& p : options.promises.list) {
    if (p.kind != Promise::kSameValue) {
      result.random_note = "no random runs: a promise of --assume restricts worlds";
      return;
    }
  }
  for (uint32_t i = 0; i < options.random_runs; ++i) {
    RandomWorld world(options.seed * 1'000'003 + i, before, &options.promises);
    Run b, a;
    // Worlds in which loads give what is promised are made by trying: what was read becomes what all read.
    for (int round = 0; round < kMaxPromiseRounds; ++round) {
      b = run(before, world.arguments, world, kMaxSteps, options.trust_regions);
      a = run(after, world.arguments, world, kMaxSteps, options.trust_regions);
      if (!world.keep_promises()) break;
    }
    if (world.promises_contradict()) continue;
    const std::optional<Difference> d = compare(b, a);
    if (d && d->kind == Difference::kUseless) {
      if (b.end == Run::kUnsupported || a.end == Run::kUnsupported) {
        result.random_note =
            "no random runs: the interpreter does not know " + (b.reason.empty() ? a.reason : b.reason);
        return;
      }
      continue;
    }
    if (d && result.verdict == Verdict::kBounded) {
      // Beyond the bound, so no contradiction; and a run that differs is all that a refutation needs.
      result.verdict = Verdict::kRefuted;
      result.reason = "found by run " + std::to_string(i) + " of seed " + std::to_string(options.seed) + ", beyond " +
                      std::to_string(options.unroll) + " turns of a loop";
      result.counterexample.emplace();
      for (size_t p = 0; p < world.arguments.size(); ++p) {
        result.counterexample->arguments.emplace_back(before.entry().params[p].value, world.arguments[p]);
      }
      result.counterexample->difference = d->what;
      result.counterexample->before = b;
      result.counterexample->after = a;
      return;
    }
    if (d) {
      result.internal_error =
          "proved, but run " + std::to_string(i) + " of seed " + std::to_string(options.seed) + " differs: " + d->what;
      return;
    }
    ++result.random_runs;
    store_spared = store_spared || a.executed_stores < b.executed_stores;
  }
}

// Asks the second solver. What the first was asked, it is asked too; where nothing was left to ask, because terms had
// become equal as they were made, everything is made again without simplification, so that our own rules are checked.
void cross_check(const Refiner& refiner, const Refinement& refinement, const Function& before, const Function& after,
                 const VerifyOptions& options, PairResult& result) {
  result.cross = PairResult::kAgrees;
  for (const Refinement::Asked& asked : refinement.asked) {
    if (asked.answer == smt::Answer::kUnknown) continue;
    const smt::Answer answer = options.cross_check->ask(refiner.terms(), asked.query, options.cross_limits);
    if (answer.kind == smt::Answer::kUnknown) {
      result.cross = PairResult::kUndecided;
    } else if (answer.kind != asked.answer) {
      result.cross = PairResult::kContradicts;
      return;
    }
  }
  if (!refinement.asked.empty()) return;
  Refiner plain(before, after, options.promises, {options.trust_regions, options.unroll, options.cross_limits, false},
                *options.cross_check);
  const Refinement again = plain.check();
  if (again.kind == Refinement::kRefuted) {
    result.cross = PairResult::kContradicts;
  } else if (again.kind != refinement.kind) {
    result.cross = PairResult::kUndecided;
  }
}

void dump(const Refinement& refinement, const std::string& folder, const std::string& name) {
  std::string file;
  for (const char c : name) file += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  std::filesystem::create_directories(folder);
  for (size_t i = 0; i < refinement.asked.size(); ++i) {
    std::ofstream out(std::filesystem::path(folder) / (file + "." + std::to_string(i) + ".smt2"));
    out << "; " << name << ", question " << i << ": "
        << (refinement.asked[i].answer == smt::Answer::kUnsat ? "unsat"
            : refinement.asked[i].answer == smt::Answer::kSat ? "sat"
                                                              : "unknown")
        << "\n"
        << refinement.asked[i].query.text;
  }
}

// One attempt. Random runs and what promises are needed for come later.
PairResult attempt(const Function& before, const Function& after, const VerifyOptions& options, smt::Solver& solver) {
  const auto start = std::chrono::steady_clock::now();
  PairResult result;
  result.name = before.name;
  result.stores_before = count_accesses(before).stores;
  result.stores_after = count_accesses(after).stores;
  result.loads_before = count_accesses(before).loads;
  result.loads_after = count_accesses(after).loads;
  if (without_name(before) == without_name(after)) {
    result.verdict = Verdict::kIdentical;
    return result;
  }
  if (std::string why = outside_differs(before, after); !why.empty()) {
    result.verdict = Verdict::kUnsupported;
    result.reason = why;
    return result;
  }
  try {
    Refiner refiner(before, after, options.promises,
                    {options.trust_regions, options.unroll, options.limits, options.simplify}, solver);
    Refinement r = refiner.check();
    result.took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
    result.queries = r.asked.size();
    result.loops_cut = r.cut_loops;
    if (r.regions_used) result.assumptions.push_back("bytes of different regions are apart");
    for (const char* flag : r.flags_used) result.assumptions.push_back("the flag '" + std::string(flag) + "' is kept");
    for (const Promise* p : r.promises_used) result.assumptions.push_back("promised: " + p->text);
    switch (r.kind) {
      case Refinement::kProved:
        result.verdict = Verdict::kProved;
        break;
      case Refinement::kBounded:
        result.verdict = Verdict::kBounded;
        result.bound = options.unroll;
        result.reason = r.reason;
        break;
      case Refinement::kUnknown:
        result.verdict = Verdict::kUnknown;
        result.reason = r.reason;
        break;
      case Refinement::kRefuted: {
        std::string why_not, unused;
        result.counterexample = confirm(refiner, r, before, after, options.trust_regions, why_not);
        const std::string what = r.disagreement ? r.disagreement->text : "in which nothing disagrees";
        while (!result.counterexample) {
          std::optional<Refinement> next = refiner.another();
          if (!next) break;
          r = std::move(*next);
          result.counterexample = confirm(refiner, r, before, after, options.trust_regions, unused);
          result.queries = r.asked.size();
        }
        if (result.counterexample) {
          result.verdict = Verdict::kRefuted;
        } else {
          result.verdict = Verdict::kUnknown;
          result.reason = "a counterexample (" + what + ") could not be confirmed: " + why_not;
        }
        break;
      }
    }
    if (!options.dump.empty()) dump(r, options.dump, before.name);
    if (options.cross_check != nullptr) cross_check(refiner, r, before, after, options, result);
    if (result.cross == PairResult::kContradicts) {
      result.verdict = Verdict::kUnknown;
      result.reason = solver.name() + " and " + options.cross_check->name() + " disagree";
    }
  } catch (const UnsupportedOperation& e) {
    result.verdict = Verdict::kUnsupported;
    result.reason = e.name + (e.at.line == 0 ? "" : " (line " + std::to_string(e.at.line) + ")");
  }
  return result;
}

}  // namespace

std::string_view name_of(Verdict v) {
  switch (v) {
    case Verdict::kProved:
      return "PROVED";
    case Verdict::kIdentical:
      return "identical";
    case Verdict::kBounded:
      return "BOUNDED";
    case Verdict::kRefuted:
      return "REFUTED";
    case Verdict::kUnknown:
      return "UNKNOWN";
    case Verdict::kUnsupported:
      return "UNSUPPORTED";
  }
  return "";
}

PairResult verify_pair(const Function& before, const Function& after, const VerifyOptions& options,
                       smt::Solver& solver) {
  PairResult result = attempt(before, after, options, solver);
  if (result.verdict == Verdict::kProved || result.verdict == Verdict::kBounded) {
    bool store_spared = false;
    run_at_random(before, after, options, result, store_spared);
    const bool spares = result.stores_after < result.stores_before;
    if (result.verdict == Verdict::kProved && (result.random_runs == 0 || (spares && !store_spared))) {
      // Chance did not show that the proof is about anything: the solver has to.
      Refiner refiner(before, after, options.promises,
                      {options.trust_regions, options.unroll, options.limits, options.simplify}, solver);
      refiner.check();
      const Refiner::Vacuity v = refiner.vacuity();
      if (v.promises_can_hold == false) {
        result.warnings.push_back("no input keeps the producer's promises: they contradict each other");
      } else if (spares && v.elided_store_is_reached == false) {
        result.warnings.push_back("no path reaches a store that was removed");
      } else if (!v.promises_can_hold || (spares && !v.elided_store_is_reached)) {
        result.warnings.push_back("it was not decided whether any input reaches a store that was removed");
      }
    }
  }
  if (result.verdict == Verdict::kProved && !options.promises.list.empty() && options.without_promises) {
    // Which promises does it need? Without any it may be proved too; else each alone is left out.
    VerifyOptions fewer = options;
    fewer.promises.list.clear();
    fewer.dump.clear();
    fewer.cross_check = nullptr;
    const PairResult without = attempt(before, after, fewer, solver);
    if (without.verdict == Verdict::kProved) {
      std::erase_if(result.assumptions, [](const std::string& s) { return s.starts_with("promised: "); });
    } else if (without.verdict == Verdict::kRefuted) {
      for (const std::string& s : result.assumptions) {
        if (s.starts_with("promised: ")) result.facts_to_teach.push_back(s.substr(10));
      }
    }
  }
  return result;
}

}  // namespace lockstep::refinement
