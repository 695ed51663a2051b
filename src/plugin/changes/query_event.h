// What a QUERY event of the binary log means for the reader of changes. In row format these events
// frame transactions; everything else they carry is a structural change. No server headers.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "common/error.h"

namespace sirocco::plugin {

enum class QueryMeaning : uint8_t {
  kBegin = 1,
  kCommit,
  kRollback,
  kSavepoint,   // argument: name
  kRollbackTo,  // argument: name
  kXaStart,     // argument: "X'..',X'..',n"
  kXaEnd,
  kXaCommit,    // argument as of kXaStart
  kXaRollback,  // argument as of kXaStart
  kOther,       // argument: the text
};

struct QueryEvent {
  QueryMeaning meaning = QueryMeaning::kOther;
  std::string argument;
};

// `body` is the event without common header and checksum.
Result<QueryEvent> ReadQueryEvent(std::span<const uint8_t> body);

// True if the XA_PREPARE event with this body commits (XA COMMIT ... ONE PHASE).
Result<bool> PreparedInOnePhase(std::span<const uint8_t> body);

}  // namespace sirocco::plugin
