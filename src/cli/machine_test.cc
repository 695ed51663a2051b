#include "cli/machine.h"

#include <gtest/gtest.h>

namespace sirocco::cli {
namespace {

TEST(Machine, HasMemoryAndCores) {
  EXPECT_GT(MachineMemoryBytes(), 1u << 20);
  EXPECT_GE(MachineCores(), 1u);
}

TEST(Machine, ParsesSizes) {
  EXPECT_EQ(ParseSize("1024").value(), 1024u);
  EXPECT_EQ(ParseSize("8K").value(), 8192u);
  EXPECT_EQ(ParseSize("512m").value(), 512ull << 20);
  EXPECT_EQ(ParseSize("4G").value(), 4ull << 30);
  EXPECT_EQ(ParseSize("2T").value(), 2ull << 40);
  for (const char* bad : {"", "G", "4GB", "-1", "1.5G", "99999999999T", "18446744073709551616"}) {
    EXPECT_FALSE(ParseSize(bad).has_value()) << bad;
  }
}

TEST(Machine, FormatsSizesAndDurations) {
  EXPECT_EQ(FormatSize(6ull << 30), "6144M");
  EXPECT_EQ(FormatSize(1), "1M");
  EXPECT_EQ(FormatDuration(7), "7 s");
  EXPECT_EQ(FormatDuration(306), "5 min 6 s");
  EXPECT_EQ(FormatDuration(90061), "1 d 1 h");
}

}  // namespace
}  // namespace sirocco::cli
