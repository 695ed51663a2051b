// CASE, IF, COALESCE, NULLIF, GREATEST, LEAST, FIELD, ELT, INTERVAL and the check for one-row
// subqueries.
#include <algorithm>
#include <cstring>

#include "engine/expr/compiler.h"
#include "engine/expr/steps.h"

namespace sirocco::engine {

using plan::Expr;
using plan::ExprOp;
using plan::Type;
using plan::TypeKind;
using Branch = ExprCompiler::Branch;

namespace {

const uint8_t* Bytes(const Vector& v) { return static_cast<const uint8_t*>(v.data); }

// ---- a common representation for the values of several branches
// ------------------------------------------------------

// Brings the branches to one representation that can hold any of them, and fills `result` with it.
Result<void> Unify(ExprCompiler& c, const Type& type, std::vector<Branch*> values,
                   SlotInfo* result) {
  SlotInfo slot_info{.type = type, .nullable = false};
  const TypeKind kind = type.kind;
  auto convert_all = [&](const ExprCompiler::Convert& convert) -> Result<void> {
    for (Branch* value : values) RETURN_IF_ERROR(c.ConvertBranch(value, convert));
    return {};
  };
  auto is_null = [&](const Branch& b) { return b.info.constant && b.info.nullable; };
  slot_info.rep = RepOfLane(plan::LaneOf(type));
  if (type.IsReal()) {
    RETURN_IF_ERROR(convert_all([&](Slot s) { return c.ToRep(s, Rep::kF64); }));
  } else if (kind == TypeKind::kString) {
    RETURN_IF_ERROR(convert_all([&](Slot s) -> Result<Slot> {
      if (c.IsNullConstant(s)) return c.ToRep(s, Rep::kStr);
      return c.ToString(s, type);
    }));
  } else if (kind == TypeKind::kDecimal) {
    slot_info.rep = Rep::kI64;
    RETURN_IF_ERROR(convert_all(
        [&](Slot s) -> Result<Slot> { return c.IsNullConstant(s) ? s : c.ToNumber(s); }));
    uint8_t scale = 0, min_scale = 255;
    bool big = false;
    for (Branch* value : values) {
      if (is_null(*value)) continue;
      scale = std::max(scale, value->info.scale);
      min_scale = std::min(min_scale, value->info.min_scale);
      big |= value->info.rep == Rep::kBig;
    }
    slot_info.scale = scale;
    slot_info.min_scale = std::min(min_scale, scale);
    if (!big) {
      RETURN_IF_ERROR(convert_all(
          [&](Slot s) -> Result<Slot> { return c.IsNullConstant(s) ? s : c.Rescale(s, scale); }));
      bool narrow = true;
      for (Branch* value : values) {
        if (is_null(*value)) continue;
        big |= value->info.rep == Rep::kBig;
        narrow &= FitsI64(value->info.range);
      }
      slot_info.rep = narrow ? Rep::kI64 : Rep::kI128;
    }
    if (big) slot_info.rep = Rep::kBig;
    const Rep rep = slot_info.rep;
    RETURN_IF_ERROR(convert_all([&](Slot s) -> Result<Slot> {
      if (rep == Rep::kI64 && !c.IsNullConstant(s)) s = c.NarrowToI64(s);
      return c.ToRep(s, rep);
    }));
  } else {
    const Rep rep = slot_info.rep;
    RETURN_IF_ERROR(convert_all([&](Slot s) -> Result<Slot> {
      const SlotInfo& in = c.info(s);
      const bool same =
          c.IsNullConstant(s) || in.type.kind == kind ||
          (type.IsInteger() && !in.type.IsTemporal() && in.type.kind != TypeKind::kDecimal);
      if (!same)
        return NotSupported("mixing " + plan::TypeName(in.type) + " with " + plan::TypeName(type) +
                            " is not supported");
      return c.ToRep(s, rep);
    }));
  }
  ValueRange range;
  double num_distinct = 0;
  bool first = true;
  for (Branch* value : values) {
    slot_info.nullable |= value->info.nullable;
    num_distinct = num_distinct < 0 || value->info.num_distinct < 0
                       ? -1
                       : num_distinct + value->info.num_distinct;
    if (is_null(*value)) continue;
    range = first ? value->info.range : UnionRange(range, value->info.range);
    first = false;
  }
  if (first) range = MakeRange(0, 0);
  if (slot_info.rep == Rep::kI64 || slot_info.rep == Rep::kI128) {
    // Signed and unsigned branches share bits, as in the server; the bounds are then the type's.
    const ValueRange bounds = type.IsInteger() ? TypeRange(type) : range;
    slot_info.range = Within(range, bounds.min, bounds.max) ? range : bounds;
  }
  slot_info.num_distinct = num_distinct;
  *result = slot_info;
  return {};
}

// ---- evaluation
// -----------------------------------------------------------------------------------------------------

void Blend(Rep rep, const uint8_t* condition, const Vector& a, const Vector& b, void* out,
           uint32_t n) {
  const uint32_t width = RepWidth(rep);
  const KernelTable& k = Kernels();
  if (width == 8) return k.blend8(condition, a.data, a.constant, b.data, b.constant, out, n);
  if (width == 16) return k.blend16(condition, a.data, a.constant, b.data, b.constant, out, n);
  if (width == 1) return k.blend1(condition, a.data, a.constant, b.data, b.constant, out, n);
  for (uint32_t i = 0; i < n; ++i) {
    const Vector& v = condition[i] ? a : b;
    std::memmove(static_cast<char*>(out) + size_t{i} * width,
                 static_cast<const char*>(v.data) + (v.constant ? 0 : size_t{i} * width), width);
  }
}

// out = condition ? a : b, with NULLs; `condition` holds bytes for n rows. `r` may be b's vector.
void BlendVectors(Frame& frame, Slot out, const uint8_t* condition, const Vector& a,
                  const Vector& b, uint32_t n) {
  static constexpr uint8_t kNone[1] = {0};
  const Vector left = a, right = b;
  Vector& r = frame.Begin(out);
  Blend(frame.info(out).rep, condition, left, right, r.data, n);
  if (left.nulls == nullptr && right.nulls == nullptr) return;
  uint8_t* nulls = frame.Nulls(out);
  Kernels().blend1(condition, left.nulls != nullptr ? left.nulls : kNone,
                   left.constant || left.nulls == nullptr,
                   right.nulls != nullptr ? right.nulls : kNone,
                   right.constant || right.nulls == nullptr, nulls, n);
  r.nulls = nulls;
}

// One value by selection when all parts are cheap: out = condition ? a : b.
Slot SelectSlots(ExprCompiler& c, Slot condition, Slot a, Slot b, const SlotInfo& result) {
  SlotInfo slot_info = result;
  slot_info.nullable = c.info(a).nullable || c.info(b).nullable;
  const Slot out = c.AddSlot(slot_info);
  return c.Finish(MakeStep([=](Frame& frame) -> Result<void> {
                    const Vector& when = frame.in(condition);
                    if (when.constant) {
                      frame.Set(out, frame.in(Bytes(when)[0] != 0 ? a : b));
                      return {};
                    }
                    BlendVectors(frame, out, Bytes(when), frame.in(a), frame.in(b), frame.count);
                    return {};
                  }),
                  out, {condition, a, b});
}

// out = a where a is not NULL, else b.
Slot CoalesceSlots(ExprCompiler& c, Slot a, Slot b, const SlotInfo& result) {
  SlotInfo slot_info = result;
  slot_info.nullable = c.info(a).nullable && c.info(b).nullable;
  const Slot out = c.AddSlot(slot_info);
  return c.Finish(MakeStep([=](Frame& frame) -> Result<void> {
                    const Vector& x = frame.in(a);
                    if (x.nulls == nullptr || (x.constant && x.nulls[0] == 0)) {
                      frame.Set(out, x);
                    } else if (x.constant) {
                      frame.Set(out, frame.in(b));
                    } else {
                      BlendVectors(frame, out, x.nulls, frame.in(b), x, frame.count);
                    }
                    return {};
                  }),
                  out, {a, b});
}

// Conditions and values of which some run in child scopes, for the rows that reach them.
class CaseStep final : public Step {
 public:
  struct Arm {
    Branch when, then;
  };
  // `coalesce`: no conditions; the first value that is not NULL.
  CaseStep(std::vector<Arm> arms, Branch otherwise, Slot out, bool coalesce)
      : arms_(std::move(arms)), otherwise_(std::move(otherwise)), out_(out), coalesce_(coalesce) {}

  Result<void> Run(Frame& frame) const override {
    const Rep rep = frame.info(out_).rep;
    Vector& r = frame.Begin(out_);
    r.nulls = frame.Nulls(out_);
    uint16_t rest[kVectorSize], taken[kVectorSize];
    uint32_t num_rest = frame.count;
    for (uint32_t i = 0; i < num_rest; ++i) rest[i] = static_cast<uint16_t>(i);
    for (const Arm& arm : arms_) {
      if (num_rest == 0) break;
      if (coalesce_) {
        RETURN_IF_ERROR(Put(frame, rep, arm.then, rest, num_rest, r));
        uint32_t left = 0;
        for (uint32_t k = 0; k < num_rest; ++k) {
          const uint16_t row = rest[k];
          rest[left] = row;
          left += r.nulls[row];
        }
        num_rest = left;
        continue;
      }
      const bool eager = arm.when.child < 0;
      if (!eager) RETURN_IF_ERROR(frame.RunChild(arm.when.child, rest, num_rest));
      const Vector& when =
          eager ? frame.in(arm.when.slot) : frame.child(arm.when.child).in(arm.when.slot);
      uint32_t num_taken = 0, left = 0;
      for (uint32_t k = 0; k < num_rest; ++k) {
        const uint16_t row = rest[k];
        const bool value = Bytes(when)[when.constant ? 0 : eager ? row : k] != 0;
        taken[num_taken] = row;
        rest[left] = row;
        num_taken += value;
        left += !value;
      }
      num_rest = left;
      if (num_taken > 0) RETURN_IF_ERROR(Put(frame, rep, arm.then, taken, num_taken, r));
    }
    if (num_rest > 0) RETURN_IF_ERROR(Put(frame, rep, otherwise_, rest, num_rest, r));
    if (!Kernels().bytes_any(r.nulls, frame.count)) r.nulls = nullptr;
    return {};
  }

 private:
  // Writes the branch's values to the given rows of `r`.
  Result<void> Put(Frame& frame, Rep rep, const Branch& value, const uint16_t* rows, uint32_t n,
                   const Vector& r) const {
    if (value.child >= 0) {
      RETURN_IF_ERROR(frame.RunChild(value.child, rows, n));
      ScatterRep(rep, frame.child(value.child).in(value.slot), rows, n, r);
      return {};
    }
    const Vector& v = frame.in(value.slot);
    if (v.constant) {
      ScatterRep(rep, v, rows, n, r);
      return {};
    }
    const uint32_t width = RepWidth(rep);
    for (uint32_t k = 0; k < n; ++k) {
      const size_t row = rows[k];
      std::memcpy(static_cast<char*>(r.data) + row * width,
                  static_cast<const char*>(v.data) + row * width, width);
      r.nulls[row] = v.nulls == nullptr ? 0 : v.nulls[row];
    }
    return {};
  }

  std::vector<Arm> arms_;
  Branch otherwise_;
  Slot out_;
  bool coalesce_;
};

SlotInfo NullLike(const Type& type) {
  SlotInfo like{.type = type, .rep = RepOfLane(plan::LaneOf(type))};
  if (type.kind == TypeKind::kDecimal) {
    like.scale = like.min_scale = type.scale;
    if (like.rep == Rep::kStr) like.rep = Rep::kBig;
  }
  return like;
}

Result<Slot> Same(Slot s) { return s; }

// whens[i] -> thens[i], else the last of thens (if there is one more) or NULL.
Result<Slot> BuildCase(ExprCompiler& c, const Type& type, const std::vector<ExprPtr>& whens,
                       const std::vector<ExprPtr>& thens) {
  std::vector<CaseStep::Arm> arms;
  bool lazy = false, raises = false;
  for (size_t i = 0; i < whens.size(); ++i) {
    auto to_bool = [&](Slot s) -> Result<Slot> {
      return c.IsNullConstant(s) ? c.ToRep(s, Rep::kBool) : c.ToBool(s);
    };
    CaseStep::Arm arm;
    // The first condition is evaluated for every row anyway.
    if (i == 0) {
      ASSIGN_OR_RETURN(Slot slot, c.Compile(whens[0]));
      ASSIGN_OR_RETURN(slot, to_bool(slot));
      arm.when = {-1, slot, c.info(slot)};
    } else {
      ASSIGN_OR_RETURN(arm.when, c.CompileBranch(whens[i], to_bool));
    }
    ASSIGN_OR_RETURN(arm.then, c.CompileBranch(thens[i], Same));
    lazy |= arm.when.child >= 0 || arm.then.child >= 0;
    raises |= arm.when.raises || arm.then.raises;
    arms.push_back(std::move(arm));
  }
  Branch otherwise;
  if (thens.size() > whens.size()) {
    ASSIGN_OR_RETURN(otherwise, c.CompileBranch(thens.back(), Same));
    lazy |= otherwise.child >= 0;
    raises |= otherwise.raises;
  } else {
    otherwise.slot = c.NullConstant(NullLike(type));
    otherwise.info = c.info(otherwise.slot);
  }
  std::vector<Branch*> values;
  for (auto& arm : arms) values.push_back(&arm.then);
  values.push_back(&otherwise);
  SlotInfo slot_info;
  RETURN_IF_ERROR(Unify(c, type, values, &slot_info));
  if (!lazy && slot_info.rep != Rep::kBig) {
    Slot slot = otherwise.slot;
    for (size_t i = arms.size(); i-- > 0;)
      slot = SelectSlots(c, arms[i].when.slot, arms[i].then.slot, slot, slot_info);
    return slot;
  }
  const Slot out = c.AddSlot(slot_info);
  return c.Finish(std::make_unique<CaseStep>(std::move(arms), std::move(otherwise), out, false),
                  out, {}, {.raises = raises, .foldable = false});
}

Result<Slot> BuildCoalesce(ExprCompiler& c, const Type& type, const std::vector<ExprPtr>& args) {
  std::vector<CaseStep::Arm> arms;
  bool lazy = false, raises = false;
  for (size_t i = 0; i < args.size(); ++i) {
    CaseStep::Arm arm;
    if (i == 0) {
      ASSIGN_OR_RETURN(arm.then.slot, c.Compile(args[0]));
      arm.then.info = c.info(arm.then.slot);
    } else {
      ASSIGN_OR_RETURN(arm.then, c.CompileBranch(args[i], Same));
    }
    lazy |= arm.then.child >= 0;
    raises |= arm.then.raises;
    const bool last = !arm.then.info.nullable;
    arms.push_back(std::move(arm));
    if (last) break;  // later arguments are never reached
  }
  std::vector<Branch*> values;
  for (auto& arm : arms) values.push_back(&arm.then);
  SlotInfo slot_info;
  RETURN_IF_ERROR(Unify(c, type, values, &slot_info));
  slot_info.nullable = arms.back().then.info.nullable;
  if (!lazy && slot_info.rep != Rep::kBig) {
    Slot slot = arms.back().then.slot;
    for (size_t i = arms.size() - 1; i-- > 0;)
      slot = CoalesceSlots(c, arms[i].then.slot, slot, slot_info);
    return slot;
  }
  Branch otherwise = std::move(arms.back().then);
  arms.pop_back();
  const Slot out = c.AddSlot(slot_info);
  return c.Finish(std::make_unique<CaseStep>(std::move(arms), std::move(otherwise), out, true), out,
                  {}, {.raises = raises, .foldable = false});
}

Result<Slot> BuildNullIf(ExprCompiler& c, const Expr& e) {
  ASSIGN_OR_RETURN(Slot a, c.Compile(e.args[0]));
  if (c.IsNullConstant(a)) return c.NullConstant(NullLike(e.type));
  ASSIGN_OR_RETURN(Slot b, c.Compile(e.args[1]));
  ASSIGN_OR_RETURN(Slot equal, CompareSlots(c, CompareOp::kEq, a, b, e.collation));
  Branch value{-1, a, c.info(a)};
  SlotInfo slot_info;
  RETURN_IF_ERROR(Unify(c, e.type, {&value}, &slot_info));
  const Slot null = c.NullConstant(slot_info);
  return SelectSlots(c, equal, null, value.slot, slot_info);
}

// LEAST and GREATEST: NULL if any argument is; of equal values GREATEST takes the last and LEAST
// the first, as the server.
Result<Slot> BuildExtreme(ExprCompiler& c, const Expr& e) {
  const bool least = e.op == ExprOp::kLeast;
  std::vector<Branch> branches;
  std::vector<Branch*> values;
  for (const ExprPtr& arg : e.args) {
    ASSIGN_OR_RETURN(Slot slot, c.Compile(arg));
    if (c.IsNullConstant(slot)) return c.NullConstant(NullLike(e.type));
    branches.push_back({-1, slot, c.info(slot)});
  }
  for (Branch& branch : branches) values.push_back(&branch);
  SlotInfo slot_info;
  RETURN_IF_ERROR(Unify(c, e.type, values, &slot_info));
  // Decimals: the winner keeps its own digits.
  const uint32_t collation = e.collation != 0 ? e.collation : e.type.collation;
  Slot best = branches[0].slot;
  for (size_t i = 1; i < branches.size(); ++i) {
    const Slot next = branches[i].slot;
    ASSIGN_OR_RETURN(Slot less, CompareSlots(c, CompareOp::kLt, next, best, collation));
    const Slot chosen = least ? SelectSlots(c, less, next, best, slot_info)
                              : SelectSlots(c, less, best, next, slot_info);
    // Where either is NULL the comparison is not true: take the NULL one.
    const SlotInfo chosen_info = c.info(chosen);
    if (!chosen_info.nullable) {
      best = chosen;
      continue;
    }
    const Slot merged = c.AddSlot(chosen_info);
    const Slot previous = best;
    best = c.Finish(MakeStep([=](Frame& frame) -> Result<void> {
                      const Vector x = frame.in(previous), y = frame.in(next), v = frame.in(chosen);
                      if (IsConstantNull(x) || IsConstantNull(y)) {
                        frame.SetNull(merged);
                        return {};
                      }
                      Vector r = v;
                      const uint32_t n = v.constant ? 1 : frame.count;
                      r.nulls = MergeNulls(frame, merged, x, y, n);
                      if (v.constant && !(x.constant && y.constant)) {
                        // Constant value, varying NULLs: spread it.
                        Vector& flat = frame.Begin(merged);
                        uint16_t rows[kVectorSize];
                        for (uint32_t i = 0; i < frame.count; ++i)
                          rows[i] = static_cast<uint16_t>(i);
                        GatherRep(frame.info(merged).rep, v, rows, frame.count, flat);
                        flat.nulls = MergeNulls(frame, merged, x, y, frame.count);
                        return {};
                      }
                      frame.Set(merged, r);
                      return {};
                    }),
                    merged, {previous, next, chosen});
  }
  return best;
}

Result<Slot> BuildRejectIf(ExprCompiler& c, const Expr& e) {
  ASSIGN_OR_RETURN(Slot condition, c.Compile(e.args[0]));
  ASSIGN_OR_RETURN(condition, c.ToBool(condition));
  Slot value;
  if (e.args.size() > 1) {
    ASSIGN_OR_RETURN(value, c.Compile(e.args[1]));
  } else {
    value = c.IntConstant(0);
  }
  // The check is a step of its own that must run, whatever is constant.
  SlotInfo slot_info = c.info(value);
  const Slot out = c.AddSlot(slot_info);
  return c.Finish(MakeStep([=](Frame& frame) -> Result<void> {
                    const Vector& v = frame.in(condition);
                    if (Kernels().bytes_any(Bytes(v), v.constant ? 1 : frame.count))
                      return MakeMysqlError(1242, "Subquery returns more than 1 row");
                    frame.Set(out, frame.in(value));
                    return {};
                  }),
                  out, {condition, value}, {.raises = true, .foldable = false});
}

ExprPtr Compare(ExprOp op, const ExprPtr& a, const ExprPtr& b, uint32_t collation) {
  return plan::Call(op, plan::IntType(true), {a, b}, collation);
}
ExprPtr Integer(int64_t v) { return plan::Constant(plan::Value::Int(v), plan::IntType(false)); }

}  // namespace

Result<Slot> BuildConditional(ExprCompiler& c, const ExprPtr& expr) {
  const Expr& e = *expr;
  std::vector<ExprPtr> whens, thens;
  switch (e.op) {
    case ExprOp::kCase: {
      size_t i = 0;
      for (; i + 1 < e.args.size(); i += 2) {
        whens.push_back(e.args[i]);
        thens.push_back(e.args[i + 1]);
      }
      if (i < e.args.size()) thens.push_back(e.args[i]);
      return BuildCase(c, e.type, whens, thens);
    }
    case ExprOp::kIf:
      return BuildCase(c, e.type, {e.args[0]}, {e.args[1], e.args[2]});
    case ExprOp::kCoalesce:
      return BuildCoalesce(c, e.type, e.args);
    case ExprOp::kNullIf:
      return BuildNullIf(c, e);
    case ExprOp::kGreatest:
    case ExprOp::kLeast:
      return BuildExtreme(c, e);
    case ExprOp::kRejectIf:
      return BuildRejectIf(c, e);
    case ExprOp::kField:
      for (size_t i = 1; i < e.args.size(); ++i) {
        whens.push_back(Compare(ExprOp::kEq, e.args[0], e.args[i], e.collation));
        thens.push_back(Integer(static_cast<int64_t>(i)));
      }
      thens.push_back(Integer(0));
      return BuildCase(c, e.type, whens, thens);
    case ExprOp::kElt:
      for (size_t i = 1; i < e.args.size(); ++i) {
        whens.push_back(Compare(ExprOp::kEq, e.args[0], Integer(static_cast<int64_t>(i)), 0));
        thens.push_back(e.args[i]);
      }
      return BuildCase(c, e.type, whens, thens);
    case ExprOp::kInterval:
      // The server bisects a long list of constants, which differs from this only for lists that
      // are not ascending.
      if (e.args.size() > 8)
        return NotSupported("INTERVAL() with more than 7 bounds is not supported");
      whens.push_back(plan::Call(ExprOp::kIsNull, plan::IntType(false), {e.args[0]}));
      thens.push_back(Integer(-1));
      for (size_t i = 1; i < e.args.size(); ++i) {
        whens.push_back(Compare(ExprOp::kGt, e.args[i], e.args[0], 0));
        thens.push_back(Integer(static_cast<int64_t>(i) - 1));
      }
      thens.push_back(Integer(static_cast<int64_t>(e.args.size()) - 1));
      return BuildCase(c, e.type, whens, thens);
    default:
      return NotSupported(std::string("function ") + plan::ExprOpName(e.op) + " is not supported");
  }
}

}  // namespace sirocco::engine
