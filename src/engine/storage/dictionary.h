// The distinct values of a string column, shared by all chunks of a table.
//
// Codes 0..sorted_size()-1 are ordered by (collation weight, bytes); codes equal under the
// collation form a class, which is contiguous but for the tail. Codes from sorted_size() on are the
// tail: values newer than the last merge, in arrival order. Immutable once published: a merge or an
// append (growing_dictionary.h) makes a new Dictionary, in which old codes keep their meaning after
// an append. Threads: const methods from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "engine/memory/memory_pool.h"
#include "engine/vector/vector.h"

namespace sirocco::mysqlsem {
class Collation;
}

namespace sirocco::engine {

class Dictionary {
 public:
  Dictionary() = default;
  ~Dictionary() {
    if (pool_ != nullptr) pool_->Release(size_bytes_);
  }
  Dictionary(const Dictionary&) = delete;
  Dictionary& operator=(const Dictionary&) = delete;

  uint32_t size() const { return size_; }
  uint32_t sorted_size() const { return sorted_size_; }
  // values()[code] is the exact value; the array is padded so that code 0 is readable even when
  // empty (an empty string).
  const StringRef* values() const { return values_; }
  std::string_view value(uint32_t code) const { return values_[code].view(); }
  const mysqlsem::Collation* collation() const { return collation_; }

  // classes()[code]: the smallest code equal to it under the collation; codes of one class compare
  // equal. nullptr if every class has one member, that is, codes themselves may be compared and
  // hashed.
  const uint32_t* classes() const { return classes_; }
  // True if code order is value order for all codes (no tail).
  bool sorted() const { return sorted_size_ == size(); }

  size_t size_bytes() const { return size_bytes_; }

 private:
  friend class DictionaryBuilder;
  friend class GrowingDictionary;
  friend class SnapshotFile;
  // What the views below show, if this dictionary owns it: values (one more than size_: an empty
  // string), classes, and the bytes one after the other, in code order, and padding.
  std::vector<StringRef> own_values_;
  std::vector<uint32_t> own_classes_;
  std::vector<char> own_bytes_;
  std::shared_ptr<const void> owner_;  // else who does
  const StringRef* values_ = nullptr;
  const uint32_t* classes_ = nullptr;
  uint32_t size_ = 0;
  uint32_t sorted_size_ = 0;
  size_t size_bytes_ = 0;  // charged to pool_
  std::shared_ptr<MemoryPool> pool_;
  const mysqlsem::Collation* collation_ = nullptr;
};

}  // namespace sirocco::engine
