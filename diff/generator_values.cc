// Values: as operands, as words of a guest's memory; and handles that arrive at a guest.
#include <algorithm>
#include <array>

#include "diff/generator.h"

namespace lockstep::diff {

using traces::Canon;
using traces::Function;
using traces::GuardKind;
using traces::IndexType;
using traces::kNone;
using traces::Op;
using traces::Operand;
using traces::Operation;
using traces::ValueType;
using Kind = traces::ValueType::Kind;

namespace {

bool is_handle(Kind k) { return k >= Kind::kOwn; }
bool has_handle(const ValueType& t) {
  return is_handle(t.kind) || std::any_of(t.children.begin(), t.children.end(), has_handle);
}

// Writes an integer of `bytes` bytes into little-endian words.
void put(std::vector<Operand>& words, uint32_t offset, uint32_t bytes, uint64_t bits) {
  for (uint32_t i = 0; i < bytes; ++i, ++offset) {
    Operand& word = words[offset / 4];
    word = {false, word.value | (bits >> (8 * i) & 0xff) << (8 * (offset % 4))};
  }
}

uint32_t pointer_bytes(IndexType t) { return t == IndexType::kI64 ? 8 : 4; }

// Text of up to four code points. The third is no UTF-8.
constexpr std::array<std::string_view, 7> kTexts = {
    "", "a", "lock", "\xc3\xa9t\xc3\xa9", "\xf0\x9f\x94\x92step", "step by step", "\xe2\x82\xac"};
constexpr std::array<std::string_view, 3> kBadTexts = {"a\xc3", "\xed\xa0\x80", "\xff\xfe"};

}  // namespace

uint64_t Generator::some_bits(Kind kind) {
  const uint32_t bits = kind == Kind::kBool                        ? 1
                        : kind == Kind::kU8 || kind == Kind::kS8   ? 8
                        : kind == Kind::kU16 || kind == Kind::kS16 ? 16
                        : kind == Kind::kU32 || kind == Kind::kS32 ? 32
                                                                   : 64;
  const uint64_t all = bits == 64 ? UINT64_MAX : (uint64_t{1} << bits) - 1;
  switch (random_.below(6)) {
    case 0:
      return all;
    case 1:
      return all >> 1;
    case 2:
      return (all >> 1) + 1;
    case 3:
      return random_.below(2);
    default:
      return random_.next() & all;
  }
}

bool Generator::lower_flat(const Activation& a, Place at, const ValueType& t, Draft& d, Operands& out) {
  switch (t.kind) {
    case Kind::kNone:
      return true;
    case Kind::kU32:
      out.push_back(some_value());
      return true;
    case Kind::kString:
    case Kind::kList: {
      const auto range = lower_range(a, at, t, d);
      if (!range) return false;
      out.push_back(literal(range->first));
      out.push_back(literal(range->second));
      return true;
    }
    case Kind::kTuple:
    case Kind::kRecord:
      return std::all_of(t.children.begin(), t.children.end(),
                         [&](const ValueType& c) { return lower_flat(a, at, c, d, out); });
    case Kind::kOption:
    case Kind::kResult:
    case Kind::kVariant:
      return lower_case(a, at, t, d, out);
    case Kind::kOwn:
    case Kind::kBorrow:
    case Kind::kStream:
    case Kind::kFuture: {
      const auto r = lower_handle(a, at.instance, t, d);
      if (!r) return false;
      out.push_back(reg(*r));
      return true;
    }
    default: {
      // Core values of small integers may have any upper bits.
      const bool wide = t.kind == Kind::kU64 || t.kind == Kind::kS64;
      out.push_back(literal(!wide && random_.chance(8) ? random_.next() >> 32 : some_bits(t.kind)));
      return true;
    }
  }
}

bool Generator::lower_case(const Activation& a, Place at, const ValueType& t, Draft& d, Operands& out) {
  const std::vector<ValueType> cases = traces::cases_of(t);
  const size_t flat = traces::flatten(t, at.pointers).size();
  const auto count = static_cast<uint32_t>(cases.size());
  const uint32_t first = random_.below(count);
  if (random_.chance(mistake_percent_)) {
    out.push_back(literal(count + random_.below(3)));
    out.resize(out.size() + flat - 1, literal(0));
    return true;
  }
  for (uint32_t k = 0; k < count; ++k) {
    const uint32_t which = (first + k) % count;
    Operands payload;
    if (!lower_flat(a, at, cases[which], d, payload)) continue;
    payload.resize(flat - 1, literal(0));
    out.push_back(literal(which));
    out.insert(out.end(), payload.begin(), payload.end());
    return true;
  }
  return false;
}

bool Generator::lower_words(const Activation& a, Place at, const ValueType& t, Draft& d, Operands& words,
                            uint32_t offset) {
  switch (t.kind) {
    case Kind::kNone:
      return true;
    case Kind::kString:
    case Kind::kList: {
      const auto range = lower_range(a, at, t, d);
      if (!range) return false;
      const uint32_t bytes = pointer_bytes(at.pointers);
      put(words, offset, bytes, range->first);
      put(words, offset + bytes, bytes, range->second);
      return true;
    }
    case Kind::kTuple:
    case Kind::kRecord: {
      const std::vector<uint32_t> offsets = traces::offsets(t.children, at.pointers);
      for (size_t i = 0; i < t.children.size(); ++i)
        if (!lower_words(a, at, t.children[i], d, words, offset + offsets[i])) return false;
      return true;
    }
    case Kind::kOption:
    case Kind::kResult:
    case Kind::kVariant: {
      const std::vector<ValueType> cases = traces::cases_of(t);
      const auto count = static_cast<uint32_t>(cases.size());
      const uint32_t first = random_.below(count);
      for (uint32_t k = 0; k < count; ++k) {
        const uint32_t which = (first + k) % count;
        if (!lower_words(a, at, cases[which], d, words, offset + traces::payload_offset(t, at.pointers))) continue;
        put(words, offset, 1, random_.chance(mistake_percent_) ? count : which);
        return true;
      }
      return false;
    }
    case Kind::kOwn:
    case Kind::kBorrow:
    case Kind::kStream:
    case Kind::kFuture: {
      const auto r = lower_handle(a, at.instance, t, d);
      if (r) words[offset / 4] = reg(*r);
      return r.has_value();
    }
    default:
      put(words, offset, traces::size(t, at.pointers), some_bits(t.kind));
      return true;
  }
}

std::optional<std::pair<uint32_t, uint64_t>> Generator::lower_range(const Activation& a, Place at, const ValueType& t,
                                                                    Draft& d) {
  const bool bad = random_.chance(mistake_percent_);
  if (t.kind == Kind::kString) {
    const std::string_view text = bad && random_.chance(50) ? random_.pick(kBadTexts) : random_.pick(kTexts);
    Operands words((text.size() + 3) / 4, literal(0));
    for (uint32_t i = 0; i < text.size(); ++i) put(words, i, 1, static_cast<uint8_t>(text[i]));
    // Long strings are what is in memory anyway: zeros, mostly.
    const uint64_t length = text.empty() && random_.chance(30) ? random_.between(20, 200) : text.size();
    const uint32_t address = buffer(static_cast<uint32_t>(length));
    store_words(at, address, words, d);
    if (bad && random_.chance(30)) return std::pair(address, uint64_t{0x0fff'ffff} + random_.below(3));
    return std::pair(address, length);
  }
  const ValueType& element = t.children[0];
  const uint32_t size = traces::size(element, at.pointers);
  uint32_t count = random_.pick(std::to_array<uint32_t>({0, 1, 1, 2, 3}));
  if (count * size > 64) count = 1;
  if (size > 64) count = 0;
  Operands words((count * size + 3) / 4, literal(0));
  for (uint32_t i = 0; i < count; ++i)
    if (!lower_words(a, at, element, d, words, i * size)) {
      words.resize((i * size + 3) / 4);
      count = i;
    }
  const uint32_t address = buffer(count * size) + (bad && random_.chance(50) ? 1 : 0);
  store_words(at, address & ~3u, words, d);
  if (bad && random_.chance(50)) count = random_.chance(50) ? 0x0fff'ffff : 0x1'0000;
  return std::pair(address, uint64_t{count});
}

std::optional<uint32_t> Generator::lower_tuple(const Activation& a, Place at, std::span<const ValueType> ts, Draft& d) {
  const uint32_t size = traces::size(ts, at.pointers);
  Operands words((size + 3) / 4, literal(0));
  const std::vector<uint32_t> offsets = traces::offsets(ts, at.pointers);
  for (size_t i = 0; i < ts.size(); ++i)
    if (!lower_words(a, at, ts[i], d, words, offsets[i])) return std::nullopt;
  const uint32_t address = buffer(size);
  store_words(at, address, words, d);
  return address;
}

void Generator::store_words(Place at, uint32_t address, const Operands& words, Draft& d) {
  for (const Operand& word : words) {
    if (word.is_register || word.value != 0 || random_.chance(30)) {
      Operation& o = d.before.emplace_back();
      o.kind = Op::kStore;
      o.memory = at.memory;
      o.args = {literal(address), word};
    }
    address += 4;
  }
}

// A register with a handle of this type that can be given away or lent. What the guest does not have it makes.
std::optional<uint32_t> Generator::lower_handle(const Activation& a, uint32_t instance, const ValueType& t, Draft& d) {
  if (random_.chance(2 * mistake_percent_)) {  // one of the type in any state, or whatever there is
    const bool similar = random_.chance(65);
    const auto any = held_register(instance, d, [&](uint32_t, const Holding& h) {
      return !similar || (t.resource != kNone ? h.resource == t.resource : h.type == t);
    });
    if (any) return any;
  }
  if (t.kind == Kind::kOwn || t.kind == Kind::kBorrow) {
    const bool borrow = t.kind == Kind::kBorrow;
    auto r = held_register(instance, d, [&](uint32_t, const Holding& h) {
      return h.resource == t.resource &&
             (h.kind == Holding::Kind::kOwn || (borrow && h.kind == Holding::Kind::kBorrow)) &&
             (borrow || !is_lent(instance, h)) && (h.kind == Holding::Kind::kOwn || h.owner == owner_of(a));
    });
    if (!r) {
      if (scenario_.resources[t.resource].instance != instance || !options_.support.has(Op::kResourceNew))
        return std::nullopt;
      r = free_register(instance, kResourceRegisters, d);
      Operation& o = d.before.emplace_back();
      o.kind = Op::kResourceNew;
      o.canon = find_canon(instance, [&](const Canon& c) { return c.kind == o.kind && c.resource == t.resource; });
      o.to = *r;
      o.args.push_back(literal(next_key_++));
      Holding h;
      h.kind = Holding::Kind::kOwn;
      h.resource = t.resource;
      d.got.emplace_back(*r, h);
      // It goes away at once.
      if (!borrow) d.got.pop_back();
    }
    if (borrow)
      d.lent.push_back(*r);
    else
      d.taken.push_back(*r);
    return r;
  }
  auto r = held_register(instance, d, [&](uint32_t reg_, const Holding& h) {
    return h.kind == Holding::Kind::kReadable && h.type == t && is_idle(instance, reg_) &&
           !view_->joined(instance, handle_in(instance, reg_));
  });
  if (!r || random_.chance(25)) {
    const Op make = t.kind == Kind::kStream ? Op::kStreamNew : Op::kFutureNew;
    const uint32_t canon =
        find_canon(instance, [&](const Canon& c) { return c.kind == make && c.element == t.children[0]; });
    if (canon == kNone) return r;
    r = free_register(instance, kReadableRegisters, d);
    Operation& o = d.before.emplace_back();
    o.kind = make;
    o.canon = canon;
    o.to = *r;
    d.taken.push_back(*r);
    Holding h;
    h.kind = Holding::Kind::kWritable;
    h.type = t;
    h.pair = next_pair_++;
    o.also = hold(instance, d, h);
    return r;
  }
  d.taken.push_back(*r);
  return r;
}

// The operands of task.return or of a return.
bool Generator::lower_result(const Activation& a, const ValueType& t, Place at, bool in_memory, Draft& d) {
  if (!in_memory) return lower_flat(a, at, t, d, d.op.args);
  const auto address = lower_tuple(a, at, std::span(&t, 1), d);
  if (!address) return false;
  d.op.args.push_back(literal(random_.chance(mistake_percent_) ? bad_area(at.instance, at.memory) : *address));
  return true;
}

// ---- what arrives

Generator::Holding Generator::holding_of(const Activation& a, const ValueType& t) const {
  Holding h;
  h.type = t;
  if (t.kind == Kind::kStream || t.kind == Kind::kFuture) return h;
  h.kind = t.kind == Kind::kOwn ? Holding::Kind::kOwn : Holding::Kind::kBorrow;
  h.resource = t.resource;
  if (t.kind == Kind::kBorrow) h.owner = owner_of(a);
  return h;
}

uint32_t Generator::hold(uint32_t instance, Draft& d, Holding h) {
  static constexpr std::array<RegisterRange, 6> kRanges = {kReadableRegisters, kWritableRegisters,
                                                           kResourceRegisters, kResourceRegisters,
                                                           kThreadRegisters,   kErrorContextRegisters};
  const uint32_t r = free_register(instance, kRanges[static_cast<size_t>(h.kind)], d);
  d.got.emplace_back(r, std::move(h));
  return r;
}

bool Generator::fetch_parameters(const Activation& a, Draft& d) {
  const Function& f = scenario_.functions[a.function];
  const Place at = place(a.instance, f.memory);
  if (traces::params_in_memory(f.type)) {
    const std::vector<uint32_t> offsets = traces::offsets(f.type.params, at.pointers);
    for (size_t i = 1; i < f.type.params.size(); ++i)
      fetch_words(a, at, f.type.params[i], static_cast<uint32_t>(a.args[0]) + offsets[i], d);
  } else {
    uint32_t index = 1;
    for (size_t i = 1; i < f.type.params.size(); ++i) fetch_flat(a, at, f.type.params[i], index, d);
  }
  if (d.after.empty()) return false;
  d.op = std::move(d.after.front());
  d.after.erase(d.after.begin());
  return true;
}

void Generator::fetch_flat(const Activation& a, Place at, const ValueType& t, uint32_t& index, Draft& d) {
  switch (t.kind) {
    case Kind::kTuple:
    case Kind::kRecord:
      for (const ValueType& c : t.children) fetch_flat(a, at, c, index, d);
      return;
    case Kind::kOption:
    case Kind::kResult:
    case Kind::kVariant: {
      const std::vector<ValueType> cases = traces::cases_of(t);
      if (a.args[index] < cases.size() && cases[a.args[index]].kind != Kind::kNone) {
        uint32_t inside = index + 1;
        fetch_flat(a, at, cases[a.args[index]], inside, d);
      }
      break;
    }
    case Kind::kString:
    case Kind::kList:
      if (a.args[index + 1] == 0) break;
      if (t.kind == Kind::kList && has_handle(t)) {
        fetch_words(a, at, t.children[0], static_cast<uint32_t>(a.args[index]), d);
      } else if (random_.chance(50)) {
        Operation& o = d.after.emplace_back();
        o.kind = Op::kLoad;
        o.memory = at.memory;
        o.args.push_back(literal(a.args[index]));
      }
      break;
    case Kind::kBorrow:
      // The instance that defines the resource gets its rep.
      if (scenario_.resources[t.resource].instance == a.instance) break;
      [[fallthrough]];
    case Kind::kOwn:
    case Kind::kStream:
    case Kind::kFuture: {
      const uint32_t to = hold(a.instance, d, holding_of(a, t));
      Operation& o = d.after.emplace_back();
      o.kind = Op::kParam;
      o.args.push_back(literal(index));
      o.to = to;
      break;
    }
    default:
      break;
  }
  index += static_cast<uint32_t>(traces::flatten(t, at.pointers).size());
}

void Generator::fetch_words(const Activation& a, Place at, const ValueType& t, uint32_t address, Draft& d) {
  switch (t.kind) {
    case Kind::kTuple:
    case Kind::kRecord: {
      const std::vector<uint32_t> offsets = traces::offsets(t.children, at.pointers);
      for (size_t i = 0; i < t.children.size(); ++i) fetch_words(a, at, t.children[i], address + offsets[i], d);
      return;
    }
    case Kind::kBorrow:
      if (scenario_.resources[t.resource].instance == a.instance) return;
      [[fallthrough]];
    case Kind::kOwn:
    case Kind::kStream:
    case Kind::kFuture: {
      const uint32_t to = hold(a.instance, d, holding_of(a, t));
      Operation& o = d.after.emplace_back();
      o.kind = Op::kLoad;
      o.memory = at.memory;
      o.args.push_back(literal(address));
      o.to = to;
      return;
    }
    default:
      if (!random_.chance(25)) return;
      Operation& o = d.after.emplace_back();
      o.kind = Op::kLoad;
      o.memory = at.memory;
      o.args.push_back(literal(address));
      return;
  }
}

// Fetches what a call or a copy has left in memory.
bool Generator::draw_arrival(const Activation& a, Draft& d) {
  std::vector<Arrival>& arrivals = memos_[a.instance].arrivals;
  for (size_t i = 0; i < arrivals.size(); ++i) {
    const Arrival& w = arrivals[i];
    if (w.subtask != kNone) {
      const uint32_t handle = handle_in(a.instance, w.subtask);
      const auto state = view_->subtask_state(a.instance, handle);
      if (handle != 0 && (!state || *state != 2)) continue;
    } else if (is_copying(a.instance, w.end)) {
      continue;
    }
    const Arrival arrival = w;
    arrivals.erase(arrivals.begin() + static_cast<ptrdiff_t>(i));
    fetch_words(a, place(a.instance, arrival.memory), arrival.type, arrival.address, d);
    if (d.after.empty()) return false;
    d.op = std::move(d.after.front());
    d.after.erase(d.after.begin());
    return true;
  }
  return false;
}

}  // namespace lockstep::diff
