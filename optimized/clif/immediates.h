// Numbers as CLIF writes them: integers in decimal or hexadecimal with underscores, offsets with a sign, floats in
// hexadecimal with Inf and NaN. Reading and printing are inverse to each other, bit for bit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lockstep::clif {

// A number that was read, or what is wrong with its text (error is not null then).
template <typename T>
struct Parsed {
  T value{};
  const char* error = nullptr;
};

// "255", "0xff", "-1", "1_000" as an integer of `bits` (8 … 64): the value in its low bits. Accepted is what an
// unsigned or a signed integer of that width can hold.
Parsed<uint64_t> parse_integer(std::string_view text, unsigned bits);
// An unsigned number of at most `bits` bits; no sign but "+".
Parsed<uint64_t> parse_unsigned(std::string_view text, unsigned bits);
// "+8", "-0x10": the sign is part of it.
Parsed<int32_t> parse_offset(std::string_view text);

// An IEEE format by its exponent's and its significand's stored bits.
struct FloatFormat {
  unsigned exponent_bits;
  unsigned significand_bits;
};
inline constexpr FloatFormat kF16Format{5, 10};
inline constexpr FloatFormat kF32Format{8, 23};
inline constexpr FloatFormat kF64Format{11, 52};
// "0x1.8p3", "0.0", "-Inf", "+NaN", "NaN:0x5", "sNaN:0x5": the bits.
Parsed<uint64_t> parse_float(std::string_view text, FloatFormat format);

// Decimal below 10,000 (negative numbers always), otherwise hexadecimal in groups of four.
std::string print_integer(int64_t value);
// As above with a sign; nothing for 0.
std::string print_offset(int32_t value);
std::string print_float(uint64_t bits, FloatFormat format);

}  // namespace lockstep::clif
