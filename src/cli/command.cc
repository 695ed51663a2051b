#include "cli/command.h"

#include <cstdio>

namespace sirocco::cli {

int ReportError(const Error& error) {
  std::fflush(stdout);
  std::fprintf(stderr, "sirocco: %s\n", error.message.c_str());
  switch (error.code) {
    case ErrorCode::kInvalidArgument: return kExitUsage;
    case ErrorCode::kNotFound: return kExitNoSuchSystem;
    case ErrorCode::kUnavailable: return kExitNotUp;
    default: return kExitFailed;
  }
}

}  // namespace sirocco::cli
