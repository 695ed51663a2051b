// A term `column op constant(s)` over a string column, taken apart.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/storage/string_predicate.h"
#include "plan/expr.h"

namespace sirocco::engine {

struct StringTerm {
  // True for no string (a NULL constant decides); true_for_null: but for NULL (<=> NULL).
  bool never_true = false, true_for_null = false;
  plan::ExprOp op = plan::ExprOp::kEq;  // comparisons
  bool is_in = false, is_like = false;
  bool negate = false;                 // NOT IN, NOT LIKE
  int32_t escape = '\\';               // LIKE; -1: none
  std::vector<std::string> constants;  // one for comparisons and LIKE (the pattern)
  const mysqlsem::Collation* collation = nullptr;
};

// nullopt if the term is of another kind, or compares in another character set than the column's.
std::optional<StringTerm> ParseStringTerm(const plan::Expr& term, const plan::Type& column);
// The predicate of a term that is not never_true.
std::unique_ptr<StringPredicate> MakePredicate(const StringTerm& term);

}  // namespace sirocco::engine
