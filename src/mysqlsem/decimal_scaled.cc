// Scaled integers: packed columns, text, division with the server's digits.
#include <algorithm>
#include <bit>
#include <cstring>

#include "mysqlsem/decimal.h"

namespace sirocco::mysqlsem {
namespace {

constexpr int kGroupDigits = 9;
constexpr uint32_t kGroupBase = 1000000000;
constexpr int kDigitsToBytes[kGroupDigits + 1] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
constexpr uint32_t kSmallPowers[kGroupDigits + 1] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};
constexpr int kMaxInt128Digits = 38;

struct Powers {
  Uint128 value[kMaxInt128Digits + 1];
  constexpr Powers() : value{} {
    value[0] = 1;
    for (int i = 1; i <= kMaxInt128Digits; ++i) value[i] = value[i - 1] * 10;
  }
};
constexpr Powers kPowers;
constexpr Int128 kMaxInt128 = static_cast<Int128>(~Uint128{0} >> 1);

Uint128 Magnitude(Int128 value) {
  return value < 0 ? -static_cast<Uint128>(value) : static_cast<Uint128>(value);
}

int RoundUpToGroup(int digits) { return (digits + kGroupDigits - 1) / kGroupDigits * kGroupDigits; }

// Big-endian number of `bytes` (0..4) bytes.
template <typename T>
inline uint32_t LoadBytes(const uint8_t* p, T bytes) {
  uint32_t value = 0;
  for (T i = 0; i < bytes; ++i) value = value << 8 | p[i];
  return value;
}

inline uint32_t LoadGroup(const uint8_t* p) {
  uint32_t value;
  std::memcpy(&value, p, 4);
  return std::byteswap(value);
}

void StoreBytes(uint8_t* p, int bytes, uint32_t value) {
  for (int i = bytes - 1; i >= 0; --i) {
    p[i] = static_cast<uint8_t>(value);
    value >>= 8;
  }
}

// Copies the packed value without its sign coding: the top bit of the first byte is flipped,
// negative values are stored complemented. Returns true if negative.
template <int kCapacity>
inline bool Normalize(const uint8_t* packed, int size, uint8_t (&bytes)[kCapacity]) {
  const bool negative = (packed[0] & 0x80) == 0;
  const auto mask = static_cast<uint8_t>(negative ? 0xFF : 0);
  for (int i = 0; i < size; ++i) bytes[i] = packed[i] ^ mask;
  bytes[0] ^= 0x80;
  return negative;
}

uint64_t LoadEight(const uint8_t* p) {
  uint64_t value;
  std::memcpy(&value, p, 8);
  return std::byteswap(value);
}

// Big-endian number of 1 to 8 bytes, in one or two loads that may overlap (equal bits are ORed).
inline uint64_t LoadShort(const uint8_t* p, int size) {
  if (size == 8) return LoadEight(p);
  if (size >= 4)
    return static_cast<uint64_t>(LoadGroup(p)) << (8 * (size - 4)) | LoadGroup(p + size - 4);
  return LoadBytes(p, size);
}

// The whole packed value as one number: bytes are taken off its end, least significant group first.
// The sign coding (top bit flipped, negative values complemented) is undone on the number at once.
template <typename Word, typename T>
inline T DecodeWord(Word word, int size, int head, int groups, int tail, uint32_t tail_factor) {
  const Word top = Word{1} << (8 * size - 1);
  const bool negative = (word & top) == 0;
  const Word all = top | (top - 1);
  if (negative) word = ~word & all;
  word ^= top;
  T value = 0;
  uint32_t last = 0;
  if (tail > 0) {
    last = static_cast<uint32_t>(word & ((Word{1} << (8 * tail)) - 1));
    word >>= 8 * tail;
  }
  uint32_t parts[4];
  for (int i = 0; i < groups; ++i) {
    parts[i] = static_cast<uint32_t>(word);
    word >>= 32;
  }
  if (head > 0) value = static_cast<T>(word);
  for (int i = groups; i > 0; --i) value = value * kGroupBase + parts[i - 1];
  value = value * tail_factor + last;
  return negative ? -value : value;
}

template <typename T>
T Decode(const uint8_t* packed, int size, int head, int groups, int tail, uint32_t tail_factor) {
  if (size <= 8)
    return DecodeWord<uint64_t, T>(LoadShort(packed, size), size, head, groups, tail, tail_factor);
  if (size < 16) {
    const Uint128 word =
        static_cast<Uint128>(LoadEight(packed)) << (8 * (size - 8)) | LoadEight(packed + size - 8);
    return DecodeWord<Uint128, T>(word, size, head, groups, tail, tail_factor);
  }
  uint8_t bytes[32];
  const bool negative = Normalize(packed, std::min(size, 32), bytes);
  const uint8_t* p = bytes;
  T value = LoadBytes(p, head);
  p += head;
  for (int i = 0; i < groups; ++i, p += 4) value = value * kGroupBase + LoadGroup(p);
  if (tail > 0) value = value * tail_factor + LoadBytes(p, tail);
  return negative ? -value : value;
}

template <typename T>
DecimalStatus Encode(T magnitude, bool negative, int precision, int scale, uint8_t* packed) {
  DecimalStatus status = kDecOk;
  if (precision <= kMaxInt128Digits &&
      static_cast<Uint128>(magnitude) >= kPowers.value[precision]) {
    magnitude = static_cast<T>(kPowers.value[precision] - 1);
    status = kDecOverflow;
  }
  if (magnitude == 0) negative = false;
  const int integer_digits = precision - scale;
  const int head_digits = integer_digits % kGroupDigits, tail_digits = scale % kGroupDigits;
  const int groups = integer_digits / kGroupDigits + scale / kGroupDigits;
  const int size = PackedDecimalSize(precision, scale);
  uint8_t* p = packed + size;
  if (tail_digits > 0) {
    p -= kDigitsToBytes[tail_digits];
    StoreBytes(p, kDigitsToBytes[tail_digits],
               static_cast<uint32_t>(magnitude % kSmallPowers[tail_digits]));
    magnitude /= kSmallPowers[tail_digits];
  }
  for (int i = 0; i < groups; ++i) {
    p -= 4;
    StoreBytes(p, 4, static_cast<uint32_t>(magnitude % kGroupBase));
    magnitude /= kGroupBase;
  }
  if (head_digits > 0)
    StoreBytes(packed, kDigitsToBytes[head_digits], static_cast<uint32_t>(magnitude));
  if (negative)
    for (int i = 0; i < size; ++i) packed[i] = ~packed[i];
  packed[0] ^= 0x80;
  return status;
}

// Writes the digits of `value` ending before `end`; returns the first.
char* WriteDigits(uint64_t value, char* end) {
  do {
    *--end = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  return end;
}

size_t FormatMagnitude(Uint128 magnitude, bool negative, int scale, char* out) {
  char digits[48];
  char* const end = digits + sizeof(digits);
  char* begin = end;
  while (magnitude > UINT64_MAX) {
    const auto low = static_cast<uint64_t>(magnitude % 1000000000000000000ULL);
    magnitude /= 1000000000000000000ULL;
    char* const stop = begin - 18;
    begin = WriteDigits(low, begin);
    while (begin > stop) *--begin = '0';
  }
  begin = WriteDigits(static_cast<uint64_t>(magnitude), begin);
  char* p = out;
  if (negative) *p++ = '-';
  const auto count = static_cast<int>(end - begin);
  if (scale <= 0) {
    std::memcpy(p, begin, static_cast<size_t>(count));
    return static_cast<size_t>(p - out) + static_cast<size_t>(count);
  }
  const int integer = count - scale;
  if (integer > 0) {
    std::memcpy(p, begin, static_cast<size_t>(integer));
    p += integer;
    begin += integer;
  } else {
    *p++ = '0';
  }
  *p++ = '.';
  for (int i = integer; i < 0; ++i) *p++ = '0';
  std::memcpy(p, begin, static_cast<size_t>(end - begin));
  p += end - begin;
  return static_cast<size_t>(p - out);
}

// floor(a * 10^digits / b) for magnitudes. False if the quotient needs more than 127 bits, or an
// intermediate would.
bool DivideMagnitude(Uint128 a, Uint128 b, int digits, Uint128* quotient) {
  const Uint128 limit = static_cast<Uint128>(kMaxInt128);
  if (digits <= kMaxInt128Digits && a <= limit / kPowers.value[digits]) {
    const Uint128 numerator = a * kPowers.value[digits];
    // A 64-bit divisor and numerator is the common case and several times faster.
    if (numerator <= UINT64_MAX && b <= UINT64_MAX) {
      *quotient = static_cast<uint64_t>(numerator) / static_cast<uint64_t>(b);
    } else {
      *quotient = numerator / b;
    }
    return true;
  }
  // Long division, as many digits at a time as the remainder leaves room for.
  Uint128 q = a / b, rest = a % b;
  while (digits > 0) {
    int step = std::min(digits, 18);
    while (step > 0 && rest > limit / kPowers.value[step]) --step;
    if (step == 0) return false;
    if (q > limit / kPowers.value[step]) return false;
    const Uint128 numerator = rest * kPowers.value[step];
    const Uint128 part = numerator / b;
    if (part > limit - q * kPowers.value[step]) return false;
    q = q * kPowers.value[step] + part;
    rest = numerator % b;
    digits -= step;
  }
  *quotient = q;
  return true;
}

Int128 WithSign(Uint128 magnitude, bool negative) {
  return negative ? -static_cast<Int128>(magnitude) : static_cast<Int128>(magnitude);
}

}  // namespace

int PackedDecimalSize(int precision, int scale) {
  const int integer = precision - scale;
  return integer / kGroupDigits * 4 + kDigitsToBytes[integer % kGroupDigits] +
         scale / kGroupDigits * 4 + kDigitsToBytes[scale % kGroupDigits];
}

PackedDecimalDecoder::PackedDecimalDecoder(int precision, int scale) {
  const int integer = precision - scale;
  size_bytes_ = static_cast<uint8_t>(PackedDecimalSize(precision, scale));
  head_bytes_ = static_cast<uint8_t>(kDigitsToBytes[integer % kGroupDigits]);
  tail_bytes_ = static_cast<uint8_t>(kDigitsToBytes[scale % kGroupDigits]);
  groups_ = static_cast<uint8_t>(integer / kGroupDigits + scale / kGroupDigits);
  tail_factor_ = kSmallPowers[scale % kGroupDigits];
}

int64_t PackedDecimalDecoder::DecodeInt64(const uint8_t* packed) const {
  return static_cast<int64_t>(
      Decode<uint64_t>(packed, size_bytes_, head_bytes_, groups_, tail_bytes_, tail_factor_));
}

Int128 PackedDecimalDecoder::DecodeInt128(const uint8_t* packed) const {
  return static_cast<Int128>(
      Decode<Uint128>(packed, size_bytes_, head_bytes_, groups_, tail_bytes_, tail_factor_));
}

int64_t DecodePackedToInt64(const uint8_t* packed, int precision, int scale) {
  return PackedDecimalDecoder(precision, scale).DecodeInt64(packed);
}

Int128 DecodePackedToInt128(const uint8_t* packed, int precision, int scale) {
  return PackedDecimalDecoder(precision, scale).DecodeInt128(packed);
}

DecimalStatus EncodePackedFromInt64(int64_t value, int precision, int scale, uint8_t* packed) {
  const uint64_t magnitude =
      value < 0 ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  return Encode<uint64_t>(magnitude, value < 0, precision, scale, packed);
}

DecimalStatus EncodePackedFromInt128(Int128 value, int precision, int scale, uint8_t* packed) {
  return Encode<Uint128>(Magnitude(value), value < 0, precision, scale, packed);
}

Int128 PowerOfTen(int n) { return static_cast<Int128>(kPowers.value[n]); }

int DecimalDigits(Int128 value) {
  const Uint128 magnitude = Magnitude(value);
  const Uint128* end = kPowers.value + kMaxInt128Digits + 1;
  return std::max(
      1, static_cast<int>(std::upper_bound(kPowers.value, end, magnitude) - kPowers.value));
}

size_t FormatScaled(int64_t value, int scale, char* out) {
  return FormatScaled(static_cast<Int128>(value), scale, out);
}

size_t FormatScaled(Int128 value, int scale, char* out) {
  return FormatMagnitude(Magnitude(value), value < 0, scale, out);
}

std::string ScaledToString(Int128 value, int scale) {
  char text[kDecimalMaxText];
  return std::string(text, FormatScaled(value, scale, text));
}

DecimalStatus RescaleInt128(Int128 value, int from_scale, int to_scale, DecimalRounding rounding,
                            Int128* result) {
  const bool negative = value < 0;
  Uint128 magnitude = Magnitude(value);
  if (to_scale >= from_scale) {
    const int shift = to_scale - from_scale;
    if (magnitude == 0) {
      *result = 0;
      return kDecOk;
    }
    if (shift > kMaxInt128Digits ||
        magnitude > static_cast<Uint128>(kMaxInt128) / kPowers.value[shift]) {
      return kDecOverflow;
    }
    *result = WithSign(magnitude * kPowers.value[shift], negative);
    return kDecOk;
  }
  const int shift = from_scale - to_scale;
  Uint128 rest = magnitude, divisor = 0;
  if (shift > kMaxInt128Digits) {
    magnitude = 0;
  } else {
    divisor = kPowers.value[shift];
    rest = magnitude % divisor;
    magnitude /= divisor;
  }
  bool up = false;
  switch (rounding) {
    case DecimalRounding::kHalfUp:
      up = divisor != 0 && rest >= divisor / 2;
      break;
    case DecimalRounding::kTruncate:
      break;
    case DecimalRounding::kCeiling:
      up = rest != 0 && !negative;
      break;
    case DecimalRounding::kFloor:
      up = rest != 0 && negative;
      break;
  }
  *result = WithSign(magnitude + (up ? 1 : 0), negative);
  return rest == 0 ? kDecOk : kDecTruncated;
}

int DivisionDigits(int scale1, int scale2, int scale_increment) {
  const int frac1 = RoundUpToGroup(scale1), frac2 = RoundUpToGroup(scale2);
  const int extra = std::max(0, scale_increment - (frac1 - scale1) - (frac2 - scale2));
  return RoundUpToGroup(frac1 + frac2 + extra);
}

DecimalStatus DivideScaledRaw(Int128 a, int scale1, Int128 b, int scale2, int scale_increment,
                              Int128* result) {
  if (b == 0) return kDecDivZero;
  const int digits = DivisionDigits(scale1, scale2, scale_increment);
  Uint128 quotient;
  if (!DivideMagnitude(Magnitude(a), Magnitude(b), digits - scale1 + scale2, &quotient))
    return kDecOverflow;
  *result = WithSign(quotient, (a < 0) != (b < 0));
  return kDecOk;
}

DecimalStatus DivideScaled(Int128 a, int scale1, Int128 b, int scale2, int scale_increment,
                           int result_scale, Int128* result) {
  if (b == 0) return kDecDivZero;
  // Half up looks at one digit behind the result's last one, so no more than that is computed;
  // never more than the server computes, because it truncates there.
  const int computed = std::min(DivisionDigits(scale1, scale2, scale_increment), result_scale + 1);
  const int shift = computed - scale1 + scale2;
  const bool negative = (a < 0) != (b < 0);
  Uint128 quotient = 0;
  if (shift >= 0) {
    if (!DivideMagnitude(Magnitude(a), Magnitude(b), shift, &quotient)) return kDecOverflow;
  } else {
    if (-shift > kMaxInt128Digits) {
      quotient = 0;
    } else {
      quotient = Magnitude(a) / Magnitude(b) / kPowers.value[-shift];
    }
  }
  return RescaleInt128(WithSign(quotient, negative), computed, result_scale,
                       DecimalRounding::kHalfUp, result) == kDecOverflow
             ? kDecOverflow
             : kDecOk;
}

DecimalStatus AverageScaledRaw(Int128 sum, int scale, uint64_t count, int scale_increment,
                               Int128* result) {
  return DivideScaledRaw(sum, scale, static_cast<Int128>(count), 0, scale_increment, result);
}

DecimalStatus AverageScaled(Int128 sum, int scale, uint64_t count, int scale_increment,
                            Int128* result) {
  return DivideScaled(sum, scale, static_cast<Int128>(count), 0, scale_increment,
                      std::min(scale + scale_increment, kDecimalMaxScale), result);
}

}  // namespace sirocco::mysqlsem
