// The tables that an operation in the node reads: which columns, in which order, and their rows.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/error.h"
#include "plugin/routines/invoker_session.h"
#include "plugin/routines/ml_options.h"
#include "plugin/routines/node_job.h"
#include "plugin/routines/source_table.h"
#include "wire/ml_messages.h"

namespace sirocco::plugin {

// Columns of a table to be read.
struct TableInput {
  const SourceTable* table = nullptr;
  std::vector<const SourceColumn*> columns;
  std::string order_by;  // SQL; empty: any order

  wire::MlTable Message(wire::MlTableRole role) const;
  std::string Statement() const;
  std::vector<wire::MlColumn> MlColumns() const;
};

// An error that names the column if its type cannot be used.
Result<void> CheckSupported(const SourceColumn& column);

// The columns a trained model needs of `table`: those it was trained on, with the target if
// `with_target` (and the table has it). ML003011 if one is missing.
Result<TableInput> InputForModel(const nlohmann::json& metadata, const SourceTable& table,
                                 bool with_target);

// Sends a table's rows to the job.
Result<uint64_t> SendTable(InvokerSession* session, NodeJob* job, const TableInput& input,
                           wire::MlTableRole role);

// Sends the tables of options item_metadata and user_metadata, if given.
Result<void> SendMetadataTables(InvokerSession* session, NodeJob* job,
                                const nlohmann::json& options);

}  // namespace sirocco::plugin
