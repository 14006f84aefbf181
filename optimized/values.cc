// Loading, Storing, Flat Lifting, Flat Lowering of definitions.py.
#include "optimized/values.h"

#include <cstring>

#include "optimized/assert.h"
#include "optimized/instance.h"
#include "optimized/resource.h"
#include "optimized/store.h"

namespace lockstep::optimized {
namespace {

constexpr uint64_t kMaxByteLength = (uint64_t{1} << 28) - 1;  // MAX_STRING_BYTE_LENGTH, MAX_LIST_BYTE_LENGTH

uint32_t address_size(AddressType a) { return a == AddressType::kI32 ? 4 : 8; }

bool is_tail(uint8_t byte) { return (byte & 0xc0) == 0x80; }

bool is_utf8(std::span<const uint8_t> s) {
  for (size_t i = 0; i < s.size();) {
    const uint8_t lead = s[i];
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || s.size() - i < length) return false;
    for (size_t k = 1; k < length; ++k)
      if (!is_tail(s[i + k])) return false;
    const uint8_t second = s[i + 1];
    if (lead == 0xe0 && second < 0xa0) return false;   // overlong
    if (lead == 0xed && second >= 0xa0) return false;  // a surrogate
    if (lead == 0xf0 && second < 0x90) return false;   // overlong
    if (lead == 0xf4 && second >= 0x90) return false;  // beyond U+10FFFF
    i += length;
  }
  return true;
}

std::span<uint8_t> checked_bytes(const Memory& memory, uint64_t address, uint64_t size) {
  OPTIMIZED_ASSERT(in_bounds(memory, address, size));
  return memory.bytes.subspan(address, size);
}

void trap_unless_area(const Context& cx, uint64_t address, const TypeNode& t, TrapSite misaligned, TrapSite outside) {
  const Layout& layout = t.in(cx.address_type());
  trap_if(address % layout.alignment != 0, misaligned);
  trap_if(!in_bounds(*cx.memory, address, layout.size), outside);
}

// ---- handles

uint32_t lift_own(const Context& cx, uint32_t index, const TypeNode& t) {
  ResourceHandle* h = cx.instance->handles.remove(index).resource();
  trap_if(h == nullptr, TrapSite::kLiftOwn1);
  trap_if(h->type != t.resource, TrapSite::kLiftOwn2);
  trap_if(h->num_lends != 0, TrapSite::kLiftOwn3);
  trap_if(!h->own, TrapSite::kLiftOwn4);
  const uint32_t rep = h->rep;
  cx.instance->store->release(*h);
  return rep;
}

uint32_t lift_borrow(const Context& cx, uint32_t index, const TypeNode& t) {
  OPTIMIZED_ASSERT(cx.lenders != nullptr);
  ResourceHandle* h = cx.instance->handles.get(index).resource();
  trap_if(h == nullptr, TrapSite::kLiftBorrow1);
  trap_if(h->type != t.resource, TrapSite::kLiftBorrow2);
  ++h->num_lends;
  cx.lenders->push_back(h);
  return h->rep;
}

uint32_t lower_own(const Context& cx, uint32_t rep, const TypeNode& t) {
  return cx.instance->store->add_resource(*cx.instance, *t.resource, rep, nullptr);
}

uint32_t lower_borrow(const Context& cx, uint32_t rep, const TypeNode& t) {
  OPTIMIZED_ASSERT(cx.task != nullptr);
  if (cx.instance == t.resource->destructor.instance) return rep;
  if (!cx.instance->store->is(Mutant::kBorrowNotCounted)) ++live(cx.task)->num_borrows;
  return cx.instance->store->add_resource(*cx.instance, *t.resource, rep, cx.task);
}

// What every type does with a handle that is an i32, in memory and in flat values.
Value lift_handle(const Context& cx, uint32_t index, const TypeNode& t) {
  switch (t.kind) {
    case TypeKind::kOwn:
      return Value(lift_own(cx, index, t));
    case TypeKind::kBorrow:
      return Value(lift_borrow(cx, index, t));
    default:
      return Value::shared(lift_copy_end(*cx.instance, index, t));
  }
}

uint32_t lower_handle(const Context& cx, const Value& v, const TypeNode& t) {
  switch (t.kind) {
    case TypeKind::kOwn:
      return lower_own(cx, static_cast<uint32_t>(v.number()), t);
    case TypeKind::kBorrow:
      return lower_borrow(cx, static_cast<uint32_t>(v.number()), t);
    default:
      return lower_copy_end(*cx.instance, v.shared(), t);
  }
}

// ---- ranges

struct Range {
  uint64_t address;
  uint64_t length;
};

Value load_range(const Context& cx, Range r, const TypeNode& t) {
  if (t.kind == TypeKind::kString) return Value::text(load_text(cx, r.address, r.length));
  const Layout& element = t.element->in(cx.address_type());
  trap_if(r.length > kMaxByteLength / element.size, TrapSite::kLoadListFromRange1);
  trap_if(r.address % element.alignment != 0, TrapSite::kLoadListFromRange2);
  trap_if(!in_bounds(*cx.memory, r.address, r.length * element.size), TrapSite::kLoadListFromRange3);
  return Value::of(load_elements(cx, r.address, static_cast<uint32_t>(r.length), *t.element));
}

Range store_range(const Context& cx, const Value& v, const TypeNode& t) {
  if (t.kind == TypeKind::kString) return {store_text(cx, v.text()), v.text().size()};
  const Layout& element = t.element->in(cx.address_type());
  const uint64_t bytes = v.items().size() * element.size;
  OPTIMIZED_ASSERT(bytes <= UINT32_MAX);
  const uint64_t address = cx.instance->store->reallocate(cx, 0, 0, element.alignment, bytes);
  trap_if(address % element.alignment != 0, TrapSite::kStoreListIntoRange1);
  trap_if(!in_bounds(*cx.memory, address, bytes), TrapSite::kStoreListIntoRange2);
  store_elements(cx, v.items(), address, *t.element);
  return {address, v.items().size()};
}

}  // namespace

uint64_t lift_scalar(TypeKind kind, uint64_t flat) {
  const auto extend = [](auto narrow) { return static_cast<uint64_t>(int64_t{narrow}); };
  switch (kind) {
    case TypeKind::kBool:
      return static_cast<uint32_t>(flat) != 0;
    case TypeKind::kU8:
      return static_cast<uint8_t>(flat);
    case TypeKind::kU16:
      return static_cast<uint16_t>(flat);
    case TypeKind::kU32:
      return static_cast<uint32_t>(flat);
    case TypeKind::kS8:
      return extend(static_cast<int8_t>(flat));
    case TypeKind::kS16:
      return extend(static_cast<int16_t>(flat));
    case TypeKind::kS32:
      return extend(static_cast<int32_t>(flat));
    default:
      return flat;
  }
}

uint64_t lower_scalar(TypeKind kind, uint64_t number) {
  return kind == TypeKind::kU64 || kind == TypeKind::kS64 ? number : static_cast<uint32_t>(number);
}

uint64_t load_number(const Memory& memory, uint64_t address, uint32_t size) {
  uint64_t number = 0;
  std::memcpy(&number, checked_bytes(memory, address, size).data(), size);
  return number;
}

void store_number(const Memory& memory, uint64_t number, uint64_t address, uint32_t size) {
  std::memcpy(checked_bytes(memory, address, size).data(), &number, size);
}

std::string load_text(const Context& cx, uint64_t address, uint64_t bytes) {
  trap_if(bytes > kMaxByteLength, TrapSite::kLoadStringFromRange1);
  trap_if(!in_bounds(*cx.memory, address, bytes), TrapSite::kLoadStringFromRange3);
  const auto text = cx.memory->bytes.subspan(address, bytes);
  trap_if(!is_utf8(text), TrapSite::kLoadStringFromRange4);
  return std::string(text.begin(), text.end());
}

uint64_t store_text(const Context& cx, const std::string& text) {
  const uint64_t address = cx.instance->store->reallocate(cx, 0, 0, 1, text.size());
  trap_if(!in_bounds(*cx.memory, address, text.size()), TrapSite::kStoreStringCopy2);
  std::copy(text.begin(), text.end(), cx.memory->bytes.begin() + static_cast<ptrdiff_t>(address));
  return address;
}

std::vector<Value> load_elements(const Context& cx, uint64_t address, uint32_t count, const TypeNode& element) {
  const uint32_t size = element.in(cx.address_type()).size;
  std::vector<Value> out;
  out.reserve(count);
  for (uint32_t i = 0; i < count; ++i) out.push_back(load(cx, address + uint64_t{i} * size, element));
  return out;
}

void store_elements(const Context& cx, std::span<const Value> values, uint64_t address, const TypeNode& element) {
  const uint32_t size = element.in(cx.address_type()).size;
  for (const Value& v : values) {
    store(cx, v, element, address);
    address += size;
  }
}

Value load(const Context& cx, uint64_t address, const TypeNode& t) {
  const AddressType a = cx.address_type();
  switch (t.kind) {
    case TypeKind::kString:
    case TypeKind::kList: {
      const uint32_t size = address_size(a);
      const uint64_t begin = load_number(*cx.memory, address, size);
      return load_range(cx, {begin, load_number(*cx.memory, address + size, size)}, t);
    }
    case TypeKind::kRecord:
    case TypeKind::kTuple: {
      std::vector<Value> fields;
      fields.reserve(t.parts.size());
      const std::vector<uint32_t>& offsets = t.offsets[static_cast<size_t>(a)];
      for (size_t i = 0; i < t.parts.size(); ++i) fields.push_back(load(cx, address + offsets[i], *t.parts[i].type));
      return Value::of(std::move(fields));
    }
    case TypeKind::kVariant:
    case TypeKind::kOption:
    case TypeKind::kResult: {
      const auto index = static_cast<uint32_t>(load_number(*cx.memory, address, t.discriminant_size));
      trap_if(index >= t.parts.size(), TrapSite::kLoadVariant1);
      if (t.parts[index].type == nullptr) return Value::of_case(index);
      return Value::of_case(index, load(cx, address + t.payload_offset[static_cast<size_t>(a)], *t.parts[index].type));
    }
    case TypeKind::kOwn:
    case TypeKind::kBorrow:
    case TypeKind::kStream:
    case TypeKind::kFuture:
      return lift_handle(cx, static_cast<uint32_t>(load_number(*cx.memory, address, 4)), t);
    default:
      return Value(lift_scalar(t.kind, load_number(*cx.memory, address, t.in(a).size)));
  }
}

void store(const Context& cx, const Value& v, const TypeNode& t, uint64_t address) {
  const AddressType a = cx.address_type();
  switch (t.kind) {
    case TypeKind::kString:
    case TypeKind::kList: {
      const Range r = store_range(cx, v, t);
      const uint32_t size = address_size(a);
      store_number(*cx.memory, r.address, address, size);
      return store_number(*cx.memory, r.length, address + size, size);
    }
    case TypeKind::kRecord:
    case TypeKind::kTuple: {
      const std::vector<uint32_t>& offsets = t.offsets[static_cast<size_t>(a)];
      for (size_t i = 0; i < t.parts.size(); ++i) store(cx, v.items()[i], *t.parts[i].type, address + offsets[i]);
      return;
    }
    case TypeKind::kVariant:
    case TypeKind::kOption:
    case TypeKind::kResult: {
      const TypePart& c = t.parts[v.number()];
      store_number(*cx.memory, v.number(), address, t.discriminant_size);
      if (c.type != nullptr) store(cx, v.payload(), *c.type, address + t.payload_offset[static_cast<size_t>(a)]);
      return;
    }
    case TypeKind::kOwn:
    case TypeKind::kBorrow:
    case TypeKind::kStream:
    case TypeKind::kFuture:
      return store_number(*cx.memory, lower_handle(cx, v, t), address, 4);
    default:
      return store_number(*cx.memory, v.number(), address, t.in(a).size);
  }
}

Value lift_flat(const Context& cx, FlatReader& in, const TypeNode& t) {
  switch (t.kind) {
    case TypeKind::kString:
    case TypeKind::kList: {
      const uint64_t begin = in.address(cx.address_type());
      return load_range(cx, {begin, in.address(cx.address_type())}, t);
    }
    case TypeKind::kRecord:
    case TypeKind::kTuple: {
      std::vector<Value> fields;
      fields.reserve(t.parts.size());
      for (const TypePart& p : t.parts) fields.push_back(lift_flat(cx, in, *p.type));
      return Value::of(std::move(fields));
    }
    case TypeKind::kVariant:
    case TypeKind::kOption:
    case TypeKind::kResult: {
      const uint32_t index = in.i32();
      trap_if(index >= t.parts.size(), TrapSite::kLiftFlatVariant1);
      const TypeNode* payload = t.parts[index].type.get();
      Value v = payload != nullptr ? Value::of_case(index, lift_flat(cx, in, *payload)) : Value::of_case(index);
      in.skip(t.flat_count - 1 - (payload != nullptr ? payload->flat_count : 0));
      return v;
    }
    case TypeKind::kOwn:
    case TypeKind::kBorrow:
    case TypeKind::kStream:
    case TypeKind::kFuture:
      return lift_handle(cx, in.i32(), t);
    default:
      return Value(lift_scalar(t.kind, in.i64()));
  }
}

void lower_flat(const Context& cx, FlatWriter& out, const Value& v, const TypeNode& t) {
  switch (t.kind) {
    case TypeKind::kString:
    case TypeKind::kList: {
      const Range r = store_range(cx, v, t);
      out.put(r.address);
      return out.put(r.length);
    }
    case TypeKind::kRecord:
    case TypeKind::kTuple:
      for (size_t i = 0; i < t.parts.size(); ++i) lower_flat(cx, out, v.items()[i], *t.parts[i].type);
      return;
    case TypeKind::kVariant:
    case TypeKind::kOption:
    case TypeKind::kResult: {
      const TypeNode* payload = t.parts[v.number()].type.get();
      out.put(v.number());
      if (payload != nullptr) lower_flat(cx, out, v.payload(), *payload);
      for (uint32_t n = 1 + (payload != nullptr ? payload->flat_count : 0); n < t.flat_count; ++n) out.put(0);
      return;
    }
    case TypeKind::kOwn:
    case TypeKind::kBorrow:
    case TypeKind::kStream:
    case TypeKind::kFuture:
      return out.put(lower_handle(cx, v, t));
    default:
      return out.put(lower_scalar(t.kind, v.number()));
  }
}

void lift_params(const Context& cx, FlatReader& in, uint32_t max_flat, const FuncType& type, std::span<Value> out) {
  if (type.flat_params <= max_flat) {
    for (size_t i = 0; i < out.size(); ++i) out[i] = lift_flat(cx, in, *type.params[i]);
    return;
  }
  const TypeNode& tuple = *type.params_tuple;
  const uint64_t address = in.address(cx.address_type());
  trap_unless_area(cx, address, tuple, TrapSite::kLiftFlatValues1, TrapSite::kLiftFlatValues2);
  const std::vector<uint32_t>& offsets = tuple.offsets[static_cast<size_t>(cx.address_type())];
  for (size_t i = 0; i < out.size(); ++i) out[i] = load(cx, address + offsets[i], *type.params[i]);
}

void lower_params(const Context& cx, FlatWriter& out, std::span<const Value> values, const FuncType& type) {
  OPTIMIZED_ASSERT(values.size() == type.params.size());
  if (type.flat_params <= kMaxFlatParams) {
    for (size_t i = 0; i < values.size(); ++i) lower_flat(cx, out, values[i], *type.params[i]);
    return;
  }
  const TypeNode& tuple = *type.params_tuple;
  const Layout& layout = tuple.in(cx.address_type());
  const uint64_t address = cx.instance->store->reallocate(cx, 0, 0, layout.alignment, layout.size);
  out.put(address);
  trap_unless_area(cx, address, tuple, TrapSite::kLowerFlatValues1, TrapSite::kLowerFlatValues2);
  const std::vector<uint32_t>& offsets = tuple.offsets[static_cast<size_t>(cx.address_type())];
  for (size_t i = 0; i < values.size(); ++i) store(cx, values[i], *type.params[i], address + offsets[i]);
}

Value lift_result(const Context& cx, FlatReader& in, uint32_t max_flat, const FuncType& type) {
  if (!type.has_result()) return {};
  if (type.flat_result <= max_flat) return lift_flat(cx, in, *type.result);
  const uint64_t address = in.address(cx.address_type());
  trap_unless_area(cx, address, *type.result, TrapSite::kLiftFlatValues1, TrapSite::kLiftFlatValues2);
  return load(cx, address, *type.result);
}

void lower_result_to(const Context& cx, uint64_t address, const Value& v, const FuncType& type) {
  if (cx.address_type() == AddressType::kI32) address = static_cast<uint32_t>(address);
  trap_unless_area(cx, address, *type.result, TrapSite::kLowerFlatValues1, TrapSite::kLowerFlatValues2);
  store(cx, v, *type.result, address);
}

FuncType::FuncType(std::vector<Type> param_types, Type result_type, bool is_async)
    : params(std::move(param_types)), result(std::move(result_type)), async_(is_async) {
  if (!params.empty()) params_tuple = Type::tuple(params);
  const auto changed = [](const Type& t) {
    return t->kind != TypeKind::kU32 && t->kind != TypeKind::kS32 && t->kind != TypeKind::kU64 &&
           t->kind != TypeKind::kS64;
  };
  for (const Type& t : params) {
    flat_params += t->flat_count;
    scalars = scalars && t.is_scalar();
    verbatim = verbatim && !changed(t);
  }
  if (result) {
    flat_result = result->flat_count;
    scalars = scalars && result.is_scalar();
    verbatim = verbatim && !changed(result);
  }
  scalars = scalars && flat_params <= kMaxFlatParams;
  verbatim = verbatim && scalars;
}

ResourceType::ResourceType(Instance& impl, CoreFunc dtor)
    : destructor{&impl, {{Type::u32()}, {}, false}, Lift::kSync, nullptr, Encoding::kUtf8, dtor, {}, {}, {}} {}

}  // namespace lockstep::optimized
