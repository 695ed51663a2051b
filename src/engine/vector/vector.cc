#include "engine/vector/vector.h"

#include <cstdlib>
#include <new>

#include "common/check.h"
#include "engine/storage/dictionary.h"

namespace sirocco::engine {

namespace {

// Readable bytes past the end of every buffer, so that kernels need no tails.
constexpr size_t kPadding = 64;

void* AllocateAligned(size_t bytes) {
  size_t size = (bytes + kPadding + 63) & ~size_t{63};
  void* memory = std::aligned_alloc(64, size);
  if (memory == nullptr) throw std::bad_alloc();
  std::memset(static_cast<char*>(memory) + bytes, 0, size - bytes);
  return memory;
}

template <typename T>
void GatherValues(const Vector& in, const uint16_t* rows, uint32_t count, T* out) {
  const T* values = static_cast<const T*>(in.data);
  if (in.constant) {
    for (uint32_t i = 0; i < count; ++i) out[i] = values[0];
  } else {
    for (uint32_t i = 0; i < count; ++i) out[i] = values[rows[i]];
  }
}

}  // namespace

uint32_t LaneWidth(Lane lane) {
  switch (lane) {
    case Lane::kI64: return 8;
    case Lane::kI128: return 16;
    case Lane::kF64: return 8;
    case Lane::kStr: return 16;
    case Lane::kCode: return 4;
  }
  return 0;
}

void VectorBuffer::Free::operator()(void* p) const { std::free(p); }

void VectorBuffer::Reset(Lane lane, uint32_t capacity) {
  size_t bytes = size_t{LaneWidth(lane)} * capacity;
  if (bytes > bytes_ || data_ == nullptr) {
    data_.reset(AllocateAligned(bytes));
    bytes_ = bytes;
  }
  if (capacity > capacity_) nulls_.reset();
  if (capacity > capacity_) capacity_ = capacity;
  lane_ = lane;
}

uint8_t* VectorBuffer::Nulls() {
  if (nulls_ == nullptr) nulls_.reset(static_cast<uint8_t*>(AllocateAligned(capacity_)));
  return nulls_.get();
}

void GatherVector(const Vector& in, const uint16_t* rows, uint32_t count, const Vector& out,
                  uint32_t out_offset) {
  DCHECK(!out.constant && out.lane == in.lane);
  switch (in.lane) {
    case Lane::kI64:
    case Lane::kF64: GatherValues(in, rows, count, out.i64() + out_offset); break;
    case Lane::kI128: GatherValues(in, rows, count, out.i128() + out_offset); break;
    case Lane::kStr: GatherValues(in, rows, count, out.str() + out_offset); break;
    case Lane::kCode: GatherValues(in, rows, count, out.code() + out_offset); break;
  }
  if (out.nulls == nullptr) return;
  uint8_t* nulls = out.nulls + out_offset;
  if (in.nulls == nullptr) {
    std::memset(nulls, 0, count);
  } else if (in.constant) {
    std::memset(nulls, in.nulls[0], count);
  } else {
    for (uint32_t i = 0; i < count; ++i) nulls[i] = in.nulls[rows[i]];
  }
}

Vector Flatten(const Vector& in, uint32_t count, VectorBuffer* buffer) {
  if (!in.constant) return in;
  buffer->Reset(in.lane, std::max(count, kVectorSize));
  Vector out = buffer->Flat();
  out.dictionary = in.dictionary;
  if (in.nulls != nullptr) out.nulls = buffer->Nulls();
  GatherVector(in, nullptr, count, out, 0);
  return out;
}

Vector DecodeDictionary(const Vector& in, uint32_t count, VectorBuffer* buffer) {
  if (in.lane != Lane::kCode) return in;
  buffer->Reset(Lane::kStr, std::max(count, kVectorSize));
  Vector out = buffer->Flat();
  out.constant = in.constant;
  out.nulls = in.nulls;
  const StringRef* values = in.dictionary->values();
  const uint32_t n = in.constant ? 1 : count;
  for (uint32_t i = 0; i < n; ++i) out.str()[i] = values[in.code()[i]];
  return out;
}

}  // namespace sirocco::engine
