// Keeps the statistics of a column true while rows come: bounds and NULLs of all rows that are or
// were there, an upper estimate of distinct values, whether 64 bits are enough. Nothing shrinks
// when rows go: what the compiler relies on must cover every visible value. Not thread safe.
#pragma once

#include <optional>

#include "engine/storage/cell.h"
#include "engine/storage/distinct_counter.h"
#include "engine/storage/growing_dictionary.h"
#include "plan/table_schema.h"

namespace sirocco::engine {

class ColumnTracker {
 public:
  // `dictionary`: of the column, or null; must outlive the tracker.
  ColumnTracker(const plan::ColumnSchema& schema, plan::ColumnStatistics base, Lane scan_lane,
                GrowingDictionary* dictionary);

  void Add(const Cell& cell);
  // Facts of a snapshot that sees `num_rows` rows.
  plan::ColumnStatistics Statistics(uint64_t num_rows) const;
  // The lane in which scans deliver the column.
  Lane scan_lane() const { return scan_lane_; }

 private:
  void AddCode(uint32_t code);

  Lane lane_;  // of the type
  bool is_unsigned_;
  Lane scan_lane_;
  plan::ColumnStatistics base_;
  GrowingDictionary* dictionary_;
  const mysqlsem::Collation* collation_ = nullptr;  // of the dictionary
  std::optional<DistinctCounter> distinct_;         // of the rows that came
  // Its estimate, which takes some microseconds, and the rows since: together never too low.
  mutable double estimate_ = 0;
  mutable uint64_t rows_since_estimate_ = 0;
  bool any_ = false;                      // bounds below are set
  int128 min_ = 0, max_ = 0;              // integers; doubles: OrderedBits
  uint32_t known_codes_ = 0;              // codes from here on are news to the bounds
  uint32_t min_code_ = 0, max_code_ = 0;  // if any_
};

}  // namespace sirocco::engine
