// Reads CSV text into a table: whole files, or ranges of a file in parallel.
//
// A range [begin, end) owns the records that start in it. Where the first one starts is guessed
// from the delimiters (a quote opened before the range is not known); the caller checks the guess
// by comparing it with where the range before ended, and reads again from the right place if it was
// wrong. So the result never depends on the guess.
//
// Threads: a CsvRangeReader belongs to one thread; CsvReadPlan is shared and immutable.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lakehouse/read/csv_tokenizer.h"
#include "lakehouse/read/diagnostics.h"
#include "lakehouse/read/row_batch.h"
#include "lakehouse/read/stop_token.h"
#include "lakehouse/read/text_value.h"
#include "lakehouse/store/byte_source.h"

namespace sirocco::lakehouse {

// A record above this is refused: the documented limit of a row with room for quotes and escapes.
inline constexpr size_t kMaxCsvRecordBytes = 16 << 20;

struct CsvReadPlan {
  CsvDialect dialect;
  const std::vector<ColumnTarget>* targets = nullptr;
  ConversionRules rules;
  // Field of the file for each column of the table; -1: the file has none (default value, or the
  // file's name).
  std::vector<int32_t> field_of_column;
  uint32_t num_fields = 0;  // fields a record should have
  std::string file_name;    // as shown
};

// What reading a range found. `error`, if set, ended it.
struct CsvRangeOutcome {
  uint64_t first_record = 0;  // offset of the first record read, or where it would be
  uint64_t next_record = 0;   // offset behind the last one
  uint64_t num_lines = 0;     // record delimiters between the two
  uint64_t num_rows = 0;
  std::optional<Diagnostic> error;
};

class CsvRangeReader {
 public:
  // `stop` is asked between batches.
  CsvRangeReader(const CsvReadPlan& plan, DiagnosticLog* log, const StopToken* stop);

  // Reads from `source`, whose first byte is at `source_offset`. The range starts with the record
  // at `begin` if `exact`, else with the first one that seems to start at or after it; it ends
  // before the first record at or after `end`. `at_file_start`: skip the byte order mark, the
  // header and skip_rows. Errors of the source and the table are returned; errors of the text are
  // in the outcome.
  Result<CsvRangeOutcome> Read(ByteSource* source, uint64_t source_offset, uint64_t begin,
                               uint64_t end, bool exact, bool at_file_start,
                               engine::TableBuilder::Writer* writer);

 private:
  class Sink;
  Result<bool> Fill(ByteSource* source);  // false: the end
  Result<void> SkipFileStart(ByteSource* source, CsvRangeOutcome* outcome);
  Result<void> FindStart(ByteSource* source, uint64_t begin);
  bool CheckCounts(IssueSink* sink);
  bool ConvertRows(IssueSink* sink);
  bool ConvertColumn(uint32_t column, IssueSink* sink);
  bool ConvertField(uint32_t column, uint32_t row, const FieldSpan& field, IssueSink* sink);
  template <typename Fast>
  bool ConvertFixed(uint32_t column, const Fast& fast, IssueSink* sink);
  bool ConvertStrings(uint32_t column, IssueSink* sink);
  uint64_t offset() const { return buffer_offset_ + head_; }
  const char* data() const { return buffer_.get() + head_; }
  size_t size() const { return tail_ - head_; }

  const CsvReadPlan& plan_;
  DiagnosticLog* log_;
  const StopToken* stop_;
  CsvTokenizer tokenizer_;
  TokenizedRows rows_;
  RowBatch batch_;
  std::vector<TextConverter> converters_;
  std::string unescaped_;
  bool null_is_plain_ = false;  // null_value holds neither quote nor escape
  bool fast_values_ = true;     // no number or date can stand for NULL or for an empty field

  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0, head_ = 0, tail_ = 0;
  uint64_t buffer_offset_ = 0;  // of buffer_[0] in the file
  bool at_end_ = false;         // the source has no more
  uint64_t lines_ = 0;          // before head_, from the first record
};

}  // namespace sirocco::lakehouse
