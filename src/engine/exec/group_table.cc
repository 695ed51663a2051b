#include "engine/exec/group_table.h"

#include <bit>
#include <cstring>

#include "common/check.h"
#include "mysqlsem/collation.h"

namespace sirocco::engine {

namespace {

constexpr size_t kFirstSlots = 1024;

bool IsNullAt(const Vector& vector, uint32_t row) {
  return vector.nulls != nullptr && vector.nulls[vector.constant ? 0 : row] != 0;
}

template <typename T>
const T& ValueAt(const Vector& vector, uint32_t row) {
  return static_cast<const T*>(vector.data)[vector.constant ? 0 : row];
}

}  // namespace

GroupTable::GroupTable(const GroupKeyPlan* plan, MemoryPool* pool)
    : plan_(plan), pool_(pool), direct_(pool), slots_(pool), packed_(pool), hashes_(pool) {
  for (const GroupKeyColumn& column : plan->columns()) {
    const bool stored = plan->mode() == GroupKeyPlan::Mode::kGeneric || column.classes != nullptr;
    stores_.push_back(stored ? std::make_unique<KeyStore>(column.info.lane, pool) : nullptr);
    if (column.info.lane == Lane::kStr && strings_ == nullptr) strings_ = std::make_unique<Arena>(pool);
  }
}

Result<void> GroupTable::ReserveGroups(uint32_t more) {
  const size_t need = size_t{size_} + more;
  if (plan_->packed()) {
    RETURN_IF_ERROR(packed_.Reserve(need));
  } else {
    RETURN_IF_ERROR(hashes_.Reserve(need));
  }
  for (auto& store : stores_) {
    if (store == nullptr) continue;
    RETURN_IF_ERROR(store->values.Reserve(need * LaneWidth(store->lane)));
    RETURN_IF_ERROR(store->nulls.Reserve(need));
  }
  return {};
}

Result<void> GroupTable::ReserveSlots(uint32_t more) {
  // Load factor at most one half.
  const size_t need = std::bit_ceil((size_t{size_} + more) * 2);
  if (need <= slots_.capacity()) return {};
  GrowArray<Slot> bigger(pool_);
  RETURN_IF_ERROR(bigger.Reserve(std::max(need, kFirstSlots)));
  slots_ = std::move(bigger);
  const bool packed = plan_->packed();
  for (uint32_t group = 0; group < size_; ++group)
    Place(packed ? packed_[group] : hashes_[group], HashOf(group), group);
  return {};
}

void GroupTable::Place(uint64_t key, uint64_t hash, uint32_t group) {
  const size_t mask = slots_.capacity() - 1;
  size_t at = hash & mask;
  while (slots_[at].group != 0) at = (at + 1) & mask;
  slots_[at] = {key, group + 1, 0};
}

void GroupTable::AddShownCodes(const Vector* keys, uint32_t row) {
  for (size_t c = 0; c < stores_.size(); ++c)
    if (stores_[c] != nullptr)
      reinterpret_cast<uint32_t*>(stores_[c]->values.data())[size_] = ValueAt<uint32_t>(keys[c], row);
}

Result<void> GroupTable::StoreKeys(const Vector* keys, uint32_t row) {
  for (size_t c = 0; c < stores_.size(); ++c) {
    KeyStore& store = *stores_[c];
    const Vector& in = keys[c];
    const uint32_t width = LaneWidth(store.lane);
    store.nulls[size_] = IsNullAt(in, row);
    char* out = store.values.data() + size_t{size_} * width;
    std::memcpy(out, static_cast<const char*>(in.data) + size_t{in.constant ? 0 : row} * width, width);
    if (store.lane == Lane::kStr) {
      auto* value = reinterpret_cast<StringRef*>(out);
      if (store.nulls[size_]) *value = {"", 0, 0};
      value->data = strings_->Copy(value->view());
      if (value->data == nullptr) return MakeError(ErrorCode::kOutOfMemory, "memory limit of " + pool_->name() + " reached by group keys");
    }
  }
  return {};
}

bool GroupTable::SameKey(const Vector* keys, uint32_t row, uint32_t group) const {
  for (size_t c = 0; c < stores_.size(); ++c) {
    const KeyStore& store = *stores_[c];
    const Vector& in = keys[c];
    const bool null = IsNullAt(in, row);
    if (null != (store.nulls[group] != 0)) return false;
    if (null) continue;
    const char* stored = store.values.data() + size_t{group} * LaneWidth(store.lane);
    switch (store.lane) {
      case Lane::kI64:
        if (ValueAt<int64_t>(in, row) != *reinterpret_cast<const int64_t*>(stored)) return false;
        break;
      case Lane::kI128:
        if (ValueAt<int128>(in, row) != *reinterpret_cast<const int128*>(stored)) return false;
        break;
      case Lane::kF64:
        if (ValueAt<double>(in, row) != *reinterpret_cast<const double*>(stored)) return false;
        break;
      case Lane::kCode: {
        const uint32_t* classes = plan_->columns()[c].classes;
        const uint32_t a = ValueAt<uint32_t>(in, row), b = *reinterpret_cast<const uint32_t*>(stored);
        if (classes == nullptr ? a != b : classes[a] != classes[b]) return false;
        break;
      }
      case Lane::kStr: {
        const std::string_view a = ValueAt<StringRef>(in, row).view();
        const std::string_view b = reinterpret_cast<const StringRef*>(stored)->view();
        const mysqlsem::Collation* collation = plan_->columns()[c].collation;
        if (collation == nullptr ? a != b : !collation->Equal(a, b)) return false;
        break;
      }
    }
  }
  return true;
}

Result<void> GroupTable::FindDirect(const Vector* keys, const uint64_t* packed, uint32_t count, uint32_t* groups) {
  if (direct_.capacity() == 0) RETURN_IF_ERROR(direct_.Reserve(plan_->domain()));
  uint32_t* map = direct_.data();
  bool missing = false;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t group = map[packed[i]];
    missing |= group == 0;
    groups[i] = group - 1;
  }
  if (!missing) return {};
  RETURN_IF_ERROR(ReserveGroups(count));
  for (uint32_t i = 0; i < count; ++i) {
    uint32_t& entry = map[packed[i]];
    if (entry == 0) {
      packed_[size_] = packed[i];
      AddShownCodes(keys, i);
      entry = ++size_;
    }
    groups[i] = entry - 1;
  }
  return {};
}

Result<void> GroupTable::FindPacked(const Vector* keys, const uint64_t* packed, uint32_t count, uint32_t* groups) {
  RETURN_IF_ERROR(ReserveSlots(count));
  RETURN_IF_ERROR(ReserveGroups(count));
  const size_t mask = slots_.capacity() - 1;
  // All first slots are asked for before the first is needed, so that their cache misses overlap.
  size_t first[kVectorSize];
  for (uint32_t i = 0; i < count; ++i) {
    first[i] = MixKey(packed[i]) & mask;
    __builtin_prefetch(&slots_[first[i]]);
  }
  for (uint32_t i = 0; i < count; ++i) {
    if (i > 0 && packed[i] == packed[i - 1]) {   // clustered input comes in runs
      groups[i] = groups[i - 1];
      continue;
    }
    size_t at = first[i];
    while (slots_[at].group != 0 && slots_[at].key != packed[i]) at = (at + 1) & mask;
    if (slots_[at].group == 0) {
      packed_[size_] = packed[i];
      AddShownCodes(keys, i);
      slots_[at] = {packed[i], ++size_, 0};
    }
    groups[i] = slots_[at].group - 1;
  }
  return {};
}

Result<void> GroupTable::FindGeneric(const Vector* keys, const uint64_t* hashes, uint32_t count, uint32_t* groups) {
  RETURN_IF_ERROR(ReserveSlots(count));
  RETURN_IF_ERROR(ReserveGroups(count));
  const size_t mask = slots_.capacity() - 1;
  for (uint32_t i = 0; i < count; ++i) __builtin_prefetch(&slots_[hashes[i] & mask]);
  for (uint32_t i = 0; i < count; ++i) {
    size_t at = hashes[i] & mask;
    while (slots_[at].group != 0 &&
           (slots_[at].key != hashes[i] || !SameKey(keys, i, slots_[at].group - 1)))
      at = (at + 1) & mask;
    if (slots_[at].group == 0) {
      RETURN_IF_ERROR(StoreKeys(keys, i));
      hashes_[size_] = hashes[i];
      slots_[at] = {hashes[i], ++size_, 0};
    }
    groups[i] = slots_[at].group - 1;
  }
  return {};
}

Result<void> GroupTable::FindOrInsert(const Vector* keys, uint32_t count, uint32_t* groups) {
  DCHECK(count <= kVectorSize);
  scratch_.resize(kVectorSize);
  switch (plan_->mode()) {
    case GroupKeyPlan::Mode::kNone:
      size_ = 1;
      std::fill_n(groups, count, 0);
      return {};
    case GroupKeyPlan::Mode::kDirect:
      plan_->Pack(keys, count, scratch_.data());
      return FindDirect(keys, scratch_.data(), count, groups);
    case GroupKeyPlan::Mode::kPacked:
      plan_->Pack(keys, count, scratch_.data());
      return FindPacked(keys, scratch_.data(), count, groups);
    case GroupKeyPlan::Mode::kGeneric:
      plan_->Hash(keys, count, scratch_.data());
      return FindGeneric(keys, scratch_.data(), count, groups);
  }
  return {};
}

void GroupTable::Find(const Vector* keys, uint32_t count, uint32_t* groups) {
  if (plan_->mode() == GroupKeyPlan::Mode::kNone || size_ == 0) {
    std::fill_n(groups, count, size_ == 0 ? kNoGroup : 0);
    return;
  }
  scratch_.resize(kVectorSize);
  const bool packed = plan_->packed();
  if (packed) {
    plan_->Pack(keys, count, scratch_.data());
  } else {
    plan_->Hash(keys, count, scratch_.data());
  }
  if (plan_->mode() == GroupKeyPlan::Mode::kDirect) {
    for (uint32_t i = 0; i < count; ++i) groups[i] = direct_[scratch_[i]] - 1;
    return;
  }
  const size_t mask = slots_.capacity() - 1;
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t key = scratch_[i];
    size_t at = (packed ? MixKey(key) : key) & mask;
    while (slots_[at].group != 0 &&
           (slots_[at].key != key || (!packed && !SameKey(keys, i, slots_[at].group - 1))))
      at = (at + 1) & mask;
    groups[i] = slots_[at].group - 1;
  }
}

bool GroupTable::MustGrow(uint32_t more) const {
  const size_t need = size_t{size_} + more;
  switch (plan_->mode()) {
    case GroupKeyPlan::Mode::kNone: return false;
    case GroupKeyPlan::Mode::kDirect: return need > packed_.capacity();
    case GroupKeyPlan::Mode::kPacked: return need > packed_.capacity() || need * 2 > slots_.capacity();
    case GroupKeyPlan::Mode::kGeneric: return need > hashes_.capacity() || need * 2 > slots_.capacity();
  }
  return true;
}

Result<void> GroupTable::Absorb(const GroupTable& from, const uint32_t* from_groups, uint32_t count, uint32_t* groups) {
  if (plan_->mode() == GroupKeyPlan::Mode::kNone) return FindOrInsert(nullptr, count, groups);
  scratch_.resize(kVectorSize);
  // Gather the stored keys of the wanted groups into vectors.
  std::vector<VectorBuffer> buffers(stores_.size());
  std::vector<Vector> keys(stores_.size());
  for (size_t c = 0; c < stores_.size(); ++c) {
    if (stores_[c] == nullptr) continue;
    const KeyStore& store = *from.stores_[c];
    const uint32_t width = LaneWidth(store.lane);
    buffers[c].Reset(store.lane);
    keys[c] = buffers[c].Flat();
    keys[c].nulls = buffers[c].Nulls();
    keys[c].dictionary = plan_->columns()[c].info.dictionary;
    for (uint32_t i = 0; i < count; ++i) {
      std::memcpy(static_cast<char*>(keys[c].data) + size_t{i} * width,
                  store.values.data() + size_t{from_groups[i]} * width, width);
      keys[c].nulls[i] = store.nulls[from_groups[i]];
    }
  }
  if (plan_->packed()) {
    for (uint32_t i = 0; i < count; ++i) scratch_[i] = from.packed_[from_groups[i]];
    return plan_->mode() == GroupKeyPlan::Mode::kDirect ? FindDirect(keys.data(), scratch_.data(), count, groups)
                                                        : FindPacked(keys.data(), scratch_.data(), count, groups);
  }
  for (uint32_t i = 0; i < count; ++i) scratch_[i] = from.hashes_[from_groups[i]];
  return FindGeneric(keys.data(), scratch_.data(), count, groups);
}

Vector GroupTable::ReadKey(size_t column, uint32_t first, uint32_t count, VectorBuffer* buffer) const {
  const GroupKeyColumn& key = plan_->columns()[column];
  const KeyStore* store = stores_[column].get();
  if (store != nullptr && !plan_->packed()) {
    return {.lane = store->lane,
            .data = store->values.data() + size_t{first} * LaneWidth(store->lane),
            .nulls = key.info.nullable ? store->nulls.data() + first : nullptr,
            .dictionary = key.info.dictionary};
  }
  buffer->Reset(key.info.lane, std::max(count, kVectorSize));
  Vector out = buffer->Flat();
  out.dictionary = key.info.dictionary;
  if (key.info.nullable) out.nulls = buffer->Nulls();
  plan_->Unpack(column, packed_.data() + first, count, out);
  if (store != nullptr)   // show a value of the group rather than the first of its class
    std::memcpy(out.data, store->values.data() + size_t{first} * sizeof(uint32_t), size_t{count} * sizeof(uint32_t));
  return out;
}

}  // namespace sirocco::engine
