#include "engine/exec/join_keys.h"

#include <algorithm>
#include <bit>

#include "engine/exec/hash_index.h"
#include "engine/storage/dictionary.h"
#include "mysqlsem/collation.h"

namespace sirocco::engine {

namespace {

constexpr uint64_t kNullHash = 0x5bd1e995a3c59ac3ull;

bool IsNumeric(const plan::Type& type) {
  return type.kind == plan::TypeKind::kDecimal || type.IsInteger() ||
         type.kind == plan::TypeKind::kYear || type.kind == plan::TypeKind::kBit;
}

uint8_t IntegerDigits(const plan::Type& type) {
  return type.kind == plan::TypeKind::kDecimal ? static_cast<uint8_t>(type.precision - type.scale)
                                               : 20;
}

// Decimals beyond 38 digits travel in MySQL's packed form, which compares as bytes within one
// precision and scale.
bool IsHuge(const plan::Type& type) {
  return type.kind == plan::TypeKind::kDecimal && type.precision > 38;
}

// Decimals of different scales (or a decimal and an integer) are brought to the larger scale.
Result<plan::JoinKey> AlignScales(plan::JoinKey key) {
  const plan::Type &a = key.left->type, &b = key.right->type;
  if (!IsNumeric(a) || !IsNumeric(b)) return key;
  const uint8_t scale_a = a.kind == plan::TypeKind::kDecimal ? a.scale : 0;
  const uint8_t scale_b = b.kind == plan::TypeKind::kDecimal ? b.scale : 0;
  const bool wide = (a.kind == plan::TypeKind::kDecimal && a.precision > 18) ||
                    (b.kind == plan::TypeKind::kDecimal && b.precision > 18);
  if (IsHuge(a) || IsHuge(b)) {
    if (a.kind == b.kind && a.precision == b.precision && a.scale == b.scale) return key;
    const uint8_t scale = std::max(scale_a, scale_b);
    const uint32_t precision =
        std::max(39u, std::max<uint32_t>(IntegerDigits(a), IntegerDigits(b)) + scale);
    if (precision > 65) return NotSupported("join on decimals of more than 65 digits");
    key.left = plan::Call(plan::ExprOp::kCast,
                          plan::DecimalType(static_cast<uint8_t>(precision), scale, a.nullable),
                          {key.left});
    key.right = plan::Call(plan::ExprOp::kCast,
                           plan::DecimalType(static_cast<uint8_t>(precision), scale, b.nullable),
                           {key.right});
    return key;
  }
  if (scale_a == scale_b) {
    // Unsigned values have no sign to extend when they meet 128-bit ones: a decimal of 20 digits
    // holds them all.
    if (wide && a.IsUnsigned())
      key.left = plan::Call(plan::ExprOp::kCast, plan::DecimalType(20, 0, a.nullable), {key.left});
    if (wide && b.IsUnsigned())
      key.right =
          plan::Call(plan::ExprOp::kCast, plan::DecimalType(20, 0, b.nullable), {key.right});
    return key;
  }
  const uint8_t scale = std::max(scale_a, scale_b);
  const uint32_t precision = std::max(IntegerDigits(a), IntegerDigits(b)) + scale;
  if (precision > 38) return NotSupported("join on decimals of more than 38 digits");
  const auto type = [&](const plan::Type& from) {
    return plan::DecimalType(static_cast<uint8_t>(precision), scale, from.nullable);
  };
  if (scale_a != scale) key.left = plan::Call(plan::ExprOp::kCast, type(a), {key.left});
  if (scale_b != scale) key.right = plan::Call(plan::ExprOp::kCast, type(b), {key.right});
  return key;
}

// Whether the column may hold values whose 64 bits mean something else for the other signedness.
bool MayHaveUpperBit(const plan::Type& a, const ColumnInfo& info) {
  return !(info.range.known &&
           (a.IsUnsigned() ? info.range.max <= INT64_MAX : info.range.min >= 0));
}

void SetStep(KeyForm form, const ColumnInfo& in, bool shared_dictionary, JoinSideKeys* side) {
  KeyStep step = KeyStep::kNone;
  ColumnInfo out = in;
  switch (in.lane) {
    case Lane::kF64:
      step = KeyStep::kDoubleBits;
      out.lane = Lane::kI64;
      out.range = {};
      break;
    case Lane::kCode:
      if (shared_dictionary) {
        step = KeyStep::kClass;
        out.lane = Lane::kI64;
        out.range = {
            .known = true, .min = 0, .max = std::max<int64_t>(in.dictionary->size(), 1) - 1};
      } else {
        step = KeyStep::kDecode;
        out.lane = Lane::kStr;
      }
      out.dictionary = nullptr;
      break;
    case Lane::kI64:
      if (form == KeyForm::kInt128) {
        step = KeyStep::kWiden;
        out.lane = Lane::kI128;
        break;
      }
      [[fallthrough]];
    case Lane::kI128:
      if (form == KeyForm::kString) {
        step = KeyStep::kPackDecimal;
        out.lane = Lane::kStr;
        out.range = {};
      }
      break;
    case Lane::kStr:
      break;
  }
  side->steps.push_back(step);
  side->columns.push_back(out);
}

}  // namespace

Result<JoinKeys> PlanJoinKeys(const std::vector<plan::JoinKey>& input, const BatchLayout& left,
                              const BatchLayout& right, QueryContext* context) {
  JoinKeys out;
  if (input.empty()) return out;
  std::vector<plan::JoinKey> keys;
  std::vector<plan::ExprPtr> left_exprs, right_exprs;
  for (const plan::JoinKey& key : input) {
    ASSIGN_OR_RETURN(plan::JoinKey aligned, AlignScales(key));
    left_exprs.push_back(aligned.left);
    right_exprs.push_back(aligned.right);
    keys.push_back(std::move(aligned));
  }
  ASSIGN_OR_RETURN(out.left.expressions, Expression::Compile(left_exprs, left, context));
  ASSIGN_OR_RETURN(out.right.expressions, Expression::Compile(right_exprs, right, context));
  for (size_t i = 0; i < keys.size(); ++i) {
    const plan::Type &a = keys[i].left->type, &b = keys[i].right->type;
    const ColumnInfo &x = out.left.expressions->outputs()[i],
                     &y = out.right.expressions->outputs()[i];
    JoinKeyForm form{.null_safe = keys[i].null_safe};
    bool shared = false;
    const bool string_a = x.lane == Lane::kStr || x.lane == Lane::kCode,
               string_b = y.lane == Lane::kStr || y.lane == Lane::kCode;
    const bool null_a = a.kind == plan::TypeKind::kNull, null_b = b.kind == plan::TypeKind::kNull;
    if (string_a != string_b && !null_a && !null_b && !(IsHuge(a) && IsHuge(b)))
      return NotSupported("join of " + plan::TypeName(a) + " with " + plan::TypeName(b));
    if (string_a || string_b) {
      const bool packed = IsHuge(a) && IsHuge(b);
      if (packed) {
        form.form = KeyForm::kString;
        form.collation = mysqlsem::FindCollation(plan::kBinaryCollation);
      } else if ((string_a && !a.IsString()) || (string_b && !b.IsString()))
        return NotSupported("join on " + plan::TypeName(a.IsString() ? b : a));
      if (!packed) {
        if (string_a != string_b) return NotSupported("join of a string with NULL");
        form.form = KeyForm::kString;
        form.collation = mysqlsem::FindCollation(keys[i].collation);
      }
      if (form.collation == nullptr)
        return NotSupported("join with unknown collation " + std::to_string(keys[i].collation));
      shared = x.lane == Lane::kCode && y.lane == Lane::kCode && x.dictionary == y.dictionary &&
               x.dictionary->collation() == form.collation;
      if (shared) form.form = KeyForm::kInt64;
    } else if ((x.lane == Lane::kF64) != (y.lane == Lane::kF64)) {
      return NotSupported("join of " + plan::TypeName(a) + " with " + plan::TypeName(b));
    } else if (IsHuge(a) && IsHuge(b)) {
      form.form = x.lane == Lane::kI64 && y.lane == Lane::kI64 ? KeyForm::kInt64 : KeyForm::kInt128;
    } else if (x.lane == Lane::kI128 || y.lane == Lane::kI128) {
      form.form = KeyForm::kInt128;
      if (a.IsUnsigned() || b.IsUnsigned())
        return NotSupported("join of wide decimals with unsigned integers");
    } else if (x.lane == Lane::kI64 && a.IsUnsigned() != b.IsUnsigned()) {
      form.mixed_sign = MayHaveUpperBit(a, x) && MayHaveUpperBit(b, y);
    }
    out.forms.push_back(form);
    for (auto [side, info, expr, layout] : {std::tuple{&out.left, &x, &keys[i].left, &left},
                                            std::tuple{&out.right, &y, &keys[i].right, &right}}) {
      SetStep(form.form, *info, shared, side);
      const bool bare =
          (*expr)->op == plan::ExprOp::kColumn && side->steps.back() == KeyStep::kNone;
      side->bare.push_back(bare ? layout->Find((*expr)->column) : -1);
    }
  }
  return out;
}

KeyReader::KeyReader(const JoinSideKeys* keys) : keys_(keys) {
  if (keys->expressions == nullptr) return;
  state_ = keys->expressions->MakeState();
  raw_.resize(keys->steps.size());
  vectors_.resize(keys->steps.size());
  step_buffers_.resize(keys->steps.size());
  flat_buffers_.resize(keys->steps.size());
}

Result<void> KeyReader::Read(const Batch& batch) {
  if (keys_->expressions == nullptr) return {};
  RETURN_IF_ERROR(keys_->expressions->Evaluate(batch, state_.get(), raw_));
  for (size_t k = 0; k < raw_.size(); ++k) {
    const Vector in = Flatten(raw_[k], batch.count, &flat_buffers_[k]);
    Vector& out = vectors_[k];
    switch (keys_->steps[k]) {
      case KeyStep::kNone:
        out = in;
        break;
      case KeyStep::kWiden:
      case KeyStep::kDecode:
      case KeyStep::kPackDecimal:
        out = ConvertLane(in, batch.count, keys_->columns[k].type, keys_->columns[k].lane,
                          &step_buffers_[k]);
        break;
      case KeyStep::kDoubleBits:
        step_buffers_[k].values.Reset(Lane::kI64);
        out = step_buffers_[k].values.Flat();
        out.nulls = in.nulls;
        for (uint32_t i = 0; i < batch.count; ++i)
          out.i64()[i] = std::bit_cast<int64_t>(in.f64()[i] == 0 ? 0.0 : in.f64()[i]);
        break;
      case KeyStep::kClass: {
        step_buffers_[k].values.Reset(Lane::kI64);
        out = step_buffers_[k].values.Flat();
        out.nulls = in.nulls;
        const uint32_t* classes = in.dictionary->classes();
        const uint32_t* codes = in.code();
        if (classes == nullptr) {
          for (uint32_t i = 0; i < batch.count; ++i) out.i64()[i] = codes[i];
        } else {
          for (uint32_t i = 0; i < batch.count; ++i) out.i64()[i] = classes[codes[i]];
        }
        break;
      }
    }
  }
  return {};
}

void HashJoinKeys(const std::vector<JoinKeyForm>& forms, const Vector* keys, uint32_t count,
                  uint64_t* hashes) {
  for (size_t k = 0; k < forms.size(); ++k) {
    const Vector& in = keys[k];
    const auto add = [&](auto hash_of) {
      const uint8_t* nulls = forms[k].null_safe ? in.nulls : nullptr;
      if (k == 0) {
        for (uint32_t i = 0; i < count; ++i)
          hashes[i] = nulls != nullptr && nulls[i] ? kNullHash : hash_of(i);
      } else {
        for (uint32_t i = 0; i < count; ++i)
          hashes[i] =
              CombineHashes(hashes[i], nulls != nullptr && nulls[i] ? kNullHash : hash_of(i));
      }
    };
    switch (forms[k].form) {
      case KeyForm::kInt64: {
        const uint64_t* values = in.u64();
        add([values](uint32_t i) { return HashInteger(values[i]); });
        break;
      }
      case KeyForm::kInt128: {
        const int128* values = in.i128();
        add([values](uint32_t i) {
          return CombineHashes(HashInteger(static_cast<uint64_t>(values[i])),
                               static_cast<uint64_t>(values[i] >> 64));
        });
        break;
      }
      case KeyForm::kString: {
        const StringRef* values = in.str();
        const mysqlsem::Collation* collation = forms[k].collation;
        add([values, collation](uint32_t i) {
          return HashInteger(collation->Hash(values[i].view()));
        });
        break;
      }
    }
  }
}

}  // namespace sirocco::engine
