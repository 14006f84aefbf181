// Values as words, and the layout of value types: definitions.py "## Alignment", "## Element Size", "## Flattening".
#include "traces/value.h"

#include <algorithm>

namespace lockstep::traces {

using Kind = ValueType::Kind;

Value Value::integer(uint64_t bits) {
  Value v;
  v.bits = bits;
  return v;
}
Value Value::negative(int64_t i) {
  Value v;
  v.kind = i < 0 ? Kind::kNegative : Kind::kInteger;
  v.bits = static_cast<uint64_t>(i);
  return v;
}
Value Value::string(std::string text) {
  Value v;
  v.kind = Kind::kString;
  v.text = std::move(text);
  return v;
}
Value Value::sequence(std::vector<Value> children) {
  Value v;
  v.kind = Kind::kSequence;
  v.children = std::move(children);
  return v;
}
Value Value::of_case(uint32_t index) {
  Value v;
  v.kind = Kind::kCase;
  v.index = index;
  return v;
}
Value Value::of_case(uint32_t index, Value payload) {
  Value v = of_case(index);
  v.children.push_back(std::move(payload));
  return v;
}
Value Value::rep(uint32_t rep) {
  Value v;
  v.kind = Kind::kRep;
  v.bits = rep;
  return v;
}
Value Value::of_end(ThreadId end) {
  Value v;
  v.kind = Kind::kEnd;
  v.end = end;
  return v;
}

void append(Words& out, const Value& v) {
  out.push_back(static_cast<uint32_t>(v.kind));
  switch (v.kind) {
    case Value::Kind::kInteger:
    case Value::Kind::kNegative:
    case Value::Kind::kRep:
      out.push_back(static_cast<uint32_t>(v.bits));
      out.push_back(static_cast<uint32_t>(v.bits >> 32));
      return;
    case Value::Kind::kString:
      out.push_back(static_cast<uint32_t>(v.text.size()));
      for (size_t i = 0; i < v.text.size(); i += 4) {
        uint32_t word = 0;
        for (size_t k = 0; k < 4 && i + k < v.text.size(); ++k)
          word |= uint32_t{static_cast<uint8_t>(v.text[i + k])} << (8 * k);
        out.push_back(word);
      }
      return;
    case Value::Kind::kSequence:
      out.push_back(static_cast<uint32_t>(v.children.size()));
      for (const Value& c : v.children) append(out, c);
      return;
    case Value::Kind::kCase:
      out.push_back(v.index);
      out.push_back(static_cast<uint32_t>(v.children.size()));
      for (const Value& c : v.children) append(out, c);
      return;
    case Value::Kind::kEnd:
      out.push_back(v.end.task);
      out.push_back(v.end.k);
      return;
  }
}

Value value_at(std::span<const uint32_t> words, size_t& at) {
  Value v;
  v.kind = static_cast<Value::Kind>(words[at++]);
  switch (v.kind) {
    case Value::Kind::kInteger:
    case Value::Kind::kNegative:
    case Value::Kind::kRep:
      v.bits = words[at] | uint64_t{words[at + 1]} << 32;
      at += 2;
      break;
    case Value::Kind::kString: {
      const size_t length = words[at++];
      for (size_t i = 0; i < length; ++i) v.text.push_back(static_cast<char>(words[at + i / 4] >> (8 * (i % 4))));
      at += (length + 3) / 4;
      break;
    }
    case Value::Kind::kSequence:
    case Value::Kind::kCase: {
      if (v.kind == Value::Kind::kCase) v.index = words[at++];
      const size_t count = words[at++];
      for (size_t i = 0; i < count; ++i) v.children.push_back(value_at(words, at));
      break;
    }
    case Value::Kind::kEnd:
      v.end = {words[at], words[at + 1]};
      at += 2;
      break;
  }
  return v;
}

std::string_view name(Kind kind) {
  static constexpr std::string_view kNames[] = {"none",   "bool",   "u8",      "u16",    "u32",    "u64",    "s8",
                                                "s16",    "s32",    "s64",     "string", "list",   "tuple",  "record",
                                                "option", "result", "variant", "own",    "borrow", "stream", "future"};
  static_assert(std::size(kNames) == static_cast<size_t>(Kind::kFuture) + 1);
  return kNames[static_cast<size_t>(kind)];
}

// ---- layout

namespace {

size_t num_cases(const ValueType& t) { return t.kind == Kind::kOption ? 2 : t.children.size(); }
bool is_variant(const ValueType& t) {
  return t.kind == Kind::kOption || t.kind == Kind::kResult || t.kind == Kind::kVariant;
}
uint32_t discriminant_size(size_t cases) { return cases <= 0x100 ? 1 : cases <= 0x1'0000 ? 2 : 4; }
uint32_t pointer_size(IndexType t) { return t == IndexType::kI32 ? 4 : 8; }
uint32_t align_to(uint32_t at, uint32_t alignment) { return (at + alignment - 1) / alignment * alignment; }

}  // namespace

std::vector<ValueType> cases_of(const ValueType& t) {
  if (t.kind == Kind::kOption) return {ValueType(Kind::kNone), t.children[0]};
  return t.children;
}

const ValueType* payload_of(const ValueType& t, size_t index) {
  if (t.kind == Kind::kOption) return index == 0 ? nullptr : &t.children[0];
  return t.children[index].kind == Kind::kNone ? nullptr : &t.children[index];
}

uint32_t payload_offset(const ValueType& t, IndexType pointers) {
  const std::vector<ValueType> cases = cases_of(t);
  return align_to(discriminant_size(cases.size()), alignment(cases, pointers));
}

std::vector<CoreType> flatten(const ValueType& t, IndexType pointers) {
  const CoreType pointer = pointers == IndexType::kI32 ? CoreType::kI32 : CoreType::kI64;
  switch (t.kind) {
    case Kind::kNone:
      return {};
    case Kind::kU64:
    case Kind::kS64:
      return {CoreType::kI64};
    case Kind::kString:
    case Kind::kList:
      return {pointer, pointer};
    case Kind::kTuple:
    case Kind::kRecord:
      return flatten(t.children, pointers);
    case Kind::kOption:
    case Kind::kResult:
    case Kind::kVariant: {
      std::vector<CoreType> flat;
      for (const ValueType& c : cases_of(t)) {
        const std::vector<CoreType> payload = flatten(c, pointers);
        for (size_t i = 0; i < payload.size(); ++i) {
          if (i == flat.size())
            flat.push_back(payload[i]);
          else if (flat[i] != payload[i])
            flat[i] = CoreType::kI64;
        }
      }
      flat.insert(flat.begin(), CoreType::kI32);
      return flat;
    }
    default:
      return {CoreType::kI32};
  }
}

std::vector<CoreType> flatten(std::span<const ValueType> ts, IndexType pointers) {
  std::vector<CoreType> flat;
  for (const ValueType& t : ts) {
    const std::vector<CoreType> one = flatten(t, pointers);
    flat.insert(flat.end(), one.begin(), one.end());
  }
  return flat;
}

uint32_t alignment(const ValueType& t, IndexType pointers) {
  switch (t.kind) {
    case Kind::kNone:
    case Kind::kBool:
    case Kind::kU8:
    case Kind::kS8:
      return 1;
    case Kind::kU16:
    case Kind::kS16:
      return 2;
    case Kind::kU64:
    case Kind::kS64:
      return 8;
    case Kind::kString:
    case Kind::kList:
      return pointer_size(pointers);
    case Kind::kTuple:
    case Kind::kRecord:
      return alignment(t.children, pointers);
    case Kind::kOption:
    case Kind::kResult:
    case Kind::kVariant: {
      const std::vector<ValueType> cases = cases_of(t);
      return std::max(discriminant_size(cases.size()), alignment(cases, pointers));
    }
    default:
      return 4;
  }
}

uint32_t alignment(std::span<const ValueType> ts, IndexType pointers) {
  uint32_t a = 1;
  for (const ValueType& t : ts) a = std::max(a, alignment(t, pointers));
  return a;
}

uint32_t size(const ValueType& t, IndexType pointers) {
  switch (t.kind) {
    case Kind::kString:
    case Kind::kList:
      return 2 * pointer_size(pointers);
    case Kind::kTuple:
    case Kind::kRecord:
      return size(t.children, pointers);
    case Kind::kNone:
      return 0;
    default:
      break;
  }
  if (!is_variant(t)) return alignment(t, pointers);
  const std::vector<ValueType> cases = cases_of(t);
  uint32_t largest = 0;
  for (const ValueType& c : cases) largest = std::max(largest, size(c, pointers));
  return align_to(payload_offset(t, pointers) + largest, alignment(t, pointers));
}

uint32_t size(std::span<const ValueType> ts, IndexType pointers) {
  uint32_t at = 0;
  for (const ValueType& t : ts) at = align_to(at, alignment(t, pointers)) + size(t, pointers);
  return align_to(at, alignment(ts, pointers));
}

std::vector<uint32_t> offsets(std::span<const ValueType> ts, IndexType pointers) {
  std::vector<uint32_t> out;
  uint32_t at = 0;
  for (const ValueType& t : ts) {
    at = align_to(at, alignment(t, pointers));
    out.push_back(at);
    at += size(t, pointers);
  }
  return out;
}

bool contains(const ValueType& t, Kind kind) {
  return t.kind == kind ||
         std::any_of(t.children.begin(), t.children.end(), [&](const ValueType& c) { return contains(c, kind); });
}

bool has_pointers(const ValueType& t) {
  if (t.kind == Kind::kString || t.kind == Kind::kList) return true;
  // What a stream or future carries is lifted and lowered with the options of its own reads and writes.
  if (t.kind == Kind::kStream || t.kind == Kind::kFuture) return false;
  return std::any_of(t.children.begin(), t.children.end(), [](const ValueType& c) { return has_pointers(c); });
}

bool is_value_of(const Value& v, const ValueType& t) {
  const auto unsigned_below = [&](uint64_t limit) { return v.kind == Value::Kind::kInteger && v.bits <= limit; };
  const auto is_signed = [&](int64_t limit) {
    const auto i = static_cast<int64_t>(v.bits);
    return (v.kind == Value::Kind::kInteger && i >= 0 && i <= limit) ||
           (v.kind == Value::Kind::kNegative && i < 0 && i >= -limit - 1);
  };
  switch (t.kind) {
    case Kind::kNone:
      return false;
    case Kind::kBool:
      return unsigned_below(1);
    case Kind::kU8:
      return unsigned_below(0xff);
    case Kind::kU16:
      return unsigned_below(0xffff);
    case Kind::kU32:
      return unsigned_below(0xffff'ffff);
    case Kind::kU64:
      return unsigned_below(UINT64_MAX);
    case Kind::kS8:
      return is_signed(INT8_MAX);
    case Kind::kS16:
      return is_signed(INT16_MAX);
    case Kind::kS32:
      return is_signed(INT32_MAX);
    case Kind::kS64:
      return is_signed(INT64_MAX);
    case Kind::kString:
      return v.kind == Value::Kind::kString;
    case Kind::kList:
      return v.kind == Value::Kind::kSequence && std::all_of(v.children.begin(), v.children.end(), [&](const Value& c) {
               return is_value_of(c, t.children[0]);
             });
    case Kind::kTuple:
    case Kind::kRecord:
      if (v.kind != Value::Kind::kSequence || v.children.size() != t.children.size()) return false;
      for (size_t i = 0; i < t.children.size(); ++i)
        if (!is_value_of(v.children[i], t.children[i])) return false;
      return true;
    case Kind::kOption:
    case Kind::kResult:
    case Kind::kVariant: {
      if (v.kind != Value::Kind::kCase || v.index >= num_cases(t)) return false;
      const ValueType* payload = payload_of(t, v.index);
      if (payload == nullptr) return v.children.empty();
      return v.children.size() == 1 && is_value_of(v.children[0], *payload);
    }
    case Kind::kOwn:
    case Kind::kBorrow:
      return v.kind == Value::Kind::kRep && v.bits <= 0xffff'ffff;
    case Kind::kStream:
    case Kind::kFuture:
      return v.kind == Value::Kind::kEnd;
  }
  return false;
}

Value zero_of(const ValueType& t) {
  switch (t.kind) {
    case Kind::kString:
      return Value::string("");
    case Kind::kList:
      return Value::sequence({});
    case Kind::kTuple:
    case Kind::kRecord: {
      std::vector<Value> children;
      for (const ValueType& c : t.children) children.push_back(zero_of(c));
      return Value::sequence(std::move(children));
    }
    case Kind::kOption:
    case Kind::kResult:
    case Kind::kVariant: {
      const ValueType* payload = payload_of(t, 0);
      return payload == nullptr ? Value::of_case(0) : Value::of_case(0, zero_of(*payload));
    }
    case Kind::kOwn:
    case Kind::kBorrow:
      return Value::rep(0);
    case Kind::kStream:
    case Kind::kFuture:
      return Value::of_end({});
    default:
      return Value(0);
  }
}

}  // namespace lockstep::traces
