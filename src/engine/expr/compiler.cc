#include "engine/expr/compiler.h"

#include <cstring>

#include "common/check.h"
#include "engine/expr/lookup.h"
#include "mysqlsem/decimal.h"

namespace sirocco::engine {

using plan::Expr;
using plan::ExprOp;
using plan::Type;
using plan::TypeKind;

std::string_view ProgramMemory::Keep(std::string_view bytes) {
  return strings_.emplace_back(bytes);
}

void* ProgramMemory::Allocate(size_t bytes) {
  // Kernels read whole SIMD registers past the end of a value.
  const size_t units = (bytes + 128) / sizeof(std::max_align_t) + 1;
  blocks_.push_back(std::make_unique<std::max_align_t[]>(units));
  return blocks_.back().get();
}

ValueRange TypeRange(const Type& type) {
  switch (type.kind) {
    case TypeKind::kNull:
      return MakeRange(0, 0);
    case TypeKind::kInt:
      return MakeRange(kMinI64, kMaxI64);
    case TypeKind::kUInt:
    case TypeKind::kSet:
      return MakeRange(0, kMaxU64);
    case TypeKind::kBit:
      return MakeRange(0, type.max_length == 0 || type.max_length >= 64
                              ? kMaxU64
                              : (int128{1} << type.max_length) - 1);
    case TypeKind::kYear:
      return MakeRange(0, 2155);
    case TypeKind::kEnum:
      return MakeRange(0, 65535);
    case TypeKind::kDate:
      return MakeRange(0, (9999 << 9) | (15 << 5) | 31);
    case TypeKind::kDecimal:
      if (type.precision > 38) return {};
      return MakeRange(-(mysqlsem::PowerOfTen(type.precision) - 1),
                       mysqlsem::PowerOfTen(type.precision) - 1);
    default:
      return MakeRange(kMinI64, kMaxI64);
  }
}

struct ExprCompiler::Mark {
  size_t slots, steps, imports, constants, children, values, conversions;
  int num_states, num_raising, num_expensive;
};

ExprCompiler::Mark ExprCompiler::MakeMark() const {
  return {scope_->slots.size(),
          scope_->steps.size(),
          scope_->imports.size(),
          scope_->constants.size(),
          scope_->children.size(),
          builder_->values_log.size(),
          builder_->conversions_log.size(),
          scope_->num_states,
          builder_->num_raising,
          builder_->num_expensive};
}

void ExprCompiler::RollBack(const Mark& mark) {
  scope_->slots.resize(mark.slots);
  scope_->steps.resize(mark.steps);
  scope_->imports.resize(mark.imports);
  scope_->constants.resize(mark.constants);
  scope_->children.resize(mark.children);
  std::erase_if(scope_->columns, [&](const auto& column) {
    return static_cast<size_t>(column.second) >= mark.slots;
  });
  scope_->num_states = mark.num_states;
  builder_->num_raising = mark.num_raising;
  builder_->num_expensive = mark.num_expensive;
  while (builder_->values_log.size() > mark.values) {
    builder_->values.erase(builder_->values_log.back());
    builder_->values_log.pop_back();
  }
  while (builder_->conversions_log.size() > mark.conversions) {
    builder_->conversions.erase(builder_->conversions_log.back());
    builder_->conversions_log.pop_back();
  }
}

ExprCompiler::ExprCompiler(const BatchLayout& input, QueryContext* context, ProgramMemory* memory)
    : input_(input),
      context_(context),
      memory_(memory),
      root_(std::make_unique<Scope>()),
      scope_(root_.get()) {
  builders_.push_back({.scope = scope_});
  builder_ = &builders_.back();
}

Slot ExprCompiler::AddSlot(const SlotInfo& slot_info) {
  scope_->slots.push_back(slot_info);
  scope_->slots.back().constant = false;
  return static_cast<Slot>(scope_->slots.size()) - 1;
}

Slot ExprCompiler::AddConstant(const SlotInfo& slot_info, const Vector& vector) {
  const Slot slot = AddSlot(slot_info);
  mutable_info(slot).constant = true;
  scope_->constants.emplace_back(slot, vector);
  return slot;
}

bool ExprCompiler::TryFold(Step* step, Slot out, std::span<const Slot> inputs) {
  for (Slot input : inputs)
    if (!info(input).constant) return false;
  // A private context shows whether the step raises a warning.
  QueryContext probe(&context_->plan(), context_->pool(), 1);
  Arena arena(context_->pool(), 4096);
  Frame frame(scope_, &probe, &arena);
  frame.count = 1;
  if (!step->Run(frame) || !probe.warnings().empty()) return false;
  const Vector& result = frame.in(out);
  SlotInfo& slot_info = mutable_info(out);
  const Rep rep = slot_info.rep;
  Vector kept = result;
  kept.constant = true;
  kept.data = memory_->Allocate(RepWidth(rep));
  std::memcpy(kept.data, result.data, RepWidth(rep));
  const bool is_null = result.nulls != nullptr && result.nulls[0] != 0;
  kept.nulls = nullptr;
  if (is_null) {
    kept.nulls = static_cast<uint8_t*>(memory_->Allocate(1));
    kept.nulls[0] = 1;
    if (rep == Rep::kStr) *kept.str() = {"", 0, 0};
    if (rep == Rep::kBool) *static_cast<uint8_t*>(kept.data) = 0;
  } else if (rep == Rep::kStr) {
    const std::string_view bytes = memory_->Keep(kept.str()->view());
    *kept.str() = {bytes.data(), static_cast<uint32_t>(bytes.size()), 0};
  }
  slot_info.constant = true;
  slot_info.nullable = is_null;
  slot_info.num_distinct = 1;
  if (!is_null && rep == Rep::kI64) {
    const int128 value =
        slot_info.type.IsUnsigned() ? static_cast<int128>(*kept.u64()) : int128{*kept.i64()};
    slot_info.range = MakeRange(value, value);
  } else if (!is_null && rep == Rep::kI128) {
    slot_info.range = MakeRange(*kept.i128(), *kept.i128());
  }
  scope_->constants.emplace_back(out, kept);
  return true;
}

Slot ExprCompiler::Finish(std::unique_ptr<Step> step, Slot out, std::span<const Slot> inputs,
                          StepTraits traits) {
  if (traits.foldable && TryFold(step.get(), out, inputs)) return out;
  scope_->steps.push_back(std::move(step));
  if (traits.raises) ++builder_->num_raising;
  if (traits.expensive) ++builder_->num_expensive;
  return out;
}

// ---- constants
// ------------------------------------------------------------------------------------------------------

namespace {

Vector ConstantOfWidth(ProgramMemory* memory, Rep rep, const void* value, bool is_null) {
  Vector v;
  v.lane = LaneOfRep(rep);
  v.constant = true;
  v.data = memory->Allocate(RepWidth(rep));
  if (value != nullptr) std::memcpy(v.data, value, RepWidth(rep));
  if (is_null) {
    v.nulls = static_cast<uint8_t*>(memory->Allocate(1));
    v.nulls[0] = 1;
  }
  return v;
}

}  // namespace

Result<Slot> ExprCompiler::ConstantSlot(const plan::Value& value, const Type& type) {
  SlotInfo slot_info{.type = type, .nullable = value.is_null, .constant = true};
  slot_info.num_distinct = 1;
  if (type.kind == TypeKind::kDecimal) slot_info.scale = slot_info.min_scale = type.scale;
  slot_info.range = TypeRange(type);
  const Lane lane = plan::LaneOf(type);
  slot_info.rep = RepOfLane(lane);
  if (type.kind == TypeKind::kDecimal && lane == Lane::kStr) slot_info.rep = Rep::kBig;
  if (value.is_null) return NullConstant(slot_info);
  Vector vector;
  switch (slot_info.rep) {
    case Rep::kI64:
    case Rep::kI128: {
      const int128 v = value.integer;
      slot_info.range = MakeRange(v, v);
      if (slot_info.rep == Rep::kI128 && v >= kMinI64 && v <= kMaxI64) slot_info.rep = Rep::kI64;
      if (slot_info.rep == Rep::kI64 &&
          (v < kMinI64 || v > (type.IsUnsigned() ? kMaxU64 : kMaxI64)))
        return NotSupported("malformed constant of type " + plan::TypeName(type));
      const int64_t low = static_cast<int64_t>(v);
      vector = slot_info.rep == Rep::kI64 ? ConstantOfWidth(memory_, Rep::kI64, &low, false)
                                          : ConstantOfWidth(memory_, Rep::kI128, &v, false);
      break;
    }
    case Rep::kF64:
      vector = ConstantOfWidth(memory_, Rep::kF64, &value.real, false);
      break;
    case Rep::kStr: {
      const std::string_view bytes = memory_->Keep(value.bytes);
      const StringRef ref{bytes.data(), static_cast<uint32_t>(bytes.size()), 0};
      vector = ConstantOfWidth(memory_, Rep::kStr, &ref, false);
      break;
    }
    case Rep::kBig: {
      mysqlsem::BigDecimal big;
      if (type.precision > mysqlsem::kDecimalMaxPrecision ||
          type.scale > mysqlsem::kDecimalMaxScale ||
          value.bytes.size() !=
              static_cast<size_t>(mysqlsem::PackedDecimalSize(type.precision, type.scale)) ||
          mysqlsem::BigDecimal::FromPacked(reinterpret_cast<const uint8_t*>(value.bytes.data()),
                                           type.precision, type.scale, &big) != mysqlsem::kDecOk)
        return NotSupported("malformed constant of type " + plan::TypeName(type));
      vector = ConstantOfWidth(memory_, Rep::kBig, &big, false);
      break;
    }
    default:
      break;
  }
  return AddConstant(slot_info, vector);
}

Slot ExprCompiler::NullConstant(const SlotInfo& like) {
  SlotInfo slot_info = like;
  slot_info.constant = slot_info.nullable = true;
  slot_info.num_distinct = 1;
  if (slot_info.rep == Rep::kCode) slot_info.rep = Rep::kStr;
  if (slot_info.rep == Rep::kI64 || slot_info.rep == Rep::kI128) slot_info.range = MakeRange(0, 0);
  Vector vector = ConstantOfWidth(memory_, slot_info.rep, nullptr, true);
  if (slot_info.rep == Rep::kStr) *vector.str() = {"", 0, 0};
  if (slot_info.rep == Rep::kBig)
    *static_cast<mysqlsem::BigDecimal*>(vector.data) = mysqlsem::BigDecimal();
  return AddConstant(slot_info, vector);
}

Slot ExprCompiler::IntConstant(int64_t value) {
  return *ConstantSlot(plan::Value::Int(value), plan::IntType(false));
}

Slot ExprCompiler::BoolConstant(bool value) {
  SlotInfo slot_info = BoolInfo(false);
  slot_info.constant = true;
  const uint8_t byte = value;
  return AddConstant(slot_info, ConstantOfWidth(memory_, Rep::kBool, &byte, false));
}

const Vector* ExprCompiler::ConstantVector(Slot slot) const {
  if (!info(slot).constant) return nullptr;
  for (const auto& [constant, vector] : scope_->constants)
    if (constant == slot) return &vector;
  return nullptr;
}

bool ExprCompiler::IsNullConstant(Slot slot) const {
  const Vector* vector = ConstantVector(slot);
  return vector != nullptr && vector->nulls != nullptr && vector->nulls[0] != 0;
}

int128 ExprCompiler::ConstantInt(Slot slot) const {
  const Vector* vector = ConstantVector(slot);
  DCHECK(vector != nullptr);
  switch (info(slot).rep) {
    case Rep::kBool:
      return *static_cast<const uint8_t*>(vector->data);
    case Rep::kI128:
      return *vector->i128();
    default:
      return info(slot).type.IsUnsigned() ? static_cast<int128>(*vector->u64())
                                          : static_cast<int128>(*vector->i64());
  }
}

std::string_view ExprCompiler::ConstantString(Slot slot) const {
  const Vector* vector = ConstantVector(slot);
  DCHECK(vector != nullptr && info(slot).rep == Rep::kStr);
  return vector->str()->view();
}

const mysqlsem::Collation* ExprCompiler::FindCollation(uint32_t id) const {
  mysqlsem::InitializeCollations();
  return mysqlsem::FindCollation(id);
}

// ---- numbering of expressions
// ---------------------------------------------------------------------------------------

int ExprCompiler::NumberOf(const Expr& expr) {
  auto cached = number_cache_.find(&expr);
  if (cached != number_cache_.end()) return cached->second;
  std::string key;
  auto put = [&key](const auto& value) {
    key.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  put(expr.op);
  if (expr.op == ExprOp::kColumn) {
    put(expr.column);
  } else {
    put(expr.type.kind);
    put(expr.type.precision);
    put(expr.type.scale);
    put(expr.type.collation);
    put(expr.type.max_length);
    put(expr.collation);
    put(expr.unit);
    put(expr.label.size());
    key += expr.label;
    if (expr.op == ExprOp::kConstant) {
      put(expr.constant.is_null);
      put(expr.constant.integer);
      put(expr.constant.real);
      key += expr.constant.bytes;
    }
    for (const ExprPtr& arg : expr.args) put(NumberOf(*arg));
  }
  const int number =
      numbers_.emplace(std::move(key), static_cast<int>(numbers_.size())).first->second;
  number_cache_.emplace(&expr, number);
  return number;
}

void ExprCompiler::Remember(int number, Slot slot) {
  if (builder_->values.emplace(number, slot).second) builder_->values_log.push_back(number);
}

Slot ExprCompiler::FindValue(ScopeBuilder* builder, int number) {
  auto it = builder->values.find(number);
  if (it != builder->values.end()) return it->second;
  if (builder->outer == nullptr) return -1;
  const Slot outer = FindValue(builder->outer, number);
  if (outer < 0) return -1;
  Scope* scope = builder->scope;
  scope->slots.push_back(builder->outer->scope->slots[static_cast<size_t>(outer)]);
  const Slot inner = static_cast<Slot>(scope->slots.size()) - 1;
  if (scope->slots.back().constant) {
    for (const auto& [slot, vector] : builder->outer->scope->constants)
      if (slot == outer) {
        scope->constants.emplace_back(inner, vector);
        break;
      }
  } else {
    scope->imports.push_back({outer, inner});
  }
  builder->values.emplace(number, inner);
  builder->values_log.push_back(number);
  return inner;
}

// ---- compilation
// ----------------------------------------------------------------------------------------------------

Result<Slot> ExprCompiler::Compile(const ExprPtr& expr) {
  if (expr == nullptr) return NotSupported("missing expression");
  if (number_cache_.find(expr.get()) == number_cache_.end()) numbered_.push_back(expr);
  const int number = NumberOf(*expr);
  const Slot known = FindValue(builder_, number);
  if (known >= 0) return known;
  ASSIGN_OR_RETURN(Slot slot, CompileNew(expr));
  Remember(number, slot);
  return slot;
}

Result<Slot> ExprCompiler::CompileColumn(const Expr& expr) {
  const int position = input_.Find(expr.column);
  if (position < 0)
    return MakeError(ErrorCode::kInternal, "expression reads a column that its input lacks: #" +
                                               std::to_string(expr.column));
  const ColumnInfo& column = input_.columns[static_cast<size_t>(position)];
  SlotInfo slot_info{
      .type = column.type, .rep = RepOfLane(column.lane), .nullable = column.nullable};
  slot_info.dictionary = column.dictionary;
  slot_info.num_distinct = column.num_distinct;
  if (column.type.kind == TypeKind::kDecimal) {
    slot_info.scale = slot_info.min_scale = column.type.scale;
    if (column.min_scale != ColumnInfo::kTypeScale) {
      slot_info.min_scale = column.min_scale;
      slot_info.padded = true;
    }
  }
  if (slot_info.rep == Rep::kI64 || slot_info.rep == Rep::kI128) {
    slot_info.range = column.range.known ? column.range : TypeRange(column.type);
    const ValueRange lane_range =
        slot_info.rep == Rep::kI128
            ? MakeRange(std::numeric_limits<int128>::min(), std::numeric_limits<int128>::max())
            : MakeRange(kMinI64, column.type.IsUnsigned() ? kMaxU64 : kMaxI64);
    if (!slot_info.range.known) slot_info.range = lane_range;
    slot_info.range = MakeRange(std::max(slot_info.range.min, lane_range.min),
                                std::min(slot_info.range.max, lane_range.max));
    // An empty table may announce min > max.
    if (slot_info.range.min > slot_info.range.max) slot_info.range = MakeRange(0, 0);
  }
  if (slot_info.rep == Rep::kCode && slot_info.dictionary == nullptr)
    return MakeError(ErrorCode::kInternal, "code column without a dictionary");
  // Columns belong to the root scope; children import them.
  const int number = NumberOf(expr);
  ScopeBuilder& root = builders_.front();
  root.scope->slots.push_back(slot_info);
  const Slot slot = static_cast<Slot>(root.scope->slots.size()) - 1;
  root.scope->columns.emplace_back(position, slot);
  root.values.emplace(number, slot);
  root.values_log.push_back(number);
  return builder_ == &root ? slot : FindValue(builder_, number);
}

Result<Slot> ExprCompiler::CompileNew(const ExprPtr& expr) {
  const Expr& e = *expr;
  if (!plan::HasValidArity(e)) return Malformed(e);
  for (const ExprPtr& arg : e.args)
    if (arg == nullptr) return NotSupported("missing argument");
  if (e.op == ExprOp::kColumn) return CompileColumn(e);
  if (e.op == ExprOp::kConstant) return ConstantSlot(e.constant, e.type);
  if (IsLookupCandidate(e, input_) && no_lookup_.count(expr.get()) == 0) {
    ASSIGN_OR_RETURN(Slot slot, CompileLookup(expr));
    if (slot >= 0) return slot;
    no_lookup_.insert(expr.get());
  }
  const auto op = e.op;
  if (op >= ExprOp::kEq && op <= ExprOp::kNullSafeEq) return BuildComparison(*this, expr);
  if (op == ExprOp::kIn || op == ExprOp::kNotIn) return BuildIn(*this, expr);
  if (op >= ExprOp::kAnd && op <= ExprOp::kIsNotFalse) return BuildLogic(*this, expr);
  if (op >= ExprOp::kAdd && op <= ExprOp::kAbs) return BuildArithmetic(*this, expr);
  if (op >= ExprOp::kRound && op < ExprOp::kCase) return BuildNumericFunction(*this, expr);
  if (op >= ExprOp::kCase && op < ExprOp::kCast) return BuildConditional(*this, expr);
  if (op >= ExprOp::kCast && op < ExprOp::kLike) return BuildCast(*this, expr);
  if (op == ExprOp::kLike || op == ExprOp::kNotLike) return BuildLike(*this, expr);
  if (op >= ExprOp::kConcat && op < ExprOp::kExtract) return BuildStringFunction(*this, expr);
  if (op >= ExprOp::kExtract) return BuildTemporal(*this, expr);
  return NotSupported(std::string("function ") + plan::ExprOpName(op) + " is not supported");
}

Result<Slot> ExprCompiler::CompileLookup(const ExprPtr& expr) {
  plan::ColumnId column = 0;
  plan::ForEachColumn(*expr, [&](plan::ColumnId id) { column = id; });
  const int position = input_.Find(column);
  const ColumnInfo& info = input_.columns[static_cast<size_t>(position)];
  ASSIGN_OR_RETURN(auto table, MakeLookup(expr, info, context_, memory_));
  if (table == nullptr) return -1;
  ASSIGN_OR_RETURN(Slot codes, Compile(plan::ColumnRef(column, info.type)));
  return AddLookup(*this, std::move(table), codes);
}

// ---- branches
// -------------------------------------------------------------------------------------------------------

int ExprCompiler::OpenChild() {
  scope_->children.push_back(std::make_unique<Scope>());
  const int index = static_cast<int>(scope_->children.size()) - 1;
  Scope* child = scope_->children.back().get();
  child->parent = scope_;
  builders_.push_back({.scope = child, .outer = builder_, .child_index = index});
  builder_ = &builders_.back();
  scope_ = child;
  return index;
}

void ExprCompiler::ReopenChild(int index) {
  Scope* child = scope_->children[static_cast<size_t>(index)].get();
  builders_.push_back(std::move(closed_[child]));
  builders_.back().outer = builder_;
  builder_ = &builders_.back();
  scope_ = child;
}

void ExprCompiler::CloseChild() {
  ScopeBuilder* child = builder_;
  builder_ = child->outer;
  scope_ = builder_->scope;
  builder_->num_raising += child->num_raising - child->reported_raising;
  builder_->num_expensive += child->num_expensive - child->reported_expensive;
  child->reported_raising = child->num_raising;
  child->reported_expensive = child->num_expensive;
  closed_.insert_or_assign(child->scope, std::move(*child));
  builders_.pop_back();
}

Result<void> ExprCompiler::ConvertBranch(Branch* branch, const Convert& convert) {
  if (branch->child >= 0) ReopenChild(branch->child);
  Result<Slot> slot = convert(branch->slot);
  if (slot) {
    branch->slot = *slot;
    branch->info = info(*slot);
  }
  if (branch->child >= 0) CloseChild();
  if (!slot) return std::unexpected(std::move(slot.error()));
  return {};
}

Result<ExprCompiler::Branch> ExprCompiler::CompileBranch(const ExprPtr& expr,
                                                         const Convert& convert) {
  const auto decided = lazy_.find(expr.get());
  if (decided == lazy_.end() || !decided->second) {
    const Mark mark = MakeMark();
    ASSIGN_OR_RETURN(Slot slot, Compile(expr));
    ASSIGN_OR_RETURN(slot, convert(slot));
    if (builder_->num_raising == mark.num_raising &&
        builder_->num_expensive == mark.num_expensive) {
      lazy_[expr.get()] = false;
      return Branch{-1, slot, info(slot)};
    }
    lazy_[expr.get()] = true;
    // Columns added to the root scope by a trial in the root scope go away with it and are compiled
    // again.
    RollBack(mark);
  }
  const int child = OpenChild();
  Result<Slot> slot = Compile(expr);
  if (slot) slot = convert(*slot);
  Branch branch;
  if (slot) branch = {child, *slot, info(*slot), builder_->num_raising > 0};
  CloseChild();
  if (!slot) return std::unexpected(std::move(slot.error()));
  return branch;
}

}  // namespace sirocco::engine
