#include "engine/exec/row_blocks.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "common/check.h"
#include "engine/storage/dictionary.h"

namespace sirocco::engine {

namespace {

constexpr size_t kPadding = 64;
// From this size on memory comes straight from the kernel, already zeroed and in huge pages where
// it has them.
constexpr size_t kMapBytes = 1 << 20;
// A block starts small so that small results stay cheap, and doubles up to one chunk.
constexpr uint32_t kFirstBlockRows = 2048, kLastBlockRows = 65536;

template <typename In, typename Out>
void StoreNarrow(const Vector& in, const uint16_t* rows, uint32_t first, uint32_t count,
                 int64_t base, Out* out) {
  const In* values = static_cast<const In*>(in.data);
  const auto narrow = [base](In value) {
    return static_cast<Out>(static_cast<uint64_t>(value) - static_cast<uint64_t>(base));
  };
  if (in.constant) {
    std::fill_n(out, count, narrow(values[0]));
  } else if (rows != nullptr) {
    for (uint32_t i = 0; i < count; ++i) out[i] = narrow(values[rows[first + i]]);
  } else {
    for (uint32_t i = 0; i < count; ++i) out[i] = narrow(values[first + i]);
  }
}

template <typename T>
void StoreWide(const Vector& in, const uint16_t* rows, uint32_t first, uint32_t count, T* out) {
  const T* values = static_cast<const T*>(in.data);
  if (in.constant) {
    std::fill_n(out, count, values[0]);
  } else if (rows != nullptr) {
    for (uint32_t i = 0; i < count; ++i) out[i] = values[rows[first + i]];
  } else {
    std::memcpy(out, values + first, size_t{count} * sizeof(T));
  }
}

bool IsNullRow(const Vector& in, uint32_t row) {
  return in.nulls != nullptr && in.nulls[in.constant ? 0 : row] != 0;
}

}  // namespace

// Codes of NULL rows are valid in flight (vector.h), so narrowing keeps them valid.
void StoreRows(const StoredColumn& column, const Vector& in, const uint16_t* rows, uint32_t first,
               uint32_t count, char* out) {
  switch (in.lane) {
    case Lane::kI64:
      switch (column.width) {
        case 1:
          return StoreNarrow<int64_t>(in, rows, first, count, column.base,
                                      reinterpret_cast<uint8_t*>(out));
        case 2:
          return StoreNarrow<int64_t>(in, rows, first, count, column.base,
                                      reinterpret_cast<uint16_t*>(out));
        case 4:
          return StoreNarrow<int64_t>(in, rows, first, count, column.base,
                                      reinterpret_cast<uint32_t*>(out));
        default:
          return StoreWide<int64_t>(in, rows, first, count, reinterpret_cast<int64_t*>(out));
      }
    case Lane::kCode:
      switch (column.width) {
        case 1:
          return StoreNarrow<uint32_t>(in, rows, first, count, 0, reinterpret_cast<uint8_t*>(out));
        case 2:
          return StoreNarrow<uint32_t>(in, rows, first, count, 0, reinterpret_cast<uint16_t*>(out));
        default:
          return StoreWide<uint32_t>(in, rows, first, count, reinterpret_cast<uint32_t*>(out));
      }
    case Lane::kF64:
      return StoreWide<double>(in, rows, first, count, reinterpret_cast<double*>(out));
    case Lane::kI128:
      return StoreWide<int128>(in, rows, first, count, reinterpret_cast<int128*>(out));
    case Lane::kStr:
      return StoreWide<StringRef>(in, rows, first, count, reinterpret_cast<StringRef*>(out));
  }
}

namespace {

template <typename In, typename Out>
void ReadNarrow(const void* values, uint64_t first, uint32_t count, int64_t base, Out* out) {
  const In* in = static_cast<const In*>(values) + first;
  for (uint32_t i = 0; i < count; ++i) out[i] = static_cast<Out>(in[i] + base);
}

template <typename In, typename Out>
void GatherNarrow(const void* values, const uint32_t* rows, uint32_t count, int64_t base,
                  Out* out) {
  const In* in = static_cast<const In*>(values);
  for (uint32_t i = 0; i < count; ++i) out[i] = static_cast<Out>(in[rows[i]] + base);
}

template <typename T>
void GatherWide(const void* values, const uint32_t* rows, uint32_t count, T* out) {
  const T* in = static_cast<const T*>(values);
  for (uint32_t i = 0; i < count; ++i) out[i] = in[rows[i]];
}

template <typename T>
void Scatter(const void* in, const uint32_t* positions, uint32_t count, void* out) {
  const T* from = static_cast<const T*>(in);
  T* to = static_cast<T*>(out);
  for (uint32_t i = 0; i < count; ++i) to[positions[i]] = from[i];
}

template <typename T>
void ScatterRows(const void* in, const uint32_t* rows, const uint32_t* positions, uint32_t count,
                 void* out) {
  const T* from = static_cast<const T*>(in);
  T* to = static_cast<T*>(out);
  for (uint32_t i = 0; i < count; ++i) to[positions[i]] = from[rows[i]];
}

}  // namespace

StoredColumn PlanStorage(const ColumnInfo& info) {
  StoredColumn column{.info = info, .width = static_cast<uint8_t>(LaneWidth(info.lane))};
  if (info.lane == Lane::kCode) {
    const uint32_t size = info.dictionary->size();
    column.width = size <= 0x100 ? 1 : size <= 0x10000 ? 2 : 4;
  } else if (info.lane == Lane::kI64 && info.range.known && info.range.min <= info.range.max &&
             info.range.min >= INT64_MIN && info.range.max <= INT64_MAX) {
    const int128 span = info.range.max - info.range.min;
    if (span <= UINT32_MAX) {
      column.base = static_cast<int64_t>(info.range.min);
      column.width = span <= 0xff ? 1 : span <= 0xffff ? 2 : 4;
    }
  }
  return column;
}

PoolBuffer& PoolBuffer::operator=(PoolBuffer&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  std::swap(mapped_, other.mapped_);
  return *this;
}

Result<void> PoolBuffer::Allocate(MemoryPool* pool, size_t bytes, bool zeroed) {
  Reset();
  const size_t size = (bytes + kPadding + 63) & ~size_t{63};
  RETURN_IF_ERROR(pool->Reserve(size));
  mapped_ = size >= kMapBytes;
  if (mapped_) {
    data_ = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data_ == MAP_FAILED) data_ = nullptr;
    if (data_ != nullptr) madvise(data_, size, MADV_HUGEPAGE);
  } else {
    data_ = std::aligned_alloc(64, size);
    if (data_ != nullptr) {
      char* from = static_cast<char*>(data_) + (zeroed ? 0 : bytes);
      std::memset(from, 0, static_cast<char*>(data_) + size - from);
    }
  }
  if (data_ == nullptr) {
    pool->Release(size);
    return MakeError(ErrorCode::kOutOfMemory,
                     "the machine has no memory left; bytes asked for: " + std::to_string(size));
  }
  pool_ = pool;
  bytes_ = size;
  return {};
}

Result<void> PoolBuffer::Grow(MemoryPool* pool, size_t used, size_t bytes) {
  if (!mapped_ || data_ == nullptr) {
    PoolBuffer bigger;
    RETURN_IF_ERROR(bigger.Allocate(pool, bytes, true));
    if (used != 0) std::memcpy(bigger.data_, data_, used);
    *this = std::move(bigger);
    return {};
  }
  const size_t size = (bytes + kPadding + 63) & ~size_t{63};
  RETURN_IF_ERROR(pool->Reserve(size - bytes_));
  void* moved = mremap(data_, bytes_, size, MREMAP_MAYMOVE);
  if (moved == MAP_FAILED) {
    pool->Release(size - bytes_);
    return MakeError(ErrorCode::kOutOfMemory,
                     "the machine has no memory left; bytes asked for: " + std::to_string(size));
  }
  std::memset(static_cast<char*>(moved) + used, 0, bytes_ - used);
  madvise(moved, size, MADV_HUGEPAGE);
  data_ = moved;
  bytes_ = size;
  return {};
}

void PoolBuffer::Reset() {
  if (data_ == nullptr) return;
  if (mapped_) {
    munmap(data_, bytes_);
  } else {
    std::free(data_);
  }
  pool_->Release(bytes_);
  data_ = nullptr;
  bytes_ = 0;
}

RowBlocks::RowBlocks(std::vector<StoredColumn> columns, MemoryPool* pool)
    : columns_(std::move(columns)), pool_(pool) {
  for (const StoredColumn& column : columns_)
    if (column.info.lane == Lane::kStr && strings_ == nullptr)
      strings_ = std::make_unique<Arena>(pool);
}

namespace {

// Rows before the first block of the largest size: 2,048 + 4,096 + ... + 32,768.
constexpr uint32_t kGrowingBlocks = std::countr_zero(kLastBlockRows / kFirstBlockRows);
constexpr uint32_t kGrowingRows = kLastBlockRows - kFirstBlockRows;

template <typename Stored, typename Out>
void GatherFromBlocks(const std::vector<RowBlock>& blocks, size_t column, const RowPlace* places,
                      uint32_t count, int64_t base, Out* out) {
  for (uint32_t i = 0; i < count; ++i) {
    const Stored value = blocks[places[i].block].values[column].as<Stored>()[places[i].row];
    if constexpr (std::is_same_v<Stored, Out>) {
      out[i] = value;
    } else {
      out[i] = static_cast<Out>(value + base);
    }
  }
}

}  // namespace

RowPlace RowBlocks::Locate(uint32_t row) {
  if (row >= kGrowingRows)
    return {kGrowingBlocks + (row - kGrowingRows) / kLastBlockRows,
            (row - kGrowingRows) % kLastBlockRows};
  const uint32_t block = static_cast<uint32_t>(std::bit_width(row / kFirstBlockRows + 1)) - 1;
  return {block, row - kFirstBlockRows * ((1u << block) - 1)};
}

bool RowBlocks::HasNulls(size_t column) const {
  return std::any_of(blocks_.begin(), blocks_.end(), [column](const RowBlock& block) {
    return block.nulls[column].data() != nullptr;
  });
}

void RowBlocks::Gather(size_t c, const RowPlace* places, uint32_t count, const Vector& out,
                       uint32_t offset) const {
  const StoredColumn& column = columns_[c];
  switch (column.info.lane) {
    case Lane::kI64:
      switch (column.width) {
        case 1:
          GatherFromBlocks<uint8_t>(blocks_, c, places, count, column.base, out.i64() + offset);
          break;
        case 2:
          GatherFromBlocks<uint16_t>(blocks_, c, places, count, column.base, out.i64() + offset);
          break;
        case 4:
          GatherFromBlocks<uint32_t>(blocks_, c, places, count, column.base, out.i64() + offset);
          break;
        default:
          GatherFromBlocks<int64_t>(blocks_, c, places, count, 0, out.i64() + offset);
          break;
      }
      break;
    case Lane::kCode:
      switch (column.width) {
        case 1:
          GatherFromBlocks<uint8_t>(blocks_, c, places, count, 0, out.code() + offset);
          break;
        case 2:
          GatherFromBlocks<uint16_t>(blocks_, c, places, count, 0, out.code() + offset);
          break;
        default:
          GatherFromBlocks<uint32_t>(blocks_, c, places, count, 0, out.code() + offset);
          break;
      }
      break;
    case Lane::kF64:
      GatherFromBlocks<double>(blocks_, c, places, count, 0, out.f64() + offset);
      break;
    case Lane::kI128:
      GatherFromBlocks<int128>(blocks_, c, places, count, 0, out.i128() + offset);
      break;
    case Lane::kStr:
      GatherFromBlocks<StringRef>(blocks_, c, places, count, 0, out.str() + offset);
      break;
  }
  if (out.nulls == nullptr) return;
  for (uint32_t i = 0; i < count; ++i) {
    const uint8_t* nulls = blocks_[places[i].block].nulls[c].as<uint8_t>();
    out.nulls[offset + i] = nulls != nullptr ? nulls[places[i].row] : 0;
  }
}

Result<void> RowBlocks::AddBlock() {
  RowBlock block;
  block.capacity =
      blocks_.empty() ? kFirstBlockRows : std::min(kLastBlockRows, blocks_.back().capacity * 2);
  block.values.resize(columns_.size());
  block.nulls.resize(columns_.size());
  for (size_t c = 0; c < columns_.size(); ++c)
    RETURN_IF_ERROR(
        block.values[c].Allocate(pool_, size_t{block.capacity} * columns_[c].width, false));
  blocks_.push_back(std::move(block));
  return {};
}

Result<void> RowBlocks::Append(const Vector* vectors, const uint16_t* rows, uint32_t count) {
  const size_t blocks = blocks_.size();
  const uint32_t last_rows = blocks == 0 ? 0 : blocks_.back().count;
  const uint64_t rows_before = num_rows_;
  Result<void> result = AppendRows(vectors, rows, count);
  if (!result) {
    blocks_.resize(blocks);
    if (blocks != 0) blocks_.back().count = last_rows;
    num_rows_ = rows_before;
  }
  return result;
}

Result<void> RowBlocks::AppendRows(const Vector* vectors, const uint16_t* rows, uint32_t count) {
  uint32_t done = 0;
  while (done < count) {
    if (blocks_.empty() || blocks_.back().count == blocks_.back().capacity)
      RETURN_IF_ERROR(AddBlock());
    RowBlock& block = blocks_.back();
    const uint32_t n = std::min(count - done, block.capacity - block.count);
    for (size_t c = 0; c < columns_.size(); ++c) {
      const Vector& in = vectors[c];
      DCHECK(in.lane == columns_[c].info.lane);
      StoreRows(columns_[c], in, rows, done, n,
                block.values[c].as<char>() + size_t{block.count} * columns_[c].width);
      if (in.nulls != nullptr) {
        if (block.nulls[c].data() == nullptr)
          RETURN_IF_ERROR(block.nulls[c].Allocate(pool_, block.capacity, true));
        uint8_t* nulls = block.nulls[c].as<uint8_t>() + block.count;
        for (uint32_t i = 0; i < n; ++i)
          nulls[i] = IsNullRow(in, rows != nullptr ? rows[done + i] : done + i);
      }
      if (in.lane == Lane::kStr) {
        StringRef* refs = block.values[c].as<StringRef>() + block.count;
        size_t bytes = 0;
        for (uint32_t i = 0; i < n; ++i) bytes += refs[i].size;
        char* copy = static_cast<char*>(strings_->Allocate(std::max<size_t>(bytes, 1), 1));
        if (copy == nullptr) {
          RETURN_IF_ERROR(pool_->Reserve(std::max<size_t>(bytes, 256 << 10)));
          pool_->Release(std::max<size_t>(bytes, 256 << 10));
          return MakeError(ErrorCode::kOutOfMemory, "memory limit reached while copying strings");
        }
        for (uint32_t i = 0; i < n; ++i) {
          if (refs[i].size != 0) std::memcpy(copy, refs[i].data, refs[i].size);
          refs[i].data = copy;
          copy += refs[i].size;
        }
      }
    }
    block.count += n;
    num_rows_ += n;
    done += n;
  }
  return {};
}

Vector ReadStored(const StoredColumn& column, const void* values, const uint8_t* nulls,
                  uint64_t first, uint32_t count, VectorBuffer* buffer) {
  Vector out{.lane = column.info.lane, .dictionary = column.info.dictionary};
  if (nulls != nullptr) out.nulls = const_cast<uint8_t*>(nulls) + first;
  if (column.width == LaneWidth(column.info.lane)) {
    out.data = const_cast<char*>(static_cast<const char*>(values)) + first * column.width;
    return out;
  }
  buffer->Reset(column.info.lane);
  out.data = buffer->data();
  if (column.info.lane == Lane::kI64) {
    switch (column.width) {
      case 1:
        ReadNarrow<uint8_t>(values, first, count, column.base, out.i64());
        break;
      case 2:
        ReadNarrow<uint16_t>(values, first, count, column.base, out.i64());
        break;
      default:
        ReadNarrow<uint32_t>(values, first, count, column.base, out.i64());
        break;
    }
  } else if (column.width == 1) {
    ReadNarrow<uint8_t>(values, first, count, 0, out.code());
  } else {
    ReadNarrow<uint16_t>(values, first, count, 0, out.code());
  }
  return out;
}

void GatherStored(const StoredColumn& column, const void* values, const uint32_t* rows,
                  uint32_t count, const Vector& out, uint32_t out_offset) {
  switch (column.info.lane) {
    case Lane::kI64: {
      int64_t* to = out.i64() + out_offset;
      switch (column.width) {
        case 1:
          return GatherNarrow<uint8_t>(values, rows, count, column.base, to);
        case 2:
          return GatherNarrow<uint16_t>(values, rows, count, column.base, to);
        case 4:
          return GatherNarrow<uint32_t>(values, rows, count, column.base, to);
        default:
          return GatherWide<int64_t>(values, rows, count, to);
      }
    }
    case Lane::kCode: {
      uint32_t* to = out.code() + out_offset;
      switch (column.width) {
        case 1:
          return GatherNarrow<uint8_t>(values, rows, count, 0, to);
        case 2:
          return GatherNarrow<uint16_t>(values, rows, count, 0, to);
        default:
          return GatherWide<uint32_t>(values, rows, count, to);
      }
    }
    case Lane::kF64:
      return GatherWide<double>(values, rows, count, out.f64() + out_offset);
    case Lane::kI128:
      return GatherWide<int128>(values, rows, count, out.i128() + out_offset);
    case Lane::kStr:
      return GatherWide<StringRef>(values, rows, count, out.str() + out_offset);
  }
}

void ScatterStored(uint8_t width, const void* in, const uint32_t* positions, uint32_t count,
                   void* out) {
  switch (width) {
    case 1:
      return Scatter<uint8_t>(in, positions, count, out);
    case 2:
      return Scatter<uint16_t>(in, positions, count, out);
    case 4:
      return Scatter<uint32_t>(in, positions, count, out);
    case 8:
      return Scatter<uint64_t>(in, positions, count, out);
    default:
      return Scatter<int128>(in, positions, count, out);
  }
}

void ScatterStoredRows(uint8_t width, const void* in, const uint32_t* rows,
                       const uint32_t* positions, uint32_t count, void* out) {
  switch (width) {
    case 1:
      return ScatterRows<uint8_t>(in, rows, positions, count, out);
    case 2:
      return ScatterRows<uint16_t>(in, rows, positions, count, out);
    case 4:
      return ScatterRows<uint32_t>(in, rows, positions, count, out);
    case 8:
      return ScatterRows<uint64_t>(in, rows, positions, count, out);
    default:
      return ScatterRows<int128>(in, rows, positions, count, out);
  }
}

int64_t StoredInteger(const StoredColumn& column, const void* values, uint64_t row) {
  switch (column.width) {
    case 1:
      return static_cast<const uint8_t*>(values)[row] + column.base;
    case 2:
      return static_cast<const uint16_t*>(values)[row] + column.base;
    case 4:
      return static_cast<const uint32_t*>(values)[row] + column.base;
    default:
      return static_cast<const int64_t*>(values)[row];
  }
}

}  // namespace sirocco::engine
