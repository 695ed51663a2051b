#include "plugin/load/column_comment.h"

#include <gtest/gtest.h>

namespace sirocco::plugin {
namespace {

TEST(ColumnComment, OtherTextIsIgnored) {
  plan::ColumnSchema column;
  ASSERT_TRUE(ParseColumnComment("the customer's name", &column));
  EXPECT_EQ(column.encoding, plan::EncodingHint::kAuto);
  EXPECT_EQ(column.placement_index, 0);
}

TEST(ColumnComment, DirectivesAmongText) {
  plan::ColumnSchema column;
  ASSERT_TRUE(ParseColumnComment(
      "name RAPID_COLUMN=ENCODING=SORTED, RAPID_COLUMN=DATA_PLACEMENT_KEY=16 end", &column));
  EXPECT_EQ(column.encoding, plan::EncodingHint::kSorted);
  EXPECT_EQ(column.placement_index, 16);
  plan::ColumnSchema varlen;
  ASSERT_TRUE(ParseColumnComment("RAPID_COLUMN=ENCODING=VARLEN", &varlen));
  EXPECT_EQ(varlen.encoding, plan::EncodingHint::kVarlen);
}

TEST(ColumnComment, WrongDirectivesAreErrors) {
  for (const char* comment :
       {"RAPID_COLUMN=", "RAPID_COLUMN=ENCODING=", "RAPID_COLUMN=ENCODING=sorted",
        "RAPID_COLUMN=DATA_PLACEMENT_KEY=", "RAPID_COLUMN=DATA_PLACEMENT_KEY=0",
        "RAPID_COLUMN=DATA_PLACEMENT_KEY=17", "RAPID_COLUMN=DATA_PLACEMENT_KEY=1x",
        "RAPID_COLUMN=ENCODING=SORTED RAPID_COLUMN=ENCODING=VARLEN", "RAPID_COLUMN=OTHER=1"}) {
    plan::ColumnSchema column;
    EXPECT_FALSE(ParseColumnComment(comment, &column)) << comment;
  }
}

}  // namespace
}  // namespace sirocco::plugin
