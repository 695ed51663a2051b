#include "engine/storage/table_builder.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>
#include <thread>

#include "engine/storage/chunk.h"
#include "engine/storage/column_stage.h"
#include "engine/storage/column_statistics.h"
#include "engine/storage/dictionary_builder.h"
#include "engine/storage/row_sample.h"
#include "mysqlsem/collation.h"

namespace sirocco::engine {

namespace {
std::atomic<uint32_t> debug_chunk_rows{kChunkRows};

uint32_t RowsPerChunk() { return debug_chunk_rows.load(std::memory_order_relaxed); }
}  // namespace

void SetDebugChunkRows(uint32_t rows) {
  debug_chunk_rows = std::clamp<uint32_t>(rows, 1, kChunkRows);
}

namespace {

// A chunk is sealed early when a column's strings pass this: offsets have 32 bits, and one chunk
// should stay a small part of memory.
constexpr size_t kMaxChunkHeapBytes = 256 << 20;

// A chunk before Finish; string columns may still hold provisional codes.
struct PendingChunk {
  uint32_t num_rows = 0;
  std::vector<Segment> segments;
};

// What a closed writer leaves behind.
struct SealedRows {
  uint32_t order = 0;
  std::vector<PendingChunk> chunks;
  std::vector<ColumnStage> stages;
};

Error OutOfMemory() {
  return {ErrorCode::kOutOfMemory, 0, "allocation failed while loading a table"};
}

// Runs task(0) .. task(count - 1) on up to `num_threads` threads; the first error wins.
template <typename F>
Result<void> ParallelFor(size_t count, uint32_t num_threads, const F& task) {
  std::atomic<size_t> next{0};
  std::mutex mutex;
  Result<void> result;
  auto work = [&] {
    for (size_t i = next++; i < count; i = next++) {
      Result<void> done;
      try {
        done = task(i);
      } catch (const std::bad_alloc&) {
        done = std::unexpected(OutOfMemory());
      }
      if (done) continue;
      std::lock_guard lock(mutex);
      if (result) result = std::move(done);
      next = count;
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < std::min<size_t>(num_threads, count); ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  return result;
}

}  // namespace

class TableBuilderImpl final : public TableBuilder {
 public:
  TableBuilderImpl(plan::TableSchema schema, std::shared_ptr<MemoryPool> pool)
      : pool_(std::move(pool)), schema_(std::make_shared<plan::TableSchema>(std::move(schema))) {}

  std::unique_ptr<Writer> MakeWriter(uint32_t order) override;
  uint64_t num_rows() const override { return num_rows_.load(std::memory_order_relaxed); }
  Result<SnapshotPtr> Finish(uint32_t num_threads) override;

  // For writers.
  const plan::TableSchema& schema() const { return *schema_; }
  MemoryPool* pool() const { return pool_.get(); }
  void CountRows(uint32_t count) { num_rows_.fetch_add(count, std::memory_order_relaxed); }
  void Take(SealedRows rows) {
    std::lock_guard lock(mutex_);
    sealed_.push_back(std::move(rows));
  }

 private:
  Result<void> BuildDictionary(uint32_t column, Snapshot* snapshot);
  Result<void> FinishChunk(SealedRows* rows, PendingChunk* chunk, const Snapshot& snapshot);

  std::shared_ptr<MemoryPool> pool_;
  std::shared_ptr<const plan::TableSchema> schema_;
  std::atomic<uint64_t> num_rows_{0};
  std::mutex mutex_;
  std::vector<SealedRows> sealed_;
  // Per column, per sealed writer: provisional code -> dictionary code.
  std::vector<std::vector<std::vector<uint32_t>>> remaps_;
};

namespace {

class WriterImpl final : public TableBuilder::Writer {
 public:
  WriterImpl(TableBuilderImpl* builder, uint32_t order) : builder_(builder) {
    rows_.order = order;
    for (const plan::ColumnSchema& column : builder->schema().columns)
      rows_.stages.emplace_back(column, builder->pool());
  }

  Result<void> Append(uint32_t num_rows, std::span<const LoadColumn> columns) override {
    if (columns.size() != rows_.stages.size()) {
      return MakeError(ErrorCode::kInvalidArgument, "batch has " + std::to_string(columns.size()) +
                                                        " columns instead of " +
                                                        std::to_string(rows_.stages.size()));
    }
    for (size_t i = 0; i < columns.size(); ++i) {
      if (columns[i].lane != rows_.stages[i].lane())
        return MakeError(ErrorCode::kInvalidArgument,
                         "batch has the wrong lane in column " + std::to_string(i));
    }
    try {
      for (uint32_t from = 0; from < num_rows;) {
        const uint32_t count = RowsThatFit(columns, from, num_rows - from);
        if (count == 0) {
          RETURN_IF_ERROR(Seal());
          continue;
        }
        for (size_t i = 0; i < columns.size(); ++i)
          RETURN_IF_ERROR(rows_.stages[i].Append(columns[i], from, count));
        staged_rows_ += count;
        from += count;
        if (staged_rows_ == RowsPerChunk()) RETURN_IF_ERROR(Seal());
      }
    } catch (const std::bad_alloc&) {
      return std::unexpected(OutOfMemory());
    }
    builder_->CountRows(num_rows);
    return {};
  }

  Result<void> Close() override {
    try {
      if (staged_rows_ != 0) RETURN_IF_ERROR(Seal());
      // The staging buffers go back at once; the provisional dictionaries are needed by Finish.
      for (ColumnStage& stage : rows_.stages) stage.FreeStaging();
      builder_->Take(std::move(rows_));
    } catch (const std::bad_alloc&) {
      return std::unexpected(OutOfMemory());
    }
    return {};
  }

 private:
  // How many of the next `count` rows go into the current chunk; 0: it must be sealed first.
  uint32_t RowsThatFit(std::span<const LoadColumn> columns, uint32_t from, uint32_t count) const {
    count = std::min(count, RowsPerChunk() - staged_rows_);
    for (size_t i = 0; i < columns.size(); ++i) {
      const ColumnStage& stage = rows_.stages[i];
      while (count > 0 && stage.staged_heap_bytes() + stage.HeapBytes(columns[i], from, count) >
                              kMaxChunkHeapBytes) {
        if (count == 1 && staged_rows_ == 0) break;  // one huge string is a chunk of its own
        count /= 2;
      }
    }
    return count;
  }

  Result<void> Seal() {
    PendingChunk chunk;
    chunk.num_rows = staged_rows_;
    for (ColumnStage& stage : rows_.stages) {
      ASSIGN_OR_RETURN(Segment segment, stage.Seal());
      chunk.segments.push_back(std::move(segment));
    }
    rows_.chunks.push_back(std::move(chunk));
    sealed_rows_ += staged_rows_;
    staged_rows_ = 0;
    for (size_t column = 0; column < rows_.stages.size(); ++column) {
      ColumnStage& stage = rows_.stages[column];
      if (!stage.ShouldGiveUpDictionary(sealed_rows_)) continue;
      for (PendingChunk& earlier : rows_.chunks) {
        ASSIGN_OR_RETURN(earlier.segments[column],
                         CodesToHeap(builder_->pool(), earlier.segments[column],
                                     stage.interner()->values().data()));
      }
      stage.GiveUpDictionary();
    }
    return {};
  }

  TableBuilderImpl* builder_;
  SealedRows rows_;
  uint32_t staged_rows_ = 0;
  uint64_t sealed_rows_ = 0;
};

}  // namespace

std::unique_ptr<TableBuilder> TableBuilder::Create(plan::TableSchema schema,
                                                   std::shared_ptr<MemoryPool> pool) {
  mysqlsem::InitializeCollations();
  return std::make_unique<TableBuilderImpl>(std::move(schema), std::move(pool));
}

std::unique_ptr<TableBuilder::Writer> TableBuilderImpl::MakeWriter(uint32_t order) {
  return std::make_unique<WriterImpl>(this, order);
}

// Decides for one string column and fills snapshot->dictionaries_[column] and remaps_[column].
Result<void> TableBuilderImpl::BuildDictionary(uint32_t column, Snapshot* snapshot) {
  const plan::ColumnSchema& schema = schema_->columns[column];
  if (!schema.type.IsString() || schema.encoding == plan::EncodingHint::kVarlen) return {};
  const mysqlsem::Collation* collation = mysqlsem::FindCollation(schema.type.collation);
  if (collation == nullptr) return {};
  std::vector<const std::vector<StringRef>*> inputs;
  for (const SealedRows& rows : sealed_) {
    if (rows.stages[column].interner() == nullptr) return {};  // one writer has given up
    inputs.push_back(&rows.stages[column].interner()->values());
  }
  const uint64_t limit = DictionaryLimit(schema.encoding, num_rows());
  for (const auto* input : inputs)
    if (input->size() > limit) return {};
  ASSIGN_OR_RETURN(DictionaryBuilder::Output output,
                   DictionaryBuilder::Build(std::move(inputs), collation, limit, pool_));
  snapshot->dictionaries_[column] = std::move(output.dictionary);
  remaps_[column] = std::move(output.remaps);
  return {};
}

// Replaces provisional codes by dictionary codes or strings.
Result<void> TableBuilderImpl::FinishChunk(SealedRows* rows, PendingChunk* chunk,
                                           const Snapshot& snapshot) {
  const size_t writer = rows - sealed_.data();
  for (uint32_t column = 0; column < schema_->columns.size(); ++column) {
    const StringInterner* interner = rows->stages[column].interner();
    if (interner == nullptr) continue;
    Segment& segment = chunk->segments[column];
    if (snapshot.dictionary(column) != nullptr) {
      ASSIGN_OR_RETURN(segment, RemapCodes(pool_.get(), segment, remaps_[column][writer].data()));
    } else {
      ASSIGN_OR_RETURN(segment, CodesToHeap(pool_.get(), segment, interner->values().data()));
    }
  }
  return {};
}

Result<SnapshotPtr> TableBuilderImpl::Finish(uint32_t num_threads) {
  std::sort(sealed_.begin(), sealed_.end(),
            [](const SealedRows& a, const SealedRows& b) { return a.order < b.order; });
  const size_t num_columns = schema_->columns.size();
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->schema_ = schema_;
  snapshot->dictionaries_.resize(num_columns);
  remaps_.resize(num_columns);

  // Dictionaries, column by column.
  RETURN_IF_ERROR(ParallelFor(num_columns, num_threads, [&](size_t column) {
    return BuildDictionary(static_cast<uint32_t>(column), snapshot.get());
  }));

  // Final encoding, chunk by chunk.
  std::vector<std::pair<SealedRows*, PendingChunk*>> pending;
  for (SealedRows& rows : sealed_)
    for (PendingChunk& chunk : rows.chunks) pending.emplace_back(&rows, &chunk);
  RETURN_IF_ERROR(ParallelFor(pending.size(), num_threads, [&](size_t i) {
    return FinishChunk(pending[i].first, pending[i].second, *snapshot);
  }));
  for (auto& [rows, chunk] : pending)
    snapshot->chunks_.push_back(
        std::make_shared<Chunk>(pool_, chunk->num_rows, std::move(chunk->segments)));
  sealed_.clear();
  remaps_.clear();

  // Facts, column by column.
  auto statistics = std::make_shared<plan::TableStatistics>();
  for (const auto& chunk : snapshot->chunks_) statistics->num_rows += chunk->num_rows();
  statistics->columns.resize(num_columns);
  snapshot->lanes_.resize(num_columns);
  RETURN_IF_ERROR(ParallelFor(num_columns, num_threads, [&](size_t column) -> Result<void> {
    ColumnFacts facts =
        MeasureColumn(schema_->columns[column], static_cast<uint32_t>(column), snapshot->chunks_,
                      snapshot->dictionaries_[column].get(), pool_.get());
    snapshot->lanes_[column] = facts.lane;
    statistics->columns[column] = std::move(facts.statistics);
    return {};
  }));
  for (const plan::ColumnStatistics& column : statistics->columns)
    statistics->size_bytes += column.size_bytes;
  snapshot->statistics_ = std::move(statistics);
  snapshot->sample_ = DrawSample(snapshot->chunks_);
  return snapshot;
}

}  // namespace sirocco::engine
