#include "common/error.h"

#include <cstdio>
#include <cstdlib>

#include "common/check.h"

namespace sirocco {

const char* ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInternal: return "internal error";
    case ErrorCode::kNotSupported: return "not supported";
    case ErrorCode::kOutOfMemory: return "out of memory";
    case ErrorCode::kCancelled: return "cancelled";
    case ErrorCode::kInvalidArgument: return "invalid argument";
    case ErrorCode::kNotFound: return "not found";
    case ErrorCode::kAlreadyExists: return "already exists";
    case ErrorCode::kUnavailable: return "unavailable";
    case ErrorCode::kStale: return "stale";
    case ErrorCode::kIo: return "I/O error";
    case ErrorCode::kCorrupt: return "corrupt data";
    case ErrorCode::kTimeout: return "timeout";
    case ErrorCode::kMysql: return "MySQL error";
  }
  return "unknown error";
}

std::string Error::ToString() const {
  std::string text = ErrorCodeName(code);
  if (mysql_errno != 0) text += " " + std::to_string(mysql_errno);
  return text + ": " + message;
}

void CheckFailed(const char* file, int line, const char* text) {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, text);
  std::fflush(stderr);
  std::abort();
}

}  // namespace sirocco
