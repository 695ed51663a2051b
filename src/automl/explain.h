// Why a supervised model predicts what it predicts, per column of the table.
// Threads: one per model.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "automl/supervised.h"

namespace sirocco::automl {

// Loss increase when a column's values are shuffled, per column.
Result<std::vector<double>> PermutationImportance(const SupervisedModel& model, const Table& rows,
                                                  size_t max_rows);
// Mean absolute SHAP value per column over up to `max_rows` rows.
Result<std::vector<double>> ShapImportance(const SupervisedModel& model, const Table& rows,
                                           size_t max_rows);
// Per row and column: what the column adds to the predicted class's probability (or to the value),
// one column at a time against background rows.
Result<std::vector<double>> Attributions(const SupervisedModel& model, const Table& rows);
// The same by SHAP: exact for boosted trees (of classes: in log odds), otherwise by sampling orders
// of the columns.
Result<std::vector<double>> ShapAttributions(const SupervisedModel& model, const Table& rows);
// {"values": {column: [...], ...}, "predictions": [...]}: mean prediction where one column (or two
// columns) has each of a few values in all rows. Of a classification: probability of `class_index`.
Result<nlohmann::json> PartialDependence(const SupervisedModel& model, const Table& rows,
                                         const std::vector<std::string>& columns,
                                         std::optional<size_t> class_index);

}  // namespace sirocco::automl
