#include "cli/bench/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sirocco::bench {
namespace {

using testing::HasSubstr;

BenchReport TwoQueries() {
  BenchReport report{
      .header = {{"benchmark", "tpch"}}, .engine = "rapid", .checked_against = "InnoDB"};
  report.ours = {{.query = 1, .num_rows = 4, .runs_ms = {12, 10, 11}, .offloaded = true},
                 {.query = 6, .num_rows = 1, .runs_ms = {4, 4}, .offloaded = true}};
  report.peer = {{.query = 1, .num_rows = 4, .runs_ms = {22}},
                 {.query = 6, .num_rows = 1, .runs_ms = {2}}};
  return report;
}

TEST(Measurement, MedianMinAndGeometricMean) {
  EXPECT_EQ(Median({}), 0);
  EXPECT_EQ(Median({3}), 3);
  EXPECT_EQ(Median({9, 1, 5}), 5);
  EXPECT_EQ(Median({9, 1, 5, 7}), 6);
  EXPECT_DOUBLE_EQ(GeometricMean({2, 8}), 4);
  EXPECT_EQ(GeometricMean({}), 0);
}

TEST(Report, ComputesRatiosOfMedians) {
  const auto json = ToJson(TwoQueries());
  EXPECT_EQ(json["total_ms"], 15);
  EXPECT_EQ(json["peer_total_ms"], 24);
  EXPECT_DOUBLE_EQ(json["total_ratio"], 0.625);
  EXPECT_DOUBLE_EQ(json["geomean_ratio"], 1.0);
  EXPECT_DOUBLE_EQ(json["queries"][0]["ratio"], 0.5);
  EXPECT_EQ(json["queries"][0]["min_ms"], 10);
  EXPECT_EQ(json["offloaded"], 2);
  EXPECT_EQ(json["passed"], true);
  EXPECT_THAT(ToTable(TwoQueries()), HasSubstr("total_ratio 0.625, geomean_ratio 1.000"));
}

TEST(Report, FailedQueriesCountOnNeitherSideOfTheRatio) {
  BenchReport report = TwoQueries();
  report.ours[0].runs_ms.clear();
  report.ours[0].error = "error 1064: no";
  const auto json = ToJson(report);
  EXPECT_EQ(json["compared_queries"], 1);
  EXPECT_DOUBLE_EQ(json["total_ratio"], 2.0);
  EXPECT_EQ(json["passed"], false);
  EXPECT_EQ(json["queries"][0]["error"], "error 1064: no");
  EXPECT_FALSE(json["queries"][0].contains("ratio"));
}

TEST(Report, WrongAnswersAndInnodbRunsDoNotPass) {
  BenchReport report = TwoQueries();
  report.ours[1].offloaded = false;
  EXPECT_FALSE(report.Passed());
  EXPECT_THAT(ToTable(report), HasSubstr("not offloaded"));
  report.engine = "innodb";
  EXPECT_TRUE(report.Passed());
  report.peer[0].difference = "row 1";
  EXPECT_FALSE(report.Passed());
  report = TwoQueries();
  report.ours[0].difference = "row 2";
  report.ours[0].checked = true;
  EXPECT_FALSE(report.Passed());
  EXPECT_EQ(ToJson(report)["queries"][0]["answer_equal"], false);
  EXPECT_FALSE(ToJson(report)["queries"][1].contains("answer_equal"));
  EXPECT_THAT(ToTable(report), HasSubstr("not checked"));
}

}  // namespace
}  // namespace sirocco::bench
