#include "automl/selection.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "automl/metrics.h"
#include "automl/portfolio.h"
#include "automl/preparation.h"
#include "automl/threads.h"

namespace sirocco::automl {

namespace {

constexpr size_t kRaceRows = 2000;
constexpr size_t kMaxMembers = 4, kGreedySteps = 12;
constexpr double kDropErrors = 2;      // standard errors behind the leader
constexpr double kGrowthGain = 0.003;  // less than this twice: the sample is large enough
constexpr double kTuningGain = 0.002;
constexpr double kEnsembleErrors = 0.3;
constexpr size_t kTuningBatch = 8;
// From this many row-feature pairs on, one fit uses all threads instead of one fit per thread.
constexpr double kWideFit = 2e6;

// Seconds of all threads that a run may take, by the size of the table.
double BudgetSeconds(size_t n, size_t d, size_t k) {
  const auto rows = static_cast<double>(n), width = static_cast<double>(d);
  const double classes = std::sqrt(std::max(1.0, static_cast<double>(k) / 4));
  return std::min(
      100.0, 0.2 + 1e-3 * std::min(rows, 1500.0) + 1.4e-3 * std::pow(rows * width, 0.6) * classes);
}

// A configuration with its out-of-fold predictions on the present sample.
struct Trial {
  Configuration configuration;
  Configuration adopted;       // with what the folds' fits say about a fit on all rows
  std::vector<float> outputs;  // of the sample's evaluated rows
  std::vector<double> losses;  // per row: log loss or squared error
  std::vector<double> gains;
  double score = -HUGE_VAL, loss = HUGE_VAL;
};

class Search {
 public:
  Search(TrainingData* data, const std::vector<uint8_t>& folds, const SelectionOptions& options)
      : data_(data),
        folds_(folds),
        options_(options),
        random_(options.seed),
        start_(std::chrono::steady_clock::now()) {
    const Target& target = *data->target;
    budget_ = BudgetSeconds(target.values.size(), data->bins->cols, target.num_outputs()) *
              static_cast<double>(options.num_threads);
    is_default_metric_ = options.metric == "neg_log_loss" ||
                         options.metric == "neg_mean_squared_error" || options.metric == "r2";
    order_.resize(target.values.size());
    std::iota(order_.begin(), order_.end(), 0);
    random_.Shuffle(&order_);
    // Every beginning of the order holds the classes in their shares.
    if (target.is_classification() && order_.size() > kRaceRows) Stratify();
  }

  bool is_late(double part) const {
    return options_.time_limit_seconds > 0 &&
           std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count() >
               part * options_.time_limit_seconds;
  }
  double EstimateTrial(const Configuration& configuration, size_t num_rows) const {
    const double of_one = EstimateSeconds(configuration, num_rows, data_->bins->cols,
                                          data_->dense == nullptr ? 0 : data_->dense->cols,
                                          data_->target->num_outputs());
    return of_one * static_cast<double>(FoldsFor(num_rows));
  }

  // Makes the first `num_rows` of the order the sample.
  void SetSample(size_t num_rows) {
    sample_.assign(order_.begin(), order_.begin() + static_cast<ptrdiff_t>(num_rows));
    std::sort(sample_.begin(), sample_.end());
    num_folds_ = FoldsFor(num_rows);
    evaluated_.clear();
    for (size_t fold = 0; fold < num_folds_; ++fold)
      for (const uint32_t row : sample_)
        if (folds_[row] == fold) evaluated_.push_back(row);
    trials_.clear();
  }
  size_t sample_size() const { return sample_.size(); }
  const Indices& evaluated() const { return evaluated_; }
  std::vector<Trial>& trials() { return trials_; }
  double left() const { return budget_ - spent_; }
  double budget() const { return budget_; }
  size_t num_trials() const { return num_trials_; }

  // Runs those not run yet on this sample; adds them to trials().
  void Evaluate(std::vector<Configuration> list);
  // Indices of trials, best first.
  std::vector<size_t> Ranking() const;
  // Whether a is worse than b by more than chance.
  bool IsBehind(const Trial& a, const Trial& b) const;

 private:
  size_t FoldsFor(size_t num_rows) const {
    return num_rows <= 2500    ? Preparation::kFolds
           : num_rows <= 10000 ? 3
           : num_rows <= 40000 ? 2
                               : 1;
  }
  void Stratify();

  TrainingData* data_;
  const std::vector<uint8_t>& folds_;
  const SelectionOptions& options_;
  Random random_;
  const std::chrono::steady_clock::time_point start_;
  double budget_ = 0, spent_ = 0;
  bool is_default_metric_ = true;
  Indices order_, sample_, evaluated_;
  size_t num_folds_ = 0, num_trials_ = 0;
  std::vector<Trial> trials_;
};

void Search::Stratify() {
  const Target& target = *data_->target;
  std::vector<size_t> seen(target.num_classes, 0), total(target.num_classes, 0);
  for (const uint32_t row : order_) ++total[target.class_at(row)];
  // A row's place: which part of its class has come before it. Small classes come early as a whole.
  std::vector<std::pair<double, uint32_t>> places;
  for (const uint32_t row : order_) {
    const size_t k = target.class_at(row);
    const auto rank = static_cast<double>(seen[k]++);
    const bool is_early = rank < 20;
    places.emplace_back(is_early ? rank * 1e-6 : rank / static_cast<double>(total[k]), row);
  }
  std::stable_sort(places.begin(), places.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t i = 0; i < places.size(); ++i) order_[i] = places[i].second;
}

void Search::Evaluate(std::vector<Configuration> list) {
  std::erase_if(list, [&](const Configuration& one) {
    return std::any_of(trials_.begin(), trials_.end(),
                       [&](const Trial& trial) { return SameSettings(trial.configuration, one); });
  });
  const Target& target = *data_->target;
  const size_t outputs = target.num_outputs();
  std::vector<Indices> training(num_folds_), validation(num_folds_);
  for (const uint32_t row : sample_)
    for (size_t fold = 0; fold < num_folds_; ++fold)
      (folds_[row] == fold ? validation : training)[fold].push_back(row);
  struct Part {
    std::vector<float> outputs;
    std::vector<double> gains;
    Configuration adopted;
  };
  std::vector<Part> parts(list.size() * num_folds_);
  const bool is_wide = static_cast<double>(sample_.size() * data_->bins->cols) > kWideFit;
  const size_t inner = is_wide ? options_.num_threads : 1;
  ParallelFor(is_wide ? 1 : options_.num_threads, parts.size(), [&](size_t i) {
    const Configuration& configuration = list[i / num_folds_];
    const size_t fold = i % num_folds_;
    if (validation[fold].empty() || training[fold].empty()) return;
    const std::unique_ptr<Learner> learner = MakeLearner(configuration, target.num_classes);
    FitRequest request;
    request.data = data_;
    request.rows = training[fold];
    request.validation = validation[fold];
    request.seed = options_.seed + static_cast<uint32_t>(fold);
    request.num_threads = inner;
    request.is_late = [this] { return is_late(0.5); };
    learner->Fit(request);
    Part& part = parts[i];
    part.outputs = learner->TakeValidationOutputs();
    if (part.outputs.empty()) {
      const Matrix rows =
          TakeRows(learner->uses_trees() ? *data_->tree : *data_->dense, validation[fold]);
      part.outputs.resize(rows.rows * outputs);
      learner->Predict(rows.values.data(), rows.cols, rows.rows, part.outputs.data());
    }
    part.gains = learner->Gains();
    part.adopted = configuration;
    learner->Adopt(&part.adopted);
  });
  for (size_t c = 0; c < list.size(); ++c) {
    Trial& trial = trials_.emplace_back();
    trial.configuration = trial.adopted = list[c];
    double rounds = 0, folds = 0;
    for (size_t fold = 0; fold < num_folds_; ++fold) {
      Part& part = parts[c * num_folds_ + fold];
      trial.outputs.insert(trial.outputs.end(), part.outputs.begin(), part.outputs.end());
      trial.gains.resize(std::max(trial.gains.size(), part.gains.size()), 0.0);
      for (size_t f = 0; f < part.gains.size(); ++f) trial.gains[f] += part.gains[f];
      if (part.outputs.empty()) continue;
      rounds += part.adopted.at("rounds", 0);
      ++folds;
    }
    if (folds > 0 && rounds > 0) trial.adopted.settings["rounds"] = std::ceil(rounds / folds);
    double sum = 0;
    for (size_t i = 0; i < evaluated_.size(); ++i) {
      const float* own = &trial.outputs[i * outputs];
      double loss;
      if (target.is_classification()) {
        loss = -std::log(std::max(1e-12, static_cast<double>(own[target.class_at(evaluated_[i])])));
      } else {
        const double error = own[0] - target.values[evaluated_[i]];
        loss = error * error;
      }
      if (!std::isfinite(loss)) loss = 1e12;
      trial.losses.push_back(loss);
      sum += loss;
    }
    trial.loss = sum / static_cast<double>(std::max<size_t>(1, evaluated_.size()));
    trial.score =
        is_default_metric_
            ? -trial.loss
            : MetricOf(options_.metric, target, evaluated_, trial.outputs).value_or(-1e18);
    spent_ += EstimateTrial(list[c], sample_.size());
    ++num_trials_;
  }
}

std::vector<size_t> Search::Ranking() const {
  std::vector<size_t> ranking(trials_.size());
  std::iota(ranking.begin(), ranking.end(), 0);
  std::stable_sort(ranking.begin(), ranking.end(), [&](size_t a, size_t b) {
    if (trials_[a].score != trials_[b].score) return trials_[a].score > trials_[b].score;
    return trials_[a].loss < trials_[b].loss;
  });
  return ranking;
}

bool Search::IsBehind(const Trial& a, const Trial& b) const {
  const auto n = static_cast<double>(a.losses.size());
  double sum = 0, squares = 0;
  for (size_t i = 0; i < a.losses.size(); ++i) {
    const double difference = a.losses[i] - b.losses[i];
    sum += difference;
    squares += difference * difference;
  }
  const double mean = sum / n;
  const double error = std::sqrt(std::max(0.0, squares / n - mean * mean) / std::max(1.0, n - 1));
  return mean > kDropErrors * error;
}

// Weights for the dense features by what trees gained from them.
void SetDenseWeights(const std::vector<double>& gains, const std::vector<uint32_t>& tree_owners,
                     const std::vector<uint32_t>& dense_owners, TrainingData* data) {
  // Of each column the features of both forms are in the same order; the mark of NULLs comes last.
  double total = 0;
  for (const double gain : gains) total += gain;
  if (total <= 0) return;
  data->dense_weights.assign(dense_owners.size(), 0);
  size_t tree = 0;
  for (size_t dense = 0; dense < dense_owners.size(); ++dense) {
    const bool has_twin = tree < tree_owners.size() && tree_owners[tree] == dense_owners[dense];
    const double gain = has_twin ? gains[tree] : 0.2 * total / static_cast<double>(gains.size());
    if (has_twin) ++tree;
    const double relative = gain / total * static_cast<double>(gains.size());
    data->dense_weights[dense] = static_cast<float>(std::sqrt(std::clamp(relative, 0.01, 20.0)));
  }
}

double MixtureLoss(const Target& target, const Indices& rows, const std::vector<float>& outputs) {
  double sum = 0;
  const size_t k = target.num_outputs();
  for (size_t i = 0; i < rows.size(); ++i) {
    if (target.is_classification())
      sum -= std::log(std::max(1e-12f, outputs[i * k + target.class_at(rows[i])]));
    else
      sum += (outputs[i] - target.values[rows[i]]) * (outputs[i] - target.values[rows[i]]);
  }
  return sum / static_cast<double>(std::max<size_t>(1, rows.size()));
}

// Trials by how often a greedy search with repetition takes them.
std::vector<std::pair<size_t, float>> Weigh(const std::vector<Trial>& trials,
                                            const std::vector<size_t>& ranking,
                                            const Target& target, const Indices& rows,
                                            std::vector<float>* mixture) {
  std::vector<float> sum = trials[ranking[0]].outputs, attempt(sum.size());
  std::map<size_t, size_t> counts = {{ranking[0], 1}};
  size_t taken = 1;
  double best_loss = MixtureLoss(target, rows, sum);
  const size_t pool = std::min<size_t>(ranking.size(), 24);
  for (size_t step = 1; step < kGreedySteps; ++step) {
    size_t best = pool;
    for (size_t i = 0; i < pool; ++i) {
      if (counts.size() == kMaxMembers && !counts.contains(ranking[i])) continue;
      const std::vector<float>& own = trials[ranking[i]].outputs;
      const float weight = 1 / static_cast<float>(taken + 1);
      for (size_t j = 0; j < sum.size(); ++j) attempt[j] = sum[j] + (own[j] - sum[j]) * weight;
      const double loss = MixtureLoss(target, rows, attempt);
      if (loss < best_loss * (1 - 1e-4)) {
        best_loss = loss;
        best = i;
      }
    }
    if (best == pool) break;
    const std::vector<float>& own = trials[ranking[best]].outputs;
    const float weight = 1 / static_cast<float>(taken + 1);
    for (size_t j = 0; j < sum.size(); ++j) sum[j] += (own[j] - sum[j]) * weight;
    ++counts[ranking[best]];
    ++taken;
  }
  std::vector<std::pair<size_t, float>> weights;
  for (const auto& [trial, count] : counts)
    weights.emplace_back(trial, static_cast<float>(count) / static_cast<float>(taken));
  *mixture = std::move(sum);
  return weights;
}

float FindTemperature(const Target& target, const Indices& rows,
                      const std::vector<float>& outputs) {
  const auto loss_at = [&](double temperature) {
    std::vector<float> scaled = outputs;
    for (size_t i = 0; i < rows.size(); ++i)
      Calibrate(static_cast<float>(temperature), target.num_classes,
                &scaled[i * target.num_classes]);
    return MixtureLoss(target, rows, scaled);
  };
  // Golden section on the logarithm.
  double low = std::log(0.5), high = std::log(2.5);
  constexpr double kRatio = 0.6180339887;
  double a = high - kRatio * (high - low), b = low + kRatio * (high - low);
  double loss_a = loss_at(std::exp(a)), loss_b = loss_at(std::exp(b));
  for (int i = 0; i < 12; ++i) {
    if (loss_a < loss_b) {
      high = b;
      b = a;
      loss_b = loss_a;
      a = high - kRatio * (high - low);
      loss_a = loss_at(std::exp(a));
    } else {
      low = a;
      a = b;
      loss_a = loss_b;
      b = low + kRatio * (high - low);
      loss_b = loss_at(std::exp(b));
    }
  }
  const double best = std::exp((low + high) / 2);
  return loss_at(best) < loss_at(1) ? static_cast<float>(best) : 1.0f;
}

}  // namespace

std::vector<uint8_t> AssignFolds(const Target& target, size_t num_folds, uint32_t seed) {
  Indices order(target.values.size());
  std::iota(order.begin(), order.end(), 0);
  Random random(seed ^ 0xf01d5u);
  random.Shuffle(&order);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return target.values[a] < target.values[b]; });
  // Neighbours in value go to different folds, in an order that changes from group to group.
  std::vector<uint8_t> folds(order.size());
  std::vector<uint8_t> deal(num_folds);
  for (size_t i = 0; i < order.size(); ++i) {
    if (i % num_folds == 0) {
      std::iota(deal.begin(), deal.end(), 0);
      random.Shuffle(&deal);
    }
    folds[order[i]] = deal[i % num_folds];
  }
  return folds;
}

std::optional<double> MetricOf(const std::string& metric, const Target& target, const Indices& rows,
                               const std::vector<float>& outputs) {
  Result<std::optional<double>> score = std::nullopt;
  if (target.is_classification()) {
    std::vector<size_t> labels;
    for (const uint32_t row : rows) labels.push_back(target.class_at(row));
    score = ClassificationScore(metric, outputs, target.num_classes, labels);
  } else {
    std::vector<double> values;
    for (const uint32_t row : rows) values.push_back(target.values[row]);
    score = RegressionScore(metric, outputs, values);
  }
  return score ? *score : std::nullopt;
}

void Calibrate(float temperature, size_t num_classes, float* row) {
  if (temperature == 1) return;
  for (size_t k = 0; k < num_classes; ++k)
    row[k] = std::log(std::max(1e-12f, row[k])) / temperature;
  Softmax(row, num_classes);
}

Selection Select(TrainingData data, const std::vector<uint8_t>& folds,
                 const std::vector<uint32_t>& tree_owners,
                 const std::vector<uint32_t>& dense_owners, const SelectionOptions& options) {
  const Target& target = *data.target;
  const size_t n = target.values.size();
  Search search(&data, folds, options);
  const auto is_tree = [](Family family) { return family <= Family::kDecisionTree; };
  const auto has_boosted =
      std::any_of(options.families.begin(), options.families.end(),
                  [](Family f) { return f == Family::kBoosted || f == Family::kLeafBoosted; });

  // The race.
  search.SetSample(std::min(n, kRaceRows));
  std::vector<Configuration> proxies;
  for (const Family family : options.families) {
    const std::vector<Configuration> own =
        Portfolio(family, n, data.bins->cols, target.is_classification());
    for (size_t i = 0; i < own.size(); ++i) {
      const double cost = search.EstimateTrial(own[i], search.sample_size());
      // The first of a family is left out only if it would eat the budget.
      if (cost < (i == 0 ? 0.35 : 0.1) * search.budget() || options.families.size() == 1)
        proxies.push_back(own[i]);
    }
  }
  options.on_progress("Algorithm selection", 0.2);
  // Family by family, so that a user's time limit leaves at least one.
  for (size_t begin = 0; begin < proxies.size();) {
    size_t end = begin + 1;
    while (end < proxies.size() && proxies[end].family == proxies[begin].family) ++end;
    if (begin == 0 || (!search.is_late(0.3) && search.left() > 0.35 * search.budget()))
      search.Evaluate({proxies.begin() + static_cast<ptrdiff_t>(begin),
                       proxies.begin() + static_cast<ptrdiff_t>(end)});
    options.on_progress("Algorithm selection",
                        0.2 + 0.2 * static_cast<double>(end) / static_cast<double>(proxies.size()));
    begin = end;
  }
  for (const size_t i : search.Ranking()) {
    if (!is_tree(search.trials()[i].configuration.family)) continue;
    SetDenseWeights(search.trials()[i].gains, tree_owners, dense_owners, &data);
    break;
  }

  // Growing samples, with those that are not clearly behind.
  std::vector<Configuration> survivors;
  int num_settled = 0;
  while (search.sample_size() < n && !search.is_late(0.4)) {
    options.on_progress("Adaptive data reduction", 0.45);
    const std::vector<size_t> ranking = search.Ranking();
    survivors.clear();
    std::vector<Family> taken;
    for (const size_t i : ranking) {
      const Trial& trial = search.trials()[i];
      const bool is_boosted = trial.configuration.family == Family::kBoosted ||
                              trial.configuration.family == Family::kLeafBoosted;
      const bool has_one =
          std::find(taken.begin(), taken.end(), trial.configuration.family) != taken.end();
      // Boosting gains most from rows, and the more so the larger its trees: while many rows are
      // still out, several of it go on whatever the small sample says.
      const auto num_boosted =
          std::count_if(survivors.begin(), survivors.end(), [](const Configuration& c) {
            return c.family == Family::kBoosted || c.family == Family::kLeafBoosted;
          });
      const bool must_stay =
          is_boosted && has_boosted && num_boosted < (search.sample_size() * 4 <= n ? 4 : 1);
      if (!must_stay && (survivors.size() >= 4 || (has_one && survivors.size() >= 2) ||
                         search.IsBehind(trial, search.trials()[ranking[0]])))
        continue;
      survivors.push_back(trial.configuration);
      taken.push_back(trial.configuration.family);
    }
    const size_t next = std::min(n, search.sample_size() * 2);
    double cost = 0;
    std::erase_if(survivors, [&](const Configuration& one) {
      const double own = search.EstimateTrial(one, next);
      if (cost > 0 && cost + own > 0.3 * search.left()) return true;
      cost += own;
      return false;
    });
    if (cost > 0.4 * search.left()) break;
    const double before = search.trials()[ranking[0]].loss;
    const Family leader = search.trials()[ranking[0]].configuration.family;
    search.SetSample(next);
    search.Evaluate(survivors);
    const std::vector<size_t> now = search.Ranking();
    const Trial& best = search.trials()[now[0]];
    const bool is_settled =
        best.configuration.family == leader && before - best.loss < kGrowthGain * std::abs(before);
    num_settled = is_settled ? num_settled + 1 : 0;
    if (num_settled == 2) break;
  }

  // Tuning around the leaders.
  Random random(options.seed * 31u + 5);
  size_t dull = 0;
  for (size_t batch = 0; batch < 12 && dull < 2 && !search.is_late(0.5); ++batch) {
    options.on_progress("Hyperparameter optimization", 0.5 + 0.02 * static_cast<double>(batch));
    const std::vector<size_t> ranking = search.Ranking();
    std::vector<size_t> centres = {ranking[0]};
    const Family first = search.trials()[ranking[0]].configuration.family;
    for (const size_t i : ranking)
      if (search.trials()[i].configuration.family != first && centres.size() == 1 &&
          !search.IsBehind(search.trials()[i], search.trials()[ranking[0]]))
        centres.push_back(i);
    std::vector<Configuration> steps;
    double cost = 0;
    for (size_t i = 0; i < kTuningBatch; ++i) {
      const Configuration& from =
          search.trials()[centres[i % 3 == 2 ? centres.size() - 1 : 0]].configuration;
      Configuration next = Neighbour(from, &random);
      if ((from.family == Family::kKernel || from.family == Family::kNeighbours) &&
          from.at("weighted", 0) == 0 && (i < 2 || random.Below(3) == 0))
        next.settings["weighted"] = 1;
      const double own = search.EstimateTrial(next, search.sample_size());
      if (cost + own > 0.6 * search.left()) continue;
      cost += own;
      steps.push_back(std::move(next));
    }
    if (steps.empty()) break;
    const double before = search.trials()[ranking[0]].score;
    search.Evaluate(std::move(steps));
    const double after = search.trials()[search.Ranking()[0]].score;
    dull = after - before < kTuningGain * std::abs(before) ? dull + 1 : 0;
  }

  // The mixture, if it pays.
  const std::vector<size_t> ranking = search.Ranking();
  const std::vector<Trial>& trials = search.trials();
  std::vector<float> mixture;
  std::vector<std::pair<size_t, float>> weights =
      Weigh(trials, ranking, target, search.evaluated(), &mixture);
  if (weights.size() > 1) {
    Trial mixed;
    mixed.outputs = mixture;
    for (size_t i = 0; i < search.evaluated().size(); ++i) {
      const size_t k = target.num_outputs();
      const uint32_t row = search.evaluated()[i];
      const double error =
          target.is_classification()
              ? -std::log(std::max(1e-12f, mixture[i * k + target.class_at(row)]))
              : (mixture[i] - target.values[row]) * (mixture[i] - target.values[row]);
      mixed.losses.push_back(error);
    }
    const Trial& single = trials[ranking[0]];
    double sum = 0, squares = 0;
    for (size_t i = 0; i < mixed.losses.size(); ++i) {
      const double gain = single.losses[i] - mixed.losses[i];
      sum += gain;
      squares += gain * gain;
    }
    const auto count = static_cast<double>(mixed.losses.size());
    const double mean = sum / count;
    const double error = std::sqrt(std::max(0.0, squares / count - mean * mean) / count);
    bool pays = mean > kEnsembleErrors * error;
    if (pays && options.metric != "neg_log_loss" && options.metric != "neg_mean_squared_error")
      pays = MetricOf(options.metric, target, search.evaluated(), mixture).value_or(-1e18) >=
             single.score;
    // Prediction of large tables must stay fast: no slow company for trees.
    if (n > 20000)
      for (const auto& [trial, weight] : weights)
        pays = pays && (trials[trial].configuration.family <= Family::kLeafBoosted ||
                        trials[trial].configuration.family == Family::kLinear);
    if (!pays) weights.clear();
  }
  if (weights.size() <= 1) {
    weights = {{ranking[0], 1.0f}};
    mixture = trials[ranking[0]].outputs;
  }

  // All rows.
  Selection selection;
  selection.num_selected_rows = search.sample_size();
  selection.num_trials = search.num_trials();
  const double growth =
      1.1 *
      (1 + 0.12 * std::log2(static_cast<double>(n) / static_cast<double>(search.sample_size())));
  for (const auto& [trial, weight] : weights) {
    options.on_progress("Training", 0.75);
    Member& member = selection.members.emplace_back();
    member.configuration = trials[trial].adopted;
    member.weight = weight;
    if (member.configuration.settings.contains("rounds"))
      member.configuration.settings["rounds"] =
          std::ceil(member.configuration.settings["rounds"] * growth);
    member.learner = MakeLearner(member.configuration, target.num_classes);
    FitRequest request;
    request.data = &data;
    request.rows.resize(n);
    std::iota(request.rows.begin(), request.rows.end(), 0);
    // Machines on dense features gain little from more rows than this.
    constexpr size_t kDenseRows = 50000;
    if (!member.learner->uses_trees() && n > kDenseRows) {
      Random chooser(options.seed);
      chooser.Shuffle(&request.rows);
      request.rows.resize(kDenseRows);
      std::sort(request.rows.begin(), request.rows.end());
    }
    request.seed = options.seed;
    request.num_threads = options.num_threads;
    request.is_late = [&search] { return search.is_late(0.9); };
    member.learner->Fit(request);
  }
  if (target.is_classification()) {
    selection.temperature = FindTemperature(target, search.evaluated(), mixture);
    for (size_t i = 0; i < search.evaluated().size(); ++i)
      Calibrate(selection.temperature, target.num_classes, &mixture[i * target.num_classes]);
  }
  selection.score = MetricOf(options.metric, target, search.evaluated(), mixture).value_or(0);
  return selection;
}

}  // namespace sirocco::automl
