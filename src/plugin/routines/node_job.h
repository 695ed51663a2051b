// One machine-learning operation over tables in the node: send the tables, run, take the results.
// Progress goes to the caller's process list and to rpd_query_stats. Threads: one.
#pragma once

#include <functional>
#include <string>

#include "common/error.h"
#include "plugin/node/node_connection.h"
#include "plugin/routines/caller.h"
#include "plugin/routines/ml_error.h"
#include "wire/column_batch.h"
#include "wire/ml_messages.h"

namespace sirocco::plugin {

class NodeJob {
 public:
  using OnOutput = std::function<Result<void>(const wire::ColumnBatchView&)>;

  // Waits for the node if it is starting, and for a free place among the operations.
  static Result<NodeJob> Start(Caller* caller, const wire::MlStart& start);

  Result<void> BeginTable(const wire::MlTable& table);
  // The rows of the table begun last. A streaming operation's results for them go to `on_output`.
  Result<void> SendRows(const wire::ColumnBatchBuilder& rows, const OnOutput& on_output = nullptr);
  // Computes on what was sent.
  Result<wire::MlDone> Run(const OnOutput& on_output = nullptr);

 private:
  NodeJob(Caller* caller, PooledClient client) : caller_(caller), client_(std::move(client)) {}
  Result<wire::MessageType> Step(wire::MessageType request, std::string_view payload,
                                 const OnOutput& on_output);

  Caller* caller_;
  PooledClient client_;
};

// A call without table; waits for the node if it is starting.
// Errors about what was sent get the given number.
Result<std::string> CallNode(Caller* caller, const wire::MlCall& call,
                             MlErrorNumber number = MlErrorNumber::kArgument);

}  // namespace sirocco::plugin
