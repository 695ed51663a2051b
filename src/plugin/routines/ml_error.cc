#include "plugin/routines/ml_error.h"

#include <cstdio>

#include "mysqld_error.h"

namespace sirocco::plugin {
namespace {

Error Make(MlErrorNumber number, const std::string& text) {
  char prefix[16];
  std::snprintf(prefix, sizeof(prefix), "ML%06d: ", static_cast<int>(number));
  return {ErrorCode::kMysql, ER_SECONDARY_ENGINE_PLUGIN, prefix + text};
}

bool HasNumber(const std::string& text) {
  if (text.size() < 9 || !text.starts_with("ML")) return false;
  for (size_t i = 2; i < 8; ++i)
    if (text[i] < '0' || text[i] > '9') return false;
  return text[8] == ':';
}

}  // namespace

std::unexpected<Error> MlError(MlErrorNumber number, const std::string& text) {
  return std::unexpected(Make(number, text));
}

Error AsMlError(Error error, MlErrorNumber number) {
  switch (error.code) {
    case ErrorCode::kMysql:
    case ErrorCode::kCancelled:
      return error;
    case ErrorCode::kNotSupported:
      number = MlErrorNumber::kUnsupported;
      break;
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kCorrupt:
    case ErrorCode::kNotFound:
      break;
    default:
      return {ErrorCode::kMysql, ER_SECONDARY_ENGINE_PLUGIN, error.message};
  }
  if (HasNumber(error.message))
    return {ErrorCode::kMysql, ER_SECONDARY_ENGINE_PLUGIN, error.message};
  return Make(number, error.message);
}

}  // namespace sirocco::plugin
