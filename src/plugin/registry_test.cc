#include "plugin/registry.h"

#include <gtest/gtest.h>

namespace sirocco::plugin {
namespace {

const TableName kName{"d", "t"};

plan::TableId Load(TableRegistry* registry, plan::TableId node_table, uint64_t epoch = 1) {
  EXPECT_TRUE(registry->BeginLoad(kName, true, false));
  registry->StartTracking(kName);
  return registry->FinishLoad(kName, node_table, epoch, std::make_shared<plan::TableSchema>(),
                              std::make_shared<plan::TableStatistics>(), {}, true);
}

TEST(TableRegistry, LoadedTableCanBeQueried) {
  TableRegistry registry;
  EXPECT_EQ(registry.FindForQuery(kName).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Load(&registry, 7), 0u);
  EXPECT_EQ(registry.FindForQuery(kName)->node_table, 7u);
  EXPECT_EQ(registry.Remove(kName)->node_table, 7u);
  EXPECT_TRUE(registry.Empty());
}

TEST(TableRegistry, FirstLoadCannotBeQueriedBeforeItsEnd) {
  TableRegistry registry;
  ASSERT_TRUE(registry.BeginLoad(kName, true, false));
  EXPECT_EQ(registry.FindForQuery(kName).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(registry.BeginLoad(kName, true, false).error().code, ErrorCode::kAlreadyExists);
  registry.AbortLoad(kName, "killed");
  EXPECT_TRUE(registry.Empty());
}

TEST(TableRegistry, WriteMakesStaleAndReloadRestores) {
  TableRegistry registry;
  Load(&registry, 7);
  registry.MarkStale(kName, "changed");
  const auto found = registry.FindForQuery(kName);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kStale);
  EXPECT_NE(found.error().message.find("table d.t is stale: changed at "), std::string::npos);
  EXPECT_EQ(Load(&registry, 8), 7u);  // what it replaces on the node
  EXPECT_EQ(registry.FindForQuery(kName)->node_table, 8u);
}

TEST(TableRegistry, WriteDuringLoadMakesItsResultStale) {
  TableRegistry registry;
  ASSERT_TRUE(registry.BeginLoad(kName, true, false));
  registry.StartTracking(kName);
  registry.MarkStale(kName, "changed");
  registry.FinishLoad(kName, 7, 1, nullptr, nullptr, {}, true);
  EXPECT_EQ(registry.FindForQuery(kName).error().code, ErrorCode::kStale);
}

TEST(TableRegistry, WriteDuringReloadMakesOldAndNewStale) {
  TableRegistry registry;
  Load(&registry, 7);
  ASSERT_TRUE(registry.BeginLoad(kName, true, false));
  EXPECT_TRUE(registry.FindForQuery(kName));  // the old data still serves
  registry.StartTracking(kName);
  registry.MarkStale(kName, "changed");
  EXPECT_FALSE(registry.FindForQuery(kName));
  registry.FinishLoad(kName, 8, 1, nullptr, nullptr, {}, true);
  EXPECT_FALSE(registry.FindForQuery(kName));
}

TEST(TableRegistry, FailedReloadKeepsTheOldState) {
  TableRegistry registry;
  Load(&registry, 7);
  ASSERT_TRUE(registry.BeginLoad(kName, true, false));
  registry.AbortLoad(kName, "out of memory");
  EXPECT_EQ(registry.FindForQuery(kName)->node_table, 7u);
}

TEST(TableRegistry, LostNodeTakesAllTables) {
  TableRegistry registry;
  Load(&registry, 7, 1);
  registry.MarkAllLost("rapidd was ended by signal 9");
  EXPECT_EQ(registry.FindForQuery(kName).error().code, ErrorCode::kUnavailable);
  // A table number of the former life is not to be dropped in this one.
  EXPECT_EQ(Load(&registry, 3, 2), 0u);
  EXPECT_EQ(registry.FindForQuery(kName)->node_epoch, 2u);
}

TEST(TableRegistry, TableDroppedWhileLoadingLeavesNothing) {
  TableRegistry registry;
  ASSERT_TRUE(registry.BeginLoad(kName, true, false));
  ASSERT_TRUE(registry.Remove(kName));
  EXPECT_EQ(registry.FinishLoad(kName, 7, 1, nullptr, nullptr, {}, true),
            7u);  // to be dropped on the node
  EXPECT_TRUE(registry.Empty());
}

TEST(TableRegistry, PartitionsAndSubpartitions) {
  TableRegistry registry;
  ASSERT_TRUE(registry.BeginLoad(kName, true, false));
  registry.FinishLoad(kName, 7, 1, nullptr, nullptr,
                      {{0, "p0s0", "p0"}, {1, "p0s1", "p0"}, {2, "p1s0", "p1"}}, true);
  EXPECT_TRUE(*registry.RemovePartitions(kName, {"p0"}));
  EXPECT_EQ(registry.Find(kName)->partitions.size(), 1u);
  EXPECT_FALSE(*registry.RemovePartitions(kName, {"p1s0"}));
}

}  // namespace
}  // namespace sirocco::plugin
