// How a scan runs its predicates: one ColumnFilter per predicate, one BoundFilter per worker and
// filter, which looks at one chunk at a time.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/storage/chunk.h"
#include "engine/storage/scan.h"

namespace sirocco::engine {

// What zone maps say about some rows.
enum class Verdict : uint8_t { kNone, kSome, kAll };

inline constexpr uint32_t kMaskWords = kVectorSize / 64;

// A worker's state of one filter. OpenChunk first; the other calls are about that chunk. Rows are
// numbered within the vector that begins at first_row (a multiple of kVectorSize). Not thread safe.
class BoundFilter {
 public:
  virtual ~BoundFilter() = default;
  // Translates the predicate for the chunk. After kNone or kAll nothing else need be called for
  // this chunk.
  virtual Verdict OpenChunk(const Chunk& chunk) = 0;
  virtual Verdict CheckVector(uint32_t first_row) = 0;
  // Writes the mask of rows [0, count) that pass.
  virtual void Test(uint32_t first_row, uint32_t count, uint64_t* mask) = 0;
  // Keeps the passing ones of `rows`; returns how many.
  virtual uint32_t Refine(uint32_t first_row, uint16_t* rows, uint32_t count) = 0;
  // Nanoseconds a row of Test and of Refine, roughly; for choosing between them and for ordering
  // filters.
  virtual double test_cost() const = 0;
  virtual double refine_cost() const = 0;
  // True if the scan may stop using the filter when it does not pay.
  virtual bool optional() const { return false; }
  // Encoded bytes a row, for the scan's counters.
  virtual double bytes_per_row() const = 0;
};

class ColumnFilter : public ScanFilter {
 public:
  explicit ColumnFilter(uint32_t column) : column_(column) {}
  uint32_t column() const { return column_; }
  virtual std::unique_ptr<BoundFilter> Bind() const = 0;
  // Takes over the meaning of `other` (both must hold), if both can be one; false: unchanged.
  virtual bool Absorb(const ColumnFilter& other) { return false; }

 private:
  uint32_t column_;  // position in the table
};

}  // namespace sirocco::engine
