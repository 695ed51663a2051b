// How the group columns of an aggregate become table keys.
//
// Packed: every group column is an integer with a known range or a dictionary code, and the product of their domains fits 62 bits: the key is one
// uint64_t, sum of (value - base + 1, or 0 for NULL) * stride. Small domains index an array directly, others are hashed.
// Generic: columns are hashed and compared one by one (strings under their collation, doubles by value).
#pragma once

#include <cstdint>
#include <vector>

#include "common/error.h"
#include "engine/vector/vector.h"

namespace sirocco::mysqlsem {
class Collation;
}

namespace sirocco::engine {

struct GroupKeyColumn {
  ColumnInfo info;
  const mysqlsem::Collation* collation = nullptr;   // strings that are not compared by bytes
  int64_t base = 0;                                 // packed: key part of value v is (v - base + 1) * stride
  uint64_t span = 0;                                // packed: number of key parts, NULL (0) included
  uint64_t stride = 0;
  // Dictionary with several values per class: groups are found by class, but the value shown is one that the group holds.
  const uint32_t* classes = nullptr;
};

class GroupKeyPlan {
 public:
  enum class Mode : uint8_t { kNone, kDirect, kPacked, kGeneric };

  // kNotSupported for types that cannot be grouped exactly (JSON). `max_direct_domain`: largest domain that may index an array although nothing is
  // known about how full it will be.
  static Result<GroupKeyPlan> Make(std::vector<ColumnInfo> columns);

  // Tests: hash tables only. Process-wide; not while queries run.
  static void ForbidArrays(bool forbid);

  // The same keys with a hash table in place of a direct array; tables of both plans can be merged.
  GroupKeyPlan WithoutArray() const {
    GroupKeyPlan plan = *this;
    if (plan.mode_ == Mode::kDirect) plan.mode_ = Mode::kPacked;
    return plan;
  }

  Mode mode() const { return mode_; }
  uint64_t domain() const { return domain_; }   // packed modes: keys are below it
  const std::vector<GroupKeyColumn>& columns() const { return columns_; }
  bool packed() const { return mode_ == Mode::kDirect || mode_ == Mode::kPacked; }

  // Packed keys of `count` rows.
  void Pack(const Vector* keys, uint32_t count, uint64_t* packed) const;
  // The value of one column in packed keys: values into `out` (flat, lane of the column, with null bytes if nullable).
  void Unpack(size_t column, const uint64_t* packed, uint32_t count, const Vector& out) const;
  // Hashes of generic keys.
  void Hash(const Vector* keys, uint32_t count, uint64_t* hashes) const;

 private:
  Mode mode_ = Mode::kNone;
  uint64_t domain_ = 1;
  std::vector<GroupKeyColumn> columns_;
};

// Finalizer of a 64-bit key: all bits of the result depend on all bits of the key.
inline uint64_t MixKey(uint64_t key) {
  key ^= key >> 32;
  key *= 0xd6e8feb86659fd93ull;
  key ^= key >> 32;
  key *= 0xd6e8feb86659fd93ull;
  key ^= key >> 32;
  return key;
}

}  // namespace sirocco::engine
