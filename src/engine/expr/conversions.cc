// Conversions between slot representations (declared in compiler.h).
#include <cstring>

#include "engine/expr/compiler.h"
#include "engine/expr/steps.h"
#include "engine/storage/dictionary.h"
#include "mysqlsem/decimal.h"

namespace sirocco::engine {

using mysqlsem::BigDecimal;
using plan::Type;
using plan::TypeKind;

namespace {

enum Conversion : int {
  kConvBool,
  kConvFromBool,
  kConvDecode,
  kConvF64,
  kConvI128,
  kConvBig,
  kConvNarrow,
  kConvRescale
};

// Doubles hold integers below 2^53 and powers of ten up to 10^22 exactly.
constexpr int128 kExactInDouble = int128{1} << 53;

double ScaledToDouble(int128 value, int scale) {
  if (value < kExactInDouble && value > -kExactInDouble && scale <= 22)
    return static_cast<double>(static_cast<int64_t>(value)) /
           static_cast<double>(mysqlsem::PowerOfTen(scale));
  return BigDecimal::FromScaled(value, scale).ToDouble();
}

}  // namespace

template <typename F>
Slot ExprCompiler::Converted(Slot slot, int kind, int parameter, F&& make) {
  const auto key = std::make_tuple(slot, kind, parameter);
  auto it = builder_->conversions.find(key);
  if (it != builder_->conversions.end()) return it->second;
  const Slot out = make();
  builder_->conversions.emplace(key, out);
  builder_->conversions_log.push_back(key);
  return out;
}

Result<Slot> ExprCompiler::ToBool(Slot slot) {
  const SlotInfo in = info(slot);
  if (in.rep == Rep::kBool) return slot;
  if (in.rep == Rep::kStr || in.rep == Rep::kCode)
    return NotSupported("a string used as a condition is not supported");
  return Converted(slot, kConvBool, 0, [&] {
    const Slot out = AddSlot(BoolInfo(in.nullable));
    const CompareClass compare_class = in.rep == Rep::kI128  ? CompareClass::kI128
                                       : in.rep == Rep::kF64 ? CompareClass::kF64
                                                             : CompareClass::kI64;
    auto kernel =
        Kernels().compare[static_cast<int>(CompareOp::kNe)][static_cast<int>(compare_class)][1];
    const bool big = in.rep == Rep::kBig;
    return Finish(MakeUnaryStep(slot, out,
                                [=](const Vector& a, Vector& r, uint32_t n) {
                                  static constexpr int128 kZero = 0;
                                  static constexpr double kZeroReal = 0;
                                  uint8_t* bytes = static_cast<uint8_t*>(r.data);
                                  if (big) {
                                    const BigDecimal* values =
                                        static_cast<const BigDecimal*>(a.data);
                                    for (uint32_t i = 0; i < n; ++i)
                                      bytes[i] = !values[i].is_zero();
                                  } else {
                                    kernel(a.data,
                                           compare_class == CompareClass::kF64
                                               ? static_cast<const void*>(&kZeroReal)
                                               : static_cast<const void*>(&kZero),
                                           r.data, n);
                                  }
                                  if (r.nulls != nullptr)
                                    Kernels().bytes_and_not(bytes, r.nulls, bytes, n);
                                }),
                  out, {slot});
  });
}

Slot ExprCompiler::FromBool(Slot slot) {
  const SlotInfo in = info(slot);
  if (in.rep != Rep::kBool) return slot;
  return Converted(slot, kConvFromBool, 0, [&] {
    SlotInfo slot_info{.type = plan::IntType(in.nullable),
                       .rep = Rep::kI64,
                       .range = MakeRange(0, 1),
                       .nullable = in.nullable};
    slot_info.num_distinct = 2;
    const Slot out = AddSlot(slot_info);
    return Finish(MakeUnaryStep(slot, out,
                                [](const Vector& a, Vector& r, uint32_t n) {
                                  Kernels().bool_to_i64(static_cast<const uint8_t*>(a.data),
                                                        r.i64(), n);
                                }),
                  out, {slot});
  });
}

Slot ExprCompiler::DecodeCodes(Slot slot) {
  const SlotInfo in = info(slot);
  if (in.rep != Rep::kCode) return slot;
  return Converted(slot, kConvDecode, 0, [&] {
    SlotInfo slot_info = in;
    slot_info.rep = Rep::kStr;
    slot_info.dictionary = nullptr;
    const Slot out = AddSlot(slot_info);
    return Finish(MakeUnaryStep(slot, out,
                                [](const Vector& a, Vector& r, uint32_t n) {
                                  const StringRef* values = a.dictionary->values();
                                  for (uint32_t i = 0; i < n; ++i) r.str()[i] = values[a.code()[i]];
                                }),
                  out, {slot});
  });
}

Result<Slot> ExprCompiler::ToNumber(Slot slot) {
  slot = FromBool(slot);
  const SlotInfo& in = info(slot);
  if (in.rep == Rep::kI64 || in.rep == Rep::kI128 || in.rep == Rep::kBig) return slot;
  if (in.rep == Rep::kStr && in.type.kind == TypeKind::kDecimal) return ToBig(slot);
  return NotSupported("a value of type " + plan::TypeName(in.type) +
                      " in exact arithmetic is not supported");
}

Slot ExprCompiler::ToI128(Slot slot) {
  const SlotInfo in = info(slot);
  if (in.rep == Rep::kI128) return slot;
  return Converted(slot, kConvI128, 0, [&] {
    SlotInfo slot_info = in;
    slot_info.rep = Rep::kI128;
    const Slot out = AddSlot(slot_info);
    const bool is_unsigned = in.range.max > kMaxI64;
    return Finish(MakeUnaryStep(slot, out,
                                [=](const Vector& a, Vector& r, uint32_t n) {
                                  if (is_unsigned) {
                                    Kernels().u64_to_i128(a.u64(), r.i128(), n);
                                  } else {
                                    Kernels().i64_to_i128(a.i64(), r.i128(), n);
                                  }
                                }),
                  out, {slot});
  });
}

Slot ExprCompiler::NarrowToI64(Slot slot) {
  const SlotInfo in = info(slot);
  if (in.rep != Rep::kI128 || !FitsI64(in.range)) return slot;
  return Converted(slot, kConvNarrow, 0, [&] {
    SlotInfo slot_info = in;
    slot_info.rep = Rep::kI64;
    const Slot out = AddSlot(slot_info);
    return Finish(MakeUnaryStep(slot, out,
                                [](const Vector& a, Vector& r, uint32_t n) {
                                  Kernels().i128_to_i64(a.i128(), r.i64(), n);
                                }),
                  out, {slot});
  });
}

Result<Slot> ExprCompiler::ToBig(Slot slot) {
  slot = FromBool(slot);
  const SlotInfo in = info(slot);
  if (in.rep == Rep::kBig) return slot;
  if (in.rep == Rep::kF64 || in.rep == Rep::kCode ||
      (in.rep == Rep::kStr && in.type.kind != TypeKind::kDecimal))
    return NotSupported("a value of type " + plan::TypeName(in.type) +
                        " in exact arithmetic is not supported");
  return Converted(slot, kConvBig, 0, [&] {
    SlotInfo slot_info = in;
    slot_info.rep = Rep::kBig;
    slot_info.range = {};
    const Slot out = AddSlot(slot_info);
    const int precision = in.type.precision, scale = in.scale, column_scale = in.type.scale;
    const Rep rep = in.rep;
    const bool is_unsigned = in.range.known && in.range.max > kMaxI64;
    return Finish(
        MakeRowStep(
            {slot}, out, Strictness::kStrict,
            [=](Row& r) {
              if (rep == Rep::kStr) {
                BigDecimal big;
                const std::string_view packed = r.Str(0);
                if (packed.size() !=
                    static_cast<size_t>(mysqlsem::PackedDecimalSize(precision, column_scale)))
                  return r.Fail(Error{ErrorCode::kCorrupt, 0, "packed decimal of wrong size"});
                BigDecimal::FromPacked(reinterpret_cast<const uint8_t*>(packed.data()), precision,
                                       column_scale, &big);
                return r.Return(big);
              }
              const int128 value = rep == Rep::kI128 ? r.I128(0)
                                   : is_unsigned     ? static_cast<int128>(r.U64(0))
                                                     : static_cast<int128>(r.I64(0));
              return r.Return(BigDecimal::FromScaled(value, scale));
            }),
        out, {slot}, {.expensive = true});
  });
}

Result<Slot> ExprCompiler::ToF64(Slot slot) {
  slot = FromBool(slot);
  const SlotInfo in = info(slot);
  if (in.rep == Rep::kF64) return slot;
  if (in.rep == Rep::kStr || in.rep == Rep::kCode) {
    if (in.type.kind != TypeKind::kDecimal)
      return NotSupported("a string in floating point arithmetic is not supported");
    ASSIGN_OR_RETURN(Slot big, ToBig(slot));
    return ToF64(big);
  }
  return Converted(slot, kConvF64, 0, [&] {
    SlotInfo slot_info{
        .type = plan::DoubleType(in.nullable), .rep = Rep::kF64, .nullable = in.nullable};
    slot_info.num_distinct = in.num_distinct;
    const Slot out = AddSlot(slot_info);
    const int scale = in.scale;
    const bool exact = in.rep == Rep::kI64 &&
                       Within(in.range, -kExactInDouble + 1, kExactInDouble - 1) && scale <= 22;
    if (exact || (in.rep == Rep::kI64 && scale == 0)) {
      const double divisor = scale <= 22 ? static_cast<double>(mysqlsem::PowerOfTen(scale)) : 1.0;
      const bool is_unsigned = in.range.max > kMaxI64;
      return Finish(MakeUnaryStep(slot, out,
                                  [=](const Vector& a, Vector& r, uint32_t n) {
                                    if (scale > 0) {
                                      Kernels().i64_over_f64(a.i64(), divisor, r.f64(), n);
                                    } else if (is_unsigned) {
                                      Kernels().u64_to_f64(a.u64(), r.f64(), n);
                                    } else {
                                      Kernels().i64_to_f64(a.i64(), r.f64(), n);
                                    }
                                  }),
                    out, {slot});
    }
    const Rep rep = in.rep;
    return Finish(MakeRowStep({slot}, out, Strictness::kStrict,
                              [=](Row& r) {
                                if (rep == Rep::kBig) return r.Return(r.Big(0).ToDouble());
                                return r.Return(ScaledToDouble(
                                    rep == Rep::kI128 ? r.I128(0) : r.I64(0), scale));
                              }),
                  out, {slot});
  });
}

Result<Slot> ExprCompiler::Rescale(Slot slot, int scale) {
  const SlotInfo in = info(slot);
  if (in.rep == Rep::kBig || scale == in.scale) return slot;
  const int shift = scale - in.scale;
  if (shift < 0) return MakeError(ErrorCode::kInternal, "rescale drops digits");
  ValueRange range;
  if (shift <= 38)
    range = MulRange(in.range, MakeRange(mysqlsem::PowerOfTen(shift), mysqlsem::PowerOfTen(shift)));
  if (!range.known) return ToBig(slot);
  const Slot source = FitsI64(range) ? slot : ToI128(slot);
  return Converted(source, kConvRescale, scale, [&] {
    SlotInfo slot_info = in;
    slot_info.rep = info(source).rep;
    slot_info.range = range;
    slot_info.scale = static_cast<uint8_t>(scale);
    const Slot out = AddSlot(slot_info);
    const int128 factor = mysqlsem::PowerOfTen(shift);
    const bool wide = slot_info.rep == Rep::kI128;
    auto kernel = Kernels().arithmetic[static_cast<int>(ArithmeticOp::kMul)][static_cast<int>(
        wide ? ArithmeticClass::kI128 : ArithmeticClass::kI64)][static_cast<int>(Shape::kVC)];
    return Finish(MakeUnaryStep(source, out,
                                [=](const Vector& a, Vector& r, uint32_t n) {
                                  alignas(16) int128 value =
                                      factor;  // little endian: its first 8 bytes are the int64
                                  kernel(a.data, &value, r.data, n);
                                }),
                  out, {source});
  });
}

Result<Slot> ExprCompiler::ToRep(Slot slot, Rep rep) {
  if (info(slot).rep == rep) return slot;
  if (IsNullConstant(slot)) {
    SlotInfo like = info(slot);
    like.rep = rep;
    return NullConstant(like);
  }
  switch (rep) {
    case Rep::kBool:
      return ToBool(slot);
    case Rep::kF64:
      return ToF64(slot);
    case Rep::kStr:
      if (info(slot).rep == Rep::kCode) return DecodeCodes(slot);
      break;
    case Rep::kI64: {
      const Slot number = FromBool(slot);
      if (info(number).rep == Rep::kI64) return number;
      break;
    }
    case Rep::kI128: {
      const Slot number = FromBool(slot);
      if (info(number).rep == Rep::kI64 || info(number).rep == Rep::kI128) return ToI128(number);
      break;
    }
    case Rep::kBig:
      return ToBig(slot);
    case Rep::kCode:
      break;
  }
  return NotSupported("mixing values of type " + plan::TypeName(info(slot).type) +
                      " with other types is not supported");
}

// ---- delivery
// -------------------------------------------------------------------------------------------------------

namespace {

// value / divisor, half away from zero.
template <typename T>
T DivideHalfUp(T value, T divisor) {
  T quotient = value / divisor;
  const T rest = value % divisor;
  const T magnitude = rest < 0 ? -rest : rest;
  if (magnitude >= divisor - magnitude) quotient += value < 0 ? -1 : 1;
  return quotient;
}

int128 RoundRangeEnd(int128 value, int shift) {
  return shift > 38 ? 0 : DivideHalfUp<int128>(value, mysqlsem::PowerOfTen(shift));
}

}  // namespace

Result<Slot> ExprCompiler::FitScale(Slot slot, int scale) {
  const SlotInfo in = info(slot);
  if (in.rep == Rep::kBig || in.scale == scale) return slot;
  if (in.scale < scale) return Rescale(slot, scale);
  const int shift = in.scale - scale;
  SlotInfo slot_info = in;
  slot_info.scale = slot_info.min_scale = static_cast<uint8_t>(scale);
  slot_info.range =
      MakeRange(RoundRangeEnd(in.range.min, shift), RoundRangeEnd(in.range.max, shift));
  const Slot out = AddSlot(slot_info);
  const bool wide = in.rep == Rep::kI128;
  return Finish(
      MakeUnaryStep(slot, out,
                    [=](const Vector& a, Vector& r, uint32_t n) {
                      if (wide) {
                        for (uint32_t i = 0; i < n; ++i)
                          r.i128()[i] = RoundRangeEnd(a.i128()[i], shift);
                      } else if (shift > 18) {
                        for (uint32_t i = 0; i < n; ++i)
                          r.i64()[i] = static_cast<int64_t>(RoundRangeEnd(a.i64()[i], shift));
                      } else {
                        const int64_t divisor = static_cast<int64_t>(mysqlsem::PowerOfTen(shift));
                        for (uint32_t i = 0; i < n; ++i)
                          r.i64()[i] = DivideHalfUp<int64_t>(a.i64()[i], divisor);
                      }
                    }),
      out, {slot});
}

Result<Slot> ExprCompiler::Deliver(Slot slot, const Type& type, const plan::Expr& expr) {
  slot = FromBool(slot);
  if (info(slot).type.kind == TypeKind::kNull || type.kind == TypeKind::kNull) {
    if (!IsNullConstant(slot)) return slot;
    SlotInfo like = info(slot);
    like.type = type;
    like.rep = RepOfLane(plan::LaneOf(type));
    return NullConstant(like);
  }
  if (IsNullConstant(slot) && RepOfLane(plan::LaneOf(type)) != info(slot).rep) {
    SlotInfo like = info(slot);
    like.type = type;
    like.rep = RepOfLane(plan::LaneOf(type));
    return NullConstant(like);
  }
  if (type.kind != TypeKind::kDecimal) {
    const Lane lane = plan::LaneOf(type);
    const Rep rep = info(slot).rep;
    if (rep == RepOfLane(lane) || (rep == Rep::kCode && lane == Lane::kStr)) return slot;
    return NotSupported("a value of type " + plan::TypeName(info(slot).type) + " where " +
                        plan::TypeName(type) + " is promised is not supported");
  }
  SlotInfo in = info(slot);
  if (in.rep == Rep::kStr && in.type.kind == TypeKind::kDecimal &&
      in.type.precision == type.precision && in.type.scale == type.scale)
    return slot;
  if (in.rep == Rep::kF64 || in.rep == Rep::kCode)
    return NotSupported("a value of type " + plan::TypeName(in.type) + " where " +
                        plan::TypeName(type) + " is promised is not supported");
  ASSIGN_OR_RETURN(slot, ToNumber(slot));
  in = info(slot);
  const Lane lane = plan::LaneOf(type);
  ASSIGN_OR_RETURN(slot, FitScale(slot, type.scale));
  slot = NarrowToI64(slot);
  in = info(slot);
  if (in.rep == Rep::kI64 && FitsI64(in.range)) return slot;
  if (in.rep == Rep::kI64) slot = ToI128(slot), in = info(slot);
  if (in.rep == Rep::kI128 && lane == Lane::kI128) return slot;
  // What remains: the value may be wider than the type's lane says, or lies in a lane the type does
  // not have.
  SlotInfo slot_info = in;
  slot_info.type = type;
  slot_info.rep = RepOfLane(lane);
  slot_info.scale = slot_info.min_scale = type.scale;
  slot_info.range = TypeRange(type);
  const Slot out = AddSlot(slot_info);
  const std::string text = "DECIMAL value is out of range in '" + plan::QuotedText(expr) + "'";
  const bool from_big = in.rep == Rep::kBig;
  const int precision = type.precision, scale = type.scale, from_scale = in.scale;
  const bool raises = !from_big || lane != Lane::kStr;
  return Finish(
      MakeRowStep({slot}, out, Strictness::kStrict,
                  [=](Row& r) {
                    auto overflow = [&] { return r.Fail(Error{ErrorCode::kMysql, 1690, text}); };
                    if (lane == Lane::kStr) {
                      uint8_t packed[40];
                      const BigDecimal big =
                          from_big ? r.Big(0) : BigDecimal::FromScaled(r.I128(0), from_scale);
                      if (big.ToPacked(precision, scale, packed) & mysqlsem::kDecOverflow)
                        return overflow();
                      return r.ReturnCopy(
                          {reinterpret_cast<const char*>(packed),
                           static_cast<size_t>(mysqlsem::PackedDecimalSize(precision, scale))});
                    }
                    int128 value;
                    if (from_big) {
                      if (r.Big(0).ToScaled(scale, &value) & mysqlsem::kDecOverflow)
                        return overflow();
                    } else {
                      value = r.I128(0);
                    }
                    if (lane == Lane::kI128) return r.Return(value);
                    if (value < kMinI64 || value > kMaxI64) return overflow();
                    return r.Return(static_cast<int64_t>(value));
                  }),
      out, {slot}, {.raises = raises, .expensive = true});
}

}  // namespace sirocco::engine
