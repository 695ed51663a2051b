#include "plugin/routines/argument_completion.h"

#include <gtest/gtest.h>

namespace sirocco::plugin {
namespace {

std::string Completed(std::string_view statement) {
  return CompleteArguments(statement).value_or(std::string(statement));
}

TEST(ArgumentCompletion, AddsTheMissingOptions) {
  EXPECT_EQ(Completed("SELECT sys.ML_PREDICT_ROW(@r, @h)"),
            "SELECT sys.ML_PREDICT_ROW(@r, @h, NULL)");
  EXPECT_EQ(Completed("call SYS . `ml_train` ('a.b','c',@h)"),
            "call SYS . `ml_train` ('a.b','c', NULL,@h)");
  EXPECT_EQ(Completed("CALL sys.ML_PREDICT_TABLE('a.b', @h, 'c.d')"),
            "CALL sys.ML_PREDICT_TABLE('a.b', @h, 'c.d', NULL)");
  EXPECT_EQ(Completed("CALL `sys`.ML_MODEL_LOAD('h')"), "CALL `sys`.ML_MODEL_LOAD('h', NULL)");
  EXPECT_EQ(Completed("CALL sys.ML_SCORE('a.b','t',@h,'f1',@s)"),
            "CALL sys.ML_SCORE('a.b','t',@h,'f1',@s, NULL)");
}

TEST(ArgumentCompletion, LooksIntoArguments) {
  EXPECT_EQ(
      Completed("SELECT sys.ML_PREDICT_ROW(JSON_OBJECT('a', x, 'b', f(1, 2)), 'it''s, (') FROM t"),
      "SELECT sys.ML_PREDICT_ROW(JSON_OBJECT('a', x, 'b', f(1, 2)), 'it''s, (', NULL) FROM t");
  EXPECT_EQ(Completed("SELECT sys.ML_PREDICT_ROW(sys.ML_EXPLAIN_ROW(@r, @h), @h)"),
            "SELECT sys.ML_PREDICT_ROW(sys.ML_EXPLAIN_ROW(@r, @h, NULL), @h, NULL)");
  EXPECT_EQ(Completed("SELECT sys.ML_PREDICT_ROW(@r /* a, b */, @h -- )\n)"),
            "SELECT sys.ML_PREDICT_ROW(@r /* a, b */, @h -- )\n, NULL)");
}

TEST(ArgumentCompletion, LeavesTheRestAlone) {
  for (const char* statement :
       {"", "sys", "sys.", "SELECT 1", "SELECT sys.ML_PREDICT_ROW(@r, @h, NULL)",
        "SELECT sys.ML_PREDICT_ROW(@r)", "SELECT sys.ML_PREDICT_ROW()",
        "SELECT sys.ML_PREDICT_ROW(@r, @h", "SELECT 'sys.ML_PREDICT_ROW(@r, @h)'",
        "SELECT \"sys.ML_PREDICT_ROW(@r, @h)\"", "-- sys.ML_PREDICT_ROW(@r, @h)",
        "/* sys.ML_PREDICT_ROW(@r, @h) */ SELECT 1", "SELECT mysys.ML_PREDICT_ROW(@r, @h)",
        "SELECT other.ML_PREDICT_ROW(@r, @h)", "SELECT sys.format_bytes(1, 2)",
        "CALL sys.ML_MODEL_UNLOAD('h')", "SELECT sys.ML_TRAIN FROM t",
        "SELECT `sys.ML_PREDICT_ROW(a, b)`"})
    EXPECT_FALSE(CompleteArguments(statement).has_value()) << statement;
}

TEST(ArgumentCompletion, ReadsUnfinishedText) {
  const std::string statement =
      "SELECT sys.ML_PREDICT_ROW(@r, 'a\\'b', \"c\", `d``e`) /*! x */ # end";
  for (size_t size = 0; size <= statement.size(); ++size)
    CompleteArguments(std::string_view(statement).substr(0, size));
}

}  // namespace
}  // namespace sirocco::plugin
