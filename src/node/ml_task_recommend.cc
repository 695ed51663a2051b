// Recommendation: what models answer, in HeatWave's forms, by the options recommend, topk and
// remove_seen; and their scores.
#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "automl/json_text.h"
#include "automl/metrics.h"
#include "automl/recommend.h"
#include "node/ml_task.h"
#include "wire/column_batch.h"

namespace sirocco::node {

namespace {

using automl::NumberJson;
using automl::QuoteJson;
using automl::RecommendationModel;
using automl::RegressionScore;
using automl::RoundTo;
using Json = nlohmann::json;
using Id = std::optional<std::string>;

// {"predictions": {...}}; ids are nullopt where the row has none.
Result<std::string> ResultText(const RecommendationModel& model, const Json& options,
                               const Id& user, const Id& item) {
  const std::string mode = options.value("recommend", "ratings");
  const size_t topk = options.value("topk", size_t{3});
  const bool removes_seen = options.value("remove_seen", true);
  const auto missing = [](const std::string& column) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML003011: Columns of provided data need to match those used for training. "
                     "Column " +
                         column + " is missing or NULL.");
  };
  const bool needs_user =
      mode == "ratings" || mode == "items" || mode == "users_to_items" || mode == "users_to_users";
  const bool needs_item =
      mode == "ratings" || mode == "users" || mode == "items_to_users" || mode == "items_to_items";
  if (!needs_user && !needs_item)
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML006002: Option recommend must be one of ratings, items, users, "
                     "users_to_items, items_to_users, items_to_items, users_to_users.");
  if (needs_user && !user) return missing(model.options().users);
  if (needs_item && !item) return missing(model.options().items);
  if (mode == "ratings")
    return "{\"predictions\": {" + QuoteJson(model.options().target) + ": " +
           NumberJson(RoundTo(model.Rate(*user, *item), 0.01)) + "}}";
  RecommendationModel::Ranking ranking;
  const bool are_items = mode == "items" || mode == "users_to_items" || mode == "items_to_items";
  const bool is_similar = mode == "items_to_items" || mode == "users_to_users";
  if (is_similar) {
    ASSIGN_OR_RETURN(ranking, model.Similar(are_items ? *item : *user, are_items, topk));
  } else {
    ranking = are_items ? model.TopItems(*user, topk, removes_seen)
                        : model.TopUsers(*item, topk, removes_seen);
  }
  std::string ids, numbers;
  for (const auto& [id, number] : ranking) {
    ids += (ids.empty() ? "" : ", ") + QuoteJson(id);
    numbers += (numbers.empty() ? "" : ", ") + NumberJson(RoundTo(number, 0.01));
  }
  return "{\"predictions\": {" +
         QuoteJson(are_items ? model.options().items : model.options().users) + ": [" + ids +
         "], " + QuoteJson(is_similar ? "similarity" : model.options().target) + ": [" + numbers +
         "]}}";
}

Id IdAt(const automl::Table& rows, const std::string& column, size_t row) {
  const automl::Column* values = rows.Find(column);
  if (values == nullptr || values->is_null[row]) return std::nullopt;
  return values->TextAt(row);
}

// Numbers as they are written.
Id IdOf(const Json& row, const std::string& column) {
  const auto found = row.find(column);
  if (found == row.end() || found->is_null()) return std::nullopt;
  return found->is_string() ? found->get<std::string>() : found->dump();
}

// Mean over users; `relevant`: per user the items of the test rows that count as positive.
std::optional<double> RankingScore(
    const RecommendationModel& model, const std::string& metric, size_t topk, bool removes_seen,
    const std::map<std::string, std::vector<std::string>>& relevant_by_user) {
  double sum = 0;
  for (const auto& [user, relevant] : relevant_by_user) {
    const RecommendationModel::Ranking top = model.TopItems(user, topk, removes_seen);
    double hits = 0, gain = 0, ideal = 0;
    for (size_t i = 0; i < top.size(); ++i) {
      if (std::find(relevant.begin(), relevant.end(), top[i].first) == relevant.end()) continue;
      ++hits;
      gain += 1 / std::log2(static_cast<double>(i) + 2);
    }
    for (size_t i = 0; i < std::min(topk, relevant.size()); ++i)
      ideal += 1 / std::log2(static_cast<double>(i) + 2);
    if (metric == "precision_at_k") sum += hits / static_cast<double>(topk);
    if (metric == "recall_at_k") sum += hits / static_cast<double>(relevant.size());
    if (metric == "hit_ratio_at_k") sum += hits > 0 ? 1 : 0;
    if (metric == "ndcg_at_k") sum += gain / ideal;
  }
  if (relevant_by_user.empty()) return std::nullopt;
  return sum / static_cast<double>(relevant_by_user.size());
}

Result<std::string> RecommendationForRow(const RecommendationModel& model, const Json& options,
                                         const std::string& row) {
  const Json object = Json::parse(row, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object())
    return MakeError(ErrorCode::kInvalidArgument, "the row is no JSON object");
  return ResultText(model, options, IdOf(object, model.options().users),
                    IdOf(object, model.options().items));
}

Result<std::string> RecommendationsForRows(const RecommendationModel& model, const Json& options,
                                           const automl::Table& rows) {
  wire::ColumnBatchBuilder batch(std::vector<plan::Lane>{plan::Lane::kStr});
  for (size_t row = 0; row < rows.num_rows(); ++row) {
    ASSIGN_OR_RETURN(const std::string text,
                     ResultText(model, options, IdAt(rows, model.options().users, row),
                                IdAt(rows, model.options().items, row)));
    batch.columns()[0].PushString(text);
  }
  batch.num_rows = static_cast<uint32_t>(rows.num_rows());
  return batch.Encode();
}

Result<std::optional<double>> RecommendationScore(const RecommendationModel& model,
                                                  const Json& options, const std::string& metric,
                                                  const automl::Table& rows) {
  const automl::Column* target = rows.Find(model.options().target);
  if (target == nullptr || target->is_text())
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML006003: The column of ratings is missing or not numeric: " +
                         model.options().target + ".");
  const bool is_ranking = metric == "precision_at_k" || metric == "recall_at_k" ||
                          metric == "hit_ratio_at_k" || metric == "ndcg_at_k";
  if (!is_ranking && model.options().is_implicit)
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML003019: Invalid data for the metric. Score could not be computed. Models "
                     "of implicit feedback have ranking metrics only.");
  const double threshold = options.value("threshold", model.options().threshold);
  std::vector<float> predictions;
  std::vector<double> values;
  std::map<std::string, std::vector<std::string>> relevant;
  for (size_t row = 0; row < rows.num_rows(); ++row) {
    const Id user = IdAt(rows, model.options().users, row);
    const Id item = IdAt(rows, model.options().items, row);
    if (target->is_null[row] || !user || !item) continue;
    const double value = target->NumberAt(row);
    if (is_ranking) {
      if (value >= threshold) relevant[*user].push_back(*item);
    } else {
      predictions.push_back(static_cast<float>(model.Rate(*user, *item)));
      values.push_back(value);
    }
  }
  if (is_ranking)
    return RankingScore(model, metric, options.value("topk", size_t{10}),
                        options.value("remove_seen", true), relevant);
  const bool is_root = metric == "neg_root_mean_squared_error";
  ASSIGN_OR_RETURN(
      std::optional<double> score,
      RegressionScore(is_root ? "neg_mean_squared_error" : metric, predictions, values));
  if (is_root && score) score = -std::sqrt(-*score);
  return score;
}

class ReadRecommendationModel : public ReadModel {
 public:
  explicit ReadRecommendationModel(std::unique_ptr<RecommendationModel> model)
      : model_(std::move(model)) {}

  Result<std::string> Output(const MlJob& job) override {
    return RecommendationsForRows(*model_, job.options, *job.rows);
  }
  Result<std::optional<double>> Score(const MlJob& job) override {
    return RecommendationScore(*model_, job.options, job.start.metric, *job.rows);
  }
  Result<std::string> Row(const wire::MlCall& call, const Json& options) override {
    ASSIGN_OR_RETURN(const std::string text, RecommendationForRow(*model_, options, call.text));
    return "\"ml_results\": " + text;
  }

 private:
  std::unique_ptr<RecommendationModel> model_;
};

}  // namespace

Result<std::unique_ptr<ReadModel>> ReadRecommendation(std::string_view bytes) {
  ASSIGN_OR_RETURN(std::unique_ptr<RecommendationModel> model,
                   RecommendationModel::FromBytes(bytes));
  return std::make_unique<ReadRecommendationModel>(std::move(model));
}

Result<wire::MlDone> TrainRecommendation(const MlJob& job) {
  job.on_progress("Algorithm selection", 0.05);
  RecommendationModel::Options options;
  options.users = job.options.value("users", "");
  options.items = job.options.value("items", "");
  options.target = job.start.target;
  const std::string feedback = job.options.value("feedback", "explicit");
  if (feedback != "explicit" && feedback != "implicit")
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML006002: Option feedback must be explicit or implicit.");
  options.is_implicit = feedback == "implicit";
  options.threshold = job.options.value("feedback_threshold", 1.0);
  options.seed = job.options.value("seed", 7u);
  ASSIGN_OR_RETURN(const std::unique_ptr<RecommendationModel> model,
                   RecommendationModel::Train(*job.rows, options));
  wire::MlDone done;
  done.bytes = model->ToBytes();
  const Json metadata = {{"algorithm_name", options.is_implicit ? "iALS" : "ALS"},
                         {"model_quality", "high"},
                         {"n_rows", job.rows->num_rows()},
                         {"n_columns", job.rows->columns().size()},
                         {"n_selected_rows", job.rows->num_rows()},
                         {"n_selected_columns", 2},
                         {"selected_column_names", Json::array({options.users, options.items})}};
  done.text = DumpMetadata(metadata);
  return done;
}

}  // namespace sirocco::node
