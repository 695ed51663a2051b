// Finds or makes the group of each row: a table from group keys to dense group numbers 0, 1, 2, ... in order of first appearance.
//
// Aggregate states live outside, in arrays indexed by group number (accumulator.h). A table belongs to one thread; merging reads others that are
// no longer changed. Memory: keys and slots are charged to the pool.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/error.h"
#include "engine/exec/group_keys.h"
#include "engine/exec/grow_array.h"
#include "engine/memory/arena.h"

namespace sirocco::engine {

class GroupTable {
 public:
  GroupTable(const GroupKeyPlan* plan, MemoryPool* pool);

  uint32_t size() const { return size_; }
  const GroupKeyPlan& plan() const { return *plan_; }

  // groups[i] = number of the group of row i; `keys` has one vector per group column. Errors: kOutOfMemory.
  Result<void> FindOrInsert(const Vector* keys, uint32_t count, uint32_t* groups);
  // The same for the keys of groups from_groups[0..count) of another table with an equal plan.
  Result<void> Absorb(const GroupTable& from, const uint32_t* from_groups, uint32_t count, uint32_t* groups);

  // groups[i] = number of the group of row i, kNoGroup if there is none yet.
  static constexpr uint32_t kNoGroup = ~uint32_t{0};
  void Find(const Vector* keys, uint32_t count, uint32_t* groups);
  // Whether adding `more` groups moves the table to larger memory.
  bool MustGrow(uint32_t more) const;

  // Well-mixed hash of a group's key, equal for equal keys in all tables of the same plan.
  uint64_t HashOf(uint32_t group) const {
    return plan_->packed() ? MixKey(packed_[group]) : hashes_[group];
  }
  // Decides the partition of a group when tables are merged; equal for equal keys. Tables with a direct array are split by key range, so that each
  // partition's merged table touches its own part of the array only.
  uint64_t PartitionHash(uint32_t group) const {
    if (plan_->mode() != GroupKeyPlan::Mode::kDirect) return HashOf(group);
    return packed_[group] * (~uint64_t{0} / plan_->domain());
  }
  // Keys of groups first..first+count of one column, in its lane; over `buffer` or straight over the table.
  Vector ReadKey(size_t column, uint32_t first, uint32_t count, VectorBuffer* buffer) const;

 private:
  struct Slot {
    uint64_t key = 0;      // packed key, or hash of a generic one
    uint32_t group = 0;    // number + 1; 0: free
    uint32_t padding = 0;
  };
  // Stored keys of one column: in generic mode all values; in packed modes only the shown codes of columns with classes.
  struct KeyStore {
    KeyStore(Lane key_lane, MemoryPool* pool) : lane(key_lane), values(pool), nulls(pool) {}
    Lane lane;
    GrowArray<char> values;       // LaneWidth(lane) bytes each
    GrowArray<uint8_t> nulls;
  };

  Result<void> FindDirect(const Vector* keys, const uint64_t* packed, uint32_t count, uint32_t* groups);
  Result<void> FindPacked(const Vector* keys, const uint64_t* packed, uint32_t count, uint32_t* groups);
  Result<void> FindGeneric(const Vector* keys, const uint64_t* hashes, uint32_t count, uint32_t* groups);
  Result<void> ReserveSlots(uint32_t more);
  Result<void> ReserveGroups(uint32_t more);
  void Place(uint64_t key, uint64_t hash, uint32_t group);
  void AddShownCodes(const Vector* keys, uint32_t row);
  Result<void> StoreKeys(const Vector* keys, uint32_t row);
  bool SameKey(const Vector* keys, uint32_t row, uint32_t group) const;

  const GroupKeyPlan* plan_;
  MemoryPool* pool_;
  uint32_t size_ = 0;
  GrowArray<uint32_t> direct_;      // kDirect: group + 1 by packed key
  GrowArray<Slot> slots_;           // kPacked, kGeneric; a power of two
  GrowArray<uint64_t> packed_;      // packed key per group
  GrowArray<uint64_t> hashes_;      // kGeneric: hash per group
  std::vector<std::unique_ptr<KeyStore>> stores_;   // per column; nullptr if not stored
  std::unique_ptr<Arena> strings_;
  std::vector<uint64_t> scratch_;
};

}  // namespace sirocco::engine
