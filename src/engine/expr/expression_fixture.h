// What the tests of this folder share: batches built from optional values, an evaluator of single
// expressions, random data.
#pragma once

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "engine/expr/expression.h"
#include "engine/memory/arena.h"
#include "engine/storage/dictionary_builder.h"
#include "mysqlsem/collation.h"

namespace sirocco::engine {

using plan::Call;
using plan::Constant;
using plan::ExprOp;
using plan::ExprPtr;
using plan::Type;
using plan::Value;

// One column of a test batch. Values of integer lanes are int128; strings and doubles in their own
// vectors.
struct TestColumn {
  Type type;
  Lane lane = Lane::kI64;
  std::vector<std::optional<int128>> integers;
  std::vector<std::optional<double>> reals;
  std::vector<std::optional<std::string>> strings;
  ValueRange range;
  std::shared_ptr<const Dictionary> dictionary;  // lane kCode
  bool constant = false;                         // row 0 for all
};

// Builds batches of up to kVectorSize rows and keeps their memory.
class TestBatch {
 public:
  // Columns get the ids 1, 2, ...
  plan::ColumnId Add(TestColumn column);
  ExprPtr Ref(plan::ColumnId id) const;
  // Encodes a string column as codes of a new dictionary.
  plan::ColumnId AddDictionary(const Type& type,
                               const std::vector<std::optional<std::string>>& values);

  BatchLayout layout;
  Batch batch;
  std::vector<TestColumn> columns;

 private:
  std::vector<std::unique_ptr<VectorBuffer>> buffers_;
  std::vector<std::unique_ptr<std::vector<std::string>>> strings_;
};

// One result: NULL, or text ("1", "-0.50", "abc", doubles as %.17g).
using Results = std::vector<std::optional<std::string>>;

struct Evaluation {
  std::optional<Error> error;
  Results rows;
  ColumnInfo info;
  std::vector<Warning> warnings;
  std::vector<uint16_t> selected;  // if asked for
};

// Compiles and evaluates `expr` over the batch (twice, to catch stale state), with `plan`'s
// settings.
Evaluation Evaluate(const TestBatch& input, const ExprPtr& expr, bool select = false,
                    const plan::Plan* plan = nullptr);
// Text of the one result of an expression over constants, "NULL", or "error N: text".
std::string EvaluateConstant(const ExprPtr& expr, const plan::Plan* plan = nullptr);
std::string ResultText(const Vector& vector, uint32_t row, const ColumnInfo& info);

// Constants.
inline ExprPtr Int(int64_t v) { return Constant(Value::Int(v), plan::IntType(false)); }
inline ExprPtr UInt(uint64_t v) {
  return Constant(Value::Int(static_cast<int128>(v)), plan::UIntType(false));
}
inline ExprPtr Real(double v) { return Constant(Value::Real(v), plan::DoubleType(false)); }
ExprPtr Dec(const std::string& text, int precision, int scale);
inline ExprPtr Str(const std::string& s, uint32_t collation = 255) {
  return Constant(Value::Bytes(s),
                  plan::StringType(collation, static_cast<uint32_t>(s.size() * 4), false));
}
inline ExprPtr NullOf(const Type& type) { return Constant(Value::Null(), type); }
inline Type Utf8(uint32_t characters = 64) { return plan::StringType(255, characters * 4); }

}  // namespace sirocco::engine
