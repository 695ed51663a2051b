// Filters on encoded data against the same predicate on decoded values: all operations, encodings
// and sizes; strings under several collations; semijoin filters; combinations.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <set>

#include "engine/storage/filter_term.h"
#include "engine/storage/table_fixture.h"
#include "mysqlsem/collation.h"
#include "mysqlsem/decimal.h"

namespace sirocco::engine {
namespace {

using plan::Expr;
using plan::ExprOp;
using plan::ExprPtr;
using plan::Type;
using plan::Value;

constexpr ExprOp kComparisons[] = {ExprOp::kEq, ExprOp::kNe, ExprOp::kLt,        ExprOp::kLe,
                                   ExprOp::kGt, ExprOp::kGe, ExprOp::kNullSafeEq};
constexpr ColumnId kId = 7;  // of column 0; column i has id kId + i
constexpr uint32_t kAiCi = 255, kBin0900 = 309, kUtf8Mb4Bin = 46, kLatin1SwedishCi = 8;

uint64_t Mix(uint64_t i) {
  i = (i + 1) * 0x9E3779B97F4A7C15ull;
  return i ^ (i >> 29);
}

class FilterTest : public testing::Test {
 protected:
  void SetTable(std::vector<TestColumn> columns, uint32_t num_writers = 1) {
    columns_ = std::move(columns);
    auto snapshot = BuildTable(columns_, pool_, 3000, num_writers);
    ASSERT_TRUE(snapshot.has_value()) << snapshot.error().ToString();
    snapshot_ = *snapshot;
    scan_columns_.clear();
    for (uint32_t i = 0; i < columns_.size(); ++i) scan_columns_.emplace_back(kId + i, i);
  }

  ExprPtr Column(uint32_t i = 0) const { return plan::ColumnRef(kId + i, columns_[i].schema.type); }

  std::unique_ptr<ScanFilter> Filter(const ExprPtr& term) {
    auto filter = ScanFilter::FromTerm(term, *snapshot_, scan_columns_, &context_);
    EXPECT_TRUE(filter.has_value());
    return filter.has_value() ? std::move(*filter) : nullptr;
  }

  // Scans with the filters and compares with the rows for which `passes(row)`.
  template <typename F>
  void ExpectRows(std::vector<std::unique_ptr<ScanFilter>> filters, const F& passes,
                  const std::string& what, SnapshotPtr snapshot = nullptr) {
    if (snapshot == nullptr) snapshot = snapshot_;
    std::vector<ScanOutput> outputs;
    for (uint32_t i = 0; i < columns_.size(); ++i) outputs.push_back({i});
    auto scan = TableScan::Create(snapshot, outputs, std::move(filters), &context_);
    const auto read = ScanAll(scan.get(), *snapshot, outputs);
    size_t n = 0;
    for (uint32_t row = 0; row < columns_[0].values.size(); ++row) {
      if (!passes(row)) continue;
      for (size_t c = 0; c < columns_.size(); ++c) {
        ASSERT_LT(n, read[c].size()) << what << ": row " << row << " is missing";
        ASSERT_EQ(read[c][n], columns_[c].values[row])
            << what << ": row " << row << " of column " << c;
      }
      ++n;
    }
    EXPECT_EQ(read[0].size(), n) << what;
    EXPECT_EQ(scan->counters().rows_out, n) << what;
  }
  template <typename F>
  void ExpectTerm(const ExprPtr& term, const F& passes, const std::string& what) {
    auto filter = Filter(term);
    ASSERT_NE(filter, nullptr) << what;
    std::vector<std::unique_ptr<ScanFilter>> filters;
    filters.push_back(std::move(filter));
    ExpectRows(std::move(filters), passes, what);
  }

  std::shared_ptr<MemoryPool> pool_ = std::make_shared<MemoryPool>("test");
  plan::Plan plan_;
  QueryContext context_{&plan_, pool_.get(), 1};
  std::vector<TestColumn> columns_;
  SnapshotPtr snapshot_;
  std::vector<std::pair<ColumnId, uint32_t>> scan_columns_;
};

bool Holds(ExprOp op, int order) {
  switch (op) {
    case ExprOp::kEq:
    case ExprOp::kNullSafeEq:
      return order == 0;
    case ExprOp::kNe:
      return order != 0;
    case ExprOp::kLt:
      return order < 0;
    case ExprOp::kLe:
      return order <= 0;
    case ExprOp::kGt:
      return order > 0;
    default:
      return order >= 0;
  }
}
bool CompareNull(ExprOp op, const Value& a, const Value& b) {
  return op == ExprOp::kNullSafeEq && a.is_null && b.is_null;
}

// Exact comparison of two scaled numbers by the server's own decimals.
int CompareNumbers(const Type& type_a, const Value& a, const Type& type_b, const Value& b) {
  return mysqlsem::BigDecimal::FromScaled(a.integer, type_a.scale)
      .Compare(mysqlsem::BigDecimal::FromScaled(b.integer, type_b.scale));
}

struct NumberCase {
  const char* name;
  Type type;
  std::function<Value(uint32_t)> value;
};

TEST_F(FilterTest, NumbersAgainstConstants) {
  const NumberCase cases[] = {
      {"constant", plan::IntType(), [](uint32_t) { return Value::Int(-42); }},
      {"u8", plan::IntType(),
       [](uint32_t i) { return Value::Int(static_cast<int64_t>(Mix(i) % 250) - 100); }},
      {"u16", plan::IntType(),
       [](uint32_t i) { return Value::Int(static_cast<int64_t>(Mix(i) % 60000) - 100); }},
      {"u32", plan::IntType(),
       [](uint32_t i) { return Value::Int(static_cast<uint32_t>(Mix(i))); }},
      {"u64", plan::IntType(), [](uint32_t i) { return Value::Int(static_cast<int64_t>(Mix(i))); }},
      {"unsigned", plan::UIntType(),
       [](uint32_t i) {
         return Value::Int(static_cast<int128>(Mix(i) | (i % 2 ? uint64_t{1} << 63 : 0)));
       }},
      {"ascending", plan::IntType(), [](uint32_t i) { return Value::Int(i); }},
      {"factor", plan::DecimalType(15, 2),
       [](uint32_t i) { return Value::Int(100 * (1 + static_cast<int64_t>(Mix(i) % 50))); }},
      {"decimal", plan::DecimalType(15, 2),
       [](uint32_t i) { return Value::Int(static_cast<int64_t>(Mix(i) % 11) - 5); }},
      {"nulls", plan::IntType(),
       [](uint32_t i) { return Mix(i) % 3 == 0 ? Value::Null() : Value::Int(1000 + i % 77); }},
      {"nulls in one vector", plan::IntType(),
       [](uint32_t i) { return i / 2048 == 1 ? Value::Null() : Value::Int(1000 + i % 7); }},
      {"all null", plan::IntType(), [](uint32_t) { return Value::Null(); }},
      {"constant or null", plan::IntType(),
       [](uint32_t i) { return i % 3 == 0 ? Value::Null() : Value::Int(5); }},
      {"wide", plan::DecimalType(30, 4),
       [](uint32_t i) {
         return i % 9 == 0 ? Value::Null() : Value::Int(static_cast<int128>(Mix(i)) * 1000003);
       }},
      {"narrow 30 digits", plan::DecimalType(30, 2),
       [](uint32_t i) { return Value::Int(100 * (i % 300)); }},
  };
  const std::pair<Type, Value> constants[] = {
      {plan::IntType(), Value::Int(0)},
      {plan::IntType(), Value::Int(-42)},
      {plan::IntType(), Value::Int(5)},
      {plan::IntType(), Value::Int(1000)},
      {plan::IntType(), Value::Int(1076)},
      {plan::IntType(), Value::Int(2500)},
      {plan::IntType(), Value::Int(INT64_MIN)},
      {plan::IntType(), Value::Int(INT64_MAX)},
      {plan::UIntType(), Value::Int(static_cast<int128>(~uint64_t{0}))},
      {plan::UIntType(), Value::Int(static_cast<int128>(uint64_t{1} << 63))},
      {plan::DecimalType(10, 3), Value::Int(-2)},
      {plan::DecimalType(10, 3), Value::Int(24000)},
      {plan::DecimalType(10, 3), Value::Int(24001)},
      {plan::DecimalType(10, 1), Value::Int(-420)},
      {plan::DecimalType(38, 0), Value::Int(mysqlsem::PowerOfTen(37))},
      {plan::DecimalType(38, 30), Value::Int(-mysqlsem::PowerOfTen(37))},
      {plan::IntType(), Value::Null()},
  };
  for (const NumberCase& c : cases) {
    for (uint32_t size : {1u, 2049u, 70000u}) {
      SetTable({MakeColumn(c.type, size, c.value)});
      for (size_t k = 0; k < std::size(constants) + 2; ++k) {
        // Two of the constants are values of the column.
        const bool own = k >= std::size(constants);
        const Type type = own ? c.type : constants[k].first;
        const Value constant = own ? columns_[0].values[k == std::size(constants) ? 0 : size / 2]
                                   : constants[k].second;
        if (size == 70000 && k % 5 != 0) continue;
        for (ExprOp op : kComparisons) {
          for (bool flipped : {false, true}) {
            if (flipped && k % 4 != 0) continue;
            const ExprPtr literal = plan::Constant(constant, type);
            const ExprPtr term = flipped ? plan::Call(op, plan::IntType(), {literal, Column()})
                                         : plan::Call(op, plan::IntType(), {Column(), literal});
            ExpectTerm(
                term,
                [&](uint32_t row) {
                  const Value& value = columns_[0].values[row];
                  if (value.is_null || constant.is_null) return CompareNull(op, value, constant);
                  const int order = CompareNumbers(c.type, value, type, constant);
                  return Holds(op, flipped ? -order : order);
                },
                std::string(c.name) + " " + plan::ExprText(*term));
          }
        }
      }
    }
  }
}

TEST_F(FilterTest, NumberLists) {
  for (uint32_t modulus : {200u, 60000u, 4000000000u}) {
    SetTable({MakeColumn(plan::IntType(), 70000, [=](uint32_t i) {
      return i % 50 == 9 ? Value::Null() : Value::Int(static_cast<int64_t>(Mix(i) % modulus));
    })});
    for (uint32_t length : {1u, 2u, 3u, 40u}) {
      for (bool negate : {false, true}) {
        for (bool with_null : {false, true}) {
          std::vector<ExprPtr> args = {Column()};
          std::set<int128> members;
          for (uint32_t i = 0; i < length; ++i) {
            const Value& value = columns_[0].values[Mix(i * 31 + length) % 70000];
            if (value.is_null) continue;
            members.insert(value.integer);
            args.push_back(plan::Constant(value, plan::IntType()));
          }
          if (with_null) args.push_back(plan::Constant(Value::Null(), plan::IntType()));
          const ExprPtr term =
              plan::Call(negate ? ExprOp::kNotIn : ExprOp::kIn, plan::IntType(), args);
          ExpectTerm(
              term,
              [&](uint32_t row) {
                const Value& value = columns_[0].values[row];
                if (value.is_null) return false;
                return negate ? !with_null && !members.contains(value.integer)
                              : members.contains(value.integer);
              },
              plan::ExprText(*term));
        }
      }
    }
  }
}

TEST_F(FilterTest, NullTestsAndLogic) {
  auto null_mod = [](uint32_t i) { return i % 5 == 2 ? Value::Null() : Value::Int(i % 100); };
  SetTable({MakeColumn(plan::IntType(), 5000, null_mod),
            MakeColumn(plan::StringType(kAiCi, 20), 5000,
                       [](uint32_t i) {
                         return i % 7 == 3 ? Value::Null()
                                           : Value::Bytes("v" + std::to_string(i % 9));
                       }),
            MakeColumn(plan::DoubleType(), 5000,
                       [](uint32_t i) { return i % 4 == 1 ? Value::Null() : Value::Real(i); })});
  for (uint32_t c = 0; c < 3; ++c) {
    ExpectTerm(
        plan::Call(ExprOp::kIsNull, plan::IntType(), {Column(c)}),
        [&](uint32_t row) { return columns_[c].values[row].is_null; }, "is null");
    ExpectTerm(
        plan::Call(ExprOp::kIsNotNull, plan::IntType(), {Column(c)}),
        [&](uint32_t row) { return !columns_[c].values[row].is_null; }, "is not null");
  }
  auto compare = [&](ExprOp op, int64_t constant) {
    return plan::Call(op, plan::IntType(),
                      {Column(), plan::Constant(Value::Int(constant), plan::IntType())});
  };
  auto value = [&](uint32_t row) { return columns_[0].values[row]; };
  ExpectTerm(
      plan::Call(
          ExprOp::kOr, plan::IntType(),
          {compare(ExprOp::kLt, 10), plan::Call(ExprOp::kIsNull, plan::IntType(), {Column()}),
           compare(ExprOp::kEq, 50)}),
      [&](uint32_t row) {
        return value(row).is_null || value(row).integer < 10 || value(row).integer == 50;
      },
      "or");
  ExpectTerm(
      plan::Call(ExprOp::kAnd, plan::IntType(),
                 {compare(ExprOp::kGe, 10), compare(ExprOp::kLt, 20)}),
      [&](uint32_t row) {
        return !value(row).is_null && value(row).integer >= 10 && value(row).integer < 20;
      },
      "and");
  ExpectTerm(
      plan::Call(ExprOp::kNot, plan::IntType(), {compare(ExprOp::kGe, 10)}),
      [&](uint32_t row) { return !value(row).is_null && value(row).integer < 10; }, "not");
  ExpectTerm(
      Column(), [&](uint32_t row) { return !value(row).is_null && value(row).integer != 0; },
      "bare column");
  // Comparisons across classes and over several columns are left to others.
  EXPECT_EQ(Filter(plan::Call(ExprOp::kEq, plan::IntType(),
                              {Column(), plan::Constant(Value::Real(3), plan::DoubleType())})),
            nullptr);
  EXPECT_EQ(
      Filter(plan::Call(ExprOp::kEq, plan::IntType(),
                        {Column(), plan::Constant(Value::Bytes("3"), plan::StringType(kAiCi, 1))})),
      nullptr);
  EXPECT_EQ(Filter(plan::Call(ExprOp::kEq, plan::IntType(), {Column(0), Column(2)})), nullptr);
  EXPECT_EQ(Filter(plan::Call(ExprOp::kEq, plan::IntType(),
                              {Column(0), plan::Constant(Value::Int(3), plan::DateType())})),
            nullptr);
}

TEST_F(FilterTest, Doubles) {
  const double special[] = {0.0, -0.0, 1.5, -1.5, 1e300, -1e300, 5e-324, -5e-324};
  SetTable({MakeColumn(plan::DoubleType(), 5000, [&](uint32_t i) {
    return i % 11 == 0 ? Value::Null()
                       : Value::Real(i % 3 == 0 ? special[Mix(i) % 8]
                                                : static_cast<double>(Mix(i) % 1000) / 8 - 60);
  })});
  for (double constant : {0.0, -0.0, 1.5, -60.0, 1e308, -1e308, 5e-324, 12.375}) {
    for (ExprOp op : kComparisons) {
      ExpectTerm(
          plan::Call(op, plan::IntType(),
                     {Column(), plan::Constant(Value::Real(constant), plan::DoubleType())}),
          [&](uint32_t row) {
            const Value& value = columns_[0].values[row];
            return !value.is_null && Holds(op, value.real < constant   ? -1
                                               : value.real > constant ? 1
                                                                       : 0);
          },
          std::to_string(constant));
    }
  }
}

// Strings in dictionaries and heaps.
class StringFilterTest : public FilterTest {
 protected:
  // Words with both cases, accents, trailing spaces, wildcards, control characters.
  static std::string Word(uint64_t seed, bool ascii) {
    static const char* const kPieces[] = {
        "special", "Requests", "special", "a",  "B",        "b", " ",        "%",           "_",
        "\\",      "\x01",     "",        "ZZ", "\xC3\xA9", "e", "\xC3\x89", "\xE2\x82\xAC"};
    std::string word;
    for (uint64_t n = seed % 5; n > 0; --n) {
      seed = Mix(seed);
      word += kPieces[seed % (ascii ? 13 : 17)];
    }
    return word;
  }

  void Load(uint32_t collation, bool heap, bool ascii, uint32_t size) {
    TestColumn column = MakeColumn(plan::StringType(collation, 100), size, [&](uint32_t i) {
      return i % 13 == 5 ? Value::Null() : Value::Bytes(Word(Mix(i), ascii));
    });
    column.schema.encoding = heap ? plan::EncodingHint::kVarlen : plan::EncodingHint::kAuto;
    SetTable({std::move(column)});
    ASSERT_EQ(snapshot_->dictionary(0) == nullptr, heap);
  }

  template <typename F>
  void ExpectAll(const F& check) {
    for (uint32_t collation : {kAiCi, kBin0900, kUtf8Mb4Bin, plan::kBinaryCollation})
      for (bool heap : {false, true})
        for (bool ascii : {true, false}) {
          Load(collation, heap, ascii, 5000);
          check(*mysqlsem::FindCollation(collation), collation);
        }
    for (bool heap : {false, true}) {
      Load(kLatin1SwedishCi, heap, true, 5000);
      check(*mysqlsem::FindCollation(kLatin1SwedishCi), kLatin1SwedishCi);
    }
  }
};

TEST_F(StringFilterTest, Comparisons) {
  ExpectAll([&](const mysqlsem::Collation& collation, uint32_t id) {
    for (const std::string constant :
         {"", "a", "A", "special", "SPECIAL", "b ", "b", "zz", "speciala"}) {
      for (ExprOp op : kComparisons) {
        const ExprPtr term = plan::Call(
            op, plan::IntType(),
            {Column(), plan::Constant(Value::Bytes(constant), plan::StringType(id, 20))}, id);
        ExpectTerm(
            term,
            [&](uint32_t row) {
              const Value& value = columns_[0].values[row];
              return !value.is_null && Holds(op, collation.Compare(value.bytes, constant));
            },
            std::string(collation.name()) + plan::ExprText(*term));
      }
    }
    const ExprPtr null = plan::Constant(Value::Null(), plan::StringType(id, 20));
    ExpectTerm(
        plan::Call(ExprOp::kEq, plan::IntType(), {Column(), null}, id),
        [](uint32_t) { return false; }, "= NULL");
    ExpectTerm(
        plan::Call(ExprOp::kNullSafeEq, plan::IntType(), {Column(), null}, id),
        [&](uint32_t row) { return columns_[0].values[row].is_null; }, "<=> NULL");
  });
}

TEST_F(StringFilterTest, Lists) {
  ExpectAll([&](const mysqlsem::Collation& collation, uint32_t id) {
    const std::vector<std::string> members = {"a", "SPECIAL", "", "no such", "bb"};
    for (bool negate : {false, true}) {
      for (bool with_null : {false, true}) {
        std::vector<ExprPtr> args = {Column()};
        for (const std::string& member : members)
          args.push_back(plan::Constant(Value::Bytes(member), plan::StringType(id, 20)));
        if (with_null) args.push_back(plan::Constant(Value::Null(), plan::StringType(id, 20)));
        ExpectTerm(
            plan::Call(negate ? ExprOp::kNotIn : ExprOp::kIn, plan::IntType(), args, id),
            [&](uint32_t row) {
              const Value& value = columns_[0].values[row];
              if (value.is_null) return false;
              bool found = false;
              for (const std::string& member : members)
                found |= collation.Equal(value.bytes, member);
              return negate ? !found && !with_null : found;
            },
            std::string(collation.name()));
      }
    }
  });
}

TEST_F(StringFilterTest, Like) {
  const char* const patterns[] = {"%special%requests%",
                                  "special%",
                                  "%special",
                                  "%a%b%",
                                  "special",
                                  "",
                                  "%",
                                  "%%",
                                  "_",
                                  "__",
                                  "%_",
                                  "_%",
                                  "a_%",
                                  "%\\%%",
                                  "%\\_",
                                  "\\\\%",
                                  "%\x01%",
                                  "%SPECIAL%a",
                                  "a%a",
                                  "special_equests%",
                                  "%e%",
                                  "%\xC3\xA9%",
                                  "b\\",
                                  "%special_%",
                                  "%_special%_"};
  ExpectAll([&](const mysqlsem::Collation& collation, uint32_t id) {
    for (const char* pattern : patterns) {
      if (id == kLatin1SwedishCi && std::strchr(pattern, '\xC3') != nullptr) continue;
      for (ExprOp op : {ExprOp::kLike, ExprOp::kNotLike}) {
        const ExprPtr term = plan::Call(
            op, plan::IntType(),
            {Column(), plan::Constant(Value::Bytes(pattern), plan::StringType(id, 50))}, id);
        ExpectTerm(
            term,
            [&](uint32_t row) {
              const Value& value = columns_[0].values[row];
              return !value.is_null &&
                     collation.Like(value.bytes, pattern) == (op == ExprOp::kLike);
            },
            std::string(collation.name()) + " " + pattern);
      }
    }
    // Other escape characters, and none.
    for (const auto& [escape, code] :
         {std::pair<std::string, int>{"a", 'a'}, {"", -1}, {"%", '%'}}) {
      for (const char* pattern : {"%a%%", "%\\%%", "a__%"}) {
        const ExprPtr term =
            plan::Call(ExprOp::kLike, plan::IntType(),
                       {Column(), plan::Constant(Value::Bytes(pattern), plan::StringType(id, 50)),
                        plan::Constant(Value::Bytes(escape), plan::StringType(id, 4))},
                       id);
        ExpectTerm(
            term,
            [&](uint32_t row) {
              const Value& value = columns_[0].values[row];
              return !value.is_null && collation.Like(value.bytes, pattern, code);
            },
            std::string(collation.name()) + " escape " + escape + " " + pattern);
      }
    }
  });
}

TEST_F(StringFilterTest, OtherCollationThanTheColumns) {
  Load(kAiCi, false, false, 3000);
  const mysqlsem::Collation* binary = mysqlsem::FindCollation(kBin0900);
  ExpectTerm(
      plan::Call(ExprOp::kLe, plan::IntType(),
                 {Column(), plan::Constant(Value::Bytes("b"), plan::StringType(kBin0900, 20))},
                 kBin0900),
      [&](uint32_t row) {
        const Value& value = columns_[0].values[row];
        return !value.is_null && binary->Compare(value.bytes, "b") <= 0;
      },
      "binary comparison of an ai_ci column");
}

class KeySet final : public SemijoinFilter {
 public:
  KeySet(const std::set<int64_t>& keys, bool as_bloom, bool is_required) {
    required = is_required;
    if (keys.empty()) return;
    min = *keys.begin();
    max = *keys.rbegin();
    words.resize(as_bloom ? 256 : (max - min) / 64 + 1);
    for (int64_t key : keys) {
      if (as_bloom) {
        words[BloomHash(key) & 255] |= BloomBits(BloomHash(key));
      } else {
        words[(key - min) / 64] |= uint64_t{1} << ((key - min) & 63);
      }
    }
    (as_bloom ? bloom : bitmap) = words.data();
    bloom_mask = 255;
  }
  std::vector<uint64_t> words;
};

TEST_F(FilterTest, Semijoin) {
  const std::function<Value(uint32_t)> shapes[] = {
      [](uint32_t i) { return Value::Int(i / 4); },
      [](uint32_t i) { return Value::Int(static_cast<int64_t>(Mix(i) % 30000) - 500); },
      [](uint32_t i) {
        return i % 6 == 0 ? Value::Null() : Value::Int(static_cast<int64_t>(Mix(i) % 200));
      },
      [](uint32_t i) { return Value::Int(1000 * static_cast<int64_t>(Mix(i) % 100)); },
      [](uint32_t i) { return Value::Int(static_cast<int64_t>(Mix(i))); },
      [](uint32_t) { return Value::Int(6); },
  };
  for (const auto& shape : shapes) {
    SetTable({MakeColumn(plan::IntType(), 70000, shape)});
    for (int which = 0; which < 4; ++which) {
      std::set<int64_t> keys;
      for (int64_t k = 0; which > 0 && k < 3000; k += which == 1 ? 3 : which == 2 ? 1000 : 1)
        keys.insert(which == 3 ? 50 * k : k);
      for (bool as_bloom : {false, true}) {
        std::vector<std::unique_ptr<ScanFilter>> filters;
        filters.push_back(
            ScanFilter::FromSemijoin(0, std::make_shared<KeySet>(keys, as_bloom, true)));
        if (!as_bloom) {
          ExpectRows(
              std::move(filters),
              [&](uint32_t row) {
                const Value& v = columns_[0].values[row];
                return !v.is_null && keys.contains(static_cast<int64_t>(v.integer));
              },
              "bitmap");
          continue;
        }
        // No row with a key may be lost; others may pass.
        auto scan = TableScan::Create(snapshot_, {{0}}, std::move(filters), &context_);
        uint64_t found = 0, expected = 0, others = 0;
        const auto read = ScanAll(scan.get(), *snapshot_, {{0}});
        for (const Value& v : read[0]) {
          ASSERT_FALSE(v.is_null);
          (keys.contains(static_cast<int64_t>(v.integer)) ? found : others) += 1;
        }
        for (const Value& v : columns_[0].values)
          expected += !v.is_null && keys.contains(static_cast<int64_t>(v.integer));
        EXPECT_EQ(found, expected);
        if (keys.size() < 10) {
          EXPECT_LT(others, 70000u);
        }
      }
    }
  }
}

TEST_F(FilterTest, OptionalFilterIsDroppedButKeepsRows) {
  SetTable({MakeColumn(plan::IntType(), 300000, [](uint32_t i) {
    return Value::Int(static_cast<int64_t>(Mix(i) % 1000));
  })});
  std::set<int64_t> keys;
  for (int64_t k = 0; k < 900; ++k) keys.insert(k);
  std::vector<std::unique_ptr<ScanFilter>> filters;
  filters.push_back(ScanFilter::FromSemijoin(0, std::make_shared<KeySet>(keys, false, false)));
  auto scan = TableScan::Create(snapshot_, {{0}}, std::move(filters), &context_);
  uint64_t with_key = 0, others = 0;
  const auto read = ScanAll(scan.get(), *snapshot_, {{0}});
  for (const Value& v : read[0]) (v.integer < 900 ? with_key : others) += 1;
  uint64_t expected = 0;
  for (const Value& v : columns_[0].values) expected += v.integer < 900;
  EXPECT_EQ(with_key, expected);
  EXPECT_GT(others, 0u);
}

TEST_F(FilterTest, RandomConjunctions) {
  SetTable(
      {MakeColumn(plan::IntType(), 140000, [](uint32_t i) { return Value::Int(i); }),
       MakeColumn(plan::IntType(), 140000,
                  [](uint32_t i) {
                    return i % 17 == 0 ? Value::Null()
                                       : Value::Int(static_cast<int64_t>(Mix(i) % 100));
                  }),
       MakeColumn(plan::DecimalType(12, 2), 140000,
                  [](uint32_t i) { return Value::Int(static_cast<int64_t>(Mix(i + 5) % 100000)); }),
       MakeColumn(
           plan::StringType(kAiCi, 20), 140000,
           [](uint32_t i) { return Value::Bytes("word " + std::to_string(Mix(i + 9) % 30)); }),
       MakeColumn(plan::StringType(kAiCi, 40), 140000,
                  [](uint32_t i) { return Value::Bytes("unique " + std::to_string(Mix(i))); }),
       MakeColumn(plan::DoubleType(), 140000,
                  [](uint32_t i) { return Value::Real(static_cast<double>(Mix(i) % 1000)); })},
      2);
  ASSERT_EQ(snapshot_->dictionary(4), nullptr);
  // Rows of the first chunk are partly hidden.
  std::vector<std::shared_ptr<const VisibilityMap>> maps(snapshot_->num_chunks());
  auto map = std::make_shared<VisibilityMap>();
  for (uint32_t row = 0; row < kChunkRows; ++row) {
    if (row % 5 == 0) continue;
    map->words[row / 64] |= uint64_t{1} << (row & 63);
    ++map->num_visible;
  }
  maps[0] = map;
  const SnapshotPtr hidden = snapshot_->WithVisibility(maps);
  std::mt19937_64 random(7);
  const mysqlsem::Collation* collation = mysqlsem::FindCollation(kAiCi);
  for (int round = 0; round < 40; ++round) {
    std::vector<std::unique_ptr<ScanFilter>> filters;
    std::vector<std::function<bool(uint32_t)>> tests;
    for (uint64_t n = random() % 4; n <= 3; ++n) {
      const uint32_t c = random() % 6;
      const ExprOp op = kComparisons[random() % 6];
      Value constant;
      ExprPtr term;
      if (c == 4) {
        const std::string pattern = "%" + std::to_string(random() % 100) + "%";
        term = plan::Call(
            ExprOp::kLike, plan::IntType(),
            {Column(c), plan::Constant(Value::Bytes(pattern), columns_[c].schema.type)}, kAiCi);
        tests.push_back([=, this](uint32_t row) {
          return collation->Like(columns_[4].values[row].bytes, pattern);
        });
      } else {
        constant = columns_[c].values[random() % 140000];
        term = plan::Call(op, plan::IntType(),
                          {Column(c), plan::Constant(constant, columns_[c].schema.type)},
                          c == 3 ? kAiCi : 0);
        tests.push_back([=, this](uint32_t row) {
          const Value& v = columns_[c].values[row];
          if (v.is_null || constant.is_null) return false;
          if (c == 3) return Holds(op, collation->Compare(v.bytes, constant.bytes));
          if (c == 5) return Holds(op, v.real < constant.real ? -1 : v.real > constant.real);
          return Holds(op, v.integer < constant.integer ? -1 : v.integer > constant.integer);
        });
      }
      filters.push_back(Filter(term));
      ASSERT_NE(filters.back(), nullptr);
    }
    const bool use_hidden = round % 2 == 1;
    ExpectRows(
        std::move(filters),
        [&](uint32_t row) {
          if (use_hidden && row < kChunkRows && row % 5 == 0) return false;
          for (const auto& test : tests)
            if (!test(row)) return false;
          return true;
        },
        "round " + std::to_string(round), use_hidden ? hidden : snapshot_);
  }
}

TEST_F(FilterTest, ZoneMapsSkip) {
  SetTable({MakeColumn(plan::IntType(), 300000, [](uint32_t i) { return Value::Int(i); })});
  std::vector<std::unique_ptr<ScanFilter>> filters;
  filters.push_back(
      Filter(plan::Call(ExprOp::kEq, plan::IntType(),
                        {Column(), plan::Constant(Value::Int(200000), plan::IntType())})));
  auto scan = TableScan::Create(snapshot_, {{0}}, std::move(filters), &context_);
  const auto read = ScanAll(scan.get(), *snapshot_, {{0}});
  EXPECT_EQ(read[0], std::vector<Value>{Value::Int(200000)});
  scan->MakeWorker();
  EXPECT_EQ(scan->counters().chunks_skipped, 4u);
  EXPECT_EQ(scan->counters().rows_in, 2048u);
}

// Terms that only the expression engine can do, once per distinct value.
TEST_F(FilterTest, ExpressionsOverDictionaries) {
  SetTable({MakeColumn(plan::StringType(kAiCi, 20), 5000, [](uint32_t i) {
    return i % 10 == 0 ? Value::Null() : Value::Bytes("v" + std::to_string(i % 20));
  })});
  auto equal = [&](const char* text) {
    return plan::Call(ExprOp::kEq, plan::IntType(),
                      {Column(), plan::Constant(Value::Bytes(text), columns_[0].schema.type)},
                      kAiCi);
  };
  const ExprPtr term = plan::Call(ExprOp::kIsNotTrue, plan::IntType(false), {equal("V3")});
  ExpectTerm(
      term,
      [&](uint32_t row) {
        return columns_[0].values[row].is_null || columns_[0].values[row].bytes != "v3";
      },
      "is not true");
}

TEST_F(FilterTest, SampleSelectivity) {
  SetTable({MakeColumn(plan::IntType(), 200000,
                       [](uint32_t i) { return Value::Int(static_cast<int64_t>(Mix(i) % 1000)); }),
            MakeColumn(plan::StringType(kAiCi, 20), 200000,
                       [](uint32_t i) { return i % 2 == 0 ? Value::Null() : Value::Bytes("x"); }),
            MakeColumn(plan::StringType(kAiCi, 20), 200000, [](uint32_t i) {
              return i % 4 == 0
                         ? Value::Null()
                         : Value::Bytes((i % 4 == 1 ? "Word " : "text ") + std::to_string(i));
            })});
  ASSERT_EQ(snapshot_->dictionary(2), nullptr);
  auto estimate = [&](std::vector<ExprPtr> terms) {
    auto result = SampleSelectivity(*snapshot_, terms, scan_columns_, &context_);
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().ToString());
    return result.value_or(-1);
  };
  const ExprPtr tenth = plan::Call(ExprOp::kLt, plan::IntType(),
                                   {Column(), plan::Constant(Value::Int(100), plan::IntType())});
  const ExprPtr null = plan::Call(ExprOp::kIsNull, plan::IntType(false), {Column(1)});
  EXPECT_NEAR(estimate({tenth}), 0.1, 0.02);
  EXPECT_NEAR(estimate({null}), 0.5, 0.03);
  EXPECT_NEAR(estimate({tenth, null}), 0.05, 0.015);
  EXPECT_EQ(estimate({}), 1.0);
  const ExprPtr like = plan::Call(
      ExprOp::kLike, plan::IntType(),
      {Column(2), plan::Constant(Value::Bytes("%word%"), columns_[2].schema.type)}, kAiCi);
  EXPECT_NEAR(estimate({like}), 0.25, 0.03);
  EXPECT_NEAR(estimate({plan::Call(ExprOp::kNot, plan::IntType(), {like})}), 0.5, 0.03);
  EXPECT_NEAR(estimate({like, tenth}), 0.025, 0.01);
  const double none = estimate({plan::Call(
      ExprOp::kLt, plan::IntType(), {Column(), plan::Constant(Value::Int(-1), plan::IntType())})});
  EXPECT_GT(none, 0);
  EXPECT_LT(none, 0.001);
}

}  // namespace
}  // namespace sirocco::engine
