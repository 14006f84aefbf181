// The little of Wasmtime's C API that is needed. Handles are opaque; the few structures that callers must make room for
// have grown from version to version, so they get more than any needs.
#include "optimized/bench/wasmtime.h"

#include <dlfcn.h>

#include <cstring>
#include <stdexcept>

namespace lockstep::optimized::bench {
namespace {

struct Bytes {
  size_t size = 0;
  char* data = nullptr;
};
struct Error;
struct Config;
struct Engine;
struct StoreHandle;
struct StoreContext;
struct Linker;
struct Component;
struct ExportIndex;
struct Room {
  alignas(16) unsigned char bytes[64] = {};
};
struct ComponentValue {
  uint8_t kind = 6;  // u32
  alignas(8) union {
    uint32_t u32;
    unsigned char bytes[24];
  } of = {};
};
static_assert(sizeof(ComponentValue) == 32);

constexpr const char* kComponent = R"(
(component
  (component $callee
    $BUILTIN
    (core module $m
      (func (export "f") (param i32 i32) (result i32)
        (i32.add (i32.mul (local.get 0) (i32.const 3)) (local.get 1))))
    (core instance $i (instantiate $m))
    (func (export "f") (param "x" u32) (param "y" u32) (result u32) (canon lift (core func $i "f"))))
  (component $caller
    (import "f" (func $f (param "x" u32) (param "y" u32) (result u32)))
    $BUILTIN
    (core func $lowered (canon lower (func $f)))
    (core module $m
      (import "" "f" (func $f (param i32 i32) (result i32)))
      (func (export "run") (param $calls i32) (result i32) (local $i i32) (local $sum i32)
        (if (local.get $calls) (then
          (loop $next
            (local.set $sum (call $f (local.get $sum) (local.get $i)))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $i) (local.get $calls))))))
        (local.get $sum)))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $lowered))))))
    (func (export "run") (param "calls" u32) (result u32) (canon lift (core func $i "run"))))
  (instance $callee (instantiate $callee))
  (instance $caller (instantiate $caller (with "f" (func $callee "f"))))
  (func (export "run") (alias export $caller "run")))
)";

std::string component_text(bool uses_context) {
  std::string text = kComponent;
  const std::string name = "$BUILTIN";
  for (size_t at; (at = text.find(name)) != std::string::npos;)
    text.replace(at, name.size(), uses_context ? "(core func $get (canon context.get i32 0))" : "");
  return text;
}

}  // namespace

struct WasmtimeLoop::Impl {
  void* library;
  StoreContext* context = nullptr;
  Room function;

  template <typename F>
  F symbol(const char* name) const {
    void* found = dlsym(library, name);
    if (found == nullptr) throw std::runtime_error(std::string("no ") + name);
    return reinterpret_cast<F>(found);
  }

  void check(Error* error) const {
    if (error == nullptr) return;
    Bytes message;
    symbol<void (*)(const Error*, Bytes*)>("wasmtime_error_message")(error, &message);
    throw std::runtime_error(std::string(message.data, message.size));
  }

  void set(Config* config, const char* name, bool on) const { symbol<void (*)(Config*, bool)>(name)(config, on); }

  explicit Impl(const WasmtimeOptions& o) : library(dlopen(o.file.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (library == nullptr) throw std::runtime_error(dlerror());
    Config* config = symbol<Config* (*)()>("wasm_config_new")();
    set(config, "wasmtime_config_wasm_component_model_set", true);
    set(config, "wasmtime_config_wasm_component_model_async_set", o.concurrency);
    set(config, "wasmtime_config_concurrency_support_set", o.concurrency);
    Engine* engine = symbol<Engine* (*)(Config*)>("wasm_engine_new_with_config")(config);
    if (engine == nullptr) throw std::runtime_error("these options are refused");

    const std::string text = component_text(o.uses_context);
    Bytes binary;
    check(symbol<Error* (*)(const char*, size_t, Bytes*)>("wasmtime_wat2wasm")(text.data(), text.size(), &binary));
    Component* component = nullptr;
    check(symbol<Error* (*)(Engine*, const char*, size_t, Component**)>("wasmtime_component_new")(
        engine, binary.data, binary.size, &component));
    StoreHandle* store =
        symbol<StoreHandle* (*)(Engine*, void*, void (*)(void*))>("wasmtime_store_new")(engine, nullptr, nullptr);
    context = symbol<StoreContext* (*)(StoreHandle*)>("wasmtime_store_context")(store);
    Linker* linker = symbol<Linker* (*)(Engine*)>("wasmtime_component_linker_new")(engine);
    Room instance;
    check(symbol<Error* (*)(Linker*, StoreContext*, Component*, Room*)>("wasmtime_component_linker_instantiate")(
        linker, context, component, &instance));
    ExportIndex* index = symbol<ExportIndex* (*)(Room*, StoreContext*, ExportIndex*, const char*, size_t)>(
        "wasmtime_component_instance_get_export_index")(&instance, context, nullptr, "run", 3);
    if (index == nullptr || !symbol<bool (*)(Room*, StoreContext*, ExportIndex*, Room*)>(
                                "wasmtime_component_instance_get_func")(&instance, context, index, &function))
      throw std::runtime_error("the component has no function `run`");
    call = symbol<Call>("wasmtime_component_func_call");
  }

  using Call = Error* (*)(Room*, StoreContext*, const ComponentValue*, size_t, ComponentValue*, size_t);
  Call call = nullptr;
};

// Engine and store stay: a process that measures is short-lived, and unloading a Rust library is not supported.
WasmtimeLoop::WasmtimeLoop(const WasmtimeOptions& o) : impl_(std::make_unique<Impl>(o)) {}

WasmtimeLoop::~WasmtimeLoop() = default;

uint32_t WasmtimeLoop::run(uint32_t calls) {
  ComponentValue argument;
  argument.of.u32 = calls;
  ComponentValue result;
  impl_->check(impl_->call(&impl_->function, impl_->context, &argument, 1, &result, 1));
  return result.of.u32;
}

}  // namespace lockstep::optimized::bench
