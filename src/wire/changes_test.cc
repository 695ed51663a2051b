#include "wire/changes.h"

#include <gtest/gtest.h>

namespace sirocco::wire {
namespace {

ChangeBatch Example() {
  ChangeBatch batch;
  batch.end_position = MakePosition(7, 4242);
  batch.last = false;
  batch.sections.push_back({.table = 3,
                            .kind = ChangeKind::kUpdate,
                            .num_rows = 2,
                            .before = {.columns = {0}, .batch = "before"},
                            .after = {.columns = {1, 4}, .batch = "after"}});
  batch.sections.push_back({.table = 5, .kind = ChangeKind::kTruncate, .before = {}, .after = {}});
  return batch;
}

TEST(Changes, TravelUnchanged) {
  const ChangeBatch sent = Example();
  const auto received = DecodeChangeBatch(EncodeChangeBatch(sent));
  ASSERT_TRUE(received.has_value()) << received.error().message;
  EXPECT_EQ(received->end_position, (uint64_t{7} << 40) + 4242);
  EXPECT_FALSE(received->last);
  ASSERT_EQ(received->sections.size(), 2u);
  const ChangeSection& update = received->sections[0];
  EXPECT_EQ(update.table, 3u);
  EXPECT_EQ(update.kind, ChangeKind::kUpdate);
  EXPECT_EQ(update.num_rows, 2u);
  EXPECT_EQ(update.before.columns, std::vector<uint32_t>({0}));
  EXPECT_EQ(update.before.batch, "before");
  EXPECT_EQ(update.after.columns, std::vector<uint32_t>({1, 4}));
  EXPECT_EQ(update.after.batch, "after");
  EXPECT_EQ(received->sections[1].kind, ChangeKind::kTruncate);
}

TEST(Changes, EveryShorterMessageIsRefused) {
  const std::string whole = EncodeChangeBatch(Example());
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(DecodeChangeBatch(std::string_view(whole).substr(0, length)).has_value())
        << length;
  EXPECT_FALSE(DecodeChangeBatch(whole + "x").has_value());
}

TEST(Changes, ColumnsMustAscend) {
  ChangeBatch batch = Example();
  batch.sections[0].after.columns = {4, 4};
  EXPECT_FALSE(DecodeChangeBatch(EncodeChangeBatch(batch)).has_value());
}

TEST(Changes, UnknownKindIsRefused) {
  ChangeBatch batch = Example();
  batch.sections[0].kind = static_cast<ChangeKind>(9);
  EXPECT_FALSE(DecodeChangeBatch(EncodeChangeBatch(batch)).has_value());
}

TEST(Applied, TravelsUnchanged) {
  const Applied sent{.position = 99, .failed = {{.table = 4, .reason = "no such row"}}};
  const auto received = DecodeApplied(EncodeApplied(sent));
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(received->position, 99u);
  ASSERT_EQ(received->failed.size(), 1u);
  EXPECT_EQ(received->failed[0].table, 4u);
  EXPECT_EQ(received->failed[0].reason, "no such row");
  EXPECT_FALSE(DecodeApplied("short").has_value());
}

}  // namespace
}  // namespace sirocco::wire
