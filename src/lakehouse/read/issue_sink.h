// Where converters report values that do not fit: in strict mode the first one ends the load,
// otherwise it is a warning and the load goes on with the value MySQL would store. Not thread safe;
// one per reading task.
#pragma once

#include <optional>
#include <string_view>

#include "lakehouse/read/diagnostics.h"

namespace sirocco::lakehouse {

class IssueSink {
 public:
  IssueSink(bool strict, DiagnosticLog* log) : strict_(strict), log_(log) {}
  virtual ~IssueSink() = default;

  // `strict_number` in strict mode (an error), `lenient_number` otherwise (a warning). Returns
  // whether to go on.
  bool Report(uint32_t strict_number, uint32_t lenient_number, int32_t column, uint32_t row,
              std::string_view detail, std::string_view value) {
    if (strict_) return Fail(strict_number, column, row, detail, value);
    Warn(lenient_number, column, row, detail, value);
    return true;
  }
  // An error whatever the mode. Always returns false.
  bool Fail(uint32_t number, int32_t column, uint32_t row, std::string_view detail,
            std::string_view value, std::string_view extra = {}) {
    if (!error_) error_ = Make(number, column, row, detail, value, extra);
    return false;
  }
  void Warn(uint32_t number, int32_t column, uint32_t row, std::string_view detail,
            std::string_view value, std::string_view extra = {}) {
    if (log_->CountsOnly()) {
      log_->Count(number);
    } else {
      log_->Warn(Make(number, column, row, detail, value, extra));
    }
  }
  bool strict() const { return strict_; }
  const std::optional<Diagnostic>& error() const { return error_; }

 protected:
  // Fills line and offset of a row of the current batch.
  virtual void Locate(uint32_t row, Diagnostic* diagnostic) const = 0;

 private:
  Diagnostic Make(uint32_t number, int32_t column, uint32_t row, std::string_view detail,
                  std::string_view value, std::string_view extra) const {
    Diagnostic diagnostic;
    diagnostic.number = number;
    diagnostic.column = column;
    diagnostic.detail = detail;
    diagnostic.extra = extra;
    diagnostic.value = value.substr(0, kMaxQuotedValue + 1);
    Locate(row, &diagnostic);
    return diagnostic;
  }

  bool strict_;
  DiagnosticLog* log_;
  std::optional<Diagnostic> error_;
};

}  // namespace sirocco::lakehouse
