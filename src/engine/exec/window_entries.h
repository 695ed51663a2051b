// Rows of a window while they are collected and sorted: one entry per row with the keys of
// PARTITION BY and ORDER BY, packed or as bytes. For window.cc and window_disk_source.h only.
#pragma once

#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "engine/exec/row_blocks.h"
#include "engine/exec/sort_key.h"
#include "engine/exec/window_functions.h"
#include "engine/exec/window_rows.h"

namespace sirocco::engine {

inline uint64_t MixWindowKey(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdull;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ull;
  return x ^ x >> 33;
}

struct PackedWindowEntry {
  uint64_t partition, order;
  uint32_t row;
  uint32_t run;

  // On disk: partition and order.
  static constexpr size_t kNumKeys = 2;
  static constexpr Lane kKeyLanes[] = {Lane::kI64, Lane::kI64};
  static PackedWindowEntry FromKeys(const Vector* keys, uint32_t row) {
    return {keys[0].u64()[row], keys[1].u64()[row], row, 0};
  }
  void ToKeys(const Vector* keys, uint32_t i) const {
    keys[0].u64()[i] = partition;
    keys[1].u64()[i] = order;
  }
  uint64_t PartitionHash() const { return MixWindowKey(partition); }

  bool operator<(const PackedWindowEntry& other) const {
    return partition != other.partition ? partition < other.partition : order < other.order;
  }
  bool SamePartition(const PackedWindowEntry& other) const { return partition == other.partition; }
  bool SamePeer(const PackedWindowEntry& other) const { return order == other.order; }
};

// Key bytes of the partition, then of the order; no partition's key is a prefix of another's.
struct BytesWindowEntry {
  const char* bytes;
  uint32_t partition_size, size;
  uint32_t row;
  uint32_t run;

  // On disk: the bytes and the size of the partition's part.
  static constexpr size_t kNumKeys = 2;
  static constexpr Lane kKeyLanes[] = {Lane::kStr, Lane::kI64};
  static BytesWindowEntry FromKeys(const Vector* keys, uint32_t row) {
    const StringRef key = keys[0].str()[row];
    return {key.data, static_cast<uint32_t>(keys[1].i64()[row]), key.size, row, 0};
  }
  void ToKeys(const Vector* keys, uint32_t i) const {
    keys[0].str()[i] = {bytes, size, 0};
    keys[1].i64()[i] = partition_size;
  }
  uint64_t PartitionHash() const {
    return MixWindowKey(std::hash<std::string_view>{}(std::string_view(bytes, partition_size)));
  }

  bool operator<(const BytesWindowEntry& other) const {
    const int order = std::memcmp(bytes, other.bytes, std::min(size, other.size));
    return order != 0 ? order < 0 : size < other.size;
  }
  bool SamePartition(const BytesWindowEntry& other) const {
    return partition_size == other.partition_size &&
           std::memcmp(bytes, other.bytes, partition_size) == 0;
  }
  bool SamePeer(const BytesWindowEntry& other) const {
    return size == other.size && std::memcmp(bytes, other.bytes, size) == 0;
  }
};

template <typename Entry>
struct WindowRun {
  // `may_exceed`: its owner goes to disk in time.
  WindowRun(const std::vector<StoredColumn>& stored, uint32_t num_buckets, MemoryPool* parent,
            bool may_exceed)
      : pool("rows of a window", MemoryPool::kUnlimited, parent, may_exceed),
        rows(stored, &pool),
        keys(&pool),
        entries(num_buckets),
        reservation(&pool) {}

  MemoryPool pool;
  RowBlocks rows;
  Arena keys;
  std::vector<std::vector<Entry>> entries;  // per bucket
  MemoryReservation reservation;            // of entries, twice: they are put together for sorting
  uint64_t num_entries = 0;
};

// Sorted entries and computed columns of the partitions of one bucket.
template <typename Entry>
struct WindowBucket {
  std::vector<Entry> entries;
  std::vector<SortedColumn> results;
};

template <typename Entry>
using WindowRuns = std::vector<std::unique_ptr<WindowRun<Entry>>>;

// One reader's vectors for rows of a bucket.
struct WindowReadBuffers {
  std::vector<VectorBuffer> buffers;
  std::vector<RowPlace> places;
};

// What is needed of the node before the kind of entry is chosen.
struct WindowPlan {
  std::unique_ptr<SortKeyEncoder> partition, order;
  std::unique_ptr<Expression> expressions;  // arguments; null if there are none
  std::vector<ColumnInfo> arguments;        // as stored: codes as strings
  std::vector<std::unique_ptr<WindowFunctionEvaluator>> functions;
  std::vector<uint32_t> passed;  // positions in the input
  BatchLayout layout;            // passed columns, then the functions' results
  bool partitioned = false;
};

}  // namespace sirocco::engine
