#include "lakehouse/read/parquet_file.h"

#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <arrow/status.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/statistics.h>

#include <algorithm>
#include <cstring>

#include "lakehouse/read/parquet_column.h"
#include "lakehouse/read/parquet_types.h"

namespace sirocco::lakehouse {

namespace {

// Column chunks closer together than this are fetched with one request.
constexpr uint64_t kMaxHoleBytes = 256 << 10;
// The footer is read with the end of the file, in most cases whole.
constexpr size_t kFooterBytes = 64 << 10;

// Arrow's view of an object: what was fetched ahead is served from memory, the rest by single
// reads.
class ObjectFile final : public arrow::io::RandomAccessFile {
 public:
  ObjectFile(ObjectStore* store, const ObjectMeta& object) : store_(store), object_(object) {}

  struct Fetched {
    uint64_t offset = 0;
    std::shared_ptr<arrow::ResizableBuffer> bytes;
    std::unique_ptr<PendingRead> read;
  };

  // Starts fetching ranges (offset, size), sorted; they stay until Forget.
  arrow::Status Prefetch(std::vector<std::pair<uint64_t, uint64_t>> ranges) {
    std::sort(ranges.begin(), ranges.end());
    size_t at = 0;
    while (at < ranges.size()) {
      uint64_t begin = ranges[at].first, end = begin + ranges[at].second;
      for (++at; at < ranges.size() && ranges[at].first <= end + kMaxHoleBytes; ++at)
        end = std::max(end, ranges[at].first + ranges[at].second);
      if (end > object_.size || begin >= end)
        return arrow::Status::IOError("a column chunk lies outside of the file");
      Fetched fetched;
      fetched.offset = begin;
      ARROW_ASSIGN_OR_RAISE(fetched.bytes, arrow::AllocateResizableBuffer(
                                               static_cast<int64_t>(end - begin), 64, nullptr));
      fetched.read = store_->StartRead(object_, begin,
                                       {reinterpret_cast<char*>(fetched.bytes->mutable_data()),
                                        static_cast<size_t>(end - begin)});
      fetched_.push_back(std::move(fetched));
    }
    return arrow::Status::OK();
  }
  // Drops the oldest `count` prefetched ranges.
  void Forget(size_t count) { fetched_.erase(fetched_.begin(), fetched_.begin() + count); }
  size_t num_fetched() const { return fetched_.size(); }
  // The store's own error, which says more than Arrow's.
  const std::optional<Error>& error() const { return error_; }

  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return closed_; }
  arrow::Result<int64_t> Tell() const override { return position_; }
  arrow::Status Seek(int64_t position) override {
    position_ = position;
    return arrow::Status::OK();
  }
  arrow::Result<int64_t> GetSize() override { return static_cast<int64_t>(object_.size); }
  arrow::Result<int64_t> Read(int64_t size, void* out) override {
    ARROW_ASSIGN_OR_RAISE(const int64_t got, ReadAt(position_, size, out));
    position_ += got;
    return got;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t size) override {
    ARROW_ASSIGN_OR_RAISE(auto buffer, ReadAt(position_, size));
    position_ += buffer->size();
    return buffer;
  }
  arrow::Result<int64_t> ReadAt(int64_t position, int64_t size, void* out) override {
    if (position < 0 || size < 0) return arrow::Status::Invalid("negative read");
    const auto begin = static_cast<uint64_t>(position);
    if (begin >= object_.size) return 0;
    const auto wanted = std::min<uint64_t>(static_cast<uint64_t>(size), object_.size - begin);
    for (Fetched& fetched : fetched_) {
      if (!Covers(fetched, begin, wanted)) continue;
      ARROW_RETURN_NOT_OK(Await(&fetched));
      std::memcpy(out, fetched.bytes->data() + (begin - fetched.offset), wanted);
      return static_cast<int64_t>(wanted);
    }
    ARROW_RETURN_NOT_OK(Check(store_->Read(object_, begin, {static_cast<char*>(out), wanted})));
    return static_cast<int64_t>(wanted);
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(int64_t position, int64_t size) override {
    if (position < 0 || size < 0) return arrow::Status::Invalid("negative read");
    const auto begin = static_cast<uint64_t>(position);
    const uint64_t left = begin >= object_.size ? 0 : object_.size - begin;
    const auto wanted = std::min<uint64_t>(static_cast<uint64_t>(size), left);
    for (Fetched& fetched : fetched_) {
      if (!Covers(fetched, begin, wanted)) continue;
      ARROW_RETURN_NOT_OK(Await(&fetched));
      return arrow::SliceBuffer(fetched.bytes, static_cast<int64_t>(begin - fetched.offset),
                                static_cast<int64_t>(wanted));
    }
    ARROW_ASSIGN_OR_RAISE(
        auto buffer, arrow::AllocateResizableBuffer(static_cast<int64_t>(wanted), 64, nullptr));
    if (wanted != 0)
      ARROW_RETURN_NOT_OK(Check(
          store_->Read(object_, begin, {reinterpret_cast<char*>(buffer->mutable_data()), wanted})));
    return buffer;
  }

 private:
  static bool Covers(const Fetched& fetched, uint64_t begin, uint64_t size) {
    return begin >= fetched.offset &&
           begin + size <= fetched.offset + static_cast<uint64_t>(fetched.bytes->size());
  }
  arrow::Status Await(Fetched* fetched) {
    if (fetched->read == nullptr) return arrow::Status::OK();
    auto done = fetched->read->Wait();
    fetched->read.reset();
    return Check(std::move(done));
  }
  arrow::Status Check(Result<void> done) {
    if (done) return arrow::Status::OK();
    error_ = done.error();
    return arrow::Status::IOError(done.error().message);
  }

  ObjectStore* store_;
  const ObjectMeta& object_;
  std::vector<Fetched> fetched_;
  std::optional<Error> error_;
  int64_t position_ = 0;
  bool closed_ = false;
};

}  // namespace

class ParquetFileImpl final : public ParquetFile {
 public:
  ParquetFileImpl(ObjectStore* store, const ObjectMeta& object, std::string shown)
      : store_(store), object_(object), shown_(std::move(shown)) {}

  Result<void> ReadFooter();

  const std::vector<ParquetColumn>& columns() const override { return columns_; }
  uint32_t num_row_groups() const override {
    return static_cast<uint32_t>(metadata_->num_row_groups());
  }
  uint64_t num_rows() const override { return static_cast<uint64_t>(metadata_->num_rows()); }
  uint64_t num_rows(uint32_t row_group) const override {
    return static_cast<uint64_t>(metadata_->RowGroup(static_cast<int>(row_group))->num_rows());
  }
  uint64_t num_bytes(uint32_t row_group) const override {
    const auto size = metadata_->RowGroup(static_cast<int>(row_group))->total_compressed_size();
    return static_cast<uint64_t>(std::max<int64_t>(0, size));
  }
  Result<void> CheckTypes(const std::vector<ColumnTarget>& targets,
                          const std::vector<int32_t>& column_of_target) const override;
  bool MayMatch(uint32_t row_group, const std::vector<ColumnTarget>& targets,
                const std::vector<int32_t>& column_of_target,
                const std::vector<ColumnRange>& ranges) const override;

  Result<ReadTask::Outcome> ReadRows(const ParquetReadPlan& plan, uint32_t first, uint32_t count,
                                     engine::TableBuilder::Writer* writer, DiagnosticLog* log,
                                     const StopToken* stop) const;

 private:
  struct Column {
    int leaf_index = -1;  // of the only leaf; -1: nested with several
    ParquetLeaf leaf;
    std::string reason;
  };
  // Offset and size of a column chunk with its dictionary page; false: outside of the file.
  bool ChunkRange(const parquet::ColumnChunkMetaData& chunk, uint64_t* offset,
                  uint64_t* size) const;

  ObjectStore* store_;
  const ObjectMeta object_;
  const std::string shown_;
  std::shared_ptr<parquet::FileMetaData> metadata_;
  std::vector<ParquetColumn> columns_;
  std::vector<Column> sources_;  // parallel to columns_
};

Result<void> ParquetFileImpl::ReadFooter() {
  if (object_.size == 0) return LhFail(kLhEmptyFile, {.file = shown_});
  char magic[4];
  if (object_.size < 12) return LhFail(kLhNoMagicBytes, {.file = shown_, .detail = "Parquet"});
  RETURN_IF_ERROR(store_->Read(object_, object_.size - 4, magic));
  if (std::memcmp(magic, "PAR1", 4) != 0)
    return LhFail(kLhNoMagicBytes, {.file = shown_, .detail = "Parquet"});
  auto file = std::make_shared<ObjectFile>(store_, object_);
  try {
    parquet::ReaderProperties properties;
    properties.set_footer_read_size(kFooterBytes);
    metadata_ = parquet::ParquetFileReader::Open(file, properties)->metadata();
    const parquet::SchemaDescriptor& schema = *metadata_->schema();
    for (int i = 0; i < schema.group_node()->field_count(); ++i) {
      const parquet::schema::Node& node = *schema.group_node()->field(i);
      Column source;
      int num_leaves = 0;
      for (int leaf = 0; leaf < schema.num_columns(); ++leaf) {
        if (schema.GetColumnRoot(leaf) != &node) continue;
        ++num_leaves;
        source.leaf_index = leaf;
      }
      ParquetColumn column;
      column.name = node.name();
      column.nullable = !node.is_required();
      if (num_leaves == 1) {
        source.leaf = DescribeLeaf(*schema.Column(source.leaf_index), node, &source.reason);
        column.type = parquet::TypeToString(source.leaf.physical);
        if (node.logical_type() != nullptr && !node.logical_type()->is_none())
          column.type += " " + node.logical_type()->ToString();
      } else {
        source.leaf_index = -1;
        source.reason = "Nested columns other than lists of plain values are not supported";
      }
      column.loadable = source.leaf_index >= 0 && source.leaf.kind != ParquetKind::kUnknown;
      columns_.push_back(std::move(column));
      sources_.push_back(std::move(source));
    }
  } catch (const std::exception& exception) {
    if (file->error()) return std::unexpected(*file->error());
    Error error = LhMakeError(kLhParquetHeader, {.file = shown_});
    error.message += std::string(" ") + exception.what();
    return std::unexpected(std::move(error));
  }
  return {};
}

Result<void> ParquetFileImpl::CheckTypes(const std::vector<ColumnTarget>& targets,
                                         const std::vector<int32_t>& column_of_target) const {
  for (size_t i = 0; i < targets.size(); ++i) {
    const int32_t index = column_of_target[i];
    if (index < 0) continue;
    const Column& source = sources_[index];
    const auto column = static_cast<int32_t>(i);
    if (source.leaf_index < 0 || source.leaf.kind == ParquetKind::kUnknown)
      return LhFail(kLhParquetComplex, {.column = column, .file = shown_, .detail = source.reason});
    if (!FitsTarget(source.leaf, targets[i])) {
      return LhFail(kLhParquetCannotConvert,
                    {.column = column, .file = shown_, .detail = TargetTypeName(targets[i])});
    }
  }
  return {};
}

bool ParquetFileImpl::ChunkRange(const parquet::ColumnChunkMetaData& chunk, uint64_t* offset,
                                 uint64_t* size) const {
  int64_t begin = chunk.data_page_offset();
  if (chunk.has_dictionary_page() && chunk.dictionary_page_offset() > 0)
    begin = std::min(begin, chunk.dictionary_page_offset());
  const int64_t bytes = chunk.total_compressed_size();
  const auto file_size = static_cast<int64_t>(object_.size);
  if (begin < 0 || bytes < 0 || begin > file_size || bytes > file_size - begin) return false;
  *offset = static_cast<uint64_t>(begin);
  *size = static_cast<uint64_t>(bytes);
  return true;
}

bool ParquetFileImpl::MayMatch(uint32_t row_group, const std::vector<ColumnTarget>& targets,
                               const std::vector<int32_t>& column_of_target,
                               const std::vector<ColumnRange>& ranges) const {
  try {
    const auto group = metadata_->RowGroup(static_cast<int>(row_group));
    for (const ColumnRange& range : ranges) {
      const int32_t index = column_of_target[range.column];
      if (index < 0) continue;
      const Column& source = sources_[index];
      if (source.leaf_index < 0 || source.leaf.is_list) continue;
      const auto statistics = group->ColumnChunk(source.leaf_index)->statistics();
      if (statistics == nullptr || !statistics->HasMinMax()) continue;
      if (!StatisticsMayMatch(source.leaf, *statistics, targets[range.column].schema.type, range))
        return false;
    }
  } catch (const std::exception&) {
    return true;  // statistics that cannot be read prove nothing
  }
  return true;
}

Result<ReadTask::Outcome> ParquetFileImpl::ReadRows(const ParquetReadPlan& plan, uint32_t first,
                                                    uint32_t count,
                                                    engine::TableBuilder::Writer* writer,
                                                    DiagnosticLog* log,
                                                    const StopToken* stop) const {
  ReadTask::Outcome outcome;
  auto file = std::make_shared<ObjectFile>(store_, object_);
  const auto failure = [&](const std::string& reason) -> std::unexpected<Error> {
    if (file->error()) return std::unexpected(*file->error());
    return LhFail(kLhParquetCannotOpen, {.file = plan.file_name, .detail = reason});
  };
  const std::vector<ColumnTarget>& targets = *plan.targets;
  try {
    parquet::ReaderProperties properties;
    auto reader = parquet::ParquetFileReader::Open(file, properties, metadata_);
    const auto prefetch = [&](uint32_t group_index) -> arrow::Status {
      const auto group = metadata_->RowGroup(static_cast<int>(group_index));
      std::vector<std::pair<uint64_t, uint64_t>> ranges;
      for (size_t i = 0; i < targets.size(); ++i) {
        if (plan.column_of_target[i] < 0) continue;
        uint64_t offset, size;
        if (!ChunkRange(*group->ColumnChunk(sources_[plan.column_of_target[i]].leaf_index), &offset,
                        &size))
          return arrow::Status::IOError("a column chunk lies outside of the file");
        if (size != 0) ranges.emplace_back(offset, size);
      }
      return file->Prefetch(std::move(ranges));
    };
    RowBatch batch(targets, kParquetBatchRows);
    ParquetIssues issues(plan.rules.strict, log);
    std::vector<TextConverter> converters;
    converters.reserve(targets.size());
    for (size_t i = 0; i < targets.size(); ++i)
      converters.emplace_back(targets[i], plan.rules, static_cast<int32_t>(i));
    uint64_t rows_before = 0;
    for (uint32_t i = 0; i < first; ++i) rows_before += num_rows(i);
    if (auto status = prefetch(first); !status.ok()) return failure(status.ToString());
    for (uint32_t group_index = first; group_index < first + count; ++group_index) {
      const size_t fetched_before = file->num_fetched();
      // The next group is on its way while this one is decoded.
      if (group_index + 1 < first + count)
        if (auto status = prefetch(group_index + 1); !status.ok())
          return failure(status.ToString());
      auto group = reader->RowGroup(static_cast<int>(group_index));
      const int64_t group_rows = group->metadata()->num_rows();
      std::vector<std::unique_ptr<ParquetColumnReader>> readers;
      for (size_t i = 0; i < targets.size(); ++i) {
        const int32_t index = plan.column_of_target[i];
        readers.push_back(index < 0 ? nullptr
                                    : ParquetColumnReader::Create(
                                          group->Column(sources_[index].leaf_index),
                                          sources_[index].leaf, &converters[i], plan.rules));
      }
      for (int64_t row = 0; row < group_rows;) {
        if (stop != nullptr && stop->stopped())
          return MakeError(ErrorCode::kCancelled, "the load was cancelled");
        const auto rows =
            static_cast<uint32_t>(std::min<int64_t>(group_rows - row, batch.max_rows()));
        issues.set_first_row(rows_before + outcome.num_rows);
        for (size_t i = 0; i < targets.size(); ++i) {
          bool stored = true;
          if (readers[i] != nullptr) {
            auto read = readers[i]->Read(rows, &batch.column(i), &issues);
            if (!read) return failure(read.error().message);
            stored = *read;
          } else {
            for (uint32_t r = 0; r < rows && stored; ++r) {
              stored = targets[i].is_filename
                           ? converters[i].Convert(plan.file_name, r, &batch.column(i), &issues)
                           : converters[i].ConvertMissing(r, &batch.column(i), &issues);
            }
          }
          if (!stored) {
            outcome.error = issues.error();
            return outcome;
          }
        }
        RETURN_IF_ERROR(batch.Flush(rows, writer));
        row += rows;
        outcome.num_rows += rows;
      }
      readers.clear();
      file->Forget(fetched_before);
      outcome.num_bytes += num_bytes(group_index);
    }
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& exception) {
    return failure(exception.what());
  }
  return outcome;
}

Result<std::shared_ptr<const ParquetFile>> ParquetFile::Open(ObjectStore* store,
                                                             const ObjectMeta& object,
                                                             std::string shown) {
  auto file = std::make_shared<ParquetFileImpl>(store, object, std::move(shown));
  RETURN_IF_ERROR(file->ReadFooter());
  return file;
}

Result<ReadTask::Outcome> ReadParquetRowGroups(const ParquetReadPlan& plan, uint32_t first,
                                               uint32_t count, engine::TableBuilder::Writer* writer,
                                               DiagnosticLog* log, const StopToken* stop) {
  return static_cast<const ParquetFileImpl&>(*plan.file)
      .ReadRows(plan, first, count, writer, log, stop);
}

}  // namespace sirocco::lakehouse
