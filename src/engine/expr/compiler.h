// Turns plan::Expr trees into a program (program.h). One ExprCompiler per compiled expression list.
//
// Compile(expr) gives the slot that holds the expression's value in the current scope, in whatever
// representation is narrowest; the conversion methods (ToBool, ToF64, Rescale, ...) give slots in
// the representation a kernel wants. Equal expressions share a slot, also from an enclosing scope.
// Steps over constants are run at once (folded) unless they raise an error or a warning.
#pragma once

#include <deque>
#include <functional>
#include <initializer_list>
#include <map>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "common/error.h"
#include "engine/expr/program.h"
#include "engine/expr/range.h"
#include "mysqlsem/collation.h"

namespace sirocco::engine {

// Memory that lives as long as the compiled expression: constants, tables, bytes.
class ProgramMemory {
 public:
  std::string_view Keep(std::string_view bytes);
  void* Allocate(size_t bytes);

 private:
  std::deque<std::string> strings_;
  std::deque<std::unique_ptr<std::max_align_t[]>> blocks_;
};

// What a step does beside filling its slot.
struct StepTraits {
  bool raises = false;  // may raise an error or a warning: must not run for rows that MySQL would
                        // not evaluate
  bool expensive = false;  // more than a few ns a row: worth skipping rows
  bool foldable = true;
};

class ExprCompiler {
 public:
  ExprCompiler(const BatchLayout& input, QueryContext* context, ProgramMemory* memory);

  Result<Slot> Compile(const plan::ExprPtr& expr);
  // The slot converted to what Expression promises for `type` (lanes, scale, integers for
  // booleans).
  Result<Slot> Deliver(Slot slot, const plan::Type& type, const plan::Expr& expr);

  std::unique_ptr<Scope> TakeRoot() { return std::move(root_); }
  const SlotInfo& info(Slot slot) const { return scope_->slots[static_cast<size_t>(slot)]; }
  bool raises() const { return builder_->num_raising > 0; }

  // ---- for the builders (one .cc per family of operations)
  // --------------------------------------------------------------

  QueryContext* context() const { return context_; }
  const plan::Plan& plan() const { return context_->plan(); }
  ProgramMemory* memory() const { return memory_; }

  Slot AddSlot(const SlotInfo& slot_info);
  Slot AddConstant(const SlotInfo& slot_info, const Vector& vector);
  SlotInfo& mutable_info(Slot slot) { return scope_->slots[static_cast<size_t>(slot)]; }
  // Appends the step, or runs it now if all inputs are constants.
  Slot Finish(std::unique_ptr<Step> step, Slot out, std::span<const Slot> inputs,
              StepTraits traits = {});
  Slot Finish(std::unique_ptr<Step> step, Slot out, std::initializer_list<Slot> inputs,
              StepTraits traits = {}) {
    return Finish(std::move(step), out, std::span<const Slot>(inputs.begin(), inputs.size()),
                  traits);
  }
  int AddState() { return scope_->num_states++; }

  Result<Slot> ConstantSlot(const plan::Value& value, const plan::Type& type);
  Slot IntConstant(int64_t value);
  Slot BoolConstant(bool value);
  // A NULL of the given kind of slot.
  Slot NullConstant(const SlotInfo& like);
  // The value of a constant slot, or nullptr.
  const Vector* ConstantVector(Slot slot) const;
  bool IsNullConstant(Slot slot) const;
  // For constant, non-NULL slots of reps kI64/kBool/kI128.
  int128 ConstantInt(Slot slot) const;
  std::string_view ConstantString(Slot slot) const;

  // Conversions. Each gives `slot` itself if there is nothing to do.
  Result<Slot> ToBool(Slot slot);
  Slot FromBool(Slot slot);     // kBool -> kI64
  Slot DecodeCodes(Slot slot);  // kCode -> kStr
  Result<Slot> ToF64(Slot slot);
  Slot ToI128(Slot slot);         // from kI64
  Result<Slot> ToBig(Slot slot);  // from kI64, kI128, packed strings
  Slot NarrowToI64(Slot slot);    // from kI128 with a range that fits
  // Numeric slot to decimals of exactly this scale (>= its scale): kI64 or kI128 as the range
  // needs, else kBig.
  Result<Slot> Rescale(Slot slot, int scale);
  // Decimals in kI64 or kI128 to exactly this scale, rounding half away from zero when digits are
  // dropped; kBig stays as it is.
  Result<Slot> FitScale(Slot slot, int scale);
  // Numbers (integers, decimals, booleans) to kI64/kI128/kBig ready for arithmetic.
  Result<Slot> ToNumber(Slot slot);
  // The slot as a numeric or string slot of representation `rep` (for joining branches of
  // conditionals).
  Result<Slot> ToRep(Slot slot, Rep rep);
  Result<Slot> ToString(Slot slot, const plan::Type& type);  // text in the collation of `type`

  // Scopes for conditional evaluation: what Compile adds between Open and Close runs on the
  // branch's rows only.
  int OpenChild();
  void ReopenChild(int index);  // of the current scope
  void CloseChild();
  // Compiles `expr` in place if evaluating it for all rows is harmless and cheap; otherwise in a
  // child scope. `child` is -1 or the child's index; the slot belongs to the child then. `convert`
  // is applied in the same scope.
  using Convert = std::function<Result<Slot>(Slot)>;
  struct Branch {
    int child = -1;
    Slot slot = 0;
    SlotInfo info;
    bool raises = false;  // child >= 0: why it is one; else it is only expensive
  };
  Result<Branch> CompileBranch(const plan::ExprPtr& expr, const Convert& convert);
  // Converts a branch's slot further, in its own scope.
  Result<void> ConvertBranch(Branch* branch, const Convert& convert);

  const mysqlsem::Collation* FindCollation(uint32_t id) const;

 private:
  struct ScopeBuilder {
    Scope* scope = nullptr;
    ScopeBuilder* outer = nullptr;
    int child_index = -1;
    std::unordered_map<int, Slot> values;  // expression number -> slot
    std::map<std::tuple<Slot, int, int>, Slot>
        conversions;  // (slot, conversion, parameter) -> slot
    std::vector<int> values_log;
    std::vector<std::tuple<Slot, int, int>> conversions_log;
    int num_raising = 0, num_expensive = 0;
    int reported_raising = 0, reported_expensive = 0;  // already counted by the enclosing scope
  };
  struct Mark;
  Mark MakeMark() const;
  void RollBack(const Mark& mark);

  int NumberOf(const plan::Expr& expr);
  Result<Slot> CompileNew(const plan::ExprPtr& expr);
  Result<Slot> CompileColumn(const plan::Expr& expr);
  // The slot of expression `number` in `builder`'s scope if it is known there or outside; -1
  // otherwise.
  Slot FindValue(ScopeBuilder* builder, int number);
  bool TryFold(Step* step, Slot out, std::span<const Slot> inputs);
  // Expressions over one dictionary column; -1: not of this kind.
  Result<Slot> CompileLookup(const plan::ExprPtr& expr);
  void Remember(int number, Slot slot);
  friend struct ConversionCache;
  template <typename F>
  Slot Converted(Slot slot, int kind, int parameter, F&& make);

  const BatchLayout& input_;
  QueryContext* context_;
  ProgramMemory* memory_;
  std::unique_ptr<Scope> root_;
  Scope* scope_;  // current
  std::deque<ScopeBuilder> builders_;
  ScopeBuilder* builder_;  // current
  std::map<std::string, int> numbers_;
  std::unordered_map<const plan::Expr*, int> number_cache_;
  // Numbered expressions live as long as the cache: a new one at the address of one that has gone
  // would get its number.
  std::vector<plan::ExprPtr> numbered_;
  std::unordered_map<const plan::Expr*, bool> lazy_;  // decided branches
  std::unordered_map<const Scope*, ScopeBuilder>
      closed_;  // finished children, in case they are reopened
  std::set<const plan::Expr*> no_lookup_;
};

// Builders: one function per family. Each compiles its arguments itself (conditional ones decide
// where).
using plan::ExprPtr;
Result<Slot> BuildComparison(ExprCompiler& c, const ExprPtr& e);
Result<Slot> BuildIn(ExprCompiler& c, const ExprPtr& e);
Result<Slot> BuildLogic(ExprCompiler& c, const ExprPtr& e);
Result<Slot> BuildArithmetic(ExprCompiler& c, const ExprPtr& e);
Result<Slot> BuildNumericFunction(ExprCompiler& c, const ExprPtr& e);
Result<Slot> BuildConditional(ExprCompiler& c, const ExprPtr& e);
Result<Slot> BuildCast(ExprCompiler& c, const ExprPtr& e);
Result<Slot> BuildStringFunction(ExprCompiler& c, const ExprPtr& e);
Result<Slot> BuildLike(ExprCompiler& c, const ExprPtr& e);
Result<Slot> BuildTemporal(ExprCompiler& c, const ExprPtr& e);
Result<Slot> BuildTimestampToDatetime(ExprCompiler& c, const ExprPtr& e, Slot value);

// Pieces the builders share.
// a <op> b for slots of one comparison class; a kBool slot.
Result<Slot> CompareSlots(ExprCompiler& c, CompareOp op, Slot a, Slot b, uint32_t collation);
Slot AndSlots(ExprCompiler& c, Slot a, Slot b);
Slot OrSlots(ExprCompiler& c, Slot a, Slot b);
Slot NotSlot(ExprCompiler& c, Slot a);
Slot IsNullSlot(ExprCompiler& c, Slot a, bool negated);
SlotInfo BoolInfo(bool nullable);

// mysqlsem::TemporalFlags that the session's sql_mode asks for.
uint32_t TemporalParseFlags(const plan::Plan& plan);

inline std::unexpected<Error> Malformed(const plan::Expr& e) {
  return NotSupported("malformed expression " + plan::ExprText(e));
}

}  // namespace sirocco::engine
