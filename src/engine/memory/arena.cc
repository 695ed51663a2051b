#include "engine/memory/arena.h"

#include <algorithm>
#include <cstring>

namespace sirocco::engine {

Arena::~Arena() { pool_->Release(allocated_bytes_); }

void* Arena::Allocate(size_t bytes, size_t alignment) {
  if (!blocks_.empty()) {
    auto base = reinterpret_cast<uintptr_t>(blocks_.back().memory.get());
    uintptr_t at = (base + used_in_last_ + alignment - 1) & ~(uintptr_t{alignment} - 1);
    if (at + bytes <= base + blocks_.back().size) {
      used_in_last_ = at + bytes - base;
      return reinterpret_cast<void*>(at);
    }
  }
  size_t size = std::max(block_bytes_, bytes + alignment);
  if (!pool_->TryReserve(size)) return nullptr;
  allocated_bytes_ += size;
  blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
  auto base = reinterpret_cast<uintptr_t>(blocks_.back().memory.get());
  uintptr_t at = (base + alignment - 1) & ~(uintptr_t{alignment} - 1);
  used_in_last_ = at + bytes - base;
  return reinterpret_cast<void*>(at);
}

const char* Arena::Copy(std::string_view bytes) {
  auto* copy = static_cast<char*>(Allocate(std::max<size_t>(bytes.size(), 1), 1));
  if (copy != nullptr && !bytes.empty()) std::memcpy(copy, bytes.data(), bytes.size());
  return copy;
}

void Arena::Clear() {
  while (blocks_.size() > 1) {
    pool_->Release(blocks_.back().size);
    allocated_bytes_ -= blocks_.back().size;
    blocks_.pop_back();
  }
  used_in_last_ = 0;
}

}  // namespace sirocco::engine
