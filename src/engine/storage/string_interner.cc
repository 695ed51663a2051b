#include "engine/storage/string_interner.h"

#include <cstring>

namespace sirocco::engine {

namespace {

constexpr uint64_t kFirstSlots = 1024;

uint64_t LoadU64(const char* p) {
  uint64_t v;
  std::memcpy(&v, p, 8);
  return v;
}
uint64_t LoadU32(const char* p) {
  uint32_t v;
  std::memcpy(&v, p, 4);
  return v;
}
// Both halves of the 128-bit product, folded.
uint64_t FoldMultiply(uint64_t a, uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

uint64_t HashBytes(std::string_view bytes) {
  constexpr uint64_t kOdd1 = 0x9E3779B97F4A7C15ull, kOdd2 = 0xC2B2AE3D27D4EB4Full,
                     kOdd3 = 0x165667B19E3779F9ull;
  const char* p = bytes.data();
  const size_t size = bytes.size();
  uint64_t a = 0, b = 0, hash = kOdd3 ^ size;
  if (size >= 16) {
    const char* end = p + size - 16;
    for (; p < end; p += 16) hash = FoldMultiply(LoadU64(p) ^ kOdd1, LoadU64(p + 8) ^ hash);
    a = LoadU64(end);
    b = LoadU64(end + 8);
  } else if (size >= 8) {
    a = LoadU64(p);
    b = LoadU64(p + size - 8);
  } else if (size >= 4) {
    a = LoadU32(p);
    b = LoadU32(p + size - 4);
  } else if (size > 0) {
    a = static_cast<uint8_t>(p[0]) | static_cast<uint64_t>(static_cast<uint8_t>(p[size / 2])) << 8 |
        static_cast<uint64_t>(static_cast<uint8_t>(p[size - 1])) << 16;
  }
  return FoldMultiply(kOdd2 ^ size, FoldMultiply(a ^ kOdd1, b ^ hash));
}

Result<void> StringInterner::GrowSlots() {
  const uint64_t num_slots = slots_.size() == 0 ? kFirstSlots : 2 * (slot_mask_ + 1);
  ASSIGN_OR_RETURN(AlignedBuffer larger, AlignedBuffer::Allocate(pool_, num_slots * sizeof(Slot)));
  std::memset(larger.data(), 0, larger.size());
  Slot* to = larger.as<Slot>();
  const uint64_t mask = num_slots - 1;
  // Slots keep 32 bits of the hash, and a table of more than 2^32 slots cannot arise: codes have 32
  // bits.
  for (uint64_t i = 0; slots_.size() != 0 && i <= slot_mask_; ++i) {
    const Slot slot = slots_.as<Slot>()[i];
    if (slot.code_plus_one == 0) continue;
    uint64_t at = slot.hash & mask;
    while (to[at].code_plus_one != 0) at = (at + 1) & mask;
    to[at] = slot;
  }
  slots_ = std::move(larger);
  slot_mask_ = mask;
  return {};
}

Result<uint32_t> StringInterner::Insert(uint64_t hash, std::string_view value) {
  const auto code = static_cast<uint32_t>(values_.size());
  if (values_.size() == values_.capacity()) {
    const size_t capacity = std::max<size_t>(256, values_.capacity() * 2);
    RETURN_IF_ERROR(reservation_.ResizeTo(capacity * sizeof(StringRef)));
    values_.reserve(capacity);
  }
  const char* copy = arena_.Copy(value);
  if (copy == nullptr) {
    return MakeError(ErrorCode::kOutOfMemory,
                     "memory limit reached while building a dictionary of " +
                         std::to_string(values_.size()) + " values");
  }
  values_.push_back({copy, static_cast<uint32_t>(value.size()), 0});
  total_bytes_ += value.size();
  if (values_.size() * 2 > slot_mask_ + 1) RETURN_IF_ERROR(GrowSlots());
  uint64_t at = static_cast<uint32_t>(hash) & slot_mask_;
  while (slots_.as<Slot>()[at].code_plus_one != 0) at = (at + 1) & slot_mask_;
  slots_.as<Slot>()[at] = {static_cast<uint32_t>(hash), code + 1};
  return code;
}

Result<void> StringInterner::Intern(const uint32_t* offsets, const char* bytes,
                                    const uint8_t* nulls, uint32_t count, uint32_t* codes) {
  if (slots_.size() == 0) RETURN_IF_ERROR(GrowSlots());
  for (uint32_t i = 0; i < count; ++i) {
    if (nulls != nullptr && nulls[i]) {
      codes[i] = 0;
      continue;
    }
    const std::string_view value(bytes + offsets[i], offsets[i + 1] - offsets[i]);
    const uint64_t hash = HashBytes(value);
    const auto tag = static_cast<uint32_t>(hash);
    uint64_t at = tag & slot_mask_;
    for (;;) {
      const Slot slot = slots_.as<Slot>()[at];
      if (slot.code_plus_one == 0) {
        ASSIGN_OR_RETURN(codes[i], Insert(hash, value));
        break;
      }
      if (slot.hash == tag) {
        const StringRef& known = values_[slot.code_plus_one - 1];
        if (known.size == value.size() &&
            std::memcmp(known.data, value.data(), value.size()) == 0) {
          codes[i] = slot.code_plus_one - 1;
          break;
        }
      }
      at = (at + 1) & slot_mask_;
    }
  }
  return {};
}

}  // namespace sirocco::engine
