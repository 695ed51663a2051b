#include "engine/storage/growing_dictionary.h"

#include <algorithm>
#include <cstring>

#include "engine/storage/string_interner.h"
#include "mysqlsem/collation.h"

namespace sirocco::engine {

namespace {

constexpr uint64_t kMinSlots = 256;
constexpr size_t kBlockBytes = 16 << 10;
constexpr uint32_t kMinCapacity = 64;
// What an entry of the map of classes takes, about.
constexpr size_t kClassEntryBytes = 48;

}  // namespace

Result<void> GrowingDictionary::GrowSlots(uint64_t num_slots) {
  ASSIGN_OR_RETURN(AlignedBuffer larger, AlignedBuffer::Allocate(pool_.get(), num_slots * 8));
  std::memset(larger.data(), 0, larger.size());
  Slot* to = larger.as<Slot>();
  const uint64_t mask = num_slots - 1;
  auto put = [&](Slot slot) {
    uint64_t at = slot.hash & mask;
    while (to[at].code_plus_one != 0) at = (at + 1) & mask;
    to[at] = slot;
  };
  if (slots_.size() == 0) {
    for (uint32_t code = 0; code < current_->size(); ++code)
      put({static_cast<uint32_t>(HashBytes(current_->value(code))), code + 1});
  } else {
    for (uint64_t i = 0; i <= slot_mask_; ++i)
      if (slots_.as<Slot>()[i].code_plus_one != 0) put(slots_.as<Slot>()[i]);
  }
  slots_ = std::move(larger);
  slot_mask_ = mask;
  return {};
}

Result<void> GrowingDictionary::Open() {
  uint64_t num_slots = kMinSlots;
  while (num_slots < uint64_t{current_->size()} * 2 + 2) num_slots *= 2;
  return GrowSlots(num_slots);
}

Result<uint32_t> GrowingDictionary::CodeOf(std::string_view value) {
  if (slots_.size() == 0) RETURN_IF_ERROR(Open());
  const uint64_t hash = HashBytes(value);
  const auto tag = static_cast<uint32_t>(hash);
  const StringRef* values = storage_ == nullptr ? current_->values() : storage_->value_array();
  for (uint64_t at = tag & slot_mask_;; at = (at + 1) & slot_mask_) {
    const Slot slot = slots_.as<Slot>()[at];
    if (slot.code_plus_one == 0) return Append(hash, value);
    if (slot.hash == tag && values[slot.code_plus_one - 1].view() == value)
      return slot.code_plus_one - 1;
  }
}

Result<void> GrowingDictionary::GrowStorage(uint32_t capacity) {
  auto larger = std::make_shared<Storage>();
  larger->pool = pool_;
  larger->capacity = capacity;
  const bool first = storage_ == nullptr;
  larger->base = first ? current_ : storage_->base;
  if (first) {
    larger->bytes = std::make_shared<Bytes>();
    larger->bytes->pool = pool_;
  } else {
    larger->bytes = storage_->bytes;
  }
  const uint32_t size = this->size();
  const StringRef* values = first ? current_->values() : storage_->value_array();
  ASSIGN_OR_RETURN(larger->values, AlignedBuffer::Allocate(pool_.get(), size_t{capacity} * 16));
  std::copy(values, values + size, larger->value_array());
  larger->has_classes = first ? current_->classes() != nullptr : storage_->has_classes;
  if (larger->has_classes) {
    const uint32_t* classes = first ? current_->classes() : storage_->class_array();
    ASSIGN_OR_RETURN(larger->classes, AlignedBuffer::Allocate(pool_.get(), size_t{capacity} * 4));
    std::copy(classes, classes + size, larger->class_array());
  }
  if (first) {
    num_classes_ = size;
    if (const uint32_t* classes = current_->classes()) {
      num_classes_ = 0;
      for (uint32_t code = 0; code < size; ++code) num_classes_ += classes[code] == code;
    }
    size_ = size;
    // The classes of a tail that is already there.
    const mysqlsem::Collation* collation = current_->collation();
    const uint32_t tail = size - current_->sorted_size();
    if (tail != 0 && collation != nullptr && !collation->is_binary()) {
      RETURN_IF_ERROR(reservation_.ResizeTo(tail * kClassEntryBytes));
      for (uint32_t code = current_->sorted_size(); code < size; ++code)
        if (current_->classes() == nullptr || current_->classes()[code] == code)
          tail_classes_.emplace(collation->Hash(current_->value(code)), code);
    }
  }
  storage_ = std::move(larger);
  return {};
}

Result<const char*> GrowingDictionary::CopyBytes(std::string_view value) {
  Bytes& bytes = *storage_->bytes;
  if (bytes.blocks.empty() || bytes.blocks.back().size() - bytes.used_in_last < value.size()) {
    ASSIGN_OR_RETURN(AlignedBuffer block,
                     AlignedBuffer::Allocate(pool_.get(), std::max(kBlockBytes, value.size())));
    std::memset(block.data(), 0, block.size());
    bytes.blocks.push_back(std::move(block));
    bytes.used_in_last = 0;
  }
  char* copy = bytes.blocks.back().data() + bytes.used_in_last;
  if (!value.empty()) std::memcpy(copy, value.data(), value.size());
  bytes.used_in_last += value.size();
  bytes.total += value.size();
  return copy;
}

uint32_t GrowingDictionary::FindClass(std::string_view value, uint32_t code) {
  const mysqlsem::Collation* collation = storage_->base->collation();
  if (collation == nullptr || collation->is_binary()) return code;
  const StringRef* values = storage_->value_array();
  const StringRef* end = values + storage_->base->sorted_size();
  const StringRef* at = std::partition_point(
      values, end, [&](const StringRef& v) { return collation->Compare(v.view(), value) < 0; });
  if (at != end && collation->Equal(at->view(), value))
    return storage_->has_classes ? storage_->class_array()[at - values]
                                 : static_cast<uint32_t>(at - values);
  const uint64_t hash = collation->Hash(value);
  const auto [begin, stop] = tail_classes_.equal_range(hash);
  for (auto it = begin; it != stop; ++it)
    if (collation->Equal(values[it->second].view(), value)) return it->second;
  return code;
}

Result<void> GrowingDictionary::StartClasses() {
  if (storage_->has_classes) return {};
  ASSIGN_OR_RETURN(storage_->classes,
                   AlignedBuffer::Allocate(pool_.get(), size_t{storage_->capacity} * 4));
  for (uint32_t code = 0; code < size_; ++code) storage_->class_array()[code] = code;
  storage_->has_classes = true;
  return {};
}

Result<uint32_t> GrowingDictionary::Append(uint64_t hash, std::string_view value) {
  if (size() >= UINT32_MAX - 1)
    return MakeError(ErrorCode::kOutOfMemory, "a dictionary has too many values");
  if (storage_ == nullptr || size_ == storage_->capacity)
    RETURN_IF_ERROR(GrowStorage(std::max(kMinCapacity, size() + size() / 2)));
  if ((uint64_t{size_} + 1) * 2 > slot_mask_ + 1) RETURN_IF_ERROR(GrowSlots(2 * (slot_mask_ + 1)));
  const uint32_t code = size_;
  const uint32_t of_class = FindClass(value, code);
  if (of_class != code) RETURN_IF_ERROR(StartClasses());
  const mysqlsem::Collation* collation = storage_->base->collation();
  if (of_class == code && collation != nullptr && !collation->is_binary()) {
    RETURN_IF_ERROR(reservation_.ResizeTo((tail_classes_.size() + 1) * kClassEntryBytes));
    tail_classes_.emplace(collation->Hash(value), code);
  }
  ASSIGN_OR_RETURN(const char* copy, CopyBytes(value));
  storage_->value_array()[code] = {copy, static_cast<uint32_t>(value.size()), 0};
  if (storage_->has_classes) storage_->class_array()[code] = of_class;
  num_classes_ += of_class == code;
  ++size_;
  uint64_t at = static_cast<uint32_t>(hash) & slot_mask_;
  while (slots_.as<Slot>()[at].code_plus_one != 0) at = (at + 1) & slot_mask_;
  slots_.as<Slot>()[at] = {static_cast<uint32_t>(hash), code + 1};
  return code;
}

std::shared_ptr<const Dictionary> GrowingDictionary::Current() {
  if (storage_ == nullptr || current_->size() == size_) return current_;
  auto next = std::make_shared<Dictionary>();
  next->owner_ = storage_;
  next->values_ = storage_->value_array();
  next->classes_ = storage_->has_classes ? storage_->class_array() : nullptr;
  next->size_ = size_;
  next->sorted_size_ = storage_->base->sorted_size();
  next->collation_ = storage_->base->collation();
  next->size_bytes_ = storage_->base->size_bytes() + storage_->bytes->total +
                      size_t{size_ - storage_->base->size()} * sizeof(StringRef);
  current_ = next;
  return current_;
}

}  // namespace sirocco::engine
