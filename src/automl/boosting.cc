#include "automl/boosting.h"

#include <xgboost/c_api.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <thread>

#include "automl/model_file.h"

namespace sirocco::automl {

namespace {

using Json = nlohmann::json;

constexpr size_t kMinClassRows = 5;
constexpr size_t kMaxClasses = 10000;
constexpr size_t kBackgroundRows = 16;
constexpr size_t kMaxExplainedRows = 2000;
constexpr int kPatience = 20;
constexpr float kNull = std::numeric_limits<float>::quiet_NaN();

std::unexpected<Error> LibraryError() {
  return MakeError(ErrorCode::kInternal, std::string("XGBoost: ") + XGBGetLastError());
}

#define RETURN_IF_XGB(call)                 \
  do {                                      \
    if ((call) != 0) return LibraryError(); \
  } while (0)

// A matrix in the library's form; freed with this object.
class Matrix {
 public:
  static Result<Matrix> Make(const std::vector<float>& values, size_t num_rows, size_t num_columns,
                             const std::vector<float>* labels) {
    Matrix matrix;
    RETURN_IF_XGB(
        XGDMatrixCreateFromMat(values.data(), num_rows, num_columns, kNull, &matrix.handle_));
    if (labels != nullptr)
      RETURN_IF_XGB(XGDMatrixSetFloatInfo(matrix.handle_, "label", labels->data(), labels->size()));
    return matrix;
  }
  Matrix() = default;
  Matrix(Matrix&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Matrix& operator=(Matrix&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Matrix() {
    if (handle_ != nullptr) XGDMatrixFree(handle_);
  }
  DMatrixHandle handle() const { return handle_; }

 private:
  DMatrixHandle handle_ = nullptr;
};

std::vector<float> TakeRows(const std::vector<float>& matrix, size_t width,
                            const std::vector<size_t>& rows) {
  std::vector<float> taken;
  taken.reserve(rows.size() * width);
  for (const size_t row : rows)
    taken.insert(taken.end(), matrix.begin() + static_cast<ptrdiff_t>(row * width),
                 matrix.begin() + static_cast<ptrdiff_t>((row + 1) * width));
  return taken;
}

std::vector<float> TakeLabels(const std::vector<float>& labels, const std::vector<size_t>& rows) {
  std::vector<float> taken;
  for (const size_t row : rows) taken.push_back(labels[row]);
  return taken;
}

// Rows to keep for choosing the number of trees: one of five, of each class alike.
std::vector<bool> HoldOut(const std::vector<float>& labels, bool is_classification, uint32_t seed) {
  std::vector<size_t> order(labels.size());
  std::iota(order.begin(), order.end(), 0);
  std::mt19937 random(seed);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  if (is_classification)
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return labels[a] < labels[b]; });
  std::vector<bool> is_held(labels.size(), false);
  for (size_t i = 4; i < order.size(); i += 5) is_held[order[i]] = true;
  return is_held;
}

// "[7]\tvalid-mlogloss:0.123".
double LastNumber(const char* text) {
  const char* colon = std::strrchr(text, ':');
  return colon == nullptr ? 0 : std::atof(colon + 1);
}

}  // namespace

BoostedModel::~BoostedModel() {
  if (booster_ != nullptr) XGBoosterFree(booster_);
}

size_t BoostedModel::ClassOf(const std::string& name) const {
  const auto found = std::lower_bound(classes_.begin(), classes_.end(), name);
  if (found == classes_.end() || *found != name) return classes_.size();
  return static_cast<size_t>(found - classes_.begin());
}

Result<void> BoostedModel::ReadTarget(const Table& rows, std::vector<float>* labels) {
  const Column* target = rows.Find(target_);
  if (target == nullptr)
    return MakeError(ErrorCode::kInvalidArgument, "the target column is missing: " + target_);
  const auto unlabelled = std::count(target->is_null.begin(), target->is_null.end(), 1);
  if (unlabelled != 0)
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML001053: The training data has unlabeled samples: the target column " +
                         target_ + " is NULL in " + std::to_string(unlabelled) + " rows.");
  if (!is_classification_) {
    if (StorageOf(target->spec.kind) == Storage::kText)
      return MakeError(
          ErrorCode::kInvalidArgument,
          "ML003015: The target column of a regression task must be numeric: " + target_ + ".");
    for (size_t row = 0; row < rows.num_rows(); ++row)
      labels->push_back(static_cast<float>(target->NumberAt(row)));
    return {};
  }
  has_numeric_classes_ = StorageOf(target->spec.kind) != Storage::kText;
  std::map<std::string, size_t> counts;
  for (size_t row = 0; row < rows.num_rows(); ++row) ++counts[target->TextAt(row)];
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
  for (size_t row = 0; row < rows.num_rows(); ++row)
    labels->push_back(static_cast<float>(ClassOf(target->TextAt(row))));
  return {};
}

Result<void> BoostedModel::NewBooster(const std::vector<void*>& data,
                                      const TrainingOptions& options, size_t num_rows) {
  if (booster_ != nullptr) XGBoosterFree(std::exchange(booster_, nullptr));
  RETURN_IF_XGB(XGBoosterCreate(data.data(), data.size(), &booster_));
  const bool is_small = num_rows < 2000;
  std::vector<std::pair<std::string, std::string>> parameters = {
      {"verbosity", "0"},
      {"tree_method", "hist"},
      {"seed", std::to_string(options.seed)},
      {"nthread", std::to_string(options.num_threads)},
      {"max_depth", is_small ? "4" : "6"},
      {"eta", is_small ? "0.08" : "0.15"},
      {"min_child_weight", is_small ? "1" : "2"},
      {"lambda", "1"}};
  if (is_classification_) {
    parameters.push_back({"objective", "multi:softprob"});
    parameters.push_back({"num_class", std::to_string(classes_.size())});
    parameters.push_back({"eval_metric", "mlogloss"});
  } else {
    parameters.push_back({"objective", "reg:squarederror"});
    parameters.push_back({"eval_metric", "rmse"});
  }
  for (const auto& [name, value] : parameters)
    RETURN_IF_XGB(XGBoosterSetParam(booster_, name.c_str(), value.c_str()));
  num_threads_ = options.num_threads;
  return {};
}

Result<void> BoostedModel::Fit(const std::vector<float>& matrix, const std::vector<float>& labels,
                               const TrainingOptions& options, const OnProgress& on_progress) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  const auto is_late = [&](double part) {
    return options.time_limit_seconds > 0 &&
           std::chrono::duration<double>(Clock::now() - begin).count() >
               part * options.time_limit_seconds;
  };
  const size_t width = encoding_.num_features();
  const std::vector<bool> is_held = HoldOut(labels, is_classification_, options.seed);
  std::vector<size_t> train_rows, held_rows;
  for (size_t row = 0; row < labels.size(); ++row)
    (is_held[row] ? held_rows : train_rows).push_back(row);

  int best_round = 100;
  const int max_rounds = 400;
  if (!held_rows.empty()) {
    const std::vector<float> train_labels = TakeLabels(labels, train_rows);
    const std::vector<float> held_labels = TakeLabels(labels, held_rows);
    ASSIGN_OR_RETURN(const Matrix train, Matrix::Make(TakeRows(matrix, width, train_rows),
                                                      train_rows.size(), width, &train_labels));
    ASSIGN_OR_RETURN(const Matrix held, Matrix::Make(TakeRows(matrix, width, held_rows),
                                                     held_rows.size(), width, &held_labels));
    RETURN_IF_ERROR(NewBooster({train.handle(), held.handle()}, options, labels.size()));
    double best_loss = std::numeric_limits<double>::infinity();
    best_round = 1;
    for (int round = 0; round < max_rounds; ++round) {
      RETURN_IF_XGB(XGBoosterUpdateOneIter(booster_, round, train.handle()));
      DMatrixHandle watched[] = {held.handle()};
      const char* names[] = {"held"};
      const char* text = nullptr;
      RETURN_IF_XGB(XGBoosterEvalOneIter(booster_, round, watched, names, 1, &text));
      const double loss = LastNumber(text);
      if (loss < best_loss) {
        best_loss = loss;
        best_round = round + 1;
      }
      if (round % 10 == 0)
        on_progress("Hyperparameter optimization", 0.2 + 0.4 * round / max_rounds);
      if (round + 1 - best_round >= kPatience || is_late(0.5)) break;
    }
    training_score_ = is_classification_ ? -best_loss : -best_loss * best_loss;
  }

  on_progress("Training", 0.6);
  num_rounds_ = std::max(1, best_round + best_round / 10);
  ASSIGN_OR_RETURN(const Matrix all, Matrix::Make(matrix, labels.size(), width, &labels));
  RETURN_IF_ERROR(NewBooster({all.handle()}, options, labels.size()));
  for (int round = 0; round < num_rounds_; ++round) {
    RETURN_IF_XGB(XGBoosterUpdateOneIter(booster_, round, all.handle()));
    if (round % 10 == 0) on_progress("Training", 0.6 + 0.3 * round / num_rounds_);
    if (is_late(1)) {
      num_rounds_ = round + 1;
      break;
    }
  }
  return {};
}

Result<std::unique_ptr<BoostedModel>> BoostedModel::Train(const Table& rows,
                                                          const TrainingOptions& options,
                                                          const OnProgress& on_progress) {
  std::unique_ptr<BoostedModel> model(new BoostedModel);
  model->is_classification_ = options.is_classification;
  model->target_ = options.target;
  on_progress("Preprocessing", 0.05);
  std::vector<float> labels;
  RETURN_IF_ERROR(model->ReadTarget(rows, &labels));
  model->encoding_ = FeatureEncoding::Learn(rows, options.target);
  if (model->encoding_.num_features() == 0)
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML001052: The table has no columns to learn from besides the target.");
  ASSIGN_OR_RETURN(const std::vector<float> matrix, model->encoding_.Encode(rows));
  on_progress("Algorithm selection", 0.2);
  RETURN_IF_ERROR(model->Fit(matrix, labels, options, on_progress));
  // Evenly spread, so that they stand for all rows.
  const size_t step = std::max<size_t>(1, rows.num_rows() / kBackgroundRows);
  std::vector<size_t> chosen;
  for (size_t row = 0; row < rows.num_rows() && chosen.size() < kBackgroundRows; row += step)
    chosen.push_back(row);
  model->background_ = TakeRows(matrix, model->encoding_.num_features(), chosen);
  RETURN_IF_ERROR(model->FlattenTrees());
  return model;
}

Result<std::string> BoostedModel::ToBytes() const {
  bst_ulong size = 0;
  const char* raw = nullptr;
  RETURN_IF_XGB(XGBoosterSaveModelToBuffer(booster_, R"({"format": "ubj"})", &size, &raw));
  const Json header = {{"task", is_classification_ ? "classification" : "regression"},
                       {"target", target_},
                       {"classes", classes_},
                       {"numeric_classes", has_numeric_classes_},
                       {"score", training_score_},
                       {"rounds", num_rounds_},
                       {"columns", encoding_.ToJson()},
                       {"background", NumbersToJson(background_)}};
  return WriteModelFile(header, {raw, size});
}

Result<std::unique_ptr<BoostedModel>> BoostedModel::FromBytes(std::string_view bytes) {
  ASSIGN_OR_RETURN(const ModelFile file, ReadModelFile(bytes));
  const Json& header = file.header;
  for (const char* key :
       {"task", "target", "classes", "numeric_classes", "score", "rounds", "columns", "background"})
    if (!header.contains(key)) return DamagedModel();
  const bool is_shaped = header["task"].is_string() && header["target"].is_string() &&
                         header["classes"].is_array() && header["numeric_classes"].is_boolean() &&
                         header["score"].is_number() && header["rounds"].is_number_integer() &&
                         header["background"].is_array();
  if (!is_shaped) return DamagedModel();
  if (header["task"] != "classification" && header["task"] != "regression") return DamagedModel();
  std::unique_ptr<BoostedModel> model(new BoostedModel);
  model->is_classification_ = header["task"] == "classification";
  model->target_ = header["target"];
  model->has_numeric_classes_ = header["numeric_classes"];
  model->training_score_ = header["score"];
  model->num_rounds_ = header["rounds"];
  for (const Json& name : header["classes"]) {
    if (!name.is_string()) return DamagedModel();
    model->classes_.push_back(name);
  }
  if (model->is_classification_ && model->classes_.size() < 2) return DamagedModel();
  ASSIGN_OR_RETURN(model->encoding_, FeatureEncoding::FromJson(header["columns"]));
  const size_t width = model->encoding_.num_features();
  ASSIGN_OR_RETURN(model->background_, NumbersFromJson(header["background"]));
  if (width == 0 || model->background_.size() % width != 0) return DamagedModel();
  const std::string_view raw = file.body;
  RETURN_IF_XGB(XGBoosterCreate(nullptr, 0, &model->booster_));
  if (XGBoosterLoadModelFromBuffer(model->booster_, raw.data(), raw.size()) != 0)
    return DamagedModel();
  bst_ulong num_features = 0;
  if (XGBoosterGetNumFeature(model->booster_, &num_features) != 0 || num_features != width)
    return DamagedModel();
  model->num_threads_ = 0;
  model->SetThreads(1);
  if (model->background_.empty()) return DamagedModel();
  RETURN_IF_ERROR(model->FlattenTrees());
  return model;
}

void BoostedModel::SetThreads(uint32_t num_threads) {
  if (num_threads == num_threads_) return;
  XGBoosterSetParam(booster_, "nthread", std::to_string(num_threads).c_str());
  num_threads_ = num_threads;
}

Result<void> BoostedModel::FlattenTrees() {
  bst_ulong size = 0;
  const char* text = nullptr;
  RETURN_IF_XGB(XGBoosterSaveModelToBuffer(booster_, R"({"format": "json"})", &size, &text));
  const size_t width = encoding_.num_features(), outputs = num_outputs();
  ASSIGN_OR_RETURN(trees_, FlatTrees::FromJson({text, size}, width, outputs));
  ASSIGN_OR_RETURN(const std::vector<float> margins, PredictByLibrary(background_, 1));
  base_margin_.assign(outputs, 0);
  for (size_t row = 0; row * width < background_.size(); ++row) {
    std::vector<float> sums(outputs, 0.0f);
    trees_.Add(&background_[row * width], sums.data());
    for (size_t i = 0; i < outputs; ++i) {
      const float base = margins[row * outputs + i] - sums[i];
      if (row == 0) base_margin_[i] = base;
      const float tolerance = 1e-3f * (1 + std::abs(margins[row * outputs + i]));
      if (!(std::abs(base - base_margin_[i]) <= tolerance))
        return MakeError(ErrorCode::kCorrupt, "the trees of the model do not add up");
    }
  }
  return {};
}

void BoostedModel::PredictRows(const float* rows, size_t num_rows, float* result) const {
  const size_t outputs = num_outputs();
  for (size_t row = 0; row < num_rows; ++row)
    std::copy(base_margin_.begin(), base_margin_.end(), result + row * outputs);
  trees_.AddRows(rows, encoding_.num_features(), num_rows, result, outputs);
  if (!is_classification_) return;
  for (size_t row = 0; row < num_rows; ++row) {
    float* own = result + row * outputs;
    const float largest = *std::max_element(own, own + outputs);
    float sum = 0;
    for (size_t i = 0; i < outputs; ++i) sum += own[i] = std::exp(own[i] - largest);
    for (size_t i = 0; i < outputs; ++i) own[i] /= sum;
  }
}

Result<std::vector<float>> BoostedModel::PredictEncoded(const std::vector<float>& matrix) {
  // Below this a thread costs more than it brings.
  constexpr size_t kRowsPerThread = 512;
  const size_t width = encoding_.num_features(), outputs = num_outputs();
  const size_t num_rows = matrix.size() / width;
  std::vector<float> result(num_rows * outputs);
  const size_t num_threads =
      std::clamp<size_t>(num_rows / kRowsPerThread, 1, std::max(1u, num_threads_));
  const size_t share = (num_rows + num_threads - 1) / num_threads;
  const auto run = [&](size_t begin) {
    const size_t count = std::min(share, num_rows - begin);
    PredictRows(&matrix[begin * width], count, &result[begin * outputs]);
  };
  std::vector<std::jthread> threads;
  for (size_t begin = share; begin < num_rows; begin += share) threads.emplace_back(run, begin);
  if (num_rows > 0) run(0);
  threads.clear();
  return result;
}

Result<std::vector<float>> BoostedModel::PredictByLibrary(const std::vector<float>& matrix,
                                                          int type) {
  const size_t width = encoding_.num_features();
  const size_t num_rows = matrix.size() / width;
  if (num_rows == 0) return std::vector<float>();
  char values[160];
  std::snprintf(values, sizeof(values),
                R"({"data": [%llu, true], "shape": [%zu, %zu], "typestr": "<f4", "version": 3})",
                static_cast<unsigned long long>(reinterpret_cast<uintptr_t>(matrix.data())),
                num_rows, width);
  const std::string config = R"({"type": )" + std::to_string(type) +
                             R"(, "training": false, "iteration_begin": 0, "iteration_end": 0, )"
                             R"("strict_shape": true, "cache_id": 0, "missing": NaN})";
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* result = nullptr;
  RETURN_IF_XGB(XGBoosterPredictFromDense(booster_, values, config.c_str(), nullptr, &shape,
                                          &dimensions, &result));
  const size_t count = num_rows * num_outputs();
  bst_ulong total = 1;
  for (bst_ulong i = 0; i < dimensions; ++i) total *= shape[i];
  if (total != count) return MakeError(ErrorCode::kCorrupt, "The model is damaged.");
  return std::vector<float>(result, result + count);
}

Result<std::vector<float>> BoostedModel::Predict(const Table& rows) {
  ASSIGN_OR_RETURN(const std::vector<float> matrix, encoding_.Encode(rows));
  return PredictEncoded(matrix);
}

Result<std::vector<float>> BoostedModel::Contributions(const std::vector<float>& matrix,
                                                       size_t num_rows) {
  const size_t width = encoding_.num_features();
  ASSIGN_OR_RETURN(const Matrix data, Matrix::Make(matrix, num_rows, width, nullptr));
  static constexpr char kConfig[] =
      R"({"type": 2, "training": false, "iteration_begin": 0, "iteration_end": 0, )"
      R"("strict_shape": true})";
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* result = nullptr;
  RETURN_IF_XGB(
      XGBoosterPredictFromDMatrix(booster_, data.handle(), kConfig, &shape, &dimensions, &result));
  const size_t count = num_rows * num_outputs() * (width + 1);
  bst_ulong total = 1;
  for (bst_ulong i = 0; i < dimensions; ++i) total *= shape[i];
  if (total != count) return MakeError(ErrorCode::kCorrupt, "The model is damaged.");
  return std::vector<float>(result, result + count);
}

double BoostedModel::Loss(const std::vector<float>& outputs,
                          const std::vector<float>& labels) const {
  double sum = 0;
  const size_t width = num_outputs();
  for (size_t row = 0; row < labels.size(); ++row) {
    if (is_classification_) {
      const double p = outputs[row * width + static_cast<size_t>(labels[row])];
      sum -= std::log(std::max(p, 1e-15));
    } else {
      sum += (outputs[row] - labels[row]) * (outputs[row] - labels[row]);
    }
  }
  return labels.empty() ? 0 : sum / static_cast<double>(labels.size());
}

Result<std::vector<double>> BoostedModel::PermutationImportance(const Table& rows) {
  const Column* target = rows.Find(target_);
  if (target == nullptr)
    return MakeError(ErrorCode::kInvalidArgument, "the target column is missing: " + target_);
  ASSIGN_OR_RETURN(std::vector<float> matrix, encoding_.Encode(rows));
  const size_t width = encoding_.num_features();
  const size_t step = std::max<size_t>(1, rows.num_rows() / kMaxExplainedRows);
  std::vector<size_t> chosen;
  std::vector<float> labels;
  for (size_t row = 0; row < rows.num_rows(); row += step) {
    if (target->is_null[row]) continue;
    const size_t name = is_classification_ ? ClassOf(target->TextAt(row)) : 0;
    if (is_classification_ && name == classes_.size()) continue;
    labels.push_back(is_classification_ ? static_cast<float>(name)
                                        : static_cast<float>(target->NumberAt(row)));
    chosen.push_back(row);
  }
  matrix = TakeRows(matrix, width, chosen);
  ASSIGN_OR_RETURN(const std::vector<float> base, PredictEncoded(matrix));
  const double base_loss = Loss(base, labels);
  std::mt19937 random(7);
  std::vector<size_t> order(labels.size());
  std::iota(order.begin(), order.end(), 0);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  std::vector<double> importance;
  for (size_t column = 0; column < encoding_.columns().size(); ++column) {
    std::vector<float> shuffled = matrix;
    for (size_t row = 0; row < labels.size(); ++row)
      for (size_t feature = 0; feature < width; ++feature)
        if (encoding_.owners()[feature] == column)
          shuffled[row * width + feature] = matrix[order[row] * width + feature];
    ASSIGN_OR_RETURN(const std::vector<float> outputs, PredictEncoded(shuffled));
    importance.push_back(std::max(0.0, Loss(outputs, labels) - base_loss));
  }
  return importance;
}

Result<std::vector<double>> BoostedModel::ShapImportance(const Table& rows) {
  ASSIGN_OR_RETURN(std::vector<float> matrix, encoding_.Encode(rows));
  const size_t width = encoding_.num_features();
  const size_t step = std::max<size_t>(1, rows.num_rows() / kMaxExplainedRows);
  std::vector<size_t> chosen;
  for (size_t row = 0; row < rows.num_rows(); row += step) chosen.push_back(row);
  matrix = TakeRows(matrix, width, chosen);
  ASSIGN_OR_RETURN(const std::vector<float> parts, Contributions(matrix, chosen.size()));
  std::vector<double> importance(encoding_.columns().size(), 0.0);
  for (size_t row = 0; row < chosen.size(); ++row)
    for (size_t output = 0; output < num_outputs(); ++output) {
      std::vector<double> sums(importance.size(), 0.0);
      for (size_t feature = 0; feature < width; ++feature)
        sums[encoding_.owners()[feature]] +=
            parts[(row * num_outputs() + output) * (width + 1) + feature];
      for (size_t column = 0; column < sums.size(); ++column)
        importance[column] += std::abs(sums[column]);
    }
  for (double& value : importance)
    value /= static_cast<double>(std::max<size_t>(1, chosen.size() * num_outputs()));
  return importance;
}

Result<std::vector<double>> BoostedModel::Attributions(const Table& rows, bool by_shap) {
  ASSIGN_OR_RETURN(const std::vector<float> matrix, encoding_.Encode(rows));
  ASSIGN_OR_RETURN(const std::vector<float> base, PredictEncoded(matrix));
  const size_t width = encoding_.num_features(), num_columns = encoding_.columns().size();
  const size_t outputs = num_outputs();
  std::vector<double> attributions(rows.num_rows() * num_columns, 0.0);
  std::vector<float> parts;
  if (by_shap) {
    ASSIGN_OR_RETURN(parts, Contributions(matrix, rows.num_rows()));
  }
  const size_t num_background = background_.size() / width;
  for (size_t row = 0; row < rows.num_rows(); ++row) {
    const float* own = &base[row * outputs];
    const size_t best = static_cast<size_t>(std::max_element(own, own + outputs) - own);
    double* out = &attributions[row * num_columns];
    if (by_shap) {
      for (size_t feature = 0; feature < width; ++feature)
        out[encoding_.owners()[feature]] += parts[(row * outputs + best) * (width + 1) + feature];
      continue;
    }
    // All replacements of the row at once: columns x background rows.
    std::vector<float> replaced;
    for (size_t column = 0; column < num_columns; ++column)
      for (size_t other = 0; other < num_background; ++other)
        for (size_t feature = 0; feature < width; ++feature)
          replaced.push_back(encoding_.owners()[feature] == column
                                 ? background_[other * width + feature]
                                 : matrix[row * width + feature]);
    ASSIGN_OR_RETURN(const std::vector<float> changed, PredictEncoded(replaced));
    for (size_t column = 0; column < num_columns; ++column) {
      double sum = 0;
      for (size_t other = 0; other < num_background; ++other)
        sum += changed[(column * num_background + other) * outputs + best];
      out[column] = own[best] - sum / static_cast<double>(std::max<size_t>(1, num_background));
    }
  }
  return attributions;
}

}  // namespace sirocco::automl
