// Errors as values. Every expected failure in Sirocco is an Error inside a Result<T>; exceptions never cross a folder
// border. The code set is closed and valid across process borders (it travels on the wire as one byte).
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <utility>

namespace sirocco {

enum class ErrorCode : uint8_t {
  kInternal = 1,      // our bug
  kNotSupported,      // cannot be done here exactly as MySQL does; MySQL runs it. The message is the reason.
  kOutOfMemory,       // a memory budget (query or node) would be passed
  kCancelled,         // KILL, disconnect, shutdown
  kInvalidArgument,   // malformed input from a file, the wire or a user
  kNotFound,
  kAlreadyExists,
  kUnavailable,       // peer not reachable, node starting, table not ready
  kStale,             // data is older than what the caller needs
  kIo,
  kCorrupt,
  kTimeout,
  kMysql,             // a MySQL error with its own number (mysql_errno) and final text
};

// Returns the name of a code, e.g. "out of memory".
const char* ErrorCodeName(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  uint32_t mysql_errno = 0;  // set with kMysql, else 0
  std::string message;       // static text first, values last; no trailing period or newline

  // "out of memory: limit of 64 MB reached".
  std::string ToString() const;
};

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> MakeError(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, 0, std::move(message)});
}
inline std::unexpected<Error> MakeMysqlError(uint32_t mysql_errno, std::string message) {
  return std::unexpected(Error{ErrorCode::kMysql, mysql_errno, std::move(message)});
}
inline std::unexpected<Error> NotSupported(std::string reason) {
  return MakeError(ErrorCode::kNotSupported, std::move(reason));
}

}  // namespace sirocco

// Returns the error of a Result-valued expression to the caller.
#define SIROCCO_CONCAT_INNER(a, b) a##b
#define SIROCCO_CONCAT(a, b) SIROCCO_CONCAT_INNER(a, b)
#define RETURN_IF_ERROR(expr)                                                    \
  do {                                                                           \
    if (auto sirocco_result = (expr); !sirocco_result)                           \
      return std::unexpected(std::move(sirocco_result.error()));                 \
  } while (0)
// ASSIGN_OR_RETURN(auto value, Compute());
#define ASSIGN_OR_RETURN(lhs, expr)                                              \
  auto SIROCCO_CONCAT(sirocco_result_, __LINE__) = (expr);                       \
  if (!SIROCCO_CONCAT(sirocco_result_, __LINE__))                                \
    return std::unexpected(std::move(SIROCCO_CONCAT(sirocco_result_, __LINE__).error())); \
  lhs = std::move(*SIROCCO_CONCAT(sirocco_result_, __LINE__))
