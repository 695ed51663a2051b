#include "plugin/result/column_names.h"

#include <gtest/gtest.h>

namespace sirocco::plugin {
namespace {

TEST(NameColumns, ScannedColumnsAreNamed) {
  auto schema = std::make_shared<plan::TableSchema>();
  schema->schema_name = "d";
  schema->table_name = "t";
  schema->columns.resize(2);
  schema->columns[0].name = "a";
  schema->columns[1].name = "b";
  auto scan = std::make_shared<plan::Node>();
  scan->kind = plan::NodeKind::kScan;
  scan->table = 5;
  scan->scan_columns = {{.id = 1, .column = 1}, {.id = 12, .column = 0}};
  plan::Plan plan;
  plan.root = scan;
  const LoadedSchemas schemas = {{5, schema}};
  EXPECT_EQ(NameColumns("out of range in '(#1 * #12)'", plan, schemas),
            "out of range in '(`d`.`t`.`b` * `d`.`t`.`a`)'");
  EXPECT_EQ(NameColumns("#2 # #x #99999999999999999999", plan, schemas),
            "#2 # #x #99999999999999999999");
}

}  // namespace
}  // namespace sirocco::plugin
