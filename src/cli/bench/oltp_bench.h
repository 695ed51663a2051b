// `sirocco bench oltp`: what transactions cost while their tables are loaded into RAPID, and while
// analytic queries run on them; and how soon a committed change is in RAPID's answers.
//
// Rounds of three phases, so that drift of the machine hits all alike: "off" (no secondary engine),
// "loaded" (tables loaded, a probe commits and at once asks RAPID), "analytic" (also one client
// with offloaded queries without pause).
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/bench/oltp_workload.h"
#include "common/error.h"

namespace sirocco::bench {

struct OltpBenchOptions {
  std::filesystem::path option_file;  // login, group [client]
  std::string system;                 // for the report
  std::string database = "oltp_bench";
  OltpScale scale;
  int num_clients = 4;
  int num_rounds = 3;
  int phase_seconds = 20;
};

// Times of one kind of work, sorted.
class Latencies {
 public:
  explicit Latencies(std::vector<double> ms);
  size_t count() const { return ms_.size(); }
  // `share` of the values are at most this; 0 for none.
  double Percentile(double share) const;
  nlohmann::json ToJson() const;

 private:
  std::vector<double> ms_;
};

struct OltpPhase {
  std::string name;
  double seconds = 0;
  uint64_t deadlocks = 0;
  Latencies transactions{{}}, queries{{}}, probes{{}};
  uint64_t stale_probes = 0;  // answers without the change committed before: must be 0

  double TransactionsPerSecond() const;
};

struct OltpReport {
  nlohmann::json header;
  std::vector<OltpPhase> phases;  // in the order they ran

  bool Passed() const;  // no stale answer
  nlohmann::json ToJson() const;
  std::string ToTable() const;
};

// Reports progress on standard error.
Result<OltpReport> BenchOltp(const OltpBenchOptions& options);

}  // namespace sirocco::bench
