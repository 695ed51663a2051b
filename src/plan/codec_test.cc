#include "plan/codec.h"

#include <gtest/gtest.h>

#include <random>

#include "plan/validate.h"

namespace sirocco::plan {
namespace {

// A plan with most node kinds: a filtered scan joined with a shared aggregate, sorted and limited.
Plan SamplePlan() {
  auto scan = std::make_shared<Node>();
  scan->kind = NodeKind::kScan;
  scan->table = 7;
  scan->table_name = "shop.orders";
  scan->scan_columns = {
      {1, 0, IntType(false)}, {2, 3, DecimalType(15, 2)}, {3, 4, StringType(255, 80)}};
  scan->predicate = Call(
      ExprOp::kLike, IntType(),
      {ColumnRef(3, StringType(255, 80)), Constant(Value::Bytes("%x%"), StringType(255, 3))}, 255);

  auto shared_scan = std::make_shared<Node>(*scan);
  shared_scan->scan_columns = {{11, 0, IntType(false)}, {12, 3, DecimalType(15, 2)}};
  shared_scan->predicate = nullptr;
  auto aggregate = std::make_shared<Node>();
  aggregate->kind = NodeKind::kAggregate;
  aggregate->inputs = {shared_scan};
  aggregate->groups = {{13, ColumnRef(11, IntType(false))}};
  aggregate->aggregates = {{14,
                            AggregateFunction::kSum,
                            false,
                            {ColumnRef(12, DecimalType(15, 2))},
                            DecimalType(37, 2),
                            {},
                            ""}};

  auto shared = std::make_shared<Node>();
  shared->kind = NodeKind::kSharedScan;
  shared->shared_columns = {{21, 13}, {22, 14}};
  auto join = std::make_shared<Node>();
  join->kind = NodeKind::kJoin;
  join->inputs = {scan, shared};
  join->join_keys = {{ColumnRef(1, IntType(false)), ColumnRef(21, IntType(false)), 0, false}};
  auto sort = std::make_shared<Node>();
  sort->kind = NodeKind::kSort;
  sort->inputs = {join};
  sort->sort_keys = {{ColumnRef(22, DecimalType(37, 2)), true}};
  sort->limit = 10;

  Plan plan;
  plan.shared = {aggregate};
  plan.root = sort;
  plan.results = {{1, IntType(false), "id"}, {22, DecimalType(37, 2), "total"}};
  plan.time_zone = {{0, 3600}};
  return plan;
}

std::string Encode(const Plan& plan) {
  ByteWriter writer;
  EncodePlan(plan, &writer);
  return writer.Take();
}

TEST(CodecTest, PlanSurvivesARoundTrip) {
  const Plan plan = SamplePlan();
  ASSERT_TRUE(ValidatePlan(plan)) << ValidatePlan(plan).error().ToString();
  const std::string bytes = Encode(plan);
  ByteReader reader(bytes);
  Result<Plan> decoded = DecodePlan(&reader);
  ASSERT_TRUE(decoded) << decoded.error().ToString();
  EXPECT_TRUE(reader.AtEnd());
  EXPECT_EQ(PlanText(*decoded), PlanText(plan));
  EXPECT_EQ(Encode(*decoded), bytes);
}

TEST(CodecTest, EveryTruncationIsRefused) {
  const std::string bytes = Encode(SamplePlan());
  for (size_t size = 0; size < bytes.size(); ++size) {
    ByteReader reader(std::string_view(bytes).substr(0, size));
    EXPECT_FALSE(DecodePlan(&reader)) << "at " << size;
  }
}

TEST(CodecTest, ChangedBytesNeverCrash) {
  const std::string bytes = Encode(SamplePlan());
  std::mt19937 random(20260101);
  for (int round = 0; round < 20000; ++round) {
    std::string changed = bytes;
    for (int i = 0; i < 1 + round % 4; ++i)
      changed[random() % changed.size()] = static_cast<char>(random());
    ByteReader reader(changed);
    if (Result<Plan> decoded = DecodePlan(&reader)) {
      EXPECT_TRUE(ValidatePlan(*decoded));
    }
  }
}

TEST(ValidateTest, UnknownColumnIsNamed) {
  Plan plan = SamplePlan();
  plan.results.push_back({99, IntType(), "x"});
  Result<void> result = ValidatePlan(plan);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "plan result reads unknown column 99");
}

TEST(ValidateTest, DefinedTwice) {
  Plan plan = SamplePlan();
  auto project = std::make_shared<Node>();
  project->kind = NodeKind::kProject;
  project->inputs = {plan.root};
  project->expressions = {{1, Constant(Value::Int(1), IntType())}};
  plan.root = project;
  EXPECT_FALSE(ValidatePlan(plan));
}

}  // namespace
}  // namespace sirocco::plan
