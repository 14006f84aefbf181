// Numbers as CLIF writes them: see immediates.h.
#include "optimized/clif/immediates.h"

#include <bit>
#include <optional>

#include "optimized/clif/wide.h"

namespace lockstep::clif {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

std::optional<unsigned> digit(char c, unsigned base) {
  unsigned value;
  if (c >= '0' && c <= '9') {
    value = static_cast<unsigned>(c - '0');
  } else if (c >= 'a' && c <= 'f') {
    value = static_cast<unsigned>(c - 'a') + 10;
  } else if (c >= 'A' && c <= 'F') {
    value = static_cast<unsigned>(c - 'A') + 10;
  } else {
    return std::nullopt;
  }
  if (value >= base) return std::nullopt;
  return value;
}

// Digits without a sign; underscores may stand anywhere among them.
Parsed<uint64_t> parse_magnitude(std::string_view text) {
  unsigned base = 10;
  if (text.substr(0, 2) == "0x") {
    base = 16;
    text.remove_prefix(2);
  }
  uint64_t value = 0;
  bool any = false;
  for (char c : text) {
    if (c == '_') continue;
    const auto next = digit(c, base);
    if (!next) return {0, "this is not an integer"};
    any = true;
    if (value > (UINT64_MAX - *next) / base) return {0, "this number needs more than 64 bits"};
    value = value * base + *next;
  }
  if (!any) return {0, "a number without digits"};
  return {value};
}

struct Signed {
  bool negative = false;
  std::string_view rest;
};
Signed split_sign(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) return {text[0] == '-', text.substr(1)};
  return {false, text};
}

uint64_t ones(unsigned bits) { return bits >= 64 ? UINT64_MAX : (uint64_t{1} << bits) - 1; }

std::string hexadecimal(uint64_t value) {
  std::string text = "0x";
  int shift = (63 - std::countl_zero(value | 1)) / 16 * 16;
  for (; shift >= 0; shift -= 16) {
    const uint64_t group = value >> shift & 0xffff;
    for (int nibble = 12; nibble >= 0; nibble -= 4) text += kHexDigits[group >> nibble & 15];
    if (shift > 0) text += '_';
  }
  return text;
}

// Without leading zeros.
std::string plain_hexadecimal(uint64_t value) {
  std::string text;
  for (int shift = (63 - std::countl_zero(value | 1)) / 4 * 4; shift >= 0; shift -= 4) {
    text += kHexDigits[value >> shift & 15];
  }
  return text;
}

std::optional<uint64_t> payload(std::string_view text) {
  if (text.empty() || text.size() > 32) return std::nullopt;
  uint64_t value = 0;
  for (char c : text) {
    const auto next = digit(c, 16);
    if (!next || value >> 60 != 0) return std::nullopt;
    value = value << 4 | *next;
  }
  return value;
}

// "0.0", "Inf" and the NaNs: what is written without "0x".
Parsed<uint64_t> parse_special(std::string_view text, uint64_t sign, FloatFormat format) {
  const uint64_t infinity = ones(format.exponent_bits) << format.significand_bits;
  const uint64_t quiet = uint64_t{1} << (format.significand_bits - 1);
  if (text == "0.0") return {sign};
  if (text == "Inf") return {sign | infinity};
  if (text == "NaN") return {sign | infinity | quiet};
  const bool signalling = text.substr(0, 7) == "sNaN:0x";
  if (signalling || text.substr(0, 6) == "NaN:0x") {
    const auto bits = payload(text.substr(signalling ? 7 : 6));
    if (!bits || *bits >= quiet || (signalling && *bits == 0)) return {0, "this NaN has no such payload"};
    return {sign | infinity | (signalling ? 0 : quiet) | *bits};
  }
  return {0, "a float is written in hexadecimal, or as 0.0, Inf or NaN"};
}

std::optional<int> parse_exponent(std::string_view text) {
  const auto [negative, digits] = split_sign(text);
  if (digits.empty() || digits.size() > 5) return std::nullopt;
  int value = 0;
  for (char c : digits) {
    const auto next = digit(c, 10);
    if (!next) return std::nullopt;
    value = value * 10 + static_cast<int>(*next);
  }
  return negative ? -value : value;
}

unsigned bit_length(U128 value) {
  const auto high = static_cast<uint64_t>(value >> 64);
  const auto low = static_cast<uint64_t>(value);
  return high != 0 ? 128 - static_cast<unsigned>(std::countl_zero(high))
                   : 64 - static_cast<unsigned>(std::countl_zero(low));
}

}  // namespace

Parsed<uint64_t> parse_integer(std::string_view text, unsigned bits) {
  const auto [negative, digits] = split_sign(text);
  const Parsed<uint64_t> magnitude = parse_magnitude(digits);
  if (magnitude.error) return magnitude;
  const uint64_t limit = negative ? uint64_t{1} << (bits - 1) : ones(bits);
  if (magnitude.value > limit) return {0, "this number does not fit into its type"};
  return {(negative ? ~magnitude.value + 1 : magnitude.value) & ones(bits)};
}

Parsed<uint64_t> parse_unsigned(std::string_view text, unsigned bits) {
  const auto [negative, digits] = split_sign(text);
  if (negative) return {0, "this number must not be negative"};
  const Parsed<uint64_t> magnitude = parse_magnitude(digits);
  if (!magnitude.error && magnitude.value > ones(bits)) return {0, "this number is too large"};
  return magnitude;
}

Parsed<int32_t> parse_offset(std::string_view text) {
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return {0, "an offset begins with its sign"};
  const auto [negative, digits] = split_sign(text);
  const Parsed<uint64_t> magnitude = parse_magnitude(digits);
  if (magnitude.error) return {0, magnitude.error};
  if (magnitude.value > (negative ? uint64_t{0x80000000} : uint64_t{0x7fffffff})) {
    return {0, "an offset has 32 bits"};
  }
  const auto value = static_cast<int64_t>(magnitude.value);
  return {static_cast<int32_t>(negative ? -value : value)};
}

Parsed<uint64_t> parse_float(std::string_view text, FloatFormat format) {
  const int stored = static_cast<int>(format.significand_bits);
  const auto [negative, number] = split_sign(text);
  const uint64_t sign = negative ? uint64_t{1} << (format.exponent_bits + format.significand_bits) : 0;
  if (number.substr(0, 2) != "0x") return parse_special(number, sign, format);

  U128 significand = 0;
  int digits = 0;
  std::optional<int> before_point;
  int exponent = 0;
  for (size_t i = 2; i < number.size(); ++i) {
    if (number[i] == '.') {
      if (before_point) return {0, "a float with two points"};
      before_point = digits;
    } else if (number[i] == 'p') {
      const auto parsed = parse_exponent(number.substr(i + 1));
      if (!parsed) return {0, "a float with a bad exponent"};
      exponent = *parsed;
      break;
    } else {
      const auto next = digit(number[i], 16);
      if (!next) return {0, "this is not a float"};
      if (++digits > 32) return {0, "a float with too many digits"};
      significand = significand << 4 | *next;
    }
  }
  if (digits == 0) return {0, "a float without digits"};
  if (significand == 0) return {sign};
  if (before_point) exponent -= 4 * (digits - *before_point);

  // The significand gets exactly stored + 1 bits.
  const int surplus = static_cast<int>(bit_length(significand)) - (stored + 1);
  if (surplus > 0) {
    if ((significand & ((U128{1} << surplus) - 1)) != 0) return {0, "this float has more bits than its type"};
    significand >>= surplus;
  } else {
    significand <<= -surplus;
  }
  exponent += surplus;
  const int bias = (1 << (format.exponent_bits - 1)) - 1;
  exponent += bias + stored;
  auto bits = static_cast<uint64_t>(significand);
  if (exponent > (1 << format.exponent_bits) - 2) return {0, "this float is too large for its type"};
  if (exponent > 0) {
    return {sign | static_cast<uint64_t>(exponent) << stored | (bits & ones(format.significand_bits))};
  }
  const int shift = 1 - exponent;
  if (shift > stored || (bits & ones(static_cast<unsigned>(shift))) != 0) {
    return {0, "this float is too small for its type"};
  }
  return {sign | bits >> shift};
}

std::string print_integer(int64_t value) {
  return value < 10'000 ? std::to_string(value) : hexadecimal(static_cast<uint64_t>(value));
}

std::string print_offset(int32_t value) {
  if (value == 0) return "";
  const int64_t wide = value;
  return (wide < 0 ? "-" : "+") + print_integer(wide < 0 ? -wide : wide);
}

std::string print_float(uint64_t bits, FloatFormat format) {
  const unsigned stored = format.significand_bits;
  const uint64_t significand = bits & ones(stored);
  const uint64_t exponent = bits >> stored & ones(format.exponent_bits);
  const bool negative = (bits >> (stored + format.exponent_bits) & 1) != 0;
  const int bias = (1 << (format.exponent_bits - 1)) - 1;

  if (exponent == ones(format.exponent_bits)) {
    // These always have a sign, so that they can't be taken for words.
    std::string text = negative ? "-" : "+";
    if (significand == 0) return text + "Inf";
    const uint64_t quiet = uint64_t{1} << (stored - 1);
    if (significand == quiet) return text + "NaN";
    return text + ((significand & quiet) != 0 ? "NaN:0x" : "sNaN:0x") + plain_hexadecimal(significand & (quiet - 1));
  }
  std::string text = negative ? "-" : "";
  if (exponent == 0 && significand == 0) return text + "0.0";
  const unsigned digits = (stored + 3) / 4;
  const uint64_t left = significand << (4 * digits - stored);
  text += exponent == 0 ? "0x0." : "0x1.";
  for (unsigned i = digits; i-- > 0;) text += kHexDigits[left >> (4 * i) & 15];
  return text + "p" + std::to_string(exponent == 0 ? 1 - bias : static_cast<int>(exponent) - bias);
}

}  // namespace lockstep::clif
