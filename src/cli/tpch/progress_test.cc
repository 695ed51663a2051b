#include "cli/tpch/progress.h"

#include <gtest/gtest.h>

namespace sirocco::tpch {
namespace {

TEST(WithCommas, GroupsThreeDigits) {
  EXPECT_EQ(WithCommas(0), "0");
  EXPECT_EQ(WithCommas(999), "999");
  EXPECT_EQ(WithCommas(1000), "1,000");
  EXPECT_EQ(WithCommas(6001215), "6,001,215");
  EXPECT_EQ(WithCommas(-123), "-123");
  EXPECT_EQ(WithCommas(-123456), "-123,456");
}

}  // namespace
}  // namespace sirocco::tpch
