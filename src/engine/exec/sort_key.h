// Sort keys in a form that compares as integers or bytes.
//
// Packed: all keys together fit 64 bits (ranges of integers, codes of sorted dictionaries, one
// double): one uint64_t per row, smaller first. Bytes: otherwise; memcmp of two keys, the shorter
// first if one is a prefix, gives the order. Strings appear as the collation's sort keys. NULLs
// come first ascending and last descending; descending parts are complemented.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "engine/expr/expression.h"
#include "engine/vector/vector.h"
#include "plan/node.h"

namespace sirocco::mysqlsem {
class Collation;
}

namespace sirocco::engine {

class SortKeyEncoder {
 public:
  // kNotSupported for types without an order we can reproduce (JSON, vectors, collations without
  // sort keys).
  static Result<std::unique_ptr<SortKeyEncoder>> Create(const std::vector<plan::SortKey>& keys,
                                                        const BatchLayout& input,
                                                        QueryContext* context);

  bool packed() const { return packed_; }
  uint32_t packed_bits() const { return packed_bits_; }

  class State {
   public:
    explicit State(const SortKeyEncoder& encoder);

   private:
    friend class SortKeyEncoder;
    std::unique_ptr<ExpressionState> expression_;
    std::vector<Vector> vectors_;
    std::string scratch_;
  };

  // Evaluates the key expressions over the batch, for the calls below.
  Result<void> Evaluate(const Batch& batch, State* state) const;
  // keys[i] of all rows.
  void Pack(uint32_t count, State* state, uint64_t* keys) const;
  // The bytes of one row's key, valid until the next call.
  std::string_view Bytes(uint32_t row, State* state) const;

 private:
  enum class Form : uint8_t { kInteger, kCode, kDouble, kInt128, kString, kBytes };
  struct Part {
    Form form = Form::kInteger;
    bool descending = false, nullable = false, is_unsigned = false;
    int64_t min = 0;          // kInteger, if the range is known
    uint64_t max_offset = 0;  // largest value - min + (nullable ? 1 : 0); all ones if unknown
    uint32_t bits = 64;       // of a packed part; above 64: cannot be packed
    const uint32_t* classes = nullptr;               // kCode
    const mysqlsem::Collation* collation = nullptr;  // kString
  };
  static uint64_t Offset(const Part& part, const Vector& in, uint32_t row);

  std::unique_ptr<Expression> expressions_;
  std::vector<Part> parts_;
  bool packed_ = false;
  uint32_t packed_bits_ = 0;
};

}  // namespace sirocco::engine
