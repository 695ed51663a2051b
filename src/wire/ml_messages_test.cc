#include "wire/ml_messages.h"

#include <gtest/gtest.h>

#include <random>

namespace sirocco::wire {
namespace {

TEST(MlMessages, RoundTrip) {
  MlStart start;
  start.operation = MlOperation::kScore;
  start.model = {"ann", "my model"};
  start.target = "y";
  start.metric = "f1";
  start.options = "{}";
  start.memory_limit_bytes = 1ull << 40;
  start.num_threads = 3;
  start.exclusive = true;
  const auto read = DecodeMlStart(EncodeMlStart(start));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->model, start.model);
  EXPECT_EQ(read->metric, "f1");
  EXPECT_EQ(read->memory_limit_bytes, 1ull << 40);
  EXPECT_TRUE(read->exclusive);
  // A call is no operation over tables.
  start.operation = MlOperation::kPredictRow;
  EXPECT_FALSE(DecodeMlStart(EncodeMlStart(start)));

  const MlTable table{MlTableRole::kUsers, "a.b", {{"c", MlColumnKind::kYear, "year"}}, 7};
  const auto read_table = DecodeMlTable(EncodeMlTable(table));
  ASSERT_TRUE(read_table);
  EXPECT_EQ(read_table->columns.at(0).kind, MlColumnKind::kYear);
  EXPECT_EQ(read_table->num_rows, 7u);
}

TEST(MlMessages, ForeignBytesAreErrors) {
  std::mt19937 random(11);
  const std::string good =
      EncodeMlTable({MlTableRole::kMain,
                     "a.b",
                     {{"c", MlColumnKind::kFloat, "float"}, {"d", MlColumnKind::kText, "text"}},
                     7});
  for (int i = 0; i < 20000; ++i) {
    std::string bytes(random() % 80, '\0');
    for (char& c : bytes) c = static_cast<char>(random() % 7 == 0 ? random() : random() % 3);
    (void)DecodeMlStart(bytes);
    (void)DecodeMlCall(bytes);
    (void)DecodeMlDone(bytes);
    (void)DecodeMlProgress(bytes);
    (void)DecodeMlTable(bytes);
    EXPECT_FALSE(DecodeMlTable(good.substr(0, random() % good.size())));
    EXPECT_FALSE(DecodeMlTable(good + bytes + "x"));
  }
}

}  // namespace
}  // namespace sirocco::wire
