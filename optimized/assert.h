// The engine's own invariants. They stay on in every build type and throw, so that an embedder (or a tester) can report
// a broken engine instead of dying with it. Nothing that a guest can do wrong is checked here: that is a Trap.
#pragma once

#include <stdexcept>
#include <string>

namespace lockstep::optimized {

class AssertionFailure : public std::logic_error {
 public:
  AssertionFailure(const char* file, int line, const char* text)
      : std::logic_error(std::string(file) + ":" + std::to_string(line) + ": " + text) {}
};

[[noreturn, gnu::cold, gnu::noinline]] inline void assertion_failed(const char* file, int line, const char* text) {
  throw AssertionFailure(file, line, text);
}

}  // namespace lockstep::optimized

#define OPTIMIZED_ASSERT(condition)                                            \
  do {                                                                         \
    if (!(condition)) [[unlikely]]                                             \
      ::lockstep::optimized::assertion_failed(__FILE__, __LINE__, #condition); \
  } while (false)
