// Inner loops of expression programs: plain loops over [0, n), compiled once per instruction set
// and chosen at process start. Inputs do not overlap outputs unless they are the same array. NULLs
// are not looked at: callers merge null bytes apart. Booleans are bytes 0 or 1. A kernel that can
// overflow returns non-zero if any row did (NULL rows included: the caller finds out which).
#pragma once

#include <cstdint>

namespace sirocco::engine {

enum class ArithmeticOp : uint8_t { kAdd, kSub, kMul };
enum class ArithmeticClass : uint8_t { kI64, kI64Checked, kI128, kI128Checked, kF64 };
enum class CompareOp : uint8_t { kEq, kNe, kLt, kLe, kGt, kGe };
enum class CompareClass : uint8_t { kI64, kU64, kI128, kF64, kU32 };
// Which of two arguments is a single value for all rows.
enum class Shape : uint8_t { kVV, kVC, kCV };

struct KernelTable {
  using Binary = uint64_t (*)(const void* a, const void* b, void* out, uint32_t n);

  Binary arithmetic[3][5][3];  // [ArithmeticOp][ArithmeticClass][Shape]
  Binary compare[6][5][2];     // [CompareOp][CompareClass][kVV, kVC]; out: bytes

  // Booleans as bytes; `out` may be an input.
  void (*bytes_and)(const uint8_t* a, const uint8_t* b, uint8_t* out, uint32_t n);
  void (*bytes_or)(const uint8_t* a, const uint8_t* b, uint8_t* out, uint32_t n);
  void (*bytes_and_not)(const uint8_t* a, const uint8_t* b, uint8_t* out, uint32_t n);  // a & !b
  void (*bytes_not)(const uint8_t* a, uint8_t* out, uint32_t n);
  // Three-valued logic. A NULL row has value 0; na/nb may be null pointers (no NULLs); out arrays
  // may be inputs.
  void (*and3)(const uint8_t* a, const uint8_t* na, const uint8_t* b, const uint8_t* nb,
               uint8_t* out, uint8_t* nulls, uint32_t n);
  void (*or3)(const uint8_t* a, const uint8_t* na, const uint8_t* b, const uint8_t* nb,
              uint8_t* out, uint8_t* nulls, uint32_t n);
  bool (*bytes_any)(const uint8_t* a, uint32_t n);

  // Conversions.
  void (*bool_to_i64)(const uint8_t* a, int64_t* out, uint32_t n);
  void (*i64_to_f64)(const int64_t* a, double* out, uint32_t n);
  void (*u64_to_f64)(const uint64_t* a, double* out, uint32_t n);
  void (*i64_to_i128)(const int64_t* a, __int128* out, uint32_t n);
  void (*u64_to_i128)(const uint64_t* a, __int128* out, uint32_t n);
  void (*i128_to_i64)(const __int128* a, int64_t* out, uint32_t n);
  // a / divisor as doubles; exact inputs below 2^53 and divisor up to 10^22 give the correctly
  // rounded quotient.
  void (*i64_over_f64)(const int64_t* a, double divisor, double* out, uint32_t n);
  void (*negate_i64)(const int64_t* a, int64_t* out, uint32_t n);
  void (*negate_f64)(const double* a, double* out, uint32_t n);
  void (*abs_i64)(const int64_t* a, int64_t* out, uint32_t n);
  void (*abs_f64)(const double* a, double* out, uint32_t n);

  // out = condition ? a : b for values of 8 or 16 bytes, or 1.
  void (*blend8)(const uint8_t* condition, const void* a, bool a_constant, const void* b,
                 bool b_constant, void* out, uint32_t n);
  void (*blend16)(const uint8_t* condition, const void* a, bool a_constant, const void* b,
                  bool b_constant, void* out, uint32_t n);
  void (*blend1)(const uint8_t* condition, const void* a, bool a_constant, const void* b,
                 bool b_constant, void* out, uint32_t n);

  // Fields of packed temporal values.
  void (*shift_mask)(const int64_t* a, int shift, int64_t mask, int64_t* out,
                     uint32_t n);  // (a >> shift) & mask
  void (*datetime_year)(const int64_t* a, int64_t* out, uint32_t n);
  void (*datetime_month)(const int64_t* a, int64_t* out, uint32_t n);
  void (*datetime_to_date)(const int64_t* a, int64_t* out, uint32_t n);
  void (*date_to_datetime)(const int64_t* a, int64_t* out, uint32_t n);

  // Dictionary codes.
  void (*gather8)(const uint64_t* table, const uint32_t* codes, uint64_t* out, uint32_t n);
  void (*gather1)(const uint8_t* table, const uint32_t* codes, uint8_t* out, uint32_t n);
  void (*code_in_range)(const uint32_t* codes, uint32_t low, uint32_t size, uint8_t* out,
                        uint32_t n);

  // low <= a <= high, as bytes.
  void (*i64_between)(const int64_t* a, int64_t low, int64_t high, uint8_t* out, uint32_t n);

  // Ascending positions of the non-zero bytes; `rows` has room for n entries. Returns their number.
  uint32_t (*select)(const uint8_t* a, uint32_t n, uint16_t* rows);
};

// The table for this machine.
const KernelTable& Kernels();

extern const KernelTable kKernelsBase, kKernelsV3, kKernelsV4;

}  // namespace sirocco::engine
