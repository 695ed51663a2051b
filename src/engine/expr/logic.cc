// AND, OR, NOT, XOR and the IS tests. Results are kBool slots: NULL rows hold 0, so the bytes alone
// mean "is true".
#include <algorithm>
#include <cstring>

#include "engine/expr/compiler.h"
#include "engine/expr/steps.h"

namespace sirocco::engine {

using plan::ExprOp;

namespace {

const uint8_t* Bytes(const Vector& v) { return static_cast<const uint8_t*>(v.data); }
uint8_t* MutableBytes(const Vector& v) { return static_cast<uint8_t*>(v.data); }

// r = x AND y, or x OR y, for flat vectors of n rows.
void Combine(Frame& frame, bool is_and, const Vector& x, const Vector& y, Slot out, Vector& r,
             uint32_t n) {
  const KernelTable& k = Kernels();
  if (x.nulls == nullptr && y.nulls == nullptr) {
    (is_and ? k.bytes_and : k.bytes_or)(Bytes(x), Bytes(y), MutableBytes(r), n);
    return;
  }
  uint8_t* nulls = frame.Nulls(out);
  (is_and ? k.and3 : k.or3)(Bytes(x), x.nulls, Bytes(y), y.nulls, MutableBytes(r), nulls, n);
  r.nulls = nulls;
}

Slot CombineSlots(ExprCompiler& c, bool is_and, Slot a, Slot b) {
  const Slot out = c.AddSlot(BoolInfo(c.info(a).nullable || c.info(b).nullable));
  return c.Finish(MakeStep([=](Frame& frame) -> Result<void> {
                    const Vector x = frame.in(a), y = frame.in(b);
                    if (x.constant != y.constant) {
                      // A constant either decides or leaves the other side, or is NULL.
                      const Vector& constant = x.constant ? x : y;
                      const Vector& other = x.constant ? y : x;
                      const bool is_null = IsConstantNull(constant);
                      if (!is_null) {
                        const bool value = Bytes(constant)[0] != 0;
                        frame.Set(out, value == is_and ? other : constant);
                        return {};
                      }
                      Vector& r = frame.Begin(out);
                      r.nulls = frame.Nulls(out);
                      // NULL AND v: false where v is false; NULL OR v: true where v is true; else
                      // NULL.
                      for (uint32_t i = 0; i < frame.count; ++i) {
                        const bool other_null = IsNullAt(other, i), value = Bytes(other)[i] != 0;
                        MutableBytes(r)[i] = !is_and && value;
                        r.nulls[i] = is_and ? (other_null || value) : !value;
                      }
                      return {};
                    }
                    Vector& r = frame.Begin(out);
                    r.constant = x.constant;
                    Combine(frame, is_and, x, y, out, r, r.constant ? 1 : frame.count);
                    return {};
                  }),
                  out, {a, b});
}

}  // namespace

Slot AndSlots(ExprCompiler& c, Slot a, Slot b) { return CombineSlots(c, true, a, b); }
Slot OrSlots(ExprCompiler& c, Slot a, Slot b) { return CombineSlots(c, false, a, b); }

Slot NotSlot(ExprCompiler& c, Slot a) {
  const Slot out = c.AddSlot(BoolInfo(c.info(a).nullable));
  return c.Finish(MakeUnaryStep(a, out,
                                [](const Vector& x, Vector& r, uint32_t n) {
                                  Kernels().bytes_not(Bytes(x), MutableBytes(r), n);
                                  if (r.nulls != nullptr)
                                    Kernels().bytes_and_not(Bytes(r), r.nulls, MutableBytes(r), n);
                                }),
                  out, {a});
}

Slot IsNullSlot(ExprCompiler& c, Slot a, bool negated) {
  if (!c.info(a).nullable) return c.BoolConstant(negated);
  const Slot out = c.AddSlot(BoolInfo(false));
  return c.Finish(MakeStep([=](Frame& frame) -> Result<void> {
                    const Vector& x = frame.in(a);
                    Vector& r = frame.Begin(out);
                    r.constant = x.constant || x.nulls == nullptr;
                    if (x.nulls == nullptr) {
                      MutableBytes(r)[0] = negated;
                    } else {
                      const uint32_t n = r.constant ? 1 : frame.count;
                      if (negated) {
                        Kernels().bytes_not(x.nulls, MutableBytes(r), n);
                      } else {
                        std::memcpy(r.data, x.nulls, n);
                      }
                    }
                    return {};
                  }),
                  out, {a});
}

namespace {

// IS [NOT] TRUE / FALSE over a boolean slot.
Slot IsTruthSlot(ExprCompiler& c, Slot a, bool truth, bool negated) {
  const Slot out = c.AddSlot(BoolInfo(false));
  return c.Finish(MakeStep([=](Frame& frame) -> Result<void> {
                    const Vector& x = frame.in(a);
                    Vector& r = frame.Begin(out);
                    r.constant = x.constant;
                    const uint32_t n = r.constant ? 1 : frame.count;
                    uint8_t* bytes = MutableBytes(r);
                    if (truth) {
                      std::memcpy(bytes, x.data, n);
                    } else {
                      Kernels().bytes_not(Bytes(x), bytes, n);
                      if (x.nulls != nullptr) Kernels().bytes_and_not(bytes, x.nulls, bytes, n);
                    }
                    if (negated) Kernels().bytes_not(bytes, bytes, n);
                    return {};
                  }),
                  out, {a});
}

Slot XorSlots(ExprCompiler& c, Slot a, Slot b) {
  const Slot out = c.AddSlot(BoolInfo(c.info(a).nullable || c.info(b).nullable));
  return c.Finish(MakeRowStep({a, b}, out, Strictness::kStrict,
                              [](Row& r) { return r.Return(r.Bool(0) != r.Bool(1)); }),
                  out, {a, b});
}

// AND / OR whose later terms run only for the rows that the earlier ones leave open.
class SequenceStep final : public Step {
 public:
  SequenceStep(bool is_and, std::vector<ExprCompiler::Branch> terms, Slot out)
      : is_and_(is_and), terms_(std::move(terms)), out_(out) {}

  Result<void> Run(Frame& frame) const override {
    Vector& r = frame.Begin(out_);
    uint8_t* bytes = MutableBytes(r);
    uint8_t* nulls = frame.Nulls(out_);
    const uint32_t n = frame.count;
    std::memset(bytes, is_and_, n);
    std::memset(nulls, 0, n);
    uint16_t rows[kVectorSize];
    for (const ExprCompiler::Branch& term : terms_) {
      // Undecided rows: for AND those not false, for OR those not true.
      uint32_t m = 0;
      for (uint32_t i = 0; i < n; ++i) {
        rows[m] = static_cast<uint16_t>(i);
        m += is_and_ ? (bytes[i] | nulls[i]) : (bytes[i] ^ 1);
      }
      if (m == 0) break;
      const bool eager = term.child < 0;
      if (!eager) RETURN_IF_ERROR(frame.RunChild(term.child, rows, m));
      const Vector& v = eager ? frame.in(term.slot) : frame.child(term.child).in(term.slot);
      for (uint32_t k = 0; k < m; ++k) {
        const uint32_t row = rows[k], source = v.constant ? 0 : eager ? row : k;
        const uint8_t value = Bytes(v)[source], is_null = v.nulls == nullptr ? 0 : v.nulls[source];
        if (is_and_) {
          const uint8_t both = bytes[row] & value;
          nulls[row] = (bytes[row] | nulls[row]) & (value | is_null) & (both ^ 1);
          bytes[row] = both;
        } else {
          bytes[row] |= value;
          nulls[row] = (nulls[row] | is_null) & (bytes[row] ^ 1);
        }
      }
    }
    if (Kernels().bytes_any(nulls, n)) r.nulls = nulls;
    return {};
  }

 private:
  bool is_and_;
  std::vector<ExprCompiler::Branch> terms_;
  Slot out_;
};

Result<Slot> BuildSequence(ExprCompiler& c, const ExprPtr& e) {
  const bool is_and = e->op == ExprOp::kAnd;
  std::vector<ExprCompiler::Branch> terms;
  bool nullable = false, any_child = false, raises = false;
  for (const ExprPtr& arg : e->args) {
    ASSIGN_OR_RETURN(auto term, c.CompileBranch(arg, [&](Slot s) { return c.ToBool(s); }));
    nullable |= term.info.nullable;
    any_child |= term.child >= 0;
    raises |= term.raises;
    terms.push_back(std::move(term));
  }
  // Terms that are merely slow go last; terms that may raise something keep their place.
  std::stable_partition(terms.begin(), terms.end(),
                        [](const auto& t) { return t.child < 0 || t.raises; });
  // The cheap terms in front of the first child are plain byte operations.
  size_t num_eager = 0;
  while (num_eager < terms.size() && terms[num_eager].child < 0) ++num_eager;
  if (num_eager > 1) {
    Slot slot = terms[0].slot;
    for (size_t i = 1; i < num_eager; ++i) slot = CombineSlots(c, is_and, slot, terms[i].slot);
    if (!any_child) return slot;
    const ExprCompiler::Branch head{-1, slot, c.info(slot)};
    terms.erase(terms.begin(), terms.begin() + static_cast<std::ptrdiff_t>(num_eager));
    terms.insert(terms.begin(), head);
  }
  const Slot out = c.AddSlot(BoolInfo(nullable));
  return c.Finish(std::make_unique<SequenceStep>(is_and, std::move(terms), out), out, {},
                  {.raises = raises, .foldable = false});
}

}  // namespace

Result<Slot> BuildLogic(ExprCompiler& c, const ExprPtr& e) {
  if (e->op == ExprOp::kAnd || e->op == ExprOp::kOr) return BuildSequence(c, e);
  ASSIGN_OR_RETURN(Slot a, c.Compile(e->args[0]));
  switch (e->op) {
    case ExprOp::kIsNull:
      return IsNullSlot(c, a, false);
    case ExprOp::kIsNotNull:
      return IsNullSlot(c, a, true);
    default:
      break;
  }
  if (c.IsNullConstant(a)) a = c.NullConstant(BoolInfo(true));
  ASSIGN_OR_RETURN(a, c.ToBool(a));
  switch (e->op) {
    case ExprOp::kNot:
      return NotSlot(c, a);
    case ExprOp::kIsTrue:
      return IsTruthSlot(c, a, true, false);
    case ExprOp::kIsNotTrue:
      return IsTruthSlot(c, a, true, true);
    case ExprOp::kIsFalse:
      return IsTruthSlot(c, a, false, false);
    case ExprOp::kIsNotFalse:
      return IsTruthSlot(c, a, false, true);
    default:
      break;
  }
  ASSIGN_OR_RETURN(Slot b, c.Compile(e->args[1]));
  if (c.IsNullConstant(b)) b = c.NullConstant(BoolInfo(true));
  ASSIGN_OR_RETURN(b, c.ToBool(b));
  return XorSlots(c, a, b);
}

}  // namespace sirocco::engine
