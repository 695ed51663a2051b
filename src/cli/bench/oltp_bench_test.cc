#include "cli/bench/oltp_bench.h"

#include <gtest/gtest.h>

namespace sirocco::bench {
namespace {

OltpPhase Phase(const char* name, double seconds, std::vector<double> transactions) {
  OltpPhase phase;
  phase.name = name;
  phase.seconds = seconds;
  phase.transactions = Latencies(std::move(transactions));
  return phase;
}

TEST(Latencies, Percentiles) {
  std::vector<double> ms;
  for (int i = 100; i >= 1; --i) ms.push_back(i);
  const Latencies latencies(ms);
  EXPECT_EQ(latencies.Percentile(0), 1);
  EXPECT_EQ(latencies.Percentile(0.5), 51);
  EXPECT_EQ(latencies.Percentile(0.99), 100);
  EXPECT_EQ(latencies.Percentile(1), 100);
  EXPECT_EQ(Latencies({}).Percentile(0.5), 0);
}

TEST(OltpReport, RatiosAreMeansOverRounds) {
  OltpReport report;
  report.phases = {Phase("off", 1, {1, 1, 1, 1}), Phase("loaded", 1, {2, 2}),
                   Phase("off", 1, {3, 3, 3, 3}), Phase("loaded", 1, {4, 4})};
  const auto json = report.ToJson();
  EXPECT_DOUBLE_EQ(json["throughput_loaded_to_off"].get<double>(), 0.5);
  EXPECT_DOUBLE_EQ(json["p99_loaded_to_off"].get<double>(), 1.5);
  EXPECT_EQ(json["throughput_analytic_to_off"].get<double>(), 0);
  EXPECT_EQ(json["phases"].size(), 4u);
}

TEST(OltpReport, StaleAnswersFail) {
  OltpReport report;
  report.phases = {Phase("loaded", 1, {1})};
  EXPECT_TRUE(report.Passed());
  report.phases[0].stale_probes = 1;
  EXPECT_FALSE(report.Passed());
  EXPECT_NE(report.ToTable().find("STALE"), std::string::npos);
}

}  // namespace
}  // namespace sirocco::bench
