// Alignment, Element Size and Flattening of definitions.py.
#include "optimized/valtype.h"

#include <algorithm>

#include "optimized/assert.h"

namespace lockstep::optimized {
namespace {

constexpr std::array kAddressTypes = {AddressType::kI32, AddressType::kI64};

uint32_t align_to(uint32_t offset, uint32_t alignment) { return (offset + alignment - 1) / alignment * alignment; }

// Sizes are far below 2^32 for every type that validation lets through; this catches others.
uint32_t add(uint32_t a, uint32_t b) {
  OPTIMIZED_ASSERT(a <= UINT32_MAX / 2 && b <= UINT32_MAX / 2);
  return a + b;
}

uint32_t scalar_size(TypeKind kind) {
  switch (kind) {
    case TypeKind::kBool:
    case TypeKind::kU8:
    case TypeKind::kS8:
      return 1;
    case TypeKind::kU16:
    case TypeKind::kS16:
      return 2;
    case TypeKind::kU64:
    case TypeKind::kS64:
      return 8;
    default:
      return 4;  // also handles
  }
}

void lay_out_fields(TypeNode& t) {
  t.flat_count = 0;
  for (const TypePart& p : t.parts) t.flat_count = add(t.flat_count, p.type->flat_count);
  for (AddressType a : kAddressTypes) {
    Layout layout = {1, 0};
    for (const TypePart& p : t.parts) {
      const Layout& field = p.type->in(a);
      layout.size = align_to(layout.size, field.alignment);
      t.offsets[static_cast<size_t>(a)].push_back(layout.size);
      layout.size = add(layout.size, field.size);
      layout.alignment = std::max(layout.alignment, field.alignment);
    }
    layout.size = align_to(layout.size, layout.alignment);
    t.layout[static_cast<size_t>(a)] = layout;
  }
}

void lay_out_cases(TypeNode& t) {
  const size_t n = t.parts.size();
  t.discriminant_size = n <= 1u << 8 ? 1 : n <= 1u << 16 ? 2 : 4;
  t.flat_count = 0;
  for (const TypePart& p : t.parts)
    if (p.type != nullptr) t.flat_count = std::max(t.flat_count, p.type->flat_count);
  t.flat_count = add(t.flat_count, 1);
  for (AddressType a : kAddressTypes) {
    Layout payload = {1, 0};
    for (const TypePart& p : t.parts) {
      if (p.type == nullptr) continue;
      payload.alignment = std::max(payload.alignment, p.type->in(a).alignment);
      payload.size = std::max(payload.size, p.type->in(a).size);
    }
    const uint32_t offset = align_to(t.discriminant_size, payload.alignment);
    const uint32_t alignment = std::max(t.discriminant_size, payload.alignment);
    t.payload_offset[static_cast<size_t>(a)] = offset;
    t.layout[static_cast<size_t>(a)] = {alignment, align_to(add(offset, payload.size), alignment)};
  }
}

std::shared_ptr<TypeNode> new_node(TypeKind kind, uint32_t size) {
  auto node = std::make_shared<TypeNode>();
  node->kind = kind;
  node->layout.fill({size, size});
  return node;
}

// A pointer and a length.
std::shared_ptr<TypeNode> new_range(TypeKind kind) {
  auto node = new_node(kind, 0);
  node->flat_count = 2;
  node->layout = {{{4, 8}, {8, 16}}};
  return node;
}

}  // namespace

Type Type::primitive(TypeKind kind) {
  OPTIMIZED_ASSERT(kind <= TypeKind::kString);
  static const std::vector<Type> kPrimitives = [] {
    std::vector<Type> types;
    for (TypeKind k = TypeKind::kBool; k < TypeKind::kString; k = static_cast<TypeKind>(static_cast<uint8_t>(k) + 1))
      types.push_back(Type(new_node(k, scalar_size(k))));
    types.push_back(Type(new_range(TypeKind::kString)));
    return types;
  }();
  return kPrimitives[static_cast<size_t>(kind)];
}

Type Type::of_element(TypeKind kind, const Type& element) {
  auto node = kind == TypeKind::kList ? new_range(kind) : new_node(kind, 4);
  node->element = element.node_;
  return Type(std::move(node));
}

Type Type::of_parts(TypeKind kind, std::vector<TypePart> parts) {
  OPTIMIZED_ASSERT(!parts.empty());
  auto node = new_node(kind, 0);
  node->parts = std::move(parts);
  if (kind == TypeKind::kRecord || kind == TypeKind::kTuple) {
    lay_out_fields(*node);
  } else {
    lay_out_cases(*node);
  }
  return Type(std::move(node));
}

Type Type::list(const Type& element) {
  OPTIMIZED_ASSERT(bool(element));
  return of_element(TypeKind::kList, element);
}

Type Type::stream(const Type& element) { return of_element(TypeKind::kStream, element); }
Type Type::future(const Type& element) { return of_element(TypeKind::kFuture, element); }

Type Type::record(std::vector<std::pair<std::string, Type>> fields) {
  std::vector<TypePart> parts;
  for (auto& [label, type] : fields) {
    OPTIMIZED_ASSERT(bool(type));
    parts.push_back({std::move(label), std::move(type.node_)});
  }
  return of_parts(TypeKind::kRecord, std::move(parts));
}

Type Type::tuple(const std::vector<Type>& fields) {
  std::vector<TypePart> parts;
  for (const Type& type : fields) {
    OPTIMIZED_ASSERT(bool(type));
    parts.push_back({"", type.node_});
  }
  return of_parts(TypeKind::kTuple, std::move(parts));
}

Type Type::variant(std::vector<std::pair<std::string, Type>> cases) {
  std::vector<TypePart> parts;
  for (auto& [label, type] : cases) parts.push_back({std::move(label), std::move(type.node_)});
  return of_parts(TypeKind::kVariant, std::move(parts));
}

Type Type::option(const Type& some) {
  OPTIMIZED_ASSERT(bool(some));
  return of_parts(TypeKind::kOption, {{"", nullptr}, {"", some.node_}});
}

Type Type::result(const Type& ok, const Type& error) {
  return of_parts(TypeKind::kResult, {{"", ok.node_}, {"", error.node_}});
}

Type Type::own(const ResourceType& resource) {
  auto node = new_node(TypeKind::kOwn, 4);
  node->resource = &resource;
  return Type(std::move(node));
}

Type Type::borrow(const ResourceType& resource) {
  auto node = new_node(TypeKind::kBorrow, 4);
  node->resource = &resource;
  return Type(std::move(node));
}

bool Type::equal(const TypeNode* a, const TypeNode* b) {
  if (a == b) return true;
  if (a == nullptr || b == nullptr || a->kind != b->kind || a->resource != b->resource) return false;
  return equal(a->element.get(), b->element.get()) &&
         std::equal(a->parts.begin(), a->parts.end(), b->parts.begin(), b->parts.end(),
                    [](const TypePart& x, const TypePart& y) {
                      return x.label == y.label && equal(x.type.get(), y.type.get());
                    });
}

Value Value::text(std::string text) {
  Value v;
  v.rest_ = std::make_unique<Rest>();
  v.rest_->text = std::move(text);
  return v;
}

Value Value::of(std::vector<Value> items) {
  Value v;
  v.rest_ = std::make_unique<Rest>();
  v.rest_->items = std::move(items);
  return v;
}

Value Value::of_case(uint32_t index, Value payload) {
  Value v(index);
  v.rest_ = std::make_unique<Rest>();
  v.rest_->items.push_back(std::move(payload));
  return v;
}

bool Value::operator==(const Value& other) const {
  if (number_ != other.number_ || (rest_ != nullptr) != (other.rest_ != nullptr)) return false;
  return rest_ == nullptr || (rest_->text == other.rest_->text && rest_->items == other.rest_->items);
}

}  // namespace lockstep::optimized
