// Scan of a snapshot: evaluates simple predicates on encoded values, skips by zone maps, and
// delivers the survivors densely packed.
//
// Division of labour: the compiler (engine/exec) splits a scan's predicate into terms; terms that
// ScanFilter::FromTerm accepts run here on encoded data, the others run above as an ordinary
// Expression. Semijoin filters made by join builds are added before the scan starts. Use: Make the
// TableScan once per pipeline; each worker makes a ScanWorker and loops: NextMorsel, then Next
// until it returns 0 rows.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "common/error.h"
#include "engine/exec/query_context.h"
#include "engine/simd/bloom.h"
#include "engine/storage/table.h"
#include "engine/vector/vector.h"
#include "plan/expr.h"

namespace sirocco::engine {

// Set of int64 keys that a join build found, for testing a probe-side column before it is even
// decoded. Exact bitmap over [min, max], or a Bloom filter of hashes (then false positives pass).
// Immutable once published.
class SemijoinFilter {
 public:
  virtual ~SemijoinFilter() = default;
  int64_t min = 0, max = -1;         // bounds of the keys; empty build: min > max
  const uint64_t* bitmap = nullptr;  // bit (key - min); nullptr: bloom
  const uint64_t* bloom = nullptr;   // blocked: 64-bit words, see BloomMayContain
  uint64_t bloom_mask = 0;           // number of words - 1 (power of two)
  // False: the scan may stop testing when nearly all rows pass, so rows without a match can come
  // through. True: an exact bitmap's answer is relied on (a semijoin done by the scan alone).
  bool required = false;
};

// Hash and bits of a key: word (hash & bloom_mask), both bits of BloomBits(hash).
using simd::BloomBits;
using simd::BloomHash;

// One predicate on one column, ready to run on encoded segments.
// Keys of a semijoin filter on a dictionary column are its codes. NULLs never pass a semijoin
// filter.
class ScanFilter {
 public:
  virtual ~ScanFilter() = default;
  // Accepts terms over exactly one column of the scan whose truth per value can be decided on
  // encoded data: comparisons with constants, IN lists, BETWEEN pairs, IS [NOT] NULL, LIKE and any
  // other deterministic expression on a dictionary column (evaluated per distinct value through
  // engine/expr), LIKE/equality on string heaps. nullptr (no error) if the term is not of that
  // kind.
  static Result<std::unique_ptr<ScanFilter>> FromTerm(
      const plan::ExprPtr& term, const Snapshot& snapshot,
      std::span<const std::pair<ColumnId, uint32_t>> scan_columns, QueryContext* context);
  static std::unique_ptr<ScanFilter> FromSemijoin(uint32_t table_column,
                                                  std::shared_ptr<const SemijoinFilter> filter);
};

struct ScanOutput {
  uint32_t column = 0;  // position in the table's schema
};

class ScanWorker {
 public:
  virtual ~ScanWorker() = default;
  // Takes the next chunk that zone maps do not rule out; false at the end.
  virtual bool NextMorsel() = 0;
  // Fills `batch` (vectors owned by the worker, valid until the next call) with up to kVectorSize
  // surviving rows of the current morsel. Returns false when the morsel is exhausted (batch.count
  // is 0 then).
  virtual Result<bool> Next(Batch* batch) = 0;
};

class TableScan {
 public:
  virtual ~TableScan() = default;
  static std::unique_ptr<TableScan> Create(SnapshotPtr snapshot, std::vector<ScanOutput> outputs,
                                           std::vector<std::unique_ptr<ScanFilter>> filters,
                                           QueryContext* context);
  // Before any worker starts.
  virtual void AddFilter(std::unique_ptr<ScanFilter> filter) = 0;
  virtual std::unique_ptr<ScanWorker> MakeWorker() = 0;
  virtual uint32_t num_morsels() const = 0;
  // Statistics after the run: rows looked at (after zone-map skipping), rows delivered, chunks
  // skipped, bytes of encoded data touched.
  struct Counters {
    std::atomic<uint64_t> rows_in{0}, rows_out{0}, chunks_skipped{0}, bytes{0};
  };
  virtual const Counters& counters() const = 0;
};

// Evaluates a predicate on the snapshot's sample: the share of sample rows that satisfy all terms,
// with add-half smoothing (never 0).
Result<double> SampleSelectivity(const Snapshot& snapshot, std::span<const plan::ExprPtr> terms,
                                 std::span<const std::pair<ColumnId, uint32_t>> scan_columns,
                                 QueryContext* context);

}  // namespace sirocco::engine
