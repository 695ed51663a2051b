// Tables of the wire as tables of the machine-learning library.
#pragma once

#include "automl/table.h"
#include "common/error.h"
#include "wire/column_batch.h"
#include "wire/ml_messages.h"

namespace sirocco::node {

automl::Table MakeTable(const std::vector<wire::MlColumn>& columns);
// kInvalidArgument: other lanes or another number of columns.
Result<void> AppendBatch(const wire::ColumnBatchView& batch, automl::Table* table);

}  // namespace sirocco::node
