#include "automl/explain.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "automl/random.h"
#include "automl/threads.h"
#include "automl/tree_shap.h"

namespace sirocco::automl {

namespace {

using Json = nlohmann::json;

constexpr size_t kGridPoints = 20, kGridPointsOfTwo = 8;
constexpr size_t kDependenceRows = 500;
constexpr size_t kOrders = 8;        // of the columns, each also backwards, for sampled values
constexpr size_t kMaxColumns = 100;  // attributed by sampling

// Rows of a table, evenly spread.
Indices Spread(size_t num_rows, size_t most) {
  Indices chosen;
  const size_t step = std::max<size_t>(1, (num_rows + most - 1) / std::max<size_t>(1, most));
  for (size_t row = 0; row < num_rows; row += step) chosen.push_back(static_cast<uint32_t>(row));
  return chosen;
}

Features Take(const Features& from, const Indices& rows) {
  Features taken;
  taken.tree.cols = from.tree.cols;
  taken.dense.cols = from.dense.cols;
  taken.tree.rows = taken.dense.rows = rows.size();
  if (!from.tree.values.empty()) taken.tree = TakeRows(from.tree, rows);
  if (!from.dense.values.empty()) taken.dense = TakeRows(from.dense, rows);
  return taken;
}

// Replaces the features of one column in a row by those of a row elsewhere.
void Replace(const SupervisedModel& model, size_t column, const Features& from, size_t from_row,
             Features* to, size_t to_row) {
  const auto copy = [&](const Matrix& source, Matrix* target, const std::vector<uint32_t>& owners) {
    if (source.values.empty()) return;
    // Features of a column are neighbours.
    const auto [begin, end] = std::equal_range(owners.begin(), owners.end(), column);
    std::copy(source.row(from_row) + (begin - owners.begin()),
              source.row(from_row) + (end - owners.begin()),
              target->row(to_row) + (begin - owners.begin()));
  };
  copy(from.tree, &to->tree, model.preparation().tree_owners());
  copy(from.dense, &to->dense, model.preparation().dense_owners());
}

double Loss(const SupervisedModel& model, const std::vector<float>& outputs,
            const std::vector<double>& labels) {
  double sum = 0;
  const size_t width = model.num_outputs();
  for (size_t row = 0; row < labels.size(); ++row) {
    if (model.is_classification())
      sum -= std::log(std::max(
          1e-15, static_cast<double>(outputs[row * width + static_cast<size_t>(labels[row])])));
    else
      sum += (outputs[row] - labels[row]) * (outputs[row] - labels[row]);
  }
  return labels.empty() ? 0 : sum / static_cast<double>(labels.size());
}

size_t Best(const float* outputs, size_t count) {
  return static_cast<size_t>(std::max_element(outputs, outputs + count) - outputs);
}

// Exact SHAP values of a model whose members are all boosted, in scores: per row, column and score.
// Nothing for other models.
struct TreeValues {
  size_t num_scores = 0;
  std::vector<double> values;  // row, column, score
};
std::optional<TreeValues> ExactValues(const SupervisedModel& model, const Features& features) {
  std::vector<const Trees*> trees;
  std::vector<double> base;
  for (const Member& member : model.members()) {
    trees.push_back(TreesOf(*member.learner, &base));
    if (trees.back() == nullptr) return std::nullopt;
  }
  TreeValues result;
  result.num_scores = trees[0]->num_outputs();
  const size_t n = features.tree.rows, columns = model.columns().size(), s = result.num_scores;
  result.values.assign(n * columns * s, 0.0);
  const std::vector<uint32_t>& owners = model.preparation().tree_owners();
  const double scale = model.is_classification() ? 1 : model.value_scale();
  for (size_t m = 0; m < trees.size(); ++m) {
    const TreeShap shap(*trees[m]);
    const double weight = model.members()[m].weight * scale;
    constexpr size_t kBlock = 64;
    ParallelFor(2, (n + kBlock - 1) / kBlock, [&](size_t block) {
      std::vector<double> own(owners.size() * s);
      for (size_t row = block * kBlock; row < std::min(n, (block + 1) * kBlock); ++row) {
        std::fill(own.begin(), own.end(), 0.0);
        shap.Add(features.tree.row(row), own.data());
        for (size_t f = 0; f < owners.size(); ++f)
          for (size_t k = 0; k < s; ++k)
            result.values[(row * columns + owners[f]) * s + k] += weight * own[f * s + k];
      }
    });
  }
  return result;
}

// Shapley values by walking from background rows to the row, column by column, in random orders
// and backwards. Of `output_of_row[row]`.
std::vector<double> SampledValues(const SupervisedModel& model, const Features& features,
                                  const std::vector<size_t>& output_of_row) {
  const size_t n = features.tree.rows, columns = model.columns().size(), k = model.num_outputs();
  const size_t num_background = model.background().tree.rows;
  std::vector<double> values(n * columns, 0.0);
  std::vector<uint32_t> used;
  for (uint32_t c = 0; c < columns && used.size() < kMaxColumns; ++c)
    if (model.preparation().is_used(c)) used.push_back(c);
  if (num_background == 0 || used.empty()) return values;
  for (size_t row = 0; row < n; ++row) {
    Random random(row + 1);
    Features walk;
    const size_t steps = 2 * kOrders * (used.size() + 1);
    walk.tree.rows = walk.dense.rows = steps;
    walk.tree.cols = features.tree.cols;
    walk.dense.cols = features.dense.cols;
    if (!features.tree.values.empty()) walk.tree.values.resize(steps * walk.tree.cols);
    if (!features.dense.values.empty()) walk.dense.values.resize(steps * walk.dense.cols);
    std::vector<std::vector<uint32_t>> orders;
    size_t at = 0;
    const auto copy_row = [](const Matrix& from, size_t from_row, Matrix* to, size_t to_row) {
      if (!from.values.empty()) std::copy_n(from.row(from_row), from.cols, to->row(to_row));
    };
    for (size_t order = 0; order < 2 * kOrders; ++order) {
      if (order % 2 == 0) {
        random.Shuffle(&used);
      } else {
        std::reverse(used.begin(), used.end());
      }
      orders.push_back(used);
      const size_t other = random.Below(num_background);
      copy_row(model.background().tree, other, &walk.tree, at);
      copy_row(model.background().dense, other, &walk.dense, at);
      ++at;
      for (const uint32_t column : used) {
        copy_row(walk.tree, at - 1, &walk.tree, at);
        copy_row(walk.dense, at - 1, &walk.dense, at);
        Replace(model, column, features, row, &walk, at);
        ++at;
      }
    }
    const std::vector<float> outputs = model.PredictEncoded(walk);
    at = 0;
    for (const std::vector<uint32_t>& order : orders) {
      for (const uint32_t column : order) {
        values[row * columns + column] +=
            (outputs[(at + 1) * k + output_of_row[row]] - outputs[at * k + output_of_row[row]]) /
            (2.0 * kOrders);
        ++at;
      }
      ++at;
    }
    std::sort(used.begin(), used.end());
  }
  return values;
}

Result<Features> EncodeFor(const SupervisedModel& model, const Table& rows) {
  return model.preparation().Encode(rows, model.needs_tree(), model.needs_dense(), 1);
}

}  // namespace

Result<std::vector<double>> PermutationImportance(const SupervisedModel& model, const Table& rows,
                                                  size_t max_rows) {
  const Column* target = rows.Find(model.target());
  if (target == nullptr)
    return MakeError(ErrorCode::kInvalidArgument,
                     "the target column is missing: " + model.target());
  ASSIGN_OR_RETURN(const Features all, EncodeFor(model, rows));
  Indices chosen;
  std::vector<double> labels;
  for (const uint32_t row : Spread(rows.num_rows(), max_rows)) {
    if (target->is_null[row]) continue;
    if (model.is_classification()) {
      const size_t name = model.ClassOf(target->TextAt(row));
      if (name == model.classes().size()) continue;
      labels.push_back(static_cast<double>(name));
    } else {
      if (target->is_text())
        return MakeError(ErrorCode::kInvalidArgument,
                         "ML003015: The target column must be numeric: " + model.target() + ".");
      labels.push_back(target->NumberAt(row));
    }
    chosen.push_back(row);
  }
  const Features features = Take(all, chosen);
  const double base = Loss(model, model.PredictEncoded(features), labels);
  Random random(7);
  Indices order(chosen.size());
  std::iota(order.begin(), order.end(), 0);
  random.Shuffle(&order);
  std::vector<double> importance(model.columns().size(), 0.0);
  for (size_t column = 0; column < importance.size(); ++column) {
    if (!model.preparation().is_used(column)) continue;
    Features shuffled = features;
    for (size_t row = 0; row < order.size(); ++row)
      Replace(model, column, features, order[row], &shuffled, row);
    importance[column] = std::max(0.0, Loss(model, model.PredictEncoded(shuffled), labels) - base);
  }
  return importance;
}

Result<std::vector<double>> ShapImportance(const SupervisedModel& model, const Table& rows,
                                           size_t max_rows) {
  ASSIGN_OR_RETURN(const Features all, EncodeFor(model, rows));
  const size_t columns = model.columns().size();
  std::vector<double> importance(columns, 0.0);
  const Features features = Take(all, Spread(rows.num_rows(), max_rows));
  if (const std::optional<TreeValues> exact = ExactValues(model, features)) {
    const size_t s = exact->num_scores;
    for (size_t i = 0; i < exact->values.size(); ++i)
      importance[i / s % columns] += std::abs(exact->values[i]);
    for (double& value : importance)
      value /= static_cast<double>(std::max<size_t>(1, features.tree.rows * s));
    return importance;
  }
  // Sampling costs more: fewer rows.
  const Features few = Take(all, Spread(rows.num_rows(), std::min<size_t>(max_rows, 200)));
  const std::vector<float> outputs = model.PredictEncoded(few);
  std::vector<size_t> best;
  for (size_t row = 0; row < few.tree.rows; ++row)
    best.push_back(Best(&outputs[row * model.num_outputs()], model.num_outputs()));
  const std::vector<double> values = SampledValues(model, few, best);
  for (size_t i = 0; i < values.size(); ++i) importance[i % columns] += std::abs(values[i]);
  for (double& value : importance) value /= static_cast<double>(std::max<size_t>(1, few.tree.rows));
  return importance;
}

Result<std::vector<double>> Attributions(const SupervisedModel& model, const Table& rows) {
  ASSIGN_OR_RETURN(const Features features, EncodeFor(model, rows));
  const std::vector<float> base = model.PredictEncoded(features);
  const size_t columns = model.columns().size(), k = model.num_outputs();
  const size_t num_background = std::min<size_t>(16, model.background().tree.rows);
  std::vector<double> attributions(rows.num_rows() * columns, 0.0);
  std::vector<uint32_t> used;
  for (uint32_t c = 0; c < columns; ++c)
    if (model.preparation().is_used(c)) used.push_back(c);
  for (size_t row = 0; row < rows.num_rows() && num_background > 0; ++row) {
    const size_t best = Best(&base[row * k], k);
    // All replacements of the row at once: columns x background rows.
    const Features changed_rows = [&] {
      Features copy =
          Take(features, Indices(used.size() * num_background, static_cast<uint32_t>(row)));
      for (size_t c = 0; c < used.size(); ++c)
        for (size_t other = 0; other < num_background; ++other)
          Replace(model, used[c], model.background(), other, &copy, c * num_background + other);
      return copy;
    }();
    const std::vector<float> changed = model.PredictEncoded(changed_rows);
    for (size_t c = 0; c < used.size(); ++c) {
      double sum = 0;
      for (size_t other = 0; other < num_background; ++other)
        sum += changed[(c * num_background + other) * k + best];
      attributions[row * columns + used[c]] =
          base[row * k + best] - sum / static_cast<double>(num_background);
    }
  }
  return attributions;
}

Result<std::vector<double>> ShapAttributions(const SupervisedModel& model, const Table& rows) {
  ASSIGN_OR_RETURN(const Features features, EncodeFor(model, rows));
  const std::vector<float> outputs = model.PredictEncoded(features);
  const size_t columns = model.columns().size(), k = model.num_outputs();
  std::vector<size_t> best;
  for (size_t row = 0; row < rows.num_rows(); ++row) best.push_back(Best(&outputs[row * k], k));
  if (const std::optional<TreeValues> exact = ExactValues(model, features)) {
    std::vector<double> values(rows.num_rows() * columns);
    const size_t s = exact->num_scores;
    for (size_t row = 0; row < rows.num_rows(); ++row)
      for (size_t c = 0; c < columns; ++c) {
        const double value = exact->values[(row * columns + c) * s + (s > 1 ? best[row] : 0)];
        // One score of two classes counts for the second.
        values[row * columns + c] =
            s == 1 && model.is_classification() && best[row] == 0 ? -value : value;
      }
    return values;
  }
  return SampledValues(model, features, best);
}

Result<Json> PartialDependence(const SupervisedModel& model, const Table& rows,
                               const std::vector<std::string>& names,
                               std::optional<size_t> class_index) {
  ASSIGN_OR_RETURN(const Features all, EncodeFor(model, rows));
  const Features features = Take(all, Spread(rows.num_rows(), kDependenceRows));
  std::vector<size_t> columns;
  std::vector<Indices> grid;  // of each column, rows of the table with its values
  Json values = Json::object();
  for (const std::string& name : names) {
    const auto found = std::find_if(model.columns().begin(), model.columns().end(),
                                    [&](const ColumnSpec& spec) { return spec.name == name; });
    const Column* column = rows.Find(name);
    if (found == model.columns().end() || column == nullptr)
      return MakeError(ErrorCode::kInvalidArgument, "ML006002: Option columns_to_explain names " +
                                                        name +
                                                        ", which the model was not trained on.");
    columns.push_back(static_cast<size_t>(found - model.columns().begin()));
    // Quantiles of numbers, the most frequent texts.
    Indices chosen;
    const size_t points = names.size() == 1 ? kGridPoints : kGridPointsOfTwo;
    Json list = Json::array();
    if (column->is_text()) {
      std::map<std::string, std::pair<size_t, uint32_t>> counts;
      for (uint32_t row = 0; row < rows.num_rows(); ++row)
        if (!column->is_null[row]) {
          auto& entry = counts.try_emplace(column->str[row], 0, row).first->second;
          ++entry.first;
        }
      std::vector<std::pair<size_t, uint32_t>> order;
      for (const auto& [text, entry] : counts) order.push_back(entry);
      std::stable_sort(order.begin(), order.end(),
                       [](const auto& a, const auto& b) { return a.first > b.first; });
      for (size_t i = 0; i < std::min(points, order.size()); ++i) chosen.push_back(order[i].second);
    } else {
      Indices order;
      for (uint32_t row = 0; row < rows.num_rows(); ++row)
        if (!column->is_null[row]) order.push_back(row);
      std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
        return column->NumberAt(a) < column->NumberAt(b);
      });
      for (size_t i = 0; i < points && !order.empty(); ++i) {
        const uint32_t row = order[i * (order.size() - 1) / std::max<size_t>(1, points - 1)];
        if (chosen.empty() || column->NumberAt(chosen.back()) != column->NumberAt(row))
          chosen.push_back(row);
      }
    }
    for (const uint32_t row : chosen)
      list.push_back(column->is_text() ? Json(column->str[row]) : Json(column->NumberAt(row)));
    values[name] = std::move(list);
    grid.push_back(std::move(chosen));
  }
  const size_t k = model.num_outputs(), n = features.tree.rows;
  const size_t output = class_index.value_or(0);
  const auto mean_at = [&](uint32_t first, std::optional<uint32_t> second) {
    Features changed = features;
    for (size_t row = 0; row < n; ++row) {
      Replace(model, columns[0], all, first, &changed, row);
      if (second) Replace(model, columns[1], all, *second, &changed, row);
    }
    const std::vector<float> outputs = model.PredictEncoded(changed);
    double sum = 0;
    for (size_t row = 0; row < n; ++row) sum += outputs[row * k + output];
    return std::round(sum / static_cast<double>(std::max<size_t>(1, n)) * 1e6) / 1e6;
  };
  Json predictions = Json::array();
  for (const uint32_t first : grid[0]) {
    if (columns.size() == 1) {
      predictions.push_back(mean_at(first, std::nullopt));
      continue;
    }
    Json line = Json::array();
    for (const uint32_t second : grid[1]) line.push_back(mean_at(first, second));
    predictions.push_back(std::move(line));
  }
  return Json{{"values", std::move(values)}, {"predictions", std::move(predictions)}};
}

}  // namespace sirocco::automl
