#include "automl/preparation.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "automl/threads.h"
#include "automl/words.h"

namespace sirocco::automl {

namespace {

constexpr float kNull = std::numeric_limits<float>::quiet_NaN();
constexpr int64_t kMicrosPerDay = 86400ll * 1000000;
constexpr size_t kDateParts = 6;

// Days since 1970, year, month, day, weekday, second of the day.
void EncodeDate(int64_t micros, float* out) {
  const int64_t days =
      micros >= 0 ? micros / kMicrosPerDay : -((-micros + kMicrosPerDay - 1) / kMicrosPerDay);
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  out[0] = static_cast<float>(static_cast<double>(micros) / kMicrosPerDay);
  out[1] = static_cast<float>(static_cast<int>(date.year()));
  out[2] = static_cast<float>(static_cast<unsigned>(date.month()));
  out[3] = static_cast<float>(static_cast<unsigned>(date.day()));
  out[4] = static_cast<float>(((days % 7) + 11) % 7);  // 1970-01-01 was a Thursday
  out[5] = static_cast<float>(static_cast<double>(micros - days * kMicrosPerDay) / 1e6);
}

// Adds hashes of words and of pairs of neighbours.
void CollectTerms(std::string_view text, std::vector<uint32_t>* terms) {
  uint32_t before = 0;
  ForEachWord(text, [&](const std::string& word) {
    const uint32_t hash = HashWord(word);
    terms->push_back(hash);
    if (before != 0) terms->push_back(HashWord(word, before ^ 0x5bd1e995u));
    before = hash;
  });
}

std::unexpected<Error> Damaged() {
  return MakeError(ErrorCode::kCorrupt, "the model's description of columns is damaged");
}

}  // namespace

void Preparation::EncodeRow(const Plan& plan, const Column& column, size_t row, int fold,
                            float* out) const {
  const bool is_null = column.is_null[row] != 0;
  switch (plan.kind) {
    case Kind::kDropped:
      return;
    case Kind::kNumber: {
      const double number = is_null ? kNull : column.NumberAt(row) - plan.offset;
      out[0] = std::abs(number) < 3e38 ? static_cast<float>(number) : kNull;
      return;
    }
    case Kind::kDate:
      if (is_null || StorageOf(column.spec.kind) != Storage::kInteger)
        std::fill_n(out, kDateParts, kNull);
      else
        EncodeDate(column.i64[row], out);
      return;
    case Kind::kOneHot: {
      std::fill_n(out, plan.num_raw, 0.0f);
      if (is_null) {
        std::fill_n(out, plan.num_raw, kNull);
        return;
      }
      const auto found = plan.index.find(column.str[row]);
      if (found != plan.index.end() && found->second < plan.num_raw) out[found->second] = 1;
      return;
    }
    case Kind::kCode: {
      const std::vector<float>& codes =
          fold < 0 ? plan.codes : plan.fold_codes[static_cast<size_t>(fold)];
      const auto found = is_null ? plan.index.end() : plan.index.find(column.str[row]);
      const float* from =
          found == plan.index.end() ? plan.prior.data() : &codes[found->second * plan.num_raw];
      std::copy_n(from, plan.num_raw, out);
      return;
    }
    case Kind::kText: {
      std::fill_n(out, plan.num_raw, 0.0f);
      if (is_null) return;
      std::vector<uint32_t> terms;
      CollectTerms(column.str[row], &terms);
      std::sort(terms.begin(), terms.end());
      std::vector<double> scores(plan.num_scores, 0.0);
      double length = 0, known = 0;
      auto at = plan.terms.begin();
      for (size_t i = 0; i < terms.size();) {
        size_t end = i;
        while (end < terms.size() && terms[end] == terms[i]) ++end;
        at = std::lower_bound(at, plan.terms.end(), terms[i],
                              [](const Term& term, uint32_t hash) { return term.hash < hash; });
        if (at != plan.terms.end() && at->hash == terms[i]) {
          const double weight = (1 + std::log(static_cast<double>(end - i))) * at->rarity;
          length += weight * weight;
          known += 1;
          const auto term = static_cast<size_t>(at - plan.terms.begin());
          const float* own =
              fold < 0 ? at->scores.data()
                       : &plan.fold_scores[static_cast<size_t>(fold)][term * plan.num_scores];
          for (size_t k = 0; k < plan.num_scores; ++k) scores[k] += own[k];
          if (at->place >= 0) out[at->place] = static_cast<float>(weight);
        }
        i = end;
      }
      if (length > 0)
        for (size_t i = 0; i < plan.num_places; ++i)
          out[i] /= static_cast<float>(std::sqrt(length));
      for (size_t k = 0; k < plan.num_scores; ++k)
        out[plan.num_places + k] = static_cast<float>(scores[k] / std::sqrt(1 + known));
      out[plan.num_places + plan.num_scores] =
          static_cast<float>(std::log1p(static_cast<double>(column.str[row].size())));
      return;
    }
  }
}

Features Preparation::EncodeColumns(const std::vector<const Column*>& columns, size_t num_rows,
                                    const std::vector<uint8_t>* folds, bool with_tree,
                                    bool with_dense, size_t num_threads) const {
  Features features;
  if (with_tree) features.tree = Matrix(num_rows, tree_owners_.size());
  if (with_dense) features.dense = Matrix(num_rows, dense_owners_.size());
  features.tree.rows = features.dense.rows = num_rows;
  features.tree.cols = tree_owners_.size();
  features.dense.cols = dense_owners_.size();
  constexpr size_t kBlock = 2048;
  ParallelFor(num_threads, (num_rows + kBlock - 1) / kBlock, [&](size_t block) {
    const size_t end = std::min(num_rows, (block + 1) * kBlock);
    std::vector<float> raw;
    size_t tree_at = 0, dense_at = 0;
    for (size_t c = 0; c < plans_.size(); ++c) {
      const Plan& plan = plans_[c];
      if (plan.kind == Kind::kDropped) continue;
      raw.resize(plan.num_raw);
      for (size_t row = block * kBlock; row < end; ++row) {
        EncodeRow(plan, *columns[c], row, folds == nullptr ? -1 : (*folds)[row], raw.data());
        if (with_tree) std::copy(raw.begin(), raw.end(), features.tree.row(row) + tree_at);
        if (!with_dense) continue;
        float* dense = features.dense.row(row) + dense_at;
        for (size_t i = 0; i < plan.num_raw; ++i) {
          const Scale& scale = plan.scales[i];
          float value = std::isnan(raw[i]) ? scale.fill : raw[i];
          if (scale.is_tailed) value = std::asinh((value - scale.middle) / scale.spread);
          dense[i] = std::clamp((value - scale.mean) * scale.scale, -max_dense_, max_dense_);
        }
        if (plan.marks_null) dense[plan.num_raw] = columns[c]->is_null[row] != 0 ? 1.0f : 0.0f;
      }
      tree_at += plan.num_raw;
      dense_at += plan.num_raw + (plan.marks_null ? 1 : 0);
    }
  });
  return features;
}

void Preparation::SetOwners() {
  tree_owners_.clear();
  dense_owners_.clear();
  for (uint32_t c = 0; c < plans_.size(); ++c) {
    const Plan& plan = plans_[c];
    if (plan.kind == Kind::kDropped) continue;
    tree_owners_.insert(tree_owners_.end(), plan.num_raw, c);
    dense_owners_.insert(dense_owners_.end(), plan.num_raw + (plan.marks_null ? 1 : 0), c);
  }
}

Features Preparation::EncodeTraining(const Table& table, const std::vector<uint8_t>& folds,
                                     bool with_tree, bool with_dense, size_t num_threads) const {
  std::vector<const Column*> columns;
  for (const ColumnSpec& spec : columns_) columns.push_back(table.Find(spec.name));
  return EncodeColumns(columns, table.num_rows(), &folds, with_tree, with_dense, num_threads);
}

Result<Features> Preparation::Encode(const Table& table, bool with_tree, bool with_dense,
                                     size_t num_threads) const {
  std::vector<const Column*> columns;
  for (const ColumnSpec& spec : columns_) {
    const Column* column = table.Find(spec.name);
    if (column == nullptr)
      return MakeError(ErrorCode::kInvalidArgument,
                       "ML003011: Columns of provided data need to match those used for training. "
                       "Column " +
                           spec.name + " is missing.");
    if ((StorageOf(spec.kind) == Storage::kText) != column->is_text())
      return MakeError(ErrorCode::kInvalidArgument,
                       "ML003015: Column " + spec.name + " has type " + column->spec.type +
                           ", which does not match the type in training, " + spec.type + ".");
    columns.push_back(column);
  }
  return EncodeColumns(columns, table.num_rows(), nullptr, with_tree, with_dense, num_threads);
}

void Preparation::Save(ByteWriter* out) const {
  out->Put(max_dense_);
  out->Put(static_cast<uint32_t>(columns_.size()));
  for (size_t c = 0; c < columns_.size(); ++c) {
    const Plan& plan = plans_[c];
    out->PutString(columns_[c].name);
    out->Put(static_cast<uint8_t>(columns_[c].kind));
    out->PutString(columns_[c].type);
    out->Put(static_cast<uint8_t>(plan.kind));
    out->Put(static_cast<uint32_t>(plan.num_raw));
    out->Put(static_cast<uint8_t>(plan.marks_null));
    out->Put(plan.offset);
    for (const Scale& scale : plan.scales) {
      out->Put(static_cast<uint8_t>(scale.is_tailed));
      for (const float value : {scale.middle, scale.spread, scale.mean, scale.scale, scale.fill})
        out->Put(value);
    }
    out->Put(static_cast<uint32_t>(plan.levels.size()));
    for (const std::string& level : plan.levels) out->PutString(level);
    out->Put(static_cast<uint32_t>(plan.codes.size()));
    for (const float code : plan.codes) out->Put(code);
    out->Put(static_cast<uint32_t>(plan.prior.size()));
    for (const float code : plan.prior) out->Put(code);
    out->Put(static_cast<uint32_t>(plan.num_places));
    out->Put(static_cast<uint32_t>(plan.num_scores));
    out->Put(static_cast<uint32_t>(plan.terms.size()));
    for (const Term& term : plan.terms) {
      out->Put(term.hash);
      out->Put(term.rarity);
      out->Put(term.place);
      for (const float score : term.scores) out->Put(score);
    }
  }
}

Result<Preparation> Preparation::Load(ByteReader* in) {
  Preparation preparation;
  preparation.max_dense_ = in->Get<float>();
  if (!(preparation.max_dense_ > 0)) return Damaged();
  const uint32_t count = in->GetCount(20);
  for (uint32_t c = 0; c < count; ++c) {
    ColumnSpec& spec = preparation.columns_.emplace_back();
    Plan& plan = preparation.plans_.emplace_back();
    spec.name = in->GetString();
    spec.kind = in->GetEnum(ColumnKind::kFloat, ColumnKind::kYear);
    spec.type = in->GetString();
    plan.kind = in->GetEnum(Kind::kDropped, kLastKind);
    plan.num_raw = in->GetCount(21);
    plan.marks_null = in->GetBool();
    plan.offset = in->Get<double>();
    if (!in->ok()) return Damaged();
    for (size_t i = 0; i < plan.num_raw && plan.kind != Kind::kDropped; ++i) {
      Scale& scale = plan.scales.emplace_back();
      scale.is_tailed = in->GetBool();
      for (float* value : {&scale.middle, &scale.spread, &scale.mean, &scale.scale, &scale.fill})
        *value = in->Get<float>();
    }
    const uint32_t num_levels = in->GetCount(4);
    for (uint32_t i = 0; i < num_levels && in->ok(); ++i) {
      plan.levels.push_back(in->GetString());
      plan.index.emplace(plan.levels.back(), i);
    }
    const uint32_t num_codes = in->GetCount(4);
    for (uint32_t i = 0; i < num_codes && in->ok(); ++i) plan.codes.push_back(in->Get<float>());
    const uint32_t num_prior = in->GetCount(4);
    for (uint32_t i = 0; i < num_prior && in->ok(); ++i) plan.prior.push_back(in->Get<float>());
    plan.num_places = in->Get<uint32_t>();
    plan.num_scores = in->Get<uint32_t>();
    const uint32_t num_terms = in->GetCount(12);
    if (!in->ok() || plan.num_scores > 100000) return Damaged();
    for (uint32_t i = 0; i < num_terms && in->ok(); ++i) {
      Term& term = plan.terms.emplace_back();
      term.hash = in->Get<uint32_t>();
      term.rarity = in->Get<float>();
      term.place = in->Get<int32_t>();
      for (size_t k = 0; k < plan.num_scores && in->ok(); ++k)
        term.scores.push_back(in->Get<float>());
      const bool is_sound = term.place >= -1 &&
                            term.place < static_cast<int64_t>(plan.num_places) &&
                            (i == 0 || plan.terms[i - 1].hash < term.hash);
      if (!is_sound) return Damaged();
    }
    if (!in->ok()) return Damaged();
    const bool is_text = StorageOf(spec.kind) == Storage::kText;
    bool is_sound = true;
    switch (plan.kind) {
      case Kind::kDropped:
        is_sound = plan.num_raw == 0 && !plan.marks_null;
        break;
      case Kind::kNumber:
        is_sound = plan.num_raw == 1 && !is_text;
        break;
      case Kind::kDate:
        is_sound = plan.num_raw == kDateParts && !is_text;
        break;
      case Kind::kOneHot:
        is_sound = is_text && plan.num_raw >= 1;
        break;
      case Kind::kCode:
        is_sound = is_text && plan.num_raw >= 1 && plan.prior.size() == plan.num_raw &&
                   plan.codes.size() == plan.levels.size() * plan.num_raw;
        break;
      case Kind::kText:
        is_sound = is_text && plan.num_raw == plan.num_places + plan.num_scores + 1;
        break;
    }
    if (!is_sound) return Damaged();
  }
  preparation.SetOwners();
  return preparation;
}

}  // namespace sirocco::automl
