// Writes rows into a table in a session of its own, on a thread of its own, while the caller's work
// goes on reading and computing. One transaction: all rows or none.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/error.h"
#include "plugin/routines/caller.h"
#include "plugin/routines/source_table.h"

namespace sirocco::plugin {

// Appends SQL literals of a row's values, separated by commas.
class RowText : public RowSink {
 public:
  // `is_binary` per value: strings are written as bytes.
  explicit RowText(std::vector<bool> is_binary) : is_binary_(std::move(is_binary)) {}

  Result<void> EndRow() override { return {}; }
  void Null() override { Add("NULL"); }
  void Integer(int64_t value, bool is_unsigned) override;
  void Double(double value) override;
  void Time(const MYSQL_TIME& value) override;
  void String(std::string_view value) override;

  // The values since the last call.
  std::string Take();
  // Where value `i` of the row begins and ends in the text.
  std::string_view Value(size_t i) const;
  size_t num_values() const { return ends_.size(); }

 private:
  void Add(std::string_view literal);

  const std::vector<bool> is_binary_;
  std::string text_;
  std::vector<size_t> ends_;
};

std::string DoubleLiteral(double value);

class TableWriter {
 public:
  // `columns`: names, quoted, with commas.
  TableWriter(Caller* caller, const QualifiedName& table, const std::string& columns);
  // Rolls back unless finished.
  ~TableWriter();

  // Literals with commas, without parentheses. May wait for the writing thread; its error comes
  // here or from Finish.
  Result<void> Add(std::string_view values);
  Result<void> Finish();

 private:
  void Run();
  Result<void> RunStatements();
  Result<void> Push();

  Caller* caller_;
  const std::string insert_;
  std::string statement_;  // being filled

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> queue_;
  bool is_complete_ = false, is_abandoned_ = false, has_ended_ = false;
  Result<void> result_;
  std::unique_ptr<SessionThread> thread_;
};

}  // namespace sirocco::plugin
