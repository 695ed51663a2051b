#include "engine/exec/query_fixture.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "mysqlsem/collation.h"

namespace sirocco::engine {

QueryFixture::QueryFixture() : pool_(std::make_shared<MemoryPool>("tables")) {
  mysqlsem::InitializeCollations();
}

plan::TableId QueryFixture::AddTable(const std::vector<TestColumn>& columns) {
  Result<SnapshotPtr> table = BuildTable(columns, pool_);
  EXPECT_TRUE(table.has_value()) << table.error().ToString();
  tables_.push_back(*table);
  return tables_.size();
}

SnapshotLookup QueryFixture::lookup() const {
  return [this](plan::TableId id) -> SnapshotPtr {
    return id >= 1 && id <= tables_.size() ? tables_[id - 1] : nullptr;
  };
}

std::shared_ptr<plan::Node> QueryFixture::Scan(plan::TableId table, ColumnId first_id) const {
  auto node = std::make_shared<plan::Node>();
  node->kind = plan::NodeKind::kScan;
  node->table = table;
  node->table_name = "test.t" + std::to_string(table);
  const auto& columns = this->table(table).schema().columns;
  for (uint32_t i = 0; i < columns.size(); ++i)
    node->scan_columns.push_back({first_id + i, i, columns[i].type});
  return node;
}

plan::ExprPtr QueryFixture::Column(plan::TableId table, ColumnId first_id, uint32_t column) const {
  return plan::ColumnRef(first_id + column, this->table(table).schema().columns[column].type);
}

plan::Plan QueryFixture::MakePlan(plan::NodePtr root, const std::vector<ColumnId>& results) {
  plan::Plan plan;
  plan.root = std::move(root);
  for (const auto& [id, type] : plan::OutputColumns(plan, *plan.root)) {
    for (ColumnId wanted : results)
      if (wanted == id) plan.results.push_back({id, type, "c" + std::to_string(id)});
  }
  std::sort(plan.results.begin(), plan.results.end(), [&](const auto& a, const auto& b) {
    return std::find(results.begin(), results.end(), a.id) <
           std::find(results.begin(), results.end(), b.id);
  });
  return plan;
}

Result<std::vector<TestRow>> QueryFixture::Run(const plan::Plan& plan, uint32_t num_workers,
                                               size_t memory_limit, SpillSpace* spill) {
  MemoryPool pool("query", memory_limit);
  ASSIGN_OR_RETURN(auto query,
                   Query::Prepare(plan, lookup(),
                                  {.num_workers = num_workers, .pool = &pool, .spill = spill}));
  std::vector<TestRow> rows;
  const auto& columns = query->result_columns();
  RETURN_IF_ERROR(query->Run([&](const Batch& batch) -> Result<void> {
    for (uint32_t i = 0; i < batch.count; ++i) {
      TestRow row;
      for (size_t c = 0; c < columns.size(); ++c)
        row.push_back(ValueAt(batch.vectors[c], columns[c].type, i));
      rows.push_back(std::move(row));
    }
    return {};
  }));
  query->statistics();
  query.reset();
  EXPECT_EQ(pool.used_bytes(), 0u);
  return rows;
}

bool RowLess(const TestRow& a, const TestRow& b) {
  for (size_t c = 0; c < a.size(); ++c) {
    const plan::Value &x = a[c], &y = b[c];
    if (x.is_null != y.is_null) return x.is_null;
    if (x.integer != y.integer) return x.integer < y.integer;
    if (x.real != y.real) return x.real < y.real;
    if (x.bytes != y.bytes) return x.bytes < y.bytes;
  }
  return false;
}

std::string RowText(const TestRow& row) {
  std::string text;
  for (const plan::Value& value : row) {
    text += value.is_null          ? "NULL"
            : !value.bytes.empty() ? value.bytes
            : value.real != 0      ? std::to_string(value.real)
                                   : std::to_string(static_cast<int64_t>(value.integer));
    text += " ";
  }
  return text;
}

}  // namespace sirocco::engine
