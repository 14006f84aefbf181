// The same loop in a real Wasmtime, through its C API, loaded when it is asked for: a component whose core code calls
// the export of another component so many times. Only versions with a setter for component async have one (46 and
// later).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace lockstep::optimized::bench {

struct WasmtimeOptions {
  std::string file;   // libwasmtime.so
  bool concurrency;   // concurrency support: tasks are kept at all
  bool uses_context;  // both components import a built-in that is about tasks (context.get)
};

class WasmtimeLoop {
 public:
  // Throws std::runtime_error with what Wasmtime or the loader says.
  explicit WasmtimeLoop(const WasmtimeOptions&);
  ~WasmtimeLoop();

  uint32_t run(uint32_t calls);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lockstep::optimized::bench
