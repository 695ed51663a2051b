// Deterministic mutation fuzzer of the plan decoder and of column batches: whatever the bytes, the
// answer is a value or an error. SIROCCO_FUZZ_ROUNDS and SIROCCO_FUZZ_SEED choose how long and
// where it starts; the seed of a round is printed with a failure.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "plan/codec.h"
#include "plan/node.h"
#include "plan/validate.h"
#include "wire/column_batch.h"
#include "wire/messages.h"

namespace sirocco {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::strtoull(value, nullptr, 10) : otherwise;
}

plan::NodePtr Scan(plan::ColumnId first) {
  auto node = std::make_shared<plan::Node>();
  node->kind = plan::NodeKind::kScan;
  node->table = 1;
  node->table_name = "test.t";
  node->scan_columns = {{first, 0, plan::IntType(false)},
                        {first + 1, 1, plan::StringType(255, 40)},
                        {first + 2, 2, plan::DecimalType(20, 4)}};
  node->predicate = plan::Call(plan::ExprOp::kLt, plan::IntType(),
                               {plan::ColumnRef(first, plan::IntType(false)),
                                plan::Constant(plan::Value::Int(42), plan::IntType(false))});
  return node;
}

std::vector<std::string> Corpus() {
  std::vector<plan::NodePtr> roots = {Scan(1)};
  auto join = std::make_shared<plan::Node>();
  join->kind = plan::NodeKind::kJoin;
  join->inputs = {Scan(1), Scan(11)};
  join->join_keys.push_back(
      {plan::ColumnRef(1, plan::IntType(false)), plan::ColumnRef(11, plan::IntType(false))});
  roots.push_back(join);
  auto aggregate = std::make_shared<plan::Node>();
  aggregate->kind = plan::NodeKind::kAggregate;
  aggregate->inputs = {join};
  aggregate->groups = {{50, plan::ColumnRef(2, plan::StringType(255, 40))}};
  plan::Aggregate count;
  count.id = 51;
  count.type = plan::IntType(false);
  aggregate->aggregates = {count};
  roots.push_back(aggregate);
  auto sort = std::make_shared<plan::Node>();
  sort->kind = plan::NodeKind::kSort;
  sort->inputs = {aggregate};
  plan::SortKey key;
  key.expr = plan::ColumnRef(50, plan::StringType(255, 40));
  sort->sort_keys = {key};
  sort->limit = 10;
  roots.push_back(sort);
  std::vector<std::string> corpus;
  for (const plan::NodePtr& root : roots) {
    plan::Plan plan;
    plan.root = root;
    for (const auto& [id, type] : plan::OutputColumns(plan, *root))
      plan.results.push_back({id, type, "c" + std::to_string(id)});
    ByteWriter out;
    plan::EncodePlan(plan, &out);
    corpus.push_back(out.Take());
  }
  return corpus;
}

std::string Mutate(std::string bytes, const std::vector<std::string>& corpus,
                   std::mt19937_64* random) {
  const auto below = [&](size_t n) { return n == 0 ? 0 : (*random)() % n; };
  for (uint64_t edits = 1 + below(4); edits > 0; --edits) {
    const size_t at = below(bytes.size());
    switch (below(7)) {
      case 0:
        if (!bytes.empty()) bytes[at] = static_cast<char>((*random)());
        break;
      case 1:
        if (!bytes.empty()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 2:
        bytes.resize(at);
        break;
      case 3:
        bytes.insert(at, 1 + below(8), static_cast<char>((*random)()));
        break;
      case 4:
        bytes.erase(at, 1 + below(8));
        break;
      case 5: {  // a length or count at its extremes
        static constexpr uint32_t kValues[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xffff};
        if (bytes.size() >= at + 4) std::memcpy(&bytes[at], &kValues[below(6)], 4);
        break;
      }
      default: {
        const std::string& other = corpus[below(corpus.size())];
        const size_t from = below(other.size());
        bytes = bytes.substr(0, at) + other.substr(from, below(other.size() - from + 1));
      }
    }
  }
  return bytes;
}

TEST(PlanFuzz, MutatedBytesAreDecodedOrRefused) {
  const std::vector<std::string> corpus = Corpus();
  for (const std::string& bytes : corpus) {
    ByteReader in(bytes);
    auto plan = plan::DecodePlan(&in);
    ASSERT_TRUE(plan) << plan.error().ToString();
    ASSERT_TRUE(plan::ValidatePlan(*plan));
  }
  const uint64_t seed = FromEnvironment("SIROCCO_FUZZ_SEED", 1);
  const uint64_t rounds = FromEnvironment("SIROCCO_FUZZ_ROUNDS", 50000);
  uint64_t valid = 0, refused = 0;
  for (uint64_t i = 0; i < rounds; ++i) {
    SCOPED_TRACE("seed " + std::to_string(seed + i));
    std::mt19937_64 random(seed + i);
    const std::string bytes = Mutate(corpus[random() % corpus.size()], corpus, &random);
    ByteReader in(bytes);
    auto plan = plan::DecodePlan(&in);
    if (plan && plan::ValidatePlan(*plan)) {
      ++valid;
      plan::PlanText(*plan);
    } else {
      ++refused;
    }
    (void)wire::ColumnBatchView::Parse(bytes);
    (void)wire::DecodeQueryRequest(bytes);
  }
  // Both ends of the decoder were visited.
  EXPECT_GT(refused, 0u);
  EXPECT_GT(valid, 0u);
}

}  // namespace
}  // namespace sirocco
