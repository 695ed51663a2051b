// Errors of machine-learning routines: "MLnnnnnn: text" under the server's number 3877 (HY000).
#pragma once

#include <string>

#include "common/error.h"

namespace sirocco::plugin {

enum class MlErrorNumber : int {
  kUnknownTask = 1016,
  kColumnMismatch = 3011,
  kNoTable = 3012,
  kColumnTypes = 3015,
  kRowMissing = 3016,
  kRowNotJson = 3018,
  kMetric = 3019,
  kOutputTable = 4002,
  kUnsupported = 6001,  // the routine does not serve this task
  kOption = 6002,       // an option unknown, misplaced or of a wrong value
  kArgument = 6003,     // an argument missing or malformed
  kTargetNotNull = 6006,
  kNotLoaded = 6011,
  kNotInCatalog = 6012,
  kNotReady = 6013,
  kHandleExists = 6017,
  kModelFormat = 6018,
  kCannotTrain = 6020,
  kTooLong = 6027,
};

std::unexpected<Error> MlError(MlErrorNumber number, const std::string& text);
// The same for what the node or a worker reports: keeps texts that have a number already, and
// everything that is not about the user's data (cancellation, memory, an unreachable node).
Error AsMlError(Error error, MlErrorNumber number);

}  // namespace sirocco::plugin
