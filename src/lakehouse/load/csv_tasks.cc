#include "lakehouse/load/csv_tasks.h"

#include <algorithm>

namespace sirocco::lakehouse {

namespace {

// Above this a thread that is late makes the others wait too long at the end.
constexpr uint64_t kMaxRangeBytes = 256 << 20;

class CsvTask final : public ReadTask {
 public:
  CsvTask(std::shared_ptr<const CsvFile> file, uint64_t begin, uint64_t end)
      : file_(std::move(file)), begin_(begin), end_(end) {}

  Result<Outcome> Run(engine::TableBuilder::Writer* writer, DiagnosticLog* log,
                      const StopToken* stop) override {
    Outcome outcome;
    if (nothing_) return outcome;
    CsvRangeReader reader(file_->plan, log, stop);
    const bool first = begin_ == 0;
    Result<CsvRangeOutcome> read;
    if (file_->compression != Compression::kNone) {
      ASSIGN_OR_RETURN(auto source, Unpack(file_->store, file_->object, file_->compression,
                                           file_->plan.file_name));
      read = reader.Read(source.get(), 0, 0, UINT64_MAX, true, true, writer);
    } else {
      const uint64_t record_bytes = file_->plan.dialect.record_delimiter.size();
      const uint64_t start = first || exact_ ? start_ : begin_ - std::min(begin_, record_bytes);
      RangeSource source(file_->store, file_->object, start, end_);
      read = reader.Read(&source, start, begin_, end_, exact_ || first, first, writer);
    }
    if (!read) return std::unexpected(read.error());
    range_ = *read;
    outcome.num_rows = read->num_rows;
    outcome.num_bytes = std::min(end_, file_->object.size) - begin_;
    outcome.error = read->error;
    return outcome;
  }

  bool Accept(const ReadTask* previous) override {
    chain_ = range_.next_record;
    if (begin_ == 0) {
      lines_behind_ = range_.num_lines;
      return true;
    }
    const auto& before = static_cast<const CsvTask&>(*previous);
    lines_before_ = before.lines_behind_;
    if (nothing_ || before.chain_ >= end_) {
      // A record of an earlier range reaches over this one.
      chain_ = before.chain_;
      lines_behind_ = lines_before_;
      if (nothing_) return true;
      nothing_ = true;
      return range_.num_rows == 0 && !range_.error && range_.first_record >= end_;
    }
    if (range_.first_record != before.chain_) {
      exact_ = true;
      start_ = before.chain_;
      return false;
    }
    lines_behind_ = lines_before_ + range_.num_lines;
    return true;
  }
  bool independent() const override { return begin_ == 0; }
  uint64_t lines_before() const override { return lines_before_; }
  const std::string& file_name() const override { return file_->plan.file_name; }

 private:
  std::shared_ptr<const CsvFile> file_;
  uint64_t begin_, end_;
  CsvRangeOutcome range_;
  bool exact_ = false, nothing_ = false;
  uint64_t start_ = 0;  // if exact_
  uint64_t chain_ = 0;  // where the record after this range starts
  uint64_t lines_before_ = 0, lines_behind_ = 0;
};

}  // namespace

void AddCsvTasks(std::shared_ptr<const CsvFile> file, uint32_t num_ranges,
                 std::vector<std::unique_ptr<ReadTask>>* tasks, uint64_t min_range_bytes) {
  const uint64_t size = file->object.size;
  if (file->compression != Compression::kNone) {
    tasks->push_back(std::make_unique<CsvTask>(std::move(file), 0, UINT64_MAX));
    return;
  }
  const uint64_t bytes =
      std::clamp<uint64_t>(size / std::max(1u, num_ranges) + 1, min_range_bytes, kMaxRangeBytes);
  const uint64_t count = std::max<uint64_t>(1, (size + bytes / 2) / bytes);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t begin = size / count * i;
    const uint64_t end = i + 1 == count ? size : size / count * (i + 1);
    tasks->push_back(std::make_unique<CsvTask>(file, begin, end));
  }
}

}  // namespace sirocco::lakehouse
