// Source of window rows that went to disk (window.cc).
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "engine/exec/pipeline.h"
#include "engine/exec/sorted_runs.h"
#include "engine/exec/spilled_rows.h"
#include "engine/exec/window_entries.h"

namespace sirocco::engine {

// Rows that went to disk: one partition after the other, each worker its own.
template <typename Entry, typename WindowSink>
class DiskWindowSource final : public Source {
 public:
  explicit DiskWindowSource(WindowSink* sink) : sink_(sink) {}
  std::unique_ptr<LocalState> MakeState(uint32_t) override {
    auto state = std::make_unique<State>(sink_->context());
    sink_->StartReading(&state->read);
    return state;
  }
  OperatorStatistics Describe() const override { return {.name = "Read window rows from disk"}; }
  const BatchLayout& layout() const override { return sink_->output_layout(); }
  uint32_t num_morsels() const override {
    return static_cast<uint32_t>(sink_->partitions()->size());
  }

  Result<bool> Next(LocalState* local, Batch* batch) override {
    auto* state = static_cast<State*>(local);
    while (true) {
      if (state->merger != nullptr) {
        ASSIGN_OR_RETURN(batch->count, state->merger->Next(&batch->vectors));
        if (batch->count != 0) {
          batch->vectors.resize(sink_->num_passed());
          for (const SortedColumn& result : state->bucket.results)
            batch->vectors.push_back(result.View(state->row));
          state->row += batch->count;
          return true;
        }
        state->Clear();
      }
      if (state->row < state->bucket.entries.size()) {
        sink_->ReadBucket(state->bucket, state->runs, state->row, &state->read, batch);
        state->row += batch->count;
        return true;
      }
      state->Clear();
      ASSIGN_OR_RETURN(const bool more, NextBucket(state));
      if (!more) return false;
    }
  }

 private:
  struct Part {
    SpilledPartition rows;
    uint32_t level = 0;
    bool may_split = true;
  };
  struct State final : LocalState {
    explicit State(QueryContext* context)
        : pool("a window's partition", MemoryPool::kUnlimited, context->pool(), true) {}
    void Clear() {
      bucket = {};
      runs.clear();
      merger.reset();
      sorted.clear();
      strings.clear();
      row = 0;
    }
    MemoryPool pool;  // sizes are watched here
    std::vector<Part> pending;
    WindowReadBuffers read;
    // What is being read: a bucket in memory, or sorted runs on disk and the bucket's results.
    WindowBucket<Entry> bucket;
    WindowRuns<Entry> runs;
    std::vector<SpilledPartition> sorted;
    std::unique_ptr<RunMerger<Entry>> merger;
    std::vector<std::unique_ptr<SpillMapping>> strings;
    size_t row = 0;
  };

  Result<bool> NextBucket(State* state) {
    QueryContext* context = sink_->context();
    while (true) {
      if (context->cancelled()) return MakeError(ErrorCode::kCancelled, "query cancelled");
      Part part;
      if (!state->pending.empty()) {
        part = std::move(state->pending.back());
        state->pending.pop_back();
      } else {
        const size_t index = next_.fetch_add(1, std::memory_order_relaxed);
        if (index >= sink_->partitions()->size()) return false;
        part.rows = std::move((*sink_->partitions())[index]);
        part.may_split = sink_->plan().partitioned;
      }
      if (part.rows.rows == 0) continue;
      if (part.rows.rows >= UINT32_MAX)
        return MakeError(ErrorCode::kOutOfMemory, "more than 2^32 rows in a window");
      // Entries are there up to three times, arguments twice.
      const uint64_t needed =
          part.rows.bytes + part.rows.rows * (3 * sizeof(Entry) + sink_->bytes_per_row() +
                                              sizeof(StringRef) * sink_->stored().size());
      if (needed <= context->WorkerBudget()) {
        RETURN_IF_ERROR(Load(part.rows, state));
        return true;
      }
      if (part.may_split && part.level + 1 < SpillPartitioning::kMaxLevels) {
        RETURN_IF_ERROR(Split(std::move(part), state));
        continue;
      }
      RETURN_IF_ERROR(SortOnDisk(std::move(part.rows), state));
      return true;
    }
  }

  Result<void> Load(const SpilledPartition& rows, State* state) {
    state->runs.push_back(
        std::make_unique<WindowRun<Entry>>(sink_->stored(), 1, &state->pool, true));
    WindowRun<Entry>& run = *state->runs[0];
    RETURN_IF_ERROR(run.reservation.ResizeTo(rows.rows * sizeof(Entry)));
    state->bucket.entries.reserve(rows.rows);
    SpilledRowsReader reader(sink_->on_disk(), sink_->context());
    reader.Open(&rows);
    std::vector<Vector> vectors;
    while (true) {
      ASSIGN_OR_RETURN(const uint32_t count, reader.Next(&vectors));
      if (count == 0) break;
      RETURN_IF_ERROR(AddRows(vectors, count, &run, &state->bucket.entries));
    }
    return sink_->Compute(state->runs, &state->pool, &state->bucket);
  }

  // Rows as they are on disk to a run and its entries.
  Result<void> AddRows(const std::vector<Vector>& vectors, uint32_t count, WindowRun<Entry>* run,
                       std::vector<Entry>* entries) const {
    const Vector* keys = vectors.data() + sink_->stored().size();
    const auto first = static_cast<uint32_t>(run->rows.num_rows());
    for (uint32_t i = 0; i < count; ++i) {
      Entry entry = Entry::FromKeys(keys, i);
      entry.row = first + i;
      if constexpr (std::is_same_v<Entry, BytesWindowEntry>) {
        entry.bytes = run->keys.Copy({entry.bytes, entry.size});
        if (entry.bytes == nullptr)
          return MakeError(ErrorCode::kOutOfMemory, "memory limit reached by window keys");
      }
      entries->push_back(entry);
    }
    return run->rows.Append(vectors.data(), nullptr, count);
  }

  Result<void> Split(Part part, State* state) {
    const uint32_t level = part.level + 1;
    QueryContext* context = sink_->context();
    RowSpiller writer(sink_->on_disk(), SpillPartitioning::kPartitions, context);
    SpilledRowsReader reader(sink_->on_disk(), context);
    reader.Open(&part.rows);
    std::vector<Vector> vectors;
    uint32_t partitions[kVectorSize];
    while (true) {
      ASSIGN_OR_RETURN(const uint32_t count, reader.Next(&vectors));
      if (count == 0) break;
      for (uint32_t i = 0; i < count; ++i)
        partitions[i] = SpillPartitioning::FromTop(
            Entry::FromKeys(vectors.data() + sink_->stored().size(), i).PartitionHash(), level);
      RETURN_IF_ERROR(writer.AppendPartitioned(vectors.data(), nullptr, count, partitions));
    }
    std::vector<SpilledPartition> split;
    RETURN_IF_ERROR(writer.Close(&split));
    for (SpilledPartition& rows : split) {
      // Equal keys stay together whatever the bits.
      const bool may_split = rows.rows != part.rows.rows;
      state->pending.push_back({std::move(rows), level, may_split});
    }
    return {};
  }

  // Sorts rows that do not fit memory and computes their functions.
  Result<void> SortOnDisk(SpilledPartition rows, State* state) {
    QueryContext* context = sink_->context();
    const std::vector<StoredColumn>& columns = sink_->on_disk();
    {
      SpilledRowsReader reader(columns, context);
      reader.Open(&rows);
      std::vector<Vector> vectors;
      uint32_t count = 1;
      while (count != 0) {
        WindowRun<Entry> run(sink_->stored(), 1, &state->pool, true);
        std::vector<Entry> entries;
        const size_t budget = context->WorkerBudget();
        while (run.pool.used_bytes() + entries.size() * 2 * sizeof(Entry) < budget) {
          ASSIGN_OR_RETURN(count, reader.Next(&vectors));
          if (count == 0) break;
          RETURN_IF_ERROR(AddRows(vectors, count, &run, &entries));
        }
        RETURN_IF_ERROR(WriteSorted(run, &entries, state));
      }
    }
    const uint64_t num_rows = rows.rows, bytes = rows.bytes;
    rows = {};
    RETURN_IF_ERROR(ReduceRuns<Entry>(columns, &state->sorted, context));
    WindowRows sorted;
    RETURN_IF_ERROR(ReadSorted(num_rows, bytes, state, &sorted));
    RETURN_IF_ERROR(
        sink_->ComputeFunctions(sorted, &state->pool, context->spill(), &state->bucket.results));
    state->merger = std::make_unique<RunMerger<Entry>>(columns, state->sorted, 0,
                                                       state->sorted.size(), context);
    return {};
  }

  Result<void> WriteSorted(const WindowRun<Entry>& run, std::vector<Entry>* entries, State* state) {
    if (entries->empty()) return {};
    QueryContext* context = sink_->context();
    if (!SortUnlessCancelled(entries, *context))
      return MakeError(ErrorCode::kCancelled, "query cancelled");
    const std::vector<StoredColumn>& columns = sink_->on_disk();
    const size_t num_stored = sink_->stored().size();
    RowSpiller writer(columns, 1, context);
    std::vector<VectorBuffer> buffers(columns.size());
    std::vector<Vector> vectors(columns.size());
    for (size_t c = 0; c < columns.size(); ++c) {
      buffers[c].Reset(columns[c].info.lane);
      vectors[c] = buffers[c].Flat();
      vectors[c].dictionary = columns[c].info.dictionary;
      if (c < num_stored && run.rows.HasNulls(c)) vectors[c].nulls = buffers[c].Nulls();
    }
    std::vector<RowPlace> places(kVectorSize);
    for (size_t first = 0; first < entries->size(); first += kVectorSize) {
      const auto n = static_cast<uint32_t>(std::min<size_t>(kVectorSize, entries->size() - first));
      for (uint32_t i = 0; i < n; ++i) {
        places[i] = RowBlocks::Locate((*entries)[first + i].row);
        (*entries)[first + i].ToKeys(vectors.data() + num_stored, i);
      }
      for (size_t c = 0; c < num_stored; ++c) run.rows.Gather(c, places.data(), n, vectors[c], 0);
      RETURN_IF_ERROR(writer.Append(vectors.data(), nullptr, n, 0));
    }
    state->sorted.emplace_back();
    std::vector<SpilledPartition> written(1);
    RETURN_IF_ERROR(writer.Close(&written));
    state->sorted.back() = std::move(written[0]);
    return {};
  }

  // Borders and arguments of the sorted rows.
  Result<void> ReadSorted(uint64_t num_rows, uint64_t bytes, State* state, WindowRows* rows) {
    QueryContext* context = sink_->context();
    const WindowPlan& plan = sink_->plan();
    rows->num_rows = static_cast<uint32_t>(num_rows);
    rows->arguments.resize(plan.arguments.size());
    char* strings = nullptr;
    for (size_t a = 0; a < plan.arguments.size(); ++a) {
      RETURN_IF_ERROR(rows->arguments[a].Allocate(&state->pool, plan.arguments[a].lane, num_rows,
                                                  plan.arguments[a].nullable, context->spill()));
      if (plan.arguments[a].lane != Lane::kStr || strings != nullptr) continue;
      // All strings of the rows are not more than the rows.
      ASSIGN_OR_RETURN(auto mapping, context->spill()->Map(bytes));
      strings = mapping->data();
      state->strings.push_back(std::move(mapping));
    }
    RunMerger<Entry> merger(sink_->on_disk(), state->sorted, 0, state->sorted.size(), context);
    std::vector<Vector> vectors;
    Entry last{};
    std::string last_bytes;
    uint32_t row = 0;
    while (true) {
      ASSIGN_OR_RETURN(const uint32_t count, merger.Next(&vectors));
      if (count == 0) break;
      for (uint32_t i = 0; i < count; ++i) {
        const Entry entry = Entry::FromKeys(vectors.data() + sink_->stored().size(), i);
        const bool new_partition = row + i == 0 || !entry.SamePartition(last);
        if (new_partition) rows->partitions.push_back(row + i);
        if (new_partition || !entry.SamePeer(last)) rows->peers.push_back(row + i);
        last = entry;
      }
      if constexpr (std::is_same_v<Entry, BytesWindowEntry>) {
        last_bytes.assign(last.bytes, last.size);
        last.bytes = last_bytes.data();
      }
      for (size_t a = 0; a < plan.arguments.size(); ++a) {
        const Vector& in = vectors[plan.passed.size() + a];
        const Vector out = rows->arguments[a].View(row);
        std::memcpy(out.data, in.data, count * size_t{LaneWidth(in.lane)});
        if (in.nulls != nullptr) std::memcpy(out.nulls, in.nulls, count);
        if (in.lane != Lane::kStr) continue;
        for (uint32_t i = 0; i < count; ++i) {
          StringRef& value = out.str()[i];
          if (value.size != 0) std::memcpy(strings, value.data, value.size);
          value.data = strings;
          strings += value.size;
        }
      }
      row += count;
    }
    rows->partitions.push_back(rows->num_rows);
    rows->peers.push_back(rows->num_rows);
    return {};
  }

  WindowSink* sink_;
  std::atomic<size_t> next_{0};
};

}  // namespace sirocco::engine
