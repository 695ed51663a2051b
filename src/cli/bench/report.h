// The report of a benchmark: a table for people and a JSON object for files.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/bench/measurement.h"

namespace sirocco::bench {

struct BenchReport {
  nlohmann::json header;  // machine, versions, settings
  std::string engine;     // "rapid" or "innodb"
  std::string checked_against;
  std::vector<Measurement> ours;
  std::vector<Measurement> peer;  // empty, or the same queries in the same order

  // All queries ran, gave the right answer, and were offloaded if they should be.
  bool Passed() const;
};

// Ratios are ours / peer of medians, over the queries both sides ran; totals of all queries of a
// side that ran.
nlohmann::json ToJson(const BenchReport& report);
std::string ToTable(const BenchReport& report);

}  // namespace sirocco::bench
