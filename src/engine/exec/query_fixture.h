// For tests of the executor: small tables under ids 1, 2, ..., plans over them, results as lists of
// values.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/spill/spill_space.h"
#include "engine/storage/table_fixture.h"
#include "plan/node.h"

namespace sirocco::engine {

using TestRow = std::vector<plan::Value>;

class QueryFixture {
 public:
  QueryFixture();

  // The table's id.
  plan::TableId AddTable(const std::vector<TestColumn>& columns);
  const Snapshot& table(plan::TableId id) const { return *tables_[id - 1]; }
  SnapshotLookup lookup() const;

  // A scan of all columns of a table; column i has the id first_id + i.
  std::shared_ptr<plan::Node> Scan(plan::TableId table, ColumnId first_id) const;
  plan::ExprPtr Column(plan::TableId table, ColumnId first_id, uint32_t column) const;

  // A plan whose results are these columns of the root's output.
  static plan::Plan MakePlan(plan::NodePtr root, const std::vector<ColumnId>& results);
  // All result rows, in order of delivery.
  Result<std::vector<TestRow>> Run(const plan::Plan& plan, uint32_t num_workers,
                                   size_t memory_limit = MemoryPool::kUnlimited,
                                   SpillSpace* spill = nullptr);

 private:
  std::shared_ptr<MemoryPool> pool_;
  std::vector<SnapshotPtr> tables_;
};

// A total order of rows, for comparing results without order.
bool RowLess(const TestRow& a, const TestRow& b);
std::string RowText(const TestRow& row);

}  // namespace sirocco::engine
