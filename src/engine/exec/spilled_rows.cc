#include "engine/exec/spilled_rows.h"

#include <algorithm>
#include <cstring>

#include "common/check.h"

namespace sirocco::engine {

namespace {

// Large enough that a page costs one seek and one system call per many rows, small enough that a
// page per partition fits next to what the query keeps in memory.
constexpr size_t kPageBytes = 256 << 10, kManyPartitionsPageBytes = 64 << 10;

size_t Align(size_t bytes) { return (bytes + 63) & ~size_t{63}; }

struct ColumnOffsets {
  uint64_t values, nulls, bytes;
};

}  // namespace

void SpilledPartition::Append(SpilledPartition&& other) {
  rows += other.rows;
  bytes += other.bytes;
  std::move(other.pages.begin(), other.pages.end(), std::back_inserter(pages));
  other = {};
}

RowSpiller::RowSpiller(std::vector<StoredColumn> columns, uint32_t num_partitions,
                       QueryContext* context)
    : columns_(std::move(columns)),
      context_(context),
      page_bytes_(num_partitions > 4 ? kManyPartitionsPageBytes : kPageBytes),
      charged_(num_partitions * page_bytes_),
      partitions_(num_partitions) {
  // Buffers are small and needed to free memory.
  context_->pool()->ForceReserve(charged_);
  for (Partition& partition : partitions_) partition.columns.resize(columns_.size());
}

RowSpiller::~RowSpiller() { context_->pool()->Release(charged_); }

Result<void> RowSpiller::Append(const Vector* vectors, const uint16_t* rows, uint32_t count,
                                uint32_t number) {
  Partition& partition = partitions_[number];
  for (size_t c = 0; c < columns_.size(); ++c) {
    const Vector& in = vectors[c];
    Column& out = partition.columns[c];
    DCHECK(in.lane == columns_[c].info.lane);
    if (in.nulls != nullptr || !out.nulls.empty()) {
      out.nulls.resize(partition.rows);  // those before had no NULLs
      for (uint32_t i = 0; i < count; ++i) {
        const uint32_t row = in.constant ? 0 : rows != nullptr ? rows[i] : i;
        out.nulls.push_back(in.nulls != nullptr && in.nulls[row] != 0);
      }
      partition.bytes += count;
    }
    if (in.lane == Lane::kStr) {
      for (uint32_t i = 0; i < count; ++i) {
        const uint32_t row = in.constant ? 0 : rows != nullptr ? rows[i] : i;
        const bool null = in.nulls != nullptr && in.nulls[row] != 0;
        const StringRef value = null ? StringRef{"", 0, 0} : in.str()[row];
        const char* size = reinterpret_cast<const char*>(&value.size);
        out.values.insert(out.values.end(), size, size + sizeof(value.size));
        if (value.size != 0) out.bytes.insert(out.bytes.end(), value.data, value.data + value.size);
        partition.bytes += sizeof(value.size) + value.size;
      }
    } else {
      const size_t before = out.values.size(), bytes = size_t{count} * columns_[c].width;
      out.values.resize(before + bytes);
      StoreRows(columns_[c], in, rows, 0, count, out.values.data() + before);
      partition.bytes += bytes;
    }
  }
  partition.rows += count;
  if (partition.bytes >= page_bytes_ || partition.rows >= (1u << 20)) return WritePage(&partition);
  return {};
}

Result<void> RowSpiller::AppendPartitioned(const Vector* vectors, const uint16_t* rows,
                                           uint32_t count, const uint32_t* partitions) {
  // Rows ordered by partition.
  std::vector<uint32_t> starts(partitions_.size() + 1, 0);
  for (uint32_t i = 0; i < count; ++i) ++starts[partitions[i] + 1];
  for (size_t p = 0; p < partitions_.size(); ++p) starts[p + 1] += starts[p];
  uint16_t ordered[kVectorSize];
  std::vector<uint32_t> next(starts.begin(), starts.end() - 1);
  for (uint32_t i = 0; i < count; ++i)
    ordered[next[partitions[i]]++] = rows != nullptr ? rows[i] : static_cast<uint16_t>(i);
  for (uint32_t p = 0; p < partitions_.size(); ++p) {
    if (starts[p + 1] != starts[p])
      RETURN_IF_ERROR(Append(vectors, ordered + starts[p], starts[p + 1] - starts[p], p));
  }
  return {};
}

Result<void> RowSpiller::AppendAll(const RowBlocks& rows) {
  std::vector<VectorBuffer> buffers(columns_.size());
  std::vector<Vector> vectors(columns_.size());
  for (const RowBlock& block : rows.blocks()) {
    if (context_->cancelled()) return MakeError(ErrorCode::kCancelled, "query cancelled");
    for (uint32_t first = 0; first < block.count; first += kVectorSize) {
      const uint32_t n = std::min(kVectorSize, block.count - first);
      for (size_t c = 0; c < columns_.size(); ++c)
        vectors[c] = ReadStored(rows.columns()[c], block.values[c].data(),
                                block.nulls[c].as<uint8_t>(), first, n, &buffers[c]);
      RETURN_IF_ERROR(Append(vectors.data(), nullptr, n, 0));
    }
  }
  return {};
}

Result<void> RowSpiller::WritePage(Partition* partition) {
  if (partition->rows == 0) return {};
  if (context_->cancelled()) return MakeError(ErrorCode::kCancelled, "query cancelled");
  if (file_ == nullptr) {
    ASSIGN_OR_RETURN(file_, context_->spill()->MakeFile());
  }
  std::vector<ColumnOffsets> offsets(columns_.size());
  size_t end = Align(sizeof(uint64_t) + columns_.size() * sizeof(ColumnOffsets));
  const auto place = [&](size_t bytes) {
    const size_t at = end;
    end += Align(bytes);
    return at;
  };
  for (size_t c = 0; c < columns_.size(); ++c) {
    Column& column = partition->columns[c];
    if (!column.nulls.empty()) column.nulls.resize(partition->rows);
    offsets[c] = {place(column.values.size()),
                  column.nulls.empty() ? 0 : place(column.nulls.size()),
                  place(column.bytes.size())};
  }
  page_.assign(end, 0);
  const uint64_t rows = partition->rows;
  std::memcpy(page_.data(), &rows, sizeof(rows));
  if (!offsets.empty())
    std::memcpy(page_.data() + sizeof(rows), offsets.data(),
                offsets.size() * sizeof(ColumnOffsets));
  for (size_t c = 0; c < columns_.size(); ++c) {
    Column& column = partition->columns[c];
    std::copy(column.values.begin(), column.values.end(), page_.begin() + offsets[c].values);
    std::copy(column.nulls.begin(), column.nulls.end(), page_.begin() + offsets[c].nulls);
    std::copy(column.bytes.begin(), column.bytes.end(), page_.begin() + offsets[c].bytes);
    column.values.clear();
    column.nulls.clear();
    column.bytes.clear();
  }
  ASSIGN_OR_RETURN(const SpillPage page, file_->Write(page_.data(), page_.size()));
  partition->written.pages.push_back({file_, page, partition->rows});
  partition->written.rows += partition->rows;
  partition->written.bytes += page.bytes;
  partition->rows = 0;
  partition->bytes = 0;
  return {};
}

Result<void> RowSpiller::Close(std::vector<SpilledPartition>* out) {
  if (out->size() < partitions_.size()) out->resize(partitions_.size());
  for (size_t p = 0; p < partitions_.size(); ++p) {
    RETURN_IF_ERROR(WritePage(&partitions_[p]));
    (*out)[p].Append(std::move(partitions_[p].written));
    partitions_[p] = {};
  }
  partitions_.clear();
  return {};
}

SpilledRowsReader::SpilledRowsReader(std::vector<StoredColumn> columns, QueryContext* context)
    : columns_(std::move(columns)),
      context_(context),
      strings_(columns_.size()),
      vector_buffers_(columns_.size()) {}

SpilledRowsReader::~SpilledRowsReader() { context_->pool()->Release(charged_); }

Result<void> SpilledRowsReader::Load(const SpilledPage& page) {
  if (context_->cancelled()) return MakeError(ErrorCode::kCancelled, "query cancelled");
  if (capacity_ < page.page.bytes) {
    capacity_ = Align(page.page.bytes + 64);
    buffer_.reset(static_cast<char*>(std::aligned_alloc(64, capacity_)));
    if (buffer_ == nullptr) return MakeError(ErrorCode::kOutOfMemory, "allocation failed");
  }
  RETURN_IF_ERROR(page.file->Read(page.page, buffer_.get()));
  std::memset(buffer_.get() + page.page.bytes, 0, capacity_ - page.page.bytes);
  const char* base = buffer_.get();
  const auto* offsets = reinterpret_cast<const ColumnOffsets*>(base + sizeof(uint64_t));
  size_t strings = 0;
  for (size_t c = 0; c < columns_.size(); ++c) {
    if (columns_[c].info.lane != Lane::kStr) continue;
    std::vector<StringRef>& refs = strings_[c];
    refs.resize(page.rows);
    const auto* sizes = reinterpret_cast<const uint32_t*>(base + offsets[c].values);
    const char* bytes = base + offsets[c].bytes;
    for (uint32_t i = 0; i < page.rows; ++i) {
      refs[i] = {bytes, sizes[i], 0};
      bytes += sizes[i];
    }
    strings += page.rows * sizeof(StringRef);
  }
  const size_t needed = capacity_ + strings;
  if (needed > charged_) {
    context_->pool()->ForceReserve(needed - charged_);
    charged_ = needed;
  }
  row_ = 0;
  rows_ = page.rows;
  return {};
}

Result<uint32_t> SpilledRowsReader::Next(std::vector<Vector>* vectors) {
  while (row_ == rows_) {
    if (partition_ == nullptr || next_page_ == partition_->pages.size()) return 0;
    RETURN_IF_ERROR(Load(partition_->pages[next_page_++]));
  }
  const uint32_t count = std::min(kVectorSize, rows_ - row_);
  const char* base = buffer_.get();
  const auto* offsets = reinterpret_cast<const ColumnOffsets*>(base + sizeof(uint64_t));
  vectors->resize(columns_.size());
  for (size_t c = 0; c < columns_.size(); ++c) {
    const void* values = columns_[c].info.lane == Lane::kStr
                             ? strings_[c].data()
                             : static_cast<const void*>(base + offsets[c].values);
    const auto* nulls =
        offsets[c].nulls == 0 ? nullptr : reinterpret_cast<const uint8_t*>(base + offsets[c].nulls);
    (*vectors)[c] = ReadStored(columns_[c], values, nulls, row_, count, &vector_buffers_[c]);
  }
  row_ += count;
  return count;
}

}  // namespace sirocco::engine
