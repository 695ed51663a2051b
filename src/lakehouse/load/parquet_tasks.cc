#include "lakehouse/load/parquet_tasks.h"

namespace sirocco::lakehouse {

namespace {

class ParquetTask final : public ReadTask {
 public:
  ParquetTask(std::shared_ptr<const ParquetReadPlan> plan, uint32_t first, uint32_t count)
      : plan_(std::move(plan)), first_(first), count_(count) {}

  Result<Outcome> Run(engine::TableBuilder::Writer* writer, DiagnosticLog* log,
                      const StopToken* stop) override {
    return ReadParquetRowGroups(*plan_, first_, count_, writer, log, stop);
  }
  const std::string& file_name() const override { return plan_->file_name; }

 private:
  std::shared_ptr<const ParquetReadPlan> plan_;
  uint32_t first_, count_;
};

}  // namespace

void AddParquetTasks(std::shared_ptr<const ParquetReadPlan> plan,
                     const std::vector<uint32_t>& row_groups, uint64_t rows_per_task,
                     std::vector<std::unique_ptr<ReadTask>>* tasks) {
  for (size_t i = 0; i < row_groups.size();) {
    uint64_t rows = plan->file->num_rows(row_groups[i]);
    uint32_t count = 1;
    while (i + count < row_groups.size() && row_groups[i + count] == row_groups[i] + count &&
           rows + plan->file->num_rows(row_groups[i + count]) <= rows_per_task) {
      rows += plan->file->num_rows(row_groups[i + count]);
      ++count;
    }
    tasks->push_back(std::make_unique<ParquetTask>(plan, row_groups[i], count));
    i += count;
  }
}

}  // namespace sirocco::lakehouse
