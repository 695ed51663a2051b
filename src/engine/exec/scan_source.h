// Source over a table snapshot: wraps storage's TableScan, and takes semijoin filters from join
// builds until it starts.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/exec/pipeline.h"
#include "engine/storage/scan.h"

namespace sirocco::engine {

class ScanSource final : public Source {
 public:
  // `layout` belongs to the scan's outputs, in order.
  ScanSource(std::unique_ptr<TableScan> scan, SnapshotPtr snapshot, BatchLayout layout,
             std::string table_name)
      : scan_(std::move(scan)),
        snapshot_(std::move(snapshot)),
        layout_(std::move(layout)),
        table_name_(std::move(table_name)) {}

  // Ignored once the scan runs: the filter is only a shortcut. Of several filters on one column the
  // one with the fewest keys is used: they come from one class of equal columns, so that the others
  // would hardly drop more.
  void AddFilter(uint32_t table_column, std::shared_ptr<const SemijoinFilter> filter,
                 uint64_t num_keys);
  bool started() const { return started_; }

  Result<void> Prepare() override;
  std::unique_ptr<LocalState> MakeState(uint32_t worker) override;
  OperatorStatistics Describe() const override;
  Result<bool> Next(LocalState* state, Batch* batch) override;
  const BatchLayout& layout() const override { return layout_; }
  uint32_t num_morsels() const override { return scan_->num_morsels(); }

 private:
  struct State;
  std::unique_ptr<TableScan> scan_;
  SnapshotPtr snapshot_;
  BatchLayout layout_;
  std::string table_name_;
  struct Candidate {
    std::shared_ptr<const SemijoinFilter> filter;
    uint64_t num_keys = 0;
  };
  std::map<uint32_t, Candidate> filters_;  // by column
  bool started_ = false;
};

}  // namespace sirocco::engine
