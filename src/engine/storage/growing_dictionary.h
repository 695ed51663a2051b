// The dictionary of a column that changes: finds the code of a value and appends values it does not
// know as the tail. Old codes keep their meaning, so encoded chunks stay as they are.
//
// Shape: the values of all generations lie in one array that grows in place; a published Dictionary
// is a view of its first values, which never change. An open addressing table of {32 hash bits,
// code + 1} finds them. Values that a transaction brought which is never published stay: a
// dictionary may know more values than there are rows of.
//
// Threads: one at a time; published dictionaries are immutable. Errors: kOutOfMemory; the object
// stays usable.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "common/error.h"
#include "engine/memory/aligned_buffer.h"
#include "engine/storage/dictionary.h"

namespace sirocco::engine {

class GrowingDictionary {
 public:
  // Costs nothing before the first CodeOf, which hashes all values.
  GrowingDictionary(std::shared_ptr<const Dictionary> base, std::shared_ptr<MemoryPool> pool)
      : pool_(std::move(pool)), current_(std::move(base)), reservation_(pool_.get()) {}

  Result<uint32_t> CodeOf(std::string_view value);
  // Everything added so far.
  std::shared_ptr<const Dictionary> Current();
  std::string_view value(uint32_t code) const {
    return storage_ == nullptr ? current_->value(code) : storage_->value_array()[code].view();
  }
  uint32_t size() const { return storage_ == nullptr ? current_->size() : size_; }
  // Number of classes: values that differ under the collation. Exact once something was added.
  double num_classes() const { return num_classes_; }

 private:
  struct Slot {
    uint32_t hash;
    uint32_t code_plus_one;  // 0: empty
  };
  // Bytes of tail values, in blocks that are readable past their end.
  struct Bytes {
    std::shared_ptr<MemoryPool> pool;
    std::vector<AlignedBuffer> blocks;
    size_t used_in_last = 0, total = 0;
  };
  // What generations share. Destroyed with the last of them.
  struct Storage {
    std::shared_ptr<MemoryPool> pool;
    std::shared_ptr<const Dictionary> base;  // owns the bytes of its values
    std::shared_ptr<Bytes> bytes;
    AlignedBuffer values, classes;
    uint32_t capacity = 0;
    bool has_classes = false;

    StringRef* value_array() const { return values.as<StringRef>(); }
    uint32_t* class_array() const { return classes.as<uint32_t>(); }
  };

  Result<void> Open();
  Result<void> GrowSlots(uint64_t num_slots);
  Result<void> GrowStorage(uint32_t capacity);
  Result<const char*> CopyBytes(std::string_view value);
  // The class that a new value belongs to, or its own code.
  uint32_t FindClass(std::string_view value, uint32_t code);
  Result<void> StartClasses();
  Result<uint32_t> Append(uint64_t hash, std::string_view value);

  std::shared_ptr<MemoryPool> pool_;
  std::shared_ptr<const Dictionary> current_;  // the newest generation
  std::shared_ptr<Storage> storage_;           // null until something was added
  uint32_t size_ = 0;
  double num_classes_ = 0;
  AlignedBuffer slots_;
  uint64_t slot_mask_ = 0;
  // The first value of each class that has none in the sorted part, by hash under the collation.
  std::unordered_multimap<uint64_t, uint32_t> tail_classes_;
  MemoryReservation reservation_;  // of tail_classes_
};

}  // namespace sirocco::engine
