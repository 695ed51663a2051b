// Turns the columns of a table into the numbers that trees are grown on. Learned from the training
// rows and part of the model.
//
// Numbers stay as they are; dates become days, month, weekday and second of the day; strings with
// few values one 0/1 column per value, with many one column of ranks by frequency; TEXT columns
// counts of hashed words. NULL is NaN everywhere, which trees send its own way.
#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "automl/table.h"
#include "common/error.h"

namespace sirocco::automl {

class FeatureEncoding {
 public:
  // Learns from `rows`, leaving out column `target` (may be empty).
  static FeatureEncoding Learn(const Table& rows, const std::string& target);

  // The table columns, in order.
  const std::vector<ColumnSpec>& columns() const { return columns_; }
  size_t num_features() const { return owners_.size(); }
  // For each feature the index of its column.
  const std::vector<size_t>& owners() const { return owners_; }
  // Row-major, num_features() values per row. kInvalidArgument: a column is missing or of another
  // lane.
  Result<std::vector<float>> Encode(const Table& rows) const;

  nlohmann::json ToJson() const;
  static Result<FeatureEncoding> FromJson(const nlohmann::json& json);

 private:
  void SetOwners();
  size_t Width(size_t column) const;

  std::vector<ColumnSpec> columns_;
  // Of string columns: values by falling frequency.
  std::vector<std::vector<std::string>> categories_;
  std::vector<std::map<std::string, size_t, std::less<>>> ranks_;
  std::vector<size_t> owners_;
};

}  // namespace sirocco::automl
