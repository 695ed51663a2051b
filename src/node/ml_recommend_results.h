// What recommendation models answer, in HeatWave's forms, by the options recommend, topk and
// remove_seen; and their scores.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "common/error.h"
#include "node/ml_recommend.h"
#include "node/ml_rows.h"

namespace sirocco::node {

// ml_results of one row, given as a JSON object.
Result<std::string> RecommendationForRow(const RecommendationModel& model,
                                         const nlohmann::json& options, const std::string& row);
// An encoded batch of one column, ml_results.
Result<std::string> RecommendationsForRows(const RecommendationModel& model,
                                           const nlohmann::json& options, const MlRows& rows);
// nullopt: not computable.
Result<std::optional<double>> RecommendationScore(const RecommendationModel& model,
                                                  const nlohmann::json& options,
                                                  const std::string& metric, const MlRows& rows);

}  // namespace sirocco::node
