// Learning a preparation: what each column holds, and what its codes are.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "automl/preparation.h"
#include "automl/threads.h"
#include "automl/words.h"

namespace sirocco::automl {

namespace {

// Categories with more levels than this get codes; trees split 0/1 features one level at a time.
constexpr size_t kMaxOneHot = 20;
constexpr size_t kMaxLevels = 20000;
constexpr size_t kMaxCodeClasses = 12;
constexpr double kCodeWeight = 10;  // rows' worth of the overall mean in a level's code
// A name column is dropped if more than this part of its values is unlike all others.
constexpr double kMaxDistinct = 0.9;
constexpr size_t kMaxTerms = 4000, kMaxPlaces = 96;
constexpr double kTermPrior = 0.5;
constexpr size_t kMaxTermClasses = 12;
constexpr float kTail = 5;  // standard deviations

// The target as a few classes: its own, or quarters of its values.
struct Classes {
  size_t count = 0;
  std::vector<uint32_t> of_row;
};

Classes ClassesOf(const Target& target) {
  Classes classes;
  if (target.is_classification()) {
    classes.count = std::min(target.num_classes, kMaxTermClasses);
    for (const float value : target.values)
      classes.of_row.push_back(
          std::min(static_cast<uint32_t>(value), static_cast<uint32_t>(classes.count - 1)));
    return classes;
  }
  std::vector<float> sorted = target.values;
  std::sort(sorted.begin(), sorted.end());
  const size_t n = sorted.size();
  const float cuts[] = {sorted[n / 4], sorted[n / 2], sorted[3 * n / 4]};
  classes.count = 4;
  for (const float value : target.values)
    classes.of_row.push_back(
        static_cast<uint32_t>(std::upper_bound(std::begin(cuts), std::end(cuts), value) - cuts));
  return classes;
}

}  // namespace

// Learns the plan of one column.
class Preparation::Learner {
 public:
  Learner(const Column& column, const Target& target, const std::vector<uint8_t>& folds,
          bool is_kept)
      : column_(column), target_(target), folds_(folds), is_kept_(is_kept) {}

  Plan Learn() {
    const size_t n = column_.is_null.size();
    num_null_ = static_cast<size_t>(
        std::count_if(column_.is_null.begin(), column_.is_null.end(), [](uint8_t b) { return b; }));
    if (num_null_ == n) return plan_;
    switch (column_.spec.kind) {
      case ColumnKind::kText:
        LearnText();
        break;
      case ColumnKind::kString:
        LearnString();
        break;
      case ColumnKind::kDate:
      case ColumnKind::kDateTime:
        LearnDate();
        break;
      default:
        LearnNumber();
    }
    plan_.marks_null =
        plan_.kind != Kind::kDropped && plan_.kind != Kind::kText && num_null_ * 200 > n;
    return std::move(plan_);
  }

 private:
  void LearnNumber() {
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (size_t row = 0; row < column_.is_null.size(); ++row) {
      if (column_.is_null[row]) continue;
      const double value = column_.NumberAt(row);
      if (!std::isfinite(value)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
    // With NULLs, whether a value is there may say something.
    if (!(low < high) && num_null_ == 0) return;
    if (!(low <= high)) return;
    plan_.kind = Kind::kNumber;
    plan_.num_raw = 1;
    // Floats keep 24 bits: far from zero, differences would be lost.
    if (std::max(std::abs(low), std::abs(high)) > 1e6 &&
        std::max(std::abs(low), std::abs(high)) > 20 * (high - low))
      plan_.offset = std::round(low);
  }

  void LearnDate() {
    plan_.kind = Kind::kDate;
    plan_.num_raw = 6;
    const auto [low, high] = std::minmax_element(column_.i64.begin(), column_.i64.end());
    if (*low == *high && num_null_ == 0) plan_ = {};
  }

  void LearnString() {
    std::map<std::string_view, size_t> counts;
    size_t num_words = 0, num_values = 0;
    for (size_t row = 0; row < column_.str.size(); ++row) {
      if (column_.is_null[row]) continue;
      ++counts[column_.str[row]];
      ++num_values;
      if (num_values <= 1000)
        ForEachWord(column_.str[row], [&](const std::string&) { ++num_words; });
    }
    if (counts.size() < 2 && num_null_ == 0) return;
    const double distinct = static_cast<double>(counts.size()) / static_cast<double>(num_values);
    const bool is_prose = num_words > 3 * std::min<size_t>(num_values, 1000) && distinct > 0.3;
    if (counts.size() > 50 && is_prose) return LearnText();
    if (counts.size() > 20 && distinct > kMaxDistinct && !is_kept_) return;
    std::vector<std::pair<size_t, std::string_view>> order;
    for (const auto& [text, count] : counts) order.emplace_back(count, text);
    std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    order.resize(std::min(order.size(), kMaxLevels));
    for (const auto& [count, text] : order) {
      plan_.index.emplace(text, static_cast<uint32_t>(plan_.levels.size()));
      plan_.levels.emplace_back(text);
    }
    if (plan_.levels.size() <= kMaxOneHot) {
      plan_.kind = Kind::kOneHot;
      // Of two levels without NULL one says all.
      plan_.num_raw = plan_.levels.size() == 2 && num_null_ == 0 ? 1 : plan_.levels.size();
      return;
    }
    LearnCodes();
  }

  // Per level the shares of the classes, or the mean, drawn towards the overall ones; and the
  // logarithm of the number of rows.
  void LearnCodes() {
    const size_t k = !target_.is_classification() ? 1
                     : target_.num_classes == 2   ? 1
                                                  : std::min(target_.num_classes, kMaxCodeClasses);
    const size_t levels = plan_.levels.size();
    plan_.kind = Kind::kCode;
    plan_.num_raw = k + 1;
    std::vector<std::vector<double>> sums(kFolds, std::vector<double>(levels * k, 0.0));
    std::vector<std::vector<double>> counts(kFolds, std::vector<double>(levels, 0.0));
    std::vector<double> mean(k, 0.0);
    double total = 0;
    for (size_t row = 0; row < column_.str.size(); ++row) {
      const auto value = [&](size_t i) -> double {
        if (!target_.is_classification()) return target_.values[row];
        return target_.class_at(row) == (target_.num_classes == 2 ? 1 : i) ? 1 : 0;
      };
      for (size_t i = 0; i < k; ++i) mean[i] += value(i);
      ++total;
      if (column_.is_null[row]) continue;
      const auto found = plan_.index.find(column_.str[row]);
      if (found == plan_.index.end()) continue;
      const size_t fold = folds_[row];
      ++counts[fold][found->second];
      for (size_t i = 0; i < k; ++i) sums[fold][found->second * k + i] += value(i);
    }
    for (double& value : mean) value /= total;
    for (const double value : mean) plan_.prior.push_back(static_cast<float>(value));
    plan_.prior.push_back(0);
    const auto codes = [&](size_t without) {
      std::vector<float> result;
      for (size_t level = 0; level < levels; ++level) {
        double count = 0;
        std::vector<double> sum(k, 0.0);
        for (size_t fold = 0; fold < kFolds; ++fold) {
          if (fold == without) continue;
          count += counts[fold][level];
          for (size_t i = 0; i < k; ++i) sum[i] += sums[fold][level * k + i];
        }
        for (size_t i = 0; i < k; ++i)
          result.push_back(
              static_cast<float>((sum[i] + kCodeWeight * mean[i]) / (count + kCodeWeight)));
        double all = 0;
        for (size_t fold = 0; fold < kFolds; ++fold) all += counts[fold][level];
        result.push_back(static_cast<float>(std::log1p(all)));
      }
      return result;
    };
    plan_.codes = codes(kFolds);
    for (size_t fold = 0; fold < kFolds; ++fold) plan_.fold_codes.push_back(codes(fold));
  }

  void LearnText() {
    const Classes classes = ClassesOf(target_);
    const size_t k = classes.count, n = column_.str.size();
    // Terms of each row once, and in how many rows a term is.
    std::vector<std::vector<uint32_t>> rows(n);
    std::unordered_map<uint32_t, uint32_t> frequency;
    for (size_t row = 0; row < n; ++row) {
      if (column_.is_null[row]) continue;
      CollectOnce(column_.str[row], &rows[row]);
      for (const uint32_t term : rows[row]) ++frequency[term];
    }
    std::vector<std::pair<uint32_t, uint32_t>> order;  // frequency, term
    for (const auto& [term, count] : frequency)
      if (count >= 2 && count <= n - n / 20) order.emplace_back(count, term);
    std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    order.resize(std::min(order.size(), kMaxTerms));
    if (order.empty()) return;
    plan_.kind = Kind::kText;
    for (const auto& [count, term] : order)
      plan_.terms.push_back(
          {term,
           static_cast<float>(std::log((1.0 + static_cast<double>(n)) / (1.0 + count)) + 1),
           -1,
           {}});
    std::sort(plan_.terms.begin(), plan_.terms.end(),
              [](const Term& a, const Term& b) { return a.hash < b.hash; });
    const size_t v = plan_.terms.size();
    std::vector<std::vector<double>> counts(kFolds, std::vector<double>(v * k, 0.0));
    std::vector<std::vector<double>> totals(kFolds, std::vector<double>(k, 0.0));
    for (size_t row = 0; row < n; ++row) {
      const size_t fold = folds_[row], own = classes.of_row[row];
      ++totals[fold][own];
      for (const uint32_t term : rows[row]) {
        const auto found =
            std::lower_bound(plan_.terms.begin(), plan_.terms.end(), term,
                             [](const Term& a, uint32_t hash) { return a.hash < hash; });
        if (found == plan_.terms.end() || found->hash != term) continue;
        ++counts[fold][static_cast<size_t>(found - plan_.terms.begin()) * k + own];
      }
    }
    // Log of how much more frequent a term is in a class than on the whole.
    std::vector<double> contrast(v, 0.0);
    const auto scores = [&](size_t without) {
      std::vector<double> total(k, 0.0);
      double rows_in_all = 0;
      for (size_t fold = 0; fold < kFolds; ++fold)
        for (size_t i = 0; i < k && fold != without; ++i) {
          total[i] += totals[fold][i];
          rows_in_all += totals[fold][i];
        }
      std::vector<float> result(v * k);
      for (size_t term = 0; term < v; ++term) {
        std::vector<double> own(k, 0.0);
        double in_all = 0;
        for (size_t fold = 0; fold < kFolds; ++fold)
          for (size_t i = 0; i < k && fold != without; ++i) {
            own[i] += counts[fold][term * k + i];
            in_all += counts[fold][term * k + i];
          }
        const double share = (in_all + kTermPrior) / (rows_in_all + 2 * kTermPrior);
        double chi = 0;
        for (size_t i = 0; i < k; ++i) {
          const double expected = std::max(1e-9, share * total[i]);
          result[term * k + i] =
              static_cast<float>(std::log((own[i] + 2 * share) / (total[i] + 2) / share));
          chi += (own[i] - expected) * (own[i] - expected) / expected;
        }
        if (without == kFolds) contrast[term] = chi;
      }
      return result;
    };
    for (size_t fold = 0; fold < kFolds; ++fold) plan_.fold_scores.push_back(scores(fold));
    const std::vector<float> all = scores(kFolds);
    for (size_t term = 0; term < v; ++term)
      plan_.terms[term].scores.assign(&all[term * k], &all[term * k] + k);
    std::vector<uint32_t> best(v);
    std::iota(best.begin(), best.end(), 0);
    std::stable_sort(best.begin(), best.end(),
                     [&](uint32_t a, uint32_t b) { return contrast[a] > contrast[b]; });
    plan_.num_places = std::min(v, kMaxPlaces);
    for (size_t i = 0; i < plan_.num_places; ++i)
      plan_.terms[best[i]].place = static_cast<int32_t>(i);
    plan_.num_scores = k;
    plan_.num_raw = plan_.num_places + k + 1;
  }

  static void CollectOnce(std::string_view text, std::vector<uint32_t>* terms) {
    uint32_t before = 0;
    ForEachWord(text, [&](const std::string& word) {
      const uint32_t hash = HashWord(word);
      terms->push_back(hash);
      if (before != 0) terms->push_back(HashWord(word, before ^ 0x5bd1e995u));
      before = hash;
    });
    std::sort(terms->begin(), terms->end());
    terms->erase(std::unique(terms->begin(), terms->end()), terms->end());
  }

  const Column& column_;
  const Target& target_;
  const std::vector<uint8_t>& folds_;
  const bool is_kept_;
  size_t num_null_ = 0;
  Plan plan_;
};

namespace {

// Numbers of a feature that are there, at up to 20,000 rows.
std::vector<float> SampleOf(const Matrix& raw, size_t feature) {
  std::vector<float> values;
  const size_t step = std::max<size_t>(1, raw.rows / 20000);
  for (size_t row = 0; row < raw.rows; row += step)
    if (!std::isnan(raw.row(row)[feature])) values.push_back(raw.row(row)[feature]);
  std::sort(values.begin(), values.end());
  return values;
}

}  // namespace

Preparation Preparation::Learn(const Table& table, const std::string& target_name,
                               const Target& target, const std::vector<uint8_t>& folds,
                               const std::vector<std::string>& kept, size_t num_threads,
                               bool keeps_tails) {
  Preparation preparation;
  if (keeps_tails) preparation.max_dense_ = 1000;
  std::vector<const Column*> columns;
  for (const Column& column : table.columns()) {
    if (column.spec.name == target_name) continue;
    preparation.columns_.push_back(column.spec);
    columns.push_back(&column);
  }
  preparation.plans_.resize(columns.size());
  ParallelFor(num_threads, columns.size(), [&](size_t c) {
    const bool is_kept = std::find(kept.begin(), kept.end(), columns[c]->spec.name) != kept.end();
    Plan& plan = preparation.plans_[c];
    plan = Learner(*columns[c], target, folds, is_kept).Learn();
    plan.scales.resize(plan.num_raw);
    if (plan.kind == Kind::kDropped) return;
    const size_t n = table.num_rows(), step = std::max<size_t>(1, n / 20000);
    Matrix raw((n + step - 1) / step, plan.num_raw);
    for (size_t row = 0, at = 0; row < n; row += step, ++at)
      preparation.EncodeRow(plan, *columns[c], row, folds[row], raw.row(at));
    for (size_t i = 0; i < plan.num_raw; ++i) {
      Scale& scale = plan.scales[i];
      const std::vector<float> sorted = SampleOf(raw, i);
      if (sorted.empty()) {
        scale.scale = 0;
        continue;
      }
      scale.fill = sorted[sorted.size() / 2];
      const auto moments = [&](float* mean, float* deviation) {
        double sum = 0, squares = 0;
        for (float value : sorted) {
          if (scale.is_tailed) value = std::asinh((value - scale.middle) / scale.spread);
          sum += value;
          squares += static_cast<double>(value) * value;
        }
        const auto count = static_cast<double>(sorted.size());
        *mean = static_cast<float>(sum / count);
        *deviation = static_cast<float>(
            std::sqrt(std::max(0.0, squares / count - (sum / count) * (sum / count))));
      };
      float deviation = 0;
      moments(&scale.mean, &deviation);
      if (plan.kind == Kind::kOneHot) {
        // 0/1 features stay comparable: rare ones are not blown up.
        scale.fill = scale.mean;
        scale.scale = 1;
        continue;
      }
      const bool is_tailed = !keeps_tails && deviation > 0 &&
                             (sorted.back() - scale.mean > kTail * deviation ||
                              scale.mean - sorted.front() > kTail * deviation);
      if (is_tailed && plan.kind == Kind::kNumber) {
        const float spread = sorted[sorted.size() * 3 / 4] - sorted[sorted.size() / 4];
        scale.is_tailed = true;
        scale.middle = scale.fill;
        scale.spread = spread > 0 ? spread / 1.35f : deviation;
        moments(&scale.mean, &deviation);
      }
      scale.scale = deviation > 1e-12f * (1 + std::abs(scale.mean)) ? 1 / deviation : 0;
    }
  });
  preparation.SetOwners();
  return preparation;
}

}  // namespace sirocco::automl
