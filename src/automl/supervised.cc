#include "automl/supervised.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "automl/metrics.h"
#include "automl/model_file.h"
#include "automl/threads.h"

namespace sirocco::automl {

namespace {

using Json = nlohmann::json;

constexpr size_t kMinClassRows = 5;
constexpr size_t kMaxClasses = 10000;
constexpr size_t kBackgroundRows = 32;
constexpr size_t kBlock = 4096;
// Binned matrices larger than this many numbers keep no dense twin: no dense family would be worth
// its time there.
constexpr size_t kMaxDenseNumbers = 40000000;
constexpr size_t kMaxBinSample = 100000;

// Per name the family; DecisionTree and the linear SVM's names are families of ours, too.
Result<std::vector<Family>> FamiliesOf(const TrainingOptions& options) {
  std::map<std::string, Family> known;
  std::string names;
  for (auto f = static_cast<int>(kFirstFamily); f <= static_cast<int>(kLastFamily); ++f) {
    const auto family = static_cast<Family>(f);
    if (family == Family::kBayes && !options.is_classification) continue;
    const std::string name = AlgorithmName(family, options.is_classification);
    known[name] = family;
    names += (names.empty() ? "" : ", ") + name;
  }
  known[options.is_classification ? "LinearSVC" : "LinearSVR"] = Family::kLinear;
  names += options.is_classification ? ", LinearSVC" : ", LinearSVR";
  const auto read = [&](const char* key,
                        const std::vector<std::string>& list) -> Result<std::vector<Family>> {
    std::vector<Family> families;
    for (const std::string& name : list) {
      const auto found = known.find(name);
      if (found == known.end())
        return MakeError(ErrorCode::kInvalidArgument, "ML006002: Option " + std::string(key) +
                                                          " names " + name + "; known models are " +
                                                          names + ".");
      if (std::find(families.begin(), families.end(), found->second) == families.end())
        families.push_back(found->second);
    }
    return families;
  };
  ASSIGN_OR_RETURN(std::vector<Family> families, read("model_list", options.model_list));
  ASSIGN_OR_RETURN(const std::vector<Family> excluded,
                   read("exclude_model_list", options.exclude_model_list));
  if (families.empty()) {
    families = {Family::kBoosted,    Family::kLinear,     Family::kForest,     Family::kKernel,
                Family::kExtraTrees, Family::kNeighbours, Family::kLeafBoosted};
    if (options.is_classification) families.push_back(Family::kBayes);
  }
  std::erase_if(families, [&](Family family) {
    return std::find(excluded.begin(), excluded.end(), family) != excluded.end();
  });
  if (families.empty())
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML006002: Options model_list and exclude_model_list leave no model.");
  return families;
}

Features TakeFeatures(const Features& from, const Indices& rows, bool with_tree, bool with_dense) {
  Features taken;
  taken.tree.cols = from.tree.cols;
  taken.dense.cols = from.dense.cols;
  taken.tree.rows = taken.dense.rows = rows.size();
  if (with_tree) taken.tree = TakeRows(from.tree, rows);
  if (with_dense) taken.dense = TakeRows(from.dense, rows);
  return taken;
}

}  // namespace

size_t SupervisedModel::ClassOf(const std::string& name) const {
  const auto found = std::lower_bound(classes_.begin(), classes_.end(), name);
  if (found == classes_.end() || *found != name) return classes_.size();
  return static_cast<size_t>(found - classes_.begin());
}

Result<void> SupervisedModel::ReadTarget(const Table& rows, Target* target) {
  const Column* column = rows.Find(target_);
  if (column == nullptr)
    return MakeError(ErrorCode::kInvalidArgument, "the target column is missing: " + target_);
  const auto unlabelled = std::count(column->is_null.begin(), column->is_null.end(), 1);
  if (unlabelled != 0)
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML001053: The training data has unlabeled samples: the target column " +
                         target_ + " is NULL in " + std::to_string(unlabelled) + " rows.");
  const size_t n = rows.num_rows();
  if (!is_classification_) {
    if (column->is_text())
      return MakeError(
          ErrorCode::kInvalidArgument,
          "ML003015: The target column of a regression task must be numeric: " + target_ + ".");
    double sum = 0, squares = 0;
    std::vector<double> values(n);
    double least = HUGE_VAL;
    for (size_t row = 0; row < n; ++row) least = std::min(least, column->NumberAt(row));
    // Errors of logarithms are what this metric counts.
    is_log_ = metric_ == "neg_mean_squared_log_error" && least >= 0;
    for (size_t row = 0; row < n; ++row) {
      values[row] = is_log_ ? std::log1p(column->NumberAt(row)) : column->NumberAt(row);
      if (!std::isfinite(values[row]))
        return MakeError(ErrorCode::kInvalidArgument,
                         "ML001053: The target column holds a value that is no finite number.");
      sum += values[row];
    }
    mean_ = sum / static_cast<double>(n);
    for (const double value : values) squares += (value - mean_) * (value - mean_);
    scale_ = std::sqrt(squares / static_cast<double>(n));
    if (!(scale_ > 1e-12 * (1 + std::abs(mean_)))) scale_ = 1;
    for (const double value : values)
      target->values.push_back(static_cast<float>((value - mean_) / scale_));
    return {};
  }
  has_numeric_classes_ = !column->is_text();
  std::map<std::string, size_t> counts;
  for (size_t row = 0; row < n; ++row) ++counts[column->TextAt(row)];
  const auto num_small = std::count_if(
      counts.begin(), counts.end(), [](const auto& entry) { return entry.second < kMinClassRows; });
  if (num_small != 0)
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML001031: Running as a classification task. " + std::to_string(num_small) +
                         " classes have less than " + std::to_string(kMinClassRows) +
                         " samples per class, and cannot be trained on. Maybe it should be trained "
                         "as a regression task instead of a classification task.");
  if (counts.size() < 2)
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML001031: Running as a classification task. The target column " + target_ +
                         " must have at least 2 different values.");
  if (counts.size() > kMaxClasses)
    return MakeError(ErrorCode::kNotSupported, "ML001031: Running as a classification task. " +
                                                   std::to_string(counts.size()) +
                                                   " classes are more than can be trained on.");
  for (const auto& [name, count] : counts) classes_.push_back(name);
  target->num_classes = classes_.size();
  for (size_t row = 0; row < n; ++row)
    target->values.push_back(static_cast<float>(ClassOf(column->TextAt(row))));
  return {};
}

void SupervisedModel::SetNeeds() {
  needs_tree_ = needs_dense_ = false;
  for (const Member& member : members_)
    (member.learner->uses_trees() ? needs_tree_ : needs_dense_) = true;
}

Result<std::unique_ptr<SupervisedModel>> SupervisedModel::Train(const Table& rows,
                                                                const TrainingOptions& options,
                                                                const OnProgress& on_progress) {
  std::unique_ptr<SupervisedModel> model(new SupervisedModel);
  model->is_classification_ = options.is_classification;
  model->target_ = options.target;
  model->num_threads_ = options.num_threads;
  model->metric_ = !options.metric.empty()     ? options.metric
                   : options.is_classification ? "neg_log_loss"
                                               : "neg_mean_squared_error";
  ASSIGN_OR_RETURN(const std::vector<Family> families, FamiliesOf(options));
  on_progress("Preprocessing", 0.05);
  Target target;
  RETURN_IF_ERROR(model->ReadTarget(rows, &target));
  if (Result<void> known = CheckMetric(model->metric_, target.num_classes); !known)
    return std::unexpected(known.error());
  const std::vector<uint8_t> folds = AssignFolds(target, Preparation::kFolds, options.seed);
  model->preparation_ = Preparation::Learn(rows, options.target, target, folds,
                                           options.include_columns, options.num_threads);
  if (model->preparation_.tree_owners().empty())
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML001052: The table has no columns to learn from besides the target: all "
                     "are constant, or names that are unlike each other.");
  const bool with_dense =
      rows.num_rows() * model->preparation_.dense_owners().size() <= kMaxDenseNumbers;
  Features features =
      model->preparation_.EncodeTraining(rows, folds, true, with_dense, options.num_threads);
  const size_t max_bins = features.tree.cols > 400 ? 64 : 255;
  const Bins bins = MakeBins(features.tree, max_bins, kMaxBinSample, options.num_threads);

  TrainingData data;
  data.tree = &features.tree;
  data.bins = &bins;
  data.dense = &features.dense;
  data.target = &target;
  SelectionOptions selection_options;
  selection_options.metric = model->metric_ == "neg_mean_squared_log_error" && model->is_log_
                                 ? "neg_mean_squared_error"
                                 : model->metric_;
  selection_options.families = families;
  if (!with_dense) {
    std::erase_if(selection_options.families,
                  [](Family family) { return family >= Family::kLinear; });
    if (selection_options.families.empty())
      return MakeError(ErrorCode::kNotSupported,
                       "ML006002: The models of option model_list cannot be trained on a table of "
                       "this size.");
  }
  selection_options.seed = options.seed;
  selection_options.num_threads = options.num_threads;
  selection_options.time_limit_seconds = options.time_limit_seconds;
  selection_options.on_progress = on_progress;
  Selection selection = Select(data, folds, model->preparation_.tree_owners(),
                               model->preparation_.dense_owners(), selection_options);
  model->members_ = std::move(selection.members);
  model->temperature_ = selection.temperature;
  model->num_selected_rows_ = selection.num_selected_rows;
  model->score_ = selection.score;
  if (!options.is_classification && !model->is_log_) {
    // Learners saw a standardised target.
    if (model->metric_ == "neg_mean_squared_error") model->score_ *= model->scale_ * model->scale_;
    if (model->metric_ == "neg_mean_absolute_error" ||
        model->metric_ == "neg_median_absolute_error")
      model->score_ *= model->scale_;
  } else if (model->is_log_) {
    model->score_ *= model->scale_ * model->scale_;
  }
  model->SetNeeds();
  // Evenly spread, so that they stand for all rows.
  const size_t step = std::max<size_t>(1, rows.num_rows() / kBackgroundRows);
  Indices chosen;
  for (size_t row = 0; row < rows.num_rows() && chosen.size() < kBackgroundRows; row += step)
    chosen.push_back(static_cast<uint32_t>(row));
  model->background_ = TakeFeatures(features, chosen, model->needs_tree_, model->needs_dense_);
  return model;
}

std::vector<float> SupervisedModel::PredictEncoded(const Features& features) const {
  const size_t n = features.tree.rows, k = num_outputs();
  std::vector<float> result(n * k, 0.0f);
  ParallelFor(num_threads_, (n + kBlock - 1) / kBlock, [&](size_t block) {
    const size_t begin = block * kBlock, count = std::min(n - begin, kBlock);
    std::vector<float> own(count * k);
    for (const Member& member : members_) {
      const Matrix& matrix = member.learner->uses_trees() ? features.tree : features.dense;
      member.learner->Predict(matrix.row(begin), matrix.cols, count, own.data());
      for (size_t i = 0; i < count * k; ++i) result[begin * k + i] += member.weight * own[i];
    }
    for (size_t i = begin; i < begin + count; ++i) {
      if (is_classification_) {
        Calibrate(temperature_, k, &result[i * k]);
      } else {
        const double value = mean_ + scale_ * static_cast<double>(result[i]);
        result[i] = static_cast<float>(is_log_ ? std::expm1(value) : value);
      }
    }
  });
  return result;
}

Result<std::vector<float>> SupervisedModel::Predict(const Table& rows) const {
  ASSIGN_OR_RETURN(const Features features,
                   preparation_.Encode(rows, needs_tree_, needs_dense_, num_threads_));
  return PredictEncoded(features);
}

std::vector<std::string> SupervisedModel::UsedColumns() const {
  std::vector<std::string> names;
  for (size_t c = 0; c < columns().size(); ++c)
    if (preparation_.is_used(c)) names.push_back(columns()[c].name);
  return names;
}

std::string SupervisedModel::algorithm_name() const {
  const auto heaviest =
      std::max_element(members_.begin(), members_.end(),
                       [](const Member& a, const Member& b) { return a.weight < b.weight; });
  return AlgorithmName(heaviest->configuration.family, is_classification_);
}

Json SupervisedModel::Parameters() const {
  Json list = Json::array();
  for (const Member& member : members_)
    list.push_back({{"algorithm", AlgorithmName(member.configuration.family, is_classification_)},
                    {"weight", member.weight},
                    {"settings", member.configuration.settings}});
  return {{"members", std::move(list)}, {"temperature", temperature_}};
}

std::string SupervisedModel::ToBytes() const {
  ByteWriter body;
  preparation_.Save(&body);
  body.Put(static_cast<uint32_t>(members_.size()));
  for (const Member& member : members_) {
    body.Put(member.weight);
    body.PutString(Json(member.configuration.settings).dump());
    SaveLearner(*member.learner, &body);
  }
  body.Put(temperature_);
  body.Put(mean_);
  body.Put(scale_);
  body.Put(static_cast<uint8_t>(is_log_));
  body.Put(static_cast<uint32_t>(background_.tree.rows));
  for (const float value : background_.tree.values) body.Put(value);
  for (const float value : background_.dense.values) body.Put(value);
  const Json header = {{"task", is_classification_ ? "classification" : "regression"},
                       {"target", target_},
                       {"classes", classes_},
                       {"numeric_classes", has_numeric_classes_},
                       {"metric", metric_},
                       {"score", score_},
                       {"selected_rows", num_selected_rows_}};
  return WriteModelFile(header, Compress(body.bytes()));
}

Result<std::unique_ptr<SupervisedModel>> SupervisedModel::FromBytes(std::string_view bytes) {
  ASSIGN_OR_RETURN(const ModelFile file, ReadModelFile(bytes));
  const Json& header = file.header;
  std::unique_ptr<SupervisedModel> model(new SupervisedModel);
  try {
    const std::string task = header.at("task");
    if (task != "classification" && task != "regression") return DamagedModel();
    model->is_classification_ = task == "classification";
    model->target_ = header.at("target");
    model->classes_ = header.at("classes").get<std::vector<std::string>>();
    model->has_numeric_classes_ = header.at("numeric_classes");
    model->metric_ = header.at("metric");
    model->score_ = header.at("score");
    model->num_selected_rows_ = header.at("selected_rows");
  } catch (const Json::exception&) {
    return DamagedModel();
  }
  if (model->is_classification_ != (model->classes_.size() >= 2) ||
      model->classes_.size() > kMaxClasses ||
      !std::is_sorted(model->classes_.begin(), model->classes_.end()))
    return DamagedModel();
  ASSIGN_OR_RETURN(const std::string body, Decompress(file.body));
  ByteReader in(body);
  ASSIGN_OR_RETURN(model->preparation_, Preparation::Load(&in));
  const size_t tree_width = model->preparation_.tree_owners().size();
  const size_t dense_width = model->preparation_.dense_owners().size();
  if (tree_width == 0) return DamagedModel();
  const uint32_t num_members = in.GetCount(6);
  for (uint32_t i = 0; i < num_members; ++i) {
    Member& member = model->members_.emplace_back();
    member.weight = in.Get<float>();
    const Json settings = Json::parse(in.GetString(), nullptr, /*allow_exceptions=*/false);
    if (!settings.is_object()) return DamagedModel();
    for (const auto& [key, value] : settings.items()) {
      if (!value.is_number()) return DamagedModel();
      member.configuration.settings[key] = value;
    }
    ASSIGN_OR_RETURN(member.learner,
                     LoadLearner(&in, model->classes_.size(), tree_width, dense_width));
    member.configuration.family = member.learner->family();
    if (!(member.weight >= 0 && member.weight <= 1)) return DamagedModel();
  }
  model->SetNeeds();
  model->temperature_ = in.Get<float>();
  model->mean_ = in.Get<double>();
  model->scale_ = in.Get<double>();
  model->is_log_ = in.GetBool();
  const uint32_t rows = in.GetCount(4);
  if (!in.ok() || num_members == 0 || !(model->temperature_ > 0)) return DamagedModel();
  for (Matrix* matrix : {&model->background_.tree, &model->background_.dense}) {
    const bool is_tree = matrix == &model->background_.tree;
    matrix->rows = rows;
    matrix->cols = is_tree ? tree_width : dense_width;
    if (!(is_tree ? model->needs_tree_ : model->needs_dense_)) continue;
    for (size_t i = 0; i < matrix->rows * matrix->cols && in.ok(); ++i)
      matrix->values.push_back(in.Get<float>());
  }
  if (!in.ok() || !in.AtEnd()) return DamagedModel();
  return model;
}

}  // namespace sirocco::automl
