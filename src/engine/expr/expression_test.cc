// Every family of operations against straightforward evaluation over random data with NULLs, in all
// lanes and batch sizes.
#include "engine/expr/expression.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "engine/expr/expression_fixture.h"
#include "mysqlsem/decimal.h"
#include "mysqlsem/temporal.h"

namespace sirocco::engine {
namespace {

using mysqlsem::BigDecimal;
using Ints = std::vector<std::optional<int128>>;

constexpr uint32_t kSizes[] = {0, 1, 2, 63, 64, 2047, 2048};

Ints RandomInts(std::mt19937_64& random, size_t n, int128 low, int128 high, int null_percent = 10) {
  Ints out(n);
  const unsigned __int128 span =
      static_cast<unsigned __int128>(high) - static_cast<unsigned __int128>(low) + 1;
  for (auto& v : out) {
    if (static_cast<int>(random() % 100) < null_percent) continue;
    const unsigned __int128 r = (static_cast<unsigned __int128>(random()) << 64 | random());
    v = static_cast<int128>(static_cast<unsigned __int128>(low) + (span == 0 ? r : r % span));
  }
  return out;
}

std::string Text(int128 v, int scale = 0) { return mysqlsem::ScaledToString(v, scale); }

Type Bool() { return plan::IntType(true); }

// ---- integers
// ------------------------------------------------------------------------------------------------------------

struct IntCase {
  Type type;
  int128 low, high;
};

class IntegerArithmetic : public ::testing::TestWithParam<int> {};

TEST_P(IntegerArithmetic, MatchesExactArithmetic) {
  std::mt19937_64 random(static_cast<uint64_t>(GetParam()));
  const IntCase cases[] = {
      {plan::IntType(), -1000, 1000},
      {plan::IntType(), INT64_MIN, INT64_MAX},
      {plan::UIntType(), 0, 1000},
      {plan::UIntType(), 0, UINT64_MAX},
      {plan::IntType(), -(int64_t{1} << 31), (int64_t{1} << 31) - 1},
      {plan::IntType(), INT64_MIN, INT64_MIN + 3},
      {plan::UIntType(), static_cast<int128>(UINT64_MAX) - 2, UINT64_MAX},
  };
  for (const IntCase& x : cases) {
    for (const IntCase& y : cases) {
      for (const uint32_t n : {1u, 130u}) {
        for (const bool ranges : {false, true}) {
          TestBatch input;
          TestColumn a{.type = x.type}, b{.type = y.type};
          a.integers = RandomInts(random, n, x.low, x.high);
          b.integers = RandomInts(random, n, y.low, y.high);
          if (ranges) a.range = {true, x.low, x.high}, b.range = {true, y.low, y.high};
          const auto ia = a.integers, ib = b.integers;
          const auto ca = input.Add(a), cb = input.Add(b);
          for (const ExprOp op :
               {ExprOp::kAdd, ExprOp::kSub, ExprOp::kMul, ExprOp::kIntDiv, ExprOp::kMod}) {
            Type type =
                x.type.IsUnsigned() || y.type.IsUnsigned() ? plan::UIntType() : plan::IntType();
            if (op == ExprOp::kMod) type = x.type;
            const bool result_unsigned = type.IsUnsigned();
            const Evaluation got = Evaluate(input, Call(op, type, {input.Ref(ca), input.Ref(cb)}));
            bool overflow = false;
            Results want;
            for (uint32_t i = 0; i < n; ++i) {
              if (!ia[i] || !ib[i]) {
                want.push_back(std::nullopt);
                continue;
              }
              const int128 u = *ia[i], v = *ib[i];
              int128 r = 0;
              bool wraps = false;
              if (op == ExprOp::kAdd) r = u + v;
              if (op == ExprOp::kSub) r = u - v;
              if (op == ExprOp::kMul) wraps = __builtin_mul_overflow(u, v, &r);
              if (op == ExprOp::kIntDiv || op == ExprOp::kMod) {
                if (v == 0) {
                  want.push_back(std::nullopt);
                  continue;
                }
                r = op == ExprOp::kMod ? u % v : u / v;
              }
              const int128 low = result_unsigned ? 0 : INT64_MIN,
                           high = result_unsigned ? static_cast<int128>(UINT64_MAX) : INT64_MAX;
              overflow |= wraps || r < low || r > high;
              want.push_back(Text(r));
            }
            if (overflow) {
              ASSERT_TRUE(got.error) << plan::ExprOpName(op);
              EXPECT_EQ(got.error->mysql_errno, 1690u) << got.error->message;
            } else {
              ASSERT_FALSE(got.error) << got.error->ToString();
              EXPECT_EQ(got.rows, want) << plan::ExprOpName(op) << " ranges " << ranges;
            }
          }
        }
      }
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, IntegerArithmetic, ::testing::Values(1, 2));

TEST(IntegerArithmeticSizes, AllBatchSizesAndConstants) {
  std::mt19937_64 random(7);
  for (const uint32_t n : kSizes) {
    for (const int null_percent : {0, 10, 100}) {
      TestBatch input;
      TestColumn a{.type = plan::IntType()}, b{.type = plan::IntType()};
      a.integers = RandomInts(random, n, -1000, 1000, null_percent);
      b.integers = RandomInts(random, n, -1000, 1000, null_percent);
      a.range = b.range = {true, -1000, 1000};
      const auto ia = a.integers, ib = b.integers;
      const auto ca = input.Add(a), cb = input.Add(b);
      // (a + b) * 3 - a
      const ExprPtr sum = Call(ExprOp::kAdd, plan::IntType(), {input.Ref(ca), input.Ref(cb)});
      const ExprPtr e = Call(ExprOp::kSub, plan::IntType(),
                             {Call(ExprOp::kMul, plan::IntType(), {sum, Int(3)}), input.Ref(ca)});
      const Evaluation got = Evaluate(input, e);
      ASSERT_FALSE(got.error);
      EXPECT_EQ(got.info.lane, Lane::kI64);
      EXPECT_TRUE(got.info.range.known);
      ASSERT_EQ(got.rows.size(), n);
      for (uint32_t i = 0; i < n; ++i) {
        const std::optional<std::string> want =
            ia[i] && ib[i] ? std::optional(Text((*ia[i] + *ib[i]) * 3 - *ia[i])) : std::nullopt;
        ASSERT_EQ(got.rows[i], want) << i;
      }
    }
  }
}

TEST(IntegerArithmetic, UnsignedEdges) {
  EXPECT_EQ(
      EvaluateConstant(Call(ExprOp::kSub, plan::UIntType(), {UInt(1), UInt(2)})).substr(0, 51),
      "error 1690: BIGINT UNSIGNED value is out of range i");
  EXPECT_EQ(EvaluateConstant(Call(ExprOp::kSub, plan::IntType(), {UInt(1), UInt(2)})), "-1");
  EXPECT_EQ(EvaluateConstant(Call(ExprOp::kAdd, plan::UIntType(), {UInt(UINT64_MAX), Int(-1)})),
            "18446744073709551614");
  EXPECT_EQ(EvaluateConstant(Call(ExprOp::kNeg, plan::IntType(), {Int(INT64_MIN)})).substr(0, 11),
            "error 1690:");
  EXPECT_EQ(EvaluateConstant(Call(ExprOp::kGt, Bool(), {UInt(UINT64_MAX), Int(-1)})), "1");
  EXPECT_EQ(EvaluateConstant(Call(ExprOp::kEq, Bool(), {UInt(UINT64_MAX), Int(-1)})), "0");
  EXPECT_EQ(EvaluateConstant(Call(ExprOp::kLt, Bool(), {Int(-1), UInt(UINT64_MAX)})), "1");
}

// ---- comparison
// -----------------------------------------------------------------------------------------------------------

template <typename T>
bool Compare(ExprOp op, const T& a, const T& b) {
  switch (op) {
    case ExprOp::kEq:
      return a == b;
    case ExprOp::kNe:
      return a != b;
    case ExprOp::kLt:
      return a < b;
    case ExprOp::kLe:
      return a <= b;
    case ExprOp::kGt:
      return a > b;
    default:
      return a >= b;
  }
}

constexpr ExprOp kCompareOps[] = {ExprOp::kEq, ExprOp::kNe, ExprOp::kLt,
                                  ExprOp::kLe, ExprOp::kGt, ExprOp::kGe};

TEST(Comparison, IntegersAndDecimalsOfAllLanes) {
  std::mt19937_64 random(11);
  const IntCase cases[] = {
      {plan::IntType(), -5, 5},
      {plan::IntType(), INT64_MIN, INT64_MAX},
      {plan::UIntType(), 0, UINT64_MAX},
      {plan::UIntType(), 0, 5},
      {plan::DecimalType(15, 2), -500, 500},
      {plan::DecimalType(18, 9), -999999999999999999, 999999999999999999},
      {plan::DecimalType(30, 10), -mysqlsem::PowerOfTen(29), mysqlsem::PowerOfTen(29)},
      {plan::DecimalType(38, 0), -mysqlsem::PowerOfTen(37), mysqlsem::PowerOfTen(37)},
  };
  for (const IntCase& x : cases) {
    for (const IntCase& y : cases) {
      for (const uint32_t n : {1u, 100u, 2048u}) {
        TestBatch input;
        TestColumn a{.type = x.type, .lane = plan::LaneOf(x.type)},
            b{.type = y.type, .lane = plan::LaneOf(y.type)};
        a.integers = RandomInts(random, n, x.low, x.high);
        b.integers = RandomInts(random, n, y.low, y.high);
        const auto ia = a.integers, ib = b.integers;
        const auto ca = input.Add(a), cb = input.Add(b);
        const ExprOp op = kCompareOps[random() % 6];
        const Evaluation got =
            Evaluate(input, Call(op, Bool(), {input.Ref(ca), input.Ref(cb)}), true);
        ASSERT_FALSE(got.error) << got.error->ToString();
        std::vector<uint16_t> selected;
        for (uint32_t i = 0; i < n; ++i) {
          std::optional<std::string> want;
          if (ia[i] && ib[i]) {
            const bool holds = Compare(op,
                                       BigDecimal::FromScaled(*ia[i], x.type.scale)
                                           .Compare(BigDecimal::FromScaled(*ib[i], y.type.scale)),
                                       0);
            want = holds ? "1" : "0";
            if (holds) selected.push_back(static_cast<uint16_t>(i));
          }
          ASSERT_EQ(got.rows[i], want) << plan::ExprOpName(op) << " " << plan::TypeName(x.type)
                                       << " " << plan::TypeName(y.type);
        }
        EXPECT_EQ(got.selected, selected);
      }
    }
  }
}

TEST(Comparison, ConstantsOnEitherSide) {
  std::mt19937_64 random(12);
  for (const uint32_t n : kSizes) {
    TestBatch input;
    TestColumn a{.type = plan::IntType()};
    a.integers = RandomInts(random, n, -3, 3);
    const auto ia = a.integers;
    const auto ca = input.Add(a);
    for (const ExprOp op : kCompareOps) {
      const Evaluation right = Evaluate(input, Call(op, Bool(), {input.Ref(ca), Int(1)}), true);
      const Evaluation left = Evaluate(input, Call(op, Bool(), {Int(1), input.Ref(ca)}), true);
      const Evaluation with_null =
          Evaluate(input, Call(op, Bool(), {NullOf(plan::IntType()), input.Ref(ca)}), true);
      ASSERT_FALSE(right.error || left.error || with_null.error);
      EXPECT_TRUE(with_null.selected.empty());
      for (uint32_t i = 0; i < n; ++i) {
        EXPECT_EQ(with_null.rows[i], std::nullopt);
        if (!ia[i]) {
          EXPECT_EQ(right.rows[i], std::nullopt);
          continue;
        }
        EXPECT_EQ(right.rows[i], Compare(op, *ia[i], int128{1}) ? "1" : "0");
        EXPECT_EQ(left.rows[i], Compare(op, int128{1}, *ia[i]) ? "1" : "0");
      }
    }
  }
}

TEST(Comparison, InLists) {
  std::mt19937_64 random(13);
  const std::vector<std::vector<int64_t>> lists = {{1},
                                                   {1, 2, 3},
                                                   {1, 5, 9},
                                                   {1, 2, 3, 4, 5, 7, 9, 11},
                                                   {-1000000000000, 3, 5, 7, 1000000000000, 11}};
  for (const auto& list : lists) {
    for (const bool with_null : {false, true}) {
      for (const bool negated : {false, true}) {
        TestBatch input;
        TestColumn a{.type = plan::IntType()};
        a.integers = RandomInts(random, 500, -3, 12);
        const auto ia = a.integers;
        const auto ca = input.Add(a);
        std::vector<ExprPtr> args = {input.Ref(ca)};
        for (const int64_t v : list) args.push_back(Int(v));
        if (with_null) args.push_back(NullOf(plan::IntType()));
        // A decimal that no integer equals, and one that an integer does.
        args.push_back(Dec("2.5", 2, 1));
        args.push_back(Dec("10.0", 3, 1));
        const Evaluation got =
            Evaluate(input, Call(negated ? ExprOp::kNotIn : ExprOp::kIn, Bool(), args), true);
        ASSERT_FALSE(got.error) << got.error->ToString();
        for (uint32_t i = 0; i < 500; ++i) {
          std::optional<std::string> want;
          if (ia[i]) {
            const bool found =
                *ia[i] == 10 ||
                std::find(list.begin(), list.end(), static_cast<int64_t>(*ia[i])) != list.end();
            if (found) want = negated ? "0" : "1";
            if (!found && !with_null) want = negated ? "1" : "0";
          }
          ASSERT_EQ(got.rows[i], want) << Text(ia[i].value_or(99));
        }
      }
    }
  }
}

TEST(Comparison, Strings) {
  std::mt19937_64 random(14);
  mysqlsem::InitializeCollations();
  const std::vector<std::string> words = {"",         "a",  "A",   "a ", "B",      "b",
                                          "\xC3\xA4", "ab", "abc", "z",  "Straße", "STRASSE"};
  for (const uint32_t id : {255u, 46u, 63u, 45u, 8u, 309u}) {
    const mysqlsem::Collation* collation = mysqlsem::FindCollation(id);
    ASSERT_NE(collation, nullptr) << id;
    std::vector<std::optional<std::string>> x(300), y(300);
    for (auto* column : {&x, &y})
      for (auto& v : *column)
        if (random() % 10 != 0) v = words[random() % words.size()];
    const Type type = plan::StringType(id, 100);
    TestBatch input;
    TestColumn a{.type = type, .lane = Lane::kStr}, b{.type = type, .lane = Lane::kStr};
    a.strings = x, b.strings = y;
    const auto ca = input.Add(a), cb = input.Add(b), cd = input.AddDictionary(type, x);
    for (const ExprOp op : kCompareOps) {
      for (const std::string& word : words) {
        const ExprPtr constant = Constant(Value::Bytes(word), type);
        const Evaluation flat = Evaluate(input, Call(op, Bool(), {input.Ref(ca), constant}, id));
        const Evaluation codes =
            Evaluate(input, Call(op, Bool(), {input.Ref(cd), constant}, id), true);
        const Evaluation swapped = Evaluate(input, Call(op, Bool(), {constant, input.Ref(cd)}, id));
        ASSERT_FALSE(flat.error || codes.error || swapped.error);
        for (size_t i = 0; i < x.size(); ++i) {
          std::optional<std::string> want, want_swapped;
          if (x[i]) {
            want = Compare(op, collation->Compare(*x[i], word), 0) ? "1" : "0";
            want_swapped = Compare(op, collation->Compare(word, *x[i]), 0) ? "1" : "0";
          }
          ASSERT_EQ(flat.rows[i], want) << id << " " << *x[i] << plan::ExprOpName(op) << word;
          ASSERT_EQ(codes.rows[i], want) << id << " " << *x[i] << plan::ExprOpName(op) << word;
          ASSERT_EQ(swapped.rows[i], want_swapped);
        }
      }
      const Evaluation two = Evaluate(input, Call(op, Bool(), {input.Ref(ca), input.Ref(cb)}, id));
      const Evaluation mixed =
          Evaluate(input, Call(op, Bool(), {input.Ref(cd), input.Ref(cb)}, id));
      const Evaluation same = Evaluate(input, Call(op, Bool(), {input.Ref(cd), input.Ref(cd)}, id));
      ASSERT_FALSE(two.error || mixed.error || same.error);
      for (size_t i = 0; i < x.size(); ++i) {
        std::optional<std::string> want;
        if (x[i] && y[i]) want = Compare(op, collation->Compare(*x[i], *y[i]), 0) ? "1" : "0";
        ASSERT_EQ(two.rows[i], want);
        ASSERT_EQ(mixed.rows[i], want);
        ASSERT_EQ(same.rows[i],
                  x[i] ? std::optional<std::string>(Compare(op, 0, 0) ? "1" : "0") : std::nullopt);
      }
    }
    // IN over codes and flat strings.
    std::vector<ExprPtr> list = {input.Ref(ca), Constant(Value::Bytes("A"), type),
                                 Constant(Value::Bytes("strasse"), type)};
    const Evaluation in = Evaluate(input, Call(ExprOp::kIn, Bool(), list, id));
    list[0] = input.Ref(cd);
    const Evaluation in_codes = Evaluate(input, Call(ExprOp::kIn, Bool(), list, id));
    ASSERT_FALSE(in.error || in_codes.error);
    EXPECT_EQ(in.rows, in_codes.rows);
    for (size_t i = 0; i < x.size(); ++i)
      if (x[i])
        ASSERT_EQ(in.rows[i],
                  collation->Equal(*x[i], "A") || collation->Equal(*x[i], "strasse") ? "1" : "0");
  }
}

// ---- logic
// ---------------------------------------------------------------------------------------------------------------

using Tri = std::optional<bool>;
Tri And(Tri a, Tri b) {
  if ((a && !*a) || (b && !*b)) return false;
  return a && b ? Tri(true) : Tri();
}
Tri Or(Tri a, Tri b) {
  if ((a && *a) || (b && *b)) return true;
  return a && b ? Tri(false) : Tri();
}
std::optional<std::string> TriText(Tri t) {
  return t ? std::optional<std::string>(*t ? "1" : "0") : std::nullopt;
}

TEST(Logic, ThreeValues) {
  std::mt19937_64 random(21);
  for (const uint32_t n : kSizes) {
    TestBatch input;
    std::vector<Ints> data;
    std::vector<ExprPtr> refs;
    for (int k = 0; k < 3; ++k) {
      // NULL values carry garbage, true values are any non-zero integer; the third column has no
      // NULLs.
      TestColumn column{.type = plan::IntType()};
      column.integers = RandomInts(random, n, -1, 1, k == 2 ? 0 : 30);
      data.push_back(column.integers);
      refs.push_back(input.Ref(input.Add(column)));
    }
    auto tri = [&](int k, uint32_t i) { return data[k][i] ? Tri(*data[k][i] != 0) : Tri(); };
    auto check = [&](const ExprPtr& e, const std::function<Tri(uint32_t)>& want) {
      const Evaluation got = Evaluate(input, e, true);
      ASSERT_FALSE(got.error) << got.error->ToString();
      std::vector<uint16_t> selected;
      for (uint32_t i = 0; i < n; ++i) {
        ASSERT_EQ(got.rows[i], TriText(want(i))) << plan::ExprText(*e) << " row " << i;
        if (want(i).value_or(false)) selected.push_back(static_cast<uint16_t>(i));
      }
      EXPECT_EQ(got.selected, selected);
    };
    check(Call(ExprOp::kAnd, Bool(), {refs[0], refs[1], refs[2]}),
          [&](uint32_t i) { return And(And(tri(0, i), tri(1, i)), tri(2, i)); });
    check(Call(ExprOp::kOr, Bool(), {refs[0], refs[1], refs[2]}),
          [&](uint32_t i) { return Or(Or(tri(0, i), tri(1, i)), tri(2, i)); });
    check(Call(ExprOp::kNot, Bool(), {refs[0]}),
          [&](uint32_t i) { return tri(0, i) ? Tri(!*tri(0, i)) : Tri(); });
    check(Call(ExprOp::kXor, Bool(), {refs[0], refs[1]}), [&](uint32_t i) {
      return tri(0, i) && tri(1, i) ? Tri(*tri(0, i) != *tri(1, i)) : Tri();
    });
    check(Call(ExprOp::kIsNull, Bool(), {refs[0]}), [&](uint32_t i) { return Tri(!tri(0, i)); });
    check(Call(ExprOp::kIsNotNull, Bool(), {refs[2]}), [&](uint32_t) { return Tri(true); });
    check(Call(ExprOp::kIsTrue, Bool(), {refs[0]}),
          [&](uint32_t i) { return Tri(tri(0, i).value_or(false)); });
    check(Call(ExprOp::kIsNotTrue, Bool(), {refs[0]}),
          [&](uint32_t i) { return Tri(!tri(0, i).value_or(false)); });
    check(Call(ExprOp::kIsFalse, Bool(), {refs[0]}),
          [&](uint32_t i) { return Tri(tri(0, i) && !*tri(0, i)); });
    check(Call(ExprOp::kIsNotFalse, Bool(), {refs[0]}),
          [&](uint32_t i) { return Tri(!(tri(0, i) && !*tri(0, i))); });
    check(Call(ExprOp::kNullSafeEq, Bool(), {refs[0], refs[1]}), [&](uint32_t i) {
      return Tri(data[0][i] && data[1][i] ? *data[0][i] == *data[1][i]
                                          : !data[0][i] && !data[1][i]);
    });
    for (const Tri constant : {Tri(true), Tri(false), Tri()}) {
      const ExprPtr c = constant ? Int(*constant) : NullOf(plan::IntType());
      check(Call(ExprOp::kAnd, Bool(), {refs[0], c}),
            [&](uint32_t i) { return And(tri(0, i), constant); });
      check(Call(ExprOp::kOr, Bool(), {c, refs[0]}),
            [&](uint32_t i) { return Or(tri(0, i), constant); });
    }
    // A term that may raise runs only for the rows the first one leaves open.
    const ExprPtr division =
        Call(ExprOp::kGt, Bool(),
             {Call(ExprOp::kDiv, plan::DecimalType(20, 4), {Int(10), refs[1]}), Int(0)});
    auto positive = [&](uint32_t i) {
      return data[1][i] && *data[1][i] != 0 ? Tri(*data[1][i] > 0) : Tri();
    };
    check(Call(ExprOp::kAnd, Bool(), {refs[0], division, refs[2]}),
          [&](uint32_t i) { return And(And(tri(0, i), positive(i)), tri(2, i)); });
    check(Call(ExprOp::kOr, Bool(), {refs[0], division, refs[2]}),
          [&](uint32_t i) { return Or(Or(tri(0, i), positive(i)), tri(2, i)); });
  }
}

// ---- conditionals
// ----------------------------------------------------------------------------------------------------------

TEST(Conditional, CaseEvaluatesOnlyRowsThatArrive) {
  std::mt19937_64 random(31);
  for (const uint32_t n : kSizes) {
    TestBatch input;
    TestColumn a{.type = plan::IntType()}, b{.type = plan::IntType()};
    a.integers = RandomInts(random, n, -2, 2);
    b.integers = RandomInts(random, n, INT64_MAX - 2, INT64_MAX);
    const auto ia = a.integers, ib = b.integers;
    const auto ca = input.Add(a), cb = input.Add(b);
    // b + a overflows for positive a; the condition keeps those rows away.
    const ExprPtr sum = Call(ExprOp::kAdd, plan::IntType(), {input.Ref(cb), input.Ref(ca)});
    const ExprPtr minus = Call(ExprOp::kSub, plan::IntType(), {input.Ref(cb), Int(1)});
    const ExprPtr e = Call(ExprOp::kCase, plan::IntType(),
                           {Call(ExprOp::kLe, Bool(), {input.Ref(ca), Int(0)}), sum,
                            Call(ExprOp::kEq, Bool(), {input.Ref(ca), Int(1)}), minus, Int(7)});
    const Evaluation got = Evaluate(input, e);
    ASSERT_FALSE(got.error) << got.error->ToString();
    for (uint32_t i = 0; i < n; ++i) {
      std::optional<std::string> want = "7";
      if (ia[i] && *ia[i] <= 0) want = ib[i] ? std::optional(Text(*ib[i] + *ia[i])) : std::nullopt;
      if (ia[i] && *ia[i] == 1) want = ib[i] ? std::optional(Text(*ib[i] - 1)) : std::nullopt;
      ASSERT_EQ(got.rows[i], want) << i;
    }
  }
}

TEST(Conditional, CoalesceNullIfExtremes) {
  std::mt19937_64 random(32);
  for (const uint32_t n : kSizes) {
    TestBatch input;
    std::vector<Ints> data;
    std::vector<ExprPtr> refs;
    for (int k = 0; k < 3; ++k) {
      TestColumn column{.type = plan::DecimalType(10, static_cast<uint8_t>(k))};
      column.integers = RandomInts(random, n, -20, 20, 30);
      data.push_back(column.integers);
      refs.push_back(input.Ref(input.Add(column)));
    }
    const Type type = plan::DecimalType(12, 2);
    auto big = [&](int k, uint32_t i) { return BigDecimal::FromScaled(*data[k][i], k); };
    auto text = [&](const BigDecimal& b) {
      int128 v = 0;
      b.ToScaled(2, &v);
      return Text(v, 2);
    };
    const Evaluation coalesce = Evaluate(input, Call(ExprOp::kCoalesce, type, refs));
    const Evaluation nullif =
        Evaluate(input, Call(ExprOp::kNullIf, plan::DecimalType(10, 0), {refs[0], refs[1]}));
    const Evaluation least = Evaluate(input, Call(ExprOp::kLeast, type, refs));
    const Evaluation greatest = Evaluate(input, Call(ExprOp::kGreatest, type, refs));
    const Evaluation with_constant =
        Evaluate(input, Call(ExprOp::kGreatest, type, {refs[0], Int(5)}));
    ASSERT_FALSE(coalesce.error || nullif.error || least.error || greatest.error ||
                 with_constant.error);
    for (uint32_t i = 0; i < n; ++i) {
      std::optional<std::string> want;
      for (int k = 2; k >= 0; --k)
        if (data[k][i]) want = text(big(k, i));
      ASSERT_EQ(coalesce.rows[i], want);
      want.reset();
      if (data[0][i] && !(data[1][i] && big(0, i).Compare(big(1, i)) == 0))
        want = Text(*data[0][i]);
      ASSERT_EQ(nullif.rows[i], want);
      std::optional<std::string> low, high;
      if (data[0][i] && data[1][i] && data[2][i]) {
        BigDecimal min = big(0, i), max = big(0, i);
        for (int k = 1; k < 3; ++k) {
          if (big(k, i).Compare(min) < 0) min = big(k, i);
          if (big(k, i).Compare(max) > 0) max = big(k, i);
        }
        low = text(min), high = text(max);
      }
      ASSERT_EQ(least.rows[i], low);
      ASSERT_EQ(greatest.rows[i], high);
      ASSERT_EQ(with_constant.rows[i],
                data[0][i] ? std::optional(Text(std::max<int128>(*data[0][i], 5) * 100, 2))
                           : std::nullopt);
    }
  }
}

TEST(Conditional, StringsOfSeveralColumns) {
  std::mt19937_64 random(33);
  std::vector<std::optional<std::string>> x(200), y(200);
  for (auto* column : {&x, &y})
    for (auto& v : *column)
      if (random() % 4 != 0) v = std::string(1, static_cast<char>('a' + random() % 4));
  TestBatch input;
  TestColumn b{.type = Utf8(), .lane = Lane::kStr};
  b.strings = y;
  const auto cb = input.Add(b), cd = input.AddDictionary(Utf8(), x);
  const ExprPtr condition = Call(ExprOp::kEq, Bool(), {input.Ref(cd), Str("a")}, 255);
  const Evaluation got =
      Evaluate(input, Call(ExprOp::kIf, Utf8(), {condition, input.Ref(cb), input.Ref(cd)}));
  ASSERT_FALSE(got.error) << got.error->ToString();
  for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(got.rows[i], x[i] == "a" ? y[i] : x[i]);
  // Over one dictionary column: by value, NULL included.
  const Evaluation looked_up = Evaluate(
      input,
      Call(ExprOp::kCase, plan::IntType(),
           {condition, Int(1), Call(ExprOp::kIsNull, Bool(), {input.Ref(cd)}), Int(2), Int(3)}));
  ASSERT_FALSE(looked_up.error);
  for (size_t i = 0; i < x.size(); ++i)
    ASSERT_EQ(looked_up.rows[i], x[i] == "a" ? "1" : x[i] ? "3" : "2");
  EXPECT_EQ(looked_up.info.range.min, 1);
  EXPECT_EQ(looked_up.info.range.max, 3);
}

TEST(Conditional, RejectIf) {
  TestBatch input;
  TestColumn a{.type = plan::IntType()};
  a.integers = {1, 2, std::nullopt};
  const auto ca = input.Add(a);
  auto check = [&](int64_t limit) {
    return Evaluate(input,
                    Call(ExprOp::kRejectIf, plan::IntType(),
                         {Call(ExprOp::kGt, Bool(), {input.Ref(ca), Int(limit)}), input.Ref(ca)}));
  };
  EXPECT_EQ(check(2).rows, (Results{"1", "2", std::nullopt}));
  ASSERT_TRUE(check(1).error);
  EXPECT_EQ(check(1).error->mysql_errno, 1242u);
}

// ---- decimals
// ----------------------------------------------------------------------------------------------------------------

TEST(Decimal, ArithmeticAgainstBigDecimal) {
  std::mt19937_64 random(41);
  const std::pair<int, int> shapes[] = {{5, 0},  {15, 2},  {18, 9}, {18, 18},
                                        {25, 6}, {38, 10}, {38, 30}};
  for (const auto& [p1, s1] : shapes) {
    for (const auto& [p2, s2] : shapes) {
      for (const bool narrow : {false, true}) {
        const Type t1 = plan::DecimalType(static_cast<uint8_t>(p1), static_cast<uint8_t>(s1));
        const Type t2 = plan::DecimalType(static_cast<uint8_t>(p2), static_cast<uint8_t>(s2));
        const int128 limit1 = narrow ? 1000 : mysqlsem::PowerOfTen(p1) - 1,
                     limit2 = narrow ? 1000 : mysqlsem::PowerOfTen(p2) - 1;
        TestBatch input;
        TestColumn a{.type = t1, .lane = plan::LaneOf(t1)}, b{.type = t2, .lane = plan::LaneOf(t2)};
        a.integers = RandomInts(random, 64, -limit1, limit1);
        b.integers = RandomInts(random, 64, -limit2, limit2);
        b.integers[3] = 0;
        if (narrow) a.range = b.range = {true, -1000, 1000};
        const auto ia = a.integers, ib = b.integers;
        const auto ca = input.Add(a), cb = input.Add(b);
        for (const ExprOp op :
             {ExprOp::kAdd, ExprOp::kSub, ExprOp::kMul, ExprOp::kDiv, ExprOp::kMod}) {
          int precision = 0, scale = std::max(s1, s2);
          precision = std::max(p1 - s1, p2 - s2) + 1 + scale;
          if (op == ExprOp::kMul) scale = std::min(s1 + s2, 30), precision = p1 + p2;
          if (op == ExprOp::kDiv) scale = std::min(s1 + 4, 30), precision = p1 + s2 + 4;
          if (op == ExprOp::kMod) precision = std::max(p1, p2);
          precision = std::min(std::max(precision, scale), 65);
          const Type type =
              plan::DecimalType(static_cast<uint8_t>(precision), static_cast<uint8_t>(scale));
          const Evaluation got = Evaluate(input, Call(op, type, {input.Ref(ca), input.Ref(cb)}));
          Results want;
          bool overflow = false;
          for (size_t i = 0; i < 64; ++i) {
            if (!ia[i] || !ib[i]) {
              want.push_back(std::nullopt);
              continue;
            }
            const BigDecimal x = BigDecimal::FromScaled(*ia[i], s1),
                             y = BigDecimal::FromScaled(*ib[i], s2);
            BigDecimal r;
            mysqlsem::DecimalStatus status = mysqlsem::kDecOk;
            if (op == ExprOp::kAdd) status = mysqlsem::Add(x, y, &r);
            if (op == ExprOp::kSub) status = mysqlsem::Subtract(x, y, &r);
            if (op == ExprOp::kMul) status = mysqlsem::Multiply(x, y, &r);
            if (op == ExprOp::kDiv) status = mysqlsem::Divide(x, y, 4, &r);
            if (op == ExprOp::kMod) status = mysqlsem::Modulo(x, y, &r);
            if (status & mysqlsem::kDecDivZero) {
              want.push_back(std::nullopt);
              continue;
            }
            overflow |= (status & mysqlsem::kDecOverflow) != 0;
            BigDecimal rounded;
            r.Round(scale, mysqlsem::DecimalRounding::kHalfUp, &rounded);
            want.push_back(rounded.ToString());
          }
          if (overflow) continue;
          // Values of more digits than the declared type do not arise in the server.
          if (got.error && got.error->mysql_errno == 1690) continue;
          ASSERT_FALSE(got.error) << got.error->ToString();
          for (size_t i = 0; i < 64; ++i)
            ASSERT_EQ(got.rows[i], want[i])
                << plan::ExprOpName(op) << " " << plan::TypeName(t1) << " " << plan::TypeName(t2)
                << " narrow " << narrow << ": " << (ia[i] ? Text(*ia[i], s1) : "") << ", "
                << (ib[i] ? Text(*ib[i], s2) : "");
        }
      }
    }
  }
}

TEST(Decimal, PackedColumns) {
  TestBatch input;
  const Type type = plan::DecimalType(50, 10);
  TestColumn a{.type = type, .lane = Lane::kStr};
  for (const char* text :
       {"1234567890123456789012345678901234567890.0123456789", "-0.5000000000", "2.0000000000"}) {
    const ExprPtr constant = Dec(text, 50, 10);
    a.strings.push_back(constant->constant.bytes);
  }
  a.strings.push_back(std::nullopt);
  const auto ca = input.Add(a);
  const ExprPtr ref = input.Ref(ca);
  auto rows = [&](const ExprPtr& e) {
    const Evaluation got = Evaluate(input, e);
    EXPECT_FALSE(got.error) << got.error->ToString();
    return got.rows;
  };
  EXPECT_EQ(rows(ref), (Results{"1234567890123456789012345678901234567890.0123456789",
                                "-0.5000000000", "2.0000000000", std::nullopt}));
  EXPECT_EQ(rows(Call(ExprOp::kAdd, plan::DecimalType(51, 10), {ref, Int(1)})),
            (Results{"1234567890123456789012345678901234567891.0123456789", "0.5000000000",
                     "3.0000000000", std::nullopt}));
  EXPECT_EQ(rows(Call(ExprOp::kGt, Bool(), {ref, Int(0)})), (Results{"1", "0", "1", std::nullopt}));
  EXPECT_EQ(rows(Call(ExprOp::kIn, Bool(), {ref, Int(2), Dec("-0.5", 2, 1)})),
            (Results{"0", "1", "1", std::nullopt}));
  EXPECT_EQ(rows(Call(ExprOp::kNeg, type, {ref}))[1], "0.5000000000");
  EXPECT_EQ(rows(Call(ExprOp::kRound, plan::DecimalType(41, 0), {ref, Int(0)})),
            (Results{"1234567890123456789012345678901234567890", "-1", "2", std::nullopt}));
  EXPECT_EQ(rows(Call(ExprOp::kCoalesce, type, {ref, Int(7)}))[3], "7.0000000000");
  EXPECT_EQ(rows(Call(ExprOp::kIf, type, {Call(ExprOp::kGt, Bool(), {ref, Int(0)}), ref, Int(3)})),
            (Results{"1234567890123456789012345678901234567890.0123456789", "3.0000000000",
                     "2.0000000000", "3.0000000000"}));
  EXPECT_EQ(rows(Call(ExprOp::kCast, Utf8(), {ref}))[0],
            "1234567890123456789012345678901234567890.0123456789");
  EXPECT_EQ(rows(Call(ExprOp::kMul, plan::DecimalType(51, 10), {ref, Int(2)}))[1], "-1.0000000000");
}

TEST(Decimal, RevenueOfTpchTravelsIn64Bits) {
  TestBatch input;
  TestColumn price{.type = plan::DecimalType(15, 2)}, discount{.type = plan::DecimalType(15, 2)},
      tax{.type = plan::DecimalType(15, 2)};
  price.integers = {90100, 10494950}, discount.integers = {0, 10}, tax.integers = {8, 0};
  price.range = {true, 90100, 10494950}, discount.range = {true, 0, 10}, tax.range = {true, 0, 8};
  const auto p = input.Add(price), d = input.Add(discount), t = input.Add(tax);
  const ExprPtr net =
      Call(ExprOp::kMul, plan::DecimalType(31, 4),
           {input.Ref(p), Call(ExprOp::kSub, plan::DecimalType(16, 2), {Int(1), input.Ref(d)})});
  const ExprPtr gross =
      Call(ExprOp::kMul, plan::DecimalType(47, 6),
           {net, Call(ExprOp::kAdd, plan::DecimalType(16, 2), {Int(1), input.Ref(t)})});
  const Evaluation got = Evaluate(input, gross);
  ASSERT_FALSE(got.error) << got.error->ToString();
  EXPECT_EQ(got.info.lane, Lane::kI64);
  EXPECT_EQ(got.rows, (Results{"973.080000", "94454.550000"}));
}

TEST(Decimal, RoundingFunctions) {
  auto round = [](ExprOp op, const char* value, int precision, int scale, int digits,
                  int result_scale) {
    return EvaluateConstant(Call(
        op, plan::DecimalType(static_cast<uint8_t>(precision), static_cast<uint8_t>(result_scale)),
        {Dec(value, precision, scale), Int(digits)}));
  };
  EXPECT_EQ(round(ExprOp::kRound, "1.235", 10, 3, 2, 2), "1.24");
  EXPECT_EQ(round(ExprOp::kRound, "-1.235", 10, 3, 2, 2), "-1.24");
  EXPECT_EQ(round(ExprOp::kTruncate, "-1.239", 10, 3, 2, 2), "-1.23");
  EXPECT_EQ(round(ExprOp::kRound, "155.5", 10, 1, -1, 0), "160");
  EXPECT_EQ(round(ExprOp::kRound, "155.5", 10, 1, -2, 0), "200");
  EXPECT_EQ(round(ExprOp::kRound, "155.5", 10, 1, -9, 0), "0");
  EXPECT_EQ(EvaluateConstant(Call(ExprOp::kCeil, plan::IntType(), {Dec("-1.5", 3, 1)})), "-1");
  EXPECT_EQ(EvaluateConstant(Call(ExprOp::kFloor, plan::IntType(), {Dec("-1.5", 3, 1)})), "-2");
  EXPECT_EQ(EvaluateConstant(Call(ExprOp::kRound, plan::IntType(), {Int(-155), Int(-1)})), "-160");
  EXPECT_EQ(EvaluateConstant(Call(ExprOp::kRound, plan::DoubleType(), {Real(2.5), Int(0)})), "2");
  EXPECT_EQ(EvaluateConstant(
                Call(ExprOp::kMul, plan::DecimalType(10, 4),
                     {Call(ExprOp::kDiv, plan::DecimalType(5, 4), {Int(1), Int(3)}), Int(3)})),
            "0.9999");
}

TEST(Decimal, DivisionByZeroWarnsOncePerRow) {
  TestBatch input;
  TestColumn a{.type = plan::IntType()};
  a.integers = {0, 2, std::nullopt, 0};
  const auto ca = input.Add(a);
  const Evaluation got =
      Evaluate(input, Call(ExprOp::kDiv, plan::DecimalType(10, 4), {Int(1), input.Ref(ca)}));
  EXPECT_EQ(got.rows, (Results{std::nullopt, "0.5000", std::nullopt, std::nullopt}));
  ASSERT_EQ(got.warnings.size(), 1u);
  EXPECT_EQ(got.warnings[0].mysql_errno, 1365u);
  EXPECT_EQ(got.warnings[0].count, 2u);
  // CASE WHEN a <> 0 THEN 1 / a END never divides by zero.
  const Evaluation guarded = Evaluate(
      input, Call(ExprOp::kCase, plan::DecimalType(10, 4),
                  {Call(ExprOp::kNe, Bool(), {input.Ref(ca), Int(0)}),
                   Call(ExprOp::kDiv, plan::DecimalType(10, 4), {Int(1), input.Ref(ca)})}));
  EXPECT_EQ(guarded.rows, (Results{std::nullopt, "0.5000", std::nullopt, std::nullopt}));
  EXPECT_TRUE(guarded.warnings.empty());
}

// ---- doubles
// ---------------------------------------------------------------------------------------------------------------------

TEST(Real, ArithmeticAndOverflow) {
  EXPECT_EQ(EvaluateConstant(Call(ExprOp::kAdd, plan::DoubleType(), {Real(0.1), Real(0.2)})),
            "0.30000000000000004");
  EXPECT_EQ(EvaluateConstant(Call(ExprOp::kMul, plan::DoubleType(), {Real(1e200), Real(1e200)}))
                .substr(0, 46),
            "error 1690: DOUBLE value is out of range in '(");
  EXPECT_EQ(EvaluateConstant(Call(ExprOp::kDiv, plan::DoubleType(), {Real(1), Real(0)})), "NULL");
  EXPECT_EQ(EvaluateConstant(Call(ExprOp::kSqrt, plan::DoubleType(), {Real(-1)})), "NULL");
  EXPECT_EQ(EvaluateConstant(Call(ExprOp::kMul, plan::DoubleType(), {Real(0), Real(-1)})), "-0");
  EXPECT_EQ(EvaluateConstant(Call(ExprOp::kEq, Bool(), {Real(-0.0), Real(0.0)})), "1");
  EXPECT_EQ(EvaluateConstant(Call(ExprOp::kCast, plan::DoubleType(), {Dec("0.1", 38, 20)})),
            "0.10000000000000001");
  EXPECT_EQ(EvaluateConstant(Call(ExprOp::kCast, plan::DoubleType(), {UInt(UINT64_MAX)})),
            "1.8446744073709552e+19");
}

// ---- temporal
// --------------------------------------------------------------------------------------------------------------------

ExprPtr Date(uint32_t y, uint32_t m, uint32_t d) {
  return Constant(Value::Int(mysqlsem::PackDate(y, m, d)), plan::DateType(false));
}
uint32_t Unit(mysqlsem::IntervalUnit unit) { return static_cast<uint32_t>(unit); }
std::string DateText(const std::string& packed) {
  return packed == "NULL" || packed.starts_with("error")
             ? packed
             : mysqlsem::DateToString(static_cast<int32_t>(std::stol(packed)));
}

TEST(Temporal, ExtractOverRandomDates) {
  std::mt19937_64 random(51);
  TestBatch input;
  TestColumn date{.type = plan::DateType()}, datetime{.type = plan::DatetimeType(6)};
  for (int i = 0; i < 2048; ++i) {
    const uint32_t y = random() % 10000, m = random() % 13, d = random() % 32;
    date.integers.push_back(
        random() % 10 == 0 ? std::nullopt : std::optional<int128>(mysqlsem::PackDate(y, m, d)));
    datetime.integers.push_back(mysqlsem::PackDatetime(y, m, d, random() % 24, random() % 60,
                                                       random() % 60, random() % 1000000));
  }
  const auto dates = date.integers, datetimes = datetime.integers;
  const auto c1 = input.Add(date), c2 = input.Add(datetime);
  for (uint32_t unit = 0; unit < 20; ++unit) {
    if (unit == Unit(mysqlsem::IntervalUnit::kWeek)) continue;
    for (const auto id : {c1, c2}) {
      const Evaluation got =
          Evaluate(input, Call(ExprOp::kExtract, plan::IntType(), {input.Ref(id)}, 0, unit));
      ASSERT_FALSE(got.error) << got.error->ToString();
      for (size_t i = 0; i < dates.size(); ++i) {
        const auto& v = id == c1 ? dates[i] : datetimes[i];
        std::optional<std::string> want;
        if (v) {
          const int64_t packed = id == c1 ? mysqlsem::DateToDatetime(static_cast<int32_t>(*v))
                                          : static_cast<int64_t>(*v);
          const int64_t part =
              mysqlsem::ExtractFromDatetime(static_cast<mysqlsem::IntervalUnit>(unit), packed);
          want = std::to_string(part);
          ASSERT_GE(part, got.info.range.min);
          ASSERT_LE(part, got.info.range.max);
        }
        ASSERT_EQ(got.rows[i], want) << unit;
      }
    }
  }
}

TEST(Temporal, Functions) {
  auto add = [](ExprPtr date, ExprPtr amount, mysqlsem::IntervalUnit unit,
                ExprOp op = ExprOp::kDateAdd) {
    return DateText(EvaluateConstant(Call(op, plan::DateType(), {date, amount}, 0, Unit(unit))));
  };
  using mysqlsem::IntervalUnit;
  EXPECT_EQ(add(Date(2024, 1, 31), Int(1), IntervalUnit::kMonth), "2024-02-29");
  EXPECT_EQ(add(Date(1995, 9, 1), Str("1"), IntervalUnit::kMonth), "1995-10-01");
  EXPECT_EQ(add(Date(1998, 12, 1), Int(90), IntervalUnit::kDay, ExprOp::kDateSub), "1998-09-02");
  EXPECT_EQ(add(Date(0, 0, 0), Int(90), IntervalUnit::kDay), "NULL");
  EXPECT_EQ(add(Date(2024, 0, 31), Int(1), IntervalUnit::kDay), "NULL");
  TestBatch one;
  one.batch.count = 1;
  const Evaluation beyond =
      Evaluate(one, plan::Labelled(Call(ExprOp::kDateAdd, plan::DateType(),
                                        {Date(9999, 12, 31), Int(1)}, 0, Unit(IntervalUnit::kDay)),
                                   "(d + interval 1 day)"));
  EXPECT_FALSE(beyond.rows.at(0).has_value());
  ASSERT_EQ(beyond.warnings.size(), 1u);
  EXPECT_EQ(beyond.warnings[0].mysql_errno, 6527u);
  EXPECT_EQ(beyond.warnings[0].message, "DATE value is out of range in '(d + interval 1 day)'");
  EXPECT_EQ(EvaluateConstant(
                Call(ExprOp::kDateDiff, plan::IntType(), {Date(2024, 3, 1), Date(2024, 2, 1)})),
            "29");
  EXPECT_EQ(
      EvaluateConstant(Call(ExprOp::kDateDiff, plan::IntType(), {Date(0, 0, 0), Date(2024, 2, 1)})),
      "NULL");
  EXPECT_EQ(EvaluateConstant(Call(ExprOp::kDayOfWeek, plan::IntType(), {Date(2024, 1, 1)})), "2");
  EXPECT_EQ(EvaluateConstant(Call(ExprOp::kDayOfYear, plan::IntType(), {Date(2024, 12, 31)})),
            "366");
  EXPECT_EQ(
      DateText(EvaluateConstant(Call(ExprOp::kLastDay, plan::DateType(), {Date(2023, 2, 7)}))),
      "2023-02-28");
  EXPECT_EQ(EvaluateConstant(Call(ExprOp::kMonthName, Utf8(), {Date(2023, 2, 7)})), "February");
  EXPECT_EQ(
      EvaluateConstant(Call(ExprOp::kDateFormat, Utf8(), {Date(2023, 2, 7), Str("%Y/%m %W")})),
      "2023/02 Tuesday");
  EXPECT_EQ(EvaluateConstant(Call(ExprOp::kQuarter, plan::IntType(), {Date(2023, 12, 7)})), "4");
  EXPECT_EQ(EvaluateConstant(Call(ExprOp::kToDays, plan::IntType(), {Date(2007, 10, 7)})),
            "733321");
}

TEST(Temporal, TimestampsFollowTheZoneRules) {
  plan::Plan plan;
  // Two hours until 2021-10-31 01:00 UTC, then one.
  plan.time_zone = {{0, 3600}, {1616893200, 7200}, {1635642000, 3600}};
  TestBatch input;
  TestColumn ts{.type = {.kind = plan::TypeKind::kTimestamp}};
  ts.integers = {int128{1635641999} * 1000000, int128{1635642000} * 1000000, std::nullopt, 0,
                 int128{1000000} * 1000000};
  const auto c = input.Add(ts);
  const Evaluation got =
      Evaluate(input, Call(ExprOp::kTimestampToDatetime, plan::DatetimeType(), {input.Ref(c)}),
               false, &plan);
  ASSERT_FALSE(got.error) << got.error->ToString();
  auto text = [&](size_t i) {
    return got.rows[i] ? mysqlsem::DatetimeToString(std::stoll(*got.rows[i]), 0) : "NULL";
  };
  EXPECT_EQ(text(0), "2021-10-31 02:59:59");
  EXPECT_EQ(text(1), "2021-10-31 02:00:00");
  EXPECT_EQ(text(2), "NULL");
  EXPECT_EQ(text(3), "0000-00-00 00:00:00");
  EXPECT_EQ(text(4), "1970-01-12 14:46:40");
}

// ---- LIKE, casts
// -------------------------------------------------------------------------------------------------------------------

TEST(Like, FastPathsAgreeWithTheCollation) {
  std::mt19937_64 random(61);
  mysqlsem::InitializeCollations();
  const char* patterns[] = {"%", "",   "a",     "a%",   "%a",         "%a%", "%ab%b%", "a%b",
                            "_", "a_", "%\\%%", "%_a%", "%\xC3\xA4%", "A%",  "%B%a",   "ab%ab"};
  for (const uint32_t id : {255u, 45u, 46u, 309u, 63u, 8u, 33u}) {
    const mysqlsem::Collation* collation = mysqlsem::FindCollation(id);
    std::vector<std::optional<std::string>> values(500);
    const char* pieces[] = {"a", "b", "A", "B", "%", "\xC3\xA4", " ", "\x01"};
    for (auto& v : values) {
      if (random() % 10 == 0) continue;
      v = "";
      for (size_t k = random() % 6; k > 0; --k) *v += pieces[random() % (id == 8 ? 5 : 8)];
    }
    const Type type = plan::StringType(id, 100);
    TestBatch input;
    TestColumn a{.type = type, .lane = Lane::kStr};
    a.strings = values;
    const auto ca = input.Add(a), cd = input.AddDictionary(type, values);
    for (const char* pattern : patterns) {
      for (const auto column : {ca, cd}) {
        const Evaluation got =
            Evaluate(input, Call(ExprOp::kLike, Bool(),
                                 {input.Ref(column), Constant(Value::Bytes(pattern), type)}, id));
        const Evaluation negated =
            Evaluate(input, Call(ExprOp::kNotLike, Bool(),
                                 {input.Ref(column), Constant(Value::Bytes(pattern), type)}, id));
        ASSERT_FALSE(got.error || negated.error);
        for (size_t i = 0; i < values.size(); ++i) {
          std::optional<std::string> want, want_not;
          if (values[i]) {
            const bool match = collation->Like(*values[i], pattern);
            want = match ? "1" : "0", want_not = match ? "0" : "1";
          }
          ASSERT_EQ(got.rows[i], want) << id << " " << *values[i] << " LIKE " << pattern;
          ASSERT_EQ(negated.rows[i], want_not);
        }
      }
    }
  }
}

TEST(Cast, Values) {
  auto cast = [](ExprPtr value, const Type& type) {
    return EvaluateConstant(Call(ExprOp::kCast, type, {value}));
  };
  EXPECT_EQ(cast(Int(-1), plan::UIntType()), "18446744073709551615");
  EXPECT_EQ(cast(UInt(UINT64_MAX), plan::IntType()), "-1");
  EXPECT_EQ(cast(Dec("1.5", 3, 1), plan::IntType()), "2");
  EXPECT_EQ(cast(Dec("-1.5", 3, 1), plan::IntType()), "-2");
  EXPECT_EQ(cast(Real(2.5), plan::IntType()), "2");
  EXPECT_EQ(cast(Str("12abc"), plan::IntType()), "12");
  EXPECT_EQ(cast(Str(" 12.5 "), plan::DecimalType(10, 1)), "12.5");
  EXPECT_EQ(cast(Str("1e3"), plan::DoubleType()), "1000");
  EXPECT_EQ(cast(Int(12), plan::DecimalType(10, 3)), "12.000");
  EXPECT_EQ(cast(Dec("1.2355", 10, 4), plan::DecimalType(10, 3)), "1.236");
  EXPECT_EQ(cast(Real(0.1), plan::DecimalType(10, 3)), "0.100");
  EXPECT_EQ(cast(Real(0.1), Utf8()), "0.1");
  EXPECT_EQ(cast(Dec("-0.50", 5, 2), Utf8()), "-0.50");
  EXPECT_EQ(cast(UInt(UINT64_MAX), Utf8()), "18446744073709551615");
  EXPECT_EQ(cast(Date(2024, 2, 29), Utf8()), "2024-02-29");
  EXPECT_EQ(cast(Date(2024, 2, 29), plan::IntType()), "20240229");
  EXPECT_EQ(DateText(cast(Str("2024-02-29"), plan::DateType())), "2024-02-29");
  EXPECT_EQ(cast(Str("abcdef"), plan::StringType(255, 12)), "abc");
  EXPECT_EQ(cast(NullOf(plan::IntType()), Utf8()), "NULL");
  EXPECT_EQ(cast(Str("\xC3\xA4", 255), plan::StringType(8, 10)), "\xE4");
  TestBatch one;
  one.batch.count = 1;
  const Evaluation warned = Evaluate(one, Call(ExprOp::kCast, plan::IntType(), {Str("12abc")}));
  ASSERT_EQ(warned.warnings.size(), 1u);
  EXPECT_EQ(warned.warnings[0].mysql_errno, 1292u);
  EXPECT_EQ(warned.warnings[0].message, "Truncated incorrect INTEGER value: '12abc'");
  const Evaluation clamped = Evaluate(
      one, plan::Labelled(Call(ExprOp::kCast, plan::DecimalType(5, 2), {Int(-100000)}), "x"));
  EXPECT_EQ(clamped.rows.at(0), "-999.99");
  ASSERT_EQ(clamped.warnings.size(), 1u);
  EXPECT_EQ(clamped.warnings[0].message, "Out of range value for column 'x' at row 1");
}

TEST(Support, RefusesWithAReason) {
  const auto refused =
      CheckExpressionSupported(*Call(ExprOp::kCast, {.kind = plan::TypeKind::kJson}, {Int(1)}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kNotSupported);
  EXPECT_EQ(refused.error().message, "casting BIGINT NOT NULL to JSON is not supported");
  EXPECT_FALSE(CheckExpressionSupported(*Call(ExprOp::kAdd, plan::IntType(), {Int(1)})));  // arity
  EXPECT_TRUE(CheckExpressionSupported(
      *Call(ExprOp::kAdd, plan::IntType(), {plan::ColumnRef(1, plan::IntType()), Int(1)})));
}

}  // namespace
}  // namespace sirocco::engine
