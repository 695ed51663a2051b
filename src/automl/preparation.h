// Turns the columns of a table into numbers for learners, in two forms: for trees (raw numbers,
// NULL is NaN) and dense (standardised, NULL filled in and marked). Learned from the training rows,
// part of the model.
//
// Per column, by what is in it: numbers (dense: heavy tails drawn in); categories with few values
// as 0/1 per value, with many as smoothed means of the target and their frequency; dates as parts;
// text as weights of its most telling words and scores of a naive Bayes over all of its words.
// Codes that look at the target are computed out of fold for the training rows. Constant columns
// and names that hardly repeat are dropped. Threads: const methods from any.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "automl/matrix.h"
#include "automl/table.h"
#include "automl/target.h"
#include "common/bytes.h"
#include "common/error.h"

namespace sirocco::automl {

struct Features {
  Matrix tree, dense;
};

class Preparation {
 public:
  static constexpr size_t kFolds = 5;

  // Learns from the rows of `table`, leaving out column `target_name`. `folds`: 0 .. kFolds - 1 per
  // row. `kept`: columns that are not dropped. `keeps_tails`: far values stay far in dense
  // features.
  static Preparation Learn(const Table& table, const std::string& target_name, const Target& target,
                           const std::vector<uint8_t>& folds, const std::vector<std::string>& kept,
                           size_t num_threads, bool keeps_tails = false);

  // The table's columns besides the target, in order.
  const std::vector<ColumnSpec>& columns() const { return columns_; }
  // Whether a column is used at all.
  bool is_used(size_t column) const { return plans_[column].kind != Kind::kDropped; }
  // For each feature the index of its column.
  const std::vector<uint32_t>& tree_owners() const { return tree_owners_; }
  const std::vector<uint32_t>& dense_owners() const { return dense_owners_; }

  // Of the training rows, `folds` as in Learn. Of them only `rows`, if not null.
  Features EncodeTraining(const Table& table, const std::vector<uint8_t>& folds, bool with_tree,
                          bool with_dense, size_t num_threads) const;
  // Of new rows. kInvalidArgument: a column is missing or of another storage.
  Result<Features> Encode(const Table& table, bool with_tree, bool with_dense,
                          size_t num_threads) const;

  void Save(ByteWriter* out) const;
  static Result<Preparation> Load(ByteReader* in);

 private:
  enum class Kind : uint8_t { kDropped, kNumber, kOneHot, kCode, kDate, kText };
  static constexpr Kind kLastKind = Kind::kText;
  // How one tree feature becomes one dense feature.
  struct Scale {
    bool is_tailed = false;
    float middle = 0, spread = 1;  // of the tail's transformation
    float mean = 0, scale = 1, fill = 0;
  };
  struct Term {
    uint32_t hash = 0;
    float rarity = 0;
    int32_t place = -1;         // among the features with a weight of their own
    std::vector<float> scores;  // per class
  };
  struct Plan {
    Kind kind = Kind::kDropped;
    size_t num_raw = 0;       // features, before dense ones are derived
    bool marks_null = false;  // dense: a further feature
    double offset = 0;        // subtracted from numbers before they become floats
    std::vector<Scale> scales;
    std::vector<std::string> levels;
    std::map<std::string, uint32_t, std::less<>> index;
    std::vector<float> codes, prior;  // per level num_codes numbers; of unknown levels
    std::vector<Term> terms;          // by ascending hash
    size_t num_places = 0, num_scores = 0;
    // While training only: codes and term scores without one fold.
    std::vector<std::vector<float>> fold_codes, fold_scores;
  };
  class Learner;

  // `fold` < 0: not a training row.
  void EncodeRow(const Plan& plan, const Column& column, size_t row, int fold, float* out) const;
  Features EncodeColumns(const std::vector<const Column*>& columns, size_t num_rows,
                         const std::vector<uint8_t>* folds, bool with_tree, bool with_dense,
                         size_t num_threads) const;
  void SetOwners();

  float max_dense_ = 8;  // standard deviations
  std::vector<ColumnSpec> columns_;
  std::vector<Plan> plans_;
  std::vector<uint32_t> tree_owners_, dense_owners_;
};

}  // namespace sirocco::automl
