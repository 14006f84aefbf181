// definitions.py "### 📝 `canon error-context.new`" to "### 📝 `canon error-context.drop`"
//
// Error contexts: a message for people who debug, which the host may forget or change.
#pragma once

#include <cstdint>
#include <string>

#include "model/options.h"
#include "model/table.h"

namespace lockstep::model {

class ErrorContext : public HandleEntry {
 public:
  std::string debug_message;

  explicit ErrorContext(std::string debug_message_) : debug_message(std::move(debug_message_)) {}
};

uint32_t canon_error_context_new(const LiftLowerOptions& opts, CoreVal ptr, CoreVal tagged_code_units);
void canon_error_context_debug_message(const LiftLowerOptions& opts, uint32_t i, CoreVal ptr);
void canon_error_context_drop(uint32_t i);

}  // namespace lockstep::model
