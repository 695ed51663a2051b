#include "lakehouse/read/csv_reader.h"

#include <algorithm>
#include <cstring>

namespace sirocco::lakehouse {

using plan::Lane;
using plan::TypeKind;

namespace {

// A guessed start is believed if this many records from there have the right number of fields.
constexpr uint32_t kRecordsToTrust = 4;
constexpr int kMaxGuesses = 16;

}  // namespace

class CsvRangeReader::Sink final : public IssueSink {
 public:
  Sink(const CsvRangeReader* reader)
      : IssueSink(reader->plan_.rules.strict, reader->log_), reader_(reader) {}

 protected:
  void Locate(uint32_t row, Diagnostic* diagnostic) const override {
    diagnostic->has_offset = true;
    diagnostic->offset = reader_->offset() + reader_->rows_.row_start[row];
    diagnostic->line = reader_->lines_ + reader_->rows_.row_line[row] + 1;
  }

 private:
  const CsvRangeReader* reader_;
};

CsvRangeReader::CsvRangeReader(const CsvReadPlan& plan, DiagnosticLog* log, const StopToken* stop)
    : plan_(plan),
      log_(log),
      stop_(stop),
      tokenizer_(plan.dialect, std::max(1u, plan.num_fields)),
      batch_(*plan.targets) {
  converters_.reserve(plan.targets->size());
  for (size_t i = 0; i < plan.targets->size(); ++i)
    converters_.emplace_back((*plan.targets)[i], plan.rules, static_cast<int32_t>(i));
  const std::string& null_value = plan.dialect.null_value;
  null_is_plain_ =
      (plan.dialect.escape == '\0' || null_value.find(plan.dialect.escape) == std::string::npos) &&
      (plan.dialect.quote == '\0' || null_value.find(plan.dialect.quote) == std::string::npos);
  const auto number_like = [](const std::string& text) {
    return !text.empty() && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
  };
  fast_values_ = !(null_is_plain_ && number_like(null_value)) &&
                 !(plan.dialect.empty_value && number_like(*plan.dialect.empty_value));
}

Result<bool> CsvRangeReader::Fill(ByteSource* source) {
  if (at_end_) return false;
  ASSIGN_OR_RETURN(const std::string_view block, source->Next());
  if (block.empty()) {
    at_end_ = true;
    return false;
  }
  const size_t left = size();
  if (left + block.size() + kTextPadding > capacity_) {
    capacity_ = std::max(capacity_ * 2, left + block.size() + kTextPadding);
    auto bigger = std::make_unique_for_overwrite<char[]>(capacity_);
    if (left != 0) std::memcpy(bigger.get(), data(), left);
    buffer_ = std::move(bigger);
  } else if (left != 0) {
    std::memmove(buffer_.get(), data(), left);
  }
  buffer_offset_ += head_;
  head_ = 0;
  std::memcpy(buffer_.get() + left, block.data(), block.size());
  tail_ = left + block.size();
  std::memset(buffer_.get() + tail_, 0, kTextPadding);
  return true;
}

// Skips the byte order mark, skip_rows lines and the header record.
Result<void> CsvRangeReader::SkipFileStart(ByteSource* source, CsvRangeOutcome* outcome) {
  while (size() < 3) {
    ASSIGN_OR_RETURN(const bool more, Fill(source));
    if (!more) break;
  }
  if (size() >= 3 && std::memcmp(data(), "\xEF\xBB\xBF", 3) == 0) head_ += 3;
  const auto too_long = [&] {
    Diagnostic diagnostic;
    diagnostic.number = kLhTooLargeRow;
    diagnostic.detail = "a record is longer than " + std::to_string(kMaxCsvRecordBytes) + " bytes";
    diagnostic.has_offset = true;
    diagnostic.offset = offset();
    outcome->error = diagnostic;
  };
  for (uint32_t skipped = 0; skipped < plan_.dialect.skip_rows;) {
    const size_t next =
        tokenizer_.FindRecordStart(data(), size(), plan_.dialect.record_delimiter.size());
    if (next != SIZE_MAX) {
      head_ += next;
      ++lines_;
      ++skipped;
      continue;
    }
    if (size() > kMaxCsvRecordBytes) return too_long(), Result<void>();
    ASSIGN_OR_RETURN(const bool more, Fill(source));
    if (!more) {
      head_ = tail_;
      return {};
    }
  }
  while (plan_.dialect.has_header) {
    tokenizer_.Tokenize(data(), size(), SIZE_MAX, at_end_, 1, &rows_);
    if (rows_.num_rows == 1) {
      head_ += rows_.consumed;
      lines_ += rows_.lines;
      return {};
    }
    if (size() > kMaxCsvRecordBytes) return too_long(), Result<void>();
    if (at_end_) {
      head_ = tail_;
      return {};
    }
    RETURN_IF_ERROR(Fill(source));
  }
  return {};
}

// Moves head_ to the first record that seems to start at or after `begin`.
Result<void> CsvRangeReader::FindStart(ByteSource* source, uint64_t begin) {
  for (;;) {
    size_t first = SIZE_MAX;
    size_t from = static_cast<size_t>(begin > buffer_offset_ ? begin - buffer_offset_ : 0);
    bool undecided = tail_ < from;
    for (int guess = 0; !undecided && guess < kMaxGuesses; ++guess) {
      const size_t start = tokenizer_.FindRecordStart(buffer_.get(), tail_, from);
      if (start == SIZE_MAX) {
        undecided = first == SIZE_MAX;
        break;
      }
      if (first == SIZE_MAX) first = start;
      tokenizer_.Tokenize(buffer_.get() + start, tail_ - start, SIZE_MAX, at_end_, kRecordsToTrust,
                          &rows_);
      if (rows_.num_rows > 0 && !rows_.irregular) {
        first = start;
        break;
      }
      if (rows_.num_rows == 0 && !at_end_) {
        undecided = true;
        break;
      }
      from = start + plan_.dialect.record_delimiter.size();
    }
    if (!undecided || size() > kMaxCsvRecordBytes) {
      head_ = first == SIZE_MAX ? tail_ : first;
      return {};
    }
    ASSIGN_OR_RETURN(const bool more, Fill(source));
    if (!more) {
      // The rest of the file is no whole record: it belongs to the range before.
      head_ = first == SIZE_MAX ? tail_ : first;
      return {};
    }
  }
}

Result<CsvRangeOutcome> CsvRangeReader::Read(ByteSource* source, uint64_t source_offset,
                                             uint64_t begin, uint64_t end, bool exact,
                                             bool at_file_start,
                                             engine::TableBuilder::Writer* writer) {
  CsvRangeOutcome outcome;
  buffer_offset_ = source_offset;
  head_ = tail_ = 0;
  at_end_ = false;
  lines_ = 0;
  if (at_file_start) {
    RETURN_IF_ERROR(SkipFileStart(source, &outcome));
    if (outcome.error) return outcome;
  } else if (!exact) {
    RETURN_IF_ERROR(FindStart(source, begin));
  }
  outcome.first_record = at_file_start ? 0 : offset();
  const auto fail = [&](uint32_t number, std::string detail, uint64_t at) {
    Diagnostic diagnostic;
    diagnostic.number = number;
    diagnostic.detail = std::move(detail);
    diagnostic.line = lines_ + 1;
    diagnostic.has_offset = number != kLhCsvParsing;  // that text names the offset itself
    diagnostic.offset = at;
    outcome.error = std::move(diagnostic);
    return outcome;
  };
  Sink sink(this);
  while (offset() < end) {
    if (stop_ != nullptr && stop_->stopped())
      return MakeError(ErrorCode::kCancelled, "the load was cancelled");
    tokenizer_.Tokenize(data(), size(),
                        static_cast<size_t>(std::min<uint64_t>(end - offset(), SIZE_MAX)), at_end_,
                        batch_.max_rows(), &rows_);
    if (rows_.num_rows > 0) {
      if (!CheckCounts(&sink) || !ConvertRows(&sink)) {
        outcome.error = sink.error();
        return outcome;
      }
      RETURN_IF_ERROR(batch_.Flush(rows_.num_rows, writer));
      outcome.num_rows += rows_.num_rows;
    }
    head_ += rows_.consumed;
    lines_ += rows_.lines;
    if (rows_.num_rows == batch_.max_rows() || offset() >= end) continue;
    // The buffer ends within a record.
    if (size() > kMaxCsvRecordBytes) {
      if (rows_.in_quotes) {
        return fail(kLhCsvParsing,
                    "The quote opened here is not closed within " +
                        std::to_string(kMaxCsvRecordBytes) + " bytes.",
                    offset() - rows_.consumed + rows_.open_quote);
      }
      return fail(kLhTooLargeRow,
                  "a record is longer than " + std::to_string(kMaxCsvRecordBytes) + " bytes",
                  offset());
    }
    ASSIGN_OR_RETURN(const bool more, Fill(source));
    if (more) continue;
    if (size() == 0) break;
    if (rows_.in_quotes) {
      // Tokenized once more as the last record, it is still open.
      tokenizer_.Tokenize(data(), size(), SIZE_MAX, true, 1, &rows_);
      if (rows_.num_rows == 0 && rows_.in_quotes)
        return fail(kLhCsvParsing, "The quote opened here is never closed.",
                    offset() + rows_.open_quote);
    }
  }
  outcome.next_record = offset();
  outcome.num_lines = lines_;
  return outcome;
}

bool CsvRangeReader::CheckCounts(IssueSink* sink) {
  if (!rows_.irregular) return true;
  for (uint32_t row = 0; row < rows_.num_rows; ++row) {
    const uint32_t found = rows_.num_found[row];
    if (found == plan_.num_fields) continue;
    const std::string wanted = std::to_string(plan_.num_fields), got = std::to_string(found);
    if (sink->strict()) return sink->Fail(kLhColumnMismatch, -1, row, wanted, {}, got);
    sink->Warn(kLhColumnMismatch, -1, row, wanted, {}, got);
  }
  return true;
}

bool CsvRangeReader::ConvertRows(IssueSink* sink) {
  for (uint32_t column = 0; column < converters_.size(); ++column)
    if (!ConvertColumn(column, sink)) return false;
  return true;
}

bool CsvRangeReader::ConvertField(uint32_t column, uint32_t row, const FieldSpan& field,
                                  IssueSink* sink) {
  TextConverter& converter = converters_[column];
  ColumnBuffer* out = &batch_.column(column);
  if (field.missing) return converter.ConvertMissing(row, out, sink);
  std::string_view text(data() + field.start, field.size);
  if (field.escaped) {
    unescaped_.clear();
    const bool is_null = tokenizer_.Unescape(data(), field, &unescaped_);
    // The raw text may be what the dialect calls NULL; the escape and N are NULL unless the dialect
    // names another word.
    if (!field.quoted &&
        (text == plan_.dialect.null_value || (is_null && plan_.dialect.null_value == "\\N")))
      return converter.ConvertNull(row, out, sink);
    text = unescaped_;
  } else if (!field.quoted) {
    if (text == plan_.dialect.null_value) return converter.ConvertNull(row, out, sink);
    if (plan_.dialect.empty_value && text == *plan_.dialect.empty_value) text = {};
  }
  if (text.empty()) {
    const TypeKind kind = converter.target().schema.type.kind;
    if (kind != TypeKind::kString && kind != TypeKind::kEnum && kind != TypeKind::kSet &&
        kind != TypeKind::kBit) {
      return converter.ConvertEmpty(row, out, sink);
    }
  }
  return converter.Convert(text, row, out, sink);
}

template <typename Fast>
bool CsvRangeReader::ConvertFixed(uint32_t column, const Fast& fast, IssueSink* sink) {
  const uint32_t stride = std::max(1u, plan_.num_fields);
  const FieldSpan* field = rows_.fields.data() + plan_.field_of_column[column];
  const char* text = data();
  for (uint32_t row = 0; row < rows_.num_rows; ++row, field += stride) {
    if (field->is_plain() && fast(text + field->start, field->size, row)) [[likely]]
      continue;
    if (!ConvertField(column, row, *field, sink)) return false;
  }
  return true;
}

bool CsvRangeReader::ConvertStrings(uint32_t column, IssueSink* sink) {
  const uint32_t stride = std::max(1u, plan_.num_fields);
  const FieldSpan* field = rows_.fields.data() + plan_.field_of_column[column];
  const TextConverter& converter = converters_[column];
  ColumnBuffer* out = &batch_.column(column);
  const char* text = data();
  const bool non_ascii = rows_.non_ascii;
  const uint32_t limit = std::min(converter.max_chars(), converter.max_bytes());
  const bool strip = converter.target().form == StringForm::kChar;
  const std::string_view null_value =
      null_is_plain_ ? std::string_view(plan_.dialect.null_value) : std::string_view();
  for (uint32_t row = 0; row < rows_.num_rows; ++row, field += stride) {
    const uint32_t size = field->size;
    const bool usual = !field->escaped && !field->missing && size <= limit &&
                       (field->quoted || !null_is_plain_ || size != null_value.size() ||
                        std::memcmp(text + field->start, null_value.data(), size) != 0);
    if (usual && !plan_.dialect.empty_value && (!non_ascii || IsAscii(text + field->start, size)))
        [[likely]] {
      uint32_t kept = size;
      if (strip)
        while (kept > 0 && text[field->start + kept - 1] == ' ') --kept;
      out->SetPaddedBytes(row, text + field->start, kept);
      continue;
    }
    if (!ConvertField(column, row, *field, sink)) return false;
  }
  return true;
}

bool CsvRangeReader::ConvertColumn(uint32_t column, IssueSink* sink) {
  TextConverter& converter = converters_[column];
  const ColumnTarget& target = converter.target();
  const plan::Type& type = target.schema.type;
  ColumnBuffer* out = &batch_.column(column);
  const int32_t index = plan_.field_of_column[column];
  if (index < 0) {
    for (uint32_t row = 0; row < rows_.num_rows; ++row) {
      const bool stored = target.is_filename ? converter.Convert(plan_.file_name, row, out, sink)
                                             : converter.ConvertMissing(row, out, sink);
      if (!stored) return false;
    }
    return true;
  }
  const bool ascii_based = plan_.rules.encoding == nullptr || plan_.rules.encoding->ascii_based();
  const auto general = [](const char*, size_t, uint32_t) { return false; };
  if (!ascii_based || (!fast_values_ && type.kind != TypeKind::kString))
    return ConvertFixed(column, general, sink);
  switch (type.kind) {
    case TypeKind::kInt:
    case TypeKind::kUInt: {
      const IntegerLimits limits = LimitsOf(target);
      const int64_t min = limits.min;
      const int64_t max = limits.max > INT64_MAX ? INT64_MAX : static_cast<int64_t>(limits.max);
      int64_t* values = out->i64();
      return ConvertFixed(
          column,
          [=](const char* text, size_t size, uint32_t row) {
            int64_t value;
            if (!FastIntegerPadded(text, size, &value) || value < min || value > max) return false;
            values[row] = value;
            return true;
          },
          sink);
    }
    case TypeKind::kDecimal: {
      if (out->lane() != Lane::kI64) return ConvertFixed(column, general, sink);
      const uint32_t scale = type.scale;
      const int64_t limit = kPowersOfTen[type.precision];
      int64_t* values = out->i64();
      return ConvertFixed(
          column,
          [=](const char* text, size_t size, uint32_t row) {
            int64_t value;
            if (!FastDecimalPadded(text, size, scale, &value) || value <= -limit || value >= limit)
              return false;
            values[row] = value;
            return true;
          },
          sink);
    }
    case TypeKind::kDate: {
      if (!target.date_format.empty()) return ConvertFixed(column, general, sink);
      int64_t* values = out->i64();
      return ConvertFixed(
          column,
          [=](const char* text, size_t size, uint32_t row) {
            mysqlsem::PackedDate date;
            if (size != 10 || !FastDate(text, &date)) return false;
            values[row] = date;
            return true;
          },
          sink);
    }
    case TypeKind::kDatetime: {
      if (!target.datetime_format.empty()) return ConvertFixed(column, general, sink);
      int64_t* values = out->i64();
      return ConvertFixed(
          column,
          [=](const char* text, size_t size, uint32_t row) {
            mysqlsem::PackedDatetime datetime;
            if (size != 19 || !FastDatetime(text, &datetime)) return false;
            values[row] = datetime;
            return true;
          },
          sink);
    }
    case TypeKind::kString:
      if (converter.is_plain_string() &&
          !(target.form == StringForm::kChar && type.collation == plan::kBinaryCollation)) {
        return ConvertStrings(column, sink);
      }
      return ConvertFixed(column, general, sink);
    default:
      return ConvertFixed(column, general, sink);
  }
}

}  // namespace sirocco::lakehouse
