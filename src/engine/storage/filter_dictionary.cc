// Terms over dictionary columns, evaluated once per distinct value into a set of codes.
#include <algorithm>

#include "engine/storage/filter_string.h"
#include "engine/storage/filter_term.h"

namespace sirocco::engine {

namespace {

using plan::Expr;
using plan::ExprOp;

IntegerSet CodesOf(const std::vector<uint8_t>& truth) {
  std::vector<IntegerSet::Interval> runs;
  for (size_t code = 0; code < truth.size(); ++code) {
    if (!truth[code]) continue;
    if (!runs.empty() && runs.back().hi + 1 == static_cast<int128>(code)) {
      ++runs.back().hi;
    } else {
      runs.push_back({static_cast<int128>(code), static_cast<int128>(code)});
    }
  }
  return IntegerSet::Of(std::move(runs));
}

// The codes of the sorted part that compare as `op` says, by binary search: code order is the
// comparison's order there.
IntegerSet CompareCodes(ExprOp op, const std::string& constant, const Dictionary& dictionary) {
  const mysqlsem::Collation* collation = dictionary.collation();
  const StringRef* begin = dictionary.values();
  const StringRef* end = begin + dictionary.sorted_size();
  const int128 first_not_below =
      std::partition_point(
          begin, end,
          [&](const StringRef& v) { return collation->Compare(v.view(), constant) < 0; }) -
      begin;
  const int128 first_above =
      std::partition_point(
          begin, end,
          [&](const StringRef& v) { return collation->Compare(v.view(), constant) <= 0; }) -
      begin;
  switch (op) {
    case ExprOp::kEq:
      return IntegerSet::Range(first_not_below, first_above - 1);
    case ExprOp::kNe:
      return IntegerSet::Range(first_not_below, first_above - 1).Complement();
    case ExprOp::kLt:
      return IntegerSet::Range(IntegerSet::kMin, first_not_below - 1);
    case ExprOp::kLe:
      return IntegerSet::Range(IntegerSet::kMin, first_above - 1);
    case ExprOp::kGt:
      return IntegerSet::Range(first_above, IntegerSet::kMax);
    default:
      return IntegerSet::Range(first_not_below, IntegerSet::kMax);
  }
}

// The codes of the tail for which the term holds, value by value.
std::vector<IntegerSet::Interval> MatchTail(const StringTerm& term, const Dictionary& dictionary) {
  std::vector<IntegerSet::Interval> codes;
  const std::unique_ptr<StringPredicate> predicate = MakePredicate(term);
  for (uint32_t code = dictionary.sorted_size(); code < dictionary.size(); ++code)
    if (predicate->Matches(dictionary.value(code))) codes.push_back({code, code});
  return codes;
}

// Comparisons and IN by binary search; nullopt if the order of codes is not the term's.
std::optional<IntegerSet> SearchCodes(const StringTerm& term, const Dictionary& dictionary) {
  if (term.is_like || term.collation != dictionary.collation()) return std::nullopt;
  IntegerSet set;
  if (!term.is_in) {
    set = CompareCodes(term.op, term.constants[0], dictionary);
  } else {
    std::vector<IntegerSet::Interval> members;
    for (const std::string& constant : term.constants) {
      const IntegerSet one = CompareCodes(ExprOp::kEq, constant, dictionary);
      members.insert(members.end(), one.intervals().begin(), one.intervals().end());
    }
    set = IntegerSet::Of(std::move(members));
    if (term.negate) set = set.Complement();
  }
  if (dictionary.sorted()) return set;
  return set.Intersect(IntegerSet::Range(0, static_cast<int128>(dictionary.sorted_size()) - 1))
      .Union(IntegerSet::Of(MatchTail(term, dictionary)));
}

}  // namespace

std::optional<IntegerSet> DictionaryTermSet(const Expr& term, const plan::Type& column,
                                            const Dictionary& dictionary) {
  if (term.op == ExprOp::kAnd || term.op == ExprOp::kOr) {
    std::optional<IntegerSet> result;
    for (const auto& arg : term.args) {
      std::optional<IntegerSet> part = DictionaryTermSet(*arg, column, dictionary);
      if (!part) return std::nullopt;
      result = !result                   ? *part
               : term.op == ExprOp::kAnd ? result->Intersect(*part)
                                         : result->Union(*part);
    }
    return result;
  }
  if (term.op == ExprOp::kIsNull || term.op == ExprOp::kIsNotNull)
    return NumberTermSet(term, column);
  const std::optional<StringTerm> string_term = ParseStringTerm(term, column);
  if (!string_term) return std::nullopt;
  if (string_term->never_true) {
    IntegerSet none;
    none.set_has_null(string_term->true_for_null);
    return none;
  }
  if (auto set = SearchCodes(*string_term, dictionary)) return set;
  return CodesOf(MatchDictionary(*MakePredicate(*string_term), dictionary));
}

}  // namespace sirocco::engine
