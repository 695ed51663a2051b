// What the builders of text functions share: arguments made text or integers, results in the
// collation of the expression, limits. Used by string_functions.cc and text_codes.cc.
#pragma once

#include <algorithm>
#include <climits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/expr/compiler.h"
#include "engine/expr/steps.h"

namespace sirocco::engine {

inline std::unexpected<Error> Unsupported(const plan::Expr& e, const SlotInfo& arg) {
  return NotSupported(std::string("function ") + plan::ExprOpName(e.op) + " of " +
                      plan::TypeName(arg.type) + " is not supported");
}

inline bool IsText(const SlotInfo& in) {
  return in.rep == Rep::kStr && in.type.kind == plan::TypeKind::kString;
}

// Character sets in which a byte below 0x80 is always that ASCII character.
inline bool SafeBytes(const mysqlsem::Collation& collation) {
  return collation.charset_name().starts_with("utf8") ||
         (collation.mbmaxlen() == 1 && collation.ascii_based());
}

// What the functions of this file have in common while they are compiled.
class TextFunction {
 public:
  TextFunction(ExprCompiler& c, const plan::Expr& e) : c_(c), e_(e) {}

  // Compiles the arguments. False if one is a constant NULL, so that a strict function is NULL.
  Result<bool> CompileArguments() {
    for (const ExprPtr& arg : e_.args) {
      ASSIGN_OR_RETURN(Slot slot, c_.Compile(arg));
      slot = c_.DecodeCodes(c_.FromBool(slot));
      if (c_.IsNullConstant(slot)) any_null_ = true;
      args_.push_back(slot);
    }
    return !any_null_;
  }
  Slot arg(size_t i) const { return args_[i]; }
  size_t num_args() const { return args_.size(); }
  const SlotInfo& info(size_t i) const { return c_.info(args_[i]); }

  // Makes argument i text in the collation `id`'s character set.
  Result<void> MakeText(size_t i, uint32_t id) {
    if (c_.IsNullConstant(args_[i])) {
      args_[i] = c_.NullConstant({.type = plan::StringType(id, 0), .rep = Rep::kStr});
      return {};
    }
    plan::Type type = plan::StringType(id, 0);
    ASSIGN_OR_RETURN(args_[i], c_.ToString(args_[i], type));
    return {};
  }
  // Argument i as a 64-bit integer.
  Result<void> MakeInteger(size_t i) {
    const SlotInfo& in = info(i);
    if (in.rep != Rep::kI64 || in.type.IsTemporal() || in.type.kind == plan::TypeKind::kDecimal)
      return Unsupported(e_, in);
    return {};
  }
  // The collation that argument i's bytes are in.
  Result<const mysqlsem::Collation*> ArgumentCollation(size_t i) {
    if (!IsText(info(i))) return Unsupported(e_, info(i));
    return Find(info(i).type.collation);
  }
  Result<const mysqlsem::Collation*> ResultCollation() {
    if (e_.type.kind != plan::TypeKind::kString) return Malformed(e_);
    return Find(e_.type.collation);
  }
  Result<const mysqlsem::Collation*> Find(uint32_t id) {
    const mysqlsem::Collation* collation = c_.FindCollation(id);
    if (collation == nullptr)
      return NotSupported("collation " + std::to_string(id) + " is not supported");
    return collation;
  }

  bool AnyNullable() const {
    for (Slot s : args_)
      if (c_.info(s).nullable) return true;
    return false;
  }

  template <typename F>
  Result<Slot> Text(bool may_be_null, StepTraits traits, F f,
                    Strictness strictness = Strictness::kStrict) {
    if (e_.type.kind != plan::TypeKind::kString) return Malformed(e_);
    return Add({.type = e_.type, .rep = Rep::kStr, .nullable = may_be_null || AnyNullable()},
               traits, std::move(f), strictness);
  }
  template <typename F>
  Result<Slot> Integer(int128 low, int128 high, StepTraits traits, F f) {
    if (!e_.type.IsInteger()) return Malformed(e_);
    return Add({.type = e_.type,
                .rep = Rep::kI64,
                .range = MakeRange(low, high),
                .nullable = AnyNullable()},
               traits, std::move(f), Strictness::kStrict);
  }
  template <typename F>
  Result<Slot> Add(const SlotInfo& slot_info, StepTraits traits, F f, Strictness strictness) {
    const Slot out = c_.AddSlot(slot_info);
    return c_.Finish(MakeRowStep(args_, out, strictness, std::move(f)), out,
                     std::span<const Slot>(args_), traits);
  }
  // Of functions that check max_allowed_packet: nothing to raise if the declared result fits.
  StepTraits PacketTraits() const {
    return {.raises = e_.type.max_length == 0 || e_.type.max_length > c_.plan().max_allowed_packet,
            .expensive = true};
  }
  Slot Null() {
    return c_.NullConstant({.type = e_.type, .rep = RepOfLane(plan::LaneOf(e_.type))});
  }

  ExprCompiler& c_;
  const plan::Expr& e_;

 private:
  std::vector<Slot> args_;
  bool any_null_ = false;
};

inline constexpr StepTraits kSlow{.expensive = true};
inline constexpr StepTraits kMayRaise{.raises = true, .expensive = true};

// NULL with the server's warning for results beyond max_allowed_packet.
inline bool TooLong(Row& r, const char* name, uint64_t limit) {
  r.Warn(1301, std::string("Result of ") + name + "() was larger than max_allowed_packet (" +
                   std::to_string(limit) + ") - truncated");
  return false;
}

// NULL with the server's warning for text that is no value of the function; `argument` is what the
// server prints for it.
inline bool WrongText(Row& r, const std::string& argument, const char* function) {
  r.Warn(1411,
         "Incorrect string value: '" + argument.substr(0, 128) + "' for function " + function);
  return false;
}

inline bool FailUnsupported(Row& r, const char* what) {
  return r.Fail(Error{ErrorCode::kNotSupported, 0, std::string(what) + " is not supported"});
}

// Positions and lengths: beyond 31 bits the server takes its own limit; unsigned values are never
// negative.
inline int64_t ReadCount(const Row& r, int k, bool is_unsigned) {
  const int64_t v = r.I64(k);
  return is_unsigned && v < 0 ? INT64_MAX : v;
}

// Digits of `value` in `base` (2..36), upper case.
inline std::string_view Digits(uint64_t value, unsigned base, char (&buffer)[72]) {
  char* const end = buffer + sizeof buffer;
  char* p = end;
  do {
    const unsigned digit = static_cast<unsigned>(value % base);
    *--p = static_cast<char>(digit < 10 ? '0' + digit : 'A' + digit - 10);
    value /= base;
  } while (value != 0);
  return {p, static_cast<size_t>(end - p)};
}

// ASCII results: the result's character set must hold them as they are.
inline Result<void> CheckAsciiResult(TextFunction& f) {
  ASSIGN_OR_RETURN(const mysqlsem::Collation* collation, f.ResultCollation());
  if (!collation->ascii_based())
    return NotSupported(std::string("function ") + plan::ExprOpName(f.e_.op) +
                        " in this character set is not supported");
  return {};
}

// CONV, CHAR, SOUNDEX, MAKE_SET, EXPORT_SET (text_codes.cc).
Result<Slot> BuildTextCode(TextFunction& f);

}  // namespace sirocco::engine
