// Predicates on one string value (never NULL): comparison with constants, IN, LIKE. Used row by row
// on string heaps and value by value on dictionaries. Threads: const methods from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/storage/dictionary.h"
#include "mysqlsem/collation.h"
#include "plan/expr.h"

namespace sirocco::engine {

class StringPredicate {
 public:
  virtual ~StringPredicate() = default;
  virtual bool Matches(std::string_view value) const = 0;
  // Rows text[offsets[i] .. offsets[i + 1]), i < count, to a mask (bits past `count` 0). `text` is
  // readable 64 bytes past the last row; `all_ascii`: known to hold no byte above 0x7F.
  virtual void MatchRows(const char* text, const uint32_t* offsets, uint32_t count, bool all_ascii,
                         uint64_t* mask) const;
  // Nanoseconds a row, roughly.
  virtual double cost() const = 0;
};

// value `op` constant; op is kEq, kNe, kLt, kLe, kGt or kGe.
std::unique_ptr<StringPredicate> MakeStringComparison(plan::ExprOp op, std::string constant,
                                                      const mysqlsem::Collation* collation);
// value [NOT] IN (constants).
std::unique_ptr<StringPredicate> MakeStringIn(bool negate, std::vector<std::string> constants,
                                              const mysqlsem::Collation* collation);
// value [NOT] LIKE pattern.
std::unique_ptr<StringPredicate> MakeStringLike(bool negate, std::string pattern, int32_t escape,
                                                const mysqlsem::Collation* collation);

// truth[code] for all values of a dictionary.
std::vector<uint8_t> MatchDictionary(const StringPredicate& predicate,
                                     const Dictionary& dictionary);

}  // namespace sirocco::engine
