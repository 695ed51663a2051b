// Comparisons: =, <>, <, <=, >, >=, <=>, IN. Results are kBool slots.
#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "common/check.h"
#include "engine/expr/compiler.h"
#include "engine/expr/steps.h"
#include "engine/storage/dictionary.h"
#include "mysqlsem/decimal.h"

namespace sirocco::engine {

using mysqlsem::BigDecimal;
using plan::Expr;
using plan::ExprOp;
using plan::TypeKind;

SlotInfo BoolInfo(bool nullable) {
  SlotInfo slot_info{.type = plan::IntType(nullable),
                     .rep = Rep::kBool,
                     .range = MakeRange(0, 1),
                     .nullable = nullable};
  slot_info.num_distinct = 2;
  return slot_info;
}

namespace {

CompareOp Swapped(CompareOp op) {
  switch (op) {
    case CompareOp::kLt:
      return CompareOp::kGt;
    case CompareOp::kLe:
      return CompareOp::kGe;
    case CompareOp::kGt:
      return CompareOp::kLt;
    case CompareOp::kGe:
      return CompareOp::kLe;
    default:
      return op;
  }
}

bool Holds(CompareOp op, int order) {
  switch (op) {
    case CompareOp::kEq:
      return order == 0;
    case CompareOp::kNe:
      return order != 0;
    case CompareOp::kLt:
      return order < 0;
    case CompareOp::kLe:
      return order <= 0;
    case CompareOp::kGt:
      return order > 0;
    case CompareOp::kGe:
      return order >= 0;
  }
  return false;
}

// Compares by kernel; both slots have the same fixed-width representation.
Slot CompareByKernel(ExprCompiler& c, CompareOp op, CompareClass compare_class, Slot a, Slot b) {
  const Slot out = c.AddSlot(BoolInfo(c.info(a).nullable || c.info(b).nullable));
  const auto& kernels = Kernels().compare;
  const int k = static_cast<int>(compare_class);
  auto vv = kernels[static_cast<int>(op)][k][0];
  auto vc = kernels[static_cast<int>(op)][k][1];
  auto cv = kernels[static_cast<int>(Swapped(op))][k][1];
  return c.Finish(MakeStep([=](Frame& frame) -> Result<void> {
                    const Vector& x = frame.in(a);
                    const Vector& y = frame.in(b);
                    if (IsConstantNull(x) || IsConstantNull(y)) {
                      frame.SetNull(out);
                      return {};
                    }
                    Vector& r = frame.Begin(out);
                    r.constant = x.constant && y.constant;
                    const uint32_t n = r.constant ? 1 : frame.count;
                    if (x.constant == y.constant) {
                      vv(x.data, y.data, r.data, n);
                    } else if (y.constant) {
                      vc(x.data, y.data, r.data, n);
                    } else {
                      cv(y.data, x.data, r.data, n);
                    }
                    r.nulls = MergeNulls(frame, out, x, y, n);
                    if (r.nulls != nullptr) {
                      uint8_t* bytes = static_cast<uint8_t*>(r.data);
                      Kernels().bytes_and_not(bytes, r.nulls, bytes, n);
                    }
                    return {};
                  }),
                  out, {a, b});
}

Slot CompareBig(ExprCompiler& c, CompareOp op, Slot a, Slot b) {
  const Slot out = c.AddSlot(BoolInfo(c.info(a).nullable || c.info(b).nullable));
  return c.Finish(
      MakeRowStep({a, b}, out, Strictness::kStrict,
                  [=](Row& r) { return r.Return(Holds(op, r.Big(0).Compare(r.Big(1)))); }),
      out, {a, b}, {.expensive = true});
}

Result<Slot> CompareNumbers(ExprCompiler& c, CompareOp op, Slot a, Slot b) {
  ASSIGN_OR_RETURN(a, c.ToNumber(a));
  ASSIGN_OR_RETURN(b, c.ToNumber(b));
  const int scale = std::max(c.info(a).scale, c.info(b).scale);
  if (c.info(a).rep != Rep::kBig && c.info(b).rep != Rep::kBig) {
    ASSIGN_OR_RETURN(a, c.Rescale(a, scale));
    ASSIGN_OR_RETURN(b, c.Rescale(b, scale));
  }
  if (c.info(a).rep == Rep::kBig || c.info(b).rep == Rep::kBig) {
    ASSIGN_OR_RETURN(a, c.ToBig(a));
    ASSIGN_OR_RETURN(b, c.ToBig(b));
    return CompareBig(c, op, a, b);
  }
  // Copies: conversions below move the slot table.
  const ValueRange ra = c.info(a).range, rb = c.info(b).range;
  // A constant out of the other side's reach decides without looking.
  if (FitsI64(ra) && FitsI64(rb)) {
    return CompareByKernel(c, op, CompareClass::kI64, c.NarrowToI64(a), c.NarrowToI64(b));
  }
  if (c.info(a).rep == Rep::kI64 && c.info(b).rep == Rep::kI64 && Within(ra, 0, kMaxU64) &&
      Within(rb, 0, kMaxU64))
    return CompareByKernel(c, op, CompareClass::kU64, a, b);
  return CompareByKernel(c, op, CompareClass::kI128, c.ToI128(a), c.ToI128(b));
}

// Codes of one sorted dictionary whose values compare with `constant` as `op` asks, as an interval
// of codes.
struct CodeInterval {
  uint32_t low = 0, size = 0;
  bool negated = false;  // all codes outside the interval
};

CodeInterval FindInterval(const Dictionary& dictionary, CompareOp op, std::string_view constant) {
  const uint32_t n = dictionary.size();
  auto bound = [&](bool upper) {
    uint32_t low = 0, high = n;
    while (low < high) {
      const uint32_t middle = low + (high - low) / 2;
      const int order = dictionary.collation()->Compare(dictionary.value(middle), constant);
      if (upper ? order <= 0 : order < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  };
  switch (op) {
    case CompareOp::kEq:
    case CompareOp::kNe: {
      const uint32_t low = bound(false);
      return {low, bound(true) - low, op == CompareOp::kNe};
    }
    case CompareOp::kLt:
      return {0, bound(false)};
    case CompareOp::kLe:
      return {0, bound(true)};
    case CompareOp::kGt:
      return {bound(true), n - bound(true)};
    case CompareOp::kGe:
      return {bound(false), n - bound(false)};
  }
  return {};
}

Slot CompareCodesWithConstant(ExprCompiler& c, CompareOp op, Slot codes,
                              std::string_view constant) {
  const CodeInterval interval = FindInterval(*c.info(codes).dictionary, op, constant);
  const Slot out = c.AddSlot(BoolInfo(c.info(codes).nullable));
  return c.Finish(MakeUnaryStep(codes, out,
                                [=](const Vector& a, Vector& r, uint32_t n) {
                                  uint8_t* bytes = static_cast<uint8_t*>(r.data);
                                  Kernels().code_in_range(a.code(), interval.low, interval.size,
                                                          bytes, n);
                                  if (interval.negated) Kernels().bytes_not(bytes, bytes, n);
                                  if (r.nulls != nullptr)
                                    Kernels().bytes_and_not(bytes, r.nulls, bytes, n);
                                }),
                  out, {codes});
}

// Two code columns of one dictionary: codes stand for values, so no byte is looked at.
Slot CompareCodes(ExprCompiler& c, CompareOp op, Slot a, Slot b) {
  const uint32_t* classes = c.info(a).dictionary->classes();
  if (classes == nullptr) return CompareByKernel(c, op, CompareClass::kU32, a, b);
  const Slot out = c.AddSlot(BoolInfo(c.info(a).nullable || c.info(b).nullable));
  return c.Finish(MakeStep([=](Frame& frame) -> Result<void> {
                    const Vector& x = frame.in(a);
                    const Vector& y = frame.in(b);
                    if (IsConstantNull(x) || IsConstantNull(y)) {
                      frame.SetNull(out);
                      return {};
                    }
                    Vector& r = frame.Begin(out);
                    r.constant = x.constant && y.constant;
                    const uint32_t n = r.constant ? 1 : frame.count;
                    r.nulls = MergeNulls(frame, out, x, y, n);
                    uint8_t* bytes = static_cast<uint8_t*>(r.data);
                    for (uint32_t i = 0; i < n; ++i) {
                      const uint32_t u = classes[x.code()[x.constant ? 0 : i]],
                                     v = classes[y.code()[y.constant ? 0 : i]];
                      bytes[i] = Holds(op, u < v ? -1 : u > v);
                    }
                    if (r.nulls != nullptr) Kernels().bytes_and_not(bytes, r.nulls, bytes, n);
                    return {};
                  }),
                  out, {a, b});
}

// The bytes that matter under a collation that is binary, or binary after padding.
std::string_view WithoutTrailingSpaces(std::string_view s) {
  size_t size = s.size();
  while (size > 0 && s[size - 1] == ' ') --size;
  return s.substr(0, size);
}

Result<Slot> CompareStrings(ExprCompiler& c, CompareOp op, Slot a, Slot b, uint32_t collation_id) {
  const mysqlsem::Collation* collation = c.FindCollation(collation_id);
  if (collation == nullptr)
    return NotSupported("collation " + std::to_string(collation_id) + " is not supported");
  const SlotInfo& ia = c.info(a);
  const SlotInfo& ib = c.info(b);
  if (ia.rep == Rep::kCode && ib.rep == Rep::kStr && ib.constant && ia.dictionary->sorted() &&
      ia.dictionary->collation() == collation)
    return CompareCodesWithConstant(c, op, a, c.ConstantString(b));
  if (ib.rep == Rep::kCode && ia.rep == Rep::kStr && ia.constant && ib.dictionary->sorted() &&
      ib.dictionary->collation() == collation)
    return CompareCodesWithConstant(c, Swapped(op), b, c.ConstantString(a));
  const bool equality = op == CompareOp::kEq || op == CompareOp::kNe;
  if (ia.rep == Rep::kCode && ib.rep == Rep::kCode && ia.dictionary == ib.dictionary &&
      ia.dictionary->collation() == collation && (ia.dictionary->sorted() || equality))
    return CompareCodes(c, op, a, b);
  a = c.DecodeCodes(a);
  b = c.DecodeCodes(b);
  const Slot out = c.AddSlot(BoolInfo(c.info(a).nullable || c.info(b).nullable));
  std::unique_ptr<Step> step;
  if (equality && (collation->is_binary() || collation->is_binary_padded())) {
    const bool padded = collation->is_binary_padded(), negated = op == CompareOp::kNe;
    step = MakeRowStep({a, b}, out, Strictness::kStrict, [=](Row& r) {
      std::string_view x = r.Str(0), y = r.Str(1);
      if (padded && x.size() != y.size())
        x = WithoutTrailingSpaces(x), y = WithoutTrailingSpaces(y);
      return r.Return((x == y) != negated);
    });
    return c.Finish(std::move(step), out, {a, b});
  }
  if (equality) {
    const bool negated = op == CompareOp::kNe;
    step = MakeRowStep({a, b}, out, Strictness::kStrict, [=](Row& r) {
      const std::string_view x = r.Str(0), y = r.Str(1);
      return r.Return((x == y || collation->Equal(x, y)) != negated);
    });
  } else if (collation->is_binary()) {
    step = MakeRowStep({a, b}, out, Strictness::kStrict,
                       [=](Row& r) { return r.Return(Holds(op, r.Str(0).compare(r.Str(1)))); });
    return c.Finish(std::move(step), out, {a, b});
  } else {
    step = MakeRowStep({a, b}, out, Strictness::kStrict, [=](Row& r) {
      return r.Return(Holds(op, collation->Compare(r.Str(0), r.Str(1))));
    });
  }
  return c.Finish(std::move(step), out, {a, b}, {.expensive = true});
}

bool IsText(const SlotInfo& slot_info) {
  return slot_info.rep == Rep::kCode ||
         (slot_info.rep == Rep::kStr && slot_info.type.kind == TypeKind::kString);
}

}  // namespace

Result<Slot> CompareSlots(ExprCompiler& c, CompareOp op, Slot a, Slot b, uint32_t collation) {
  if (c.IsNullConstant(a) || c.IsNullConstant(b)) return c.NullConstant(BoolInfo(true));
  const SlotInfo& ia = c.info(a);
  const SlotInfo& ib = c.info(b);
  if (IsText(ia) && IsText(ib)) return CompareStrings(c, op, a, b, collation);
  if (IsText(ia) != IsText(ib) || ia.type.kind == TypeKind::kJson ||
      ib.type.kind == TypeKind::kJson || ia.type.kind == TypeKind::kVector ||
      ib.type.kind == TypeKind::kVector)
    return NotSupported("comparing " + plan::TypeName(ia.type) + " with " +
                        plan::TypeName(ib.type) + " is not supported");
  if (ia.type.IsTemporal() || ib.type.IsTemporal()) {
    if (ia.type.kind != ib.type.kind)
      return NotSupported("comparing " + plan::TypeName(ia.type) + " with " +
                          plan::TypeName(ib.type) + " is not supported");
    return CompareByKernel(c, op, CompareClass::kI64, a, b);
  }
  if (ia.rep == Rep::kF64 || ib.rep == Rep::kF64) {
    ASSIGN_OR_RETURN(a, c.ToF64(a));
    ASSIGN_OR_RETURN(b, c.ToF64(b));
    return CompareByKernel(c, op, CompareClass::kF64, a, b);
  }
  return CompareNumbers(c, op, a, b);
}

Result<Slot> BuildComparison(ExprCompiler& c, const ExprPtr& e) {
  ASSIGN_OR_RETURN(Slot a, c.Compile(e->args[0]));
  ASSIGN_OR_RETURN(Slot b, c.Compile(e->args[1]));
  if (e->op == ExprOp::kNullSafeEq) {
    // Equal and both known, or both unknown.
    const Slot both_null = AndSlots(c, IsNullSlot(c, a, false), IsNullSlot(c, b, false));
    ASSIGN_OR_RETURN(Slot equal, CompareSlots(c, CompareOp::kEq, a, b, e->collation));
    const Slot out = c.AddSlot(BoolInfo(false));
    return c.Finish(MakeStep([=](Frame& frame) -> Result<void> {
                      // NULL rows of a boolean hold 0, so its bytes alone mean "is true".
                      const Vector& x = frame.in(equal);
                      const Vector& y = frame.in(both_null);
                      Vector& r = frame.Begin(out);
                      r.constant = x.constant && y.constant;
                      const uint32_t n = r.constant ? 1 : frame.count;
                      const uint8_t* u = static_cast<const uint8_t*>(x.data);
                      const uint8_t* v = static_cast<const uint8_t*>(y.data);
                      uint8_t* bytes = static_cast<uint8_t*>(r.data);
                      for (uint32_t i = 0; i < n; ++i)
                        bytes[i] = u[x.constant ? 0 : i] | v[y.constant ? 0 : i];
                      return {};
                    }),
                    out, {equal, both_null});
  }
  const CompareOp op =
      static_cast<CompareOp>(static_cast<int>(e->op) - static_cast<int>(ExprOp::kEq));
  return CompareSlots(c, op, a, b, e->collation);
}

// ---- IN
// -------------------------------------------------------------------------------------------------------------

namespace {

// Open-addressed set of 64-bit integers.
class IntegerSet {
 public:
  explicit IntegerSet(const std::vector<int64_t>& values) {
    size_t capacity = 16;
    while (capacity < values.size() * 3) capacity *= 2;
    mask_ = capacity - 1;
    slots_.assign(capacity, 0);
    used_.assign(capacity, 0);
    for (int64_t value : values) {
      size_t i = Hash(value) & mask_;
      while (used_[i] && slots_[i] != value) i = (i + 1) & mask_;
      used_[i] = 1;
      slots_[i] = value;
    }
  }
  bool Contains(int64_t value) const {
    for (size_t i = Hash(value) & mask_; used_[i]; i = (i + 1) & mask_)
      if (slots_[i] == value) return true;
    return false;
  }

 private:
  static size_t Hash(int64_t value) {
    return (static_cast<uint64_t>(value) * 0x9E3779B97F4A7C15ull) >> 20;
  }
  std::vector<int64_t> slots_;
  std::vector<uint8_t> used_;
  size_t mask_;
};

// Values up to this span are tested in a table of bytes (it stays in L1).
constexpr int128 kByteTableSpan = 16 << 10;
// So few values are compared one after the other, vectorized.
constexpr size_t kFewValues = 4;

// x IN (values) for a fixed-width kI64 slot; NULL instead of false if the list held a NULL.
Slot InIntegers(ExprCompiler& c, Slot x, std::vector<int64_t> values, bool list_has_null) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  const Slot out = c.AddSlot(BoolInfo(c.info(x).nullable || list_has_null));
  const int128 span = static_cast<int128>(values.back()) - values.front() + 1;
  std::vector<uint8_t> table;
  std::shared_ptr<IntegerSet> set;
  if (values.size() > kFewValues) {
    if (span <= kByteTableSpan) {
      table.assign(static_cast<size_t>(span), 0);
      for (int64_t v : values) table[static_cast<size_t>(v - values.front())] = 1;
    } else {
      set = std::make_shared<IntegerSet>(values);
    }
  }
  const bool interval = span == static_cast<int128>(values.size());
  auto step = MakeStep([=](Frame& frame) -> Result<void> {
    const Vector& a = frame.in(x);
    if (IsConstantNull(a)) {
      frame.SetNull(out);
      return {};
    }
    Vector& r = frame.Begin(out);
    r.constant = a.constant;
    const uint32_t n = a.constant ? 1 : frame.count;
    uint8_t* bytes = static_cast<uint8_t*>(r.data);
    const int64_t* in = a.i64();
    if (interval) {
      Kernels().i64_between(in, values.front(), values.back(), bytes, n);
    } else if (set != nullptr) {
      for (uint32_t i = 0; i < n; ++i) bytes[i] = set->Contains(in[i]);
    } else if (!table.empty()) {
      const uint64_t low = static_cast<uint64_t>(values.front()), size = table.size();
      for (uint32_t i = 0; i < n; ++i) {
        const uint64_t offset = static_cast<uint64_t>(in[i]) - low;
        bytes[i] = offset < size ? table[offset] : 0;
      }
    } else {
      uint8_t* other = frame.Nulls(out);  // free until the NULLs are merged
      auto eq =
          Kernels()
              .compare[static_cast<int>(CompareOp::kEq)][static_cast<int>(CompareClass::kI64)][1];
      eq(in, &values[0], bytes, n);
      for (size_t k = 1; k < values.size(); ++k) {
        eq(in, &values[k], other, n);
        Kernels().bytes_or(bytes, other, bytes, n);
      }
    }
    if (a.nulls != nullptr) Kernels().bytes_and_not(bytes, a.nulls, bytes, n);
    if (list_has_null) {
      r.nulls = frame.Nulls(out);
      Kernels().bytes_not(bytes, r.nulls, n);
    } else {
      r.nulls = a.nulls;
    }
    return {};
  });
  return c.Finish(std::move(step), out, {x});
}

struct StringSet {
  const mysqlsem::Collation* collation;
  std::unordered_multimap<uint64_t, std::string> values;

  bool Contains(std::string_view s) const {
    auto [begin, end] = values.equal_range(collation->Hash(s));
    for (auto it = begin; it != end; ++it)
      if (s == it->second || collation->Equal(s, it->second)) return true;
    return false;
  }
};

Slot InStrings(ExprCompiler& c, Slot x, std::shared_ptr<StringSet> set, bool list_has_null) {
  const Slot text = c.DecodeCodes(x);
  const Slot out = c.AddSlot(BoolInfo(c.info(text).nullable || list_has_null));
  return c.Finish(MakeRowStep({text}, out, Strictness::kStrict,
                              [=](Row& r) {
                                const bool found = set->Contains(r.Str(0));
                                if (!found && list_has_null) return false;
                                return r.Return(found);
                              }),
                  out, {text}, {.expensive = true});
}

}  // namespace

Result<Slot> BuildIn(ExprCompiler& c, const ExprPtr& e) {
  ASSIGN_OR_RETURN(Slot x, c.Compile(e->args[0]));
  const bool negated = e->op == ExprOp::kNotIn;
  std::vector<int64_t> integers;
  auto strings = std::make_shared<StringSet>();
  bool list_has_null = false;
  std::vector<ExprPtr> others;  // compared one by one
  const SlotInfo x_info = c.info(x);
  const bool text = IsText(x_info);
  if (text) {
    strings->collation = c.FindCollation(e->collation);
    if (strings->collation == nullptr)
      return NotSupported("collation " + std::to_string(e->collation) + " is not supported");
  }
  const bool integral = x_info.rep == Rep::kI64 && FitsI64(x_info.range);
  for (size_t i = 1; i < e->args.size(); ++i) {
    const Expr& arg = *e->args[i];
    if (arg.op != ExprOp::kConstant) {
      others.push_back(e->args[i]);
    } else if (arg.constant.is_null) {
      list_has_null = true;
    } else if (text && arg.type.kind == TypeKind::kString) {
      strings->values.emplace(strings->collation->Hash(arg.constant.bytes), arg.constant.bytes);
    } else if (integral && plan::LaneOf(arg.type) != Lane::kF64 &&
               plan::LaneOf(arg.type) != Lane::kStr &&
               arg.type.IsTemporal() == x_info.type.IsTemporal() &&
               (!arg.type.IsTemporal() || arg.type.kind == x_info.type.kind)) {
      // Both scaled alike; a constant with digits that x cannot have, or beyond 64 bits, equals
      // nothing.
      const int arg_scale = arg.type.kind == TypeKind::kDecimal ? arg.type.scale : 0;
      const int x_scale = x_info.type.kind == TypeKind::kDecimal ? x_info.scale : 0;
      int128 value;
      if (mysqlsem::RescaleInt128(arg.constant.integer, arg_scale, x_scale,
                                  mysqlsem::DecimalRounding::kTruncate,
                                  &value) == mysqlsem::kDecOk &&
          value >= kMinI64 && value <= kMaxI64)
        integers.push_back(static_cast<int64_t>(value));
    } else {
      others.push_back(e->args[i]);
    }
  }
  if (c.IsNullConstant(x)) return c.NullConstant(BoolInfo(true));
  Slot result = -1;
  if (!integers.empty()) {
    result = InIntegers(c, x, std::move(integers), list_has_null);
  } else if (!strings->values.empty()) {
    result = InStrings(c, x, std::move(strings), list_has_null);
  } else {
    // Nothing can be equal, but NULL arguments still give NULL.
    const Slot out = c.AddSlot(BoolInfo(x_info.nullable || list_has_null));
    result = c.Finish(
        MakeUnaryStep(x, out,
                      [](const Vector&, Vector& r, uint32_t n) { std::memset(r.data, 0, n); }),
        out, {x});
    if (list_has_null) result = c.NullConstant(BoolInfo(true));
  }
  for (const ExprPtr& other : others) {
    ASSIGN_OR_RETURN(Slot y, c.Compile(other));
    ASSIGN_OR_RETURN(Slot equal, CompareSlots(c, CompareOp::kEq, x, y, e->collation));
    result = OrSlots(c, result, equal);
  }
  return negated ? NotSlot(c, result) : result;
}

}  // namespace sirocco::engine
