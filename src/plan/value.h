// One constant of a plan or one bound (minimum, maximum) of a column, in the representation of type.h.
#pragma once

#include <cstdint>
#include <string>

namespace sirocco::plan {

using int128 = __int128;

struct Value {
  bool is_null = true;
  int128 integer = 0;    // lanes kI64 (sign extended; kUInt: zero extended) and kI128
  double real = 0;       // lane kF64
  std::string bytes;     // lane kStr

  static Value Null() { return {}; }
  static Value Int(int128 v) { return {.is_null = false, .integer = v}; }
  static Value Real(double v) { return {.is_null = false, .real = v}; }
  static Value Bytes(std::string v) { return {.is_null = false, .bytes = std::move(v)}; }

  bool operator==(const Value&) const = default;
};

}  // namespace sirocco::plan
