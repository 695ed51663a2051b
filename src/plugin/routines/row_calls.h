// ML_PREDICT_ROW and ML_EXPLAIN_ROW: one JSON row in, one out. Made for being called for every row
// of a scan: keeps its connection to the node and what was checked about the options. Threads: the
// session's own.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/error.h"
#include "plugin/node/node_connection.h"
#include "plugin/routines/operations.h"
#include "wire/ml_messages.h"

namespace sirocco::plugin {

class RowCalls {
 public:
  // `kind`: "predict" or "explain".
  Answered Run(THD* thd, std::string_view kind, const Argument& row, const Argument& handle,
               const Argument& options);

 private:
  // Checks handle and options unless they are the last call's.
  Result<void> Prepare(THD* thd, std::string_view kind, const Argument& handle,
                       const Argument& options);
  Result<std::string> Call(THD* thd, const wire::MlCall& call);

  std::optional<PooledClient> client_;
  bool is_prepared_ = false;
  std::optional<std::string> prepared_options_;  // as given
  wire::MlCall call_;
};

}  // namespace sirocco::plugin
