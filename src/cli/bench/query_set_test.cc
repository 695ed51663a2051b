#include "cli/bench/query_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sirocco::bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ParseQueryList, TakesNumbersAndRanges) {
  EXPECT_THAT(*ParseQueryList("3"), ElementsAre(3));
  EXPECT_THAT(*ParseQueryList("6,1,4-6"), ElementsAre(1, 4, 5, 6));
  EXPECT_EQ(ParseQueryList("")->size(), 22u);
  for (const char* bad : {"0", "23", "x", "1,", ",1", "1-", "-2", "5-3", "1 2", "4294967297"}) {
    EXPECT_FALSE(ParseQueryList(bad)) << bad;
  }
}

TEST(ReadQueries, ReadsAllAndScalesTheFractionOfQuery11) {
  const auto all = ReadQueries(SIROCCO_BENCH_FOLDER "/tpch/queries", *ParseQueryList(""), 1);
  ASSERT_TRUE(all) << all.error().ToString();
  ASSERT_EQ(all->size(), 22u);
  for (const BenchQuery& query : *all) {
    EXPECT_THAT(query.sql.substr(0, 6), testing::AnyOf("select", "with r"));
    EXPECT_NE(query.sql.back(), ';');
  }
  EXPECT_THAT((*all)[10].sql, HasSubstr("* 0.0001000000"));
  EXPECT_THAT((*ReadQueries(SIROCCO_BENCH_FOLDER "/tpch/queries", {11}, 0.1))[0].sql,
              HasSubstr("* 0.0010000000"));
  EXPECT_THAT((*ReadQueries(SIROCCO_BENCH_FOLDER "/tpch/queries", {11}, 10))[0].sql,
              HasSubstr("* 0.0000100000"));
  EXPECT_EQ(ReadQueries("/nowhere", {1}, 1).error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace sirocco::bench
