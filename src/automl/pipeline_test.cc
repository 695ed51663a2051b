// The pieces of the pipeline: bins, trees and their explanation, solvers, preparation, selection.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "automl/bins.h"
#include "automl/explain.h"
#include "automl/learner.h"
#include "automl/linear_solver.h"
#include "automl/preparation.h"
#include "automl/random.h"
#include "automl/selection.h"
#include "automl/supervised.h"
#include "automl/threads.h"
#include "automl/tree_shap.h"

namespace sirocco::automl {
namespace {

Matrix Normals(size_t rows, size_t cols, uint64_t seed) {
  Random random(seed);
  Matrix matrix(rows, cols);
  for (float& value : matrix.values) value = static_cast<float>(random.Normal());
  return matrix;
}

Indices All(size_t count) {
  Indices rows(count);
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

TEST(Threads, EveryPieceOnce) {
  std::vector<int> counts(1000, 0);
  ParallelFor(3, counts.size(), [&](size_t i) { ParallelFor(2, 1, [&](size_t) { ++counts[i]; }); });
  EXPECT_EQ(std::count(counts.begin(), counts.end(), 1), 1000);
  EXPECT_THROW(ParallelFor(2, 4, [](size_t) { throw std::bad_alloc(); }), std::bad_alloc);
}

TEST(Bins, ValuesLieBetweenTheirCuts) {
  Matrix matrix = Normals(500, 2, 1);
  matrix.row(3)[0] = NAN;
  for (size_t row = 0; row < 500; ++row) matrix.row(row)[1] = static_cast<float>(row % 3);
  const Bins bins = MakeBins(matrix, 16, 1000, 2);
  EXPECT_EQ(bins.cuts[1].size(), 2u);
  EXPECT_LE(bins.cuts[0].size(), 14u);
  for (size_t row = 0; row < 500; ++row)
    for (size_t col = 0; col < 2; ++col) {
      const size_t bin = bins.row(row)[col];
      const float value = matrix.row(row)[col];
      if (std::isnan(value)) {
        EXPECT_EQ(bin, 0u);
        continue;
      }
      ASSERT_GE(bin, 1u);
      if (bin >= 2) EXPECT_GE(value, bins.cuts[col][bin - 2]);
      if (bin - 1 < bins.cuts[col].size()) EXPECT_LT(value, bins.cuts[col][bin - 1]);
    }
}

// Learners on a rule that all of them can learn.
class Learners : public testing::TestWithParam<std::tuple<Family, size_t>> {};

TEST_P(Learners, LearnAndComeBackFromBytes) {
  const auto [family, num_classes] = GetParam();
  if (family == Family::kBayes && num_classes == 0) GTEST_SKIP();
  const size_t n = 300;
  const Matrix x = Normals(n, 4, 2);
  Target target;
  target.num_classes = num_classes;
  for (size_t row = 0; row < n; ++row) {
    const float score = x.row(row)[0] + 0.5f * x.row(row)[1];
    target.values.push_back(num_classes == 0   ? score
                            : num_classes == 2 ? (score > 0 ? 1.0f : 0.0f)
                                               : (score < -0.6f  ? 0.0f
                                                  : score < 0.6f ? 1.0f
                                                                 : 2.0f));
  }
  const Bins bins = MakeBins(x, 255, 1000, 1);
  TrainingData data;
  data.tree = data.dense = &x;
  data.bins = &bins;
  data.target = &target;
  const auto fit = [&](size_t threads) {
    auto learner = MakeLearner({family, {{"rounds", 60}, {"trees", 40}}}, num_classes);
    FitRequest request;
    request.data = &data;
    request.rows = All(n);
    request.num_threads = threads;
    learner->Fit(request);
    return learner;
  };
  const auto learner = fit(1);
  const size_t k = target.num_outputs();
  std::vector<float> out(n * k), again(n * k), other(n * k);
  learner->Predict(x.values.data(), 4, n, out.data());
  // The same with two threads, and after a way through bytes.
  fit(2)->Predict(x.values.data(), 4, n, other.data());
  EXPECT_EQ(out, other);
  ByteWriter bytes;
  SaveLearner(*learner, &bytes);
  ByteReader reader(bytes.bytes());
  const auto read = LoadLearner(&reader, num_classes, 4, 4);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(reader.AtEnd());
  (*read)->Predict(x.values.data(), 4, n, again.data());
  EXPECT_EQ(out, again);
  double good = 0;
  for (size_t row = 0; row < n; ++row) {
    if (num_classes == 0) {
      good += std::abs(out[row] - target.values[row]) < 0.6f;
      continue;
    }
    float sum = 0;
    for (size_t c = 0; c < k; ++c) sum += out[row * k + c];
    EXPECT_NEAR(sum, 1, 1e-4);
    good += std::max_element(&out[row * k], &out[row * k] + k) - &out[row * k] ==
            static_cast<ptrdiff_t>(target.class_at(row));
  }
  EXPECT_GT(good / static_cast<double>(n), 0.8);
  // Cut bytes are an error.
  for (size_t size = 0; size < bytes.bytes().size(); size += 1 + bytes.bytes().size() / 50) {
    ByteReader cut(std::string_view(bytes.bytes()).substr(0, size));
    EXPECT_FALSE(LoadLearner(&cut, num_classes, 4, 4));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Families, Learners,
    testing::Combine(testing::Values(Family::kBoosted, Family::kLeafBoosted, Family::kForest,
                                     Family::kExtraTrees, Family::kDecisionTree, Family::kLinear,
                                     Family::kKernel, Family::kNeighbours, Family::kBayes),
                     testing::Values(0, 2, 3)));

// SHAP values by their definition, over all subsets of features.
double ExpectedSum(std::span<const Trees::GrownNode> nodes, uint32_t at, const float* row,
                   unsigned known) {
  const Trees::GrownNode& node = nodes[at];
  if (node.feature < 0) return node.values[0];
  if (known >> node.feature & 1)
    return ExpectedSum(nodes, row[node.feature] < node.threshold ? node.left : node.right, row,
                       known);
  const double left = nodes[node.left].cover, right = nodes[node.right].cover;
  return (left * ExpectedSum(nodes, node.left, row, known) +
          right * ExpectedSum(nodes, node.right, row, known)) /
         (left + right);
}

TEST(TreeShap, EqualsTheDefinition) {
  // Depth three, a feature twice on one path.
  std::vector<Trees::GrownNode> nodes(9);
  const auto inner = [&](int at, int feature, float threshold, uint32_t left, uint32_t right) {
    nodes[at].feature = feature;
    nodes[at].threshold = threshold;
    nodes[at].left = left;
    nodes[at].right = right;
  };
  const auto leaf = [&](int at, float value, float cover) {
    nodes[at].values = {value};
    nodes[at].cover = cover;
  };
  inner(0, 0, 0.5f, 1, 2);
  inner(1, 1, 0.0f, 3, 4);
  inner(2, 2, 1.0f, 5, 6);
  inner(4, 0, 0.2f, 7, 8);
  leaf(3, 1, 16);
  leaf(5, -2, 16);
  leaf(6, 4, 16);
  leaf(7, 3, 8);
  leaf(8, 7, 8);
  nodes[4].cover = 16;
  nodes[1].cover = nodes[2].cover = 32;
  nodes[0].cover = 64;
  Trees trees(1);
  trees.AddTree(nodes, 0);
  const TreeShap shap(trees);
  const double factorial[] = {1, 1, 2, 6};
  for (const auto& row : {std::array<float, 3>{0.3f, 0.5f, 0.0f}, std::array<float, 3>{0.9f, -1, 2},
                          std::array<float, 3>{0.1f, 1, 0}}) {
    double values[3] = {0, 0, 0};
    shap.Add(row.data(), values);
    for (int j = 0; j < 3; ++j) {
      double expected = 0;
      for (unsigned subset = 0; subset < 8; ++subset) {
        if (subset >> j & 1) continue;
        const int size = __builtin_popcount(subset);
        expected += factorial[size] * factorial[2 - size] / factorial[3] *
                    (ExpectedSum(nodes, 0, row.data(), subset | 1u << j) -
                     ExpectedSum(nodes, 0, row.data(), subset));
      }
      EXPECT_NEAR(values[j], expected, 1e-3);
    }
    float sum = 0;
    trees.AddRows(row.data(), 3, 1, &sum);
    EXPECT_NEAR(values[0] + values[1] + values[2] + shap.expected()[0], sum, 1e-3);
  }
}

TEST(LinearSolver, RidgeFindsThePlane) {
  const Matrix x = Normals(200, 3, 5);
  std::vector<float> y;
  for (size_t row = 0; row < 200; ++row) y.push_back(4 + 2 * x.row(row)[0] - x.row(row)[2]);
  const Weights w = FitRidge(x, y, 1e-6);
  EXPECT_NEAR(w[0], 2, 1e-3);
  EXPECT_NEAR(w[1], 0, 1e-3);
  EXPECT_NEAR(w[2], -1, 1e-3);
  EXPECT_NEAR(w[3], 4, 1e-3);
}

Table MixedTable(size_t rows) {
  Table table({{"n", ColumnKind::kFloat, "double"},
               {"nothing", ColumnKind::kFloat, "double"},
               {"same", ColumnKind::kInteger, "int"},
               {"kind", ColumnKind::kString, "varchar(20)"},
               {"shop", ColumnKind::kString, "varchar(20)"},
               {"name", ColumnKind::kString, "varchar(20)"},
               {"seen", ColumnKind::kDateTime, "datetime"},
               {"note", ColumnKind::kText, "text"},
               {"y", ColumnKind::kString, "varchar(5)"}});
  for (size_t i = 0; i < rows; ++i) {
    const std::string number = i % 7 == 0 ? "null" : std::to_string(i % 13);
    const std::string note = i % 5 == 0   ? "null"
                             : i % 2 == 0 ? "\"schöne Straße am Fluß\""
                                          : "\"loud road in town\"";
    EXPECT_TRUE(
        table.AppendJson(R"({"n": )" + number + R"(, "nothing": null, "same": 4, "kind": ")" +
                         (i % 3 == 0 ? "a" : "b") + R"(", "shop": "s)" + std::to_string(i % 40) +
                         R"(", "name": "n)" + std::to_string(i) + R"(", "seen": "2024-01-)" +
                         std::to_string(10 + i % 20) + R"( 10:00:00", "note": )" + note +
                         R"(, "y": ")" + (i % 2 == 0 ? "even" : "odd") + R"("})"));
  }
  return table;
}

TEST(Preparation, TakesEachColumnByWhatIsInIt) {
  const Table table = MixedTable(400);
  Target target;
  target.num_classes = 2;
  for (size_t i = 0; i < 400; ++i) target.values.push_back(static_cast<float>(i % 2));
  const std::vector<uint8_t> folds = AssignFolds(target, Preparation::kFolds, 3);
  const Preparation preparation = Preparation::Learn(table, "y", target, folds, {}, 2);
  ASSERT_EQ(preparation.columns().size(), 8u);
  const std::vector<bool> used = {true, false, false, true, true, false, true, true};
  for (size_t c = 0; c < 8; ++c) EXPECT_EQ(preparation.is_used(c), used[c]) << c;
  const Features training = preparation.EncodeTraining(table, folds, true, true, 2);
  for (const float value : training.dense.values) EXPECT_TRUE(std::isfinite(value));
  // New rows: unknown categories, NULL everywhere.
  Table fresh(std::vector<ColumnSpec>(preparation.columns()));
  ASSERT_TRUE(fresh.AppendJson(R"({"n": null, "nothing": null, "same": null, "kind": null,
    "shop": null, "name": null, "seen": null, "note": null})"));
  ASSERT_TRUE(fresh.AppendJson(R"({"n": 1e300, "nothing": 1, "same": 5, "kind": "z",
    "shop": "none", "name": "?", "seen": "1999-12-31", "note": ""})"));
  const auto encoded = preparation.Encode(fresh, true, true, 1);
  ASSERT_TRUE(encoded);
  for (const float value : encoded->dense.values) EXPECT_TRUE(std::isfinite(value));
  // The same after a way through bytes; a missing column is an error.
  ByteWriter bytes;
  preparation.Save(&bytes);
  ByteReader reader(bytes.bytes());
  const auto read = Preparation::Load(&reader);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->Encode(fresh, true, true, 1)->dense.values, encoded->dense.values);
  EXPECT_FALSE(preparation.Encode(Table({{"n", ColumnKind::kFloat, "double"}}), true, true, 1));
}

TEST(Selection, FoldsHoldEveryClassAlike) {
  Target target;
  target.num_classes = 2;
  for (size_t i = 0; i < 1000; ++i) target.values.push_back(i % 100 == 0 ? 1.0f : 0.0f);
  const std::vector<uint8_t> folds = AssignFolds(target, 5, 7);
  std::vector<int> rare(5, 0), all(5, 0);
  for (size_t i = 0; i < 1000; ++i) {
    ++all[folds[i]];
    rare[folds[i]] += i % 100 == 0;
  }
  EXPECT_EQ(rare, std::vector<int>(5, 2));
  for (const int count : all) EXPECT_NEAR(count, 200, 2);
}

TEST(Supervised, HardTablesTrain) {
  TrainingOptions options;
  options.target = "y";
  const auto train = [&](const Table& table) {
    return SupervisedModel::Train(table, options, [](const char*, double) {});
  };
  // Every kind of column, a class with five rows, a single feature, rows all alike.
  EXPECT_TRUE(train(MixedTable(100)));
  Table table({{"x", ColumnKind::kFloat, "double"}, {"y", ColumnKind::kInteger, "int"}});
  for (int i = 0; i < 200; ++i)
    ASSERT_TRUE(table.AppendJson(R"({"x": )" + std::to_string(i % 9) + R"(, "y": )" +
                                 (i < 5 ? "1" : "0") + "}"));
  EXPECT_TRUE(train(table));
  Table constant({{"x", ColumnKind::kFloat, "double"}, {"y", ColumnKind::kInteger, "int"}});
  for (int i = 0; i < 40; ++i)
    ASSERT_TRUE(constant.AppendJson(R"({"x": 1, "y": )" + std::to_string(i % 2) + "}"));
  const auto refused = train(constant);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().message.starts_with("ML001052")) << refused.error().message;
  options.is_classification = false;
  options.metric = "neg_mean_squared_log_error";
  EXPECT_TRUE(train(table));
}

TEST(Supervised, ARunCanBeRepeated) {
  const Table table = MixedTable(150);
  TrainingOptions options;
  options.target = "y";
  options.model_list = {"XGBClassifier", "LogisticRegression"};
  std::vector<std::string> bytes;
  for (int run = 0; run < 2; ++run) {
    options.num_threads = 2;
    bytes.push_back(
        (*SupervisedModel::Train(table, options, [](const char*, double) {}))->ToBytes());
  }
  EXPECT_EQ(bytes[0], bytes[1]);
}

}  // namespace
}  // namespace sirocco::automl
